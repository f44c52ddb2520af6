/* From a normalised record to the values that linking compares: dictionary fields by
 * their codes, and a few parts of them by names of their own. */
#include "base/vntext.h"
#include "platforms/registry/build/build.h"

enum { TEXT_BYTES = 512 };

enum feed_kind {
    FEED_FIELD,    /* the dictionary field's value */
    FEED_COMMUNE,  /* commune code of an address field */
    FEED_PROVINCE, /* province code of an address field */
    FEED_STREET,   /* the address without its units */
};

struct feed_column {
    enum feed_kind kind;
    unsigned fields[2]; /* the first that has a value counts */
    unsigned slots[2];  /* of the same in picks */
    unsigned field_count;
    char text[TEXT_BYTES];
};

struct ndc_link_feed {
    unsigned count, pick_count;
    struct ndc_record_wanted wanted;
    struct ndc_record_pick picks[2 * NDC_LINK_FIELDS_MAX];
    struct feed_column columns[NDC_LINK_FIELDS_MAX];
    struct ndc_str values[NDC_LINK_FIELDS_MAX];
};

static unsigned id_of(const char *code)
{
    const struct ndc_field *f = ndc_field_find(ndc_str(code));
    NDC_ASSERT(f);
    return f->id;
}

static struct feed_column resolve(const char *name)
{
    static const struct {
        const char *name;
        enum feed_kind kind;
        const char *fields[2];
    } parts[] = {
        {"commune", FEED_COMMUNE, {"permanent_address", "current_address"}},
        {"province", FEED_PROVINCE, {"permanent_address", "current_address"}},
        {"street", FEED_STREET, {"permanent_address", "current_address"}},
        {"current_commune", FEED_COMMUNE, {"current_address", NULL}},
        {"birth_province", FEED_PROVINCE, {"birth_place", "origin_place"}},
        {"head_commune", FEED_COMMUNE, {"head_address", NULL}},
        {"head_street", FEED_STREET, {"head_address", NULL}},
    };
    struct feed_column c = {.kind = FEED_FIELD};
    for (size_t i = 0; i < NDC_ARRAY_LEN(parts); i++) {
        if (strcmp(parts[i].name, name) != 0) continue;
        c.kind = parts[i].kind;
        for (unsigned k = 0; k < 2 && parts[i].fields[k]; k++)
            c.fields[c.field_count++] = id_of(parts[i].fields[k]);
        return c;
    }
    c.fields[c.field_count++] = id_of(name);
    return c;
}

struct ndc_link_feed *ndc_link_feed_new(const struct ndc_link_spec *spec)
{
    struct ndc_link_feed *feed = ndc_xcalloc(1, sizeof(*feed));
    feed->count = ndc_link_spec_field_count(spec);
    memset(&feed->wanted, NDC_RECORD_NO_SLOT, sizeof(feed->wanted));
    for (unsigned i = 0; i < feed->count; i++) {
        struct feed_column *c = &feed->columns[i];
        *c = resolve(ndc_link_spec_field_name(spec, i));
        for (unsigned k = 0; k < c->field_count; k++) {
            uint8_t *slot = &feed->wanted.slot[c->fields[k]];
            if (*slot == NDC_RECORD_NO_SLOT) *slot = (uint8_t)feed->pick_count++;
            c->slots[k] = *slot;
        }
    }
    return feed;
}

void ndc_link_feed_free(struct ndc_link_feed *feed)
{
    free(feed);
}

static struct ndc_str number_text(struct feed_column *c, uint32_t v)
{
    char digits[12];
    size_t n = 0;
    do {
        digits[n++] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    for (size_t i = 0; i < n; i++)
        c->text[i] = digits[n - 1 - i];
    return ndc_str_n(c->text, n);
}

/* What stands before the first unit: "Số 12, ngõ 5" of "Số 12, ngõ 5, Phường X, Tỉnh Y".
 * The normal form ends in commune and province where both are known. */
static struct ndc_str street_of(const struct ndc_record_pick *f)
{
    unsigned units = f->place % 100000 ? 2 : f->place ? 1 : 0;
    size_t len = f->value.len;
    while (units && len) {
        len--;
        if (f->value.ptr[len] == ',') units--;
    }
    return units ? NDC_STR_NULL : ndc_str_n(f->value.ptr, len);
}

static struct ndc_str value_of(struct feed_column *c, const struct ndc_record_pick *picks)
{
    const struct ndc_record_pick *f = &picks[c->slots[0]];
    if (!f->value.len && c->field_count > 1) f = &picks[c->slots[1]];
    if (!f->value.len) return NDC_STR_NULL;
    switch (c->kind) {
    case FEED_COMMUNE:
        return f->place % 100000 ? number_text(c, f->place) : NDC_STR_NULL;
    case FEED_PROVINCE:
        return f->place ? number_text(c, f->place / 100000) : NDC_STR_NULL;
    case FEED_STREET:
        return street_of(f);
    default:
        return f->value;
    }
}

const struct ndc_str *ndc_link_feed_values(struct ndc_link_feed *feed,
                                           const struct ndc_record *record)
{
    for (unsigned i = 0; i < feed->pick_count; i++)
        feed->picks[i].value.len = 0;
    for (unsigned i = 0; i < record->count; i++) {
        const struct ndc_record_field *f = &record->fields[i];
        unsigned slot = feed->wanted.slot[f->field];
        if (slot != NDC_RECORD_NO_SLOT && f->value.len && !feed->picks[slot].value.len)
            feed->picks[slot] = (struct ndc_record_pick){f->value, f->place};
    }
    for (unsigned i = 0; i < feed->count; i++)
        feed->values[i] = value_of(&feed->columns[i], feed->picks);
    return feed->values;
}

const struct ndc_str *ndc_link_feed_encoded(struct ndc_link_feed *feed,
                                            struct ndc_str record)
{
    if (!ndc_record_pick_fields(feed->picks, feed->pick_count, &feed->wanted, record))
        return NULL;
    for (unsigned i = 0; i < feed->count; i++)
        feed->values[i] = value_of(&feed->columns[i], feed->picks);
    return feed->values;
}

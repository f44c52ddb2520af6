/* The index: which keys an entity has. */
#include "platforms/registry/entity/index_build.h"

#include "base/vntext.h"
#include "sys/thread.h"

enum {
    FOLD_MAX = 512,
    WORDS_MAX = 12,
    NAMES_MAX = 24, /* of one entity, remembered so as not to be folded again */
    PLACES_MAX = 4  /* of one record */
};

/* What the index makes of a field. */
enum role { ROLE_NONE, ROLE_IDENTIFIER, ROLE_NAME, ROLE_HOME };

static uint8_t roles[NDC_FIELDS_MAX];
static uint8_t birth_field;
static pthread_once_t roles_once = PTHREAD_ONCE_INIT;

static void fill_roles(void)
{
    static const char *const identifiers[] = {
        "person_id",
        "old_id",
        "social_insurance_no",
        "health_insurance_no",
        "tax_code",
        "passport_no",
        "phone",
        "licence_no",
        "bank_account",
        "vehicle_plate",
        "student_no",
        "org_id",
        "household_no",
    };
    static const char *const names[] = {"full_name", "other_name", "org_name"};
    static const char *const homes[] = {"permanent_address", "current_address",
                                        "head_address"};
    for (size_t i = 0; i < NDC_ARRAY_LEN(identifiers); i++)
        roles[ndc_field_find(ndc_str(identifiers[i]))->id] = ROLE_IDENTIFIER;
    for (size_t i = 0; i < NDC_ARRAY_LEN(names); i++)
        roles[ndc_field_find(ndc_str(names[i]))->id] = ROLE_NAME;
    for (size_t i = 0; i < NDC_ARRAY_LEN(homes); i++)
        roles[ndc_field_find(ndc_str(homes[i]))->id] = ROLE_HOME;
    birth_field = (uint8_t)ndc_field_find(NDC_STR("birth_date"))->id;
}

static enum role role_of(unsigned field)
{
    pthread_once(&roles_once, fill_roles);
    return field < NDC_FIELDS_MAX ? roles[field] : ROLE_NONE;
}

bool ndc_index_is_identifier(unsigned field)
{
    return role_of(field) == ROLE_IDENTIFIER;
}

static void add_key(struct ndc_index_keys *k, uint64_t key)
{
    const unsigned mask = NDC_ARRAY_LEN(k->slots) - 1;
    unsigned at = (unsigned)key & mask;
    for (; k->slots[at]; at = (at + 1) & mask)
        if (k->items[k->slots[at] - 1] == key) return;
    if (k->count == NDC_ARRAY_LEN(k->items)) return;
    k->at[k->count] = (uint16_t)at;
    k->items[k->count++] = key;
    k->slots[at] = (uint16_t)k->count;
}

uint32_t ndc_index_province(uint32_t place)
{
    return place < 100 ? place : place / 100000;
}

uint64_t ndc_index_part(uint32_t year, uint32_t province, struct ndc_str first,
                        struct ndc_str last)
{
    uint64_t with = (uint64_t)year << 32 | province;
    return ndc_index_key(NDC_INDEX_PART, ndc_index_key(NDC_INDEX_PART, with, first),
                         last);
}

uint64_t ndc_index_birth(struct ndc_str date, struct ndc_str word)
{
    int64_t year = 0;
    NDC_ASSERT(ndc_str_to_i64(ndc_str_n(date.ptr, 4), &year));
    return ndc_index_key(NDC_INDEX_BIRTH, (uint64_t)year * 10000, word) ^
           ndc_index_key(NDC_INDEX_BIRTH, 1, date);
}

/* A name as one record has it, with what stands beside it there. */
struct name {
    struct ndc_str text, birth;
    unsigned place_count;
    uint32_t places[PLACES_MAX]; /* provinces, each once */
};

/* The words by which somebody is asked for who has more: surname and given name, the last
 * two, the given name. Each with year of birth and province: alone it is that of very
 * many. Who knows only one of the two asks for every value of the other. */
static void add_parts(struct ndc_index_keys *k, const struct name *name, uint32_t year,
                      const struct ndc_str *words, unsigned n)
{
    const struct ndc_str firsts[] = {NDC_STR(""), words[0], words[n > 1 ? n - 2 : 0]};
    for (unsigned i = 0; i < NDC_MIN(n, 3u); i++) {
        for (unsigned p = 0; p < name->place_count; p++)
            add_key(k, ndc_index_part(year, name->places[p], firsts[i], words[n - 1]));
        if (!name->place_count)
            add_key(k, ndc_index_part(year, 0, firsts[i], words[n - 1]));
    }
}

/* Whole name, name and year, name and province, words, each with the birth date, pairs of
 * neighbouring words, parts. */
static void add_name(struct ndc_index_keys *k, struct ndc_str folded,
                     const struct name *name)
{
    struct ndc_str rest = folded, word, words[WORDS_MAX], birth = name->birth;
    unsigned n = 0;
    int64_t year = 0;
    add_key(k, ndc_index_key(NDC_INDEX_NAME, 0, folded));
    if (birth.len >= 4 && ndc_str_to_i64(ndc_str_n(birth.ptr, 4), &year))
        add_key(k, ndc_index_key(NDC_INDEX_NAME_YEAR, (uint64_t)year, folded));
    for (unsigned i = 0; i < name->place_count; i++)
        add_key(k, ndc_index_key(NDC_INDEX_NAME_PLACE, name->places[i], folded));
    while (n < WORDS_MAX && ndc_str_split(&rest, ' ', &word))
        if (word.len) words[n++] = word;
    for (unsigned i = 0; i < n; i++) {
        add_key(k, ndc_index_key(NDC_INDEX_WORD, 0, words[i]));
        if (year && birth.len == 10) add_key(k, ndc_index_birth(birth, words[i]));
    }
    for (unsigned i = 0; i + 1 < n; i++) {
        struct ndc_str pair = ndc_str_n(
            words[i].ptr, (size_t)(words[i + 1].ptr + words[i + 1].len - words[i].ptr));
        add_key(k, ndc_index_key(NDC_INDEX_BIGRAM, 0, pair));
    }
    if (n && year) add_parts(k, name, (uint32_t)year, words, n);
}

struct seen_names {
    unsigned count;
    struct name items[NAMES_MAX];
};

static bool same_name(const struct name *a, const struct name *b)
{
    return a->place_count == b->place_count &&
           memcmp(a->places, b->places, a->place_count * sizeof(*a->places)) == 0 &&
           ndc_str_eq(a->text, b->text) && ndc_str_eq(a->birth, b->birth);
}

static bool seen_before(struct seen_names *s, const struct name *name)
{
    for (unsigned i = 0; i < s->count; i++)
        if (same_name(&s->items[i], name)) return true;
    if (s->count < NAMES_MAX) s->items[s->count++] = *name;
    return false;
}

/* What a record says beside its names. */
static void beside_names(struct name *out, const struct ndc_record *r)
{
    const struct ndc_record_field *birth = ndc_record_find(r, birth_field);
    *out = (struct name){.birth = birth ? birth->value : NDC_STR_NULL};
    for (unsigned i = 0; i < r->count; i++) {
        const struct ndc_record_field *f = &r->fields[i];
        if (f->field == NDC_RECORD_UNMAPPED || role_of(f->field) != ROLE_HOME) continue;
        uint32_t province = ndc_index_province(f->place);
        bool there = !province || out->place_count == PLACES_MAX;
        for (unsigned k = 0; k < out->place_count; k++)
            there |= out->places[k] == province;
        if (!there) out->places[out->place_count++] = province;
    }
}

static void add_record(struct ndc_index_keys *k, struct seen_names *seen,
                       const struct ndc_record *r)
{
    char space[FOLD_MAX * 2];
    struct ndc_buf folded = {
        .ptr = space, .cap = sizeof(space), .bytes_max = sizeof(space)};
    struct name name;
    bool besides = false;
    add_key(k, ndc_index_key(NDC_INDEX_RECORD, r->source, r->key));
    for (unsigned i = 0; i < r->count; i++) {
        const struct ndc_record_field *f = &r->fields[i];
        enum role role = f->field == NDC_RECORD_UNMAPPED ? ROLE_NONE : role_of(f->field);
        if (f->value.len == 0) continue;
        if (role == ROLE_IDENTIFIER)
            add_key(k, ndc_index_key(NDC_INDEX_ID, f->field, f->value));
        if (role != ROLE_NAME) continue;
        if (!besides) beside_names(&name, r);
        besides = true;
        name.text = f->value;
        if (f->value.len > FOLD_MAX || seen_before(seen, &name)) continue;
        folded.len = 0;
        ndc_vn_fold_add(&folded, f->value, NDC_VN_FOLD_FULL);
        add_name(k, ndc_buf_str(&folded), &name);
    }
}

void ndc_index_record(struct ndc_index_keys *k, const struct ndc_record *record)
{
    struct seen_names seen;
    seen.count = 0;
    add_record(k, &seen, record);
}

void ndc_index_keys_reset(struct ndc_index_keys *k)
{
    for (unsigned i = 0; i < k->count; i++)
        k->slots[k->at[i]] = 0;
    k->count = 0;
}

void ndc_index_entity(struct ndc_index_keys *k, struct ndc_index_feed *out,
                      uint64_t entity, const struct ndc_entity_view *v)
{
    struct seen_names seen;
    seen.count = 0;
    for (unsigned i = 0; i < v->record_count; i++)
        add_record(k, &seen, &v->records[i]);
    for (unsigned i = 0; i < k->count; i++) {
        ndc_index_feed_add(out, k->items[i], entity);
        k->slots[k->at[i]] = 0;
    }
    k->count = 0;
}

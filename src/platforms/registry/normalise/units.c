/* Administrative units: lookups over the constant tables. Rows lie in the order current
 * provinces, their communes, former provinces, districts, communes, each group sorted by
 * parent, so that containment is a range; codes are found through an index made once. */
#include "platforms/registry/normalise/normalise_internal.h"

#include <stdio.h>

#include "platforms/registry/normalise/units_table.inc"

enum {
    UNITS = CURRENT_PROVINCES + CURRENT_COMMUNES + FORMER_PROVINCES + FORMER_DISTRICTS +
            FORMER_COMMUNES,
    FIRST_COMMUNE = CURRENT_PROVINCES + 1,
    FIRST_FORMER = FIRST_COMMUNE + CURRENT_COMMUNES,
    FIRST_DISTRICT = FIRST_FORMER + FORMER_PROVINCES,
    FIRST_FORMER_COMMUNE = FIRST_DISTRICT + FORMER_DISTRICTS
};
_Static_assert(sizeof(units) / sizeof(units[0]) == UNITS, "the table is whole");

static const struct {
    const char *code, *vi, *en;
} kinds[NDC_UNIT_KIND_COUNT] = {
    [NDC_UNIT_TINH] = {"province", "Tỉnh", "Province"},
    [NDC_UNIT_THANH_PHO] = {"city", "Thành phố", "City"},
    [NDC_UNIT_QUAN] = {"urban_district", "Quận", "District"},
    [NDC_UNIT_HUYEN] = {"district", "Huyện", "District"},
    [NDC_UNIT_THI_XA] = {"town", "Thị xã", "Town"},
    [NDC_UNIT_PHUONG] = {"ward", "Phường", "Ward"},
    [NDC_UNIT_XA] = {"commune", "Xã", "Commune"},
    [NDC_UNIT_THI_TRAN] = {"township", "Thị trấn", "Township"},
    [NDC_UNIT_DAC_KHU] = {"special_zone", "Đặc khu", "Special Zone"},
};

unsigned ndc_unit_count(void)
{
    return UNITS;
}

const struct ndc_unit *ndc_unit_get(unsigned id)
{
    return id >= 1 && id <= UNITS ? &units[id - 1] : NULL;
}

/* First and last + 1 id of a vintage and level. */
static void group(enum ndc_unit_vintage vintage, enum ndc_unit_level level,
                  unsigned *first, unsigned *end)
{
    bool now = vintage == NDC_UNIT_CURRENT;
    *first = *end = 1;
    if (level == NDC_UNIT_PROVINCE) {
        *first = now ? 1 : FIRST_FORMER;
        *end = now ? FIRST_COMMUNE : FIRST_DISTRICT;
    } else if (level == NDC_UNIT_COMMUNE) {
        *first = now ? FIRST_COMMUNE : FIRST_FORMER_COMMUNE;
        *end = now ? FIRST_FORMER : UNITS + 1;
    } else if (level == NDC_UNIT_DISTRICT && !now) {
        *first = FIRST_DISTRICT;
        *end = FIRST_FORMER_COMMUNE;
    }
}

unsigned ndc_unit_find(enum ndc_unit_vintage vintage, enum ndc_unit_level level,
                       uint32_t code)
{
    unsigned first, end;
    group(vintage, level, &first, &end);
    if (level != NDC_UNIT_COMMUNE) {
        for (unsigned id = first; id < end; id++)
            if (units[id - 1].code == code) return id;
        return 0;
    }
    const struct norm_tables *t = norm_tables();
    const struct norm_code *codes = t->codes[vintage];
    size_t low = 0, high = end - first;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (codes[mid].code < code)
            low = mid + 1;
        else
            high = mid;
    }
    return low < end - first && codes[low].code == code ? codes[low].id : 0;
}

static int code_order(const void *a, const void *b)
{
    const struct norm_code *x = a, *y = b;
    return x->code < y->code ? -1 : x->code > y->code;
}

void norm_codes_build(struct norm_tables *t)
{
    for (int vintage = 0; vintage < 2; vintage++) {
        unsigned first, end;
        group((enum ndc_unit_vintage)vintage, NDC_UNIT_COMMUNE, &first, &end);
        t->codes[vintage] = ndc_xcalloc(end - first, sizeof(struct norm_code));
        for (unsigned id = first; id < end; id++)
            t->codes[vintage][id - first] =
                (struct norm_code){units[id - 1].code, (uint16_t)id};
        qsort(t->codes[vintage], end - first, sizeof(struct norm_code), code_order);
    }
}

unsigned ndc_unit_children(enum ndc_unit_vintage vintage, unsigned parent,
                           unsigned *first)
{
    unsigned low, end;
    enum ndc_unit_level level = NDC_UNIT_PROVINCE;
    *first = 1;
    if (parent) {
        const struct ndc_unit *p = ndc_unit_get(parent);
        if (!p || p->level == NDC_UNIT_COMMUNE) return 0;
        vintage = (enum ndc_unit_vintage)p->vintage;
        level = p->level == NDC_UNIT_DISTRICT || vintage == NDC_UNIT_CURRENT
                    ? NDC_UNIT_COMMUNE
                    : NDC_UNIT_DISTRICT;
    }
    group(vintage, level, &low, &end);
    unsigned last = end;
    while (low < last) { /* the first child: parents are sorted within a group */
        unsigned mid = (low + last) / 2;
        if (units[mid - 1].parent < parent)
            low = mid + 1;
        else
            last = mid;
    }
    *first = low;
    while (last < end && units[last - 1].parent == parent)
        last++;
    return last - low;
}

unsigned ndc_unit_province(unsigned id)
{
    const struct ndc_unit *u = ndc_unit_get(id);
    if (!u) return 0;
    while (u->parent) {
        id = u->parent;
        u = &units[id - 1];
    }
    return id;
}

unsigned ndc_unit_successors(unsigned id, const uint16_t **ids)
{
    if (id < 1 || id > UNITS) return 0;
    if (units[id - 1].vintage == NDC_UNIT_CURRENT) {
        *ids = norm_tables()->self + id;
        return 1;
    }
    *ids = successor_ids + successor_first[id - 1];
    return (unsigned)(successor_first[id] - successor_first[id - 1]);
}

unsigned ndc_unit_predecessors(unsigned id, const uint16_t **ids)
{
    if (id < 1 || id > UNITS) return 0;
    *ids = predecessor_ids + predecessor_first[id - 1];
    return (unsigned)(predecessor_first[id] - predecessor_first[id - 1]);
}

void ndc_unit_validity(unsigned id, struct ndc_date *from, struct ndc_date *until)
{
    const struct ndc_unit *u = ndc_unit_get(id);
    *from = *until = (struct ndc_date){0, 0, 0};
    if (u && u->vintage == NDC_UNIT_CURRENT) *from = (struct ndc_date){2025, 7, 1};
    if (u && u->vintage == NDC_UNIT_FORMER) *until = (struct ndc_date){2025, 6, 30};
}

/* Cities that English spells in one word. */
static const char *english_name(const struct ndc_unit *u)
{
    if (u->level != NDC_UNIT_PROVINCE) return NULL;
    return u->code == 1 ? "Hanoi" : u->code == 31 ? "Haiphong" : NULL;
}

size_t ndc_unit_title(char out[static NDC_UNIT_TITLE_MAX], unsigned id, bool english)
{
    const struct ndc_unit *u = ndc_unit_get(id);
    char plain[NDC_VN_ROOM(NDC_UNIT_TITLE_MAX)];
    int n = 0;
    out[0] = 0;
    if (!u) return 0;
    if (!english) {
        n = snprintf(out, NDC_UNIT_TITLE_MAX, "%s %s", kinds[u->kind].vi, u->name);
    } else if (u->name[0] >= '0' && u->name[0] <= '9' && !strchr(u->name, ' ')) {
        n = snprintf(out, NDC_UNIT_TITLE_MAX, "%s %s", kinds[u->kind].en, u->name);
    } else {
        const char *name = english_name(u);
        if (!name) {
            size_t len = norm_plain(plain, ndc_str(u->name));
            plain[len] = 0;
            name = plain;
        }
        n = snprintf(out, NDC_UNIT_TITLE_MAX, "%s %s", name, kinds[u->kind].en);
    }
    return NDC_MIN((size_t)n, (size_t)NDC_UNIT_TITLE_MAX - 1);
}

size_t ndc_unit_code(char out[static 8], unsigned id)
{
    static const int digits[] = {
        [NDC_UNIT_PROVINCE] = 2, [NDC_UNIT_DISTRICT] = 3, [NDC_UNIT_COMMUNE] = 5};
    const struct ndc_unit *u = ndc_unit_get(id);
    out[0] = 0;
    return u ? (size_t)snprintf(out, 8, "%0*u", digits[u->level], u->code % 100000) : 0;
}

const char *ndc_unit_kind_name(enum ndc_unit_kind kind)
{
    return kind < NDC_UNIT_KIND_COUNT ? kinds[kind].code : "?";
}

uint32_t ndc_unit_place(unsigned id)
{
    const struct ndc_unit *u = ndc_unit_get(id);
    if (!u || u->vintage != NDC_UNIT_CURRENT) return 0;
    if (u->level == NDC_UNIT_PROVINCE) return u->code * 100000;
    return units[u->parent - 1].code * 100000 + u->code;
}

unsigned ndc_unit_from_place(uint32_t place)
{
    unsigned province =
        ndc_unit_find(NDC_UNIT_CURRENT, NDC_UNIT_PROVINCE, place / 100000);
    if (place % 100000 == 0 || !province) return province;
    unsigned id = ndc_unit_find(NDC_UNIT_CURRENT, NDC_UNIT_COMMUNE, place % 100000);
    return id && units[id - 1].parent == province ? id : 0;
}

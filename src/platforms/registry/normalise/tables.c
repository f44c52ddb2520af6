/* Indexes over the unit tables: names without tones and spaces to units, made at the
 * first use (about 10 ms) and then only read, by any number of threads. */
#include <threads.h>

#include "platforms/registry/normalise/normalise_internal.h"

static struct norm_tables tables;
static once_flag once = ONCE_FLAG_INIT;

/* Ways to write a province that are not its name. */
static const struct {
    const char *name;
    uint8_t code;
} aliases[] = {
    {"hn", 1},       {"hcm", 79},          {"tphcm", 79},        {"hcmc", 79},
    {"sg", 79},      {"saigon", 79},       {"tpsaigon", 79},     {"tphochiminh", 79},
    {"tphanoi", 1},  {"tphn", 1},          {"hp", 31},           {"haiphong", 31},
    {"brvt", 77},    {"bariavt", 77},      {"vungtaubaria", 77}, {"tth", 46},
    {"tthue", 46},   {"thuathienhue", 46}, {"tthienhue", 46},    {"daclac", 66},
    {"dacnong", 67}, {"bacan", 6},         {"backan", 6},        {"bavi", 0},

};

uint64_t norm_name_key(struct ndc_str folded)
{
    uint64_t key = ndc_hash_str(folded, 0x5e1f);
    return key ? key : 1;
}

static size_t without_spaces(char *s, size_t n)
{
    size_t k = 0;
    for (size_t i = 0; i < n; i++)
        if (s[i] != ' ') s[k++] = s[i];
    return k;
}

uint32_t norm_exact_hash(struct ndc_str name)
{
    char key[NDC_VN_ROOM(96)];
    name.len = NDC_MIN(name.len, (size_t)96);
    size_t n = ndc_vn_fold(key, name, NDC_VN_FOLD_CASE | NDC_VN_FOLD_YI, NULL);
    return (uint32_t)ndc_hash64(key, without_spaces(key, n), 0x7071);
}

const struct norm_entry *norm_entry_find(const struct norm_tables *t, uint64_t key)
{
    for (uint64_t i = key & t->entries_mask;; i = (i + 1) & t->entries_mask) {
        if (t->entries[i].key == key) return &t->entries[i];
        if (t->entries[i].key == 0) return NULL;
    }
}

static struct norm_entry *entry_add(uint64_t key)
{
    uint64_t i = key & tables.entries_mask;
    while (tables.entries[i].key && tables.entries[i].key != key)
        i = (i + 1) & tables.entries_mask;
    tables.entries[i].key = key;
    tables.entries[i].count++;
    return &tables.entries[i];
}

static void fill(uint64_t key, unsigned id)
{
    struct norm_entry *e = (struct norm_entry *)(uintptr_t)norm_entry_find(&tables, key);
    tables.named[e->first + e->count++] = (uint16_t)id;
}

/* Calls fn for every (key, unit), twice: to count, then to fill. */
static void each_name(bool filling)
{
    unsigned n = ndc_unit_count();
    for (unsigned id = 1; id <= n; id++) {
        uint64_t key = norm_name_key(ndc_str(tables.folded[id]));
        if (filling)
            fill(key, id);
        else
            entry_add(key);
    }
    for (size_t i = 0; i < NDC_ARRAY_LEN(aliases); i++) {
        uint64_t key = norm_name_key(ndc_str(aliases[i].name));
        for (int vintage = 0; vintage < 2; vintage++) {
            unsigned id = ndc_unit_find((enum ndc_unit_vintage)vintage, NDC_UNIT_PROVINCE,
                                        aliases[i].code);
            if (!id || ndc_str_eq_c(ndc_str(tables.folded[id]), aliases[i].name))
                continue;
            if (filling)
                fill(key, id);
            else
                entry_add(key);
        }
    }
}

static void build(void)
{
    unsigned n = ndc_unit_count(), first = 0;
    uint64_t slots = 1;
    while (slots < n * 2u)
        slots *= 2;
    tables.entries = ndc_xcalloc(slots, sizeof(*tables.entries));
    tables.entries_mask = slots - 1;
    tables.exact = ndc_xcalloc(n + 1, sizeof(*tables.exact));
    tables.folded = ndc_xcalloc(n + 1, sizeof(*tables.folded));
    tables.self = ndc_xcalloc(n + 1, sizeof(*tables.self));
    tables.named = ndc_xcalloc(n + 2 * NDC_ARRAY_LEN(aliases), sizeof(*tables.named));
    for (unsigned id = 1; id <= n; id++) {
        char key[NDC_VN_ROOM(NDC_UNIT_TITLE_MAX)];
        struct ndc_str name = ndc_str(ndc_unit_get(id)->name);
        size_t len = ndc_vn_fold(key, name, NDC_VN_FOLD_FULL | NDC_VN_FOLD_YI, NULL);
        len = without_spaces(key, len);
        NDC_ASSERT(len < NORM_FOLDED_MAX);
        memcpy(tables.folded[id], key, len);
        tables.exact[id] = norm_exact_hash(name);
        tables.self[id] = (uint16_t)id;
    }
    each_name(false);
    for (uint64_t i = 0; i < slots; i++) {
        tables.entries[i].first = (uint16_t)first;
        first += tables.entries[i].count;
        tables.entries[i].count = 0;
    }
    each_name(true);
    norm_codes_build(&tables);
}

const struct norm_tables *norm_tables(void)
{
    call_once(&once, build);
    return &tables;
}

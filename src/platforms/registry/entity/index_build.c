/* The index: which keys an entity has, writing pages, looking up. */
#include "platforms/registry/entity/index_build.h"

#include "base/vntext.h"
#include "store/bulk.h"
#include "sys/thread.h"

enum {
    FOLD_MAX = 512,
    WORDS_MAX = 12,
    NAMES_MAX = 24,          /* of one entity, remembered so as not to be folded again */
    PAGE_BYTES = 1900,       /* four in a database page of 8 KiB, on either database */
    GROUP_ENTRIES = 1 << 16, /* sorted together at least */
    ROUND_GROUPS = 16,       /* encoded before they are written */
    GROUP_BYTES_MAX = 1 << 30
};

/* What the index makes of a field. */
enum role { ROLE_NONE, ROLE_IDENTIFIER, ROLE_NAME };

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
    for (size_t i = 0; i < NDC_ARRAY_LEN(identifiers); i++)
        roles[ndc_field_find(ndc_str(identifiers[i]))->id] = ROLE_IDENTIFIER;
    for (size_t i = 0; i < NDC_ARRAY_LEN(names); i++)
        roles[ndc_field_find(ndc_str(names[i]))->id] = ROLE_NAME;
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

/* ---- keys of an entity ---- */

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

/* Whole name, name and year, words, pairs of neighbouring words, last word and birth
 * date. */
static void add_name(struct ndc_index_keys *k, struct ndc_str folded,
                     struct ndc_str birth)
{
    struct ndc_str rest = folded, word, words[WORDS_MAX];
    unsigned n = 0;
    int64_t year = 0;
    add_key(k, ndc_index_key(NDC_INDEX_NAME, 0, folded));
    if (birth.len >= 4 && ndc_str_to_i64(ndc_str_n(birth.ptr, 4), &year))
        add_key(k, ndc_index_key(NDC_INDEX_NAME_YEAR, (uint64_t)year, folded));
    while (n < WORDS_MAX && ndc_str_split(&rest, ' ', &word))
        if (word.len) words[n++] = word;
    for (unsigned i = 0; i < n; i++)
        add_key(k, ndc_index_key(NDC_INDEX_WORD, 0, words[i]));
    for (unsigned i = 0; i + 1 < n; i++) {
        struct ndc_str pair = ndc_str_n(
            words[i].ptr, (size_t)(words[i + 1].ptr + words[i + 1].len - words[i].ptr));
        add_key(k, ndc_index_key(NDC_INDEX_BIGRAM, 0, pair));
    }
    if (n && birth.len == 10)
        add_key(k, ndc_index_key(NDC_INDEX_BIRTH, (uint64_t)year * 10000, words[n - 1]) ^
                       ndc_index_key(NDC_INDEX_BIRTH, 1, birth));
}

struct seen_name {
    struct ndc_str name, birth;
};

struct seen_names {
    unsigned count;
    struct seen_name items[NAMES_MAX];
};

static bool seen_before(struct seen_names *s, struct ndc_str name, struct ndc_str birth)
{
    for (unsigned i = 0; i < s->count; i++)
        if (ndc_str_eq(s->items[i].name, name) && ndc_str_eq(s->items[i].birth, birth))
            return true;
    if (s->count < NAMES_MAX) s->items[s->count++] = (struct seen_name){name, birth};
    return false;
}

static void add_record(struct ndc_index_keys *k, struct seen_names *seen,
                       const struct ndc_record *r)
{
    char space[FOLD_MAX * 2];
    struct ndc_buf folded = {
        .ptr = space, .cap = sizeof(space), .bytes_max = sizeof(space)};
    const struct ndc_record_field *birth = NULL;
    add_key(k, ndc_index_key(NDC_INDEX_RECORD, r->source, r->key));
    for (unsigned i = 0; i < r->count; i++) {
        const struct ndc_record_field *f = &r->fields[i];
        enum role role = f->field == NDC_RECORD_UNMAPPED ? ROLE_NONE : role_of(f->field);
        if (role == ROLE_NONE || f->value.len == 0) continue;
        if (role == ROLE_IDENTIFIER) {
            add_key(k, ndc_index_key(NDC_INDEX_ID, f->field, f->value));
            continue;
        }
        if (!birth) birth = ndc_record_find(r, birth_field);
        struct ndc_str date = birth ? birth->value : NDC_STR_NULL;
        if (f->value.len > FOLD_MAX || seen_before(seen, f->value, date)) continue;
        folded.len = 0;
        ndc_vn_fold_add(&folded, f->value, NDC_VN_FOLD_FULL);
        add_name(k, ndc_buf_str(&folded), date);
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

/* ---- pages ---- */

struct page {
    uint64_t first_key, first_entity;
    size_t end; /* in the group's bytes */
};

struct group {
    struct ndc_buf bytes;
    struct page *pages;
    size_t page_count, entries;
    struct ndc_fault fault;
};

struct writing {
    struct ndc_index_sorter *sorter;
    struct ndc_bulk *bulk;
    int64_t generation;
    unsigned width, first; /* partitions a group; first group of the round */
    struct group groups[ROUND_GROUPS];
};

static size_t entries_of_page(const struct ndc_key64 *entries, size_t left)
{
    uint64_t key = 0, value = 0;
    size_t bytes = 0, n = 0;
    for (; n < left && n < NDC_INDEX_PAGE_ENTRIES && bytes < PAGE_BYTES; n++) {
        uint64_t step = entries[n].key - key;
        bytes += ndc_varint_size(step) +
                 ndc_varint_size(entries[n].value - (step ? 0 : value));
        key = entries[n].key;
        value = entries[n].value;
    }
    return n;
}

static void encode_group(void *arg, size_t i)
{
    struct writing *w = arg;
    struct group *g = &w->groups[i];
    struct ndc_key64 *entries;
    unsigned from = (w->first + (unsigned)i) * w->width;
    size_t n, cap = 0;
    ndc_buf_reset(&g->bytes);
    g->page_count = g->entries = 0;
    if (from >= NDC_INDEX_PARTITIONS ||
        ndc_index_sorter_take(w->sorter, from, from + w->width, &entries, &n, &g->fault))
        return;
    g->entries = n;
    for (size_t at = 0, count; at < n; at += count) {
        count = entries_of_page(entries + at, n - at);
        ndc_index_page_encode(&g->bytes, entries + at, count);
        if (g->page_count == cap) {
            cap = cap ? cap * 2 : 256;
            g->pages = ndc_xrealloc(g->pages, cap * sizeof(*g->pages));
        }
        g->pages[g->page_count++] =
            (struct page){entries[at].key, entries[at].value, g->bytes.len};
    }
    free(entries);
}

static enum ndc_err write_group(struct writing *w, struct group *g,
                                struct ndc_fault *fault)
{
    size_t start = 0;
    if (g->fault.err || g->bytes.failed)
        return ndc_fail(fault, g->fault.err ? g->fault.err : NDC_ETOOBIG,
                        g->fault.err ? g->fault.code : "registry.index_too_big", "%s",
                        g->fault.err ? g->fault.message : "the index is too large");
    for (size_t i = 0; i < g->page_count; i++) {
        const struct page *p = &g->pages[i];
        ndc_bulk_i64(w->bulk, w->generation);
        ndc_bulk_i64(w->bulk, (int64_t)p->first_key);
        ndc_bulk_i64(w->bulk, (int64_t)p->first_entity);
        ndc_bulk_blob(w->bulk, ndc_str_n(g->bytes.ptr + start, p->end - start));
        enum ndc_err err = ndc_bulk_row(w->bulk, fault);
        if (err) return err;
        start = p->end;
    }
    return NDC_OK;
}

static enum ndc_err write_groups(struct writing *w, unsigned threads, uint64_t *entries,
                                 struct ndc_fault *fault)
{
    uint64_t added;
    unsigned width = NDC_INDEX_PARTITIONS;
    enum ndc_err err = ndc_index_sorter_count(w->sorter, &added, fault);
    while (width > 1 && added / NDC_INDEX_PARTITIONS * width > GROUP_ENTRIES)
        width /= 2;
    w->width = width;
    *entries = 0;
    for (w->first = 0; w->first * width < NDC_INDEX_PARTITIONS && !err;
         w->first += ROUND_GROUPS) {
        ndc_parallel_for(threads, ROUND_GROUPS, encode_group, w);
        for (unsigned i = 0; i < ROUND_GROUPS && !err; i++) {
            err = write_group(w, &w->groups[i], fault);
            *entries += w->groups[i].entries;
        }
    }
    return err;
}

enum ndc_err ndc_index_write(struct ndc_store_conn *conn, enum ndc_index_table table,
                             int64_t generation, struct ndc_index_sorter *sorter,
                             unsigned threads, uint64_t *entries, struct ndc_fault *fault)
{
    static const struct ndc_bulk_column columns[] = {{"generation", NDC_VAL_I64},
                                                     {"first_key", NDC_VAL_I64},
                                                     {"first_entity", NDC_VAL_I64},
                                                     {"page", NDC_VAL_BLOB}};
    struct ndc_bulk *bulk;
    enum ndc_err err = ndc_bulk_begin(&bulk, conn,
                                      table == NDC_INDEX_SEARCH ? "registry_index_page"
                                                                : "registry_block_page",
                                      columns, NDC_ARRAY_LEN(columns), fault);
    if (err) return err;
    struct writing *w = ndc_xcalloc(1, sizeof(*w));
    *w = (struct writing){.sorter = sorter, .bulk = bulk, .generation = generation};
    for (int i = 0; i < ROUND_GROUPS; i++)
        ndc_buf_init(&w->groups[i].bytes, GROUP_BYTES_MAX);
    err = write_groups(w, threads, entries, fault);
    for (int i = 0; i < ROUND_GROUPS; i++) {
        ndc_buf_free(&w->groups[i].bytes);
        free(w->groups[i].pages);
    }
    free(w);
    if (err) {
        ndc_bulk_abort(bulk);
        return err;
    }
    return ndc_bulk_end(bulk, NULL, fault);
}

enum ndc_err ndc_index_lookup(struct ndc_store_conn *conn, uint64_t key,
                              uint64_t *entities, size_t max, size_t *count,
                              struct ndc_fault *fault)
{
    /* A key's entries may begin in the page before the first that starts with it, and go
     * on over several: walk backwards from the last page that can hold it. */
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT first_key, page FROM registry_index_page WHERE generation = "
        "(SELECT max(generation) FROM registry_index_page) AND "
        "first_key <= $1 ORDER BY first_key DESC, first_entity DESC LIMIT 64",
        NDC_ARGS(ndc_int((int64_t)key)));
    bool damaged = false;
    *count = 0;
    while (ndc_rows_next(rows) && *count < max) {
        bool more, bad;
        *count += ndc_index_page_find(ndc_rows_blob(rows, 1), key, entities + *count,
                                      max - *count, &more, &bad);
        damaged |= bad;
        if ((uint64_t)ndc_rows_i64(rows, 0) < key) break;
    }
    enum ndc_err err = ndc_rows_end(rows, fault);
    if (!err && damaged)
        err = ndc_fail(fault, NDC_EDB, "registry.index_damaged",
                       "a page of the search index is damaged; run \"ndc link run\" to "
                       "build it anew");
    return err;
}

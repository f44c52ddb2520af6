/* The index: which keys an entity has, writing pages, looking up. */
#include "platforms/registry/entity/index_build.h"

#include "base/vntext.h"
#include "store/bulk.h"

enum { PAGE_BYTES_MAX = NDC_INDEX_PAGE_ENTRIES * 20, FOLD_MAX = 512, WORDS_MAX = 12 };

void ndc_index_entries_add(struct ndc_index_entries *list, uint64_t key, uint64_t entity)
{
    if (list->count == list->cap) {
        list->cap = list->cap ? list->cap * 2 : 1024;
        list->items = ndc_xrealloc(list->items, list->cap * sizeof(*list->items));
    }
    list->items[list->count++] = (struct ndc_key64){key, entity};
}

void ndc_index_entries_free(struct ndc_index_entries *list)
{
    free(list->items);
    *list = (struct ndc_index_entries){0};
}

bool ndc_index_is_identifier(unsigned field)
{
    static struct ndc_field_set set; /* filled once: idempotent, so a race is harmless */
    static const char *const codes[] = {
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
    if (ndc_field_set_empty(&set)) {
        struct ndc_field_set fresh = {0};
        for (size_t i = 0; i < NDC_ARRAY_LEN(codes); i++) {
            const struct ndc_field *f = ndc_field_find(ndc_str(codes[i]));
            if (f) ndc_field_set_add(&fresh, f->id);
        }
        set = fresh;
    }
    return field < NDC_FIELDS_MAX && ndc_field_set_has(&set, field);
}

struct ndc_str ndc_index_fold_name(struct ndc_arena *arena, struct ndc_str name)
{
    struct ndc_buf buf;
    ndc_buf_init(&buf, FOLD_MAX * 4);
    name.len = NDC_MIN(name.len, (size_t)FOLD_MAX);
    ndc_vn_fold_add(&buf, name, NDC_VN_FOLD_FULL);
    struct ndc_str folded = ndc_arena_str(arena, ndc_buf_str(&buf));
    ndc_buf_free(&buf);
    return folded;
}

/* Whole name, name and year, pairs of neighbouring words, last word and birth date. */
static void index_name(struct ndc_index_entries *out, uint64_t entity,
                       struct ndc_str folded, struct ndc_str birth)
{
    struct ndc_str rest = folded, word, words[WORDS_MAX];
    unsigned n = 0;
    int64_t year = 0;
    ndc_index_entries_add(out, ndc_index_key(NDC_INDEX_NAME, 0, folded), entity);
    if (birth.len >= 4 && ndc_str_to_i64(ndc_str_n(birth.ptr, 4), &year))
        ndc_index_entries_add(
            out, ndc_index_key(NDC_INDEX_NAME_YEAR, (uint64_t)year, folded), entity);
    while (n < WORDS_MAX && ndc_str_split(&rest, ' ', &word))
        if (word.len) words[n++] = word;
    for (unsigned i = 0; i + 1 < n; i++) {
        struct ndc_str pair = ndc_str_n(
            words[i].ptr, (size_t)(words[i + 1].ptr + words[i + 1].len - words[i].ptr));
        ndc_index_entries_add(out, ndc_index_key(NDC_INDEX_BIGRAM, 0, pair), entity);
    }
    if (n && birth.len == 10)
        ndc_index_entries_add(
            out,
            ndc_index_key(NDC_INDEX_BIRTH, (uint64_t)year * 10000, words[n - 1]) ^
                (ndc_index_key(NDC_INDEX_BIRTH, 1, birth)),
            entity);
}

static bool is_name(unsigned field)
{
    const struct ndc_field *f = ndc_field_get(field);
    return f && (strcmp(f->code, "full_name") == 0 ||
                 strcmp(f->code, "other_name") == 0 || strcmp(f->code, "org_name") == 0);
}

void ndc_index_entity(struct ndc_index_entries *out, uint64_t entity,
                      const struct ndc_entity_view *v)
{
    char space[FOLD_MAX * 2];
    struct ndc_buf folded = {
        .ptr = space, .cap = sizeof(space), .bytes_max = sizeof(space)};
    const struct ndc_field *birth_field = ndc_field_find(NDC_STR("birth_date"));
    size_t first = out->count;
    for (unsigned i = 0; i < v->record_count; i++) {
        const struct ndc_record *r = &v->records[i];
        const struct ndc_record_field *birth = ndc_record_find(r, birth_field->id);
        ndc_index_entries_add(out, ndc_index_key(NDC_INDEX_RECORD, r->source, r->key),
                              entity);
        for (unsigned k = 0; k < r->count; k++) {
            const struct ndc_record_field *f = &r->fields[k];
            if (f->field == NDC_RECORD_UNMAPPED || f->value.len == 0) continue;
            if (ndc_index_is_identifier(f->field))
                ndc_index_entries_add(
                    out, ndc_index_key(NDC_INDEX_ID, f->field, f->value), entity);
            if (!is_name(f->field) || f->value.len > FOLD_MAX) continue;
            folded.len = 0;
            ndc_vn_fold_add(&folded, f->value, NDC_VN_FOLD_FULL);
            index_name(out, entity, ndc_buf_str(&folded),
                       birth ? birth->value : NDC_STR_NULL);
        }
        if (out->count - first > NDC_INDEX_KEYS_PER_ENTITY_MAX) return;
    }
}

static enum ndc_err write_page(struct ndc_bulk *bulk, int64_t generation,
                               const struct ndc_key64 *entries, size_t count,
                               struct ndc_buf *page, struct ndc_fault *fault)
{
    ndc_buf_reset(page);
    ndc_index_page_encode(page, entries, count);
    ndc_bulk_i64(bulk, generation);
    ndc_bulk_i64(bulk, (int64_t)entries[0].key);
    ndc_bulk_i64(bulk, (int64_t)entries[0].value);
    ndc_bulk_blob(bulk, ndc_buf_str(page));
    return ndc_bulk_row(bulk, fault);
}

/* Sorted by key; entities ascend within a key because they were added in order. */
static void sort_unique(struct ndc_index_entries *list)
{
    struct ndc_key64 *scratch = ndc_xmalloc(list->count * sizeof(*scratch));
    ndc_sort_key64(list->items, scratch, list->count);
    free(scratch);
    size_t n = 0;
    for (size_t i = 0; i < list->count; i++) {
        struct ndc_key64 e = list->items[i];
        if (n && list->items[n - 1].key == e.key && list->items[n - 1].value == e.value)
            continue;
        list->items[n++] = e;
    }
    list->count = n;
}

enum ndc_err ndc_index_write(struct ndc_store_conn *conn, int64_t generation,
                             struct ndc_index_entries *list, struct ndc_fault *fault)
{
    static const struct ndc_bulk_column columns[] = {{"generation", NDC_VAL_I64},
                                                     {"first_key", NDC_VAL_I64},
                                                     {"first_entity", NDC_VAL_I64},
                                                     {"page", NDC_VAL_BLOB}};
    struct ndc_bulk *bulk;
    struct ndc_buf page;
    sort_unique(list);
    enum ndc_err err = ndc_bulk_begin(&bulk, conn, "registry_index_page", columns,
                                      NDC_ARRAY_LEN(columns), fault);
    if (err) return err;
    ndc_buf_init(&page, PAGE_BYTES_MAX);
    for (size_t at = 0; at < list->count && !err; at += NDC_INDEX_PAGE_ENTRIES) {
        size_t n = NDC_MIN((size_t)NDC_INDEX_PAGE_ENTRIES, list->count - at);
        err = write_page(bulk, generation, list->items + at, n, &page, fault);
    }
    ndc_buf_free(&page);
    if (err) {
        ndc_bulk_abort(bulk);
        return err;
    }
    return ndc_bulk_end(bulk, NULL, fault);
}

enum ndc_err ndc_index_lookup(struct ndc_store_conn *conn, int64_t generation,
                              uint64_t key, uint64_t *entities, size_t max, size_t *count,
                              struct ndc_fault *fault)
{
    /* A key's entries may begin in the page before the first that starts with it, and go
     * on over several: walk backwards from the last page that can hold it. */
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT first_key, page FROM registry_index_page WHERE generation = $1 AND "
        "first_key <= $2 ORDER BY first_key DESC, first_entity DESC LIMIT 64",
        NDC_ARGS(ndc_int(generation), ndc_int((int64_t)key)));
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

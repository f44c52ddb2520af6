/* The index: writing pages, looking up. */
#include "platforms/registry/entity/index_build.h"

#include "store/bulk.h"
#include "sys/thread.h"

enum {
    PAGE_BYTES = 1900,       /* four in a database page of 8 KiB, on either database */
    GROUP_ENTRIES = 1 << 16, /* sorted together at least */
    ROUND_GROUPS = 16,       /* encoded before they are written */
    GROUP_BYTES_MAX = 1 << 30
};

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
    unsigned width, first; /* partitions a group; first of the round */
    unsigned to;           /* one past the last to be written */
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
    unsigned from = w->first + (unsigned)i * w->width;
    size_t n, cap = 0;
    ndc_buf_reset(&g->bytes);
    g->page_count = g->entries = 0;
    if (from >= w->to ||
        ndc_index_sorter_take(w->sorter, from, NDC_MIN(from + w->width, w->to), &entries,
                              &n, &g->fault))
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
    for (; w->first < w->to && !err; w->first += ROUND_GROUPS * width) {
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
    return ndc_index_write_part(conn, table, generation, sorter, 0, NDC_INDEX_PARTITIONS,
                                threads, entries, fault);
}

enum ndc_err ndc_index_write_part(struct ndc_store_conn *conn, enum ndc_index_table table,
                                  int64_t generation, struct ndc_index_sorter *sorter,
                                  unsigned from, unsigned to, unsigned threads,
                                  uint64_t *entries, struct ndc_fault *fault)
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
    *w = (struct writing){.sorter = sorter,
                          .bulk = bulk,
                          .generation = generation,
                          .first = from,
                          .to = to};
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

/* Many keys looked up at once: first the last page that can hold each, in as few round
 * trips as can be; then, for keys that begin that page, the pages before it. */
#include "platforms/registry/entity/index_build.h"

enum { ROUND = 4096, ROUND_AGAIN = 256 };

struct many {
    const struct ndc_index_many *of;
    size_t base;      /* number of the round's first key */
    uint64_t *values; /* of->max of them */
    size_t *again;    /* numbers of keys whose entries may begin in an earlier page */
    size_t again_count;
    size_t current, found; /* of the pages before: index in `again`, values so far */
    bool damaged;
};

static void first_page(void *arg, size_t index, struct ndc_rows *row)
{
    struct many *m = arg;
    size_t number = m->base + index;
    uint64_t key = m->of->keys[number];
    bool more, bad;
    if ((uint64_t)ndc_rows_i64(row, 0) == key) {
        m->again[m->again_count++] = number;
        return;
    }
    size_t n = ndc_index_page_find(ndc_rows_blob(row, 1), key, m->values, m->of->max,
                                   &more, &bad);
    m->damaged |= bad;
    if (n) m->of->take(m->of->arg, number, m->values, n);
}

static void give_found(struct many *m)
{
    if (m->found) m->of->take(m->of->arg, m->again[m->current], m->values, m->found);
    m->found = 0;
}

static void next_page(void *arg, size_t index, struct ndc_rows *row)
{
    struct many *m = arg;
    size_t number = m->base + index;
    bool more, bad;
    if (number != m->current) give_found(m);
    m->current = number;
    m->found +=
        ndc_index_page_find(ndc_rows_blob(row, 1), m->of->keys[m->again[number]],
                            m->values + m->found, m->of->max - m->found, &more, &bad);
    m->damaged |= bad;
}

#define PAGES_OF(table, generation, key, limit)                            \
    "SELECT first_key, page FROM " table " WHERE generation = " generation \
    " AND first_key <= " key " ORDER BY first_key DESC, first_entity DESC LIMIT " limit
#define NEWEST "(SELECT max(generation) FROM registry_index_page)"

/* One page, then several; of a table, of the newest search index. */
static const char *const statements[2][3] = {
    {PAGES_OF("registry_index_page", "$1", "$2", "1"),
     PAGES_OF("registry_block_page", "$1", "$2", "1"),
     PAGES_OF("registry_index_page", NEWEST, "$1", "1")},
    {PAGES_OF("registry_index_page", "$1", "$2", "8"),
     PAGES_OF("registry_block_page", "$1", "$2", "8"),
     PAGES_OF("registry_index_page", NEWEST, "$1", "8")}};

static enum ndc_err look(struct many *m, struct ndc_store_conn *conn, size_t n,
                         bool again, struct ndc_fault *fault)
{
    bool newest = m->of->generation == 0;
    size_t width = newest ? 1 : 2;
    struct ndc_val *args = ndc_xmalloc((2 * n + 1) * sizeof(*args));
    NDC_ASSERT(!newest || m->of->table == NDC_INDEX_SEARCH);
    for (size_t i = 0; i < n; i++) {
        size_t number = again ? m->again[m->base + i] : m->base + i;
        if (!newest) args[width * i] = ndc_int(m->of->generation);
        args[width * i + width - 1] = ndc_int((int64_t)m->of->keys[number]);
    }
    const char *sql = statements[again][newest ? 2 : m->of->table];
    enum ndc_err err =
        ndc_sql_each(conn, sql, args, width, n, again ? next_page : first_page, m, fault);
    if (!err && again) give_found(m);
    free(args);
    return err;
}

enum ndc_err ndc_index_lookup_many(struct ndc_store_conn *conn,
                                   const struct ndc_index_many *of,
                                   struct ndc_fault *fault)
{
    struct many m = {.of = of};
    enum ndc_err err = NDC_OK;
    m.values = ndc_xmalloc((of->max + 1) * sizeof(*m.values));
    m.again = ndc_xmalloc((of->count + 1) * sizeof(*m.again));
    for (; m.base < of->count && !err; m.base += ROUND)
        err = look(&m, conn, NDC_MIN(of->count - m.base, (size_t)ROUND), false, fault);
    for (m.base = 0; m.base < m.again_count && !err; m.base += ROUND_AGAIN)
        err = look(&m, conn, NDC_MIN(m.again_count - m.base, (size_t)ROUND_AGAIN), true,
                   fault);
    free(m.values);
    free(m.again);
    if (!err && m.damaged)
        err = ndc_fail(fault, NDC_EDB, "registry.index_damaged",
                       "a page of an index is damaged; run \"ndc link run\" to build it "
                       "anew");
    return err;
}

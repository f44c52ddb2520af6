/* The audit log's index against a plain list: runs, merges of merges, both directions,
 * pages of pages, a rollback, a start. */
#include "tests/core/audit_fixture.h"

#include "base/hash.h"

enum { SUBJECTS = 400, PRINCIPALS = 2, ENTRIES = 24000, FRESH = 256, BATCH = 37 };

static struct ndc_fault fault;

/* Entry i is by principal i % 2 and on a subject drawn at random, every tenth on two. */
struct model {
    int64_t keys[ENTRIES][3];
    size_t counts[ENTRIES];
};

static int64_t key_of(const char *kind, uint64_t n)
{
    char text[32];
    snprintf(text, sizeof(text), "%s%llu", kind, (unsigned long long)n);
    return ndc_audit_subject_key(ndc_str(text));
}

static void make_model(struct model *m)
{
    uint64_t rng = 7;
    for (size_t i = 0; i < ENTRIES; i++) {
        m->keys[i][0] = key_of("who", i % PRINCIPALS);
        m->keys[i][1] = key_of("p", ndc_rng_below(&rng, SUBJECTS));
        m->keys[i][2] =
            i % 20 ? key_of("p", ndc_rng_below(&rng, SUBJECTS)) : m->keys[i][1];
        m->counts[i] = i % 10 ? 2 : 3;
    }
}

static bool has(const struct model *m, size_t entry, int64_t key)
{
    for (size_t k = 0; k < m->counts[entry]; k++)
        if (m->keys[entry][k] == key) return true;
    return false;
}

/* A batch of entries [from, to), as the log's writer does it. */
static void write_batch(struct ndc_audit_index *index, struct ndc_store *store,
                        const struct model *m, size_t from, size_t to, bool commit)
{
    struct ndc_store_conn *conn;
    size_t keys = 0;
    for (size_t i = from; i < to; i++)
        keys += m->counts[i];
    must(ndc_store_take(store, NDC_WRITE, &conn, &fault));
    must(ndc_tx_begin(conn, &fault));
    must(ndc_audit_index_step(index, conn, keys, &fault));
    if (commit) must(ndc_tx_commit(conn, &fault));
    ndc_store_give(conn);
    if (!commit) return;
    ndc_audit_index_flushed(index);
    for (size_t i = from; i < to; i++)
        ndc_audit_index_add(index, i, m->keys[i], m->counts[i]);
}

static void check_one(struct ndc_audit_index *index, struct ndc_store *store,
                      const struct model *m, size_t size, struct ndc_audit_lookup want)
{
    struct ndc_store_conn *conn;
    uint64_t seqs[600];
    size_t n = 0;
    assert_true(want.limit <= NDC_ARRAY_LEN(seqs));
    want.seqs = seqs;
    must(ndc_store_take(store, NDC_READ, &conn, &fault));
    must(ndc_audit_index_find(index, conn, &want, &fault));
    ndc_store_give(conn);
    for (size_t i = 0; i < size && n < want.limit; i++) {
        size_t entry = want.newest_first ? size - 1 - i : i;
        if (entry < want.first || entry > want.last || !has(m, entry, want.key)) continue;
        assert_true(n < want.count);
        assert_int_equal(seqs[n++], entry);
    }
    assert_int_equal(want.count, n);
}

static void check(struct ndc_audit_index *index, struct ndc_store *store,
                  const struct model *m, size_t size)
{
    uint64_t rng = size;
    for (unsigned i = 0; i < 40; i++) {
        struct ndc_audit_lookup want = {
            .key = i % 4 ? key_of("p", ndc_rng_below(&rng, SUBJECTS + 5))
                         : key_of("who", ndc_rng_below(&rng, PRINCIPALS)),
            .first = i % 3 ? 0 : ndc_rng_below(&rng, ENTRIES),
            .last = i % 5 ? INT64_MAX : ndc_rng_below(&rng, ENTRIES),
            .newest_first = i % 2,
            .limit = i % 7 ? 600 : 3};
        check_one(index, store, m, size, want);
    }
}

static void test_against_a_list(void **state)
{
    struct ndc_store *store = test_db_open(state, NULL);
    struct model *m = calloc(1, sizeof(*m));
    struct ndc_audit_index index;
    make_model(m);
    must(ndc_audit_migrate(store, &fault));
    ndc_audit_index_init(&index);
    index.fresh_max = FRESH;
    must(ndc_audit_index_load(&index, store, 0, &fault));
    for (size_t at = 0; at < ENTRIES; at += BATCH) {
        write_batch(&index, store, m, at, NDC_MIN(at + BATCH, (size_t)ENTRIES), true);
        if (at % (BATCH * 60) == 0) check(&index, store, m, at + BATCH);
    }
    check(&index, store, m, ENTRIES);
    /* 24,000 entries in runs of 256 keys: merged twice over */
    assert_true(index.runs[0].level >= 2);
    assert_true(index.run_count < 40);
    assert_true(index.garbage_count < 60);

    /* What a rolled back batch had begun is not there after loading anew. */
    size_t covered = index.runs[index.run_count - 1].to;
    write_batch(&index, store, m, ENTRIES, ENTRIES, false);
    must(ndc_audit_index_load(&index, store, covered, &fault));
    check(&index, store, m, covered);
    write_batch(&index, store, m, covered, ENTRIES, true);
    check(&index, store, m, ENTRIES);
    ndc_audit_index_free(&index);
    ndc_store_close(store);
    free(m);
}

/* A log that is cut off without a clean stop makes its index again from the entries. */
static void test_made_again_from_entries(void **state)
{
    struct log_fixture log = log_new(state), *f = &log;
    struct ndc_store_conn *conn;
    int64_t runs;
    log_open(f);
    for (size_t i = 0; i < 3000; i++) {
        struct ndc_str subject = i % 100 ? NDC_STR("p-other") : NDC_STR("p-one");
        struct ndc_audit_event e = event_of("user:a", &subject, 1);
        if (i < 2999)
            must(ndc_audit_append(f->audit, &e, NULL, NULL, &fault));
        else
            must(ndc_audit_append_wait(f->audit, &e, NULL, &fault));
    }
    log_close(f); /* makes a run: few keys are worth one at the end */
    for (int round = 0; round < 2; round++) {
        must(ndc_store_open(&f->store, f->url, NULL, &fault));
        must(ndc_store_take(f->store, NDC_WRITE, &conn, &fault));
        must(ndc_sql_i64(conn, &runs, "SELECT count(*) FROM audit_run WHERE live = 1",
                         NDC_NO_ARGS, &fault));
        assert_int_equal(runs, 1);
        must(ndc_sql_exec(conn, "DELETE FROM audit_run", NDC_NO_ARGS, NULL, &fault));
        must(ndc_sql_exec(conn, "DELETE FROM audit_page", NDC_NO_ARGS, NULL, &fault));
        ndc_store_give(conn);
        must(ndc_audit_open(&f->audit, f->store,
                            &(struct ndc_audit_options){.key_path = f->key}, &fault));
        uint64_t seqs[100];
        struct ndc_audit_lookup want = {.key = ndc_audit_subject_key(NDC_STR("p-one")),
                                        .last = INT64_MAX,
                                        .limit = 100,
                                        .seqs = seqs};
        must(ndc_store_take(f->store, NDC_READ, &conn, &fault));
        must(ndc_audit_index_find(&f->audit->index, conn, &want, &fault));
        ndc_store_give(conn);
        assert_int_equal(want.count, 30);
        assert_int_equal(seqs[29], 2900);
        log_close(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST_ON_BOTH(test_against_a_list),
                                       TEST_ON_BOTH(test_made_again_from_entries)};
    return test_db_run(tests);
}

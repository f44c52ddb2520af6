/* The audit log on both databases: what is appended comes back, proofs hold against
 * signed heads, a restart goes on, a log that was changed is refused, a full queue
 * refuses. */
#include "tests/core/audit_fixture.h"

#include "sys/clock.h"

#include <stdatomic.h>

static struct ndc_fault fault;

/* Appends n entries by four principals on ten subjects. */
static void append(struct log_fixture *f, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char who[32], whom[32];
        snprintf(who, sizeof(who), "user:u%zu", i % 4);
        snprintf(whom, sizeof(whom), "p%zu", i % 10);
        struct ndc_str subject = ndc_str(whom);
        struct ndc_audit_event e = event_of(who, &subject, 1);
        if (i + 1 < n)
            must(ndc_audit_append(f->audit, &e, NULL, NULL, &fault));
        else
            must(ndc_audit_append_wait(f->audit, &e, NULL, &fault));
    }
}

struct seen {
    size_t count;
    uint64_t seqs[2000];
    char first[2048];
};

static enum ndc_err see(void *arg, uint64_t seq, struct ndc_str entry)
{
    struct seen *s = arg;
    assert_true(s->count < NDC_ARRAY_LEN(s->seqs));
    if (s->count == 0) snprintf(s->first, sizeof(s->first), "%.*s", NDC_STR_FMT(entry));
    s->seqs[s->count++] = seq;
    return NDC_OK;
}

static void test_append_and_find(void **state)
{
    struct log_fixture log = log_new(state), *f = &log;
    log_open(f);
    append(f, 1000);
    struct seen *s = calloc(1, sizeof(*s));
    uint64_t next;
    must(ndc_audit_find(f->audit,
                        &(struct ndc_audit_query){.subject = NDC_STR("p3"), .limit = 60},
                        see, s, &next, &fault));
    assert_int_equal(s->count, 60);
    for (size_t i = 0; i < 60; i++)
        assert_int_equal(s->seqs[i], 3 + 10 * i);
    assert_non_null(strstr(s->first, "{\"seq\":3,\"time\":\"20"));
    assert_non_null(strstr(s->first, "\"subjects\":[\"p3\"],\"fields\":\"10000008\""));
    s->count = 0;
    must(ndc_audit_find(f->audit,
                        &(struct ndc_audit_query){
                            .subject = NDC_STR("p3"), .limit = 60, .from_seq = next},
                        see, s, &next, &fault));
    assert_int_equal(s->count, 40);
    assert_int_equal(s->seqs[39], 993);
    assert_true(next == UINT64_MAX);

    s->count = 0;
    must(ndc_audit_find(f->audit,
                        &(struct ndc_audit_query){.principal = NDC_STR("user:u1"),
                                                  .from_seq = UINT64_MAX,
                                                  .newest_first = true,
                                                  .limit = 5},
                        see, s, &next, &fault));
    assert_int_equal(s->count, 5);
    assert_int_equal(s->seqs[0], 997);
    assert_int_equal(s->seqs[4], 981);
    assert_true(next < 981);

    s->count = 0;
    int64_t now = ndc_clock_wall_ms();
    must(ndc_audit_find(f->audit, &(struct ndc_audit_query){.from_ms = now + 60000}, see,
                        s, &next, &fault));
    assert_int_equal(s->count, 0);
    must(ndc_audit_find(f->audit,
                        &(struct ndc_audit_query){.from_ms = now - 600000,
                                                  .until_ms = now + 60000,
                                                  .limit = 1000},
                        see, s, &next, &fault));
    assert_int_equal(s->count, 1000);
    free(s);
    log_close(f);
}

/* Every proof against the signed head, as a client would check it. */
static void check_proofs(struct log_fixture *f, uint64_t size)
{
    struct ndc_audit_head head;
    must(ndc_audit_head(f->audit, true, &head, &fault));
    assert_int_equal(head.size, size);
    struct ndc_sign_key *public;
    char pub[192];
    snprintf(pub, sizeof(pub), "%s.pub", f->key);
    must(ndc_sign_public_load(&public, pub, &fault));
    assert_true(ndc_audit_head_check(&head, public));
    ndc_sign_key_free(public);
    struct ndc_merkle_hasher *h = ndc_merkle_hasher_new();
    struct ndc_merkle_hash root, path[NDC_AUDIT_PROOF_MAX];
    memcpy(root.b, head.root, sizeof(root.b));
    for (uint64_t seq = 0; seq < size; seq += 1 + size / 97) {
        size_t n;
        struct seen s = {0};
        uint64_t next;
        must(ndc_audit_find(f->audit,
                            &(struct ndc_audit_query){.from_seq = seq, .limit = 1}, see,
                            &s, &next, &fault));
        struct ndc_merkle_hash leaf = ndc_merkle_leaf(h, ndc_str(s.first));
        must(ndc_audit_prove_inclusion(f->audit, (void *)path, &n, seq, size, &fault));
        assert_true(ndc_merkle_verify_inclusion(h, &leaf, seq, size, path, n, &root));
    }
    ndc_merkle_hasher_free(h);
}

static void test_proofs_and_restart(void **state)
{
    struct log_fixture log = log_new(state), *f = &log;
    /* Around a tile, around a tile of tiles, and restarts at odd places. */
    static const size_t steps[] = {1, 254, 1, 1, 300, 65536 - 557 - 1, 1, 1, 700};
    struct ndc_merkle_hasher *h = ndc_merkle_hasher_new();
    struct ndc_audit_head before = {0}, after;
    uint64_t size = 0;
    for (size_t i = 0; i < NDC_ARRAY_LEN(steps); i++) {
        log_open(f);
        for (size_t left = steps[i]; left;) {
            size_t n = NDC_MIN(left, (size_t)8000);
            append(f, n);
            left -= n;
        }
        size += steps[i];
        check_proofs(f, size);
        must(ndc_audit_head(f->audit, true, &after, &fault));
        if (before.size) {
            struct ndc_merkle_hash path[NDC_AUDIT_PROOF_MAX], a, b;
            size_t n;
            must(ndc_audit_prove_consistency(f->audit, (void *)path, &n, before.size,
                                             size, &fault));
            memcpy(a.b, before.root, 32);
            memcpy(b.b, after.root, 32);
            assert_true(
                ndc_merkle_verify_consistency(h, before.size, size, &a, &b, path, n));
        }
        before = after;
        log_close(f);
    }
    log_open(f);
    uint8_t path[NDC_AUDIT_PROOF_MAX][NDC_AUDIT_HASH_BYTES];
    size_t n;
    fault = (struct ndc_fault){0};
    assert_int_equal(ndc_audit_prove_inclusion(f->audit, path, &n, size, size, &fault),
                     NDC_EINPUT);
    fault = (struct ndc_fault){0};
    assert_int_equal(ndc_audit_prove_inclusion(f->audit, path, &n, 0, size + 1, &fault),
                     NDC_EINPUT);
    fault = (struct ndc_fault){0};
    assert_int_equal(ndc_audit_prove_consistency(f->audit, path, &n, 0, size, &fault),
                     NDC_EINPUT);
    log_close(f);
    ndc_merkle_hasher_free(h);
}

static void run_sql(struct log_fixture *f, const char *sql)
{
    struct ndc_store_conn *conn;
    must(ndc_store_open(&f->store, f->url, NULL, &fault));
    must(ndc_store_take(f->store, NDC_WRITE, &conn, &fault));
    must(ndc_sql_exec(conn, sql, NDC_NO_ARGS, NULL, &fault));
    ndc_store_give(conn);
    ndc_store_close(f->store);
}

static void assert_refused(struct log_fixture *f, const char *code)
{
    must(ndc_store_open(&f->store, f->url, NULL, &fault));
    assert_int_equal(ndc_audit_open(&f->audit, f->store,
                                    &(struct ndc_audit_options){.key_path = f->key},
                                    &fault),
                     NDC_ECONFLICT);
    assert_string_equal(fault.code, code);
    ndc_store_close(f->store);
}

static void test_tampering_is_refused_at_start(void **state)
{
    struct log_fixture log = log_new(state), *f = &log;
    log_open(f);
    append(f, 100);
    log_close(f);
    run_sql(f,
            "UPDATE audit_entry SET entry = replace(entry, 'p7', 'p8') WHERE seq = 77");
    assert_refused(f, "audit.changed");
    run_sql(f,
            "UPDATE audit_entry SET entry = replace(entry, 'p8', 'p7') WHERE seq = 77");
    log_open(f);
    log_close(f);
    run_sql(f, "DELETE FROM audit_entry WHERE seq = 99");
    assert_refused(f, "audit.cut");
    run_sql(f, "DELETE FROM audit_entry WHERE seq = 50");
    assert_refused(f, "audit.gap");
}

static void test_other_key_is_refused(void **state)
{
    struct log_fixture log = log_new(state), *f = &log;
    log_open(f);
    append(f, 3);
    log_close(f);
    assert_int_equal(unlink(f->key), 0);
    assert_refused(f, "audit.key");
}

static void test_full_queue_refuses(void **state)
{
    struct log_fixture log = log_new(state), *f = &log;
    must(ndc_store_open(&f->store, f->url, &(struct ndc_store_options){.writers_max = 1},
                        &fault));
    must(ndc_audit_open(&f->audit, f->store,
                        &(struct ndc_audit_options){.key_path = f->key, .queue_max = 4},
                        &fault));
    /* The writer cannot write while another holds the only write connection. */
    struct ndc_store_conn *conn;
    must(ndc_store_take(f->store, NDC_WRITE, &conn, &fault));
    struct ndc_audit_event e = event_of("user:x", NULL, 0);
    size_t taken = 0;
    enum ndc_err err = NDC_OK;
    for (size_t i = 0; i < 40 && !err; i++) {
        fault = (struct ndc_fault){0};
        err = ndc_audit_append(f->audit, &e, NULL, NULL, &fault);
        taken += !err;
        ndc_clock_sleep_ms(2);
    }
    assert_int_equal(err, NDC_EBUSY);
    assert_string_equal(fault.code, "audit.busy");
    assert_int_equal(ndc_fault_status(&fault), 503);
    ndc_store_give(conn);
    struct ndc_audit_head head;
    do { /* until the queue has room again */
        fault = (struct ndc_fault){0};
        err = ndc_audit_append_wait(f->audit, &e, NULL, &fault);
    } while (err == NDC_EBUSY);
    assert_int_equal(err, NDC_OK);
    must(ndc_audit_head(f->audit, true, &head, &fault));
    assert_int_equal(head.size, taken + 1);
    log_close(f);
}

static void test_long_and_odd_texts(void **state)
{
    struct log_fixture log = log_new(state), *f = &log;
    log_open(f);
    char text[400];
    memset(text, 'a', sizeof(text));
    memcpy(text + 255, "\xc4\x91", 2); /* đ across the cap */
    struct ndc_str subjects[2] = {NDC_STR("p\"1\n"), NDC_STR("p\"1\n")};
    struct ndc_audit_event e = event_of("user:\xff", subjects, 2);
    e.detail = ndc_str_n(text, sizeof(text));
    must(ndc_audit_append_wait(f->audit, &e, NULL, &fault));
    struct seen s = {0};
    uint64_t next;
    must(ndc_audit_find(f->audit, &(struct ndc_audit_query){.subject = subjects[0]}, see,
                        &s, &next, &fault));
    assert_int_equal(s.count, 1);
    struct json_object *o;
    must(ndc_json_parse(&o, ndc_str(s.first), &fault));
    assert_int_equal(ndc_json_get_str(o, "detail").len, 255);
    json_object_put(o);
    /* A subject of another entry with the same key would be compared as text. */
    struct ndc_str many[NDC_AUDIT_SUBJECTS_MAX + 1];
    for (size_t i = 0; i < NDC_ARRAY_LEN(many); i++)
        many[i] = NDC_STR("p");
    e = event_of("user:a", many, NDC_ARRAY_LEN(many));
    fault = (struct ndc_fault){0};
    assert_int_equal(ndc_audit_append(f->audit, &e, NULL, NULL, &fault), NDC_ETOOBIG);
    log_close(f);
}

enum { CROWD = 4, EACH = 400 };

struct crowd {
    struct ndc_audit *audit;
    atomic_uint durable;
};

static void count_durable(void *arg, enum ndc_err err, uint64_t seq)
{
    struct crowd *c = arg;
    (void)seq;
    if (!err) atomic_fetch_add(&c->durable, 1);
}

/* Even threads append, odd ones ask for heads, proofs and entries meanwhile. */
static void be_busy(void *arg, size_t i)
{
    struct crowd *c = arg;
    for (size_t k = 0; k < EACH; k++) {
        struct ndc_fault mine = {0};
        struct ndc_audit_head head;
        uint8_t path[NDC_AUDIT_PROOF_MAX][NDC_AUDIT_HASH_BYTES];
        size_t n;
        if (i % 2 == 0) {
            struct ndc_str subject = NDC_STR("p1");
            struct ndc_audit_event e = event_of("user:crowd", &subject, 1);
            assert_int_equal(ndc_audit_append(c->audit, &e, count_durable, c, &mine), 0);
        } else if (k % 20 == 0) {
            assert_int_equal(ndc_audit_head(c->audit, k % 40 == 0, &head, &mine), 0);
            if (head.size)
                assert_int_equal(ndc_audit_prove_inclusion(
                                     c->audit, path, &n, k % head.size, head.size, &mine),
                                 0);
        }
    }
}

static void test_many_threads(void **state)
{
    struct log_fixture log = log_new(state), *f = &log;
    log_open(f);
    struct crowd crowd = {.audit = f->audit};
    ndc_parallel_for(CROWD, CROWD, be_busy, &crowd);
    log_close(f);
    assert_int_equal(atomic_load(&crowd.durable), CROWD / 2 * EACH);
    log_open(f);
    check_proofs(f, CROWD / 2 * EACH);
    log_close(f);
}

static void test_field_sets_in_hex(void **state)
{
    (void)state;
    uint64_t rng = 5;
    for (int i = 0; i < 1000; i++) {
        struct ndc_field_set set = {0}, back;
        for (int k = 0; k < i % 40; k++)
            ndc_field_set_add(&set,
                              (unsigned)((rng = rng * 6364136223846793005u + 1) >> 56));
        struct ndc_buf hex;
        ndc_buf_init(&hex, 64);
        ndc_audit_fields_write(&hex, &set);
        assert_true(ndc_audit_fields_parse(&back, ndc_buf_str(&hex)));
        assert_memory_equal(&set, &back, sizeof(set));
        ndc_buf_free(&hex);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_ON_BOTH(test_append_and_find),
        TEST_ON_BOTH(test_proofs_and_restart),
        TEST_ON_BOTH(test_tampering_is_refused_at_start),
        TEST_ON_BOTH(test_other_key_is_refused),
        TEST_ON_BOTH(test_full_queue_refuses),
        TEST_ON_BOTH(test_long_and_odd_texts),
        TEST_ON_BOTH(test_many_threads),
        cmocka_unit_test(test_field_sets_in_hex),
    };
    return test_db_run(tests);
}

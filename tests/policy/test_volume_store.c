/* Counts that outlive the process: a clean restart, kill -9 at random, several processes
 * on one database, a database that is away, and notices of limits that were met. */
#include "tests/core/audit_fixture.h"

#include "core/outbox.h"
#include "platforms/policy/policy.h"
#include "sys/clock.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

static struct ndc_fault fault;

/* A centre: the main database, an audit log of its own, rules, a keeper. */
struct centre {
    struct log_fixture log;
    const char *url;
    struct ndc_store *store;
    struct policy_service *service;
    struct policy_keeper *keeper;
};

static void start(struct centre *c, unsigned every_ms)
{
    log_open(&c->log);
    must(ndc_store_open(&c->store, c->url, NULL, &fault));
    must(ndc_outbox_setup(c->store, &fault));
    must(ndc_migrate(c->store, "policy", policy_migrations, POLICY_MIGRATIONS_N, &fault));
    must(policy_service_new(&c->service, NULL, &fault));
    must(policy_keeper_start(&c->keeper, c->service,
                             &(struct policy_keeper_options){.store = c->store,
                                                             .audit = c->log.audit,
                                                             .every_ms = every_ms},
                             &fault));
}

static void stop(struct centre *c)
{
    policy_keeper_stop(c->keeper);
    policy_service_free(c->service);
    ndc_store_close(c->store);
    log_close(&c->log);
}

static struct ndc_policy_request request_of(struct ndc_str subject)
{
    struct ndc_policy_request q = {.kind = NDC_POLICY_SYSTEM,
                                   .principal = NDC_STR("key:2"),
                                   .agency = NDC_STR("byt"),
                                   .purpose = NDC_STR("health"),
                                   .legal_basis = NDC_STR("x"),
                                   .subject = subject};
    ndc_field_set_add(&q.fields, ndc_field_find(NDC_STR("blood_type"))->id);
    return q;
}

static struct ndc_audit_event entry_of(const struct ndc_policy_request *q,
                                       const struct ndc_policy_decision *d)
{
    return (struct ndc_audit_event){.principal = q->principal,
                                    .agency = q->agency,
                                    .action = NDC_STR("read"),
                                    .purpose = q->purpose,
                                    .platform = NDC_STR("registry"),
                                    .subjects = &q->subject,
                                    .subject_count = 1,
                                    .fields = d->shown,
                                    .outcome = d->outcome,
                                    .rule = ndc_str(d->rule)};
}

/* Of those who may pass limits. */
static const struct ndc_str approved[] = {{"bulk-core", 9}};
static bool is_approved;

/* A read as dispatch does it: decided, logged durably, answered. */
static enum ndc_err read_person(struct centre *c, unsigned person, ndc_audit_done *done,
                                void *arg)
{
    char id[24];
    snprintf(id, sizeof(id), "p%u", person);
    struct ndc_policy_request q = request_of(ndc_str(id));
    struct ndc_policy_decision d;
    struct ndc_fault mine = {0};
    if (is_approved) {
        q.roles = approved;
        q.role_count = 1;
    }
    enum ndc_err err = policy_service_ops.decide(c->service, &d, &q, &mine);
    struct ndc_audit_event e = entry_of(&q, &d);
    if (done) {
        while (ndc_audit_append(c->log.audit, &e, done, arg, &mine))
            ndc_clock_sleep_ms(1);
    } else {
        enum ndc_err bad = ndc_audit_append_wait(c->log.audit, &e, NULL, &mine);
        if (bad) fail_msg("%s", mine.message);
    }
    return err;
}

static uint64_t counted(struct centre *c)
{
    uint64_t counts[POLICY_PERIODS_MAX];
    static const struct policy_periods ever = {.count = 1};
    struct policy_volume *v = policy_service_volume(c->service);
    struct policy_look look = policy_volume_look(v, NDC_STR("byt"), NDC_STR("health"),
                                                 NDC_STR("p0"), ndc_clock_wall_ms());
    policy_volume_count(v, counts, &ever, &look, false);
    return counts[0];
}

static struct centre new_centre(void **state)
{
    return (struct centre){.log = log_new(state), .url = test_db_url(state)};
}

static void test_counts_outlive_a_restart(void **state)
{
    struct centre c = new_centre(state);
    for (unsigned round = 0; round < 4; round++) {
        start(&c, 100000);
        assert_int_equal(counted(&c), round ? round * 50 : 1);
        for (unsigned i = 0; i < 50; i++)
            assert_int_equal(read_person(&c, round * 50 + i, NULL, NULL), NDC_OK);
        for (unsigned i = 0; i < 20; i++) /* seen before */
            assert_int_equal(read_person(&c, i, NULL, NULL), NDC_OK);
        stop(&c);
    }
    start(&c, 100000);
    assert_int_equal(counted(&c), 200);
    /* Nothing was counted again: the clean stop had stored all. */
    uint64_t entries = 0;
    int64_t position = 0;
    struct ndc_store_conn *conn;
    must(ndc_store_take(c.store, NDC_READ, &conn, &fault));
    must(ndc_sql_i64(conn, &position, "SELECT max(seq) FROM policy_position", NDC_NO_ARGS,
                     &fault));
    ndc_store_give(conn);
    must(policy_replay(c.service, c.log.audit, (uint64_t)position, &entries, &fault));
    assert_int_equal(entries, 0);
    stop(&c);
}

/* Without anything stored the log alone gives the counts again. */
static void test_counts_are_made_again_from_the_log(void **state)
{
    struct centre c = new_centre(state);
    start(&c, 100000);
    for (unsigned i = 0; i < 300; i++)
        (void)!read_person(&c, i, NULL, NULL);
    /* Not counted: sign-ins, refusals, searches without purpose, organisations. */
    struct ndc_policy_request q = request_of(NDC_STR("p9999"));
    struct ndc_policy_decision d = {.outcome = NDC_POLICY_DENY, .shown = q.fields};
    struct ndc_audit_event e = entry_of(&q, &d);
    must(ndc_audit_append_wait(c.log.audit, &e, NULL, &fault));
    d = (struct ndc_policy_decision){.outcome = NDC_POLICY_PERMIT};
    e = entry_of(&q, &d);
    must(ndc_audit_append_wait(c.log.audit, &e, NULL, &fault));
    ndc_field_set_add(&d.shown, NDC_FIELD_ORGANISATION_FIRST);
    e = entry_of(&q, &d);
    must(ndc_audit_append_wait(c.log.audit, &e, NULL, &fault));
    stop(&c);
    c.url = test_db_url(state);
    start(&c, 100000);
    assert_int_equal(counted(&c), 300);
    stop(&c);
}

static _Atomic uint64_t *answered; /* shared with the child: reads that were answered */

static void answer(void *arg, enum ndc_err err, uint64_t seq)
{
    (void)arg, (void)seq;
    if (!err) atomic_fetch_add(answered, 1);
}

/* Whatever was answered before a kill is counted after it. */
static void test_kill_at_random(void **state)
{
    struct centre c = new_centre(state);
    unsigned rounds = 10, first = 0;
    uint64_t rng = (uint64_t)ndc_clock_wall_ms();
    answered = mmap(NULL, sizeof(*answered), PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    is_approved = true;
    for (unsigned round = 0; round < rounds; round++) {
        uint64_t before = atomic_load(answered);
        pid_t child = fork();
        if (child == 0) {
            start(&c, 20);
            for (unsigned i = first;; i++)
                (void)!read_person(&c, i, answer, NULL);
        }
        for (int i = 0; i < 2000 && atomic_load(answered) <= before; i++)
            ndc_clock_sleep_ms(5);
        rng = rng * 6364136223846793005u + 1442695040888963407u;
        ndc_clock_sleep_ms(5 + (int64_t)((rng >> 33) % 150));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        uint64_t told = atomic_load(answered);
        start(&c, 100000);
        uint64_t n = counted(&c) - (told ? 0 : 1);
        /* beyond 262,144 a count is an estimate (volume.h) */
        uint64_t off = told > POLICY_VOLUME_SAMPLE_MAX ? told / 100 : 0;
        if (n + off < told)
            fail_msg("round %u: %llu answered, %llu counted", round,
                     (unsigned long long)told, (unsigned long long)n);
        /* A queue and a batch of the log may have been counted, not answered. */
        assert_true(n <= told + 40000);
        atomic_store(answered, n);
        first = (unsigned)n;
        policy_keeper_stop(c.keeper);
        policy_service_free(c.service);
        ndc_store_close(c.store);
        log_close(&c.log);
    }
    print_message("%llu people counted after %u kills\n", (unsigned long long)first,
                  rounds);
    assert_true(first > rounds);
    is_approved = false;
    munmap(answered, sizeof(*answered));
}

/* Several processes on one database, each with a log of its own: together they stop at
 * the limit, give or take what they show between two exchanges. */
static void test_processes_share_counts(void **state)
{
    struct centre a = new_centre(state), b = a;
    b.log = log_new(state);
    start(&a, 100000);
    if (test_db_kind(state) == NDC_SQLITE) b.url = a.url;
    start(&b, 100000);
    for (unsigned i = 0; i < 300; i++) {
        assert_int_equal(read_person(&a, i, NULL, NULL), NDC_OK);
        assert_int_equal(read_person(&b, i + 150, NULL, NULL), NDC_OK);
        if (i % 30 == 0) {
            must(policy_keeper_step(a.keeper, &fault));
            must(policy_keeper_step(b.keeper, &fault));
        }
    }
    must(policy_keeper_step(b.keeper, &fault));
    must(policy_keeper_step(a.keeper, &fault));
    must(policy_keeper_step(b.keeper, &fault));
    assert_int_equal(counted(&a), 450);
    assert_int_equal(counted(&b), 450);
    /* Many rows of a counter become one, whoever tidies. */
    for (unsigned i = 0; i < 150; i++) {
        (void)!read_person(&a, 2000 + i, NULL, NULL);
        must(policy_keeper_step(a.keeper, &fault));
    }
    must(policy_keeper_step(b.keeper, &fault));
    assert_int_equal(counted(&b), 600);
    struct ndc_store_conn *conn;
    int64_t rows;
    must(ndc_store_take(a.store, NDC_READ, &conn, &fault));
    must(ndc_sql_i64(conn, &rows, "SELECT count(*) FROM policy_seen", NDC_NO_ARGS,
                     &fault));
    ndc_store_give(conn);
    assert_true(rows < 130);
    stop(&a);
    stop(&b);
    start(&a, 100000);
    assert_int_equal(counted(&a), 600);
    stop(&a);
}

static void test_a_database_that_fails_loses_nothing(void **state)
{
    struct centre c = new_centre(state);
    start(&c, 100000);
    for (unsigned i = 0; i < 30; i++)
        (void)!read_person(&c, i, NULL, NULL);
    must(policy_keeper_step(c.keeper, &fault));
    for (unsigned i = 30; i < 60; i++)
        (void)!read_person(&c, i, NULL, NULL);
    struct ndc_store_conn *conn;
    must(ndc_store_take(c.store, NDC_WRITE, &conn, &fault));
    must(ndc_sql_script(conn, "ALTER TABLE policy_seen RENAME TO policy_away;", &fault));
    ndc_store_give(conn);
    fault = (struct ndc_fault){0};
    int64_t stored;
    bool failing;
    assert_true(policy_keeper_step(c.keeper, &fault) != NDC_OK);
    policy_keeper_state(c.keeper, &stored, &failing);
    assert_true(failing);
    must(ndc_store_take(c.store, NDC_WRITE, &conn, &fault));
    must(ndc_sql_script(conn, "ALTER TABLE policy_away RENAME TO policy_seen;", &fault));
    ndc_store_give(conn);
    must(policy_keeper_step(c.keeper, &fault));
    policy_keeper_state(c.keeper, &stored, &failing);
    assert_true(!failing && stored > 0);
    stop(&c);
    start(&c, 100000);
    assert_int_equal(counted(&c), 60);
    stop(&c);
}

static int64_t number(struct centre *c, const char *sql)
{
    struct ndc_store_conn *conn;
    int64_t n = 0;
    must(ndc_store_take(c->store, NDC_READ, &conn, &fault));
    must(ndc_sql_i64(conn, &n, sql, NDC_NO_ARGS, &fault));
    ndc_store_give(conn);
    return n;
}

/* At the limit the rule denies, and a notice and an event are there, once a day. */
static void test_a_limit_that_is_met_is_told(void **state)
{
    struct centre c = new_centre(state);
    start(&c, 100000);
    struct policy_volume *v = policy_service_volume(c.service);
    static const struct policy_periods ever = {.count = 1};
    char id[24];
    for (unsigned i = 0; i < 9999; i++) {
        uint64_t counts[POLICY_PERIODS_MAX];
        snprintf(id, sizeof(id), "p%u", i);
        struct policy_look look = policy_volume_look(v, NDC_STR("byt"), NDC_STR("health"),
                                                     ndc_str(id), ndc_clock_wall_ms());
        policy_volume_count(v, counts, &ever, &look, true);
    }
    assert_int_equal(read_person(&c, 77, NULL, NULL), NDC_OK);
    assert_int_equal(read_person(&c, 20000, NULL, NULL), NDC_EDENIED);
    must(policy_keeper_step(c.keeper, &fault));
    assert_int_equal(read_person(&c, 20001, NULL, NULL), NDC_EDENIED);
    assert_int_equal(read_person(&c, 20002, NULL, NULL), NDC_EDENIED);
    stop(&c);
    start(&c, 100000);
    assert_int_equal(number(&c, "SELECT count(*) FROM policy_notice"), 1);
    assert_int_equal(number(&c, "SELECT times FROM policy_notice"), 3);
    assert_int_equal(number(&c, "SELECT subjects FROM policy_notice"), 10000);
    assert_int_equal(
        number(&c, "SELECT count(*) FROM ndc_outbox WHERE topic = 'policy.escalated'"),
        1);
    assert_int_equal(read_person(&c, 20003, NULL, NULL), NDC_EDENIED);
    stop(&c);
    /* A notice that was never stored is found in the log again. */
    c.url = test_db_url(state);
    start(&c, 100000);
    must(policy_keeper_step(c.keeper, &fault));
    assert_int_equal(number(&c, "SELECT count(*) FROM policy_notice"), 1);
    stop(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_ON_BOTH(test_counts_outlive_a_restart),
        TEST_ON_BOTH(test_counts_are_made_again_from_the_log),
        TEST_ON_BOTH(test_kill_at_random),
        TEST_ON_BOTH(test_processes_share_counts),
        TEST_ON_BOTH(test_a_database_that_fails_loses_nothing),
        TEST_ON_BOTH(test_a_limit_that_is_met_is_told),
    };
    return test_db_run(tests);
}

/* kill -9 of a process that appends, at random moments, on both databases: what its
 * caller was told is durable is there, the tree goes on, and the whole log verifies. */
#include "tests/core/audit_fixture.h"

#include "sys/clock.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum { ROUNDS = 12 };

static struct ndc_fault fault;
static _Atomic uint64_t
    *told; /* shared with the child: entries it was told are durable */

static void count(void *arg, enum ndc_err err, uint64_t seq)
{
    (void)arg;
    if (!err) atomic_store(told, seq + 1);
}

static void append_for_ever(struct log_fixture *f)
{
    log_open(f);
    for (uint64_t i = 0;; i++) {
        char whom[32];
        snprintf(whom, sizeof(whom), "p%llu", (unsigned long long)(i % 50));
        struct ndc_str subject = ndc_str(whom);
        struct ndc_audit_event e = event_of("key:child", &subject, 1);
        struct ndc_fault mine = {0};
        if (ndc_audit_append(f->audit, &e, count, NULL, &mine)) ndc_clock_sleep_ms(1);
    }
}

static enum ndc_err feed(void *arg, struct ndc_str text, struct ndc_fault *f)
{
    (void)f;
    ndc_audit_verifier_feed(arg, text);
    return NDC_OK;
}

static void complain(void *arg, uint64_t seq, const char *text)
{
    (void)arg, (void)seq;
    print_error("%s\n", text);
}

static uint64_t verify_whole(struct log_fixture *f)
{
    struct ndc_sign_key *key;
    struct ndc_audit_export_counts counts;
    struct ndc_audit_report report;
    char pub[200];
    snprintf(pub, sizeof(pub), "%s.pub", f->key);
    must(ndc_sign_public_load(&key, pub, &fault));
    struct ndc_audit_verifier *v = ndc_audit_verifier_new(key, complain, NULL);
    must(ndc_audit_export(f->store, key, feed, v, &counts, &fault));
    ndc_audit_verifier_end(v, &report);
    assert_int_equal(report.findings, 0);
    ndc_sign_key_free(key);
    return report.entries;
}

static void test_kill_at_random(void **state)
{
    struct log_fixture log = log_new(state), *f = &log;
    uint64_t before = 0, rng = (uint64_t)ndc_clock_wall_ms();
    told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                -1, 0);
    for (int round = 0; round < ROUNDS; round++) {
        pid_t child = fork();
        if (child == 0) {
            append_for_ever(f);
            _exit(0);
        }
        /* on a busy machine it takes a while to begin */
        for (int i = 0; i < 1000 && atomic_load(told) <= before; i++) {
            ndc_clock_sleep_ms(5);
        }
        rng = rng * 6364136223846793005u + 1442695040888963407u;
        ndc_clock_sleep_ms(20 + (int64_t)((rng >> 33) % 120));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        uint64_t durable = atomic_load(told);
        test_pg_left(f->url);
        log_open(f); /* checks the tree against its last head */
        struct ndc_audit_head head;
        must(ndc_audit_head(f->audit, true, &head, &fault));
        assert_true(head.size >= durable && head.size >= before);
        assert_int_equal(verify_whole(f), head.size);
        /* And it can be appended to. */
        struct ndc_audit_event e = event_of("user:after", NULL, 0);
        uint64_t seq = 0;
        must(ndc_audit_append_wait(f->audit, &e, &seq, &fault));
        assert_int_equal(seq, head.size);
        before = head.size + 1;
        log_close(f);
    }
    print_message("%llu entries after %d kills\n", (unsigned long long)before, ROUNDS);
    assert_true(before > ROUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST_ON_BOTH(test_kill_at_random)};
    return test_db_run(tests);
}

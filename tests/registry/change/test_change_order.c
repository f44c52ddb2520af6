/* A reader of the feed that has seen N never misses N - 1. Tried to break: processes of
 * several connections each append batches of all sizes, hold them open for a while,
 * take some back and are killed at random; others read all the while, and the
 * database server itself is killed. What any reader saw, in the order it saw it, must be
 * what the feed says at the end, and what a writer was told is durable must be there. */
#include "platforms/registry/change/change.h"

#include "base/hash.h"
#include "sys/clock.h"
#include "sys/random.h"
#include "sys/thread.h"
#include "tests/registry/core/fixture.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum {
    WRITERS = 3,     /* processes */
    CONNECTIONS = 3, /* of each */
    READERS = 2,
    ROUNDS = 10, /* kills of writers */
    BATCH_MAX = 150,
    READ_MAX = 500,
};

/* Shared by all processes. */
struct shared {
    atomic_bool stop;                          /* writing */
    atomic_bool written;                       /* readers may end when there is no more */
    atomic_ullong told[WRITERS * CONNECTIONS]; /* the last batch known to be durable */
    atomic_ullong commits, undone, failed;
    struct seen {
        atomic_llong upto;
        atomic_ullong hash;
        atomic_llong gap; /* the first number that did not follow; 0: none */
        atomic_ullong polls;
    } seen[READERS];
};

static struct ndc_fault fault;
static struct shared *shared;

static uint64_t draw(uint64_t n)
{
    return ndc_random_u64() % n;
}

/* ---- a writer's process ---- */

struct writer {
    struct ndc_store *store;
    unsigned id;
    uint64_t batch;
};

/* One transaction: entity says who wrote, other which of its batches. */
static void write_once(struct writer *w, struct ndc_store_conn *conn)
{
    struct ndc_change changes[BATCH_MAX];
    struct ndc_fault mine = {0};
    int64_t first;
    size_t n = 1 + draw(draw(4) ? 5 : BATCH_MAX);
    w->batch++;
    for (size_t i = 0; i < n; i++)
        changes[i] = (struct ndc_change){.at_ms = ndc_clock_wall_ms(),
                                         .entity = w->id,
                                         .other = w->batch,
                                         .kind = NDC_CHANGE_CHANGED};
    if (ndc_tx_begin(conn, &mine)) return;
    enum ndc_err err = ndc_change_append(conn, changes, n, &first, &mine);
    /* In two parts: the second goes on where the first ended. */
    if (!err && draw(4) == 0) err = ndc_change_append(conn, changes, 1, &first, &mine);
    if (!err && draw(3) == 0) ndc_clock_sleep_ms((int64_t)draw(4));
    if (!err && draw(8) == 0) {
        ndc_tx_rollback(conn);
        atomic_fetch_add(&shared->undone, 1);
        return;
    }
    if (!err) err = ndc_tx_commit(conn, &mine);
    if (err && ndc_tx_open(conn)) ndc_tx_rollback(conn);
    if (err) {
        atomic_fetch_add(&shared->failed, 1);
        ndc_clock_sleep_ms(5);
        return;
    }
    atomic_store(&shared->told[w->id], w->batch);
    atomic_fetch_add(&shared->commits, 1);
}

static void connection_main(void *arg)
{
    struct writer *w = arg;
    while (!atomic_load(&shared->stop)) {
        struct ndc_store_conn *conn;
        struct ndc_fault mine = {0};
        if (ndc_store_take(w->store, NDC_WRITE, &conn, &mine)) {
            ndc_clock_sleep_ms(5);
            continue;
        }
        write_once(w, conn);
        ndc_store_give(conn);
    }
}

static void writer_main(const char *url, unsigned process)
{
    struct writer w[CONNECTIONS];
    struct ndc_thread threads[CONNECTIONS];
    struct ndc_store *store;
    struct ndc_fault mine = {0};
    while (ndc_store_open(&store, url, NULL, &mine)) {
        mine = (struct ndc_fault){0};
        if (atomic_load(&shared->stop)) return;
        ndc_clock_sleep_ms(20);
    }
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        /* Batches of one incarnation are above those of the one before. */
        w[i] = (struct writer){store, process * CONNECTIONS + i,
                               (uint64_t)ndc_clock_wall_ms() * 1000};
        ndc_thread_start(&threads[i], "writer", connection_main, &w[i]);
    }
    for (unsigned i = 0; i < CONNECTIONS; i++)
        ndc_thread_join(&threads[i]);
    ndc_store_close(store);
}

/* ---- a reader's process ---- */

static uint64_t hash_on(uint64_t h, const struct ndc_change *c)
{
    return ndc_hash_join(ndc_hash_join(ndc_hash_join(h, (uint64_t)c->seq), c->entity),
                         c->other);
}

/* False: there was nothing, or the database was away. */
static bool read_once(struct ndc_store *store, struct ndc_arena *arena, struct seen *s)
{
    struct ndc_store_conn *conn;
    struct ndc_change *changes;
    struct ndc_fault mine = {0};
    size_t n = 0;
    int64_t at = atomic_load(&s->upto);
    uint64_t hash = atomic_load(&s->hash);
    ndc_arena_reset(arena);
    if (ndc_store_take(store, NDC_READ, &conn, &mine)) return false;
    enum ndc_err err = ndc_change_read(conn, arena, at, 1 + draw(READ_MAX), draw(2),
                                       &changes, &n, &mine);
    ndc_store_give(conn);
    atomic_fetch_add(&s->polls, 1);
    if (err) return false;
    for (size_t i = 0; i < n; i++) {
        if (changes[i].seq != at + 1) atomic_store(&s->gap, changes[i].seq);
        at = changes[i].seq;
        hash = hash_on(hash, &changes[i]);
    }
    atomic_store(&s->upto, at);
    atomic_store(&s->hash, hash);
    return n > 0;
}

static void reader_main(const char *url, struct seen *s)
{
    struct ndc_store *store;
    struct ndc_arena arena;
    ndc_arena_init(&arena, 64 << 20);
    if (ndc_store_open(&store, url, NULL, &fault)) _exit(1);
    bool ending = false, any = true;
    while (!atomic_load(&s->gap) && (any || !ending)) {
        ending = atomic_load(&shared->written);
        any = read_once(store, &arena, s);
        if (!any) ndc_clock_sleep_ms((int64_t)draw(2));
    }
    ndc_store_close(store);
    ndc_arena_free(&arena);
}

/* ---- the test ---- */

static pid_t start(const char *url, int writer, int reader)
{
    pid_t pid = fork();
    if (pid) return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nobody behind */
    if (writer >= 0)
        writer_main(url, (unsigned)writer);
    else
        reader_main(url, &shared->seen[reader]);
    _exit(0);
}

static void wait_for_commits(uint64_t more)
{
    uint64_t until = atomic_load(&shared->commits) + more;
    for (int i = 0; i < 4000 && atomic_load(&shared->commits) < until; i++)
        ndc_clock_sleep_ms(5);
    assert_true(atomic_load(&shared->commits) >= until);
}

/* The whole feed again, beside what the readers saw of it. */
static void compare(struct world *w)
{
    struct ndc_store_conn *conn;
    struct ndc_arena arena;
    struct ndc_change *changes;
    uint64_t hash = 0;
    int64_t at = 0;
    size_t n;
    unsigned compared = 0;
    ndc_arena_init(&arena, 64 << 20);
    assert_ok(ndc_store_take(w->store, NDC_READ, &conn, &fault), &fault);
    do {
        ndc_arena_reset(&arena);
        assert_ok(ndc_change_read(conn, &arena, at, 5000, false, &changes, &n, &fault),
                  &fault);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(changes[i].seq, ++at);
            hash = hash_on(hash, &changes[i]);
            for (unsigned r = 0; r < READERS; r++) {
                if (atomic_load(&shared->seen[r].upto) != at) continue;
                assert_true(atomic_load(&shared->seen[r].hash) == hash);
                compared++;
            }
        }
    } while (n > 0);
    ndc_store_give(conn);
    ndc_arena_free(&arena);
    for (unsigned r = 0; r < READERS; r++)
        print_message("reader %u: %lld of %lld changes in %llu polls\n", r,
                      (long long)atomic_load(&shared->seen[r].upto), (long long)at,
                      (unsigned long long)atomic_load(&shared->seen[r].polls));
    assert_int_equal(compared, READERS);
    for (unsigned r = 0; r < READERS; r++)
        assert_int_equal(atomic_load(&shared->seen[r].upto), at);
}

static void told_is_there(struct world *w)
{
    char sql[160];
    for (unsigned i = 0; i < WRITERS * CONNECTIONS; i++) {
        unsigned long long batch = atomic_load(&shared->told[i]);
        snprintf(sql, sizeof(sql),
                 "SELECT count(*) FROM registry_change WHERE entity = %u AND other = "
                 "%llu",
                 i, batch);
        if (batch) assert_true(count_of(w, sql) > 0);
    }
}

static void run(void **state, bool kill_server)
{
    struct world w;
    pid_t writers[WRITERS], readers[READERS];
    world_new(&w, state);
    const char *url = w.url;
    world_free(&w); /* no database survives a fork open */
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < READERS; i++)
        readers[i] = start(url, -1, i);
    for (int i = 0; i < WRITERS; i++)
        writers[i] = start(url, i, -1);
    for (int round = 0; round < ROUNDS; round++) {
        int i = round % WRITERS;
        wait_for_commits(20 + draw(60));
        kill(writers[i], SIGKILL);
        waitpid(writers[i], NULL, 0);
        if (kill_server && round % 4 == 3) {
            test_pg_kill();
            test_pg_restart();
        }
        writers[i] = start(url, i, -1);
    }
    wait_for_commits(50);
    atomic_store(&shared->stop, true);
    for (int i = 0; i < WRITERS; i++)
        waitpid(writers[i], NULL, 0);
    atomic_store(&shared->written, true);
    for (int i = 0; i < READERS; i++)
        waitpid(readers[i], NULL, 0);
    print_message("%llu commits, %llu taken back, %llu failed\n",
                  (unsigned long long)atomic_load(&shared->commits),
                  (unsigned long long)atomic_load(&shared->undone),
                  (unsigned long long)atomic_load(&shared->failed));
    world_reopen_after_fork(&w);
    for (int i = 0; i < READERS; i++)
        assert_int_equal(atomic_load(&shared->seen[i].gap), 0);
    compare(&w);
    told_is_there(&w);
    world_free(&w);
    munmap(shared, sizeof(*shared));
}

static void test_writers_killed(void **state)
{
    run(state, false);
}

static void test_server_killed(void **state)
{
    test_db_url(state); /* starts it, or skips */
    test_pg_sync_on();
    run(state, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST_ON_BOTH(test_writers_killed),
                                       TEST_ON_POSTGRES(test_server_killed)};
    return test_db_run(tests);
}

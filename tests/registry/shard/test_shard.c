/* Payloads on several servers: what is written while shards move and movers, writers and
 * readers are killed is neither lost nor doubled, and nobody sees an older state than
 * before; a server that is away fails what it holds, and catches up. */
#include "tests/registry/core/fixture.h"

#include "base/hash.h"
#include "platforms/registry/live/live.h"
#include "platforms/registry/live/overlay.h"
#include "platforms/registry/shard/payloads.h"
#include "platforms/registry/shard/shard.h"
#include "sys/clock.h"

#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SERVERS = 3, SHARDS = 16, PEOPLE = 240, CALLERS = 3, CALLS = 300, ROWS = 5 };

static struct ndc_fault fault;

static struct ndc_fault *fresh(void)
{
    fault = (struct ndc_fault){0};
    return &fault;
}

static const char fields[] = "fields:\n"
                             "  - {column: ten, to: full_name}\n"
                             "  - {column: ngay, to: birth_date, format: ymd}\n"
                             "  - {column: so, to: person_id}\n"
                             "  - {column: dt, to: phone}\n";

static void person(char out[160], const char *key, unsigned p, unsigned phone)
{
    snprintf(out, 160, "%s,Nguyễn Văn %c%c,19%02u-%02u-%02u,0010%02u%06u,09%08u\n", key,
             'A' + p % 26, 'a' + p / 26 % 26, 50 + p % 50, 1 + p % 12, 1 + p % 28,
             50 + p % 50, p, phone);
}

/* `files` has all people; what callers send is of sources of their own. */
static void people_world_of(struct world *w, void **state, bool sharded, unsigned people,
                            unsigned shards)
{
    struct ndc_buf csv;
    world_new(w, state);
    w->shard_count = shards;
    if (sharded && !w->shards) {
        w->shards = SERVERS;
        shard_world(w, state);
    }
    declare(w, "files", "{mode: snapshot}", fields);
    ndc_buf_init(&csv, 1 << 20);
    ndc_buf_add_c(&csv, "k,ten,ngay,so,dt\n");
    for (unsigned p = 0; p < people; p++) {
        char key[16], row[160];
        snprintf(key, sizeof(key), "f%u", p);
        person(row, key, p, p);
        ndc_buf_add_c(&csv, row);
    }
    ndc_buf_add_byte(&csv, '\0');
    write_csv(w, "files", csv.ptr);
    ndc_buf_free(&csv);
    load(w, "files", NULL);
    for (int c = 0; c < CALLERS; c++) {
        char id[16];
        snprintf(id, sizeof(id), "caller%d", c);
        declare(w, id, "{mode: snapshot}", fields);
        write_csv(w, id, "k,ten,ngay,so,dt\n");
        load(w, id, NULL);
    }
    build(w, NULL);
}

static void people_world(struct world *w, void **state, bool sharded)
{
    people_world_of(w, state, sharded, PEOPLE, SHARDS);
}

/* ---- what callers send ---- */

/* Row i of a caller: whose record, who it is said to be, and whether it ends. Now and
 * then it is said to be somebody else, so that entities merge and part. */
static unsigned key_of(unsigned caller, unsigned i)
{
    return (unsigned)(ndc_mix64((uint64_t)caller << 32 | i) % PEOPLE);
}

static unsigned who_of(unsigned caller, unsigned i)
{
    unsigned key = key_of(caller, i);
    return i % 11 == 5 ? (key + 1 + i % 7) % PEOPLE : key;
}

static bool ends(unsigned i)
{
    return i % 17 == 3;
}

static void add_row(struct ndc_buf *out, unsigned caller, unsigned i)
{
    unsigned p = who_of(caller, i);
    ndc_buf_printf(out, "{\"k\":\"c%u\",\"_version\":%u,", key_of(caller, i), i + 1);
    if (ends(i)) {
        ndc_buf_add_c(out, "\"_op\":\"D\"}\n");
        return;
    }
    ndc_buf_printf(out,
                   "\"ten\":\"Nguyễn Văn %c%c\",\"ngay\":\"19%02u-%02u-%02u\",\"so\":"
                   "\"0010%02u%06u\",\"dt\":\"09%08u\"}\n",
                   'A' + p % 26, 'a' + p / 26 % 26, 50 + p % 50, 1 + p % 12, 1 + p % 28,
                   50 + p % 50, p, 1000 + i);
}

struct caller {
    struct world *w;
    unsigned number;
};

/* From the position on that the last commit kept. */
static void run_caller(void *arg)
{
    const struct caller *c = arg;
    struct ndc_fault mine = {0};
    struct ndc_arena arena;
    struct ndc_buf buf;
    struct ndc_str text;
    char id[16], next[24];
    int64_t at = 0;
    ndc_arena_init(&arena, 1 << 16);
    ndc_buf_init(&buf, 1 << 20);
    snprintf(id, sizeof(id), "caller%u", c->number);
    if (ndc_registry_live_position(c->w->reg, &arena, ndc_str(id), &text, &mine))
        _exit(2);
    if (!ndc_str_to_i64(text, &at)) at = 0;
    for (unsigned i = (unsigned)at; i < CALLS * ROWS;) {
        struct ndc_live_result r;
        ndc_buf_reset(&buf);
        for (unsigned k = 0; k < ROWS; k++)
            add_row(&buf, c->number, i++);
        snprintf(next, sizeof(next), "%u", i);
        const struct ndc_live_rows rows = {.source = ndc_str(id),
                                           .ndjson = ndc_buf_str(&buf),
                                           .position = ndc_str(next)};
        if (ndc_registry_live(c->w->reg, &rows, &r, &mine)) {
            printf("# %s: %s\n", mine.code, mine.message);
            _exit(3);
        }
    }
    ndc_buf_free(&buf);
    ndc_arena_free(&arena);
}

static void call_all(struct world *w)
{
    struct ndc_thread threads[CALLERS];
    struct caller callers[CALLERS];
    for (unsigned c = 0; c < CALLERS; c++) {
        callers[c] = (struct caller){w, c};
        ndc_thread_start(&threads[c], "caller", run_caller, &callers[c]);
    }
    for (unsigned c = 0; c < CALLERS; c++)
        ndc_thread_join(&threads[c]);
}

/* ---- what must be there in the end ---- */

struct seen {
    struct world *w;
    unsigned times[CALLERS][PEOPLE];
    unsigned records;
};

static void check_record(struct seen *s, const struct ndc_record *r)
{
    static int phone = -1;
    if (phone < 0) phone = ndc_field_find(NDC_STR("phone"))->id;
    for (unsigned c = 0; c < CALLERS; c++) {
        char id[16], want[24];
        int64_t key;
        snprintf(id, sizeof(id), "caller%u", c);
        if (ndc_registry_find(s->w->reg, ndc_str(id))->number != r->source) continue;
        assert_true(ndc_str_to_i64(ndc_str_from(r->key, 1), &key));
        s->times[c][key]++;
        unsigned last = 0, value = 0;
        for (unsigned i = 0; i < CALLS * ROWS; i++) {
            if (key_of(c, i) != key) continue;
            last = i;
            if (!ends(i)) value = i;
        }
        assert_int_equal((r->flags & NDC_RECORD_ENDED) != 0, ends(last));
        const struct ndc_record_field *f = ndc_record_find(r, (unsigned)phone);
        assert_non_null(f);
        snprintf(want, sizeof(want), "+849%08u", 1000 + value);
        assert_int_equal(f->value.len, strlen(want));
        assert_memory_equal(f->value.ptr, want, strlen(want));
    }
    s->records++;
}

/* Every record once, as its last row said. */
static void check_all(struct world *w)
{
    struct ndc_store_conn *conn;
    struct ndc_arena arena;
    const struct ndc_payload_range all = {.ordered = true};
    const struct ndc_payload *row;
    struct seen *s = calloc(1, sizeof(*s));
    s->w = w;
    ndc_arena_init(&arena, 64 << 20);
    assert_ok(ndc_live_pause(w->reg->live, fresh()), &fault);
    ndc_live_resume(w->reg->live, false);
    assert_ok(ndc_store_take(w->store, NDC_READ, &conn, fresh()), &fault);
    struct ndc_payloads *rows = ndc_payloads_open(w->reg, conn, &all);
    uint64_t before = 0;
    while ((row = ndc_payloads_next(rows))) {
        struct ndc_entity_view v;
        assert_true(row->entity > before);
        before = row->entity;
        ndc_arena_reset(&arena);
        assert_true(ndc_entity_decode(&v, &arena, row->payload));
        for (unsigned i = 0; i < v.record_count; i++)
            check_record(s, &v.records[i]);
    }
    assert_ok(ndc_payloads_close(rows, fresh()), &fault);
    ndc_store_give(conn);
    ndc_arena_free(&arena);
    for (unsigned c = 0; c < CALLERS; c++)
        for (unsigned p = 0; p < PEOPLE; p++) {
            bool sent = false;
            for (unsigned i = 0; i < CALLS * ROWS && !sent; i++)
                sent = key_of(c, i) == p && !ends(i);
            assert_int_equal(s->times[c][p], sent);
        }
    free(s);
    assert_int_equal(count_of(w, "SELECT count(*) FROM registry_change"),
                     count_of(w, "SELECT max(seq) - min(seq) + 1 FROM registry_change"));
    assert_int_equal(count_of(w, "SELECT sum(rows_read) FROM registry_run WHERE mode = "
                                 "'live'"),
                     CALLERS * CALLS * ROWS);
    assert_int_equal(count_of(w, "SELECT count(*) FROM registry_recent"), 0);
}

/* ---- moved and killed ---- */

static int kill_rounds(void)
{
    const char *text = getenv("NDC_TEST_KILLS");
    int64_t n = 24;
    if (text && ndc_str_to_i64(ndc_str(text), &n) && n > 0 && n < 100000) return (int)n;
    return 24;
}

/* Time for others between two steps. */
static void linger(void *arg, const char *what, uint64_t rows)
{
    (void)rows;
    bool long_one = strcmp(what, "switched") == 0 && ndc_rng_below(arg, 3) == 0;
    usleep((useconds_t)ndc_rng_below(arg, long_one ? 600000 : 8000));
}

/* Moves shards about without end, those that others have begun too. */
static void run_mover(struct world *w, uint64_t rng)
{
    struct ndc_store *store;
    struct ndc_shards *shards;
    if (ndc_store_open(&store, w->url, NULL, fresh()) ||
        ndc_shards_open(&shards, store, fresh()))
        _exit(4);
    for (;;) {
        unsigned shard = (unsigned)ndc_rng_below(&rng, SHARDS);
        char to[16];
        snprintf(to, sizeof(to), "s%u", (unsigned)ndc_rng_below(&rng, w->shards));
        enum ndc_err err =
            ndc_shard_move(shards, shard, ndc_str(to), linger, &rng, fresh());
        if (err && strcmp(fault.code, "registry.shard_moving") != 0) {
            printf("# %s: %s\n", fault.code, fault.message);
            _exit(5);
        }
    }
}

/* Reads everybody with a map and an overlay of its own: no entity goes back. */
static void run_reader(struct world *w)
{
    enum { MOST = PEOPLE * 8 };
    static int64_t changes[MOST];
    struct ndc_arena arena;
    ndc_arena_init(&arena, 1 << 20);
    for (;;) {
        struct ndc_store_conn *conn;
        ndc_live_follow(w->reg->live);
        if (ndc_store_take(w->store, NDC_READ, &conn, fresh())) _exit(6);
        for (uint64_t e = 1; e < MOST; e++) {
            struct ndc_str payload;
            int64_t change;
            ndc_arena_reset(&arena);
            if (ndc_live_payload(w->reg->live, conn, &arena, e, &payload, &change,
                                 fresh())) {
                printf("# %s: %s\n", fault.code, fault.message);
                _exit(7);
            }
            if (change < changes[e]) {
                printf("# entity %llu went from change %lld to %lld\n",
                       (unsigned long long)e, (long long)changes[e], (long long)change);
                _exit(8);
            }
            changes[e] = change;
        }
        ndc_store_give(conn);
    }
}

enum role { WRITER, MOVER, READER, ROLES };

static pid_t start_role(struct world *w, enum role role, uint64_t seed)
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid != 0) return pid;
    if (role == MOVER) run_mover(w, seed);
    /* A program of its own has a folder of its own. */
    if (role == READER) snprintf(w->dir, sizeof(w->dir), "%s/reader", test_db_folder());
    world_reopen_after_fork(w);
    if (role == READER) run_reader(w);
    call_all(w);
    world_free(w);
    fflush(stdout);
    _exit(0);
}

static void end_moves(struct world *w)
{
    static const char sql[] =
        "SELECT count(*) FROM registry_shard WHERE state <> 'steady'";
    for (unsigned shard = 0; shard < SHARDS && count_of(w, sql); shard++)
        for (unsigned to = 0; to < w->shards; to++) {
            char name[16], where[320];
            snprintf(name, sizeof(name), "s%u", to);
            snprintf(where, sizeof(where),
                     "SELECT count(*) FROM registry_shard m JOIN registry_shard_server v "
                     "ON v.number = CASE m.state WHEN 'copying' THEN m.other ELSE "
                     "m.server END WHERE m.shard = %u AND v.server = '%s'",
                     shard, name);
            if (count_of(w, where))
                assert_ok(ndc_shard_move(w->reg->shards, shard, ndc_str(name), NULL, NULL,
                                         fresh()),
                          &fault);
        }
    assert_int_equal(count_of(w, sql), 0);
}

static void test_moved_and_killed(void **state)
{
    struct world w;
    pid_t pids[ROLES] = {0};
    uint64_t rng = 5;
    int kills[ROLES] = {0}, all = 0;
    bool written = false;
    people_world(&w, state, true);
    world_free(&w);
    for (int rounds = kill_rounds(); all < rounds || !written;) {
        for (int r = 0; r < ROLES; r++)
            if (!pids[r] && !(r == WRITER && written))
                pids[r] = start_role(&w, (enum role)r, ndc_rng_next(&rng));
        usleep((useconds_t)(30000 + ndc_rng_below(&rng, 300000)));
        enum role r = (enum role)(all < rounds ? ndc_rng_below(&rng, ROLES) : ROLES);
        for (int k = 0; k < ROLES; k++) {
            int status = 0;
            if (k == (int)r && pids[k]) kill(pids[k], SIGKILL);
            if (!pids[k] || waitpid(pids[k], &status, k == (int)r ? 0 : WNOHANG) <= 0)
                continue;
            pids[k] = 0;
            if (WIFEXITED(status)) {
                assert_int_equal(k, WRITER);
                assert_int_equal(WEXITSTATUS(status), 0);
                written = true;
                if (getenv("NDC_TEST_LOG")) printf("# written after %d kills\n", all);
            } else {
                kills[k]++;
                all++;
            }
        }
    }
    for (int r = 0; r < ROLES; r++) {
        if (!pids[r]) continue;
        kill(pids[r], SIGKILL);
        waitpid(pids[r], NULL, 0);
    }
    world_reopen_after_kill(&w);
    end_moves(&w);
    check_all(&w);
    int64_t moves = count_of(&w, "SELECT sum(epoch) - count(*) FROM registry_shard");
    print_message("writers killed %d times, movers %d, readers %d; %lld moves\n",
                  kills[WRITER], kills[MOVER], kills[READER], (long long)moves);
    assert_true(moves > 0);
    world_free(&w);
}

/* ---- killed while it copies ---- */

static void die_after_a_piece(void *arg, const char *what, uint64_t rows)
{
    (void)arg;
    if (strcmp(what, "copied") == 0 && rows) raise(SIGKILL);
}

static void note_piece(void *arg, const char *what, uint64_t rows)
{
    uint64_t *copied = arg;
    (void)what;
    *copied = NDC_MAX(*copied, rows);
}

/* What is copied stays copied, what is written meanwhile is at the new place, ends too.
 */
static void test_killed_copying(void **state)
{
    enum { MANY = 4500, FEW = 3, PIECE = 1000, WRITES = 200 };
    struct world w;
    char row[160];
    int status;
    unsetenv("NDC_TEST_SHARDS");
    people_world_of(&w, state, true, MANY, FEW);
    const char *to = "s1";
    world_free(&w);
    pid_t pid = fork();
    if (pid == 0) {
        struct ndc_store *store;
        struct ndc_shards *shards;
        if (ndc_store_open(&store, w.url, NULL, fresh()) ||
            ndc_shards_open(&shards, store, fresh()))
            _exit(4);
        _exit(ndc_shard_move(shards, 0, ndc_str(to), die_after_a_piece, NULL, fresh())
                  ? 5
                  : 6);
    }
    waitpid(pid, &status, 0);
    assert_true(WIFSIGNALED(status));
    world_reopen_after_kill(&w);
    assert_string_equal(text_of(&w, "SELECT state FROM registry_shard WHERE shard = 0"),
                        "copying");
    int64_t copied = count_of(&w, "SELECT copied FROM registry_shard WHERE shard = 0");
    assert_int_equal(copied, PIECE * FEW);
    for (unsigned i = 0; i < WRITES; i++) {
        unsigned p = i * (MANY / WRITES);
        struct ndc_live_result r;
        snprintf(row, sizeof(row),
                 i % 5 ? "{\"k\":\"f%u\",\"_op\":\"D\",\"_version\":9}\n"
                       : "{\"k\":\"f%u\",\"ten\":\"Lê Thị Mới\",\"ngay\":\"1990-01-01\","
                         "\"_version\":9}\n",
                 p);
        const struct ndc_live_rows rows = {.source = NDC_STR("files"),
                                           .ndjson = ndc_str(row)};
        assert_ok(ndc_registry_live(w.reg, &rows, &r, fresh()), &fault);
    }
    struct digest before = digest_of(&w);
    uint64_t again = 0;
    assert_ok(ndc_shard_move(w.reg->shards, 0, ndc_str(to), note_piece, &again, fresh()),
              &fault);
    assert_true(again > 0 && again < PIECE); /* not from the beginning */
    struct digest after = digest_of(&w);
    assert_int_equal(before.entities, after.entities);
    assert_int_equal(before.exact, after.exact);
    build(&w, NULL);
    struct digest built = digest_of(&w);
    assert_int_equal(built.records, after.records);
    assert_int_equal(built.parts, after.parts);
    assert_int_equal(built.golden, after.golden);
    world_free(&w);
}

/* ---- as one ---- */

/* The same rows on shards and on one database come to the same; so does a build after
 * them, and the sharding of what is there. */
static void test_same_as_one(void **state)
{
    struct world w, one;
    people_world(&w, state, true);
    call_all(&w);
    struct digest live = digest_of(&w);
    check_all(&w);
    build(&w, NULL);
    struct digest built = digest_of(&w);
    assert_int_equal(live.parts, built.parts);
    assert_int_equal(live.values, built.values);
    assert_int_equal(live.golden, built.golden);
    world_reopen(&w);
    struct digest again = digest_of(&w);
    assert_int_equal(again.exact, built.exact);
    world_free(&w);

    unsetenv("NDC_TEST_SHARDS");
    people_world(&one, state, false);
    call_all(&one);
    struct digest alone = digest_of(&one);
    assert_int_equal(alone.parts, live.parts);
    assert_int_equal(alone.values, live.values);
    assert_int_equal(alone.golden, live.golden);
    one.shards = SERVERS;
    shard_world(&one, state);
    assert_int_equal(count_of(&one, "SELECT count(*) FROM registry_entity"), 0);
    struct digest sharded = digest_of(&one);
    assert_int_equal(sharded.exact, alone.exact);
    assert_int_equal(ndc_shard_init(one.reg->shards, SHARDS, fresh()), NDC_ECONFLICT);
    assert_string_equal(fault.code, "registry.shard_init");
    world_free(&one);
}

/* ---- away ---- */

/* A server's database lets nobody in, as if it were not there; or again. */
static void set_away(const char *url, bool away)
{
    char conninfo[400], sql[400];
    const char *name = strstr(url, "dbname=");
    for (const char *p = name; p; p = strstr(p + 1, "dbname="))
        name = p;
    snprintf(conninfo, sizeof(conninfo), "%s dbname=postgres", url + 9);
    PGconn *c = PQconnectdb(conninfo);
    assert_int_equal(PQstatus(c), CONNECTION_OK);
    snprintf(sql, sizeof(sql), "ALTER DATABASE %s ALLOW_CONNECTIONS %s", name + 7,
             away ? "false" : "true");
    PGresult *r = PQexec(c, sql);
    assert_int_equal(PQresultStatus(r), PGRES_COMMAND_OK);
    PQclear(r);
    snprintf(sql, sizeof(sql),
             "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "
             "'%s'",
             name + 7);
    if (away) PQclear(PQexec(c, sql));
    PQfinish(c);
}

static enum ndc_err read_entity(struct world *w, uint64_t number)
{
    struct ndc_store_conn *conn;
    struct ndc_arena arena;
    struct ndc_entity_view v;
    ndc_arena_init(&arena, 1 << 20);
    assert_ok(ndc_store_take(w->store, NDC_READ, &conn, fresh()), &fault);
    enum ndc_err err = ndc_registry_read(w->reg, conn, &arena, &number, &v, fresh());
    ndc_store_give(conn);
    ndc_arena_free(&arena);
    return err;
}

static enum ndc_err change_phone(struct world *w, const char *key, unsigned p,
                                 unsigned phone)
{
    char row[320];
    struct ndc_live_result r;
    snprintf(row, sizeof(row),
             "{\"k\":\"%s\",\"ten\":\"Nguyễn Văn %c%c\",\"ngay\":\"19%02u-%02u-%02u\","
             "\"so\":\"0010%02u%06u\",\"dt\":\"09%08u\",\"_version\":%u}\n",
             key, 'A' + p % 26, 'a' + p / 26 % 26, 50 + p % 50, 1 + p % 12, 1 + p % 28,
             50 + p % 50, p, phone, phone);
    const struct ndc_live_rows rows = {.source = NDC_STR("caller0"),
                                       .ndjson = ndc_str(row)};
    return ndc_registry_live(w->reg, &rows, &r, fresh());
}

static int64_t waiting_for(struct world *w, const char *server, bool *away)
{
    struct ndc_arena arena;
    struct ndc_shard_state *states;
    size_t n;
    int64_t waiting = -1;
    ndc_arena_init(&arena, 1 << 20);
    assert_ok(ndc_shard_list(w->reg->shards, &arena, true, &states, &n, fresh()), &fault);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(states[i].name, server) != 0) continue;
        waiting = states[i].waiting;
        *away = states[i].entities < 0;
    }
    ndc_arena_free(&arena);
    return waiting;
}

/* Shards go round the servers: s1 has every third. */
static bool on_s1(uint64_t entity)
{
    return entity % SHARDS % SERVERS == 1;
}

/* Started anew without a server: the same are served, and numbers go on. */
static void started_without(struct world *w, const uint64_t *numbers)
{
    world_reopen(w);
    for (unsigned p = 0; p < 12; p++) {
        char key[16];
        snprintf(key, sizeof(key), "a%u", p);
        if (on_s1(numbers[p])) continue;
        assert_ok(read_entity(w, numbers[p]), &fault);
        assert_ok(change_phone(w, key, p, 150), &fault);
    }
    int64_t numbers_before = count_of(w, "SELECT max(entity) FROM registry_change");
    assert_ok(change_phone(w, "m0", PEOPLE + 20, 6000), &fault);
    assert_int_equal(count_of(w, "SELECT max(entity) FROM registry_change"),
                     numbers_before + 1);
}

static void test_away(void **state)
{
    struct world w;
    uint64_t numbers[PEOPLE];
    unsigned there = 0, not_there = 0;
    bool away = false;
    people_world(&w, state, true);
    for (unsigned p = 0; p < 12; p++) {
        char key[16];
        snprintf(key, sizeof(key), "f%u", p);
        numbers[p] = entity_of(&w, "files", key);
    }
    assert_ok(change_phone(&w, "warm", 1, 77), &fault);
    assert_ok(ndc_live_pause(w.reg->live, fresh()), &fault);
    ndc_live_resume(w.reg->live, false);
    set_away(w.shard_urls[1], true);
    for (unsigned p = 0; p < 12; p++) {
        char key[16];
        snprintf(key, sizeof(key), "a%u", p);
        if (on_s1(numbers[p])) {
            not_there++;
            assert_int_equal(read_entity(&w, numbers[p]), NDC_EDB);
            assert_string_equal(fault.code, "registry.shard_away");
            assert_int_equal(ndc_fault_status(&fault), 503);
            assert_int_equal(change_phone(&w, key, p, 100), NDC_EDB);
            assert_string_equal(fault.code, "registry.shard_away");
        } else {
            there++;
            assert_ok(read_entity(&w, numbers[p]), &fault);
            assert_ok(change_phone(&w, key, p, 100), &fault);
        }
    }
    assert_true(there && not_there);
    /* New people are served wherever they will be. */
    for (unsigned p = 0; p < 6; p++) {
        char key[16];
        snprintf(key, sizeof(key), "n%u", p);
        assert_ok(change_phone(&w, key, PEOPLE + p, 5000 + p), &fault);
    }
    assert_true(waiting_for(&w, "s1", &away) > 0);
    assert_true(away);
    started_without(&w, numbers);
    /* No build without all of it, and no half of one. */
    struct ndc_build_stats stats;
    assert_int_equal(ndc_registry_build(w.reg, NULL, &stats, fresh()), NDC_EDB);
    assert_string_equal(fault.code, "registry.shard_away");

    set_away(w.shard_urls[1], false);
    for (int i = 0; waiting_for(&w, "s1", &away) > 0; i++) {
        assert_true(i < 200);
        ndc_clock_sleep_ms(100);
    }
    for (unsigned p = 0; p < 12; p++) {
        char key[16];
        snprintf(key, sizeof(key), "a%u", p);
        assert_ok(change_phone(&w, key, p, 200), &fault);
        assert_string_equal(golden_of(&w, numbers[p], "phone"), "+84900000200");
    }
    struct digest before = digest_of(&w);
    build(&w, NULL);
    struct digest after = digest_of(&w);
    assert_int_equal(before.parts, after.parts);
    assert_int_equal(before.golden, after.golden);
    world_free(&w);
}

/* ---- a reader with an old map ---- */

struct old_map {
    struct world *w;
    struct ndc_registry *reader;
    uint64_t entity;
    int64_t change;
};

static int64_t change_seen(struct ndc_registry *reg, uint64_t entity)
{
    struct ndc_store_conn *conn;
    struct ndc_arena arena;
    struct ndc_str payload;
    int64_t change;
    ndc_arena_init(&arena, 1 << 20);
    assert_ok(ndc_store_take(reg->store, NDC_READ, &conn, fresh()), &fault);
    assert_ok(
        ndc_live_payload(reg->live, conn, &arena, entity, &payload, &change, fresh()),
        &fault);
    ndc_store_give(conn);
    assert_non_null(payload.ptr);
    ndc_arena_free(&arena);
    return change;
}

/* The new place is the shard's and the old one stands: what is written now is seen by one
 * who still looks at the old. */
static void write_between(void *arg, const char *what, uint64_t rows)
{
    struct old_map *o = arg;
    (void)rows;
    if (strcmp(what, "switched") != 0) return;
    assert_ok(change_phone(o->w, "between", 1, 9000), &fault);
    o->change = change_seen(o->w->reg, o->entity);
    ndc_clock_sleep_ms(700); /* three times what draining takes */
    ndc_live_follow(o->reader->live);
    assert_int_equal(change_seen(o->reader, o->entity), o->change);
}

static void test_old_map(void **state)
{
    struct world w;
    struct ndc_shards *mover;
    struct old_map o = {.w = &w};
    char stage[160];
    people_world(&w, state, true);
    o.entity = entity_of(&w, "files", "f1");
    unsigned shard = (unsigned)(o.entity % SHARDS);
    snprintf(stage, sizeof(stage), "%s/other-stage", w.dir);
    assert_ok(ndc_registry_open(&o.reader, w.store, stage, 1, fresh()), &fault);
    assert_int_equal(change_seen(o.reader, o.entity), 0);
    assert_ok(ndc_shards_open(&mover, w.store, fresh()), &fault);
    const char *to = shard % SERVERS == 2 ? "s0" : "s2";
    assert_ok(ndc_shard_move(mover, shard, ndc_str(to), write_between, &o, fresh()),
              &fault);
    assert_true(o.change > 0);
    assert_int_equal(change_seen(o.reader, o.entity), o.change);
    /* And back, to a place that has never had this name. */
    to = shard % SERVERS == 0 ? "s0" : shard % SERVERS == 1 ? "s1" : "s2";
    assert_ok(ndc_shard_move(mover, shard, ndc_str(to), NULL, NULL, fresh()), &fault);
    assert_int_equal(change_seen(o.reader, o.entity), o.change);
    assert_int_equal(change_seen(w.reg, o.entity), o.change);
    ndc_shards_close(mover);
    ndc_registry_close(o.reader);
    world_free(&w);
}

/* ---- refusals; the overlay ---- */

static void test_refused(void **state)
{
    struct world w;
    world_new(&w, state);
    struct ndc_shards *s = w.reg->shards;
    if (test_db_kind(state) == NDC_SQLITE) {
        assert_int_equal(ndc_shard_add(s, NDC_STR("a"), ndc_str(w.url), fresh()),
                         NDC_EUNSUPPORTED);
        assert_int_equal(ndc_shard_init(s, SHARDS, fresh()), NDC_ECONFLICT);
        world_free(&w);
        return;
    }
    if (!w.shards) assert_int_equal(ndc_shard_init(s, SHARDS, fresh()), NDC_ECONFLICT);
    assert_int_equal(ndc_shard_add(s, NDC_STR("A b"), ndc_str(w.url), fresh()),
                     NDC_EINPUT);
    assert_int_equal(ndc_shard_add(s, NDC_STR("a"),
                                   NDC_STR("postgres:host=/tmp user=x password=secret"),
                                   fresh()),
                     NDC_EINPUT);
    assert_null(strstr(fault.message, "secret"));
    assert_int_equal(ndc_shard_add(s, NDC_STR("a"),
                                   NDC_STR("postgres:host=/nowhere user=x dbname=y"),
                                   fresh()),
                     NDC_EDB);
    assert_int_equal(ndc_shard_move(s, 0, NDC_STR("nobody"), NULL, NULL, fresh()),
                     NDC_ENOTFOUND);
    world_free(&w);
}

/* Set, drop and get against a plain array. */
static void test_overlay(void **state)
{
    enum { KEYS = 3000, STEPS = 200000 };
    struct ndc_overlay *o = ndc_overlay_new();
    int64_t *want = calloc(KEYS + 1, sizeof(*want));
    uint64_t rng = 3;
    size_t count = 0;
    (void)state;
    for (int64_t i = 1; i <= STEPS; i++) {
        uint64_t key = 1 + ndc_rng_below(&rng, KEYS);
        if (ndc_rng_below(&rng, 2)) {
            count += want[key] == 0;
            want[key] = i;
            ndc_overlay_set(o, key, i);
            ndc_overlay_set(o, key, i - 1); /* older: nothing */
        } else {
            ndc_overlay_drop(o, key, want[key] + 1); /* another: nothing */
            ndc_overlay_drop(o, key, want[key]);
            count -= want[key] != 0;
            want[key] = 0;
        }
        uint64_t other = 1 + ndc_rng_below(&rng, KEYS);
        assert_int_equal(ndc_overlay_get(o, other), want[other]);
    }
    assert_int_equal(ndc_overlay_count(o), count);
    for (uint64_t key = 1; key <= KEYS; key++)
        assert_int_equal(ndc_overlay_get(o, key), want[key]);
    free(want);
    ndc_overlay_free(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_overlay),        TEST_ON_BOTH(test_refused),
        TEST_ON_POSTGRES(test_away),           TEST_ON_POSTGRES(test_moved_and_killed),
        TEST_ON_POSTGRES(test_killed_copying), TEST_ON_POSTGRES(test_same_as_one),
        TEST_ON_POSTGRES(test_old_map),
    };
    return test_db_run(tests);
}

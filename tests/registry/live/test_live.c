/* Live linking: the same changes come to the same people in any order, in any portions,
 * one by one or all at once in a build; and each is in the feed. */
#include "tests/registry/core/fixture.h"

#include "base/csv.h"
#include "base/hash.h"
#include "platforms/registry/change/change.h"
#include "platforms/registry/demo/demo.h"
#include "platforms/registry/live/live.h"
#include "sys/file.h"
#include "sys/thread.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HELD_MAX = 40000, RUNS = 64 };

static struct ndc_fault fault;

static struct ndc_fault *fresh(void)
{
    fault = (struct ndc_fault){0};
    return &fault;
}

/* Rows that are held back from the files and come live. */
struct held {
    const char *source;
    char *json;
};

static struct held held[HELD_MAX];
static size_t held_count;
static char part_folder[160];

/* CSV files of the demo in UTF-8 with one kind of row, and their separators. */
static const struct {
    const char *source, *file;
    char separator;
} files[] = {{"population", "population.csv", ','},
             {"tax", "tax.csv", ','},
             {"health_insurance", "health_insurance.psv", '|'},
             {"driving_licences", "driving_licences.csv", ','},
             {"labour", "labour.csv", ','},
             {"tax_organisations", "tax_organisations.csv", ','}};

static void add_held(const char *source, const struct ndc_str *names,
                     const struct ndc_csv *row)
{
    struct ndc_buf buf;
    struct ndc_json j;
    assert_true(held_count < HELD_MAX);
    ndc_buf_init(&buf, 1 << 20);
    ndc_json_init(&j, &buf);
    ndc_json_object(&j);
    for (size_t i = 0; i < row->field_count; i++) {
        ndc_json_key_str(&j, names[i]);
        ndc_json_str(&j, row->fields[i]);
    }
    ndc_json_end(&j);
    held[held_count++] = (struct held){source, strndup(buf.ptr, buf.len)};
    ndc_buf_free(&buf);
}

static void write_row(struct ndc_buf *out, const struct ndc_csv *row, char separator)
{
    for (size_t i = 0; i < row->field_count; i++) {
        if (i) ndc_buf_add_byte(out, separator);
        ndc_buf_add_byte(out, '"');
        for (size_t k = 0; k < row->fields[i].len; k++) {
            if (row->fields[i].ptr[k] == '"') ndc_buf_add_byte(out, '"');
            ndc_buf_add_byte(out, row->fields[i].ptr[k]);
        }
        ndc_buf_add_byte(out, '"');
    }
    ndc_buf_add_byte(out, '\n');
}

/* One row in three is held back. */
static void split_file(size_t f)
{
    struct ndc_buf text, out;
    struct ndc_csv csv;
    struct ndc_str names[64];
    char path[300];
    size_t n = 0;
    uint64_t rng = f + 1;
    bool have;
    snprintf(path, sizeof(path), "%s/%s", demo_folder(), files[f].file);
    ndc_buf_init(&text, 64 << 20);
    ndc_buf_init(&out, 64 << 20);
    assert_ok(ndc_file_read(&text, path, fresh()), &fault);
    ndc_csv_init(&csv);
    csv.separator = files[f].separator;
    ndc_csv_feed(&csv, text.ptr, text.len);
    ndc_csv_end(&csv);
    while (ndc_csv_next(&csv, &have, fresh()) == NDC_OK && have) {
        if (n == 0) {
            n = csv.field_count;
            for (size_t i = 0; i < n; i++)
                names[i] = ndc_str(strndup(csv.fields[i].ptr, csv.fields[i].len));
            write_row(&out, &csv, files[f].separator);
        } else if (ndc_rng_below(&rng, 3) == 0) {
            add_held(files[f].source, names, &csv);
        } else {
            write_row(&out, &csv, files[f].separator);
        }
    }
    snprintf(path, sizeof(path), "%s/%s", part_folder, files[f].file);
    assert_ok(ndc_file_write(path, ndc_buf_str(&out), 0644, fresh()), &fault);
    for (size_t i = 0; i < n; i++)
        free((char *)(uintptr_t)names[i].ptr);
    ndc_csv_free(&csv);
    ndc_buf_free(&text);
    ndc_buf_free(&out);
}

/* The demo's folder with a part of its rows. */
static const char *part_of_demo(void)
{
    if (part_folder[0]) return part_folder;
    snprintf(part_folder, sizeof(part_folder), "%s/part", test_db_folder());
    demo_write(part_folder);
    for (size_t f = 0; f < NDC_ARRAY_LEN(files); f++)
        split_file(f);
    return part_folder;
}

static void integrate_folder(struct world *w, const char *folder)
{
    struct ndc_build_stats stats;
    int64_t runs[RUNS];
    size_t n;
    assert_ok(ndc_registry_declare_folder(w->reg, folder, runs, RUNS, &n, fresh()),
              &fault);
    assert_ok(ndc_registry_integrate(w->reg, runs, n, NULL, &stats, fresh()), &fault);
}

static void live(struct world *w, const char *source, struct ndc_str ndjson,
                 struct ndc_live_result *result)
{
    struct ndc_live_result mine;
    const struct ndc_live_rows rows = {.source = ndc_str(source), .ndjson = ndjson};
    assert_ok(ndc_registry_live(w->reg, &rows, result ? result : &mine, fresh()), &fault);
}

/* The rows that were held back in a random order, in portions of up to `most`. */
static void live_held(struct world *w, uint64_t seed, size_t most)
{
    size_t *order = malloc((held_count + 1) * sizeof(*order));
    struct ndc_buf buf;
    ndc_buf_init(&buf, 64 << 20);
    for (size_t i = 0; i < held_count; i++) {
        size_t k = ndc_rng_below(&seed, i + 1);
        order[i] = order[k];
        order[k] = i;
    }
    for (size_t at = 0; at < held_count;) {
        size_t n = 1 + ndc_rng_below(&seed, most);
        const char *source = held[order[at]].source;
        ndc_buf_reset(&buf);
        for (size_t i = 0; i < n && at < held_count; i++, at++) {
            if (strcmp(held[order[at]].source, source) != 0) break;
            ndc_buf_add_c(&buf, held[order[at]].json);
            ndc_buf_add_byte(&buf, '\n');
        }
        live(w, source, ndc_buf_str(&buf), NULL);
    }
    free(order);
    ndc_buf_free(&buf);
}

/* Several callers at once: batches are made while others commit. */
struct crowd {
    struct world *w;
    struct ndc_mutex lock; /* guards next and failed */
    size_t next;
    enum ndc_err failed;
    struct ndc_fault fault;
};

static void call_in_crowd(void *arg)
{
    enum { PORTION = 7 };
    struct crowd *c = arg;
    struct ndc_buf buf;
    ndc_buf_init(&buf, 64 << 20);
    for (;;) {
        ndc_mutex_lock(&c->lock);
        size_t at = c->next;
        c->next = NDC_MIN(at + PORTION, held_count);
        bool over = at >= held_count || c->failed;
        ndc_mutex_unlock(&c->lock);
        if (over) break;
        for (size_t i = at; i < NDC_MIN(at + PORTION, held_count); i++) {
            struct ndc_fault why = {0};
            struct ndc_live_result result;
            ndc_buf_reset(&buf);
            ndc_buf_add_c(&buf, held[i].json);
            ndc_buf_add_byte(&buf, '\n');
            const struct ndc_live_rows rows = {.source = ndc_str(held[i].source),
                                               .ndjson = ndc_buf_str(&buf)};
            enum ndc_err err = ndc_registry_live(c->w->reg, &rows, &result, &why);
            if (!err) continue;
            ndc_mutex_lock(&c->lock);
            c->failed = err;
            c->fault = why;
            ndc_mutex_unlock(&c->lock);
        }
    }
    ndc_buf_free(&buf);
}

static void live_by_crowd(struct world *w)
{
    enum { CALLERS = 8 };
    struct ndc_thread threads[CALLERS];
    struct crowd c = {.w = w};
    ndc_mutex_init(&c.lock);
    for (size_t i = 0; i < CALLERS; i++)
        ndc_thread_start(&threads[i], "caller", call_in_crowd, &c);
    for (size_t i = 0; i < CALLERS; i++)
        ndc_thread_join(&threads[i]);
    ndc_mutex_free(&c.lock);
    assert_ok(c.failed, &c.fault);
}

/* All of a source's held rows in one call. */
static void live_at_once(struct world *w)
{
    struct ndc_buf buf;
    ndc_buf_init(&buf, 64 << 20);
    for (size_t f = 0; f < NDC_ARRAY_LEN(files); f++) {
        ndc_buf_reset(&buf);
        for (size_t i = 0; i < held_count; i++) {
            if (strcmp(held[i].source, files[f].source) != 0) continue;
            ndc_buf_add_c(&buf, held[i].json);
            ndc_buf_add_byte(&buf, '\n');
        }
        live(w, files[f].source, ndc_buf_str(&buf), NULL);
    }
    ndc_buf_free(&buf);
}

static void test_any_order(void **state)
{
    struct world w;
    world_new(&w, state);
    integrate_folder(&w, part_of_demo());
    live_held(&w, 1, 40);
    struct digest mixed = digest_of(&w);
    assert_true(held_count > 2000);
    assert_int_equal(count_of(&w, "SELECT count(*) FROM registry_change"),
                     count_of(&w, "SELECT max(seq) - min(seq) + 1 FROM registry_change"));
    /* A build from what stands, with the model that was kept, changes nothing. */
    build(&w, NULL);
    struct digest built = digest_of(&w);
    assert_int_equal(mixed.records, built.records);
    assert_int_equal(mixed.parts, built.parts);
    assert_int_equal(mixed.golden, built.golden);
    assert_int_equal(mixed.content, built.content);
    world_free(&w);

    world_new(&w, state);
    integrate_folder(&w, part_of_demo());
    live_at_once(&w);
    struct digest at_once = digest_of(&w);
    assert_int_equal(at_once.records, mixed.records);
    assert_int_equal(at_once.parts, mixed.parts);
    assert_int_equal(at_once.golden, mixed.golden);
    world_free(&w);

    world_new(&w, state);
    integrate_folder(&w, part_of_demo());
    live_by_crowd(&w);
    struct digest crowd = digest_of(&w);
    assert_int_equal(crowd.records, mixed.records);
    assert_int_equal(crowd.parts, mixed.parts);
    assert_int_equal(crowd.golden, mixed.golden);
    assert_int_equal(count_of(&w, "SELECT count(*) FROM registry_change"),
                     count_of(&w, "SELECT max(seq) - min(seq) + 1 FROM registry_change"));
    world_free(&w);

    /* And as a build of all of it would, had it learned from the same part. */
    world_new(&w, state);
    integrate_folder(&w, part_of_demo());
    integrate_folder(&w, demo_folder());
    struct digest whole = digest_of(&w);
    assert_int_equal(whole.records, mixed.records);
    assert_int_equal(whole.parts, mixed.parts);
    assert_int_equal(whole.golden, mixed.golden);
    world_free(&w);
}

/* ---- a source that numbers its changes ---- */

static const char numbered[] = "fields:\n"
                               "  - {column: ten, to: full_name}\n"
                               "  - {column: ngay, to: birth_date, format: ymd}\n"
                               "  - {column: so, to: person_id}\n"
                               "  - {column: dt, to: phone}\n";

/* A world with some people in it, and a source that knows them by number too. */
static void numbered_world(struct world *w, void **state)
{
    world_new(w, state);
    declare(w, "first", "{mode: snapshot}", numbered);
    declare(w, "second", "{mode: snapshot}", numbered);
    write_csv(w, "first",
              "k,ten,ngay,so,dt\n"
              "a,Nguyễn Văn An,1980-02-03,001080000011,0912000001\n"
              "b,Trần Thị Bình,1991-05-06,001191000022,0912000002\n"
              "c,Lê Hoàng Cường,1975-07-08,001075000033,0912000003\n");
    write_csv(w, "second",
              "k,ten,ngay,so,dt\n"
              "x,Nguyễn Văn An,1980-02-03,001080000011,0912000001\n");
    load(w, "first", NULL);
    load(w, "second", NULL);
    build(w, NULL);
}

static void send(struct world *w, const char *ndjson, struct ndc_live_result *result)
{
    live(w, "second", ndc_str(ndjson), result);
}

static void test_one_by_one(void **state)
{
    struct world w;
    struct ndc_live_result r;
    numbered_world(&w, state);
    uint64_t an = entity_of(&w, "first", "a"), binh = entity_of(&w, "first", "b");
    assert_int_equal(entity_of(&w, "second", "x"), an);
    int64_t before = count_of(&w, "SELECT coalesce(max(seq), 0) FROM registry_change");

    /* Who is known is joined, who is not is new; each is one change in the feed. */
    send(&w,
         "{\"k\":\"y\",\"ten\":\"TRAN THI BINH\",\"ngay\":\"1991-05-06\",\"so\":"
         "\"001191000022\",\"dt\":\"0912000009\"}\n"
         "{\"k\":\"z\",\"ten\":\"Phạm Thị Dung\",\"ngay\":\"2026-06-01\"}\n",
         &r);
    assert_int_equal(r.rows, 2);
    assert_int_equal(r.created, 2);
    assert_int_equal(r.last_seq - r.first_seq, 1);
    assert_int_equal(r.first_seq, before + 1);
    assert_int_equal(entity_of(&w, "second", "y"), binh);
    assert_string_equal(golden_of(&w, entity_of(&w, "second", "z"), "full_name"),
                        "Phạm Thị Dung");

    /* The same again says nothing new. */
    send(&w, "{\"k\":\"z\",\"ten\":\"Phạm Thị Dung\",\"ngay\":\"2026-06-01\"}", &r);
    assert_int_equal(r.unchanged, 1);
    assert_int_equal(r.last_seq, 0);

    /* A wrong number moves the record to another person, the right one brings it back. */
    uint64_t dung = entity_of(&w, "second", "z");
    send(&w,
         "{\"k\":\"y\",\"ten\":\"Lê Hoàng Cường\",\"ngay\":\"1975-07-08\",\"so\":"
         "\"001075000033\"}",
         &r);
    assert_int_equal(entity_of(&w, "second", "y"), entity_of(&w, "first", "c"));
    assert_int_equal(entity_of(&w, "first", "b"), binh);
    send(&w,
         "{\"k\":\"y\",\"ten\":\"Trần Thị Bình\",\"ngay\":\"1991-05-06\",\"so\":"
         "\"001191000022\"}",
         &r);
    assert_int_equal(entity_of(&w, "second", "y"), binh);

    /* One who gets the number of another with the same name and date becomes that one;
     * the number that is no more leads there. */
    send(&w,
         "{\"k\":\"z\",\"ten\":\"Trần Thị Bình\",\"ngay\":\"1991-05-06\",\"so\":"
         "\"001191000022\"}",
         &r);
    assert_int_equal(entity_of(&w, "second", "z"), binh);
    assert_string_equal(golden_of(&w, dung, "full_name"), "Trần Thị Bình");
    assert_int_equal(count_of(&w, "SELECT count(*) FROM registry_change WHERE kind = 4"),
                     1);

    struct digest as_it_stands = digest_of(&w);
    build(&w, NULL);
    struct digest built = digest_of(&w);
    assert_int_equal(as_it_stands.content, built.content);
    world_reopen(&w);
    assert_int_equal(digest_of(&w).content, built.content);
    world_free(&w);
}

/* A row that cannot be right goes to quarantine and stops nothing. */
static void test_quarantine(void **state)
{
    struct world w;
    struct ndc_live_result r;
    numbered_world(&w, state);
    send(&w,
         "{\"k\":\"q\",\"ten\":\"Vũ Văn Quý\",\"ngay\":\"1990-13-45\"}\n"
         "not a row\n"
         "{\"k\":\"v\",\"ten\":\"Đỗ Thị Vui\",\"ngay\":\"1999-01-02\",\"_op\":\"X\"}\n"
         "{\"k\":\"u\",\"ten\":\"Đỗ Thị Uyên\",\"ngay\":\"1999-01-02\"}\n",
         &r);
    assert_int_equal(r.quarantined, 3);
    assert_int_equal(r.created, 1);
    assert_int_equal(count_of(&w, "SELECT count(*) FROM registry_quarantine WHERE source "
                                  "= 'second' AND state = 'open'"),
                     3);
    world_free(&w);
}

/* Every order of these, some of them twice, comes to the same. */
static void test_numbered_changes(void **state)
{
    static const char *const changes[] = {
        "{\"k\":\"n\",\"_version\":1,\"ten\":\"Ngô Thị Nga\",\"ngay\":\"1985-01-01\"}",
        "{\"k\":\"n\",\"_version\":2,\"ten\":\"Ngô Thị Nga\",\"ngay\":\"1985-01-02\"}",
        "{\"k\":\"n\",\"_version\":3,\"_op\":\"D\"}",
        "{\"k\":\"n\",\"_version\":4,\"ten\":\"Ngô Thị Nga\",\"ngay\":\"1985-01-03\"}",
        "{\"k\":\"m\",\"_version\":7,\"_op\":\"D\"}",
        "{\"k\":\"m\",\"_version\":5,\"ten\":\"Mai Văn Minh\",\"ngay\":\"1960-01-01\"}",
        "{\"k\":\"x\",\"_version\":9,\"ten\":\"Nguyễn Văn An\",\"ngay\":\"1980-02-03\","
        "\"so\":\"001080000011\",\"dt\":\"0912777777\"}",
        "{\"k\":\"x\",\"_version\":8,\"ten\":\"Nguyễn Văn An\",\"ngay\":\"1980-02-03\","
        "\"so\":\"001080000011\",\"dt\":\"0912666666\"}",
    };
    struct digest first = {0};
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct world w;
        uint64_t rng = seed;
        size_t order[2 * NDC_ARRAY_LEN(changes)], n = 0;
        numbered_world(&w, state);
        for (size_t i = 0; i < NDC_ARRAY_LEN(changes); i++)
            for (uint64_t twice = ndc_rng_below(&rng, 2) + 1; twice; twice--) {
                size_t k = ndc_rng_below(&rng, n + 1);
                order[n++] = order[k];
                order[k] = i;
            }
        for (size_t i = 0; i < n; i++)
            send(&w, changes[order[i]], NULL);
        struct digest d = digest_of(&w);
        if (seed == 1) first = d;
        assert_int_equal(d.parts, first.parts);
        assert_int_equal(d.golden, first.golden);
        assert_int_equal(d.records, first.records);
        assert_string_equal(golden_of(&w, entity_of(&w, "second", "n"), "birth_date"),
                            "1985-01-03");
        assert_int_equal(d.values, first.values);
        world_free(&w);
    }
}

/* Reviewers' decisions take effect at once. */
static void test_decisions(void **state)
{
    struct world w;
    struct ndc_live_result r;
    numbered_world(&w, state);
    uint64_t an = entity_of(&w, "first", "a");
    struct ndc_store_conn *conn;
    assert_ok(ndc_store_take(w.store, NDC_WRITE, &conn, fresh()), &fault);
    assert_ok(ndc_sql_exec(
                  conn,
                  "INSERT INTO registry_review (review, type, source_a, key_a, source_b, "
                  "key_b, entity_a, entity_b, log_odds, reason, state, decided_by, "
                  "decided_ms, note) VALUES (1, 0, 1, 'a', 2, 'x', 1, 1, 0, 'uncertain', "
                  "'different', 'test', 1, '')",
                  NDC_NO_ARGS, NULL, fresh()),
              &fault);
    ndc_store_give(conn);
    assert_ok(ndc_registry_live_decide(w.reg, an, 0, &r, fresh()), &fault);
    uint64_t other = entity_of(&w, "second", "x"), kept = entity_of(&w, "first", "a");
    assert_int_not_equal(other, kept);
    assert_true(other == an || kept == an);
    assert_int_equal(count_of(&w, "SELECT count(*) FROM registry_change WHERE kind = 5"),
                     1);
    world_free(&w);
}

static void test_nothing_integrated(void **state)
{
    struct world w;
    struct ndc_live_result r;
    world_new(&w, state);
    declare(&w, "second", "{mode: snapshot}", numbered);
    const struct ndc_live_rows rows = {.source = NDC_STR("second"),
                                       .ndjson = NDC_STR("{\"k\":\"1\"}")};
    assert_int_equal(ndc_registry_live(w.reg, &rows, &r, fresh()), NDC_ECONFLICT);
    assert_string_equal(fault.code, "live.no_model");
    const struct ndc_live_rows nobody = {.source = NDC_STR("nobody"),
                                         .ndjson = NDC_STR("{}")};
    assert_int_equal(ndc_registry_live(w.reg, &nobody, &r, fresh()), NDC_ENOTFOUND);
    world_free(&w);
}

/* ---- kill -9 ---- */

enum { ROWS_A_CALL = 7 };

static int kill_rounds(void)
{
    const char *text = getenv("NDC_TEST_KILLS");
    int64_t n = 6;
    if (text && ndc_str_to_i64(ndc_str(text), &n) && n > 0 && n < 100000) return (int)n;
    return 6;
}

/* A source's held rows from the position on that its last commit kept. */
static void send_on(struct world *w, const char *source)
{
    struct ndc_arena arena;
    struct ndc_buf buf;
    struct ndc_str at_text;
    char next[24];
    int64_t at = 0, i = 0;
    ndc_arena_init(&arena, 1 << 16);
    ndc_buf_init(&buf, 16 << 20);
    assert_ok(
        ndc_registry_live_position(w->reg, &arena, ndc_str(source), &at_text, fresh()),
        &fault);
    if (!ndc_str_to_i64(at_text, &at)) at = 0;
    for (size_t k = 0, n = 0; k <= held_count; k++) {
        bool mine = k < held_count && strcmp(held[k].source, source) == 0;
        if (mine && i++ >= at) {
            ndc_buf_add_c(&buf, held[k].json);
            ndc_buf_add_byte(&buf, '\n');
            n++;
        }
        if (n < ROWS_A_CALL && (k < held_count || n == 0)) continue;
        struct ndc_live_result r;
        snprintf(next, sizeof(next), "%lld", (long long)i);
        const struct ndc_live_rows rows = {.source = ndc_str(source),
                                           .ndjson = ndc_buf_str(&buf),
                                           .position = ndc_str(next)};
        assert_ok(ndc_registry_live(w->reg, &rows, &r, fresh()), &fault);
        /* Nothing of it was there: what a kill left undone left no trace. */
        assert_int_equal(r.created + r.quarantined, n);
        ndc_buf_reset(&buf);
        n = 0;
    }
    ndc_buf_free(&buf);
    ndc_arena_free(&arena);
}

static void send_all(struct world *w)
{
    for (size_t f = 0; f < NDC_ARRAY_LEN(files); f++)
        send_on(w, files[f].source);
}

/* Sends all, killed at most `most` times; the result is compared with that of one who was
 * let alone. Gives how often it was killed. */
static int send_killed(void **state, int most, uint64_t *rng, const struct digest *whole,
                       int64_t whole_changes)
{
    struct world w;
    int kills = 0;
    bool done = false;
    world_new(&w, state);
    integrate_folder(&w, part_of_demo());
    int64_t before = count_of(&w, "SELECT coalesce(max(seq), 0) FROM registry_change");
    world_free(&w);
    while (kills < most && !done) {
        int status = 0;
        int64_t after_us = 20000 + (int64_t)ndc_rng_below(rng, 400000);
        pid_t child = fork();
        if (child == 0) {
            world_reopen_after_kill(&w);
            send_all(&w);
            world_free(&w);
            _exit(0);
        }
        usleep((useconds_t)after_us);
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
        done = WIFEXITED(status);
        kills += !done;
        if (done) assert_int_equal(WEXITSTATUS(status), 0);
    }
    world_reopen_after_kill(&w);
    send_all(&w);
    struct digest killed = digest_of(&w);
    int64_t changes = count_of(&w, "SELECT max(seq) FROM registry_change") - before;
    assert_int_equal(count_of(&w, "SELECT count(*) FROM registry_change"),
                     before + changes); /* without a gap */
    assert_int_equal(killed.parts, whole->parts);
    assert_int_equal(killed.values, whole->values);
    assert_int_equal(killed.golden, whole->golden);
    assert_int_equal(changes, whole_changes);
    world_free(&w);
    return kills;
}

static void test_killed(void **state)
{
    struct world w;
    uint64_t rng = 77;
    int kills = 0, rounds = kill_rounds();
    world_new(&w, state);
    integrate_folder(&w, part_of_demo());
    int64_t before = count_of(&w, "SELECT coalesce(max(seq), 0) FROM registry_change");
    send_all(&w);
    struct digest whole = digest_of(&w);
    int64_t changes = count_of(&w, "SELECT max(seq) FROM registry_change") - before;
    world_free(&w);
    do { /* again and again where many kills are asked for */
        kills += send_killed(state, rounds - kills, &rng, &whole, changes);
    } while (kills < rounds && getenv("NDC_TEST_KILLS"));
    print_message("killed %d times; %lld changes\n", kills, (long long)changes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_ON_BOTH(test_one_by_one),
        TEST_ON_BOTH(test_quarantine),
        TEST_ON_BOTH(test_numbered_changes),
        TEST_ON_BOTH(test_decisions),
        TEST_ON_BOTH(test_nothing_integrated),
        TEST_ON_BOTH(test_any_order),
        TEST_ON_BOTH(test_killed),
    };
    return test_db_run(tests);
}

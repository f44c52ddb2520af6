/* Integration as a user sees it, on both databases: a nation, the same files again, what
 * ends, what a delta does, what a merge leaves, what people decide. */
#include "tests/registry/core/fixture.h"

#include "platforms/registry/demo/demo.h"
#include "platforms/registry/load/push.h"

#include "base/vntext.h"
#include "platforms/registry/serve/match.h"
#include "platforms/registry/serve/search.h"
#include "platforms/registry/source/connect.h"
#include "store/writer.h"
#include "sys/clock.h"
#include "sys/thread.h"

#include <stdatomic.h>

static struct ndc_fault fault;

#define PERSON                                                                    \
    "fields:\n  - {column: k, to: ~}\n  - {column: id, to: person_id}\n"          \
    "  - {column: n, to: full_name, required: true}\n"                            \
    "  - {column: b, to: birth_date, required: true}\n  - {column: s, to: sex}\n" \
    "  - {column: t, to: updated_at}\n"
#define HEAD "k,id,n,b,s,t\n"
#define AN   "1,001085000123,Nguyễn Văn An,27/03/1985,Nam,2024-01-01\n"
#define BINH "2,001185000456,Trần Thị Bình,01/02/1985,Nữ,2024-01-01\n"
#define CHI  "3,001190000789,Lê Thị Chi,05/06/1990,Nữ,2024-01-01\n"

static void test_demo_nation(void **state)
{
    struct world w;
    struct ndc_build_stats stats;
    world_new(&w, state);
    integrate_demo(&w, &stats);
    struct digest d = digest_of(&w);
    assert_int_equal(d.entities, stats.people + stats.organisations);
    assert_int_equal(d.records, stats.records);
    assert_int_equal(count_of(&w, "SELECT coalesce(sum(accepted), 0) FROM registry_run"),
                     stats.records);
    assert_int_equal(
        count_of(&w, "SELECT sum(rows_read - accepted - quarantined) FROM registry_run"),
        0);
    assert_int_equal(
        count_of(&w, "SELECT count(*) FROM registry_run WHERE state <> 'succeeded'"), 0);
    assert_int_equal(count_of(&w, "SELECT sum(quarantined) - (SELECT count(*) FROM "
                                  "registry_quarantine) FROM registry_run"),
                     0);
    assert_true(count_of(&w, "SELECT count(*) FROM registry_quarantine") > 0);
    assert_true(stats.people > 1900 && stats.people < 2150);
    double f1 = demo_f1(&w);
    print_message("people %llu, F1 %.4f\n", (unsigned long long)stats.people, f1);
    assert_true(f1 >= 0.99);

    /* The same files again: everything unchanged, nothing rewritten. */
    int64_t reviews =
        count_of(&w, "SELECT coalesce(sum(review), 0) FROM registry_review");
    int64_t open = count_of(&w, "SELECT count(*) FROM registry_quarantine");
    ndc_clock_sleep_ms(5);
    integrate_demo(&w, &stats);
    struct digest again = digest_of(&w);
    assert_int_equal(again.exact, d.exact);
    assert_int_equal(count_of(&w, "SELECT count(*) FROM registry_history"), 0);
    assert_int_equal(count_of(&w, "SELECT count(*) FROM registry_redirect"), 0);
    assert_int_equal(count_of(&w, "SELECT sum(unchanged) FROM registry_run"),
                     stats.records);
    assert_int_equal(count_of(&w, "SELECT sum(changed + ended) FROM registry_run"), 0);
    assert_int_equal(count_of(&w, "SELECT coalesce(sum(review), 0) FROM registry_review"),
                     reviews);
    /* Snapshot rows that are still wrong stand in quarantine once. */
    int64_t twice = count_of(&w, "SELECT count(*) FROM registry_quarantine q JOIN "
                                 "registry_run r ON r.run = q.run WHERE q.state = 'open' "
                                 "AND r.mode = 'snapshot'");
    int64_t once = count_of(&w, "SELECT count(*) FROM registry_quarantine q JOIN "
                                "registry_run r ON r.run = q.run WHERE q.state = "
                                "'replaced'");
    assert_int_equal(twice, once);
    assert_true(once <= open);
    /* And after a restart it is all there. */
    world_reopen(&w);
    assert_int_equal(digest_of(&w).exact, d.exact);
    assert_true(ndc_registry_generation(w.reg) == 2);
    world_free(&w);
}

static void test_absent_rows_end(void **state)
{
    struct world w;
    struct ndc_load_result r;
    world_new(&w, state);
    declare(&w, "a", "{mode: snapshot}", PERSON);
    write_csv(&w, "a", HEAD AN BINH CHI);
    load(&w, "a", &r);
    assert_int_equal(r.added, 3);
    build(&w, NULL);
    uint64_t binh = entity_of(&w, "a", "2");
    write_csv(&w, "a", HEAD AN CHI);
    load(&w, "a", &r);
    assert_int_equal(r.ended, 1);
    assert_int_equal(r.unchanged, 2);
    build(&w, NULL);
    /* Still known, with its number: that it ended is what is known of it. */
    assert_int_equal(entity_of(&w, "a", "2"), binh);
    assert_string_equal(golden_of(&w, binh, "full_name"), "Trần Thị Bình");
    load(&w, "a", &r);
    assert_int_equal(r.ended, 0);
    /* It comes back. */
    write_csv(&w, "a", HEAD AN BINH CHI);
    load(&w, "a", &r);
    assert_int_equal(r.changed, 1);
    assert_int_equal(r.unchanged, 2);
    build(&w, NULL);
    assert_int_equal(entity_of(&w, "a", "2"), binh);
    world_free(&w);
}

/* A row that went wrong is not a person who left. */
static void test_a_bad_row_does_not_end_its_record(void **state)
{
    struct world w;
    struct ndc_load_result r;
    world_new(&w, state);
    declare(&w, "a", "{mode: snapshot}", PERSON);
    write_csv(&w, "a", HEAD AN BINH);
    load(&w, "a", &r);
    write_csv(&w, "a", HEAD AN "2,001185000456,Trần Thị Bình,31/02/1985,Nữ,\n");
    load(&w, "a", &r);
    assert_int_equal(r.quarantined, 1);
    assert_int_equal(r.ended, 0);
    build(&w, NULL);
    uint64_t binh = entity_of(&w, "a", "2");
    assert_true(binh != 0);
    assert_string_equal(golden_of(&w, binh, "birth_date"), "1985-02-01");
    world_free(&w);
}

static void test_delta(void **state)
{
    struct world w;
    struct ndc_load_result r;
    world_new(&w, state);
    declare(&w, "a", "{mode: delta, op_column: op}", PERSON);
#define OP "op," HEAD
    write_csv(&w, "a", OP "I," AN "I," BINH "I," CHI);
    load(&w, "a", &r);
    assert_int_equal(r.added, 3);
    build(&w, NULL);
    uint64_t an = entity_of(&w, "a", "1"), binh = entity_of(&w, "a", "2"),
             chi = entity_of(&w, "a", "3");
    /* Change; delete; delete then insert; insert then delete; delete of the unknown;
     * the same key several times, of which the last counts. */
    write_csv(&w, "a",
              OP "U,1,001085000123,Nguyễn Văn Ân,27/03/1985,Nam,2024-02-01\n"
                 "D,2,,,,,\n"
                 "D,3,,,,,\nI,3,001190000789,Lê Thị Chi Mai,05/06/1990,Nữ,2024-02-01\n"
                 "I,4,001085000124,Đỗ Văn Dũng,27/03/1985,Nam,\nD,4,,,,,\n"
                 "D,99,,,,,\n"
                 "I,5,001085000125,Vũ Văn Em,27/03/1985,Nam,\n"
                 "U,5,001085000125,Vũ Văn Én,27/03/1985,Nam,\n"
                 "U,5,001085000125,Vũ Văn Yên,27/03/1985,Nam,\n");
    load(&w, "a", &r);
    assert_int_equal(r.quarantined, 0);
    assert_int_equal(r.rows_read, 10);
    build(&w, NULL);
    assert_int_equal(entity_of(&w, "a", "1"), an);
    assert_string_equal(golden_of(&w, an, "full_name"), "Nguyễn Văn Ân");
    assert_int_equal(entity_of(&w, "a", "2"), binh);
    assert_int_equal(entity_of(&w, "a", "3"), chi);
    assert_string_equal(golden_of(&w, chi, "full_name"), "Lê Thị Chi Mai");
    assert_int_equal(entity_of(&w, "a", "4"), 0);
    assert_int_equal(entity_of(&w, "a", "99"), 0);
    assert_string_equal(golden_of(&w, entity_of(&w, "a", "5"), "full_name"),
                        "Vũ Văn Yên");
    assert_int_equal(count_of(&w, "SELECT records FROM registry_source"), 4);
    struct digest d = digest_of(&w);
    assert_int_equal(d.records, 4);
    /* What the change was, and when, is known. */
    assert_non_null(strstr(text_of(&w, "SELECT detail FROM registry_history WHERE kind = "
                                       "'changed' AND detail LIKE '%Ân%'"),
                           "\"before\":\"Nguyễn Văn An\""));
    /* The same delta again settles to the same. */
    load(&w, "a", &r);
    build(&w, NULL);
    assert_int_equal(digest_of(&w).content, d.content);
    /* A delta that names nothing leaves everything. */
    write_csv(&w, "a", OP);
    load(&w, "a", &r);
    assert_int_equal(r.ended + r.changed + r.added, 0);
    build(&w, NULL);
    assert_int_equal(digest_of(&w).content, d.content);
    world_free(&w);
}

static void test_duplicate_keys_of_a_snapshot(void **state)
{
    struct world w;
    struct ndc_load_result r;
    world_new(&w, state);
    declare(&w, "a", "{mode: snapshot}", PERSON);
    write_csv(&w, "a", HEAD AN BINH "1,001085000999,Khác Hẳn,01/01/1985,Nam,\n" CHI);
    load(&w, "a", &r);
    assert_int_equal(r.accepted, 3);
    assert_int_equal(r.quarantined, 1);
    assert_non_null(strstr(text_of(&w, "SELECT reasons FROM registry_quarantine"),
                           "row.duplicate_key"));
    world_free(&w);
}

/* Two that were apart become one: one number stays, the other leads to it, both know. */
static void test_merge_leaves_a_redirect(void **state)
{
    struct world w;
    world_new(&w, state);
    declare(&w, "a", "{mode: snapshot}", PERSON);
    declare(&w, "b", "{mode: snapshot}", PERSON);
    write_csv(&w, "a", HEAD AN BINH CHI);
    write_csv(&w, "b", HEAD "1,001095000321,Phạm Quốc Hưng,11/12/1995,Nam,2024-05-05\n");
    load(&w, "a", NULL);
    load(&w, "b", NULL);
    build(&w, NULL);
    uint64_t a = entity_of(&w, "a", "1"), b = entity_of(&w, "b", "1");
    assert_true(a && b && a != b);
    write_csv(&w, "b", HEAD "1,001085000123,Nguyễn Văn An,27/03/1985,Nam,2024-05-05\n");
    load(&w, "b", NULL);
    build(&w, NULL);
    uint64_t now = entity_of(&w, "b", "1");
    assert_int_equal(now, entity_of(&w, "a", "1"));
    assert_true(now == a || now == b);
    uint64_t gone = now == a ? b : a;
    char sql[128];
    snprintf(sql, sizeof(sql), "SELECT target FROM registry_redirect WHERE entity = %llu",
             (unsigned long long)gone);
    assert_int_equal(count_of(&w, sql), now);
    assert_string_equal(golden_of(&w, gone, "full_name"), "Nguyễn Văn An");
    assert_true(count_of(&w, "SELECT count(*) FROM registry_history WHERE kind = "
                             "'merged'") == 1);
    /* The number that was merged away is never given to somebody else. */
    write_csv(&w, "b",
              HEAD "1,001085000123,Nguyễn Văn An,27/03/1985,Nam,2024-05-05\n"
                   "7,001099000777,Hồ Thị Mới,01/01/1999,Nữ,\n");
    load(&w, "b", NULL);
    build(&w, NULL);
    assert_true(entity_of(&w, "b", "7") > NDC_MAX(a, b));
    world_free(&w);
}

/* ---- review ---- */

static enum ndc_err set_review(struct ndc_store_conn *conn, void *arg,
                               struct ndc_fault *f)
{
    const char *const *how = arg;
    return ndc_sql_exec(conn,
                        "UPDATE registry_review SET state = $1, decided_by = 'me' WHERE "
                        "review = $2",
                        NDC_ARGS(ndc_textz(how[0]), ndc_int(strtoll(how[1], NULL, 10))),
                        NULL, f);
}

static void decide(struct world *w, const char *review, const char *what)
{
    const char *how[] = {what, review};
    assert_ok(ndc_store_write(w->store, set_review, how, &fault), &fault);
}

static void test_decisions_survive(void **state)
{
    struct world w;
    struct ndc_build_stats stats;
    char review[32], sql[200];
    world_new(&w, state);
    integrate_demo(&w, &stats);
    snprintf(review, sizeof(review), "%s",
             text_of(&w, "SELECT review FROM registry_review WHERE state = 'open' AND "
                         "entity_a <> entity_b AND type = 0 "
                         "ORDER BY review LIMIT 1"));
    if (!review[0]) {
        print_message("this nation has no uncertain pair\n");
        world_free(&w);
        return;
    }
    struct digest before = digest_of(&w);
    const char *const get[] = {"source_a", "key_a", "source_b", "key_b"};
    char side[4][80];
    for (int i = 0; i < 4; i++) {
        snprintf(sql, sizeof(sql), "SELECT %s FROM registry_review WHERE review = %s",
                 get[i], review);
        snprintf(side[i], sizeof(side[i]), "%s", text_of(&w, sql));
    }
    const char *a = ndc_registry_by_number(w.reg, (uint32_t)strtoul(side[0], NULL, 10))
                        ->source->id.ptr;
    const char *b = ndc_registry_by_number(w.reg, (uint32_t)strtoul(side[2], NULL, 10))
                        ->source->id.ptr;
    uint64_t x = entity_of(&w, a, side[1]), y = entity_of(&w, b, side[3]);
    assert_true(x && y && x != y);
    decide(&w, review, "same");
    build(&w, NULL);
    uint64_t one = entity_of(&w, a, side[1]);
    assert_int_equal(one, entity_of(&w, b, side[3]));
    assert_true(one == x || one == y);
    build(&w, NULL); /* and the next rebuild */
    assert_int_equal(entity_of(&w, b, side[3]), one);
    /* Undone: apart again, and the larger part keeps the number. */
    decide(&w, review, "open");
    build(&w, NULL);
    assert_true(entity_of(&w, a, side[1]) != entity_of(&w, b, side[3]));
    snprintf(sql, sizeof(sql),
             "SELECT count(*) FROM registry_review WHERE review = %s "
             "AND state = 'open'",
             review);
    assert_int_equal(count_of(&w, sql), 1); /* the same pair under the same number */
    assert_int_equal(digest_of(&w).entities, before.entities);
    decide(&w, review, "different");
    build(&w, NULL);
    assert_true(entity_of(&w, a, side[1]) != entity_of(&w, b, side[3]));
    snprintf(sql, sizeof(sql),
             "SELECT count(*) FROM registry_review WHERE state = "
             "'different' AND review = %s",
             review);
    assert_int_equal(count_of(&w, sql), 1);
    world_free(&w);
}

/* Linking that may take a megabyte gives what linking in memory gave: nothing is written
 * anew, and a decision does the same. */
static void test_linked_on_disk(void **state)
{
    struct world w;
    struct ndc_build_stats stats, again;
    world_new(&w, state);
    integrate_demo(&w, &stats);
    build(&w, &stats);
    struct digest d = digest_of(&w);
    const char *all = "SELECT coalesce(sum(review * 7 + entity_a + entity_b * 3), 0) "
                      "FROM registry_review";
    int64_t reviews = count_of(&w, all);
    w.reg->link_bytes = 1 << 20;
    build(&w, &again);
    assert_int_equal(digest_of(&w).exact, d.exact);
    assert_int_equal(count_of(&w, all), reviews);
    assert_int_equal(again.edges, stats.edges);
    assert_int_equal(again.largest, stats.largest);
    decide(&w, text_of(&w, "SELECT coalesce(max(review), 0) FROM registry_review"),
           "same");
    build(&w, &again);
    d = digest_of(&w);
    w.reg->link_bytes = (uint64_t)1 << 40;
    build(&w, &stats);
    assert_int_equal(digest_of(&w).exact, d.exact);
    assert_int_equal(again.edges, stats.edges);
    world_free(&w);
}

/* ---- finding ---- */

static uint64_t find(struct world *w, const char *name, const char *id, const char *birth,
                     uint32_t province)
{
    static struct ndc_search_hit hits[20];
    struct ndc_store_conn *conn;
    struct ndc_arena arena;
    size_t n;
    const struct ndc_search query = {.name = ndc_str(name),
                                     .id = ndc_str(id),
                                     .birth_date = ndc_str(birth),
                                     .province = province};
    ndc_arena_init(&arena, 64 << 20);
    assert_ok(ndc_store_take(w->store, NDC_READ, &conn, &fault), &fault);
    assert_ok(
        ndc_registry_search(w->reg, conn, &arena, &query, hits, 20, &n, NULL, &fault),
        &fault);
    ndc_store_give(conn);
    uint64_t first = n ? hits[0].number : 0;
    ndc_arena_free(&arena);
    return first;
}

/* A person of the population database whose name is whole there and in the registry. */
static uint64_t someone(struct world *w, char name[200], char birth[16], char id[16])
{
    struct ndc_connect *c;
    struct ndc_connect_row row;
    bool have = true;
    char path[200];
    const struct ndc_registered *r = ndc_registry_find(w->reg, NDC_STR("population"));
    snprintf(path, sizeof(path), "%s/population.csv", demo_folder());
    assert_ok(ndc_connect_open(&c, r->source, path, &fault), &fault);
    int key = ndc_connect_column(c, NDC_STR("ma_ho_so"));
    int column = ndc_connect_column(c, NDC_STR("ho_chu_dem_ten"));
    uint64_t found = 0;
    while (!found && !ndc_connect_next(c, &row, &have, &fault) && have) {
        char k[64];
        snprintf(k, sizeof(k), "%.*s", NDC_STR_FMT(row.values[key]));
        uint64_t e = entity_of(w, "population", k);
        if (!e) continue;
        snprintf(name, 200, "%s", golden_of(w, e, "full_name"));
        snprintf(birth, 16, "%s", golden_of(w, e, "birth_date"));
        snprintf(id, 16, "%s", golden_of(w, e, "person_id"));
        unsigned words = 1, marks = 0;
        for (const char *p = name; *p; p++) {
            words += *p == ' ';
            marks += (unsigned char)*p >= 0x80;
        }
        if (words >= 3 && marks >= 3 && strlen(birth) == 10 && strlen(id) == 12 &&
            ndc_str_eq_c(row.values[column], name))
            found = e;
    }
    ndc_connect_close(c);
    assert_true(found != 0);
    return found;
}

static void test_search_and_match(void **state)
{
    struct world w;
    struct ndc_build_stats stats;
    char name[200], birth[16], id[16], toneless[200], other[200];
    unsigned flags = 0;
    world_new(&w, state);
    integrate_demo(&w, &stats);
    uint64_t e = someone(&w, name, birth, id);
    toneless[ndc_vn_fold(toneless, ndc_str(name), NDC_VN_FOLD_FULL, &flags)] = 0;
    assert_int_equal(find(&w, "", id, "", 0), e);
    assert_int_equal(find(&w, name, "", birth, 0), e);
    assert_int_equal(find(&w, toneless, "", birth, 0), e);
    for (char *p = toneless; *p; p++)
        if (*p >= 'a' && *p <= 'z') *p = (char)(*p - 32);
    assert_int_equal(find(&w, toneless, "", birth, 0), e);
    /* Misspelt: a letter of the first word dropped. */
    snprintf(other, sizeof(other), "%c%s", toneless[0], toneless + 2);
    assert_int_equal(find(&w, other, "", birth, 0), e);
    /* Partial: without the surname. */
    assert_int_equal(find(&w, strchr(toneless, ' ') + 1, "", birth, 0), e);
    /* One word, and no more: somebody who has it. */
    const char *last = strrchr(toneless, ' ') + 1;
    uint64_t any = find(&w, last, "", "", 0);
    assert_true(any != 0);
    other[ndc_vn_fold(other, ndc_str(golden_of(&w, any, "full_name")), NDC_VN_FOLD_FULL,
                      &flags)] = 0;
    char small[64];
    small[ndc_vn_fold(small, ndc_str(last), NDC_VN_FOLD_FULL, &flags)] = 0;
    assert_non_null(strstr(other, small));
    assert_true(find(&w, "NGUYEN", "", "", 0) != 0);
    /* A number that nobody has, a name that nobody has. */
    assert_int_equal(find(&w, "", "999999999999", "", 0), 0);
    assert_int_equal(find(&w, "Xyzzy Quux", "", "", 0), 0);
    assert_int_equal(find(&w, "' OR '1'='1", "", "", 0), 0);

    struct ndc_match_candidate found[5];
    struct ndc_arena arena;
    struct json_object *record;
    char json[600];
    size_t n;
    ndc_arena_init(&arena, 64 << 20);
    snprintf(json, sizeof(json), "{\"full_name\":\"%s\",\"birth_date\":\"%s\"}", toneless,
             birth);
    assert_ok(ndc_json_parse(&record, ndc_str(json), &fault), &fault);
    assert_ok(ndc_registry_match(w.reg, &arena, record, found, 5, &n, &fault), &fault);
    json_object_put(record);
    assert_true(n >= 1);
    assert_int_equal(found[0].number, e);
    assert_true(found[0].match.evidence_count >= 2);
    snprintf(json, sizeof(json), "{\"full_nam\":\"x\"}");
    assert_ok(ndc_json_parse(&record, ndc_str(json), &fault), &fault);
    assert_int_equal(ndc_registry_match(w.reg, &arena, record, found, 5, &n, &fault),
                     NDC_EINPUT);
    assert_non_null(strstr(fault.message, "full_name"));
    fault = (struct ndc_fault){0};
    json_object_put(record);
    ndc_arena_free(&arena);
    world_free(&w);
}

/* ---- several at once ---- */

enum { PUSHERS = 8, BATCHES = 6 };

static void push_some(void *arg, size_t i)
{
    struct world *w = arg;
    for (int b = 0; b < BATCHES; b++) {
        char json[300];
        struct ndc_buf answer;
        struct ndc_load_result r;
        struct ndc_fault mine = {0};
        snprintf(json, sizeof(json),
                 "{\"k\":\"%zu-%d\",\"n\":\"Nguyễn Văn An\",\"b\":\"27/03/1985\"}", i, b);
        ndc_buf_init(&answer, 1 << 16);
        const struct ndc_push one = {.source = NDC_STR("a"), .ndjson = ndc_str(json)};
        if (ndc_registry_push(w->reg, &one, &answer, NULL, &r, &mine))
            print_error("%s\n", mine.message);
        ndc_buf_free(&answer);
    }
}

static void build_some(void *arg)
{
    struct world *w = arg;
    for (int i = 0; i < 4; i++) {
        struct ndc_build_stats stats;
        struct ndc_fault mine = {0};
        if (ndc_registry_build(w->reg, NULL, &stats, &mine))
            print_error("%s\n", mine.message);
    }
}

struct rebuilding {
    struct world *world;
    atomic_bool done;
};

static void rebuild_some(void *arg)
{
    struct rebuilding *r = arg;
    build_some(r->world);
    atomic_store(&r->done, true);
}

/* A build takes the pages of the generation before with it: who searches meanwhile sees
 * the one or the other, never neither. */
static void test_search_while_building(void **state)
{
    struct world w;
    struct rebuilding r = {.world = &w};
    struct ndc_build_stats stats;
    struct ndc_thread builder;
    char name[200], birth[16], id[16];
    unsigned searches = 0, missed = 0;
    world_new(&w, state);
    integrate_demo(&w, &stats);
    uint64_t e = someone(&w, name, birth, id);
    ndc_thread_start(&builder, "builder", rebuild_some, &r);
    for (bool done = false; !done; searches++) {
        done = atomic_load(&r.done);
        missed += find(&w, "", id, "", 0) != e;
    }
    ndc_thread_join(&builder);
    assert_true(searches > 1);
    assert_int_equal(missed, 0);
    world_free(&w);
}

/* Agencies push to one source at once while it is built: nothing is lost. */
static void test_pushes_at_once(void **state)
{
    struct world w;
    struct ndc_thread builder;
    world_new(&w, state);
    declare(&w, "a", "{mode: snapshot}", PERSON);
    ndc_thread_start(&builder, "builder", build_some, &w);
    ndc_parallel_for(PUSHERS, PUSHERS, push_some, &w);
    ndc_thread_join(&builder);
    build(&w, NULL);
    assert_int_equal(digest_of(&w).records, PUSHERS * BATCHES);
    assert_int_equal(count_of(&w, "SELECT count(*) FROM registry_run WHERE state <> "
                                  "'succeeded'"),
                     0);
    world_free(&w);
}

static void test_push_answers(void **state)
{
    struct world w;
    struct ndc_buf answer;
    struct ndc_load_result r;
    world_new(&w, state);
    declare(&w, "a", "{mode: snapshot}", PERSON);
    ndc_buf_init(&answer, 1 << 20);
    const struct ndc_push batch = {
        .source = NDC_STR("a"),
        .ndjson = NDC_STR("{\"k\":\"1\",\"n\":\"Nguyễn Văn "
                          "An\",\"b\":\"27/03/1985\"}\n"
                          "{\"k\":\"2\",\"n\":\"\",\"b\":\"31/02/1985\"}\nnope\n")};
    assert_ok(ndc_registry_push(w.reg, &batch, &answer, NULL, &r, &fault), &fault);
    assert_int_equal(r.accepted, 1);
    assert_int_equal(r.quarantined, 2);
    ndc_buf_add_byte(&answer, 0);
    assert_non_null(strstr(answer.ptr, "\"key\":\"2\""));
    assert_non_null(strstr(answer.ptr, "\"missing\""));
    assert_non_null(strstr(answer.ptr, "\"date.impossible\""));
    assert_non_null(strstr(answer.ptr, "\"row.unreadable\""));
    assert_string_equal(text_of(&w, "SELECT mode FROM registry_run"), "delta");
    ndc_buf_free(&answer);
    world_free(&w);
}

/* Declared again: the old declaration may still be held; what was loaded stays. */
static void test_declared_again(void **state)
{
    struct world w;
    world_new(&w, state);
    struct ndc_registered *old = declare(&w, "a", "{mode: snapshot}", PERSON);
    write_csv(&w, "a", HEAD AN);
    load(&w, "a", NULL);
    struct ndc_registered *new = declare(&w, "a", "{mode: delta}", PERSON);
    assert_int_equal(old->number, new->number);
    assert_str_eq(old->source->id, "a");
    assert_int_equal(ndc_registry_find(w.reg, NDC_STR("a"))->source->mode,
                     NDC_SYNC_DELTA);
    world_reopen(&w);
    assert_int_equal(ndc_registry_find(w.reg, NDC_STR("a"))->source->mode,
                     NDC_SYNC_DELTA);
    build(&w, NULL);
    assert_true(entity_of(&w, "a", "1") != 0);
    world_free(&w);
}

/* What is told of a whole integration. */
struct watched {
    struct ndc_mutex lock;
    uint64_t last;
    unsigned count, phases; /* bit set, in the order they come */
    bool wrong;
};

static void watch(void *arg, const char *phase, uint64_t done, uint64_t total,
                  const char *unit)
{
    static const char *const names[] = {"load", "link", "entities", "index"};
    struct watched *w = arg;
    unsigned p = 0;
    while (p < NDC_ARRAY_LEN(names) && strcmp(names[p], phase) != 0)
        p++;
    ndc_mutex_lock(&w->lock);
    w->wrong |= p == NDC_ARRAY_LEN(names) || done < w->last || done > total;
    w->wrong |= total != 1000 || strcmp(unit, "‰") != 0 || w->phases >> p > 1;
    w->phases |= 1u << p;
    w->last = done;
    w->count++;
    ndc_mutex_unlock(&w->lock);
}

/* ---- pipes ---- */

struct piped {
    struct ndc_demo_config config;
    char folder[160];
    uint64_t rows;
    enum ndc_err err;
    struct ndc_fault fault;
};

static void serve_pipes(void *arg)
{
    struct piped *p = arg;
    p->err = ndc_demo_pipes_serve(&p->rows, &p->config, p->folder, &p->fault);
}

/* A source is read once, from its beginning to its end: then it may be a pipe. */
static void test_pipes_are_as_good_as_files(void **state)
{
    struct world w;
    struct ndc_build_stats stats;
    struct ndc_thread thread;
    struct piped p = {.config = {.people = 2000, .seed = 11}};
    int64_t runs[64];
    size_t n;
    world_new(&w, state);
    integrate_demo(&w, &stats);
    struct digest files = digest_of(&w);
    world_free(&w);
    world_new(&w, state);
    snprintf(p.folder, sizeof(p.folder), "%s/pipes", w.dir);
    assert_ok(ndc_demo_pipes_make(&p.config, p.folder, &p.fault), &p.fault);
    ndc_thread_start(&thread, "test-pipes", serve_pipes, &p);
    assert_ok(ndc_registry_declare_folder(w.reg, p.folder, runs, 64, &n, &fault), &fault);
    assert_ok(ndc_registry_integrate(w.reg, runs, n, NULL, &stats, &fault), &fault);
    ndc_thread_join(&thread);
    assert_ok(p.err, &p.fault);
    struct digest pipes = digest_of(&w);
    assert_int_equal(pipes.records, files.records);
    assert_int_equal(pipes.entities, files.entities);
    assert_int_equal(pipes.content, files.content);
    assert_true(p.rows >= pipes.records / 2);
    world_free(&w);
}

/* Whoever watches an integration sees one share of the whole: it never goes back, its
 * phases come in order, loading is told by bytes and the end is near the whole. */
static void test_progress_of_the_whole(void **state)
{
    struct world w;
    struct ndc_build_stats stats;
    struct watched seen = {0};
    int64_t runs[NDC_REGISTRY_SOURCES_MAX];
    size_t n;
    world_new(&w, state);
    ndc_mutex_init(&seen.lock);
    const struct ndc_progress progress = {.arg = &seen, .tell = watch};
    assert_ok(ndc_registry_declare_folder(w.reg, demo_folder(), runs,
                                          NDC_REGISTRY_SOURCES_MAX, &n, &fault),
              &fault);
    assert_ok(ndc_registry_integrate(w.reg, runs, n, &progress, &stats, &fault), &fault);
    assert_false(seen.wrong);
    assert_int_equal(seen.phases, 15);
    assert_true(seen.count > n);
    assert_in_range(seen.last, 900, 1000);
    /* The same runs again have nothing to load: the build is the whole. */
    seen.last = seen.phases = 0;
    assert_ok(ndc_registry_build(w.reg, &progress, &stats, &fault), &fault);
    assert_false(seen.wrong);
    assert_int_equal(seen.phases, 14);
    ndc_mutex_free(&seen.lock);
    world_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_ON_BOTH(test_demo_nation),
        TEST_ON_BOTH(test_pipes_are_as_good_as_files),
        TEST_ON_BOTH(test_progress_of_the_whole),
        TEST_ON_BOTH(test_absent_rows_end),
        TEST_ON_BOTH(test_a_bad_row_does_not_end_its_record),
        TEST_ON_BOTH(test_delta),
        TEST_ON_BOTH(test_duplicate_keys_of_a_snapshot),
        TEST_ON_BOTH(test_merge_leaves_a_redirect),
        TEST_ON_BOTH(test_decisions_survive),
        TEST_ON_BOTH(test_linked_on_disk),
        TEST_ON_BOTH(test_search_and_match),
        TEST_ON_BOTH(test_search_while_building),
        TEST_ON_BOTH(test_pushes_at_once),
        TEST_ON_BOTH(test_push_answers),
        TEST_ON_BOTH(test_declared_again),
    };
    return test_db_run(tests);
}

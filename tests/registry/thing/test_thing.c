/* The general store: what a run leaves in its tables, and what leads to whom. */
#include "tests/registry/core/fixture.h"

#include "base/hash.h"
#include "platforms/registry/live/live.h"
#include "platforms/registry/normalise/normalise.h"
#include "platforms/registry/thing/thing.h"
#include "sys/file.h"

static struct ndc_fault fault;

static const char parcels[] =
    "source: parcels\nagency: test\nlegal_basis: none\nentity: thing\n"
    "dataset: {code: parcel, vi: Thửa đất, en: Land parcel}\nkey: k\n"
    "connector: {type: csv, path: parcels.csv}\nsync: {mode: %s}\n"
    "fields:\n"
    "  - {column: area, name: area, kind: number, required: true}\n"
    "  - {column: shape, name: shape, kind: geometry}\n"
    "relations:\n"
    "  - {name: owner, vi: Chủ, en: Owner, to: person, by: person_id, column: owner}\n"
    "  - {name: within, to: parcel, by: key, column: within}\n";

static void declare_parcels(struct world *w, const char *mode)
{
    char yaml[2048];
    struct ndc_registered *r;
    snprintf(yaml, sizeof(yaml), parcels, mode);
    fault = (struct ndc_fault){0};
    assert_ok(ndc_registry_declare(w->reg, ndc_str(yaml), ndc_str(w->dir), &r, &fault),
              &fault);
    assert_true(r->source->thing);
    assert_int_equal(r->source->relation_count, 2);
}

/* Who is asked for: one identifier, or one key. */
struct whom {
    struct ndc_str value;
};

static bool is_value(void *arg, const struct ndc_source_relation *rel,
                     struct ndc_str value)
{
    (void)rel;
    return ndc_str_eq(((struct whom *)arg)->value, value);
}

/* Keys of what leads to a reference, joined with spaces; valid until the next call. */
static const char *keys_of(struct world *w, uint64_t ref, const char *value)
{
    static char text[8192];
    static struct ndc_thing_link links[NDC_THING_LINKS_MAX];
    struct ndc_arena arena;
    struct ndc_store_conn *conn;
    struct whom whom = {ndc_str(value)};
    size_t n, len = 0;
    bool more;
    ndc_arena_init(&arena, 16 << 20);
    fault = (struct ndc_fault){0};
    assert_ok(ndc_store_take(w->store, NDC_READ, &conn, &fault), &fault);
    assert_ok(ndc_thing_links(w->reg, conn, &arena, &ref, 1, is_value, &whom, links, &n,
                              &more, &fault),
              &fault);
    text[0] = 0;
    for (size_t i = 0; i < n; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%.*s", i ? " " : "",
                                NDC_STR_FMT(links[i].thing.key));
    ndc_store_give(conn);
    ndc_arena_free(&arena);
    return text;
}

static const char *of_person(struct world *w, const char *number)
{
    const struct ndc_field *by = ndc_field_find(NDC_STR("person_id"));
    return keys_of(w, ndc_thing_ref_identifier(by, ndc_str(number)), number);
}

static const char *of_parcel(struct world *w, const char *key)
{
    return keys_of(w, ndc_thing_ref_key(NDC_STR("parcel"), ndc_str(key)), key);
}

static void test_a_snapshot_is_stored_and_followed(void **state)
{
    struct world w;
    struct ndc_load_result r;
    world_new(&w, state);
    declare_parcels(&w, "snapshot");
    write_csv(
        &w, "parcels",
        "k,area,shape,owner,within\n"
        "C,30,POINT(1 2),001085012345,\n"
        "A,10,,001085012345,C\n"
        "B,x,,001085012345,C\n"
        "D,40,POINT(1,001185067890,C\n"
        "E,50,\"{\"\"type\"\":\"\"Point\"\",\"\"coordinates\"\":[1,2]}\",019657714,A\n");
    load(&w, "parcels", &r);
    assert_int_equal(r.accepted, 4);
    assert_int_equal(r.quarantined, 1); /* B: the area is no number */
    assert_int_equal(count_of(&w, "SELECT count(*) FROM registry_thing"), 4);
    assert_string_equal(of_person(&w, "001085012345"), "A C");
    assert_string_equal(of_person(&w, "001185067890"), "D");
    assert_string_equal(of_parcel(&w, "C"), "A D");
    assert_string_equal(of_parcel(&w, "A"), "E");
    assert_string_equal(text_of(&w, "SELECT state FROM registry_run WHERE run = 1"),
                        "succeeded");
    /* An old number is found as the old number of a record. */
    const struct ndc_field *old_id = ndc_field_find(NDC_STR("old_id"));
    assert_string_equal(
        keys_of(&w, ndc_thing_ref_identifier(old_id, NDC_STR("019657714")), "019657714"),
        "E");
    /* Sold, given back, ended; the same once more changes nothing. */
    for (int i = 0; i < 2; i++) {
        write_csv(&w, "parcels",
                  "k,area,shape,owner,within\n"
                  "C,30,POINT(1 2),001185067890,\n"
                  "A,10,,,C\n"
                  "F,60,,001085012345,A\n");
        load(&w, "parcels", &r);
        assert_int_equal(r.ended, i ? 0 : 2); /* D, E */
        assert_int_equal(r.changed, i ? 0 : 2);
        assert_string_equal(of_person(&w, "001085012345"), "F");
        assert_string_equal(of_person(&w, "001185067890"), "C");
        assert_string_equal(of_parcel(&w, "A"), "F");
        assert_int_equal(count_of(&w, "SELECT count(*) FROM registry_thing"), 5);
        assert_int_equal(count_of(&w, "SELECT count(*) FROM registry_thing_link"), 4);
        assert_int_equal(count_of(&w, "SELECT max(run) FROM registry_thing"), 2);
    }
    /* What comes live is linked, so a thing cannot. */
    struct ndc_live_result live;
    const struct ndc_live_rows rows = {.source = NDC_STR("parcels"),
                                       .ndjson =
                                           NDC_STR("{\"k\":\"Z\",\"area\":\"1\"}\n")};
    fault = (struct ndc_fault){0};
    assert_int_equal(ndc_registry_live(w.reg, &rows, &live, &fault), NDC_EINPUT);
    assert_string_equal(fault.code, "live.thing");
    /* Linking leaves things alone, and they leave linking alone. */
    struct ndc_build_stats stats;
    build(&w, &stats);
    assert_int_equal(stats.records, 0);
    world_free(&w);
}

/* Random runs against a plain list: what is stored is what the stage says. */
enum { THINGS = 60, PEOPLE = 12 };

struct model {
    int owner[THINGS], within[THINGS]; /* -1: none */
    bool there[THINGS];
};

static void check_model(struct world *w, const struct model *m)
{
    char want[THINGS * 6], value[32];
    for (int p = 0; p < PEOPLE; p++) {
        size_t len = 0;
        want[0] = 0;
        for (int i = 0; i < THINGS; i++)
            if (m->there[i] && m->owner[i] == p)
                len += (size_t)snprintf(want + len, sizeof(want) - len, "%sT%02d",
                                        len ? " " : "", i);
        snprintf(value, sizeof(value), "0010850123%02d", p);
        assert_string_equal(of_person(w, value), want);
    }
    for (int k = 0; k < THINGS; k += 7) {
        size_t len = 0;
        want[0] = 0;
        for (int i = 0; i < THINGS; i++)
            if (m->there[i] && m->within[i] == k)
                len += (size_t)snprintf(want + len, sizeof(want) - len, "%sT%02d",
                                        len ? " " : "", i);
        snprintf(value, sizeof(value), "T%02d", k);
        assert_string_equal(of_parcel(w, value), want);
    }
}

static void add_row(struct ndc_buf *csv, const struct model *m, int i, int area)
{
    char row[160], owner[32] = "", within[16] = "";
    if (m->owner[i] >= 0) snprintf(owner, sizeof(owner), "0010850123%02d", m->owner[i]);
    if (m->within[i] >= 0) snprintf(within, sizeof(within), "T%02d", m->within[i]);
    snprintf(row, sizeof(row), "T%02d,%d,,%s,%s\n", i, area, owner, within);
    ndc_buf_add_c(csv, row);
}

static void test_any_runs_leave_what_the_last_said(void **state)
{
    struct world w;
    struct model m = {0};
    uint64_t rng = 5;
    world_new(&w, state);
    declare_parcels(&w, "snapshot");
    for (int round = 0; round < 12; round++) {
        struct ndc_buf csv;
        ndc_buf_init(&csv, 1 << 16);
        ndc_buf_add_c(&csv, "k,area,shape,owner,within\n");
        for (int i = 0; i < THINGS; i++) {
            if (ndc_rng_below(&rng, 3) == 0)
                m.owner[i] = (int)ndc_rng_below(&rng, 13) - 1;
            if (ndc_rng_below(&rng, 3) == 0)
                m.within[i] = (int)ndc_rng_below(&rng, THINGS + 1) - 1;
            if (ndc_rng_below(&rng, 4) == 0) m.there[i] = !m.there[i];
        }
        for (int i = THINGS; i-- > 0;) /* in no order of keys */
            if (m.there[i]) add_row(&csv, &m, i, 1 + (int)ndc_rng_below(&rng, 2));
        ndc_buf_add_byte(&csv, 0);
        write_csv(&w, "parcels", csv.ptr);
        ndc_buf_free(&csv);
        load(&w, "parcels", NULL);
        check_model(&w, &m);
        if (round == 6) world_reopen(&w);
        if (round == 8) { /* the stage is lost: it is made again from the table */
            char run[32];
            struct ndc_arena arena;
            int64_t number;
            ndc_arena_init(&arena, 1 << 16);
            snprintf(run, sizeof(run), "%s",
                     text_of(&w, "SELECT CAST(stage_run AS TEXT) FROM registry_source"));
            assert_true(ndc_str_to_i64(ndc_str(run), &number));
            assert_ok(ndc_file_remove(ndc_registry_stage_path(w.reg, &arena,
                                                              NDC_STR("parcels"), number),
                                      &fault),
                      &fault);
            ndc_arena_free(&arena);
        }
    }
    world_free(&w);
}

static void test_geometries(void **state)
{
    (void)state;
    static const char *const good[] = {
        "POINT(1 2)",
        "point z (1 2 3)",
        "SRID=4326;POINT(105.85 21.03)",
        "LINESTRING(0 0, 1 1, 2 1e3)",
        "POLYGON((0 0,1 0,1 1,0 0),(0.1 0.1,0.2 0.1,0.1 0.1))",
        "POLYGON EMPTY",
        "MULTIPOINT(1 2, 3 4)",
        "MULTIPOINT((1 2), (3 4))",
        "MULTIPOLYGON(((0 0,1 0,1 1,0 0)),((5 5,6 5,6 6,5 5)))",
        "GEOMETRYCOLLECTION(POINT(1 2), LINESTRING(0 0,1 1))",
        "{\"type\":\"Point\",\"coordinates\":[105.8,21]}",
        "{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[1,0],[1,1],[0,0]]]}",
        ("{\"type\":\"GeometryCollection\",\"geometries\":[{\"type\":\"Point\","
         "\"coordinates\":[1,2]}]}"),
    };
    static const char *const bad[] = {
        "",
        "POINT",
        "POINT(1)",
        "POINT(1 2 3 4)",
        "POINT(1 2",
        "POINT(1 2) x",
        "POINT(a b)",
        "CIRCLE(1 2)",
        "CIRCLE EMPTY",
        "EMPTY",
        "POLYGON(0 0,1 1)",
        "SRID=x;POINT(1 2)",
        "GEOMETRYCOLLECTION(GEOMETRYCOLLECTION(POINT(1 2)))",
        "{\"type\":\"Point\",\"coordinates\":[1]}",
        "{\"type\":\"Point\",\"coordinates\":[[1,2]]}",
        "{\"type\":\"Polygon\",\"coordinates\":[[0,0],[1,1]]}",
        "{\"type\":\"Feature\",\"geometry\":null}",
        "{\"type\":\"Point\"",
    };
    for (size_t i = 0; i < NDC_ARRAY_LEN(good); i++)
        if (!ndc_norm_geometry(ndc_str(good[i]))) fail_msg("%s is one", good[i]);
    for (size_t i = 0; i < NDC_ARRAY_LEN(bad); i++)
        if (ndc_norm_geometry(ndc_str(bad[i]))) fail_msg("%s is none", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_ON_BOTH(test_a_snapshot_is_stored_and_followed),
        TEST_ON_BOTH(test_any_runs_leave_what_the_last_said),
        cmocka_unit_test(test_geometries),
    };
    return test_db_run(tests);
}

/* The general store: loading things and following references, beside the store's bulk
 * load (PostgreSQL's COPY) of the same rows into a table with one index. Prints `name
 * value unit` lines.
 *
 * usage: thing_bench FOLDER STORE_URL [THINGS] */
#include "base/hash.h"
#include "platforms/registry/registry_platform.h"
#include "platforms/registry/thing/thing.h"
#include "store/bulk.h"
#include "sys/clock.h"
#include "sys/file.h"

#include <stdio.h>

enum { LOOKS = 20000, CELLS = 5 };

static const char declaration[] =
    "source: parcels\nagency: test\nlegal_basis: none\nentity: thing\n"
    "dataset: {code: parcel, vi: Thửa đất, en: Land parcel}\nkey: code\n"
    "connector: {type: csv, path: parcels.csv}\nsync: {mode: snapshot}\nfields:\n"
    "  - {column: code, name: code, kind: id}\n"
    "  - {column: area, name: area, kind: number}\n"
    "  - {column: place, name: place}\n"
    "  - {column: shape, name: shape, kind: geometry}\n"
    "relations:\n"
    "  - {name: owner, to: person, by: person_id, column: owner}\n";

struct cells {
    char text[CELLS][96];
};

static void make_row(struct cells *c, uint64_t i, uint64_t people)
{
    uint64_t r = ndc_mix64(i + 1);
    snprintf(c->text[0], sizeof(c->text[0]), "T%09llu",
             (unsigned long long)(i * 7919 % 1000000000));
    snprintf(c->text[1], sizeof(c->text[1]), "%u.%u", 40 + (unsigned)(r % 900),
             (unsigned)(r >> 20) % 10);
    snprintf(c->text[2], sizeof(c->text[2]), "Số %u, phường Ba Đình, thành phố Hà Nội",
             (unsigned)(r >> 30) % 500);
    snprintf(c->text[3], sizeof(c->text[3]), "POINT(105.%u 21.%u)",
             (unsigned)(r >> 10) % 10000, (unsigned)(r >> 24) % 10000);
    snprintf(c->text[4], sizeof(c->text[4]), "001085%06llu",
             (unsigned long long)((r >> 8) % people));
}

static void must(enum ndc_err err, const struct ndc_fault *fault)
{
    if (!err) return;
    fprintf(stderr, "%s: %s\n", fault->code, fault->message);
    exit(1);
}

static double seconds_since(int64_t start)
{
    return (double)(ndc_clock_mono_ns() - start) * 1e-9;
}

static void write_file(const char *folder, uint64_t things, struct ndc_fault *fault)
{
    char path[4200];
    struct ndc_file_writer out;
    struct cells c;
    snprintf(path, sizeof(path), "%s/parcels.csv", folder);
    must(ndc_file_create(&out, path, fault), fault);
    must(ndc_file_append(&out, NDC_STR("code,area,place,shape,owner\n"), fault), fault);
    for (uint64_t i = 0; i < things; i++) {
        char row[600];
        make_row(&c, i, things / 2 + 1);
        int n = snprintf(row, sizeof(row), "%s,%s,\"%s\",%s,%s\n", c.text[0], c.text[1],
                         c.text[2], c.text[3], c.text[4]);
        must(ndc_file_append(&out, ndc_str_n(row, (size_t)n), fault), fault);
    }
    must(ndc_file_finish(&out, fault), fault);
}

/* The peer: the same cells as text, bulk loaded, with an index on the key. */
static double copy_rows(struct ndc_store *store, uint64_t things, struct ndc_fault *fault)
{
    static const struct ndc_bulk_column columns[CELLS] = {{"code", NDC_VAL_TEXT},
                                                          {"area", NDC_VAL_TEXT},
                                                          {"place", NDC_VAL_TEXT},
                                                          {"shape", NDC_VAL_TEXT},
                                                          {"owner", NDC_VAL_TEXT}};
    struct ndc_store_conn *conn;
    struct ndc_bulk *bulk;
    struct cells c;
    must(ndc_store_take(store, NDC_WRITE, &conn, fault), fault);
    ndc_store_conn_timeout(conn, 0);
    must(ndc_sql_script(conn,
                        "CREATE TABLE bench_parcel (code TEXT, area TEXT, place TEXT, "
                        "shape TEXT, owner TEXT);",
                        fault),
         fault);
    int64_t start = ndc_clock_mono_ns();
    must(ndc_tx_begin(conn, fault), fault);
    must(ndc_bulk_begin(&bulk, conn, "bench_parcel", columns, CELLS, fault), fault);
    for (uint64_t i = 0; i < things; i++) {
        make_row(&c, i, things / 2 + 1);
        for (size_t k = 0; k < CELLS; k++)
            ndc_bulk_text(bulk, ndc_str(c.text[k]));
        must(ndc_bulk_row(bulk, fault), fault);
    }
    must(ndc_bulk_end(bulk, NULL, fault), fault);
    must(ndc_tx_commit(conn, fault), fault);
    must(ndc_sql_script(conn,
                        "CREATE INDEX bench_parcel_code ON bench_parcel (code);"
                        "CREATE INDEX bench_parcel_owner ON bench_parcel (owner);",
                        fault),
         fault);
    double seconds = seconds_since(start);
    must(ndc_sql_script(conn, "DROP TABLE bench_parcel;", fault), fault);
    ndc_store_give(conn);
    return seconds;
}

static bool is_any(void *arg, const struct ndc_source_relation *rel, struct ndc_str value)
{
    (void)rel;
    return ndc_str_eq(*(struct ndc_str *)arg, value);
}

static double follow(struct ndc_registry *reg, uint64_t things, uint64_t *found,
                     struct ndc_fault *fault)
{
    static struct ndc_thing_link links[NDC_THING_LINKS_MAX];
    const struct ndc_field *by = ndc_field_find(NDC_STR("person_id"));
    struct ndc_store_conn *conn;
    struct ndc_arena arena;
    uint64_t rng = 3;
    ndc_arena_init(&arena, 16 << 20);
    must(ndc_store_take(reg->store, NDC_READ, &conn, fault), fault);
    int64_t start = ndc_clock_mono_ns();
    for (int i = 0; i < LOOKS; i++) {
        char number[32];
        size_t n;
        bool more;
        snprintf(number, sizeof(number), "001085%06llu",
                 (unsigned long long)ndc_rng_below(&rng, things / 2 + 1));
        struct ndc_str value = ndc_str(number);
        uint64_t ref = ndc_thing_ref_identifier(by, value);
        ndc_arena_reset(&arena);
        must(ndc_thing_links(reg, conn, &arena, &ref, 1, is_any, &value, links, &n, &more,
                             fault),
             fault);
        *found += n;
    }
    double seconds = seconds_since(start);
    ndc_store_give(conn);
    ndc_arena_free(&arena);
    return seconds;
}

int main(int argc, char **argv)
{
    struct ndc_fault fault = {0};
    struct ndc_store *store;
    struct ndc_registry *reg;
    struct ndc_registered *source;
    struct ndc_load_result result;
    uint64_t things = 500000, found = 0;
    int64_t run, start;
    if (argc < 3 || (argc > 3 && !ndc_str_to_u64(ndc_str(argv[3]), &things))) return 2;
    must(ndc_file_mkdirs(argv[1], &fault), &fault);
    write_file(argv[1], things, &fault);
    must(ndc_registry_open_store(&store, argv[2], &fault), &fault);
    must(ndc_registry_open(&reg, store, argv[1], 0, &fault), &fault);
    must(ndc_registry_declare(reg, ndc_str(declaration), ndc_str(argv[1]), &source,
                              &fault),
         &fault);
    for (int pass = 0; pass < 2; pass++) {
        must(ndc_registry_queue_run(reg, source->source->id, NDC_STR_NULL, &run, &fault),
             &fault);
        start = ndc_clock_mono_ns();
        must(ndc_registry_load(reg, run, NULL, &result, &fault), &fault);
        printf("thing_load_%s_rows_s %.0f rows/s\n", pass ? "again" : "first",
               (double)things / seconds_since(start));
    }
    printf("thing_copy_and_index_rows_s %.0f rows/s\n",
           (double)things / copy_rows(store, things, &fault));
    double seconds = follow(reg, things, &found, &fault);
    printf("thing_relation_read_us %.1f us\n", seconds / LOOKS * 1e6);
    printf("thing_relation_found %.2f things\n", (double)found / LOOKS);
    ndc_registry_close(reg);
    ndc_store_close(store);
    return 0;
}

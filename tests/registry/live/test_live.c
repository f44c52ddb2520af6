/* Live linking: the same changes come to the same people in any order, in any portions,
 * one by one or all at once in a build; and each is in the feed. */
#include "tests/registry/core/fixture.h"

#include "base/csv.h"
#include "base/hash.h"
#include "platforms/registry/change/change.h"
#include "platforms/registry/demo/demo.h"
#include "platforms/registry/live/live.h"
#include "sys/file.h"

#include <stdio.h>
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_ON_BOTH(test_any_order),
    };
    return test_db_run(tests);
}

/* Pairwise precision and recall by counting: pairs within entities, within truth, and in
 * the cells where both meet. */
#include "bench/truth.h"

#include "base/csv.h"
#include "base/hash.h"
#include "base/sort.h"
#include "platforms/registry/shard/payloads.h"
#include "sys/file.h"

#include <stdio.h>

struct truths {
    struct ndc_dict keys;   /* "source|key" */
    struct ndc_dict people; /* true person */
    uint32_t *person;       /* by key id */
};

static void read_truth(struct truths *t, const char *dir)
{
    char path[4096];
    struct ndc_str file;
    struct ndc_fault fault = {0};
    struct ndc_csv csv;
    bool have, header = true;
    snprintf(path, sizeof(path), "%s/truth.csv", dir);
    NDC_ASSERT(ndc_file_map(&file, path, &fault) == NDC_OK);
    ndc_csv_init(&csv);
    ndc_csv_feed(&csv, file.ptr, file.len);
    ndc_csv_end(&csv);
    size_t cap = 1 << 20;
    t->person = ndc_xcalloc(cap, sizeof(*t->person));
    while (ndc_csv_next(&csv, &have, &fault) == NDC_OK && have) {
        char key[512];
        if (header) {
            header = false;
            continue;
        }
        int n = snprintf(key, sizeof(key), "%.*s|%.*s", NDC_STR_FMT(csv.fields[0]),
                         NDC_STR_FMT(csv.fields[1]));
        uint32_t id = ndc_dict_add(&t->keys, ndc_str_n(key, (size_t)n));
        if (id >= cap) {
            t->person = ndc_xrealloc(t->person, cap * 2 * sizeof(*t->person));
            memset(t->person + cap, 0, cap * sizeof(*t->person));
            cap *= 2;
        }
        t->person[id] = ndc_dict_add(&t->people, csv.fields[2]);
    }
    ndc_csv_free(&csv);
    ndc_file_unmap(&file);
}

static double pairs_of(uint64_t n)
{
    return (double)n * (double)(n - 1) / 2;
}

double bench_truth(struct ndc_registry *reg, const char *dir)
{
    struct truths t = {0};
    struct ndc_store_conn *conn;
    struct ndc_fault fault = {0};
    struct ndc_arena arena;
    double found = 0, right = 0, all = 0;
    uint64_t missed = 0;
    read_truth(&t, dir);
    uint64_t *sizes = ndc_xcalloc((size_t)t.people.count + 1, sizeof(*sizes));
    ndc_arena_init(&arena, 256 << 20);
    NDC_ASSERT(ndc_store_take(reg->store, NDC_READ, &conn, &fault) == NDC_OK);
    ndc_store_conn_timeout(conn, 0);
    const struct ndc_payload_range everything = {0};
    const struct ndc_payload *row;
    struct ndc_payloads *rows = ndc_payloads_open(reg, conn, &everything);
    while ((row = ndc_payloads_next(rows))) {
        if (row->type != NDC_ENTITY_PERSON) continue;
        struct ndc_entity_view v;
        uint64_t cells[NDC_ENTITY_RECORDS_MAX], scratch[NDC_ENTITY_RECORDS_MAX];
        size_t n = 0;
        ndc_arena_reset(&arena);
        NDC_ASSERT(ndc_entity_decode(&v, &arena, row->payload));
        for (unsigned i = 0; i < v.record_count; i++) {
            char key[512];
            struct ndc_registered *s = ndc_registry_by_number(reg, v.records[i].source);
            int len = snprintf(key, sizeof(key), "%.*s|%.*s", NDC_STR_FMT(s->source->id),
                               NDC_STR_FMT(v.records[i].key));
            uint32_t id = ndc_dict_find(&t.keys, ndc_str_n(key, (size_t)len));
            if (!id) {
                missed++;
                continue;
            }
            cells[n++] = t.person[id];
            sizes[t.person[id]]++;
        }
        found += n ? pairs_of(n) : 0;
        ndc_sort_u64(cells, scratch, n);
        for (size_t i = 0, k; i < n; i = k) {
            for (k = i; k < n && cells[k] == cells[i]; k++) {
            }
            right += pairs_of(k - i);
        }
    }
    NDC_ASSERT(ndc_payloads_close(rows, &fault) == NDC_OK);
    ndc_store_give(conn);
    for (uint32_t p = 1; p <= t.people.count; p++)
        all += sizes[p] ? pairs_of(sizes[p]) : 0;
    double precision = found > 0 ? right / found : 1, recall = all > 0 ? right / all : 1;
    double f1 =
        precision + recall > 0 ? 2 * precision * recall / (precision + recall) : 0;
    printf("link_precision %.5f share\nlink_recall %.5f share\nlink_f1 %.5f share\n",
           precision, recall, f1);
    if (missed)
        printf("link_records_without_truth %llu records\n", (unsigned long long)missed);
    free(sizes);
    free(t.person);
    ndc_dict_free(&t.keys);
    ndc_dict_free(&t.people);
    ndc_arena_free(&arena);
    return f1;
}

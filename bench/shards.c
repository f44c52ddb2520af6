/* Shards for benchmarks; see shards.h. */
#include "bench/shards.h"

#include "bench/cpu.h"

#include "base/hash.h"
#include "platforms/registry/live/live.h"
#include "platforms/registry/shard/payloads.h"
#include "platforms/registry/shard/shard.h"
#include "sys/clock.h"

#include <stdio.h>

enum { READS = 20000, MANY = 512, SERVERS_MAX = 8 };

static const char *server_url(unsigned i)
{
    char name[32];
    snprintf(name, sizeof(name), "NDC_TEST_SHARD_%u_URL", i);
    return getenv(name);
}

enum ndc_err bench_shards(struct ndc_registry **reg, struct ndc_store *store,
                          const char *stage, struct ndc_fault *fault)
{
    enum ndc_err err = NDC_OK;
    if (!server_url(0) || ndc_shards_count((*reg)->shards)) return NDC_OK;
    for (unsigned i = 0; i < SERVERS_MAX && server_url(i) && !err; i++) {
        char name[16];
        snprintf(name, sizeof(name), "s%u", i);
        err = ndc_shard_add((*reg)->shards, ndc_str(name), ndc_str(server_url(i)), fault);
    }
    if (!err) err = ndc_shard_init((*reg)->shards, NDC_SHARDS_DEFAULT, fault);
    if (err) return err;
    ndc_registry_close(*reg);
    return ndc_registry_open(reg, store, stage, 0, fault);
}

struct timing {
    int64_t clock;
    double cpu;
};

static struct timing begin(void)
{
    return (struct timing){ndc_clock_mono_ns(), bench_cpu_seconds()};
}

static void tell(const char *name, struct timing t, double n)
{
    printf("%s %.1f us\n", name, (double)(ndc_clock_mono_ns() - t.clock) * 1e-3 / n);
    printf("%s_cpu %.1f us\n", name, (bench_cpu_seconds() - t.cpu) * 1e6 / n);
}

static void count_payload(void *arg, size_t i, int64_t change, struct ndc_str payload)
{
    size_t *found = arg;
    (void)i, (void)change;
    *found += payload.len > 0;
}

static enum ndc_err read_all(struct ndc_registry *reg, struct ndc_store_conn *conn,
                             uint64_t most, struct ndc_fault *fault)
{
    struct ndc_arena arena;
    uint64_t rng = 9, numbers[MANY];
    size_t found = 0, read = 0;
    enum ndc_err err = NDC_OK;
    ndc_arena_init(&arena, 64 << 20);
    struct timing t = begin();
    for (int i = 0; i < READS && !err; i++) {
        struct ndc_str payload;
        int64_t change;
        ndc_arena_reset(&arena);
        err = ndc_payload_get(reg, conn, &arena, 1 + ndc_rng_below(&rng, most), &payload,
                              &change, fault);
    }
    tell("read_one", t, READS);
    t = begin();
    for (int turn = 0; turn < 100 && !err; turn++) {
        uint64_t step = most / MANY, first = 1 + ndc_rng_below(&rng, step);
        for (size_t i = 0; i < MANY; i++)
            numbers[i] = first + i * step;
        err = ndc_payload_each(reg, conn, numbers, MANY, count_payload, &found, fault);
        read += MANY;
    }
    tell("read_many", t, (double)read);
    ndc_arena_free(&arena);
    return err;
}

static enum ndc_err scan_all(struct ndc_registry *reg, struct ndc_store_conn *conn,
                             uint64_t *count, struct ndc_fault *fault)
{
    const struct ndc_payload_range all = {.ordered = true};
    struct timing t = begin();
    struct ndc_payloads *rows = ndc_payloads_open(reg, conn, &all);
    *count = 0;
    while (ndc_payloads_next(rows))
        ++*count;
    enum ndc_err err = ndc_payloads_close(rows, fault);
    tell("read_scan", t, (double)NDC_MAX(*count, 1));
    return err;
}

static void count_rows(void *arg, const char *what, uint64_t rows)
{
    uint64_t *most = arg;
    (void)what;
    *most = NDC_MAX(*most, rows);
}

enum ndc_err bench_shard_reads(struct ndc_registry *reg, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    uint64_t count = 0, rows = 0;
    enum ndc_err err = ndc_live_pause(reg->live, fault);
    if (err) return err;
    ndc_live_resume(reg->live, false);
    err = ndc_store_take(reg->store, NDC_READ, &conn, fault);
    if (err) return err;
    err = scan_all(reg, conn, &count, fault);
    if (!err && count > MANY) err = read_all(reg, conn, count, fault);
    ndc_store_give(conn);
    if (err || !server_url(1)) return err;
    struct timing t = begin();
    err = ndc_shard_move(reg->shards, 0, NDC_STR("s1"), count_rows, &rows, fault);
    printf("move_rows %llu rows\n", (unsigned long long)rows);
    tell("move", t, (double)NDC_MAX(rows, 1));
    return err;
}

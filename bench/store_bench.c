/* Storage: what the databases give through src/store. Prints `name value unit` lines.
 * usage: store_bench URL [ROWS]   e.g. store_bench sqlite:/tmp/bench.db 4000000 */
#include "base/hash.h"
#include "store/bulk.h"
#include "store/writer.h"
#include "sys/clock.h"
#include "sys/thread.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { CLIENTS = 32, LOOKUPS = 300000, AUDIT_ROWS = 200000, AUDIT_BATCH = 500 };

static struct ndc_fault fault;
static const char *kind;

static void must(enum ndc_err err)
{
    if (!err) return;
    fprintf(stderr, "%s: %s\n", fault.code, fault.message);
    exit(1);
}

static void say(const char *name, double value, const char *unit)
{
    printf("store.%s.%s %.0f %s\n", kind, name, value, unit);
    fflush(stdout);
}

static double seconds_since(int64_t start_ns)
{
    return (double)(ndc_clock_mono_ns() - start_ns) / 1e9;
}

static struct ndc_store_conn *take(struct ndc_store *store, enum ndc_access access)
{
    struct ndc_store_conn *conn;
    must(ndc_store_take(store, access, &conn, &fault));
    return conn;
}

static const char tables[] =
    "DROP TABLE IF EXISTS bench_person; DROP TABLE IF EXISTS bench_audit;"
    "CREATE TABLE bench_person (id TEXT NOT NULL, year BIGINT, name TEXT, address TEXT,"
    " phone TEXT, weight DOUBLE PRECISION);"
    "CREATE TABLE bench_audit (seq BIGINT PRIMARY KEY, at_ms BIGINT NOT NULL,"
    " subject TEXT NOT NULL, entry BYTEA NOT NULL);";

/* The id of row i: 12 digits, in scattered order, each once. */
static void make_id(char out[13], uint64_t i)
{
    uint64_t v = i * UINT64_C(618033988749) % UINT64_C(999999999989);
    for (int d = 11; d >= 0; d--, v /= 10)
        out[d] = (char)('0' + v % 10);
    out[12] = '\0';
}

/* Six columns, about 120 bytes. */
static void load(struct ndc_store_conn *conn, uint64_t rows)
{
    static const struct ndc_bulk_column columns[] = {
        {"id", NDC_VAL_TEXT},      {"year", NDC_VAL_I64},   {"name", NDC_VAL_TEXT},
        {"address", NDC_VAL_TEXT}, {"phone", NDC_VAL_TEXT}, {"weight", NDC_VAL_F64}};
    static const char name[] = "Nguyễn Thị Phương Thảo Nguyen";
    static const char address[] = "Số 12 ngõ 345 đường Trần Phú, Hà Đông, Hà Nội";
    struct ndc_bulk *bulk;
    char id[13], phone[13];
    must(ndc_tx_begin(conn, &fault));
    must(ndc_bulk_begin(&bulk, conn, "bench_person", columns, 6, &fault));
    for (uint64_t i = 0; i < rows; i++) {
        make_id(id, i);
        make_id(phone, i ^ 0x5555);
        ndc_bulk_text(bulk, ndc_str_n(id, 12));
        ndc_bulk_i64(bulk, 1930 + (int64_t)(i % 95));
        ndc_bulk_text(bulk, ndc_str_n(name, sizeof(name) - 1 - i % 6));
        ndc_bulk_text(bulk, ndc_str_n(address, sizeof(address) - 1));
        ndc_bulk_text(bulk, ndc_str_n(phone, 10));
        ndc_bulk_f64(bulk, (double)i / 7);
        must(ndc_bulk_row(bulk, &fault));
    }
    must(ndc_bulk_end(bulk, NULL, &fault));
    must(ndc_tx_commit(conn, &fault));
}

static void bench_bulk(struct ndc_store *store, uint64_t rows)
{
    const char *names[] = {"bench_person"};
    struct ndc_store_conn *conn = take(store, NDC_WRITE);
    must(ndc_bulk_session_begin(conn, &fault));
    int64_t start = ndc_clock_mono_ns();
    load(conn, rows);
    say("bulk_load", (double)rows / seconds_since(start), "rows/s");
    int64_t index = ndc_clock_mono_ns();
    must(ndc_sql_script(conn, "CREATE UNIQUE INDEX bench_person_id ON bench_person (id)",
                        &fault));
    say("create_index", (double)rows / seconds_since(index), "rows/s");
    int64_t end = ndc_clock_mono_ns();
    must(ndc_bulk_session_end(conn, names, 1, &fault));
    say("session_end", seconds_since(end) * 1000, "ms");
    say("bulk_load_indexed_durable", (double)rows / seconds_since(start), "rows/s");
    ndc_store_give(conn);
}

static void look_up(struct ndc_store_conn *conn, uint64_t rows, unsigned n)
{
    uint64_t rng = 1;
    char id[13];
    for (unsigned i = 0; i < n; i++) {
        make_id(id, ndc_rng_below(&rng, rows));
        struct ndc_rows *r = ndc_sql_query(
            conn, "SELECT name, year, address FROM bench_person WHERE id = $1",
            NDC_ARGS(ndc_text(ndc_str_n(id, 12))));
        if (!ndc_rows_next(r) || ndc_rows_text(r, 0).len < 10) abort();
        must(ndc_rows_end(r, &fault));
    }
}

static void bench_lookups(struct ndc_store *store, uint64_t rows)
{
    struct ndc_store_conn *conn = take(store, NDC_READ);
    unsigned n = ndc_store_kind(store) == NDC_SQLITE ? LOOKUPS : LOOKUPS / 10;
    look_up(conn, rows, n / 4);
    int64_t start = ndc_clock_mono_ns();
    look_up(conn, rows, n);
    say("lookups_autocommit", n / seconds_since(start), "/s");
    must(ndc_tx_begin(conn, &fault));
    start = ndc_clock_mono_ns();
    look_up(conn, rows, n);
    say("lookups_in_transaction", n / seconds_since(start), "/s");
    must(ndc_tx_commit(conn, &fault));
    ndc_store_give(conn);
}

static void bench_scan(struct ndc_store *store, uint64_t rows)
{
    struct ndc_store_conn *conn = take(store, NDC_READ);
    int64_t start = ndc_clock_mono_ns();
    uint64_t n = 0, bytes = 0;
    struct ndc_rows *r =
        ndc_sql_scan(conn, "SELECT id, name, year FROM bench_person", NDC_NO_ARGS);
    for (; ndc_rows_next(r); n++) {
        bytes += ndc_rows_text(r, 0).len + ndc_rows_text(r, 1).len;
        bytes += ndc_rows_i64(r, 2) > 0;
    }
    must(ndc_rows_end(r, &fault));
    if (n != rows || bytes == 0) abort();
    say("scan", (double)n / seconds_since(start), "rows/s");
    ndc_store_give(conn);
}

/* ---- writes through the writer ---- */

struct client {
    struct ndc_store *store;
    struct ndc_thread thread;
    atomic_bool *stop;
    unsigned index;
    uint64_t done;
};

struct audit {
    int64_t seq;
    unsigned rows;
};

static atomic_llong next_seq;

static enum ndc_err write_one(struct ndc_store_conn *conn, void *arg, struct ndc_fault *f)
{
    struct audit *a = arg;
    static const char entry[160];
    return ndc_sql_exec(
        conn, "INSERT INTO bench_audit (seq, at_ms, subject, entry) VALUES ($1,$2,$3,$4)",
        NDC_ARGS(ndc_int(a->seq), ndc_int(1), ndc_textz("001099012345"),
                 ndc_blob(ndc_str_n(entry, sizeof(entry)))),
        NULL, f);
}

static void client_main(void *arg)
{
    struct client *c = arg;
    while (!atomic_load(c->stop)) {
        struct audit a = {.seq = atomic_fetch_add(&next_seq, 1)};
        must(ndc_store_write(c->store, write_one, &a, &fault));
        c->done++;
    }
}

static void bench_group_commit(struct ndc_store *store, unsigned clients)
{
    struct client all[CLIENTS];
    atomic_bool stop = false;
    struct ndc_store_stats before, after;
    char name[48];
    ndc_store_stats(store, &before);
    int64_t start = ndc_clock_mono_ns();
    for (unsigned i = 0; i < clients; i++) {
        all[i] = (struct client){.store = store, .stop = &stop, .index = i};
        ndc_thread_start(&all[i].thread, "client", client_main, &all[i]);
    }
    ndc_clock_sleep_ms(3000);
    atomic_store(&stop, true);
    uint64_t done = 0;
    for (unsigned i = 0; i < clients; i++) {
        ndc_thread_join(&all[i].thread);
        done += all[i].done;
    }
    double s = seconds_since(start);
    ndc_store_stats(store, &after);
    snprintf(name, sizeof(name), "durable_writes_%u_clients", clients);
    say(name, (double)done / s, "/s");
    snprintf(name, sizeof(name), "commits_%u_clients", clients);
    say(name, (double)(after.commits - before.commits) / s, "/s");
}

/* What the audit log does: one write of many rows. */
static enum ndc_err write_batch(struct ndc_store_conn *conn, void *arg,
                                struct ndc_fault *f)
{
    struct audit *a = arg;
    static const char entry[160];
    static struct ndc_val vals[AUDIT_BATCH * 4];
    for (unsigned i = 0; i < a->rows; i++) {
        vals[4 * i] = ndc_int(a->seq + i);
        vals[4 * i + 1] = ndc_int(1);
        vals[4 * i + 2] = ndc_textz("001099012345");
        vals[4 * i + 3] = ndc_blob(ndc_str_n(entry, sizeof(entry)));
    }
    return ndc_sql_many(
        conn, "INSERT INTO bench_audit (seq, at_ms, subject, entry) VALUES ($1,$2,$3,$4)",
        vals, 4, a->rows, NULL, f);
}

static void bench_batches(struct ndc_store *store)
{
    int64_t start = ndc_clock_mono_ns();
    for (unsigned n = 0; n < AUDIT_ROWS; n += AUDIT_BATCH) {
        struct audit a = {atomic_fetch_add(&next_seq, AUDIT_BATCH), AUDIT_BATCH};
        must(ndc_store_write(store, write_batch, &a, &fault));
    }
    say("durable_appends_in_batches_of_500", AUDIT_ROWS / seconds_since(start), "rows/s");
}

int main(int argc, char **argv)
{
    uint64_t rows = 2000000;
    struct ndc_store *store;
    if (argc < 2 || (argc > 2 && !ndc_str_to_u64(ndc_str(argv[2]), &rows)) || rows == 0) {
        fprintf(stderr, "usage: store_bench URL [ROWS]\n");
        return 2;
    }
    struct ndc_store_options options = {.readers_max = 4};
    must(ndc_store_open(&store, argv[1], &options, &fault));
    kind = ndc_store_kind(store) == NDC_SQLITE ? "sqlite" : "postgres";
    struct ndc_store_conn *conn = take(store, NDC_WRITE);
    must(ndc_sql_script(conn, tables, &fault));
    ndc_store_give(conn);
    bench_bulk(store, rows);
    bench_scan(store, rows);
    bench_lookups(store, rows);
    bench_group_commit(store, 1);
    bench_group_commit(store, CLIENTS);
    bench_batches(store);
    ndc_store_close(store);
    return 0;
}

/* What the pipeline is compared with: PostgreSQL's COPY of the same rows, as they come,
 * into a plain table a source with TEXT columns, then two indexes on each (the record's
 * key and the name). The rows are made UTF-8 CSV beforehand, which is not timed: COPY
 * parses CSV, checks UTF-8 and nothing else. One connection a processor takes the tables,
 * the largest first; each table is one transaction.
 *
 * usage: copy_peer FOLDER CONNINFO     FOLDER: with declarations and their files */
#include "base/csv.h"
#include "platforms/registry/source/connect.h"
#include "sys/clock.h"
#include "sys/dir.h"
#include "sys/file.h"
#include "sys/thread.h"

#include <libpq-fe.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { TABLES_MAX = 256, PATH_BYTES = 4096, CHUNK = 256 << 10 };

struct table {
    const char *csv; /* path */
    struct ndc_str id, data;
    struct ndc_str *columns;
    size_t column_count;
    struct ndc_str key, name;
    uint64_t rows;
};

static struct ndc_fault fault;
static struct ndc_arena arena;
static struct table tables[TABLES_MAX];
static size_t table_count;
static atomic_size_t next;
static const char *conninfo;

static void must(enum ndc_err err)
{
    if (!err) return;
    fprintf(stderr, "copy_peer: %s: %s\n", fault.code, fault.message);
    exit(1);
}

static struct ndc_str name_column(const struct ndc_source *s)
{
    for (unsigned i = 0; i < s->field_count; i++) {
        const struct ndc_field *f = s->fields[i].field;
        if (f && (strcmp(f->code, "full_name") == 0 || strcmp(f->code, "org_name") == 0))
            return s->fields[i].columns[0];
    }
    return s->key[0];
}

static void write_rows(struct table *t, struct ndc_connect *c)
{
    struct ndc_file_writer out;
    struct ndc_buf line;
    struct ndc_connect_row row;
    bool have = true;
    ndc_buf_init(&line, 16 << 20);
    must(ndc_file_create(&out, t->csv, &fault));
    while (have) {
        enum ndc_err err = ndc_connect_next(c, &row, &have, &fault);
        if (err == NDC_EINPUT) { /* a row that cannot be read: not in the comparison */
            have = true;
            continue;
        }
        must(err);
        if (!have) break;
        ndc_buf_reset(&line);
        for (size_t i = 0; i < row.count; i++)
            ndc_csv_write_field(&line, row.values[i].ptr ? row.values[i] : NDC_STR(""),
                                i == 0);
        ndc_buf_add_byte(&line, '\n');
        must(ndc_file_append(&out, ndc_buf_str(&line), &fault));
        t->rows++;
    }
    must(ndc_file_finish(&out, &fault));
    ndc_buf_free(&line);
}

static void convert(const char *folder, const char *yaml_name)
{
    struct table *t = &tables[table_count++];
    char path[PATH_BYTES];
    struct ndc_buf yaml;
    struct ndc_source *s;
    struct ndc_connect *c;
    size_t n;
    ndc_buf_init(&yaml, 1 << 20);
    snprintf(path, sizeof(path), "%s/%s", folder, yaml_name);
    must(ndc_file_read(&yaml, path, &fault));
    must(ndc_source_parse(&s, &arena, ndc_arena_str(&arena, ndc_buf_str(&yaml)), &fault));
    ndc_buf_free(&yaml);
    snprintf(path, sizeof(path), "%s/%.*s", folder, NDC_STR_FMT(s->path));
    must(ndc_connect_open(&c, s, path, &fault));
    const struct ndc_str *columns = ndc_connect_columns(c, &n);
    t->id = s->id;
    t->key = s->key[0];
    t->name = name_column(s);
    t->column_count = n;
    t->columns = ndc_arena_alloc(&arena, n * sizeof(*t->columns));
    for (size_t i = 0; i < n; i++)
        t->columns[i] = ndc_arena_str(&arena, columns[i]);
    t->csv = ndc_arena_printf(&arena, "%s/copy/%.*s.csv", folder, NDC_STR_FMT(s->id)).ptr;
    write_rows(t, c);
    ndc_connect_close(c);
    must(ndc_file_map(&t->data, t->csv, &fault));
}

static void sql(PGconn *pg, struct ndc_str text)
{
    PGresult *r = PQexec(pg, text.ptr);
    if (PQresultStatus(r) != PGRES_COMMAND_OK && PQresultStatus(r) != PGRES_COPY_IN) {
        fprintf(stderr, "copy_peer: %s", PQerrorMessage(pg));
        exit(1);
    }
    PQclear(r);
}

static void copy(PGconn *pg, const struct table *t, struct ndc_arena *scratch)
{
    struct ndc_buf text;
    ndc_buf_init(&text, 1 << 20);
    ndc_buf_printf(&text, "BEGIN; DROP TABLE IF EXISTS \"%.*s\"; CREATE TABLE \"%.*s\" (",
                   NDC_STR_FMT(t->id), NDC_STR_FMT(t->id));
    for (size_t i = 0; i < t->column_count; i++)
        ndc_buf_printf(&text, "%s\"%.*s\" TEXT", i ? ", " : "",
                       NDC_STR_FMT(t->columns[i]));
    ndc_buf_add(&text, ")", 2);
    sql(pg, ndc_buf_str(&text));
    ndc_buf_free(&text);
    sql(pg, ndc_arena_printf(scratch, "COPY \"%.*s\" FROM STDIN (FORMAT csv)",
                             NDC_STR_FMT(t->id)));
    for (size_t at = 0; at < t->data.len; at += CHUNK) {
        size_t n = NDC_MIN((size_t)CHUNK, t->data.len - at);
        if (PQputCopyData(pg, t->data.ptr + at, (int)n) != 1) break;
    }
    if (PQputCopyEnd(pg, NULL) != 1 ||
        PQresultStatus(PQgetResult(pg)) != PGRES_COMMAND_OK) {
        fprintf(stderr, "copy_peer: %s", PQerrorMessage(pg));
        exit(1);
    }
    while (PQgetResult(pg)) {
    }
    sql(pg, ndc_arena_printf(scratch, "CREATE INDEX ON \"%.*s\" (\"%.*s\")",
                             NDC_STR_FMT(t->id), NDC_STR_FMT(t->key)));
    sql(pg, ndc_arena_printf(scratch, "CREATE INDEX ON \"%.*s\" (\"%.*s\")",
                             NDC_STR_FMT(t->id), NDC_STR_FMT(t->name)));
    sql(pg, NDC_STR("COMMIT"));
}

/* Processor seconds that a server process has used, as Linux tells (proc(5)): fields 14
 * and 15, the 12th and 13th after the name in brackets. */
static double cpu_of(int pid)
{
    enum { USER = 12, SYSTEM = 13 };
    char path[64], text[1024], *at;
    uint64_t ticks = 0, v;
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    FILE *f = fopen(path, "re");
    size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
    if (f) fclose(f);
    text[n] = 0;
    if (!(at = strrchr(text, ')'))) return 0;
    struct ndc_str rest = ndc_str(at + 1), part;
    for (int i = 0; i <= SYSTEM && ndc_str_split(&rest, ' ', &part); i++)
        if ((i == USER || i == SYSTEM) && ndc_str_to_u64(part, &v)) ticks += v;
    return (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

static void work(void *arg)
{
    struct ndc_arena scratch;
    double *cpu = arg;
    ndc_arena_init(&scratch, 1 << 20);
    PGconn *pg = PQconnectdb(conninfo);
    if (PQstatus(pg) != CONNECTION_OK) {
        fprintf(stderr, "copy_peer: %s", PQerrorMessage(pg));
        exit(1);
    }
    sql(pg, NDC_STR("SET client_min_messages = warning"));
    sql(pg, NDC_STR("SET maintenance_work_mem = '256MB'"));
    /* every processor has its connection already; and their time can be told */
    sql(pg, NDC_STR("SET max_parallel_maintenance_workers = 0"));
    for (size_t i; (i = atomic_fetch_add(&next, 1)) < table_count;)
        copy(pg, &tables[i], &scratch);
    *cpu = cpu_of(PQbackendPID(pg));
    PQfinish(pg);
    ndc_arena_free(&scratch);
}

static int larger_first(const void *a, const void *b)
{
    const struct table *x = a, *y = b;
    return x->data.len > y->data.len ? -1 : x->data.len < y->data.len;
}

int main(int argc, char **argv)
{
    char path[PATH_BYTES];
    struct ndc_str *names;
    struct ndc_thread threads[64];
    unsigned cpus = NDC_MIN(ndc_cpu_count(), 64u);
    uint64_t rows = 0, bytes = 0;
    double cpu[64] = {0}, cpu_all = 0;
    size_t n;
    if (argc != 3) {
        fprintf(stderr, "usage: copy_peer FOLDER CONNINFO\n");
        return 2;
    }
    ndc_arena_init(&arena, 256 << 20);
    conninfo = strncmp(argv[2], "postgres:", 9) == 0 ? argv[2] + 9 : argv[2];
    snprintf(path, sizeof(path), "%s/copy", argv[1]);
    must(ndc_file_mkdirs(path, &fault));
    must(ndc_dir_list(&arena, &names, &n, argv[1], ".yaml", TABLES_MAX, &fault));
    for (size_t i = 0; i < n; i++)
        convert(argv[1], names[i].ptr);
    qsort(tables, table_count, sizeof(*tables), larger_first);
    for (size_t i = 0; i < table_count; i++) {
        rows += tables[i].rows;
        bytes += tables[i].data.len;
    }
    int64_t start = ndc_clock_mono_ns();
    for (unsigned i = 0; i < cpus; i++)
        ndc_thread_start(&threads[i], "copy", work, &cpu[i]);
    for (unsigned i = 0; i < cpus; i++)
        ndc_thread_join(&threads[i]);
    for (unsigned i = 0; i < cpus; i++)
        cpu_all += cpu[i];
    double seconds = (double)(ndc_clock_mono_ns() - start) * 1e-9;
    printf("copy_peer_rows %llu rows\n", (unsigned long long)rows);
    printf("copy_peer_bytes %llu bytes\n", (unsigned long long)bytes);
    printf("copy_peer_seconds %.2f s\n", seconds);
    printf("copy_peer_cpu %.2f s\n", cpu_all);
    printf("copy_peer_rate %.0f rows/s\n", (double)rows / seconds);
    return 0;
}

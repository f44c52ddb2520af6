/* The nation as files in a folder. */
#include "base/embed.h"
#include "platforms/registry/demo/demo.h"
#include "platforms/registry/demo/things.h"
#include "store/bulk.h"
#include "sys/file.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

extern const struct ndc_embed ndc_demo_declarations[];

enum { PATH_BYTES = 4096, STREAM_BYTES = 1 << 20 };

struct files {
    const char *directory;
    FILE *streams[NDC_DEMO_TABLES];
    /* The one SQLite table. */
    struct ndc_store *store;
    struct ndc_store_conn *conn;
    struct ndc_bulk *bulk;
    struct demo_things *things; /* NULL: none are made */
    bool (*progress)(void *ctx, uint64_t done, uint64_t people);
    void *ctx;
};

static enum ndc_err join(char path[static PATH_BYTES], const char *directory,
                         const char *name, struct ndc_fault *fault)
{
    int n = snprintf(path, PATH_BYTES, "%s/%s", directory, name);
    if (n < PATH_BYTES) return NDC_OK;
    return ndc_fail(fault, NDC_EINPUT, "demo.path", "the folder's path is too long");
}

/* A new database with the table, open for loading: one transaction, all or nothing. */
static enum ndc_err open_sqlite(struct files *files, const struct ndc_demo_table *table,
                                const char *path, struct ndc_fault *fault)
{
    char url[PATH_BYTES + 8], sql[2048];
    struct ndc_bulk_column columns[NDC_DEMO_COLUMNS_MAX];
    if (unlink(path) != 0 && errno != ENOENT) {
        return ndc_fail_errno(fault, "io.open", "replace", path);
    }
    size_t len =
        (size_t)snprintf(sql, sizeof(sql), "CREATE TABLE %s (", table->sql_table);
    for (unsigned i = 0; i < table->column_count; i++) {
        columns[i] = (struct ndc_bulk_column){table->columns[i], NDC_VAL_TEXT};
        len += (size_t)snprintf(sql + len, sizeof(sql) - len, "%s%s TEXT", i ? ", " : "",
                                table->columns[i]);
        NDC_ASSERT(len + 2 < sizeof(sql));
    }
    snprintf(sql + len, sizeof(sql) - len, ")");
    snprintf(url, sizeof(url), "sqlite:%s", path);
    struct ndc_store_options options = {.rebuildable = true};
    enum ndc_err err = ndc_store_open(&files->store, url, &options, fault);
    if (!err) err = ndc_store_take(files->store, NDC_WRITE, &files->conn, fault);
    if (!err) err = ndc_sql_script(files->conn, sql, fault);
    if (!err) err = ndc_tx_begin(files->conn, fault);
    if (!err) {
        err = ndc_bulk_begin(&files->bulk, files->conn, table->sql_table, columns,
                             table->column_count, fault);
    }
    return err;
}

static enum ndc_err close_sqlite(struct files *files, enum ndc_err err,
                                 struct ndc_fault *fault)
{
    if (files->bulk && err) ndc_bulk_abort(files->bulk);
    if (files->bulk && !err) {
        err = ndc_bulk_end(files->bulk, NULL, fault);
        if (!err) err = ndc_tx_commit(files->conn, fault);
    }
    if (files->conn) ndc_store_give(files->conn);
    if (files->store) ndc_store_close(files->store);
    return err;
}

static enum ndc_err load_chunk(struct files *files, const struct ndc_demo_chunk *chunk,
                               struct ndc_fault *fault)
{
    const struct ndc_str *field = chunk->fields;
    for (size_t row = 0; row < chunk->row_count; row++) {
        for (unsigned i = 0; i < chunk->table->column_count; i++, field++) {
            ndc_bulk_text(files->bulk, field->len ? *field : NDC_STR_NULL);
        }
        enum ndc_err err = ndc_bulk_row(files->bulk, fault);
        if (err) return err;
    }
    return NDC_OK;
}

static enum ndc_err open_table(struct files *files, unsigned id, struct ndc_fault *fault)
{
    const struct ndc_demo_table *table = ndc_demo_table(id);
    char path[PATH_BYTES];
    enum ndc_err err = join(path, files->directory, table->file, fault);
    if (err) return err;
    if (table->format == NDC_DEMO_SQLITE) return open_sqlite(files, table, path, fault);
    files->streams[id] = fopen(path, "wb");
    if (!files->streams[id]) return ndc_fail_errno(fault, "io.open", "create", path);
    setvbuf(files->streams[id], NULL, _IOFBF, STREAM_BYTES);
    struct ndc_buf header;
    ndc_buf_init(&header, 1 << 16);
    ndc_demo_header(&header, id);
    size_t n = fwrite(header.ptr, 1, header.len, files->streams[id]);
    if (n != header.len) err = ndc_fail_errno(fault, "io.write", "write", path);
    ndc_buf_free(&header);
    return err;
}

static enum ndc_err write_chunk(void *ctx, const struct ndc_demo_chunk *chunk,
                                struct ndc_fault *fault)
{
    struct files *files = ctx;
    if (files->things) NDC_TRY(demo_things_take(files->things, chunk, fault));
    if (chunk->table->format == NDC_DEMO_SQLITE) return load_chunk(files, chunk, fault);
    if (fwrite(chunk->bytes.ptr, 1, chunk->bytes.len, files->streams[chunk->id]) ==
        chunk->bytes.len)
        return NDC_OK;
    return ndc_fail_errno(fault, "io.write", "write", chunk->table->file);
}

static bool tell(void *ctx, uint64_t done, uint64_t people)
{
    struct files *files = ctx;
    return !files->progress || files->progress(files->ctx, done, people);
}

static enum ndc_err write_all(struct ndc_demo_stats *stats,
                              const struct ndc_demo_config *config, struct files *files,
                              struct ndc_fault *fault)
{
    enum ndc_err err = ndc_file_mkdirs(files->directory, fault);
    for (unsigned t = 0; t < NDC_DEMO_TABLES && !err; t++) {
        if (config->tables == 0 || config->tables >> t & 1)
            err = open_table(files, t, fault);
    }
    struct ndc_demo_sink sink = {write_chunk, tell, files};
    if (!err) err = ndc_demo_generate(stats, config, &sink, fault);
    err = close_sqlite(files, err, fault);
    for (unsigned t = 0; t < NDC_DEMO_TABLES; t++) {
        if (!files->streams[t]) continue;
        if (fclose(files->streams[t]) != 0 && !err) {
            err = ndc_fail_errno(fault, "io.write", "write", ndc_demo_table(t)->file);
        }
    }
    return err;
}

static enum ndc_err write_declarations(const char *directory, struct ndc_fault *fault)
{
    char path[PATH_BYTES];
    for (const struct ndc_embed *file = ndc_demo_declarations; file->name; file++) {
        enum ndc_err err = join(path, directory, file->name, fault);
        struct ndc_str text = ndc_str_n(file->bytes, file->len);
        if (!err) err = ndc_file_write(path, text, 0640, fault);
        if (err) return err;
    }
    return NDC_OK;
}

enum ndc_err ndc_demo_write(struct ndc_demo_stats *stats,
                            const struct ndc_demo_config *config, const char *directory,
                            bool (*progress)(void *ctx, uint64_t done, uint64_t people),
                            void *ctx, struct ndc_fault *fault)
{
    struct files files = {.directory = directory, .progress = progress, .ctx = ctx};
    char folder[PATH_BYTES];
    enum ndc_err err = NDC_OK, bad;
    if (config->things) err = join(folder, directory, "things", fault);
    if (!err && config->things) err = demo_things_open(&files.things, folder, fault);
    if (!err) err = write_all(stats, config, &files, fault);
    bad = demo_things_close(files.things, err ? NULL : fault);
    if (!err) err = bad;
    if (!err) err = write_declarations(directory, fault);
    if (err || !config->deltas) return err;
    char day2[PATH_BYTES];
    err = join(day2, directory, "day2", fault);
    if (err) return err;
    struct ndc_demo_config later = *config;
    struct ndc_demo_stats later_stats;
    struct files later_files = {.directory = day2};
    later.phase = NDC_DEMO_DAY2;
    later.tables =
        1u << NDC_DEMO_CIVIL_STATUS | 1u << NDC_DEMO_RESIDENCE | 1u << NDC_DEMO_TRUTH;
    return write_all(&later_stats, &later, &later_files, fault);
}

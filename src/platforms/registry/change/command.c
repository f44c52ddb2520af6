/* `ndc changes`: the feed as NDJSON on standard output. It reads the database beside a
 * running daemon: who may read the files may read the feed. */
#include "platforms/registry/change/command.h"

#include "core/app.h"
#include "platforms/registry/change/view.h"
#include "platforms/registry/registry.h"
#include "sys/clock.h"
#include "sys/file.h"

#include <stdio.h>

enum { PAGE = 1000, PAGE_BYTES = 4 << 20, LINE_BYTES_MAX = 64 << 10, POLL_MS = 200 };

const struct ndc_option ndc_changes_options[] = {
    {"after", "N", "0", "begin after this change"},
    {"follow", NULL, NULL, "go on with what comes, until stopped"},
    {0}};

struct printing {
    struct ndc_store *store;
    struct ndc_change_filter filter;
    struct ndc_arena arena, names;
    struct ndc_str sources[NDC_REGISTRY_SOURCES_MAX + 1];
    int64_t after;
};

static enum ndc_err open_store(struct ndc_app *app, struct ndc_store **store, bool *own,
                               struct ndc_fault *fault)
{
    const struct ndc_store_options options = {.read_only = true};
    char url[4096 + 16];
    NDC_TRY(ndc_app_attach(app, fault));
    *own = ndc_store_kind(ndc_app_store(app)) == NDC_SQLITE;
    *store = ndc_app_store(app);
    if (!*own) return NDC_OK;
    const char *path = ndc_app_path(app, "registry.db");
    if (!ndc_file_exists(path))
        return ndc_fail(fault, NDC_ENOTFOUND, "change.none",
                        "there is no registry in this data folder yet");
    snprintf(url, sizeof(url), "sqlite:%s", path);
    return ndc_store_open(store, url, &options, fault);
}

static enum ndc_err read_names(struct printing *p, struct ndc_store_conn *conn,
                               struct ndc_fault *fault)
{
    struct ndc_rows *rows =
        ndc_sql_query(conn, "SELECT number, source FROM registry_source", NDC_NO_ARGS);
    ndc_arena_reset(&p->names);
    while (ndc_rows_next(rows)) {
        int64_t number = ndc_rows_i64(rows, 0);
        if (number > 0 && number <= NDC_REGISTRY_SOURCES_MAX)
            p->sources[number] = ndc_arena_str(&p->names, ndc_rows_text(rows, 1));
    }
    return ndc_rows_end(rows, fault);
}

static enum ndc_err print_page(struct printing *p, size_t *n, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    struct ndc_change *changes;
    struct ndc_buf line;
    struct ndc_json j;
    *n = 0;
    ndc_arena_reset(&p->arena);
    NDC_TRY(ndc_store_take(p->store, NDC_READ, &conn, fault));
    enum ndc_err err =
        ndc_change_read(conn, &p->arena, p->after, PAGE, false, &changes, n, fault);
    if (!err && *n) err = read_names(p, conn, fault);
    ndc_store_give(conn);
    if (err) return err;
    ndc_buf_init(&line, LINE_BYTES_MAX);
    for (size_t i = 0; i < *n; i++) {
        const struct ndc_change *c = &changes[i];
        ndc_buf_reset(&line);
        ndc_json_init(&j, &line);
        ndc_change_write(&j, c,
                         c->source && c->source <= NDC_REGISTRY_SOURCES_MAX
                             ? p->sources[c->source]
                             : NDC_STR_NULL,
                         &p->filter);
        ndc_buf_add_byte(&line, '\n');
        fwrite(line.ptr, 1, line.len, stdout);
        p->after = c->seq;
    }
    ndc_buf_free(&line);
    if (fflush(stdout) != 0)
        return ndc_fail_errno(fault, "io.write", "write to", "standard output");
    return NDC_OK;
}

enum ndc_err ndc_changes_command(struct ndc_command_call *call, struct ndc_fault *fault)
{
    struct printing *p = ndc_xcalloc(1, sizeof(*p));
    bool own = false, follow = ndc_command_flag(call, "follow");
    size_t n;
    enum ndc_err err = ndc_command_i64(call, "after", 0, INT64_MAX, &p->after, fault);
    if (!err) err = open_store(call->app, &p->store, &own, fault);
    ndc_arena_init(&p->arena, PAGE_BYTES);
    ndc_arena_init(&p->names, 1 << 20);
    for (int t = 0; t < NDC_ENTITY_COUNT; t++)
        p->filter.fields[t] = ndc_field_set_entity((enum ndc_entity)t);
    while (!err) {
        err = print_page(p, &n, fault);
        if (err || (n == 0 && !follow)) break;
        if (n == 0) ndc_clock_sleep_ms(POLL_MS);
    }
    ndc_arena_free(&p->arena);
    ndc_arena_free(&p->names);
    if (own) ndc_store_close(p->store);
    free(p);
    return err;
}

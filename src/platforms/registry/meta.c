/* Named values (meta.h). */
#include "platforms/registry/meta.h"

enum ndc_err ndc_registry_meta(struct ndc_store_conn *conn, struct ndc_arena *arena,
                               const char *name, struct ndc_str *out,
                               struct ndc_fault *fault)
{
    struct ndc_rows *rows =
        ndc_sql_query(conn, "SELECT value FROM registry_meta WHERE name = $1",
                      NDC_ARGS(ndc_textz(name)));
    *out = NDC_STR_NULL;
    if (ndc_rows_next(rows)) *out = ndc_arena_str(arena, ndc_rows_text(rows, 0));
    return ndc_rows_end(rows, fault);
}

enum ndc_err ndc_registry_meta_i64(struct ndc_store_conn *conn, const char *name,
                                   int64_t *out, struct ndc_fault *fault)
{
    struct ndc_rows *rows =
        ndc_sql_query(conn, "SELECT value FROM registry_meta WHERE name = $1",
                      NDC_ARGS(ndc_textz(name)));
    *out = 0;
    if (ndc_rows_next(rows) && !ndc_str_to_i64(ndc_rows_text(rows, 0), out)) *out = 0;
    return ndc_rows_end(rows, fault);
}

enum ndc_err ndc_registry_meta_set(struct ndc_store_conn *conn, const char *name,
                                   struct ndc_str value, struct ndc_fault *fault)
{
    return ndc_sql_exec(conn,
                        "INSERT INTO registry_meta (name, value) VALUES ($1, $2) "
                        "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                        NDC_ARGS(ndc_textz(name), ndc_text(value)), NULL, fault);
}

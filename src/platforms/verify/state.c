/* The platform's state: opened, closed; its jobs queued. */
#include "crypto/token.h"
#include "platforms/verify/verify.h"
#include "store/writer.h"
#include "sys/file.h"

#include <stdio.h>

enum { CHECKPOINT_MS = 2000 };

static enum ndc_err open_parts(struct ndc_verify *v, const char *dir,
                               struct ndc_fault *fault)
{
    char path[4096];
    size_t len = strlen(dir);
    char *files = ndc_xmalloc(len + 8), *own = ndc_xmalloc(len + 1);
    memcpy(own, dir, len + 1);
    snprintf(files, len + 8, "%s/files", dir);
    v->dir = own;
    v->files = files;
    enum ndc_err err = ndc_file_mkdirs(files, fault);
    if (!err) err = ndc_projection_key_open(&v->key, dir, fault);
    snprintf(path, sizeof(path), "%s/sign.key", dir);
    return err ? err : ndc_sign_key_open(&v->sign_key, path, fault);
}

enum ndc_err ndc_verify_open(struct ndc_verify **out, struct ndc_store *store,
                             const char *dir, unsigned threads, struct ndc_fault *fault)
{
    struct ndc_verify *v = ndc_xcalloc(1, sizeof(*v));
    v->store = store;
    v->threads = threads ? threads : ndc_cpu_count();
    v->keep_ms = (int64_t)30 * 86400000;
    v->checkpoint_ms = CHECKPOINT_MS;
    ndc_mutex_init(&v->lock);
    ndc_mutex_init(&v->making);
    enum ndc_err err = open_parts(v, dir, fault);
    if (err) {
        ndc_verify_close(v);
        v = NULL;
    }
    *out = v;
    return err;
}

void ndc_verify_close(struct ndc_verify *v)
{
    if (!v) return;
    ndc_projection_unref(v->current);
    ndc_sign_key_free(v->sign_key);
    ndc_mutex_free(&v->lock);
    ndc_mutex_free(&v->making);
    free((void *)(uintptr_t)v->dir);
    free((void *)(uintptr_t)v->files);
    ndc_secret_wipe(&v->key, sizeof(v->key));
    free(v);
}

/* ---- its jobs ---- */

struct naming {
    struct ndc_str file, job;
};

static enum ndc_err name_job(struct ndc_store_conn *conn, void *arg,
                             struct ndc_fault *fault)
{
    const struct naming *n = arg;
    return ndc_sql_exec(conn, "UPDATE verify_file SET job = $2 WHERE file = $1",
                        NDC_ARGS(ndc_text(n->file), ndc_text(n->job)), NULL, fault);
}

enum ndc_err ndc_verify_submit(struct ndc_verify *v, const char *kind,
                               struct ndc_str file, struct ndc_str principal,
                               struct ndc_fault *fault)
{
    char id[NDC_JOB_ID_LEN + 1], arguments[64];
    snprintf(arguments, sizeof(arguments), "{\"file\":\"%.*s\"}", NDC_STR_FMT(file));
    enum ndc_err err = ndc_job_submit(ndc_app_jobs(v->app), "verify", kind, principal,
                                      ndc_str(arguments), id, fault);
    struct naming n = {file, ndc_str(id)};
    return err ? err : ndc_store_write(v->store, name_job, &n, fault);
}

enum ndc_err ndc_verify_submit_projection(struct ndc_verify *v, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    char id[NDC_JOB_ID_LEN + 1];
    int64_t open = 0;
    enum ndc_err err = ndc_store_take(v->store, NDC_READ, &conn, fault);
    if (err) return err;
    err = ndc_sql_i64(conn, &open,
                      "SELECT count(*) FROM ndc_job WHERE state IN ('queued', 'running') "
                      "AND platform = 'verify' AND kind = 'project'",
                      NDC_NO_ARGS, fault);
    ndc_store_give(conn);
    if (err || open) return err;
    return ndc_job_submit(ndc_app_jobs(v->app), "verify", "project",
                          NDC_STR("platform:verify"), NDC_STR("{}"), id, fault);
}

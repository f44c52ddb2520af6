/* The platform's state: opened, closed; rows that are over; other processes. */
#include "platforms/eid/accounts.h"

#include "platforms/eid/provider/provider.h"
#include "sys/file.h"
#include "sys/random.h"

#include <stdio.h>

enum {
    PATH_BYTES = 4096,
    SWEEP_ROWS = 2, /* a write adds one */
    IDLE_MS = 3600 * 1000,
    MAX_MS = 12 * 3600 * 1000
};

/* Made once, kept for ever: without it nobody would be the same person to a client. */
static enum ndc_err load_salt(struct ndc_eid *eid, const char *path,
                              struct ndc_fault *fault)
{
    struct ndc_buf buf;
    ndc_buf_init(&buf, NDC_EID_SALT_BYTES + 1);
    if (!ndc_file_exists(path)) {
        ndc_random_bytes(eid->salt, sizeof(eid->salt));
        return ndc_file_write(path, ndc_str_n((const char *)eid->salt, sizeof(eid->salt)),
                              0600, fault);
    }
    enum ndc_err err = ndc_file_read(&buf, path, fault);
    if (!err && buf.len != sizeof(eid->salt))
        err = ndc_fail(fault, NDC_EINPUT, "key.format", "%s has not %zu bytes", path,
                       sizeof(eid->salt));
    if (!err) memcpy(eid->salt, buf.ptr, sizeof(eid->salt));
    ndc_buf_free(&buf);
    return err;
}

static enum ndc_err load_keys(struct ndc_eid *eid, const char *dir,
                              struct ndc_fault *fault)
{
    char path[PATH_BYTES];
    NDC_TRY(ndc_file_mkdirs(dir, fault));
    snprintf(path, sizeof(path), "%s/seal.key", dir);
    NDC_TRY(ndc_seal_load(&eid->seal, path, fault));
    snprintf(path, sizeof(path), "%s/subject.salt", dir);
    return load_salt(eid, path, fault);
}

static struct ndc_str own(struct ndc_str s)
{
    char *copy = ndc_xmalloc(s.len + 1);
    if (s.len) memcpy(copy, s.ptr, s.len);
    copy[s.len] = 0;
    return ndc_str_n(copy, s.len);
}

static void open_accounts(struct ndc_eid *eid, const struct ndc_eid_options *options)
{
    struct eid_accounts *a = ndc_xcalloc(1, sizeof(*a));
    char unused[64];
    a->session_idle_ms = options->session_idle_ms ? options->session_idle_ms : IDLE_MS;
    a->session_max_ms = options->session_max_ms ? options->session_max_ms : MAX_MS;
    ndc_password_make(unused);
    NDC_ASSERT(ndc_password_hash(a->dummy_hash, ndc_str(unused), eid->weak_passwords));
    eid->accounts = a;
}

enum ndc_err ndc_eid_open(struct ndc_eid **out, struct ndc_store *store,
                          const struct ndc_eid_options *options, struct ndc_fault *fault)
{
    struct ndc_eid *eid = ndc_xcalloc(1, sizeof(*eid));
    *out = NULL;
    eid->store = store;
    eid->issuer = own(options->issuer);
    eid->weak_passwords = options->weak_passwords;
    eid->throttle = ndc_throttle_new();
    open_accounts(eid, options);
    enum ndc_err err = load_keys(eid, options->dir, fault);
    if (!err) err = eid_provider_open(eid, fault);
    if (err) {
        ndc_eid_close(eid);
        return err;
    }
    *out = eid;
    return NDC_OK;
}

void ndc_eid_close(struct ndc_eid *eid)
{
    if (!eid) return;
    eid_provider_close(eid);
    ndc_seal_free(eid->seal);
    ndc_throttle_free(eid->throttle);
    ndc_secret_wipe(eid->salt, sizeof(eid->salt));
    if (eid->accounts) ndc_secret_wipe(eid->accounts->dummy_hash, 1);
    free(eid->accounts);
    free((void *)(uintptr_t)eid->issuer.ptr);
    if (eid->own_store) ndc_store_close(eid->store);
    free(eid);
}

/* ---- rows that are over ---- */

static const struct {
    const char *table, *sql;
} sweeps[] = {
#define SWEEP(table, key)                                                           \
    {                                                                               \
        table, "DELETE FROM " table " WHERE " key " IN (SELECT " key " FROM " table \
               " WHERE expires_ms < $1 ORDER BY expires_ms LIMIT $2)"               \
    }
    SWEEP("eid_session", "session"), SWEEP("eid_interaction", "interaction"),
    SWEEP("eid_par", "par"),         SWEEP("eid_code", "code"),
    SWEEP("eid_grant", "grant_id"),  SWEEP("eid_revoked", "seq"),
    SWEEP("eid_device", "device"),   SWEEP("eid_client_use", "name"),
    SWEEP("eid_logout", "name"),     SWEEP("eid_assertion", "name"),
};

enum ndc_err eid_sweep(struct ndc_store_conn *conn, const char *table, int64_t now_ms,
                       struct ndc_fault *fault)
{
    for (size_t i = 0; i < NDC_ARRAY_LEN(sweeps); i++)
        if (strcmp(sweeps[i].table, table) == 0)
            return ndc_sql_exec(conn, sweeps[i].sql,
                                NDC_ARGS(ndc_int(now_ms), ndc_int(SWEEP_ROWS)), NULL,
                                fault);
    NDC_ASSERT(!"a table whose rows end");
    return NDC_EINTERNAL;
}

enum ndc_err eid_changed(struct ndc_store_conn *conn, struct ndc_fault *fault)
{
    return ndc_sql_exec(conn,
                        "UPDATE eid_state SET generation = generation + 1 WHERE id = 1",
                        NDC_NO_ARGS, NULL, fault);
}

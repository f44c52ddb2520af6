/* Identity: its tables, its roles, and the thread that keeps memory and database in step
 * with each other and with other processes. */
#include "core/identity_private.h"

#include "core/permission.h"
#include "sys/log.h"

enum { TICK_MS = 1000, FLUSH_TICKS = 30, PURGE_TICKS = 3600 };

static const struct {
    const char *role, *title_vi, *title_en;
} builtin_roles[] = {
    {"admin", "Quản trị hệ thống", "Administrator"},
    {"operator", "Vận hành", "Operator"},
    {"steward", "Quản lý dữ liệu", "Data steward"},
    {"reviewer", "Thẩm định", "Reviewer"},
    {"auditor", "Kiểm toán", "Auditor"},
    {"agency-reader", "Hệ thống cơ quan, chỉ đọc", "Agency system, reading"},
    {"bank", "Hệ thống ngân hàng", "A bank's system"},
    {"bulk-important", "Được duyệt: dữ liệu quan trọng", "Approved: important data"},
    {"bulk-core", "Được duyệt: dữ liệu cốt lõi", "Approved: core data"},
};

enum ndc_err identity_changed(struct ndc_store_conn *conn, struct ndc_fault *fault)
{
    return ndc_sql_exec(conn,
                        "UPDATE ndc_identity_state SET generation = generation + 1 "
                        "WHERE id = 1",
                        NDC_NO_ARGS, NULL, fault);
}

struct change {
    enum ndc_err (*fn)(struct ndc_store_conn *conn, void *arg, struct ndc_fault *fault);
    void *arg;
};

static enum ndc_err run_change(struct ndc_store_conn *conn, void *arg,
                               struct ndc_fault *fault)
{
    struct change *change = arg;
    enum ndc_err err = change->fn(conn, change->arg, fault);
    return err == NDC_OK ? identity_changed(conn, fault) : err;
}

enum ndc_err identity_write(struct ndc_identity *identity,
                            enum ndc_err (*fn)(struct ndc_store_conn *conn, void *arg,
                                               struct ndc_fault *fault),
                            void *arg, struct ndc_fault *fault)
{
    struct change change = {fn, arg};
    enum ndc_err err = ndc_store_write(identity->store, run_change, &change, fault);
    grants_forget(identity);
    return err;
}

static bool role_has(const char *roles, const char *role)
{
    struct ndc_str rest = ndc_str(roles), word;
    if (strcmp(role, "admin") == 0) return true;
    while (ndc_str_split(&rest, ' ', &word))
        if (ndc_str_eq_c(word, role)) return true;
    return false;
}

static enum ndc_err put_role(struct ndc_store_conn *conn, const char *role,
                             const char *vi, const char *en, struct ndc_fault *fault)
{
    enum ndc_err err = ndc_sql_exec(
        conn,
        "INSERT INTO ndc_role (role, title_vi, title_en, builtin) VALUES ($1, $2, $3, 1) "
        "ON CONFLICT (role) DO UPDATE SET title_vi = excluded.title_vi, title_en = "
        "excluded.title_en, builtin = 1",
        NDC_ARGS(ndc_textz(role), ndc_textz(vi), ndc_textz(en)), NULL, fault);
    if (err == NDC_OK)
        err = ndc_sql_exec(conn, "DELETE FROM ndc_role_permission WHERE role = $1",
                           NDC_ARGS(ndc_textz(role)), NULL, fault);
    for (size_t i = 0; i < ndc_permissions_count() && err == NDC_OK; i++) {
        const struct ndc_permission *p = ndc_permission_at(i);
        if (role_has(p->roles ? p->roles : "", role))
            err = ndc_sql_exec(
                conn,
                "INSERT INTO ndc_role_permission (role, permission) VALUES ($1, $2)",
                NDC_ARGS(ndc_textz(role), ndc_textz(p->name)), NULL, fault);
    }
    return err;
}

/* Built-in roles follow the program's tables; roles that operators made are theirs. */
static enum ndc_err put_roles(struct ndc_store_conn *conn, void *arg,
                              struct ndc_fault *fault)
{
    enum ndc_err err = NDC_OK;
    (void)arg;
    for (size_t i = 0; i < NDC_ARRAY_LEN(builtin_roles) && err == NDC_OK; i++)
        err = put_role(conn, builtin_roles[i].role, builtin_roles[i].title_vi,
                       builtin_roles[i].title_en, fault);
    if (err == NDC_OK)
        err =
            ndc_sql_exec(conn,
                         "INSERT INTO ndc_identity_state (id, generation) VALUES (1, 1) "
                         "ON CONFLICT (id) DO NOTHING",
                         NDC_NO_ARGS, NULL, fault);
    return err;
}

static enum ndc_err purge(struct ndc_store_conn *conn, void *arg, struct ndc_fault *fault)
{
    (void)arg;
    return ndc_sql_exec(conn, "DELETE FROM ndc_session WHERE expires_ms < $1",
                        NDC_ARGS(ndc_int(ndc_clock_wall_ms())), NULL, fault);
}

static void look_for_changes(struct ndc_identity *identity)
{
    struct ndc_fault fault = {0};
    struct ndc_store_conn *conn;
    int64_t generation = 0;
    if (ndc_store_take(identity->store, NDC_READ, &conn, &fault) != NDC_OK) return;
    enum ndc_err err = ndc_sql_i64(
        conn, &generation, "SELECT generation FROM ndc_identity_state WHERE id = 1",
        NDC_NO_ARGS, &fault);
    ndc_store_give(conn);
    if (err != NDC_OK) return;
    if (atomic_exchange(&identity->generation, generation) != generation)
        grants_forget(identity);
}

static void maintain(void *arg)
{
    struct ndc_identity *identity = arg;
    ndc_mutex_lock(&identity->lock);
    for (unsigned tick = 1; !identity->stop; tick++) {
        ndc_cond_wait_ms(&identity->stop_cond, &identity->lock, TICK_MS);
        if (identity->stop) break;
        ndc_mutex_unlock(&identity->lock);
        look_for_changes(identity);
        if (tick % FLUSH_TICKS == 0) grants_flush(identity);
        struct ndc_fault fault = {0};
        if (tick % PURGE_TICKS == 0 &&
            ndc_store_write(identity->store, purge, NULL, &fault) != NDC_OK)
            ndc_log(NDC_LOG_WARN, "identity", "old sessions stay: %s", fault.message);
        ndc_mutex_lock(&identity->lock);
    }
    ndc_mutex_unlock(&identity->lock);
}

enum ndc_err ndc_identity_open(struct ndc_identity **out, struct ndc_store *store,
                               const struct ndc_platform *const *platforms,
                               const struct ndc_identity_options *options,
                               struct ndc_fault *fault)
{
    struct ndc_identity *identity = ndc_xcalloc(1, sizeof(*identity));
    char unused[64];
    (void)platforms;
    *out = NULL;
    identity->store = store;
    identity->options = *options;
    identity->throttle = ndc_throttle_new();
    ndc_mutex_init(&identity->lock);
    ndc_cond_init(&identity->stop_cond);
    grants_init(identity);
    ndc_password_make(unused);
    NDC_ASSERT(ndc_password_hash(identity->dummy_hash, ndc_str(unused),
                                 options->weak_passwords));
    ndc_thread_start(&identity->maintenance, "ndc-identity", maintain, identity);
    enum ndc_err err = identity_write(identity, put_roles, NULL, fault);
    if (err != NDC_OK) {
        ndc_identity_close(identity);
        return err;
    }
    *out = identity;
    return NDC_OK;
}

void ndc_identity_close(struct ndc_identity *identity)
{
    if (!identity) return;
    ndc_mutex_lock(&identity->lock);
    identity->stop = true;
    ndc_cond_broadcast(&identity->stop_cond);
    ndc_mutex_unlock(&identity->lock);
    ndc_thread_join(&identity->maintenance);
    grants_flush(identity);
    grants_free(identity);
    ndc_throttle_free(identity->throttle);
    ndc_cond_free(&identity->stop_cond);
    ndc_mutex_free(&identity->lock);
    free(identity);
}

enum ndc_err identity_check_roles(struct ndc_store_conn *conn, struct ndc_str roles,
                                  struct ndc_fault *fault)
{
    struct ndc_str word;
    while (roles.ptr && ndc_str_split(&roles, ' ', &word)) {
        int64_t n = 0;
        if (!word.len) continue;
        enum ndc_err err =
            ndc_sql_i64(conn, &n, "SELECT count(*) FROM ndc_role WHERE role = $1",
                        NDC_ARGS(ndc_text(word)), fault);
        if (err != NDC_OK) return err;
        if (!n)
            return ndc_fail_at(fault, NDC_EINPUT, "user.role", "roles", 0,
                               "there is no role \"%.*s\" (GET /api/roles lists them)",
                               NDC_STR_FMT(word));
    }
    return NDC_OK;
}

enum ndc_err identity_check_agency(struct ndc_store_conn *conn, struct ndc_str agency,
                                   struct ndc_fault *fault)
{
    int64_t n = 0;
    if (!agency.len) return NDC_OK;
    enum ndc_err err =
        ndc_sql_i64(conn, &n, "SELECT count(*) FROM ndc_agency WHERE agency = $1",
                    NDC_ARGS(ndc_text(agency)), fault);
    if (err == NDC_OK && !n)
        err = ndc_fail_at(fault, NDC_EINPUT, "user.agency", "agency", 0,
                          "there is no agency \"%.*s\" (GET /api/agencies lists them)",
                          NDC_STR_FMT(agency));
    return err;
}

struct agency {
    struct ndc_str code, vi, en;
};

static enum ndc_err put_agency(struct ndc_store_conn *conn, void *arg,
                               struct ndc_fault *fault)
{
    const struct agency *a = arg;
    return ndc_sql_exec(
        conn,
        "INSERT INTO ndc_agency (agency, title_vi, title_en) VALUES ($1, $2, $3) ON "
        "CONFLICT (agency) DO UPDATE SET title_vi = excluded.title_vi, title_en = "
        "excluded.title_en",
        NDC_ARGS(ndc_text(a->code), ndc_text(a->vi), ndc_text(a->en)), NULL, fault);
}

enum ndc_err ndc_agency_put(struct ndc_identity *identity, struct ndc_str code,
                            struct ndc_str title_vi, struct ndc_str title_en,
                            struct ndc_fault *fault)
{
    struct agency agency = {code, title_vi, title_en};
    return ndc_store_write(identity->store, put_agency, &agency, fault);
}

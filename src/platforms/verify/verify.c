/* The platform `verify`: its table, its start and its jobs. */
#include "core/config.h"
#include "core/identity.h"
#include "platforms/verify/command.h"
#include "platforms/verify/http.h"
#include "platforms/verify/verify_platform.h"
#include "store/writer.h"
#include "sys/clock.h"

/* ---- jobs ---- */

static enum ndc_err on_file(struct ndc_job *job, void *arg,
                            enum ndc_err (*run)(struct ndc_verify *, struct ndc_str,
                                                struct ndc_job *, struct ndc_fault *),
                            struct ndc_fault *fault)
{
    struct json_object *arguments;
    enum ndc_err err = ndc_json_parse(&arguments, ndc_job_arguments(job), fault);
    if (err) return err;
    err = run(arg, ndc_json_get_str(arguments, "file"), job, fault);
    json_object_put(arguments);
    return err;
}

static enum ndc_err run_check(struct ndc_job *job, void *arg, struct ndc_fault *fault)
{
    return on_file(job, arg, ndc_verify_run, fault);
}

static enum ndc_err run_delta(struct ndc_job *job, void *arg, struct ndc_fault *fault)
{
    return on_file(job, arg, ndc_verify_delta_run, fault);
}

static void tell(void *arg, const char *phase, uint64_t done, uint64_t total,
                 const char *unit)
{
    ndc_job_progress(arg, (int64_t)done, (int64_t)total, unit, phase);
}

static bool canceled(void *arg)
{
    return ndc_job_canceled(arg);
}

static enum ndc_err run_project(struct ndc_job *job, void *arg, struct ndc_fault *fault)
{
    const struct ndc_verify_progress progress = {job, tell, canceled};
    return ndc_verify_rebuild(arg, &progress, fault);
}

static const struct ndc_job_kind jobs[] = {
    {.platform = "verify",
     .name = "check",
     .resumable = true,
     .attempts_max = 20,
     .at_once_max = 1, /* one has all processors; the next waits its turn */
     .run = run_check},
    {.platform = "verify",
     .name = "delta",
     .resumable = true,
     .at_once_max = 1,
     .run = run_delta},
    {.platform = "verify",
     .name = "project",
     .resumable = true,
     .at_once_max = 1,
     .run = run_project},
};

/* ---- the platform ---- */

#define DEMO_BANK_VI "Ngân hàng Mẫu"
#define DEMO_BANK_EN "Sample Bank"

static enum ndc_err start(struct ndc_app *app, void **state, struct ndc_fault *fault)
{
    struct ndc_verify *v = NULL;
    enum ndc_err err =
        ndc_verify_open(&v, ndc_app_store(app), ndc_app_path(app, "verify"), 0, fault);
    *state = v;
    if (err) return err;
    v->app = app;
    v->keep_ms = ndc_config_int(ndc_app_config(app), "verify_keep");
    return NDC_OK;
}

static enum ndc_err add_demo_bank(struct ndc_store_conn *conn, void *arg,
                                  struct ndc_fault *fault)
{
    return ndc_sql_exec(
        conn,
        "INSERT INTO verify_bank (bank, title_vi, title_en, key_pem, key_id, "
        "rows_per_day, "
        "files_open_max, suspended, created_ms, updated_ms) SELECT 'ngan-hang-mau', $1, "
        "$2, '', '', 50000000, 4, 0, $3, $3 WHERE NOT EXISTS (SELECT 1 FROM verify_bank)",
        NDC_ARGS(ndc_textz(DEMO_BANK_VI), ndc_textz(DEMO_BANK_EN),
                 ndc_int(*(const int64_t *)arg)),
        NULL, fault);
}

/* A demo nation has a bank to try with: files sent by hand on its behalf. */
static enum ndc_err seed_demo(struct ndc_app *app, struct ndc_verify *v,
                              struct ndc_fault *fault)
{
    int64_t now_ms = ndc_clock_wall_ms();
    if (ndc_config_int(ndc_app_config(app), "demo_people") == 0) return NDC_OK;
    enum ndc_err err =
        ndc_agency_put(ndc_app_identity(app), NDC_STR("ngan-hang-mau"),
                       ndc_str(DEMO_BANK_VI), ndc_str(DEMO_BANK_EN), fault);
    return err ? err : ndc_store_write(v->store, add_demo_bank, &now_ms, fault);
}

static enum ndc_err started(struct ndc_app *app, void *state, struct ndc_fault *fault)
{
    struct ndc_verify *v = state;
    enum ndc_err err = seed_demo(app, v, fault);
    if (err) return err;
    v->keeper =
        ndc_keeper_start(v, ndc_config_text(ndc_app_config(app), "verify_delta_at"));
    return NDC_OK;
}

static void stopping(void *state)
{
    struct ndc_verify *v = state;
    ndc_keeper_stop(v->keeper);
    v->keeper = NULL;
}

static void stop(void *state)
{
    ndc_verify_close(state);
}

static const struct ndc_setting settings[] = {
    {"verify_keep", NDC_SETTING_TIME, "30d", NULL, 0, 0, "Account checks",
     "How long verdicts are kept to be fetched; after it they are removed.", false},
    {"verify_delta_at", NDC_SETTING_TEXT, "30 1 * * *", NULL, 0, 0, "Account checks",
     "When watched accounts are checked again, as a schedule of five fields; empty: "
     "never.",
     false},
    {0},
};

static const struct ndc_permission permissions[] = {
    {"verify.check", "Gửi tệp tài khoản để xác thực", "Have accounts checked",
     "bank operator steward auditor"},
    {"verify.operate", "Xác thực thay cho ngân hàng, xem mọi tệp",
     "Check for any bank, see all files", "operator steward"},
    {"verify.bank", "Đăng ký ngân hàng, khóa và giá", "Register banks, keys and prices",
     "operator"},
    {"verify.freeze", "Phong tỏa và bỏ phong tỏa", "Freeze and lift freezes", "steward"},
};

const struct ndc_platform ndc_verify_platform = {
    .code = "verify",
    .title_vi = "Xác thực tài khoản ngân hàng",
    .title_en = "Bank account checks",
    .summary = "Checks bank accounts in bulk against the national store.",
    .migrations = ndc_verify_migrations,
    .routes = ndc_verify_routes,
    .routes_n = NDC_VERIFY_ROUTES,
    .jobs = jobs,
    .jobs_n = NDC_ARRAY_LEN(jobs),
    .commands = ndc_verify_commands,
    .commands_n = NDC_VERIFY_COMMANDS,
    .settings = settings,
    .permissions = permissions,
    .permissions_n = NDC_ARRAY_LEN(permissions),
    .migrations_n = 1,
    .start = start,
    .started = started,
    .stopping = stopping,
    .stop = stop,
};

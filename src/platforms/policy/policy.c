/* Platform policy: who may see which datum for which purpose. See README.md. */
#include "platforms/policy/policy.h"

#include "core/identity.h"
#include "core/mask.h"
#include "sys/file.h"
#include "sys/random.h"

/* The key of pseudonyms lives beside the data, so that they last as long. */
static enum ndc_err set_mask_key(struct ndc_app *app, struct ndc_fault *fault)
{
    const char *path = ndc_app_path(app, "pseudonym.key");
    uint8_t key[16];
    struct ndc_buf text;
    enum ndc_err err = NDC_OK;
    ndc_buf_init(&text, 64);
    if (!ndc_file_exists(path)) {
        ndc_random_bytes(key, sizeof(key));
        err = ndc_file_write(path, ndc_str_n((char *)key, sizeof(key)), 0600, fault);
    } else {
        err = ndc_file_read(&text, path, fault);
        if (!err && text.len != sizeof(key))
            err = ndc_fail(fault, NDC_EINPUT, "policy.key", "%s is not a 16-byte key",
                           path);
        if (!err) memcpy(key, text.ptr, sizeof(key));
    }
    if (!err) ndc_mask_key_set(key);
    ndc_buf_free(&text);
    return err;
}

static void wake_outbox(void *app)
{
    ndc_app_wake_outbox(app);
}

static enum ndc_err start(struct ndc_app *app, void **state, struct ndc_fault *fault)
{
    const char *directory = ndc_config_text(ndc_app_config(app), "policy_dir");
    if (!*directory) directory = ndc_app_path(app, "policy");
    struct policy_state *s = ndc_xcalloc(1, sizeof(*s));
    enum ndc_err err = set_mask_key(app, fault);
    if (!err) err = policy_service_new(&s->service, directory, fault);
    if (!err)
        err = policy_keeper_start(&s->keeper, s->service,
                                  &(struct policy_keeper_options){
                                      .store = ndc_app_store(app),
                                      .audit = ndc_app_audit(app),
                                      .escalated = wake_outbox,
                                      .arg = app,
                                  },
                                  fault);
    if (err) {
        policy_service_free(s->service);
        free(s);
        return err;
    }
    ndc_policy_register(&policy_service_ops, s->service);
    *state = s;
    return NDC_OK;
}

/* The agencies that rules name are those that users and keys may belong to. */
static enum ndc_err name_agencies(struct ndc_app *app, void *state,
                                  struct ndc_fault *fault)
{
    struct policy_lease lease =
        policy_service_take(((struct policy_state *)state)->service);
    const struct policy_set *set = lease.table->set;
    enum ndc_err err = NDC_OK;
    for (size_t i = 0; i < set->agency_count && !err; i++)
        err = ndc_agency_put(ndc_app_identity(app), set->agencies[i].code,
                             set->agencies[i].title.vi, set->agencies[i].title.en, fault);
    policy_service_give(lease);
    return err;
}

static void stop(void *state)
{
    struct policy_state *s = state;
    ndc_policy_register(NULL, NULL);
    policy_keeper_stop(s->keeper);
    policy_service_free(s->service);
    free(s);
}

static const struct ndc_setting settings[] = {
    {"policy_dir", NDC_SETTING_PATH, "", NULL, 0, 0, "Policy",
     "Folder of the operator's rule files (*.yaml), read before the built-in rules; "
     "empty: "
     "policy in data_dir.",
     false},
    {0}};

static const struct ndc_permission permissions[] = {
    {"policy.manage", "Quản lý quy tắc truy cập", "Manage access rules", "steward"},
    {"policy.volume", "Xem số người đã được tra cứu và xử lý cảnh báo vượt ngưỡng",
     "See how many people were looked up, and settle notices of limits",
     "steward auditor"},
};

const struct ndc_platform ndc_policy_platform = {
    .code = "policy",
    .title_vi = "Chính sách dữ liệu",
    .title_en = "Data policy",
    .summary = "Classes of data, purposes, and the rules that decide every access.",
    .migrations = policy_migrations,
    .migrations_n = POLICY_MIGRATIONS_N,
    .routes = policy_routes,
    .routes_n = POLICY_ROUTES_N,
    .commands = policy_commands,
    .commands_n = POLICY_COMMANDS_N,
    .settings = settings,
    .permissions = permissions,
    .permissions_n = NDC_ARRAY_LEN(permissions),
    .start = start,
    .started = name_agencies,
    .stop = stop,
};

/* The platform `eid`: its row, its settings, its start. */
#include "core/config.h"
#include "core/platform.h"
#include "platforms/eid/command.h"
#include "platforms/eid/eid_platform.h"
#include "platforms/eid/follow.h"
#include "platforms/eid/http.h"
#include "platforms/eid/provider/provider.h"

#include <stdio.h>

/* ---- who we are to others ---- */

/* A browser knows a passkey by the host's name, and an address is no name: a laptop's
 * loopback is called localhost. */
static struct ndc_str host_of(struct ndc_str listen)
{
    static const char *const loopbacks[] = {"", "0.0.0.0", "[::]", "127.0.0.1", "[::1]"};
    size_t colon = listen.len;
    while (colon > 0 && listen.ptr[colon - 1] != ':')
        colon--;
    struct ndc_str host = ndc_str_n(listen.ptr, colon ? colon - 1 : 0);
    for (size_t i = 0; i < NDC_ARRAY_LEN(loopbacks); i++)
        if (ndc_str_eq_c(host, loopbacks[i])) return NDC_STR("localhost");
    return host;
}

static bool no_port_yet(const struct ndc_config *config)
{
    struct ndc_str listen = ndc_str(ndc_config_text(config, "listen"));
    return listen.len > 1 && memcmp(listen.ptr + listen.len - 2, ":0", 2) == 0;
}

/* Without a slash at the end: clients compare it byte by byte. */
static void make_issuer(char *out, size_t size, const struct ndc_config *config)
{
    struct ndc_str listen = ndc_str(ndc_config_text(config, "listen")), rest = listen,
                   port = NDC_STR("");
    const char *given = ndc_config_text(config, "eid_issuer");
    if (!*given) given = ndc_config_text(config, "public_url");
    if (*given) {
        size_t len = strlen(given);
        while (len && given[len - 1] == '/')
            len--;
        snprintf(out, size, "%.*s", (int)len, given);
        return;
    }
    while (ndc_str_split(&rest, ':', &port)) {
    }
    bool tls = ndc_config_text(config, "tls_cert")[0] != 0;
    snprintf(out, size, "http%s://%.*s:%.*s", tls ? "s" : "",
             NDC_STR_FMT(host_of(listen)), NDC_STR_FMT(port));
}

/* ---- start and stop ---- */

enum ndc_err ndc_eid_open_store(struct ndc_app *app, struct ndc_store **store, bool *own,
                                struct ndc_fault *fault)
{
    char url[4096 + 16];
    *own = false;
    *store = ndc_app_store(app);
    if (ndc_store_kind(*store) == NDC_SQLITE) {
        /* A file of its own, fully synced: other writers do not delay a sign-in. */
        snprintf(url, sizeof(url), "sqlite:%s", ndc_app_path(app, "eid.db"));
        *own = true;
        const struct ndc_store_options options = {.unmapped = true};
        NDC_TRY(ndc_store_open(store, url, &options, fault));
    }
    enum ndc_err err =
        ndc_migrate(*store, "eid", ndc_eid_migrations, ndc_eid_migrations_n, fault);
    if (err && *own) ndc_store_close(*store);
    return err;
}

enum ndc_err ndc_eid_start(struct ndc_app *app, struct ndc_eid **out,
                           struct ndc_fault *fault)
{
    const struct ndc_config *c = ndc_app_config(app);
    char issuer[512];
    struct ndc_store *store;
    bool own;
    *out = NULL;
    NDC_TRY(ndc_eid_open_store(app, &store, &own, fault));
    make_issuer(issuer, sizeof(issuer), c);
    const struct ndc_eid_options options = {
        .dir = ndc_app_path(app, "eid"),
        .issuer = ndc_str(issuer),
        .weak_passwords = ndc_config_bool(c, "weak_passwords"),
        .session_idle_ms = ndc_config_int(c, "eid_session_idle"),
        .session_max_ms = ndc_config_int(c, "eid_session_max")};
    enum ndc_err err = ndc_eid_open(out, store, &options, fault);
    if (err) {
        if (own) ndc_store_close(store);
        return err;
    }
    (*out)->app = app;
    (*out)->own_store = own;
    return NDC_OK;
}

static enum ndc_err start(struct ndc_app *app, void **state, struct ndc_fault *fault)
{
    struct ndc_eid *eid = NULL;
    enum ndc_err err = ndc_eid_start(app, &eid, fault);
    *state = eid;
    return err;
}

/* A port that the system chose is known only now. */
static void complete_issuer(struct ndc_app *app, struct ndc_eid *eid)
{
    const struct ndc_config *c = ndc_app_config(app);
    if (*ndc_config_text(c, "eid_issuer") || *ndc_config_text(c, "public_url") ||
        !no_port_yet(c))
        return;
    const char *address = ndc_app_address(app);
    char *text = ndc_xmalloc(512);
    int len =
        snprintf(text, 512, "http%s://localhost%s",
                 strncmp(address, "https", 5) == 0 ? "s" : "", strrchr(address, ':'));
    free((void *)(uintptr_t)eid->issuer.ptr);
    eid->issuer = ndc_str_n(text, (size_t)len);
}

static enum ndc_err started(struct ndc_app *app, void *state, struct ndc_fault *fault)
{
    struct ndc_eid *eid = state;
    (void)fault;
    complete_issuer(app, eid);
    eid->accounts->follow = eid_follow_start(eid);
    eid_provider_start(eid);
    return NDC_OK;
}

static void stopping(void *state)
{
    struct ndc_eid *eid = state;
    eid_provider_stop(eid);
    eid_follow_stop(eid->accounts->follow);
    eid->accounts->follow = NULL;
}

static void stop(void *state)
{
    ndc_eid_close(state);
}

static const struct ndc_setting settings[] = {
    {"eid_issuer", NDC_SETTING_TEXT, "", NULL, 0, 0, "Electronic identification",
     "The address by which clients and passkeys know this server, such as "
     "https://eid.example.vn; empty: public_url, or http://localhost with the port. It "
     "cannot be changed later: passkeys and clients are bound to it.",
     false},
    {"eid_session_idle", NDC_SETTING_TIME, "1h", NULL, 60000, 2592000000,
     "Electronic identification", "A person's session unused for this long ends.", false},
    {"eid_session_max", NDC_SETTING_TIME, "12h", NULL, 60000, 2592000000,
     "Electronic identification", "A person's session ends after this, used or not.",
     false},
    {0},
};

static const struct ndc_permission permissions[] = {
    {"eid.desk", "Đăng ký, xác thực trực tiếp, khóa tài khoản định danh",
     "Prove, freeze and reset accounts at an enrolment desk", "operator"},
};

const struct ndc_platform ndc_eid_platform = {
    .code = "eid",
    .title_vi = "Định danh và xác thực điện tử",
    .title_en = "Electronic identification",
    .summary = "Accounts of citizens, organisations and officials, and their sign-in.",
    .routes = ndc_eid_routes,
    .routes_n = NDC_EID_ROUTES,
    .commands = ndc_eid_commands,
    .commands_n = NDC_EID_COMMANDS,
    .settings = settings,
    .permissions = permissions,
    .permissions_n = NDC_ARRAY_LEN(permissions),
    .start = start,
    .started = started,
    .stopping = stopping,
    .stop = stop,
};

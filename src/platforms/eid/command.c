/* Commands on accounts, also beside a running daemon: an operator's first official, and
 * what must be done when nobody can sign in to do it. */
#include "platforms/eid/command.h"

#include "core/config.h"
#include "net/client.h"
#include "platforms/eid/codes.h"
#include "platforms/eid/match.h"
#include "platforms/eid/provider/command.h"
#include "store/writer.h"
#include "sys/clock.h"

#include <stdio.h>

enum { ARENA_BYTES = 4 << 20, LIST_MAX = 1000, CALL_MS = 60000 };

struct work {
    struct ndc_command_call *call;
    struct ndc_store *store;
    struct ndc_arena arena;
    bool own;
    /* of a write */
    struct eid_account account;
    struct eid_codes_made codes;
    struct ndc_str reason;
    const char *from, *state;
    int64_t level;
    bool changed;
};

static enum ndc_err begin(struct work *w, struct ndc_command_call *call,
                          struct ndc_fault *fault)
{
    *w = (struct work){.call = call};
    ndc_arena_init(&w->arena, ARENA_BYTES);
    NDC_TRY(ndc_app_attach(call->app, fault));
    return ndc_eid_open_store(call->app, &w->store, &w->own, fault);
}

static enum ndc_err end(struct work *w, enum ndc_err err)
{
    if (w->own) ndc_store_close(w->store);
    ndc_arena_free(&w->arena);
    return err;
}

static enum ndc_err find(struct work *w, const char *login, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    NDC_TRY(ndc_store_take(w->store, NDC_READ, &conn, fault));
    enum ndc_err err =
        eid_account_of_login(conn, &w->arena, ndc_str(login), &w->account, fault);
    ndc_store_give(conn);
    if (!err && !w->account.account.ptr)
        err = ndc_fail(fault, NDC_ENOTFOUND, "eid.account", "nobody signs in with \"%s\"",
                       login);
    return err;
}

/* ---- officials ---- */

static enum ndc_err read_user(struct work *w, const char *name, struct ndc_str *full_name,
                              struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    NDC_TRY(ndc_store_take(ndc_app_store(w->call->app), NDC_READ, &conn, fault));
    struct ndc_rows *rows =
        ndc_sql_query(conn, "SELECT full_name FROM ndc_user WHERE name = $1",
                      NDC_ARGS(ndc_textz(name)));
    bool found = ndc_rows_next(rows);
    if (found) *full_name = ndc_arena_str(&w->arena, ndc_rows_text(rows, 0));
    enum ndc_err err = ndc_rows_end(rows, fault);
    ndc_store_give(conn);
    if (!err && !found)
        err = ndc_fail(fault, NDC_ENOTFOUND, "user.unknown",
                       "the console has no user \"%s\" (ndc user add makes one)", name);
    return err;
}

/* An account that is there is bound to the user. */
static enum ndc_err write_bind(struct ndc_store_conn *conn, void *arg,
                               struct ndc_fault *fault)
{
    const struct work *w = arg;
    int64_t n = 0, used = 0;
    NDC_TRY(ndc_sql_i64(conn, &used,
                        "SELECT count(*) FROM eid_account WHERE user_name = $1",
                        NDC_ARGS(ndc_text(w->account.user_name)), fault));
    if (used)
        return ndc_fail(fault, NDC_ECONFLICT, "eid.exists",
                        "the user has an account already (ndc eid list)");
    NDC_TRY(ndc_sql_exec(conn,
                         "UPDATE eid_account SET user_name = $2, changed_ms = $3 WHERE "
                         "account = $1 AND state <> 'ended'",
                         NDC_ARGS(ndc_text(w->account.account),
                                  ndc_text(w->account.user_name),
                                  ndc_int(ndc_clock_wall_ms())),
                         &n, fault));
    if (!n) return ndc_fail(fault, NDC_ECONFLICT, "eid.ended", "the account has ended");
    return eid_login_insert(conn, w->account.account, "user", w->account.user_name,
                            fault);
}

/* An official's own account: a code signs in once, and then a passkey is added. */
static enum ndc_err write_official(struct ndc_store_conn *conn, void *arg,
                                   struct ndc_fault *fault)
{
    struct work *w = arg;
    const struct eid_authenticator code = {
        .kind = NDC_STR("recovery"),
        .title = NDC_STR("desk"),
        .secret = w->codes.hashes,
        .data = ndc_arena_printf(&w->arena, "{\"desk\":true,\"until_ms\":%lld}",
                                 (long long)ndc_clock_wall_ms() + EID_DESK_CODE_MS)};
    NDC_TRY(eid_account_insert(conn, &w->account, fault));
    return eid_authenticator_insert(conn, w->account.account, &code, NULL, fault);
}

static enum ndc_err add_official(struct work *w, const char *user, struct ndc_str name,
                                 struct ndc_fault *fault)
{
    char id[NDC_EID_ID_LEN + 1];
    ndc_token_id(id, NDC_EID_ID_LEN);
    w->account = (struct eid_account){
        .account = ndc_arena_str(&w->arena, ndc_str(id)),
        .kind = NDC_STR("official"),
        .number = NDC_STR(""),
        .name = name.len ? name : ndc_str(user),
        .birth_date = NDC_STR(""),
        .phone = NDC_STR(""),
        .email = NDC_STR(""),
        .guardian = NDC_STR(""),
        .user_name = ndc_str(user),
        .proof = ndc_arena_printf(&w->arena,
                                  "[{\"level\":1,\"how\":\"command\",\"at_ms\":%lld}]",
                                  (long long)ndc_clock_wall_ms()),
        .level = 1,
        .created_ms = ndc_clock_wall_ms()};
    eid_codes_make(&w->arena, 1, &w->codes);
    NDC_TRY(ndc_store_write(w->store, write_official, w, fault));
    printf("account of user %s: sign in once at /eid/sign-in with the login %s and this "
           "code,\nwithin seven days, and add a passkey:\n%.*s\n",
           user, user, NDC_STR_FMT(w->codes.codes[0]));
    return NDC_OK;
}

static enum ndc_err run_add(struct ndc_command_call *call, struct ndc_fault *fault)
{
    struct work w;
    struct ndc_str name = NDC_STR("");
    const char *user = ndc_command_option(call, "user");
    const char *number = ndc_command_option(call, "number");
    if (!user)
        return ndc_usage(fault, "--user must be given: citizens open accounts themselves "
                                "at /eid/open");
    enum ndc_err err = begin(&w, call, fault);
    if (!err) err = read_user(&w, user, &name, fault);
    if (!err && !number) err = add_official(&w, user, name, fault);
    if (!err && number) {
        err = find(&w, number, fault);
        w.account.user_name = ndc_str(user);
        if (!err) err = ndc_store_write(w.store, write_bind, &w, fault);
        if (!err) printf("the account is bound to user %s\n", user);
    }
    return end(&w, err);
}

/* ---- list ---- */

static enum ndc_err run_list(struct ndc_command_call *call, struct ndc_fault *fault)
{
    struct work w;
    struct ndc_store_conn *conn;
    enum ndc_err err = begin(&w, call, fault);
    if (!err) err = ndc_store_take(w.store, NDC_READ, &conn, fault);
    if (err) return end(&w, err);
    struct ndc_rows *rows =
        ndc_sql_query(conn,
                      "SELECT account, kind, level, state, number, user_name FROM "
                      "eid_account ORDER BY created_ms DESC, account LIMIT $1",
                      NDC_ARGS(ndc_int(LIST_MAX)));
    while (ndc_rows_next(rows)) {
        struct ndc_str number = ndc_rows_text(rows, 4);
        struct ndc_str masked =
            number.len ? eid_number_masked(&w.arena, number) : NDC_STR("");
        printf("%.*s %-12.*s level %lld %-7.*s %-10.*s %.*s\n",
               NDC_STR_FMT(ndc_rows_text(rows, 0)), NDC_STR_FMT(ndc_rows_text(rows, 1)),
               (long long)ndc_rows_i64(rows, 2), NDC_STR_FMT(ndc_rows_text(rows, 3)),
               NDC_STR_FMT(masked), NDC_STR_FMT(ndc_rows_text(rows, 5)));
    }
    err = ndc_rows_end(rows, fault);
    ndc_store_give(conn);
    return end(&w, err);
}

/* ---- level and state ---- */

static enum ndc_err write_level(struct ndc_store_conn *conn, void *arg,
                                struct ndc_fault *fault)
{
    const struct work *w = arg;
    return ndc_sql_exec(
        conn,
        "UPDATE eid_account SET level = $2, proof = $3, changed_ms = $4 WHERE account = "
        "$1",
        NDC_ARGS(ndc_text(w->account.account), ndc_int(w->level), ndc_text(w->reason),
                 ndc_int(ndc_clock_wall_ms())),
        NULL, fault);
}

static struct ndc_str proof_of(struct work *w, const char *reason)
{
    struct ndc_buf buf;
    struct ndc_json j;
    ndc_buf_init(&buf, 4096);
    ndc_json_init(&j, &buf);
    ndc_json_array(&j);
    ndc_json_object(&j);
    ndc_json_kv_i64(&j, "level", w->level);
    ndc_json_kv_c(&j, "how", "command");
    ndc_json_kv_c(&j, "note", reason);
    ndc_json_kv_i64(&j, "at_ms", ndc_clock_wall_ms());
    ndc_json_end(&j);
    ndc_json_end(&j);
    struct ndc_str out = ndc_arena_str(&w->arena, ndc_buf_str(&buf));
    ndc_buf_free(&buf);
    return out;
}

static enum ndc_err run_level(struct ndc_command_call *call, struct ndc_fault *fault)
{
    struct work w;
    int64_t level;
    const char *reason = ndc_command_option(call, "reason");
    if (!ndc_str_to_i64(ndc_str(call->args[1]), &level) || level < 1 || level > 2)
        return ndc_usage(fault, "a level is 1 or 2");
    if (!reason) return ndc_usage(fault, "--reason must be given");
    enum ndc_err err = begin(&w, call, fault);
    if (!err) err = find(&w, call->args[0], fault);
    w.level = level;
    if (!err) w.reason = proof_of(&w, reason);
    if (!err) err = ndc_store_write(w.store, write_level, &w, fault);
    if (!err) printf("level %lld\n", (long long)level);
    return end(&w, err);
}

static enum ndc_err write_state(struct ndc_store_conn *conn, void *arg,
                                struct ndc_fault *fault)
{
    struct work *w = arg;
    NDC_TRY(eid_account_set_state(conn, w->account.account, w->from, w->state, w->reason,
                                  &w->changed, fault));
    if (w->changed) return NDC_OK;
    return ndc_fail(fault, NDC_ECONFLICT, "eid.state", "the account is not %s", w->from);
}

static enum ndc_err run_state(struct ndc_command_call *call, const char *from,
                              const char *state, struct ndc_fault *fault)
{
    struct work w;
    const char *reason = ndc_command_option(call, "reason");
    if (!reason) return ndc_usage(fault, "--reason must be given");
    enum ndc_err err = begin(&w, call, fault);
    if (!err) err = find(&w, call->args[0], fault);
    w.from = from;
    w.state = state;
    w.reason = ndc_arena_printf(&w.arena, "command:%s", reason);
    if (!err) err = ndc_store_write(w.store, write_state, &w, fault);
    if (!err) printf("the account is %s\n", state);
    return end(&w, err);
}

static enum ndc_err run_freeze(struct ndc_command_call *call, struct ndc_fault *fault)
{
    return run_state(call, "active", "frozen", fault);
}

static enum ndc_err run_thaw(struct ndc_command_call *call, struct ndc_fault *fault)
{
    return run_state(call, "frozen", "active", fault);
}

/* ---- the demo nation ---- */

static void print_person(struct ndc_str number, struct ndc_str name, struct ndc_str birth)
{
    printf("number      %.*s\nname        %.*s\nbirth date  %.*s\n", NDC_STR_FMT(number),
           NDC_STR_FMT(name), NDC_STR_FMT(birth));
}

/* The data folder is the daemon's: then it is asked. */
static enum ndc_err ask_daemon(struct ndc_command_call *call, struct ndc_fault *fault)
{
    char url[512];
    struct ndc_client_answer answer;
    struct json_object *o = NULL;
    const struct ndc_config *c = ndc_app_config(call->app);
    const char *listen = ndc_config_text(c, "listen"), *colon = strrchr(listen, ':');
    bool tls = ndc_config_text(c, "tls_cert")[0] != 0;
    snprintf(url, sizeof(url), "http%s://%s%s/api/eid/demo-person", tls ? "s" : "",
             listen[0] == ':' || strncmp(listen, "0.0.0.0", 7) == 0 ? "127.0.0.1" : "",
             listen[0] == ':' || strncmp(listen, "0.0.0.0", 7) != 0 ? listen : colon);
    struct ndc_fault why_not = {0};
    enum ndc_err err = ndc_client_call(
        &answer, &(struct ndc_client_request){.url = url, .timeout_ms = CALL_MS},
        &why_not);
    if (err)
        err = ndc_fail(fault, err, why_not.code,
                       "an ndc uses this data folder, but not at %s (%s): say where it "
                       "listens, as in --listen 127.0.0.1:8081",
                       listen, why_not.message);
    if (!err) err = ndc_json_parse(&o, ndc_buf_str(&answer.body), fault);
    if (!err && answer.status != 200) {
        struct ndc_str why = ndc_json_get_str(o, "detail");
        err = ndc_fail(fault, NDC_ENOTFOUND, "eid.no_demo", "%.*s", NDC_STR_FMT(why));
    }
    if (!err)
        print_person(ndc_json_get_str(o, "number"), ndc_json_get_str(o, "name"),
                     ndc_json_get_str(o, "birth_date"));
    json_object_put(o);
    ndc_client_answer_free(&answer);
    return err;
}

static enum ndc_err run_demo_person(struct ndc_command_call *call,
                                    struct ndc_fault *fault)
{
    struct eid_entity e;
    struct ndc_arena arena;
    struct ndc_fault inner = {0};
    enum ndc_err err = ndc_app_start(call->app, &inner);
    if (err && strcmp(inner.code, "app.locked") == 0) return ask_daemon(call, fault);
    if (err) {
        *fault = inner;
        return err;
    }
    ndc_arena_init(&arena, ARENA_BYTES);
    err = eid_demo_person(ndc_app_platform_state(call->app, "eid"), &arena, &e, fault);
    if (!err) print_person(e.number, e.name, ndc_str(e.birth_text));
    ndc_arena_free(&arena);
    return err;
}

static const struct ndc_option add_options[] = {
    {"user", "NAME", NULL, "the console's user whose account it is"},
    {"number", "LOGIN", NULL, "bind the account that signs in so, instead of making one"},
    {0}};
static const struct ndc_option reason_options[] = {
    {"reason", "TEXT", NULL, "why; kept with the account"}, {0}};

static const struct ndc_option rotate_options[] = {
    {"now", NULL, NULL, "sign with them at once: the old ones are not trusted any more"},
    {0}};

const struct ndc_command ndc_eid_commands[NDC_EID_COMMANDS] = {
    {.name = "eid add",
     .summary = "give a user of the console an e-ID account",
     .detail = "With --number the person's own account may sign in to the console. "
               "Without it an official's account is made, and a code printed that signs "
               "in once.",
     .options = add_options,
     .run = run_add},
    {.name = "eid list", .summary = "list accounts, newest first", .run = run_list},
    {.name = "eid level",
     .args = "LOGIN LEVEL",
     .args_min = 2,
     .args_max = 2,
     .summary = "set an account's level of assurance, 1 or 2",
     .options = reason_options,
     .run = run_level},
    {.name = "eid freeze",
     .args = "LOGIN",
     .args_min = 1,
     .args_max = 1,
     .summary = "freeze an account and end its sessions",
     .options = reason_options,
     .run = run_freeze},
    {.name = "eid thaw",
     .args = "LOGIN",
     .args_min = 1,
     .args_max = 1,
     .summary = "make a frozen account active again",
     .options = reason_options,
     .run = run_thaw},
    {.name = "eid demo-person",
     .summary = "print somebody of the demo nation who can open an account",
     .run = run_demo_person},
    {.name = "eid client-add",
     .args = "FILE",
     .args_min = 1,
     .args_max = 1,
     .summary = "register a client (relying party) by its metadata, JSON",
     .detail =
         "As POST /eid/register does; and \"resource_server\": true lets it introspect "
         "the tokens of other clients.",
     .run = eid_run_client_add},
    {.name = "eid client-list", .summary = "list clients", .run = eid_run_client_list},
    {.name = "eid client-disable",
     .args = "CLIENT",
     .args_min = 1,
     .args_max = 1,
     .summary = "refuse a client from now on",
     .run = eid_run_client_disable},
    {.name = "eid key-rotate",
     .summary = "make new signing keys, published an hour before they sign",
     .options = rotate_options,
     .run = eid_run_key_rotate},
};

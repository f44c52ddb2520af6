/* ndc user: accounts, also beside a running daemon, which learns of a change within a
 * second. */
#include "cmd/cmd.h"

#include "core/identity.h"
#include "crypto/password.h"
#include "crypto/token.h"
#include "store/store.h"

#include <stdio.h>

static enum ndc_err read_password(char *out, size_t size, bool from_stdin,
                                  struct ndc_fault *fault)
{
    if (!from_stdin) {
        ndc_password_make(out);
        return NDC_OK;
    }
    if (!fgets(out, (int)size, stdin))
        return ndc_usage(fault, "--password-stdin: nothing on standard input");
    out[strcspn(out, "\r\n")] = 0;
    return NDC_OK;
}

static void print_password(const char *name, const char *password, bool given)
{
    if (given)
        printf("user %s: the password is set\n", name);
    else
        printf("user %s: the password is %s\n(to be changed at the next sign-in)\n", name,
               password);
}

enum ndc_err cmd_user_add_run(struct ndc_command_call *call, struct ndc_fault *fault)
{
    char password[NDC_PASSWORD_BYTES_MAX + 2];
    bool given = ndc_command_flag(call, "password-stdin");
    const struct ndc_user user = {
        .name = ndc_str(call->args[0]),
        .full_name = ndc_str(ndc_command_option(call, "full-name")),
        .roles = ndc_str(ndc_command_option(call, "roles")),
        .agency = ndc_str(ndc_command_option(call, "agency")),
    };
    enum ndc_err err = read_password(password, sizeof(password), given, fault);
    if (err == NDC_OK) err = ndc_app_attach_identity(call->app, fault);
    if (err == NDC_OK)
        err = ndc_user_add(ndc_app_identity(call->app), &user, ndc_str(password), !given,
                           fault);
    if (err == NDC_OK) print_password(call->args[0], password, given);
    ndc_secret_wipe(password, sizeof(password));
    return err;
}

enum ndc_err cmd_user_passwd_run(struct ndc_command_call *call, struct ndc_fault *fault)
{
    char password[NDC_PASSWORD_BYTES_MAX + 2];
    bool given = ndc_command_flag(call, "password-stdin");
    enum ndc_err err = read_password(password, sizeof(password), given, fault);
    if (err == NDC_OK) err = ndc_app_attach_identity(call->app, fault);
    if (err == NDC_OK)
        err = ndc_user_set_password(ndc_app_identity(call->app), ndc_str(call->args[0]),
                                    ndc_str(password), !given, fault);
    if (err == NDC_OK) print_password(call->args[0], password, given);
    ndc_secret_wipe(password, sizeof(password));
    return err;
}

enum ndc_err cmd_user_list_run(struct ndc_command_call *call, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    enum ndc_err err = ndc_app_attach(call->app, fault);
    if (err == NDC_OK)
        err = ndc_store_take(ndc_app_store(call->app), NDC_READ, &conn, fault);
    if (err != NDC_OK) return err;
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT name, roles, agency, full_name, disabled FROM ndc_user ORDER BY name",
        NDC_NO_ARGS);
    while (ndc_rows_next(rows))
        printf("%-20.*s %-24.*s %-12.*s %.*s%s\n", NDC_STR_FMT(ndc_rows_text(rows, 0)),
               NDC_STR_FMT(ndc_rows_text(rows, 1)), NDC_STR_FMT(ndc_rows_text(rows, 2)),
               NDC_STR_FMT(ndc_rows_text(rows, 3)),
               ndc_rows_i64(rows, 4) ? " (disabled)" : "");
    err = ndc_rows_end(rows, fault);
    ndc_store_give(conn);
    return err;
}

/* ndc key: API keys of agencies' systems. */
#include "cmd/cmd.h"

#include "base/date.h"
#include "core/identity.h"
#include "crypto/certificate.h"
#include "crypto/token.h"
#include "store/store.h"
#include "sys/clock.h"
#include "sys/file.h"

#include <stdio.h>

enum { DAYS_MAX = 3650, CERT_BYTES_MAX = 64 << 10 };

/* --cert FILE or --cert-sha256 THUMBPRINT, or neither: then cert stays empty. */
static enum ndc_err read_certificate(const struct ndc_command_call *call,
                                     char cert[static NDC_THUMBPRINT_TEXT],
                                     struct ndc_fault *fault)
{
    const char *path = ndc_command_option(call, "cert");
    const char *thumbprint = ndc_command_option(call, "cert-sha256");
    struct ndc_buf text;
    if (path && thumbprint)
        return ndc_usage(fault, "--cert and --cert-sha256: give one of them");
    if (thumbprint) return ndc_thumbprint_read(cert, ndc_str(thumbprint), fault);
    if (!path) return NDC_OK;
    ndc_buf_init(&text, CERT_BYTES_MAX);
    enum ndc_err err = ndc_file_read(&text, path, fault);
    if (err == NDC_OK) err = ndc_certificate_thumbprint(cert, ndc_buf_str(&text), fault);
    ndc_buf_free(&text);
    return err;
}

enum ndc_err cmd_key_add_run(struct ndc_command_call *call, struct ndc_fault *fault)
{
    char id[16], secret[NDC_TOKEN_TEXT_MAX], cert[NDC_THUMBPRINT_TEXT] = "";
    int64_t days;
    enum ndc_err err = ndc_command_i64(call, "days", 0, DAYS_MAX, &days, fault);
    if (err == NDC_OK) err = read_certificate(call, cert, fault);
    if (err == NDC_OK) err = ndc_app_attach_identity(call->app, fault);
    struct ndc_str agency = ndc_str(ndc_command_option(call, "agency-title"));
    if (err == NDC_OK && agency.len)
        err = ndc_agency_put(ndc_app_identity(call->app), ndc_str(call->args[0]), agency,
                             agency, fault);
    if (err != NDC_OK) return err;
    const struct ndc_key key = {.agency = ndc_str(call->args[0]),
                                .title = ndc_str(ndc_command_option(call, "title")),
                                .roles = ndc_str(ndc_command_option(call, "roles")),
                                .expires_ms =
                                    days ? ndc_clock_wall_ms() + days * 86400000 : 0,
                                .cert_sha256 = ndc_str(cert)};
    err = ndc_key_add(ndc_app_identity(call->app), &key, id, secret, fault);
    if (err == NDC_OK)
        printf("key %s of %s\n%s\nSend it as: Authorization: Bearer KEY. It is not shown "
               "again.\n",
               id, call->args[0], secret);
    if (err == NDC_OK && cert[0])
        printf("It works only with the client certificate %s.\n", cert);
    ndc_secret_wipe(secret, sizeof(secret));
    return err;
}

enum ndc_err cmd_key_revoke_run(struct ndc_command_call *call, struct ndc_fault *fault)
{
    enum ndc_err err = ndc_app_attach_identity(call->app, fault);
    if (err == NDC_OK)
        err = ndc_key_revoke(ndc_app_identity(call->app), ndc_str(call->args[0]), fault);
    if (err == NDC_OK) printf("key %s is revoked\n", call->args[0]);
    return err;
}

enum ndc_err cmd_key_list_run(struct ndc_command_call *call, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    char when[25];
    enum ndc_err err = ndc_app_attach(call->app, fault);
    if (err == NDC_OK)
        err = ndc_store_take(ndc_app_store(call->app), NDC_READ, &conn, fault);
    if (err != NDC_OK) return err;
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT key_id, agency, roles, created_ms, revoked_ms, title, cert_sha256 FROM "
        "ndc_key ORDER BY created_ms, key_id",
        NDC_NO_ARGS);
    while (ndc_rows_next(rows)) {
        ndc_time_format(when, ndc_rows_i64(rows, 3));
        struct ndc_str cert = ndc_rows_text(rows, 6);
        printf("%-14.*s %-12.*s %-20.*s %.10s %.*s%s%.*s%s%s\n",
               NDC_STR_FMT(ndc_rows_text(rows, 0)), NDC_STR_FMT(ndc_rows_text(rows, 1)),
               NDC_STR_FMT(ndc_rows_text(rows, 2)), when,
               NDC_STR_FMT(ndc_rows_text(rows, 5)), cert.len ? " (certificate " : "",
               NDC_STR_FMT(cert), cert.len ? ")" : "",
               ndc_rows_i64(rows, 4) ? " (revoked)" : "");
    }
    err = ndc_rows_end(rows, fault);
    ndc_store_give(conn);
    return err;
}

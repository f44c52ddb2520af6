/* Commands on clients and signing keys (command.h). */
#include "platforms/eid/provider/command.h"

#include "platforms/eid/eid_start.h"
#include "platforms/eid/provider/client.h"
#include "platforms/eid/provider/keys.h"
#include "sys/clock.h"
#include "sys/file.h"

#include <stdio.h>

/* A key is published this long before it signs, and as long as what it signed lasts and
 * clients remember keys after that. */
static const int64_t lead_ms = (int64_t)3600 * 1000, keep_ms = (int64_t)86400 * 1000;

static enum ndc_err begin(struct ndc_command_call *call, struct ndc_eid **eid,
                          struct ndc_fault *fault)
{
    *eid = NULL;
    NDC_TRY(ndc_app_attach(call->app, fault));
    return ndc_eid_start(call->app, eid, fault);
}

/* A client that an operator registers may be a resource server, which introspects the
 * tokens of others. */
enum ndc_err eid_run_client_add(struct ndc_command_call *call, struct ndc_fault *fault)
{
    struct ndc_eid *eid;
    struct ndc_buf text;
    struct json_object *metadata = NULL;
    struct eid_registered made;
    ndc_buf_init(&text, EID_METADATA_BYTES_MAX);
    enum ndc_err err = ndc_file_read(&text, call->args[0], fault);
    if (!err) err = ndc_json_parse(&metadata, ndc_buf_str(&text), fault);
    if (!err) err = begin(call, &eid, fault);
    if (!err) {
        err = eid_client_add(eid, &made, metadata, NDC_STR(EID_OWNER_COMMAND), fault);
        if (!err) printf("client_id      %s\n", made.id);
        if (!err && made.secret[0])
            printf("client_secret  %s\nIt is shown this once.\n", made.secret);
        ndc_eid_close(eid);
    }
    json_object_put(metadata);
    ndc_buf_free(&text);
    return err;
}

enum ndc_err eid_run_client_list(struct ndc_command_call *call, struct ndc_fault *fault)
{
    struct ndc_eid *eid;
    struct ndc_store_conn *conn;
    NDC_TRY(begin(call, &eid, fault));
    enum ndc_err err = ndc_store_take(eid->store, NDC_READ, &conn, fault);
    if (!err) {
        struct ndc_rows *rows = ndc_sql_scan(
            conn,
            "SELECT client, disabled, metadata, created_ms FROM eid_client ORDER BY "
            "created_ms",
            NDC_NO_ARGS);
        while (ndc_rows_next(rows)) {
            struct json_object *metadata = NULL;
            struct ndc_str name = NDC_STR("");
            if (!ndc_json_parse(&metadata, ndc_rows_text(rows, 2), NULL))
                name = ndc_json_get_str(metadata, "client_name");
            printf("%.*s  %-8s  %.*s\n", NDC_STR_FMT(ndc_rows_text(rows, 0)),
                   ndc_rows_i64(rows, 1) ? "disabled" : "active", NDC_STR_FMT(name));
            json_object_put(metadata);
        }
        err = ndc_rows_end(rows, fault);
        ndc_store_give(conn);
    }
    ndc_eid_close(eid);
    return err;
}

struct disabling {
    struct ndc_str client;
    int64_t changes;
};

static enum ndc_err disable(struct ndc_store_conn *conn, void *arg,
                            struct ndc_fault *fault)
{
    struct disabling *d = arg;
    NDC_TRY(ndc_sql_exec(
        conn,
        "UPDATE eid_client SET disabled = 1, changed_ms = $2 WHERE client "
        "= $1",
        NDC_ARGS(ndc_text(d->client), ndc_int(ndc_clock_wall_ms())), &d->changes, fault));
    return eid_changed(conn, fault);
}

enum ndc_err eid_run_client_disable(struct ndc_command_call *call,
                                    struct ndc_fault *fault)
{
    struct ndc_eid *eid;
    struct disabling d = {.client = ndc_str(call->args[0])};
    NDC_TRY(begin(call, &eid, fault));
    enum ndc_err err = ndc_store_write(eid->store, disable, &d, fault);
    ndc_eid_close(eid);
    if (!err && !d.changes)
        err = ndc_fail(fault, NDC_ENOTFOUND, "eid.client",
                       "there is no client %s (ndc eid client-list)", call->args[0]);
    return err;
}

enum ndc_err eid_run_key_rotate(struct ndc_command_call *call, struct ndc_fault *fault)
{
    struct ndc_eid *eid;
    bool now = ndc_command_flag(call, "now");
    NDC_TRY(begin(call, &eid, fault));
    int64_t active = ndc_clock_wall_ms() + (now ? 0 : lead_ms);
    enum ndc_err err = eid_keys_rotate(eid, active, keep_ms, fault);
    ndc_eid_close(eid);
    if (!err)
        printf(
            "new keys are published and sign %s; those before them are published a day "
            "longer\n",
            now ? "now" : "in an hour");
    return err;
}

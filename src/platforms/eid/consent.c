/* Consent: what a person lets a client have, until they take it back. What is kept is a
 * record in the shape of ISO/IEC TS 27560:2023: who controls the data, which data, what
 * for, and each event of giving and withdrawing. */
#include "platforms/eid/http.h"

#include "base/date.h"
#include "store/writer.h"
#include "sys/clock.h"

enum { RECORD_BYTES_MAX = 64 << 10, EVENTS_MAX = 100 };

/* Every word of `asked` is in `given`. */
static bool all_in(struct ndc_str asked, struct ndc_str given)
{
    struct ndc_str word;
    while (asked.ptr && ndc_str_split(&asked, ' ', &word)) {
        struct ndc_str rest = given, one;
        bool found = !word.len;
        while (!found && rest.ptr && ndc_str_split(&rest, ' ', &one))
            found = ndc_str_eq(word, one);
        if (!found) return false;
    }
    return true;
}

enum ndc_err eid_consent_covers(struct ndc_eid *eid, struct ndc_str account,
                                struct ndc_str client, struct ndc_str scopes,
                                struct ndc_str claims, bool *covers,
                                struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    *covers = false;
    NDC_TRY(ndc_store_take(eid->store, NDC_READ, &conn, fault));
    struct ndc_rows *rows =
        ndc_sql_query(conn,
                      "SELECT scopes, claims FROM eid_consent WHERE account = $1 AND "
                      "client = $2 AND withdrawn_ms = 0",
                      NDC_ARGS(ndc_text(account), ndc_text(eid_text(client))));
    if (ndc_rows_next(rows))
        *covers = all_in(scopes, ndc_rows_text(rows, 0)) &&
                  all_in(claims, ndc_rows_text(rows, 1));
    enum ndc_err err = ndc_rows_end(rows, fault);
    ndc_store_give(conn);
    return err;
}

/* ---- the record ---- */

static void write_event(struct ndc_json *j, int64_t now_ms, const char *state,
                        struct ndc_str how)
{
    ndc_json_object(j);
    ndc_json_kv_time(j, "event_time", now_ms);
    ndc_json_kv_c(j, "event_type", "explicit");
    ndc_json_kv_c(j, "event_state", state);
    ndc_json_kv_c(j, "validity_duration", "until withdrawn");
    ndc_json_kv_str(j, "entity_id", how);
    ndc_json_end(j);
}

/* Events of before, as they stand in the record, then the new one. */
static void write_events(struct ndc_json *j, struct json_object *record, int64_t now_ms,
                         const char *state, struct ndc_str how)
{
    struct json_object *list = ndc_json_get(record, "events");
    size_t n = list && json_object_is_type(list, json_type_array)
                   ? json_object_array_length(list)
                   : 0;
    ndc_json_key(j, "events");
    ndc_json_array(j);
    for (size_t i = n > EVENTS_MAX ? n - EVENTS_MAX : 0; i < n; i++)
        ndc_json_raw(
            j, ndc_str(json_object_to_json_string(json_object_array_get_idx(list, i))));
    write_event(j, now_ms, state, how);
    ndc_json_end(j);
}

struct giving {
    struct ndc_eid *eid;
    const struct eid_account *who;
    struct ndc_str client, name, policy_uri, scopes, claims, purpose;
    int64_t now_ms;
};

static void write_party(struct ndc_json *j, struct ndc_str id, struct ndc_str name,
                        struct ndc_str notice, const char *role)
{
    ndc_json_object(j);
    ndc_json_kv_str(j, "party_id", id);
    ndc_json_kv_str(j, "party_name", name);
    ndc_json_kv_c(j, "party_role", role);
    if (notice.len) ndc_json_kv_str(j, "privacy_notice", notice);
    ndc_json_end(j);
}

static void write_purpose(struct ndc_json *j, const struct giving *g)
{
    ndc_json_key(j, "purposes");
    ndc_json_array(j);
    ndc_json_object(j);
    ndc_json_kv_str(j, "purpose", eid_text(g->purpose));
    ndc_json_kv_c(j, "lawful_basis", "consent");
    eid_words(j, "scopes", g->scopes);
    eid_words(j, "pii_information", g->claims);
    ndc_json_kv_c(j, "retention_period", "until withdrawn");
    ndc_json_kv_c(j, "withdrawal_method", "/eid/account");
    ndc_json_kv_str(j, "recipient", g->client);
    ndc_json_end(j);
    ndc_json_end(j);
}

static struct ndc_str make_record(struct ndc_arena *arena, const struct giving *g,
                                  struct json_object *former)
{
    struct ndc_buf buf;
    struct ndc_json j;
    char id[17];
    struct ndc_str had = ndc_json_get_str(former, "record_id");
    ndc_token_id(id, 16);
    ndc_buf_init(&buf, RECORD_BYTES_MAX);
    ndc_json_init(&j, &buf);
    ndc_json_object(&j);
    ndc_json_kv_c(&j, "schema_version", "ISO/IEC TS 27560:2023");
    ndc_json_kv_str(&j, "record_id", had.len ? had : ndc_str(id));
    ndc_json_kv_str(&j, "pii_principal_id", g->who->account);
    ndc_json_kv_c(&j, "language", "vi");
    write_purpose(&j, g);
    ndc_json_key(&j, "party_identification");
    ndc_json_array(&j);
    write_party(&j, g->eid->issuer, NDC_STR("e-ID"), NDC_STR(""), "pii_controller");
    write_party(&j, g->client, g->name, g->policy_uri, "recipient");
    ndc_json_end(&j);
    write_events(&j, former, g->now_ms, "given", g->who->account);
    ndc_json_end(&j);
    return eid_json_take(arena, &buf);
}

/* What was given before and still stands, and what is given now. */
static struct ndc_str join_words(struct ndc_arena *arena, struct ndc_str a,
                                 struct ndc_str b)
{
    struct ndc_str out = ndc_arena_str(arena, eid_text(a)), word;
    while (b.ptr && ndc_str_split(&b, ' ', &word))
        if (word.len && !all_in(word, out))
            out = ndc_arena_printf(arena, "%.*s%s%.*s", NDC_STR_FMT(out),
                                   out.len ? " " : "", NDC_STR_FMT(word));
    return out;
}

static enum ndc_err read_former(struct ndc_store_conn *conn, struct ndc_arena *arena,
                                struct giving *g, struct ndc_str *record,
                                struct ndc_fault *fault)
{
    *record = NDC_STR("{}");
    struct ndc_rows *rows =
        ndc_sql_query(conn,
                      "SELECT record, scopes, claims, withdrawn_ms FROM eid_consent "
                      "WHERE account = $1 AND client = $2",
                      NDC_ARGS(ndc_text(g->who->account), ndc_text(g->client)));
    if (ndc_rows_next(rows)) {
        *record = ndc_arena_str(arena, ndc_rows_text(rows, 0));
        if (ndc_rows_i64(rows, 3) == 0) {
            g->scopes = join_words(arena, ndc_rows_text(rows, 1), g->scopes);
            g->claims = join_words(arena, ndc_rows_text(rows, 2), g->claims);
        }
    }
    return ndc_rows_end(rows, fault);
}

static enum ndc_err put(struct ndc_store_conn *conn, struct ndc_arena *arena,
                        struct giving *g, struct ndc_fault *fault)
{
    struct ndc_str record;
    struct json_object *former = NULL;
    NDC_TRY(read_former(conn, arena, g, &record, fault));
    NDC_TRY(ndc_json_parse(&former, record, fault));
    record = make_record(arena, g, former);
    json_object_put(former);
    return ndc_sql_exec(
        conn,
        "INSERT INTO eid_consent (account, client, record, scopes, claims, purpose, "
        "given_ms, withdrawn_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, 0) ON CONFLICT "
        "(account, client) DO UPDATE SET record = excluded.record, scopes = "
        "excluded.scopes, claims = excluded.claims, purpose = excluded.purpose, given_ms "
        "= excluded.given_ms, withdrawn_ms = 0",
        NDC_ARGS(ndc_text(g->who->account), ndc_text(g->client), ndc_text(record),
                 ndc_text(eid_text(g->scopes)), ndc_text(eid_text(g->claims)),
                 ndc_text(eid_text(g->purpose)), ndc_int(g->now_ms)),
        NULL, fault);
}

enum ndc_err eid_consent_put(struct ndc_store_conn *conn, struct ndc_eid *eid,
                             struct ndc_arena *arena, const struct eid_account *who,
                             const struct eid_interaction *it, struct ndc_fault *fault)
{
    struct json_object *ask = NULL;
    NDC_TRY(ndc_json_parse(&ask, it->ask, fault));
    struct giving g = {.eid = eid,
                       .who = who,
                       .client = it->client,
                       .name = ndc_json_get_str(ask, "name"),
                       .policy_uri = ndc_json_get_str(ask, "policy_uri"),
                       .scopes = it->scopes,
                       .claims = it->claims,
                       .purpose = it->purpose,
                       .now_ms = ndc_clock_wall_ms()};
    enum ndc_err err = put(conn, arena, &g, fault);
    json_object_put(ask);
    return err;
}

/* ---- routes ---- */

/* What a client is called, from what it registered. */
static void write_client(struct ndc_json *j, struct ndc_str client,
                         struct ndc_str metadata)
{
    struct json_object *o = NULL;
    if (metadata.len && ndc_json_parse(&o, metadata, NULL)) o = NULL;
    ndc_json_key(j, "client");
    ndc_json_object(j);
    ndc_json_kv_str(j, "id", client);
    ndc_json_kv_str(j, "name", o ? ndc_json_get_str(o, "client_name") : NDC_STR_NULL);
    ndc_json_kv_str(j, "uri", o ? ndc_json_get_str(o, "client_uri") : NDC_STR_NULL);
    ndc_json_kv_str(j, "logo_uri", o ? ndc_json_get_str(o, "logo_uri") : NDC_STR_NULL);
    ndc_json_end(j);
    json_object_put(o);
}

enum ndc_err eid_get_grants(struct ndc_request *req, struct ndc_fault *fault)
{
    struct eid_signed_in by;
    struct eid_account a;
    struct ndc_store_conn *conn;
    struct ndc_json *j = &req->json;
    NDC_TRY(eid_need_session(req, &by, &a, fault));
    NDC_TRY(eid_conn(req, &conn, fault));
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT c.client, c.scopes, c.claims, c.purpose, c.given_ms, c.record, (SELECT "
        "max(g.used_ms) FROM eid_grant g WHERE g.account = c.account AND g.client = "
        "c.client), (SELECT k.metadata FROM eid_client k WHERE k.client = c.client) FROM "
        "eid_consent c WHERE c.account = $1 AND c.withdrawn_ms = 0 ORDER BY c.given_ms "
        "DESC, c.client",
        NDC_ARGS(ndc_text(a.account)));
    ndc_json_array(j);
    while (ndc_rows_next(rows)) {
        ndc_json_object(j);
        write_client(j, ndc_rows_text(rows, 0), ndc_rows_text(rows, 7));
        eid_words(j, "scopes", ndc_rows_text(rows, 1));
        eid_words(j, "claims", ndc_rows_text(rows, 2));
        ndc_json_kv_str(j, "purpose", ndc_rows_text(rows, 3));
        ndc_json_kv_time(j, "given_at", ndc_rows_i64(rows, 4));
        ndc_json_kv_time(j, "last_used_at", ndc_rows_i64(rows, 6));
        ndc_json_key(j, "record");
        ndc_json_raw(j, ndc_rows_text(rows, 5));
        ndc_json_end(j);
    }
    ndc_json_end(j);
    enum ndc_err err = ndc_rows_end(rows, fault);
    ndc_store_give(conn);
    return err;
}

struct withdrawal {
    struct ndc_str account, client, record;
    struct ndc_arena *arena;
    int64_t now_ms;
};

static enum ndc_err note_withdrawal(struct ndc_store_conn *conn, struct withdrawal *w,
                                    struct ndc_fault *fault)
{
    struct ndc_buf buf;
    struct ndc_json j;
    struct json_object *o = NULL;
    NDC_TRY(ndc_json_parse(&o, w->record, fault));
    ndc_buf_init(&buf, RECORD_BYTES_MAX);
    ndc_json_init(&j, &buf);
    ndc_json_object(&j);
    json_object_object_foreach(o, key, value)
    {
        if (strcmp(key, "events") == 0) continue;
        ndc_json_key(&j, key);
        ndc_json_raw(&j, ndc_str(json_object_to_json_string(value)));
    }
    write_events(&j, o, w->now_ms, "withdrawn", w->account);
    ndc_json_end(&j);
    json_object_put(o);
    return ndc_sql_exec(conn,
                        "UPDATE eid_consent SET withdrawn_ms = $3, record = $4 WHERE "
                        "account = $1 AND client = $2",
                        NDC_ARGS(ndc_text(w->account), ndc_text(w->client),
                                 ndc_int(w->now_ms),
                                 ndc_text(eid_json_take(w->arena, &buf))),
                        NULL, fault);
}

static enum ndc_err withdraw(struct ndc_store_conn *conn, void *arg,
                             struct ndc_fault *fault)
{
    struct withdrawal *w = arg;
    bool found = false;
    struct ndc_rows *rows =
        ndc_sql_query(conn,
                      "SELECT record FROM eid_consent WHERE account = $1 AND client = $2 "
                      "AND withdrawn_ms = 0",
                      NDC_ARGS(ndc_text(w->account), ndc_text(w->client)));
    found = ndc_rows_next(rows);
    if (found) w->record = ndc_arena_str(w->arena, ndc_rows_text(rows, 0));
    NDC_TRY(ndc_rows_end(rows, fault));
    if (!found)
        return ndc_fail(fault, NDC_ENOTFOUND, "eid.consent",
                        "nothing was given to this client, or it was withdrawn");
    NDC_TRY(note_withdrawal(conn, w, fault));
    return eid_grants_end(conn, w->account, w->client, NDC_STR_NULL, fault);
}

enum ndc_err eid_delete_grant(struct ndc_request *req, struct ndc_fault *fault)
{
    struct eid_signed_in by;
    struct eid_account a;
    NDC_TRY(eid_need_session(req, &by, &a, fault));
    struct withdrawal w = {.account = a.account,
                           .client = ndc_request_param(req, "client"),
                           .arena = req->arena,
                           .now_ms = ndc_clock_wall_ms()};
    NDC_TRY(ndc_store_write(ndc_eid_of(req)->store, withdraw, &w, fault));
    eid_audit(req, "consent.withdrawn", &a,
              ndc_arena_printf(req->arena, "client=%.*s", NDC_STR_FMT(w.client)));
    return NDC_OK;
}

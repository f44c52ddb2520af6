/* Banks, their keys and prices; freezes; watches; the projection's state. */
#include "platforms/verify/http.h"

#include "core/config.h"
#include "core/identity.h"
#include "crypto/digest.h"
#include "store/writer.h"
#include "sys/clock.h"

#include <stdio.h>

enum { FREEZES_PAGE = 500, MASKED_BYTES = 4 };

/* ---- state ---- */

enum ndc_err ndc_verify_get_status(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_verify *v = ndc_verify_of(req);
    struct ndc_projection_info info = {0};
    struct ndc_json *j = &req->json;
    struct ndc_str why;
    (void)fault;
    ndc_mutex_lock(&v->lock);
    struct ndc_projection *p = v->current ? ndc_projection_ref(v->current) : NULL;
    why = ndc_arena_str(req->arena, ndc_str(v->why));
    ndc_mutex_unlock(&v->lock);
    if (p) ndc_projection_info(p, &info);
    ndc_projection_unref(p);
    ndc_json_object(j);
    ndc_json_kv_bool(j, "ready", p != NULL);
    ndc_json_kv_str(j, "reason", why.len ? why : NDC_STR_NULL);
    ndc_json_kv_u64(j, "numbers", info.entries);
    ndc_json_kv_u64(j, "entities", info.entities);
    ndc_json_kv_u64(j, "delta", info.delta);
    ndc_json_kv_u64(j, "bytes", info.bytes);
    ndc_json_kv_time(j, "made_at", info.made_ms);
    ndc_json_kv_i64(j, "generation", info.moment.generation);
    ndc_json_kv_i64(j, "seq", info.moment.seq);
    ndc_json_kv_bool(j, "sample",
                     ndc_config_int(ndc_app_config(req->app), "demo_people") > 0);
    ndc_json_kv_str(j, "bank",
                    req->principal->agency.len ? req->principal->agency : NDC_STR_NULL);
    ndc_json_kv_bool(j, "operate", ndc_principal_may(req->principal, "verify.operate"));
    ndc_json_end(j);
    return NDC_OK;
}

enum ndc_err ndc_verify_post_projection(struct ndc_request *req, struct ndc_fault *fault)
{
    NDC_TRY(ndc_verify_submit_projection(ndc_verify_of(req), fault));
    ndc_json_object(&req->json);
    ndc_json_kv_bool(&req->json, "queued", true);
    ndc_json_end(&req->json);
    return NDC_OK;
}

enum ndc_err ndc_verify_get_key(struct ndc_request *req, struct ndc_fault *fault)
{
    (void)fault;
    ndc_sign_key_pem(req->out, ndc_verify_of(req)->sign_key);
    ndc_request_set_type(req, "application/x-pem-file");
    return NDC_OK;
}

/* ---- banks ---- */

struct bank {
    struct ndc_str bank, title_vi, title_en, pem, key_id;
    int64_t rows_per_day, files_open_max, suspended, now_ms;
    int64_t changed;
};

static void write_price(struct ndc_json *j, struct ndc_rows *rows)
{
    ndc_json_object(j);
    ndc_json_kv_str(j, "bank", ndc_rows_text(rows, 0));
    ndc_json_kv_str(j, "verdict", ndc_rows_text(rows, 1));
    ndc_json_kv_i64(j, "dong", ndc_rows_i64(rows, 2));
    ndc_json_end(j);
}

static enum ndc_err list_prices(struct ndc_store_conn *conn, struct ndc_json *j,
                                struct ndc_str bank, struct ndc_fault *fault)
{
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT bank, verdict, dong FROM verify_price WHERE $1 = '' OR bank IN ('', $1) "
        "ORDER BY bank, verdict",
        NDC_ARGS(ndc_text(bank)));
    ndc_json_key(j, "prices");
    ndc_json_array(j);
    while (ndc_rows_next(rows))
        write_price(j, rows);
    ndc_json_end(j);
    return ndc_rows_end(rows, fault);
}

enum ndc_err ndc_verify_list_banks(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    struct ndc_str bank = ndc_verify_bank_of(req);
    struct ndc_json *j = &req->json;
    NDC_TRY(ndc_request_conn(req, &conn, fault));
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT bank, title_vi, title_en, key_id, rows_per_day, files_open_max, "
        "suspended, "
        "created_ms FROM verify_bank WHERE $1 = '' OR bank = $1 ORDER BY bank",
        NDC_ARGS(ndc_text(bank)));
    ndc_json_object(j);
    ndc_json_key(j, "banks");
    ndc_json_array(j);
    while (ndc_rows_next(rows)) {
        struct ndc_str key_id = ndc_rows_text(rows, 3);
        ndc_json_object(j);
        ndc_json_kv_str(j, "bank", ndc_rows_text(rows, 0));
        ndc_json_key(j, "title");
        ndc_json_object(j);
        ndc_json_kv_str(j, "vi", ndc_rows_text(rows, 1));
        ndc_json_kv_str(j, "en", ndc_rows_text(rows, 2));
        ndc_json_end(j);
        ndc_json_kv_str(j, "key_id", key_id.len ? key_id : NDC_STR_NULL);
        ndc_json_kv_i64(j, "rows_per_day", ndc_rows_i64(rows, 4));
        ndc_json_kv_i64(j, "files_open_max", ndc_rows_i64(rows, 5));
        ndc_json_kv_bool(j, "suspended", ndc_rows_i64(rows, 6) != 0);
        ndc_json_kv_time(j, "created_at", ndc_rows_i64(rows, 7));
        ndc_json_end(j);
    }
    ndc_json_end(j);
    NDC_TRY(ndc_rows_end(rows, fault));
    NDC_TRY(list_prices(conn, j, bank, fault));
    ndc_json_end(j);
    return NDC_OK;
}

static enum ndc_err put_bank(struct ndc_store_conn *conn, void *arg,
                             struct ndc_fault *fault)
{
    const struct bank *b = arg;
    return ndc_sql_exec(
        conn,
        "INSERT INTO verify_bank (bank, title_vi, title_en, key_pem, key_id, "
        "rows_per_day, "
        "files_open_max, suspended, created_ms, updated_ms) VALUES ($1, $2, $3, '', '', "
        "$4, $5, $6, $7, $7) ON CONFLICT (bank) DO UPDATE SET title_vi = "
        "excluded.title_vi, title_en = excluded.title_en, rows_per_day = "
        "excluded.rows_per_day, files_open_max = excluded.files_open_max, suspended = "
        "excluded.suspended, updated_ms = excluded.updated_ms",
        NDC_ARGS(ndc_text(b->bank), ndc_text(b->title_vi), ndc_text(b->title_en),
                 ndc_int(b->rows_per_day), ndc_int(b->files_open_max),
                 ndc_int(b->suspended), ndc_int(b->now_ms)),
        NULL, fault);
}

static enum ndc_err code_of(struct ndc_request *req, struct ndc_str *bank,
                            struct ndc_fault *fault)
{
    *bank = ndc_request_param(req, "bank");
    if (ndc_verify_code_good(*bank)) return NDC_OK;
    return ndc_fail_at(fault, NDC_EINPUT, "verify.bank", "bank", 0,
                       "a bank's code is 1 to 32 of a-z 0-9 . _ -");
}

static enum ndc_err say_bank(struct ndc_request *req, struct ndc_str bank)
{
    ndc_json_object(&req->json);
    ndc_json_kv_str(&req->json, "bank", bank);
    ndc_json_end(&req->json);
    return NDC_OK;
}

enum ndc_err ndc_verify_put_bank(struct ndc_request *req, struct ndc_fault *fault)
{
    struct json_object *body;
    struct bank b = {.now_ms = ndc_clock_wall_ms()};
    NDC_TRY(code_of(req, &b.bank, fault));
    NDC_TRY(ndc_request_json(req, &body, fault));
    struct json_object *title = ndc_json_get(body, "title");
    b.title_vi = ndc_json_get_str(title, "vi");
    b.title_en = ndc_json_get_str(title, "en");
    b.rows_per_day = ndc_json_get_i64(body, "rows_per_day", 50000000);
    b.files_open_max = ndc_json_get_i64(body, "files_open_max", 4);
    b.suspended = ndc_json_get_bool(body, "suspended", false);
    /* Its systems' keys are those of an agency. */
    NDC_TRY(ndc_agency_put(ndc_app_identity(req->app), b.bank, b.title_vi, b.title_en,
                           fault));
    NDC_TRY(ndc_store_write(ndc_verify_of(req)->store, put_bank, &b, fault));
    ndc_request_audit(req, "verify.bank", NDC_STR(""), NULL);
    return say_bank(req, b.bank);
}

static enum ndc_err put_key(struct ndc_store_conn *conn, void *arg,
                            struct ndc_fault *fault)
{
    struct bank *b = arg;
    return ndc_sql_exec(
        conn,
        "UPDATE verify_bank SET key_pem = $2, key_id = $3, updated_ms = $4 "
        "WHERE bank = $1",
        NDC_ARGS(ndc_text(b->bank), ndc_text(b->pem), ndc_text(b->key_id),
                 ndc_int(b->now_ms)),
        &b->changed, fault);
}

enum ndc_err ndc_verify_put_bank_key(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_sign_key *key;
    uint8_t id[NDC_SIGN_ID_BYTES];
    char hex[65];
    struct bank b = {.now_ms = ndc_clock_wall_ms()};
    NDC_TRY(code_of(req, &b.bank, fault));
    b.pem = ndc_request_body(req);
    NDC_TRY(ndc_sign_public_parse(&key, b.pem, fault));
    ndc_sign_key_id(id, key);
    ndc_sign_key_free(key);
    ndc_digest_hex(hex, id);
    b.key_id = ndc_str(hex);
    NDC_TRY(ndc_store_write(ndc_verify_of(req)->store, put_key, &b, fault));
    if (!b.changed)
        return ndc_fail(fault, NDC_ENOTFOUND, "verify.unknown_bank",
                        "there is no bank \"%.*s\"; register it first",
                        NDC_STR_FMT(b.bank));
    ndc_request_audit(req, "verify.bank_key", NDC_STR(""), NULL);
    ndc_json_object(&req->json);
    ndc_json_kv_str(&req->json, "bank", b.bank);
    ndc_json_kv_c(&req->json, "key_id", hex);
    ndc_json_end(&req->json);
    return NDC_OK;
}

struct prices {
    struct ndc_str bank;
    struct json_object *list; /* verdict: đồng */
};

static enum ndc_err put_prices(struct ndc_store_conn *conn, void *arg,
                               struct ndc_fault *fault)
{
    const struct prices *p = arg;
    for (int i = 0; i < NDC_VERDICT_COUNT; i++) {
        const char *verdict = ndc_verdict_name((enum ndc_verdict)i);
        int64_t dong = ndc_json_get_i64(p->list, verdict, -1);
        if (dong < 0) continue;
        enum ndc_err err = ndc_sql_exec(
            conn,
            "INSERT INTO verify_price (bank, verdict, dong) VALUES ($1, $2, $3) ON "
            "CONFLICT (bank, verdict) DO UPDATE SET dong = excluded.dong",
            NDC_ARGS(ndc_text(p->bank), ndc_textz(verdict), ndc_int(dong)), NULL, fault);
        if (err) return err;
    }
    return NDC_OK;
}

enum ndc_err ndc_verify_put_prices(struct ndc_request *req, struct ndc_fault *fault)
{
    struct json_object *body;
    struct prices p;
    NDC_TRY(code_of(req, &p.bank, fault));
    NDC_TRY(ndc_request_json(req, &body, fault));
    /* "default" is the price of whoever has none of their own. */
    if (ndc_str_eq(p.bank, NDC_STR("default"))) p.bank = NDC_STR("");
    p.list = body;
    NDC_TRY(ndc_store_write(ndc_verify_of(req)->store, put_prices, &p, fault));
    ndc_request_audit(req, "verify.price", NDC_STR(""), NULL);
    return say_bank(req, p.bank);
}

/* ---- freezes ---- */

struct freeze {
    int64_t freeze, now_ms, changed;
    int kind;
    char hash[24];
    struct ndc_str masked, reason, legal_basis, by;
};

static enum ndc_err add_freeze(struct ndc_store_conn *conn, void *arg,
                               struct ndc_fault *fault)
{
    struct freeze *f = arg;
    enum ndc_err err = ndc_sql_i64(
        conn, &f->freeze, "SELECT coalesce(max(freeze_id), 0) + 1 FROM verify_freeze",
        NDC_NO_ARGS, fault);
    if (!err && f->freeze > NDC_VERIFY_FREEZES_MAX)
        err =
            ndc_fail(fault, NDC_ETOOBIG, "verify.freezes", "there are too many freezes");
    return err ? err
               : ndc_sql_exec(
                     conn,
                     "INSERT INTO verify_freeze (freeze_id, kind, hash, masked, reason, "
                     "legal_basis, created_by, created_ms, lifted_by, lifted_ms) VALUES "
                     "($1, $2, $3, $4, $5, $6, $7, $8, '', 0)",
                     NDC_ARGS(ndc_int(f->freeze), ndc_int(f->kind), ndc_textz(f->hash),
                              ndc_text(f->masked), ndc_text(f->reason),
                              ndc_text(f->legal_basis), ndc_text(f->by),
                              ndc_int(f->now_ms)),
                     NULL, fault);
}

static enum ndc_err lift_freeze(struct ndc_store_conn *conn, void *arg,
                                struct ndc_fault *fault)
{
    struct freeze *f = arg;
    return ndc_sql_exec(conn,
                        "UPDATE verify_freeze SET lifted_by = $2, lifted_ms = $3 WHERE "
                        "freeze_id = $1 AND lifted_ms = 0",
                        NDC_ARGS(ndc_int(f->freeze), ndc_text(f->by), ndc_int(f->now_ms)),
                        &f->changed, fault);
}

static enum ndc_err say_freeze(struct ndc_request *req, int64_t freeze)
{
    ndc_json_object(&req->json);
    ndc_json_kv_i64(&req->json, "freeze", freeze);
    ndc_json_end(&req->json);
    return NDC_OK;
}

enum ndc_err ndc_verify_post_freeze(struct ndc_request *req, struct ndc_fault *fault)
{
    const struct ndc_people_ops *people = ndc_people(NULL);
    struct json_object *body;
    char id[24];
    NDC_TRY(ndc_request_json(req, &body, fault));
    struct ndc_str org = ndc_json_get_str(body, "org_id");
    struct ndc_str raw = org.len ? org : ndc_json_get_str(body, "person_id");
    enum ndc_people_id_kind kind =
        people && raw.len ? people->id(id, raw, org.len > 0) : NDC_ID_NONE;
    if (kind == NDC_ID_NONE)
        return ndc_fail_at(fault, NDC_EINPUT, "verify.id", "/person_id", 0,
                           "give person_id or org_id: a number of 12 or 9 digits, a "
                           "passport's, or an organisation's code");
    struct ndc_str number = ndc_str(id);
    struct freeze f = {.now_ms = ndc_clock_wall_ms(),
                       .kind = (int)kind,
                       .masked = ndc_str_from(number, number.len > MASKED_BYTES
                                                          ? number.len - MASKED_BYTES
                                                          : 0),
                       .reason = ndc_json_get_str(body, "reason"),
                       .legal_basis = req->legal_basis,
                       .by = req->principal->id};
    snprintf(f.hash, sizeof(f.hash), "%llu",
             (unsigned long long)ndc_hash_id(&ndc_verify_of(req)->key, kind, number));
    NDC_TRY(ndc_store_write(ndc_verify_of(req)->store, add_freeze, &f, fault));
    ndc_request_audit(req, "verify.freeze", NDC_STR(""), NULL);
    ndc_request_audit_detail(
        req, ndc_arena_printf(req->arena, "freeze=%lld", (long long)f.freeze));
    return say_freeze(req, f.freeze);
}

enum ndc_err ndc_verify_delete_freeze(struct ndc_request *req, struct ndc_fault *fault)
{
    struct freeze f = {.now_ms = ndc_clock_wall_ms(), .by = req->principal->id};
    if (ndc_str_to_i64(ndc_request_param(req, "freeze"), &f.freeze))
        NDC_TRY(ndc_store_write(ndc_verify_of(req)->store, lift_freeze, &f, fault));
    if (!f.changed)
        return ndc_fail(fault, NDC_ENOTFOUND, "verify.no_freeze",
                        "there is no such freeze in force");
    ndc_request_audit(req, "verify.unfreeze", NDC_STR(""), NULL);
    ndc_request_audit_detail(
        req, ndc_arena_printf(req->arena, "freeze=%lld", (long long)f.freeze));
    return say_freeze(req, f.freeze);
}

enum ndc_err ndc_verify_list_freezes(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    struct ndc_json *j = &req->json;
    NDC_TRY(ndc_request_conn(req, &conn, fault));
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT freeze_id, kind, masked, reason, legal_basis, created_by, created_ms, "
        "lifted_by, lifted_ms FROM verify_freeze ORDER BY freeze_id DESC LIMIT $1",
        NDC_ARGS(ndc_int(FREEZES_PAGE)));
    ndc_json_object(j);
    ndc_json_key(j, "freezes");
    ndc_json_array(j);
    while (ndc_rows_next(rows)) {
        ndc_json_object(j);
        ndc_json_kv_i64(j, "freeze", ndc_rows_i64(rows, 0));
        ndc_json_kv_c(j, "of",
                      ndc_rows_i64(rows, 1) == NDC_ID_ORGANISATION ? "organisation"
                                                                   : "person");
        ndc_json_kv_str(j, "ends_in", ndc_rows_text(rows, 2));
        ndc_json_kv_str(j, "reason", ndc_rows_text(rows, 3));
        ndc_json_kv_str(j, "legal_basis", ndc_rows_text(rows, 4));
        ndc_json_kv_str(j, "created_by", ndc_rows_text(rows, 5));
        ndc_json_kv_time(j, "created_at", ndc_rows_i64(rows, 6));
        ndc_json_kv_time(j, "lifted_at", ndc_rows_i64(rows, 8));
        ndc_json_end(j);
    }
    ndc_json_end(j);
    ndc_json_end(j);
    ndc_request_audit(req, "verify.freezes", NDC_STR(""), NULL);
    return ndc_rows_end(rows, fault);
}

/* ---- watches ---- */

enum ndc_err ndc_verify_list_watches(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    struct ndc_verify_watch *watches;
    size_t n;
    struct ndc_json *j = &req->json;
    NDC_TRY(ndc_request_conn(req, &conn, fault));
    NDC_TRY(ndc_verify_watch_list(conn, req->arena, ndc_verify_bank_of(req), &watches, &n,
                                  fault));
    ndc_json_object(j);
    ndc_json_key(j, "watches");
    ndc_json_array(j);
    for (size_t i = 0; i < n; i++) {
        ndc_json_object(j);
        ndc_json_kv_str(j, "bank", watches[i].bank);
        ndc_json_kv_str(j, "watch", watches[i].watch);
        ndc_json_kv_str(j, "file", watches[i].file);
        ndc_json_kv_i64(j, "rows", watches[i].rows);
        ndc_json_kv_time(j, "checked_at", watches[i].checked_ms);
        ndc_json_end(j);
    }
    ndc_json_end(j);
    ndc_json_end(j);
    return NDC_OK;
}

static enum ndc_err find_watch(struct ndc_request *req, struct ndc_verify_watch *out,
                               struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    struct ndc_verify_watch *watches;
    size_t n;
    struct ndc_str name = ndc_request_param(req, "watch");
    struct ndc_str bank = ndc_verify_bank_of(req);
    NDC_TRY(ndc_request_conn(req, &conn, fault));
    NDC_TRY(ndc_verify_watch_list(conn, req->arena, bank, &watches, &n, fault));
    for (size_t i = 0; i < n && bank.len; i++) {
        if (!ndc_str_eq(watches[i].watch, name)) continue;
        *out = watches[i];
        return NDC_OK;
    }
    return ndc_fail(fault, NDC_ENOTFOUND, "verify.no_watch",
                    "there is no such watch of this bank");
}

enum ndc_err ndc_verify_post_delta(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_verify_watch w = {0};
    char *file = ndc_arena_zalloc(req->arena, NDC_VERIFY_ID_LEN + 1);
    NDC_TRY(find_watch(req, &w, fault));
    NDC_TRY(ndc_verify_delta_start(ndc_verify_of(req), &w, file, fault));
    ndc_request_audit(req, "verify.delta", NDC_STR(""), NULL);
    ndc_json_object(&req->json);
    ndc_json_kv_c(&req->json, "file", file);
    ndc_json_end(&req->json);
    return NDC_OK;
}

enum ndc_err ndc_verify_delete_watch(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_verify_watch w = {0};
    NDC_TRY(find_watch(req, &w, fault));
    NDC_TRY(ndc_verify_watch_drop(ndc_verify_of(req), w.bank, w.watch, fault));
    ndc_json_object(&req->json);
    ndc_json_kv_str(&req->json, "watch", w.watch);
    ndc_json_end(&req->json);
    return NDC_OK;
}

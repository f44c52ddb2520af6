/* Files over HTTP: a bank sends one, signed; looks how far it is; fetches the verdicts,
 * signed; withdraws it. */
#include "platforms/verify/http.h"

#include "core/config.h"
#include "crypto/base64.h"
#include "crypto/digest.h"
#include "crypto/token.h"
#include "net/http.h"
#include "platforms/verify/httpsig.h"
#include "store/writer.h"
#include "sys/clock.h"
#include "sys/file.h"

enum {
    PIECE_BYTES = 256 << 10,
    STREAM_BYTES = 64 << 10,
    KEY_BYTES_MAX = 128, /* of an Idempotency-Key */
    NAME_BYTES_MAX = 120,
    PAGE_DEFAULT = 50,
    SAMPLE_BYTES_MAX = 64 << 20
};

struct ndc_str ndc_verify_bank_of(struct ndc_request *req)
{
    if (req->principal->agency.len) return req->principal->agency;
    struct ndc_str bank = ndc_request_query(req, "bank");
    if (!ndc_principal_may(req->principal, "verify.operate")) return NDC_STR("?");
    return bank.ptr ? bank : NDC_STR("");
}

bool ndc_verify_code_good(struct ndc_str code)
{
    for (size_t i = 0; i < code.len; i++) {
        char c = code.ptr[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '.' && c != '_' &&
            c != '-')
            return false;
    }
    return code.len >= 1 && code.len <= NDC_VERIFY_CODE_MAX;
}

/* ---- writing a file's state ---- */

static void write_file(struct ndc_json *j, const struct ndc_verify_file *f)
{
    ndc_json_object(j);
    ndc_json_kv_str(j, "file", f->file);
    ndc_json_kv_str(j, "bank", f->bank);
    ndc_json_kv_str(j, "kind", f->kind);
    ndc_json_kv_str(j, "name", f->name);
    ndc_json_kv_str(j, "watch", f->watch.len ? f->watch : NDC_STR_NULL);
    ndc_json_kv_c(j, "state", ndc_file_state_name(f->state));
    ndc_json_kv_str(j, "job", f->job.len ? f->job : NDC_STR_NULL);
    ndc_json_kv_str(j, "purpose", f->purpose);
    ndc_json_kv_str(j, "legal_basis", f->legal_basis);
    ndc_json_kv_str(j, "principal", f->principal);
    ndc_json_kv_bool(j, "signed", f->is_signed);
    ndc_json_kv_str(j, "sha256", f->sha256);
    ndc_json_kv_i64(j, "bytes", f->bytes);
    ndc_json_kv_str(j, "format", f->format.len ? f->format : NDC_STR_NULL);
    ndc_json_kv_time(j, "created_at", f->created_ms);
    ndc_json_kv_time(j, "started_at", f->started_ms);
    ndc_json_kv_time(j, "finished_at", f->finished_ms);
    ndc_json_kv_i64(j, "rows", f->rows);
    ndc_json_kv_i64(j, "done", f->done);
    ndc_json_key(j, "counts");
    ndc_counts_write(j, &f->counts);
    ndc_json_kv_i64(j, "cost_dong", f->cost_dong);
    ndc_json_kv_i64(j, "result_bytes", f->result_bytes);
    ndc_json_kv_str(j, "result_sha256",
                    f->result_sha256.len ? f->result_sha256 : NDC_STR_NULL);
    ndc_json_kv_str(j, "result_signature",
                    f->result_signature.len ? f->result_signature : NDC_STR_NULL);
    ndc_json_key(j, "as_of");
    ndc_json_object(j);
    ndc_json_kv_i64(j, "generation", f->generation);
    ndc_json_kv_i64(j, "seq", f->seq);
    ndc_json_end(j);
    ndc_json_kv_str(j, "error_code", f->error_code.len ? f->error_code : NDC_STR_NULL);
    ndc_json_kv_str(j, "error", f->error.len ? f->error : NDC_STR_NULL);
    ndc_json_end(j);
}

/* The file of the path, if it is the caller's to see. Another bank's file does not exist
 * for them. */
static enum ndc_err find_file(struct ndc_request *req, struct ndc_verify_file *out,
                              struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    struct ndc_str id = ndc_request_param(req, "file");
    struct ndc_str bank = req->principal->agency;
    bool all = !bank.len && ndc_principal_may(req->principal, "verify.operate");
    NDC_TRY(ndc_request_conn(req, &conn, fault));
    NDC_TRY(ndc_verify_file_get(conn, req->arena, id, out, fault));
    if (all || (bank.len && ndc_str_eq(bank, out->bank))) return NDC_OK;
    return ndc_fail(fault, NDC_ENOTFOUND, "verify.no_file", "there is no file \"%.*s\"",
                    (int)NDC_MIN(id.len, (size_t)40), id.ptr);
}

/* ---- sending ---- */

struct upload {
    struct ndc_request *req;
    struct ndc_verify *verify;
    struct ndc_verify_file file;
    char id[NDC_VERIFY_ID_LEN + 1], hex[65];
    bool expected; /* a digest was given: the content must have it */
    uint8_t digest[NDC_SHA256_BYTES], got[NDC_SHA256_BYTES];
};

static struct ndc_str header_of(void *ctx, struct ndc_str name)
{
    struct ndc_request *req = ctx;
    return ndc_request_header(req, ndc_arena_cstr(req->arena, name));
}

static enum ndc_err read_bank_key(struct upload *u, struct ndc_str *pem,
                                  struct ndc_str *key_id, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    NDC_TRY(ndc_request_conn(u->req, &conn, fault));
    struct ndc_rows *rows =
        ndc_sql_query(conn, "SELECT key_pem, key_id FROM verify_bank WHERE bank = $1",
                      NDC_ARGS(ndc_text(u->file.bank)));
    *pem = *key_id = NDC_STR("");
    if (ndc_rows_next(rows)) {
        *pem = ndc_arena_str(u->req->arena, ndc_rows_text(rows, 0));
        *key_id = ndc_arena_str(u->req->arena, ndc_rows_text(rows, 1));
    }
    return ndc_rows_end(rows, fault);
}

static enum ndc_err check_signature(struct upload *u, struct ndc_fault *fault)
{
    struct ndc_request *req = u->req;
    struct ndc_httpsig sig;
    struct ndc_sign_key *key;
    struct ndc_str pem, key_id;
    struct ndc_str query = req->http->query;
    const struct ndc_httpsig_message message = {
        .method = NDC_STR("POST"),
        .path = ndc_str(req->route->path),
        .query = ndc_arena_printf(req->arena, "?%.*s", NDC_STR_FMT(query)),
        .authority = ndc_request_header(req, "Host"),
        .header = header_of,
        .ctx = req};
    NDC_TRY(ndc_httpsig_parse(&sig, ndc_request_header(req, "Signature-Input"),
                              ndc_request_header(req, "Signature"), fault));
    NDC_TRY(ndc_httpsig_covers(&sig, fault));
    NDC_TRY(read_bank_key(u, &pem, &key_id, fault));
    if (!pem.len)
        return ndc_fail(fault, NDC_EAUTH, "signature.no_key",
                        "no public key is registered for \"%.*s\"; an operator registers "
                        "it",
                        NDC_STR_FMT(u->file.bank));
    if (sig.keyid.ptr && !ndc_str_eq(sig.keyid, key_id))
        return ndc_fail(fault, NDC_EAUTH, "signature.keyid",
                        "the signature names another key than the one registered: %.*s",
                        NDC_STR_FMT(key_id));
    NDC_TRY(ndc_sign_public_parse(&key, pem, fault));
    enum ndc_err err =
        ndc_httpsig_verify(&sig, &message, key, ndc_clock_wall_ms() / 1000, fault);
    ndc_sign_key_free(key);
    u->file.is_signed = !err;
    return err;
}

/* A system signs its files. Whoever may operate may send one by hand, without. */
static enum ndc_err authenticate(struct upload *u, struct ndc_fault *fault)
{
    struct ndc_request *req = u->req;
    struct ndc_str content = ndc_request_header(req, "Content-Digest");
    bool has = ndc_request_header(req, "Signature").ptr != NULL;
    if (content.ptr) {
        NDC_TRY(ndc_httpsig_digest(u->digest, content, fault));
        u->expected = true;
    }
    if (has && !content.ptr)
        return ndc_fail(fault, NDC_EAUTH, "signature.digest",
                        "a signed file comes with a Content-Digest (RFC 9530)");
    if (has) return check_signature(u, fault);
    if (ndc_principal_may(req->principal, "verify.operate")) return NDC_OK;
    return ndc_fail(
        fault, NDC_EAUTH, "signature.none",
        "a file must be signed: Content-Digest (RFC 9530), Signature-Input and "
        "Signature (RFC 9421) with the bank's registered Ed25519 key");
}

static enum ndc_err spool(struct upload *u, struct ndc_fault *fault)
{
    struct ndc_request *req = u->req;
    struct ndc_file_writer w;
    size_t len = 1;
    char *piece = ndc_arena_alloc(req->arena, PIECE_BYTES);
    struct ndc_sha256 *sha = ndc_sha256_new();
    enum ndc_err err = ndc_file_create(
        &w, ndc_verify_path(u->verify, req->arena, u->file.file, "in"), fault);
    while (!err && len) {
        err = ndc_request_body_next(req, piece, PIECE_BYTES, &len, fault);
        if (err || !len) break;
        ndc_sha256_add(sha, ndc_str_n(piece, len));
        u->file.bytes += (int64_t)len;
        err = ndc_file_append(&w, ndc_str_n(piece, len), fault);
    }
    ndc_sha256_end(sha, u->got);
    ndc_digest_hex(u->hex, u->got);
    u->file.sha256 = ndc_str(u->hex);
    if (!err && u->expected && memcmp(u->digest, u->got, sizeof(u->got)) != 0)
        err =
            ndc_fail(fault, NDC_EAUTH, "signature.content",
                     "the content is not what Content-Digest says: it was changed or cut "
                     "on its way");
    if (!err && u->file.bytes == 0)
        err = ndc_fail(fault, NDC_EINPUT, "verify.empty", "the file is empty");
    if (!err) err = ndc_file_finish(&w, fault);
    ndc_file_abandon(&w);
    return err;
}

static struct ndc_str joined_roles(struct ndc_request *req)
{
    struct ndc_str all = NDC_STR("");
    for (size_t i = 0; i < req->principal->roles_n; i++)
        all = ndc_arena_printf(req->arena, "%.*s%s%.*s", NDC_STR_FMT(all), i ? " " : "",
                               NDC_STR_FMT(req->principal->roles[i]));
    return all;
}

static enum ndc_err describe(struct upload *u, struct ndc_fault *fault)
{
    struct ndc_request *req = u->req;
    struct ndc_str name = ndc_request_query(req, "name");
    struct ndc_str watch = ndc_request_query(req, "watch");
    ndc_token_id(u->id, NDC_VERIFY_ID_LEN);
    u->file = (struct ndc_verify_file){
        .file = ndc_str(u->id),
        .bank = ndc_verify_bank_of(req),
        .kind = NDC_STR("file"),
        .name = name.ptr ? name : NDC_STR(""),
        .watch = watch.ptr ? watch : NDC_STR(""),
        .idempotency_key = ndc_request_header(req, "Idempotency-Key"),
        .principal = req->principal->id,
        .principal_kind = ndc_str(ndc_policy_kind_name(req->principal->kind)),
        .agency = req->principal->agency,
        .roles = joined_roles(req),
        .purpose = req->purpose,
        .legal_basis = req->legal_basis,
        .created_ms = ndc_clock_wall_ms()};
    if (!u->file.bank.len)
        return ndc_fail_at(fault, NDC_EINPUT, "verify.bank", "bank", 0,
                           "say for which bank: ?bank=CODE");
    if (u->file.watch.len && !ndc_verify_code_good(u->file.watch))
        return ndc_fail_at(fault, NDC_EINPUT, "verify.watch", "watch", 0,
                           "a watch is named with 1 to 32 of a-z 0-9 . _ -");
    if (u->file.idempotency_key.len > KEY_BYTES_MAX)
        return ndc_fail_at(fault, NDC_EINPUT, "verify.key", "Idempotency-Key", 0,
                           "an Idempotency-Key has at most %d bytes", KEY_BYTES_MAX);
    return NDC_OK;
}

static enum ndc_err answer(struct ndc_request *req, struct ndc_str id,
                           struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    struct ndc_verify_file f;
    NDC_TRY(ndc_request_conn(req, &conn, fault));
    NDC_TRY(ndc_verify_file_get(conn, req->arena, id, &f, fault));
    write_file(&req->json, &f);
    return NDC_OK;
}

/* The answer to a file that came before is that file. */
static enum ndc_err take(struct upload *u, struct ndc_fault *fault)
{
    struct ndc_request *req = u->req;
    char *earlier = ndc_arena_zalloc(req->arena, NDC_VERIFY_ID_LEN + 1);
    NDC_TRY(spool(u, fault));
    /* Without a key of the caller's own the content is the key. */
    if (!u->file.idempotency_key.len) u->file.idempotency_key = u->file.sha256;
    NDC_TRY(ndc_verify_file_add(u->verify, &u->file, earlier, fault));
    ndc_request_audit(req, "verify.submit", NDC_STR(""), NULL);
    ndc_request_audit_detail(req, ndc_arena_printf(req->arena, "file=%s bytes=%lld",
                                                   earlier[0] ? earlier : u->id,
                                                   (long long)u->file.bytes));
    if (earlier[0]) {
        struct ndc_fault ignored = {0};
        if (ndc_verify_remove(u->verify, u->file.file, &ignored)) {
            /* It is in no row: the keeper has nothing to do with it, a restart removes
             * nothing either; but the answer stands. */
        }
        req->status = 200;
        return answer(req, ndc_str(earlier), fault);
    }
    NDC_TRY(
        ndc_verify_submit(u->verify, "check", u->file.file, u->file.principal, fault));
    return answer(req, u->file.file, fault);
}

enum ndc_err ndc_verify_post_file(struct ndc_request *req, struct ndc_fault *fault)
{
    struct upload u = {.req = req, .verify = ndc_verify_of(req)};
    struct ndc_judge_terms terms;
    struct ndc_fault ignored = {0};
    NDC_TRY(describe(&u, fault));
    NDC_TRY(authenticate(&u, fault));
    /* Before gigabytes are taken; asked again with the number of rows. */
    enum ndc_err err = ndc_verify_terms(&u.file, 0, &terms, NULL, fault);
    if (err) {
        ndc_request_audit(req, "verify.submit", NDC_STR(""), NULL);
        return err;
    }
    err = take(&u, fault);
    if (err && ndc_verify_remove(u.verify, u.file.file, &ignored)) return err;
    return err;
}

/* ---- looking ---- */

enum ndc_err ndc_verify_list_files(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    struct ndc_verify_file *files;
    size_t n, limit = (size_t)ndc_request_query_i64(req, "limit", PAGE_DEFAULT);
    int64_t before = ndc_request_query_i64(req, "before", INT64_MAX);
    struct ndc_json *j = &req->json;
    NDC_TRY(ndc_request_conn(req, &conn, fault));
    NDC_TRY(ndc_verify_file_list(conn, req->arena, ndc_verify_bank_of(req), before, limit,
                                 &files, &n, fault));
    ndc_json_object(j);
    ndc_json_key(j, "files");
    ndc_json_array(j);
    for (size_t i = 0; i < n; i++)
        write_file(j, &files[i]);
    ndc_json_end(j);
    ndc_json_key(j, "next");
    if (n == limit)
        ndc_json_i64(j, files[n - 1].created_ms);
    else
        ndc_json_null(j);
    ndc_json_end(j);
    return NDC_OK;
}

enum ndc_err ndc_verify_get_file(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_verify_file f;
    NDC_TRY(find_file(req, &f, fault));
    write_file(&req->json, &f);
    return NDC_OK;
}

struct sending {
    struct ndc_file_reader in;
};

static enum ndc_err send_next(void *ctx, struct ndc_buf *out, bool *end,
                              struct ndc_fault *fault)
{
    struct sending *s = ctx;
    size_t len = 0;
    char *room = ndc_buf_room(out, STREAM_BYTES);
    if (!room) return ndc_fail(fault, NDC_ETOOBIG, "verify.answer", "no memory is left");
    enum ndc_err err = ndc_file_next(&s->in, room, STREAM_BYTES, &len, fault);
    out->len += len;
    *end = len == 0;
    return err;
}

static void send_done(void *ctx)
{
    struct sending *s = ctx;
    ndc_file_close(&s->in);
}

static bool unhex(uint8_t out[static NDC_SHA256_BYTES], struct ndc_str hex)
{
    if (hex.len != 64) return false;
    for (size_t i = 0; i < 64; i++) {
        char c = hex.ptr[i];
        int v = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (v < 0) return false;
        out[i / 2] = (uint8_t)(i % 2 ? out[i / 2] | v : v << 4);
    }
    return true;
}

static enum ndc_err sign_answer(struct ndc_request *req, const struct ndc_verify_file *f,
                                struct ndc_fault *fault)
{
    uint8_t digest[NDC_SHA256_BYTES];
    struct ndc_buf content, input, signature;
    if (!unhex(digest, f->result_sha256))
        return ndc_fail(fault, NDC_EINTERNAL, "verify.digest", "the digest is missing");
    ndc_buf_init(&content, 1 << 10);
    ndc_buf_init(&input, 1 << 10);
    ndc_buf_init(&signature, 1 << 10);
    ndc_httpsig_sign(&content, &input, &signature, ndc_verify_of(req)->sign_key, 200,
                     digest, ndc_clock_wall_ms() / 1000);
    ndc_request_set_header(req, "Content-Digest", ndc_buf_str(&content));
    ndc_request_set_header(req, "Signature-Input", ndc_buf_str(&input));
    ndc_request_set_header(req, "Signature", ndc_buf_str(&signature));
    ndc_buf_free(&content);
    ndc_buf_free(&input);
    ndc_buf_free(&signature);
    return NDC_OK;
}

enum ndc_err ndc_verify_get_result(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_verify_file f;
    struct sending *s = NDC_ARENA_NEW(req->arena, struct sending);
    NDC_TRY(find_file(req, &f, fault));
    if (f.state != NDC_FILE_DONE)
        return ndc_fail(fault, NDC_ECONFLICT, "verify.not_done",
                        "the file is %s; there are verdicts when it is done",
                        ndc_file_state_name(f.state));
    if (!f.result_bytes)
        return ndc_fail(fault, NDC_ENOTFOUND, "verify.gone",
                        "the verdicts were kept as long as they may be and are gone");
    NDC_TRY(ndc_file_open(
        &s->in, ndc_verify_path(ndc_verify_of(req), req->arena, f.file, "out"), fault));
    enum ndc_err err = sign_answer(req, &f, fault);
    if (err) {
        ndc_file_close(&s->in);
        return err;
    }
    bool csv = ndc_str_eq(f.format, NDC_STR("csv"));
    ndc_request_set_type(req, csv ? "text/csv; charset=utf-8" : "application/x-ndjson");
    ndc_request_set_download(req, ndc_arena_printf(req->arena, "verdicts-%.*s.%s",
                                                   NDC_STR_FMT(f.file),
                                                   csv ? "csv" : "ndjson"));
    ndc_request_audit(req, "verify.result", NDC_STR(""), NULL);
    ndc_request_audit_detail(
        req, ndc_arena_printf(req->arena, "file=%.*s", NDC_STR_FMT(f.file)));
    ndc_request_stream(req, s, send_next, send_done);
    return NDC_OK;
}

/* ---- withdrawing ---- */

static enum ndc_err withdraw(struct ndc_store_conn *conn, void *arg,
                             struct ndc_fault *fault)
{
    const struct ndc_verify_file *f = arg;
    /* The key is free again: the file may come once more, mended. */
    return ndc_sql_exec(conn,
                        "UPDATE verify_file SET state = 'withdrawn', finished_ms = $2, "
                        "result_bytes = 0, idempotency_key = $3 WHERE file = $1",
                        NDC_ARGS(ndc_text(f->file), ndc_int(f->finished_ms),
                                 ndc_text(f->idempotency_key)),
                        NULL, fault);
}

enum ndc_err ndc_verify_delete_file(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_verify *v = ndc_verify_of(req);
    struct ndc_verify_file f;
    struct ndc_fault ignored = {0};
    NDC_TRY(find_file(req, &f, fault));
    bool open = f.state == NDC_FILE_QUEUED || f.state == NDC_FILE_CHECKING;
    f.finished_ms = f.finished_ms ? f.finished_ms : ndc_clock_wall_ms();
    f.idempotency_key =
        ndc_arena_printf(req->arena, "withdrawn %.*s", NDC_STR_FMT(f.file));
    NDC_TRY(ndc_store_write(v->store, withdraw, &f, fault));
    if (open && f.job.len && ndc_job_cancel(ndc_app_jobs(req->app), f.job, &ignored) &&
        !ndc_str_eq_c(ndc_str(ignored.code), "job.finished")) {
        if (fault) *fault = ignored;
        return NDC_EDB;
    }
    NDC_TRY(ndc_verify_remove(v, f.file, fault));
    ndc_request_audit(req, "verify.withdraw", NDC_STR(""), NULL);
    ndc_request_audit_detail(
        req, ndc_arena_printf(req->arena, "file=%.*s", NDC_STR_FMT(f.file)));
    return answer(req, f.file, fault);
}

/* ---- a file to try with ---- */

enum ndc_err ndc_verify_get_sample(struct ndc_request *req, struct ndc_fault *fault)
{
    int64_t rows = ndc_request_query_i64(req, "rows", 1000);
    if (ndc_config_int(ndc_app_config(req->app), "demo_people") == 0)
        return ndc_fail(fault, NDC_ENOTFOUND, "verify.no_sample",
                        "test files are made from the demo nation, and of nobody else");
    req->out->bytes_max = SAMPLE_BYTES_MAX;
    ndc_request_set_type(req, "text/csv; charset=utf-8");
    ndc_request_set_download(req, NDC_STR("accounts-sample.csv"));
    ndc_request_audit(req, "verify.sample", NDC_STR(""), NULL);
    return ndc_verify_sample(ndc_verify_of(req), req->out, (uint64_t)rows, fault);
}

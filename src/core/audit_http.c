/* The audit log over HTTP. Heads, proofs and the public key are for everyone, so that
 * anyone can hold the log to what it has signed; entries are for those who may read the
 * log, and a person's own access log for that person. */
#include "core/audit_platform.h"

#include "base/date.h"
#include "core/audit_internal.h"

static void write_hash(struct ndc_json *j, const char *key, const uint8_t hash[static 32])
{
    struct ndc_merkle_hash h;
    char hex[65];
    memcpy(h.b, hash, sizeof(h.b));
    ndc_merkle_to_hex(hex, &h);
    if (key)
        ndc_json_kv_c(j, key, hex);
    else
        ndc_json_c(j, hex);
}

static void write_path(struct ndc_json *j, uint8_t path[][NDC_AUDIT_HASH_BYTES], size_t n)
{
    ndc_json_key(j, "path");
    ndc_json_array(j);
    for (size_t i = 0; i < n; i++)
        write_hash(j, NULL, path[i]);
    ndc_json_end(j);
}

static enum ndc_err take_audit(const struct ndc_request *req, struct ndc_audit **out,
                               struct ndc_fault *fault)
{
    *out = ndc_app_audit(req->app);
    if (*out) return NDC_OK;
    return ndc_fail(fault, NDC_EDB, "audit.absent", "the audit log is not open");
}

static enum ndc_err get_tree_head(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_audit *audit;
    struct ndc_audit_head head;
    enum ndc_err err = take_audit(req, &audit, fault);
    if (!err)
        err = ndc_audit_head(audit, ndc_request_query_bool(req, "now", false), &head,
                             fault);
    if (err) return err;
    uint8_t raw[NDC_SIGN_PUBLIC_BYTES], id[NDC_SIGN_ID_BYTES];
    char time[25], signature[2 * NDC_AUDIT_SIGNATURE_BYTES + 2];
    ndc_time_format(time, head.time_ms);
    for (size_t i = 0; i < 2; i++) {
        struct ndc_merkle_hash half;
        memcpy(half.b, head.signature + 32 * i, 32);
        ndc_merkle_to_hex(signature + 64 * i, &half);
    }
    ndc_sign_key_public(raw, audit->key);
    ndc_sign_key_id(id, audit->key);
    ndc_json_object(&req->json);
    ndc_json_kv_u64(&req->json, "size", head.size);
    ndc_json_kv_i64(&req->json, "time_ms", head.time_ms);
    ndc_json_kv_c(&req->json, "time", time);
    write_hash(&req->json, "root", head.root);
    ndc_json_kv_c(&req->json, "signature", signature);
    ndc_json_kv_c(&req->json, "algorithm", "Ed25519");
    write_hash(&req->json, "key", raw);
    write_hash(&req->json, "key_id", id);
    ndc_json_end(&req->json);
    return NDC_OK;
}

static enum ndc_err get_key(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_audit *audit;
    enum ndc_err err = take_audit(req, &audit, fault);
    if (!err) ndc_sign_key_pem(req->out, audit->key);
    return err;
}

struct writer {
    struct ndc_json *j;
    struct ndc_merkle_hasher *h;
};

static void write_field_codes(struct ndc_json *j, struct ndc_str entry)
{
    struct json_object *o = NULL;
    struct ndc_field_set set = {0};
    if (!ndc_json_parse(&o, entry, NULL)) {
        (void)ndc_audit_fields_parse(&set, ndc_json_get_str(o, "fields"));
        json_object_put(o);
    }
    ndc_json_key(j, "fields");
    ndc_json_array(j);
    for (int id = -1; (id = ndc_field_set_next(&set, id)) >= 0;) {
        const struct ndc_field *field = ndc_field_get((unsigned)id);
        if (field) ndc_json_c(j, field->code);
    }
    ndc_json_end(j);
}

static enum ndc_err write_entry(void *arg, uint64_t seq, struct ndc_str entry)
{
    struct writer *w = arg;
    struct ndc_merkle_hash leaf = ndc_merkle_leaf(w->h, entry);
    ndc_json_object(w->j);
    ndc_json_kv_u64(w->j, "seq", seq);
    write_hash(w->j, "leaf", leaf.b);
    write_field_codes(w->j, entry);
    ndc_json_key(w->j, "entry");
    ndc_json_raw(w->j, entry);
    ndc_json_end(w->j);
    return NDC_OK;
}

/* {"entries":[…],"next":N|null} */
static enum ndc_err answer_query(struct ndc_request *req,
                                 const struct ndc_audit_query *query,
                                 struct ndc_fault *fault)
{
    struct ndc_audit *audit;
    uint64_t next = UINT64_MAX;
    enum ndc_err err = take_audit(req, &audit, fault);
    if (err) return err;
    struct writer w = {&req->json, ndc_merkle_hasher_new()};
    ndc_json_object(&req->json);
    ndc_json_key(&req->json, "entries");
    ndc_json_array(&req->json);
    err = ndc_audit_find(audit, query, write_entry, &w, &next, fault);
    ndc_json_end(&req->json);
    ndc_json_key(&req->json, "next");
    if (next == UINT64_MAX)
        ndc_json_null(&req->json);
    else
        ndc_json_u64(&req->json, next);
    ndc_json_end(&req->json);
    ndc_merkle_hasher_free(w.h);
    return err;
}

static enum ndc_err read_time(const struct ndc_request *req, const char *name,
                              int64_t *out, struct ndc_fault *fault)
{
    struct ndc_str text = ndc_request_query(req, name);
    if (!text.len || ndc_time_parse(text, out)) return NDC_OK;
    return ndc_fail_at(fault, NDC_EINPUT, "audit.time", name, 0,
                       "%s is a time such as 2026-07-01T00:00:00Z", name);
}

static enum ndc_err read_query(const struct ndc_request *req, struct ndc_audit_query *q,
                               struct ndc_fault *fault)
{
    q->newest_first = ndc_request_query_bool(req, "newest", false);
    q->from_seq =
        (uint64_t)ndc_request_query_i64(req, "from", q->newest_first ? INT64_MAX : 0);
    q->limit = (unsigned)ndc_request_query_i64(req, "n", 50);
    enum ndc_err err = read_time(req, "since", &q->from_ms, fault);
    return err ? err : read_time(req, "until", &q->until_ms, fault);
}

static enum ndc_err get_entries(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_audit_query q = {.principal = ndc_request_query(req, "principal")};
    enum ndc_err err = read_query(req, &q, fault);
    return err ? err : answer_query(req, &q, fault);
}

static enum ndc_err get_subject(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_audit_query q = {.subject = ndc_request_param(req, "entity_id"),
                                .principal = ndc_request_query(req, "principal")};
    const struct ndc_str own = req->principal->entity_id;
    bool is_own = own.len && ndc_str_eq(own, q.subject);
    if (!is_own && !ndc_principal_may(req->principal, "audit.read"))
        return ndc_fail(fault, NDC_EDENIED, "auth.permission",
                        "another's access log needs the permission audit.read");
    enum ndc_err err = read_query(req, &q, fault);
    if (!err) err = answer_query(req, &q, fault);
    /* Who looked into whose access log is logged like any other look at a person. */
    if (!is_own) ndc_request_audit(req, "audit.read", q.subject, NULL);
    return err;
}

static enum ndc_err get_inclusion(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_audit *audit;
    uint8_t path[NDC_AUDIT_PROOF_MAX][NDC_AUDIT_HASH_BYTES];
    size_t n;
    int64_t seq = ndc_request_query_i64(req, "seq", 0);
    int64_t size = ndc_request_query_i64(req, "size", 0);
    enum ndc_err err = take_audit(req, &audit, fault);
    if (!err)
        err = ndc_audit_prove_inclusion(audit, path, &n, (uint64_t)seq, (uint64_t)size,
                                        fault);
    if (err) return err;
    ndc_json_object(&req->json);
    ndc_json_kv_i64(&req->json, "seq", seq);
    ndc_json_kv_i64(&req->json, "size", size);
    write_path(&req->json, path, n);
    ndc_json_end(&req->json);
    return NDC_OK;
}

static enum ndc_err get_consistency(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_audit *audit;
    uint8_t path[NDC_AUDIT_PROOF_MAX][NDC_AUDIT_HASH_BYTES];
    size_t n;
    int64_t first = ndc_request_query_i64(req, "first", 0);
    int64_t second = ndc_request_query_i64(req, "second", 0);
    enum ndc_err err = take_audit(req, &audit, fault);
    if (!err)
        err = ndc_audit_prove_consistency(audit, path, &n, (uint64_t)first,
                                          (uint64_t)second, fault);
    if (err) return err;
    ndc_json_object(&req->json);
    ndc_json_kv_i64(&req->json, "first", first);
    ndc_json_kv_i64(&req->json, "second", second);
    write_path(&req->json, path, n);
    ndc_json_end(&req->json);
    return NDC_OK;
}

#define ENTRIES \
    "{entries:[{seq:int,leaf:string,fields:[string],entry:any}],next:int|null}"
#define PAGE                                                                        \
    "from?:int[0..9223372036854775807],n?:int[1..1000],newest?:bool,since?:string," \
    "until?:string,principal?:string[1..256]"

static const struct ndc_route routes[] = {
    {.method = "GET",
     .path = "/api/audit/tree-head",
     .flags = NDC_ROUTE_PUBLIC | NDC_ROUTE_SLOW,
     .handler = get_tree_head,
     .query = "{now?:bool}",
     .response = "{size:int,time_ms:int,time:time,root:string,signature:string,"
                 "algorithm:string,key:string,key_id:string}",
     .summary = "The last signed tree head; with now=true one of every entry so far",
     .tag = "Audit"},
    {.method = "GET",
     .path = "/api/audit/key",
     .flags = NDC_ROUTE_PUBLIC,
     .handler = get_key,
     .response_type = "application/x-pem-file",
     .summary = "The public key that tree heads are signed with",
     .tag = "Audit"},
    {.method = "GET",
     .path = "/api/audit/entries",
     .permission = "audit.read",
     .flags = NDC_ROUTE_SLOW,
     .handler = get_entries,
     .query = "{" PAGE "}",
     .response = ENTRIES,
     .summary = "Entries in order, by number, time or principal",
     .tag = "Audit"},
    {.method = "GET",
     .path = "/api/audit/subjects/{entity_id}",
     .flags = NDC_ROUTE_SLOW,
     .handler = get_subject,
     .query = "{" PAGE "}",
     .response = ENTRIES,
     .summary = "Who has read an entity's data; one's own, or with audit.read anyone's",
     .tag = "Audit"},
    {.method = "GET",
     .path = "/api/audit/proof/inclusion",
     .flags = NDC_ROUTE_PUBLIC | NDC_ROUTE_SLOW,
     .handler = get_inclusion,
     .query = "{seq:int[0..9223372036854775807],size:int[1..9223372036854775807]}",
     .response = "{seq:int,size:int,path:[string]}",
     .summary = "Proof that an entry is in the tree of a size (RFC 9162, 2.1.3)",
     .tag = "Audit"},
    {.method = "GET",
     .path = "/api/audit/proof/consistency",
     .flags = NDC_ROUTE_PUBLIC | NDC_ROUTE_SLOW,
     .handler = get_consistency,
     .query = "{first:int[1..9223372036854775807],second:int[1..9223372036854775807]}",
     .response = "{first:int,second:int,path:[string]}",
     .summary = "Proof that one tree only grew into another (RFC 9162, 2.1.4)",
     .tag = "Audit"},
};

static const struct ndc_permission permissions[] = {
    {"audit.read", "Xem nhật ký truy cập", "Read the audit log", "auditor steward"},
};

const struct ndc_platform ndc_audit_platform = {
    .code = "audit",
    .title_vi = "Nhật ký truy cập",
    .title_en = "Audit log",
    .summary = "Who saw whose data, provably complete and unchanged.",
    .routes = routes,
    .routes_n = NDC_ARRAY_LEN(routes),
    .commands = ndc_audit_commands,
    .commands_n = NDC_AUDIT_COMMANDS_N,
    .permissions = permissions,
    .permissions_n = NDC_ARRAY_LEN(permissions),
};

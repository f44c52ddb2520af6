/* Authentication of clients (client_auth.h). */
#include "platforms/eid/provider/client_auth.h"

#include "crypto/base64.h"
#include "crypto/jws.h"
#include "crypto/token.h"
#include "net/http.h"
#include "net/url.h"
#include "platforms/eid/provider/client_use.h"
#include "platforms/eid/provider/dpop.h"
#include "platforms/eid/provider/oauth.h"
#include "platforms/eid/provider/tokens.h"
#include "store/writer.h"
#include "sys/clock.h"

enum {
    BASIC_BYTES_MAX = 1024,
    ASSERTION_AGE_S = 3600, /* an assertion's end is at most this far away */
    SKEW_S = 30
};

#define ASSERTION_TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

struct presented {
    enum eid_auth_method method;
    struct ndc_str client, secret, assertion;
};

static enum ndc_err bad_client(struct ndc_fault *fault, const char *why)
{
    return eid_refuse(fault, "invalid_client", "%s", why);
}

/* RFC 6749, 2.3.1: both parts are form-encoded before they are joined. */
static enum ndc_err read_basic(struct ndc_request *req, struct ndc_str text,
                               struct presented *p, struct ndc_fault *fault)
{
    uint8_t *plain = ndc_arena_alloc(req->arena, BASIC_BYTES_MAX);
    size_t len;
    if (!ndc_base64_read(plain, BASIC_BYTES_MAX, &len, ndc_str_trim(text)))
        return bad_client(fault,
                          "the Authorization header is not Base64 of at most 1 KiB");
    struct ndc_str all = ndc_str_n((const char *)plain, len);
    size_t colon = ndc_str_find(all, ':');
    if (colon == all.len ||
        !ndc_url_decode(req->arena, ndc_str_n(all.ptr, colon), true, &p->client) ||
        !ndc_url_decode(req->arena, ndc_str_from(all, colon + 1), true, &p->secret))
        return bad_client(fault,
                          "the Authorization header is not client_id:client_secret, "
                          "each form-encoded");
    p->method = EID_AUTH_BASIC;
    return NDC_OK;
}

/* An assertion's issuer, before anything of it is believed. */
static enum ndc_err assertion_client(struct ndc_request *req, struct presented *p,
                                     struct ndc_fault *fault)
{
    struct ndc_jws jws;
    struct json_object *claims;
    struct ndc_fault why = {0};
    if (ndc_jws_parse(&jws, req->arena, p->assertion, &why))
        return bad_client(fault, why.message);
    if (!ndc_json_parse(&claims, jws.payload, NULL)) {
        p->client = ndc_arena_str(req->arena, ndc_json_get_str(claims, "sub"));
        json_object_put(claims);
    }
    ndc_jws_free(&jws);
    return p->client.len ? NDC_OK : bad_client(fault, "the client_assertion has no sub");
}

static enum ndc_err presented_by(struct ndc_request *req, const struct eid_params *form,
                                 struct presented *p, struct ndc_fault *fault)
{
    struct ndc_str header = ndc_request_header(req, "Authorization");
    struct ndc_str type = eid_param(form, "client_assertion_type");
    unsigned ways = 0;
    *p = (struct presented){.client = eid_param(form, "client_id")};
    struct ndc_str named = p->client;
    p->secret = eid_param(form, "client_secret");
    p->assertion = eid_param(form, "client_assertion");
    if (p->secret.len) p->method = EID_AUTH_POST, ways++;
    if (p->assertion.len) p->method = EID_AUTH_KEY_JWT, ways++;
    if (header.len >= 6 && ndc_str_ieq(ndc_str_n(header.ptr, 6), NDC_STR("Basic ")))
        ways++;
    if (ways > 1)
        return eid_refuse(fault, "invalid_request",
                          "the client authenticates in more than one way");
    if (p->assertion.len && !ndc_str_eq_c(type, ASSERTION_TYPE))
        return eid_refuse(fault, "invalid_request",
                          "client_assertion_type is not " ASSERTION_TYPE);
    if (p->assertion.len)
        NDC_TRY(assertion_client(req, p, fault));
    else if (ways == 1 && p->method == EID_AUTH_NONE)
        NDC_TRY(read_basic(req, ndc_str_from(header, 6), p, fault));
    if (named.len && !ndc_str_eq(named, p->client))
        return eid_refuse(fault, "invalid_request",
                          "client_id is not the client that authenticates");
    return p->client.len ? NDC_OK
                         : bad_client(fault, "the client does not say who it is");
}

static enum ndc_err check_secret(const struct eid_client *c, struct ndc_str secret,
                                 struct ndc_fault *fault)
{
    uint8_t hash[NDC_EID_HASH_BYTES];
    ndc_token_hash(hash, secret);
    if (c->has_secret &&
        ndc_secret_equal(ndc_str_n((const char *)hash, sizeof(hash)),
                         ndc_str_n((const char *)c->secret, sizeof(c->secret))))
        return NDC_OK;
    return bad_client(fault, "the client_secret is not right");
}

static bool is_for_us(const struct ndc_request *req, const struct eid_client *c,
                      struct ndc_str aud)
{
    const struct ndc_eid *eid = ndc_eid_of(req);
    if (ndc_str_eq(aud, eid->issuer)) return true;
    if (c->fapi) return false; /* FAPI 2.0, 5.3.2.1: the issuer, as a text */
    struct ndc_str here = ndc_arena_printf(
        req->arena, "%.*s%.*s", NDC_STR_FMT(eid->issuer), NDC_STR_FMT(req->http->path));
    struct ndc_str token =
        ndc_arena_printf(req->arena, "%.*s/eid/token", NDC_STR_FMT(eid->issuer));
    return ndc_str_eq(aud, here) || ndc_str_eq(aud, token);
}

static bool audience_fits(const struct ndc_request *req, const struct eid_client *c,
                          struct json_object *claims)
{
    struct json_object *aud = ndc_json_get(claims, "aud");
    if (!aud) return false;
    if (json_object_is_type(aud, json_type_string))
        return is_for_us(req, c, ndc_json_get_str(claims, "aud"));
    if (c->fapi || !json_object_is_type(aud, json_type_array)) return false;
    for (size_t i = 0; i < json_object_array_length(aud); i++) {
        struct json_object *one = json_object_array_get_idx(aud, i);
        if (json_object_is_type(one, json_type_string) &&
            is_for_us(req, c, ndc_str(json_object_get_string(one))))
            return true;
    }
    return false;
}

struct once {
    struct ndc_str name;
    int64_t expires_ms;
    bool first;
};

static enum ndc_err once_write(struct ndc_store_conn *conn, void *arg,
                               struct ndc_fault *fault)
{
    struct once *o = arg;
    int64_t changes = 0;
    NDC_TRY(eid_sweep(conn, "eid_assertion", ndc_clock_wall_ms(), fault));
    NDC_TRY(ndc_sql_exec(
        conn,
        "INSERT INTO eid_assertion (name, expires_ms) VALUES ($1, $2) ON "
        "CONFLICT (name) DO NOTHING",
        NDC_ARGS(ndc_text(o->name), ndc_int(o->expires_ms)), &changes, fault));
    o->first = changes > 0;
    return NDC_OK;
}

/* An assertion may live an hour: it is remembered over restarts, and by all processes. */
static enum ndc_err use_once(struct ndc_request *req, const struct eid_client *c,
                             struct ndc_str jti, int64_t expires_ms,
                             struct ndc_fault *fault)
{
    struct once o = {.name = ndc_arena_printf(req->arena, "%.*s %.*s", NDC_STR_FMT(c->id),
                                              NDC_STR_FMT(jti)),
                     .expires_ms = expires_ms};
    struct ndc_str seen =
        ndc_arena_printf(req->arena, "assertion %.*s", NDC_STR_FMT(o.name));
    if (eid_once(ndc_eid_of(req)->tokens, seen, expires_ms)) {
        NDC_TRY(ndc_store_write(ndc_eid_of(req)->store, once_write, &o, fault));
        if (o.first) return NDC_OK;
    }
    return bad_client(fault, "the client_assertion was used before");
}

static enum ndc_err check_assertion_claims(struct ndc_request *req,
                                           const struct eid_client *c,
                                           struct json_object *claims,
                                           struct ndc_fault *fault)
{
    int64_t now = ndc_clock_wall_ms() / 1000;
    int64_t exp = ndc_json_get_i64(claims, "exp", 0);
    int64_t nbf = ndc_json_get_i64(claims, "nbf", 0);
    int64_t iat = ndc_json_get_i64(claims, "iat", 0);
    struct ndc_str jti = ndc_json_get_str(claims, "jti");
    if (!ndc_str_eq(ndc_json_get_str(claims, "iss"), c->id) ||
        !ndc_str_eq(ndc_json_get_str(claims, "sub"), c->id))
        return bad_client(fault,
                          "iss and sub of the client_assertion must be the client_id");
    if (!audience_fits(req, c, claims))
        return bad_client(fault, "aud of the client_assertion must be the issuer");
    if (exp <= now - SKEW_S) return bad_client(fault, "the client_assertion has expired");
    if (exp > now + ASSERTION_AGE_S)
        return bad_client(fault, "the client_assertion lasts longer than an hour");
    if (nbf > now + SKEW_S || iat > now + SKEW_S)
        return bad_client(fault,
                          "the client_assertion is from the future: look at the clock");
    if (!jti.len || jti.len > 256)
        return bad_client(fault, "the client_assertion needs a jti of at most 256 bytes");
    return use_once(req, c, jti, (exp + SKEW_S) * 1000, fault);
}

static enum ndc_err check_assertion(struct ndc_request *req, const struct eid_client *c,
                                    struct ndc_str text, struct ndc_fault *fault)
{
    struct ndc_jws jws;
    struct ndc_fault why = {0};
    const struct ndc_jwk *used;
    struct json_object *claims;
    if (ndc_jws_parse(&jws, req->arena, text, &why))
        return bad_client(fault, why.message);
    enum ndc_err err = NDC_OK;
    if (c->auth_alg && !ndc_str_eq_c(jws.alg, c->auth_alg))
        err = bad_client(fault, "the client_assertion's alg is not the registered one");
    else if (c->fapi && ndc_str_eq_c(jws.alg, "RS256"))
        err = bad_client(fault, "RS256 is not of the FAPI 2.0 profile");
    else if (c->auth == EID_AUTH_SECRET_JWT
                 ? ndc_jws_verify(&jws, c->secret_key, &why)
                 : ndc_jws_verify_set(&jws, c->jwks, &used, &why))
        err = bad_client(fault, why.message);
    if (!err && ndc_json_parse(&claims, jws.payload, NULL))
        err = bad_client(fault, "the client_assertion's payload is not JSON");
    else if (!err) {
        err = check_assertion_claims(req, c, claims, fault);
        json_object_put(claims);
    }
    ndc_jws_free(&jws);
    return err;
}

static void take_certificate(struct ndc_request *req, struct ndc_str *x5t)
{
    struct ndc_client_cert cert;
    struct ndc_buf text;
    *x5t = NDC_STR_NULL;
    if (!ndc_http_client_cert_shown(req->http, &cert)) return;
    ndc_buf_init(&text, 64);
    ndc_base64url_add(&text, cert.sha256, sizeof(cert.sha256));
    *x5t = ndc_arena_str(req->arena, ndc_buf_str(&text));
    ndc_buf_free(&text);
}

/* RFC 8705, 2: the connection has proven that the client holds the certificate's key. */
static enum ndc_err check_certificate(struct ndc_request *req, const struct eid_client *c,
                                      struct ndc_fault *fault)
{
    struct ndc_client_cert cert;
    if (!ndc_http_client_cert_shown(req->http, &cert))
        return bad_client(fault, "this client authenticates by its TLS certificate, and "
                                 "the connection has none");
    if (c->auth == EID_AUTH_TLS && !cert.trusted)
        return bad_client(fault, "no authority known here vouches for the certificate");
    if (c->auth == EID_AUTH_TLS)
        return ndc_cert_name_is(cert.der, c->tls_kind, c->tls_name)
                   ? NDC_OK
                   : bad_client(fault, "the certificate is not called as registered");
    for (unsigned i = 0; i < c->certs_n; i++)
        if (memcmp(c->certs[i], cert.sha256, sizeof(cert.sha256)) == 0) return NDC_OK;
    return bad_client(fault, "the certificate is none of those in this client's jwks");
}

static enum ndc_err check(struct ndc_request *req, const struct eid_client *c,
                          const struct presented *p, struct ndc_fault *fault)
{
    bool jwt = c->auth == EID_AUTH_KEY_JWT || c->auth == EID_AUTH_SECRET_JWT;
    if (c->secret_either && c->auth == EID_AUTH_BASIC && p->method == EID_AUTH_POST)
        return check_secret(c, p->secret, fault);
    bool tls = c->auth == EID_AUTH_TLS || c->auth == EID_AUTH_SELF_SIGNED;
    if (p->method == EID_AUTH_KEY_JWT ? !jwt
        : tls                         ? p->method != EID_AUTH_NONE
                                      : p->method != c->auth)
        return eid_refuse(fault, "invalid_client",
                          "this client is registered to authenticate by %s",
                          eid_auth_name(c->auth));
    if (c->auth == EID_AUTH_NONE) return NDC_OK;
    if (c->auth == EID_AUTH_TLS || c->auth == EID_AUTH_SELF_SIGNED)
        return check_certificate(req, c, fault);
    if (jwt) return check_assertion(req, c, p->assertion, fault);
    return check_secret(c, p->secret, fault);
}

enum ndc_err eid_client_authenticate(struct ndc_request *req,
                                     const struct eid_params *form,
                                     struct eid_client **out, struct ndc_str *x5t,
                                     struct ndc_fault *fault)
{
    struct presented p;
    *out = NULL;
    take_certificate(req, x5t);
    NDC_TRY(presented_by(req, form, &p, fault));
    NDC_TRY(eid_client_take(ndc_eid_of(req), out, p.client, fault));
    enum ndc_err err = check(req, *out, &p, fault);
    if (!err) return NDC_OK;
    eid_use(ndc_eid_of(req), (*out)->id, "authenticate", fault);
    eid_client_unref(*out);
    *out = NULL;
    return err;
}

/* A client's metadata: read, checked, written (client.h). What is accepted here is what
 * the provider does; what it does not do is refused rather than ignored. */
#include "platforms/eid/provider/client.h"

#include "crypto/base64.h"
#include "crypto/certs.h"
#include "crypto/digest.h"
#include "platforms/eid/provider/oauth.h"
#include "platforms/eid/provider/params.h"

static const char *const auth_names[EID_AUTH_COUNT] = {"none",
                                                       "client_secret_basic",
                                                       "client_secret_post",
                                                       "client_secret_jwt",
                                                       "private_key_jwt",
                                                       "tls_client_auth",
                                                       "self_signed_tls_client_auth"};

/* RFC 8705, 2.1.2: exactly one of them. */
static const char *const tls_names[] = {[NDC_CERT_SUBJECT] = "tls_client_auth_subject_dn",
                                        [NDC_CERT_DNS] = "tls_client_auth_san_dns",
                                        [NDC_CERT_URI] = "tls_client_auth_san_uri",
                                        [NDC_CERT_IP] = "tls_client_auth_san_ip",
                                        [NDC_CERT_EMAIL] = "tls_client_auth_san_email"};

static const struct {
    const char *name;
    enum eid_grant_type bit;
} grant_names[] = {{"authorization_code", EID_GRANT_CODE},
                   {"refresh_token", EID_GRANT_REFRESH},
                   {"client_credentials", EID_GRANT_CLIENT},
                   {"urn:ietf:params:oauth:grant-type:device_code", EID_GRANT_DEVICE}};

static const char *const signing_algs[] = {"ES256", "RS256", "PS256", "EdDSA"};
static const char *const verified_algs[] = {"ES256", "RS256", "PS256", "EdDSA",
                                            "Ed25519"};

const char *eid_auth_name(enum eid_auth_method method)
{
    return auth_names[method];
}

struct reading {
    struct json_object *from;
    struct eid_client *c;
    struct ndc_fault *fault;
    enum ndc_err err;
};

static enum ndc_err wrong(struct reading *r, const char *member, const char *why)
{
    r->err = eid_refuse(r->fault, "invalid_client_metadata", "%s %s", member, why);
    return r->err;
}

static struct json_object *get(struct reading *r, const char *member, json_type type,
                               const char *what)
{
    struct json_object *v = NULL;
    if (r->err || !json_object_object_get_ex(r->from, member, &v) || !v) return NULL;
    if (json_object_is_type(v, type)) return v;
    wrong(r, member, what);
    return NULL;
}

static struct ndc_str text(struct reading *r, const char *member)
{
    struct json_object *v = get(r, member, json_type_string, "must be a text");
    if (!v) return NDC_STR("");
    size_t len = (size_t)json_object_get_string_len(v);
    if (len > EID_URI_BYTES_MAX) {
        wrong(r, member, "is too long");
        return NDC_STR("");
    }
    return ndc_arena_str(&r->c->arena, ndc_str_n(json_object_get_string(v), len));
}

static bool flag(struct reading *r, const char *member)
{
    struct json_object *v = get(r, member, json_type_boolean, "must be true or false");
    return v && json_object_get_boolean(v);
}

/* One of a list of literals; the literal itself. */
static const char *one_of(struct reading *r, const char *member, const char *fallback,
                          const char *const *names, size_t n)
{
    struct ndc_str given = text(r, member);
    if (!given.len) return fallback;
    for (size_t i = 0; i < n; i++)
        if (ndc_str_eq_c(given, names[i])) return names[i];
    wrong(r, member, "is not offered here: see the discovery document");
    return fallback;
}

static bool is_loopback(struct ndc_str host)
{
    return ndc_str_eq_c(host, "127.0.0.1") || ndc_str_eq_c(host, "[::1]") ||
           ndc_str_eq_c(host, "localhost");
}

/* scheme://host[:port]: the host, and where the rest begins. */
static bool split_uri(struct ndc_str uri, struct ndc_str *scheme, struct ndc_str *host,
                      size_t *port_at, size_t *path_at)
{
    size_t colon = ndc_str_find(uri, ':');
    *scheme = ndc_str_n(uri.ptr, colon);
    *host = NDC_STR("");
    if (colon == 0 || colon == uri.len) return false;
    for (size_t i = 0; i < uri.len; i++)
        if ((unsigned char)uri.ptr[i] <= ' ' || (unsigned char)uri.ptr[i] >= 0x7f)
            return false;
    size_t at = colon + 1;
    if (!ndc_str_starts(ndc_str_from(uri, at), NDC_STR("//"))) {
        *port_at = *path_at = at;
        return true;
    }
    size_t from = at + 2, end = from;
    while (end < uri.len && uri.ptr[end] != '/' && uri.ptr[end] != '?' &&
           uri.ptr[end] != '#')
        end++;
    *path_at = end;
    size_t port = end;
    for (size_t i = from; i < end; i++) {
        if (uri.ptr[i] == '@' || uri.ptr[i] == '\\') return false;
        if (uri.ptr[i] == ']') port = end;
        if (uri.ptr[i] == ':' && port == end) port = i;
    }
    if (uri.ptr[from] == '[') { /* the colons of an IPv6 address are its own */
        port = from;
        while (port < end && uri.ptr[port] != ']')
            port++;
        if (port < end) port++;
    }
    *port_at = port;
    *host = ndc_str_n(uri.ptr + from, port - from);
    return host->len > 0;
}

bool eid_uri_registered(const struct eid_uris *uris, struct ndc_str uri)
{
    struct ndc_str scheme, host, s, h;
    size_t port, path, p, q;
    for (unsigned i = 0; i < uris->n; i++)
        if (ndc_str_eq(uris->items[i], uri)) return true;
    if (!split_uri(uri, &scheme, &host, &port, &path) || !ndc_str_eq_c(scheme, "http") ||
        !is_loopback(host) || ndc_str_eq_c(host, "localhost"))
        return false;
    for (unsigned i = 0; i < uris->n; i++) {
        struct ndc_str one = uris->items[i];
        if (!split_uri(one, &s, &h, &p, &q) || !ndc_str_eq(s, scheme) ||
            !ndc_str_eq(h, host))
            continue;
        if (ndc_str_eq(ndc_str_from(one, q), ndc_str_from(uri, path))) return true;
    }
    return false;
}

/* https, or http on this machine, or a native application's own scheme with a dot. */
static const char *uri_fault(struct ndc_str uri, bool redirect)
{
    struct ndc_str scheme, host;
    size_t port, path;
    if (uri.len > EID_URI_BYTES_MAX) return "is too long";
    if (!split_uri(uri, &scheme, &host, &port, &path)) return "is not an absolute URI";
    if (memchr(uri.ptr, '#', uri.len)) return "has a fragment";
    if (ndc_str_eq_c(scheme, "https")) return host.len ? NULL : "has no host";
    if (ndc_str_eq_c(scheme, "http"))
        return is_loopback(host) ? NULL : "must use https (http only on this machine)";
    if (!redirect) return "must use https";
    if (!memchr(scheme.ptr, '.', scheme.len))
        return "uses a scheme that any application may claim: com.example.app:/…";
    return NULL;
}

static void uris(struct reading *r, const char *member, struct eid_uris *out,
                 const char *code, bool redirect)
{
    struct json_object *list = get(r, member, json_type_array, "must be a list of URIs");
    size_t n = list ? json_object_array_length(list) : 0;
    if (n > EID_URIS_MAX) {
        wrong(r, member, "has too many URIs");
        return;
    }
    for (size_t i = 0; i < n && !r->err; i++) {
        struct json_object *v = json_object_array_get_idx(list, i);
        struct ndc_str uri = ndc_str(
            json_object_is_type(v, json_type_string) ? json_object_get_string(v) : "");
        const char *why = uri_fault(uri, redirect);
        if (why)
            r->err =
                eid_refuse(r->fault, code, "%s: %.*s %s", member, NDC_STR_FMT(uri), why);
        else
            out->items[out->n++] = ndc_arena_str(&r->c->arena, uri);
    }
}

static void one_uri(struct reading *r, const char *member, struct ndc_str *out)
{
    *out = text(r, member);
    const char *why = out->len && !r->err ? uri_fault(*out, false) : NULL;
    if (why) wrong(r, member, why);
}

static void grants(struct reading *r)
{
    struct json_object *list =
        get(r, "grant_types", json_type_array, "must be a list of grant types");
    size_t n = list ? json_object_array_length(list) : 0;
    if (!list) r->c->grants = EID_GRANT_CODE;
    for (size_t i = 0; i < n && !r->err; i++) {
        const char *name = json_object_get_string(json_object_array_get_idx(list, i));
        size_t k = 0;
        while (k < NDC_ARRAY_LEN(grant_names) && name &&
               strcmp(name, grant_names[k].name) != 0)
            k++;
        if (!name || k == NDC_ARRAY_LEN(grant_names))
            wrong(r, "grant_types", "has one that is not offered here");
        else
            r->c->grants |= grant_names[k].bit;
    }
    struct json_object *types =
        get(r, "response_types", json_type_array, "must be a list");
    for (size_t i = 0; types && i < json_object_array_length(types) && !r->err; i++) {
        const char *name = json_object_get_string(json_object_array_get_idx(types, i));
        if (!name || strcmp(name, "code") != 0)
            wrong(r, "response_types", "may have \"code\" only (RFC 9700, 2.1.2)");
    }
}

/* What an RSA key without `alg` is for: what the client says it signs with. */
static const char *key_alg(struct reading *r)
{
    static const char *const members[] = {"token_endpoint_auth_signing_alg",
                                          "request_object_signing_alg"};
    for (size_t i = 0; i < NDC_ARRAY_LEN(members); i++) {
        struct ndc_str wish = text(r, members[i]);
        for (size_t k = 0; k < NDC_ARRAY_LEN(signing_algs); k++)
            if (ndc_str_eq_c(wish, signing_algs[k])) return signing_algs[k];
    }
    return ndc_str_eq_c(text(r, "profile"), "fapi2") ? "PS256" : NULL;
}

static void keys(struct reading *r)
{
    struct json_object *set =
        get(r, "jwks", json_type_object, "must be a JWK set: {keys: [...]}");
    struct ndc_fault inner = {0};
    if (text(r, "jwks_uri").len)
        wrong(r, "jwks_uri", "is not fetched here: give the keys in jwks");
    if (!set || r->err) return;
    if (ndc_jwks_read(&r->c->jwks, set, key_alg(r), &inner))
        wrong(r, "jwks", inner.message);
    else
        r->c->jwks_text = ndc_arena_str(
            &r->c->arena,
            ndc_str(json_object_to_json_string_ext(set, JSON_C_TO_STRING_PLAIN)));
}

static void sector(struct reading *r)
{
    static const char *const types[] = {"pairwise", "public"};
    struct eid_client *c = r->c;
    struct ndc_str scheme, host, first = NDC_STR("");
    size_t port, path;
    const char *type = one_of(r, "subject_type", "public", types, 2);
    if (text(r, "sector_identifier_uri").len)
        wrong(r, "sector_identifier_uri", "is not fetched here: use one host");
    if (strcmp(type, "pairwise") != 0 || r->err) return;
    for (unsigned i = 0; i < c->redirect.n; i++) {
        if (!split_uri(c->redirect.items[i], &scheme, &host, &port, &path)) continue;
        if (first.len && !ndc_str_eq(first, host)) {
            wrong(r, "subject_type", "pairwise needs redirect URIs of one host");
            return;
        }
        first = host;
    }
    c->sector = first.len ? ndc_arena_str(&c->arena, first) : c->id;
}

/* RFC 9864 has another name for EdDSA on Ed25519. */
static const char *verified_alg(struct reading *r, const char *member)
{
    const char *alg =
        one_of(r, member, NULL, verified_algs, NDC_ARRAY_LEN(verified_algs));
    return alg && strcmp(alg, "Ed25519") == 0 ? "EdDSA" : alg;
}

static void certificate_name(struct reading *r)
{
    struct ndc_fault why = {0};
    for (size_t i = 0; i < NDC_ARRAY_LEN(tls_names) && !r->err; i++) {
        struct ndc_str name = text(r, tls_names[i]);
        if (!name.len) continue;
        if (r->c->tls_name.len)
            wrong(r, tls_names[i], "stands beside another name: one is taken");
        else if (ndc_cert_name_check((enum ndc_cert_name)i, name, &why))
            wrong(r, tls_names[i], why.message);
        r->c->tls_kind = (enum ndc_cert_name)i;
        r->c->tls_name = name;
    }
    if (r->err) return;
    if (r->c->auth == EID_AUTH_TLS && !r->c->tls_name.len)
        wrong(r, "tls_client_auth_subject_dn",
              "or another name of the certificate is needed for tls_client_auth");
    else if (r->c->auth != EID_AUTH_TLS && r->c->tls_name.len)
        wrong(r, tls_names[r->c->tls_kind], "is for tls_client_auth only");
}

/* The first certificate of each key's x5c. */
static void certificates(struct reading *r)
{
    struct json_object *keys_list = ndc_json_get(ndc_json_get(r->from, "jwks"), "keys");
    struct eid_client *c = r->c;
    if (r->err || c->auth != EID_AUTH_SELF_SIGNED) return;
    size_t n = json_object_is_type(keys_list, json_type_array)
                   ? json_object_array_length(keys_list)
                   : 0;
    c->certs = ndc_arena_alloc(&c->arena, (n + 1) * sizeof(*c->certs));
    for (size_t i = 0; i < n; i++) {
        struct json_object *chain =
            ndc_json_get(json_object_array_get_idx(keys_list, i), "x5c");
        const char *first =
            json_object_is_type(chain, json_type_array)
                ? json_object_get_string(json_object_array_get_idx(chain, 0))
                : NULL;
        uint8_t der[NDC_CERT_BYTES_MAX];
        size_t len;
        if (!first || !ndc_base64_read(der, sizeof(der), &len, ndc_str(first))) continue;
        ndc_sha256(c->certs[c->certs_n++], ndc_str_n((const char *)der, len));
    }
    if (!c->certs_n)
        wrong(r, "jwks",
              "needs a key with its certificate (x5c) for "
              "self_signed_tls_client_auth");
}

/* A secret is taken either way from a client that has not said which. */
static void authentication(struct reading *r)
{
    struct eid_client *c = r->c;
    c->secret_either =
        flag(r, "client_secret_either") || !text(r, "token_endpoint_auth_method").len;
    const char *name = one_of(r, "token_endpoint_auth_method", "client_secret_basic",
                              auth_names, EID_AUTH_COUNT);
    while (strcmp(auth_names[c->auth], name) != 0)
        c->auth++;
    c->auth_alg = verified_alg(r, "token_endpoint_auth_signing_alg");
    if (r->err) return;
    if (c->auth == EID_AUTH_KEY_JWT && !c->jwks)
        wrong(r, "jwks", "is needed for private_key_jwt");
    else if (c->auth == EID_AUTH_NONE && c->grants & EID_GRANT_CLIENT)
        wrong(r, "grant_types", "client_credentials needs a way to authenticate");
    certificate_name(r);
    certificates(r);
}

/* FAPI 2.0 Security Profile, 5.3.2: what a client of that profile must be. */
static void profile(struct reading *r)
{
    static const char *const names[] = {"fapi2"};
    struct eid_client *c = r->c;
    c->fapi = one_of(r, "profile", NULL, names, 1) != NULL;
    if (!c->fapi || r->err) return;
    c->par_required = true;
    if (c->auth != EID_AUTH_KEY_JWT && c->auth != EID_AUTH_TLS &&
        c->auth != EID_AUTH_SELF_SIGNED)
        wrong(r, "token_endpoint_auth_method",
              "of the profile fapi2 is private_key_jwt, tls_client_auth or "
              "self_signed_tls_client_auth");
    else if (!c->dpop_bound && !c->tls_bound)
        wrong(r, "dpop_bound_access_tokens",
              "or tls_client_certificate_bound_access_tokens is needed in fapi2");
    else if (c->id_alg && strcmp(c->id_alg, "RS256") == 0)
        c->id_alg = "PS256"; /* RS256 is not of the profile */
}

static void logout(struct reading *r)
{
    uris(r, "post_logout_redirect_uris", &r->c->post_logout, "invalid_client_metadata",
         true);
    one_uri(r, "backchannel_logout_uri", &r->c->backchannel_logout);
    r->c->backchannel_session = flag(r, "backchannel_logout_session_required");
}

/* A list of words, space-separated. */
static struct ndc_str words(struct reading *r, const char *member)
{
    struct json_object *list = get(r, member, json_type_array, "must be a list");
    struct ndc_buf out;
    ndc_buf_init(&out, 4096);
    for (size_t i = 0; list && !r->err && i < json_object_array_length(list); i++) {
        struct json_object *one = json_object_array_get_idx(list, i);
        const char *word = json_object_get_string(one);
        if (!json_object_is_type(one, json_type_string) || !*word || strchr(word, ' '))
            wrong(r, member, "must be a list of words without spaces");
        if (out.len) ndc_buf_add_byte(&out, ' ');
        if (word) ndc_buf_add_c(&out, word);
    }
    if (out.failed) wrong(r, member, "is too long");
    struct ndc_str joined = ndc_arena_str(&r->c->arena, ndc_buf_str(&out));
    ndc_buf_free(&out);
    return joined;
}

static void numbers(struct reading *r)
{
    struct json_object *age =
        get(r, "default_max_age", json_type_int, "must be a number of seconds");
    r->c->max_age_s = age ? json_object_get_int64(age) : -1;
    r->c->acr = words(r, "default_acr_values");
    r->c->detail_types = words(r, "authorization_details_types");
}

static void read_all(struct reading *r)
{
    struct eid_client *c = r->c;
    c->name = text(r, "client_name");
    one_uri(r, "client_uri", &c->uri);
    one_uri(r, "logo_uri", &c->logo_uri);
    one_uri(r, "policy_uri", &c->policy_uri);
    one_uri(r, "tos_uri", &c->tos_uri);
    c->purpose = text(r, "purpose");
    c->scope = text(r, "scope");
    uris(r, "redirect_uris", &c->redirect, "invalid_redirect_uri", true);
    grants(r);
    keys(r);
    authentication(r);
    sector(r);
    logout(r);
    numbers(r);
    c->id_alg = one_of(r, "id_token_signed_response_alg", "RS256", signing_algs,
                       NDC_ARRAY_LEN(signing_algs));
    c->userinfo_alg = one_of(r, "userinfo_signed_response_alg", NULL, signing_algs,
                             NDC_ARRAY_LEN(signing_algs));
    c->request_alg = verified_alg(r, "request_object_signing_alg");
    c->par_required = flag(r, "require_pushed_authorization_requests");
    c->request_object_required = flag(r, "require_signed_request_object");
    c->dpop_bound = flag(r, "dpop_bound_access_tokens");
    c->tls_bound = flag(r, "tls_client_certificate_bound_access_tokens");
    c->resource_server = flag(r, "resource_server");
    profile(r);
    if (!r->err && c->grants & EID_GRANT_CODE && c->redirect.n == 0)
        r->err = eid_refuse(r->fault, "invalid_redirect_uri",
                            "redirect_uris needs at least one for authorization_code");
}

enum ndc_err eid_client_parse(struct eid_client **out, struct ndc_str id,
                              struct json_object *metadata, struct ndc_fault *fault)
{
    struct eid_client *c = ndc_xcalloc(1, sizeof(*c));
    struct reading r = {.from = metadata, .c = c, .fault = fault};
    atomic_init(&c->refs, 1);
    ndc_arena_init(&c->arena, 4 * EID_METADATA_BYTES_MAX);
    c->id = ndc_arena_str(&c->arena, id);
    if (!json_object_is_type(metadata, json_type_object))
        r.err = eid_refuse(fault, "invalid_client_metadata",
                           "client metadata is a JSON object");
    if (!r.err) read_all(&r);
    if (!r.err && c->arena.overflow)
        r.err = eid_refuse(fault, "invalid_client_metadata", "the metadata is too large");
    if (r.err) {
        eid_client_unref(c);
        c = NULL;
    }
    *out = c;
    return r.err;
}

static void write_uris(struct ndc_json *j, const char *member, const struct eid_uris *u)
{
    if (!u->n) return;
    ndc_json_key(j, member);
    ndc_json_array(j);
    for (unsigned i = 0; i < u->n; i++)
        ndc_json_str(j, u->items[i]);
    ndc_json_end(j);
}

static void write_text(struct ndc_json *j, const char *member, struct ndc_str s)
{
    if (s.len) ndc_json_kv_str(j, member, s);
}

static void write_flag(struct ndc_json *j, const char *member, bool v)
{
    if (v) ndc_json_kv_bool(j, member, true);
}

static void write_words(struct ndc_json *j, const char *member, struct ndc_str list)
{
    struct ndc_str rest = list, word;
    if (!list.len) return;
    ndc_json_key(j, member);
    ndc_json_array(j);
    while (rest.ptr && ndc_str_split(&rest, ' ', &word))
        ndc_json_str(j, word);
    ndc_json_end(j);
}

static void write_lists(struct ndc_json *j, const struct eid_client *c)
{
    ndc_json_key(j, "grant_types");
    ndc_json_array(j);
    for (size_t i = 0; i < NDC_ARRAY_LEN(grant_names); i++)
        if (c->grants & grant_names[i].bit) ndc_json_c(j, grant_names[i].name);
    ndc_json_end(j);
    ndc_json_key(j, "response_types");
    ndc_json_array(j);
    if (c->grants & EID_GRANT_CODE) ndc_json_c(j, "code");
    ndc_json_end(j);
    write_words(j, "default_acr_values", c->acr);
    write_words(j, "authorization_details_types", c->detail_types);
    if (!c->jwks) return;
    ndc_json_key(j, "jwks");
    ndc_json_raw(j, c->jwks_text);
}

void eid_client_write(struct ndc_json *j, const struct eid_client *c)
{
    write_text(j, "client_name", c->name);
    write_text(j, "client_uri", c->uri);
    write_text(j, "logo_uri", c->logo_uri);
    write_text(j, "policy_uri", c->policy_uri);
    write_text(j, "tos_uri", c->tos_uri);
    write_text(j, "purpose", c->purpose);
    write_text(j, "scope", c->scope);
    write_uris(j, "redirect_uris", &c->redirect);
    write_uris(j, "post_logout_redirect_uris", &c->post_logout);
    write_text(j, "backchannel_logout_uri", c->backchannel_logout);
    write_flag(j, "backchannel_logout_session_required", c->backchannel_session);
    write_lists(j, c);
    ndc_json_kv_c(j, "token_endpoint_auth_method", auth_names[c->auth]);
    if (c->auth == EID_AUTH_TLS) ndc_json_kv_str(j, tls_names[c->tls_kind], c->tls_name);
    write_flag(j, "client_secret_either", c->secret_either);
    if (c->auth_alg) ndc_json_kv_c(j, "token_endpoint_auth_signing_alg", c->auth_alg);
    ndc_json_kv_c(j, "subject_type", c->sector.len ? "pairwise" : "public");
    ndc_json_kv_c(j, "id_token_signed_response_alg", c->id_alg);
    if (c->userinfo_alg)
        ndc_json_kv_c(j, "userinfo_signed_response_alg", c->userinfo_alg);
    if (c->request_alg) ndc_json_kv_c(j, "request_object_signing_alg", c->request_alg);
    if (c->max_age_s >= 0) ndc_json_kv_i64(j, "default_max_age", c->max_age_s);
    write_flag(j, "require_pushed_authorization_requests", c->par_required);
    write_flag(j, "require_signed_request_object", c->request_object_required);
    write_flag(j, "dpop_bound_access_tokens", c->dpop_bound);
    write_flag(j, "tls_client_certificate_bound_access_tokens", c->tls_bound);
    write_flag(j, "resource_server", c->resource_server);
    if (c->fapi) ndc_json_kv_c(j, "profile", "fapi2");
}

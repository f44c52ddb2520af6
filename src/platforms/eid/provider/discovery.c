/* What the provider can do, for clients to read (OpenID Discovery 1.0, RFC 8414), and its
 * public keys. */
#include "platforms/eid/provider/provider.h"

#include "platforms/eid/provider/claims.h"
#include "platforms/eid/provider/client.h"
#include "platforms/eid/provider/keys.h"
#include "platforms/eid/provider/oauth.h"
#include "platforms/eid/provider/verified.h"

static void list(struct ndc_json *j, const char *name, const char *const *items, size_t n)
{
    ndc_json_key(j, name);
    ndc_json_array(j);
    for (size_t i = 0; i < n; i++)
        ndc_json_c(j, items[i]);
    ndc_json_end(j);
}

#define LIST(name, ...)                                    \
    do {                                                   \
        static const char *const items_[] = {__VA_ARGS__}; \
        list(j, name, items_, NDC_ARRAY_LEN(items_));      \
    } while (0)

static void write_endpoints(struct ndc_request *req, struct ndc_json *j)
{
    static const struct {
        const char *name, *path;
    } endpoints[] = {{"authorization_endpoint", "/eid/authorize"},
                     {"token_endpoint", "/eid/token"},
                     {"userinfo_endpoint", "/eid/userinfo"},
                     {"jwks_uri", "/eid/jwks"},
                     {"registration_endpoint", "/eid/register"},
                     {"pushed_authorization_request_endpoint", "/eid/par"},
                     {"introspection_endpoint", "/eid/introspect"},
                     {"revocation_endpoint", "/eid/revoke"},
                     {"end_session_endpoint", "/eid/logout"},
                     {"device_authorization_endpoint", "/eid/device_authorization"},
                     {"service_documentation", "/api"}};
    struct ndc_str issuer = ndc_eid_of(req)->issuer;
    ndc_json_kv_str(j, "issuer", issuer);
    for (size_t i = 0; i < NDC_ARRAY_LEN(endpoints); i++)
        ndc_json_kv_str(j, endpoints[i].name,
                        ndc_arena_printf(req->arena, "%.*s%s", NDC_STR_FMT(issuer),
                                         endpoints[i].path));
}

static void write_algorithms(struct ndc_json *j)
{
    static const char *const verified[] = {
        "request_object_signing_alg_values_supported",
        "token_endpoint_auth_signing_alg_values_supported",
        "introspection_endpoint_auth_signing_alg_values_supported",
        "revocation_endpoint_auth_signing_alg_values_supported"};
    for (size_t i = 0; i < NDC_ARRAY_LEN(verified); i++)
        LIST(verified[i], "RS256", "ES256", "PS256", "EdDSA", "Ed25519");
    LIST("id_token_signing_alg_values_supported", "RS256", "ES256", "PS256", "EdDSA");
    LIST("userinfo_signing_alg_values_supported", "RS256", "ES256", "PS256", "EdDSA");
    LIST("dpop_signing_alg_values_supported", "ES256", "PS256", "EdDSA", "Ed25519");
}

/* By certificate only where there is TLS. */
static void write_methods(struct ndc_json *j, bool tls)
{
    int last = tls ? EID_AUTH_COUNT : EID_AUTH_TLS;
    static const char *const names[] = {"token_endpoint_auth_methods_supported",
                                        "introspection_endpoint_auth_methods_supported",
                                        "revocation_endpoint_auth_methods_supported"};
    for (size_t i = 0; i < NDC_ARRAY_LEN(names); i++) {
        ndc_json_key(j, names[i]);
        ndc_json_array(j);
        for (int m = i ? EID_AUTH_BASIC : EID_AUTH_NONE; m < last; m++)
            ndc_json_c(j, eid_auth_name((enum eid_auth_method)m));
        ndc_json_end(j);
    }
}

enum ndc_err eid_get_discovery(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_json *j = &req->json;
    (void)fault;
    eid_open_to_pages(req);
    ndc_json_object(j);
    write_endpoints(req, j);
    ndc_json_key(j, "scopes_supported");
    ndc_json_array(j);
    eid_scopes_write(j);
    ndc_json_end(j);
    ndc_json_key(j, "claims_supported");
    ndc_json_array(j);
    eid_claims_write_names(j);
    ndc_json_end(j);
    LIST("response_types_supported", "code");
    LIST("response_modes_supported", "query");
    LIST("grant_types_supported", "authorization_code", "refresh_token",
         "client_credentials", "urn:ietf:params:oauth:grant-type:device_code");
    LIST("subject_types_supported", "public", "pairwise");
    LIST("acr_values_supported", "urn:ndc:eid:1", "urn:ndc:eid:2", "urn:ndc:eid:3");
    LIST("code_challenge_methods_supported", "S256");
    LIST("prompt_values_supported", "none", "login", "consent", "select_account");
    LIST("ui_locales_supported", "vi", "en");
    LIST("claim_types_supported", "normal");
    write_algorithms(j);
    write_methods(j, ndc_str_starts(ndc_eid_of(req)->issuer, NDC_STR("https:")));
    ndc_json_kv_bool(j, "claims_parameter_supported", true);
    eid_verified_discovery(j);
    ndc_json_kv_bool(j, "request_parameter_supported", true);
    ndc_json_kv_bool(j, "request_uri_parameter_supported", false);
    ndc_json_kv_bool(j, "require_request_uri_registration", false);
    ndc_json_kv_bool(j, "require_pushed_authorization_requests", false);
    ndc_json_kv_bool(j, "authorization_response_iss_parameter_supported", true);
    ndc_json_kv_bool(j, "tls_client_certificate_bound_access_tokens", true);
    ndc_json_kv_bool(j, "backchannel_logout_supported", true);
    ndc_json_kv_bool(j, "backchannel_logout_session_supported", true);
    ndc_json_end(j);
    return NDC_OK;
}

enum ndc_err eid_get_jwks(struct ndc_request *req, struct ndc_fault *fault)
{
    (void)fault;
    eid_open_to_pages(req);
    eid_keys_publish(ndc_eid_of(req), req->out);
    ndc_request_set_type(req, "application/jwk-set+json");
    return NDC_OK;
}

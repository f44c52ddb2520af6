/* Clients (relying parties): their metadata (RFC 7591, OpenID Registration 1.0, RFC 9126,
 * 8705, 9449), kept as JSON, read into this form once and shared by all requests. */
#ifndef NDC_EID_CLIENT_H
#define NDC_EID_CLIENT_H

#include "crypto/cert_name.h"
#include "crypto/jwk.h"
#include "platforms/eid/eid.h"

#include <stdatomic.h>

enum eid_grant_type {
    EID_GRANT_CODE = 1,
    EID_GRANT_REFRESH = 2,
    EID_GRANT_CLIENT = 4,
    EID_GRANT_DEVICE = 8
};

enum eid_auth_method {
    EID_AUTH_NONE,
    EID_AUTH_BASIC,
    EID_AUTH_POST,
    EID_AUTH_SECRET_JWT,
    EID_AUTH_KEY_JWT,
    EID_AUTH_TLS,         /* a certificate that client_ca vouches for, by its name */
    EID_AUTH_SELF_SIGNED, /* one of the certificates in jwks (x5c) */
    EID_AUTH_COUNT
};

enum {
    EID_URIS_MAX = 20,
    EID_URI_BYTES_MAX = 2000,
    EID_METADATA_BYTES_MAX = 64 << 10,
    EID_OWNED_MAX = 50 /* clients of an account */
};

struct eid_uris {
    struct ndc_str items[EID_URIS_MAX];
    unsigned n;
};

/* Immutable; counted. */
struct eid_client {
    atomic_uint refs;
    struct ndc_arena arena;
    struct ndc_str id, name, uri, logo_uri, policy_uri, tos_uri, purpose, scope, owner;
    struct eid_uris redirect, post_logout, request_uris;
    struct ndc_str sector; /* host that pairwise subjects are for; empty: public ones */
    struct ndc_str backchannel_logout;
    bool backchannel_session;
    unsigned grants; /* enum eid_grant_type */
    enum eid_auth_method auth;
    const char *auth_alg;     /* of its assertions; NULL: any that is safe */
    const char *id_alg;       /* of ID tokens */
    const char *userinfo_alg; /* NULL: plain JSON */
    const char *request_alg;  /* of request objects; NULL: any */
    bool par_required, request_object_required, dpop_bound, tls_bound;
    bool fapi;                   /* the FAPI 2.0 security profile */
    bool resource_server;        /* may introspect others' tokens */
    int64_t max_age_s;           /* default_max_age; -1: none */
    struct ndc_str detail_types; /* authorization_details_types, space-separated */
    struct ndc_str acr;          /* default_acr_values */
    struct ndc_jwks *jwks;       /* or NULL */
    struct ndc_str jwks_text;    /* as it was given, certificates included */
    enum ndc_cert_name tls_kind; /* of tls_client_auth */
    struct ndc_str tls_name;
    uint8_t (*certs)[32]; /* SHA-256 of those in jwks */
    unsigned certs_n;
    struct ndc_jwk *secret_key; /* client_secret_jwt */
    uint8_t secret[NDC_EID_HASH_BYTES];
    bool has_secret, disabled;
    bool secret_either; /* by Basic or in the form: the client has not said which */
};

struct eid_clients *eid_clients_new(struct ndc_eid *eid);
void eid_clients_free(struct eid_clients *clients);
/* All are read anew at their next use. */
void eid_clients_forget(struct eid_clients *clients);
/* Give it back with eid_client_unref. Fault: invalid_client. */
enum ndc_err eid_client_take(struct ndc_eid *eid, struct eid_client **out,
                             struct ndc_str id, struct ndc_fault *fault) NDC_MUST_USE;
void eid_client_unref(struct eid_client *client); /* NULL is fine */

/* Reads and checks metadata; what is left out gets its default. Faults of RFC
 * 7591, 3.2.2: invalid_redirect_uri, invalid_client_metadata, naming the member. */
enum ndc_err eid_client_parse(struct eid_client **out, struct ndc_str id,
                              struct json_object *metadata,
                              struct ndc_fault *fault) NDC_MUST_USE;
/* The metadata as it is in force, without secrets: members of an open object. */
void eid_client_write(struct ndc_json *j, const struct eid_client *client);

struct eid_registered {
    char id[NDC_EID_ID_LEN + 1];
    char secret[48], registration[48]; /* shown once; empty where there is none */
};
#define EID_OWNER_COMMAND "command"
/* Registers a client with new secrets. `owner` is an account, EID_OWNER_COMMAND, or
 * empty: it registers by itself. Faults: those of eid_client_parse, eid.clients (too
 * many). */
enum ndc_err eid_client_add(struct ndc_eid *eid, struct eid_registered *out,
                            struct json_object *metadata, struct ndc_str owner,
                            struct ndc_fault *fault) NDC_MUST_USE;

/* Who changes a client: the account that owns it, or who has its registration token. */
struct eid_client_by {
    struct ndc_str client, account;           /* account: or empty */
    uint8_t registration[NDC_EID_HASH_BYTES]; /* hash; zeros: none */
};
/* Other metadata, whole. out->secret is set if the way to authenticate takes another one.
 * Faults: those of eid_client_parse, eid.client (NDC_ENOTFOUND: not theirs). */
enum ndc_err eid_client_change(struct ndc_eid *eid, struct eid_registered *out,
                               const struct eid_client_by *by,
                               struct json_object *metadata,
                               struct ndc_fault *fault) NDC_MUST_USE;
/* Another secret; the old one is over. Fault: eid.client_secret (it has none). */
enum ndc_err eid_client_resecret(struct ndc_eid *eid, struct eid_registered *out,
                                 const struct eid_client_by *by,
                                 struct ndc_fault *fault) NDC_MUST_USE;
/* What was granted to it is refused from then on. */
enum ndc_err eid_client_remove(struct ndc_eid *eid, const struct eid_client_by *by,
                               struct ndc_fault *fault) NDC_MUST_USE;

const char *eid_auth_name(enum eid_auth_method method);
/* Whether a redirect URI is one of those registered: the same text, but for the port of a
 * loopback address (RFC 8252, 7.3). */
bool eid_uri_registered(const struct eid_uris *uris, struct ndc_str uri);

#endif

/* Who is who: users with passwords, sessions, agencies, API keys of their systems, and
 * the roles that give permissions. A request is authenticated from memory; the database
 * is asked on the first use of a session or key, and every change forgets what it
 * touches. */
#ifndef NDC_CORE_IDENTITY_H
#define NDC_CORE_IDENTITY_H

#include "base/arena.h"
#include "core/platform.h"
#include "core/principal.h"

enum {
    NDC_PASSWORD_BYTES_MIN = 12,
    NDC_PASSWORD_BYTES_MAX = 256,
    NDC_TOKEN_TEXT_MAX = 64, /* a session's or key's secret as text, with its 0 */
};

struct ndc_identity;
struct ndc_request;
struct ndc_store;

struct ndc_identity_options {
    int64_t session_idle_ms, session_max_ms;
    bool weak_passwords; /* for tests: the cheapest hash */
};

/* Core's own tables, routes and permissions, registered like a platform's. */
extern const struct ndc_platform ndc_identity_platform;

/* On a migrated store; makes the built-in roles. `platforms` closed by NULL: whose
 * permissions count. */
enum ndc_err ndc_identity_open(struct ndc_identity **out, struct ndc_store *store,
                               const struct ndc_platform *const *platforms,
                               const struct ndc_identity_options *options,
                               struct ndc_fault *fault) NDC_MUST_USE;
void ndc_identity_close(struct ndc_identity *identity);

/* Makes the user `admin` if there is no user at all; then *password is its password,
 * which the console asks to change without insisting. */
enum ndc_err ndc_identity_first_user(struct ndc_identity *identity, char password[64],
                                     bool *made, struct ndc_fault *fault) NDC_MUST_USE;

struct ndc_user {
    struct ndc_str name; /* 2 to 32 of a-z 0-9 . _ - */
    struct ndc_str full_name, agency, entity_id;
    struct ndc_str roles; /* space-separated */
    bool disabled;
};

/* Faults: user.exists, user.name, user.role, user.agency, password.short,
 * password.common, user.unknown. Changing a password or roles, or disabling, ends the
 * user's sessions. `given`: someone else knows the password, so that its owner may do
 * nothing before changing it. */
enum ndc_err ndc_user_add(struct ndc_identity *identity, const struct ndc_user *user,
                          struct ndc_str password, bool given,
                          struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_user_set_password(struct ndc_identity *identity, struct ndc_str name,
                                   struct ndc_str password, bool given,
                                   struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_user_update(struct ndc_identity *identity, const struct ndc_user *user,
                             struct ndc_fault *fault) NDC_MUST_USE;

/* Signs the request's browser in as a user of the console whom the calling platform has
 * authenticated, and answers as POST /api/session does. Faults: user.unknown, also of one
 * who is disabled. The caller records it. */
enum ndc_err ndc_user_sign_in(struct ndc_request *req, struct ndc_str name,
                              struct ndc_fault *fault) NDC_MUST_USE;

#define NDC_KEY_ROLES_DEFAULT "agency-reader"

struct ndc_key {
    struct ndc_str agency, title;
    struct ndc_str roles; /* space-separated; empty: agency-reader */
    int64_t expires_ms;   /* 0: never */
    /* Thumbprint of the only client certificate that the key works with, in any form of
     * crypto/certificate.h; empty: any connection. */
    struct ndc_str cert_sha256;
};

/* A new key of an agency's system. `secret` is shown once: only its hash is kept. */
enum ndc_err ndc_key_add(struct ndc_identity *identity, const struct ndc_key *key,
                         char id[16], char secret[NDC_TOKEN_TEXT_MAX],
                         struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_key_revoke(struct ndc_identity *identity, struct ndc_str id,
                            struct ndc_fault *fault) NDC_MUST_USE;

/* Agencies: code, titles. Idempotent: platforms name theirs at start. */
enum ndc_err ndc_agency_put(struct ndc_identity *identity, struct ndc_str code,
                            struct ndc_str title_vi, struct ndc_str title_en,
                            struct ndc_fault *fault) NDC_MUST_USE;

#endif

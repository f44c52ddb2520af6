/* Accounts and sign-in: what their files call of each other. The provider has signin.h.
 * Functions that take a connection read in the caller's read, or write in its write. */
#ifndef NDC_EID_ACCOUNTS_H
#define NDC_EID_ACCOUNTS_H

#include "core/people.h"
#include "crypto/password.h"
#include "crypto/token.h"
#include "platforms/eid/signin.h"

enum {
    EID_SID_LEN = 20,
    EID_LOGIN_MAX = 254, /* bytes of what a person types */
    EID_AUTHENTICATORS_MAX = 32,
    EID_SESSIONS_MAX = 50,     /* of an account; the oldest make room */
    EID_FRESH_MS = 600 * 1000, /* a sign-in so old may change authenticators */
    EID_CHALLENGE_BYTES = 32,
    EID_DESK_CODE_MS = 7 * 86400 * 1000
};

struct eid_follow;

struct eid_accounts {
    int64_t session_idle_ms, session_max_ms;
    char dummy_hash[NDC_PASSWORD_HASH_BYTES]; /* verified where there is no account */
    struct eid_follow *follow;                /* in the daemon only */
};

/* ---- account.c ---- */

/* What was typed as the texts that eid_login keeps: one, or two where a number may be a
 * phone's or an organisation's. In the arena. 0: it is no login at all. */
size_t eid_login_read(struct ndc_arena *arena, struct ndc_str typed,
                      struct ndc_str out[static 2]);
/* *out stays empty (a NULL account) if there is none. */
enum ndc_err eid_account_of_login(struct ndc_store_conn *conn, struct ndc_arena *arena,
                                  struct ndc_str typed, struct eid_account *out,
                                  struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err eid_account_of_entity(struct ndc_store_conn *conn, struct ndc_arena *arena,
                                   uint64_t entity, struct eid_account *out,
                                   struct ndc_fault *fault) NDC_MUST_USE;
/* NDC_ENOTFOUND: eid.account. */
enum ndc_err eid_account_row(struct ndc_store_conn *conn, struct ndc_arena *arena,
                             struct ndc_str account, struct eid_account *out,
                             struct ndc_fault *fault) NDC_MUST_USE;
/* In a write. Adds the logins that its number, phone and e-mail give. Faults: eid.exists.
 */
enum ndc_err eid_account_insert(struct ndc_store_conn *conn, const struct eid_account *a,
                                struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err eid_login_insert(struct ndc_store_conn *conn, struct ndc_str account,
                              const char *kind, struct ndc_str value,
                              struct ndc_fault *fault) NDC_MUST_USE;
/* In a write: another state, if it is `from` now (NULL: whatever it is); whoever leaves
 * `active` loses sessions and grants. *changed may be NULL. */
enum ndc_err eid_account_set_state(struct ndc_store_conn *conn, struct ndc_str account,
                                   const char *from, const char *state,
                                   struct ndc_str reason, bool *changed,
                                   struct ndc_fault *fault) NDC_MUST_USE;
/* In a write: all sessions of an account but one (`keep` NULL pointer: all), and what was
 * granted in them. */
enum ndc_err eid_sessions_end(struct ndc_store_conn *conn, struct ndc_str account,
                              struct ndc_str keep, struct ndc_fault *fault) NDC_MUST_USE;
/* In a write: ends grants: of an account and a client, or, with `client` NULL, of a
 * session's sid, or, with both NULL, all of the account's. */
enum ndc_err eid_grants_end(struct ndc_store_conn *conn, struct ndc_str account,
                            struct ndc_str client, struct ndc_str sid,
                            struct ndc_fault *fault) NDC_MUST_USE;
/* In a write: those of a session that do not outlive a sign-out (no offline_access). */
enum ndc_err eid_grants_sign_out(struct ndc_store_conn *conn, struct ndc_str sid,
                                 struct ndc_fault *fault) NDC_MUST_USE;
/* NDC_EDENIED eid.frozen, eid.ended: not active. */
enum ndc_err eid_account_check(const struct eid_account *a,
                               struct ndc_fault *fault) NDC_MUST_USE;
/* "••• 0123" */
struct ndc_str eid_number_masked(struct ndc_arena *arena, struct ndc_str number);
struct ndc_str eid_name_masked(struct ndc_arena *arena, struct ndc_str name);

/* ---- authenticator.c ---- */

struct eid_authenticator {
    int64_t number, counter, created_ms, used_ms;
    struct ndc_str kind, title, secret, data;
    struct ndc_str credential, public_key; /* of a passkey: base64url */
    struct ndc_str transports;             /* JSON array, or empty */
    bool confirmed;                        /* a TOTP secret that was shown to be had */
    bool cloned;      /* a passkey whose counter went back: it signs in no more */
    bool backup;      /* backup-eligible: synced between devices */
    bool desk;        /* a code that the desk gave: signs in alone, once */
    int64_t until_ms; /* of a desk's code */
};

struct eid_authenticators {
    struct eid_authenticator items[EID_AUTHENTICATORS_MAX];
    size_t n;
};

enum ndc_err eid_authenticators_read(struct ndc_store_conn *conn, struct ndc_arena *arena,
                                     struct ndc_str account,
                                     struct eid_authenticators *out,
                                     struct ndc_fault *fault) NDC_MUST_USE;
/* The first usable one of a kind, or NULL. */
const struct eid_authenticator *eid_authenticator_of(const struct eid_authenticators *all,
                                                     const char *kind);
/* Whether something besides the password is there to be shown. */
bool eid_has_second(const struct eid_authenticators *all);
/* In a write. Faults: eid.authenticators (too many). */
enum ndc_err eid_authenticator_insert(struct ndc_store_conn *conn, struct ndc_str account,
                                      const struct eid_authenticator *a, int64_t *number,
                                      struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err eid_authenticator_delete(struct ndc_store_conn *conn, struct ndc_str account,
                                      const char *kind, int64_t number,
                                      struct ndc_fault *fault) NDC_MUST_USE;
/* In a write: it was used now. */
enum ndc_err eid_authenticator_touch(struct ndc_store_conn *conn, struct ndc_str account,
                                     int64_t number,
                                     struct ndc_fault *fault) NDC_MUST_USE;
/* argon2id at the platform's cost. NDC_EINPUT password.…, NDC_EBUSY server.busy. */
enum ndc_err eid_password_hash(struct ndc_eid *eid, char out[NDC_PASSWORD_HASH_BYTES],
                               struct ndc_str password, struct ndc_str about,
                               struct ndc_fault *fault) NDC_MUST_USE;
/* The step whose code this is, 0: none. */
int64_t eid_totp_step(struct ndc_eid *eid, struct ndc_str account,
                      const struct eid_authenticator *totp, struct ndc_str code,
                      int64_t now_ms);
/* In a write: a step not older than the last counts once. False in *fresh otherwise. */
enum ndc_err eid_totp_use(struct ndc_store_conn *conn, struct ndc_str account,
                          int64_t number, int64_t step, bool *fresh,
                          struct ndc_fault *fault) NDC_MUST_USE;
/* The authenticator that holds this recovery code, and what is left of its codes. */
const struct eid_authenticator *eid_recovery_find(const struct eid_authenticators *all,
                                                  struct ndc_arena *arena,
                                                  struct ndc_str code,
                                                  struct ndc_str *left);
enum ndc_err eid_recovery_use(struct ndc_store_conn *conn, struct ndc_str account,
                              const struct eid_authenticator *a, struct ndc_str left,
                              bool *fresh, struct ndc_fault *fault) NDC_MUST_USE;

#endif

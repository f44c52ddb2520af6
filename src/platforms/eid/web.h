/* Accounts over HTTP: sessions, interactions, what handlers share. */
#ifndef NDC_EID_WEB_H
#define NDC_EID_WEB_H

#include "core/request.h"
#include "platforms/eid/accounts.h"

/* ---- session.c ---- */

/* A session that is about to be. */
struct eid_session_new {
    struct ndc_str account, acr, amr, address, agent;
    int64_t now_ms, max_ms;
    bool had_former; /* the browser's, which is replaced */
    uint8_t former[NDC_EID_HASH_BYTES], hash[NDC_EID_HASH_BYTES];
    char secret[NDC_TOKEN_BYTES];
    char fresh_sid[EID_SID_LEN + 1], sid[EID_SID_LEN + 1]; /* sid: set by the write */
};

void eid_session_prepare(struct ndc_request *req, struct eid_session_new *out,
                         struct ndc_str account, struct ndc_str acr, struct ndc_str amr);
/* In a write. Never goes on with a secret that was there before the sign-in; a session of
 * the same account keeps its sid (`s->sid` says which). */
enum ndc_err eid_session_put(struct ndc_store_conn *conn, struct eid_session_new *s,
                             struct ndc_fault *fault) NDC_MUST_USE;
/* Gives the browser the secret, and forgets it here. */
void eid_session_give(struct ndc_request *req, struct eid_session_new *s);
/* In a write: what was shown since raises the session. */
enum ndc_err eid_session_raise(struct ndc_store_conn *conn,
                               const struct eid_signed_in *by, struct ndc_str acr,
                               struct ndc_str amr, struct ndc_fault *fault) NDC_MUST_USE;

/* Session and account of a "me" route, or 401 eid.signed_out; makes the account the
 * request's principal. */
enum ndc_err eid_need_session(struct ndc_request *req, struct eid_signed_in *by,
                              struct eid_account *account,
                              struct ndc_fault *fault) NDC_MUST_USE;
/* The same for what changes authenticators: signed in just now, with all it takes. */
enum ndc_err eid_need_fresh(struct ndc_request *req, struct eid_signed_in *by,
                            struct eid_account *account,
                            struct ndc_fault *fault) NDC_MUST_USE;

/* ---- assurance ---- */

/* "urn:ndc:eid:1" to 3, by what was shown (RFC 8176, space-separated) and the level. */
struct ndc_str eid_acr(struct ndc_str amr, int level);
/* 0 of an empty or unknown one. */
int eid_acr_rank(struct ndc_str acr);
bool eid_amr_has(struct ndc_str amr, const char *value);
/* Both, each value once, in the arena. */
struct ndc_str eid_amr_join(struct ndc_arena *arena, struct ndc_str a, struct ndc_str b);

/* ---- interaction.c ---- */

struct eid_interaction {
    struct ndc_str id, kind, client, account, state;
    struct ndc_str ask, request; /* JSON */
    /* of `ask` */
    struct ndc_str next, acr, scopes, claims, purpose, login_hint, only_account;
    struct ndc_str details; /* JSON, or empty */
    bool ask_consent;
    int64_t expires_ms;
    /* of `passed` */
    struct ndc_str passed; /* as it is stored now */
    struct ndc_str amr, challenge, sid;
    int64_t challenge_ms;
    unsigned wrong;
};

/* Of this browser. NDC_ENOTFOUND: eid.interaction. */
enum ndc_err eid_interaction_read(struct ndc_request *req, struct ndc_str id,
                                  struct eid_interaction *out,
                                  struct ndc_fault *fault) NDC_MUST_USE;
/* What the members of `passed` say, as it is stored. */
struct ndc_str eid_interaction_passed(struct ndc_arena *arena,
                                      const struct eid_interaction *it);
/* In a write: from what `it` was when it was read to another state, account and `passed`
 * (JSON). NDC_ECONFLICT eid.interaction_changed: another request came between. */
enum ndc_err eid_interaction_move(struct ndc_store_conn *conn,
                                  const struct eid_interaction *it, struct ndc_str state,
                                  struct ndc_str account, struct ndc_str passed,
                                  struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err eid_interaction_answer(struct ndc_request *req, struct ndc_str id,
                                    struct ndc_fault *fault) NDC_MUST_USE;
/* Where the browser goes when it is done. */
struct ndc_str eid_interaction_location(struct ndc_arena *arena,
                                        const struct eid_interaction *it);

/* ---- consent.c ---- */

/* In a write. */
enum ndc_err eid_consent_put(struct ndc_store_conn *conn, struct ndc_eid *eid,
                             struct ndc_arena *arena, const struct eid_account *who,
                             const struct eid_interaction *it,
                             struct ndc_fault *fault) NDC_MUST_USE;

/* ---- audit.c ---- */

/* Records an act on an account: subjects are its entity and the account itself. */
void eid_audit(struct ndc_request *req, const char *action, const struct eid_account *a,
               struct ndc_str detail);
/* The account as the request's principal. */
void eid_act_as(struct ndc_request *req, const struct eid_account *a);
struct ndc_str eid_audit_subject(struct ndc_arena *arena, const struct eid_account *a);

/* ---- what handlers share (web.c) ---- */

enum ndc_err eid_conn(struct ndc_request *req, struct ndc_store_conn **conn,
                      struct ndc_fault *fault) NDC_MUST_USE;
/* NDC_EBUSY auth.throttled with Retry-After, before an attempt is looked at. */
enum ndc_err eid_throttle(struct ndc_request *req, const char *area, struct ndc_str key,
                          struct ndc_fault *fault) NDC_MUST_USE;
void eid_throttle_result(struct ndc_request *req, const char *area, struct ndc_str key,
                         bool right);
/* Base64url without padding (RFC 4648, section 5); false: it is none, or longer. */
struct ndc_str eid_base64url(struct ndc_arena *arena, const void *bytes, size_t len);
bool eid_base64url_read(struct ndc_arena *arena, struct ndc_str text, size_t bytes_max,
                        struct ndc_str *out);
/* The JSON text that was written into a buffer, in the arena; frees the buffer. */
struct ndc_str eid_json_take(struct ndc_arena *arena, struct ndc_buf *buf);
void eid_words(struct ndc_json *j, const char *key, struct ndc_str words);
struct ndc_str eid_text(struct ndc_str s); /* "" for a NULL pointer */

#endif

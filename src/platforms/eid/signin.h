/* Who is signed in in a browser, and asking a person: the two things that the OpenID
 * provider needs of accounts. */
#ifndef NDC_EID_SIGNIN_H
#define NDC_EID_SIGNIN_H

#include "platforms/eid/eid.h"

/* A session in a browser (session.c). Texts live in the request's arena. */
struct eid_signed_in {
    struct ndc_str account; /* NULL pointer: nobody */
    struct ndc_str sid;
    struct ndc_str acr; /* "urn:ndc:eid:1" | "urn:ndc:eid:2" | "urn:ndc:eid:3" */
    struct ndc_str amr; /* RFC 8176 values, space-separated */
    int64_t auth_ms;
};

/* The request's session by its cookie; nobody is not an error. */
enum ndc_err eid_signed_in(struct ndc_request *req, struct eid_signed_in *out,
                           struct ndc_fault *fault) NDC_MUST_USE;
/* Ends a session by its sid, and with `account` NULL whoever's it is. What was granted in
 * it is the caller's to end. */
enum ndc_err eid_session_end(struct ndc_eid *eid, struct ndc_str account,
                             struct ndc_str sid, struct ndc_fault *fault) NDC_MUST_USE;

/* What a person is to be asked. */
struct eid_ask {
    const char *kind; /* "authorize" or "device" */
    struct ndc_str client, client_name, client_uri, policy_uri, tos_uri, logo_uri;
    struct ndc_str scopes;     /* space-separated, all that were asked for */
    struct ndc_str claims;     /* the same of claims named one by one */
    struct ndc_str details;    /* JSON, a list: authorization_details (RFC 9396) */
    struct ndc_str purpose;    /* as the client has registered it */
    struct ndc_str acr;        /* the least that must be reached; empty: any */
    struct ndc_str login_hint; /* shown in the first field */
    struct ndc_str account;    /* only this one will do (id_token_hint); empty: any */
    int64_t auth_after_ms;  /* a session older than this does not do (max_age, login) */
    bool ask_consent;       /* again, although it was given */
    struct ndc_str request; /* JSON, given back at the end */
    struct ndc_str resume;  /* path to go to when done; "?interaction=ID" is added */
};

/* Keeps it, bound to the browser by a cookie, and gives its id. The caller sends the
 * browser to "/eid/sign-in?interaction=ID". */
enum ndc_err eid_interaction_begin(struct ndc_request *req, const struct eid_ask *ask,
                                   struct ndc_str *id,
                                   struct ndc_fault *fault) NDC_MUST_USE;

struct eid_answer {
    bool allowed;            /* signed in and consented; else the person refused */
    struct eid_signed_in by; /* the session that now is */
    struct ndc_str client, request;
};

/* Takes a finished interaction of this browser; it is gone then. NDC_ENOTFOUND
 * (eid.interaction) if there is none, it is another browser's, or it has not come to its
 * end: then nothing is taken. */
enum ndc_err eid_interaction_take(struct ndc_request *req, struct ndc_str id,
                                  const char *kind, struct eid_answer *out,
                                  struct ndc_fault *fault) NDC_MUST_USE;

/* Whether what is asked was consented to before (consent.c). */
enum ndc_err eid_consent_covers(struct ndc_eid *eid, struct ndc_str account,
                                struct ndc_str client, struct ndc_str scopes,
                                struct ndc_str claims, bool *covers,
                                struct ndc_fault *fault) NDC_MUST_USE;

/* What is known of an account (account.c). Texts live in the arena. */
struct eid_account {
    struct ndc_str account, kind, state, number, name, birth_date, phone, email;
    struct ndc_str guardian, user_name, proof;
    uint64_t entity;
    int level;
    int64_t created_ms, changed_ms;
};

/* NDC_ENOTFOUND: eid.account. */
enum ndc_err eid_account_read(struct ndc_eid *eid, struct ndc_arena *arena,
                              struct ndc_str account, struct eid_account *out,
                              struct ndc_fault *fault) NDC_MUST_USE;

#endif

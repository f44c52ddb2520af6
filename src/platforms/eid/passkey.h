/* Passkeys: between the routes and the WebAuthn procedures, which keep no state. */
#ifndef NDC_EID_PASSKEY_H
#define NDC_EID_PASSKEY_H

#include "platforms/eid/web.h"

/* A passkey that was shown, and what its use writes. */
struct eid_passkey_use {
    struct ndc_str account, data, data_before;
    int64_t number, counter, counter_before;
    bool backup; /* synced between devices */
    bool cloned; /* its counter went back */
};

/* 32 random bytes, base64url, in the arena. */
struct ndc_str eid_passkey_challenge(struct ndc_arena *arena);
/* Writes {"publicKey": PublicKeyCredentialRequestOptionsJSON}. With `login` given an
 * answer names credentials whether there is such an account or not. */
void eid_passkey_request_options(struct ndc_request *req, struct ndc_str challenge,
                                 const struct eid_authenticators *all,
                                 struct ndc_str login);
/* Checks an AuthenticationResponseJSON against the interaction's challenge; finds whose
 * it is. Faults: webauthn.…, auth.failed. */
enum ndc_err eid_passkey_assert(struct ndc_request *req, const struct eid_interaction *it,
                                struct json_object *credential,
                                struct eid_account *account,
                                struct eid_authenticators *all,
                                struct eid_passkey_use *use,
                                struct ndc_fault *fault) NDC_MUST_USE;
/* In a write: the new counter and flags, if the old ones are still there. */
enum ndc_err eid_passkey_used(struct ndc_store_conn *conn,
                              const struct eid_passkey_use *use,
                              struct ndc_fault *fault) NDC_MUST_USE;
/* Marks it: it signs in no more. */
enum ndc_err eid_passkey_cloned(struct ndc_eid *eid, const struct eid_passkey_use *use,
                                struct ndc_fault *fault) NDC_MUST_USE;

/* Writes {"publicKey": PublicKeyCredentialCreationOptionsJSON}. */
void eid_passkey_create_options(struct ndc_request *req, struct ndc_str challenge,
                                const struct eid_account *account,
                                const struct eid_authenticators *all);
/* Checks a RegistrationResponseJSON; what is to be kept, in the arena, and the
 * credential's name in eid_credential. */
enum ndc_err eid_passkey_register(struct ndc_request *req, struct ndc_str challenge,
                                  struct json_object *credential,
                                  struct eid_authenticator *out, struct ndc_str *name,
                                  struct ndc_fault *fault) NDC_MUST_USE;

#endif

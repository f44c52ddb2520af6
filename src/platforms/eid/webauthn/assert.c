/* 7.2, Verifying an Authentication Assertion. */
#include "platforms/eid/webauthn/internal.h"

#include <stdio.h>

static enum ndc_err check_signature(const struct ndc_webauthn_ceremony *c,
                                    const struct ndc_webauthn_credential *stored,
                                    struct ndc_str authenticator_data,
                                    const uint8_t hash[static WEBAUTHN_HASH_BYTES],
                                    struct ndc_str signature)
{
    char both[NDC_WEBAUTHN_AUTH_DATA_MAX + WEBAUTHN_HASH_BYTES];
    struct ndc_cose_key key;
    struct ndc_fault why = {0};
    enum ndc_err err = NDC_OK;
    memcpy(both, authenticator_data.ptr, authenticator_data.len);
    memcpy(both + authenticator_data.len, hash, WEBAUTHN_HASH_BYTES);
    if (ndc_cose_key_read(&key, stored->public_key, NDC_COSE_WEBAUTHN, &why))
        err = ndc_fail(c->fault, NDC_EINTERNAL, "webauthn.key",
                       "the stored key cannot be read: %s", why.message);
    else if (!ndc_cose_verify(
                 &key, ndc_str_n(both, authenticator_data.len + WEBAUTHN_HASH_BYTES),
                 signature, NDC_COSE_DER))
        err = ndc_webauthn_refuse(c, "webauthn.signature",
                                  "the signature is not one of the credential's key");
    ndc_cose_key_free(&key);
    return err;
}

static enum ndc_err check_counter(const struct ndc_webauthn_ceremony *c, uint32_t stored,
                                  uint32_t now)
{
    if ((stored == 0 && now == 0) || now > stored) return NDC_OK;
    return ndc_webauthn_refuse(c, "webauthn.counter",
                               "the authenticator has counted to %u before and says %u "
                               "now: it may have been copied",
                               stored, now);
}

enum ndc_err ndc_webauthn_assert(struct ndc_webauthn_asserted *out,
                                 const struct ndc_webauthn_rp *rp,
                                 const struct ndc_webauthn_credential *stored,
                                 struct ndc_str challenge, bool uv_required,
                                 struct ndc_str client_data,
                                 struct ndc_str authenticator_data,
                                 struct ndc_str signature, struct ndc_fault *fault)
{
    uint8_t hash[WEBAUTHN_HASH_BYTES];
    struct ndc_webauthn_auth auth;
    const struct ndc_webauthn_ceremony c = {
        .rp = rp, .challenge = challenge, .uv_required = uv_required, .fault = fault};
    *out = (struct ndc_webauthn_asserted){0};
    NDC_TRY(ndc_webauthn_client(hash, &c, client_data));
    enum ndc_err err = ndc_webauthn_auth_read(&auth, authenticator_data, fault);
    ndc_cose_key_free(&auth.key); /* 6.1: none may be in it */
    if (!err && auth.flags & WEBAUTHN_AT)
        err = ndc_fail(fault, NDC_EINPUT, "webauthn.auth_data",
                       "a credential stands in an assertion's authenticator data");
    if (!err) err = ndc_webauthn_auth_check(&auth, &c);
    bool eligible = !err && auth.flags & WEBAUTHN_BE;
    if (!err && eligible != stored->backup_eligible)
        err = ndc_webauthn_refuse(&c, "webauthn.backup",
                                  "whether the credential can be backed up has changed "
                                  "since it was registered");
    if (!err) err = check_signature(&c, stored, authenticator_data, hash, signature);
    if (!err) err = check_counter(&c, stored->counter, auth.counter);
    if (err) return err;
    *out = (struct ndc_webauthn_asserted){.counter = auth.counter,
                                          .user_verified = auth.flags & WEBAUTHN_UV,
                                          .backed_up = auth.flags & WEBAUTHN_BS,
                                          .extensions = auth.extensions};
    return NDC_OK;
}

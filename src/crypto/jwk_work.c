/* Contexts of a key that are used again. To make one costs OpenSSL allocations and
 * fetches under a shared lock, up to a tenth of an ES256 signature; a spare one costs two
 * atomic exchanges on a line that the thread mostly has for itself. They hold references
 * to the key and therefore belong to it, not to threads: a key that ends leaves nothing
 * of itself behind. */
#include "crypto/jwk_internal.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

static atomic_uint next_slot;
static _Thread_local unsigned my_slot; /* 1 and up; 0: none yet */

static unsigned first_slot(void)
{
    if (!my_slot) my_slot = atomic_fetch_add(&next_slot, 1) % NDC_JWK_SPARES + 1;
    return my_slot - 1;
}

static bool make_mac(struct ndc_jwk_work *w, const struct ndc_jwk *key)
{
    OSSL_PARAM params[2] = {OSSL_PARAM_construct_utf8_string(
                                OSSL_MAC_PARAM_DIGEST,
                                (char *)(uintptr_t)ndc_jose_hash_name(key->alg->hash), 0),
                            OSSL_PARAM_construct_end()};
    w->mac = EVP_MAC_CTX_new(ndc_jose_algorithms()->hmac);
    return w->mac && EVP_MAC_init(w->mac, key->secret, key->secret_len, params) == 1;
}

static bool set_padding(struct ndc_jwk_work *w, const struct ndc_jwk *key)
{
    const EVP_MD *md = ndc_jose_algorithms()->md[key->alg->hash];
    switch (key->alg->how) {
    case NDC_JWK_PKCS1:
        return EVP_PKEY_CTX_set_rsa_padding(w->op, RSA_PKCS1_PADDING) > 0 &&
               EVP_PKEY_CTX_set_signature_md(w->op, md) > 0;
    case NDC_JWK_PSS: /* MGF1 with the same hash, salt as long as it (RFC 7518, 3.5) */
        return EVP_PKEY_CTX_set_rsa_padding(w->op, RSA_PKCS1_PSS_PADDING) > 0 &&
               EVP_PKEY_CTX_set_signature_md(w->op, md) > 0 &&
               EVP_PKEY_CTX_set_rsa_mgf1_md(w->op, md) > 0 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(w->op, RSA_PSS_SALTLEN_DIGEST) > 0;
    case NDC_JWK_OAEP:
        return EVP_PKEY_CTX_set_rsa_padding(w->op, RSA_PKCS1_OAEP_PADDING) > 0 &&
               EVP_PKEY_CTX_set_rsa_oaep_md(w->op, md) > 0 &&
               EVP_PKEY_CTX_set_rsa_mgf1_md(w->op, md) > 0;
    default:
        return true;
    }
}

static bool make_op(struct ndc_jwk_work *w, const struct ndc_jwk *key,
                    enum ndc_jwk_side side)
{
    bool give = side == NDC_JWK_GIVE;
    int good = 0;
    w->op = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
    if (!w->op) return false;
    switch (key->alg->how) {
    case NDC_JWK_ECDH: /* encrypting makes a key pair like the recipient's */
        good = give ? EVP_PKEY_keygen_init(w->op) : EVP_PKEY_derive_init(w->op);
        break;
    case NDC_JWK_OAEP:
        good = give ? EVP_PKEY_encrypt_init(w->op) : EVP_PKEY_decrypt_init(w->op);
        break;
    default:
        good = give ? EVP_PKEY_sign_init(w->op) : EVP_PKEY_verify_init(w->op);
    }
    return good > 0 && set_padding(w, key);
}

static bool make_work(struct ndc_jwk_work *w, const struct ndc_jwk *key,
                      enum ndc_jwk_side side)
{
    w->md = EVP_MD_CTX_new();
    if (!w->md) return false;
    if (key->alg->how == NDC_JWK_HMAC) return make_mac(w, key);
    if (key->alg->how == NDC_JWK_EDDSA)
        return (side == NDC_JWK_GIVE
                    ? EVP_DigestSignInit(w->md, NULL, NULL, NULL, key->pkey)
                    : EVP_DigestVerifyInit(w->md, NULL, NULL, NULL, key->pkey)) == 1;
    return make_op(w, key, side);
}

void ndc_jwk_work_free(struct ndc_jwk_work *work)
{
    if (!work) return;
    EVP_PKEY_CTX_free(work->op);
    EVP_MD_CTX_free(work->md);
    EVP_MAC_CTX_free(work->mac);
    free(work);
}

struct ndc_jwk_work *ndc_jwk_work_take(const struct ndc_jwk *key, enum ndc_jwk_side side)
{
    unsigned first = first_slot();
    for (unsigned i = 0; i < NDC_JWK_SPARES; i++) {
        struct ndc_jwk_slot *slot = &key->pool->slot[side][(first + i) % NDC_JWK_SPARES];
        if (!atomic_load_explicit(&slot->work, memory_order_relaxed)) continue;
        struct ndc_jwk_work *work = atomic_exchange(&slot->work, NULL);
        if (work) return work;
    }
    struct ndc_jwk_work *work = ndc_xcalloc(1, sizeof(*work));
    if (make_work(work, key, side)) return work;
    ndc_jwk_work_free(work);
    ERR_clear_error();
    return NULL;
}

void ndc_jwk_work_put(const struct ndc_jwk *key, enum ndc_jwk_side side,
                      struct ndc_jwk_work *work)
{
    unsigned first = first_slot();
    for (unsigned i = 0; i < NDC_JWK_SPARES; i++) {
        struct ndc_jwk_slot *slot = &key->pool->slot[side][(first + i) % NDC_JWK_SPARES];
        struct ndc_jwk_work *none = NULL;
        if (atomic_compare_exchange_strong(&slot->work, &none, work)) return;
    }
    ndc_jwk_work_free(work);
}

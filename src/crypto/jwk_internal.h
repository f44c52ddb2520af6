/* What the JOSE files share: keys from inside, algorithms fetched once, strict JSON. */
#ifndef NDC_CRYPTO_JWK_INTERNAL_H
#define NDC_CRYPTO_JWK_INTERNAL_H

#include "base/arena.h"
#include "crypto/jwk.h"

#include <openssl/evp.h>
#include <stdatomic.h>

enum ndc_jwk_kty { NDC_JWK_EC, NDC_JWK_OKP, NDC_JWK_RSA, NDC_JWK_OCT };

enum ndc_jwk_how {
    NDC_JWK_ECDSA,
    NDC_JWK_EDDSA,
    NDC_JWK_PKCS1,
    NDC_JWK_PSS,
    NDC_JWK_HMAC, /* the last that signs */
    NDC_JWK_ECDH,
    NDC_JWK_OAEP,
    NDC_JWK_DIR,
    NDC_JWK_AESKW,
    NDC_JWK_GCMKW
};

enum ndc_jose_hash {
    NDC_JOSE_SHA1,
    NDC_JOSE_SHA256,
    NDC_JOSE_SHA384,
    NDC_JOSE_SHA512,
    NDC_JOSE_HASHES
};

struct ndc_jwk_alg {
    const char *name;
    enum ndc_jwk_kty kty; /* ECDH has OKP too */
    enum ndc_jwk_how how;
    enum ndc_jose_hash hash;
    unsigned key_bytes; /* HMAC: at least; key wrapping: of the wrapping key; else 0 */
    const char *crv;    /* of signatures on curves; NULL: any */
};

struct ndc_jwk_curve {
    const char *crv;
    enum ndc_jwk_kty kty;
    size_t bytes;       /* of a coordinate, and of d */
    const char *type;   /* OpenSSL's name of the key type */
    const char *group;  /* as OpenSSL reports it; NULL: none */
    const char *alg[2]; /* of a key that names none: for signing (or NULL), encryption */
};

/* Contexts that one operation of one key needs, made ready and used again. */
struct ndc_jwk_work {
    EVP_PKEY_CTX *op;
    EVP_MD_CTX *md;
    EVP_MAC_CTX *mac;
    bool used;
};

enum ndc_jwk_side { NDC_JWK_GIVE, NDC_JWK_TAKE }; /* sign, encrypt; verify, decrypt */

enum { NDC_JWK_SPARES = 8 };

struct ndc_jwk_slot {
    _Alignas(64) _Atomic(struct ndc_jwk_work *) work; /* a cache line for each */
};

/* A thread takes a spare context, or makes one, and puts it back: so as many as threads
 * use the key at once, and they end with the key. */
struct ndc_jwk_pool {
    struct ndc_jwk_slot slot[2][NDC_JWK_SPARES];
};

struct ndc_jwk {
    atomic_uint refs;
    const struct ndc_jwk_alg *alg;
    const struct ndc_jwk_curve *curve; /* of EC and OKP */
    EVP_PKEY *pkey;                    /* NULL of oct */
    uint8_t *secret;                   /* of oct */
    size_t secret_len;
    bool private;
    bool may[2]; /* by ndc_jwk_side: `key_ops` allows it */
    struct ndc_str kid;
    struct ndc_str head;      /* {"alg":"…","kid":"…" : how a JWS header begins */
    struct ndc_str public[2]; /* base64url: x, y; or n, e; empty of oct */
    char thumbprint[NDC_JWK_THUMBPRINT_TEXT];
    struct ndc_arena texts;
    struct ndc_jwk_pool *pool;
};

/* What is fetched from OpenSSL once, for fetching takes a lock. */
struct ndc_jose_algorithms {
    EVP_MD *md[NDC_JOSE_HASHES];
    EVP_MAC *hmac;
    EVP_CIPHER *gcm[3], *cbc[3], *wrap[3]; /* 128, 192, 256 bits */
};
const struct ndc_jose_algorithms *ndc_jose_algorithms(void);
size_t ndc_jose_hash_bytes(enum ndc_jose_hash hash);
const char *ndc_jose_hash_name(enum ndc_jose_hash hash);

const struct ndc_jwk_alg *ndc_jwk_alg_find(struct ndc_str name);
const struct ndc_jwk_curve *ndc_jwk_curve_find(struct ndc_str crv);
bool ndc_jwk_alg_fits(const struct ndc_jwk_alg *alg, enum ndc_jwk_kty kty,
                      const struct ndc_jwk_curve *curve);
/* Two words for the member "kty". */
const char *ndc_jwk_kty_name(enum ndc_jwk_kty kty);
static inline bool ndc_jwk_alg_signs(const struct ndc_jwk_alg *alg)
{
    return alg->how <= NDC_JWK_HMAC;
}

/* One JSON text as RFC 8259 has it, in which no object has a member twice and no string a
 * NUL. Faults: `code` with what is wrong, or `duplicate`. */
enum ndc_err ndc_jose_json(struct json_object **out, struct ndc_str text,
                           const char *code, const char *duplicate,
                           struct ndc_fault *fault) NDC_MUST_USE;

/* A key of an EVP_PKEY, which becomes the key's whether or not this succeeds; or of a
 * secret (pkey NULL). `kid` empty: none; `kid_is_thumbprint`: that. */
struct ndc_jwk_parts {
    const struct ndc_jwk_alg *alg;
    const struct ndc_jwk_curve *curve;
    EVP_PKEY *pkey;
    struct ndc_str secret, kid;
    bool private, may[2], kid_is_thumbprint;
};
struct ndc_jwk *ndc_jwk_new(const struct ndc_jwk_parts *parts);

/* The public numbers of a key on a curve, exact length; y is NULL of OKP. */
bool ndc_jwk_point(uint8_t *x, uint8_t *y, const EVP_PKEY *pkey,
                   const struct ndc_jwk_curve *curve);
/* An EVP_PKEY from its numbers; NULL: they make no key. `d` empty: public. */
EVP_PKEY *ndc_jwk_pkey_curve(const struct ndc_jwk_curve *curve, struct ndc_str x,
                             struct ndc_str y, struct ndc_str d);
enum { NDC_JWK_RSA_NUMBERS = 8 }; /* n, e; private: d, p, q, dp, dq, qi */
EVP_PKEY *ndc_jwk_pkey_rsa(const struct ndc_str numbers[static NDC_JWK_RSA_NUMBERS]);
extern const char *const ndc_jwk_rsa_members[NDC_JWK_RSA_NUMBERS];
/* OpenSSL's names of them. */
extern const char *const ndc_jwk_rsa_params[NDC_JWK_RSA_NUMBERS];
enum ndc_err ndc_jwk_rsa_check(struct ndc_str n, struct ndc_str e,
                               struct ndc_fault *fault) NDC_MUST_USE;

/* `unknown` tells a kind of key that is not known here from a broken one. */
enum ndc_err ndc_jwk_read_full(struct ndc_jwk **out, struct json_object *jwk,
                               const char *alg, bool public_only, bool *unknown,
                               struct ndc_fault *fault) NDC_MUST_USE;

struct ndc_jwk_work *ndc_jwk_work_take(const struct ndc_jwk *key, enum ndc_jwk_side side);
void ndc_jwk_work_put(const struct ndc_jwk *key, enum ndc_jwk_side side,
                      struct ndc_jwk_work *work);
void ndc_jwk_work_free(struct ndc_jwk_work *work); /* instead of putting it back */

#endif

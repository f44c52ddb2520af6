/* JSON Web Keys (RFC 7517, 7518 section 6, 8037 section 2) over OpenSSL.
 *
 * A key has one algorithm, fixed when it is made or read, and does nothing with another:
 * so a token cannot choose how it is checked (RFC 8725, 3.1). Algorithms:
 *
 *     ES256 ES384 ES512          EC P-256, P-384, P-521
 *     EdDSA                      OKP Ed25519; read as "Ed25519" too (RFC 9864)
 *     RS256/384/512 PS256/384/512  RSA of 2,048 to 8,192 bits, exponent odd and >= 65537
 *     HS256 HS384 HS512          oct, at least as long as the hash (RFC 7518, 3.2)
 *     ECDH-ES, +A128KW, +A256KW  EC P-256, P-384, P-521; OKP X25519
 *     RSA-OAEP RSA-OAEP-256      RSA
 *     dir A128KW A256KW A128GCMKW A256GCMKW  oct of the length it takes
 *
 * "none" and RSA1_5 do not exist here. A key without `alg` gets the caller's wish where
 * it fits, else: of EC and Ed25519 what the curve says, or for `use` "enc" and X25519
 * ECDH-ES; of RSA RS256, or for "enc" RSA-OAEP-256; of oct none (refused).
 *
 * What is checked: points lie on their curve (and on Ed25519 in the large subgroup),
 * coordinates have their exact length, numbers no leading zeros, the private part belongs
 * to the public one, no member twice. `use` and `key_ops` are kept to. `x5c`, `x5t`,
 * `x5u` are not looked at. Not done: RSA keys without p, q, dp, dq, qi, or with `oth`.
 *
 * Keys are immutable and counted; any thread may use one. Faults (NDC_EINPUT):
 * jwk.syntax, jwk.duplicate (a member), jwk.kty, jwk.algorithm, jwk.curve, jwk.rsa,
 * jwk.secret, jwk.private, jwk.use, jwk.kid; they name the member. */
#ifndef NDC_CRYPTO_JWK_H
#define NDC_CRYPTO_JWK_H

#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"

struct ndc_jwk;

enum {
    NDC_JWK_BYTES_MAX = 64 << 10, /* of a key's JSON text */
    NDC_JWK_KID_MAX = 256,
    NDC_JWK_THUMBPRINT_TEXT = 44,
    NDC_JWK_RSA_BITS_MIN = 2048,
    NDC_JWK_RSA_BITS_MAX = 8192,
    NDC_JWKS_BYTES_MAX = 512 << 10,
    NDC_JWKS_KEYS_MAX = 100
};

/* A new key for an algorithm; kid is its thumbprint. RSA has 2,048 bits; ECDH-ES is on
 * P-256, `dir` has 32 bytes. */
enum ndc_err ndc_jwk_generate(struct ndc_jwk **out, const char *alg,
                              struct ndc_fault *fault) NDC_MUST_USE;
/* The same on another curve ("X25519", "P-521" …; NULL: as above). */
enum ndc_err ndc_jwk_generate_on(struct ndc_jwk **out, const char *alg, const char *crv,
                                 struct ndc_fault *fault) NDC_MUST_USE;
/* A key of a secret's bytes, such as a client secret for HS256; copied. */
enum ndc_err ndc_jwk_secret(struct ndc_jwk **out, const char *alg, struct ndc_str kid,
                            struct ndc_str secret, struct ndc_fault *fault) NDC_MUST_USE;

/* Reads a JWK, public or private. From an object that is parsed already, members that
 * stood twice can no longer be seen; from text they are refused. */
enum ndc_err ndc_jwk_read(struct ndc_jwk **out, struct json_object *jwk,
                          struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_jwk_parse(struct ndc_jwk **out, struct ndc_str text,
                           struct ndc_fault *fault) NDC_MUST_USE;
/* Reads what must be a public key of the asymmetric kind: anything secret in it is
 * refused (jwk.private). `alg` is for a key that names none; NULL: as said above. */
enum ndc_err ndc_jwk_read_public(struct ndc_jwk **out, struct json_object *jwk,
                                 const char *alg, struct ndc_fault *fault) NDC_MUST_USE;

/* PEM: PKCS#8 without a pass phrase (or RSA's and EC's older form) or a
 * SubjectPublicKeyInfo. An empty kid: the thumbprint. Fault: jwk.pem and those above. */
enum ndc_err ndc_jwk_pem_read(struct ndc_jwk **out, const char *alg, struct ndc_str kid,
                              struct ndc_str pem, struct ndc_fault *fault) NDC_MUST_USE;
/* Appends PKCS#8 PEM, secret: wipe it. False: the key is public, or oct. */
bool ndc_jwk_pem_add(struct ndc_buf *out, const struct ndc_jwk *key) NDC_MUST_USE;

/* One object: kty, crv and the public members, kid, alg, use. Of an oct key that is no
 * secret: kty, kid, alg, use. */
void ndc_jwk_public_write(struct ndc_json *j, const struct ndc_jwk *key);
/* Appends the JSON text of a private or secret key, which the caller wipes; of a public
 * key the public text. */
void ndc_jwk_private_add(struct ndc_buf *out, const struct ndc_jwk *key);

const char *ndc_jwk_alg(const struct ndc_jwk *key);
/* Empty where the key has none. */
struct ndc_str ndc_jwk_kid(const struct ndc_jwk *key);
bool ndc_jwk_is_private(const struct ndc_jwk *key);     /* oct keys are */
bool ndc_jwk_is_for_signing(const struct ndc_jwk *key); /* else for encryption */
/* SHA-256 thumbprint in base64url, 43 characters and a 0 (RFC 7638; 8037, 2). */
void ndc_jwk_thumbprint(char out[NDC_JWK_THUMBPRINT_TEXT], const struct ndc_jwk *key);
/* Whether there is such an algorithm here, and whether it signs. */
bool ndc_jwk_alg_known(const char *alg, bool *signs);

struct ndc_jwk *ndc_jwk_ref(struct ndc_jwk *key);
void ndc_jwk_unref(struct ndc_jwk *key); /* NULL is fine; the last one wipes */

/* A set of public keys: another party's. Keys that are not understood or broken are left
 * out (RFC 7517, 5), unless none remains of those given: then the first one's fault is
 * the set's, its field "/keys/N/…". A private or secret key among them refuses the set
 * (jwk.private), for its owner must know. Faults too: jwks.syntax, jwks.too_many. */
struct ndc_jwks;

enum ndc_err ndc_jwks_parse(struct ndc_jwks **out, struct ndc_str text,
                            struct ndc_fault *fault) NDC_MUST_USE;
/* Keys without `alg` get `alg` where it fits them. */
enum ndc_err ndc_jwks_parse_as(struct ndc_jwks **out, struct ndc_str text,
                               const char *alg, struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_jwks_read(struct ndc_jwks **out, struct json_object *set,
                           const char *alg, struct ndc_fault *fault) NDC_MUST_USE;
size_t ndc_jwks_count(const struct ndc_jwks *set);
/* Owned by the set. */
struct ndc_jwk *ndc_jwks_at(const struct ndc_jwks *set, size_t i);
/* How many keys were left out, and why the first was (fault may be NULL). */
size_t ndc_jwks_skipped(const struct ndc_jwks *set, struct ndc_fault *fault);
/* The first key with this algorithm, and this kid unless it is empty; NULL: none. */
struct ndc_jwk *ndc_jwks_find(const struct ndc_jwks *set, const char *alg,
                              struct ndc_str kid);
struct ndc_jwks *ndc_jwks_ref(struct ndc_jwks *set);
void ndc_jwks_unref(struct ndc_jwks *set); /* NULL is fine */

#endif

/* Reading COSE keys, and which algorithm goes with which. A table says it once: kind of
 * key, curve, hash and scheme. */
#include "crypto/cose.h"

#include "crypto/cbor.h"
#include "crypto/cose_internal.h"

enum { OKP = 1, EC2 = 2, RSA_KEY = 3 };
enum { LABEL_TYPE = 1, LABEL_ALG = 3, LABEL_1 = -1, LABEL_2 = -2, LABEL_3 = -3 };
enum { RSA_BITS_MIN = 2048, RSA_BITS_MAX = 4096, EXPONENT_BYTES_MAX = 4 };
enum { ED25519 = 6, ED448 = 7, SECP256K1 = 8 };

static const struct ndc_cose_algorithm algorithms[] = {
    {NDC_COSE_ES256, EC2, 1, COSE_ECDSA, COSE_SHA256, "ES256"},
    {NDC_COSE_EDDSA, OKP, ED25519, COSE_EDDSA, COSE_NO_HASH, "EdDSA"},
    {NDC_COSE_ESP256, EC2, 1, COSE_ECDSA, COSE_SHA256, "ESP256"},
    {NDC_COSE_ED25519, OKP, ED25519, COSE_EDDSA, COSE_NO_HASH, "Ed25519"},
    {NDC_COSE_ES384, EC2, 2, COSE_ECDSA, COSE_SHA384, "ES384"},
    {NDC_COSE_ES512, EC2, 3, COSE_ECDSA, COSE_SHA512, "ES512"},
    {NDC_COSE_PS256, RSA_KEY, 0, COSE_PSS, COSE_SHA256, "PS256"},
    {NDC_COSE_PS384, RSA_KEY, 0, COSE_PSS, COSE_SHA384, "PS384"},
    {NDC_COSE_PS512, RSA_KEY, 0, COSE_PSS, COSE_SHA512, "PS512"},
    {NDC_COSE_ES256K, EC2, SECP256K1, COSE_ECDSA, COSE_SHA256, "ES256K"},
    {NDC_COSE_ESP384, EC2, 2, COSE_ECDSA, COSE_SHA384, "ESP384"},
    {NDC_COSE_ESP512, EC2, 3, COSE_ECDSA, COSE_SHA512, "ESP512"},
    {NDC_COSE_ED448, OKP, ED448, COSE_EDDSA, COSE_NO_HASH, "Ed448"},
    {NDC_COSE_RS256, RSA_KEY, 0, COSE_PKCS1, COSE_SHA256, "RS256"},
    {NDC_COSE_RS384, RSA_KEY, 0, COSE_PKCS1, COSE_SHA384, "RS384"},
    {NDC_COSE_RS512, RSA_KEY, 0, COSE_PKCS1, COSE_SHA512, "RS512"},
    {NDC_COSE_RS1, RSA_KEY, 0, COSE_PKCS1, COSE_SHA1, "RS1"},
};

const struct ndc_cose_algorithm *ndc_cose_algorithm(int64_t alg)
{
    for (size_t i = 0; i < NDC_ARRAY_LEN(algorithms); i++)
        if (algorithms[i].alg == alg) return &algorithms[i];
    return NULL;
}

const char *ndc_cose_alg_name(int64_t alg)
{
    const struct ndc_cose_algorithm *a = ndc_cose_algorithm(alg);
    return a ? a->name : NULL;
}

size_t ndc_cose_hash(uint8_t out[static NDC_COSE_HASH_MAX], int64_t alg,
                     struct ndc_str data)
{
    const struct ndc_cose_algorithm *a = ndc_cose_algorithm(alg);
    unsigned n = 0;
    if (!a || a->hash == COSE_NO_HASH) return 0;
    NDC_ASSERT(EVP_Digest(data.len ? data.ptr : "", data.len, out, &n,
                          ndc_cose_md(a->hash), NULL) == 1);
    return n;
}

/* The parameters as they stand, before it is known what kind of key they make. */
struct parameters {
    int64_t type, alg, curve;
    bool has_type, has_alg, has_curve;
    struct ndc_str first, second, third; /* -1, -2, -3 where they are byte strings */
};

static enum ndc_err bad(struct ndc_fault *fault, const char *what)
{
    return ndc_fail(fault, NDC_EINPUT, "cose.key", "the COSE key %s", what);
}

static bool read_string(struct ndc_str *into, struct ndc_str *in)
{
    return !into->ptr && ndc_cbor_bytes(into, in);
}

static bool read_number(int64_t *into, bool *has, struct ndc_str *in)
{
    if (*has) return false;
    *has = true;
    return ndc_cbor_int(into, in);
}

/* One pair. False: a parameter twice, of a wrong kind, or (WebAuthn) one too many. */
static bool read_parameter(struct parameters *p, struct ndc_str *in,
                           enum ndc_cose_form form)
{
    int64_t label = 0;
    struct ndc_str skipped;
    bool is_int = ndc_cbor_int(&label, in);
    if (!is_int && !ndc_cbor_whole(&skipped, in)) return false;
    if (is_int && label == LABEL_TYPE) return read_number(&p->type, &p->has_type, in);
    if (is_int && label == LABEL_ALG) return read_number(&p->alg, &p->has_alg, in);
    if (is_int && label == LABEL_1)
        return read_string(&p->first, in) || read_number(&p->curve, &p->has_curve, in);
    if (is_int && label == LABEL_2) return read_string(&p->second, in);
    if (is_int && label == LABEL_3) return read_string(&p->third, in);
    return form == NDC_COSE_ANY && ndc_cbor_whole(&skipped, in);
}

static enum ndc_err take_ec(struct ndc_cose_key *key, const struct parameters *p,
                            struct ndc_fault *fault)
{
    size_t bytes = p->has_curve && p->curve > 0 && p->curve <= SECP256K1
                       ? ndc_cose_curve_bytes(EC2, (int32_t)p->curve)
                       : 0;
    if (!bytes) return bad(fault, "is on no curve that is known here");
    if (p->first.ptr || p->second.len != bytes || p->third.len != bytes)
        return bad(fault, "has coordinates of another length than its curve's");
    key->curve = (int32_t)p->curve;
    key->x = p->second;
    key->y = p->third;
    key->pkey = ndc_cose_make_ec(key->curve, key->x, key->y);
    return NDC_OK;
}

static enum ndc_err take_okp(struct ndc_cose_key *key, const struct parameters *p,
                             struct ndc_fault *fault)
{
    size_t bytes = p->has_curve && p->curve > 0 && p->curve <= SECP256K1
                       ? ndc_cose_curve_bytes(OKP, (int32_t)p->curve)
                       : 0;
    if (!bytes) return bad(fault, "is on no curve that is known here");
    if (p->first.ptr || p->second.len != bytes || p->third.ptr)
        return bad(fault, "has another length than its curve's");
    key->curve = (int32_t)p->curve;
    key->x = p->second;
    key->pkey = ndc_cose_make_okp(key->curve, key->x);
    return NDC_OK;
}

/* RFC 8230, section 4: as few bytes as the numbers need. A large exponent costs whoever
 * checks; a small modulus costs nobody enough. */
static enum ndc_err take_rsa(struct ndc_cose_key *key, const struct parameters *p,
                             struct ndc_fault *fault)
{
    struct ndc_str n = p->first, e = p->second;
    if (p->has_curve || p->third.ptr || !n.len || !e.len)
        return bad(fault, "lacks its modulus or exponent, or has more than them");
    if (!n.ptr[0] || !e.ptr[0]) return bad(fault, "has numbers with zeros in front");
    size_t bits = n.len * 8 - (size_t)(__builtin_clz((unsigned char)n.ptr[0]) - 24);
    if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)
        return ndc_fail(fault, NDC_EINPUT, "cose.key",
                        "the RSA key has %zu bits, not %d to %d", bits, RSA_BITS_MIN,
                        RSA_BITS_MAX);
    bool odd = n.ptr[n.len - 1] & 1 && e.ptr[e.len - 1] & 1;
    if (!odd || e.len > EXPONENT_BYTES_MAX || (e.len == 1 && e.ptr[0] == 1))
        return bad(fault, "has no modulus or exponent that RSA could have");
    key->x = n;
    key->y = e;
    key->pkey = ndc_cose_make_rsa(n, e);
    return NDC_OK;
}

static enum ndc_err pin_alg(struct ndc_cose_key *key, const struct parameters *p,
                            enum ndc_cose_form form, struct ndc_fault *fault)
{
    if (!p->has_alg)
        return form == NDC_COSE_ANY ? NDC_OK : bad(fault, "does not say its algorithm");
    const struct ndc_cose_algorithm *a = ndc_cose_algorithm(p->alg);
    if (!a || a->hash == COSE_SHA1)
        return ndc_fail(fault, NDC_EINPUT, "cose.algorithm",
                        "the COSE algorithm %lld is not offered here", (long long)p->alg);
    if (a->type != key->type || a->curve != key->curve)
        return ndc_fail(fault, NDC_EINPUT, "cose.algorithm",
                        "the COSE key's kind or curve is not one of its algorithm, %s",
                        a->name);
    key->alg = a->alg;
    return NDC_OK;
}

static enum ndc_err take_numbers(struct ndc_cose_key *key, const struct parameters *p,
                                 struct ndc_fault *fault)
{
    if (!p->has_type) return bad(fault, "does not say of what kind it is");
    switch (p->type) {
    case OKP:
        return take_okp(key, p, fault);
    case EC2:
        return take_ec(key, p, fault);
    case RSA_KEY:
        return take_rsa(key, p, fault);
    default:
        return bad(fault, "is of no kind that signs here");
    }
}

enum ndc_err ndc_cose_key_read(struct ndc_cose_key *out, struct ndc_str in,
                               enum ndc_cose_form form, struct ndc_fault *fault)
{
    struct parameters p = {0};
    size_t len;
    uint64_t pairs;
    *out = (struct ndc_cose_key){0};
    enum ndc_cbor_fault why = ndc_cbor_check(
        &len, in, form == NDC_COSE_WEBAUTHN ? NDC_CBOR_CTAP2 : NDC_CBOR_ANY);
    if (why)
        return ndc_fail(fault, NDC_EINPUT, "cose.cbor", "the COSE key is refused: %s",
                        ndc_cbor_fault_text(why));
    struct ndc_str rest = out->bytes = ndc_str_n(in.ptr, len);
    if (!ndc_cbor_map(&pairs, &rest)) return bad(fault, "is no map of definite length");
    for (uint64_t i = 0; i < pairs; i++)
        if (!read_parameter(&p, &rest, form))
            return bad(fault, "has a parameter twice, of a wrong kind or one too many");
    out->type = (int32_t)NDC_MAX(NDC_MIN(p.type, 100), -100);
    NDC_TRY(take_numbers(out, &p, fault));
    NDC_TRY(pin_alg(out, &p, form, fault));
    if (!out->pkey)
        return ndc_fail(fault, NDC_EINPUT, "cose.point",
                        "the COSE key's point is not on its curve");
    return NDC_OK;
}

void ndc_cose_key_free(struct ndc_cose_key *key)
{
    EVP_PKEY_free(key->pkey);
    key->pkey = NULL;
}

bool ndc_cose_verify(const struct ndc_cose_key *key, struct ndc_str message,
                     struct ndc_str signature, enum ndc_cose_encoding encoding)
{
    const struct ndc_cose_algorithm *a = ndc_cose_algorithm(key->alg);
    return a && key->pkey &&
           ndc_cose_verify_pkey(key->pkey, a, message, signature, encoding);
}

bool ndc_cose_verify_as(const struct ndc_cose_key *key, int64_t alg,
                        struct ndc_str message, struct ndc_str signature,
                        enum ndc_cose_encoding encoding)
{
    const struct ndc_cose_algorithm *a = ndc_cose_algorithm(alg);
    if (!a || a->hash == COSE_SHA1 || !key->pkey) return false;
    if (key->alg && key->alg != alg) return false;
    return ndc_cose_verify_pkey(key->pkey, a, message, signature, encoding);
}

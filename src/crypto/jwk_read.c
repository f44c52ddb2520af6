/* Reading a JWK: what it is, what it may be used for, then its numbers. */
#include "crypto/jwk_internal.h"

#include "crypto/base64.h"
#include "crypto/token.h"

enum { NUMBER_MAX = NDC_JWK_RSA_BITS_MAX / 8 };

struct reading {
    struct json_object *jwk;
    bool public_only;
    bool *unknown;
    struct ndc_jwk_parts parts;
    enum ndc_jwk_kty kty;
    struct ndc_fault *fault;
};

static enum ndc_err bad(struct reading *r, const char *code, const char *member,
                        const char *why)
{
    return ndc_fail_at(r->fault, NDC_EINPUT, code, member, 0, "%s", why);
}

static enum ndc_err not_known(struct reading *r, const char *code, const char *member,
                              const char *why)
{
    *r->unknown = true;
    return bad(r, code, member, why);
}

/* A member that is a string where it is there; empty: it is not. */
static enum ndc_err text_member(struct reading *r, const char *name, struct ndc_str *out)
{
    struct json_object *member = ndc_json_get(r->jwk, name);
    *out = NDC_STR_NULL;
    if (!member && !json_object_object_get_ex(r->jwk, name, NULL)) return NDC_OK;
    if (!json_object_is_type(member, json_type_string))
        return bad(r, "jwk.syntax", name, "this member of a key must be a string");
    *out = ndc_json_get_str(r->jwk, name);
    return NDC_OK;
}

static enum ndc_err read_kty(struct reading *r)
{
    struct ndc_str kty, crv;
    NDC_TRY(text_member(r, "kty", &kty));
    NDC_TRY(text_member(r, "crv", &crv));
    if (!kty.len) return bad(r, "jwk.kty", "kty", "a key must say its kind in \"kty\"");
    for (r->kty = NDC_JWK_EC; r->kty <= NDC_JWK_OCT; r->kty++)
        if (ndc_str_eq_c(kty, ndc_jwk_kty_name(r->kty))) break;
    if (r->kty > NDC_JWK_OCT)
        return not_known(r, "jwk.kty", "kty", "the kind must be EC, OKP, RSA or oct");
    if (r->kty != NDC_JWK_EC && r->kty != NDC_JWK_OKP) return NDC_OK;
    r->parts.curve = ndc_jwk_curve_find(crv);
    if (!r->parts.curve || r->parts.curve->kty != r->kty)
        return not_known(r, "jwk.curve", "crv",
                         r->kty == NDC_JWK_EC
                             ? "the curve of an EC key must be P-256, P-384 or P-521"
                             : "the curve of an OKP key must be Ed25519 or X25519");
    return NDC_OK;
}

/* What a key that names no algorithm is for. */
static const struct ndc_jwk_alg *usual_alg(const struct reading *r, bool encrypts)
{
    const char *name = NULL;
    if (r->kty == NDC_JWK_RSA)
        name = encrypts ? "RSA-OAEP-256" : "RS256";
    else if (r->parts.curve)
        name = encrypts || !r->parts.curve->alg[0] ? r->parts.curve->alg[1]
                                                   : r->parts.curve->alg[0];
    return name ? ndc_jwk_alg_find(ndc_str(name)) : NULL;
}

static enum ndc_err read_alg(struct reading *r, const char *wish)
{
    struct ndc_str alg, use;
    const struct ndc_jwk_alg *a = NULL;
    NDC_TRY(text_member(r, "alg", &alg));
    NDC_TRY(text_member(r, "use", &use));
    bool sig = ndc_str_eq_c(use, "sig"), enc = ndc_str_eq_c(use, "enc");
    if (use.len && !sig && !enc)
        return not_known(r, "jwk.use", "use", "\"use\" must be \"sig\" or \"enc\"");
    if (alg.len) {
        a = ndc_jwk_alg_find(alg);
        if (!a)
            return not_known(r, "jwk.algorithm", "alg",
                             "this algorithm is not known here (\"none\" and RSA1_5 are "
                             "refused on purpose)");
    } else {
        if (wish) a = ndc_jwk_alg_find(ndc_str(wish));
        if (a && (!ndc_jwk_alg_fits(a, r->kty, r->parts.curve) ||
                  (use.len && ndc_jwk_alg_signs(a) != sig)))
            a = NULL;
        if (!a) a = usual_alg(r, enc);
        if (!a)
            return bad(r, "jwk.algorithm", "alg",
                       "this key must name its algorithm in \"alg\"");
    }
    if (!ndc_jwk_alg_fits(a, r->kty, r->parts.curve))
        return bad(r, "jwk.algorithm", "alg",
                   "the algorithm does not fit the kind of key or its curve");
    if (use.len && ndc_jwk_alg_signs(a) != sig)
        return bad(r, "jwk.use", "use", "\"use\" and \"alg\" contradict each other");
    r->parts.alg = a;
    return NDC_OK;
}

/* key_ops (RFC 7517, 4.3): a list that says nothing we know allows nothing. */
static enum ndc_err read_ops(struct reading *r)
{
    static const struct {
        const char *op;
        bool signs, give, take;
    } known[] = {{"sign", true, true, false},      {"verify", true, false, true},
                 {"encrypt", false, true, false},  {"decrypt", false, false, true},
                 {"wrapKey", false, true, false},  {"unwrapKey", false, false, true},
                 {"deriveKey", false, true, true}, {"deriveBits", false, true, true}};
    struct json_object *ops = NULL;
    bool given = json_object_object_get_ex(r->jwk, "key_ops", &ops);
    bool *may = r->parts.may, signs = ndc_jwk_alg_signs(r->parts.alg);
    unsigned seen = 0;
    may[NDC_JWK_GIVE] = may[NDC_JWK_TAKE] = !given;
    if (!given) return NDC_OK;
    if (!json_object_is_type(ops, json_type_array))
        return bad(r, "jwk.use", "key_ops", "\"key_ops\" must be a list of strings");
    for (size_t i = 0; i < json_object_array_length(ops); i++) {
        struct json_object *op = json_object_array_get_idx(ops, i);
        if (!json_object_is_type(op, json_type_string))
            return bad(r, "jwk.use", "key_ops", "\"key_ops\" must be a list of strings");
        for (unsigned k = 0; k < NDC_ARRAY_LEN(known); k++) {
            if (strcmp(known[k].op, json_object_get_string(op)) != 0) continue;
            if (seen & 1u << k)
                return bad(r, "jwk.use", "key_ops", "\"key_ops\" has a word twice");
            seen |= 1u << k;
            if (known[k].signs != signs) continue;
            may[NDC_JWK_GIVE] |= known[k].give;
            may[NDC_JWK_TAKE] |= known[k].take;
        }
    }
    if (!may[NDC_JWK_GIVE] && !may[NDC_JWK_TAKE])
        return bad(r, "jwk.use", "key_ops",
                   "\"key_ops\" allows nothing that the key's algorithm does");
    return NDC_OK;
}

static enum ndc_err read_kid(struct reading *r)
{
    NDC_TRY(text_member(r, "kid", &r->parts.kid));
    if (r->parts.kid.len > NDC_JWK_KID_MAX)
        return bad(r, "jwk.kid", "kid", "a key's name has at most 256 bytes");
    return NDC_OK;
}

/* Secrets may stand in any of these, whatever the kind says. */
static enum ndc_err refuse_private(struct reading *r)
{
    static const char *const members[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};
    for (size_t i = 0; i < NDC_ARRAY_LEN(members); i++)
        if (json_object_object_get_ex(r->jwk, members[i], NULL))
            return bad(r, "jwk.private", members[i],
                       "a public key is wanted, and this one holds a secret: send the "
                       "public members alone, and replace the key");
    if (r->kty == NDC_JWK_OCT)
        return bad(r, "jwk.private", "kty", "a public key is wanted, and oct has none");
    return NDC_OK;
}

/* A base64url member into out (NUMBER_MAX bytes); empty where it is not there. */
static enum ndc_err bytes_member(struct reading *r, const char *name, uint8_t *out,
                                 struct ndc_str *bytes)
{
    struct ndc_str text;
    size_t len = 0;
    NDC_TRY(text_member(r, name, &text));
    if (!ndc_base64url_read(out, NUMBER_MAX, &len, text) || (text.ptr && !len))
        return bad(r, "jwk.syntax", name,
                   "this member of a key must be base64url without padding, and no "
                   "longer than a key's number is");
    *bytes = ndc_str_n((char *)out, len);
    return NDC_OK;
}

static enum ndc_err read_curve_key(struct reading *r)
{
    uint8_t room[3][NUMBER_MAX];
    struct ndc_str x, y = NDC_STR_NULL, d;
    const struct ndc_jwk_curve *curve = r->parts.curve;
    bool ec = r->kty == NDC_JWK_EC;
    NDC_TRY(bytes_member(r, "x", room[0], &x));
    if (ec) NDC_TRY(bytes_member(r, "y", room[1], &y));
    NDC_TRY(bytes_member(r, "d", room[2], &d));
    if (x.len != curve->bytes)
        return bad(r, "jwk.curve", "x",
                   "a coordinate has the whole length of its curve, leading zeros too");
    if (ec && y.len != curve->bytes)
        return bad(r, "jwk.curve", "y",
                   "a coordinate has the whole length of its curve, leading zeros too");
    if (d.len && d.len != curve->bytes)
        return bad(r, "jwk.curve", "d", "the private number has another length");
    r->parts.private = d.len;
    r->parts.pkey = ndc_jwk_pkey_curve(curve, x, y, d);
    ndc_secret_wipe(room[2], sizeof(room[2]));
    if (!r->parts.pkey)
        return bad(r, "jwk.curve", d.len ? "d" : "x",
                   d.len ? "the private number does not belong to the point"
                         : "the point does not lie on the curve, or is a weak one");
    return NDC_OK;
}

static unsigned remainder_of(struct ndc_str n, unsigned p)
{
    unsigned r = 0;
    for (size_t i = 0; i < n.len; i++)
        r = (r << 8 | (unsigned char)n.ptr[i]) % p;
    return r;
}

/* Whether a smart card's faulty library made the modulus, so that it can be factored
 * (ROCA, CVE-2017-15361): then it is a power of 65537 modulo every one of these primes,
 * which of others one in 100 million is. */
static bool is_roca(struct ndc_str n)
{
    static const unsigned char primes[] = {11, 13, 17,  19,  37,  53,  61,  71, 73,
                                           79, 97, 103, 107, 109, 127, 151, 157};
    for (size_t i = 0; i < sizeof(primes); i++) {
        unsigned p = primes[i], want = remainder_of(n, p), power = 1;
        for (unsigned k = 0; k < p && power != want; k++)
            power = power * (65537 % p) % p;
        if (power != want) return false;
    }
    return true;
}

enum ndc_err ndc_jwk_rsa_check(struct ndc_str n, struct ndc_str e,
                               struct ndc_fault *fault)
{
    uint64_t exponent = 0;
    size_t bits = 0;
    if (n.len && e.len && n.ptr[0] && e.ptr[0] && e.len <= 8) {
        bits = n.len * 8;
        for (unsigned top = (unsigned char)n.ptr[0]; !(top & 0x80); top <<= 1)
            bits--;
        for (size_t i = 0; i < e.len; i++)
            exponent = exponent << 8 | (unsigned char)e.ptr[i];
    }
    if (bits < NDC_JWK_RSA_BITS_MIN || bits > NDC_JWK_RSA_BITS_MAX ||
        !(n.ptr[n.len - 1] & 1))
        return ndc_fail_at(fault, NDC_EINPUT, "jwk.rsa", "n", 0,
                           "an RSA modulus is odd and has %d to %d bits, without leading "
                           "zeros",
                           NDC_JWK_RSA_BITS_MIN, NDC_JWK_RSA_BITS_MAX);
    if (is_roca(n))
        return ndc_fail_at(fault, NDC_EINPUT, "jwk.rsa", "n", 0,
                           "this RSA key was made by a faulty library and can be broken "
                           "(ROCA): make another");
    if (exponent < 65537 || !(exponent & 1))
        return ndc_fail_at(fault, NDC_EINPUT, "jwk.rsa", "e", 0,
                           "an RSA exponent is odd, at least 65537 and at most 8 bytes");
    return NDC_OK;
}

static enum ndc_err read_rsa_key(struct reading *r)
{
    uint8_t room[NDC_JWK_RSA_NUMBERS][NUMBER_MAX];
    struct ndc_str numbers[NDC_JWK_RSA_NUMBERS] = {{0}};
    size_t given = 0;
    enum ndc_err err = NDC_OK;
    for (int i = 0; i < NDC_JWK_RSA_NUMBERS && !err; i++) {
        err = bytes_member(r, ndc_jwk_rsa_members[i], room[i], &numbers[i]);
        if (!err && i >= 2 && numbers[i].len) given++;
    }
    if (!err) err = ndc_jwk_rsa_check(numbers[0], numbers[1], r->fault);
    if (!err && given && given != NDC_JWK_RSA_NUMBERS - 2)
        err = bad(r, "jwk.rsa", "p", "a private RSA key has d, p, q, dp, dq and qi");
    if (!err && json_object_object_get_ex(r->jwk, "oth", NULL))
        err = bad(r, "jwk.rsa", "oth", "an RSA key of more than two primes");
    if (!err) {
        r->parts.private = given;
        r->parts.pkey = ndc_jwk_pkey_rsa(numbers);
        if (!r->parts.pkey)
            err = bad(r, "jwk.rsa", given ? "d" : "n",
                      "the numbers of this RSA key do not belong together");
    }
    ndc_secret_wipe(room, sizeof(room));
    return err;
}

static enum ndc_err read_secret(struct reading *r, struct ndc_jwk **out)
{
    uint8_t room[NUMBER_MAX];
    struct ndc_str secret = NDC_STR_NULL;
    enum ndc_err err = bytes_member(r, "k", room, &secret);
    if (!err)
        err = ndc_jwk_secret(out, r->parts.alg->name, r->parts.kid, secret, r->fault);
    if (!err) {
        (*out)->may[NDC_JWK_GIVE] = r->parts.may[NDC_JWK_GIVE];
        (*out)->may[NDC_JWK_TAKE] = r->parts.may[NDC_JWK_TAKE];
    }
    ndc_secret_wipe(room, sizeof(room));
    return err;
}

enum ndc_err ndc_jwk_read_full(struct ndc_jwk **out, struct json_object *jwk,
                               const char *alg, bool public_only, bool *unknown,
                               struct ndc_fault *fault)
{
    struct reading r = {.jwk = jwk, .unknown = unknown, .fault = fault};
    *out = NULL;
    *unknown = false;
    if (!json_object_is_type(jwk, json_type_object))
        return bad(&r, "jwk.syntax", "", "a key must be a JSON object");
    NDC_TRY(read_kty(&r));
    if (public_only) NDC_TRY(refuse_private(&r));
    NDC_TRY(read_alg(&r, alg));
    NDC_TRY(read_ops(&r));
    NDC_TRY(read_kid(&r));
    if (r.kty == NDC_JWK_OCT) return read_secret(&r, out);
    NDC_TRY(r.kty == NDC_JWK_RSA ? read_rsa_key(&r) : read_curve_key(&r));
    *out = ndc_jwk_new(&r.parts);
    return NDC_OK;
}

enum ndc_err ndc_jwk_read(struct ndc_jwk **out, struct json_object *jwk,
                          struct ndc_fault *fault)
{
    bool unknown;
    return ndc_jwk_read_full(out, jwk, NULL, false, &unknown, fault);
}

enum ndc_err ndc_jwk_read_public(struct ndc_jwk **out, struct json_object *jwk,
                                 const char *alg, struct ndc_fault *fault)
{
    bool unknown;
    return ndc_jwk_read_full(out, jwk, alg, true, &unknown, fault);
}

enum ndc_err ndc_jwk_parse(struct ndc_jwk **out, struct ndc_str text,
                           struct ndc_fault *fault)
{
    struct json_object *jwk;
    *out = NULL;
    if (text.len > NDC_JWK_BYTES_MAX)
        return ndc_fail(fault, NDC_ETOOBIG, "jwk.syntax",
                        "a key's text has at most %d bytes", NDC_JWK_BYTES_MAX);
    NDC_TRY(ndc_jose_json(&jwk, text, "jwk.syntax", "jwk.duplicate", fault));
    enum ndc_err err = ndc_jwk_read(out, jwk, fault);
    json_object_put(jwk);
    return err;
}

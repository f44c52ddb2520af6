/* Attestation statements (WebAuthn Level 3, section 8), each format with an authority of
 * our own: what is right is believed and anchored, and each thing that the format asks
 * for, wrong by itself, is refused with its reason though everything is well signed. */
#include "tests/hex.h"

#include "tests/eid/webauthn/soft.h"

#include "crypto/cbor.h"

#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <time.h>

#define ORIGIN "https://dinhdanh.example"

enum { BYTES_MAX = 1 << 16, TPM_RSA = 1, TPM_ECC = 0x23 };

static const struct ndc_str challenge = {"0123456789abcdef0123456789abcdef", 32};
static const struct ndc_str origin = {ORIGIN, sizeof(ORIGIN) - 1};
static struct soft_authority authority;
static struct ndc_anchors *anchors;
static int64_t now_s;

/* One registration: what is signed, then the statement, then the whole. */
struct ceremony {
    struct soft device;
    struct ndc_buf client, auth, statement, object;
    unsigned char hash[32];
    struct ndc_webauthn_rp rp;
};

static void begin(struct ceremony *c, int32_t alg)
{
    static const int32_t algs[] = {NDC_COSE_ES256, NDC_COSE_RS256, NDC_COSE_ES384};
    soft_make(&c->device, alg);
    ndc_buf_init(&c->client, BYTES_MAX);
    ndc_buf_init(&c->auth, BYTES_MAX);
    ndc_buf_init(&c->statement, BYTES_MAX);
    ndc_buf_init(&c->object, BYTES_MAX);
    soft_client_data(&c->client, "webauthn.create", challenge, ORIGIN, "");
    soft_auth_data(&c->auth, &c->device, "dinhdanh.example", SOFT_UP | SOFT_UV | SOFT_AT,
                   0);
    SHA256((unsigned char *)c->client.ptr, c->client.len, c->hash);
    c->rp = (struct ndc_webauthn_rp){.id = NDC_STR("dinhdanh.example"),
                                     .origins = &origin,
                                     .n_origins = 1,
                                     .algorithms = algs,
                                     .n_algorithms = NDC_ARRAY_LEN(algs)};
}

static void end(struct ceremony *c)
{
    soft_free(&c->device);
    ndc_buf_free(&c->client);
    ndc_buf_free(&c->auth);
    ndc_buf_free(&c->statement);
    ndc_buf_free(&c->object);
}

static struct ndc_str device_aaguid(const struct ceremony *c)
{
    return ndc_str_n(c->device.aaguid, sizeof(c->device.aaguid));
}

/* Registers with the statement; `why`: a piece of the reason for which it is refused, or
 * NULL: it is believed with `trust`. */
static void expect(struct ceremony *c, const char *format, enum ndc_webauthn_trust trust,
                   const char *why)
{
    struct ndc_webauthn_registered made;
    struct ndc_fault fault = {0};
    struct ndc_arena arena;
    ndc_arena_init(&arena, BYTES_MAX);
    ndc_buf_reset(&c->object);
    ndc_cbor_add_map(&c->object, 3);
    ndc_cbor_add_text(&c->object, NDC_STR("fmt"));
    ndc_cbor_add_text(&c->object, ndc_str(format));
    ndc_cbor_add_text(&c->object, NDC_STR("attStmt"));
    ndc_buf_add_str(&c->object, ndc_buf_str(&c->statement));
    ndc_cbor_add_text(&c->object, NDC_STR("authData"));
    ndc_cbor_add_bytes(&c->object, ndc_buf_str(&c->auth));
    enum ndc_err err = ndc_webauthn_register(
        &made, &arena, &c->rp, challenge, true, ndc_buf_str(&c->client),
        ndc_buf_str(&c->object), anchors, now_s, &fault);
    if (!why && err) fail_msg("%s: %s", format, fault.message);
    if (!why) assert_int_equal(made.trust, trust);
    if (!why) assert_str_eq(made.format, format);
    if (why && !err) fail_msg("%s is believed though: %s", format, why);
    if (why && !strstr(fault.message, why))
        fail_msg("%s: \"%s\", not \"%s\"", format, fault.message, why);
    ndc_arena_free(&arena);
}

static void add_chain(struct ndc_buf *out, const struct ndc_buf *der, size_t n)
{
    ndc_cbor_add_text(out, NDC_STR("x5c"));
    ndc_cbor_add_array(out, n);
    for (size_t i = 0; i < n; i++)
        ndc_cbor_add_bytes(out, ndc_buf_str(der));
}

/* {alg, sig, x5c}: packed and android-key. */
static void add_signed(struct ceremony *c, EVP_PKEY *key, int32_t alg,
                       const struct soft_certificate *certificate)
{
    struct ndc_buf sig, der;
    ndc_buf_init(&sig, BYTES_MAX);
    ndc_buf_init(&der, BYTES_MAX);
    ndc_buf_reset(&c->statement);
    soft_sign(&sig, key, alg, ndc_buf_str(&c->auth), ndc_buf_str(&c->client));
    ndc_cbor_add_map(&c->statement, certificate ? 3 : 2);
    ndc_cbor_add_text(&c->statement, NDC_STR("alg"));
    ndc_cbor_add_int(&c->statement, alg);
    ndc_cbor_add_text(&c->statement, NDC_STR("sig"));
    ndc_cbor_add_bytes(&c->statement, ndc_buf_str(&sig));
    if (certificate) {
        soft_certify(&der, &authority, certificate);
        add_chain(&c->statement, &der, 1);
    }
    ndc_buf_free(&sig);
    ndc_buf_free(&der);
}

static void test_packed(void **state)
{
    (void)state;
    struct ceremony c;
    begin(&c, NDC_COSE_ES256);
    EVP_PKEY *key = EVP_EC_gen("P-256"), *rsa = EVP_RSA_gen(2048);
    char aaguid[18] = "\x04\x10";
    memcpy(aaguid + 2, c.device.aaguid, 16);
    const struct ndc_str model = ndc_str_n(aaguid, sizeof(aaguid));
    const struct soft_certificate good = {
        .key = key,
        .country = "VN",
        .organisation = "Nhà máy",
        .unit = "Authenticator Attestation",
        .name = "Lô 1",
        .extensions = {{"1.3.6.1.4.1.45724.1.1.4", model, false}}};
    struct soft_certificate bad;
#define BAD(change, why)                               \
    do {                                               \
        bad = good;                                    \
        change;                                        \
        add_signed(&c, bad.key, NDC_COSE_ES256, &bad); \
        expect(&c, "packed", NDC_WEBAUTHN_NONE, why);  \
    } while (0)
    add_signed(&c, key, NDC_COSE_ES256, &good);
    expect(&c, "packed", NDC_WEBAUTHN_ANCHORED, NULL);
    bad = good;
    bad.extensions[0].oid = NULL; /* the model's number is optional */
    add_signed(&c, key, NDC_COSE_ES256, &bad);
    expect(&c, "packed", NDC_WEBAUTHN_ANCHORED, NULL);
    bad = good;
    bad.key = rsa;
    add_signed(&c, rsa, NDC_COSE_RS256, &bad);
    expect(&c, "packed", NDC_WEBAUTHN_ANCHORED, NULL);
    bad.key = rsa; /* SHA-1 is for no packed statement */
    add_signed(&c, rsa, NDC_COSE_RS1, &bad);
    expect(&c, "packed", NDC_WEBAUTHN_NONE, "did not sign");
    BAD(bad.version = 1,
        "version 3"); /* with extensions: refused by its reader or here */
    BAD(bad.country = NULL, "country");
    BAD(bad.country = "vn", "country");
    BAD(bad.organisation = NULL, "organisation");
    BAD(bad.unit = "Authenticator attestation", "Authenticator Attestation");
    BAD(bad.unit = NULL, "Authenticator Attestation");
    BAD(bad.name = NULL, "no name");
    BAD(bad.ca = 1, "authority");
    BAD(bad.ca = -1, "authority");
    BAD(bad.extensions[0].critical = true, "model");
    BAD(bad.extensions[0].value = ndc_str_n(aaguid + 2, 16), "model");
    BAD(bad.extensions[1] = bad.extensions[0], "model");
    aaguid[17] ^= 1;
    BAD((void)0, "model");
    aaguid[17] ^= 1;
#undef BAD
    EVP_PKEY_free(key);
    EVP_PKEY_free(rsa);
    end(&c);
}

static void test_packed_trust(void **state)
{
    (void)state;
    struct ceremony c;
    begin(&c, NDC_COSE_ES256);
    EVP_PKEY *key = EVP_EC_gen("P-256"), *rsa = EVP_RSA_gen(2048);
    const struct soft_certificate good = {.key = key,
                                          .country = "VN",
                                          .organisation = "Nhà máy",
                                          .unit = "Authenticator Attestation",
                                          .name = "Lô 1"};
    struct soft_certificate bad;
    /* An expired certificate is one of nobody. */
    bad = good;
    bad.expired = true;
    add_signed(&c, key, NDC_COSE_ES256, &bad);
    expect(&c, "packed", NDC_WEBAUTHN_BASIC, NULL);
    c.rp.trust_min = NDC_WEBAUTHN_ANCHORED;
    expect(&c, "packed", NDC_WEBAUTHN_NONE, "certificate has expired");
    c.rp.trust_min = NDC_WEBAUTHN_NONE;
    /* Its own key with a certificate of another, and the other way round. */
    add_signed(&c, c.device.key, NDC_COSE_ES256, &good);
    expect(&c, "packed", NDC_WEBAUTHN_NONE, "did not sign");
    add_signed(&c, key, NDC_COSE_ES256, NULL);
    expect(&c, "packed", NDC_WEBAUTHN_NONE, "did not sign");
    add_signed(&c, c.device.key, NDC_COSE_ES256, NULL);
    expect(&c, "packed", NDC_WEBAUTHN_SELF, NULL);
    c.rp.trust_min = NDC_WEBAUTHN_BASIC;
    expect(&c, "packed", NDC_WEBAUTHN_NONE, "\"self\", and \"basic\" is asked for");
    c.rp.trust_min = NDC_WEBAUTHN_NONE;
    add_signed(&c, rsa, NDC_COSE_RS256, NULL);
    expect(&c, "packed", NDC_WEBAUTHN_NONE, "alg is not the credential's");
    EVP_PKEY_free(key);
    EVP_PKEY_free(rsa);
    end(&c);
}

static void test_none_and_unknown(void **state)
{
    (void)state;
    struct ceremony c;
    begin(&c, NDC_COSE_ES256);
    ndc_cbor_add_map(&c.statement, 0);
    expect(&c, "none", NDC_WEBAUTHN_NONE, NULL);
    expect(&c, "packed", NDC_WEBAUTHN_NONE, "alg is missing");
    expect(&c, "None", NDC_WEBAUTHN_NONE, "not checked here");
    expect(&c, "android-safetynet", NDC_WEBAUTHN_NONE, "not checked here");
    c.rp.trust_min = NDC_WEBAUTHN_SELF;
    expect(&c, "none", NDC_WEBAUTHN_NONE, "\"none\", and \"self\" is asked for");
    add_signed(&c, c.device.key, NDC_COSE_ES256, NULL);
    expect(&c, "none", NDC_WEBAUTHN_NONE, "there is a statement");
    end(&c);
}

static void add_u2f(struct ceremony *c, EVP_PKEY *key, size_t certificates, int32_t alg)
{
    struct ndc_buf message, sig, der, point;
    ndc_buf_init(&message, BYTES_MAX);
    ndc_buf_init(&sig, BYTES_MAX);
    ndc_buf_init(&der, BYTES_MAX);
    ndc_buf_init(&point, BYTES_MAX);
    soft_public_key(&point, &c->device);
    ndc_buf_add_byte(&message, 0);
    ndc_buf_add(&message, c->auth.ptr, 32);
    ndc_buf_add(&message, c->hash, 32);
    ndc_buf_add(&message, c->device.id, sizeof(c->device.id));
    ndc_buf_add_byte(&message, 4);
    ndc_buf_add(&message, point.ptr + 10, 32); /* x, y in the COSE key of P-256 */
    ndc_buf_add(&message, point.ptr + 45, 32);
    soft_sign_message(&sig, key, alg, ndc_buf_str(&message));
    soft_certify(&der, &authority, &(struct soft_certificate){.key = key, .name = "U2F"});
    ndc_buf_reset(&c->statement);
    ndc_cbor_add_map(&c->statement, 2);
    ndc_cbor_add_text(&c->statement, NDC_STR("sig"));
    ndc_cbor_add_bytes(&c->statement, ndc_buf_str(&sig));
    add_chain(&c->statement, &der, certificates);
    ndc_buf_free(&message);
    ndc_buf_free(&sig);
    ndc_buf_free(&der);
    ndc_buf_free(&point);
}

static void test_u2f(void **state)
{
    (void)state;
    struct ceremony c;
    EVP_PKEY *key = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-384");
    begin(&c, NDC_COSE_ES256);
    add_u2f(&c, key, 1, NDC_COSE_ES256);
    expect(&c, "fido-u2f", NDC_WEBAUTHN_ANCHORED, NULL);
    add_u2f(&c, key, 2, NDC_COSE_ES256);
    expect(&c, "fido-u2f", NDC_WEBAUTHN_NONE, "not one certificate");
    add_u2f(&c, other, 1, NDC_COSE_ES256);
    expect(&c, "fido-u2f", NDC_WEBAUTHN_NONE, "no P-256 key");
    end(&c);
    begin(&c, NDC_COSE_ES384);
    add_u2f(&c, key, 1, NDC_COSE_ES256);
    expect(&c, "fido-u2f", NDC_WEBAUTHN_NONE, "not on P-256");
    end(&c);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
}

static void add_apple(struct ceremony *c, EVP_PKEY *key, int spoil)
{
    unsigned char value[38] = {0x30, 0x24, 0xa1, 0x22, 0x04, 0x20};
    struct ndc_buf message, der;
    ndc_buf_init(&message, BYTES_MAX);
    ndc_buf_init(&der, BYTES_MAX);
    ndc_buf_add_str(&message, ndc_buf_str(&c->auth));
    ndc_buf_add(&message, c->hash, 32);
    SHA256((unsigned char *)message.ptr, message.len, value + 6);
    if (spoil >= 0) value[spoil] ^= 1;
    soft_certify(&der, &authority,
                 &(struct soft_certificate){
                     .key = key,
                     .name = "a",
                     .extensions = {{"1.2.840.113635.100.8.2",
                                     ndc_str_n((char *)value, sizeof(value)), false}}});
    ndc_buf_reset(&c->statement);
    ndc_cbor_add_map(&c->statement, 1);
    add_chain(&c->statement, &der, 1);
    ndc_buf_free(&message);
    ndc_buf_free(&der);
}

static void test_apple(void **state)
{
    (void)state;
    struct ceremony c;
    EVP_PKEY *other = EVP_EC_gen("P-256");
    begin(&c, NDC_COSE_ES256);
    add_apple(&c, c.device.key, -1);
    expect(&c, "apple", NDC_WEBAUTHN_ANCHORED, NULL);
    add_apple(&c, other, -1);
    expect(&c, "apple", NDC_WEBAUTHN_NONE, "another key");
    for (int i = 0; i < 38; i += 5) {
        add_apple(&c, c.device.key, i);
        expect(&c, "apple", NDC_WEBAUTHN_NONE, "not of this ceremony");
    }
    EVP_PKEY_free(other);
    end(&c);
}

/* KeyDescription with the given lists. */
static void add_android(struct ceremony *c, EVP_PKEY *key, struct ndc_str software,
                        struct ndc_str tee, int spoil_challenge)
{
    struct ndc_buf body, der;
    ndc_buf_init(&body, BYTES_MAX);
    ndc_buf_init(&der, BYTES_MAX);
    ndc_buf_add(&body, "\x02\x01\x03\x0a\x01\x01\x02\x01\x04\x0a\x01\x01\x04\x20", 14);
    ndc_buf_add(&body, c->hash, 32);
    body.ptr[14] ^= (char)spoil_challenge;
    ndc_buf_add(&body, "\x04\x00\x30", 3);
    ndc_buf_add_byte(&body, (char)software.len);
    ndc_buf_add_str(&body, software);
    ndc_buf_add_byte(&body, 0x30);
    ndc_buf_add_byte(&body, (char)tee.len);
    ndc_buf_add_str(&body, tee);
    assert_true(body.len < 0x80);
    ndc_buf_add(&der, "\x30", 1);
    ndc_buf_add_byte(&der, (char)body.len);
    ndc_buf_add_str(&der, ndc_buf_str(&body));
    add_signed(c, c->device.key, NDC_COSE_ES256,
               &(struct soft_certificate){.key = key,
                                          .name = "Android",
                                          .ca = -1,
                                          .extensions = {{"1.3.6.1.4.1.11129.2.1.17",
                                                          ndc_buf_str(&der), false}}});
    ndc_buf_free(&body);
    ndc_buf_free(&der);
}

/* [1] SET { INTEGER }, [600] NULL, [702] INTEGER: their tags as DER has them. */
#define SIGN     "\xa1\x05\x31\x03\x02\x01\x02"
#define VERIFY   "\xa1\x05\x31\x03\x02\x01\x03"
#define BOTH     "\xa1\x08\x31\x06\x02\x01\x02\x02\x01\x03"
#define NOTHING  "\xa1\x02\x31\x00"
#define ALL_APPS "\xbf\x84\x58\x02\x05\x00"
#define MADE     "\xbf\x85\x3e\x03\x02\x01\x00"
#define IMPORTED "\xbf\x85\x3e\x03\x02\x01\x02"
#define OTHER    "\xa2\x03\x02\x01\x03"

static void test_android_key(void **state)
{
    (void)state;
    static const struct {
        struct ndc_str software, tee;
        bool tee_only;
        const char *why;
    } rows[] = {
        {NDC_STR(""), NDC_STR(SIGN MADE), false, NULL},
        {NDC_STR(""), NDC_STR(SIGN OTHER MADE), true, NULL},
        {NDC_STR(SIGN), NDC_STR(MADE), false, NULL},
        {NDC_STR(SIGN MADE), NDC_STR(""), false, NULL},
        {NDC_STR(SIGN MADE), NDC_STR(""), true, "generated"},
        {NDC_STR(SIGN), NDC_STR(MADE), true, "signing alone"},
        {NDC_STR(""), NDC_STR(""), false, "generated"},
        {NDC_STR(""), NDC_STR(SIGN), false, "generated"},
        {NDC_STR(""), NDC_STR(MADE), false, "signing alone"},
        {NDC_STR(""), NDC_STR(SIGN IMPORTED), false, "generated"},
        {NDC_STR(IMPORTED), NDC_STR(SIGN MADE), false, "generated"},
        {NDC_STR(IMPORTED), NDC_STR(SIGN MADE), true, NULL},
        {NDC_STR(""), NDC_STR(VERIFY MADE), false, "signing alone"},
        {NDC_STR(""), NDC_STR(BOTH MADE), false, "signing alone"},
        {NDC_STR(""), NDC_STR(NOTHING MADE), false, "signing alone"},
        {NDC_STR(VERIFY), NDC_STR(SIGN MADE), false, "signing alone"},
        {NDC_STR(ALL_APPS), NDC_STR(SIGN MADE), true, "all applications"},
        {NDC_STR(""), NDC_STR(SIGN ALL_APPS MADE), false, "all applications"},
        {NDC_STR("\x02\x01\x01"), NDC_STR(SIGN MADE), false, "does not describe"},
        {NDC_STR(""), NDC_STR("\xbf\x80\x01\x00" SIGN MADE), false, "does not describe"},
        {NDC_STR(""), NDC_STR("\xbf\xff\xff\xff\xff\x7f\x00"), false,
         "does not describe"},
        {NDC_STR(""), NDC_STR("\xa1\x80\x00\x00"), false, "does not describe"},
        {NDC_STR(""), NDC_STR("\xa1\x81\x01\x00"), false, "does not describe"},
        {NDC_STR(""), NDC_STR("\xa1\x7f"), false, "does not describe"},
    };
    struct ceremony c;
    EVP_PKEY *other = EVP_EC_gen("P-256");
    begin(&c, NDC_COSE_ES256);
    for (size_t i = 0; i < NDC_ARRAY_LEN(rows); i++) {
        c.rp.tee_only = rows[i].tee_only;
        add_android(&c, c.device.key, rows[i].software, rows[i].tee, 0);
        expect(&c, "android-key", NDC_WEBAUTHN_ANCHORED, rows[i].why);
    }
    c.rp.tee_only = false;
    add_android(&c, c.device.key, NDC_STR(""), NDC_STR(SIGN MADE), 1);
    expect(&c, "android-key", NDC_WEBAUTHN_NONE, "another ceremony");
    add_android(&c, other, NDC_STR(""), NDC_STR(SIGN MADE), 0);
    expect(&c, "android-key", NDC_WEBAUTHN_NONE, "did not sign");
    add_signed(&c, c.device.key, NDC_COSE_ES256,
               &(struct soft_certificate){.key = c.device.key, .name = "a", .ca = -1});
    expect(&c, "android-key", NDC_WEBAUTHN_NONE, "does not describe");
    EVP_PKEY_free(other);
    end(&c);
}

/* What a TPM says, for a test to change. */
struct tpm {
    EVP_PKEY *aik;
    int32_t alg;
    const char *ver;
    uint32_t magic;
    uint16_t type, name_alg;
    int spoil_key, spoil_extra, spoil_name, tail;
    struct soft_certificate certificate;
};

static void add_u16(struct ndc_buf *out, unsigned v)
{
    ndc_buf_add_byte(out, (char)(v >> 8));
    ndc_buf_add_byte(out, (char)v);
}

static void add_sized(struct ndc_buf *out, const void *bytes, size_t n)
{
    add_u16(out, (unsigned)n);
    ndc_buf_add(out, bytes, n);
}

static void add_public_area(struct ndc_buf *out, const struct ceremony *c,
                            const struct tpm *t)
{
    struct ndc_buf key;
    bool rsa = c->device.alg == NDC_COSE_RS256;
    ndc_buf_init(&key, BYTES_MAX);
    soft_public_key(&key, &c->device);
    add_u16(out, rsa ? TPM_RSA : TPM_ECC);
    add_u16(out, t->name_alg);
    ndc_buf_add(out, "\0\6\4\x72", 4);
    add_sized(out, "policy", 6);
    add_u16(out, 0x10); /* no symmetric cipher */
    if (rsa) {
        add_u16(out, 0x14); /* RSASSA with SHA-256 */
        add_u16(out, 0x0b);
        add_u16(out, 2048);
        ndc_buf_add(out, "\0\0\0\0", 4);
        add_sized(out, key.ptr + 11, 256); /* n in the COSE key */
    } else {
        add_u16(out, 0x10);
        add_u16(out, 3);
        add_u16(out, 0x10);
        add_sized(out, key.ptr + 10, 32);
        add_sized(out, key.ptr + 45, 32);
    }
    out->ptr[out->len - 1] ^= (char)t->spoil_key;
    ndc_buf_free(&key);
}

static void add_cert_info(struct ndc_buf *out, const struct ceremony *c,
                          const struct tpm *t, struct ndc_str public_area)
{
    struct ndc_buf message;
    unsigned char extra[32], name[2 + 32] = {0, 0x0b};
    bool sha1 = t->alg == NDC_COSE_RS1;
    ndc_buf_init(&message, BYTES_MAX);
    ndc_buf_add_str(&message, ndc_buf_str(&c->auth));
    ndc_buf_add(&message, c->hash, 32);
    if (sha1)
        SHA1((unsigned char *)message.ptr, message.len, extra);
    else
        SHA256((unsigned char *)message.ptr, message.len, extra);
    SHA256((const unsigned char *)public_area.ptr, public_area.len, name + 2);
    extra[0] ^= (unsigned char)t->spoil_extra;
    name[33] ^= (unsigned char)t->spoil_name;
    add_u16(out, t->magic >> 16);
    add_u16(out, t->magic & 0xffff);
    add_u16(out, t->type);
    add_sized(out, "signer", 6);
    add_sized(out, extra, sha1 ? 20 : 32);
    ndc_buf_add(out, "0123456789abcdefghijklmno", 17 + 8);
    add_sized(out, name, sizeof(name));
    add_sized(out, "qualified", 9);
    for (int i = 0; i < t->tail; i++)
        ndc_buf_add_byte(out, 0);
    ndc_buf_free(&message);
}

static void add_tpm(struct ceremony *c, const struct tpm *t)
{
    struct ndc_buf public_area, cert_info, sig, der;
    ndc_buf_init(&public_area, BYTES_MAX);
    ndc_buf_init(&cert_info, BYTES_MAX);
    ndc_buf_init(&sig, BYTES_MAX);
    ndc_buf_init(&der, BYTES_MAX);
    add_public_area(&public_area, c, t);
    add_cert_info(&cert_info, c, t, ndc_buf_str(&public_area));
    soft_sign_message(&sig, t->aik, t->alg, ndc_buf_str(&cert_info));
    soft_certify(&der, &authority, &t->certificate);
    ndc_buf_reset(&c->statement);
    ndc_cbor_add_map(&c->statement, 6);
    ndc_cbor_add_text(&c->statement, NDC_STR("alg"));
    ndc_cbor_add_int(&c->statement, t->alg);
    ndc_cbor_add_text(&c->statement, NDC_STR("sig"));
    ndc_cbor_add_bytes(&c->statement, ndc_buf_str(&sig));
    ndc_cbor_add_text(&c->statement, NDC_STR("ver"));
    ndc_cbor_add_text(&c->statement, ndc_str(t->ver));
    add_chain(&c->statement, &der, 1);
    ndc_cbor_add_text(&c->statement, NDC_STR("pubArea"));
    ndc_cbor_add_bytes(&c->statement, ndc_buf_str(&public_area));
    ndc_cbor_add_text(&c->statement, NDC_STR("certInfo"));
    ndc_cbor_add_bytes(&c->statement, ndc_buf_str(&cert_info));
    ndc_buf_free(&public_area);
    ndc_buf_free(&cert_info);
    ndc_buf_free(&sig);
    ndc_buf_free(&der);
}

/* Subject Alternative Name: one directory name of the given attributes of 2.23.133.2. */
#define RDN(last, text, n, n2, n4) \
    "\x31" n4 "\x30" n2 "\x06\x05\x67\x81\x05\x02" last "\x0c" n text
#define MAKER                   RDN("\x01", "id:4E444300", "\x0b", "\x14", "\x16")
#define MAKER_X                 RDN("\x01", "xx:4E444300", "\x0b", "\x14", "\x16")
#define MODEL                   RDN("\x02", "M", "\x01", "\x0a", "\x0c")
#define VERSION                 RDN("\x03", "V", "\x01", "\x0a", "\x0c")
#define SAN(n, n2, n4, content) "\x30" n4 "\xa4" n2 "\x30" n content

static struct tpm good_tpm(EVP_PKEY *aik, int32_t alg)
{
    return (struct tpm){
        .aik = aik,
        .alg = alg,
        .ver = "2.0",
        .magic = 0xff544347,
        .type = 0x8017,
        .name_alg = 0x0b,
        .certificate = {
            .key = aik,
            .extensions = {
                {"2.5.29.17", NDC_STR(SAN("\x34", "\x36", "\x38", MAKER MODEL VERSION)),
                 true},
                {"2.5.29.37", NDC_STR("\x30\x07\x06\x05\x67\x81\x05\x08\x03"), false}}}};
}

static void check_tpm(int32_t device_alg, int32_t alg)
{
    struct ceremony c;
    EVP_PKEY *aik = alg == NDC_COSE_ES256 ? EVP_EC_gen("P-256") : EVP_RSA_gen(2048);
    char aaguid[18] = "\x04\x10";
    struct tpm t;
    begin(&c, device_alg);
    memcpy(aaguid + 2, device_aaguid(&c).ptr, 16);
    t = good_tpm(aik, alg);
    add_tpm(&c, &t);
    expect(&c, "tpm", NDC_WEBAUTHN_ANCHORED, NULL);
#define BAD(change, why)                           \
    do {                                           \
        t = good_tpm(aik, alg);                    \
        change;                                    \
        add_tpm(&c, &t);                           \
        expect(&c, "tpm", NDC_WEBAUTHN_NONE, why); \
    } while (0)
    BAD(t.ver = "1.2", "2.0");
    BAD(t.magic ^= 1, "no TPM made");
    BAD(t.type = 0x8018, "certifies no key");
    BAD(t.spoil_key = 1, "not the credential's key");
    BAD(t.spoil_extra = 1, "hash of this ceremony");
    BAD(t.spoil_name = 1, "name is not of this key");
    BAD(t.name_alg = 0x0c, "name is not of this key");
    BAD(t.name_alg = 0, "name is not of this key");
    BAD(t.tail = 1, "not TPMS_ATTEST");
    BAD(t.certificate.version = 1, "version 3");
    BAD(t.certificate.name = "TPM", "has a subject");
    BAD(t.certificate.ca = 1, "authority");
    BAD(t.certificate.ca = -1, "authority");
    BAD(t.certificate.extensions[1].oid = NULL, "not for an AIK");
    BAD(t.certificate.extensions[1].value =
            NDC_STR("\x30\x07\x06\x05\x67\x81\x05\x08\x01"),
        "not for an AIK");
    BAD(t.certificate.extensions[0].value =
            NDC_STR(SAN("\x34", "\x36", "\x38", MAKER_X MODEL VERSION)),
        "maker");
    BAD(t.certificate.extensions[0].value =
            NDC_STR(SAN("\x1c", "\x1e", "\x20", MODEL VERSION)),
        "maker");
    BAD(t.certificate.extensions[0].value =
            NDC_STR(SAN("\x26", "\x28", "\x2a", MAKER VERSION)),
        "model");
    BAD(t.certificate.extensions[0].value =
            NDC_STR(SAN("\x26", "\x28", "\x2a", MAKER MODEL)),
        "version");
    const struct soft_extension model = {"1.3.6.1.4.1.45724.1.1.4",
                                         ndc_str_n(aaguid, sizeof(aaguid)), false};
    t = good_tpm(aik, alg);
    t.certificate.extensions[2] = model;
    add_tpm(&c, &t);
    expect(&c, "tpm", NDC_WEBAUTHN_ANCHORED, NULL);
    aaguid[5] ^= 1;
    BAD(t.certificate.extensions[2] = model, "another model");
    EVP_PKEY *other = EVP_EC_gen("P-256");
    BAD(t.certificate.key = other, "AIK did not sign");
    EVP_PKEY_free(other);
#undef BAD
    EVP_PKEY_free(aik);
    end(&c);
}

static void test_tpm(void **state)
{
    (void)state;
    check_tpm(NDC_COSE_ES256, NDC_COSE_ES256);
    check_tpm(NDC_COSE_RS256, NDC_COSE_RS256);
    check_tpm(NDC_COSE_RS256, NDC_COSE_RS1);
}

static void add_part(struct ndc_buf *out, const char *format, struct ndc_str statement)
{
    ndc_cbor_add_map(out, 2);
    ndc_cbor_add_text(out, NDC_STR("fmt"));
    ndc_cbor_add_text(out, ndc_str(format));
    ndc_cbor_add_text(out, NDC_STR("attStmt"));
    ndc_buf_add_str(out, statement);
}

static void test_compound(void **state)
{
    (void)state;
    struct ceremony c;
    struct ndc_buf self, apple;
    EVP_PKEY *other = EVP_EC_gen("P-256");
    begin(&c, NDC_COSE_ES256);
    ndc_buf_init(&self, BYTES_MAX);
    ndc_buf_init(&apple, BYTES_MAX);
    add_signed(&c, c.device.key, NDC_COSE_ES256, NULL);
    ndc_buf_add_str(&self, ndc_buf_str(&c.statement));
    add_apple(&c, c.device.key, -1);
    ndc_buf_add_str(&apple, ndc_buf_str(&c.statement));
#define PARTS(n, ...)                        \
    do {                                     \
        ndc_buf_reset(&c.statement);         \
        ndc_cbor_add_array(&c.statement, n); \
        __VA_ARGS__;                         \
    } while (0)
    PARTS(2, add_part(&c.statement, "packed", ndc_buf_str(&self));
          add_part(&c.statement, "apple", ndc_buf_str(&apple)));
    expect(&c, "compound", NDC_WEBAUTHN_ANCHORED, NULL);
    PARTS(1, add_part(&c.statement, "packed", ndc_buf_str(&self)));
    expect(&c, "compound", NDC_WEBAUTHN_NONE, "not 2 to 8");
    PARTS(2, add_part(&c.statement, "packed", ndc_buf_str(&self));
          add_part(&c.statement, "compound", ndc_buf_str(&self)));
    expect(&c, "compound", NDC_WEBAUTHN_NONE, "not checked here");
    add_apple(&c, other, -1);
    ndc_buf_reset(&apple);
    ndc_buf_add_str(&apple, ndc_buf_str(&c.statement));
    PARTS(2, add_part(&c.statement, "packed", ndc_buf_str(&self));
          add_part(&c.statement, "apple", ndc_buf_str(&apple)));
    expect(&c, "compound", NDC_WEBAUTHN_NONE, "another key");
#undef PARTS
    ndc_buf_free(&self);
    ndc_buf_free(&apple);
    EVP_PKEY_free(other);
    end(&c);
}

static void test_anchors(void **state)
{
    (void)state;
    struct ndc_anchors *a;
    struct ndc_fault fault = {0};
    assert_int_equal(ndc_anchors_count(anchors), 1);
    assert_int_equal(ndc_anchors_read(&a, NDC_STR(""), &fault), NDC_EINPUT);
    assert_string_equal(fault.code, "anchors.syntax");
    struct ndc_buf two;
    ndc_buf_init(&two, BYTES_MAX);
    ndc_buf_add_c(&two, "Words between them are passed over.\n");
    ndc_buf_add_str(&two, ndc_buf_str(&authority.pem));
    ndc_buf_add_str(&two, ndc_buf_str(&authority.pem));
    assert_int_equal(ndc_anchors_read(&a, ndc_buf_str(&two), NULL), NDC_OK);
    ndc_anchors_free(a);
    ndc_buf_add_c(&two, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    assert_int_equal(ndc_anchors_read(&a, ndc_buf_str(&two), NULL), NDC_EINPUT);
    assert_null(a);
    ndc_buf_free(&two);
}

static int make_authority(void **state)
{
    (void)state;
    now_s = (int64_t)time(NULL);
    soft_authority_make(&authority);
    return ndc_anchors_read(&anchors, ndc_buf_str(&authority.pem), NULL) ? -1 : 0;
}

static int free_authority(void **state)
{
    (void)state;
    soft_authority_free(&authority);
    ndc_anchors_free(anchors);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packed),
        cmocka_unit_test(test_packed_trust),
        cmocka_unit_test(test_none_and_unknown),
        cmocka_unit_test(test_u2f),
        cmocka_unit_test(test_apple),
        cmocka_unit_test(test_android_key),
        cmocka_unit_test(test_tpm),
        cmocka_unit_test(test_compound),
        cmocka_unit_test(test_anchors),
    };
    return cmocka_run_group_tests(tests, make_authority, free_authority);
}

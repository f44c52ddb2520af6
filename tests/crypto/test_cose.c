/* COSE keys and signatures: the examples that RFC 9052 prints in its appendix C (C.1.2
 * and C.2.1, keys of C.7.1), the COSE_Key that WebAuthn prints in 6.5.1.1, RFC 8032's
 * first Ed25519 vector, and keys that are not what they say. */
#include "tests/hex.h"

#include "crypto/cbor.h"
#include "crypto/cose.h"

#define P256_X "bac5b11cad8f99f9c72b05cf4b9e26d244dc189f745228255a219a86d6a09eff"
#define P256_Y "20138bf82dc1b6d562be0fa54ab7804a3a64b6d72ccfed6b6fb6ed28bbfc117e"
#define P521_X                                                                          \
    "0072992cb3ac08ecf3e5c63dedec0d51a8c1f79ef2f82f94f3c737bf5de7986671eac625fe8257bbd" \
    "0394644caaa3aaf8f27a4585fbbcad0f2457620085e5c8f42ad"
#define P521_Y                                                                          \
    "01dca6947bce88bc5790485ac97427342bc35f887d86d65a089377e247e60baa55e4e8501e2ada572" \
    "4ac51d6909008033ebc10ac999b9d7f5cc2519f3fe1ea1d9475"

static const char c12[] =
    "d8628440a054546869732069732074686520636f6e74656e742e828343a10126a1044231315840"
    "e2aeafd40d69d19dfe6e52077c5d7ff4e408282cbefb5d06cbf414af2e19d982ac45ac98b8544c908b45"
    "07"
    "de1e90b717c3d34816fe926a2b98f53afd2fa0f30a8344a1013823a104581e62696c626f2e6261676769"
    "6e"
    "7340686f626269746f6e2e6578616d706c65588400a2d28a7c2bdb1587877420f65adf7d0b9a06635dd1"
    "de"
    "64bb62974c863f0b160dd2163734034e6ac003b01e8705524c5c4ca479a952f0247ee8cb0b4fb7397ba0"
    "8d"
    "009e0c8bf482270cc5771aa143966e5a469a09f613488030c5b07ec6d722e3835adb5b2d8c44e95ffb13"
    "87"
    "7dd2582866883535de3bb03d01753f83ab87bb4f7a0297";
static const char c21[] = "d28443a10126a10442313154546869732069732074686520636f6e74656e74"
                          "2e58408eb33e4ca31d1c465a"
                          "b05aac34cc6b23d58fef5c083106c4d25a91aef0b0117e2af9a291aa32e14a"
                          "b834dc56ed2a223444547e01"
                          "f11d3b0916e5a4c345cacb36";

/* The bytes that RFC 9052, 4.4 signs. */
static struct ndc_str to_be_signed(const char *context, struct ndc_str body,
                                   const struct ndc_str *signer, struct ndc_str payload)
{
    struct ndc_buf out;
    ndc_buf_init(&out, 4096);
    ndc_cbor_add_array(&out, signer ? 5 : 4);
    ndc_cbor_add_text(&out, ndc_str(context));
    ndc_cbor_add_bytes(&out, body);
    if (signer) ndc_cbor_add_bytes(&out, *signer);
    ndc_cbor_add_bytes(&out, NDC_STR(""));
    ndc_cbor_add_bytes(&out, payload);
    struct ndc_str copy = copy_of(ndc_buf_str(&out));
    ndc_buf_free(&out);
    return copy;
}

static struct ndc_str array_of(struct ndc_str in, uint64_t tag, uint64_t n)
{
    struct ndc_cbor_item item;
    uint64_t count;
    if (tag) {
        assert_true(ndc_cbor_next(&item, &in));
        assert_true(item.kind == NDC_CBOR_TAG && item.value == tag);
    }
    assert_true(ndc_cbor_array(&count, &in));
    assert_int_equal(count, n);
    return in;
}

static void check_signed(const char *key_hex, int64_t alg, struct ndc_str message,
                         struct ndc_str signature)
{
    struct ndc_str bytes = unhex(key_hex);
    struct ndc_cose_key key;
    struct ndc_fault fault = {0};
    if (ndc_cose_key_read(&key, bytes, NDC_COSE_ANY, &fault))
        fail_msg("%s", fault.message);
    assert_int_equal(key.bytes.len, bytes.len);
    assert_true(ndc_cose_verify_as(&key, alg, message, signature, NDC_COSE_RAW));
    assert_false(ndc_cose_verify_as(&key, alg, message, signature, NDC_COSE_DER));
    assert_false(
        ndc_cose_verify(&key, message, signature, NDC_COSE_RAW)); /* says no alg */
    assert_false(
        ndc_cose_verify_as(&key, alg == NDC_COSE_ES256 ? NDC_COSE_ES512 : NDC_COSE_ES256,
                           message, signature, NDC_COSE_RAW));
    struct ndc_str other = copy_of(signature);
    for (size_t i = 0; i < other.len; i++) {
        ((char *)(uintptr_t)other.ptr)[i] ^= 1;
        assert_false(ndc_cose_verify_as(&key, alg, message, other, NDC_COSE_RAW));
        ((char *)(uintptr_t)other.ptr)[i] ^= 1;
    }
    drop(other);
    ndc_cose_key_free(&key);
    drop(bytes);
}

static const char p256_key[] = "a5010202423131200121"
                               "5820" P256_X "22"
                               "5820" P256_Y;
static const char p521_key[] = "a4010220032158"
                               "42" P521_X "225842" P521_Y;

static void test_rfc9052_sign1(void **state)
{
    (void)state;
    struct ndc_str whole = unhex(c21), in = array_of(whole, 18, 4), body, skipped,
                   payload = {0}, signature = {0};
    assert_true(ndc_cbor_bytes(&body, &in) && ndc_cbor_whole(&skipped, &in) &&
                ndc_cbor_bytes(&payload, &in) && ndc_cbor_bytes(&signature, &in));
    assert_str_eq(payload, "This is the content.");
    struct ndc_str message = to_be_signed("Signature1", body, NULL, payload);
    check_signed(p256_key, NDC_COSE_ES256, message, signature);
    drop(message);
    drop(whole);
}

static void test_rfc9052_sign(void **state)
{
    (void)state;
    struct ndc_str whole = unhex(c12), in = array_of(whole, 98, 4), body, skipped,
                   payload;
    assert_true(ndc_cbor_bytes(&body, &in) && ndc_cbor_whole(&skipped, &in) &&
                ndc_cbor_bytes(&payload, &in));
    in = array_of(in, 0, 2);
    for (int i = 0; i < 2; i++) {
        struct ndc_str protected, signature = {0};
        in = array_of(in, 0, 3);
        assert_true(ndc_cbor_bytes(&protected, &in) && ndc_cbor_whole(&skipped, &in) &&
                    ndc_cbor_bytes(&signature, &in));
        struct ndc_str message = to_be_signed("Signature", body, &protected, payload);
        check_signed(i ? p521_key : p256_key, i ? NDC_COSE_ES512 : NDC_COSE_ES256,
                     message, signature);
        drop(message);
    }
    assert_int_equal(in.len, 0);
    drop(whole);
}

/* RFC 8032, 7.1, the second vector, as a COSE key pinned to EdDSA. */
static void test_eddsa(void **state)
{
    (void)state;
    struct ndc_str bytes =
        unhex("a4010103272006215820"
              "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f1"
              "2af4660c");
    struct ndc_str signature =
        unhex("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085a"
              "c1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
    struct ndc_cose_key key;
    assert_int_equal(ndc_cose_key_read(&key, bytes, NDC_COSE_WEBAUTHN, NULL), NDC_OK);
    assert_int_equal(key.alg, NDC_COSE_EDDSA);
    assert_true(ndc_cose_verify(&key, NDC_STR("\x72"), signature, NDC_COSE_DER));
    assert_false(ndc_cose_verify(&key, NDC_STR("\x73"), signature, NDC_COSE_DER));
    assert_false(ndc_cose_verify_as(&key, NDC_COSE_ED25519, NDC_STR("\x72"), signature,
                                    NDC_COSE_DER)); /* pinned to another name */
    ndc_cose_key_free(&key);
    drop(bytes);
    drop(signature);
}

#define WA_X "65eda5a12577c2bae829437fe338701a10aaa375e1bb5b5de108de439c08551d"
#define WA_Y "1e52ed75701163f7f9e40ddf9f341b3dc9ba860af7e0ca7ca7e9eecd0084d19c"
#define N16  "c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3"
#define N128 N16 N16 N16 N16 N16 N16 N16 N16
#define N256 N128 N128

static const struct {
    const char *what, *hex, *code; /* NULL: taken */
} keys[] = {
    {"WebAuthn's example", "a5010203262001215820" WA_X "225820" WA_Y, NULL},
    {"and what follows it is not looked at",
     "a5010203262001215820" WA_X "225820" WA_Y "ff", NULL},
    {"RSA of 2048 bits", "a401030339010020590100" N256 "2143010001", NULL},
    {"alg missing",
     "a40102200121"
     "5820" WA_X "225820" WA_Y,
     "cose.key"},
    {"kty missing", "a403262001215820" WA_X "225820" WA_Y, "cose.key"},
    {"keys out of order", "a5032601022001215820" WA_X "225820" WA_Y, "cose.cbor"},
    {"a key twice", "a60102032603262001215820" WA_X "225820" WA_Y, "cose.cbor"},
    {"indefinite length", "bf010203262001215820" WA_X "225820" WA_Y "ff", "cose.cbor"},
    {"a longer head", "a501180203262001215820" WA_X "225820" WA_Y, "cose.cbor"},
    {"one parameter too many",
     "a60102024131"
     "03262001215820" WA_X "225820" WA_Y,
     "cose.key"},
    {"a text for a label",
     "a6010203262001215820" WA_X "225820" WA_Y "6161"
     "00",
     "cose.key"},
    {"y one bit off",
     "a5010203262001215820" WA_X
     "2258201e52ed75701163f7f9e40ddf9f341b3dc9ba860af7e0ca7ca7e9eecd0084d19d",
     "cose.point"},
    {"the point at nowhere",
     "a5010203262001215820"
     "0000000000000000000000000000000000000000000000000000000000000000"
     "225820"
     "0000000000000000000000000000000000000000000000000000000000000000",
     "cose.point"},
    {"x over the field",
     "a5010203262001215820"
     "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
     "225820" WA_Y,
     "cose.point"},
    {"x of 31 bytes",
     "a501020326200121581f"
     "eda5a12577c2bae829437fe338701a10aaa375e1bb5b5de108de439c08551d"
     "225820" WA_Y,
     "cose.key"},
    {"y as a sign (compressed)", "a5010203262001215820" WA_X "22f5", "cose.key"},
    {"P-384 said, P-256 given", "a5010203262002215820" WA_X "225820" WA_Y, "cose.key"},
    {"ES384 with P-256", "a501020338222001215820" WA_X "225820" WA_Y, "cose.algorithm"},
    {"EdDSA with P-256", "a5010203272001215820" WA_X "225820" WA_Y, "cose.algorithm"},
    {"HMAC, 5", "a5010203052001215820" WA_X "225820" WA_Y, "cose.algorithm"},
    {"RS1", "a401030339fffe20590100" N256 "2143010001", "cose.algorithm"},
    {"RS256 with an EC key", "a50102033901002001215820" WA_X "225820" WA_Y,
     "cose.algorithm"},
    {"a symmetric key",
     "a3010403052041"
     "00",
     "cose.key"},
    {"X25519", "a4010103272004215820" WA_X, "cose.key"},
    {"Ed25519 of order 1",
     "a40101032720062158200100000000000000000000000000000000000000"
     "000000000000000000000000",
     "cose.point"},
    {"Ed25519, a spelling over the field",
     "a4010103272006215820eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7"
     "f",
     "cose.point"},
    {"RSA of 1024 bits", "a4010303390100205880" N128 "2143010001", "cose.key"},
    {"RSA with a zero in front", "a40103033901002059010100" N256 "2143010001",
     "cose.key"},
    {"RSA, e = 1",
     "a401030339010020590100" N256 "2141"
     "01",
     "cose.key"},
    {"RSA, e even", "a401030339010020590100" N256 "2143010000", "cose.key"},
    {"RSA, e of 8 bytes",
     "a401030339010020590100" N256 "2148"
     "0100000000000001",
     "cose.key"},
    {"no map", "83010203", "cose.key"},
    {"nothing", "", "cose.cbor"},
    {"cut", "a5010203262001215820" WA_X "22", "cose.cbor"},
};

static void test_keys(void **state)
{
    (void)state;
    for (size_t i = 0; i < NDC_ARRAY_LEN(keys); i++) {
        struct ndc_str bytes = unhex(keys[i].hex);
        struct ndc_cose_key key;
        struct ndc_fault fault = {0};
        enum ndc_err err = ndc_cose_key_read(&key, bytes, NDC_COSE_WEBAUTHN, &fault);
        if (strcmp(fault.code, keys[i].code ? keys[i].code : "") != 0)
            fail_msg("%s: \"%s\" %s", keys[i].what, fault.code, fault.message);
        assert_int_equal(err, keys[i].code ? NDC_EINPUT : NDC_OK);
        ndc_cose_key_free(&key);
        drop(bytes);
    }
}

static void test_hashes(void **state)
{
    (void)state;
    uint8_t out[NDC_COSE_HASH_MAX];
    struct ndc_str want =
        unhex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(ndc_cose_hash(out, NDC_COSE_ES256, NDC_STR("abc")), 32);
    assert_memory_equal(out, want.ptr, 32);
    assert_int_equal(ndc_cose_hash(out, NDC_COSE_PS384, NDC_STR("abc")), 48);
    assert_int_equal(ndc_cose_hash(out, NDC_COSE_RS1, NDC_STR("abc")), 20);
    assert_int_equal(ndc_cose_hash(out, NDC_COSE_EDDSA, NDC_STR("abc")), 0);
    assert_int_equal(ndc_cose_hash(out, 5, NDC_STR("abc")), 0);
    assert_string_equal(ndc_cose_alg_name(-47), "ES256K");
    assert_null(ndc_cose_alg_name(0));
    drop(want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc9052_sign1), cmocka_unit_test(test_rfc9052_sign),
        cmocka_unit_test(test_eddsa), cmocka_unit_test(test_keys),
        cmocka_unit_test(test_hashes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Ed25519 keys in files, and the first vectors of RFC 8032 section 7.1. */
#include "tests/test.h"

#include "crypto/sign.h"
#include "sys/file.h"

#include <sys/stat.h>
#include <unistd.h>

static void unhex(uint8_t *out, const char *hex)
{
    for (size_t i = 0; hex[2 * i]; i++)
        out[i] = (uint8_t)strtol((char[]){hex[2 * i], hex[2 * i + 1], 0}, NULL, 16);
}

static void test_rfc8032(void **state)
{
    (void)state;
    static const struct {
        const char *public, *signature, *message;
    } vectors[] = {{"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
                    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8"
                    "821590a33bacc6"
                    "1e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
                    ""},
                   {"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
                    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085a"
                    "c1e43e15996e45"
                    "8f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
                    "\x72"}};
    for (size_t i = 0; i < NDC_ARRAY_LEN(vectors); i++) {
        uint8_t public[32], back[32], signature[64];
        unhex(public, vectors[i].public);
        unhex(signature, vectors[i].signature);
        struct ndc_sign_key *key = ndc_sign_public_raw(public);
        struct ndc_str sig = ndc_str_n((char *)signature, 64);
        assert_true(ndc_sign_verify(key, ndc_str(vectors[i].message), sig));
        assert_false(ndc_sign_verify(key, NDC_STR("other"), sig));
        ndc_sign_key_public(back, key);
        assert_memory_equal(back, public, 32);
        signature[3] ^= 1;
        assert_false(ndc_sign_verify(key, ndc_str(vectors[i].message), sig));
        assert_false(ndc_sign_verify(key, ndc_str(vectors[i].message),
                                     ndc_str_n((char *)signature, 63)));
        ndc_sign_key_free(key);
    }
}

static void test_key_file(void **state)
{
    (void)state;
    char dir[] = "/tmp/ndc-sign-XXXXXX", path[64], pub[80];
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/audit.key", dir);
    snprintf(pub, sizeof(pub), "%s.pub", path);
    struct ndc_fault fault = {0};
    struct ndc_sign_key *made, *again, *public;
    assert_int_equal(ndc_sign_key_open(&made, path, &fault), NDC_OK);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(ndc_sign_key_open(&again, path, &fault), NDC_OK);
    assert_int_equal(ndc_sign_public_load(&public, pub, &fault), NDC_OK);

    uint8_t signature[64], id[32], id2[32];
    ndc_sign(signature, made, NDC_STR("head"));
    struct ndc_str sig = ndc_str_n((char *)signature, 64);
    assert_true(ndc_sign_verify(again, NDC_STR("head"), sig));
    assert_true(ndc_sign_verify(public, NDC_STR("head"), sig));
    ndc_sign_key_id(id, made);
    ndc_sign_key_id(id2, public);
    assert_memory_equal(id, id2, 32);
    ndc_sign_key_free(made);
    ndc_sign_key_free(again);
    ndc_sign_key_free(public);

    /* A damaged key is refused and left as it is; a public key is not a private one. */
    assert_int_equal(ndc_file_write(path, NDC_STR("garbage"), 0600, &fault), NDC_OK);
    assert_int_equal(ndc_sign_key_open(&made, path, &fault), NDC_EINPUT);
    assert_string_equal(fault.code, "key.format");
    fault = (struct ndc_fault){0};
    assert_int_equal(ndc_sign_key_open(&made, pub, &fault), NDC_EINPUT);
    fault = (struct ndc_fault){0};
    assert_int_equal(ndc_sign_public_parse(&public, NDC_STR(""), &fault), NDC_EINPUT);
    fault = (struct ndc_fault){0};
    assert_int_equal(ndc_file_remove_tree(dir, &fault), NDC_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rfc8032),
                                       cmocka_unit_test(test_key_file)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

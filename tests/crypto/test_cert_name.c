/* Names of certificates: RFC 4514 read, compared by value; alternative names. */
#include "tests/test.h"

#include "crypto/cert_name.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>

/* A certificate called so, DER. */
static struct ndc_str make(const char *const *rdns, const char *alternative)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    X509_NAME *name = X509_get_subject_name(cert);
    for (; *rdns; rdns += 2)
        assert_int_equal(X509_NAME_add_entry_by_txt(name, rdns[0], MBSTRING_UTF8,
                                                    (const unsigned char *)rdns[1], -1,
                                                    -1, 0),
                         1);
    X509_set_version(cert, 2);
    X509_gmtime_adj(X509_getm_notBefore(cert), -60);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    if (alternative) {
        X509_EXTENSION *e =
            X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, alternative);
        assert_non_null(e);
        X509_add_ext(cert, e, -1);
        X509_EXTENSION_free(e);
    }
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    unsigned char *der = NULL;
    int len = i2d_X509(cert, &der);
    char *copy = ndc_xmalloc((size_t)len);
    memcpy(copy, der, (size_t)len);
    OPENSSL_free(der);
    X509_free(cert);
    EVP_PKEY_free(key);
    return ndc_str_n(copy, (size_t)len);
}

static bool is(struct ndc_str der, enum ndc_cert_name kind, const char *text)
{
    return ndc_cert_name_is(der, kind, ndc_str(text));
}

static void test_subjects(void **state)
{
    static const char *const rdns[] = {
        "C", "VN", "O", "Một, cơ quan", "OU", "Phòng  A+B", "CN", "app.example", NULL};
    struct ndc_str der = make(rdns, NULL);
    (void)state;
    assert_true(is(der, NDC_CERT_SUBJECT,
                   "CN=app.example,OU=Phòng  A\\+B,O=Một\\, cơ quan,C=VN"));
    /* Case, spaces, spelling of types, bytes in hex. */
    assert_true(
        is(der, NDC_CERT_SUBJECT,
           "cn=APP.example, ou=Phòng A\\2bB , 2.5.4.10=M\\e1\\bb\\99t\\, cơ quan, c=vn"));
    static const char *const others[] = {
        "C=VN,O=Một\\, cơ quan,OU=Phòng A\\+B,CN=app.example", /* the other way round */
        "CN=app.example,OU=Phòng A\\+B,O=Một\\, cơ quan",
        "CN=app.example,OU=Phòng A\\+B,O=Một\\, cơ quan,C=VN,C=VN",
        "CN=app.exampl,OU=Phòng A\\+B,O=Một\\, cơ quan,C=VN",
        "CN=app.example+OU=Phòng A\\+B,O=Một\\, cơ quan,C=VN",
        "app.example",
        ""};
    for (size_t i = 0; i < NDC_ARRAY_LEN(others); i++)
        assert_false(is(der, NDC_CERT_SUBJECT, others[i]));
    free((void *)(uintptr_t)der.ptr);
    /* A certificate without a name is nobody's. */
    der = make((const char *const[]){NULL}, NULL);
    assert_false(is(der, NDC_CERT_SUBJECT, ""));
    assert_false(is(der, NDC_CERT_SUBJECT, "CN=app.example"));
    free((void *)(uintptr_t)der.ptr);
}

static void test_alternatives(void **state)
{
    static const char *const rdns[] = {"CN", "app.example", NULL};
    struct ndc_str der =
        make(rdns, "DNS:app.example,URI:https://app.example/a,IP:192.0.2."
                   "7,IP:2001:db8::7,email:An@Mail.Example");
    (void)state;
    assert_true(is(der, NDC_CERT_DNS, "APP.example"));
    assert_true(is(der, NDC_CERT_URI, "https://app.example/a"));
    assert_true(is(der, NDC_CERT_IP, "192.0.2.7"));
    assert_true(is(der, NDC_CERT_IP, "2001:DB8:0::7"));
    assert_true(is(der, NDC_CERT_EMAIL, "An@mail.example"));
    assert_false(is(der, NDC_CERT_DNS, "example"));
    assert_false(is(der, NDC_CERT_DNS, "192.0.2.7"));
    assert_false(is(der, NDC_CERT_URI, "https://APP.example/a"));
    assert_false(is(der, NDC_CERT_IP, "192.0.2.8"));
    assert_false(is(der, NDC_CERT_EMAIL, "an@mail.example"));
    assert_false(is(der, NDC_CERT_EMAIL, "app.example"));
    assert_false(is(NDC_STR("no certificate"), NDC_CERT_DNS, "app.example"));
    assert_false(is(ndc_str_n(der.ptr, der.len - 9), NDC_CERT_DNS, "app.example"));
    free((void *)(uintptr_t)der.ptr);
    der = make(rdns, NULL);
    assert_false(is(der, NDC_CERT_DNS, "app.example"));
    free((void *)(uintptr_t)der.ptr);
}

static void test_texts(void **state)
{
    struct ndc_fault fault = {0};
    static const char *const bad[] = {
        "",        "app.example", "CN",         "CN=",       "=x",     "CN=a,",
        "CN=a+",   "CN=a;O=b",    "CN=#0c0161", "NoSuch=a",  "CN=a\\", "CN=a\\q",
        "CN=\\00", "CN=\"a\"",    "1.2.x=a",    "C=Việt Nam"};
    (void)state;
    for (size_t i = 0; i < NDC_ARRAY_LEN(bad); i++)
        if (!ndc_cert_name_check(NDC_CERT_SUBJECT, ndc_str(bad[i]), &fault))
            fail_msg("\"%s\" is taken", bad[i]);
    assert_string_equal(fault.code, "cert_name.syntax");
    assert_int_equal(
        ndc_cert_name_check(NDC_CERT_SUBJECT, NDC_STR("CN=a\\,b+O=c,C=VN"), &fault), 0);
    assert_int_equal(ndc_cert_name_check(NDC_CERT_IP, NDC_STR("::1"), &fault), 0);
    assert_int_not_equal(ndc_cert_name_check(NDC_CERT_IP, NDC_STR("1.2.3"), &fault), 0);
    assert_int_not_equal(ndc_cert_name_check(NDC_CERT_EMAIL, NDC_STR("an"), &fault), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_subjects),
        cmocka_unit_test(test_alternatives),
        cmocka_unit_test(test_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

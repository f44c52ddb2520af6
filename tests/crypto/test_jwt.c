/* Claims against one clock. */
#include "tests/test.h"

#include "crypto/jwt.h"

static const struct ndc_jwt_rules base = {.issuer = NDC_STR("https://a"),
                                          .audience = NDC_STR("https://b"),
                                          .now_s = 1000000,
                                          .skew_s = 10};

static void assert_claims(const struct ndc_jwt_rules *rules, const char *text,
                          const char *code, const char *field)
{
    struct ndc_fault fault = {0};
    struct json_object *claims;
    assert_int_equal(ndc_json_parse(&claims, ndc_str(text), &fault), NDC_OK);
    enum ndc_err err = ndc_jwt_check(claims, rules, &fault);
    if (strcmp(fault.code, code) != 0 || strcmp(fault.field, field) != 0)
        fail_msg("%s: %s %s (%s), not %s", text, fault.code, fault.field, fault.message,
                 code);
    assert_int_equal(err, fault.err);
    json_object_put(claims);
}

#define PARTIES "{\"iss\":\"https://a\",\"aud\":\"https://b\""

static void test_times(void **state)
{
    (void)state;
    assert_claims(&base, PARTIES "}", "", "");
    assert_claims(&base, PARTIES ",\"exp\":1000001}", "", "");
    assert_claims(&base, PARTIES ",\"exp\":999991}", "", ""); /* within the skew */
    assert_claims(&base, PARTIES ",\"exp\":999990}", "jwt.expired", "exp");
    assert_claims(&base, PARTIES ",\"exp\":999990.9}", "jwt.expired", "exp");
    assert_claims(&base, PARTIES ",\"exp\":1e6}", "", "");
    assert_claims(&base, PARTIES ",\"exp\":\"1000001\"}", "jwt.type", "exp");
    assert_claims(&base, PARTIES ",\"exp\":null}", "jwt.type", "exp");
    assert_claims(&base, PARTIES ",\"exp\":-1}", "jwt.type", "exp");
    assert_claims(&base, PARTIES ",\"exp\":1e300}", "jwt.type", "exp");
    assert_claims(&base, PARTIES ",\"exp\":99999999999999999999}", "jwt.type", "exp");
    assert_claims(&base, PARTIES ",\"exp\":9223372036854775807}", "jwt.type", "exp");
    assert_claims(&base, PARTIES ",\"nbf\":1000010}", "", "");
    assert_claims(&base, PARTIES ",\"nbf\":1000011}", "jwt.early", "nbf");
    assert_claims(&base, PARTIES ",\"nbf\":true}", "jwt.type", "nbf");
    assert_claims(&base, PARTIES ",\"iat\":1000010}", "", "");
    assert_claims(&base, PARTIES ",\"iat\":1000011}", "jwt.issued_ahead", "iat");
    assert_claims(&base, PARTIES ",\"iat\":1}", "", "");
    struct ndc_jwt_rules young = base;
    young.age_max_s = 60;
    assert_claims(&young, PARTIES ",\"iat\":999930}", "", "");
    assert_claims(&young, PARTIES ",\"iat\":999929}", "jwt.old", "iat");
    assert_claims(&young, PARTIES "}", "jwt.missing", "iat");
    struct ndc_jwt_rules brief = base;
    brief.lifetime_max_s = 300;
    assert_claims(&brief, PARTIES ",\"exp\":1000310}", "", "");
    assert_claims(&brief, PARTIES ",\"exp\":1000311}", "jwt.lifetime", "exp");
    assert_claims(&brief, PARTIES "}", "jwt.missing", "exp");
}

static void test_parties(void **state)
{
    (void)state;
    assert_claims(&base, "{\"aud\":\"https://b\"}", "jwt.missing", "iss");
    assert_claims(&base, "{\"iss\":\"https://a/\",\"aud\":\"https://b\"}", "jwt.issuer",
                  "iss");
    assert_claims(&base, "{\"iss\":7,\"aud\":\"https://b\"}", "jwt.type", "iss");
    assert_claims(&base, "{\"iss\":\"https://a\"}", "jwt.missing", "aud");
#define AUD(aud) "{\"iss\":\"https://a\",\"aud\":" aud "}"
    assert_claims(&base, AUD("[\"https://b\"]"), "", "");
    assert_claims(&base, AUD("[\"x\",\"https://b\"]"), "", "");
    assert_claims(&base, AUD("\"https://b/\""), "jwt.audience", "aud");
    assert_claims(&base, AUD("\"https://B\""), "jwt.audience", "aud");
    assert_claims(&base, AUD("[\"x\",\"y\"]"), "jwt.audience", "aud");
    assert_claims(&base, AUD("[]"), "jwt.type", "aud");
    assert_claims(&base, AUD("[\"https://b\",7]"), "jwt.type", "aud");
    assert_claims(&base, AUD("{}"), "jwt.type", "aud");
    assert_claims(&base, AUD("null"), "jwt.type", "aud");
    struct ndc_jwt_rules alone = base;
    alone.audience_alone = true;
    assert_claims(&alone, AUD("[\"https://b\"]"), "", "");
    assert_claims(&alone, AUD("\"https://b\""), "", "");
    assert_claims(&alone, AUD("[\"x\",\"https://b\"]"), "jwt.audience", "aud");
    struct ndc_jwt_rules two = base;
    two.audience_2 = NDC_STR("https://b/token");
    assert_claims(&two, AUD("\"https://b/token\""), "", "");
    assert_claims(&two, AUD("\"https://b/other\""), "jwt.audience", "aud");
    struct ndc_jwt_rules subject = base;
    subject.subject = NDC_STR("c1");
    assert_claims(&subject, PARTIES ",\"sub\":\"c1\"}", "", "");
    assert_claims(&subject, PARTIES ",\"sub\":\"c2\"}", "jwt.subject", "sub");
    assert_claims(&subject, PARTIES "}", "jwt.missing", "sub");
    struct ndc_jwt_rules required = base;
    required.required[0] = "jti";
    required.required[1] = "nonce";
    assert_claims(&required, PARTIES ",\"jti\":\"1\",\"nonce\":\"2\"}", "", "");
    assert_claims(&required, PARTIES ",\"jti\":\"1\"}", "jwt.missing", "nonce");
    assert_claims(&required, PARTIES ",\"jti\":null,\"nonce\":\"2\"}", "jwt.missing",
                  "jti");
    assert_claims(&base, "[]", "jwt.syntax", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_times),
                                       cmocka_unit_test(test_parties)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

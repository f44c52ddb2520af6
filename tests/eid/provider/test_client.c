/* Client metadata: what is taken, what is refused and how it is said; redirect URIs. And
 * parameters, replays and revocation in memory. */
#include "tests/db.h"

#include "platforms/eid/provider/client.h"
#include "platforms/eid/provider/params.h"
#include "platforms/eid/provider/tokens.h"
#include "sys/clock.h"

#include <stdio.h>

static struct ndc_fault fault;

static enum ndc_err parse(struct eid_client **out, const char *json)
{
    struct json_object *metadata;
    fault = (struct ndc_fault){0};
    assert_ok(ndc_json_parse(&metadata, ndc_str(json), &fault), &fault);
    enum ndc_err err = eid_client_parse(out, NDC_STR("c1"), metadata, &fault);
    json_object_put(metadata);
    return err;
}

static void test_defaults(void **state)
{
    struct eid_client *c;
    (void)state;
    assert_ok(
        parse(&c, "{\"redirect_uris\":[\"https://rp.example/cb\"],\"unheard_of\":1}"),
        &fault);
    assert_int_equal(c->auth, EID_AUTH_BASIC);
    assert_int_equal(c->grants, EID_GRANT_CODE);
    assert_string_equal(c->id_alg, "RS256");
    assert_int_equal(c->max_age_s, -1);
    assert_int_equal(c->sector.len, 0);
    eid_client_unref(c);
}

static void test_refused(void **state)
{
    static const struct {
        const char *json, *code, *says;
    } rows[] = {
        {"[]", "invalid_client_metadata", "JSON object"},
        {"{}", "invalid_redirect_uri", "at least one"},
        {"{\"redirect_uris\":\"https://a\"}", "invalid_client_metadata", "list"},
        {"{\"redirect_uris\":[\"http://rp.example/\"]}", "invalid_redirect_uri", "https"},
        {"{\"redirect_uris\":[\"https://rp.example/#x\"]}", "invalid_redirect_uri",
         "fragment"},
        {"{\"redirect_uris\":[\"https://user@rp.example/\"]}", "invalid_redirect_uri",
         "absolute"},
        {"{\"redirect_uris\":[\"https:///path\"]}", "invalid_redirect_uri", "absolute"},
        {"{\"redirect_uris\":[\"javascript:alert(1)\"]}", "invalid_redirect_uri",
         "scheme"},
        {"{\"redirect_uris\":[\"/relative\"]}", "invalid_redirect_uri", "absolute"},
        {"{\"redirect_uris\":[\"https://rp.example/a b\"]}", "invalid_redirect_uri",
         "absolute"},
        {"{\"redirect_uris\":[\"https://rp.example/\"],\"response_types\":[\"token\"]}",
         "invalid_client_metadata", "response_types"},
        {"{\"redirect_uris\":[\"https://rp.example/\"],\"grant_types\":[\"password\"]}",
         "invalid_client_metadata", "grant_types"},
        {"{\"redirect_uris\":[\"https://rp.example/\"],\"token_endpoint_auth_method\":"
         "\"private_key_jwt\"}",
         "invalid_client_metadata", "jwks"},
        {"{\"redirect_uris\":[\"https://rp.example/\"],\"id_token_signed_response_alg\":"
         "\"none\"}",
         "invalid_client_metadata", "id_token_signed_response_alg"},
        {"{\"redirect_uris\":[\"https://a.example/\",\"https://b.example/\"],"
         "\"subject_type\":\"pairwise\"}",
         "invalid_client_metadata", "one host"},
        {"{\"redirect_uris\":[\"https://a.example/\"],\"profile\":\"fapi2\"}",
         "invalid_client_metadata", "private_key_jwt"},
        {"{\"grant_types\":[\"client_credentials\"],\"token_endpoint_auth_method\":"
         "\"none\"}",
         "invalid_client_metadata", "authenticate"},
    };
    (void)state;
    for (size_t i = 0; i < NDC_ARRAY_LEN(rows); i++) {
        struct eid_client *c = NULL;
        if (!parse(&c, rows[i].json)) fail_msg("taken: %s", rows[i].json);
        assert_null(c);
        assert_string_equal(fault.code, rows[i].code);
        if (!strstr(fault.message, rows[i].says))
            fail_msg("%s: \"%s\" lacks \"%s\"", rows[i].json, fault.message,
                     rows[i].says);
    }
}

static void test_redirect_uris(void **state)
{
    static const struct {
        const char *uri;
        bool good;
    } rows[] = {
        {"https://rp.example/cb", true},
        {"https://rp.example/cb/", false},
        {"https://rp.example/cb?x=1", false},
        {"https://RP.example/cb", false},
        {"https://rp.example.evil/cb", false},
        {"https://rp.example:443/cb", false},
        {"http://127.0.0.1/native", true},
        {"http://127.0.0.1:51234/native", true}, /* RFC 8252, 7.3 */
        {"http://127.0.0.1:51234/other", false},
        {"http://[::1]:8080/native", true},
        {"http://localhost:51234/native", false},
        {"http://127.0.0.1:51234@evil.example/native", false},
        {"http://127.0.0.1.evil.example/native", false},
        {"com.example.app:/back", true},
        {"com.example.app:/back2", false},
        {"", false},
    };
    struct eid_client *c;
    (void)state;
    assert_ok(parse(&c, "{\"redirect_uris\":[\"https://rp.example/cb\","
                        "\"http://127.0.0.1/native\",\"http://[::1]/native\","
                        "\"com.example.app:/back\"]}"),
              &fault);
    for (size_t i = 0; i < NDC_ARRAY_LEN(rows); i++)
        if (eid_uri_registered(&c->redirect, ndc_str(rows[i].uri)) != rows[i].good)
            fail_msg("%s", rows[i].uri);
    eid_client_unref(c);
}

/* What is written is read as the same again. */
static void test_written_and_read(void **state)
{
    struct eid_client *c, *d;
    struct ndc_buf first, second;
    struct ndc_json j;
    (void)state;
    assert_ok(parse(&c,
                    "{\"client_name\":\"Dịch vụ <mẫu>\",\"redirect_uris\":[\"https://"
                    "rp.example/cb\"],\"grant_types\":[\"authorization_code\","
                    "\"refresh_token\"],\"subject_type\":\"pairwise\",\"scope\":\"openid "
                    "profile\",\"default_max_age\":3600,\"default_acr_values\":"
                    "[\"urn:ndc:eid:2\",\"urn:ndc:eid:3\"],\"post_logout_redirect_uris\":"
                    "[\"https://rp.example/out\"],\"dpop_bound_access_tokens\":true}"),
              &fault);
    ndc_buf_init(&first, 1 << 16);
    ndc_buf_init(&second, 1 << 16);
    ndc_json_init(&j, &first);
    ndc_json_object(&j);
    eid_client_write(&j, c);
    ndc_json_end(&j);
    ndc_buf_add_byte(&first, 0);
    assert_ok(parse(&d, first.ptr), &fault);
    ndc_json_init(&j, &second);
    ndc_json_object(&j);
    eid_client_write(&j, d);
    ndc_json_end(&j);
    ndc_buf_add_byte(&second, 0);
    assert_string_equal(first.ptr, second.ptr);
    assert_true(ndc_str_eq_c(d->sector, "rp.example"));
    assert_int_equal(d->max_age_s, 3600);
    assert_true(ndc_str_eq_c(d->acr, "urn:ndc:eid:2 urn:ndc:eid:3"));
    ndc_buf_free(&first);
    ndc_buf_free(&second);
    eid_client_unref(c);
    eid_client_unref(d);
}

static void test_params(void **state)
{
    struct eid_params *p = ndc_xcalloc(1, sizeof(*p)), *q = ndc_xcalloc(1, sizeof(*q));
    struct ndc_arena arena;
    struct ndc_buf text;
    struct ndc_json j;
    (void)state;
    ndc_arena_init(&arena, 1 << 20);
    fault = (struct ndc_fault){0};
    assert_ok(eid_params_read(p, &arena, NDC_STR("a=1&b=x+y%2Fz&empty=&a2="), &fault),
              &fault);
    assert_int_equal(p->n, 2);
    assert_true(ndc_str_eq_c(eid_param(p, "b"), "x y/z"));
    assert_null(eid_param(p, "empty").ptr); /* RFC 6749, 3.1 */
    assert_int_equal(eid_params_read(q, &arena, NDC_STR("a=1&a=1"), &fault), NDC_EINPUT);
    assert_string_equal(fault.code, "invalid_request");
    assert_int_equal(eid_params_read(q, &arena, NDC_STR("a=%zz"), NULL), NDC_EINPUT);
    ndc_buf_init(&text, 1 << 16);
    for (int i = 0; i < EID_PARAMS_MAX + 1; i++)
        ndc_buf_printf(&text, "p%d=1&", i);
    assert_int_equal(eid_params_read(q, &arena, ndc_buf_str(&text), NULL), NDC_EINPUT);
    ndc_buf_reset(&text);
    ndc_json_init(&j, &text);
    eid_params_write(&j, p);
    fault = (struct ndc_fault){0};
    assert_ok(eid_params_parse(q, &arena, ndc_buf_str(&text), &fault), &fault);
    assert_true(ndc_str_eq_c(eid_param(q, "b"), "x y/z"));
    eid_params_drop(q, "b");
    assert_null(eid_param(q, "b").ptr);
    assert_true(ndc_str_eq_c(eid_param(q, "a"), "1"));
    assert_true(eid_words_in(NDC_STR("openid profile email"), NDC_STR("email openid")));
    assert_false(eid_words_in(NDC_STR("openid profile"), NDC_STR("openid pro")));
    ndc_buf_free(&text);
    ndc_arena_free(&arena);
    free(p);
    free(q);
}

static void test_once(void **state)
{
    struct eid_tokens *t = eid_tokens_new();
    int64_t now = ndc_clock_wall_ms();
    char name[32];
    (void)state;
    assert_true(eid_once(t, NDC_STR("jti-1"), now + 60000));
    assert_false(eid_once(t, NDC_STR("jti-1"), now + 60000));
    assert_true(eid_once(t, NDC_STR("jti-2"), now + 60000));
    assert_true(eid_once(t, NDC_STR("jti-3"), now + 30));
    ndc_clock_sleep_ms(40);
    assert_true(eid_once(t, NDC_STR("jti-3"), now + 60000)); /* its time was over */
    /* Very many: each once; none a second time, however full it is. */
    int taken = 0;
    for (int i = 0; i < 200000; i++) {
        snprintf(name, sizeof(name), "many-%d", i);
        taken += eid_once(t, ndc_str(name), now + 600000);
    }
    assert_true(taken > 199000);
    for (int i = 0; i < 200000; i += 97) {
        snprintf(name, sizeof(name), "many-%d", i);
        assert_false(eid_once(t, ndc_str(name), now + 600000));
    }
    eid_tokens_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),      cmocka_unit_test(test_refused),
        cmocka_unit_test(test_redirect_uris), cmocka_unit_test(test_written_and_read),
        cmocka_unit_test(test_params),        cmocka_unit_test(test_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

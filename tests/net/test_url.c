/* net/url: targets, queries, cookies. */
#include "tests/test.h"

#include "net/url.h"

static bool target(const char *raw, const char *path, const char *query)
{
    struct ndc_arena arena;
    struct ndc_str p = NDC_STR_NULL, q = NDC_STR_NULL;
    ndc_arena_init(&arena, 1 << 16);
    bool ok = ndc_url_target(&arena, ndc_str(raw), &p, &q);
    if (ok && path) {
        assert_str_eq(p, path);
        assert_str_eq(q, query);
    }
    ndc_arena_free(&arena);
    return ok;
}

static void test_targets(void **state)
{
    (void)state;
    assert_true(target("/a/b?x=1&y", "/a/b", "x=1&y"));
    assert_true(target("//a///b/", "/a/b", ""));
    assert_true(target("/", "/", ""));
    assert_true(target("/?", "/", ""));
    assert_true(target("/ng%C6%B0%E1%BB%9Di", "/người", ""));
    assert_true(target("http://h:1/a", "/a", ""));
    assert_true(target("/a/...", "/a/...", ""));
    const char *bad[] = {
        "",      "a",    "/..",  "/a/../b", "/%2e%2E/x",     "/.",       "/a%2fb",
        "/a%00", "/%ff", "/a b", "/a\tb",   "/\xe1\xbb\x9d", "http://h", "/%4"};
    for (size_t i = 0; i < NDC_ARRAY_LEN(bad); i++)
        if (target(bad[i], NULL, NULL)) fail_msg("taken: %s", bad[i]);
}

static void test_queries(void **state)
{
    (void)state;
    struct ndc_arena arena;
    struct ndc_str rest = NDC_STR("a=1&&b=x+y%26z&c&=d"), name, value;
    bool bad = false;
    ndc_arena_init(&arena, 1 << 16);
    assert_true(ndc_url_query_next(&arena, &rest, &name, &value, &bad));
    assert_str_eq(name, "a");
    assert_true(ndc_url_query_next(&arena, &rest, &name, &value, &bad));
    assert_str_eq(value, "x y&z");
    assert_true(ndc_url_query_next(&arena, &rest, &name, &value, &bad));
    assert_str_eq(name, "c");
    assert_true(ndc_url_query_next(&arena, &rest, &name, &value, &bad));
    assert_false(ndc_url_query_next(&arena, &rest, &name, &value, &bad));
    assert_false(bad);
    rest = NDC_STR("a=%f");
    assert_false(ndc_url_query_next(&arena, &rest, &name, &value, &bad));
    assert_true(bad);
    ndc_arena_free(&arena);
}

static void test_cookies(void **state)
{
    (void)state;
    struct ndc_str header = NDC_STR("a=1; ndc=\"x.y\"; ndc2=z;;=;b");
    assert_str_eq(ndc_cookie_find(header, NDC_STR("ndc")), "x.y");
    assert_str_eq(ndc_cookie_find(header, NDC_STR("ndc2")), "z");
    assert_null(ndc_cookie_find(header, NDC_STR("nd")).ptr);
    assert_null(ndc_cookie_find(header, NDC_STR("b")).ptr);
    assert_null(ndc_cookie_find(NDC_STR_NULL, NDC_STR("b")).ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_queries),
        cmocka_unit_test(test_cookies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

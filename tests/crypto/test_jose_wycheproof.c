/* Project Wycheproof's vectors for JWS, JWE and JWK
 * (testvectors_v1/json_web_*_test.json), all of them, from ../shared/data/wycheproof;
 * what is skipped is counted by its reason.
 */
#include "tests/crypto/jose_help.h"

#include "sys/file.h"

enum { FILE_MAX = 16 << 20 };

static struct {
    size_t passed, refused_key, secret_set, differs, failed;
} tally;

static const struct {
    const char *kind;
    int64_t id;
    const char *why;
} differ[] = {
    {"jws", 346, "a PS384 token, and a key for PS256"},
    {"jws", 350, "a PS384 token, and a key for PS256"},
    {"jws", 367, "said to have wrong padding, and has none: the token of 372 without ?"},
    {"jws", 370, "said to have wrong padding, and has none: the token of 373 without ?"},
    {"jws", 372, "a ? amid the header, said to be taken"},
    {"jws", 373, "a ? after the payload, said to be taken"},
    {"jwe", 135, "compressed"},
};

static bool differs(struct json_object *test)
{
    const char *kind = ndc_json_get(test, "jwe") ? "jwe" : "jws";
    for (size_t i = 0; i < NDC_ARRAY_LEN(differ); i++)
        if (differ[i].id == ndc_json_get_i64(test, "tcId", 0) &&
            strcmp(differ[i].kind, kind) == 0)
            return true;
    return false;
}

static struct json_object *load(const char *name)
{
    const char *dir = test_data_dir();
    struct ndc_fault fault = {0};
    struct json_object *o = NULL;
    struct ndc_buf text;
    char path[4096];
    if (!dir) return NULL;
    snprintf(path, sizeof(path), "%s/wycheproof/testvectors_v1/%s", dir, name);
    if (!ndc_file_exists(path)) {
        printf("skipped: no ../shared/data/wycheproof\n");
        return NULL;
    }
    ndc_buf_init(&text, FILE_MAX);
    assert_int_equal(ndc_file_read(&text, path, &fault), NDC_OK);
    assert_int_equal(ndc_json_parse(&o, ndc_buf_str(&text), &fault), NDC_OK);
    ndc_buf_free(&text);
    memset(&tally, 0, sizeof(tally));
    return o;
}

/* What a vector expects against what was found. `known`: the key is of a kind that there
 * is here; a valid token under another is skipped. */
static void judge(struct json_object *test, bool known, bool good, const char *code)
{
    struct ndc_str result = ndc_json_get_str(test, "result");
    bool valid = ndc_str_eq_c(result, "valid");
    if (differs(test) && valid != good) {
        tally.differs++;
    } else if (ndc_str_eq_c(result, "acceptable") || (valid == good && !differs(test))) {
        tally.passed++;
    } else if (valid && !known) {
        tally.refused_key++;
    } else {
        tally.failed++;
        printf("tcId %lld (%.*s): %.*s, and here %s %s\n",
               (long long)ndc_json_get_i64(test, "tcId", 0),
               NDC_STR_FMT(ndc_json_get_str(test, "comment")), NDC_STR_FMT(result),
               good ? "taken" : "refused", code);
    }
}

static void end(const char *name, struct json_object *o)
{
    printf("%s: %zu passed, %zu differ on purpose, %zu skipped (an algorithm that is not "
           "here), %zu skipped (a set of secrets)\n",
           name, tally.passed, tally.differs, tally.refused_key, tally.secret_set);
    assert_int_equal(tally.failed, 0);
    assert_true(tally.passed > 0);
    json_object_put(o);
}

static void for_each(struct json_object *o,
                     void (*fn)(struct json_object *group, struct json_object *test))
{
    struct json_object *groups = ndc_json_get(o, "testGroups");
    for (size_t i = 0; i < json_object_array_length(groups); i++) {
        struct json_object *group = json_object_array_get_idx(groups, i);
        struct json_object *tests = ndc_json_get(group, "tests");
        for (size_t k = 0; k < json_object_array_length(tests); k++)
            fn(group, json_object_array_get_idx(tests, k));
    }
}

static void one_signature(struct json_object *group, struct json_object *test)
{
    struct json_object *jwk = ndc_json_get(group, "public");
    struct ndc_fault fault = {0};
    struct ndc_jwk *key;
    if (!jwk) jwk = ndc_json_get(group, "private");
    if (ndc_jwk_read(&key, jwk, &fault)) {
        judge(test, false, false, fault.code);
        return;
    }
    const char *code = check_token(ndc_json_get_str(test, "jws"), key);
    judge(test, true, !*code, code);
    ndc_jwk_unref(key);
}

static void test_signatures(void **state)
{
    (void)state;
    struct json_object *o = load("json_web_signature_test.json");
    if (!o) skip();
    for_each(o, one_signature);
    end("json_web_signature", o);
}

static void one_encryption(struct json_object *group, struct json_object *test)
{
    struct ndc_fault fault = {0};
    struct ndc_jwk *key;
    struct ndc_buf inside;
    if (ndc_jwk_read(&key, ndc_json_get(group, "private"), &fault)) {
        judge(test, false, false, fault.code);
        return;
    }
    ndc_buf_init(&inside, 1 << 20);
    const char *code = open_token(&inside, ndc_json_get_str(test, "jwe"), key);
    struct ndc_str hex = ndc_json_get_str(test, "pt");
    if (!*code) {
        assert_int_equal(hex.len, 2 * inside.len);
        for (size_t i = 0; i < inside.len; i++) {
            char two[3];
            snprintf(two, sizeof(two), "%02x", (unsigned char)inside.ptr[i]);
            assert_memory_equal(two, hex.ptr + 2 * i, 2);
        }
    }
    judge(test, true, !*code, code);
    ndc_buf_free(&inside);
    ndc_jwk_unref(key);
}

static void test_encryptions(void **state)
{
    (void)state;
    struct json_object *o = load("json_web_encryption_test.json");
    if (!o) skip();
    for_each(o, one_encryption);
    end("json_web_encryption", o);
}

static void one_set(struct json_object *group, struct json_object *test)
{
    struct json_object *json = ndc_json_get(group, "public");
    struct ndc_fault fault = {0};
    struct ndc_jwks *set;
    struct ndc_arena arena;
    struct ndc_jws jws;
    if (!json) json = ndc_json_get(group, "private");
    ndc_arena_init(&arena, 1 << 20);
    enum ndc_err err = ndc_jwks_read(&set, json, NULL, &fault);
    if (err && strcmp(fault.code, "jwk.private") == 0 &&
        ndc_str_eq_c(ndc_json_get_str(test, "result"), "valid")) {
        tally.secret_set++;
    } else if (err) {
        judge(test, true, false, fault.code);
    } else {
        err = ndc_jws_parse(&jws, &arena, ndc_json_get_str(test, "jws"), &fault);
        if (!err) {
            err = ndc_jws_verify_set(&jws, set, NULL, &fault);
            ndc_jws_free(&jws);
        }
        judge(test, true, !err, fault.code);
    }
    ndc_jwks_unref(set);
    ndc_arena_free(&arena);
}

static void test_sets(void **state)
{
    (void)state;
    struct json_object *o = load("json_web_key_test.json");
    if (!o) skip();
    for_each(o, one_set);
    end("json_web_key", o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_signatures),
                                       cmocka_unit_test(test_encryptions),
                                       cmocka_unit_test(test_sets)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

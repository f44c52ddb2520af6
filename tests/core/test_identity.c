/* Who may do what: passwords that others gave, and roles that operators make. */
#include "tests/server.h"

#include "base/json.h"

struct person {
    char cookie[160], csrf[160];
};

/* What the answer's member is, as text. */
static void member(struct ndc_buf *body, const char *name, char *out, size_t size)
{
    struct json_object *o;
    struct ndc_fault fault = {0};
    assert_ok(ndc_json_parse(&o, ndc_buf_str(body), &fault), &fault);
    snprintf(out, size, "%.*s", NDC_STR_FMT(ndc_json_get_str(o, name)));
    json_object_put(o);
    ndc_buf_free(body);
}

static int call_as(const struct test_server *s, const struct person *who,
                   const char *method, const char *path, const char *json)
{
    return test_call(s, method, path, json, NULL, who->cookie, who->csrf, TEST_JSON,
                     NULL);
}

static const char *code_of(const struct test_server *s, const struct person *who,
                           const char *method, const char *path, const char *json)
{
    static char code[64];
    struct ndc_buf body;
    int status =
        test_call(s, method, path, json, &body, who->cookie, who->csrf, TEST_JSON, NULL);
    if (status < 400) {
        ndc_buf_free(&body);
        return "";
    }
    member(&body, "code", code, sizeof(code));
    return code;
}

static struct person admin_of(const struct test_server *s)
{
    struct person p;
    snprintf(p.cookie, sizeof(p.cookie), "%s", s->cookie);
    snprintf(p.csrf, sizeof(p.csrf), "%s", s->csrf);
    return p;
}

static void add_user(const struct test_server *s, const struct person *admin,
                     const char *json, char *password, size_t size)
{
    struct ndc_buf body;
    assert_int_equal(test_call(s, "POST", "/api/users", json, &body, admin->cookie,
                               admin->csrf, TEST_JSON, NULL),
                     201);
    member(&body, "password", password, size);
}

static void change_password(const struct test_server *s, struct person *who,
                            const char *user, const char *from, const char *to)
{
    char json[300];
    snprintf(json, sizeof(json), "{\"current\":\"%s\",\"password\":\"%s\"}", from, to);
    assert_int_equal(call_as(s, who, "POST", "/api/session/password", json), 200);
    test_sign_in(s, user, to, who->cookie, who->csrf);
}

static const char phrase[] = "gió đưa cành trúc la đà";

static void test_given_password_must_change(void **state)
{
    struct test_server s;
    struct ndc_buf body;
    struct person lan;
    char password[64], again[64];
    test_server_start(&s, state, NULL);
    struct person admin = admin_of(&s);
    add_user(&s, &admin, "{\"name\":\"lan\",\"roles\":[\"admin\"]}", password,
             sizeof(password));
    test_sign_in(&s, "lan", password, lan.cookie, lan.csrf);
    assert_int_equal(
        test_call(&s, "GET", "/api/session", NULL, &body, lan.cookie, NULL, NULL, NULL),
        200);
    assert_non_null(memmem(body.ptr, body.len, "\"must_change\":true", 18));
    ndc_buf_free(&body);
    static const char *const shut[][2] = {
        {"GET", "/api/notes"},    {"GET", "/api/users"}, {"GET", "/api/session/list"},
        {"GET", "/api/agencies"}, {"POST", "/api/keys"}, {"GET", "/api/jobs"},
    };
    for (size_t i = 0; i < NDC_ARRAY_LEN(shut); i++)
        assert_string_equal(code_of(&s, &lan, shut[i][0], shut[i][1],
                                    strcmp(shut[i][0], "POST") ? NULL : "{}"),
                            "auth.must_change");
    assert_int_equal(call_as(&s, &lan, "GET", "/health/live", NULL), 200);
    /* A reset gives a password of the same kind; changing it opens the rest. */
    change_password(&s, &lan, "lan", password, phrase);
    assert_int_equal(call_as(&s, &lan, "GET", "/api/users", NULL), 200);
    assert_int_equal(test_call(&s, "POST", "/api/users/lan/password", "{}", &body,
                               admin.cookie, admin.csrf, TEST_JSON, NULL),
                     200);
    member(&body, "password", again, sizeof(again));
    assert_int_equal(call_as(&s, &lan, "GET", "/api/users", NULL), 401);
    test_sign_in(&s, "lan", again, lan.cookie, lan.csrf);
    assert_string_equal(code_of(&s, &lan, "GET", "/api/users", NULL), "auth.must_change");
    assert_int_equal(call_as(&s, &lan, "DELETE", "/api/session", NULL), 204);
    /* The one that was printed at the first start is a reminder, no hurdle. */
    assert_int_equal(
        test_call(&s, "GET", "/api/session", NULL, &body, admin.cookie, NULL, NULL, NULL),
        200);
    assert_non_null(memmem(body.ptr, body.len, "\"must_change\":false", 19));
    assert_non_null(memmem(body.ptr, body.len, "\"should_change\":true", 20));
    ndc_buf_free(&body);
    change_password(&s, &admin, "admin", s.admin_password, phrase);
    assert_int_equal(
        test_call(&s, "GET", "/api/session", NULL, &body, admin.cookie, NULL, NULL, NULL),
        200);
    assert_non_null(memmem(body.ptr, body.len, "\"should_change\":false", 21));
    ndc_buf_free(&body);
    test_server_stop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_ON_BOTH(test_given_password_must_change),
    };
    return test_db_run(tests);
}

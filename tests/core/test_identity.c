/* Who may do what: passwords that others gave, and roles that operators make. */
#include "tests/server.h"

#include "base/json.h"
#include "core/audit.h"

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

/* The roles route's answer contains the text. */
static bool roles_have(const struct test_server *s, const struct person *who,
                       const char *text)
{
    struct ndc_buf body;
    assert_int_equal(
        test_call(s, "GET", "/api/roles", NULL, &body, who->cookie, NULL, NULL, NULL),
        200);
    bool found = memmem(body.ptr, body.len, text, strlen(text)) != NULL;
    ndc_buf_free(&body);
    return found;
}

struct looking {
    const char *action, *subject;
    int found;
};

static enum ndc_err look(void *arg, uint64_t seq, struct ndc_str entry)
{
    struct looking *l = arg;
    char action[64];
    (void)seq;
    snprintf(action, sizeof(action), "\"action\":\"%s\"", l->action);
    l->found += memmem(entry.ptr, entry.len, action, strlen(action)) != NULL &&
                memmem(entry.ptr, entry.len, l->subject, strlen(l->subject)) != NULL;
    return NDC_OK;
}

static int audited(const struct test_server *s, const char *action, const char *subject)
{
    struct looking l = {action, subject, 0};
    struct ndc_fault fault = {0};
    struct ndc_audit_head head;
    uint64_t next;
    struct ndc_audit *audit = ndc_app_audit(s->app);
    assert_ok(ndc_audit_head(audit, true, &head, &fault), &fault);
    assert_ok(ndc_audit_find(audit, &(struct ndc_audit_query){.limit = 500}, look, &l,
                             &next, &fault),
              &fault);
    return l.found;
}

static void test_own_roles(void **state)
{
    struct test_server s;
    struct ndc_buf body;
    struct person lan;
    char password[64];
    test_server_start(&s, state, NULL);
    struct person admin = admin_of(&s);
    const char *desk = "/api/roles/front-desk";
    const char *reads = "{\"vi\":\"Quầy\",\"en\":\"Front desk\",\"permissions\":[]}";
    const char *writes = "{\"vi\":\"Quầy\",\"en\":\"Desk\",\"permissions\":"
                         "[\"notes.write\",\"notes.write\"]}";
    assert_int_equal(test_call(&s, "GET", "/api/permissions", NULL, &body, admin.cookie,
                               NULL, NULL, NULL),
                     200);
    assert_non_null(memmem(body.ptr, body.len, "\"notes.write\"", 13));
    ndc_buf_free(&body);
    assert_int_equal(call_as(&s, &admin, "PUT", desk, reads), 204);
    assert_true(roles_have(&s, &admin, "\"front-desk\""));
    add_user(&s, &admin, "{\"name\":\"lan\",\"roles\":[\"front-desk\"]}", password,
             sizeof(password));
    test_sign_in(&s, "lan", password, lan.cookie, lan.csrf);
    change_password(&s, &lan, "lan", password, phrase);
    /* What the role gives is in force at once, and gone at once. */
    assert_int_equal(call_as(&s, &lan, "POST", "/api/notes/count", ""), 403);
    assert_int_equal(call_as(&s, &admin, "PUT", desk, writes), 204);
    assert_true(roles_have(&s, &admin, "\"Desk\""));
    assert_int_equal(call_as(&s, &lan, "POST", "/api/notes/count", ""), 202);
    assert_int_equal(call_as(&s, &admin, "PUT", desk, reads), 204);
    assert_int_equal(call_as(&s, &lan, "POST", "/api/notes/count", ""), 403);
    assert_int_equal(call_as(&s, &lan, "PUT", desk, writes), 403);
    /* What cannot be. */
    static const struct {
        const char *method, *path, *json, *code;
    } bad[] = {
        {"PUT", "/api/roles/admin", "{\"vi\":\"a\",\"en\":\"b\",\"permissions\":[]}",
         "role.builtin"},
        {"DELETE", "/api/roles/admin", NULL, "role.builtin"},
        {"DELETE", "/api/roles/front-desk", NULL, "role.in_use"},
        {"DELETE", "/api/roles/none", NULL, "role.unknown"},
        {"PUT", "/api/roles/A", "{\"vi\":\"a\",\"en\":\"b\",\"permissions\":[]}",
         "role.name"},
        {"PUT", "/api/roles/x%20y", "{\"vi\":\"a\",\"en\":\"b\",\"permissions\":[]}",
         "role.name"},
        {"PUT", "/api/roles/desk",
         "{\"vi\":\"a\",\"en\":\"b\",\"permissions\":[\"notes.writ\"]}",
         "role.permission"},
        {"PUT", "/api/roles/desk", "{\"vi\":\"a\",\"en\":\"b\"}", "request.missing"},
    };
    for (size_t i = 0; i < NDC_ARRAY_LEN(bad); i++)
        assert_string_equal(code_of(&s, &admin, bad[i].method, bad[i].path, bad[i].json),
                            bad[i].code);
    assert_int_equal(call_as(&s, &admin, "PATCH", "/api/users/lan", "{\"roles\":[]}"),
                     204);
    assert_int_equal(call_as(&s, &admin, "DELETE", desk, NULL), 204);
    assert_false(roles_have(&s, &admin, "\"front-desk\""));
    assert_int_equal(audited(&s, "role.put", "role:front-desk"), 3);
    assert_int_equal(audited(&s, "role.delete", "role:front-desk"), 1);
    test_server_stop(&s);
}

/* Someone who manages users, and no more, finds no way to more. */
static void test_nobody_lifts_their_own_rights(void **state)
{
    struct test_server s;
    struct person lan;
    char password[64];
    test_server_start(&s, state, NULL);
    struct person admin = admin_of(&s);
    assert_int_equal(call_as(&s, &admin, "PUT", "/api/roles/personnel",
                             "{\"vi\":\"Nhân sự\",\"en\":\"Personnel\",\"permissions\":"
                             "[\"identity.users\",\"identity.keys\"]}"),
                     204);
    add_user(&s, &admin, "{\"name\":\"lan\",\"roles\":[\"personnel\"]}", password,
             sizeof(password));
    test_sign_in(&s, "lan", password, lan.cookie, lan.csrf);
    change_password(&s, &lan, "lan", password, phrase);
    static const struct {
        const char *method, *path, *json;
    } ways[] = {
        {"PUT", "/api/roles/personnel",
         "{\"vi\":\"a\",\"en\":\"b\",\"permissions\":[\"identity.users\","
         "\"notes.write\"]}"},
        {"PUT", "/api/roles/new-one",
         "{\"vi\":\"a\",\"en\":\"b\",\"permissions\":[\"notes.write\"]}"},
        {"PATCH", "/api/users/lan", "{\"roles\":[\"admin\"]}"},
        {"POST", "/api/users", "{\"name\":\"minh\",\"roles\":[\"admin\"]}"},
        {"POST", "/api/users/admin/password", "{}"},
        {"PATCH", "/api/users/admin", "{\"disabled\":true}"},
        {"PATCH", "/api/users/admin", "{\"roles\":[]}"},
        {"POST", "/api/keys", "{\"agency\":\"tax\",\"roles\":[\"admin\"]}"},
    };
    for (size_t i = 0; i < NDC_ARRAY_LEN(ways); i++) {
        const char *code = code_of(&s, &lan, ways[i].method, ways[i].path, ways[i].json);
        if (strcmp(code, "auth.beyond") != 0) fail_msg("way %zu: \"%s\"", i, code);
    }
    assert_int_equal(call_as(&s, &lan, "POST", "/api/notes/count", ""), 403);
    /* What they have they may give. */
    assert_int_equal(call_as(&s, &lan, "POST", "/api/users",
                             "{\"name\":\"minh\",\"roles\":[\"personnel\"]}"),
                     201);
    /* The last administrator stays, whoever asks. */
    assert_string_equal(
        code_of(&s, &admin, "PATCH", "/api/users/admin", "{\"roles\":[\"personnel\"]}"),
        "user.last_admin");
    test_server_stop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_ON_BOTH(test_given_password_must_change),
        TEST_ON_BOTH(test_own_roles),
        TEST_ON_BOTH(test_nobody_lifts_their_own_rights),
    };
    return test_db_run(tests);
}

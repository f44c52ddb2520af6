/* Dispatch, from the outside: what a route's row promises, on both databases. */
#include "tests/server.h"

#include "base/json.h"
#include "core/audit.h"
#include "core/jobs.h"
#include "sys/clock.h"

#include <stdio.h>
#include <sys/stat.h>

static bool has(const struct ndc_buf *body, const char *text)
{
    return body->len && memmem(body->ptr, body->len, text, strlen(text)) != NULL;
}

#define assert_has(body, text)                                              \
    do {                                                                    \
        if (!has(body, text))                                               \
            fail_msg("no %s in %.*s", text, (int)(body)->len, (body)->ptr); \
    } while (0)

static void test_sign_in_and_out(void **state)
{
    struct test_server s;
    struct ndc_buf body;
    test_server_start(&s, state, NULL);
    assert_int_equal(
        test_call(&s, "GET", "/api/session", NULL, &body, s.cookie, NULL, NULL, NULL),
        200);
    assert_has(&body, "\"user\":\"admin\"");
    assert_has(&body, "\"notes.write\"");
    ndc_buf_free(&body);
    /* Without the cookie, with a wrong one, with a wrong key. */
    assert_int_equal(
        test_call(&s, "GET", "/api/session", NULL, NULL, NULL, NULL, NULL, NULL), 401);
    assert_int_equal(test_call(&s, "GET", "/api/session", NULL, NULL, "Cookie: ndc=abc",
                               NULL, NULL, NULL),
                     401);
    assert_int_equal(test_call(&s, "GET", "/api/session", NULL, NULL,
                               "Authorization: Bearer ndc_x", NULL, NULL, NULL),
                     401);
    /* An unsafe method needs the token; another site's page is refused with it. */
    const char *agency = "{\"vi\":\"a\",\"en\":\"b\"}";
    assert_int_equal(test_call(&s, "PUT", "/api/agencies/x", agency, NULL, s.cookie,
                               TEST_JSON, NULL, NULL),
                     403);
    assert_int_equal(test_call(&s, "PUT", "/api/agencies/x", agency, NULL, s.cookie,
                               TEST_JSON, s.csrf, "Sec-Fetch-Site: cross-site"),
                     403);
    assert_int_equal(test_call(&s, "PUT", "/api/agencies/x", agency, NULL, s.cookie,
                               TEST_JSON, s.csrf, NULL),
                     204);
    assert_int_equal(
        test_call(&s, "DELETE", "/api/session", NULL, NULL, s.cookie, s.csrf, NULL, NULL),
        204);
    assert_int_equal(
        test_call(&s, "GET", "/api/session", NULL, NULL, s.cookie, NULL, NULL, NULL),
        401);
    test_server_stop(&s);
}

static void test_keys(void **state)
{
    struct test_server s;
    struct ndc_fault fault = {0};
    test_server_start(&s, state, NULL);
    assert_int_equal(
        test_call(&s, "GET", "/api/notes", NULL, NULL, s.key, NULL, NULL, NULL), 200);
    assert_int_equal(
        test_call(&s, "POST", "/api/notes/count", "", NULL, s.key, TEST_JSON, NULL, NULL),
        403);
    assert_ok(ndc_key_revoke(ndc_app_identity(s.app), ndc_str(s.key_id), &fault), &fault);
    assert_int_equal(
        test_call(&s, "GET", "/api/notes", NULL, NULL, s.key, NULL, NULL, NULL), 401);
    test_server_stop(&s);
}

static void test_users(void **state)
{
    struct test_server s;
    struct ndc_buf body;
    struct ndc_fault fault = {0};
    test_server_start(&s, state, NULL);
    assert_int_equal(test_call(&s, "POST", "/api/users",
                               "{\"name\":\"lan\",\"roles\":[\"auditor\"],\"agency\":"
                               "\"tax\"}",
                               &body, s.cookie, s.csrf, TEST_JSON, NULL),
                     201);
    assert_has(&body, "\"password\":\"");
    ndc_buf_free(&body);
    const char *bad[] = {"{\"name\":\"lan\"}", "{\"name\":\"X Y\"}",
                         "{\"name\":\"minh\",\"roles\":[\"king\"]}",
                         "{\"name\":\"minh\",\"agency\":\"none\"}"};
    const int status[] = {409, 400, 400, 400};
    for (size_t i = 0; i < NDC_ARRAY_LEN(bad); i++)
        assert_int_equal(test_call(&s, "POST", "/api/users", bad[i], NULL, s.cookie,
                                   s.csrf, TEST_JSON, NULL),
                         status[i]);
    /* The last administrator stays. */
    assert_int_equal(test_call(&s, "PATCH", "/api/users/admin", "{\"disabled\":true}",
                               NULL, s.cookie, s.csrf, TEST_JSON, NULL),
                     409);
    /* Changing a password ends the old session. */
    char text[256];
    snprintf(text, sizeof(text), "{\"current\":\"%s\",\"password\":\"%s\"}",
             s.admin_password, "mưa rơi trên phố nhỏ");
    assert_int_equal(
        test_call(&s, "POST", "/api/session/password",
                  "{\"current\":\"x\",\"password\":\"mưa rơi trên phố nhỏ\"}", NULL,
                  s.cookie, s.csrf, TEST_JSON, NULL),
        403);
    assert_int_equal(test_call(&s, "POST", "/api/session/password", text, NULL, s.cookie,
                               s.csrf, TEST_JSON, NULL),
                     200);
    assert_int_equal(
        test_call(&s, "GET", "/api/session", NULL, NULL, s.cookie, NULL, NULL, NULL),
        401);
    const char *weak[] = {"short",         "Password1234!", "123456789012",
                          "aaaaaaaaaaaaa", "matkhau12345",  "Qw3rtyu1op!!!"};
    for (size_t i = 0; i < NDC_ARRAY_LEN(weak); i++) {
        fault = (struct ndc_fault){0};
        assert_int_equal(ndc_user_set_password(ndc_app_identity(s.app), NDC_STR("lan"),
                                               ndc_str(weak[i]), true, &fault),
                         NDC_EINPUT);
    }
    test_server_stop(&s);
}

static void test_throttle_locks_nobody_else_out(void **state)
{
    struct test_server s;
    struct ndc_buf body;
    char right[200];
    test_server_start(&s, state, NULL);
    int last = 0;
    for (int i = 0; i < 8; i++)
        last = test_call(&s, "POST", "/api/session",
                         "{\"user\":\"lan\",\"password\":\"wrong\"}", NULL, TEST_JSON,
                         NULL, NULL, NULL);
    assert_int_equal(last, 429);
    /* An unknown user and a known one get the same answer; admin still gets in. */
    snprintf(right, sizeof(right), "{\"user\":\"admin\",\"password\":\"%s\"}",
             s.admin_password);
    assert_int_equal(
        test_call(&s, "POST", "/api/session", right, &body, TEST_JSON, NULL, NULL, NULL),
        200);
    ndc_buf_free(&body);
    assert_int_equal(test_call(&s, "POST", "/api/session",
                               "{\"user\":\"admin\",\"password\":\"wrong\"}", &body,
                               TEST_JSON, "Accept-Language: en", NULL, NULL),
                     401);
    assert_has(&body, "\"code\":\"auth.failed\"");
    assert_has(&body, "The user name or password is not right");
    ndc_buf_free(&body);
    test_server_stop(&s);
}

static uint64_t count_audit(struct test_server *s)
{
    struct ndc_fault fault = {0};
    struct ndc_audit_head head;
    assert_ok(ndc_audit_head(ndc_app_audit(s->app), true, &head, &fault), &fault);
    return head.size;
}

static void test_personal_data_is_audited(void **state)
{
    struct test_server s;
    struct ndc_buf body;
    test_server_start(&s, state, NULL);
    const char *note = "{\"note\":\"n1\",\"person\":\"P-1\",\"text\":\"<b>'; DROP TABLE "
                       "note;--\"}";
    assert_int_equal(test_call(&s, "POST", "/api/notes", note, NULL, s.cookie, s.csrf,
                               TEST_JSON, TEST_PURPOSE),
                     400); /* no legal basis */
    char key[400];
    snprintf(key, sizeof(key), "%s\r\n%s", s.cookie, s.csrf);
    assert_int_equal(test_call(&s, "POST", "/api/notes", note, NULL, key, TEST_JSON,
                               TEST_PURPOSE, TEST_BASIS),
                     201);
    assert_int_equal(test_call(&s, "POST", "/api/notes", note, NULL, key, TEST_JSON,
                               TEST_PURPOSE, TEST_BASIS),
                     409);
    uint64_t before = count_audit(&s);
    assert_int_equal(
        test_call(&s, "GET", "/api/notes/n1", NULL, NULL, s.key, NULL, NULL, NULL), 400);
    assert_int_equal(test_call(&s, "GET", "/api/notes/n1", NULL, &body, s.key,
                               TEST_PURPOSE, TEST_BASIS, NULL),
                     200);
    assert_has(&body, "\\u003cb\\u003e'; DROP TABLE note;--");
    ndc_buf_free(&body);
    assert_int_equal(count_audit(&s), before + 1);
    /* A handler that tells the log nothing gives nothing. */
    assert_int_equal(test_call(&s, "GET", "/api/notes/unlogged", NULL, &body, s.key,
                               TEST_PURPOSE, TEST_BASIS, NULL),
                     500);
    assert_false(has(&body, "who saw"));
    ndc_buf_free(&body);
    test_server_stop(&s);
}

static void test_query_and_body(void **state)
{
    struct test_server s;
    struct ndc_buf body;
    test_server_start(&s, state, NULL);
    assert_int_equal(test_call(&s, "GET", "/api/notes?person=Nguy%E1%BB%85n+A", NULL,
                               &body, s.key, NULL, NULL, NULL),
                     200);
    assert_has(&body, "{\"limit\":50,\"person\":\"Nguyễn A\",\"all\":false}");
    ndc_buf_free(&body);
    const char *bad[] = {"?limt=5",          "?limit=0",     "?limit=x",
                         "?all=maybe",       "?person=%zz",  "?person=%ff",
                         "?limit=1&limit=2", "?person=a%00b"};
    for (size_t i = 0; i < NDC_ARRAY_LEN(bad); i++) {
        char path[64];
        snprintf(path, sizeof(path), "/api/notes%s", bad[i]);
        assert_int_equal(test_call(&s, "GET", path, NULL, &body, s.key, NULL, NULL, NULL),
                         400);
        if (i == 0) assert_has(&body, "did you mean \\\"limit\\\"?");
        ndc_buf_free(&body);
    }
    const char *bodies[] = {"{",
                            "[]",
                            "{'note':'a','person':'b'}",
                            "{'note':1,'person':'b','text':''}",
                            "{'note':'','person':'b','text':''}",
                            "{'note':'a','person':'b','text':'','kind':'c'}",
                            "{'note':'a','person':'b','txt':'','text':''}"};
    char key[400];
    snprintf(key, sizeof(key), "%s\r\n%s", s.cookie, s.csrf);
    for (size_t i = 0; i < NDC_ARRAY_LEN(bodies); i++) {
        char json[128];
        snprintf(json, sizeof(json), "%s", bodies[i]);
        for (char *p = json; *p; p++)
            if (*p == '\'') *p = '"';
        assert_int_equal(test_call(&s, "POST", "/api/notes", json, NULL, key, TEST_JSON,
                                   TEST_PURPOSE, TEST_BASIS),
                         400);
    }
    assert_int_equal(test_call(&s, "POST", "/api/notes", "{}", NULL, key,
                               "Content-Type: text/plain", TEST_PURPOSE, TEST_BASIS),
                     415);
    assert_int_equal(
        test_call(&s, "DELETE", "/api/notes", NULL, NULL, key, NULL, NULL, NULL), 405);
    assert_int_equal(
        test_call(&s, "POST", "/api/nothing", NULL, NULL, key, NULL, NULL, NULL), 404);
    test_server_stop(&s);
}

static void test_streams_and_spools(void **state)
{
    struct test_server s;
    struct ndc_buf body;
    test_server_start(&s, state, NULL);
    assert_int_equal(test_call(&s, "GET", "/api/notes.csv?rows=200000", NULL, &body,
                               s.key, TEST_PURPOSE, TEST_BASIS, NULL),
                     200);
    assert_has(&body, "199999,row\r\n");
    ndc_buf_free(&body);
    size_t size = 5 << 20;
    char *big = malloc(size + 1);
    assert_non_null(big);
    memset(big, 'x', size);
    for (size_t i = 99; i < size; i += 100)
        big[i] = '\n';
    big[size] = 0;
    char key[400];
    snprintf(key, sizeof(key), "%s\r\n%s", s.cookie, s.csrf);
    assert_int_equal(test_call(&s, "POST", "/api/notes/import", big, &body, key,
                               "Content-Type: text/csv", NULL, NULL),
                     200);
    assert_has(&body, "{\"bytes\":5242880,\"lines\":52428}");
    ndc_buf_free(&body);
    free(big);
    test_server_stop(&s);
}

static void test_jobs_and_events(void **state)
{
    struct test_server s;
    struct ndc_buf body;
    struct json_object *o;
    struct ndc_fault fault = {0};
    char path[128], id[64];
    test_server_start(&s, state, NULL);
    assert_int_equal(test_call(&s, "POST", "/api/notes/count", "", &body, s.cookie,
                               s.csrf, TEST_JSON, NULL),
                     202);
    assert_ok(ndc_json_parse(&o, ndc_buf_str(&body), &fault), &fault);
    snprintf(id, sizeof(id), "%.*s", NDC_STR_FMT(ndc_json_get_str(o, "job")));
    json_object_put(o);
    ndc_buf_free(&body);
    snprintf(path, sizeof(path), "/api/jobs/%s/events", id);
    /* Ends by itself when the job has. */
    assert_int_equal(test_call(&s, "GET", path, NULL, &body, s.cookie, NULL, NULL, NULL),
                     200);
    assert_has(&body, "\"state\":\"succeeded\"");
    assert_has(&body, "{\"counted\":5}");
    ndc_buf_free(&body);
    snprintf(path, sizeof(path), "/api/jobs/%s", id);
    assert_int_equal(test_call(&s, "GET", path, NULL, NULL, s.key, NULL, NULL, NULL),
                     403);
    assert_int_equal(test_call(&s, "GET", "/api/jobs?state=succeeded", NULL, &body,
                               s.cookie, NULL, NULL, NULL),
                     200);
    assert_has(&body, id);
    ndc_buf_free(&body);
    test_server_stop(&s);
}

static void test_descriptions(void **state)
{
    struct test_server s;
    struct ndc_buf body;
    struct json_object *o;
    struct ndc_fault fault = {0};
    test_server_start(&s, state, NULL);
    assert_int_equal(
        test_call(&s, "GET", "/api/openapi.json", NULL, &body, NULL, NULL, NULL, NULL),
        200);
    assert_ok(ndc_json_parse(&o, ndc_buf_str(&body), &fault), &fault);
    struct json_object *paths = ndc_json_get(o, "paths");
    assert_non_null(ndc_json_get(ndc_json_get(paths, "/api/notes/{note}"), "get"));
    json_object_put(o);
    ndc_buf_free(&body);
    assert_int_equal(test_call(&s, "GET", "/api", NULL, &body, NULL, NULL, NULL, NULL),
                     200);
    assert_has(&body, "/api/notes/{note}");
    ndc_buf_free(&body);
    assert_int_equal(
        test_call(&s, "GET", "/metrics", NULL, &body, NULL, NULL, NULL, NULL), 200);
    assert_has(&body, "ndc_http_requests_total{route=\"GET /api\",status=\"2xx\"} 1");
    assert_has(&body, "process_resident_memory_bytes");
    ndc_buf_free(&body);
    assert_int_equal(
        test_call(&s, "GET", "/health/ready", NULL, &body, NULL, NULL, NULL, NULL), 200);
    ndc_buf_free(&body);
    test_server_stop(&s);
}

static void put_file(const char *dir, const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

/* A path is answered by the nearest document at or above it; a file that is missed is not
 * taken for a page. */
static void test_documents(void **state)
{
    struct test_server s;
    struct ndc_buf body;
    char dir[256], sub[300];
    static const struct {
        const char *path, *text;
    } cases[] = {
        {"/", "console"},           {"/index.html", "console"},
        {"/sources", "console"},    {"/eidx", "console"},
        {"/eid", "citizens"},       {"/eid/", "citizens"},
        {"/eid.html", "citizens"},  {"/eid/sign-in?interaction=a.b", "citizens"},
        {"/eid/a/b/c", "citizens"}, {"/eid/desk", "desk"},
        {"/eid/desk/a", "desk"},    {"/eid/desks", "citizens"},
    };
    snprintf(dir, sizeof(dir), "%s/web", test_db_folder());
    snprintf(sub, sizeof(sub), "%s/eid", dir);
    assert_int_equal(mkdir(dir, 0700), 0);
    assert_int_equal(mkdir(sub, 0700), 0);
    put_file(dir, "index.html", "console");
    put_file(dir, "eid.html", "citizens");
    put_file(sub, "desk.html", "desk");
    test_server_start(&s, state, (const char *const[]){"web_dir", dir, NULL});
    for (size_t i = 0; i < NDC_ARRAY_LEN(cases); i++) {
        assert_int_equal(
            test_call(&s, "GET", cases[i].path, NULL, &body, NULL, NULL, NULL, NULL),
            200);
        assert_int_equal(body.len, strlen(cases[i].text));
        assert_memory_equal(body.ptr, cases[i].text, body.len);
        ndc_buf_free(&body);
    }
    assert_int_equal(
        test_call(&s, "GET", "/eid/none.js", NULL, NULL, NULL, NULL, NULL, NULL), 404);
    char longest[1500];
    memset(longest, 'a', sizeof(longest));
    longest[0] = '/';
    longest[sizeof(longest) - 1] = 0;
    assert_int_equal(test_call(&s, "GET", longest, NULL, NULL, NULL, NULL, NULL, NULL),
                     404);
    test_server_stop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_ON_BOTH(test_sign_in_and_out),
        TEST_ON_BOTH(test_keys),
        TEST_ON_BOTH(test_users),
        TEST_ON_BOTH(test_throttle_locks_nobody_else_out),
        TEST_ON_BOTH(test_personal_data_is_audited),
        TEST_ON_SQLITE(test_query_and_body),
        TEST_ON_SQLITE(test_streams_and_spools),
        TEST_ON_BOTH(test_jobs_and_events),
        TEST_ON_SQLITE(test_descriptions),
        TEST_ON_SQLITE(test_documents),
    };
    return test_db_run(tests);
}

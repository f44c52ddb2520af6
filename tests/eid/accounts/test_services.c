/* Services that an account registers: theirs alone, with what they did and what failed.
 */
#include "tests/eid/accounts/browser.h"

#include "platforms/eid/provider/client_use.h"

#define SERVICE                                                                          \
    "{\"client_name\":\"Phòng khám An\",\"redirect_uris\":[\"https://an.example/b\"]," \
    "\"purpose\":\"đặt lịch khám\",\"resource_server\":true}"
#define FORM "Content-Type: application/x-www-form-urlencoded"

/* A client's token by its secret: the status. */
static int ask_token(const struct centre *c, const char *id, const char *secret)
{
    char url[128], body[512];
    struct ndc_client_answer answer;
    struct ndc_fault fault = {0};
    const char *headers[] = {FORM, NULL};
    snprintf(url, sizeof(url), "http://127.0.0.1:%u/eid/token", c->s.port);
    snprintf(body, sizeof(body),
             "grant_type=authorization_code&code=x&client_id=%s&client_secret=%s", id,
             secret);
    const struct ndc_client_request request = {
        .method = "POST", .url = url, .headers = headers, .body = ndc_str(body)};
    assert_ok(ndc_client_call(&answer, &request, &fault), &fault);
    int status = answer.status;
    ndc_client_answer_free(&answer);
    return status;
}

static void path_of(char out[128], const char *id, const char *more)
{
    snprintf(out, 128, "/api/eid/me/clients/%s%s", id, more);
}

static void register_one(struct browser *b, char id[64], char secret[64])
{
    assert_int_equal(call(b, "POST", "/api/eid/me/clients", SERVICE), 201);
    snprintf(id, 64, "%s", got(b, "client_id"));
    snprintf(secret, 64, "%s", got(b, "client_secret"));
    assert_true(strlen(secret) > 30);
}

static void test_own_services(void **state)
{
    struct centre c;
    struct browser b = {.c = &c}, other = {.c = &c};
    char id[64], secret[64], path[128];
    centre_start(&c, state, NULL);
    assert_int_equal(call(&b, "GET", "/api/eid/me/clients", NULL), 401);
    open_account(&b, &nation[0]);
    open_account(&other, &nation[1]);
    register_one(&b, id, secret);
    path_of(path, id, "");
    /* Nobody makes themselves a resource server; the secret is not told again. */
    assert_int_equal(call(&b, "GET", path, NULL), 200);
    assert_string_equal(got(&b, "metadata.client_name"), "Phòng khám An");
    assert_string_equal(got(&b, "metadata.resource_server"), "");
    assert_string_equal(got(&b, "client_secret"), "");
    assert_int_equal(call(&b, "GET", "/api/eid/me/clients", NULL), 200);
    assert_non_null(strstr(whole(&b), id));
    /* Another's does not exist. */
    assert_int_equal(call(&other, "GET", "/api/eid/me/clients", NULL), 200);
    assert_string_equal(got(&other, "clients"), "[]");
    assert_int_equal(call(&other, "GET", path, NULL), 404);
    assert_string_equal(other.code, "eid.client");
    assert_int_equal(call(&other, "PUT", path, SERVICE), 404);
    assert_int_equal(call(&other, "DELETE", path, NULL), 404);
    path_of(path, id, "/secret");
    assert_int_equal(call(&other, "POST", path, "{}"), 404);
    path_of(path, id, "/use");
    assert_int_equal(call(&other, "GET", path, NULL), 404);
    assert_int_equal(ask_token(&c, id, secret),
                     400); /* it is who it is; the code is not */
    assert_int_equal(audited(&c, "eid.client_add"), 1);
    browser_free(&b);
    browser_free(&other);
    centre_stop(&c);
}

static void test_changing(void **state)
{
    struct centre c;
    struct browser b = {.c = &c};
    char id[64], secret[64], path[128];
    centre_start(&c, state, NULL);
    open_account(&b, &nation[0]);
    register_one(&b, id, secret);
    path_of(path, id, "");
    assert_int_equal(
        call(&b, "PUT", path,
             "{\"client_name\":\"Khác\",\"redirect_uris\":[\"http://x.vn/\"]}"),
        400);
    assert_string_equal(b.code, "invalid_redirect_uri");
    /* The same way to authenticate keeps the secret; none has none; a new one is shown.
     */
    assert_int_equal(
        call(&b, "PUT", path,
             "{\"client_name\":\"Khác\",\"redirect_uris\":[\"https://an.example/"
             "c\"],\"token_endpoint_auth_method\":\"client_secret_post\"}"),
        200);
    assert_string_equal(got(&b, "client_secret"), "");
    assert_string_equal(got(&b, "metadata.client_name"), "Khác");
    assert_int_equal(ask_token(&c, id, secret),
                     400); /* it is who it is; the code is not */
    /* Who has named a way keeps to it. */
    assert_int_equal(
        call(&b, "PUT", path,
             "{\"redirect_uris\":[\"https://an.example/c\"],\"token_endpoint_"
             "auth_method\":\"client_secret_basic\"}"),
        200);
    assert_int_equal(ask_token(&c, id, secret), 401);
    assert_int_equal(
        call(&b, "PUT", path, "{\"redirect_uris\":[\"https://an.example/c\"]}"), 200);
    assert_int_equal(ask_token(&c, id, secret), 400);
    path_of(path, id, "/secret");
    assert_int_equal(call(&b, "POST", path, "{}"), 200);
    char fresh[64];
    snprintf(fresh, sizeof(fresh), "%s", got(&b, "client_secret"));
    assert_string_not_equal(fresh, secret);
    assert_int_equal(ask_token(&c, id, secret), 401);
    assert_int_equal(ask_token(&c, id, fresh), 400);
    path_of(path, id, "");
    assert_int_equal(
        call(&b, "PUT", path,
             "{\"client_name\":\"Khác\",\"redirect_uris\":[\"https://an.example/"
             "c\"],\"token_endpoint_auth_method\":\"none\"}"),
        200);
    assert_int_equal(ask_token(&c, id, fresh), 401);
    path_of(path, id, "/secret");
    assert_int_equal(call(&b, "POST", path, "{}"), 409);
    assert_string_equal(b.code, "eid.client_secret");
    path_of(path, id, "");
    assert_int_equal(call(&b, "DELETE", path, NULL), 204);
    assert_int_equal(call(&b, "GET", path, NULL), 404);
    assert_int_equal(ask_token(&c, id, fresh), 401);
    browser_free(&b);
    centre_stop(&c);
}

static void test_use(void **state)
{
    struct centre c;
    struct browser b = {.c = &c};
    struct ndc_fault fault = {0};
    char id[64], secret[64], path[128];
    centre_start(&c, state, NULL);
    open_account(&b, &nation[0]);
    register_one(&b, id, secret);
    for (int i = 0; i < 3; i++)
        assert_int_equal(ask_token(&c, id, "wrong"), 401);
    assert_ok(eid_uses_write(c.eid, &fault), &fault);
    assert_int_equal(ask_token(&c, id, "wrong"), 401);
    assert_int_equal(ask_token(&c, "nobody", "wrong"), 401);
    assert_ok(eid_uses_write(c.eid, &fault), &fault);
    path_of(path, id, "/use");
    assert_int_equal(call(&b, "GET", path, NULL), 200);
    struct json_object *days = ndc_json_get(b.last, "days"),
                       *day = json_object_array_get_idx(days, 0);
    assert_int_equal(json_object_array_length(days), 1);
    assert_str_eq(ndc_json_get_str(day, "what"), "authenticate");
    assert_str_eq(ndc_json_get_str(day, "outcome"), "invalid_client");
    assert_non_null(strstr(whole(&b), "client_secret is not right"));
    assert_int_equal(ndc_json_get_i64(day, "count", 0), 4);
    /* What is over goes with the next that comes. */
    change(&c, "UPDATE eid_client_use SET expires_ms = 1, name = 'old'");
    assert_int_equal(ask_token(&c, id, "wrong"), 401);
    assert_ok(eid_uses_write(c.eid, &fault), &fault);
    assert_int_equal(count(&c, "SELECT count(*) FROM eid_client_use"), 1);
    assert_int_equal(count(&c, "SELECT count FROM eid_client_use"), 1);
    browser_free(&b);
    centre_stop(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_ON_BOTH(test_own_services),
        TEST_ON_BOTH(test_changing),
        TEST_ON_BOTH(test_use),
    };
    return test_db_run(tests);
}

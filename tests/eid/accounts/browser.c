/* The browser of browser.h. */
#include "tests/eid/accounts/browser.h"

#include "core/audit.h"
#include "platforms/eid/eid_platform.h"
#include "platforms/eid/follow.h"
#include "platforms/eid/http.h"
#include "sys/clock.h"

#include <openssl/hmac.h>
#include <stdarg.h>

enum { CALL_MS = 120000, HEADERS_MAX = 8 };

static const struct citizen as_born[NATION] = {
    {.entity = 11,
     .id = "001085000123",
     .former_id = "001085000999",
     .name = "Nguyễn Văn An",
     .birth = "1985-03-27"},
    {.entity = 12, .id = "001090000456", .name = "Trần Thị Bình", .birth = "1990-06-01"},
    {.entity = 13,
     .id = "001050000789",
     .name = "Lê Văn Cũ",
     .birth = "1950-01-02",
     .flags = NDC_PEOPLE_DEAD},
    {.entity = 14, .id = "001316000111", .name = "Nguyễn Văn Con"},
    {.entity = 15, .id = "001316000222", .name = "Phạm Văn Khác"},
    {.entity = 16,
     .name = "Công ty Ví Dụ",
     .org_id = "0100109106",
     .rep_id = "001085000123"},
    {.entity = 17,
     .id = "001080000333",
     .name = "Võ Văn Khóa",
     .birth = "1980-09-09",
     .flags = NDC_PEOPLE_FROZEN},
    {.entity = 18, .id = "001313000444", .name = "Hoàng Thị Lớn"},
};

struct citizen nation[NATION];

/* Children stay as old as they are, whenever the test runs. */
static void make_nation(void)
{
    static char ten[16], thirteen[16];
    int year = ndc_date_from_days((int32_t)(ndc_clock_wall_ms() / 86400000)).year;
    snprintf(ten, sizeof(ten), "%04d-01-01", year - 10);
    snprintf(thirteen, sizeof(thirteen), "%04d-01-01", year - 13);
    memcpy(nation, as_born, sizeof(nation));
    nation[3].birth = nation[4].birth = ten;
    nation[3].father_id = nation[0].id;
    nation[4].father_id = nation[1].id;
    nation[7].birth = thirteen;
    nation[7].mother_id = nation[1].id;
    nation_serve(nation, NATION);
}

/* ---- a client, as the provider would ask for one ---- */

static enum ndc_err post_ask(struct ndc_request *req, struct ndc_fault *fault)
{
    struct json_object *body;
    struct ndc_str id;
    enum ndc_err err = ndc_request_json(req, &body, fault);
    if (err) return err;
    const struct eid_ask ask = {.kind = "authorize",
                                .client = NDC_STR("client-1"),
                                .client_name = NDC_STR("Cổng dịch vụ công"),
                                .policy_uri = NDC_STR("https://rp.example/privacy"),
                                .scopes = ndc_json_get_str(body, "scopes"),
                                .claims = ndc_json_get_str(body, "claims"),
                                .purpose = NDC_STR("nộp hồ sơ"),
                                .acr = ndc_json_get_str(body, "acr"),
                                .account = ndc_json_get_str(body, "account"),
                                .auth_after_ms = ndc_json_get_i64(body, "after_ms", 0),
                                .ask_consent = ndc_json_get_bool(body, "ask", false),
                                .request = NDC_STR("{\"state\":\"xyz\"}"),
                                .resume = NDC_STR("/eid/authorize?x=1")};
    err = eid_interaction_begin(req, &ask, &id, fault);
    if (err) return err;
    ndc_json_object(&req->json);
    ndc_json_kv_str(&req->json, "id", id);
    ndc_json_end(&req->json);
    return NDC_OK;
}

static enum ndc_err post_take(struct ndc_request *req, struct ndc_fault *fault)
{
    struct json_object *body;
    struct eid_answer answer;
    enum ndc_err err = ndc_request_json(req, &body, fault);
    if (!err)
        err = eid_interaction_take(req, ndc_json_get_str(body, "id"), "authorize",
                                   &answer, fault);
    if (err) return err;
    ndc_json_object(&req->json);
    ndc_json_kv_bool(&req->json, "allowed", answer.allowed);
    ndc_json_kv_str(&req->json, "client", answer.client);
    ndc_json_kv_str(&req->json, "request", answer.request);
    ndc_json_kv_str(&req->json, "account", answer.by.account);
    ndc_json_kv_str(&req->json, "acr", answer.by.acr);
    ndc_json_kv_str(&req->json, "amr", answer.by.amr);
    ndc_json_end(&req->json);
    return NDC_OK;
}

#define CLIENT_ROUTES 2
static const struct ndc_route client_routes[CLIENT_ROUTES] = {
    {.method = "POST",
     .path = "/test/ask",
     .flags = NDC_ROUTE_PUBLIC | NDC_ROUTE_OWN_SESSION,
     .handler = post_ask,
     .request = "{scopes?:string,claims?:string,acr?:string,account?:string,"
                "after_ms?:int,ask?:bool}",
     .summary = "Asks",
     .tag = "Test"},
    {.method = "POST",
     .path = "/test/take",
     .flags = NDC_ROUTE_PUBLIC | NDC_ROUTE_OWN_SESSION,
     .handler = post_take,
     .request = "{id:string}",
     .summary = "Takes",
     .tag = "Test"},
};

static struct ndc_platform with_client;
static struct ndc_route routes[NDC_EID_ROUTES + CLIENT_ROUTES];

static void make_platform(void)
{
    memcpy(routes, ndc_eid_routes, sizeof(ndc_eid_routes));
    memcpy(routes + NDC_EID_ROUTES, client_routes, sizeof(client_routes));
    with_client = ndc_eid_platform;
    with_client.routes = routes;
    with_client.routes_n = NDC_ARRAY_LEN(routes);
    test_platform = &with_client;
}

void ask(struct browser *b, const char *format, ...)
{
    char json[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(json, sizeof(json), format, args);
    va_end(args);
    assert_int_equal(call(b, "POST", "/test/ask", json), 200);
    snprintf(b->id, sizeof(b->id), "%s", got(b, "id"));
    look_again(b);
}

void look_again(struct browser *b)
{
    char path[128];
    snprintf(path, sizeof(path), "/api/eid/interactions/%s", b->id);
    assert_int_equal(call(b, "GET", path, NULL), 200);
}

int take(struct browser *b)
{
    return callf(b, "POST", "/test/take", "{\"id\":\"%s\"}", b->id);
}

void centre_start(struct centre *c, void **state, const char *const *set)
{
    make_nation();
    make_platform();
    test_server_start(&c->s, state, set);
    c->eid = ndc_app_platform_state(c->s.app, "eid");
    snprintf(c->issuer, sizeof(c->issuer), "%.*s", NDC_STR_FMT(c->eid->issuer));
    /* Tests follow the nation themselves, when they have changed it. */
    eid_follow_stop(c->eid->accounts->follow);
    c->eid->accounts->follow = NULL;
}

void centre_stop(struct centre *c)
{
    test_server_stop(&c->s);
    nation_gone();
    test_platform = NULL;
}

/* ---- calls ---- */

void browser_free(struct browser *b)
{
    json_object_put(b->last);
    b->last = NULL;
}

static void take_cookie(char *out, size_t size, const char *name, const char *value)
{
    size_t n = strlen(name);
    if (strncmp(value, name, n) != 0 || value[n] != '=') return;
    size_t len = strcspn(value, ";\r\n");
    if (len == n + 1)
        out[0] = 0; /* the server takes it back */
    else
        snprintf(out, size, "%.*s", (int)len, value);
}

static void take_cookies(struct browser *b, const struct ndc_client_answer *answer)
{
    char *head = strndup(answer->head.ptr, answer->head.len), *rest = head, *line;
    b->retry_after[0] = 0;
    while ((line = strsep(&rest, "\n"))) {
        if (strncasecmp(line, "Retry-After: ", 13) == 0)
            snprintf(b->retry_after, sizeof(b->retry_after), "%.*s",
                     (int)strcspn(line + 13, "\r"), line + 13);
        if (strncasecmp(line, "Set-Cookie: ", 12) != 0) continue;
        take_cookie(b->session, sizeof(b->session), "ndc-eid", line + 12);
        take_cookie(b->binding, sizeof(b->binding), "ndc-eid-i", line + 12);
    }
    free(head);
}

int call(struct browser *b, const char *method, const char *path, const char *json)
{
    char url[1024], cookie[256], address[64];
    struct ndc_client_answer answer;
    struct ndc_fault fault = {0};
    const char *headers[HEADERS_MAX];
    size_t n = 0;
    snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", b->c->s.port, path);
    snprintf(cookie, sizeof(cookie), "Cookie: %s%s%s", b->session,
             b->session[0] && b->binding[0] ? "; " : "", b->binding);
    if (b->session[0] || b->binding[0]) headers[n++] = cookie;
    if (json) headers[n++] = TEST_JSON;
    if (b->address) {
        snprintf(address, sizeof(address), "X-Forwarded-For: %s", b->address);
        headers[n++] = address;
    }
    headers[n] = NULL;
    const struct ndc_client_request request = {.method = method,
                                               .url = url,
                                               .headers = headers,
                                               .body = ndc_str(json),
                                               .timeout_ms = CALL_MS};
    assert_ok(ndc_client_call(&answer, &request, &fault), &fault);
    json_object_put(b->last);
    b->last = NULL;
    b->code[0] = 0;
    if (answer.body.len)
        assert_ok(ndc_json_parse(&b->last, ndc_buf_str(&answer.body), &fault), &fault);
    if (answer.status >= 400)
        snprintf(b->code, sizeof(b->code), "%.*s",
                 NDC_STR_FMT(ndc_json_get_str(b->last, "code")));
    take_cookies(b, &answer);
    int status = answer.status;
    ndc_client_answer_free(&answer);
    return status;
}

int console_call(const struct centre *c, const char *method, const char *path,
                 const char *json, struct json_object **out)
{
    char url[1024];
    struct ndc_client_answer answer;
    struct ndc_fault fault = {0};
    struct json_object *o = NULL;
    const char *headers[] = {c->s.cookie, c->s.csrf, TEST_PURPOSE,
                             TEST_BASIS,  TEST_JSON, NULL};
    snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", c->s.port, path);
    const struct ndc_client_request request = {.method = method,
                                               .url = url,
                                               .headers = headers,
                                               .body = ndc_str(json),
                                               .timeout_ms = CALL_MS};
    assert_ok(ndc_client_call(&answer, &request, &fault), &fault);
    if (answer.body.len)
        assert_ok(ndc_json_parse(&o, ndc_buf_str(&answer.body), &fault), &fault);
    int status = answer.status;
    ndc_client_answer_free(&answer);
    if (out)
        *out = o;
    else
        json_object_put(o);
    return status;
}

int callf(struct browser *b, const char *method, const char *path, const char *format,
          ...)
{
    char json[16384];
    va_list args;
    va_start(args, format);
    vsnprintf(json, sizeof(json), format, args);
    va_end(args);
    return call(b, method, path, json);
}

const char *got(const struct browser *b, const char *path)
{
    static char texts[4][4096];
    static unsigned turn;
    char *out = texts[turn++ % 4];
    struct json_object *o = b->last;
    struct ndc_str rest = ndc_str(path), part;
    while (o && ndc_str_split(&rest, '.', &part)) {
        char name[64];
        snprintf(name, sizeof(name), "%.*s", NDC_STR_FMT(part));
        o = json_object_is_type(o, json_type_object) ? json_object_object_get(o, name)
                                                     : NULL;
    }
    bool plain = o && !json_object_is_type(o, json_type_string);
    snprintf(out, sizeof(texts[0]), "%s",
             plain ? json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN)
             : o   ? json_object_get_string(o)
                   : "");
    return out;
}

const char *whole(const struct browser *b)
{
    return json_object_to_json_string_ext(b->last, JSON_C_TO_STRING_PLAIN);
}

bool may_show(const struct browser *b, const char *method)
{
    char quoted[32];
    snprintf(quoted, sizeof(quoted), "\"%s\"", method);
    return strstr(got(b, "methods"), quoted) != NULL;
}

/* ---- signing in ---- */

void begin(struct browser *b)
{
    assert_int_equal(call(b, "POST", "/api/eid/interactions", "{}"), 201);
    snprintf(b->id, sizeof(b->id), "%s", got(b, "id"));
    assert_string_equal(got(b, "step"), "sign-in");
}

int step(struct browser *b, const char *name, const char *format, ...)
{
    char path[256], json[16384];
    va_list args;
    va_start(args, format);
    vsnprintf(json, sizeof(json), format, args);
    va_end(args);
    snprintf(path, sizeof(path), "/api/eid/interactions/%s/%s", b->id, name);
    return call(b, "POST", path, json);
}

int password(struct browser *b, const char *login, const char *text)
{
    return step(b, "password", "{\"login\":\"%s\",\"password\":\"%s\"}", login, text);
}

void challenge_of(struct browser *b, char out[64])
{
    assert_int_equal(step(b, "passkey/options", "{}"), 200);
    snprintf(out, 64, "%s", got(b, "publicKey.challenge"));
    assert_int_equal(strlen(out), 43);
}

int passkey(struct browser *b, struct soft_key *key)
{
    char challenge[64];
    struct ndc_buf answer;
    challenge_of(b, challenge);
    ndc_buf_init(&answer, 1 << 16);
    soft_key_assert(key, &answer, challenge, 5);
    int status =
        step(b, "passkey", "{\"credential\":%.*s}", NDC_STR_FMT(ndc_buf_str(&answer)));
    ndc_buf_free(&answer);
    return status;
}

void open_account(struct browser *b, const struct citizen *who)
{
    assert_int_equal(callf(b, "POST", "/api/eid/accounts",
                           "{\"kind\":\"citizen\",\"number\":\"%s\",\"name\":\"%s\","
                           "\"birth_date\":\"%s\",\"password\":\"" PASSWORD "\"}",
                           who->id, who->name, who->birth),
                     201);
}

void sign_in(struct browser *b, const struct citizen *who)
{
    begin(b);
    assert_int_equal(password(b, who->id, PASSWORD), 200);
    assert_string_equal(got(b, "step"), "done");
}

void add_passkey(struct browser *b, struct soft_key *key)
{
    struct ndc_buf answer;
    assert_int_equal(call(b, "POST", "/api/eid/me/passkeys/options", "{}"), 200);
    snprintf(key->handle, sizeof(key->handle), "%s", got(b, "publicKey.user.id"));
    ndc_buf_init(&answer, 1 << 16);
    soft_key_register(key, &answer, got(b, "publicKey.challenge"));
    assert_int_equal(callf(b, "POST", "/api/eid/me/passkeys",
                           "{\"title\":\"điện thoại\",\"credential\":%.*s}",
                           NDC_STR_FMT(ndc_buf_str(&answer))),
                     201);
    ndc_buf_free(&answer);
}

static size_t base32_read(uint8_t *out, const char *text)
{
    uint32_t bits = 0, n = 0;
    size_t len = 0;
    for (; *text && *text != '='; text++) {
        const char *at = strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", *text);
        assert_non_null(at);
        bits = bits << 5 | (uint32_t)(at - "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567");
        n += 5;
        if (n >= 8) out[len++] = (uint8_t)(bits >> (n -= 8));
    }
    return len;
}

void totp_code(const char *secret, int steps, char out[16])
{
    uint8_t key[64], mac[20], at[8];
    unsigned len = 0;
    uint64_t number = (uint64_t)(ndc_clock_wall_ms() / 30000 + steps);
    size_t key_len = base32_read(key, secret);
    for (int i = 0; i < 8; i++)
        at[i] = (uint8_t)(number >> (56 - 8 * i));
    assert_non_null(HMAC(EVP_sha1(), key, (int)key_len, at, sizeof(at), mac, &len));
    const uint8_t *p = mac + (mac[19] & 15);
    uint32_t v = ((uint32_t)(p[0] & 127) << 24 | (uint32_t)p[1] << 16 |
                  (uint32_t)p[2] << 8 | p[3]) %
                 1000000;
    snprintf(out, 16, "%06u", v);
}

void add_totp(struct browser *b, char secret[64])
{
    char path[64], code[16];
    assert_int_equal(call(b, "POST", "/api/eid/me/totp", "{}"), 201);
    snprintf(secret, 64, "%s", got(b, "secret"));
    snprintf(path, sizeof(path), "/api/eid/me/totp/%s", got(b, "number"));
    totp_code(secret, -1, code);
    assert_int_equal(callf(b, "POST", path, "{\"code\":\"%s\"}", code), 204);
}

/* ---- looking behind ---- */

int64_t count(const struct centre *c, const char *sql)
{
    struct ndc_store_conn *conn;
    struct ndc_fault fault = {0};
    int64_t n = 0;
    assert_ok(ndc_store_take(c->eid->store, NDC_READ, &conn, &fault), &fault);
    assert_ok(ndc_sql_i64(conn, &n, sql, NDC_NO_ARGS, &fault), &fault);
    ndc_store_give(conn);
    return n;
}

void change(const struct centre *c, const char *sql)
{
    struct ndc_store_conn *conn;
    struct ndc_fault fault = {0};
    assert_ok(ndc_store_take(c->eid->store, NDC_WRITE, &conn, &fault), &fault);
    assert_ok(ndc_sql_exec(conn, sql, NDC_NO_ARGS, NULL, &fault), &fault);
    ndc_store_give(conn);
}

struct looking {
    const char *action;
    int found;
};

static enum ndc_err look(void *arg, uint64_t seq, struct ndc_str entry)
{
    struct looking *l = arg;
    char text[96];
    (void)seq;
    snprintf(text, sizeof(text), "\"action\":\"%s\"", l->action);
    l->found += memmem(entry.ptr, entry.len, text, strlen(text)) != NULL &&
                memmem(entry.ptr, entry.len, "\"platform\":\"eid\"", 16) != NULL;
    return NDC_OK;
}

int audited(const struct centre *c, const char *action)
{
    struct looking l = {action, 0};
    struct ndc_fault fault = {0};
    struct ndc_audit_head head;
    uint64_t next;
    struct ndc_audit *audit = ndc_app_audit(c->s.app);
    assert_ok(ndc_audit_head(audit, true, &head, &fault), &fault);
    assert_ok(ndc_audit_find(audit, &(struct ndc_audit_query){.limit = 1000}, look, &l,
                             &next, &fault),
              &fault);
    return l.found;
}

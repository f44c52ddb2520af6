/* Accounts and what becomes of them: opening, children, organisations, the desk, the
 * console, and what the registry says later. */
#include "tests/eid/accounts/browser.h"

#include "platforms/eid/follow.h"
#include "sys/clock.h"

static int open_as(struct browser *b, const char *number, const char *name,
                   const char *birth)
{
    return callf(b, "POST", "/api/eid/accounts",
                 "{\"kind\":\"citizen\",\"number\":\"%s\",\"name\":\"%s\","
                 "\"birth_date\":\"%s\",\"password\":\"" PASSWORD "\"}",
                 number, name, birth);
}

static void follow(const struct centre *c)
{
    struct ndc_fault fault = {0};
    bool more = true;
    while (more)
        assert_ok(eid_follow(c->eid, &more, &fault), &fault);
}

static void test_opening(void **state)
{
    struct centre c;
    struct browser b = {.c = &c};
    char words[512];
    centre_start(&c, state, NULL);
    /* Whatever does not fit gets one answer, word for word. */
    assert_int_equal(open_as(&b, "001085000123", "Nguyễn Văn Ân", "1985-03-28"), 400);
    assert_string_equal(b.code, "eid.no_match");
    snprintf(words, sizeof(words), "%s", got(&b, "detail"));
    static const char *const wrong[][3] = {
        {"001085000124", "Nguyễn Văn An", "1985-03-27"}, /* nobody's number */
        {"001085000123", "Trần Thị Bình", "1985-03-27"}, /* another's name */
        {"001085000999", "Nguyễn Văn An", "1985-03-27"}, /* his number once */
        {"hello", "Nguyễn Văn An", "1985-03-27"}};
    for (size_t i = 0; i < NDC_ARRAY_LEN(wrong); i++) {
        assert_int_equal(open_as(&b, wrong[i][0], wrong[i][1], wrong[i][2]), 400);
        assert_string_equal(got(&b, "detail"), words);
        assert_string_equal(b.code, "eid.no_match");
    }
    assert_int_equal(open_as(&b, nation[2].id, nation[2].name, nation[2].birth), 403);
    assert_string_equal(b.code, "eid.dead");
    assert_int_equal(open_as(&b, nation[6].id, nation[6].name, nation[6].birth), 403);
    assert_string_equal(b.code, "eid.frozen");
    assert_int_equal(open_as(&b, nation[7].id, nation[7].name, nation[7].birth), 403);
    assert_string_equal(b.code, "eid.under_age");
    assert_int_equal(
        callf(&b, "POST", "/api/eid/accounts",
              "{\"kind\":\"citizen\",\"number\":\"%s\",\"name\":\"%s\",\"birth_date\":"
              "\"%s\",\"password\":\"password1234\"}",
              nation[1].id, nation[1].name, nation[1].birth),
        400);
    assert_string_equal(b.code, "password.common");
    assert_int_equal(count(&c, "SELECT count(*) FROM eid_account"), 0);
    open_account(&b, &nation[1]);
    assert_int_equal(open_as(&b, nation[1].id, nation[1].name, nation[1].birth), 409);
    assert_string_equal(b.code, "eid.exists");
    assert_int_equal(audited(&c, "account.no_match"), 5);
    assert_int_equal(audited(&c, "account.open"), 1);
    /* Somebody who tries number after number is slowed down. */
    int refused = 0;
    for (int i = 0; i < 8; i++)
        refused += open_as(&b, "001085000123", "Ai Đó", "1985-03-27") == 429;
    assert_true(refused >= 2);
    browser_free(&b);
    centre_stop(&c);
}

static int open_child(struct browser *b, const struct citizen *child)
{
    return callf(b, "POST", "/api/eid/me/children",
                 "{\"number\":\"%s\",\"name\":\"%s\",\"birth_date\":\"%s\"}", child->id,
                 child->name, child->birth);
}

static void test_wards(void **state)
{
    struct centre c;
    struct browser an = {.c = &c}, lon = {.c = &c}, binh = {.c = &c}, firm = {.c = &c};
    centre_start(&c, state, NULL);
    open_account(&an, &nation[0]);
    open_account(&binh, &nation[1]);
    assert_int_equal(open_child(&an, &nation[3]), 201);
    assert_int_equal(open_child(&an, &nation[4]), 403);
    assert_string_equal(an.code, "eid.guardian");
    assert_int_equal(open_child(&an, &nation[1]), 403);
    assert_string_equal(an.code, "eid.age");
    assert_int_equal(open_child(&an, &nation[3]), 409);
    assert_int_equal(call(&an, "GET", "/api/eid/me", NULL), 200);
    assert_non_null(strstr(got(&an, "guardian_of"), "Nguyễn Văn Con"));
    /* A child's account becomes its owner's at fourteen. */
    assert_int_equal(open_child(&binh, &nation[7]), 201);
    nation[7].birth = "2010-01-01";
    assert_int_equal(open_as(&lon, nation[7].id, nation[7].name, nation[7].birth), 201);
    assert_int_equal(call(&lon, "GET", "/api/eid/me", NULL), 200);
    assert_int_equal(call(&binh, "GET", "/api/eid/me", NULL), 200);
    assert_string_equal(got(&binh, "guardian_of"), "[]");
    /* An organisation's is opened by whoever represents it by law. */
    static const char organisation[] =
        "{\"number\":\"0100109106\",\"password\":\"mười năm trồng cây\"}";
    assert_int_equal(call(&binh, "POST", "/api/eid/me/organisations", organisation), 403);
    assert_string_equal(binh.code, "eid.representative");
    assert_int_equal(call(&an, "POST", "/api/eid/me/organisations", organisation), 201);
    begin(&firm);
    assert_int_equal(password(&firm, "0100109106", "mười năm trồng cây"), 200);
    assert_int_equal(call(&firm, "GET", "/api/eid/me", NULL), 200);
    assert_string_equal(got(&firm, "kind"), "organisation");
    /* Somebody else represents it now. */
    nation[5].rep_id = nation[1].id;
    nation_changed(nation[5].entity);
    follow(&c);
    assert_int_equal(call(&firm, "GET", "/api/eid/me", NULL), 401);
    browser_free(&an);
    browser_free(&lon);
    browser_free(&binh);
    browser_free(&firm);
    centre_stop(&c);
}

/* ---- the desk ---- */

struct desk {
    const struct centre *c;
    char account[64], code[64];
};

static int at_desk(struct desk *d, const char *method, const char *path, const char *json,
                   struct json_object **out)
{
    struct json_object *o;
    int status = console_call(d->c, method, path, json, &o);
    snprintf(d->code, sizeof(d->code), "%.*s",
             NDC_STR_FMT(status >= 400 ? ndc_json_get_str(o, "code") : NDC_STR("")));
    if (out)
        *out = o;
    else
        json_object_put(o);
    return status;
}

static int act(struct desk *d, const char *name, const char *json,
               struct json_object **out)
{
    char path[200];
    snprintf(path, sizeof(path), "/api/eid/desk/accounts/%s/%s", d->account, name);
    return at_desk(d, "POST", path, json, out);
}

static const char papers[] =
    "{\"document\":\"căn cước\",\"document_number\":\"001085000123\"}";

static void find_at_desk(struct desk *d, const char *number)
{
    char path[200];
    struct json_object *o;
    snprintf(path, sizeof(path), "/api/eid/desk/accounts?number=%s", number);
    assert_int_equal(at_desk(d, "GET", path, NULL, &o), 200);
    struct json_object *one = json_object_array_get_idx(ndc_json_get(o, "accounts"), 0);
    assert_non_null(one);
    /* The official has the papers: the answer names nobody. */
    assert_str_eq(ndc_json_get_str(one, "name_masked"), "N. V. A.");
    assert_str_eq(ndc_json_get_str(one, "number_masked"), "••• 0123");
    snprintf(d->account, sizeof(d->account), "%.*s",
             NDC_STR_FMT(ndc_json_get_str(one, "account")));
    json_object_put(o);
}

static void test_desk(void **state)
{
    struct centre c;
    struct soft_key key;
    struct browser b = {.c = &c};
    struct json_object *o;
    char code[64];
    centre_start(&c, state, NULL);
    struct desk d = {.c = &c};
    soft_key_make(&key, c.issuer, "localhost");
    open_account(&b, &nation[0]);
    add_passkey(&b, &key);
    find_at_desk(&d, nation[0].id);
    assert_int_equal(act(&d, "proof", papers, NULL), 200);
    begin(&b);
    assert_int_equal(passkey(&b, &key), 200);
    assert_int_equal(call(&b, "GET", "/api/eid/me", NULL), 200);
    assert_string_equal(got(&b, "level"), "2");
    assert_string_equal(got(&b, "acr"), "urn:ndc:eid:3");
    /* Frozen at the desk, thawed at the desk. */
    assert_int_equal(act(&d, "freeze", "{\"reason\":\"mất điện thoại\"}", NULL), 200);
    assert_int_equal(act(&d, "freeze", "{\"reason\":\"again\"}", NULL), 409);
    assert_int_equal(call(&b, "GET", "/api/eid/me", NULL), 401);
    assert_int_equal(act(&d, "thaw", "{\"reason\":\"tìm thấy\"}", NULL), 200);
    /* Everything is lost: a code that signs in once, and the level stays. */
    assert_int_equal(act(&d, "reset", papers, &o), 200);
    assert_int_equal(json_object_array_length(ndc_json_get(o, "codes")), 1);
    snprintf(
        code, sizeof(code), "%s",
        json_object_get_string(json_object_array_get_idx(ndc_json_get(o, "codes"), 0)));
    json_object_put(o);
    begin(&b);
    assert_int_equal(passkey(&b, &key), 401);
    assert_int_equal(password(&b, nation[0].id, PASSWORD), 401);
    assert_int_equal(
        step(&b, "recovery", "{\"login\":\"%s\",\"code\":\"%s\"}", nation[0].id, code),
        200);
    assert_string_equal(got(&b, "step"), "done");
    assert_int_equal(call(&b, "GET", "/api/eid/me", NULL), 200);
    assert_string_equal(got(&b, "acr"), "urn:ndc:eid:1"); /* one thing was shown */
    add_passkey(&b, &key);
    begin(&b);
    assert_int_equal(
        step(&b, "recovery", "{\"login\":\"%s\",\"code\":\"%s\"}", nation[0].id, code),
        401);
    assert_int_equal(passkey(&b, &key), 200);
    assert_int_equal(call(&b, "GET", "/api/eid/me", NULL), 200);
    assert_string_equal(got(&b, "acr"), "urn:ndc:eid:3");
    /* What was seen and by whom is kept; not the document's number. */
    assert_int_equal(count(&c, "SELECT count(*) FROM eid_account WHERE proof LIKE "
                               "'%user:admin%' AND proof NOT LIKE '%001085000123%'"),
                     1);
    assert_int_equal(audited(&c, "desk.proof"), 1);
    assert_int_equal(audited(&c, "desk.reset"), 1);
    soft_key_free(&key);
    browser_free(&b);
    centre_stop(&c);
}

static void test_console(void **state)
{
    struct centre c;
    struct soft_key key;
    struct browser b = {.c = &c};
    struct ndc_client_answer answer;
    struct ndc_fault fault = {0};
    char cookie[256], url[128];
    centre_start(&c, state, NULL);
    struct desk d = {.c = &c};
    soft_key_make(&key, c.issuer, "localhost");
    open_account(&b, &nation[0]);
    assert_int_equal(call(&b, "POST", "/api/eid/console", "{}"), 403);
    assert_string_equal(b.code, "eid.no_user");
    change(&c, "UPDATE eid_account SET user_name = 'admin'");
    assert_int_equal(call(&b, "POST", "/api/eid/console", "{}"), 403);
    assert_string_equal(b.code, "eid.level"); /* a password alone */
    add_passkey(&b, &key);
    snprintf(cookie, sizeof(cookie), "Cookie: %s", b.session);
    snprintf(url, sizeof(url), "http://127.0.0.1:%u/api/eid/console", c.s.port);
    const char *headers[] = {cookie, TEST_JSON, NULL};
    const struct ndc_client_request request = {.method = "POST",
                                               .url = url,
                                               .headers = headers,
                                               .body = NDC_STR("{}"),
                                               .timeout_ms = 60000};
    assert_ok(ndc_client_call(&answer, &request, &fault), &fault);
    assert_int_equal(answer.status, 200);
    struct ndc_str set = ndc_client_header(&answer, "Set-Cookie");
    snprintf(cookie, sizeof(cookie), "Cookie: %.*s", (int)ndc_str_find(set, ';'),
             set.ptr);
    ndc_client_answer_free(&answer);
    assert_int_equal(
        test_call(&c.s, "GET", "/api/users", NULL, NULL, cookie, NULL, NULL, NULL), 200);
    /* Nobody proofs their own account. */
    find_at_desk(&d, nation[0].id);
    assert_int_equal(act(&d, "proof", papers, NULL), 403);
    assert_string_equal(d.code, "eid.own_account");
    assert_int_equal(audited(&c, "sign-in.console"), 1);
    soft_key_free(&key);
    browser_free(&b);
    centre_stop(&c);
}

/* ---- what the registry says later ---- */

static void test_following(void **state)
{
    struct centre c;
    struct browser b = {.c = &c}, other = {.c = &c};
    centre_start(&c, state, NULL);
    open_account(&b, &nation[0]);
    open_account(&other, &nation[1]);
    follow(&c);
    /* A new number: that one signs in, the former does not, the session goes on. */
    nation[0].former_id = nation[0].id;
    nation[0].id = "001085000777";
    nation_changed(nation[0].entity);
    follow(&c);
    assert_int_equal(call(&b, "GET", "/api/eid/me", NULL), 200);
    assert_string_equal(got(&b, "number_masked"), "••• 0777");
    begin(&b);
    assert_int_equal(password(&b, "001085000123", PASSWORD), 401);
    assert_int_equal(password(&b, "001085000777", PASSWORD), 200);
    /* The identity is frozen, and thawed again, there. */
    nation[0].flags = NDC_PEOPLE_FROZEN;
    nation_changed(nation[0].entity);
    follow(&c);
    assert_int_equal(call(&b, "GET", "/api/eid/me", NULL), 401);
    begin(&b);
    assert_int_equal(password(&b, nation[0].id, PASSWORD), 403);
    assert_string_equal(b.code, "eid.frozen");
    struct desk d = {.c = &c};
    struct json_object *o;
    assert_int_equal(
        at_desk(&d, "GET", "/api/eid/desk/accounts?number=001085000777", NULL, &o), 200);
    snprintf(d.account, sizeof(d.account), "%.*s",
             NDC_STR_FMT(ndc_json_get_str(
                 json_object_array_get_idx(ndc_json_get(o, "accounts"), 0), "account")));
    json_object_put(o);
    assert_int_equal(act(&d, "thaw", "{\"reason\":\"x\"}", NULL), 409);
    nation[0].flags = 0;
    nation_changed(nation[0].entity);
    follow(&c);
    sign_in(&b, &nation[0]);
    /* Two entities became one: the number says which. */
    nation[0].entity = 99;
    nation_changed(11);
    follow(&c);
    assert_int_equal(count(&c, "SELECT count(*) FROM eid_account WHERE entity = 99"), 1);
    assert_int_equal(call(&b, "GET", "/api/eid/me", NULL), 200);
    /* Death ends it, also where it is found when everything may have changed. */
    nation[0].flags = NDC_PEOPLE_DEAD;
    nation_anew();
    follow(&c);
    assert_int_equal(call(&b, "GET", "/api/eid/me", NULL), 401);
    begin(&b);
    assert_int_equal(password(&b, nation[0].id, PASSWORD), 403);
    assert_string_equal(b.code, "eid.ended");
    assert_int_equal(call(&other, "GET", "/api/eid/me", NULL), 200);
    assert_int_equal(audited(&c, "account.renumber"), 1);
    assert_int_equal(audited(&c, "account.end"), 1);
    browser_free(&b);
    browser_free(&other);
    centre_stop(&c);
}

/* The daemon's own thread does the same within a second or two. */
static void test_thread(void **state)
{
    struct centre c;
    struct browser b = {.c = &c};
    centre_start(&c, state, NULL);
    open_account(&b, &nation[0]);
    nation[0].flags = NDC_PEOPLE_DEAD;
    nation_changed(nation[0].entity);
    c.eid->accounts->follow = eid_follow_start(c.eid);
    int status = 200;
    for (int i = 0; i < 600 && status == 200; i++) {
        ndc_clock_sleep_ms(50);
        status = call(&b, "GET", "/api/eid/me", NULL);
    }
    assert_int_equal(status, 401);
    browser_free(&b);
    centre_stop(&c);
}

/* Who looked at a person is shown to that person, and to nobody else. */
static void test_readers(void **state)
{
    struct centre c;
    struct browser b = {.c = &c}, other = {.c = &c};
    char entity[NDC_PEOPLE_ENTITY_TEXT], json[200];
    centre_start(&c, state, NULL);
    open_account(&b, &nation[0]);
    open_account(&other, &nation[1]);
    ndc_people(NULL)->entity_text(entity, NDC_ENTITY_PERSON, nation[0].entity);
    snprintf(json, sizeof(json), "{\"note\":\"n1\",\"person\":\"%s\",\"text\":\"x\"}",
             entity);
    assert_int_equal(console_call(&c, "POST", "/api/notes", json, NULL), 201);
    assert_int_equal(test_call(&c.s, "GET", "/api/notes/n1", NULL, NULL, c.s.key,
                               TEST_PURPOSE, TEST_BASIS, NULL),
                     200);
    assert_int_equal(call(&b, "GET", "/api/eid/me/readers", NULL), 200);
    assert_non_null(strstr(whole(&b), "\"agency\":\"tax\""));
    assert_null(strstr(whole(&b), "account.open"));
    assert_int_equal(call(&other, "GET", "/api/eid/me/readers", NULL), 200);
    assert_int_equal(json_object_array_length(other.last), 0);
    assert_int_equal(call(&b, "GET", "/api/eid/me/sign-ins", NULL), 200);
    assert_int_equal(json_object_array_length(b.last), 0);
    begin(&b);
    assert_int_equal(password(&b, nation[0].id, "một hai ba bốn năm sáu"), 401);
    assert_int_equal(password(&b, nation[0].id, PASSWORD), 200);
    assert_int_equal(call(&b, "GET", "/api/eid/me/sign-ins", NULL), 200);
    assert_int_equal(json_object_array_length(b.last), 2);
    struct json_object *last = json_object_array_get_idx(b.last, 0);
    assert_str_eq(ndc_json_get_str(last, "what"), "sign-in");
    assert_str_eq(ndc_json_get_str(last, "how"), "pwd");
    assert_str_eq(ndc_json_get_str(last, "where"), "127.0.0.1");
    browser_free(&b);
    browser_free(&other);
    centre_stop(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_ON_BOTH(test_opening),   TEST_ON_BOTH(test_wards),
        TEST_ON_BOTH(test_desk),      TEST_ON_BOTH(test_console),
        TEST_ON_BOTH(test_following), TEST_ON_BOTH(test_thread),
        TEST_ON_BOTH(test_readers),
    };
    return test_db_run(tests);
}

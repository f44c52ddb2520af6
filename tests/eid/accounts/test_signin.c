/* Signing in over HTTP: passwords, passkeys with real signatures, codes, what a client
 * asks for, consent. */
#include "tests/eid/accounts/browser.h"

static const char *me(struct browser *b, const char *member)
{
    assert_int_equal(call(b, "GET", "/api/eid/me", NULL), 200);
    return got(b, member);
}

static void sign_out(struct browser *b)
{
    char path[128];
    assert_int_equal(call(b, "GET", "/api/eid/me/sessions", NULL), 200);
    for (size_t i = 0; i < json_object_array_length(b->last); i++) {
        struct json_object *o = json_object_array_get_idx(b->last, i);
        if (!ndc_json_get_bool(o, "current", false)) continue;
        snprintf(path, sizeof(path), "/api/eid/me/sessions/%.*s",
                 NDC_STR_FMT(ndc_json_get_str(o, "sid")));
    }
    assert_int_equal(call(b, "DELETE", path, NULL), 204);
    assert_string_equal(b->session, "");
}

static void test_password(void **state)
{
    struct centre c;
    struct browser b = {.c = &c};
    centre_start(&c, state, NULL);
    assert_int_equal(
        callf(&b, "POST", "/api/eid/accounts",
              "{\"kind\":\"citizen\",\"number\":\"%s\",\"name\":\"NGUYEN VAN "
              "AN\",\"birth_date\":\"27/03/1985\",\"phone\":\"0912 345 678\","
              "\"email\":\"An@Example.VN\",\"password\":\"" PASSWORD "\"}",
              nation[0].id),
        201);
    assert_string_equal(got(&b, "level"), "1");
    assert_string_equal(me(&b, "name"), "Nguyễn Văn An");
    assert_string_equal(got(&b, "acr"), "urn:ndc:eid:1");
    assert_string_equal(got(&b, "number_masked"), "••• 0123");
    assert_string_equal(got(&b, "phone"), "+84912345678");
    sign_out(&b);
    assert_int_equal(call(&b, "GET", "/api/eid/me", NULL), 401);
    assert_string_equal(b.code, "eid.signed_out");
    /* Each of its logins, and the answer that everything else gets. */
    static const char *const logins[] = {"001085000123", "0912345678", "+84 912 345 678",
                                         "an@example.vn"};
    for (size_t i = 0; i < NDC_ARRAY_LEN(logins); i++) {
        begin(&b);
        assert_int_equal(password(&b, logins[i], PASSWORD), 200);
        assert_string_equal(got(&b, "step"), "done");
        assert_string_equal(got(&b, "location"), "/eid/account");
    }
    static const char *const wrong[][2] = {{"001085000123", "something else entirely"},
                                           {"001090000456", PASSWORD},
                                           {"no such login at all", PASSWORD}};
    for (size_t i = 0; i < NDC_ARRAY_LEN(wrong); i++) {
        begin(&b);
        assert_int_equal(password(&b, wrong[i][0], wrong[i][1]), 401);
        assert_string_equal(b.code, "auth.failed");
    }
    assert_int_equal(count(&c, "SELECT count(*) FROM eid_authenticator WHERE kind = "
                               "'password' AND used_ms > 0"),
                     1);
    assert_int_equal(audited(&c, "sign-in"), 4);
    assert_int_equal(audited(&c, "sign-in.failed"), 3);
    browser_free(&b);
    centre_stop(&c);
}

static void test_passkey(void **state)
{
    struct centre c;
    struct soft_key key;
    struct browser b = {.c = &c};
    centre_start(&c, state, NULL);
    soft_key_make(&key, c.issuer, "localhost");
    open_account(&b, &nation[0]);
    add_passkey(&b, &key);
    assert_string_equal(me(&b, "acr"), "urn:ndc:eid:2");
    sign_out(&b);
    begin(&b);
    assert_int_equal(passkey(&b, &key), 200);
    assert_string_equal(got(&b, "step"), "done");
    assert_string_equal(me(&b, "acr"), "urn:ndc:eid:2");
    assert_int_equal(
        count(&c, "SELECT counter FROM eid_authenticator WHERE kind = 'passkey'"),
        key.counter);
    /* Now the password is not enough, and the passkey stands beside it. */
    begin(&b);
    assert_int_equal(password(&b, nation[0].id, PASSWORD), 200);
    assert_string_equal(got(&b, "step"), "second");
    assert_true(may_show(&b, "passkey"));
    assert_false(may_show(&b, "totp"));
    assert_string_equal(got(&b, "account.name"), "N. V. A.");
    assert_int_equal(passkey(&b, &key), 200);
    assert_string_equal(got(&b, "step"), "done");
    assert_string_equal(got(&b, "account.name"), "Nguyễn Văn An");
    /* A synced one that does not count is fine, with 0 for ever. */
    struct soft_key synced;
    soft_key_make(&synced, c.issuer, "localhost");
    synced.counts = false;
    add_passkey(&b, &synced);
    for (int i = 0; i < 2; i++) {
        begin(&b);
        assert_int_equal(passkey(&b, &synced), 200);
    }
    soft_key_free(&synced);
    soft_key_free(&key);
    browser_free(&b);
    centre_stop(&c);
}

static void test_totp(void **state)
{
    struct centre c;
    struct browser b = {.c = &c};
    char secret[64], code[16];
    centre_start(&c, state, NULL);
    open_account(&b, &nation[0]);
    add_totp(&b, secret);
    assert_string_equal(me(&b, "acr"), "urn:ndc:eid:2");
    begin(&b);
    assert_int_equal(password(&b, nation[0].id, PASSWORD), 200);
    assert_string_equal(got(&b, "step"), "second");
    assert_true(may_show(&b, "totp"));
    totp_code(secret, 0, code);
    assert_int_equal(step(&b, "totp", "{\"code\":\"%s\"}", code), 200);
    assert_string_equal(got(&b, "step"), "done");
    /* The same code again, in another sign-in. */
    begin(&b);
    assert_int_equal(password(&b, nation[0].id, PASSWORD), 200);
    assert_int_equal(step(&b, "totp", "{\"code\":\"%s\"}", code), 403);
    assert_string_equal(b.code, "eid.totp_used");
    /* One that was never confirmed is no way in. */
    assert_int_equal(call(&b, "POST", "/api/eid/me/totp", "{}"), 201);
    snprintf(secret, sizeof(secret), "%s", got(&b, "secret"));
    totp_code(secret, 0, code);
    begin(&b);
    assert_int_equal(password(&b, nation[0].id, PASSWORD), 200);
    assert_int_equal(step(&b, "totp", "{\"code\":\"%s\"}", code), 401);
    /* After five wrong codes the password must be shown again. */
    for (int i = 1; i < 5; i++)
        assert_int_equal(step(&b, "totp", "{\"code\":\"000000\"}"), 401);
    look_again(&b);
    assert_string_equal(got(&b, "step"), "sign-in");
    browser_free(&b);
    centre_stop(&c);
}

static void test_recovery(void **state)
{
    struct centre c;
    struct browser b = {.c = &c};
    char secret[64], code[64];
    centre_start(&c, state, NULL);
    open_account(&b, &nation[0]);
    add_totp(&b, secret);
    assert_int_equal(call(&b, "POST", "/api/eid/me/recovery", "{}"), 201);
    struct json_object *codes = ndc_json_get(b.last, "codes");
    assert_int_equal(json_object_array_length(codes), 10);
    snprintf(code, sizeof(code), "%s",
             json_object_get_string(json_object_array_get_idx(codes, 3)));
    begin(&b);
    /* Without the password it is nothing: that is for a desk's codes alone. */
    assert_int_equal(
        step(&b, "recovery", "{\"login\":\"%s\",\"code\":\"%s\"}", nation[0].id, code),
        401);
    assert_int_equal(password(&b, nation[0].id, PASSWORD), 200);
    assert_true(may_show(&b, "recovery"));
    assert_int_equal(step(&b, "recovery", "{\"code\":\"%s\"}", code), 200);
    assert_string_equal(got(&b, "step"), "done");
    assert_string_equal(me(&b, "acr"), "urn:ndc:eid:2");
    assert_non_null(strstr(got(&b, "authenticators"), "\"codes_left\":9"));
    begin(&b);
    assert_int_equal(password(&b, nation[0].id, PASSWORD), 200);
    assert_int_equal(step(&b, "recovery", "{\"code\":\"%s\"}", code), 401);
    browser_free(&b);
    centre_stop(&c);
}

static void test_what_is_asked(void **state)
{
    struct centre c;
    struct soft_key key;
    struct browser b = {.c = &c};
    char account[64];
    centre_start(&c, state, NULL);
    soft_key_make(&key, c.issuer, "localhost");
    open_account(&b, &nation[0]);
    snprintf(account, sizeof(account), "%s", me(&b, "account"));
    /* More than the account has: it says what to do, and nothing begins. */
    ask(&b, "{\"scopes\":\"openid\",\"acr\":\"urn:ndc:eid:2\"}");
    assert_string_equal(got(&b, "step"), "sign-in");
    assert_string_equal(got(&b, "need.acr"), "urn:ndc:eid:2");
    assert_string_equal(got(&b, "client.name"), "Cổng dịch vụ công");
    assert_int_equal(password(&b, nation[0].id, PASSWORD), 403);
    assert_string_equal(b.code, "eid.level");
    assert_string_equal(me(&b, "acr"), "urn:ndc:eid:1");
    add_passkey(&b, &key);
    /* The session has all that is asked: straight to consent. */
    ask(&b, "{\"scopes\":\"openid profile\",\"acr\":\"urn:ndc:eid:2\"}");
    assert_string_equal(got(&b, "step"), "consent");
    /* What only a desk gives. */
    ask(&b, "{\"scopes\":\"openid\",\"acr\":\"urn:ndc:eid:3\"}");
    assert_int_equal(passkey(&b, &key), 403);
    assert_string_equal(b.code, "eid.level");
    change(&c, "UPDATE eid_account SET level = 2");
    assert_int_equal(passkey(&b, &key), 200);
    assert_string_equal(got(&b, "step"), "consent");
    assert_string_equal(me(&b, "acr"), "urn:ndc:eid:3");
    /* A sign-in that is newer than the session's; another account than this. */
    ask(&b, "{\"scopes\":\"openid\",\"after_ms\":99999999999999}");
    assert_string_equal(got(&b, "step"), "sign-in");
    ask(&b, "{\"scopes\":\"openid\",\"account\":\"SOMEBODYELSE0000\"}");
    assert_int_equal(passkey(&b, &key), 403);
    assert_string_equal(b.code, "eid.other_account");
    ask(&b, "{\"scopes\":\"openid\",\"account\":\"%s\"}", account);
    assert_string_equal(got(&b, "step"), "consent");
    /* Another account, please: whoever is signed in stays so until then. */
    assert_int_equal(step(&b, "other", "{}"), 200);
    assert_string_equal(got(&b, "step"), "sign-in");
    soft_key_free(&key);
    browser_free(&b);
    centre_stop(&c);
}

static void test_consent(void **state)
{
    struct centre c;
    struct browser b = {.c = &c};
    char location[128];
    centre_start(&c, state, NULL);
    open_account(&b, &nation[0]);
    ask(&b, "{\"scopes\":\"openid profile\",\"claims\":\"birthdate\"}");
    assert_string_equal(got(&b, "step"), "consent");
    assert_int_equal(take(&b), 404); /* not yet */
    assert_int_equal(step(&b, "consent", "{\"allow\":true}"), 200);
    assert_string_equal(got(&b, "step"), "done");
    snprintf(location, sizeof(location), "/eid/authorize?x=1&interaction=%s", b.id);
    assert_string_equal(got(&b, "location"), location);
    assert_int_equal(take(&b), 200);
    assert_string_equal(got(&b, "allowed"), "true");
    assert_string_equal(got(&b, "request"), "{\"state\":\"xyz\"}");
    assert_string_equal(got(&b, "acr"), "urn:ndc:eid:1");
    assert_int_equal(take(&b), 404); /* once */
    /* The same or less needs no question, more does. */
    ask(&b, "{\"scopes\":\"openid\"}");
    assert_string_equal(got(&b, "step"), "done");
    ask(&b, "{\"scopes\":\"openid profile phone\"}");
    assert_string_equal(got(&b, "step"), "consent");
    ask(&b, "{\"scopes\":\"openid\",\"ask\":true}");
    assert_string_equal(got(&b, "step"), "consent");
    assert_int_equal(step(&b, "consent", "{\"allow\":false}"), 200);
    assert_int_equal(take(&b), 200);
    assert_string_equal(got(&b, "allowed"), "false");
    assert_string_equal(got(&b, "account"), "");
    /* Withdrawing ends what was granted, and keeps the record of it. */
    change(&c, "INSERT INTO eid_grant (grant_id, client, account, sid, data, counter, "
               "created_ms, used_ms, expires_ms, offline) SELECT 'g1', 'client-1', "
               "account, 's', "
               "'{}', 0, 1, 1, 99999999999999, 0 FROM eid_account");
    assert_int_equal(call(&b, "GET", "/api/eid/me/grants", NULL), 200);
    assert_int_equal(json_object_array_length(b.last), 1);
    assert_int_equal(call(&b, "DELETE", "/api/eid/me/grants/client-1", NULL), 204);
    assert_int_equal(count(&c, "SELECT count(*) FROM eid_grant"), 0);
    assert_int_equal(count(&c, "SELECT count(*) FROM eid_revoked WHERE token = 'g1'"), 1);
    assert_int_equal(count(&c, "SELECT seq FROM eid_revoked"),
                     count(&c, "SELECT generation FROM eid_state WHERE id = 2"));
    assert_int_equal(count(&c, "SELECT count(*) FROM eid_consent WHERE record LIKE "
                               "'%\"given\"%' AND record LIKE '%\"withdrawn\"%'"),
                     1);
    assert_int_equal(call(&b, "DELETE", "/api/eid/me/grants/client-1", NULL), 404);
    ask(&b, "{\"scopes\":\"openid\"}");
    assert_string_equal(got(&b, "step"), "consent");
    assert_int_equal(audited(&c, "consent.given"), 1);
    assert_int_equal(audited(&c, "consent.refused"), 1);
    assert_int_equal(audited(&c, "consent.withdrawn"), 1);
    browser_free(&b);
    centre_stop(&c);
}

static void test_sessions(void **state)
{
    struct centre c;
    struct browser b = {.c = &c}, other = {.c = &c};
    centre_start(&c, state, NULL);
    open_account(&b, &nation[0]);
    sign_in(&other, &nation[0]);
    assert_int_equal(call(&b, "GET", "/api/eid/me/sessions", NULL), 200);
    assert_int_equal(json_object_array_length(b.last), 2);
    /* A new password signs out whoever is elsewhere with the old one. */
    assert_int_equal(call(&b, "PUT", "/api/eid/me/password",
                          "{\"current\":\"not this one at all\",\"password\":\"mười năm "
                          "trồng cây\"}"),
                     403);
    assert_string_equal(b.code, "password.wrong");
    assert_int_equal(call(&b, "PUT", "/api/eid/me/password",
                          "{\"current\":\"" PASSWORD "\",\"password\":\"mười năm trồng "
                          "cây\"}"),
                     204);
    assert_int_equal(call(&other, "GET", "/api/eid/me", NULL), 401);
    assert_int_equal(call(&b, "GET", "/api/eid/me", NULL), 200);
    /* What changes a way to sign in needs a new sign-in. */
    change(&c, "UPDATE eid_session SET auth_ms = auth_ms - 700000");
    assert_int_equal(call(&b, "POST", "/api/eid/me/totp", "{}"), 403);
    assert_string_equal(b.code, "eid.fresh");
    /* Unused too long, and used too long. */
    change(&c, "UPDATE eid_session SET used_ms = used_ms - 3700000");
    assert_int_equal(call(&b, "GET", "/api/eid/me", NULL), 401);
    change(&c, "UPDATE eid_session SET used_ms = used_ms + 3700000");
    assert_int_equal(call(&b, "GET", "/api/eid/me", NULL), 200);
    change(&c, "UPDATE eid_session SET expires_ms = 1");
    assert_int_equal(call(&b, "GET", "/api/eid/me", NULL), 401);
    browser_free(&b);
    browser_free(&other);
    centre_stop(&c);
}

static void test_last_way_in(void **state)
{
    struct centre c;
    struct soft_key key;
    struct browser b = {.c = &c};
    char secret[64];
    centre_start(&c, state, NULL);
    soft_key_make(&key, c.issuer, "localhost");
    open_account(&b, &nation[0]); /* 1: the password */
    add_totp(&b, secret);         /* 2: not a way in by itself */
    assert_int_equal(call(&b, "DELETE", "/api/eid/me/authenticators/1", NULL), 409);
    assert_string_equal(b.code, "eid.last_authenticator");
    add_passkey(&b, &key); /* 3 */
    assert_int_equal(call(&b, "DELETE", "/api/eid/me/authenticators/1", NULL), 204);
    assert_int_equal(call(&b, "DELETE", "/api/eid/me/authenticators/3", NULL), 409);
    assert_int_equal(call(&b, "DELETE", "/api/eid/me/authenticators/9", NULL), 404);
    begin(&b);
    assert_int_equal(password(&b, nation[0].id, PASSWORD), 401);
    assert_int_equal(passkey(&b, &key), 200);
    /* A passkey stands for the former password, which is not there. */
    assert_int_equal(
        call(&b, "PUT", "/api/eid/me/password", "{\"password\":\"mười năm trồng cây\"}"),
        204);
    soft_key_free(&key);
    browser_free(&b);
    centre_stop(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_ON_BOTH(test_password),      TEST_ON_BOTH(test_passkey),
        TEST_ON_BOTH(test_totp),          TEST_ON_BOTH(test_recovery),
        TEST_ON_BOTH(test_what_is_asked), TEST_ON_BOTH(test_consent),
        TEST_ON_BOTH(test_sessions),      TEST_ON_BOTH(test_last_way_in),
    };
    return test_db_run(tests);
}

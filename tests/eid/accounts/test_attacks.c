/* What an attacker tries, and what comes of it. */
#include "tests/eid/accounts/browser.h"

#include "sys/thread.h"

#include <stdatomic.h>

static void test_other_browser(void **state)
{
    struct centre c;
    struct browser victim = {.c = &c}, thief = {.c = &c};
    centre_start(&c, state, NULL);
    open_account(&victim, &nation[0]);
    begin(&victim);
    begin(&thief);
    snprintf(thief.id, sizeof(thief.id), "%s", victim.id);
    assert_int_equal(password(&thief, nation[0].id, PASSWORD), 404);
    assert_string_equal(thief.code, "eid.interaction");
    assert_int_equal(password(&victim, nation[0].id, PASSWORD), 200);
    /* What came of it belongs to the browser that began it. */
    ask(&victim, "{\"scopes\":\"openid\"}");
    assert_int_equal(step(&victim, "consent", "{\"allow\":true}"), 200);
    snprintf(thief.id, sizeof(thief.id), "%s", victim.id);
    assert_int_equal(take(&thief), 404);
    assert_int_equal(take(&victim), 200);
    browser_free(&victim);
    browser_free(&thief);
    centre_stop(&c);
}

/* Consent is given by whoever signed in, not by whoever is signed in by now. */
static void test_other_session(void **state)
{
    struct centre c;
    struct browser b = {.c = &c}, other = {.c = &c};
    char mine[96];
    centre_start(&c, state, NULL);
    open_account(&other, &nation[1]);
    open_account(&b, &nation[0]);
    ask(&b, "{\"scopes\":\"openid\"}");
    memcpy(mine, b.session, sizeof(mine));
    memcpy(b.session, other.session, sizeof(mine));
    assert_int_equal(step(&b, "consent", "{\"allow\":true}"), 401);
    memcpy(b.session, mine, sizeof(mine));
    assert_int_equal(step(&b, "consent", "{\"allow\":true}"), 200);
    browser_free(&b);
    browser_free(&other);
    centre_stop(&c);
}

static int answer(struct browser *b, const struct ndc_buf *credential)
{
    return step(b, "passkey", "{\"credential\":%.*s}",
                NDC_STR_FMT(ndc_buf_str(credential)));
}

static void test_passkeys(void **state)
{
    struct centre c;
    struct soft_key key, hers, phish;
    struct browser b = {.c = &c}, other = {.c = &c};
    struct ndc_buf credential;
    char challenge[64];
    centre_start(&c, state, NULL);
    soft_key_make(&key, c.issuer, "localhost");
    soft_key_make(&hers, c.issuer, "localhost");
    open_account(&b, &nation[0]);
    add_passkey(&b, &key);
    open_account(&other, &nation[1]);
    add_passkey(&other, &hers);
    ndc_buf_init(&credential, 1 << 16);
    /* Replayed in the same sign-in, in another, and after another question. */
    begin(&b);
    challenge_of(&b, challenge);
    soft_key_assert(&key, &credential, challenge, 5);
    assert_int_equal(answer(&b, &credential), 200);
    assert_int_equal(answer(&b, &credential), 409);
    begin(&b);
    assert_int_equal(answer(&b, &credential), 400);
    assert_string_equal(b.code, "webauthn.challenge");
    challenge_of(&b, challenge);
    assert_int_not_equal(answer(&b, &credential), 200);
    assert_string_equal(b.code, "webauthn.challenge");
    /* Nobody was asked for a finger; another site asked. */
    ndc_buf_reset(&credential);
    soft_key_assert(&key, &credential, challenge, 1);
    assert_int_not_equal(answer(&b, &credential), 200);
    assert_string_equal(b.code, "webauthn.user_verification");
    phish = key;
    snprintf(phish.origin, sizeof(phish.origin), "https://eid.examp1e.vn");
    ndc_buf_reset(&credential);
    soft_key_assert(&phish, &credential, challenge, 5);
    assert_int_not_equal(answer(&b, &credential), 200);
    assert_string_equal(b.code, "webauthn.origin");
    key.counter = phish.counter;
    /* Another account's, where a password has said who it is. */
    begin(&b);
    assert_int_equal(password(&b, nation[0].id, PASSWORD), 200);
    assert_int_equal(passkey(&b, &hers), 401);
    assert_string_equal(b.code, "auth.failed");
    assert_int_equal(passkey(&b, &key), 200);
    /* Registered twice, by two: a credential is one account's. */
    assert_int_equal(call(&other, "POST", "/api/eid/me/passkeys/options", "{}"), 200);
    ndc_buf_reset(&credential);
    soft_key_register(&key, &credential, got(&other, "publicKey.challenge"));
    assert_int_equal(callf(&other, "POST", "/api/eid/me/passkeys",
                           "{\"title\":\"x\",\"credential\":%.*s}",
                           NDC_STR_FMT(ndc_buf_str(&credential))),
                     409);
    /* And the same answer again makes no second one. */
    assert_int_equal(callf(&other, "POST", "/api/eid/me/passkeys",
                           "{\"title\":\"x\",\"credential\":%.*s}",
                           NDC_STR_FMT(ndc_buf_str(&credential))),
                     409);
    assert_int_equal(count(&c, "SELECT count(*) FROM eid_credential"), 2);
    ndc_buf_free(&credential);
    soft_key_free(&key);
    soft_key_free(&hers);
    browser_free(&b);
    browser_free(&other);
    centre_stop(&c);
}

static void test_cloned(void **state)
{
    struct centre c;
    struct soft_key key, copy;
    struct browser b = {.c = &c};
    centre_start(&c, state, NULL);
    soft_key_make(&key, c.issuer, "localhost");
    open_account(&b, &nation[0]);
    add_passkey(&b, &key);
    copy = key; /* stolen here */
    for (int i = 0; i < 3; i++) {
        begin(&b);
        assert_int_equal(passkey(&b, &key), 200);
    }
    begin(&b);
    assert_int_equal(passkey(&b, &copy), 401);
    assert_string_equal(b.code, "webauthn.counter");
    /* Neither of the two is taken from now on; the owner is told. */
    begin(&b);
    assert_int_equal(passkey(&b, &key), 401);
    assert_int_equal(audited(&c, "passkey.cloned"), 1);
    begin(&b);
    assert_int_equal(password(&b, nation[0].id, PASSWORD), 200);
    assert_string_equal(got(&b, "step"), "done");
    assert_int_equal(call(&b, "GET", "/api/eid/me", NULL), 200);
    assert_non_null(strstr(got(&b, "authenticators"), "\"cloned\""));
    assert_int_equal(call(&b, "GET", "/api/eid/me/sign-ins", NULL), 200);
    assert_non_null(strstr(whole(&b), "passkey.cloned"));
    soft_key_free(&key);
    browser_free(&b);
    centre_stop(&c);
}

/* Many wrong passwords from elsewhere slow down whoever is there, and nobody who signed
 * in from their own place before. */
static void test_guessing(void **state)
{
    static const char *const proxied[] = {"trust_proxy", "yes", NULL};
    struct centre c;
    struct browser owner = {.c = &c, .address = "203.0.113.7"};
    struct browser thief = {.c = &c, .address = "198.51.100.9"};
    int refused = 0;
    centre_start(&c, state, proxied);
    open_account(&owner, &nation[0]);
    sign_in(&owner, &nation[0]);
    begin(&thief);
    for (int i = 0; i < 8; i++) {
        int status = password(&thief, nation[0].id, "một hai ba bốn năm sáu");
        assert_true(status == 401 || status == 429);
        refused += status == 429;
    }
    assert_true(refused >= 2);
    assert_string_equal(thief.code, "auth.throttled");
    assert_true(strtol(thief.retry_after, NULL, 10) > 0);
    /* The right one is not looked at either: else guessing went on. */
    assert_int_equal(password(&thief, nation[0].id, PASSWORD), 429);
    /* Other logins of the account count together. */
    sign_in(&owner, &nation[0]);
    browser_free(&owner);
    browser_free(&thief);
    centre_stop(&c);
}

/* One machine of IPv6 has as many addresses as it likes, all in one network. */
static void test_network(void **state)
{
    static const char *const proxied[] = {"trust_proxy", "yes", NULL};
    struct centre c;
    struct browser thief = {.c = &c};
    int refused = 0;
    char address[64], login[16];
    centre_start(&c, state, proxied);
    begin(&thief);
    thief.address = address;
    for (int i = 0; i < 110; i++) {
        snprintf(address, sizeof(address), "2001:db8:1:2::%x", i + 1);
        snprintf(login, sizeof(login), "0010850%05d", i);
        refused += password(&thief, login, "một hai ba bốn năm sáu") == 429;
    }
    assert_true(refused > 0);
    snprintf(address, sizeof(address), "2001:db8:1:3::1");
    assert_int_equal(password(&thief, "001085099999", "một hai ba bốn năm sáu"), 401);
    browser_free(&thief);
    centre_stop(&c);
}

static void test_frozen(void **state)
{
    struct centre c;
    struct browser b = {.c = &c}, other = {.c = &c};
    centre_start(&c, state, NULL);
    open_account(&b, &nation[0]);
    sign_in(&other, &nation[0]);
    assert_int_equal(call(&b, "POST", "/api/eid/me/freeze", "{}"), 204);
    assert_int_equal(call(&b, "GET", "/api/eid/me", NULL), 401);
    assert_int_equal(call(&other, "GET", "/api/eid/me", NULL), 401);
    assert_int_equal(count(&c, "SELECT count(*) FROM eid_session"), 0);
    begin(&b);
    assert_int_equal(password(&b, nation[0].id, PASSWORD), 403);
    assert_string_equal(b.code, "eid.frozen");
    /* Whoever does not know the password is not told. */
    assert_int_equal(password(&b, nation[0].id, "một hai ba bốn năm sáu"), 401);
    assert_int_equal(audited(&c, "account.freeze"), 1);
    browser_free(&b);
    browser_free(&other);
    centre_stop(&c);
}

static void test_fixation(void **state)
{
    struct centre c;
    struct browser b = {.c = &c}, thief = {.c = &c};
    char before[96];
    centre_start(&c, state, NULL);
    /* A cookie that somebody planted is not what the sign-in makes valid. */
    snprintf(b.session, sizeof(b.session), "ndc-eid=%043d", 7);
    memcpy(thief.session, b.session, sizeof(thief.session));
    open_account(&b, &nation[0]);
    assert_string_not_equal(b.session, thief.session);
    assert_int_equal(call(&thief, "GET", "/api/eid/me", NULL), 401);
    /* Nor does a session's secret outlive the next sign-in; its name does. */
    memcpy(before, b.session, sizeof(before));
    assert_int_equal(count(&c, "SELECT count(DISTINCT sid) FROM eid_session"), 1);
    change(&c, "INSERT INTO eid_grant (grant_id, client, account, sid, data, counter, "
               "created_ms, used_ms, expires_ms, offline) SELECT 'g1', 'client-1', "
               "account, sid, "
               "'{}', 0, 1, 1, 99999999999999, 0 FROM eid_session");
    sign_in(&b, &nation[0]);
    assert_string_not_equal(b.session, before);
    memcpy(thief.session, before, sizeof(before));
    assert_int_equal(call(&thief, "GET", "/api/eid/me", NULL), 401);
    assert_int_equal(count(&c, "SELECT count(*) FROM eid_session s JOIN eid_grant g ON "
                               "g.sid = s.sid"),
                     1);
    /* A cookie that was stolen is worth nothing after sign-out, and neither is what was
     * granted in the session. */
    memcpy(thief.session, b.session, sizeof(thief.session));
    assert_int_equal(call(&thief, "GET", "/api/eid/me", NULL), 200);
    assert_int_equal(call(&b, "GET", "/api/eid/me/sessions", NULL), 200);
    char path[128];
    snprintf(path, sizeof(path), "/api/eid/me/sessions/%.*s",
             NDC_STR_FMT(ndc_json_get_str(json_object_array_get_idx(b.last, 0), "sid")));
    assert_int_equal(call(&b, "DELETE", path, NULL), 204);
    assert_int_equal(call(&thief, "GET", "/api/eid/me", NULL), 401);
    assert_int_equal(count(&c, "SELECT count(*) FROM eid_grant"), 0);
    browser_free(&b);
    browser_free(&thief);
    centre_stop(&c);
}

/* Another's session is not ended, and not found. */
static void test_others_things(void **state)
{
    struct centre c;
    struct browser b = {.c = &c}, other = {.c = &c};
    char path[128];
    centre_start(&c, state, NULL);
    open_account(&b, &nation[0]);
    open_account(&other, &nation[1]);
    assert_int_equal(call(&b, "GET", "/api/eid/me/sessions", NULL), 200);
    snprintf(path, sizeof(path), "/api/eid/me/sessions/%.*s",
             NDC_STR_FMT(ndc_json_get_str(json_object_array_get_idx(b.last, 0), "sid")));
    assert_int_equal(call(&other, "DELETE", path, NULL), 404);
    assert_int_equal(call(&b, "GET", "/api/eid/me", NULL), 200);
    /* The desk is not for citizens. */
    assert_int_equal(call(&b, "GET", "/api/eid/desk/accounts?number=001090000456", NULL),
                     401);
    browser_free(&b);
    browser_free(&other);
    centre_stop(&c);
}

static void test_cross_site(void **state)
{
    struct centre c;
    struct browser b = {.c = &c};
    char cookie[128];
    centre_start(&c, state, NULL);
    open_account(&b, &nation[0]);
    snprintf(cookie, sizeof(cookie), "Cookie: %s", b.session);
    /* A form of another site: without the type, or with the browser's own word. */
    assert_int_equal(test_call(&c.s, "POST", "/api/eid/me/freeze", NULL, NULL, cookie,
                               NULL, NULL, NULL),
                     415);
    assert_int_equal(test_call(&c.s, "POST", "/api/eid/me/freeze", "{}", NULL, cookie,
                               "Content-Type: text/plain", NULL, NULL),
                     415);
    assert_int_equal(test_call(&c.s, "POST", "/api/eid/me/freeze", "{}", NULL, cookie,
                               TEST_JSON, "Sec-Fetch-Site: cross-site", NULL),
                     403);
    /* A live session of the console beside it asks for nothing more. */
    char both[320];
    snprintf(both, sizeof(both), "%s; %s", c.s.cookie, b.session);
    assert_int_equal(test_call(&c.s, "POST", "/api/eid/me/recovery", "{}", NULL, both,
                               TEST_JSON, "Sec-Fetch-Site: same-origin", NULL),
                     201);
    static const char *const away[] = {"//evil.example", "https://evil.example",
                                       "/\\\\evil.example", "evil", "/a b"};
    for (size_t i = 0; i < NDC_ARRAY_LEN(away); i++)
        assert_int_equal(
            callf(&b, "POST", "/api/eid/interactions", "{\"next\":\"%s\"}", away[i]),
            400);
    browser_free(&b);
    centre_stop(&c);
}

/* ---- at the same moment ---- */

enum { AT_ONCE = 8 };

struct racer {
    struct browser b;
    const char *name, *code;
    int status;
};

static void run_racer(void *arg, size_t i)
{
    struct racer *r = (struct racer *)arg + i;
    r->status = step(&r->b, r->name, "{\"code\":\"%s\"}", r->code);
}

/* So many half-signed-in browsers show one code: how many come in. */
static int race(struct centre *c, const char *name, const char *code, bool one_browser)
{
    struct racer racers[AT_ONCE];
    char addresses[AT_ONCE][16];
    int in = 0;
    for (int i = 0; i < AT_ONCE; i++) {
        /* so that those who are late do not slow the next race down */
        snprintf(addresses[i], sizeof(addresses[i]), "10.1.%d.1", i);
        if (i && one_browser) {
            racers[i] = racers[0];
            racers[i].b.last = NULL;
            racers[i].b.address = addresses[i];
            continue;
        }
        racers[i] = (struct racer){
            .b = {.c = c, .address = addresses[i]}, .name = name, .code = code};
        begin(&racers[i].b);
        assert_int_equal(password(&racers[i].b, nation[0].id, PASSWORD), 200);
        assert_string_equal(got(&racers[i].b, "step"), "second");
    }
    ndc_parallel_for(AT_ONCE, AT_ONCE, run_racer, racers);
    for (int i = 0; i < AT_ONCE; i++) {
        in += racers[i].status == 200;
        browser_free(&racers[i].b);
    }
    return in;
}

struct shower {
    struct browser b;
    const struct ndc_buf *credential;
    int status;
};

static void run_shower(void *arg, size_t i)
{
    struct shower *s = (struct shower *)arg + i;
    s->status = answer(&s->b, s->credential);
}

/* One answer of a passkey that does not count, sent by many at the same moment: the
 * challenge alone is what makes it good once. */
static void test_challenge_once(void **state)
{
    struct centre c;
    struct soft_key key;
    struct browser b = {.c = &c};
    struct shower showers[AT_ONCE];
    struct ndc_buf credential;
    char challenge[64];
    int in = 0;
    centre_start(&c, state, NULL);
    soft_key_make(&key, c.issuer, "localhost");
    key.counts = false;
    open_account(&b, &nation[0]);
    add_passkey(&b, &key);
    ndc_buf_init(&credential, 1 << 16);
    begin(&b);
    challenge_of(&b, challenge);
    soft_key_assert(&key, &credential, challenge, 5);
    for (int i = 0; i < AT_ONCE; i++) {
        showers[i] = (struct shower){.b = b, .credential = &credential};
        showers[i].b.last = NULL;
    }
    ndc_parallel_for(AT_ONCE, AT_ONCE, run_shower, showers);
    for (int i = 0; i < AT_ONCE; i++) {
        in += showers[i].status == 200;
        browser_free(&showers[i].b);
    }
    assert_int_equal(in, 1);
    ndc_buf_free(&credential);
    soft_key_free(&key);
    browser_free(&b);
    centre_stop(&c);
}

static void run_opening(void *arg, size_t i)
{
    struct racer *r = (struct racer *)arg + i;
    r->status = callf(&r->b, "POST", "/api/eid/accounts",
                      "{\"kind\":\"citizen\",\"number\":\"%s\",\"name\":\"%s\","
                      "\"birth_date\":\"%s\",\"password\":\"" PASSWORD "\"}",
                      nation[1].id, nation[1].name, nation[1].birth);
}

/* Two windows, one person: one account. */
static void test_opened_twice(void **state)
{
    struct centre c;
    struct racer racers[AT_ONCE];
    int opened = 0, told = 0;
    centre_start(&c, state, NULL);
    for (int i = 0; i < AT_ONCE; i++)
        racers[i] = (struct racer){.b = {.c = &c}};
    ndc_parallel_for(AT_ONCE, AT_ONCE, run_opening, racers);
    for (int i = 0; i < AT_ONCE; i++) {
        opened += racers[i].status == 201;
        told += racers[i].status == 409 && !strcmp(racers[i].b.code, "eid.exists");
        browser_free(&racers[i].b);
    }
    assert_int_equal(opened, 1);
    assert_int_equal(told, AT_ONCE - 1);
    assert_int_equal(count(&c, "SELECT count(*) FROM eid_account"), 1);
    centre_stop(&c);
}

static void test_at_once(void **state)
{
    struct centre c;
    struct browser b = {.c = &c};
    char secret[64], code[16], recovery[2][64];
    static const char *const proxied[] = {"trust_proxy", "yes", NULL};
    centre_start(&c, state, proxied);
    open_account(&b, &nation[0]);
    add_totp(&b, secret);
    assert_int_equal(call(&b, "POST", "/api/eid/me/recovery", "{}"), 201);
    for (size_t i = 0; i < 2; i++)
        snprintf(recovery[i], sizeof(recovery[i]), "%s",
                 json_object_get_string(
                     json_object_array_get_idx(ndc_json_get(b.last, "codes"), i)));
    assert_int_equal(race(&c, "recovery", recovery[0], false), 1);
    assert_int_equal(race(&c, "recovery", recovery[1], true), 1);
    totp_code(secret, 0, code);
    assert_int_equal(race(&c, "totp", code, false), 1);
    assert_int_equal(count(&c, "SELECT count(*) FROM eid_session"), 4);
    browser_free(&b);
    centre_stop(&c);
}

/* What is over goes with what is new: tables do not grow with time. */
static void test_sweep(void **state)
{
    struct centre c;
    struct browser b = {.c = &c};
    centre_start(&c, state, NULL);
    open_account(&b, &nation[0]);
    for (int i = 0; i < 40; i++) {
        begin(&b);
        change(&c, "UPDATE eid_interaction SET expires_ms = 1");
    }
    assert_true(count(&c, "SELECT count(*) FROM eid_interaction") <= 2);
    for (int i = 0; i < 20; i++) {
        struct browser other = {.c = &c};
        sign_in(&other, &nation[0]);
        change(&c, "UPDATE eid_session SET expires_ms = 1");
        browser_free(&other);
    }
    assert_true(count(&c, "SELECT count(*) FROM eid_session") <= 2);
    /* And nobody keeps more than a page of sessions that are not over. */
    for (int i = 0; i < EID_SESSIONS_MAX + 5; i++) {
        struct browser other = {.c = &c};
        sign_in(&other, &nation[0]);
        browser_free(&other);
    }
    assert_int_equal(count(&c, "SELECT count(*) FROM eid_session WHERE expires_ms > 1"),
                     EID_SESSIONS_MAX);
    browser_free(&b);
    centre_stop(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_ON_BOTH(test_other_browser),  TEST_ON_BOTH(test_other_session),
        TEST_ON_BOTH(test_passkeys),       TEST_ON_BOTH(test_cloned),
        TEST_ON_SQLITE(test_guessing),     TEST_ON_SQLITE(test_network),
        TEST_ON_BOTH(test_frozen),         TEST_ON_BOTH(test_fixation),
        TEST_ON_BOTH(test_others_things),  TEST_ON_SQLITE(test_cross_site),
        TEST_ON_BOTH(test_at_once),        TEST_ON_BOTH(test_opened_twice),
        TEST_ON_BOTH(test_challenge_once), TEST_ON_BOTH(test_sweep),
    };
    return test_db_run(tests);
}

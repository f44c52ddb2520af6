/* Codes, grants and refresh tokens: used once, whoever comes first, whatever is killed.
 */
#include "tests/db.h"

#include "crypto/base64.h"
#include "crypto/digest.h"
#include "platforms/eid/provider/grant.h"
#include "platforms/eid/provider/provider.h"
#include "platforms/eid/provider/tokens.h"
#include "store/migrate.h"
#include "sys/clock.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static struct ndc_fault fault;

#define VERIFIER                                                          \
    "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" /* RFC 7636, appendix B \
                                                   */
#define CHALLENGE "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
#define BACK      "https://service.example/back"

struct world {
    struct ndc_store *store;
    struct ndc_eid *eid;
    struct ndc_arena arena;
    struct eid_client *client, *other;
    const char *url;
    char dir[256];
};

static struct eid_client *client_of(const char *id, const char *more)
{
    struct eid_client *client;
    struct json_object *metadata;
    struct ndc_buf text;
    ndc_buf_init(&text, 4096);
    ndc_buf_printf(&text,
                   "{\"redirect_uris\":[\"" BACK "\"],\"grant_types\":[\"authorization_"
                   "code\",\"refresh_token\"]%s}",
                   more);
    assert_ok(ndc_json_parse(&metadata, ndc_buf_str(&text), &fault), &fault);
    assert_ok(eid_client_parse(&client, ndc_str(id), metadata, &fault), &fault);
    json_object_put(metadata);
    ndc_buf_free(&text);
    return client;
}

/* Who is granted to. Grants are for accounts that are active when they are made. */
static enum ndc_err add_account(struct ndc_store_conn *conn, void *arg,
                                struct ndc_fault *why)
{
    return ndc_sql_exec(
        conn,
        "INSERT INTO eid_account (account, kind, state, level, entity, number, name, "
        "birth_date, phone, email, guardian, user_name, proof, reason, created_ms, "
        "changed_ms) VALUES ($1, 'citizen', 'active', 1, 0, '', '', '', '', '', '', '', "
        "'{}', '', 0, 0)",
        NDC_ARGS(ndc_textz(arg)), NULL, why);
}

static enum ndc_err freeze(struct ndc_store_conn *conn, void *arg, struct ndc_fault *why)
{
    return ndc_sql_exec(conn,
                        "UPDATE eid_account SET state = 'frozen' WHERE account = $1",
                        NDC_ARGS(ndc_textz(arg)), NULL, why);
}

static void open_eid(struct world *w)
{
    fault = (struct ndc_fault){0};
    const struct ndc_eid_options options = {
        .dir = w->dir, .issuer = NDC_STR("https://eid.example"), .weak_passwords = true};
    assert_ok(ndc_store_open(&w->store, w->url, NULL, &fault), &fault);
    assert_ok(
        ndc_migrate(w->store, "eid", ndc_eid_migrations, ndc_eid_migrations_n, &fault),
        &fault);
    assert_ok(ndc_eid_open(&w->eid, w->store, &options, &fault), &fault);
}

static void world_new(struct world *w, void **state)
{
    static int n;
    w->url = test_db_url(state);
    snprintf(w->dir, sizeof(w->dir), "%s/eid%d", test_db_folder(), n++);
    open_eid(w);
    assert_ok(
        ndc_store_write(w->store, add_account, (void *)(uintptr_t) "account-1", &fault),
        &fault);
    ndc_arena_init(&w->arena, 16 << 20);
    w->client = client_of("client-one", "");
    w->other = client_of("client-two", "");
}

static void close_eid(struct world *w)
{
    ndc_eid_close(w->eid);
    ndc_store_close(w->store);
}

static void world_free(struct world *w)
{
    eid_client_unref(w->client);
    eid_client_unref(w->other);
    ndc_arena_free(&w->arena);
    close_eid(w);
}

static int64_t count_of(struct world *w, const char *sql)
{
    struct ndc_store_conn *conn;
    int64_t n;
    assert_ok(ndc_store_take(w->store, NDC_READ, &conn, &fault), &fault);
    assert_ok(ndc_sql_i64(conn, &n, sql, NDC_NO_ARGS, &fault), &fault);
    ndc_store_give(conn);
    return n;
}

static const struct eid_given asked = {.account = {"account-1", 9},
                                       .sid = {"sid-1", 5},
                                       .scope = {"openid profile", 14},
                                       .redirect_uri = {BACK, sizeof(BACK) - 1},
                                       .challenge = {CHALLENGE, sizeof(CHALLENGE) - 1},
                                       .nonce = {"n\"ớ", 6},
                                       .auth_ms = 1700000000000};

static void make(struct world *w, char code[48], const struct eid_given *given)
{
    fault = (struct ndc_fault){0};
    assert_ok(eid_code_make(w->eid, code, w->client, given, &fault), &fault);
}

static enum ndc_err take(struct world *w, struct eid_exchange *x, const char *code,
                         const char *verifier)
{
    *x = (struct eid_exchange){.client = w->client,
                               .code = ndc_str(code),
                               .redirect_uri = NDC_STR(BACK),
                               .verifier = ndc_str(verifier),
                               .jkt = NDC_STR(""),
                               .x5t = NDC_STR(""),
                               .arena = &w->arena};
    fault = (struct ndc_fault){0};
    return eid_code_take(w->eid, x, &fault);
}

static void assert_refused(enum ndc_err err, const char *code, const char *says)
{
    assert_int_not_equal(err, NDC_OK);
    assert_string_equal(fault.code, code);
    if (!strstr(fault.message, says))
        fail_msg("\"%s\" lacks \"%s\"", fault.message, says);
}

/* Frozen between the sign-in and the code's use, or the refresh token's. */
static void test_frozen_gets_nothing(void **state)
{
    struct world w;
    struct eid_exchange x;
    char code[48], late[48], token[EID_REFRESH_TEXT];
    world_new(&w, state);
    make(&w, code, &asked);
    make(&w, late, &asked);
    assert_ok(take(&w, &x, code, VERIFIER), &fault);
    assert_ok(ndc_store_write(w.store, freeze, (void *)(uintptr_t) "account-1", &fault),
              &fault);
    assert_refused(take(&w, &x, late, VERIFIER), "invalid_grant", "frozen");
    eid_refresh_text(w.eid, token, x.grant, 1);
    struct eid_renewal r = {.client = w.client,
                            .token = ndc_str(token),
                            .jkt = NDC_STR(""),
                            .x5t = NDC_STR(""),
                            .arena = &w.arena};
    fault = (struct ndc_fault){0};
    assert_refused(eid_refresh_take(w.eid, &r, &fault), "invalid_grant", "is over");
    world_free(&w);
}

static void test_code_gives_once(void **state)
{
    struct world w;
    struct eid_exchange x;
    char code[48];
    world_new(&w, state);
    make(&w, code, &asked);
    assert_ok(take(&w, &x, code, VERIFIER), &fault);
    assert_true(ndc_str_eq_c(x.given.account, "account-1"));
    assert_true(ndc_str_eq(x.given.nonce, asked.nonce));
    assert_int_equal(x.given.auth_ms, asked.auth_ms);
    assert_int_equal(count_of(&w, "SELECT count(*) FROM eid_grant"), 1);
    /* A second use ends what the first gave (RFC 6749, 4.1.2). */
    struct ndc_str grant = ndc_arena_str(&w.arena, ndc_str(x.grant)), client;
    struct eid_given given;
    assert_refused(take(&w, &x, code, VERIFIER), "invalid_grant", "used before");
    assert_int_equal(count_of(&w, "SELECT count(*) FROM eid_grant"), 0);
    assert_ok(eid_grant_read(w.eid, &w.arena, grant, &client, &given, &fault), &fault);
    assert_null(client.ptr);
    assert_int_equal(count_of(&w, "SELECT count(*) FROM eid_revoked"), 1);
    world_free(&w);
}

static void test_code_is_bound(void **state)
{
    struct world w;
    struct eid_exchange x;
    struct eid_given given = asked;
    char code[48];
    world_new(&w, state);
    make(&w, code, &asked);
    assert_refused(take(&w, &x, code, ""), "invalid_grant", "code_verifier is missing");
    assert_refused(take(&w, &x, code, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl"),
                   "invalid_grant", "does not fit");
    assert_refused(take(&w, &x, "eco_nothing", VERIFIER), "invalid_grant",
                   "no such code");
    struct eid_client *mine = w.client;
    w.client = w.other;
    assert_refused(take(&w, &x, code, VERIFIER), "invalid_grant", "no such code");
    w.client = mine;
    x = (struct eid_exchange){.client = w.client,
                              .code = ndc_str(code),
                              .redirect_uri = NDC_STR(BACK "/"),
                              .verifier = NDC_STR(VERIFIER),
                              .jkt = NDC_STR(""),
                              .arena = &w.arena};
    fault = (struct ndc_fault){0};
    assert_refused(eid_code_take(w.eid, &x, &fault), "invalid_grant", "redirect_uri");
    /* None of these has used it up. */
    assert_ok(take(&w, &x, code, VERIFIER), &fault);
    /* A downgrade: a verifier where the request had no challenge (RFC 9700, 2.1.1). */
    given.challenge = NDC_STR("");
    make(&w, code, &given);
    assert_refused(take(&w, &x, code, VERIFIER), "invalid_grant", "no code_challenge");
    given = asked;
    given.jkt = NDC_STR("thumbprint");
    make(&w, code, &given);
    assert_refused(take(&w, &x, code, VERIFIER), "invalid_grant", "another DPoP key");
    world_free(&w);
}

static enum ndc_err renew(struct world *w, struct eid_renewal *r, const char *token)
{
    *r = (struct eid_renewal){.client = w->client,
                              .token = ndc_str(token),
                              .jkt = NDC_STR(""),
                              .x5t = NDC_STR(""),
                              .arena = &w->arena};
    fault = (struct ndc_fault){0};
    return eid_refresh_take(w->eid, r, &fault);
}

static void test_refresh_rotates(void **state)
{
    struct world w;
    struct eid_exchange x;
    struct eid_renewal r;
    char code[48], first[EID_REFRESH_TEXT], second[EID_REFRESH_TEXT];
    world_new(&w, state);
    make(&w, code, &asked);
    assert_ok(take(&w, &x, code, VERIFIER), &fault);
    eid_refresh_text(w.eid, first, x.grant, 1);
    assert_ok(renew(&w, &r, first), &fault);
    assert_int_equal(r.counter, 2);
    assert_true(ndc_str_eq_c(r.given.scope, "openid profile"));
    eid_refresh_text(w.eid, second, r.grant, r.counter);
    /* Forged, of another counter, another client's: refused, and nothing ends. */
    char forged[EID_REFRESH_TEXT];
    memcpy(forged, second, sizeof(forged));
    forged[strlen(forged) - 3] ^= 1;
    assert_refused(renew(&w, &r, forged), "invalid_grant", "no refresh token");
    memcpy(forged, second, sizeof(forged));
    *strchr(forged, '.') = '.';
    forged[strcspn(forged, ".") + 1] = '3';
    assert_refused(renew(&w, &r, forged), "invalid_grant", "no refresh token");
    struct eid_client *mine = w.client;
    w.client = w.other;
    assert_refused(renew(&w, &r, second), "invalid_grant", "another client");
    w.client = mine;
    assert_ok(renew(&w, &r, second), &fault);
    /* The one before it again: somebody has a copy, and all is over. */
    assert_refused(renew(&w, &r, second), "invalid_grant", "somebody has a copy");
    eid_refresh_text(w.eid, second, x.grant, 3);
    assert_refused(renew(&w, &r, second), "invalid_grant", "is over");
    assert_int_equal(count_of(&w, "SELECT count(*) FROM eid_grant"), 0);
    world_free(&w);
}

/* FAPI 2.0, 5.3.2.1: no rotation where the token is bound to the client's key. */
static void test_refresh_of_fapi_stays(void **state)
{
    static const char key[] =
        ",\"profile\":\"fapi2\",\"token_endpoint_auth_method\":\"private_key_jwt\","
        "\"dpop_bound_access_tokens\":true,\"jwks\":{\"keys\":[{\"kty\":\"EC\",\"crv\":"
        "\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":"
        "\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}"; /* RFC 7515, A.3 */
    struct world w;
    struct eid_exchange x;
    struct eid_renewal r;
    struct eid_given given = asked;
    char code[48], token[EID_REFRESH_TEXT];
    world_new(&w, state);
    eid_client_unref(w.client);
    w.client = client_of("client-fapi", key);
    given.jkt = NDC_STR("thumbprint");
    make(&w, code, &given);
    x = (struct eid_exchange){.client = w.client,
                              .code = ndc_str(code),
                              .redirect_uri = NDC_STR(BACK),
                              .verifier = NDC_STR(VERIFIER),
                              .jkt = NDC_STR("thumbprint"),
                              .x5t = NDC_STR(""),
                              .arena = &w.arena};
    fault = (struct ndc_fault){0};
    assert_ok(eid_code_take(w.eid, &x, &fault), &fault);
    eid_refresh_text(w.eid, token, x.grant, 1);
    assert_refused(renew(&w, &r, token), "invalid_grant", "another DPoP key");
    for (int i = 0; i < 3; i++) {
        r = (struct eid_renewal){.client = w.client,
                                 .token = ndc_str(token),
                                 .jkt = NDC_STR("thumbprint"),
                                 .x5t = NDC_STR(""),
                                 .arena = &w.arena};
        fault = (struct ndc_fault){0};
        assert_ok(eid_refresh_take(w.eid, &r, &fault), &fault);
        assert_int_equal(r.counter, 1);
    }
    world_free(&w);
}

/* ---- at once ---- */

struct race {
    struct world *w;
    const char *code, *token;
    atomic_int won, lost;
};

static void *race_code(void *arg)
{
    struct race *r = arg;
    struct ndc_arena arena;
    struct ndc_fault why = {0};
    ndc_arena_init(&arena, 1 << 20);
    struct eid_exchange x = {.client = r->w->client,
                             .code = ndc_str(r->code),
                             .redirect_uri = NDC_STR(BACK),
                             .verifier = NDC_STR(VERIFIER),
                             .jkt = NDC_STR(""),
                             .x5t = NDC_STR(""),
                             .arena = &arena};
    atomic_fetch_add(eid_code_take(r->w->eid, &x, &why) ? &r->lost : &r->won, 1);
    ndc_arena_free(&arena);
    return NULL;
}

static void *race_token(void *arg)
{
    struct race *r = arg;
    struct ndc_arena arena;
    struct ndc_fault why = {0};
    ndc_arena_init(&arena, 1 << 20);
    struct eid_renewal n = {.client = r->w->client,
                            .token = ndc_str(r->token),
                            .jkt = NDC_STR(""),
                            .x5t = NDC_STR(""),
                            .arena = &arena};
    atomic_fetch_add(eid_refresh_take(r->w->eid, &n, &why) ? &r->lost : &r->won, 1);
    ndc_arena_free(&arena);
    return NULL;
}

static void run_race(struct race *r, void *(*fn)(void *))
{
    enum { RACERS = 8 };
    pthread_t threads[RACERS];
    atomic_store(&r->won, 0);
    atomic_store(&r->lost, 0);
    for (int i = 0; i < RACERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, fn, r), 0);
    for (int i = 0; i < RACERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&r->won), 1);
    assert_int_equal(atomic_load(&r->lost), RACERS - 1);
}

static void test_one_of_many_wins(void **state)
{
    struct world w;
    struct eid_exchange x;
    char code[48], token[EID_REFRESH_TEXT];
    world_new(&w, state);
    struct race r = {.w = &w, .code = code, .token = token};
    for (int i = 0; i < 20; i++) {
        make(&w, code, &asked);
        run_race(&r, race_code);
        make(&w, code, &asked);
        assert_ok(take(&w, &x, code, VERIFIER), &fault);
        eid_refresh_text(w.eid, token, x.grant, 1);
        run_race(&r, race_token);
    }
    /* Each race ended its grant, for it was used twice. */
    assert_int_equal(count_of(&w, "SELECT count(*) FROM eid_grant"), 0);
    world_free(&w);
}

/* ---- kill -9 ---- */

/* A process that uses codes as fast as it can, telling which it was given success for,
 * killed in the middle: none of them works a second time, and no revocation is lost. */
static void test_killed_in_the_middle(void **state)
{
    enum { ROUNDS = 5, CODES = 200 };
    struct world w;
    struct eid_exchange x;
    static char codes[CODES][48];
    world_new(&w, state);
    for (int round = 0; round < ROUNDS; round++) {
        int pipes[2], told = 0, status;
        for (int i = 0; i < CODES; i++)
            make(&w, codes[i], &asked);
        assert_int_equal(pipe(pipes), 0);
        close_eid(&w);
        pid_t child = fork();
        if (child == 0) {
            open_eid(&w);
            for (int i = 0; i < CODES; i++)
                if (take(&w, &x, codes[i], VERIFIER) ||
                    (i % 3 == 0 && eid_grant_end(w.eid, ndc_str(x.grant), &fault)) ||
                    write(pipes[1], x.grant, EID_GRANT_LEN) != EID_GRANT_LEN)
                    _exit(1);
            _exit(0);
        }
        close(pipes[1]);
        usleep((useconds_t)(20000 + 15000 * round));
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
        test_pg_left(w.url);
        open_eid(&w);
        char grant[EID_GRANT_LEN + 1] = "";
        for (; read(pipes[0], grant, EID_GRANT_LEN) == EID_GRANT_LEN; told++) {
            struct ndc_str client;
            struct eid_given given;
            assert_ok(
                eid_grant_read(w.eid, &w.arena, ndc_str(grant), &client, &given, &fault),
                &fault);
            /* What was given is there, what was ended is not. */
            assert_int_equal(client.ptr == NULL, told % 3 == 0);
            assert_refused(take(&w, &x, codes[told], VERIFIER), "invalid_grant",
                           "used before");
        }
        close(pipes[0]);
        if (told == CODES)
            print_message("round %d: all were done before the kill\n", round);
        for (int i = told + 1; i < CODES; i++)
            assert_ok(take(&w, &x, codes[i], VERIFIER), &fault);
    }
    world_free(&w);
}

/* ---- storage ---- */

static void test_tables_stay_flat(void **state)
{
    struct world w;
    char code[48];
    world_new(&w, state);
    for (int i = 0; i < 50; i++)
        make(&w, code, &asked);
    assert_int_equal(count_of(&w, "SELECT count(*) FROM eid_code"), 50);
    struct ndc_store_conn *conn;
    assert_ok(ndc_store_take(w.store, NDC_WRITE, &conn, &fault), &fault);
    assert_ok(ndc_sql_exec(conn, "UPDATE eid_code SET expires_ms = 1", NDC_NO_ARGS, NULL,
                           &fault),
              &fault);
    ndc_store_give(conn);
    for (int i = 0; i < 50; i++)
        make(&w, code, &asked);
    assert_int_equal(count_of(&w, "SELECT count(*) FROM eid_code WHERE expires_ms = 1"),
                     0);
    assert_int_equal(count_of(&w, "SELECT count(*) FROM eid_code"), 50);
    world_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_ON_BOTH(test_code_gives_once),       TEST_ON_BOTH(test_frozen_gets_nothing),
        TEST_ON_BOTH(test_code_is_bound),         TEST_ON_BOTH(test_refresh_rotates),
        TEST_ON_BOTH(test_refresh_of_fapi_stays), TEST_ON_BOTH(test_one_of_many_wins),
        TEST_ON_BOTH(test_killed_in_the_middle),  TEST_ON_BOTH(test_tables_stay_flat),
    };
    return test_db_run(tests);
}

/* core/webhook: signatures as the standard says, sealed secrets, which addresses a server
 * lets itself be made to call, and the tables of deliveries. */
#include "core/webhook_internal.h"
#include "core/webhook_sign.h"
#include "crypto/hmac.h"
#include "net/client.h"
#include "sys/file.h"
#include "tests/db.h"

#include <sys/stat.h>

static struct ndc_fault fault;

static struct ndc_fault *fresh(void)
{
    fault = (struct ndc_fault){0};
    return &fault;
}

/* Of the specification's reference libraries. */
static void test_the_standards_own_example(void **state)
{
    struct ndc_buf out;
    (void)state;
    ndc_buf_init(&out, 1024);
    assert_ok(ndc_webhook_sign(&out, NDC_STR("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
                               NDC_STR("msg_p5jXN8AQM9LWM0D4loKWxJek"), 1614265330,
                               NDC_STR("{\"test\": 2432232314}"), fresh()),
              &fault);
    assert_true(ndc_str_eq_c(ndc_buf_str(&out),
                             "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
    ndc_buf_free(&out);
}

static void test_what_is_no_secret(void **state)
{
    static const char *const bad[] = {"",
                                      "whsec_",
                                      "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                                      "whsec_short===",
                                      "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",
                                      "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa!!",
                                      "whsec_AAAA"};
    char made[NDC_WEBHOOK_SECRET_MAX], other[NDC_WEBHOOK_SECRET_MAX];
    struct ndc_buf out;
    (void)state;
    ndc_buf_init(&out, 1024);
    for (size_t i = 0; i < NDC_ARRAY_LEN(bad); i++) {
        assert_int_equal(ndc_webhook_sign(&out, ndc_str(bad[i]), NDC_STR("m"), 1,
                                          NDC_STR("{}"), fresh()),
                         NDC_EINPUT);
        assert_string_equal(fault.code, "webhook.secret");
    }
    ndc_webhook_secret_make(made);
    ndc_webhook_secret_make(other);
    assert_string_not_equal(made, other);
    assert_ok(
        ndc_webhook_sign(&out, ndc_str(made), NDC_STR("m"), 1, NDC_STR("{}"), fresh()),
        &fault);
    ndc_buf_free(&out);
}

static void test_sealed_secrets(void **state)
{
    struct ndc_seal *seal, *same, *another;
    struct ndc_buf text, open;
    struct stat st;
    char path[200], elsewhere[200];
    (void)state;
    snprintf(path, sizeof(path), "%s/webhook.key", test_db_folder());
    snprintf(elsewhere, sizeof(elsewhere), "%s/other.key", test_db_folder());
    ndc_buf_init(&text, 4096);
    ndc_buf_init(&open, 4096);
    assert_ok(ndc_seal_load(&seal, path, fresh()), &fault);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_ok(ndc_seal_load(&same, path, fresh()), &fault);
    assert_ok(ndc_seal_load(&another, elsewhere, fresh()), &fault);
    ndc_seal_add(seal, &text, NDC_STR("hook-a"), NDC_STR("whsec_abc"));
    assert_null(memmem(text.ptr, text.len, "whsec", 5));
    assert_ok(ndc_seal_open(same, &open, NDC_STR("hook-a"), ndc_buf_str(&text), fresh()),
              &fault);
    assert_true(ndc_str_eq_c(ndc_buf_str(&open), "whsec_abc"));
    /* Of another webhook, with another key, changed, cut. */
    assert_int_equal(
        ndc_seal_open(same, &open, NDC_STR("hook-b"), ndc_buf_str(&text), fresh()),
        NDC_EINPUT);
    assert_int_equal(
        ndc_seal_open(another, &open, NDC_STR("hook-a"), ndc_buf_str(&text), fresh()),
        NDC_EINPUT);
    assert_string_equal(fault.code, "key.seal");
    text.ptr[40] ^= 1;
    assert_int_equal(
        ndc_seal_open(same, &open, NDC_STR("hook-a"), ndc_buf_str(&text), fresh()),
        NDC_EINPUT);
    assert_int_equal(
        ndc_seal_open(same, &open, NDC_STR("hook-a"), ndc_str_n(text.ptr, 8), fresh()),
        NDC_EINPUT);
    assert_ok(ndc_file_write(path, NDC_STR("no key\n"), 0600, fresh()), &fault);
    struct ndc_seal *none;
    assert_int_equal(ndc_seal_load(&none, path, fresh()), NDC_EINPUT);
    assert_string_equal(fault.code, "key.format");
    ndc_seal_free(seal);
    ndc_seal_free(same);
    ndc_seal_free(another);
    ndc_buf_free(&text);
    ndc_buf_free(&open);
}

static void test_addresses_of_our_own(void **state)
{
    static const char *const ours[] = {"https://127.0.0.1/",
                                       "https://127.9.9.9:8443/x",
                                       "https://10.1.2.3/",
                                       "https://100.64.0.1/",
                                       "https://169.254.169.254/latest",
                                       "https://172.31.0.1/",
                                       "https://192.0.0.8/",
                                       "https://192.168.0.1/",
                                       "https://198.18.0.1/",
                                       "https://224.0.0.1/",
                                       "https://255.255.255.255/",
                                       "https://0.0.0.0/",
                                       "https://[::]/",
                                       "https://[::1]/",
                                       "https://[::ffff:10.0.0.1]/",
                                       "https://[fe80::1]/",
                                       "https://[fc00::1]/",
                                       "https://[ff02::1]/",
                                       "https://[2001:db8::1]/",
                                       "https://[2002:7f00:1::]/",
                                       "https://[64:ff9b::a00:1]/",
                                       "unix:/tmp/socket:/"};
    static const char *const others[] = {"https://1.1.1.1/", "https://172.32.0.1/",
                                         "https://100.128.0.1/", "https://11.0.0.1/",
                                         "https://[2606:4700::1111]/"};
    (void)state;
    for (size_t i = 0; i < NDC_ARRAY_LEN(ours); i++) {
        if (ndc_client_check(ours[i], true, fresh()) != NDC_EDENIED)
            fail_msg("%s may be called", ours[i]);
        assert_string_equal(fault.code, "client.address");
        assert_ok(ndc_client_check(ours[i], false, fresh()), &fault);
    }
    for (size_t i = 0; i < NDC_ARRAY_LEN(others); i++)
        assert_ok(ndc_client_check(others[i], true, fresh()), &fault);
    /* Not only when it is asked, but when it is called. */
    struct ndc_client_answer answer;
    const struct ndc_client_request request = {.url = "http://127.0.0.1:9/",
                                               .public_only = true};
    assert_int_equal(ndc_client_call(&answer, &request, fresh()), NDC_EDENIED);
    assert_string_equal(fault.code, "client.address");
    ndc_client_answer_free(&answer);
}

/* ---- the tables ---- */

static struct ndc_webhook read_one(struct ndc_store *store, struct ndc_arena *arena,
                                   const char *id)
{
    struct ndc_webhook w = {0};
    struct ndc_store_conn *conn;
    assert_ok(ndc_store_take(store, NDC_READ, &conn, fresh()), &fault);
    assert_ok(ndc_webhook_read(conn, arena, ndc_str(id), &w, fresh()), &fault);
    ndc_store_give(conn);
    return w;
}

static bool revived(struct ndc_store *store, struct ndc_arena *arena, const char *id,
                    struct ndc_webhook_attempt *out)
{
    struct ndc_store_conn *conn;
    bool found;
    assert_ok(ndc_store_take(store, NDC_READ, &conn, fresh()), &fault);
    assert_ok(ndc_webhook_revived(conn, arena, ndc_str(id), out, &found, fresh()),
              &fault);
    ndc_store_give(conn);
    return found;
}

static void test_a_page_fails_dies_and_lives_again(void **state)
{
    struct ndc_store *store = test_db_open(state, NULL);
    struct ndc_arena arena;
    const struct ndc_webhook made = {.id = NDC_STR("A"),
                                     .source = NDC_STR("s"),
                                     .url = NDC_STR("https://x/"),
                                     .title = NDC_STR(""),
                                     .filter = NDC_STR(""),
                                     .granted = NDC_STR("all"),
                                     .secret = NDC_STR("sealed"),
                                     .principal = NDC_STR("user:x"),
                                     .agency = NDC_STR(""),
                                     .purpose = NDC_STR("tax"),
                                     .legal_basis = NDC_STR("law"),
                                     .created_ms = 5,
                                     .seq = 10};
    struct ndc_webhook_attempt a = {.message = NDC_STR("msg_1"),
                                    .after = 10,
                                    .last = 20,
                                    .events = 7,
                                    .attempt = 1,
                                    .at_ms = 100,
                                    .status = 500,
                                    .error = NDC_STR("answered 500")};
    ndc_arena_init(&arena, 1 << 20);
    assert_ok(ndc_migrate(store, "webhooks", ndc_webhook_migrations,
                          NDC_WEBHOOK_MIGRATIONS, fresh()),
              &fault);
    assert_ok(ndc_webhook_insert(store, &made, fresh()), &fault);
    assert_ok(ndc_webhook_begin(store, made.id, 20, fresh()), &fault);
    assert_ok(ndc_webhook_failed(store, made.id, &a, 999, fresh()), &fault);
    struct ndc_webhook w = read_one(store, &arena, "A");
    assert_int_equal(w.seq, 10);
    assert_int_equal(w.pending, 20);
    assert_int_equal(w.attempts, 1);
    assert_int_equal(w.next_ms, 999);

    a.attempt = 2;
    assert_ok(ndc_webhook_failed(store, made.id, &a, 0, fresh()), &fault);
    w = read_one(store, &arena, "A");
    assert_int_equal(w.seq, 20);
    assert_int_equal(w.pending, 0);
    assert_int_equal(w.attempts, 0);
    assert_int_equal(w.dead, 1);
    assert_false(revived(store, &arena, "A", &a));

    assert_ok(ndc_webhook_revive(store, made.id, NDC_STR("msg_1"), fresh()), &fault);
    assert_true(revived(store, &arena, "A", &a));
    assert_int_equal(a.after, 10);
    assert_int_equal(a.last, 20);
    assert_int_equal(a.attempt, 3);
    a.error = NDC_STR("answered 500");
    assert_ok(ndc_webhook_revive_done(store, made.id, &a, false, fresh()), &fault);
    assert_false(revived(store, &arena, "A", &a)); /* it waits to be asked again */
    assert_ok(ndc_webhook_revive(store, made.id, NDC_STR("msg_1"), fresh()), &fault);
    assert_true(revived(store, &arena, "A", &a));
    assert_ok(ndc_webhook_revive_done(store, made.id, &a, true, fresh()), &fault);
    assert_int_equal(read_one(store, &arena, "A").dead, 0);
    assert_int_equal(ndc_webhook_revive(store, made.id, NDC_STR("msg_1"), fresh()),
                     NDC_ENOTFOUND);
    assert_ok(ndc_webhook_delete(store, made.id, fresh()), &fault);
    assert_int_equal(ndc_webhook_delete(store, made.id, fresh()), NDC_ENOTFOUND);
    ndc_arena_free(&arena);
    ndc_store_close(store);
}

static void test_the_log_of_attempts_stays_short(void **state)
{
    struct ndc_store *store = test_db_open(state, NULL);
    struct ndc_store_conn *conn;
    int64_t n, newest;
    struct ndc_webhook_attempt a = {.message = NDC_STR("m"), .status = 204};
    assert_ok(ndc_migrate(store, "webhooks", ndc_webhook_migrations,
                          NDC_WEBHOOK_MIGRATIONS, fresh()),
              &fault);
    for (int i = 0; i < NDC_WEBHOOK_LOG_MAX + 30; i++) {
        a.at_ms = i;
        assert_ok(ndc_webhook_delivered(store, NDC_STR("A"), &a, fresh()), &fault);
    }
    assert_ok(ndc_store_take(store, NDC_READ, &conn, fresh()), &fault);
    assert_ok(ndc_sql_i64(conn, &n, "SELECT count(*) FROM ndc_webhook_attempt",
                          NDC_NO_ARGS, fresh()),
              &fault);
    assert_ok(ndc_sql_i64(conn, &newest, "SELECT max(at_ms) FROM ndc_webhook_attempt",
                          NDC_NO_ARGS, fresh()),
              &fault);
    ndc_store_give(conn);
    assert_int_equal(n, NDC_WEBHOOK_LOG_MAX);
    assert_int_equal(newest, NDC_WEBHOOK_LOG_MAX + 29);
    ndc_store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_standards_own_example),
        cmocka_unit_test(test_what_is_no_secret),
        cmocka_unit_test(test_sealed_secrets),
        cmocka_unit_test(test_addresses_of_our_own),
        TEST_ON_BOTH(test_a_page_fails_dies_and_lives_again),
        TEST_ON_BOTH(test_the_log_of_attempts_stays_short),
    };
    return test_db_run(tests);
}

/* What a hostile or broken client sends, over raw sockets: refused, cut, and the server
 * goes on. */
#include "tests/server.h"

#include "sys/clock.h"
#include "sys/thread.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static struct test_server server;

static int start(void **state)
{
    (void)state;
    static const char *const set[] = {
        "request_timeout", "2s", "idle_timeout", "2s", "header_bytes_max", "8k", NULL};
    void *kind = test_on_sqlite;
    test_server_start(&server, &kind, set);
    return 0;
}

static int stop(void **state)
{
    test_server_stop(&server);
    return test_db_teardown(state);
}

/* Silences that end a reading: short where a second answer must not come, long (but under
 * the server's own patience) where the end of the connection must. */
enum { SHORT_MS = 400, LONG_MS = 1500, ALL_CUT_MS = 60000 };

/* Status of the first answer; 0 if there is none. */
static int raw_status(const char *text, int silence_ms, bool *closed, int *answers)
{
    struct ndc_buf out;
    int status = 0;
    *answers = 0;
    test_raw(&server, text, strlen(text), silence_ms, &out, closed);
    struct ndc_str rest = ndc_buf_str(&out);
    for (size_t i = 0; i + 12 <= rest.len; i++)
        if (memcmp(rest.ptr + i, "HTTP/1.1 ", 9) == 0 && ++*answers == 1)
            status = (int)strtol(rest.ptr + i + 9, NULL, 10);
    ndc_buf_free(&out);
    return status;
}

static void still_serves(void)
{
    assert_int_equal(
        test_call(&server, "GET", "/health/live", NULL, NULL, NULL, NULL, NULL, NULL),
        200);
}

static void test_malformed(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int status; /* 0: cut without an answer is fine too */
    } cases[] = {
        {"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n", 200},
        {"GET /health/live HTTP/1.1\r\n\r\n", 400},
        {"GET /health/live HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
        {"GET /health/live HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
        {"GET /health/live HTTP/1.1\r\nHost: a/..\r\n\r\n", 400},
        {"GET / HTTP/9.9\r\nHost: a\r\n\r\n", 0},
        {"BREW /health/live HTTP/1.1\r\nHost: a\r\n\r\n", 501},
        {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 0},
        {"GET\r\n\r\n", 0},
        {"\r\n\r\n\r\n", 0},
        {"GET /health/live HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", 400},
        {"POST /api/session HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
         "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}}",
         400},
        {"POST /api/session HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
         "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         400},
        {"POST /api/session HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
         "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
         400},
        {"POST /api/session HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
         "Content-Length: -1\r\n\r\n",
         400},
        {"POST /api/session HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
         "Content-Length: 99999999999999999999\r\n\r\n",
         0},
        {"POST /api/session HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
         "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
         0},
        {"POST /api/session HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
         "Content-Length: 100000\r\n\r\n{",
         413},
    };
    for (size_t i = 0; i < NDC_ARRAY_LEN(cases); i++) {
        bool closed;
        int answers, status = raw_status(cases[i].text, LONG_MS, &closed, &answers);
        if (cases[i].status && status != cases[i].status)
            fail_msg("case %zu: %d, not %d", i, status, cases[i].status);
        if (!cases[i].status && status >= 200 && status < 400)
            fail_msg("case %zu: taken with %d", i, status);
        /* MHD 0.9.75 writes the head of its own refusals twice, and closes. */
        if (answers > 1 && !(status >= 400 && closed))
            fail_msg("case %zu: %d answers to one request", i, answers);
    }
    still_serves();
}

/* The body of a request refused early must not be read as the next request. */
static void test_no_smuggling(void **state)
{
    (void)state;
    bool closed;
    int answers;
    const char *text =
        "DELETE /api/nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 44\r\n\r\n"
        "GET /health/live HTTP/1.1\r\nHost: smuggled\r\n\r\n";
    int status = raw_status(text, LONG_MS, &closed, &answers);
    assert_true(status >= 400);
    assert_int_equal(answers, 1);
    assert_true(closed);
}

static void test_paths(void **state)
{
    (void)state;
    static const char *const paths[] = {"/../../etc/passwd",
                                        "/%2e%2e/%2e%2e/etc/passwd",
                                        "/api/..%2f..%2fetc",
                                        "/health/./live",
                                        "/health/%2e/live",
                                        "/a%00b",
                                        "/a%0d%0aSet-Cookie:%20x",
                                        "/a\\..\\b",
                                        "/%c0%ae%c0%ae/",
                                        "/%zz",
                                        "/%",
                                        "/a%5c..%5cb",
                                        "http:///x",
                                        "ftp://a/b",
                                        "*"};
    for (size_t i = 0; i < NDC_ARRAY_LEN(paths); i++) {
        char text[256];
        bool closed;
        int answers;
        snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", paths[i]);
        int status = raw_status(text, SHORT_MS, &closed, &answers);
        if (status < 400 || status >= 500) fail_msg("%s: answered %d", paths[i], status);
    }
    bool closed;
    int answers;
    assert_int_equal(raw_status("GET //health//live/ HTTP/1.1\r\nHost: a\r\n\r\n",
                                SHORT_MS, &closed, &answers),
                     200);
    assert_int_equal(raw_status("GET http://a/health/live HTTP/1.1\r\nHost: a\r\n\r\n",
                                SHORT_MS, &closed, &answers),
                     200);
}

static void test_large_headers(void **state)
{
    (void)state;
    size_t size = 100000;
    char *text = malloc(size);
    bool closed;
    struct ndc_buf out;
    assert_non_null(text);
    int n = snprintf(text, size, "GET /health/live HTTP/1.1\r\nHost: a\r\nX: ");
    memset(text + n, 'x', size - (size_t)n - 5);
    memcpy(text + size - 5, "\r\n\r\n", 5);
    test_raw(&server, text, size - 1, 500, &out, &closed);
    assert_true(closed);
    if (out.len) assert_null(memmem(out.ptr, out.len, " 200 ", 5));
    ndc_buf_free(&out);
    /* Many small ones. */
    size_t at = (size_t)snprintf(text, size, "GET /health/live HTTP/1.1\r\nHost: a\r\n");
    for (int i = 0; i < 150; i++)
        at += (size_t)snprintf(text + at, size - at, "X%d: y\r\n", i);
    snprintf(text + at, size - at, "\r\n");
    int answers, status = raw_status(text, SHORT_MS, &closed, &answers);
    assert_int_equal(status, 431);
    free(text);
    still_serves();
}

static int connect_raw(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)server.port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

/* A byte now and then keeps MHD's own timeout from ever firing; ours measures the whole.
 */
static void test_slowloris(void **state)
{
    (void)state;
    static const char text[] =
        "GET /health/live HTTP/1.1\r\nHost: aaaaaaaaaaaaaaaaaaaaaaa";
    int fds[20];
    for (size_t i = 0; i < NDC_ARRAY_LEN(fds); i++)
        fds[i] = connect_raw();
    int64_t until = ndc_clock_mono_ns() + (int64_t)ALL_CUT_MS * 1000000;
    size_t alive = NDC_ARRAY_LEN(fds);
    for (size_t at = 0; alive && ndc_clock_mono_ns() < until; at++) {
        const char *c = at < sizeof(text) - 1 ? text + at : "a";
        alive = 0;
        for (size_t i = 0; i < NDC_ARRAY_LEN(fds); i++) {
            char back;
            if (fds[i] < 0) continue;
            (void)!send(fds[i], c, 1, MSG_NOSIGNAL);
            if (recv(fds[i], &back, 1, MSG_DONTWAIT) == 0) {
                close(fds[i]);
                fds[i] = -1;
            } else {
                alive++;
            }
        }
        ndc_clock_sleep_ms(150);
    }
    assert_int_equal(alive, 0);
    still_serves();
}

struct hammer {
    unsigned good, other;
};

static void hammer(void *arg, size_t i)
{
    struct hammer *h = (struct hammer *)arg + i;
    for (int n = 0; n < 60; n++) {
        char path[64];
        snprintf(path, sizeof(path), "/api/notes?limit=%d", n % 3 == 0 ? 0 : n + 1);
        int status =
            test_call(&server, "GET", path, NULL, NULL, server.key, NULL, NULL, NULL);
        if (status == (n % 3 == 0 ? 400 : 200))
            h->good++;
        else
            h->other++;
    }
}

static void test_many_at_once(void **state)
{
    (void)state;
    struct hammer h[8] = {0};
    ndc_parallel_for(8, 8, hammer, h);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(h[i].good, 60);
        assert_int_equal(h[i].other, 0);
    }
}

/* Clients that leave while their answer is held, streamed or awaited. */
static void test_clients_that_leave(void **state)
{
    (void)state;
    static const char *const paths[] = {"/api/notes/events",
                                        "/api/notes.csv?rows=10000000", "/health/ready",
                                        "/api/notes/none"};
    for (int round = 0; round < 10; round++) {
        for (size_t i = 0; i < NDC_ARRAY_LEN(paths); i++) {
            char text[512];
            int fd = connect_raw();
            int n = snprintf(text, sizeof(text),
                             "GET %s HTTP/1.1\r\nHost: a\r\n%s\r\n%s\r\n%s\r\n\r\n",
                             paths[i], server.key, TEST_PURPOSE, TEST_BASIS);
            assert_int_equal(send(fd, text, (size_t)n, MSG_NOSIGNAL), n);
            if (round % 2) ndc_clock_sleep_ms(5);
            struct linger hard = {1, 0};
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
            close(fd);
        }
    }
    still_serves();
}

static void test_response_headers_cannot_be_injected(void **state)
{
    (void)state;
    struct ndc_buf out;
    bool closed;
    const char *text =
        "GET /api/notes?person=a%0d%0aX-Evil:%20yes HTTP/1.1\r\nHost: a\r\n\r\n";
    test_raw(&server, text, strlen(text), 300, &out, &closed);
    assert_null(memmem(out.ptr, out.len, "\nX-Evil", 7));
    ndc_buf_free(&out);
}

/* A masked text frame with a key of zeros, so that the bytes can be read here. */
static void test_websocket(void **state)
{
    (void)state;
    char text[700];
    struct ndc_buf out;
    bool closed;
    int n = snprintf(text, sizeof(text),
                     "GET /api/notes/channel HTTP/1.1\r\nHost: a\r\n%s\r\nUpgrade: "
                     "websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: "
                     "13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                     server.key);
    static const char frames[] = "\x81\x84\0\0\0\0ping"
                                 "\x81\x83\0\0\0\0bye";
    memcpy(text + n, frames, sizeof(frames) - 1);
    test_raw(&server, text, (size_t)n + sizeof(frames) - 1, 1500, &out, &closed);
    assert_non_null(memmem(out.ptr, out.len, "HTTP/1.1 101", 12));
    assert_non_null(memmem(out.ptr, out.len, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", 28));
    assert_non_null(memmem(out.ptr, out.len, "\x81\x05hello", 7));
    assert_non_null(memmem(out.ptr, out.len, "\x81\x04ping", 6));
    assert_non_null(memmem(out.ptr, out.len, "\x88\x02\x03\xe8", 4));
    ndc_buf_free(&out);
    /* An unmasked frame breaks the protocol; the channel ends, the server goes on. */
    memcpy(text + n, "\x81\x04ping", 6);
    test_raw(&server, text, (size_t)n + 6, 1500, &out, &closed);
    assert_true(closed);
    ndc_buf_free(&out);
    assert_int_equal(test_call(&server, "GET", "/api/notes/channel", NULL, NULL,
                               server.key, NULL, NULL, NULL),
                     400);
    still_serves();
}

static void test_security_headers(void **state)
{
    (void)state;
    struct ndc_buf out;
    bool closed;
    static const char *const want[] = {"X-Content-Type-Options: nosniff",
                                       "Content-Security-Policy: default-src",
                                       "frame-ancestors 'none'",
                                       "Referrer-Policy: no-referrer",
                                       "Permissions-Policy:",
                                       "X-Frame-Options: DENY"};
    const char *text = "GET /api HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    test_raw(&server, text, strlen(text), 1000, &out, &closed);
    for (size_t i = 0; i < NDC_ARRAY_LEN(want); i++)
        if (!memmem(out.ptr, out.len, want[i], strlen(want[i])))
            fail_msg("no %s", want[i]);
    assert_null(memmem(out.ptr, out.len, "unsafe-inline", 13));
    ndc_buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_no_smuggling),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_large_headers),
        cmocka_unit_test(test_slowloris),
        cmocka_unit_test(test_many_at_once),
        cmocka_unit_test(test_clients_that_leave),
        cmocka_unit_test(test_response_headers_cannot_be_injected),
        cmocka_unit_test(test_websocket),
        cmocka_unit_test(test_security_headers),
    };
    return cmocka_run_group_tests(tests, start, stop);
}

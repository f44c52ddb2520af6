/* The server of tests/server.h. */
#include "tests/server.h"

#include "core/config.h"
#include "sys/log.h"
#include "tests/example_platform/notes.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FIRST_BYTE_MS = 60000, CALL_MS = 120000 };

const char *test_client_cert, *test_client_key;

const struct ndc_platform *test_platform;

static void set(struct ndc_config *config, const char *name, const char *value)
{
    struct ndc_fault fault = {0};
    assert_ok(
        ndc_config_set(config, ndc_str(name), ndc_str(value), NDC_FROM_FLAG, 0, &fault),
        &fault);
}

void test_sign_in(const struct test_server *s, const char *user, const char *password,
                  char cookie_line[static 160], char csrf[static 160])
{
    struct ndc_buf body;
    struct json_object *o;
    struct ndc_fault fault = {0};
    char text[200];
    snprintf(text, sizeof(text), "{\"user\":\"%s\",\"password\":\"%s\"}", user, password);
    char url[64];
    snprintf(url, sizeof(url), "http%s://127.0.0.1:%u/api/session", s->ca_file ? "s" : "",
             s->port);
    const char *headers[] = {TEST_JSON, NULL};
    struct ndc_client_answer answer;
    assert_ok(ndc_client_call(&answer,
                              &(struct ndc_client_request){.method = "POST",
                                                           .url = url,
                                                           .headers = headers,
                                                           .body = ndc_str(text),
                                                           .timeout_ms = CALL_MS,
                                                           .ca_file = s->ca_file,
                                                           .cert_file = test_client_cert,
                                                           .key_file = test_client_key},
                              &fault),
              &fault);
    assert_int_equal(answer.status, 200);
    struct ndc_str cookie = ndc_client_header(&answer, "Set-Cookie");
    snprintf(cookie_line, 160, "Cookie: %.*s", (int)ndc_str_find(cookie, ';'),
             cookie.ptr);
    body = answer.body;
    assert_ok(ndc_json_parse(&o, ndc_buf_str(&body), &fault), &fault);
    snprintf(csrf, 160, "NDC-CSRF: %.*s", NDC_STR_FMT(ndc_json_get_str(o, "csrf")));
    json_object_put(o);
    ndc_client_answer_free(&answer);
}

void test_server_start(struct test_server *s, void **state, const char *const *more)
{
    static unsigned count;
    const struct ndc_setting *tables[] = {ndc_core_settings, ndc_notes_platform.settings,
                                          test_platform ? test_platform->settings : NULL};
    static const struct ndc_platform *platforms[3] = {&ndc_notes_platform};
    struct ndc_fault fault = {0};
    char dir[256], secret[NDC_TOKEN_TEXT_MAX];
    bool made;
    signal(SIGPIPE, SIG_IGN);
    ndc_log_setup(NDC_LOG_ERROR, false);
    memset(s, 0, sizeof(*s));
    platforms[1] = test_platform;
    struct ndc_config *config = ndc_config_new(tables, tables[2] ? 3 : 2);
    snprintf(dir, sizeof(dir), "%s/server-%u", test_db_folder(), count++);
    set(config, "data_dir", dir);
    set(config, "database", test_db_url(state));
    set(config, "listen", "127.0.0.1:0");
    set(config, "weak_passwords", "yes");
    for (size_t i = 0; more && more[i]; i += 2)
        set(config, more[i], more[i + 1]);
    s->app = ndc_app_new(platforms, config);
    assert_ok(ndc_app_start(s->app, &fault), &fault);
    assert_ok(ndc_identity_first_user(ndc_app_identity(s->app), s->admin_password, &made,
                                      &fault),
              &fault);
    assert_true(made);
    assert_ok(ndc_app_serve(s->app, &fault), &fault);
    const char *tls_cert = ndc_config_text(config, "tls_cert");
    s->ca_file = *tls_cert ? tls_cert : NULL;
    s->port = (unsigned)strtoul(strrchr(ndc_app_address(s->app), ':') + 1, NULL, 10);
    const struct ndc_key key = {.agency = NDC_STR("tax"), .title = NDC_STR("test")};
    assert_ok(ndc_key_add(ndc_app_identity(s->app), &key, s->key_id, secret, &fault),
              &fault);
    snprintf(s->key, sizeof(s->key), "Authorization: Bearer %s", secret);
    test_sign_in(s, "admin", s->admin_password, s->cookie, s->csrf);
}

void test_server_stop(struct test_server *s)
{
    ndc_app_free(s->app);
    s->app = NULL;
}

int test_call(const struct test_server *s, const char *method, const char *path,
              const char *body_text, struct ndc_buf *body, const char *h1, const char *h2,
              const char *h3, const char *h4)
{
    char url[4096];
    struct ndc_fault fault = {0};
    struct ndc_client_answer answer;
    const char *headers[] = {h1, h2, h3, h4, NULL};
    snprintf(url, sizeof(url), "http%s://127.0.0.1:%u%s", s->ca_file ? "s" : "", s->port,
             path);
    const struct ndc_client_request request = {.method = method,
                                               .url = url,
                                               .headers = headers,
                                               .body = ndc_str(body_text),
                                               .timeout_ms = CALL_MS,
                                               .ca_file = s->ca_file,
                                               .cert_file = test_client_cert,
                                               .key_file = test_client_key};
    assert_ok(ndc_client_call(&answer, &request, &fault), &fault);
    int status = answer.status;
    if (body) {
        *body = answer.body;
        answer.body = (struct ndc_buf){0};
    }
    ndc_client_answer_free(&answer);
    return status;
}

static int raw_connect(const struct test_server *s)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)s->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

void test_raw(const struct test_server *s, const char *bytes, size_t len, int silence_ms,
              struct ndc_buf *out, bool *closed)
{
    int fd = raw_connect(s);
    ndc_buf_init(out, 1 << 20);
    *closed = false;
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        if (n <= 0) break;
        bytes += n;
        len -= (size_t)n;
    }
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (poll(&p, 1, out->len ? silence_ms : FIRST_BYTE_MS) <= 0) break;
        char *room = ndc_buf_room(out, 4096);
        ssize_t n = room ? recv(fd, room, 4096, 0) : 0;
        if (n <= 0) {
            *closed = true;
            break;
        }
        out->len += (size_t)n;
    }
    close(fd);
}

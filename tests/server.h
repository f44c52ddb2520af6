/* A data centre for tests: the example platform in this process, on a free port of
 * 127.0.0.1, with a signed-in administrator and a key. */
#ifndef NDC_TESTS_SERVER_H
#define NDC_TESTS_SERVER_H

#include "tests/db.h"

#include "core/app.h"
#include "core/identity.h"
#include "net/client.h"

struct test_server {
    struct ndc_app *app;
    unsigned port;
    const char
        *ca_file; /* with `tls_cert` set: the server's own chain, which is trusted */
    char admin_password[64];
    char cookie[160]; /* "Cookie: ndc=…" */
    char csrf[160];   /* "NDC-CSRF: …" */
    char key[160];    /* "Authorization: Bearer ndc_…", of agency tax, agency-reader */
    char key_id[16];
};

/* A platform beside the example, for tests of it; NULL: none. Set before start. */
extern const struct ndc_platform *test_platform;

/* On the test's kind of database; `set` are more settings, name and value by turns,
 * closed by NULL, or NULL. */
void test_server_start(struct test_server *s, void **state, const char *const *set);
void test_server_stop(struct test_server *s);

/* Signs a user in: the header lines for the calls that follow. */
void test_sign_in(const struct test_server *s, const char *user, const char *password,
                  char cookie[static 160], char csrf[static 160]);

/* The client's certificate and key (PEM files) of the calls that follow; NULL: none. */
extern const char *test_client_cert, *test_client_key;

/* A call with up to four header lines (NULLs end them); the status; the body is in
 * *body (free it) when body is not NULL. */
int test_call(const struct test_server *s, const char *method, const char *path,
              const char *body_text, struct ndc_buf *body, const char *h1, const char *h2,
              const char *h3, const char *h4);
#define TEST_JSON    "Content-Type: application/json"
#define TEST_PURPOSE "NDC-Purpose: test"
#define TEST_BASIS   "NDC-Legal-Basis: Law 60/2024 art. 1"

/* Raw bytes to the server and what comes back until it closes or, after its first byte,
 * is silent for `silence_ms`; *closed says which. The first byte may take its time. */
void test_raw(const struct test_server *s, const char *bytes, size_t len, int silence_ms,
              struct ndc_buf *out, bool *closed);

#endif

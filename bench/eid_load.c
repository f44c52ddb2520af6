/* People signing in to a running ndc, whole flows over HTTP, by the accounts that
 * bench/eid_accounts made. Prints `name value unit` lines.
 *
 * usage: eid_load PORT DATA_DIR ACCOUNTS WHAT SECONDS [CONNECTIONS]
 * WHAT is one of:
 * passkey    authorize, challenge, assertion, consent, code, tokens: one flow
 * password   one flow likewise
 * refresh    each connection signs in once, then uses its refresh token
 * logout     passkey, one refresh, then the session ends: one flow
 * token      signs in once and prints the access token
 * argon2     no server: a password's hash as the server makes it
 * es256      no server: a signature */
#include "bench/eid_bench.h"
#include "bench/http_load.h"

#include "crypto/base64.h"
#include "crypto/password.h"
#include "sys/clock.h"
#include "sys/thread.h"

#include <openssl/pem.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECTIONS_MAX = 256, SAMPLES_MAX = 1 << 22, TEXT = 4096 };

#define FORM      "Content-Type: application/x-www-form-urlencoded\r\n"
#define JSON      "Content-Type: application/json\r\n"
#define BACK      "http://127.0.0.1:3000/back"
#define BACK_URL  BACK /* nothing in it needs escaping in a query */
#define VERIFIER  "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" /* RFC 7636, B */
#define CHALLENGE "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

static struct {
    unsigned port;
    int64_t accounts, stop_ns, began_ns;
    const char *what;
    EVP_PKEY *key;
    char client[64];
    double *samples; /* seconds */
    atomic_size_t n;
} run;

struct person {
    struct load_conn conn;
    uint64_t rng;
    int64_t account;
    char binding[160], session[160], id[64], sid_hint[TEXT];
    char access[TEXT], refresh[512];
};

static void die(const struct person *p, const char *what, int status)
{
    fprintf(stderr, "eid_load: %s: status %d\n> %.*s\n< %.*s\n", what, status,
            (int)NDC_MIN(p->conn.out.len, 800u), p->conn.out.ptr,
            (int)NDC_MIN(p->conn.in.len, 2000u), p->conn.in.ptr);
    exit(1);
}

static int64_t next_account(struct person *p)
{
    uint64_t z = p->rng += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (int64_t)((z ^ z >> 31) % (uint64_t)run.accounts);
}

static void copy(const struct person *p, char *out, size_t size, struct ndc_str s)
{
    if (s.len >= size) die(p, "too long", 0);
    memcpy(out, s.ptr, s.len);
    out[s.len] = 0;
}

/* Takes "name=value" of each Set-Cookie. */
static void take_cookies(struct person *p)
{
    struct ndc_str rest = p->conn.head, line;
    while (ndc_str_split(&rest, '\n', &line)) {
        if (line.len < 20 || strncasecmp(line.ptr, "Set-Cookie: ", 12) != 0) continue;
        struct ndc_str cookie = ndc_str_from(line, 12);
        cookie = ndc_str_n(cookie.ptr, ndc_str_find(cookie, ';'));
        bool binding = cookie.len > 10 && memcmp(cookie.ptr, "ndc-eid-i=", 10) == 0;
        copy(p, binding ? p->binding : p->session, sizeof(p->binding), cookie);
    }
}

static void ask(struct person *p, const char *method, const char *path,
                const char *headers, const char *body, int expected)
{
    char all[TEXT];
    snprintf(all, sizeof(all), "%sCookie: %s%s%s\r\n", headers, p->session,
             p->session[0] && p->binding[0] ? "; " : "", p->binding);
    int status = load_call(&p->conn, method, path,
                           p->session[0] || p->binding[0] ? all : headers, body);
    if (status != expected) die(p, path, status);
    take_cookies(p);
}

static void step(struct person *p, const char *name, const char *body)
{
    char path[192];
    snprintf(path, sizeof(path), "/api/eid/interactions/%s/%s", p->id, name);
    ask(p, "POST", path, JSON, body, 200);
}

static void sign(struct ndc_buf *out, struct ndc_str auth_data, struct ndc_str client)
{
    unsigned char signature[80], text[37 + 32];
    size_t len = sizeof(signature);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    memcpy(text, auth_data.ptr, 37);
    SHA256((const unsigned char *)client.ptr, client.len, text + 37);
    if (EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, run.key) != 1 ||
        EVP_DigestSign(ctx, signature, &len, text, sizeof(text)) != 1)
        abort();
    ndc_base64url_add(out, signature, len);
    EVP_MD_CTX_free(ctx);
}

static void use_passkey(struct person *p)
{
    char client[512], challenge[64];
    uint8_t auth_data[37] = {0}, id[NDC_SHA256_BYTES];
    struct ndc_buf body;
    step(p, "passkey/options", "{}");
    copy(p, challenge, sizeof(challenge), load_member(&p->conn, "challenge"));
    int len = snprintf(client, sizeof(client),
                       "{\"type\":\"webauthn.get\",\"challenge\":\"%s\",\"origin\":"
                       "\"http://localhost:%u\",\"crossOrigin\":false}",
                       challenge, run.port);
    SHA256((const unsigned char *)"localhost", 9, auth_data);
    auth_data[32] = 5; /* present, verified; a counter of 0: it does not count */
    eid_bench_passkey(id, p->account);
    ndc_buf_init(&body, TEXT);
    ndc_buf_add_c(&body, "{\"credential\":{\"id\":\"");
    ndc_base64url_add(&body, id, sizeof(id));
    ndc_buf_add_c(&body, "\",\"rawId\":\"");
    ndc_base64url_add(&body, id, sizeof(id));
    ndc_buf_add_c(&body,
                  "\",\"type\":\"public-key\",\"response\":{\"clientDataJSON\":\"");
    ndc_base64url_add(&body, client, (size_t)len);
    ndc_buf_add_c(&body, "\",\"authenticatorData\":\"");
    ndc_base64url_add(&body, auth_data, sizeof(auth_data));
    ndc_buf_add_c(&body, "\",\"signature\":\"");
    sign(&body, ndc_str_n((const char *)auth_data, sizeof(auth_data)),
         ndc_str_n(client, (size_t)len));
    ndc_buf_add_c(&body, "\"},\"clientExtensionResults\":{}}}");
    ndc_buf_add_byte(&body, 0);
    step(p, "passkey", body.ptr);
    ndc_buf_free(&body);
}

static void use_password(struct person *p)
{
    char body[256];
    snprintf(body, sizeof(body),
             "{\"login\":\"0010%08lld\",\"password\":\"" EID_BENCH_PASSWORD "\"}",
             (long long)p->account);
    step(p, "password", body);
}

/* From a service's link to its tokens, in a new browser. */
static void sign_in(struct person *p, bool by_password)
{
    char path[TEXT], form[TEXT], code[128];
    p->binding[0] = p->session[0] = 0;
    p->account = next_account(p) / 2 * 2 + by_password;
    snprintf(path, sizeof(path),
             "/eid/authorize?client_id=%s&redirect_uri=" BACK_URL
             "&response_type=code&scope=openid%%20offline_access&prompt=consent&state=xyz"
             "&nonce=abc&code_challenge=" CHALLENGE "&code_challenge_method=S256",
             run.client);
    ask(p, "GET", path, "", NULL, 303);
    struct ndc_str to = load_header(&p->conn, "Location");
    copy(p, p->id, sizeof(p->id), ndc_str_from(to, ndc_str_find(to, '=') + 1));
    if (by_password)
        use_password(p);
    else
        use_passkey(p);
    step(p, "consent", "{\"allow\":true}");
    copy(p, path, sizeof(path), load_member(&p->conn, "location"));
    ask(p, "GET", path[0] == '/' ? path : strchr(path + 9, '/'), "", NULL, 303);
    to = load_header(&p->conn, "Location");
    const char *at = memmem(to.ptr, to.len, "code=", 5);
    if (!at) die(p, "no code", 303);
    struct ndc_str rest = ndc_str_n(at + 5, (size_t)(to.ptr + to.len - at - 5));
    copy(p, code, sizeof(code), ndc_str_n(rest.ptr, ndc_str_find(rest, '&')));
    snprintf(form, sizeof(form),
             "grant_type=authorization_code&client_id=%s&redirect_uri=" BACK_URL
             "&code=%s&code_verifier=" VERIFIER,
             run.client, code);
    ask(p, "POST", "/eid/token", FORM, form, 200);
    copy(p, p->access, sizeof(p->access), load_member(&p->conn, "access_token"));
    copy(p, p->refresh, sizeof(p->refresh), load_member(&p->conn, "refresh_token"));
    copy(p, p->sid_hint, sizeof(p->sid_hint), load_member(&p->conn, "id_token"));
}

static void renew(struct person *p)
{
    char form[TEXT];
    snprintf(form, sizeof(form), "grant_type=refresh_token&client_id=%s&refresh_token=%s",
             run.client, p->refresh);
    ask(p, "POST", "/eid/token", FORM, form, 200);
    copy(p, p->refresh, sizeof(p->refresh), load_member(&p->conn, "refresh_token"));
}

static void sign_out(struct person *p)
{
    char path[TEXT + 128];
    snprintf(path, sizeof(path), "/eid/logout?id_token_hint=%s", p->sid_hint);
    ask(p, "GET", path, "", NULL, 303);
}

/* What the machine does at best of the work that weighs most. */
static void work_alone(void)
{
    char hash[NDC_PASSWORD_HASH_BYTES];
    uint8_t auth_data[37] = {0};
    struct ndc_buf out;
    if (strcmp(run.what, "argon2") == 0 &&
        !ndc_password_hash(hash, NDC_STR(EID_BENCH_PASSWORD), false))
        abort();
    if (strcmp(run.what, "es256") != 0) return;
    ndc_buf_init(&out, 256);
    sign(&out, ndc_str_n((const char *)auth_data, sizeof(auth_data)), NDC_STR("{}"));
    ndc_buf_free(&out);
}

static bool needs_server(void)
{
    return strcmp(run.what, "argon2") != 0 && strcmp(run.what, "es256") != 0;
}

static void flow(struct person *p)
{
    if (!needs_server()) work_alone();
    if (strcmp(run.what, "passkey") == 0) sign_in(p, false);
    if (strcmp(run.what, "password") == 0) sign_in(p, true);
    if (strcmp(run.what, "refresh") == 0) renew(p);
    if (strcmp(run.what, "logout") == 0) {
        sign_in(p, false);
        renew(p);
        sign_out(p);
    }
}

static void *people(void *arg)
{
    struct person *p = arg;
    if (needs_server()) load_open(&p->conn, run.port);
    if (strcmp(run.what, "refresh") == 0) sign_in(p, false);
    for (;;) {
        int64_t before = ndc_clock_mono_ns();
        if (before >= run.stop_ns) break;
        flow(p);
        int64_t after = ndc_clock_mono_ns();
        size_t i = after <= run.stop_ns ? atomic_fetch_add(&run.n, 1) : SAMPLES_MAX;
        if (i < SAMPLES_MAX) run.samples[i] = (double)(after - before) * 1e-9;
    }
    if (needs_server()) load_close(&p->conn);
    return NULL;
}

static void register_client(void)
{
    struct load_conn c;
    load_open(&c, run.port);
    int status = load_call(&c, "POST", "/eid/register", JSON,
                           "{\"client_name\":\"bench\",\"redirect_uris\":[\"" BACK "\"],"
                           "\"grant_types\":[\"authorization_code\",\"refresh_token\"],"
                           "\"token_endpoint_auth_method\":\"none\","
                           "\"id_token_signed_response_alg\":\"ES256\"}");
    if (status != 201) {
        fprintf(stderr, "eid_load: register: %d %.*s\n", status, NDC_STR_FMT(c.body));
        exit(1);
    }
    struct ndc_str id = load_member(&c, "client_id");
    snprintf(run.client, sizeof(run.client), "%.*s", NDC_STR_FMT(id));
    load_close(&c);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void read_key(const char *dir)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/" EID_BENCH_KEY, dir);
    FILE *f = fopen(path, "re");
    run.key = f ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;
    if (f) fclose(f);
    if (run.key) return;
    fprintf(stderr, "eid_load: %s: run eid_accounts first\n", path);
    exit(1);
}

int main(int argc, char **argv)
{
    static struct person all[CONNECTIONS_MAX];
    pthread_t threads[CONNECTIONS_MAX];
    if (argc < 6) {
        fprintf(stderr, "usage: eid_load PORT DATA_DIR ACCOUNTS WHAT SECONDS "
                        "[CONNECTIONS]\n");
        return 2;
    }
    int64_t port, seconds, connections = 32;
    if (!ndc_str_to_i64(ndc_str(argv[1]), &port) ||
        !ndc_str_to_i64(ndc_str(argv[3]), &run.accounts) ||
        !ndc_str_to_i64(ndc_str(argv[5]), &seconds) || seconds < 1 ||
        (argc > 6 && !ndc_str_to_i64(ndc_str(argv[6]), &connections)) ||
        connections < 1 || connections > CONNECTIONS_MAX)
        return 2;
    run.port = (unsigned)port;
    run.what = argv[4];
    run.samples = ndc_xcalloc(SAMPLES_MAX, sizeof(double));
    read_key(argv[2]);
    if (needs_server()) register_client();
    if (strcmp(run.what, "token") == 0) {
        load_open(&all[0].conn, run.port);
        sign_in(&all[0], false);
        puts(all[0].access);
        return 0;
    }
    run.began_ns = ndc_clock_mono_ns();
    run.stop_ns = run.began_ns + seconds * 1000000000;
    for (int64_t i = 0; i < connections; i++) {
        all[i].rng = (uint64_t)i * 7919 + (uint64_t)run.began_ns;
        if (pthread_create(&threads[i], NULL, people, &all[i])) return 1;
    }
    for (int64_t i = 0; i < connections; i++)
        pthread_join(threads[i], NULL);
    size_t n = NDC_MIN(atomic_load(&run.n), (size_t)SAMPLES_MAX);
    if (n == 0) {
        fprintf(stderr, "eid_load: nothing was finished in time\n");
        return 1;
    }
    qsort(run.samples, n, sizeof(double), by_size);
    printf("eid_%s %.0f /s\n", run.what, (double)n / (double)seconds);
    printf("eid_%s_p50_ms %.2f ms\n", run.what, run.samples[n / 2] * 1e3);
    printf("eid_%s_p99_ms %.2f ms\n", run.what, run.samples[n - 1 - n / 100] * 1e3);
    return 0;
}

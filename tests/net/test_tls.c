/* TLS and client certificates, from the outside: authorities and certificates are made
 * here, by OpenSSL; the server is GnuTLS under libmicrohttpd, the client OpenSSL. */
#include "tests/server.h"

#include "crypto/certificate.h"
#include "sys/file.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

enum { DAY_S = 86400 };

struct authority {
    EVP_PKEY *key;
    X509 *cert;
};

/* Files of a certificate: the chain, and its key. */
struct pair {
    char cert[160], key[160], thumbprint[NDC_THUMBPRINT_TEXT];
};

static struct authority own, other; /* the server's clients' authority, and a stranger */
static struct pair server_pair, good, second, expired, early, foreign, selfmade;
static char own_ca[160];

static void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    assert_non_null(e);
    assert_int_equal(X509_add_ext(cert, e, -1), 1);
    X509_EXTENSION_free(e);
}

/* Signed by `by`, or by itself where by->cert is NULL. */
static X509 *make_cert(EVP_PKEY *key, const char *name, const struct authority *by,
                       bool ca, long from_s, long until_s)
{
    static long serial = 1000;
    X509 *cert = X509_new();
    assert_non_null(cert);
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++);
    X509_gmtime_adj(X509_getm_notBefore(cert), from_s);
    X509_gmtime_adj(X509_getm_notAfter(cert), until_s);
    X509_set_pubkey(cert, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                               (const unsigned char *)name, -1, -1, 0);
    X509 *issuer = by->cert ? by->cert : cert;
    X509_set_issuer_name(cert, X509_get_subject_name(issuer));
    add_extension(cert, issuer, NID_basic_constraints,
                  ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
    add_extension(cert, issuer, NID_subject_key_identifier, "hash");
    add_extension(cert, issuer, NID_key_usage,
                  ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
    if (!ca) {
        add_extension(cert, issuer, NID_ext_key_usage, "serverAuth,clientAuth");
        add_extension(cert, issuer, NID_subject_alt_name, "IP:127.0.0.1");
    }
    assert_true(X509_sign(cert, by->key ? by->key : key, EVP_sha256()) > 0);
    return cert;
}

static void write_pem(const char *path, X509 *first, X509 *rest, EVP_PKEY *key)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    if (first) assert_int_equal(PEM_write_X509(f, first), 1);
    if (rest) assert_int_equal(PEM_write_X509(f, rest), 1);
    if (key) assert_int_equal(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(f);
}

static void make_pair(struct pair *pair, const char *name, const struct authority *by,
                      long from_s, long until_s)
{
    struct ndc_buf text;
    struct ndc_fault fault = {0};
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = make_cert(key, name, by, false, from_s, until_s);
    snprintf(pair->cert, sizeof(pair->cert), "%s/%s.crt", test_db_folder(), name);
    snprintf(pair->key, sizeof(pair->key), "%s/%s.key", test_db_folder(), name);
    write_pem(pair->cert, cert, by->cert, NULL);
    write_pem(pair->key, NULL, NULL, key);
    ndc_buf_init(&text, 1 << 16);
    assert_ok(ndc_file_read(&text, pair->cert, &fault), &fault);
    assert_ok(ndc_certificate_thumbprint(pair->thumbprint, ndc_buf_str(&text), &fault),
              &fault);
    ndc_buf_free(&text);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static void make_authority(struct authority *a, const char *name)
{
    const struct authority itself = {0};
    a->key = EVP_EC_gen("P-256");
    a->cert = make_cert(a->key, name, &itself, true, -DAY_S, 3650L * DAY_S);
}

static int make_all(void **state)
{
    (void)state;
    const struct authority itself = {0};
    make_authority(&own, "ndc test authority");
    make_authority(&other, "another authority");
    snprintf(own_ca, sizeof(own_ca), "%s/own-ca.crt", test_db_folder());
    write_pem(own_ca, own.cert, NULL, NULL);
    make_pair(&server_pair, "server", &own, -DAY_S, DAY_S);
    make_pair(&good, "tax", &own, -DAY_S, DAY_S);
    make_pair(&second, "land", &own, -DAY_S, DAY_S);
    make_pair(&expired, "expired", &own, -20L * DAY_S, -DAY_S);
    make_pair(&early, "early", &own, DAY_S, 20L * DAY_S);
    make_pair(&foreign, "foreign", &other, -DAY_S, DAY_S);
    make_pair(&selfmade, "selfmade", &itself, -DAY_S, DAY_S);
    return 0;
}

static int free_all(void **state)
{
    X509_free(own.cert);
    X509_free(other.cert);
    EVP_PKEY_free(own.key);
    EVP_PKEY_free(other.key);
    return test_db_teardown(state);
}

static void use(const struct pair *pair)
{
    test_client_cert = pair ? pair->cert : NULL;
    test_client_key = pair ? pair->key : NULL;
}

static void start(struct test_server *s, void **state, const char *client_cert)
{
    const char *set[] = {
        "tls_cert", server_pair.cert, "tls_key",   server_pair.key, "client_ca",
        own_ca,     "client_cert",    client_cert, "idle_timeout",  "20s",
        NULL};
    test_server_start(s, state, set);
}

static void key_bound_to(struct test_server *s, const char *thumbprint, char *header,
                         size_t size)
{
    char id[16], secret[NDC_TOKEN_TEXT_MAX];
    struct ndc_fault fault = {0};
    const struct ndc_key key = {.agency = NDC_STR("tax"),
                                .title = NDC_STR("bound"),
                                .cert_sha256 = ndc_str(thumbprint)};
    assert_ok(ndc_key_add(ndc_app_identity(s->app), &key, id, secret, &fault), &fault);
    snprintf(header, size, "Authorization: Bearer %s", secret);
}

static int get(struct test_server *s, const struct pair *pair, const char *path,
               const char *key)
{
    use(pair);
    int status = test_call(s, "GET", path, NULL, NULL, key, NULL, NULL, NULL);
    use(NULL);
    return status;
}

static void test_tls(void **state)
{
    struct test_server s;
    struct ndc_fault fault = {0};
    struct ndc_client_answer answer;
    char url[64];
    use(NULL);
    start(&s, state, "optional");
    assert_true(strncmp(ndc_app_address(s.app), "https://", 8) == 0);
    assert_int_equal(get(&s, NULL, "/health/live", NULL), 200);
    /* signed in over TLS: the cookie is for this host and TLS alone */
    assert_non_null(strstr(s.cookie, "__Host-ndc="));
    assert_int_equal(get(&s, NULL, "/api/session", s.cookie), 200);
    /* a client that trusts others finds no way in, nor does one without TLS */
    snprintf(url, sizeof(url), "https://127.0.0.1:%u/health/live", s.port);
    char path[160];
    snprintf(path, sizeof(path), "%s/other-ca.crt", test_db_folder());
    write_pem(path, other.cert, NULL, NULL);
    struct ndc_client_request request = {.url = url, .ca_file = path};
    assert_int_not_equal(ndc_client_call(&answer, &request, &fault), NDC_OK);
    assert_string_equal(fault.code, "client.tls");
    ndc_client_answer_free(&answer);
    fault = (struct ndc_fault){0};
    snprintf(url, sizeof(url), "http://127.0.0.1:%u/health/live", s.port);
    assert_int_not_equal(
        ndc_client_call(&answer, &(struct ndc_client_request){.url = url}, &fault),
        NDC_OK);
    ndc_client_answer_free(&answer);
    /* the name on the certificate counts */
    fault = (struct ndc_fault){0};
    snprintf(url, sizeof(url), "https://localhost:%u/health/live", s.port);
    request = (struct ndc_client_request){.url = url, .ca_file = s.ca_file};
    assert_int_not_equal(ndc_client_call(&answer, &request, &fault), NDC_OK);
    ndc_client_answer_free(&answer);
    test_server_stop(&s);
}

static void test_bound_key(void **state)
{
    struct test_server s;
    char key[160], of_expired[160], of_early[160], of_foreign[160], of_selfmade[160];
    use(NULL);
    start(&s, state, "optional");
    key_bound_to(&s, good.thumbprint, key, sizeof(key));
    key_bound_to(&s, expired.thumbprint, of_expired, sizeof(of_expired));
    key_bound_to(&s, early.thumbprint, of_early, sizeof(of_early));
    key_bound_to(&s, foreign.thumbprint, of_foreign, sizeof(of_foreign));
    key_bound_to(&s, selfmade.thumbprint, of_selfmade, sizeof(of_selfmade));
    assert_int_equal(get(&s, &good, "/api/notes", key), 200);
    assert_int_equal(get(&s, NULL, "/api/notes", key), 401);
    assert_int_equal(get(&s, &second, "/api/notes", key), 401);
    assert_int_equal(get(&s, &foreign, "/api/notes", key), 401);
    /* a certificate that the authority does not vouch for is none, even the bound one */
    assert_int_equal(get(&s, &expired, "/api/notes", of_expired), 401);
    assert_int_equal(get(&s, &early, "/api/notes", of_early), 401);
    assert_int_equal(get(&s, &foreign, "/api/notes", of_foreign), 401);
    assert_int_equal(get(&s, &selfmade, "/api/notes", of_selfmade), 401);
    /* a key that is not bound works with any, and without */
    assert_int_equal(get(&s, NULL, "/api/notes", s.key), 200);
    assert_int_equal(get(&s, &second, "/api/notes", s.key), 200);
    assert_int_equal(get(&s, &expired, "/api/notes", s.key), 200);
    /* a certificate, or its thumbprint, alone is no sign-in */
    char stolen[160];
    snprintf(stolen, sizeof(stolen), "Authorization: Bearer cert:%s", good.thumbprint);
    assert_int_equal(get(&s, &good, "/api/notes", NULL), 401);
    assert_int_equal(get(&s, &good, "/api/notes", stolen), 401);

    char url[64];
    struct ndc_fault fault = {0};
    struct ndc_client_answer answer;
    snprintf(url, sizeof(url), "https://127.0.0.1:%u/api/notes", s.port);
    const char *headers[] = {key, NULL};
    struct ndc_client_request request = {
        .url = url, .ca_file = s.ca_file, .headers = headers};
    assert_ok(ndc_client_call(&answer, &request, &fault), &fault);
    assert_str_eq(ndc_client_header(&answer, "WWW-Authenticate"),
                  "Bearer realm=\"ndc\", error=\"invalid_token\"");
    assert_non_null(memmem(answer.body.ptr, answer.body.len, "\"auth.certificate\"", 18));
    ndc_client_answer_free(&answer);
    test_server_stop(&s);

    /* without TLS there is no certificate to show */
    test_server_start(&s, state, NULL);
    key_bound_to(&s, good.thumbprint, key, sizeof(key));
    assert_int_equal(get(&s, NULL, "/api/notes", key), 401);
    test_server_stop(&s);
}

static void test_required(void **state)
{
    struct test_server s;
    use(&good);
    start(&s, state, "required");
    use(NULL);
    static const char *const paths[] = {"/health/live", "/api/session", "/", "/metrics"};
    for (size_t i = 0; i < NDC_ARRAY_LEN(paths); i++) {
        assert_int_equal(get(&s, NULL, paths[i], s.cookie), 401);
        assert_int_equal(get(&s, &foreign, paths[i], s.cookie), 401);
        assert_int_equal(get(&s, &expired, paths[i], s.cookie), 401);
    }
    assert_int_equal(get(&s, &good, "/health/live", NULL), 200);
    assert_int_equal(get(&s, &second, "/api/notes", s.key), 200);
    assert_int_equal(get(&s, NULL, "/api/notes", s.key), 401);
    test_server_stop(&s);
}

/* What an administrator sends: PEM, hex, colons, base64url; and what is refused. */
static void test_binding_over_http(void **state)
{
    struct test_server s;
    struct ndc_buf body, pem, json;
    struct ndc_fault fault = {0};
    struct ndc_json j;
    test_server_start(&s, state, NULL);
    char colons[100], text[400];
    for (size_t i = 0; i < 32; i++)
        snprintf(colons + 3 * i, 4, "%.2s%s", good.thumbprint + 2 * i, i < 31 ? ":" : "");
    const char *const forms[] = {good.thumbprint, colons};
    for (size_t i = 0; i < NDC_ARRAY_LEN(forms); i++) {
        snprintf(text, sizeof(text), "{\"agency\":\"tax\",\"cert_sha256\":\"%s\"}",
                 forms[i]);
        assert_int_equal(test_call(&s, "POST", "/api/keys", text, NULL, s.cookie, s.csrf,
                                   TEST_JSON, NULL),
                         201);
    }
    ndc_buf_init(&pem, 1 << 16);
    ndc_buf_init(&json, 1 << 16);
    assert_ok(ndc_file_read(&pem, good.cert, &fault), &fault);
    ndc_json_init(&j, &json);
    ndc_json_object(&j);
    ndc_json_kv_c(&j, "agency", "tax");
    ndc_json_kv_str(&j, "certificate", ndc_buf_str(&pem));
    ndc_json_end(&j);
    ndc_buf_add_byte(&json, 0);
    assert_int_equal(test_call(&s, "POST", "/api/keys", json.ptr, NULL, s.cookie, s.csrf,
                               TEST_JSON, NULL),
                     201);
    ndc_buf_free(&json);
    ndc_buf_free(&pem);
    assert_int_equal(
        test_call(&s, "GET", "/api/keys", NULL, &body, s.cookie, NULL, NULL, NULL), 200);
    unsigned found = 0;
    char want[100];
    snprintf(want, sizeof(want), "\"cert_sha256\":\"%s\"", good.thumbprint);
    struct ndc_str rest = ndc_buf_str(&body);
    for (const char *p; (p = memmem(rest.ptr, rest.len, want, strlen(want))); found++)
        rest = ndc_str_from(rest, (size_t)(p - rest.ptr) + 1);
    assert_int_equal(found, NDC_ARRAY_LEN(forms) + 1);
    ndc_buf_free(&body);
    static const char *const bad[] = {
        "{\"agency\":\"tax\",\"cert_sha256\":\"abc\"}",
        "{\"agency\":\"tax\",\"cert_sha256\":\"zz\"}",
        ("{\"agency\":\"tax\",\"certificate\":\"-----BEGIN CERTIFICATE-----\\nAAAA\\n"
         "-----END CERTIFICATE-----\"}"),
        "{\"agency\":\"tax\",\"certificate\":\"x\",\"cert_sha256\":\"y\"}"};
    for (size_t i = 0; i < NDC_ARRAY_LEN(bad); i++)
        assert_int_equal(test_call(&s, "POST", "/api/keys", bad[i], NULL, s.cookie,
                                   s.csrf, TEST_JSON, NULL),
                         400);
    test_server_stop(&s);
}

/* RFC 8705, 3.1: x5t#S256 is the base64url of the same bytes. */
static void test_thumbprint_forms(void **state)
{
    (void)state;
    char out[NDC_THUMBPRINT_TEXT];
    struct ndc_fault fault = {0};
    assert_ok(ndc_thumbprint_read(
                  out, NDC_STR("A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0"), &fault),
              &fault);
    assert_string_equal(
        out, "0380ed2f626650c840b2f263e6d2b29fae12ab39ae5db32b25ad27efad72e6fd");
    assert_int_equal(ndc_thumbprint_read(out, NDC_STR(""), &fault), NDC_EINPUT);
    fault = (struct ndc_fault){0};
    assert_int_equal(ndc_certificate_thumbprint(out, NDC_STR(""), &fault), NDC_EINPUT);
}

static void test_settings_that_do_not_fit(void **state)
{
    struct ndc_fault fault = {0};
    const struct ndc_setting *tables[] = {ndc_core_settings};
    static const struct ndc_platform *const none[] = {NULL};
    (void)state;
    struct ndc_config *config = ndc_config_new(tables, 1);
    assert_ok(ndc_config_set(config, NDC_STR("data_dir"), ndc_str(test_db_folder()),
                             NDC_FROM_FLAG, 0, &fault),
              &fault);
    assert_ok(ndc_config_set(config, NDC_STR("client_cert"), NDC_STR("required"),
                             NDC_FROM_FLAG, 0, &fault),
              &fault);
    struct ndc_app *app = ndc_app_new(none, config);
    assert_ok(ndc_app_start(app, &fault), &fault);
    assert_int_equal(ndc_app_serve(app, &fault), NDC_EINPUT);
    assert_string_equal(fault.field, "client_cert");
    ndc_app_free(app);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_ON_BOTH(test_tls),
        TEST_ON_BOTH(test_bound_key),
        TEST_ON_BOTH(test_required),
        TEST_ON_BOTH(test_binding_over_http),
        cmocka_unit_test(test_thumbprint_forms),
        cmocka_unit_test(test_settings_that_do_not_fit),
    };
    return cmocka_run_group_tests(tests, make_all, free_all);
}

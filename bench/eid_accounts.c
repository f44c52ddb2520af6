/* Makes a data folder's eid.db with many accounts, each with a password, and those of
 * even number with a passkey of one key pair (bench/eid_load signs with it).
 *
 * usage: eid_accounts DATA_DIR N
 * All have the password EID_BENCH_PASSWORD; of account i the number is 0010 and i in
 * eight digits, the passkey's id SHA-256("passkey" i). */
#include "bench/eid_bench.h"

#include "crypto/base64.h"
#include "crypto/digest.h"
#include "platforms/eid/accounts.h"
#include "store/migrate.h"
#include "sys/clock.h"
#include "sys/file.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>

enum { AT_ONCE = 1000 };

struct part {
    int64_t from, to;
    const char *hash;
    struct ndc_str public_key; /* COSE, base64url */
};

static int fail(const struct ndc_fault *fault)
{
    fprintf(stderr, "eid_accounts: %s: %s\n", fault->code, fault->message);
    return 1;
}

static struct ndc_str text_of(struct ndc_buf *out, const void *bytes, size_t len)
{
    size_t from = out->len;
    ndc_base64url_add(out, bytes, len);
    return ndc_str_n(out->ptr + from, out->len - from);
}

static enum ndc_err insert(struct ndc_store_conn *conn, const struct part *p, int64_t i,
                           struct ndc_fault *fault)
{
    char account[32], number[16], data[512];
    uint8_t id[NDC_SHA256_BYTES], name[NDC_SHA256_BYTES];
    struct ndc_buf texts;
    int64_t unused;
    snprintf(account, sizeof(account), "bench%011lld", (long long)i);
    snprintf(number, sizeof(number), "0010%08lld", (long long)i);
    eid_bench_passkey(id, i);
    ndc_sha256(name, ndc_str_n((const char *)id, sizeof(id)));
    ndc_buf_init(&texts, 256);
    struct ndc_str id_text = text_of(&texts, id, sizeof(id));
    int len = snprintf(data, sizeof(data),
                       "{\"credential\":\"%.*s\",\"public_key\":\"%.*s\",\"aaguid\":"
                       "\"AAAAAAAAAAAAAAAAAAAAAA\",\"attestation\":\"none\",\"trust\":"
                       "\"none\",\"backup\":false,\"backed_up\":false,"
                       "\"transports\":[\"internal\"]}",
                       NDC_STR_FMT(id_text), NDC_STR_FMT(p->public_key));
    ndc_buf_reset(&texts);
    struct ndc_str name_text = text_of(&texts, name, sizeof(name));
    const struct eid_account a = {.account = ndc_str(account),
                                  .kind = NDC_STR("citizen"),
                                  .number = ndc_str(number),
                                  .name = NDC_STR("Nguyễn Văn An"),
                                  .birth_date = NDC_STR("1985-03-27"),
                                  .phone = NDC_STR(""),
                                  .email = NDC_STR(""),
                                  .guardian = NDC_STR(""),
                                  .user_name = NDC_STR(""),
                                  .proof = NDC_STR("{}"),
                                  .entity = (uint64_t)i + 1,
                                  .level = 1,
                                  .created_ms = ndc_clock_wall_ms()};
    const struct eid_authenticator password = {.kind = NDC_STR("password"),
                                               .secret = ndc_str(p->hash)},
                                   passkey = {.kind = NDC_STR("passkey"),
                                              .data = ndc_str_n(data, (size_t)len)};
    enum ndc_err err = eid_account_insert(conn, &a, fault);
    if (!err) err = eid_authenticator_insert(conn, a.account, &password, &unused, fault);
    bool has = i % 2 == 0;
    if (!err && has)
        err = eid_authenticator_insert(conn, a.account, &passkey, &unused, fault);
    if (!err && has)
        err = ndc_sql_exec(
            conn,
            "INSERT INTO eid_credential (credential, account, number) "
            "VALUES ($1, $2, $3)",
            NDC_ARGS(ndc_text(name_text), ndc_text(a.account), ndc_int(unused)), NULL,
            fault);
    ndc_buf_free(&texts);
    return err;
}

static enum ndc_err insert_part(struct ndc_store_conn *conn, void *arg,
                                struct ndc_fault *fault)
{
    const struct part *p = arg;
    for (int64_t i = p->from; i < p->to; i++)
        NDC_TRY(insert(conn, p, i, fault));
    return NDC_OK;
}

/* {1: 2, 3: -7, -1: 1, -2: x, -3: y} */
static bool make_key(const char *dir, struct ndc_buf *public_key)
{
    char path[512];
    unsigned char point[65];
    size_t len = 0;
    struct ndc_buf cose;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    snprintf(path, sizeof(path), "%s/" EID_BENCH_KEY, dir);
    FILE *f = fopen(path, "we");
    bool good = key && f && PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) &&
                EVP_PKEY_get_octet_string_param(key, "encoded-pub-key", point,
                                                sizeof(point), &len) &&
                len == sizeof(point);
    if (f) fclose(f);
    EVP_PKEY_free(key);
    if (!good) return false;
    ndc_buf_init(&cose, 256);
    ndc_buf_add(&cose, "\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20", 10);
    ndc_buf_add(&cose, point + 1, 32);
    ndc_buf_add(&cose, "\x22\x58\x20", 3);
    ndc_buf_add(&cose, point + 33, 32);
    ndc_base64url_add(public_key, cose.ptr, cose.len);
    ndc_buf_free(&cose);
    return true;
}

int main(int argc, char **argv)
{
    char url[512], hash[NDC_PASSWORD_HASH_BYTES];
    struct ndc_store *store;
    struct ndc_fault fault = {0};
    struct ndc_buf public_key;
    int64_t n = 0;
    if (argc != 3 || !ndc_str_to_i64(ndc_str(argv[2]), &n) || n < 1 || n > 99999999) {
        fprintf(stderr, "usage: eid_accounts DATA_DIR N   (1 to 99999999)\n");
        return 2;
    }
    snprintf(url, sizeof(url), "sqlite:%s/eid.db", argv[1]);
    ndc_buf_init(&public_key, 512);
    if (ndc_file_mkdirs(argv[1], &fault)) return fail(&fault);
    if (!make_key(argv[1], &public_key) ||
        !ndc_password_hash(hash, NDC_STR(EID_BENCH_PASSWORD), false)) {
        fprintf(stderr, "eid_accounts: no key or no hash\n");
        return 1;
    }
    if (ndc_store_open(&store, url, NULL, &fault)) return fail(&fault);
    enum ndc_err err =
        ndc_migrate(store, "eid", ndc_eid_migrations, ndc_eid_migrations_n, &fault);
    int64_t began = ndc_clock_mono_ns();
    for (int64_t i = 0; i < n && !err; i += AT_ONCE) {
        struct part p = {i, NDC_MIN(i + AT_ONCE, n), hash, ndc_buf_str(&public_key)};
        err = ndc_store_write(store, insert_part, &p, &fault);
    }
    if (err) return fail(&fault);
    printf("eid_accounts_made %.0f /s\n",
           (double)n * 1e9 / (double)(ndc_clock_mono_ns() - began));
    ndc_buf_free(&public_key);
    ndc_store_close(store);
    return 0;
}

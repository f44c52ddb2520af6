/* The passkey of soft_key.h, on OpenSSL. */
#include "tests/eid/accounts/soft_key.h"

#include "tests/test.h"

#include <openssl/ec.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

static void base64url(struct ndc_buf *out, const void *bytes, size_t len)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const uint8_t *p = bytes;
    for (size_t i = 0; i < len; i += 3) {
        uint32_t v = (uint32_t)p[i] << 16;
        if (i + 1 < len) v |= (uint32_t)p[i + 1] << 8;
        if (i + 2 < len) v |= p[i + 2];
        for (size_t k = 0; k < NDC_MIN(len - i, (size_t)3) + 1; k++)
            ndc_buf_add_byte(out, digits[v >> (18 - 6 * k) & 63]);
    }
}

void soft_key_make(struct soft_key *key, const char *origin, const char *rp_id)
{
    memset(key, 0, sizeof(*key));
    key->key = EVP_EC_gen("P-256");
    assert_non_null(key->key);
    assert_int_equal(RAND_bytes(key->id, sizeof(key->id)), 1);
    key->counts = true;
    snprintf(key->origin, sizeof(key->origin), "%s", origin);
    snprintf(key->rp_id, sizeof(key->rp_id), "%s", rp_id);
}

void soft_key_free(struct soft_key *key)
{
    EVP_PKEY_free(key->key);
    key->key = NULL;
}

static void client_data(struct soft_key *key, struct ndc_buf *out, const char *type,
                        const char *challenge)
{
    ndc_buf_printf(out,
                   "{\"type\":\"webauthn.%s\",\"challenge\":\"%s\",\"origin\":\"%s\","
                   "\"crossOrigin\":false}",
                   type, challenge, key->origin);
}

static void put16(struct ndc_buf *out, unsigned v)
{
    ndc_buf_add_byte(out, (char)(v >> 8));
    ndc_buf_add_byte(out, (char)v);
}

static void authenticator_data(struct soft_key *key, struct ndc_buf *out, uint8_t flags)
{
    uint8_t hash[32];
    if (key->counts) key->counter++;
    SHA256((const unsigned char *)key->rp_id, strlen(key->rp_id), hash);
    ndc_buf_add(out, hash, sizeof(hash));
    ndc_buf_add_byte(out, (char)flags);
    put16(out, key->counter >> 16);
    put16(out, key->counter & 0xffff);
}

/* {1: 2, 3: -7, -1: 1, -2: x, -3: y} */
static void cose_key(const struct soft_key *key, struct ndc_buf *out)
{
    unsigned char point[65];
    size_t len = 0;
    assert_int_equal(EVP_PKEY_get_octet_string_param(key->key, "encoded-pub-key", point,
                                                     sizeof(point), &len),
                     1);
    assert_int_equal(len, 65);
    ndc_buf_add(out, "\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20", 10);
    ndc_buf_add(out, point + 1, 32);
    ndc_buf_add(out, "\x22\x58\x20", 3);
    ndc_buf_add(out, point + 33, 32);
}

static void member(struct ndc_buf *out, const char *name, const struct ndc_buf *bytes)
{
    ndc_buf_printf(out, "\"%s\":\"", name);
    base64url(out, bytes->ptr, bytes->len);
    ndc_buf_add_c(out, "\"");
}

static void begin(const struct soft_key *key, struct ndc_buf *out)
{
    struct ndc_buf id;
    ndc_buf_init(&id, 64);
    ndc_buf_add(&id, key->id, sizeof(key->id));
    ndc_buf_add_c(out, "{");
    member(out, "id", &id);
    ndc_buf_add_c(out, ",");
    member(out, "rawId", &id);
    ndc_buf_add_c(out, ",\"type\":\"public-key\",\"response\":{");
    ndc_buf_free(&id);
}

void soft_key_register(struct soft_key *key, struct ndc_buf *out, const char *challenge)
{
    /* {"fmt": "none", "attStmt": {}, "authData": … */
    static const char head[] = "\xa3\x63"
                               "fmt\x64none\x67"
                               "attStmt\xa0\x68"
                               "authData\x58";
    struct ndc_buf data, client, object;
    ndc_buf_init(&data, 4096);
    ndc_buf_init(&client, 4096);
    ndc_buf_init(&object, 4096);
    client_data(key, &client, "create", challenge);
    authenticator_data(key, &data, 0x45);
    ndc_buf_add(&data, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16); /* AAGUID */
    put16(&data, sizeof(key->id));
    ndc_buf_add(&data, key->id, sizeof(key->id));
    cose_key(key, &data);
    ndc_buf_add(&object, head, sizeof(head) - 1);
    assert_true(data.len < 256);
    ndc_buf_add_byte(&object, (char)data.len);
    ndc_buf_add_str(&object, ndc_buf_str(&data));
    begin(key, out);
    member(out, "clientDataJSON", &client);
    ndc_buf_add_c(out, ",");
    member(out, "attestationObject", &object);
    ndc_buf_add_c(out, ",\"transports\":[\"internal\"]},\"clientExtensionResults\":{}}");
    ndc_buf_free(&data);
    ndc_buf_free(&client);
    ndc_buf_free(&object);
}

static void sign(const struct soft_key *key, struct ndc_buf *out, struct ndc_str data,
                 struct ndc_str client)
{
    uint8_t hash[32];
    unsigned char signature[80];
    size_t len = sizeof(signature);
    struct ndc_buf text;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    ndc_buf_init(&text, 4096);
    SHA256((const unsigned char *)client.ptr, client.len, hash);
    ndc_buf_add_str(&text, data);
    ndc_buf_add(&text, hash, sizeof(hash));
    assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key->key), 1);
    assert_int_equal(
        EVP_DigestSign(ctx, signature, &len, (const unsigned char *)text.ptr, text.len),
        1);
    ndc_buf_add(out, signature, len);
    EVP_MD_CTX_free(ctx);
    ndc_buf_free(&text);
}

void soft_key_assert(struct soft_key *key, struct ndc_buf *out, const char *challenge,
                     uint8_t flags)
{
    struct ndc_buf data, client, signature;
    ndc_buf_init(&data, 4096);
    ndc_buf_init(&client, 4096);
    ndc_buf_init(&signature, 256);
    client_data(key, &client, "get", challenge);
    authenticator_data(key, &data, flags);
    sign(key, &signature, ndc_buf_str(&data), ndc_buf_str(&client));
    begin(key, out);
    member(out, "clientDataJSON", &client);
    ndc_buf_add_c(out, ",");
    member(out, "authenticatorData", &data);
    ndc_buf_add_c(out, ",");
    member(out, "signature", &signature);
    if (key->handle[0]) ndc_buf_printf(out, ",\"userHandle\":\"%s\"", key->handle);
    ndc_buf_add_c(out, "},\"clientExtensionResults\":{}}");
    ndc_buf_free(&data);
    ndc_buf_free(&client);
    ndc_buf_free(&signature);
}

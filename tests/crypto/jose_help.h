/* What the tests of JOSE share. */
#ifndef NDC_TESTS_CRYPTO_JOSE_HELP_H
#define NDC_TESTS_CRYPTO_JOSE_HELP_H

#include "tests/test.h"

#include "crypto/base64.h"
#include "crypto/jwe.h"
#include "crypto/jwk.h"
#include "crypto/jws.h"

static inline struct ndc_jwk *make_key(const char *alg, const char *crv)
{
    struct ndc_fault fault = {0};
    struct ndc_jwk *key;
    if (ndc_jwk_generate_on(&key, alg, crv, &fault))
        fail_msg("%s: %s", alg, fault.message);
    return key;
}

/* A key as its text says, with `alg` put in where it is not NULL. */
static inline enum ndc_err parse_key(struct ndc_jwk **out, const char *text,
                                     const char *alg, struct ndc_fault *fault)
{
    struct json_object *o;
    *fault = (struct ndc_fault){0};
    assert_int_equal(ndc_json_parse(&o, ndc_str(text), NULL), NDC_OK);
    if (alg) json_object_object_add(o, "alg", json_object_new_string(alg));
    enum ndc_err err = ndc_jwk_read(out, o, fault);
    json_object_put(o);
    return err;
}

/* The public half, by way of its JSON. */
static inline struct ndc_jwk *public_of(const struct ndc_jwk *key)
{
    struct ndc_fault fault = {0};
    struct ndc_jwk *public;
    struct ndc_buf text;
    struct ndc_json j;
    ndc_buf_init(&text, NDC_JWK_BYTES_MAX);
    ndc_json_init(&j, &text);
    ndc_jwk_public_write(&j, key);
    if (ndc_jwk_parse(&public, ndc_buf_str(&text), &fault))
        fail_msg("%.*s: %s", NDC_STR_FMT(ndc_buf_str(&text)), fault.message);
    ndc_buf_free(&text);
    return public;
}

/* Parses and verifies; the code of the fault, or "" where all is well. */
static inline const char *check_token(struct ndc_str token, const struct ndc_jwk *key)
{
    static struct ndc_fault fault;
    struct ndc_arena arena;
    struct ndc_jws jws;
    fault = (struct ndc_fault){0};
    ndc_arena_init(&arena, 1 << 20);
    if (ndc_jws_parse(&jws, &arena, token, &fault) == NDC_OK) {
        enum ndc_err err = ndc_jws_verify(&jws, key, &fault);
        assert_int_equal(err, fault.err);
        ndc_jws_free(&jws);
    }
    ndc_arena_free(&arena);
    return fault.code;
}

/* Decrypts; the code of the fault, or "" with what was inside in `out`. */
static inline const char *open_token(struct ndc_buf *out, struct ndc_str token,
                                     const struct ndc_jwk *key)
{
    static struct ndc_fault fault;
    fault = (struct ndc_fault){0};
    ndc_buf_reset(out);
    enum ndc_err err = ndc_jwe_decrypt(out, key, token, &fault);
    assert_int_equal(err, fault.err);
    if (err) assert_int_equal(out->len, 0);
    return fault.code;
}

/* A token of parts that are given as they are, encoded here: NULL ends them. */
static inline void add_encoded(struct ndc_buf *out, const char *text)
{
    ndc_base64url_add(out, text, strlen(text));
}

#endif

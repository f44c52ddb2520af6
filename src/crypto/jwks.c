/* Sets of public keys. */
#include "crypto/jwk_internal.h"

#include <stdio.h>

struct ndc_jwks {
    atomic_uint refs;
    size_t count, skipped;
    struct ndc_fault first; /* why the first key was left out */
    struct ndc_jwk *keys[NDC_JWKS_KEYS_MAX];
};

static void name_key(struct ndc_fault *fault, size_t i)
{
    char member[NDC_FAULT_FIELD_MAX];
    snprintf(member, sizeof(member), "%s", fault->field);
    snprintf(fault->field, sizeof(fault->field), "/keys/%zu/%.60s", i, member);
}

static enum ndc_err add_key(struct ndc_jwks *set, struct json_object *jwk, size_t i,
                            const char *alg, struct ndc_fault *fault)
{
    struct ndc_fault why = {0};
    bool unknown;
    if (ndc_jwk_read_full(&set->keys[set->count], jwk, alg, true, &unknown, &why) ==
        NDC_OK) {
        set->count++;
        return NDC_OK;
    }
    name_key(&why, i);
    if (strcmp(why.code, "jwk.private") == 0) {
        if (fault && !fault->err) *fault = why;
        return why.err;
    }
    if (!set->skipped++) set->first = why;
    return NDC_OK;
}

enum ndc_err ndc_jwks_read(struct ndc_jwks **out, struct json_object *json,
                           const char *alg, struct ndc_fault *fault)
{
    struct json_object *keys = ndc_json_get(json, "keys");
    *out = NULL;
    if (!json_object_is_type(keys, json_type_array))
        return ndc_fail_at(fault, NDC_EINPUT, "jwks.syntax", "keys", 0,
                           "a set of keys is an object with a list \"keys\"");
    size_t n = json_object_array_length(keys);
    if (n > NDC_JWKS_KEYS_MAX)
        return ndc_fail_at(fault, NDC_ETOOBIG, "jwks.too_many", "keys", 0,
                           "a set has at most %d keys, not %zu", NDC_JWKS_KEYS_MAX, n);
    struct ndc_jwks *set = ndc_xcalloc(1, sizeof(*set));
    enum ndc_err err = NDC_OK;
    atomic_init(&set->refs, 1);
    for (size_t i = 0; i < n && !err; i++)
        err = add_key(set, json_object_array_get_idx(keys, i), i, alg, fault);
    if (!err && n && !set->count) {
        if (fault && !fault->err) *fault = set->first;
        err = set->first.err;
    }
    if (err)
        ndc_jwks_unref(set);
    else
        *out = set;
    return err;
}

enum ndc_err ndc_jwks_parse_as(struct ndc_jwks **out, struct ndc_str text,
                               const char *alg, struct ndc_fault *fault)
{
    struct json_object *json;
    *out = NULL;
    if (text.len > NDC_JWKS_BYTES_MAX)
        return ndc_fail(fault, NDC_ETOOBIG, "jwks.syntax",
                        "a set of keys has at most %d bytes", NDC_JWKS_BYTES_MAX);
    NDC_TRY(ndc_jose_json(&json, text, "jwks.syntax", "jwk.duplicate", fault));
    enum ndc_err err = ndc_jwks_read(out, json, alg, fault);
    json_object_put(json);
    return err;
}

enum ndc_err ndc_jwks_parse(struct ndc_jwks **out, struct ndc_str text,
                            struct ndc_fault *fault)
{
    return ndc_jwks_parse_as(out, text, NULL, fault);
}

size_t ndc_jwks_count(const struct ndc_jwks *set)
{
    return set->count;
}

struct ndc_jwk *ndc_jwks_at(const struct ndc_jwks *set, size_t i)
{
    NDC_ASSERT(i < set->count);
    return set->keys[i];
}

size_t ndc_jwks_skipped(const struct ndc_jwks *set, struct ndc_fault *fault)
{
    if (fault && set->skipped) *fault = set->first;
    return set->skipped;
}

struct ndc_jwk *ndc_jwks_find(const struct ndc_jwks *set, const char *alg,
                              struct ndc_str kid)
{
    for (size_t i = 0; i < set->count; i++) {
        struct ndc_jwk *key = set->keys[i];
        if (strcmp(key->alg->name, alg) == 0 && (!kid.len || ndc_str_eq(key->kid, kid)))
            return key;
    }
    return NULL;
}

struct ndc_jwks *ndc_jwks_ref(struct ndc_jwks *set)
{
    atomic_fetch_add(&set->refs, 1);
    return set;
}

void ndc_jwks_unref(struct ndc_jwks *set)
{
    if (!set || atomic_fetch_sub(&set->refs, 1) != 1) return;
    for (size_t i = 0; i < set->count; i++)
        ndc_jwk_unref(set->keys[i]);
    free(set);
}

/* Claims about an account (claims.h). A value that is not known is left out, as OpenID
 * Core, 5.3.2 says. */
#include "platforms/eid/provider/claims.h"

#include "platforms/eid/provider/oauth.h"
#include "platforms/eid/provider/params.h"
#include "platforms/eid/provider/verified.h"
#include "platforms/eid/signin.h"

enum { NAMES_BYTES_MAX = 4096, ACCOUNT_ARENA_BYTES = 64 << 10 };

/* A claim, and the scope that asks for it. */
static const struct {
    const char *name, *scope;
} offered[] = {{"name", "profile"},
               {"family_name", "profile"},
               {"middle_name", "profile"},
               {"given_name", "profile"},
               {"birthdate", "profile"},
               {"updated_at", "profile"},
               {"email", "email"},
               {"email_verified", "email"},
               {"phone_number", "phone"},
               {"phone_number_verified", "phone"},
               {"personal_number", "identity"},
               {"level", "identity"},
               {"kind", "identity"}};

static const char *const scopes[] = {"openid", "profile",  "email",
                                     "phone",  "identity", "offline_access"};

void eid_scopes_write(struct ndc_json *j)
{
    for (size_t i = 0; i < NDC_ARRAY_LEN(scopes); i++)
        ndc_json_c(j, scopes[i]);
}

void eid_claims_write_names(struct ndc_json *j)
{
    static const char *const always[] = {"sub", "iss", "auth_time", "acr", "amr", "sid"};
    for (size_t i = 0; i < NDC_ARRAY_LEN(always); i++)
        ndc_json_c(j, always[i]);
    for (size_t i = 0; i < NDC_ARRAY_LEN(offered); i++)
        ndc_json_c(j, offered[i].name);
}

/* A Vietnamese name: family first, given last, what is between in the middle. */
static void split_name(struct ndc_str name, struct ndc_str *family,
                       struct ndc_str *middle, struct ndc_str *given)
{
    size_t first = ndc_str_find(name, ' '), last = name.len;
    while (last > 0 && name.ptr[last - 1] != ' ')
        last--;
    *family = first < name.len ? ndc_str_n(name.ptr, first) : NDC_STR("");
    *given = ndc_str_from(name, last);
    *middle = last > first + 1 ? ndc_str_n(name.ptr + first + 1, last - first - 2)
                               : NDC_STR("");
}

static void text(struct ndc_json *j, const char *name, struct ndc_str value)
{
    if (value.len) ndc_json_kv_str(j, name, value);
}

static void write_claim(struct ndc_json *j, const char *name, const struct eid_account *a)
{
    struct ndc_str family, middle, given;
    split_name(a->name, &family, &middle, &given);
    if (strcmp(name, "name") == 0) text(j, name, a->name);
    if (strcmp(name, "family_name") == 0) text(j, name, family);
    if (strcmp(name, "middle_name") == 0) text(j, name, middle);
    if (strcmp(name, "given_name") == 0) text(j, name, given);
    if (strcmp(name, "birthdate") == 0) text(j, name, a->birth_date);
    if (strcmp(name, "updated_at") == 0) ndc_json_kv_i64(j, name, a->changed_ms / 1000);
    if (strcmp(name, "email") == 0) text(j, name, a->email);
    if (strcmp(name, "email_verified") == 0 && a->email.len)
        ndc_json_kv_bool(j, name, false);
    if (strcmp(name, "phone_number") == 0) text(j, name, a->phone);
    if (strcmp(name, "phone_number_verified") == 0 && a->phone.len)
        ndc_json_kv_bool(j, name, false);
    if (strcmp(name, "personal_number") == 0) text(j, name, a->number);
    if (strcmp(name, "level") == 0) ndc_json_kv_i64(j, name, a->level);
    if (strcmp(name, "kind") == 0) text(j, name, a->kind);
}

static enum ndc_err write_claims(struct ndc_eid *eid, struct ndc_json *j,
                                 const struct eid_given *g, const char *part,
                                 struct ndc_str by_scope, struct ndc_fault *fault)
{
    struct json_object *asked = NULL, *names = NULL;
    struct eid_account account;
    struct ndc_arena arena;
    bool any = by_scope.len > 0;
    if (g->claims.len && !ndc_json_parse(&asked, g->claims, NULL))
        names = ndc_json_get(asked, part);
    if (!any && !names) {
        json_object_put(asked);
        return NDC_OK;
    }
    ndc_arena_init(&arena, ACCOUNT_ARENA_BYTES);
    enum ndc_err err = eid_account_read(eid, &arena, g->account, &account, fault);
    for (size_t i = 0; i < NDC_ARRAY_LEN(offered) && !err; i++) {
        struct json_object *v;
        if (eid_word_in(by_scope, ndc_str(offered[i].scope)) ||
            (names && json_object_object_get_ex(names, offered[i].name, &v)))
            write_claim(j, offered[i].name, &account);
    }
    ndc_arena_free(&arena);
    json_object_put(asked);
    return err;
}

enum ndc_err eid_claims_for_userinfo(struct ndc_eid *eid, struct ndc_json *j,
                                     const struct eid_given *given,
                                     struct ndc_fault *fault)
{
    return write_claims(eid, j, given, "userinfo", given->scope, fault);
}

enum ndc_err eid_claims_for_id(struct ndc_eid *eid, struct ndc_json *j,
                               const struct eid_given *given, struct ndc_fault *fault)
{
    return write_claims(eid, j, given, "id_token", NDC_STR(""), fault);
}

static void take_acr(struct json_object *part, struct ndc_buf *acr)
{
    struct json_object *want = ndc_json_get(part, "acr"), *values;
    if (!want || !ndc_json_get_bool(want, "essential", false)) return;
    struct ndc_str one = ndc_json_get_str(want, "value");
    if (one.len) ndc_buf_add_str(acr, one);
    values = ndc_json_get(want, "values");
    for (size_t i = 0; values && json_object_is_type(values, json_type_array) &&
                       i < json_object_array_length(values);
         i++) {
        const char *v = json_object_get_string(json_object_array_get_idx(values, i));
        if (acr->len) ndc_buf_add_byte(acr, ' ');
        if (v) ndc_buf_add_c(acr, v);
    }
}

enum ndc_err eid_claims_parameter(struct ndc_arena *arena, struct ndc_str json,
                                  struct ndc_str *names, struct ndc_str *acr,
                                  struct ndc_fault *fault)
{
    static const char *const parts[] = {"userinfo", "id_token"};
    struct json_object *asked;
    struct ndc_buf all, levels;
    *names = *acr = NDC_STR("");
    if (!json.len) return NDC_OK;
    if (ndc_json_parse(&asked, json, NULL) ||
        !json_object_is_type(asked, json_type_object))
        return eid_refuse(fault, "invalid_request", "claims is not a JSON object");
    ndc_buf_init(&all, NAMES_BYTES_MAX);
    ndc_buf_init(&levels, NAMES_BYTES_MAX);
    enum ndc_err err = NDC_OK;
    for (size_t p = 0; p < NDC_ARRAY_LEN(parts) && !err; p++) {
        struct json_object *part = ndc_json_get(asked, parts[p]);
        if (!part || !json_object_is_type(part, json_type_object)) continue;
        for (size_t i = 0; i < NDC_ARRAY_LEN(offered); i++) {
            struct json_object *v;
            if (!json_object_object_get_ex(part, offered[i].name, &v) ||
                eid_word_in(ndc_buf_str(&all), ndc_str(offered[i].name)))
                continue;
            if (all.len) ndc_buf_add_byte(&all, ' ');
            ndc_buf_add_c(&all, offered[i].name);
        }
        if (p == 1) take_acr(part, &levels);
        if (p == 0)
            err = eid_verified_names(&all, ndc_json_get(part, "verified_claims"), fault);
    }
    *names = ndc_arena_str(arena, all.len ? ndc_buf_str(&all) : NDC_STR(""));
    *acr = ndc_arena_str(arena, levels.len ? ndc_buf_str(&levels) : NDC_STR(""));
    bool long_list = all.failed || levels.failed;
    ndc_buf_free(&all);
    ndc_buf_free(&levels);
    json_object_put(asked);
    if (err) return err;
    return long_list ? eid_refuse(fault, "invalid_request", "claims is too long")
                     : NDC_OK;
}

/* Claims. */
#include "crypto/jwt.h"

#include <math.h>

enum { AUDIENCE_MAX = 100 };

static const int64_t time_max_s = 253402300799; /* the end of the year 9999 */

static struct json_object *claim(struct json_object *claims, const char *name)
{
    return ndc_json_get(claims, name);
}

bool ndc_jwt_time(int64_t *out_s, struct json_object *claims, const char *name)
{
    struct json_object *member = claim(claims, name);
    if (json_object_is_type(member, json_type_int)) {
        *out_s = json_object_get_int64(member);
    } else if (json_object_is_type(member, json_type_double)) {
        double v = floor(json_object_get_double(member));
        if (!(v >= 0 && v <= (double)time_max_s)) return false;
        *out_s = (int64_t)v;
    } else {
        return false;
    }
    return *out_s >= 0 && *out_s <= time_max_s;
}

/* *there: the claim is; else *out is left. */
static enum ndc_err take_time(int64_t *out, bool *there, struct json_object *claims,
                              const char *name, bool required, struct ndc_fault *fault)
{
    *there = json_object_object_get_ex(claims, name, NULL);
    if (!*there && !required) return NDC_OK;
    if (!*there)
        return ndc_fail_at(fault, NDC_EINPUT, "jwt.missing", name, 0,
                           "the token must have the claim \"%s\"", name);
    if (ndc_jwt_time(out, claims, name)) return NDC_OK;
    return ndc_fail_at(fault, NDC_EINPUT, "jwt.type", name, 0,
                       "the token's \"%s\" must be a number of seconds since 1970-01-01",
                       name);
}

static enum ndc_err late(struct ndc_fault *fault, const char *code, const char *name,
                         const char *what, int64_t by_s)
{
    return ndc_fail_at(fault, NDC_EAUTH, code, name, 0, "%s (by %lld s): %s", what,
                       (long long)by_s,
                       "ask for a new one, and if it happens again, set the clocks");
}

static enum ndc_err check_times(struct json_object *claims, const struct ndc_jwt_rules *r,
                                struct ndc_fault *fault)
{
    int64_t exp = 0, nbf = 0, iat = 0, now = r->now_s, skew = r->skew_s;
    bool has_exp, has_nbf, has_iat;
    NDC_TRY(take_time(&exp, &has_exp, claims, "exp", r->lifetime_max_s > 0, fault));
    NDC_TRY(take_time(&nbf, &has_nbf, claims, "nbf", false, fault));
    NDC_TRY(take_time(&iat, &has_iat, claims, "iat", r->age_max_s > 0, fault));
    if (has_exp && now >= exp + skew)
        return late(fault, "jwt.expired", "exp", "the token has expired", now - exp);
    if (r->lifetime_max_s > 0 && exp > now + r->lifetime_max_s + skew)
        return ndc_fail_at(fault, NDC_EAUTH, "jwt.lifetime", "exp", 0,
                           "the token is valid for %lld s more, and at most %lld s are "
                           "taken: issue it for less",
                           (long long)(exp - now), (long long)r->lifetime_max_s);
    if (has_nbf && nbf > now + skew)
        return late(fault, "jwt.early", "nbf", "the token is not valid yet", nbf - now);
    if (has_iat && iat > now + skew)
        return late(fault, "jwt.issued_ahead", "iat",
                    "the token was issued in the future", iat - now);
    if (r->age_max_s > 0 && iat < now - r->age_max_s - skew)
        return late(fault, "jwt.old", "iat", "the token was issued too long ago",
                    now - iat - r->age_max_s);
    return NDC_OK;
}

/* ---- parties ---- */

static enum ndc_err check_text(struct json_object *claims, const char *name,
                               struct ndc_str want, const char *code,
                               struct ndc_fault *fault)
{
    struct json_object *member = NULL;
    if (!want.len) return NDC_OK;
    if (!json_object_object_get_ex(claims, name, &member))
        return ndc_fail_at(fault, NDC_EINPUT, "jwt.missing", name, 0,
                           "the token must have the claim \"%s\"", name);
    if (!json_object_is_type(member, json_type_string))
        return ndc_fail_at(fault, NDC_EINPUT, "jwt.type", name, 0,
                           "the token's \"%s\" must be a string", name);
    struct ndc_str have = ndc_json_get_str(claims, name);
    if (ndc_str_eq(have, want)) return NDC_OK;
    return ndc_fail_at(fault, NDC_EAUTH, code, name, 0,
                       "the token's \"%s\" is \"%.*s\" and must be \"%.*s\"", name,
                       (int)NDC_MIN(have.len, (size_t)100), have.ptr,
                       (int)NDC_MIN(want.len, (size_t)200), want.ptr);
}

static bool is_text(struct json_object *o, struct ndc_str want)
{
    return json_object_is_type(o, json_type_string) &&
           ndc_str_eq(ndc_str_n(json_object_get_string(o),
                                (size_t)json_object_get_string_len(o)),
                      want);
}

bool ndc_jwt_audience_has(struct json_object *claims, struct ndc_str party)
{
    struct json_object *aud = claim(claims, "aud");
    if (!json_object_is_type(aud, json_type_array)) return is_text(aud, party);
    size_t n = json_object_array_length(aud);
    if (n > AUDIENCE_MAX) return false;
    for (size_t i = 0; i < n; i++)
        if (is_text(json_object_array_get_idx(aud, i), party)) return true;
    return false;
}

/* A string, or a list of strings that has some. */
static bool is_audience(struct json_object *aud)
{
    if (json_object_is_type(aud, json_type_string)) return true;
    if (!json_object_is_type(aud, json_type_array)) return false;
    size_t n = json_object_array_length(aud);
    for (size_t i = 0; i < n; i++)
        if (!json_object_is_type(json_object_array_get_idx(aud, i), json_type_string))
            return false;
    return n > 0;
}

static enum ndc_err check_audience(struct json_object *claims,
                                   const struct ndc_jwt_rules *r, struct ndc_fault *fault)
{
    struct json_object *aud = NULL;
    if (!r->audience.len) return NDC_OK;
    if (!json_object_object_get_ex(claims, "aud", &aud))
        return ndc_fail_at(fault, NDC_EINPUT, "jwt.missing", "aud", 0,
                           "the token must have the claim \"aud\"");
    if (!is_audience(aud))
        return ndc_fail_at(fault, NDC_EINPUT, "jwt.type", "aud", 0,
                           "the token's \"aud\" must be a string or a list of strings");
    bool ours = ndc_jwt_audience_has(claims, r->audience) ||
                (r->audience_2.len && ndc_jwt_audience_has(claims, r->audience_2));
    bool alone =
        !json_object_is_type(aud, json_type_array) || json_object_array_length(aud) == 1;
    if (ours && (alone || !r->audience_alone)) return NDC_OK;
    return ndc_fail_at(fault, NDC_EAUTH, "jwt.audience", "aud", 0,
                       ours ? "the token's \"aud\" must name \"%.*s\" and nobody else"
                            : "the token is not for \"%.*s\": its \"aud\" must name it",
                       (int)NDC_MIN(r->audience.len, (size_t)300), r->audience.ptr);
}

static enum ndc_err check_required(struct json_object *claims,
                                   const struct ndc_jwt_rules *r, struct ndc_fault *fault)
{
    for (size_t i = 0; i < NDC_JWT_REQUIRED_MAX && r->required[i]; i++)
        if (!claim(claims, r->required[i]))
            return ndc_fail_at(fault, NDC_EINPUT, "jwt.missing", r->required[i], 0,
                               "the token must have the claim \"%s\"", r->required[i]);
    return NDC_OK;
}

enum ndc_err ndc_jwt_check(struct json_object *claims, const struct ndc_jwt_rules *rules,
                           struct ndc_fault *fault)
{
    if (!json_object_is_type(claims, json_type_object))
        return ndc_fail(fault, NDC_EINPUT, "jwt.syntax", "claims are a JSON object");
    NDC_TRY(check_required(claims, rules, fault));
    NDC_TRY(check_text(claims, "iss", rules->issuer, "jwt.issuer", fault));
    NDC_TRY(check_audience(claims, rules, fault));
    NDC_TRY(check_text(claims, "sub", rules->subject, "jwt.subject", fault));
    return check_times(claims, rules, fault);
}

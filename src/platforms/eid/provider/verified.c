/* Verified claims (verified.h). */
#include "platforms/eid/provider/verified.h"

#include "core/people.h"
#include "core/policy.h"
#include "platforms/eid/provider/oauth.h"
#include "platforms/eid/provider/params.h"
#include "platforms/eid/signin.h"
#include "sys/clock.h"

enum { ASKED_MAX = 16, SOURCES_MAX = 32 };

#define PURPOSE "consented-service"

/* How a datum is written as a claim. */
enum form {
    PLAIN,
    FAMILY, /* of a full name */
    MIDDLE,
    GIVEN,
    FORMATTED, /* {"formatted": …} */
    LOCALITY,  /* {"locality": …} */
    LIST       /* […] */
};

/* Claims of OpenID Core and Identity Assurance, and the dictionary's field of each. All
 * other fields are asked for by their codes. */
static const struct known {
    const char *claim, *field;
    enum form form;
} known[] = {
    {"name", "full_name", PLAIN},
    {"family_name", "full_name", FAMILY},
    {"middle_name", "full_name", MIDDLE},
    {"given_name", "full_name", GIVEN},
    {"also_known_as", "other_name", PLAIN},
    {"birthdate", "birth_date", PLAIN},
    {"gender", "sex", PLAIN},
    {"address", "permanent_address", FORMATTED},
    {"place_of_birth", "birth_place", LOCALITY},
    {"nationalities", "nationality", LIST},
    {"personal_number", "person_id", PLAIN},
    {"phone_number", "phone", PLAIN},
};

static const struct ndc_field *field_of(const char *claim, enum form *form)
{
    *form = PLAIN;
    for (size_t i = 0; i < NDC_ARRAY_LEN(known); i++) {
        if (strcmp(known[i].claim, claim) != 0) continue;
        *form = known[i].form;
        return ndc_field_find(ndc_str(known[i].field));
    }
    return ndc_field_find(ndc_str(claim));
}

/* ---- what is asked for ---- */

/* The i-th element of an object or a list. */
static struct json_object *element(struct json_object *asked, size_t i)
{
    if (!json_object_is_type(asked, json_type_array)) return i == 0 ? asked : NULL;
    return i < json_object_array_length(asked) ? json_object_array_get_idx(asked, i)
                                               : NULL;
}

static enum ndc_err bad(struct ndc_fault *fault, const char *why)
{
    return eid_refuse(fault, "invalid_request", "verified_claims: %s", why);
}

enum ndc_err eid_verified_names(struct ndc_buf *names, struct json_object *asked,
                                struct ndc_fault *fault)
{
    struct json_object *one;
    enum form form;
    if (!asked) return NDC_OK;
    if (json_object_is_type(asked, json_type_array) &&
        json_object_array_length(asked) > ASKED_MAX)
        return bad(fault, "at most 16 are taken");
    for (size_t i = 0; (one = element(asked, i)); i++) {
        struct json_object *claims = ndc_json_get(one, "claims");
        if (!json_object_is_type(one, json_type_object) ||
            !json_object_is_type(ndc_json_get(one, "verification"), json_type_object) ||
            !json_object_is_type(claims, json_type_object) ||
            json_object_object_length(claims) == 0)
            return bad(fault, "each has the objects verification and claims, with a "
                              "claim in it");
        json_object_object_foreach(claims, name, unused)
        {
            (void)unused;
            if (!field_of(name, &form)) continue; /* unknown ones are ignored, 6.1 */
            if (names->len && eid_word_in(ndc_buf_str(names), ndc_str(name))) continue;
            if (names->len) ndc_buf_add_byte(names, ' ');
            ndc_buf_add_c(names, name);
        }
    }
    return NDC_OK;
}

/* A member's "value" or "values", if it has them, hold the text. */
static bool fits(struct json_object *want, struct ndc_str text)
{
    struct json_object *values = ndc_json_get(want, "values");
    struct ndc_str value = ndc_json_get_str(want, "value");
    if (value.ptr) return ndc_str_eq(value, text);
    if (!json_object_is_type(values, json_type_array)) return true;
    for (size_t i = 0; i < json_object_array_length(values); i++)
        if (ndc_str_eq_c(text,
                         json_object_get_string(json_object_array_get_idx(values, i))))
            return true;
    return false;
}

/* ---- answering ---- */

struct telling {
    struct ndc_request *req;
    struct ndc_json *j;
    struct json_object *asked;
    struct ndc_people_claim *facts;
    size_t facts_n;
    struct ndc_policy_decision decision;
    unsigned written;
};

static const struct ndc_people_claim *fact_of(const struct telling *t, unsigned field)
{
    for (size_t i = 0; i < t->facts_n; i++)
        if (t->facts[i].field == field) return &t->facts[i];
    return NULL;
}

/* A Vietnamese name: family first, given last. */
static struct ndc_str part_of_name(struct ndc_str name, enum form form)
{
    size_t first = ndc_str_find(name, ' '), last = name.len;
    while (last > 0 && name.ptr[last - 1] != ' ')
        last--;
    if (form == FAMILY) return ndc_str_n(name.ptr, first);
    if (form == GIVEN) return ndc_str_from(name, last);
    return last > first + 1 ? ndc_str_n(name.ptr + first + 1, last - first - 2)
                            : NDC_STR("");
}

static void write_value(struct ndc_json *j, const char *claim, struct ndc_str value,
                        enum form form)
{
    if (form == PLAIN) {
        ndc_json_kv_str(j, claim, value);
        return;
    }
    ndc_json_key(j, claim);
    if (form == LIST) {
        ndc_json_array(j);
        ndc_json_str(j, value);
    } else {
        ndc_json_object(j);
        ndc_json_kv_str(j, form == FORMATTED ? "formatted" : "locality", value);
    }
    ndc_json_end(j);
}

/* Whether a claim may be told, and its value as policy lets it out. */
static bool value_of(const struct telling *t, const char *claim, struct json_object *want,
                     const struct ndc_people_claim **fact, struct ndc_str *value,
                     enum form *form)
{
    const struct ndc_field *field = field_of(claim, form);
    *fact = field ? fact_of(t, field->id) : NULL;
    if (!*fact ||
        !ndc_policy_show(&t->decision, field->id, (*fact)->value, t->req->arena, value))
        return false;
    if (*form == FAMILY || *form == MIDDLE || *form == GIVEN) {
        *value = part_of_name(*value, *form);
        *form = PLAIN;
    }
    return value->len && fits(want, *value);
}

/* The evidence: an electronic record of the database that says so. */
static void write_verification(const struct telling *t, struct json_object *asked,
                               const struct ndc_people_claim *fact)
{
    struct ndc_json *j = t->j;
    ndc_json_key(j, "verification");
    ndc_json_object(j);
    ndc_json_kv_c(j, "trust_framework", EID_TRUST_FRAMEWORK);
    if (json_object_object_get_ex(asked, "time", NULL))
        ndc_json_kv_time(j, "time", ndc_clock_wall_ms());
    if (json_object_object_get_ex(asked, "evidence", NULL)) {
        ndc_json_key(j, "evidence");
        ndc_json_array(j);
        ndc_json_object(j);
        ndc_json_kv_c(j, "type", "electronic_record");
        ndc_json_key(j, "record");
        ndc_json_object(j);
        ndc_json_kv_str(j, "type", fact->source);
        ndc_json_kv_time(j, "created_at", fact->seen_ms);
        ndc_json_key(j, "source");
        ndc_json_object(j);
        ndc_json_kv_str(j, "name",
                        t->req->lang == NDC_LANG_EN ? fact->title_en : fact->title_vi);
        ndc_json_kv_str(j, "country_code", NDC_STR("VN"));
        ndc_json_end(j);
        ndc_json_end(j);
        ndc_json_end(j);
        ndc_json_end(j);
    }
    ndc_json_end(j);
}

/* All claims of one element that one source says. */
static void write_of_source(struct telling *t, struct json_object *one,
                            const struct ndc_people_claim *from)
{
    const struct ndc_people_claim *fact;
    struct ndc_str value;
    enum form form;
    if (!t->written++) {
        ndc_json_key(t->j, "verified_claims");
        ndc_json_array(t->j);
    }
    ndc_json_object(t->j);
    write_verification(t, ndc_json_get(one, "verification"), from);
    ndc_json_key(t->j, "claims");
    ndc_json_object(t->j);
    json_object_object_foreach(ndc_json_get(one, "claims"), claim, want)
    {
        if (value_of(t, claim, want, &fact, &value, &form) &&
            ndc_str_eq(fact->source, from->source))
            write_value(t->j, claim, value, form);
    }
    ndc_json_end(t->j);
    ndc_json_end(t->j);
}

static void write_element(struct telling *t, struct json_object *one)
{
    const struct ndc_people_claim *fact, *seen[SOURCES_MAX];
    struct ndc_str value;
    enum form form;
    size_t n = 0;
    struct json_object *framework =
        ndc_json_get(ndc_json_get(one, "verification"), "trust_framework");
    if (!fits(framework, NDC_STR(EID_TRUST_FRAMEWORK))) return;
    json_object_object_foreach(ndc_json_get(one, "claims"), claim, want)
    {
        if (!value_of(t, claim, want, &fact, &value, &form)) continue;
        size_t i = 0;
        while (i < n && !ndc_str_eq(seen[i]->source, fact->source))
            i++;
        if (i == n && n < SOURCES_MAX) seen[n++] = fact;
    }
    for (size_t i = 0; i < n; i++)
        write_of_source(t, one, seen[i]);
}

/* The client asks as a system with the person's consent. */
static enum ndc_err decide(struct telling *t, const struct eid_client *client,
                           enum ndc_entity type, struct ndc_str subject,
                           struct ndc_fault *fault)
{
    struct ndc_request *req = t->req;
    struct ndc_principal *who = NDC_ARENA_NEW(req->arena, struct ndc_principal);
    struct ndc_policy_request q = {0};
    struct json_object *one;
    enum form form;
    *who = (struct ndc_principal){
        .kind = NDC_POLICY_SYSTEM,
        .id = ndc_arena_printf(req->arena, "eid-client:%.*s", NDC_STR_FMT(client->id)),
        .name = client->name,
        .agency = NDC_STR("")};
    req->principal = who;
    req->purpose = NDC_STR(PURPOSE);
    req->legal_basis = NDC_STR("Sự đồng ý của chủ thể dữ liệu");
    ndc_request_policy(req, &q);
    q.action = NDC_POLICY_READ;
    q.entity = type;
    q.subject = subject;
    q.consent = NDC_CONSENT_GIVEN;
    for (size_t i = 0; (one = element(t->asked, i)); i++) {
        json_object_object_foreach(ndc_json_get(one, "claims"), claim, unused)
        {
            (void)unused;
            const struct ndc_field *field = field_of(claim, &form);
            if (field && field->entity == type) ndc_field_set_add(&q.fields, field->id);
        }
    }
    struct ndc_fault why = {0};
    enum ndc_err err = ndc_policy_decide(&t->decision, &q, &why);
    ndc_request_audit(req, "read", subject, &t->decision);
    if (err && err != NDC_EDENIED) *fault = why;
    return err;
}

static enum ndc_err tell(struct telling *t, const struct eid_client *client,
                         const struct eid_account *a, struct ndc_fault *fault)
{
    void *ctx;
    const struct ndc_people_ops *people = ndc_people(&ctx);
    char subject[NDC_PEOPLE_ENTITY_TEXT];
    struct json_object *one;
    enum ndc_entity type = ndc_str_eq_c(a->kind, "organisation") ? NDC_ENTITY_ORGANISATION
                                                                 : NDC_ENTITY_PERSON;
    if (!a->entity || !people || !people->claims || !people->entity_text) return NDC_OK;
    people->entity_text(subject, type, a->entity);
    enum ndc_err err =
        decide(t, client, type, ndc_arena_str(t->req->arena, ndc_str(subject)), fault);
    if (err) return err == NDC_EDENIED ? NDC_OK : err;
    err = people->claims(ctx, t->req->arena, a->entity, &t->facts, &t->facts_n, fault);
    if (err == NDC_ENOTFOUND) {
        *fault = (struct ndc_fault){0};
        return NDC_OK;
    }
    if (err) return err;
    for (size_t i = 0; (one = element(t->asked, i)); i++)
        write_element(t, one);
    if (t->written) ndc_json_end(t->j);
    return NDC_OK;
}

enum ndc_err eid_verified_write(struct ndc_request *req, struct ndc_json *j,
                                const struct eid_client *client,
                                const struct eid_given *given, struct ndc_fault *fault)
{
    struct json_object *all = NULL;
    struct eid_account account;
    struct telling t = {.req = req, .j = j};
    if (!given->claims.len || ndc_json_parse(&all, given->claims, NULL)) return NDC_OK;
    t.asked = ndc_json_get(ndc_json_get(all, "userinfo"), "verified_claims");
    enum ndc_err err = NDC_OK;
    if (t.asked) {
        err = eid_account_read(ndc_eid_of(req), req->arena, given->account, &account,
                               fault);
        if (!err) err = tell(&t, client, &account, fault);
    }
    json_object_put(all);
    return err;
}

void eid_verified_discovery(struct ndc_json *j)
{
    ndc_json_kv_bool(j, "verified_claims_supported", true);
    ndc_json_key(j, "trust_frameworks_supported");
    ndc_json_array(j);
    ndc_json_c(j, EID_TRUST_FRAMEWORK);
    ndc_json_end(j);
    ndc_json_key(j, "evidence_supported");
    ndc_json_array(j);
    ndc_json_c(j, "electronic_record");
    ndc_json_end(j);
    ndc_json_key(j, "claims_in_verified_claims_supported");
    ndc_json_array(j);
    for (size_t i = 0; i < NDC_ARRAY_LEN(known); i++)
        ndc_json_c(j, known[i].claim);
    ndc_json_end(j);
}

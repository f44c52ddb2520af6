/* Routes: the register of purposes, the rules in force, the fields and their classes, and
 * why a request is decided as it is. The rules are public law made executable, so whoever
 * is signed in may read them and ask "what if". */
#include "platforms/policy/policy.h"

#include "platforms/policy/words.h"

static void write_bits(struct ndc_json *j, const char *key, unsigned bits, size_t n,
                       const char *(*name)(int))
{
    ndc_json_key(j, key);
    ndc_json_array(j);
    for (size_t i = 0; i < n; i++)
        if (bits >> i & 1) ndc_json_c(j, name((int)i));
    ndc_json_end(j);
}

static void write_fields(struct ndc_json *j, const char *key,
                         const struct ndc_field_set *set)
{
    ndc_json_key(j, key);
    ndc_json_array(j);
    for (int id = -1; (id = ndc_field_set_next(set, id)) >= 0;)
        ndc_json_c(j, ndc_field_get((unsigned)id)->code);
    ndc_json_end(j);
}

static void write_words(struct ndc_json *j, const char *key,
                        const struct policy_words *words)
{
    if (!words->given) return;
    ndc_json_key(j, key);
    ndc_json_array(j);
    for (size_t i = 0; i < words->count; i++)
        ndc_json_str(j, words->words[i]);
    ndc_json_end(j);
}

static void write_purpose(struct ndc_json *j, const struct policy_table *t, size_t i)
{
    const struct policy_purpose *p = &t->set->purposes[i];
    ndc_json_object(j);
    ndc_json_kv_str(j, "code", p->code);
    policy_write_text(j, "title", p->title);
    ndc_json_key(j, "laws");
    ndc_json_array(j);
    for (size_t k = 0; k < p->law_count; k++)
        policy_write_text(j, NULL, p->laws[k]);
    ndc_json_end(j);
    ndc_json_kv_bool(j, "needs_legal_basis", p->needs_basis);
    ndc_json_kv_bool(j, "needs_consent", p->needs_consent);
    write_bits(j, "kinds", p->kinds, NDC_POLICY_KIND_COUNT, policy_kind_name);
    write_bits(j, "actions", p->actions, NDC_POLICY_ACTION_COUNT, policy_action_name);
    write_bits(j, "entities", p->entities, NDC_ENTITY_COUNT, policy_entity_name);
    write_fields(j, "fields", &t->ceiling[i][0]);
    ndc_json_end(j);
}

static enum ndc_err get_purposes(struct ndc_request *req, struct ndc_fault *fault)
{
    (void)fault;
    struct ndc_json *j = &req->json;
    struct policy_lease lease = policy_service_take(policy_service_of(req));
    ndc_json_object(j);
    ndc_json_kv_u64(j, "version", lease.table->version);
    ndc_json_key(j, "purposes");
    ndc_json_array(j);
    for (size_t i = 0; i < lease.table->set->purpose_count; i++)
        write_purpose(j, lease.table, i);
    ndc_json_end(j);
    ndc_json_end(j);
    policy_service_give(lease);
    return NDC_OK;
}

static void write_when(struct ndc_json *j, const struct policy_rule *r)
{
    ndc_json_key(j, "when");
    ndc_json_object(j);
    if (r->kinds != ~0u)
        write_bits(j, "kind", r->kinds, NDC_POLICY_KIND_COUNT, policy_kind_name);
    if (r->actions != ~0u)
        write_bits(j, "action", r->actions, NDC_POLICY_ACTION_COUNT, policy_action_name);
    if (r->entities != ~0u)
        write_bits(j, "entity", r->entities, NDC_ENTITY_COUNT, policy_entity_name);
    if (r->consents != ~0u) write_bits(j, "consent", r->consents, 3, policy_consent_name);
    write_words(j, "agency", &r->agencies);
    write_words(j, "not_agency", &r->not_agencies);
    write_words(j, "role", &r->roles);
    write_words(j, "not_role", &r->not_roles);
    write_words(j, "purpose", &r->purposes);
    write_words(j, "not_purpose", &r->not_purposes);
    if (r->self >= 0) ndc_json_kv_bool(j, "self", r->self);
    if (r->subjects_over) ndc_json_kv_u64(j, "subjects_over", r->subjects_over);
    if (r->within_days >= 0) ndc_json_kv_i64(j, "within_days", r->within_days);
    ndc_json_end(j);
}

static void write_rule(struct ndc_json *j, const struct policy_table *t, size_t i)
{
    static const char *const effects[] = {"show", "mask", "withhold", "deny"};
    const struct policy_rule *r = &t->set->rules[i];
    ndc_json_object(j);
    ndc_json_kv_str(j, "id", r->id);
    policy_write_text(j, "title", r->title);
    if (r->reason.vi.len) policy_write_text(j, "reason", r->reason);
    ndc_json_kv_c(j, "effect", effects[r->effect]);
    if (r->mask >= 0) ndc_json_kv_c(j, "mask", ndc_mask_name((enum ndc_mask)r->mask));
    write_when(j, r);
    write_fields(j, "fields", &t->entries[i].fields[0]);
    ndc_json_kv_bool(j, "log", r->obligations & NDC_OBLIGE_LOG);
    ndc_json_kv_bool(j, "notify", r->obligations & NDC_OBLIGE_NOTIFY);
    ndc_json_kv_bool(j, "escalate", r->obligations & NDC_OBLIGE_ESCALATE);
    ndc_json_kv_str(j, "file", r->file);
    ndc_json_kv_u64(j, "line", r->line);
    ndc_json_end(j);
}

static enum ndc_err get_rules(struct ndc_request *req, struct ndc_fault *fault)
{
    (void)fault;
    struct ndc_json *j = &req->json;
    struct policy_lease lease = policy_service_take(policy_service_of(req));
    ndc_json_object(j);
    ndc_json_kv_u64(j, "version", lease.table->version);
    ndc_json_key(j, "rules");
    ndc_json_array(j);
    for (size_t i = 0; i < lease.table->set->rule_count; i++)
        write_rule(j, lease.table, i);
    ndc_json_end(j);
    ndc_json_end(j);
    policy_service_give(lease);
    return NDC_OK;
}

static enum ndc_err get_fields(struct ndc_request *req, struct ndc_fault *fault)
{
    (void)fault;
    struct ndc_json *j = &req->json;
    struct policy_lease lease = policy_service_take(policy_service_of(req));
    ndc_json_object(j);
    ndc_json_key(j, "fields");
    ndc_json_array(j);
    for (unsigned id = 0; id < NDC_FIELDS_MAX; id++) {
        const struct ndc_field *field = ndc_field_get(id);
        if (!field) continue;
        const struct ndc_class *class = &lease.table->classes[0][id];
        ndc_json_object(j);
        ndc_json_kv_u64(j, "id", id);
        ndc_json_kv_c(j, "code", field->code);
        policy_write_text(j, "title", policy_field_title(field));
        ndc_json_kv_c(j, "entity", ndc_entity_name(field->entity));
        ndc_json_kv_c(j, "kind", ndc_value_kind_name(field->kind));
        ndc_json_kv_c(j, "sharing", ndc_sharing_name(class->sharing));
        ndc_json_kv_c(j, "importance", ndc_importance_name(class->importance));
        ndc_json_kv_c(j, "personal", ndc_personal_name(class->personal));
        ndc_json_kv_c(j, "mask", ndc_mask_name(ndc_mask_default(field->kind)));
        ndc_json_end(j);
    }
    ndc_json_end(j);
    ndc_json_end(j);
    policy_service_give(lease);
    return NDC_OK;
}

static enum ndc_err get_agencies(struct ndc_request *req, struct ndc_fault *fault)
{
    (void)fault;
    struct ndc_json *j = &req->json;
    struct policy_lease lease = policy_service_take(policy_service_of(req));
    const struct policy_set *set = lease.table->set;
    ndc_json_object(j);
    ndc_json_key(j, "agencies");
    ndc_json_array(j);
    for (size_t i = 0; i < set->agency_count; i++) {
        ndc_json_object(j);
        ndc_json_kv_str(j, "code", set->agencies[i].code);
        policy_write_text(j, "title", set->agencies[i].title);
        ndc_json_end(j);
    }
    ndc_json_end(j);
    ndc_json_end(j);
    policy_service_give(lease);
    return NDC_OK;
}

static enum ndc_err post_explain(struct ndc_request *req, struct ndc_fault *fault)
{
    struct json_object *body;
    struct ndc_policy_request q;
    enum ndc_err err = ndc_request_json(req, &body, fault);
    if (!err) err = policy_request_parse(&q, req->arena, body, fault);
    return err ? err
               : policy_service_ops.explain(policy_service_of(req), &req->json, &q,
                                            fault);
}

static enum ndc_err post_check(struct ndc_request *req, struct ndc_fault *fault)
{
    (void)fault;
    struct ndc_fault found = {0};
    size_t tests = 0;
    enum ndc_err err = policy_check_text(policy_service_directory(policy_service_of(req)),
                                         "file", ndc_request_body(req), &tests, &found);
    ndc_json_object(&req->json);
    ndc_json_kv_bool(&req->json, "ok", !err);
    ndc_json_kv_u64(&req->json, "tests", tests);
    if (err) {
        ndc_json_kv_c(&req->json, "code", found.code);
        ndc_json_kv_c(&req->json, "field", found.field);
        ndc_json_kv_u64(&req->json, "line", found.line);
        ndc_json_kv_c(&req->json, "message", found.message);
    }
    ndc_json_end(&req->json);
    return NDC_OK;
}

static enum ndc_err post_reload(struct ndc_request *req, struct ndc_fault *fault)
{
    enum ndc_err err = policy_service_reload(policy_service_of(req), fault);
    ndc_request_audit(req, "policy.reload", NDC_STR_NULL, NULL);
    if (err) return err;
    struct policy_lease lease = policy_service_take(policy_service_of(req));
    ndc_json_object(&req->json);
    ndc_json_kv_u64(&req->json, "version", lease.table->version);
    ndc_json_kv_u64(&req->json, "rules", lease.table->set->rule_count);
    ndc_json_end(&req->json);
    policy_service_give(lease);
    return NDC_OK;
}

#define TEXT "{vi:string,en:string}"

const struct ndc_route policy_routes[POLICY_ROUTES_N] = {
    {.method = "GET",
     .path = "/api/policy/purposes",
     .handler = get_purposes,
     .response = "{version:int,purposes:[{code:string,title:" TEXT ",laws:[" TEXT "],"
                 "needs_legal_basis:bool,needs_consent:bool,kinds:[string],"
                 "actions:[string],entities:[string],fields:[string]}]}",
     .summary = "The purposes for which data may be asked, and the laws they rest on",
     .tag = "Policy"},
    {.method = "GET",
     .path = "/api/policy/rules",
     .handler = get_rules,
     .response = "{version:int,rules:[any]}",
     .summary = "The rules in force, in the order they are tried",
     .tag = "Policy"},
    {.method = "GET",
     .path = "/api/policy/fields",
     .handler = get_fields,
     .response = "{fields:[{id:int,code:string,title:" TEXT ",entity:string,kind:string,"
                 "sharing:string,importance:string,personal:string,mask:string}]}",
     .summary = "The shared data dictionary with the class of every field",
     .tag = "Policy"},
    {.method = "GET",
     .path = "/api/policy/agencies",
     .handler = get_agencies,
     .response = "{agencies:[{code:string,title:" TEXT "}]}",
     .summary = "The agencies that rules name",
     .tag = "Policy"},
    {.method = "POST",
     .path = "/api/policy/explain",
     .flags = NDC_ROUTE_SLOW,
     .handler = post_explain,
     .request = "{kind?:string,principal?:string,agency?:string,roles?:[string][..32],"
                "own_id?:string,purpose:string,legal_basis?:string,action?:string,"
                "entity?:string,subject?:string,fields?:[string][..256],consent?:string,"
                "subjects?:int[1..9223372036854775807]}",
     .response = "any",
     .summary = "What would be decided, field by field, by which rule, and what would "
                "have to change",
     .tag = "Policy"},
    {.method = "POST",
     .path = "/api/policy/check",
     .permission = "policy.manage",
     .flags = NDC_ROUTE_SLOW,
     .handler = post_check,
     .request_type = "application/yaml",
     .response = "{ok:bool,tests:int,code?:string,field?:string,line?:int,"
                 "message?:string}",
     .summary = "Whether a rules file would be accepted, and if not, why and where",
     .tag = "Policy"},
    {.method = "POST",
     .path = "/api/policy/reload",
     .permission = "policy.manage",
     .flags = NDC_ROUTE_SLOW,
     .handler = post_reload,
     .response = "{version:int,rules:int}",
     .summary = "Read the operator's rules again; wrong ones change nothing",
     .tag = "Policy"},
    {.method = "GET",
     .path = "/api/policy/volumes",
     .permission = "policy.volume",
     .flags = NDC_ROUTE_SLOW,
     .handler = policy_get_volumes,
     .query = "{requester?:string[..256],purpose?:string[..64],after?:int[0..65536]=0,"
              "limit?:int[1..500]=100}",
     .response = "{within_days:int|null,stored_at:time|null,failing:bool,total:int,"
                 "next:int|null,items:[{requester:string,title:" TEXT "|null,"
                 "purpose:string,purpose_title:" TEXT "|null,subjects:int,"
                 "estimated:bool,since:time|null,last:date,limits:[{within_days:int|null,"
                 "subjects:int,limit:int,share:number}]}]}",
     .summary = "How many distinct people each requester has seen for each purpose, and "
                "the limits they come to; nearest to its limit first",
     .tag = "Policy"},
    {.method = "GET",
     .path = "/api/policy/notices",
     .permission = "policy.volume",
     .query = "{state?:(open|settled)=open,before?:int,limit?:int[1..500]=50}",
     .handler = policy_get_notices,
     .response = "{open:int,next:int|null,items:[{id:int,requester:string,"
                 "title:" TEXT "|null,purpose:string,purpose_title:" TEXT "|null,"
                 "rule:string,rule_title:" TEXT "|null,outcome:string,subjects:int,"
                 "times:int,first:time,last:time,settled:time|null,settled_by?:string,"
                 "note?:string}]}",
     .summary = "Limits that were met and must be looked at, newest first",
     .tag = "Policy"},
    {.method = "POST",
     .path = "/api/policy/notices/{id}/settle",
     .permission = "policy.volume",
     .handler = policy_post_settle,
     .request = "{note?:string[..1000]}",
     .response = "{id:int,settled:bool}",
     .summary = "A data officer has looked at it",
     .tag = "Policy"},
};

/* Accounts in the audit log. What happened to an account stands under its entity, as all
 * that concerns a person does, and under the account itself, so that its sign-ins are
 * found without reading who looked at the person. */
#include "platforms/eid/http.h"

#include "core/audit.h"
#include "platforms/eid/provider/client.h"

enum { SHOWN_MAX = 50, LOOKED_AT_MAX = 1000 };

/* Entities are named by whoever serves them. */
static struct ndc_str entity_text(struct ndc_arena *arena, const struct eid_account *a)
{
    char text[NDC_PEOPLE_ENTITY_TEXT];
    const struct ndc_people_ops *people = ndc_people(NULL);
    if (!a->entity || !people || !people->entity_text) return NDC_STR("");
    people->entity_text(text,
                        ndc_str_eq_c(a->kind, "organisation") ? NDC_ENTITY_ORGANISATION
                                                              : NDC_ENTITY_PERSON,
                        a->entity);
    return ndc_arena_str(arena, ndc_str(text));
}

struct ndc_str eid_audit_subject(struct ndc_arena *arena, const struct eid_account *a)
{
    return ndc_arena_printf(arena, "eid:%.*s", NDC_STR_FMT(a->account));
}

void eid_act_as(struct ndc_request *req, const struct eid_account *a)
{
    struct ndc_principal *who = NDC_ARENA_NEW(req->arena, struct ndc_principal);
    *who = (struct ndc_principal){.kind = ndc_str_eq_c(a->kind, "organisation")
                                              ? NDC_POLICY_BUSINESS
                                              : NDC_POLICY_PERSON,
                                  .id = eid_audit_subject(req->arena, a),
                                  .name = a->name,
                                  .agency = NDC_STR(""),
                                  .entity_id = entity_text(req->arena, a)};
    req->principal = who;
}

void eid_audit(struct ndc_request *req, const char *action, const struct eid_account *a,
               struct ndc_str detail)
{
    ndc_request_audit(req, action, entity_text(req->arena, a), NULL);
    ndc_request_audit(req, action, eid_audit_subject(req->arena, a), NULL);
    if (detail.len) ndc_request_audit_detail(req, detail);
}

/* ---- reading it ---- */

struct listing {
    struct ndc_eid *eid;
    struct ndc_json *j;
    struct ndc_str self; /* "eid:…" */
    bool readers;        /* who has read; else: sign-ins */
    size_t shown;
};

static bool wanted(const struct listing *l, struct json_object *o)
{
    struct ndc_str action = ndc_json_get_str(o, "action");
    if (!l->readers)
        return ndc_str_eq_c(ndc_json_get_str(o, "platform"), "eid") &&
               (ndc_str_starts(action, NDC_STR("sign-")) ||
                ndc_str_starts(action, NDC_STR("passkey.cloned")));
    struct ndc_str who = ndc_json_get_str(o, "principal");
    return !ndc_str_eq(who, l->self) && !ndc_str_eq_c(who, "anonymous") &&
           !ndc_str_eq_c(who, "platform:eid");
}

static void write_sign_in(struct ndc_json *j, struct json_object *o)
{
    ndc_json_kv_str(j, "what", ndc_json_get_str(o, "action"));
    ndc_json_kv_bool(j, "allowed", !ndc_str_eq_c(ndc_json_get_str(o, "outcome"), "deny"));
    ndc_json_kv_str(j, "where", ndc_json_get_str(o, "client"));
    ndc_json_kv_str(j, "how", ndc_json_get_str(o, "detail"));
}

/* A service by the name that it was registered under, if it still is. */
static void write_name(const struct listing *l, struct ndc_str who)
{
    static const char prefix[] = "eid-client:";
    struct eid_client *client = NULL;
    if (ndc_str_starts(who, ndc_str(prefix)) &&
        eid_client_take(l->eid, &client, ndc_str_from(who, sizeof(prefix) - 1), NULL))
        client = NULL;
    ndc_json_kv_str(l->j, "name",
                    client && client->name.len ? client->name : NDC_STR_NULL);
    eid_client_unref(client);
}

static void write_reader(const struct listing *l, struct json_object *o)
{
    struct ndc_json *j = l->j;
    struct ndc_field_set set = {0};
    ndc_json_kv_str(j, "who", ndc_json_get_str(o, "principal"));
    write_name(l, ndc_json_get_str(o, "principal"));
    ndc_json_kv_str(j, "agency", ndc_json_get_str(o, "agency"));
    ndc_json_kv_str(j, "what", ndc_json_get_str(o, "action"));
    ndc_json_kv_str(j, "purpose", ndc_json_get_str(o, "purpose"));
    ndc_json_kv_str(j, "legal_basis", ndc_json_get_str(o, "legal_basis"));
    ndc_json_kv_str(j, "platform", ndc_json_get_str(o, "platform"));
    ndc_json_kv_bool(j, "allowed", !ndc_str_eq_c(ndc_json_get_str(o, "outcome"), "deny"));
    (void)ndc_audit_fields_parse(&set, ndc_json_get_str(o, "fields"));
    ndc_json_key(j, "fields");
    ndc_json_array(j);
    for (int id = -1; (id = ndc_field_set_next(&set, id)) >= 0;) {
        const struct ndc_field *f = ndc_field_get((unsigned)id);
        if (f) ndc_json_c(j, f->code);
    }
    ndc_json_end(j);
}

static enum ndc_err show(void *arg, uint64_t seq, struct ndc_str entry)
{
    struct listing *l = arg;
    struct json_object *o = NULL;
    if (l->shown == SHOWN_MAX || ndc_json_parse(&o, entry, NULL)) return NDC_OK;
    if (wanted(l, o)) {
        l->shown++;
        ndc_json_object(l->j);
        ndc_json_kv_u64(l->j, "entry", seq); /* to be proven by the log's routes */
        ndc_json_kv_str(l->j, "at", ndc_json_get_str(o, "time"));
        if (l->readers)
            write_reader(l, o);
        else
            write_sign_in(l->j, o);
        ndc_json_end(l->j);
    }
    json_object_put(o);
    return NDC_OK;
}

static enum ndc_err list(struct ndc_request *req, bool readers, struct ndc_fault *fault)
{
    struct eid_signed_in by;
    struct eid_account a;
    uint64_t next = UINT64_MAX;
    NDC_TRY(eid_need_session(req, &by, &a, fault));
    struct listing l = {ndc_eid_of(req), &req->json, eid_audit_subject(req->arena, &a),
                        readers, 0};
    struct ndc_audit_query q = {.subject = readers ? entity_text(req->arena, &a) : l.self,
                                .from_seq = INT64_MAX,
                                .newest_first = true,
                                .limit = SHOWN_MAX};
    struct ndc_audit *audit = ndc_app_audit(req->app);
    if (!audit) return ndc_fail(fault, NDC_EDB, "audit.absent", "there is no audit log");
    ndc_json_array(&req->json);
    enum ndc_err err = NDC_OK;
    for (size_t seen = 0;
         q.subject.len && seen < LOOKED_AT_MAX && l.shown < SHOWN_MAX && !err;
         seen += SHOWN_MAX) {
        err = ndc_audit_find(audit, &q, show, &l, &next, fault);
        if (next == UINT64_MAX) break;
        q.from_seq = next;
    }
    ndc_json_end(&req->json);
    return err;
}

enum ndc_err eid_get_sign_ins(struct ndc_request *req, struct ndc_fault *fault)
{
    return list(req, false, fault);
}

enum ndc_err eid_get_readers(struct ndc_request *req, struct ndc_fault *fault)
{
    return list(req, true, fault);
}

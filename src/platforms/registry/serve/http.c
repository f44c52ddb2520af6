/* The registry's routes, one row each, and what their handlers share. */
#include "platforms/registry/serve/http.h"

enum { PAGE_DEFAULT = 50, PAGE_MAX = 500, PUSH_BYTES_MAX = 64 << 20 };

void ndc_time_kv(struct ndc_json *j, const char *key, int64_t ms)
{
    ndc_json_kv_time(j, key, ms);
}

int64_t ndc_page_limit(struct ndc_request *req)
{
    int64_t n = ndc_request_query_i64(req, "limit", PAGE_DEFAULT);
    return n < 1 ? 1 : NDC_MIN(n, (int64_t)PAGE_MAX);
}

enum ndc_err ndc_registry_decide(struct ndc_request *req, enum ndc_policy_action action,
                                 enum ndc_entity type, struct ndc_str subject,
                                 const struct ndc_field_set *fields,
                                 struct ndc_policy_decision *out, struct ndc_fault *fault)
{
    struct ndc_policy_request q;
    ndc_request_policy(req, &q);
    q.action = action;
    q.entity = type;
    q.subject = subject;
    q.fields = *fields;
    enum ndc_err err = ndc_policy_decide(out, &q, fault);
    ndc_request_audit(req, ndc_policy_action_name(action), subject, out);
    return err;
}

struct ndc_str ndc_registry_key(struct ndc_registry *registry, uint32_t source,
                                struct ndc_str key, const struct ndc_policy_decision *d)
{
    const struct ndc_registered *r = ndc_registry_by_number(registry, source);
    const struct ndc_field_set *told = r ? &r->source->key_fields : NULL;
    if (!told || ndc_field_set_empty(told)) return key;
    for (int id = -1; (id = ndc_field_set_next(told, id)) >= 0;) {
        bool open = ndc_policy_field_class((unsigned)id).personal == NDC_PERSONAL_NONE;
        if (d ? !ndc_field_set_has(&d->shown, (unsigned)id) : !open) return NDC_STR_NULL;
    }
    return key;
}

void ndc_registry_show(struct ndc_request *req, const struct ndc_policy_decision *d,
                       unsigned field, struct ndc_str value)
{
    struct ndc_str shown;
    if (!ndc_policy_show(d, field, value, req->arena, &shown)) {
        ndc_json_key(&req->json, "value");
        ndc_json_null(&req->json);
        ndc_json_kv_bool(&req->json, "withheld", true);
        return;
    }
    bool masked = ndc_field_set_has(&d->masked, field);
    ndc_json_kv_str(&req->json, "value", shown);
    ndc_json_kv_bool(&req->json, "masked", masked);
    if (masked) ndc_json_kv_c(&req->json, "mask", ndc_mask_name(d->mask[field]));
}

#define PEOPLE  "People"
#define SOURCES "Sources"
#define QUALITY "Quarantine"
#define REVIEWS "Reviews"
#define CHANGES "Changes"
#define THINGS  "General store"

const struct ndc_route ndc_registry_routes[NDC_REGISTRY_ROUTES] = {
    {.method = "GET",
     .path = "/api/registry/overview",
     .permission = "registry.source.read",
     .handler = ndc_registry_get_overview,
     .response = "any",
     .summary = "People, records, sources and work in progress",
     .tag = SOURCES},
    {.method = "GET",
     .path = "/api/registry/sources",
     .permission = "registry.source.read",
     .handler = ndc_registry_list_sources,
     .response = "{sources:[any]}",
     .summary = "Declared sources, their last runs and scores",
     .tag = SOURCES},
    {.method = "POST",
     .path = "/api/registry/sources",
     .permission = "registry.source.write",
     .handler = ndc_registry_post_source,
     .request_type = "application/yaml",
     .response = "{source:string}",
     .success = 201,
     .summary = "Declare a source, or change its declaration",
     .tag = SOURCES},
    {.method = "GET",
     .path = "/api/registry/sources/{source}",
     .permission = "registry.source.read",
     .handler = ndc_registry_get_source,
     .response = "any",
     .summary = "A source: declaration, fields, trend of its scores",
     .tag = SOURCES},
    {.method = "POST",
     .path = "/api/registry/sources/{source}/runs",
     .permission = "registry.source.write",
     .handler = ndc_registry_post_run,
     .request = "{}",
     .response = "{run:int,job:string}",
     .success = 202,
     .summary = "Load the source now and integrate",
     .tag = SOURCES},
    {.method = "POST",
     .path = "/api/registry/sources/{source}/records",
     .permission = "registry.record.push",
     .flags = NDC_ROUTE_SLOW,
     .body_bytes_max = PUSH_BYTES_MAX,
     .handler = ndc_registry_post_records,
     .request_type = "application/x-ndjson",
     .response = "any",
     .summary = "Push a batch of records; an Idempotency-Key makes it safe to repeat",
     .tag = SOURCES},
    {.method = "GET",
     .path = "/api/registry/sources/{source}/capture",
     .permission = "registry.source.read",
     .handler = ndc_registry_get_capture,
     .response = "any",
     .summary = "How a source is followed: state, slot, lag, files",
     .tag = SOURCES},
    {.method = "POST",
     .path = "/api/registry/sources/{source}/capture",
     .permission = "registry.source.write",
     .flags = NDC_ROUTE_SLOW,
     .handler = ndc_registry_post_capture,
     .request = "{action:(start|stop|snapshot)}",
     .response = "{source:string}",
     .success = 202,
     .summary = "Follow a source, stop following it, or load its table anew",
     .tag = SOURCES},
    {.method = "GET",
     .path = "/api/registry/runs",
     .permission = "registry.source.read",
     .query = "{source?:string[..48],after?:int,limit?:int[1..500]=50}",
     .handler = ndc_registry_list_runs,
     .response = "{runs:[any],next:int|null}",
     .summary = "Runs, newest first",
     .tag = SOURCES},
    {.method = "GET",
     .path = "/api/registry/runs/{run}",
     .permission = "registry.source.read",
     .handler = ndc_registry_get_run,
     .response = "any",
     .summary = "A run and its scorecard",
     .tag = SOURCES},
    {.method = "GET",
     .path = "/api/registry/map",
     .permission = "registry.source.read",
     .handler = ndc_registry_get_map,
     .response = "{provinces:[any]}",
     .summary = "Coverage and quality by province",
     .tag = SOURCES},
    {.method = "GET",
     .path = "/api/registry/units",
     .permission = "registry.source.read",
     .query = "{province?:string[..3]}",
     .handler = ndc_registry_get_units,
     .response = "{units:[{code:string,name:{vi:string,en:string},kind:string}]}",
     .summary = "Provinces in force, or the communes of one",
     .tag = SOURCES},

    {.method = "GET",
     .path = "/api/registry/quarantine",
     .permission = "registry.quarantine.read",
     .query =
         "{source?:string[..48],run?:int,state?:(open|corrected|dismissed|replaced)=open,"
         "reason?:string[..64],after?:int,limit?:int[1..500]=50}",
     .flags = NDC_ROUTE_PERSONAL | NDC_ROUTE_SLOW,
     .handler = ndc_registry_list_quarantine,
     .response = "{items:[any],next:int|null,total:int}",
     .summary = "Rows that failed, with every reason",
     .tag = QUALITY},
    {.method = "GET",
     .path = "/api/registry/quarantine.csv",
     .permission = "registry.quarantine.read",
     .query = "{source:string[..48],run?:int}",
     .flags = NDC_ROUTE_PERSONAL | NDC_ROUTE_SLOW,
     .handler = ndc_registry_csv_quarantine,
     .response_type = "text/csv; charset=utf-8",
     .summary = "Open rows of a source as CSV",
     .tag = QUALITY},
    {.method = "GET",
     .path = "/api/registry/quarantine/{id}",
     .permission = "registry.quarantine.read",
     .flags = NDC_ROUTE_PERSONAL,
     .handler = ndc_registry_get_quarantine,
     .response = "any",
     .summary = "One row that failed",
     .tag = QUALITY},
    {.method = "POST",
     .path = "/api/registry/quarantine/{id}/correct",
     .permission = "registry.quarantine.write",
     .flags = NDC_ROUTE_PERSONAL | NDC_ROUTE_SLOW,
     .handler = ndc_registry_correct,
     .request = "{row:any}",
     .response = "any",
     .summary = "Submit a corrected row",
     .tag = QUALITY},
    {.method = "POST",
     .path = "/api/registry/quarantine/{id}/dismiss",
     .permission = "registry.quarantine.write",
     .flags = NDC_ROUTE_PERSONAL,
     .handler = ndc_registry_dismiss,
     .request = "{note?:string[..1000]}",
     .response = "{state:string}",
     .summary = "Set a row aside for good",
     .tag = QUALITY},

    {.method = "GET",
     .path = "/api/registry/search",
     .permission = "registry.person.search",
     .flags = NDC_ROUTE_PERSONAL | NDC_ROUTE_SLOW,
     .query = "{q?:string[..200],id?:string[..64],birth_date?:string[..10],"
              "province?:string[..3],type?:(person|organisation),after?:int[0..400]=0,"
              "limit?:int[1..100]=20}",
     .handler = ndc_registry_get_search,
     .response = "{items:[any],next:int|null,total:int,more:bool,took_us:int}",
     .summary = "Find people and organisations by name, number, date and place",
     .tag = PEOPLE},
    {.method = "GET",
     .path = "/api/registry/persons/{entity}",
     .permission = "registry.person.read",
     .flags = NDC_ROUTE_PERSONAL,
     .query = "{fields?:string[..2000],known_at?:time,valid_at?:string[4..30]}",
     .handler = ndc_registry_get_person,
     .response =
         "{entity:string,type:string,fields:[any],records:int,updated_at:time|null}",
     .summary = "A person's golden record, each value with its source",
     .tag = PEOPLE},
    {.method = "GET",
     .path = "/api/registry/organisations/{entity}",
     .permission = "registry.person.read",
     .flags = NDC_ROUTE_PERSONAL,
     .query = "{fields?:string[..2000],known_at?:time,valid_at?:string[4..30]}",
     .handler = ndc_registry_get_person,
     .response =
         "{entity:string,type:string,fields:[any],records:int,updated_at:time|null}",
     .summary = "An organisation's golden record",
     .tag = PEOPLE},
    {.method = "GET",
     .path = "/api/registry/persons/{entity}/records",
     .permission = "registry.person.read",
     .flags = NDC_ROUTE_PERSONAL,
     .handler = ndc_registry_get_records,
     .response = "{records:[any],edges:[any]}",
     .summary = "Lineage: the records, as their sources wrote them, and what links them",
     .tag = PEOPLE},
    {.method = "GET",
     .path = "/api/registry/persons/{entity}/history",
     .permission = "registry.person.read",
     .flags = NDC_ROUTE_PERSONAL,
     .handler = ndc_registry_get_history,
     .response = "{events:[any]}",
     .summary = "What changed, when",
     .tag = PEOPLE},
    {.method = "POST",
     .path = "/api/registry/persons/batch",
     .permission = "registry.person.read",
     .flags = NDC_ROUTE_PERSONAL | NDC_ROUTE_SLOW,
     .handler = ndc_registry_post_batch,
     .request = "{entities:[string[1..20]][1..1000],fields?:[string[..64]]}",
     .response = "{items:[any]}",
     .summary = "Up to 1,000 golden records at once",
     .tag = PEOPLE},
    {.method = "POST",
     .path = "/api/registry/match",
     .permission = "registry.person.search",
     .flags = NDC_ROUTE_PERSONAL | NDC_ROUTE_SLOW,
     .handler = ndc_registry_post_match,
     .request = "{record:{*:string[..500]}}",
     .response = "{candidates:[any]}",
     .summary = "Who is this record? The model of the batch, on one record",
     .tag = PEOPLE},

    {.method = "GET",
     .path = "/api/registry/datasets",
     .permission = "registry.thing.read",
     .handler = ndc_registry_list_datasets,
     .response = "{datasets:[any]}",
     .summary = "Datasets of what is neither person nor organisation: fields, relations",
     .tag = THINGS},
    {.method = "GET",
     .path = "/api/registry/datasets/{dataset}",
     .permission = "registry.thing.read",
     .query = "{key?:string[..200],after?:string[..1000],limit?:int[1..500]=50}",
     .handler = ndc_registry_list_things,
     .response = "any",
     .summary =
         "Things of a dataset by the beginning of their keys; what is about nobody",
     .tag = THINGS},
    {.method = "GET",
     .path = "/api/registry/datasets/{dataset}/{key*}",
     .permission = "registry.thing.read",
     .flags = NDC_ROUTE_PERSONAL,
     .handler = ndc_registry_get_thing,
     .response = "any",
     .summary = "A thing, what it leads to and what leads to it",
     .tag = THINGS},
    {.method = "GET",
     .path = "/api/registry/persons/{entity}/relations",
     .permission = "registry.person.read",
     .flags = NDC_ROUTE_PERSONAL,
     .handler = ndc_registry_get_relations,
     .response = "{entity:string,type:string,items:[any],more:bool}",
     .summary = "Things that refer to a person, by any number their records hold",
     .tag = THINGS},
    {.method = "GET",
     .path = "/api/registry/organisations/{entity}/relations",
     .permission = "registry.person.read",
     .flags = NDC_ROUTE_PERSONAL,
     .handler = ndc_registry_get_relations,
     .response = "{entity:string,type:string,items:[any],more:bool}",
     .summary = "Things that refer to an organisation",
     .tag = THINGS},

    {.method = "GET",
     .path = "/api/registry/reviews",
     .permission = "registry.review",
     .query = "{state?:(open|same|different)=open,after?:int,limit?:int[1..500]=50}",
     .handler = ndc_registry_list_reviews,
     .response = "{items:[any],next:int|null,total:int}",
     .summary = "Pairs that a person should decide on",
     .tag = REVIEWS},
    {.method = "GET",
     .path = "/api/registry/reviews/{review}",
     .permission = "registry.review",
     .flags = NDC_ROUTE_PERSONAL,
     .handler = ndc_registry_get_review,
     .response = "any",
     .summary = "A pair with the evidence field by field",
     .tag = REVIEWS},
    {.method = "POST",
     .path = "/api/registry/reviews/{review}/decision",
     .permission = "registry.review",
     .flags = NDC_ROUTE_PERSONAL,
     .handler = ndc_registry_post_decision,
     .request = "{decision:(same|different|undo),note?:string[..1000]}",
     .response = "{state:string}",
     .summary = "Decide a pair; the decision outlives every rebuild",
     .tag = REVIEWS},

    {.method = "GET",
     .path = "/api/registry/changes",
     .permission = "registry.change.read",
     .flags = NDC_ROUTE_PERSONAL | NDC_ROUTE_SLOW,
     .query = "{after?:int,newest?:bool,limit?:int[1..10000]=200,"
              "type?:(person|organisation)}",
     .handler = ndc_registry_list_changes,
     .response = "{changes:[any],next:int,last:int}",
     .summary = "The change feed: which entities changed, how, in the order of commits",
     .tag = CHANGES},
    {.method = "GET",
     .path = "/api/registry/changes/stream",
     .permission = "registry.change.read",
     .flags = NDC_ROUTE_PERSONAL | NDC_ROUTE_SLOW,
     .query = "{after?:int,type?:(person|organisation)}",
     .handler = ndc_registry_stream_changes,
     .response_type = "text/event-stream",
     .summary = "The same, live, as server-sent events; goes on after Last-Event-ID",
     .tag = CHANGES},
};

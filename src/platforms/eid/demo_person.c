/* Somebody of the demo nation to try with: an adult who has no account yet. Nobody in
 * that nation exists, and of a real one this tells nothing. */
#include "platforms/eid/http.h"
#include "platforms/eid/match.h"

#include "core/config.h"
#include "sys/clock.h"

enum { ADULT_YEARS = 18, LOOKED_AT_MAX = 2000 };

struct looking {
    struct ndc_arena *arena;
    struct ndc_store_conn *conn;
    struct eid_entity *out;
    size_t seen;
    int64_t now_ms;
};

static bool suits(const struct looking *l, const struct ndc_people_facts *f)
{
    return f->type == NDC_ENTITY_PERSON && !f->flags && f->name_count &&
           f->current_id.len == 12 && f->birth.year && f->birth.day &&
           eid_age(f->birth, l->now_ms) >= ADULT_YEARS;
}

static enum ndc_err visit(void *arg, const struct ndc_people_facts *facts, size_t n,
                          struct ndc_fault *fault)
{
    struct looking *l = arg;
    for (size_t i = 0; i < n && l->seen < LOOKED_AT_MAX; i++) {
        struct eid_account had;
        if (!suits(l, &facts[i])) continue;
        l->seen++;
        NDC_TRY(eid_account_of_entity(l->conn, l->arena, facts[i].entity, &had, fault));
        if (had.account.ptr) continue;
        eid_entity_copy(l->arena, &facts[i], l->out);
        return ndc_fail(fault, NDC_ECANCELED, "eid.found", "enough");
    }
    if (l->seen < LOOKED_AT_MAX) return NDC_OK;
    return ndc_fail(fault, NDC_ECANCELED, "eid.found", "enough");
}

enum ndc_err eid_demo_person(struct ndc_eid *eid, struct ndc_arena *arena,
                             struct eid_entity *out, struct ndc_fault *fault)
{
    void *ctx;
    const struct ndc_people_ops *people = ndc_people(&ctx);
    struct ndc_people_moment moment;
    struct ndc_fault stopped = {0};
    uint64_t total;
    struct looking l = {.arena = arena, .out = out, .now_ms = ndc_clock_wall_ms()};
    *out = (struct eid_entity){.entity = 0};
    if (!people)
        return ndc_fail(fault, NDC_EBUSY, "eid.no_registry", "there is no registry");
    NDC_TRY(ndc_store_take(eid->store, NDC_READ, &l.conn, fault));
    enum ndc_err err = people->scan(ctx, &moment, &total, visit, &l, &stopped);
    ndc_store_give(l.conn);
    if (err && err != NDC_ECANCELED) {
        if (fault) *fault = stopped;
        return err;
    }
    if (out->entity) return NDC_OK;
    return ndc_fail(fault, NDC_ENOTFOUND, "eid.no_demo",
                    "nobody is there to try with: the demo nation is not integrated yet, "
                    "or all have accounts");
}

enum ndc_err eid_get_demo_person(struct ndc_request *req, struct ndc_fault *fault)
{
    struct eid_entity e;
    if (ndc_config_int(ndc_app_config(req->app), "demo_people") == 0)
        return ndc_fail(fault, NDC_ENOTFOUND, "eid.no_demo", "this is no demo nation");
    NDC_TRY(eid_demo_person(ndc_eid_of(req), req->arena, &e, fault));
    ndc_json_object(&req->json);
    ndc_json_kv_str(&req->json, "number", e.number);
    ndc_json_kv_str(&req->json, "name", e.name);
    ndc_json_kv_c(&req->json, "birth_date", e.birth_text);
    ndc_json_end(&req->json);
    return NDC_OK;
}

/* Reading entities, and the entity that holds a record. */
#include "platforms/registry/serve/search.h"

#include "platforms/registry/entity/index_build.h"
#include "platforms/registry/live/live.h"

enum { REDIRECTS_MAX = 16 };

static enum ndc_err follow_redirect(struct ndc_store_conn *conn, uint64_t *number,
                                    struct ndc_fault *fault)
{
    int64_t target;
    struct ndc_fault none = {0};
    enum ndc_err err = ndc_sql_i64(
        conn, &target, "SELECT target FROM registry_redirect WHERE entity = $1",
        NDC_ARGS(ndc_int((int64_t)*number)), &none);
    if (err == NDC_ENOTFOUND || (!err && target == 0))
        return ndc_fail(fault, NDC_ENOTFOUND, "registry.no_entity",
                        "there is no such person or organisation");
    if (err && fault) *fault = none;
    *number = (uint64_t)target;
    return err;
}

enum ndc_err ndc_registry_read(struct ndc_registry *reg, struct ndc_store_conn *conn,
                               struct ndc_arena *arena, uint64_t *number,
                               struct ndc_entity_view *view, struct ndc_fault *fault)
{
    for (int i = 0; i < REDIRECTS_MAX; i++) {
        struct ndc_str payload;
        int64_t change;
        enum ndc_err err =
            ndc_live_payload(reg->live, conn, arena, *number, &payload, &change, fault);
        if (err) return err;
        if (payload.ptr) {
            if (ndc_entity_decode(view, arena, payload)) return NDC_OK;
            return ndc_fail(
                fault, NDC_EDB, "registry.entity_damaged",
                "the stored record is damaged; run \"ndc link run\" to build it "
                "anew from its sources");
        }
        if ((err = follow_redirect(conn, number, fault))) return err;
    }
    return ndc_fail(fault, NDC_EINTERNAL, "registry.redirects",
                    "redirects form a circle");
}

enum ndc_err ndc_registry_find_record(struct ndc_registry *reg,
                                      struct ndc_store_conn *conn,
                                      struct ndc_arena *arena, uint32_t source,
                                      struct ndc_str key, uint64_t *number,
                                      struct ndc_entity_view *view,
                                      struct ndc_fault *fault)
{
    enum { HITS_MAX = 16 };
    uint64_t numbers[HITS_MAX];
    size_t n;
    enum ndc_err err =
        ndc_live_lookup(reg->live, conn, ndc_index_key(NDC_INDEX_RECORD, source, key),
                        numbers, HITS_MAX, &n, fault);
    for (size_t k = 0; k < n && !err; k++) {
        struct ndc_fault gone = {0};
        *number = numbers[k];
        err = ndc_registry_read(reg, conn, arena, number, view, &gone);
        if (err == NDC_ENOTFOUND) {
            err = NDC_OK; /* an entry of before */
            continue;
        }
        if (err && fault) *fault = gone;
        for (unsigned i = 0; !err && i < view->record_count; i++)
            if (view->records[i].source == source &&
                ndc_str_eq(view->records[i].key, key))
                return NDC_OK;
    }
    if (err) return err;
    *number = 0;
    return ndc_fail(fault, NDC_ENOTFOUND, "review.gone",
                    "one of the two records is no longer there");
}

/* Reading things and what refers to somebody or something. */
#include "platforms/registry/thing/thing.h"

struct ndc_registered *ndc_thing_dataset(struct ndc_registry *reg, struct ndc_str dataset)
{
    struct ndc_registered *found = NULL;
    ndc_mutex_lock(&reg->lock);
    for (uint32_t i = 1; i <= reg->source_count && !found; i++)
        if (reg->sources[i] && reg->sources[i]->source->thing &&
            ndc_str_eq(reg->sources[i]->source->dataset, dataset))
            found = reg->sources[i];
    ndc_mutex_unlock(&reg->lock);
    return found;
}

enum ndc_err ndc_thing_read(struct ndc_store_conn *conn, struct ndc_arena *arena,
                            uint32_t source, struct ndc_str key, struct ndc_record *out,
                            bool *found, struct ndc_fault *fault)
{
    struct ndc_str payload = NDC_STR_NULL;
    struct ndc_rows *rows = ndc_sql_query(
        conn, "SELECT payload FROM registry_thing WHERE source = $1 AND key = $2",
        NDC_ARGS(ndc_int(source), ndc_text(key)));
    if (ndc_rows_next(rows)) payload = ndc_arena_str(arena, ndc_rows_blob(rows, 0));
    NDC_TRY(ndc_rows_end(rows, fault));
    *found = payload.ptr != NULL;
    if (!*found || ndc_record_decode(out, arena, &payload)) return NDC_OK;
    return ndc_fail(fault, NDC_EDB, "registry.thing_damaged",
                    "the stored record is damaged; load its source again");
}

struct finder {
    struct ndc_registry *registry;
    struct ndc_store_conn *conn;
    struct ndc_arena *arena;
    bool (*is)(void *arg, const struct ndc_source_relation *rel, struct ndc_str value);
    void *arg;
    struct ndc_thing_link *links;
    size_t *count;
    bool *more;
};

static enum ndc_err take_row(struct finder *f, struct ndc_rows *rows,
                             struct ndc_fault *fault)
{
    const struct ndc_registered *r =
        ndc_registry_by_number(f->registry, (uint32_t)ndc_rows_i64(rows, 0));
    uint64_t relation = (uint64_t)ndc_rows_i64(rows, 1);
    struct ndc_str payload = ndc_arena_str(f->arena, ndc_rows_blob(rows, 2));
    struct ndc_thing_link *link = &f->links[*f->count];
    if (!r || !r->source->thing || relation >= r->source->relation_count) return NDC_OK;
    *link = (struct ndc_thing_link){r, &r->source->relations[relation], {0}};
    if (!ndc_record_decode(&link->thing, f->arena, &payload))
        return ndc_fail(fault, NDC_EDB, "registry.thing_damaged",
                        "a stored record is damaged; load source %.*s again",
                        NDC_STR_FMT(r->source->id));
    struct ndc_str value =
        ndc_thing_value(r->source, &link->thing, link->relation->field);
    if (value.ptr && f->is(f->arg, link->relation, value)) (*f->count)++;
    return NDC_OK;
}

static enum ndc_err follow(struct finder *f, uint64_t ref, struct ndc_fault *fault)
{
    enum ndc_err err = NDC_OK;
    int64_t room = (int64_t)(NDC_THING_LINKS_MAX - *f->count);
    struct ndc_rows *rows = ndc_sql_query(
        f->conn,
        "SELECT l.source, l.relation, t.payload FROM registry_thing_link l JOIN "
        "registry_thing t ON t.source = l.source AND t.key = l.key WHERE l.ref = $1 "
        "ORDER BY l.source, l.key, l.relation LIMIT $2",
        NDC_ARGS(ndc_int((int64_t)ref), ndc_int(room + 1)));
    while (!err && ndc_rows_next(rows)) {
        if (*f->count == NDC_THING_LINKS_MAX)
            *f->more = true;
        else
            err = take_row(f, rows, fault);
    }
    enum ndc_err end = ndc_rows_end(rows, fault);
    return err ? err : end;
}

enum ndc_err ndc_thing_links(struct ndc_registry *reg, struct ndc_store_conn *conn,
                             struct ndc_arena *arena, const uint64_t *refs, size_t n,
                             bool (*is)(void *arg, const struct ndc_source_relation *rel,
                                        struct ndc_str value),
                             void *arg, struct ndc_thing_link *links, size_t *count,
                             bool *more, struct ndc_fault *fault)
{
    struct finder f = {reg, conn, arena, is, arg, links, count, more};
    enum ndc_err err = NDC_OK;
    *count = 0;
    *more = false;
    for (size_t i = 0; i < n && !err && !*more; i++)
        err = follow(&f, refs[i], fault);
    return err;
}

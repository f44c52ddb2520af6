/* A stage made anew from the entities: every record of a source stands in the payload of
 * the entity that it is part of, so a stage that is damaged or gone costs nothing but a
 * scan, as long as its last run was built. */
#include "platforms/registry/load/restore.h"
#include "platforms/registry/shard/payloads.h"
#include "platforms/registry/thing/thing.h"
#include "sys/log.h"

static enum ndc_err check_built(struct ndc_store_conn *conn, int64_t run,
                                const struct ndc_registered *source,
                                struct ndc_fault *fault)
{
    int64_t built = 0;
    enum ndc_err err = ndc_sql_i64(
        conn, &built,
        "SELECT count(*) FROM registry_run WHERE run = $1 AND state = 'succeeded'",
        NDC_ARGS(ndc_int(run)), fault);
    if (err || built) return err;
    return ndc_fail(fault, NDC_EIO, "stage.damaged",
                    "the stage of %.*s is damaged and run %lld was not integrated yet; "
                    "load the source again",
                    NDC_STR_FMT(source->source->id), (long long)run);
}

static enum ndc_err copy_records(struct ndc_stage_writer *out,
                                 const struct ndc_entity_view *v, uint32_t number,
                                 uint64_t *count, struct ndc_fault *fault)
{
    enum ndc_err err = NDC_OK;
    for (unsigned i = 0; i < v->record_count && !err; i++) {
        if (v->records[i].source != number) continue;
        err = ndc_stage_put(out, &v->records[i], fault);
        (*count)++;
    }
    return err;
}

static enum ndc_err copy_all(struct ndc_registry *reg, struct ndc_store_conn *conn,
                             struct ndc_stage_writer *out,
                             const struct ndc_registered *source, uint64_t *count,
                             struct ndc_fault *fault)
{
    const struct ndc_payload_range all = {.ordered = true};
    const struct ndc_payload *row;
    struct ndc_arena arena;
    enum ndc_err err = NDC_OK, ended;
    ndc_arena_init(&arena, NDC_ENTITY_PAYLOAD_MAX * 4);
    struct ndc_payloads *rows = ndc_payloads_open(reg, conn, &all);
    while (!err && (row = ndc_payloads_next(rows))) {
        struct ndc_entity_view v;
        ndc_arena_reset(&arena);
        if (!ndc_entity_decode(&v, &arena, row->payload))
            err = ndc_fail(fault, NDC_EDB, "registry.entity_damaged",
                           "a stored record is damaged");
        else
            err = copy_records(out, &v, source->number, count, fault);
    }
    ended = ndc_payloads_close(rows, err ? NULL : fault);
    ndc_arena_free(&arena);
    return err ? err : ended;
}

enum ndc_err ndc_registry_restore_stage(struct ndc_registry *reg,
                                        const struct ndc_registered *source, int64_t run,
                                        const char *path, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    struct ndc_stage_writer out;
    uint64_t count = 0;
    enum ndc_err err = ndc_store_take(reg->store, NDC_READ, &conn, fault);
    if (err) return err;
    ndc_store_conn_timeout(conn, 0);
    err = check_built(conn, run, source, fault);
    if (!err) err = ndc_stage_create(&out, path, fault);
    if (err) {
        ndc_store_give(conn);
        return err;
    }
    err = source->source->thing ? ndc_thing_restore(conn, source, &out, &count, fault)
                                : copy_all(reg, conn, &out, source, &count, fault);
    if (!err) err = ndc_stage_finish(&out, fault);
    ndc_stage_abandon(&out);
    ndc_store_give(conn);
    if (!err)
        ndc_log(NDC_LOG_WARN, "registry",
                "the stage of %.*s was made anew from %llu records of the entities",
                NDC_STR_FMT(source->source->id), (unsigned long long)count);
    return err;
}

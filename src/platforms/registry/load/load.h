/* One run in progress: shared by load.c (rows) and run.c (what the database keeps). */
#ifndef NDC_REGISTRY_LOAD_H
#define NDC_REGISTRY_LOAD_H

#include "platforms/registry/load/keyset.h"
#include "platforms/registry/load/map.h"
#include "platforms/registry/load/stage.h"
#include "platforms/registry/registry.h"
#include "sys/file.h"

/* Who gives out numbers of runs and of quarantined rows holds these (ndc_tx_lock). */
#define NDC_LOAD_QUARANTINE_LOCK INT64_C(0x6e64635131)
#define NDC_LOAD_RUN_LOCK        INT64_C(0x6e64635132)

struct load {
    struct ndc_registry *registry;
    struct ndc_registered *source;
    struct ndc_connect *connect;
    int64_t run, now_ms;
    struct ndc_load_result *result;

    struct ndc_mapper *mapper;
    struct ndc_mapped mapped;
    struct ndc_quality quality;
    struct ndc_stage previous;
    struct ndc_stage_cursor previous_at;
    struct ndc_keyset keys,
        previous_keys;        /* to the number in the stage written, or read */
    struct ndc_keyset unique; /* values of unique fields, to the line they stood in */
    uint8_t *seen;            /* a bit for each record of `previous` that was named */
    uint32_t staged;          /* records written so far */
    uint8_t *outcomes;        /* of a delta, by record written: enum outcome of load.c */
    size_t outcomes_cap;
    uint32_t *superseded; /* those that a later row of a delta replaced */
    size_t superseded_count, superseded_cap;
    bool delta, has_unique;
    struct ndc_stage_writer stage;
    struct ndc_file_writer spill;
    struct ndc_buf encoded, text;
    struct ndc_arena arena, paths;
    int64_t stage_run;        /* the run whose stage it starts from; 0: none */
    struct ndc_json *refused; /* NULL, or an open array for the rows not taken */
    /* NULL, or more to write in the commit of the run, once its rows are known */
    enum ndc_err (*also)(struct load *load, struct ndc_store_conn *conn,
                         struct ndc_fault *fault);
    void *also_arg;
};

/* registry, source, connect, run, now_ms, delta and result are set. Always call
 * ndc_load_end. */
enum ndc_err ndc_load_begin(struct load *load, int64_t stage_run,
                            struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_load_rows(struct load *load, const struct ndc_progress *progress,
                           struct ndc_fault *fault) NDC_MUST_USE;
void ndc_load_end(struct load *load);

/* unique.c: adds a reason for each value of a `unique` field that stands in an earlier
 * row of this run, of another key. */
void ndc_load_check_unique(struct load *load, const struct ndc_connect_row *row);

/* ---- run.c, for push.c ---- */

/* Makes a run, state queued. */
enum ndc_err ndc_load_queue(struct ndc_registry *registry, struct ndc_str source,
                            struct ndc_str path, bool delta, int64_t *run,
                            struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_load_mark(struct ndc_registry *registry, int64_t run, const char *state,
                           const char *error, struct ndc_fault *fault) NDC_MUST_USE;
/* The connector's rows to stage, quarantine and scorecard, in one commit; the source's
 * lock is held. */
enum ndc_err ndc_load_run(struct load *load, const struct ndc_progress *progress,
                          struct ndc_fault *fault) NDC_MUST_USE;

/* A row as it came, as one JSON object. */
void ndc_load_write_row(const struct ndc_connect *connect, struct ndc_json *out,
                        const struct ndc_connect_row *row);
/* JSON array of a row's reasons. */
void ndc_reasons_write(const struct ndc_source *source, const struct ndc_reason *reasons,
                       unsigned count, struct ndc_json *out);

#endif

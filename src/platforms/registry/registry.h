/* The registry's own state and the calls its parts make to each other. */
#ifndef NDC_REGISTRY_REGISTRY_H
#define NDC_REGISTRY_REGISTRY_H

#include "core/app.h"
#include "core/jobs.h"
#include "platforms/registry/entity/entity.h"
#include "platforms/registry/link/match.h"
#include "platforms/registry/load/quality.h"
#include "platforms/registry/source/source.h"
#include "store/migrate.h"
#include "store/store.h"
#include "sys/thread.h"

enum { NDC_REGISTRY_SOURCES_MAX = 256 };

/* A declared source. Never freed while the registry lives: handlers may hold it. */
struct ndc_registered {
    uint32_t number; /* 1..; in records and survivorship */
    struct ndc_source *source;
    const char *folder; /* relative paths of its connector are relative to it */
    struct ndc_arena arena;
    struct ndc_registered *older; /* the declaration that this one replaced */
};

struct ndc_registry {
    struct ndc_app *app; /* NULL in tests and benches */
    struct ndc_store *store;
    bool own_store;
    const char *stage_dir;
    const char *import_dir; /* where declarations made over HTTP find their files */
    unsigned threads;
    uint64_t link_bytes; /* that linking may take; more records are linked on disk */
    uint64_t part_bytes; /* of payloads that a first build commits at once */
    struct ndc_schedule *schedule; /* in the daemon only */
    struct ndc_capture *capture;   /* followed sources; in the daemon only */
    struct ndc_change_hub *hub;    /* readers of the change feed; in the daemon only */
    int64_t unbuilt;               /* runs found at start loaded but not built */

    struct ndc_mutex lock; /* guards the source table below */
    struct ndc_registered *sources[NDC_REGISTRY_SOURCES_MAX + 1]; /* by number */
    uint32_t source_count;
    uint8_t authority[NDC_REGISTRY_SOURCES_MAX + 1][NDC_FIELDS_MAX];

    /* By number, taken first: a load starts from the stage the last one left. */
    struct ndc_mutex loading[NDC_REGISTRY_SOURCES_MAX + 1];
    struct ndc_mutex stage_lock; /* no stage goes between being named and being opened */

    struct ndc_mutex generation_lock;
    int64_t generation; /* of the index that is served; 0: nothing integrated yet */

    struct ndc_mutex model_lock; /* guards the served model (match.h) */
    struct ndc_link_spec *model_spec;
    struct ndc_link_model *model;
    int64_t model_generation;

    struct ndc_live *live;
    struct ndc_ahead *ahead;      /* reads for searches */
    struct ndc_shards *shards;    /* where payloads are */
    struct ndc_mutex job_lock;    /* guards what follows */
    char job[NDC_JOB_ID_LEN + 1]; /* the integration that runs or ran last */
};

extern const struct ndc_migration ndc_registry_migrations[];
extern const size_t ndc_registry_migrations_n;

/* Opens a database for the registry alone, with settings for it (SQLite: large pages, for
 * it is written in bulk). */
enum ndc_err ndc_registry_open_store(struct ndc_store **store, const char *url,
                                     struct ndc_fault *fault) NDC_MUST_USE;
/* Opens the registry on a store (which it does not own), runs its migrations, reads the
 * declared sources. `dir` holds stage files. */
enum ndc_err ndc_registry_open(struct ndc_registry **out, struct ndc_store *store,
                               const char *dir, unsigned threads,
                               struct ndc_fault *fault) NDC_MUST_USE;
void ndc_registry_close(struct ndc_registry *registry);

/* Declares a source or changes its declaration. `folder` may be "". */
enum ndc_err ndc_registry_declare(struct ndc_registry *registry, struct ndc_str yaml,
                                  struct ndc_str folder, struct ndc_registered **out,
                                  struct ndc_fault *fault) NDC_MUST_USE;
/* By id or number; NULL if there is none. */
struct ndc_registered *ndc_registry_find(struct ndc_registry *registry,
                                         struct ndc_str id);
struct ndc_registered *ndc_registry_by_number(struct ndc_registry *registry,
                                              uint32_t number);
int64_t ndc_registry_generation(struct ndc_registry *registry);
struct ndc_survivorship ndc_registry_survivorship(const struct ndc_registry *registry);

/* ---- loading (load.c) ---- */

struct ndc_progress {
    void *arg;
    /* Any thread. phase is a literal. A load tells its file's bytes, an integration or
     * build thousandths of its whole time. */
    void (*tell)(void *arg, const char *phase, uint64_t done, uint64_t total,
                 const char *unit);
    bool (*canceled)(void *arg);
};

/* Makes a run of a source, state queued. `path` empty: the declared one. */
enum ndc_err ndc_registry_queue_run(struct ndc_registry *registry, struct ndc_str source,
                                    struct ndc_str path, int64_t *run,
                                    struct ndc_fault *fault) NDC_MUST_USE;

struct ndc_load_result {
    uint64_t rows_read, accepted, quarantined, added, changed, unchanged, ended, bytes;
    bool live; /* linked already: no integration is owed */
};

/* Runs a queued or interrupted run: file to stage, quarantine and scorecard, in one
 * commit. Its error is also the reason of a run that failed. */
enum ndc_err ndc_registry_load(struct ndc_registry *registry, int64_t run,
                               const struct ndc_progress *progress,
                               struct ndc_load_result *result,
                               struct ndc_fault *fault) NDC_MUST_USE;
/* Bytes of a run's file that are still to be loaded; 0 where that is not known. */
uint64_t ndc_registry_run_bytes(struct ndc_registry *registry, int64_t run);

/* Path of a source's stage file of a run, in the arena. */
const char *ndc_registry_stage_path(const struct ndc_registry *registry,
                                    struct ndc_arena *arena, struct ndc_str source,
                                    int64_t run);

/* ---- building (build.c) ---- */

struct ndc_build_stats {
    uint64_t records, people, organisations, pairs, edges, reviews, largest;
    double seconds_stage, seconds_link, seconds_entities, seconds_index;
    uint64_t payload_bytes, index_entries;
};

/* Links all stages, chooses golden records, writes entities, index, reviews: one
 * generation. Entity numbers are kept as long as most of an entity's records are. */
enum ndc_err ndc_registry_build(struct ndc_registry *registry,
                                const struct ndc_progress *progress,
                                struct ndc_build_stats *stats,
                                struct ndc_fault *fault) NDC_MUST_USE;

/* Loads every run of the list that is not loaded yet, in parallel, then builds. */
enum ndc_err ndc_registry_integrate(struct ndc_registry *registry, const int64_t *runs,
                                    size_t n, const struct ndc_progress *progress,
                                    struct ndc_build_stats *stats,
                                    struct ndc_fault *fault) NDC_MUST_USE;

/* The entity's payload, followed through merges (*number becomes the one it is now), in
 * the arena. NDC_ENOTFOUND: registry.no_entity. */
enum ndc_err ndc_registry_read(struct ndc_registry *registry, struct ndc_store_conn *conn,
                               struct ndc_arena *arena, uint64_t *number,
                               struct ndc_entity_view *view,
                               struct ndc_fault *fault) NDC_MUST_USE;

#endif

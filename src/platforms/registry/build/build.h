/* Parts of a build, shared by build*.c: stages and links in, entities and index out. */
#ifndef NDC_REGISTRY_BUILD_H
#define NDC_REGISTRY_BUILD_H

#include "platforms/registry/entity/index_build.h"
#include "platforms/registry/link/link.h"
#include "platforms/registry/link/result.h"
#include "platforms/registry/load/stage.h"
#include "platforms/registry/registry.h"

enum { PROVINCE_CODES = 100 };

struct build_source {
    struct ndc_registered *source;
    struct ndc_stage stage;
    unsigned link_source; /* its number in the link table */
    uint32_t first_row;   /* of its records in the link result */
};

/* One kind of entity being built. */
struct build_link {
    enum ndc_entity type;
    struct ndc_link_spec *spec;
    struct ndc_link *link;
    struct build_source *sources;
    unsigned source_count;
    struct ndc_link_model *model; /* kept from an earlier build; NULL: this one learns */
    uint32_t rows, entities;
    uint32_t *starts;  /* entities + 1: where each entity's rows begin in `members` */
    uint32_t *members; /* rows, grouped by entity, ascending */
    uint32_t *edge_starts, *edge_members; /* joined edges grouped by entity */
    uint64_t *numbers;                    /* of each entity */
};

/* What is counted for the map while entities are built. */
struct province_stats {
    uint64_t people, records, by_source[NDC_REGISTRY_SOURCES_MAX + 1];
    uint64_t checked[NDC_CRITERION_COUNT], failed[NDC_CRITERION_COUNT];
};

struct build {
    struct ndc_registry *registry;
    const struct ndc_progress *progress;
    struct ndc_build_stats *stats;
    struct build_link links[NDC_ENTITY_COUNT];
    struct ndc_index_sorter *index;
    struct province_stats *provinces; /* PROVINCE_CODES of them */
    int64_t generation, now_ms;

    uint64_t next_number;
    struct ndc_key64 *redirects; /* old number to new, of entities that are no more */
    size_t redirect_count;
};

/* build_link.c: opens stages, feeds and runs the linking of one kind. */
enum ndc_err ndc_build_open_stages(struct build *build,
                                   struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_build_link(struct build *build, struct build_link *link,
                            struct ndc_fault *fault) NDC_MUST_USE;
void ndc_build_link_free(struct build_link *link);
/* One thread's cursors for the link's stages, by source. */
struct ndc_stage_cursor *ndc_build_cursors(const struct build_link *link);
void ndc_build_cursors_free(const struct build_link *link,
                            struct ndc_stage_cursor *stages);
/* Sets the fault: stage.damaged. */
enum ndc_err ndc_build_damaged(const struct build_source *source,
                               struct ndc_fault *fault);

/* build_rows.c: rows are numbered through the sources, as declared; read one range at a
 * time (external.h), or all put into the table. */
struct ndc_link_taker;
enum ndc_err ndc_build_declare_rows(struct build_link *link,
                                    struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_build_read_rows(void *build_link, uint32_t from, uint32_t to,
                                 const struct ndc_link_taker *taker,
                                 struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_build_feed_rows(struct build_link *link, unsigned threads,
                                 struct ndc_fault *fault) NDC_MUST_USE;

/* Source and record number of a link row. */
struct build_source *ndc_build_row(struct build_link *link, uint32_t row,
                                   uint32_t *record);

/* build_number.c: entity numbers that outlive rebuilds. */
enum ndc_err ndc_build_number(struct build *build, struct ndc_fault *fault) NDC_MUST_USE;

/* build_entity.c: payloads, in parallel, in the order of their numbers. */
struct built_entity {
    uint64_t number;
    enum ndc_entity type;
    struct ndc_str payload;
};
enum ndc_err ndc_build_entities(struct build *build,
                                enum ndc_err (*take)(void *arg,
                                                     const struct built_entity *entity,
                                                     struct ndc_fault *fault),
                                void *arg, struct ndc_fault *fault) NDC_MUST_USE;

/* build_write.c: one generation in one commit. */
enum ndc_err ndc_build_write(struct build *build, struct ndc_fault *fault) NDC_MUST_USE;

/* build_review.c */
enum ndc_err ndc_build_apply_decisions(struct build *build, struct build_link *link,
                                       struct ndc_fault *fault) NDC_MUST_USE;
struct ndc_review_side { /* a record of a pair, and whose it is */
    uint32_t source;
    struct ndc_str key;
    uint64_t entity;
};
/* Puts a pair into the list, or says of one that is there what is known now; what was
 * decided on it stands. */
enum ndc_err ndc_review_put(struct ndc_store_conn *conn, int64_t id, enum ndc_entity type,
                            struct ndc_review_side x, struct ndc_review_side y,
                            const struct ndc_link_review *review,
                            struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_build_write_reviews(struct build *build, struct ndc_store_conn *conn,
                                     struct ndc_fault *fault) NDC_MUST_USE;

/* build_near.c */
enum ndc_err ndc_build_write_near(struct build *build, struct ndc_store_conn *conn,
                                  struct ndc_fault *fault) NDC_MUST_USE;

/* Rank of each source, by number, in the order of their ids: the order in which linking
 * takes their records. */
void ndc_registry_rank_sources(struct ndc_registry *registry,
                               uint8_t rank[NDC_REGISTRY_SOURCES_MAX + 1]);
/* The linking spec of a kind, compiled in. The caller frees it. */
enum ndc_err ndc_registry_link_spec(struct ndc_link_spec **out,
                                    const struct ndc_registry *registry,
                                    enum ndc_entity type,
                                    struct ndc_fault *fault) NDC_MUST_USE;
/* Writes the tables that specs name as files. */
enum ndc_err ndc_registry_write_specs(const char *dir,
                                      struct ndc_fault *fault) NDC_MUST_USE;
/* A record's values in the order of the spec's fields; texts may point into `scratch`
 * (reset by the caller). */
struct ndc_link_feed;
struct ndc_link_feed *ndc_link_feed_new(const struct ndc_link_spec *spec);
void ndc_link_feed_free(struct ndc_link_feed *feed);
const struct ndc_str *ndc_link_feed_values(struct ndc_link_feed *feed,
                                           const struct ndc_record *record);
/* The same of a record as stages hold it, without decoding the rest; NULL: damaged. */
const struct ndc_str *ndc_link_feed_encoded(struct ndc_link_feed *feed,
                                            struct ndc_str record);

#endif

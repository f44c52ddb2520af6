/* The general store: what is neither person nor organisation. A thing is one record of
 * its dataset's source, found by key; a reference of it leads to a person or organisation
 * by an identifier, or to a thing of another dataset by its key. What leads to somebody
 * is a range of registry_thing_link for each identifier that their records hold. */
#ifndef NDC_REGISTRY_THING_H
#define NDC_REGISTRY_THING_H

#include "platforms/registry/load/load.h"

enum {
    NDC_THING_LINKS_MAX = 200,      /* in one answer */
    NDC_THING_IDENTIFIERS_MAX = 64, /* of one entity, that are followed */
    NDC_THING_PAGE_MAX = 500
};

/* Hashes of what is referred to. A 9-digit person_id is an old_id. */
uint64_t ndc_thing_ref_identifier(const struct ndc_field *by, struct ndc_str value);
uint64_t ndc_thing_ref_key(struct ndc_str dataset, struct ndc_str key);
/* Of a relation with this value. */
uint64_t ndc_thing_ref(const struct ndc_source_relation *relation, struct ndc_str value);
/* What a thing's relation says; a NULL pointer: nothing. */
struct ndc_str ndc_thing_value(const struct ndc_source *source,
                               const struct ndc_record *thing, unsigned field);

/* In the commit of a run of a source of things: what its new stage has otherwise than the
 * one before goes to the tables; the first is bulk loaded in key order. */
enum ndc_err ndc_thing_store(struct load *load, struct ndc_store_conn *conn,
                             struct ndc_fault *fault) NDC_MUST_USE;
/* A stage made anew from the table. */
enum ndc_err ndc_thing_restore(struct ndc_store_conn *conn,
                               const struct ndc_registered *source,
                               struct ndc_stage_writer *out, uint64_t *count,
                               struct ndc_fault *fault) NDC_MUST_USE;

/* The source whose dataset this is, or NULL. */
struct ndc_registered *ndc_thing_dataset(struct ndc_registry *registry,
                                         struct ndc_str dataset);
/* A thing by key, in the arena. *found false: there is none. */
enum ndc_err ndc_thing_read(struct ndc_store_conn *conn, struct ndc_arena *arena,
                            uint32_t source, struct ndc_str key, struct ndc_record *out,
                            bool *found, struct ndc_fault *fault) NDC_MUST_USE;

struct ndc_thing_link {
    const struct ndc_registered *source;
    const struct ndc_source_relation *relation;
    struct ndc_record thing;
};

/* Things that refer to any of the hashes, each checked against what it says, appended to
 * links (room for NDC_THING_LINKS_MAX) in the order of the hashes; *more: there are
 * others. `is` decides whether the value really is what was asked for: hashes can meet by
 * chance. */
enum ndc_err ndc_thing_links(struct ndc_registry *registry, struct ndc_store_conn *conn,
                             struct ndc_arena *arena, const uint64_t *refs, size_t n,
                             bool (*is)(void *arg,
                                        const struct ndc_source_relation *relation,
                                        struct ndc_str value),
                             void *arg, struct ndc_thing_link *links, size_t *count,
                             bool *more, struct ndc_fault *fault) NDC_MUST_USE;

#endif

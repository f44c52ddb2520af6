/* Components of a batch: who may be one entity, and the parts that they are linked in. */
#ifndef NDC_REGISTRY_LIVE_PART_H
#define NDC_REGISTRY_LIVE_PART_H

#include "platforms/registry/live/steps.h"

struct live_group {        /* what is one entity now */
    uint32_t first, count; /* in the part's order */
    uint64_t number;
    bool stands; /* its component was not linked again since */
    bool affected, created, open;
    uint32_t
        from; /* index of the old entity that gave its number, or most of its records */
    struct ndc_str payload, before; /* in one of batch->bufs */
    struct ndc_field_set fields;
    uint8_t kind;    /* enum ndc_change_kind */
    uint32_t source; /* of the records that changed, 0: several */
};

struct live_filler { /* a value of an identifier that far too many hold */
    uint32_t node;
    uint8_t type, field;
    struct ndc_str value;
};

struct live_capped { /* a rule's key whose block is over its cap */
    uint32_t node;
    uint8_t type;
    uint64_t key;
};

/* Some whole components of one kind, linked by themselves. Small, so that it stays in the
 * processor's cache, parts are linked side by side, and what a later look brings together
 * costs little to link again. */
struct live_part {
    uint8_t type;
    bool settled; /* who belongs together was not asked: each entity as it was */
    uint32_t *nodes, node_count; /* components, one after another: in batch->packed */
    struct live_member *members;
    uint32_t count;
    struct live_lookups wanted; /* found while it was made or linked */
    uint32_t *order;            /* rows by group */
    struct live_group *groups;
    uint32_t group_count;
    struct ndc_link *link;       /* NULL: settled */
    struct live_filler *fillers; /* facts about the whole that it is told */
    size_t filler_count, filler_cap;
    uint64_t *capped;
    size_t capped_count, capped_cap;
    uint32_t *edge_starts, *edge_rows; /* joined edges by group: outcome.c */
    enum ndc_err err;
    struct ndc_fault fault;
    uint32_t *row_member; /* link row to member */
};

/* part.c: components and the parts that they are linked in. */
uint32_t ndc_live_node_of_entity(const struct live_batch *batch, uint32_t entity);
uint32_t ndc_live_root(struct live_batch *batch, uint32_t node);
/* They may be one entity: what they are in has to be linked, again if it was. */
void ndc_live_unify(struct live_batch *batch, uint32_t a, uint32_t b);
/* The component of the node has to be linked again. */
void ndc_live_relink(struct live_batch *batch, uint32_t node, unsigned type);
/* Makes nodes of all states and entities that are here. */
void ndc_live_nodes(struct live_batch *batch);
/* Makes parts of the components that have to be linked; returns the first. */
uint32_t ndc_live_pack(struct live_batch *batch);
/* Makes one part a kind of entities whose records changed and whose partition stays. */
void ndc_live_pack_settled(struct live_batch *batch);
void ndc_live_part_members(struct live_batch *batch, uint32_t part);
void ndc_live_part_free(struct live_part *part);
/* The part's groups that hold what was in several components make them one. */
void ndc_live_keep_together(struct live_batch *batch, uint32_t part);
/* Facts about the whole: told to one part; kept with who asked, to be told to every part
 * that has it. */
void ndc_live_tell_filler(struct live_part *part, const struct live_filler *filler);
void ndc_live_tell_capped(struct live_part *part, uint64_t key);
void ndc_live_note_filler(struct live_batch *batch, const struct live_filler *filler);
void ndc_live_note_capped(struct live_batch *batch, uint32_t node, uint8_t type,
                          uint64_t key);
/* Whether the group still is what it says: its component was not linked again since. */
bool ndc_live_group_stands(struct live_batch *batch, uint32_t part,
                           const struct live_group *group);

/* candidates.c: who could belong to the records that changed. */
enum ndc_err ndc_live_candidates(struct live_batch *batch,
                                 struct ndc_fault *fault) NDC_MUST_USE;
/* All that ask with this key are of the node's component. */
void ndc_live_unify_asked(struct live_batch *batch, uint64_t rule_key, uint32_t node);
/* The value of the record's identifier that the spec's field is; empty: none. */
struct ndc_str ndc_live_identifier(const struct live_kind *kind, unsigned field,
                                   const struct ndc_record *record);
/* A table of these members; its rows are the members in the engine's order, which
 * *row_member gets (the caller frees it). */
enum ndc_err ndc_live_table(struct live_batch *batch, unsigned type,
                            const struct live_member *members, uint32_t count,
                            struct ndc_link *link, uint32_t **row_member,
                            struct ndc_fault *fault) NDC_MUST_USE;

#endif

/* A batch at work. */
#ifndef NDC_REGISTRY_LIVE_BATCH_H
#define NDC_REGISTRY_LIVE_BATCH_H
#include "platforms/registry/live/live_internal.h"

struct live_entity {
    uint64_t number;
    int64_t change; /* of its payload; 0: a build's */
    bool exists;
    bool touched; /* to be linked anew though none of its records changed */
    struct ndc_entity_view view;
    /* By record: joined by an identifier to one that changes, so what it was compared
     * with may not be all any more. NULL: none is. */
    bool *stirred;
    uint32_t members;   /* the first of its records among the members of its kind */
    uint32_t *state_of; /* by record: state + 1 of one that changes; NULL: none does */
};

struct live_state {
    uint32_t source;
    struct ndc_str key;
    uint64_t hash;              /* ndc_record_key_hash */
    uint32_t home;              /* index of the entity that holds it, or LIVE_NONE */
    unsigned at;                /* its index there */
    bool changed, fresh, ghost; /* ghost: an end of what nobody has sent */
    uint8_t type;
    struct ndc_record record; /* as it is now */
    uint64_t ghost_version;
    uint32_t *rows; /* of this record, in the order they came: indexes in batch->rows */
    uint32_t row_count, row_cap;
};

enum { LIVE_NONE = 0xffffffff };

struct live_named { /* a row and whose it is */
    struct live_row *row;
    struct live_call *call;
    uint32_t state;
};

/* A record among those that are linked together. */
struct live_member {
    const struct ndc_record *record;
    uint32_t entity; /* index, or LIVE_NONE: new */
    uint32_t state;  /* of a changed one, or LIVE_NONE */
    uint64_t hash;
    uint32_t group; /* after linking */
    bool looked;    /* all that its blocking keys lead to is here */
    bool stirred;   /* see live_entity */
};

struct live_lookup {
    uint64_t key;
    uint8_t table; /* enum ndc_index_table */
    bool only_open;
    bool only_count; /* want nobody: is it capped? */
    bool capped;     /* set when more than `max` are under it */
};

struct live_group {        /* what is one entity now */
    uint32_t first, count; /* in batch->order of its kind */
    uint64_t number;
    bool affected, created, open;
    uint32_t
        from; /* index of the old entity that gave its number, or most of its records */
    struct ndc_str payload, before; /* in one of batch->bufs */
    struct ndc_field_set fields;
    uint8_t kind;    /* enum ndc_change_kind */
    uint32_t source; /* of the records that changed, 0: several */
};

/* Members of one kind, linked. */
struct live_link {
    struct live_member *members;
    uint32_t count, cap;
    uint32_t entities_in; /* entities whose records are among the members */
    struct live_filler {
        unsigned field;
        struct ndc_str value;
    } * fillers;
    size_t filler_count, filler_cap;
    struct ndc_key64 *holders; /* hash of an identifier's value to entity + 1 */
    size_t holder_mask, holder_count;
    uint32_t holders_in; /* members whose identifiers are among them */
    uint64_t *capped;    /* rule keys */
    size_t capped_count, capped_cap;
    uint32_t *order; /* members by group */
    struct live_group *groups;
    uint32_t group_count;
    struct ndc_link *link;
    uint32_t *row_member; /* link row to member */
    uint8_t link_source[NDC_REGISTRY_SOURCES_MAX + 1];
};

struct live_batch {
    struct ndc_live *live;
    struct ndc_arena arena;
    struct live_call *calls;
    struct live_named *rows;
    size_t row_count;
    struct live_state *states;
    uint32_t state_count;
    uint32_t *state_slots;
    uint32_t state_mask;
    struct live_entity *entities;
    uint32_t entity_count, entity_cap, entity_loaded;
    struct ndc_key64 *entity_slots; /* number to index + 1 */
    size_t entity_mask;
    struct ndc_arena *arenas; /* what entities were decoded into */
    size_t arena_count;
    struct live_link links[NDC_ENTITY_COUNT];
    struct ndc_key64 *near; /* pairs that a guard keeps apart, found now */
    size_t near_count, near_cap;
    int64_t now_ms, next_review;
    /* What is written: commit.c */
    struct ndc_change *changes;
    struct live_write {
        uint64_t number;
        uint8_t type;
        struct ndc_str payload; /* empty: it is no more */
    } * writes;
    size_t change_count;
    struct ndc_key64
        *redirects; /* from a number that is no more to who has its records */
    size_t redirect_count;
    struct ndc_key64 *entries; /* index entries, some of which may be there already */
    size_t entry_count, entry_cap;
    struct ndc_buf *bufs; /* payloads */
    size_t buf_count;
};

/* find.c */
enum ndc_err ndc_live_find(struct live_batch *batch,
                           struct ndc_fault *fault) NDC_MUST_USE;
/* The entity's index in the batch, added to be loaded if it is new. */
uint32_t ndc_live_want(struct live_batch *batch, uint64_t number);
/* Loads what was wanted, and what stands near it. */
enum ndc_err ndc_live_load(struct live_batch *batch,
                           struct ndc_fault *fault) NDC_MUST_USE;
/* Looks up keys and wants every entity under them; sets `capped` where there are over
 * `max`. *found: entities that were not here before. */
enum ndc_err ndc_live_look(struct live_batch *batch, struct live_lookup *lookups,
                           size_t n, size_t max, size_t *found,
                           struct ndc_fault *fault) NDC_MUST_USE;

/* relink.c: members of every kind into groups. */
enum ndc_err ndc_live_link(struct live_batch *batch,
                           struct ndc_fault *fault) NDC_MUST_USE;

/* settle.c: what the rows make of the records they name; outcome.c: numbers, payloads,
 * changes, index entries of the groups; commit.c. */
enum ndc_err ndc_live_settle(struct live_batch *batch,
                             struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_live_outcome(struct live_batch *batch,
                              struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_live_commit(struct live_batch *batch,
                             struct ndc_fault *fault) NDC_MUST_USE;

#endif

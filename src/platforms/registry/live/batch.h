/* A batch at work; what is done with it, step by step, is in steps.h. */
#ifndef NDC_REGISTRY_LIVE_BATCH_H
#define NDC_REGISTRY_LIVE_BATCH_H

#include "platforms/registry/live/live_internal.h"

enum live_note {
    /* Joined by an identifier to a record that changes, so what it was compared with may
     * not be all any more. */
    LIVE_STIRRED = 1,
    LIVE_LOOKED = 2 /* all that its blocking keys lead to is here */
};

struct live_entity {
    uint64_t number;
    int64_t change; /* of its payload; 0: a build's */
    bool exists;
    bool touched; /* to be linked anew though none of its records changed */
    struct ndc_entity_view view;
    uint8_t *notes;     /* by record: enum live_note; NULL: none */
    uint32_t *state_of; /* by record: state + 1 of one that changes; NULL: none does */
    uint32_t part;      /* the last part that has its records; LIVE_NONE: none */
    uint32_t members;   /* the first of them among the part's members */
};

struct live_state {
    uint32_t source;
    struct ndc_str key;
    uint64_t hash;              /* ndc_record_key_hash */
    uint32_t home;              /* index of the entity that holds it, or LIVE_NONE */
    unsigned at;                /* its index there */
    bool changed, fresh, ghost; /* ghost: an end of what nobody has sent */
    bool asks;                  /* it says something else to linking than it did */
    bool looked;                /* all that its blocking keys lead to is here */
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
    uint32_t at;    /* its index in the entity */
    uint32_t group; /* after linking */
};

/* A key to look up. Who asks becomes one component with whom it leads to. */
struct live_lookup {
    uint64_t key;
    uint64_t about; /* what its asker must know again */
    uint32_t node;  /* who asks; LIVE_NONE: only to load what is there */
    uint32_t part;  /* that asks */
    uint32_t max;   /* entities; more are nobody's */
    uint8_t type;
    uint8_t table; /* enum ndc_index_table */
    bool only_open;
    bool only_count; /* want nobody: is it capped? */
    bool capped;     /* set when more than `max` are under it */
};

struct live_lookups {
    struct live_lookup *items;
    size_t count, cap;
};

struct live_part; /* part.h */

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
    bool crowded; /* more entities than one batch may look at */
    /* Who may be one entity: a forest over nodes. A node is a fresh state (its index) or
     * an entity (state_count + its index); what is here of a component stands at its
     * root. */
    struct live_node {
        uint32_t parent;
        uint32_t part[NDC_ENTITY_COUNT]; /* that has it, or LIVE_NONE: to be linked */
        bool asks[NDC_ENTITY_COUNT];
    } * nodes;
    uint32_t node_cap;
    struct live_part *parts;
    uint32_t part_count, part_cap;
    uint32_t **packed; /* nodes of parts, an array a round */
    size_t packed_count;
    struct live_filler *fillers;
    size_t filler_count, filler_cap;
    struct live_capped *capped;
    size_t capped_count, capped_cap;
    struct ndc_key64 *asked; /* rule keys of states that ask, sorted, and the state */
    size_t asked_count;
    uint8_t rank[NDC_REGISTRY_SOURCES_MAX + 1]; /* of sources, as a build orders them */
    struct ndc_link_feed *feeds[NDC_ENTITY_COUNT]; /* of the batch's own thread */
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
    struct ndc_key64
        *entries; /* index entries, sorted, each once; some may be there already */
    size_t entry_count, entry_cap;
    struct ndc_key64 *numbers; /* of writes, sorted, and their places */
    int64_t first_seq;         /* of its changes, once committed */
    struct ndc_buf *bufs;      /* payloads */
    size_t buf_count;
};

#endif

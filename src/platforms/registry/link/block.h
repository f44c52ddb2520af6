/* Candidate pairs: blocking keys, blocks, caps. Cost follows pairs, so blocks are bounded
 * and what was left out is reported. */
#ifndef NDC_REGISTRY_LINK_BLOCK_H
#define NDC_REGISTRY_LINK_BLOCK_H

#include "base/sort.h"
#include "platforms/registry/link/table.h"

/* Rows already known to be one entity, before any pair is scored. */
struct nodes {
    uint32_t count;
    uint32_t *of;      /* row -> node; nodes are numbered by their first row */
    uint32_t *start;   /* node -> first index in members; [count] is the end */
    uint32_t *members; /* rows, by node then row */
    uint32_t *rows; /* node -> its rows where not all of them are here; NULL: they are */
    unsigned unique_count;
    unsigned unique_fields[NDC_LINK_FIELDS_MAX];
    uint32_t *unique; /* node x unique_count: its value of each unique field, 0: none */
};

/* True if the two nodes hold clearly different values of a unique field. */
bool ndc_link_nodes_conflict(const struct table *table, const struct nodes *nodes,
                             uint32_t a, uint32_t b);

struct block_key_table; /* where a transform's keys stand among a value's keys */

struct blocks {
    const struct table *table;
    const struct nodes *nodes;
    struct block_key_table *tables;
    unsigned table_count;
    uint16_t part_table[RULES_MAX][PARTS_MAX][PART_FIELDS_MAX];
    uint64_t *value_keys[NDC_LINK_FIELDS_MAX]; /* by dictionary: value x its key_width,
                                                  while building */
    unsigned key_width[NDC_LINK_FIELDS_MAX];
    uint64_t rule_seeds[RULES_MAX];
    uint32_t rule_needs[RULES_MAX]; /* bit set of the fields it cannot do without */
    bool rule_plain[RULES_MAX];     /* one field and one key a part */
    unsigned rule_home[RULES_MAX];  /* the part that is its keys' home; PARTS_MAX: none */
    uint64_t filter_bits, *filters[RULES_MAX]; /* keys of open nodes, while building */
    uint32_t rule_fields[RULES_MAX];           /* bit set of the fields it reads */
    /* Rule -> entries sorted by key, keys held by one node only left out. */
    struct ndc_key32 *entries[RULES_MAX];
    uint32_t entry_count[RULES_MAX];
    /* Fields to split large blocks by, the most telling first. */
    unsigned split_fields[NDC_LINK_FIELDS_MAX];
    unsigned split_count;
    const uint64_t
        *capped; /* sorted: keys of blocks that are over their caps elsewhere */
    size_t capped_count;
    uint64_t pairs_at_most;
    struct ndc_link_cap *caps;
    size_t cap_count;
};

/* Nodes of several rows with a unique identifier are settled: two of them are two
 * entities. Any other node is open: one row may be a slip of the pen, or have no
 * identifier. */
bool ndc_link_nodes_open(const struct nodes *nodes, uint32_t node);

void ndc_link_blocks_build(struct blocks *blocks, const struct table *table,
                           const struct nodes *nodes, unsigned threads);
/* All pairs have been taken: gives back the entries, keeps the caps. */
void ndc_link_blocks_done(struct blocks *blocks);
void ndc_link_blocks_free(struct blocks *blocks);
/* Puts what was capped in order, the largest first. */
void ndc_link_blocks_sort_caps(struct blocks *blocks);

struct pairs {
    uint64_t *items; /* (smaller row) << 32 | larger row, sorted, distinct */
    size_t count, cap;
};

/* Pairs whose smaller row is in [from, to). With `report` the capped blocks are noted. */
void ndc_link_blocks_pairs(struct blocks *blocks, struct pairs *out, uint32_t from,
                           uint32_t to, unsigned threads, bool report);

/* A sample of all pairs, those whose hash is `below` or less, drawn while blocks are
 * walked once. Returns how many pairs there are, each counted once for every rule it came
 * by. */
uint64_t ndc_link_blocks_sample(struct blocks *blocks, struct pairs *out, uint64_t below,
                                unsigned threads);

/* Every key of every node, each once a node, with the first row that has it. `home` is a
 * part of the key that many rules share (a name, a date): what agrees on a key agrees on
 * its home, and a row has far fewer homes than keys. */
struct block_visitor {
    void *arg;
    void (*take)(void *arg, uint32_t node, uint32_t row, unsigned rule, uint64_t key,
                 uint64_t home);
};
void ndc_link_blocks_visit(const struct table *table, const struct nodes *nodes,
                           const struct block_visitor *visitor);

/* Every key of one row under the rules; for ndc_link_keys. */
unsigned ndc_link_blocks_row_keys(const struct table *table, uint32_t row,
                                  uint64_t keys[static NDC_LINK_KEYS_MAX]);

#endif

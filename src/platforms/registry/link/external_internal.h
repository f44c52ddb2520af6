/* What the steps of linking out of memory hand on to each other (external.h). */
#ifndef NDC_REGISTRY_LINK_EXTERNAL_INTERNAL_H
#define NDC_REGISTRY_LINK_EXTERNAL_INTERNAL_H

#include "platforms/registry/link/external.h"
#include "platforms/registry/link/run.h"
#include "platforms/registry/link/spool.h"

/* A node as its component needs it; the text of each unique value follows (length in 16
 * bits and bytes). */
struct node_record {
    uint32_t first; /* its least row, by which it is named */
    uint32_t lead;  /* the row that stands for it */
    uint32_t rows;
};

/* An edge on its way: the pair of rows, lesser first; log odds and kind. */
static inline struct ndc_key64 external_edge(uint32_t a, uint32_t b, float log_odds,
                                             unsigned kind)
{
    uint32_t bits;
    memcpy(&bits, &log_odds, sizeof bits);
    return (struct ndc_key64){(uint64_t)a << 32 | b, (uint64_t)bits << 8 | kind};
}

static inline struct ndc_link_edge external_edge_of(struct ndc_key64 e)
{
    struct ndc_link_edge out = {
        .a = (uint32_t)(e.key >> 32), .b = (uint32_t)e.key, .kind = (uint8_t)e.value};
    uint32_t bits = (uint32_t)(e.value >> 8);
    memcpy(&out.log_odds, &bits, sizeof bits);
    return out;
}

struct external {
    struct ndc_link *link; /* of all rows, without values */
    const struct ndc_link_reader *reader;
    uint32_t rows;
    unsigned shares, homes, ranges;
    unsigned range_log2;  /* rows of a range */
    uint32_t *parent;     /* row -> a lesser row of its component, or itself */
    uint32_t *entity;     /* row -> first row of its node, in the end of its entity */
    uint32_t (*apart)[2]; /* first rows of nodes that a decision keeps apart */
    size_t apart_count;
    uint64_t *met;             /* bit set by a node's first row: it has an edge */
    struct spool *copies;      /* by range: rows as they were read */
    struct spool *identifiers; /* by value: value and row */
    struct spool *texts;       /* by share: rows */
    struct spool *keys;        /* by home: key and row */
    struct spool *nodes;       /* by range of the first row: node_record */
    struct spool *edges;       /* by range of the lesser row: external_edge */
    struct spool *kept;        /* by home: key and row, of blocks that give pairs */
    struct spool *wanted;      /* by range: row and home */
    struct spool *met_texts;   /* by home: rows */
    struct spool *scored;      /* the same, not yet merged, maybe twice */
    struct spool *shared_nodes, *shared_edges; /* by share of their component */
    struct ndc_mutex lock; /* guards what follows, and the link's reviews and stats */
    enum ndc_err err;
    struct ndc_fault fault;
};

/* The first failure stands; the steps stop. */
void ndc_link_external_fail(struct external *x, const struct ndc_fault *fault);
bool ndc_link_external_failed(struct external *x);
/* Runs a step on every part, unless something failed; the step's spools end with it. */
enum ndc_err ndc_link_external_run(struct external *x, size_t n,
                                   void (*step)(void *arg, size_t i),
                                   struct ndc_fault *fault) NDC_MUST_USE;

/* A part's bytes, the caller's to free. False: something failed, nothing is taken. */
bool ndc_link_external_take(struct external *x, struct spool *spool, size_t part,
                            void **bytes, size_t *len);
/* Reads the rows of a range. */
void ndc_link_external_read(struct external *x, size_t range,
                            const struct ndc_link_taker *taker);

static inline unsigned external_part(uint64_t hash, unsigned parts)
{
    return (unsigned)((unsigned __int128)hash * parts >> 64);
}

/* Of a component, once `parent` is flat. */
static inline unsigned external_share(const struct external *x, uint32_t row)
{
    return external_part(ndc_mix64(x->parent[row] + (uint64_t)1), x->shares);
}

static inline unsigned external_range(const struct external *x, uint32_t row)
{
    return row >> x->range_log2;
}

/* Joins two rows' components; several threads may. The root is the least row. */
void ndc_link_external_join(uint32_t *parent, uint32_t a, uint32_t b);
/* Every row's parent becomes its root. */
void ndc_link_external_flatten(uint32_t *parent, uint32_t rows);

/* Blocks of spools: of rows in their order, which fill one part after another; of rows
 * dealt; of keys, nodes and edges. */
enum {
    EXTERNAL_COPY_BYTES = 1 << 20,
    EXTERNAL_TEXT_BYTES = 64 << 10,
    EXTERNAL_KEY_BYTES = 32 << 10
};

/* A row on its way through a spool. */
enum { EXTERNAL_ROW_MAX = 10 + NDC_LINK_FIELDS_MAX * (RAW_BYTES_MAX + 2) };
size_t ndc_link_external_encode(char out[static EXTERNAL_ROW_MAX], unsigned fields,
                                uint32_t row, uint32_t tag, const struct ndc_str *values);

/* Takes a row; values point into `in`. Returns what follows it. */
const char *ndc_link_external_decode(const char *in, uint32_t *row, uint32_t *tag,
                                     struct ndc_str values[static NDC_LINK_FIELDS_MAX]);

/* A link of some rows, by their numbers in the whole (ascending). */
struct external_part {
    struct ndc_link *link;
    uint32_t *rows; /* row of the part -> row of the whole */
    uint32_t count;
};
/* Declares the sources with as many rows as these have of each. Takes `rows`. */
enum ndc_err ndc_link_external_part(struct external_part *part, struct external *x,
                                    uint32_t *rows, uint32_t count, unsigned threads,
                                    struct ndc_fault *fault) NDC_MUST_USE;
/* Makes a part of rows, encoded one after another. */
enum ndc_err ndc_link_external_fill(struct external_part *part, struct external *x,
                                    const char *bytes, size_t len, unsigned threads,
                                    struct ndc_fault *fault) NDC_MUST_USE;
/* Makes a part of the rows of a spool. */
enum ndc_err ndc_link_external_load(struct external_part *part, struct external *x,
                                    struct spool *spool, unsigned number,
                                    struct ndc_fault *fault) NDC_MUST_USE;
void ndc_link_external_part_free(struct external_part *part);
/* Row of the whole -> row of the part; UINT32_MAX: not in it. */
uint32_t ndc_link_external_find(const struct external_part *part, uint32_t row);
/* Tells a part what the whole knows: fillers, decisions on two of its rows. */
void ndc_link_external_tell(struct external *x, const struct external_part *part);
/* Adds a part's edges to a spool by range of the lesser row. */
void ndc_link_external_keep_edges(struct external *x, const struct external_part *part,
                                  struct spool *spool);
/* Adds a part's reviews to those of the whole. */
void ndc_link_external_reviews(struct external *x, const struct external_part *part);

/* Learns the model on a sample of shares, once rows have been dealt into them. */
enum ndc_err ndc_link_external_learn(struct external *x,
                                     struct ndc_fault *fault) NDC_MUST_USE;
/* The steps. */
enum ndc_err ndc_link_external_identifiers(struct external *x,
                                           struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_link_external_shares(struct external *x,
                                      struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_link_external_pairs(struct external *x,
                                     struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_link_external_end(struct external *x,
                                   struct ndc_fault *fault) NDC_MUST_USE;

#endif

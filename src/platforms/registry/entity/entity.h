/* An entity: the records that are one person or organisation, the edges that say why, and
 * the golden record chosen from them. Stored as one payload, so a read is one row.
 * payload.h describes it: a text that several records have stands in it once. A golden
 * value is a reference to its record's field: value and lineage are one thing. */
#ifndef NDC_REGISTRY_ENTITY_H
#define NDC_REGISTRY_ENTITY_H

#include "base/arena.h"
#include "core/dictionary.h"
#include "platforms/registry/load/record.h"

enum {
    NDC_ENTITY_RECORDS_MAX = 4096,
    NDC_ENTITY_EDGES_MAX = 8192,
    NDC_ENTITY_ID_LEN = 12, /* "P-7KX2M9QD-3" */
    NDC_ENTITY_PAYLOAD_MAX = 16 << 20
};

/* Why a golden value is the one. */
enum ndc_golden_rule {
    NDC_GOLDEN_ONLY = 1,  /* no other value stood against it */
    NDC_GOLDEN_AUTHORITY, /* its source is the authority for the field */
    NDC_GOLDEN_FULLER,    /* the fuller form: a whole date, a name with its tones */
    NDC_GOLDEN_RECENCY,   /* the source touched it last */
    NDC_GOLDEN_AGREEMENT, /* most sources say so */
    NDC_GOLDEN_FIRST      /* nothing else decided: lowest source number */
};

struct ndc_golden {
    uint8_t field, rule;   /* dictionary id, enum ndc_golden_rule */
    uint16_t record;       /* index of the record it comes from */
    uint16_t alternatives; /* other values that stood against it; not stored */
    const struct ndc_record_field *value;
};

struct ndc_entity_edge {
    uint16_t a, b;       /* record indexes */
    uint8_t kind;        /* enum ndc_link_edge_kind */
    uint8_t probability; /* in 255ths */
};

struct ndc_entity_view {
    enum ndc_entity type;
    unsigned record_count, golden_count, edge_count;
    struct ndc_record *records;
    struct ndc_golden *golden;
    struct ndc_entity_edge *edges;
};

/* Survivorship: which source is the authority for what. authority[source][field] is a
 * rank, 1 best, 0 none. */
struct ndc_survivorship {
    const uint8_t (*authority)[NDC_FIELDS_MAX];
    size_t sources;
    unsigned updated_field; /* dictionary id of the source's own time of change */
};

/* Chooses the golden value of every field: authority, then the fuller form, then recency,
 * then agreement, then the lowest source. Ended records count only where no other has the
 * field. Writes at most NDC_FIELDS_MAX entries in field order and returns their number.
 */
unsigned ndc_golden_choose(struct ndc_golden *out, const struct ndc_record *records,
                           unsigned count, const struct ndc_survivorship *how);

/* Appends the payload. */
void ndc_entity_encode(struct ndc_buf *out, const struct ndc_entity_view *view);
/* Decodes into `arena`; texts point into `payload`. False: damaged, or too large. */
bool ndc_entity_decode(struct ndc_entity_view *view, struct ndc_arena *arena,
                       struct ndc_str payload);
/* The golden value of a field, or NULL. */
const struct ndc_golden *ndc_entity_golden(const struct ndc_entity_view *view,
                                           unsigned field);

/* Entity numbers are 1, 2, 3… inside; outside they are opaque texts with a check letter,
 * so that none can be guessed from another and a slip of the pen is noticed. */
void ndc_entity_id_format(char out[static NDC_ENTITY_ID_LEN + 1], enum ndc_entity type,
                          uint64_t number);
/* False: not an entity id (wrong form or check letter). Lower case and missing dashes are
 * accepted. */
bool ndc_entity_id_parse(struct ndc_str text, enum ndc_entity *type, uint64_t *number);

const char *ndc_golden_rule_name(enum ndc_golden_rule rule);

#endif

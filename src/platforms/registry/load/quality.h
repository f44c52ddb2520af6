/* Scorecards: how good a run's rows are, by the four criteria (correct, complete, clean,
 * live), by field, by reason and by rule. Counters only: a scorecard of 157 million rows
 * is as small as one of ten. */
#ifndef NDC_REGISTRY_QUALITY_H
#define NDC_REGISTRY_QUALITY_H

#include "base/json.h"
#include "platforms/registry/source/source.h"

enum { NDC_QUALITY_REASONS_MAX = 512, NDC_REASONS_PER_ROW_MAX = 64 };

/* One thing that is wrong with a row. */
struct ndc_reason {
    int field;              /* index in source->fields; -1: the row as a whole */
    const char *code;       /* "date.not_in_calendar": stable, static */
    struct ndc_title title; /* in words; static or the source's */
    enum ndc_criterion criterion;
    bool blocks;           /* sends the row to quarantine */
    struct ndc_str value;  /* what stood there */
    uint64_t earlier_line; /* where it stood before; 0: it did not */
};

struct ndc_quality_reason {
    int field;
    const char *code;
    struct ndc_title title;
    enum ndc_criterion criterion;
    uint64_t count;
};

struct ndc_quality_field {
    uint64_t present, missing, failed, repaired;
};

struct ndc_quality {
    const struct ndc_source *source;
    uint64_t rows, accepted, quarantined;
    uint64_t checked[NDC_CRITERION_COUNT], failed[NDC_CRITERION_COUNT];
    struct ndc_quality_field *fields; /* one per source field */
    uint64_t *rule_failed;            /* one per source rule */
    unsigned reason_count;
    struct ndc_quality_reason reasons[NDC_QUALITY_REASONS_MAX];
};

void ndc_quality_init(struct ndc_quality *quality, const struct ndc_source *source);
void ndc_quality_free(struct ndc_quality *quality);
/* Counts a reason (not against `checked`: the mapper counts what it checks). */
void ndc_quality_add(struct ndc_quality *quality, const struct ndc_reason *reason);
/* Share of checks that passed, 0..1; 1 where nothing was checked. */
double ndc_quality_score(const struct ndc_quality *quality, enum ndc_criterion criterion);
/* {"criteria":{…},"fields":[…],"rules":[…]}: what GET /runs/{run} gives. */
void ndc_quality_write(const struct ndc_quality *quality, struct ndc_json *out);
/* Reads the scores back from such a JSON text. */
bool ndc_quality_read_scores(struct ndc_str json, double scores[NDC_CRITERION_COUNT]);

/* {"vi":…,"en":…} */
void ndc_title_write(struct ndc_json *out, const char *key, struct ndc_title title);

#endif

/* From a source's row to a normalised record: each column brought to its field's form by
 * the normalisers, then checked: required fields, patterns, the source's rules, one field
 * against another. A row keeps every reason, not only the first. */
#ifndef NDC_REGISTRY_MAP_H
#define NDC_REGISTRY_MAP_H

#include "base/date.h"
#include "platforms/registry/load/quality.h"
#include "platforms/registry/load/record.h"
#include "platforms/registry/source/connect.h"

struct ndc_mapper;

/* Resolves the source's columns in this connector. `today` judges dates. */
struct ndc_mapper *ndc_mapper_new(const struct ndc_source *source,
                                  const struct ndc_connect *connect,
                                  struct ndc_date today);
void ndc_mapper_free(struct ndc_mapper *mapper);

enum ndc_row_op { NDC_ROW_UPSERT, NDC_ROW_DELETE };

struct ndc_mapped {
    struct ndc_record record; /* key and fields; texts live until the next call */
    enum ndc_row_op op;
    bool blocked; /* to quarantine, with every reason */
    unsigned reason_count;
    struct ndc_reason reasons[NDC_REASONS_PER_ROW_MAX];
};

/* Maps one row and counts it in `quality` (rows, fields, criteria, reasons; not accepted
 * and quarantined, which the caller knows). In two steps: its key and operation, so that
 * what is known of the key can be fetched meanwhile, then the rest. */
void ndc_mapper_begin(struct ndc_mapper *mapper, const struct ndc_connect_row *row,
                      struct ndc_mapped *out, struct ndc_quality *quality);
void ndc_mapper_values(struct ndc_mapper *mapper, const struct ndc_connect_row *row,
                       struct ndc_mapped *out, struct ndc_quality *quality);
void ndc_mapper_map(struct ndc_mapper *mapper, const struct ndc_connect_row *row,
                    struct ndc_mapped *out, struct ndc_quality *quality);
/* Adds a reason found outside (a duplicate key, an unreadable row). */
void ndc_mapped_add(struct ndc_mapped *mapped, const struct ndc_reason *reason,
                    struct ndc_quality *quality);

/* The key of a row, its columns joined with "|"; empty if one is missing. Appends. */
struct ndc_str ndc_mapper_key(struct ndc_mapper *mapper,
                              const struct ndc_connect_row *row);

#endif

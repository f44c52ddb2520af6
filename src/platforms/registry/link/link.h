/* Record linkage: which records are one entity. The public interface of the engine.
 *
 * A spec (YAML, docs/linking.md) names fields, how each is compared, blocking keys and
 * guards. A link table takes rows of field values, and one run gives every row an entity:
 * identifiers first, then Fellegi-Sunter weights whose parameters are learned from the
 * rows themselves, then best-first merging under guards. Nothing is learned from truth.
 * The result depends on the set of rows only: not on their order, nor on threads.
 *
 *     ndc_link_spec_load(&spec, path, fault);
 *     link = ndc_link_new(spec, &(struct ndc_link_options){.threads = 2});
 *     ndc_link_source_add(link, NDC_STR("tax"), &tax, fault);
 *     batch = ndc_link_batch_new(link);             one per feeding thread
 *     ndc_link_batch_add(batch, tax, ref, values);  values in the spec's field order
 *     ndc_link_batch_commit(batch, fault);          thread-safe; frees the batch
 *     ndc_link_run(link, fault);
 *     ndc_link_entity(link, row); ndc_link_edges(link, &n); ndc_link_reviews(link, &n);
 *     ndc_link_free(link); ndc_link_spec_free(spec);
 *
 * Results are read with result.h; one lookup with the same weights is match.h.
 */
#ifndef NDC_REGISTRY_LINK_LINK_H
#define NDC_REGISTRY_LINK_LINK_H

#include "base/buf.h"
#include "base/error.h"

enum {
    NDC_LINK_FIELDS_MAX = 16,
    NDC_LINK_SOURCES_MAX = 256,
    NDC_LINK_ROWS_MAX = 0x7fffffff,
    NDC_LINK_KEYS_MAX = 64 /* blocking keys of one record */
};

struct ndc_link_spec;
struct ndc_link;
struct ndc_link_batch;
struct ndc_link_model;

/* Parses a spec; a wrong one is NDC_EINPUT with its line, the field at fault and the
 * nearest right word. The caller frees it after every table and model made from it.
 * Files the spec names (alias tables) are read relative to `directory` (NULL: "."). */
enum ndc_err ndc_link_spec_load(struct ndc_link_spec **out, const char *path,
                                struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_link_spec_parse(struct ndc_link_spec **out, struct ndc_str yaml,
                                 const char *directory,
                                 struct ndc_fault *fault) NDC_MUST_USE;
void ndc_link_spec_free(struct ndc_link_spec *spec);
unsigned ndc_link_spec_field_count(const struct ndc_link_spec *spec);
const char *ndc_link_spec_field_name(const struct ndc_link_spec *spec, unsigned field);
/* The least probability at which two records are joined. */
double ndc_link_spec_join(const struct ndc_link_spec *spec);
/* Records of one entity at most; a value that more rows hold is no identifier. */
uint32_t ndc_link_spec_entity_max(const struct ndc_link_spec *spec);
bool ndc_link_spec_identifier(const struct ndc_link_spec *spec, unsigned field);
/* Whether two clearly different values of the field cannot be one entity. */
bool ndc_link_spec_unique(const struct ndc_link_spec *spec, unsigned field);
/* True if only records of different sources are compared. */
bool ndc_link_spec_between(const struct ndc_link_spec *spec);
/* Index of the field so named, or -1. */
int ndc_link_spec_field_find(const struct ndc_link_spec *spec, struct ndc_str name);

struct ndc_link_options {
    unsigned threads;      /* 0: one per core, at most 16; never changes the result */
    size_t pair_bytes_max; /* candidate pairs in memory at once; 0: 512 MiB */
    /* May be NULL. Called from the running thread: part in 0..1 of the whole. */
    void (*progress)(void *ctx, const char *stage, double part);
    /* May be NULL. True stops the run with NDC_ECANCELED. */
    bool (*canceled)(void *ctx);
    void *ctx;
    bool keep_open; /* ndc_link_open is asked after the run */
};

struct ndc_link *ndc_link_new(const struct ndc_link_spec *spec,
                              const struct ndc_link_options *options);
void ndc_link_free(struct ndc_link *link);
const struct ndc_link_spec *ndc_link_spec_of(const struct ndc_link *link);

/* Declares a source before its rows are added; the same name gives the same number. Under
 * `one_to_one` a source holds each entity once at most. */
enum ndc_err ndc_link_source_add(struct ndc_link *link, struct ndc_str name,
                                 unsigned *source, struct ndc_fault *fault) NDC_MUST_USE;

/* Declares a source whose records are numbered 0 to rows - 1 and will all be added. When
 * the sources of a table are declared so, each after those of lesser names (bytewise),
 * every row has its place from the beginning: nothing is sorted or copied. Not to be
 * mixed with ndc_link_source_add. */
enum ndc_err ndc_link_source_whole(struct ndc_link *link, struct ndc_str name,
                                   uint32_t rows, unsigned *source,
                                   struct ndc_fault *fault) NDC_MUST_USE;

/* A batch belongs to one thread. values[f] is field f's text (UTF-8; empty: missing); it
 * is folded as the field's comparator asks. ref is the caller's number for the record,
 * unique within its source. */
struct ndc_link_batch *ndc_link_batch_new(struct ndc_link *link);
void ndc_link_batch_add(struct ndc_link_batch *batch, unsigned source, uint64_t ref,
                        const struct ndc_str *values);
/* The same of a source declared whole, whose ref is a place in a file: `tag` says which
 * of two records of one source comes first wherever that decides something, so that the
 * result does not depend on the order of the file. Where refs are the caller's own
 * numbers their order does. */
void ndc_link_batch_add_tagged(struct ndc_link_batch *batch, unsigned source,
                               uint64_t ref, uint32_t tag, const struct ndc_str *values);
enum ndc_err ndc_link_batch_commit(struct ndc_link_batch *batch,
                                   struct ndc_fault *fault) NDC_MUST_USE;

/* A reviewer's decision on two records: same (must link) or not (cannot link). Decisions
 * on records that are not in the table are ignored and counted. */
void ndc_link_decide(struct ndc_link *link, unsigned source_a, uint64_t ref_a,
                     unsigned source_b, uint64_t ref_b, bool same);

/* Gives weights learned before (ndc_link_model_read): the run then scores with them
 * instead of learning. The model must outlive the run. With the same model, whether it
 * was learned in this run or given, the same records are linked alike. */
void ndc_link_use_model(struct ndc_link *link, const struct ndc_link_model *model);

/* Of a table that holds a part of the records only (some entities and what may touch
 * them), what the whole would know: that far too many records hold this value of an
 * identifier, or that the block of this key is over its cap. */
void ndc_link_filler_add(struct ndc_link *link, unsigned field, struct ndc_str value);
void ndc_link_capped_add(struct ndc_link *link, uint64_t key);

/* Folds and orders the rows without linking them, for who only asks ndc_link_row_keys. */
void ndc_link_prepare(struct ndc_link *link);
/* Links. Once per table. */
enum ndc_err ndc_link_run(struct ndc_link *link, struct ndc_fault *fault) NDC_MUST_USE;
/* After a run: gives back the rows' values, most of the table's memory. Everything of
 * result.h still works but ndc_link_value and ndc_link_explain. */
void ndc_link_drop_rows(struct ndc_link *link);

#endif

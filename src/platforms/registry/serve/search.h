/* Finding people and organisations by name (with or without tones, misspelt, partial),
 * number, birth date and province. */
#ifndef NDC_REGISTRY_SEARCH_H
#define NDC_REGISTRY_SEARCH_H

#include "platforms/registry/registry.h"

struct ndc_search {
    struct ndc_str name, id;   /* at least one */
    struct ndc_str birth_date; /* ISO, or its beginning; may be empty */
    uint32_t province;         /* current province's code; 0: any */
    bool only_type;
    enum ndc_entity type;
};

/* The entity that holds a record. NDC_ENOTFOUND: review.gone. */
enum ndc_err ndc_registry_find_record(struct ndc_registry *registry,
                                      struct ndc_store_conn *conn,
                                      struct ndc_arena *arena, uint32_t source,
                                      struct ndc_str key, uint64_t *number,
                                      struct ndc_entity_view *view,
                                      struct ndc_fault *fault) NDC_MUST_USE;

struct ndc_search_hit {
    uint64_t number;
    enum ndc_entity type;
    double score;                                         /* 0..1 */
    struct ndc_str full_name, birth_date, sex, id_number; /* golden values */
    uint32_t province;
};

enum { NDC_SEARCH_MAX = 400 };

/* Best first, at most `max`. Texts live in the arena. Work is bounded: of a name that
 * fits thousands NDC_SEARCH_MAX are looked at, and *more (may be NULL) says that others
 * fit as well; a birth date or province narrows it. */
enum ndc_err ndc_registry_search(struct ndc_registry *registry,
                                 struct ndc_store_conn *conn, struct ndc_arena *arena,
                                 const struct ndc_search *query,
                                 struct ndc_search_hit *hits, size_t max, size_t *count,
                                 bool *more, struct ndc_fault *fault) NDC_MUST_USE;

#endif

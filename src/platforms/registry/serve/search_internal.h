/* The three steps of a search (search.h): the index gives candidates, each with what the
 * keys it stands under say of it (search_keys.c); the likeliest are read (search.c) and
 * compared with what was asked (search_score.c). */
#ifndef NDC_REGISTRY_SEARCH_INTERNAL_H
#define NDC_REGISTRY_SEARCH_INTERNAL_H

#include "base/date.h"
#include "platforms/registry/serve/search.h"

enum {
    SEARCH_NAME_BYTES = 256,
    SEARCH_WORDS_MAX = 12,
    SEARCH_POOL_MAX = 1 << 15 /* candidates; more are not looked at */
};

/* The words of a folded name. */
struct search_words {
    unsigned n;
    struct ndc_str items[SEARCH_WORDS_MAX];
};

enum search_seen { SEARCH_YEAR = 1, SEARCH_DATE = 2, SEARCH_PLACE = 4 };

/* What a key says of who stands under it: how well the name fits as a whole (0..1), which
 * words of the query it has, which in another spelling (bits), and enum search_seen. */
struct search_evidence {
    float name;
    uint16_t words, near;
    uint8_t seen;
};

struct search_candidate {
    uint64_t entity;
    struct search_evidence is;
    float worth; /* 0..1, what the score may be */
};

struct search {
    struct ndc_registry *registry;
    struct ndc_store_conn *conn;
    const struct ndc_search *query;
    struct ndc_str name; /* folded */
    bool toned;
    uint64_t disk_bytes;              /* of this thread when the search began */
    struct search_words words, cased; /* cased: with tones and marks */
    uint32_t year;                    /* 0: not asked */
    int32_t today;                    /* days since the epoch */
    struct ndc_arena arena;           /* the search's own */

    struct search_candidate *pool; /* best first when gathered */
    size_t count;
    uint32_t *slots;  /* of the pool by entity: numbers + 1 */
    uint64_t *wanted; /* keys to be looked up next, with what they say */
    struct search_evidence *says;
    size_t wanted_count;
};

void ndc_search_words(struct search_words *out, struct ndc_str folded);
/* Fills the pool. */
enum ndc_err ndc_search_gather(struct search *search,
                               struct ndc_fault *fault) NDC_MUST_USE;
/* 0..1; 0 also of who is not in the province or not of the type that was asked. */
double ndc_search_score(const struct search *search, const struct ndc_entity_view *view,
                        uint32_t *province);

#endif

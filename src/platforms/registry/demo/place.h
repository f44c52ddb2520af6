/* Places: the units of before and after July 2025, how many live where, addresses. */
#ifndef NDC_REGISTRY_DEMO_PLACE_H
#define NDC_REGISTRY_DEMO_PLACE_H

#include "base/arena.h"
#include "platforms/registry/demo/draw.h"

enum {
    DEMO_CYCLE = 1000, /* villages in one round of the country */
    DEMO_FORMER_PROVINCES = 63,
    DEMO_PROVINCES = 34,
    DEMO_COMMUNES_MAX = 12000,
    DEMO_STREET_BYTES = 96
};

/* printf into `out`; cuts what does not fit. Returns the length written. */
size_t demo_text(char *out, size_t cap, const char *format, ...) NDC_PRINTF(3, 4);

struct demo_province {    /* one of the 63 of before July 2025 */
    const char *full;     /* "Tỉnh Hà Giang" */
    const char *name;     /* "Hà Giang" */
    uint8_t code, region; /* region: 0 north, 1 central, 2 south */
    uint32_t first_commune, commune_count;
    uint32_t *weights; /* cumulative, of its communes; towns weigh more */
};

struct demo_commune { /* one of the 10,040 of before July 2025 */
    const char *full, *district;
    uint8_t province;
    bool urban;
    const uint16_t *became; /* units of the communes that it became */
    uint16_t became_count;
};

struct demo_new_commune {
    const char *full, *code;
    uint8_t province;
};

struct demo_places {
    struct demo_province provinces[DEMO_FORMER_PROVINCES];
    struct {
        const char *full, *name;
    } now[DEMO_PROVINCES];
    struct demo_commune *communes;
    struct demo_new_commune *new_communes;
    uint32_t commune_count, new_commune_count;
    unsigned first_now, first_new_commune; /* units */
    /* Villages of one round: which province, and ranks that make numbers unique. */
    uint8_t cycle[DEMO_CYCLE];
    uint16_t cycle_rank[DEMO_CYCLE], cycle_old_rank[DEMO_CYCLE];
    uint16_t per_cycle[DEMO_FORMER_PROVINCES], old_per_cycle[100];
    uint16_t slots[DEMO_FORMER_PROVINCES][DEMO_CYCLE / 8]; /* of the round, by province */
    uint32_t moves_to[DEMO_FORMER_PROVINCES]; /* cumulative: where migrants go */
};

struct demo_address {
    uint32_t commune; /* former commune */
    uint32_t key;     /* the street part and which new commune are drawn from it */
};

void demo_places_load(struct demo_places *places, struct ndc_arena *arena);
const struct demo_new_commune *demo_new_commune(const struct demo_places *places,
                                                struct demo_address address);
/* "Số 12, ngõ 5, đường Lê Lợi", "Thôn 3"; may be empty in the country. */
void demo_street(char out[static DEMO_STREET_BYTES], const struct demo_places *places,
                 struct demo_address address);
/* The prefix of 9-digit numbers issued by a former province: two digits. */
unsigned demo_old_id_prefix(unsigned province_code);
/* Car plate code of a province; several where it has them. */
unsigned demo_plate_code(unsigned province_code, uint32_t pick);

#endif

/* Administrative units: the 34 provinces and 3,321 communes in force since 2025-07-01,
 * the 63 provinces, 696 districts and 10,040 lowest units of before, and what became of
 * each. Constant tables made by scripts/make_units.py; nothing is allocated.
 *
 * A unit's id is its row (1..): stable within one release only; store codes or places.
 * Codes repeat between the two vintages and between levels ("00004" is Trúc Bạch before
 * and Ba Đình since; "01" a province), so a code needs its vintage and level. */
#ifndef NDC_REGISTRY_NORMALISE_UNITS_H
#define NDC_REGISTRY_NORMALISE_UNITS_H

#include "base/date.h"
#include "base/str.h"

enum ndc_unit_vintage { NDC_UNIT_CURRENT, NDC_UNIT_FORMER };
enum ndc_unit_level {
    NDC_UNIT_NONE,
    NDC_UNIT_PROVINCE,
    NDC_UNIT_DISTRICT,
    NDC_UNIT_COMMUNE
};

enum ndc_unit_kind {
    NDC_UNIT_TINH,      /* tỉnh, province */
    NDC_UNIT_THANH_PHO, /* thành phố, city: of a province, or a province itself */
    NDC_UNIT_QUAN,      /* quận, urban district */
    NDC_UNIT_HUYEN,     /* huyện, district */
    NDC_UNIT_THI_XA,    /* thị xã, town of district rank */
    NDC_UNIT_PHUONG,    /* phường, ward */
    NDC_UNIT_XA,        /* xã, commune */
    NDC_UNIT_THI_TRAN,  /* thị trấn, township */
    NDC_UNIT_DAC_KHU,   /* đặc khu, special zone */
    NDC_UNIT_KIND_COUNT
};

struct ndc_unit {
    uint16_t parent; /* unit it lies in; 0 for a province */
    uint8_t vintage, level, kind;
    uint32_t code;    /* 1..96 province, 1..973 district, 1..99999 commune */
    const char *name; /* "Phúc Xá", without the kind */
};

enum { NDC_UNIT_TITLE_MAX = 96 };

/* How many units there are; ids are 1..count. */
unsigned ndc_unit_count(void);
/* NULL unless 1 <= id <= count. */
const struct ndc_unit *ndc_unit_get(unsigned id);
/* Id of a code, or 0. */
unsigned ndc_unit_find(enum ndc_unit_vintage vintage, enum ndc_unit_level level,
                       uint32_t code);
/* Units directly inside `parent` (0: the provinces of a vintage), in order of code: ids
 * first .. first + count - 1. */
unsigned ndc_unit_children(enum ndc_unit_vintage vintage, unsigned parent,
                           unsigned *first);
/* The province it lies in (itself if it is one). */
unsigned ndc_unit_province(unsigned id);

/* What a former commune or province became: *ids points to constant data, most likely
 * first (its largest part is not known: the order is by the name kept, then code). Of a
 * current one: itself. Returns the count, 0 for a district. */
unsigned ndc_unit_successors(unsigned id, const uint16_t **ids);
/* The former communes that a current one was made of, wholly or in part. */
unsigned ndc_unit_predecessors(unsigned id, const uint16_t **ids);

/* From when until when it was in force; year 0 where that is open. */
void ndc_unit_validity(unsigned id, struct ndc_date *from, struct ndc_date *until);

/* "Phường Phúc Xá" or "Phuc Xa Ward"; returns the length, 0-terminated. */
size_t ndc_unit_title(char out[static NDC_UNIT_TITLE_MAX], unsigned id, bool english);
/* "00004", "001", "01": 5 digits, 3 or 2 by level; 0-terminated. */
size_t ndc_unit_code(char out[static 8], unsigned id);
/* "phuong"/"ward" …: stable word and titles of a kind. */
const char *ndc_unit_kind_name(enum ndc_unit_kind kind);

/* A place is a number to store: province code * 100000 + commune code (0: the province
 * alone), of the current vintage. 0 is no place. Id back from it, or 0. */
uint32_t ndc_unit_place(unsigned id);
unsigned ndc_unit_from_place(uint32_t place);

#endif

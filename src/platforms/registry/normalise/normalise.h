/* Value normalisers: what a source wrote, brought to one form, with what was noticed on
 * the way (flags) or why it was refused (the reason returned; NDC_NORM_OK is 0).
 *
 * None allocates or keeps state; any bytes are accepted as input, any length. Results are
 * plain structs whose text is 0-terminated UTF-8. On a refusal the parts that could be
 * read are still filled in and `text` is empty. Rules and sources: docs/normalisation.md.
 */
#ifndef NDC_REGISTRY_NORMALISE_NORMALISE_H
#define NDC_REGISTRY_NORMALISE_NORMALISE_H

#include "base/date.h"
#include "base/vntext.h"
#include "platforms/registry/normalise/reason.h"
#include "platforms/registry/normalise/units.h"

enum {
    NDC_NORM_NAME_MAX = 192,
    NDC_NORM_VALUE_MAX = 128,
    NDC_NORM_STREET_MAX = 256,
    NDC_NORM_UNITS_MAX = 8
};

/* Empty, or one of the words that people type for "nothing". */
bool ndc_norm_is_missing(struct ndc_str raw);
/* Whether the text is a geometry: WKT (OGC 06-103r4, two or three numbers a point, also
 * with SRID=…; before it) or a GeoJSON geometry (RFC 7946). Form only: rings may cross.
 */
bool ndc_norm_geometry(struct ndc_str text);

/* What was found before: of one file's addresses most end as an earlier one did, and its
 * names are made of some thousand words. Answers are the same with and without. For one
 * thread. */
struct ndc_norm_memo;
struct ndc_norm_memo *ndc_norm_memo_new(void);
void ndc_norm_memo_free(struct ndc_norm_memo *memo);

/* ---- names ---- */

struct ndc_norm_name {
    uint32_t flags;
    uint16_t len, surname_len, given_at; /* text[0..surname_len) is the surname (may be
                      0), text[given_at..len) the given name, the middle lies between */
    char text[NDC_NORM_NAME_MAX];        /* "Nguyễn Thị Minh Khai" */
};
enum ndc_norm_reason ndc_norm_name(struct ndc_norm_name *out, struct ndc_str raw);
enum ndc_norm_reason ndc_norm_name_again(struct ndc_norm_name *out,
                                         struct ndc_norm_memo *memo, struct ndc_str raw);
/* Parts of a normalised name; empty where it has none. */
struct ndc_str ndc_norm_surname(const struct ndc_norm_name *name);
struct ndc_str ndc_norm_middle(const struct ndc_norm_name *name);
struct ndc_str ndc_norm_given(const struct ndc_norm_name *name);

/* ---- dates ---- */

enum ndc_norm_order {               /* of an all-digit date */
                      NDC_NORM_DMY, /* the Vietnamese order; the default */
                      NDC_NORM_MDY,
                      NDC_NORM_YMD,
                      NDC_NORM_ANY,  /* not declared: refused where day and month could be
                                        either */
                      NDC_NORM_EXCEL /* a serial number of days, 1900 system; other forms
                                        as DMY */
};
struct ndc_norm_date_rule {
    enum ndc_norm_order order;
    struct ndc_date as_of; /* today; later dates are refused. Year 0: not judged */
    int16_t year_min;      /* 0: 1880 */
    bool future_allowed;   /* an expiry date */
};
struct ndc_norm_date {
    uint32_t flags;
    struct ndc_date date;
    char text[11]; /* "1945-09-02", "1945-09", "1945" */
};
enum ndc_norm_reason ndc_norm_date(struct ndc_norm_date *out, struct ndc_str raw,
                                   const struct ndc_norm_date_rule *rule);

/* ---- numbers of people and things ---- */

struct ndc_norm_value {
    uint32_t flags;
    uint16_t len;
    char text[NDC_NORM_VALUE_MAX];
};

enum ndc_norm_sex { NDC_SEX_UNKNOWN, NDC_SEX_MALE, NDC_SEX_FEMALE, NDC_SEX_OTHER };

struct ndc_norm_person_id {
    uint32_t flags;
    uint8_t province; /* code of the province of birth registration (one of 63) */
    uint8_t sex;      /* enum ndc_norm_sex, from the number */
    int16_t birth_year;
    char text[13];
};
/* The 12-digit personal number. year_now bounds the birth year; 0: not judged. */
enum ndc_norm_reason ndc_norm_person_id(struct ndc_norm_person_id *out,
                                        struct ndc_str raw, int year_now);
/* Cross-field: the number against what other columns say (NDC_SEX_UNKNOWN, year 0: not
 * known). */
enum ndc_norm_reason ndc_norm_person_id_check(const struct ndc_norm_person_id *id,
                                              enum ndc_norm_sex sex, int birth_year);
/* The 9-digit identity card number. */
enum ndc_norm_reason ndc_norm_old_id(struct ndc_norm_value *out, struct ndc_str raw);
/* 15-character health insurance card; 10-digit social insurance number. */
enum ndc_norm_reason ndc_norm_health_id(struct ndc_norm_value *out, struct ndc_str raw);
enum ndc_norm_reason ndc_norm_social_id(struct ndc_norm_value *out, struct ndc_str raw);
/* 10 digits with check digit, 13 as NNNNNNNNNN-NNN, or a person's 12. */
enum ndc_norm_reason ndc_norm_tax_code(struct ndc_norm_value *out, struct ndc_str raw);
/* "29A-123.45", "51F-1234", "29-X1 123.45"… to "29A12345", "29X112345". */
enum ndc_norm_reason ndc_norm_plate(struct ndc_norm_value *out, struct ndc_str raw);
enum ndc_norm_reason ndc_norm_passport(struct ndc_norm_value *out, struct ndc_str raw);
/* E.164: "+84912345678". */
enum ndc_norm_reason ndc_norm_phone(struct ndc_norm_value *out, struct ndc_str raw);
enum ndc_norm_reason ndc_norm_email(struct ndc_norm_value *out, struct ndc_str raw);
/* "male", "female", "other" in out->text, and *sex. */
enum ndc_norm_reason ndc_norm_sex(struct ndc_norm_value *out, enum ndc_norm_sex *sex,
                                  struct ndc_str raw);

/* ---- addresses ---- */

struct ndc_norm_address {
    uint32_t flags;
    uint8_t level;      /* enum ndc_unit_level: the lowest unit recognised */
    uint8_t confidence; /* 0..100 */
    uint8_t unit_count;
    uint16_t former;   /* the former unit named (lowest), or 0 */
    uint16_t province; /* current province, or 0 if not known or several */
    uint16_t units[NDC_NORM_UNITS_MAX]; /* current communes it may be, likeliest first;
                                           empty when only a province or district is */
    uint16_t street_len;
    char street[NDC_NORM_STREET_MAX]; /* what comes before the units, cleaned */
};
/* Free text. as_of (year 0: not known) decides between two vintages where a name was
 * used in both: before 2025-07-01 the former unit, else the current one. */
enum ndc_norm_reason ndc_norm_address(struct ndc_norm_address *out, struct ndc_str raw,
                                      struct ndc_date as_of);

/* ndc_norm_address of no known date, and the units as ndc_norm_address_text writes them
 * (*units, valid until the next call; empty: none). */
enum ndc_norm_reason ndc_norm_address_again(struct ndc_norm_address *out,
                                            struct ndc_norm_memo *memo,
                                            struct ndc_str raw, struct ndc_str *units);

/* Columns of their own: names or codes, any may be empty; `district` is of former units.
 */
struct ndc_norm_address_parts {
    struct ndc_str street, commune, district, province;
};
enum ndc_norm_reason ndc_norm_address_parts(struct ndc_norm_address *out,
                                            const struct ndc_norm_address_parts *parts,
                                            struct ndc_date as_of);
/* "Số 12, Phường Phúc Xá, …": the street, then the first unit with its province, in
 * today's units. */
size_t ndc_norm_address_text(char *out, size_t cap, const struct ndc_norm_address *a,
                             bool english);

#endif

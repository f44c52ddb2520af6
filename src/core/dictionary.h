/* The shared data dictionary: every datum that a source may map to and a request may ask
 * for, with its kind and its legal class. Field ids are bit positions that never change
 * or get reused: they are stored in audit entries and compiled rules. Persons have ids
 * 0..127, organisations 128..255; a new field takes the next free id of its entity. */
#ifndef NDC_CORE_DICTIONARY_H
#define NDC_CORE_DICTIONARY_H

#include "base/str.h"

enum {
    NDC_FIELDS_MAX = 256,
    NDC_FIELD_ORGANISATION_FIRST = 128,
    NDC_FIELD_NONE = 0xffff
};

enum ndc_entity { NDC_ENTITY_PERSON, NDC_ENTITY_ORGANISATION, NDC_ENTITY_COUNT };

/* What a value is, hence how it is normalised, shown and masked. */
enum ndc_value_kind {
    NDC_VALUE_TEXT,
    NDC_VALUE_ID,      /* identifier: letters and digits, never a number */
    NDC_VALUE_NAME,    /* of a person */
    NDC_VALUE_SEX,     /* "male", "female", "other" */
    NDC_VALUE_DATE,    /* YYYY-MM-DD, YYYY-MM or YYYY */
    NDC_VALUE_TIME,    /* RFC 3339 */
    NDC_VALUE_PLACE,   /* administrative unit, most local first */
    NDC_VALUE_ADDRESS, /* street, commune, province */
    NDC_VALUE_COUNTRY, /* ISO 3166-1 alpha-2 or a name */
    NDC_VALUE_PHONE,
    NDC_VALUE_EMAIL,
    NDC_VALUE_CODE,   /* from a code list */
    NDC_VALUE_NUMBER, /* decimal text */
    NDC_VALUE_MONEY,  /* VND, decimal text */
    NDC_VALUE_REF,    /* reference to a stored object */
    NDC_VALUE_KIND_COUNT
};

/* Law on Data 60/2024/QH15: by sharing, and by importance. */
enum ndc_sharing { NDC_SHARING_OPEN, NDC_SHARING_SHARED, NDC_SHARING_PRIVATE };
enum ndc_importance {
    NDC_IMPORTANCE_OTHER,
    NDC_IMPORTANCE_IMPORTANT,
    NDC_IMPORTANCE_CORE
};
/* Law on personal data protection 91/2025/QH15. */
enum ndc_personal { NDC_PERSONAL_NONE, NDC_PERSONAL_BASIC, NDC_PERSONAL_SENSITIVE };

struct ndc_class {
    enum ndc_sharing sharing;
    enum ndc_importance importance;
    enum ndc_personal personal;
};

struct ndc_field {
    uint16_t id; /* bit position */
    const char
        *code; /* "full_name": in JSON, YAML, SQL, URLs; unique over all entities */
    enum ndc_entity entity;
    enum ndc_value_kind kind;
    struct ndc_class class; /* default; operator rules may raise or lower it */
    const char *title_vi, *title_en;
};

/* NULL where no field has that id. */
const struct ndc_field *ndc_field_get(unsigned id);
/* The field so named, or NULL. Constant time, thread-safe. */
const struct ndc_field *ndc_field_find(struct ndc_str code);
/* The code of a known field nearest to a misspelt one, or NULL. */
const char *ndc_field_nearest(struct ndc_str code);

/* Stable lower-case words of the enums, and back (false: no such word). */
const char *ndc_entity_name(enum ndc_entity entity);
const char *ndc_value_kind_name(enum ndc_value_kind kind);
const char *ndc_sharing_name(enum ndc_sharing sharing);
const char *ndc_importance_name(enum ndc_importance importance);
const char *ndc_personal_name(enum ndc_personal personal);
bool ndc_entity_parse(struct ndc_str word, enum ndc_entity *out);
bool ndc_sharing_parse(struct ndc_str word, enum ndc_sharing *out);
bool ndc_importance_parse(struct ndc_str word, enum ndc_importance *out);
bool ndc_personal_parse(struct ndc_str word, enum ndc_personal *out);

/* A set of fields. Zero-initialise. */
struct ndc_field_set {
    uint64_t w[NDC_FIELDS_MAX / 64];
};

static inline void ndc_field_set_add(struct ndc_field_set *s, unsigned id)
{
    s->w[id / 64] |= (uint64_t)1 << id % 64;
}

static inline void ndc_field_set_remove(struct ndc_field_set *s, unsigned id)
{
    s->w[id / 64] &= ~((uint64_t)1 << id % 64);
}

static inline bool ndc_field_set_has(const struct ndc_field_set *s, unsigned id)
{
    return s->w[id / 64] >> id % 64 & 1;
}

static inline bool ndc_field_set_empty(const struct ndc_field_set *s)
{
    return !(s->w[0] | s->w[1] | s->w[2] | s->w[3]);
}

/* for (int id = -1; (id = ndc_field_set_next(&set, id)) >= 0;) */
int ndc_field_set_next(const struct ndc_field_set *s, int after);
unsigned ndc_field_set_count(const struct ndc_field_set *s);
/* Every field of an entity. */
struct ndc_field_set ndc_field_set_entity(enum ndc_entity entity);

#endif

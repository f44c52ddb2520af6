/* A source's declaration: whose database it is, how to read it, what its columns mean.
 * Read from YAML (docs/sources.md); a wrong one is refused with line and reason. */
#ifndef NDC_REGISTRY_SOURCE_H
#define NDC_REGISTRY_SOURCE_H

#include "base/arena.h"
#include "base/error.h"
#include "core/dictionary.h"

enum {
    NDC_SOURCE_COLUMNS_MAX = 256, /* declared columns */
    NDC_SOURCE_RULES_MAX = 64,
    NDC_SOURCE_JOINED_MAX = 6, /* columns joined into one field */
    NDC_SOURCE_KEY_MAX = 4,
    NDC_SOURCE_ID_MAX = 48,
    NDC_SOURCE_RELATIONS_MAX = 16
};

enum ndc_connector_type {
    NDC_CONNECT_CSV,
    NDC_CONNECT_NDJSON,
    NDC_CONNECT_SQLITE,
    NDC_CONNECT_PUSH,
    NDC_CONNECT_POSTGRES, /* a table, loaded; followed if a slot is named */
    NDC_CONNECT_CHANGES   /* files of changes, taken as they come */
};
enum ndc_encoding { NDC_ENC_UTF8, NDC_ENC_UTF16, NDC_ENC_WINDOWS_1258, NDC_ENC_TCVN3 };
enum ndc_sync_mode { NDC_SYNC_SNAPSHOT, NDC_SYNC_DELTA };
enum ndc_date_order {
    NDC_ORDER_DMY,
    NDC_ORDER_MDY,
    NDC_ORDER_YMD,
    NDC_ORDER_ANY,
    NDC_ORDER_EXCEL
};
/* Đúng, đủ, sạch, sống: correct, complete, clean, live. */
enum ndc_criterion {
    NDC_CORRECT,
    NDC_COMPLETE,
    NDC_CLEAN,
    NDC_LIVE,
    NDC_CRITERION_COUNT
};

struct ndc_title {
    struct ndc_str vi, en;
};

struct ndc_source_value { /* one entry of a field's value list */
    struct ndc_str from, to;
};

/* One mapped field: a column, or several joined with ", ". */
struct ndc_source_field {
    const struct ndc_field *field; /* NULL: kept as it came, mapped to nothing */
    unsigned line;                 /* of the declaration */
    unsigned column_count;
    struct ndc_str columns[NDC_SOURCE_JOINED_MAX];
    enum ndc_date_order order;
    bool required, unique;
    bool has_class;
    struct ndc_class class;
    unsigned value_count;
    struct ndc_source_value *values; /* what the source's codes mean */
    struct ndc_str pattern;          /* of digits 9, letters A, anything ?; empty: none */
    int64_t length_min, length_max;  /* of the value in code points; 0: no limit */
    /* Of a thing: the dictionary field as which policy treats its values; NULL: they are
     * about nobody. A reference is brought to this field's form too. */
    const struct ndc_field *as;
    bool geometry; /* WKT or GeoJSON */
};

/* What a thing's reference leads to. */
enum ndc_relation_to { NDC_TO_PERSON, NDC_TO_ORGANISATION, NDC_TO_THING };

struct ndc_source_relation {
    struct ndc_str name;
    struct ndc_title title;
    enum ndc_relation_to to;
    struct ndc_str dataset;     /* of a thing */
    const struct ndc_field *by; /* identifier of a person or organisation */
    unsigned field;             /* of fields: where the reference stands */
};

struct ndc_source_rule; /* rules.h */

struct ndc_source {
    struct ndc_str id;
    struct ndc_title title, agency_title;
    struct ndc_str agency, legal_basis, yaml; /* yaml: the declaration itself */
    enum ndc_entity entity;
    /* A source of things: what is neither person nor organisation. Its fields are its
     * own, numbered from 0, `entity` means nothing, and it takes no part in linking. */
    bool thing;
    struct ndc_str dataset; /* "parcel" */
    struct ndc_title dataset_title;
    unsigned relation_count;
    struct ndc_source_relation *relations;
    unsigned key_count;
    struct ndc_str key[NDC_SOURCE_KEY_MAX]; /* columns */
    struct ndc_field_set key_fields; /* what those are mapped to: a key tells it too */

    enum ndc_connector_type connector;
    struct ndc_str path, table;
    struct ndc_str url, slot, password_env; /* of PostgreSQL; slot empty: not followed */
    int64_t slot_mb_max;                    /* of log the slot may keep while not read */
    enum ndc_encoding encoding;
    char separator;
    bool skip_spaces;

    enum ndc_sync_mode mode;
    struct ndc_str schedule;     /* five cron fields, or empty */
    struct ndc_str op_column;    /* of a delta: I, U or D in it */
    struct ndc_str time_column;  /* when the source last touched the row, or empty */
    unsigned op_line, time_line; /* of the declaration */
    int64_t live_days; /* a record untouched for longer is not live; 0: not judged */

    struct ndc_class class;            /* default of its fields */
    uint8_t authority[NDC_FIELDS_MAX]; /* survivorship rank, 1 best; 0: not ranked */

    unsigned field_count;
    struct ndc_source_field *fields;
    unsigned rule_count;
    struct ndc_source_rule *rules;
};

/* Parses a declaration; everything lives in `arena`. */
enum ndc_err ndc_source_parse(struct ndc_source **out, struct ndc_arena *arena,
                              struct ndc_str yaml, struct ndc_fault *fault) NDC_MUST_USE;

/* The field of a thing so named, or NULL. */
const struct ndc_source_field *ndc_source_own_field(const struct ndc_source *source,
                                                    struct ndc_str name);
/* "person", "organisation", "thing" */
const char *ndc_relation_to_name(enum ndc_relation_to to);
/* What the source's rows are about: "person", "organisation" or "thing". */
const char *ndc_source_about(const struct ndc_source *source);

/* Whether changes are taken as they come (capture/capture.h) instead of loaded. */
bool ndc_source_followed(const struct ndc_source *source);
const char *ndc_connector_name(enum ndc_connector_type type);
const char *ndc_sync_mode_name(enum ndc_sync_mode mode);
const char *ndc_criterion_name(enum ndc_criterion criterion);
struct ndc_title ndc_criterion_title(enum ndc_criterion criterion);

#endif

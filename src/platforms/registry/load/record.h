/* One normalised record of a source, and its compact encoding: what stage files hold, and
 * what an entity's payload holds one after another.
 *
 * Encoding (integers are LEB128): length of the rest; source number, key, run first seen,
 * run of its last change and that run's time (s), record flags, of a VERSIONED one the
 * number of what it says and of its end, number of fields; then each field: id byte, flag
 * byte, value bytes, raw bytes unless RAW_SAME, place unless no PLACE. A column that is
 * mapped to nothing has id NDC_RECORD_UNMAPPED and its column number first. */
#ifndef NDC_REGISTRY_RECORD_H
#define NDC_REGISTRY_RECORD_H

#include "base/arena.h"
#include "base/buf.h"

enum {
    NDC_RECORD_FIELDS_MAX = 320, /* mapped and unmapped columns of one record */
    NDC_RECORD_UNMAPPED = 255    /* field id of a column kept as it came */
};

enum ndc_record_field_flag {
    NDC_RECORD_RAW_SAME = 1,  /* the source's text equals the value */
    NDC_RECORD_INVALID = 2,   /* failed its checks: raw is kept, value is empty */
    NDC_RECORD_PLACE = 4,     /* an address whose unit is known */
    NDC_RECORD_TONELESS = 8,  /* written without Vietnamese tones */
    NDC_RECORD_REPAIRED = 16, /* mended on the way in (a lost leading zero, …) */
    NDC_RECORD_PARTIAL = 32   /* a year-only date, a province-only address */
};

enum ndc_record_flag {
    NDC_RECORD_ENDED = 1,    /* no longer in its source */
    NDC_RECORD_ABSENT = 2,   /* only among the records as they were: it was not there */
    NDC_RECORD_VERSIONED = 4 /* its source numbers its changes */
};

struct ndc_record_field {
    uint8_t field;   /* dictionary id, or NDC_RECORD_UNMAPPED */
    uint8_t flags;   /* enum ndc_record_field_flag */
    uint16_t column; /* of an unmapped one */
    uint32_t place;  /* commune code, or province code below 100; 0: none */
    struct ndc_str value, raw;
};

struct ndc_record {
    uint32_t source, run_first, run;
    uint32_t flags; /* enum ndc_record_flag */
    int64_t seen_s; /* when it last changed, seconds since the epoch */
    /* Of a source that numbers its changes (VERSIONED): which change the fields are of,
     * and the latest that ended it, 0: none. It stands while version > ended. */
    uint64_t version, ended;
    struct ndc_str key;
    unsigned count;
    struct ndc_record_field *fields;
};

/* Appends the encoded record. */
void ndc_record_encode(struct ndc_buf *out, const struct ndc_record *record);
/* Takes one record from *in; texts point into it, the fields are in `arena`. False: the
 * bytes are damaged. */
bool ndc_record_decode(struct ndc_record *record, struct ndc_arena *arena,
                       struct ndc_str *in);
/* Takes one record from *in without looking inside. */
bool ndc_record_skip(struct ndc_str *in, struct ndc_str *whole);
/* Whose record it is, without its fields. False: damaged. */
bool ndc_record_head(struct ndc_str record, uint32_t *source, struct ndc_str *key);
/* Which of two records of one source comes first where that decides something: by the
 * top half of this hash of their keys, whatever order they came in. */
uint64_t ndc_record_key_hash(struct ndc_str key);
/* That half of an encoded record; 0 of a damaged one. */
uint32_t ndc_record_tag(struct ndc_str record);
/* What some fields of a record say, without its other parts: for who reads all records
 * and few of their fields. */
struct ndc_record_pick {
    struct ndc_str value; /* empty: the record has none */
    uint32_t place;
};
/* The slots of picks by dictionary id; NDC_RECORD_NO_SLOT for a field nobody asked for.
 */
struct ndc_record_wanted {
    uint8_t slot[256];
};
enum { NDC_RECORD_NO_SLOT = 255 };
/* Fills picks[0..count) from one encoded record, each with the first field of its id that
 * has a value, as ndc_record_find would; texts point into it. False: damaged. */
bool ndc_record_pick_fields(struct ndc_record_pick *picks, unsigned count,
                            const struct ndc_record_wanted *wanted,
                            struct ndc_str record);
/* The field with this dictionary id that has a value, or NULL. */
const struct ndc_record_field *ndc_record_find(const struct ndc_record *record,
                                               unsigned field);
/* Hash of what the source said (fields and raw texts, not runs or times): equal means the
 * record has not changed. */
uint64_t ndc_record_content_hash(const struct ndc_record *record);

#endif

/* The stored form of an entity, version 2, shared by payload_encode.c and payload.c. The
 * records of one person say the same things again and again; each text stands once.
 *
 *   version byte (2), entity byte
 *   golden values: number; each field byte, rule | record << 3
 *   edges: number; each two record indexes, kind byte, probability byte
 *   texts: number, length of all; each length << 1 | has place, then the place
 *   bytes of the texts, one after another
 *   records: number, number of all fields; each record:
 *     flags << 2 | PAYLOAD_SAME_RUN | PAYLOAD_FIRST_RUN
 *     if it is VERSIONED: version, ended
 *     source, number of fields
 *     unless SAME_RUN: run and time, as steps from the record before
 *     unless FIRST_RUN: the run first seen, as a step from the run
 *     fields: tag byte (field id within its entity, or UNMAPPED and its column, or OTHER
 *       and its id), kind byte (flags, where value and raw come from), text numbers
 *     the key's text number
 *
 * Integers are LEB128, steps zigzag. Texts are numbered in the order in which fields
 * first use them, so the next new one needs no number. A place belongs to its text. */
#ifndef NDC_REGISTRY_PAYLOAD_H
#define NDC_REGISTRY_PAYLOAD_H

#include "platforms/registry/entity/entity.h"

enum {
    PAYLOAD_VERSION = 2,
    PAYLOAD_SAME_RUN = 1,  /* run and time of the record before */
    PAYLOAD_FIRST_RUN = 2, /* first seen in its run */
    PAYLOAD_HEAD_BITS = 2,
    PAYLOAD_RULE_BITS = 3,

    PAYLOAD_TAG_UNMAPPED = 126,
    PAYLOAD_TAG_OTHER = 127,

    /* The kind byte. */
    PAYLOAD_INVALID = 1,
    PAYLOAD_TONELESS = 2,
    PAYLOAD_REPAIRED = 4,
    PAYLOAD_PARTIAL = 8,
    PAYLOAD_VALUE_NEW = 16, /* the next new text; else a number follows */
    PAYLOAD_RAW_SHIFT = 5
};

/* How a field's raw text is known, when it is not its value: by number, or made from the
 * value. These functions are part of the stored form: they never change. */
enum payload_raw {
    PAYLOAD_RAW_SAME,
    PAYLOAD_RAW_NEW,    /* the next new text */
    PAYLOAD_RAW_TEXT,   /* a number follows */
    PAYLOAD_RAW_UPPER,  /* in capitals */
    PAYLOAD_RAW_DMY,    /* 28/04/2026 of 2026-04-28 */
    PAYLOAD_RAW_DIGITS, /* 20260428 of 2026-04-28 */
    PAYLOAD_RAW_PHONE,  /* 0912345678 of +84912345678 */
    PAYLOAD_RAW_COUNT
};

/* What makes `raw` of `value`: SAME, one of UPPER and later, or TEXT if nothing does. */
enum payload_raw ndc_payload_raw_find(struct ndc_str value, struct ndc_str raw);
/* The raw text, in the arena; a NULL pointer if there is none. */
struct ndc_str ndc_payload_raw_make(struct ndc_arena *arena, enum payload_raw how,
                                    struct ndc_str value);

/* Version 1, which older programs stored: `in` begins behind the version byte. */
bool ndc_payload_decode_v1(struct ndc_entity_view *view, struct ndc_arena *arena,
                           struct ndc_str in);

#endif

/* Masks: what is left of a value that may be known in part only. Lengths of hidden parts
 * are not kept, so a mask says no more than its name does. */
#ifndef NDC_CORE_MASK_H
#define NDC_CORE_MASK_H

#include "base/buf.h"
#include "core/dictionary.h"

enum ndc_mask {
    NDC_MASK_NONE,     /* shown whole */
    NDC_MASK_LAST4,    /* "•••• 1234"; a value of fewer than 8 is redacted */
    NDC_MASK_LAST3,    /* phones: "••• 123" */
    NDC_MASK_YEAR,     /* dates and times: "1985" */
    NDC_MASK_INITIALS, /* names: "N. V. A." */
    NDC_MASK_PROVINCE, /* places and addresses: the part after the last comma */
    NDC_MASK_DOMAIN,   /* e-mail: "•••@example.vn" */
    NDC_MASK_BAND,     /* amounts: "10000000-20000000" (1, 2, 5 times powers of ten) */
    NDC_MASK_HASH,     /* keyed pseudonym: equal values stay equal; 32 hex digits */
    NDC_MASK_REDACT,   /* "•••": only that there is a value */
    NDC_MASK_COUNT
};

const char *ndc_mask_name(enum ndc_mask mask);
bool ndc_mask_parse(struct ndc_str word, enum ndc_mask *out);
/* The gentlest mask that suits values of this kind; REDACT where none does. */
enum ndc_mask ndc_mask_default(enum ndc_value_kind kind);
/* Whether the mask means something for the kind (year of a phone number does not). */
bool ndc_mask_suits(enum ndc_mask mask, enum ndc_value_kind kind);

/* Appends the masked value. A value the mask cannot read (no year in it, say) is
 * redacted: a mask never falls back to showing. Empty stays empty. Cuts UTF-8 at
 * characters, and NFD letters keep their marks. */
void ndc_mask_apply(struct ndc_buf *out, enum ndc_mask mask, struct ndc_str value);
/* Sets the key of NDC_MASK_HASH, once at start (until then a random one): pseudonyms can
 * be compared only within one key's life. */
void ndc_mask_key_set(const uint8_t key[static 16]);
/* SipHash-2-4-128, the pseudonym function, for its published test vectors. */
void ndc_mask_siphash(uint8_t out[static 16], const uint8_t key[static 16],
                      struct ndc_str in);

#endif

/* CBOR (RFC 8949) from bytes, without a tree and without allocation: a cursor that goes
 * from head to head. `ndc_cbor_check` looks at one whole item first (every count against
 * the bytes at hand, depth, UTF-8, and on request the form that CTAP2 asks for); what is
 * read after that is known to be well formed, and readers say only whether it is of the
 * kind that was expected. A small writer beside it. */
#ifndef NDC_CRYPTO_CBOR_H
#define NDC_CRYPTO_CBOR_H

#include "base/buf.h"

enum { NDC_CBOR_DEPTH_MAX = 8 };

enum ndc_cbor_kind {
    NDC_CBOR_UINT,
    NDC_CBOR_NEGATIVE, /* -1 - value */
    NDC_CBOR_BYTES,
    NDC_CBOR_TEXT,
    NDC_CBOR_ARRAY,
    NDC_CBOR_MAP,
    NDC_CBOR_TAG,
    NDC_CBOR_SIMPLE, /* false, true, null, undefined are 20, 21, 22, 23 */
    NDC_CBOR_FLOAT,
    NDC_CBOR_BREAK /* the end of an item of indefinite length */
};

enum { NDC_CBOR_FALSE = 20, NDC_CBOR_TRUE, NDC_CBOR_NULL, NDC_CBOR_UNDEFINED };

/* One head, and with a string of definite length its content. Of an indefinite length
 * come heads up to a BREAK: elements, keys and values, or the parts of a string. */
struct ndc_cbor_item {
    enum ndc_cbor_kind kind;
    bool indefinite;
    uint64_t value; /* the number, the elements or pairs, the tag, the simple value */
    double real;    /* of a FLOAT, which half or single precision also becomes */
    struct ndc_str bytes; /* of BYTES and TEXT: in the input */
};

enum ndc_cbor_form {
    NDC_CBOR_ANY,  /* well formed and valid text */
    NDC_CBOR_CTAP2 /* also CTAP2's canonical form: definite lengths, the shortest heads,
                    * keys of a map in order and none twice, no tags */
};

/* Why an input is refused; a constant text. */
enum ndc_cbor_fault {
    NDC_CBOR_GOOD,
    NDC_CBOR_CUT,       /* it ends inside an item, or a count is over what is left */
    NDC_CBOR_MALFORMED, /* reserved heads, a break or a part of a string out of place */
    NDC_CBOR_DEEP,
    NDC_CBOR_NOT_UTF8,
    NDC_CBOR_NOT_CANONICAL,
    NDC_CBOR_KEY_ORDER /* keys of a map out of order, or one of them twice */
};
const char *ndc_cbor_fault_text(enum ndc_cbor_fault fault);

/* Looks at the first item of `in`; *len is its length in bytes. What follows it is not
 * looked at: compare *len with in.len where nothing may. */
enum ndc_cbor_fault ndc_cbor_check(size_t *len, struct ndc_str in,
                                   enum ndc_cbor_form form) NDC_MUST_USE;

/* The next head. False at the end and at what is no head; *in is then as it was. */
bool ndc_cbor_next(struct ndc_cbor_item *item, struct ndc_str *in) NDC_MUST_USE;
/* The next item whole, as its bytes: 0 of them if it is not well formed. Checks as
 * ndc_cbor_check does with NDC_CBOR_ANY. */
bool ndc_cbor_whole(struct ndc_str *item, struct ndc_str *in) NDC_MUST_USE;
/* The next item if it is of that kind (and of definite length); *in is otherwise as it
 * was. ndc_cbor_int refuses what int64_t does not hold. */
bool ndc_cbor_int(int64_t *out, struct ndc_str *in) NDC_MUST_USE;
bool ndc_cbor_bytes(struct ndc_str *out, struct ndc_str *in) NDC_MUST_USE;
bool ndc_cbor_text(struct ndc_str *out, struct ndc_str *in) NDC_MUST_USE;
bool ndc_cbor_array(uint64_t *count, struct ndc_str *in) NDC_MUST_USE;
bool ndc_cbor_map(uint64_t *pairs, struct ndc_str *in) NDC_MUST_USE;

/* Appends in the shortest form. A map's pairs are written in the order the caller gives.
 */
void ndc_cbor_add_int(struct ndc_buf *out, int64_t v);
void ndc_cbor_add_bytes(struct ndc_buf *out, struct ndc_str s);
void ndc_cbor_add_text(struct ndc_buf *out, struct ndc_str s);
void ndc_cbor_add_array(struct ndc_buf *out, uint64_t count);
void ndc_cbor_add_map(struct ndc_buf *out, uint64_t pairs);
void ndc_cbor_add_tag(struct ndc_buf *out, uint64_t tag);
void ndc_cbor_add_simple(struct ndc_buf *out, uint8_t value); /* not 24 to 31 */

#endif

/* Any bytes as CBOR: what the check takes, the cursor goes through to the same end; what
 * is in CTAP2's form, written again, is the same bytes; and a COSE key that is read is
 * one. */
#include "crypto/cbor.h"
#include "crypto/cose.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static bool within(struct ndc_str s, struct ndc_str in)
{
    return s.len == 0 || (s.ptr >= in.ptr && s.ptr + s.len <= in.ptr + in.len);
}

/* Goes from head to head; *nested: how many items are open. */
static void walk(struct ndc_str item)
{
    struct ndc_str rest = item;
    while (rest.len) {
        struct ndc_cbor_item head;
        NDC_ASSERT(ndc_cbor_next(&head, &rest));
        NDC_ASSERT(within(head.bytes, item) && within(rest, item));
    }
}

/* Canonical bytes have one spelling. */
static void write_again(struct ndc_str item)
{
    struct ndc_str rest = item;
    struct ndc_buf out;
    ndc_buf_init(&out, item.len);
    while (rest.len) {
        struct ndc_cbor_item head;
        struct ndc_str at = rest;
        NDC_ASSERT(ndc_cbor_next(&head, &rest) && !head.indefinite);
        if (head.kind == NDC_CBOR_UINT && head.value <= INT64_MAX)
            ndc_cbor_add_int(&out, (int64_t)head.value);
        else if (head.kind == NDC_CBOR_NEGATIVE && head.value <= INT64_MAX)
            ndc_cbor_add_int(&out, -1 - (int64_t)head.value);
        else if (head.kind == NDC_CBOR_BYTES)
            ndc_cbor_add_bytes(&out, head.bytes);
        else if (head.kind == NDC_CBOR_TEXT)
            ndc_cbor_add_text(&out, head.bytes);
        else if (head.kind == NDC_CBOR_ARRAY)
            ndc_cbor_add_array(&out, head.value);
        else if (head.kind == NDC_CBOR_MAP)
            ndc_cbor_add_map(&out, head.value);
        else if (head.kind == NDC_CBOR_SIMPLE)
            ndc_cbor_add_simple(&out, (uint8_t)head.value);
        else
            ndc_buf_add(&out, at.ptr, at.len - rest.len); /* floats, 64-bit numbers */
    }
    NDC_ASSERT(!out.failed && ndc_str_eq(ndc_buf_str(&out), item));
    ndc_buf_free(&out);
}

static void read_key(struct ndc_str in, enum ndc_cose_form form)
{
    struct ndc_cose_key key;
    struct ndc_fault fault = {0};
    enum ndc_err err = ndc_cose_key_read(&key, in, form, &fault);
    NDC_ASSERT(err || (key.pkey && within(key.bytes, in) && within(key.x, key.bytes) &&
                       within(key.y, key.bytes)));
    NDC_ASSERT(err || form == NDC_COSE_ANY || key.alg);
    NDC_ASSERT(!err == !fault.code[0]);
    if (!err) (void)!ndc_cose_verify(&key, in, in, NDC_COSE_RAW);
    ndc_cose_key_free(&key);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct ndc_str in = ndc_str_n((const char *)bytes, len), rest = in, item;
    size_t any, strict;
    enum ndc_cbor_fault loose = ndc_cbor_check(&any, in, NDC_CBOR_ANY);
    enum ndc_cbor_fault tight = ndc_cbor_check(&strict, in, NDC_CBOR_CTAP2);
    NDC_ASSERT(any <= len && strict <= len);
    NDC_ASSERT(tight || (!loose && any == strict)); /* canonical is well formed */
    NDC_ASSERT(ndc_cbor_whole(&item, &rest) == !loose && item.len == any);
    if (!loose) walk(item);
    if (!tight) write_again(item);
    read_key(in, NDC_COSE_ANY);
    read_key(in, NDC_COSE_WEBAUTHN);
    return 0;
}

/* Any bytes as an audit export, in portions; and as an entry, a head, a set of fields and
 * values to mask. Whatever comes, the check ends, and only a signed file passes. */
#include "base/utf8.h"
#include "core/audit_export.h"
#include "core/audit_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void ignore(void *arg, uint64_t seq, const char *text)
{
    (void)arg, (void)seq;
    NDC_ASSERT(text[0]);
}

static void mask_all(struct ndc_str value)
{
    struct ndc_buf out;
    bool valid = ndc_utf8_valid(value);
    ndc_buf_init(&out, 1 << 20);
    for (int mask = NDC_MASK_LAST4; mask < NDC_MASK_COUNT; mask++) {
        ndc_buf_reset(&out);
        ndc_mask_apply(&out, (enum ndc_mask)mask, value);
        /* Characters are never cut. */
        NDC_ASSERT(!valid || ndc_utf8_valid(ndc_buf_str(&out)));
    }
    ndc_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct ndc_str text = ndc_str_n((const char *)bytes, len);
    struct ndc_audit_report report;
    struct ndc_audit_verifier *v = ndc_audit_verifier_new(NULL, ignore, NULL);
    ndc_audit_verifier_feed(v, ndc_str_n(text.ptr, len / 2));
    ndc_audit_verifier_feed(v, ndc_str_n(text.ptr + len / 2, len - len / 2));
    ndc_audit_verifier_end(v, &report);
    NDC_ASSERT(report.findings || report.has_last);
    struct json_object *o = NULL;
    struct ndc_audit_head head;
    struct ndc_field_set set;
    if (ndc_json_parse(&o, text, NULL) == NDC_OK) {
        (void)ndc_audit_head_parse(&head, o);
        (void)ndc_audit_entry_about(o, NDC_STR("p1"), NDC_STR("user:a"));
        json_object_put(o);
    }
    (void)ndc_audit_fields_parse(&set, text);
    if (len < 4096) mask_all(text);
    return 0;
}

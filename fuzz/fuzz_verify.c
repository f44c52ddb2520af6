/* Any bytes as a bank's file and as the headers of a signature: rows end where they end
 * from wherever a row begins, texts lie in the file or in the scratch, and what is taken
 * for a signature covers only what was written. */
#include "platforms/verify/httpsig.h"
#include "platforms/verify/sheet.h"

#include "crypto/base64.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static bool within(struct ndc_str s, const char *ptr, size_t len)
{
    return s.len == 0 || (s.ptr >= ptr && s.ptr + s.len <= ptr + len);
}

static void check_row(const struct ndc_row *row, struct ndc_str file,
                      const struct ndc_buf *scratch)
{
    NDC_ASSERT(within(row->whole, file.ptr, file.len));
    for (int i = 0; i < NDC_COLUMN_COUNT; i++)
        NDC_ASSERT(within(row->value[i], file.ptr, file.len) ||
                   within(row->value[i], scratch->ptr, scratch->cap));
    (void)ndc_sheet_account_hash(row);
}

/* The rest of the file, read from where a row began, is the same rows. */
static void read_file(struct ndc_str file)
{
    struct ndc_sheet_shape shape;
    struct ndc_row row, again;
    struct ndc_buf scratch;
    if (ndc_sheet_shape(&shape, file, NULL)) return;
    NDC_ASSERT(shape.first <= file.len);
    ndc_buf_init(&scratch, (size_t)NDC_SHEET_BYTES_MAX * 2);
    size_t at = shape.first;
    for (size_t from = at; ndc_sheet_next(&row, &at, &shape, file, &scratch); from = at) {
        size_t other = from;
        NDC_ASSERT(at > from && at <= file.len);
        check_row(&row, file, &scratch);
        struct ndc_str whole = row.whole;
        enum ndc_sheet_bad bad = row.bad;
        NDC_ASSERT(ndc_sheet_next(&again, &other, &shape, file, &scratch));
        NDC_ASSERT(other == at && again.bad == bad && again.whole.ptr == whole.ptr &&
                   again.whole.len == whole.len);
    }
    ndc_buf_free(&scratch);
}

static struct ndc_str no_header(void *ctx, struct ndc_str name)
{
    (void)ctx;
    return name;
}

static void read_headers(struct ndc_str in)
{
    struct ndc_httpsig sig;
    uint8_t digest[NDC_SHA256_BYTES], decoded[256];
    size_t n, cut = ndc_str_find(in, '\n');
    struct ndc_str first = ndc_str_n(in.ptr, cut), second = ndc_str_from(in, cut + 1);
    const struct ndc_httpsig_message message = {.method = NDC_STR("POST"),
                                                .path = NDC_STR("/"),
                                                .query = NDC_STR("?"),
                                                .authority = NDC_STR("a"),
                                                .header = no_header};
    if (ndc_httpsig_parse(&sig, first, second, NULL) == NDC_OK) {
        static const uint8_t raw[NDC_SIGN_PUBLIC_BYTES] = {1};
        struct ndc_sign_key *key = ndc_sign_public_raw(raw);
        NDC_ASSERT(within(sig.params, first.ptr, first.len));
        for (size_t i = 0; i < sig.component_count; i++)
            NDC_ASSERT(within(sig.components[i], first.ptr, first.len));
        NDC_ASSERT(!key || ndc_httpsig_verify(&sig, &message, key, 0, NULL) != NDC_OK);
        ndc_sign_key_free(key);
    }
    (void)!ndc_httpsig_digest(digest, in, NULL);
    if (ndc_base64_read(decoded, sizeof(decoded), &n, in)) {
        struct ndc_buf back;
        ndc_buf_init(&back, 1024);
        ndc_base64_add(&back, decoded, n);
        NDC_ASSERT(ndc_str_eq(ndc_buf_str(&back), in)); /* one canonical form */
        ndc_buf_free(&back);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct ndc_str in = ndc_str_n((const char *)bytes, len);
    read_file(in);
    read_headers(in);
    return 0;
}

/* Any bytes as a spec, and where it is one, lines after a form feed as rows of values
 * that are linked, matched and keyed; and the model learned is written and read back. */
#include "platforms/registry/link/match.h"

enum { FIELDS = NDC_LINK_FIELDS_MAX, ROWS_MAX = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void take_row(struct ndc_str line, struct ndc_str values[FIELDS])
{
    for (unsigned f = 0; f < FIELDS; f++)
        if (!ndc_str_split(&line, '|', &values[f])) values[f] = NDC_STR_NULL;
}

static void read_back(const struct ndc_link *link, const struct ndc_link_spec *spec,
                      const struct ndc_str *row)
{
    struct ndc_buf json;
    struct ndc_link_model *model = NULL;
    ndc_buf_init(&json, 1 << 24);
    if (ndc_link_model_write(link, &json, NULL) == NDC_OK) {
        struct ndc_link_match match;
        enum ndc_err err = ndc_link_model_read(&model, spec, ndc_buf_str(&json), NULL);
        NDC_ASSERT(err == NDC_OK);
        (void)ndc_link_match(model, &match, 1, row, &row, 1, -100);
    }
    ndc_link_model_free(model);
    ndc_buf_free(&json);
}

static void link_rows(const struct ndc_link_spec *spec, struct ndc_str rest)
{
    struct ndc_link_options options = {.threads = 1};
    struct ndc_link *link = ndc_link_new(spec, &options);
    struct ndc_str line, values[FIELDS] = {0}, first[FIELDS] = {0};
    unsigned source = 0, n = 0;
    enum ndc_err err = ndc_link_source_add(link, NDC_STR("s"), &source, NULL);
    struct ndc_link_batch *batch = ndc_link_batch_new(link);
    uint64_t keys[NDC_LINK_KEYS_MAX];
    while (n < ROWS_MAX && ndc_str_split(&rest, '\n', &line)) {
        take_row(line, values);
        if (n == 0) memcpy(first, values, sizeof first);
        ndc_link_batch_add(batch, source, n++, values);
        NDC_ASSERT(ndc_link_keys(spec, values, keys) <= NDC_LINK_KEYS_MAX);
    }
    if (!err) err = ndc_link_batch_commit(batch, NULL);
    if (!err) err = ndc_link_run(link, NULL);
    NDC_ASSERT(err == NDC_OK && ndc_link_row_count(link) == n);
    read_back(link, spec, first);
    ndc_link_free(link);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct ndc_str rest = ndc_str_n((const char *)bytes, len), yaml;
    struct ndc_link_spec *spec;
    if (len == 0 || !ndc_str_split(&rest, '\f', &yaml)) return 0;
    struct ndc_fault fault = {0};
    if (ndc_link_spec_parse(&spec, yaml, "src/platforms/registry/specs", &fault)) {
        NDC_ASSERT(fault.message[0] != 0);
        return 0;
    }
    link_rows(spec, rest);
    ndc_link_spec_free(spec);
    return 0;
}

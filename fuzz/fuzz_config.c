/* Any bytes as a configuration file: taken or refused with a line, never a crash. */
#include "core/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const struct ndc_setting *const tables[] = {ndc_core_settings};
    struct ndc_fault fault = {0};
    struct ndc_config *config = ndc_config_new(tables, 1);
    enum ndc_err err =
        ndc_config_parse(config, ndc_str_n((const char *)bytes, len), "f", &fault);
    NDC_ASSERT(err == NDC_OK || (fault.err == err && fault.line > 0));
    NDC_ASSERT(ndc_config_int(config, "http_threads") <= 256);
    ndc_config_free(config);
    return 0;
}

/* Names of certificates as clients register them: the first byte says of which kind. */
#include "crypto/cert_name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ndc_fault fault = {0};
    if (!size) return 0;
    enum ndc_cert_name kind = (enum ndc_cert_name)(data[0] % 5);
    struct ndc_str text = ndc_str_n((const char *)data + 1, size - 1);
    if (ndc_cert_name_check(kind, text, &fault) == NDC_OK)
        (void)ndc_cert_name_is(NDC_STR(""), kind, text);
    return 0;
}

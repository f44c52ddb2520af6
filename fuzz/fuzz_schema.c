/* A schema, a form feed, a JSON text: no crash whatever both are; what parses can be
 * written. */
#include "core/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct ndc_arena arena;
    struct ndc_schema *schema;
    struct json_object *value;
    struct ndc_str in = ndc_str_n((const char *)bytes, len);
    size_t mark = ndc_str_find(in, '\f');
    ndc_arena_init(&arena, 1 << 22);
    const char *text = ndc_arena_cstr(&arena, ndc_str_n(in.ptr, mark));
    if (text && mark < 4096 && ndc_schema_parse(&arena, text, &schema, NULL) == NDC_OK) {
        struct ndc_buf out;
        struct ndc_json j;
        ndc_buf_init(&out, 1 << 22);
        ndc_json_init(&j, &out);
        ndc_schema_write(schema, &j);
        ndc_buf_free(&out);
        if (ndc_json_parse(&value, ndc_str_from(in, mark + 1), NULL) == NDC_OK) {
            enum ndc_err err = ndc_schema_check(schema, value, NULL);
            NDC_ASSERT(err == NDC_OK || err == NDC_EINPUT);
            json_object_put(value);
        }
        for (size_t i = 0; i < ndc_schema_members(schema); i++) {
            const struct ndc_schema *type;
            struct ndc_str fallback;
            bool required;
            const char *name = ndc_schema_member(schema, i, &type, &required, &fallback);
            (void)!ndc_schema_check_text(type, name, ndc_str_from(in, mark + 1), NULL);
        }
    }
    ndc_arena_free(&arena);
    return 0;
}

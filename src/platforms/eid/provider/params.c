/* Parameters of OAuth requests (params.h). */
#include "platforms/eid/provider/params.h"

#include "net/url.h"

static enum ndc_err add(struct eid_params *out, struct ndc_str name, struct ndc_str value,
                        struct ndc_fault *fault)
{
    if (!value.len) return NDC_OK;
    for (unsigned i = 0; i < out->n; i++)
        if (ndc_str_eq(out->items[i].name, name))
            return ndc_fail(fault, NDC_EINPUT, "invalid_request",
                            "the parameter %.*s is given twice", NDC_STR_FMT(name));
    if (out->n == EID_PARAMS_MAX)
        return ndc_fail(fault, NDC_EINPUT, "invalid_request",
                        "at most %d parameters are taken", EID_PARAMS_MAX);
    if (value.len > EID_PARAM_BYTES_MAX)
        return ndc_fail(fault, NDC_EINPUT, "invalid_request",
                        "the parameter %.*s is longer than %d bytes", NDC_STR_FMT(name),
                        EID_PARAM_BYTES_MAX);
    out->items[out->n++] = (struct eid_param){name, value};
    return NDC_OK;
}

enum ndc_err eid_params_read(struct eid_params *out, struct ndc_arena *arena,
                             struct ndc_str text, struct ndc_fault *fault)
{
    struct ndc_str name, value;
    bool bad = false;
    out->n = 0;
    while (ndc_url_query_next(arena, &text, &name, &value, &bad))
        NDC_TRY(add(out, name, value, fault));
    if (bad || arena->overflow)
        return ndc_fail(fault, NDC_EINPUT, "invalid_request",
                        "the parameters are not %%-escaped UTF-8");
    return NDC_OK;
}

enum ndc_err eid_params_take(struct eid_params *out, struct ndc_arena *arena,
                             struct json_object *from, struct ndc_fault *fault)
{
    out->n = 0;
    json_object_object_foreach(from, key, value)
    {
        const char *text =
            json_object_is_type(value, json_type_string)
                ? json_object_get_string(value)
                : json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN);
        if (!value) continue;
        NDC_TRY(add(out, ndc_arena_str(arena, ndc_str(key)),
                    ndc_arena_str(arena, ndc_str(text)), fault));
    }
    return NDC_OK;
}

enum ndc_err eid_params_parse(struct eid_params *out, struct ndc_arena *arena,
                              struct ndc_str json, struct ndc_fault *fault)
{
    struct json_object *object;
    NDC_TRY(ndc_json_parse(&object, json, fault));
    enum ndc_err err = json_object_is_type(object, json_type_object)
                           ? eid_params_take(out, arena, object, fault)
                           : ndc_fail(fault, NDC_EINPUT, "invalid_request",
                                      "parameters are a JSON object");
    json_object_put(object);
    return err;
}

void eid_params_write(struct ndc_json *j, const struct eid_params *params)
{
    ndc_json_object(j);
    for (unsigned i = 0; i < params->n; i++) {
        ndc_json_key_str(j, params->items[i].name);
        ndc_json_str(j, params->items[i].value);
    }
    ndc_json_end(j);
}

struct ndc_str eid_param(const struct eid_params *params, const char *name)
{
    for (unsigned i = 0; i < params->n; i++)
        if (ndc_str_eq_c(params->items[i].name, name)) return params->items[i].value;
    return NDC_STR_NULL;
}

void eid_params_drop(struct eid_params *params, const char *name)
{
    for (unsigned i = 0; i < params->n; i++)
        if (ndc_str_eq_c(params->items[i].name, name))
            params->items[i--] = params->items[--params->n];
}

bool eid_word_in(struct ndc_str list, struct ndc_str word)
{
    struct ndc_str rest = list, one;
    if (!word.len) return false;
    while (rest.ptr && ndc_str_split(&rest, ' ', &one))
        if (ndc_str_eq(one, word)) return true;
    return false;
}

bool eid_words_in(struct ndc_str list, struct ndc_str words)
{
    struct ndc_str rest = words, one;
    while (rest.ptr && ndc_str_split(&rest, ' ', &one))
        if (one.len && !eid_word_in(list, one)) return false;
    return true;
}

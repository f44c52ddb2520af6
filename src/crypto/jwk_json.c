/* Strict JSON for JOSE. The library that builds the tree keeps the last of two members
 * of one name and cuts a name at a NUL, so two readers of one token could see different
 * things (RFC 7515, 4: such a header must be refused). Both are found by counting: the
 * text, valid by then, has as many members as it has colons outside strings, and the
 * tree must have as many. */
#include "crypto/jwk_internal.h"

/* Colons outside strings; *nul is set where a string has \u0000. */
static size_t members_written(struct ndc_str text, bool *nul)
{
    size_t n = 0;
    bool inside = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '"') {
            inside = !inside;
        } else if (c == '\\' && inside) {
            struct ndc_str rest = ndc_str_from(text, i);
            if (ndc_str_starts(rest, NDC_STR("\\u0000"))) *nul = true;
            i++; /* what is escaped ends no string */
        } else if (c == ':' && !inside) {
            n++;
        }
    }
    return n;
}

/* Recursion is bounded by the parser's depth. */
static size_t members_kept(struct json_object *o)
{
    size_t n = 0;
    if (json_object_is_type(o, json_type_object)) {
        json_object_object_foreach(o, key, value)
        {
            (void)key;
            n += 1 + members_kept(value);
        }
    } else if (json_object_is_type(o, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(o); i++)
            n += members_kept(json_object_array_get_idx(o, i));
    }
    return n;
}

enum ndc_err ndc_jose_json(struct json_object **out, struct ndc_str text,
                           const char *code, const char *duplicate,
                           struct ndc_fault *fault)
{
    struct ndc_fault syntax = {0};
    bool nul = false;
    if (ndc_json_parse(out, text, &syntax))
        return ndc_fail(fault, NDC_EINPUT, code, "%s", syntax.message);
    size_t written = members_written(text, &nul);
    if (!nul && written == members_kept(*out)) return NDC_OK;
    json_object_put(*out);
    *out = NULL;
    if (nul)
        return ndc_fail(fault, NDC_EINPUT, code,
                        "a string contains the character NUL, which is not taken here");
    return ndc_fail(fault, NDC_EINPUT, duplicate,
                    "an object has a member twice: leave one of them out");
}

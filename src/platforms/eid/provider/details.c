/* Rich authorization requests (details.h). */
#include "platforms/eid/provider/details.h"

#include "platforms/eid/provider/oauth.h"
#include "platforms/eid/provider/params.h"

static enum ndc_err bad(struct ndc_fault *fault, const char *why)
{
    return eid_refuse(fault, "invalid_authorization_details", "authorization_details %s",
                      why);
}

static enum ndc_err check_one(const struct eid_client *client, struct json_object *one,
                              struct ndc_fault *fault)
{
    struct ndc_str type = ndc_json_get_str(one, "type");
    if (!type.len) return bad(fault, "holds objects with a type each");
    if (eid_word_in(client->detail_types, type)) return NDC_OK;
    return eid_refuse(fault, "invalid_authorization_details",
                      "this client has not registered the type %.*s "
                      "(authorization_details_types)",
                      (int)NDC_MIN(type.len, (size_t)64), type.ptr);
}

static enum ndc_err parse(struct json_object **out, const struct eid_client *client,
                          struct ndc_str text, struct ndc_fault *fault)
{
    *out = NULL;
    if (text.len > EID_DETAILS_BYTES_MAX) return bad(fault, "is longer than 8 KiB");
    if (ndc_json_parse(out, text, NULL)) return bad(fault, "is not JSON");
    enum ndc_err err = NDC_OK;
    if (!json_object_is_type(*out, json_type_array) ||
        json_object_array_length(*out) == 0 ||
        json_object_array_length(*out) > EID_DETAILS_MAX)
        err = bad(fault, "is a list of 1 to 16");
    for (size_t i = 0; !err && i < json_object_array_length(*out); i++)
        err = check_one(client, json_object_array_get_idx(*out, i), fault);
    if (!err) return NDC_OK;
    json_object_put(*out);
    *out = NULL;
    return err;
}

enum ndc_err eid_details_check(const struct eid_client *client, struct ndc_str text,
                               struct ndc_fault *fault)
{
    struct json_object *list;
    if (!text.len) return NDC_OK;
    NDC_TRY(parse(&list, client, text, fault));
    json_object_put(list);
    return NDC_OK;
}

static bool stands_in(struct json_object *list, struct json_object *one)
{
    for (size_t i = 0; list && i < json_object_array_length(list); i++)
        if (json_object_equal(json_object_array_get_idx(list, i), one)) return true;
    return false;
}

enum ndc_err eid_details_narrow(const struct eid_client *client, struct ndc_str granted,
                                struct ndc_str asked, struct ndc_str *out,
                                struct ndc_fault *fault)
{
    struct json_object *have = NULL, *want;
    *out = asked.len ? asked : granted;
    if (!asked.len) return NDC_OK;
    NDC_TRY(parse(&want, client, asked, fault));
    if (granted.len && ndc_json_parse(&have, granted, NULL)) have = NULL;
    enum ndc_err err = NDC_OK;
    for (size_t i = 0; !err && i < json_object_array_length(want); i++)
        if (!stands_in(have, json_object_array_get_idx(want, i)))
            err = bad(fault, "is more than was granted");
    json_object_put(want);
    json_object_put(have);
    return err;
}

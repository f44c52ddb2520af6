/* Parameters of OAuth requests: from a query, a form, JSON that was kept, or the claims
 * of a request object. RFC 6749, 3.1: none may come twice; one without a value is absent.
 */
#ifndef NDC_EID_PARAMS_H
#define NDC_EID_PARAMS_H

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"

enum { EID_PARAMS_MAX = 64, EID_PARAM_BYTES_MAX = 32 << 10 };

struct eid_param {
    struct ndc_str name, value;
};

struct eid_params {
    struct eid_param items[EID_PARAMS_MAX];
    unsigned n;
};

/* From application/x-www-form-urlencoded text; values live in the arena. Fault:
 * invalid_request. */
enum ndc_err eid_params_read(struct eid_params *out, struct ndc_arena *arena,
                             struct ndc_str text, struct ndc_fault *fault) NDC_MUST_USE;
/* From an object's members: texts as they are, whole numbers, others as their JSON. */
enum ndc_err eid_params_take(struct eid_params *out, struct ndc_arena *arena,
                             struct json_object *from,
                             struct ndc_fault *fault) NDC_MUST_USE;
/* The same from JSON text. */
enum ndc_err eid_params_parse(struct eid_params *out, struct ndc_arena *arena,
                              struct ndc_str json, struct ndc_fault *fault) NDC_MUST_USE;
/* As a JSON object of texts. */
void eid_params_write(struct ndc_json *j, const struct eid_params *params);
/* Takes one out; nothing if absent. */
void eid_params_drop(struct eid_params *params, const char *name);
/* NULL pointer if absent. */
struct ndc_str eid_param(const struct eid_params *params, const char *name);

/* Words of a space-separated list. */
bool eid_word_in(struct ndc_str list, struct ndc_str word);
bool eid_words_in(struct ndc_str list, struct ndc_str words); /* all of them */

#endif

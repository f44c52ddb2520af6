/* One JSON object on one line (NDJSON), cut into its members without building a tree: the
 * path on which millions of rows come in. Strict RFC 8259; nested values are passed as
 * their text. For everything else there is base/json.h. */
#ifndef NDC_BASE_JSONROW_H
#define NDC_BASE_JSONROW_H

#include "base/buf.h"
#include "base/error.h"

enum ndc_json_row_kind {
    NDC_JSON_ROW_STRING,
    NDC_JSON_ROW_NUMBER,
    NDC_JSON_ROW_BOOL,
    NDC_JSON_ROW_NULL,
    NDC_JSON_ROW_NESTED
};

struct ndc_json_member {
    struct ndc_str key, value; /* strings unescaped; others as written */
    enum ndc_json_row_kind kind;
};

/* Cuts `line` into at most `max` members. Texts point into `line` or into `scratch`,
 * which is emptied first and must stay until they are no longer needed. Faults:
 * json.syntax with the byte, json.members (too many), json.duplicate is not checked here.
 */
enum ndc_err ndc_json_row_parse(struct ndc_json_member *members, size_t max,
                                size_t *count, struct ndc_str line,
                                struct ndc_buf *scratch,
                                struct ndc_fault *fault) NDC_MUST_USE;

/* Whether `text` is one JSON value and nothing else, by the letter of RFC 8259, nested at
 * most 32 deep, in valid UTF-8. */
enum ndc_err ndc_json_check(struct ndc_str text, struct ndc_fault *fault) NDC_MUST_USE;

#endif

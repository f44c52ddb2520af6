/* Rows as a source wrote them, as policy lets them out. A raw value is treated as the
 * field that its column is mapped to; a column mapped to nothing as the strictest that
 * policy is with any field of its source, for nobody knows what stands in it. */
#ifndef NDC_REGISTRY_ROWVIEW_H
#define NDC_REGISTRY_ROWVIEW_H

#include "base/jsonrow.h"
#include "core/request.h"
#include "platforms/registry/registry.h"

enum { NDC_ROW_MEMBERS_MAX = 4096 };

enum ndc_shown { NDC_SHOWN_WHOLE, NDC_SHOWN_MASKED, NDC_SHOWN_NOT };

struct ndc_row_view {
    const struct ndc_source *source;
    struct ndc_policy_decision decision;
    enum ndc_shown unmapped;
};

/* Asks policy for all fields of the source. Does not write the audit entry: a caller that
 * shows something, or passes the refusal on, does. A refused view withholds all. */
enum ndc_err ndc_row_view(const struct ndc_request *req, enum ndc_policy_action action,
                          const struct ndc_source *source, struct ndc_row_view *out,
                          struct ndc_fault *fault) NDC_MUST_USE;

/* The same for one row or a download of one source: `done`, or its refusal, goes to the
 * audit log. */
enum ndc_err ndc_row_view_ask(struct ndc_request *req, const struct ndc_source *source,
                              enum ndc_policy_action action, const char *done,
                              struct ndc_row_view *out,
                              struct ndc_fault *fault) NDC_MUST_USE;

/* A column's value as it may leave, in the arena or as it was; a NULL pointer: withheld,
 * or there is none. */
enum ndc_shown ndc_row_view_value(const struct ndc_row_view *view, struct ndc_str column,
                                  struct ndc_str value, struct ndc_arena *arena,
                                  struct ndc_str *shown);
/* A record's key: as its column; a key mapped to no field identifies the record and
 * nobody else, and is shown. */
struct ndc_str ndc_row_view_key(const struct ndc_row_view *view, struct ndc_str key,
                                struct ndc_arena *arena);

/* A kept row (one JSON object) cut into members, which live in the arena; the texts in
 * `scratch` or in `row`. */
enum ndc_err ndc_row_cut(struct ndc_arena *arena, struct ndc_buf *scratch,
                         struct ndc_str row, struct ndc_json_member **out, size_t *count,
                         struct ndc_fault *fault) NDC_MUST_USE;

/* The members "row" and "masks" (which columns are not whole, and how) of an object. */
enum ndc_err ndc_row_view_write(const struct ndc_row_view *view, struct ndc_arena *arena,
                                struct ndc_str row, struct ndc_json *out,
                                struct ndc_fault *fault) NDC_MUST_USE;
/* The array of reasons again, each with its value as it may leave. */
enum ndc_err ndc_row_view_reasons(const struct ndc_row_view *view,
                                  struct ndc_arena *arena, struct ndc_str reasons,
                                  struct ndc_str key, struct ndc_json *out,
                                  struct ndc_fault *fault) NDC_MUST_USE;

/* The kept row with what `given` (a JSON object) says of its columns: one that is not
 * named, or is given as one of the views shows it masked, stays as it was. */
enum ndc_err ndc_row_merge(const struct ndc_row_view *views, size_t n,
                           struct ndc_arena *arena, struct ndc_str row,
                           struct json_object *given, struct ndc_buf *out,
                           struct ndc_fault *fault) NDC_MUST_USE;

#endif

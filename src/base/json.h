/* JSON writing into a buffer, and reading through json-c with limits. RFC 8259. */
#ifndef NDC_BASE_JSON_H
#define NDC_BASE_JSON_H

#include "base/buf.h"
#include "base/error.h"

#include <json-c/json.h>

/* Writer: commas and colons come by themselves.
 *
 *     struct ndc_json j;
 *     ndc_json_init(&j, &buf);
 *     ndc_json_object(&j);
 *     ndc_json_key(&j, "name"); ndc_json_str(&j, name);
 *     ndc_json_end(&j);
 *
 * Depth is at most 64; nesting wrongly is a broken invariant. */
enum { NDC_JSON_DEPTH_MAX = 64 };

struct ndc_json {
    struct ndc_buf *out;
    unsigned depth;
    bool comma; /* the next value needs one */
    char close[NDC_JSON_DEPTH_MAX];
};

void ndc_json_init(struct ndc_json *j, struct ndc_buf *out);
void ndc_json_object(struct ndc_json *j);
void ndc_json_array(struct ndc_json *j);
/* Ends the innermost object or array. */
void ndc_json_end(struct ndc_json *j);
void ndc_json_key(struct ndc_json *j, const char *key);
void ndc_json_key_str(struct ndc_json *j, struct ndc_str key);
/* Invalid UTF-8 becomes U+FFFD. A str with a NULL pointer is written as null. Besides
 * what JSON asks, <, > and & are escaped, so the text is safe inside an HTML script
 * element. */
void ndc_json_str(struct ndc_json *j, struct ndc_str s);
void ndc_json_c(struct ndc_json *j, const char *cstr);
void ndc_json_i64(struct ndc_json *j, int64_t v);
void ndc_json_u64(struct ndc_json *j, uint64_t v);
/* Shortest of up to 17 digits that reads back the same; NaN and infinities are null. */
void ndc_json_f64(struct ndc_json *j, double v);
void ndc_json_bool(struct ndc_json *j, bool v);
void ndc_json_null(struct ndc_json *j);
/* Text that is JSON already. */
void ndc_json_raw(struct ndc_json *j, struct ndc_str json);

/* key and value in one call */
void ndc_json_kv_str(struct ndc_json *j, const char *key, struct ndc_str s);
void ndc_json_kv_c(struct ndc_json *j, const char *key, const char *cstr);
void ndc_json_kv_i64(struct ndc_json *j, const char *key, int64_t v);
void ndc_json_kv_u64(struct ndc_json *j, const char *key, uint64_t v);
void ndc_json_kv_f64(struct ndc_json *j, const char *key, double v);
void ndc_json_kv_bool(struct ndc_json *j, const char *key, bool v);
/* A moment (milliseconds of Unix time) as RFC 3339 text; 0 or less: null. */
void ndc_json_kv_time(struct ndc_json *j, const char *key, int64_t unix_ms);

/* Parses one JSON text: depth at most 32, whole input, valid UTF-8, no duplicate trailing
 * data. The caller releases *out with json_object_put. Fault names the byte offset. */
enum ndc_err ndc_json_parse(struct json_object **out, struct ndc_str text,
                            struct ndc_fault *fault) NDC_MUST_USE;
/* Member access: NULL or the default when absent or of another type. */
struct json_object *ndc_json_get(struct json_object *o, const char *key);
struct ndc_str ndc_json_get_str(struct json_object *o, const char *key);
int64_t ndc_json_get_i64(struct json_object *o, const char *key, int64_t absent);
bool ndc_json_get_bool(struct json_object *o, const char *key, bool absent);

#endif

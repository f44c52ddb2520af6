/* Compact schemas of route rows: parsed once at start, checked against bodies and query
 * parameters, and written as JSON Schema into OpenAPI.
 *
 *   type    := base | '[' type ']' | '{' members '}' | '(' word '|' word … ')'
 *              followed by '|null' where null is allowed too
 *   base    := string | int | number | bool | date | time | any, with a range:
 *              int[1..1000], string[1..64] (bytes), string[..64]
 *   members := name ['?'] ':' type ['=' default] {',' …}   or   '*' ':' type (any name)
 *
 * White space is free. An array may have a range too: [int][1..100]. */
#ifndef NDC_CORE_SCHEMA_H
#define NDC_CORE_SCHEMA_H

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"

struct ndc_schema;

/* Parses into the arena. A wrong schema is a defect of the program, told by the fault. */
enum ndc_err ndc_schema_parse(struct ndc_arena *arena, const char *text,
                              struct ndc_schema **out,
                              struct ndc_fault *fault) NDC_MUST_USE;
/* Checks a value: missing, unknown (the nearest is named), mistyped and out of range
 * members are NDC_EINPUT with the JSON pointer in fault->field. */
enum ndc_err ndc_schema_check(const struct ndc_schema *schema, struct json_object *value,
                              struct ndc_fault *fault) NDC_MUST_USE;
/* Writes it as JSON Schema (2020-12). */
void ndc_schema_write(const struct ndc_schema *schema, struct ndc_json *out);

/* Members of an object schema, for query parameters. */
size_t ndc_schema_members(const struct ndc_schema *schema);
const char *ndc_schema_member(const struct ndc_schema *schema, size_t i,
                              const struct ndc_schema **type, bool *required,
                              struct ndc_str *fallback);
/* Index of a member, or SIZE_MAX. */
size_t ndc_schema_find(const struct ndc_schema *schema, struct ndc_str name);
/* The member nearest to a misspelt name, or NULL. */
const char *ndc_schema_nearest(const struct ndc_schema *schema, struct ndc_str name);
/* Checks one value that came as text (a query parameter). `field` is its name. */
enum ndc_err ndc_schema_check_text(const struct ndc_schema *type, const char *field,
                                   struct ndc_str text,
                                   struct ndc_fault *fault) NDC_MUST_USE;

#endif

/* Paths, queries and cookies as they come over the wire: RFC 3986, RFC 6265. */
#ifndef NDC_NET_URL_H
#define NDC_NET_URL_H

#include "base/arena.h"

/* The target of a request line, split and checked: the path decoded once and without
 * empty segments; false for what no client of ours sends: control or non-ASCII bytes,
 * a bad %-escape, "." and ".." segments (also when escaped), an escaped "/" or NUL,
 * invalid UTF-8, a path over 2,048 bytes. A trailing "/" is dropped. */
bool ndc_url_target(struct ndc_arena *arena, struct ndc_str raw, struct ndc_str *path,
                    struct ndc_str *query);

/* Takes the next name=value pair from *query (application/x-www-form-urlencoded), both
 * decoded into the arena. False at the end; *bad is set for an invalid escape or UTF-8.
 */
bool ndc_url_query_next(struct ndc_arena *arena, struct ndc_str *query,
                        struct ndc_str *name, struct ndc_str *value, bool *bad);

/* %XX decoding into the arena; `plus` turns + into a space. False if an escape is wrong,
 * a NUL results, or the result is not UTF-8. */
bool ndc_url_decode(struct ndc_arena *arena, struct ndc_str raw, bool plus,
                    struct ndc_str *out);

/* The value of a cookie in a Cookie header, or NULL pointer; the first if several. */
struct ndc_str ndc_cookie_find(struct ndc_str header, struct ndc_str name);

#endif

/* The console's built files, held in memory with their compressed forms. */
#ifndef NDC_CORE_STATIC_H
#define NDC_CORE_STATIC_H

#include "base/error.h"
#include "net/http.h"

struct ndc_static;

/* Reads a folder: every file, and FILE.gz and FILE.br beside it as its compressed forms.
 * A missing folder gives an empty set. Names with a hash (main-4f9a21cc.js) never change:
 * they are cached for ever; others are revalidated by ETag. At most 4,096 files, 256 MiB.
 */
enum ndc_err ndc_static_load(struct ndc_static **out, const char *dir,
                             struct ndc_fault *fault) NDC_MUST_USE;
void ndc_static_free(struct ndc_static *files);
size_t ndc_static_count(const struct ndc_static *files);
/* Fills the answer for a path ("/", "/app.js"); a path without a file and without a dot
 * in its last segment gets the nearest document at or above it ("/a/b": a/b.html, a.html,
 * index.html), which routes by itself. False: none. */
bool ndc_static_answer(const struct ndc_static *files, struct ndc_http *x,
                       struct ndc_str path);

#endif

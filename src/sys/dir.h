/* Names in a folder. */
#ifndef NDC_SYS_DIR_H
#define NDC_SYS_DIR_H

#include "base/arena.h"
#include "base/error.h"

/* Names of the files in `path` that end in `suffix`, sorted by bytes, in the arena. A
 * missing folder has none. At most `max` names, more are NDC_ETOOBIG. */
enum ndc_err ndc_dir_list(struct ndc_arena *arena, struct ndc_str **names, size_t *n,
                          const char *path, const char *suffix, size_t max,
                          struct ndc_fault *fault) NDC_MUST_USE;

#endif

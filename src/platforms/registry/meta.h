/* Named values of the registry as a whole: its generation, its totals, the last numbers
 * given. */
#ifndef NDC_REGISTRY_META_H
#define NDC_REGISTRY_META_H

#include "base/arena.h"
#include "store/store.h"

/* A value, in the arena; empty if there is none. */
enum ndc_err ndc_registry_meta(struct ndc_store_conn *conn, struct ndc_arena *arena,
                               const char *name, struct ndc_str *out,
                               struct ndc_fault *fault) NDC_MUST_USE;
/* A value that is a whole number; 0 if there is none. */
enum ndc_err ndc_registry_meta_i64(struct ndc_store_conn *conn, const char *name,
                                   int64_t *out, struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_registry_meta_set(struct ndc_store_conn *conn, const char *name,
                                   struct ndc_str value,
                                   struct ndc_fault *fault) NDC_MUST_USE;

#endif

/* Pushed batches. */
#ifndef NDC_REGISTRY_PUSH_H
#define NDC_REGISTRY_PUSH_H

#include "platforms/registry/registry.h"

/* A pushed batch: NDJSON rows, taken as a delta, at once. */
struct ndc_push {
    struct ndc_str source, ndjson;
    /* Idempotency: the answer is kept under the key in the same commit as the rows. A
     * batch of the same key and hash is answered as it was, one that comes at the same
     * time waits; another hash is NDC_ECONFLICT, push.key_reused. Empty: none. */
    struct ndc_str key, hash;
    /* Linked as they come where the registry has been integrated (live/live.h); else, and
     * where an integration is owed to the source, by the next one. */
    bool live;
    /* The rows' columns in their order, where more than the declared ones are kept. */
    const struct ndc_str *columns;
    size_t column_count;
    /* More to write in the same commit; may be NULL. Its error undoes all. */
    enum ndc_err (*also)(struct ndc_store_conn *conn, void *arg, struct ndc_fault *fault);
    void *also_arg;
};

/* *answer (JSON, appended) tells each row's outcome; *repeated (may be NULL): it is an
 * earlier one. */
enum ndc_err ndc_registry_push(struct ndc_registry *registry, const struct ndc_push *push,
                               struct ndc_buf *answer, bool *repeated,
                               struct ndc_load_result *result,
                               struct ndc_fault *fault) NDC_MUST_USE;
/* Forgets answers that were given before then: their keys are new again. */
enum ndc_err ndc_push_forget(struct ndc_store *store, int64_t before_ms, int64_t *deleted,
                             struct ndc_fault *fault) NDC_MUST_USE;

#endif

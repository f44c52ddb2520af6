/* Both time axes: the state of an entity as we knew it at one time, of what was true at
 * another. Told from its newest payload and the chain of its changes, each read by its
 * number: what is not asked for often costs nothing to keep ready. */
#ifndef NDC_REGISTRY_CHANGE_ASOF_H
#define NDC_REGISTRY_CHANGE_ASOF_H

#include "platforms/registry/change/change.h"
#include "platforms/registry/entity/entity.h"

enum { NDC_ASOF_CHANGES_MAX = 4096 };

struct ndc_asof {
    int64_t known_ms;     /* what had been committed by then; INT64_MAX: all */
    struct ndc_str valid; /* a date or RFC 3339 time: of each record what was true then;
                             a NULL pointer: what each said last */
    struct ndc_survivorship how;
};

/* Turns `view`, as made by change number `change` (0: by a first integration), into the
 * state asked for, in the arena: records and golden values, no edges. A record is true
 * from its source's own time of change, or, without one, from when it was loaded.
 * Faults: asof.not_known (NDC_ENOTFOUND), nobody knew the entity then; asof.gone
 * (NDC_ENOTFOUND), the feed no longer has a change that is needed; registry.damaged. */
enum ndc_err ndc_asof(struct ndc_store_conn *conn, struct ndc_arena *arena,
                      const struct ndc_asof *when, int64_t change,
                      struct ndc_entity_view *view, struct ndc_fault *fault) NDC_MUST_USE;

#endif

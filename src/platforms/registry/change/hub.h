/* Live readers of the change feed. One thread reads what is new, once for all, into a
 * ring; each follower takes from the ring what it has not had, or, when it is further
 * behind, from the table. A follower is asked when it can take more, so one that hangs
 * costs its place and nothing else. Woken by commits of this process; those of others are
 * found within 200 ms. */
#ifndef NDC_REGISTRY_CHANGE_HUB_H
#define NDC_REGISTRY_CHANGE_HUB_H

#include "net/http.h"
#include "platforms/registry/change/change.h"

enum { NDC_CHANGE_FOLLOWERS_MAX = 1024, NDC_CHANGE_PIECE = 128 };

struct ndc_change_hub;

struct ndc_change_follower {
    struct ndc_change_follower *next; /* the hub's */
    struct ndc_http *http;            /* woken when there is more */
    int64_t after;                    /* had so far */
    int64_t idle_since_ns;            /* of its last piece or heartbeat */
    bool beat;                        /* a heartbeat is due */
};

/* `tell` (may be NULL) is called after new changes were found, on the hub's thread; with
 * it the hub runs also without followers. */
struct ndc_change_hub *ndc_change_hub_new(struct ndc_store *store,
                                          void (*tell)(void *arg), void *arg);
/* Nobody follows any more. NULL is fine. */
void ndc_change_hub_free(struct ndc_change_hub *hub);
/* After each commit that appended. Any thread; NULL is fine. */
void ndc_change_hub_wake(struct ndc_change_hub *hub);
/* Follows from follower->after on. NDC_EBUSY: change.followers. */
enum ndc_err ndc_change_hub_join(struct ndc_change_hub *hub,
                                 struct ndc_change_follower *follower,
                                 struct ndc_fault *fault) NDC_MUST_USE;
void ndc_change_hub_leave(struct ndc_change_hub *hub,
                          struct ndc_change_follower *follower);
/* Up to NDC_CHANGE_PIECE changes after follower->after, which moves on; *n is 0 if there
 * are none yet. `arena` serves reads from the table. NDC_ENOTFOUND: change.gone, the next
 * was deleted by retention. */
enum ndc_err ndc_change_hub_next(struct ndc_change_hub *hub,
                                 struct ndc_change_follower *follower,
                                 struct ndc_arena *arena,
                                 struct ndc_change out[NDC_CHANGE_PIECE], size_t *n,
                                 struct ndc_fault *fault) NDC_MUST_USE;

#endif

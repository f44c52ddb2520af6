/* What the ways of following changes share. */
#ifndef NDC_REGISTRY_SERVE_CHANGES_H
#define NDC_REGISTRY_SERVE_CHANGES_H

#include "core/webhook.h"
#include "platforms/registry/change/view.h"
#include "platforms/registry/serve/http.h"

/* Which types were asked for (NULL pointer: all) and which fields policy lets be named.
 * A caller who may see nothing of any is refused; either way it goes to the audit log. */
enum ndc_err ndc_change_filter_make(struct ndc_request *req, struct ndc_str type,
                                    const char *action, struct ndc_change_filter *filter,
                                    struct ndc_fault *fault) NDC_MUST_USE;
/* The id of a source by number; NULL pointer: none. */
struct ndc_str ndc_change_source(struct ndc_registry *registry, uint32_t number);

/* The feed as a source of webhooks; `arg` is set to the registry. */
extern struct ndc_webhook_source ndc_change_webhook_source;

#endif

/* Core's own routes (health, metrics, API description) and permissions, as a platform. */
#ifndef NDC_CORE_CORE_PLATFORM_H
#define NDC_CORE_CORE_PLATFORM_H

#include "core/platform.h"

extern const struct ndc_platform ndc_core_platform;
extern const struct ndc_platform ndc_jobs_platform;
extern const struct ndc_platform ndc_webhooks_platform;

/* Handlers in openapi.c. */
enum ndc_err ndc_openapi_json(struct ndc_request *req, struct ndc_fault *fault);
enum ndc_err ndc_openapi_page(struct ndc_request *req, struct ndc_fault *fault);
enum ndc_err ndc_openapi_style(struct ndc_request *req, struct ndc_fault *fault);
/* In static.c: the console's files. */
enum ndc_err ndc_static_file(struct ndc_request *req, struct ndc_fault *fault);

#endif

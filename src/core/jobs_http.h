/* Jobs over HTTP: list, look, watch, cancel. */
#ifndef NDC_CORE_JOBS_HTTP_H
#define NDC_CORE_JOBS_HTTP_H

#include "core/jobs.h"
#include "core/route.h"

extern const struct ndc_route ndc_jobs_routes[];
enum { NDC_JOBS_ROUTES = 4 };

/* For ndc_jobs_options.on_change; arg is the app. Tells the topics "job:ID" and "jobs".
 */
void ndc_jobs_tell(void *app, const struct ndc_job_info *job);
/* The job as JSON, as every route of jobs writes it. */
void ndc_job_write(struct ndc_json *j, const struct ndc_job_info *job);

#endif

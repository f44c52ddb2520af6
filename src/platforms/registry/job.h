/* The registry's jobs. */
#ifndef NDC_REGISTRY_JOB_H
#define NDC_REGISTRY_JOB_H

#include "core/jobs.h"
#include "platforms/registry/serve/http.h"

enum { NDC_REGISTRY_JOBS = 2 };
extern const struct ndc_job_kind ndc_registry_jobs[NDC_REGISTRY_JOBS];

#endif

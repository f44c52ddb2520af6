/* Who serves the facts of people (core/people.h). */
#include "core/people.h"

static const struct ndc_people_ops *served;
static void *served_ctx;

void ndc_people_register(const struct ndc_people_ops *ops, void *ctx)
{
    served = ops;
    served_ctx = ctx;
}

const struct ndc_people_ops *ndc_people(void **ctx)
{
    if (ctx) *ctx = served_ctx;
    return served;
}

/* `ndc link …`: rows for the registry platform's command table. */
#ifndef NDC_REGISTRY_LINK_COMMAND_H
#define NDC_REGISTRY_LINK_COMMAND_H

#include "core/command.h"

extern const struct ndc_option ndc_link_eval_options[], ndc_link_run_options[];

/* link eval: judges record linkage on labelled CSV files. */
enum ndc_err ndc_link_command_eval(struct ndc_command_call *call,
                                   struct ndc_fault *fault);
/* link run: links the records of CSV files. */
enum ndc_err ndc_link_command_run(struct ndc_command_call *call, struct ndc_fault *fault);

#endif

/* `ndc bench pipeline`. */
#ifndef NDC_REGISTRY_COMMAND_BENCH_H
#define NDC_REGISTRY_COMMAND_BENCH_H

#include "core/command.h"

extern const struct ndc_option ndc_registry_bench_options[];

enum ndc_err ndc_registry_command_bench(struct ndc_command_call *call,
                                        struct ndc_fault *fault);

#endif

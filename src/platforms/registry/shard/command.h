/* `ndc shard …`. */
#ifndef NDC_REGISTRY_SHARD_COMMAND_H
#define NDC_REGISTRY_SHARD_COMMAND_H

#include "core/command.h"

extern const struct ndc_option ndc_shard_init_options[];

enum ndc_err ndc_shard_command_add(struct ndc_command_call *call,
                                   struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_shard_command_init(struct ndc_command_call *call,
                                    struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_shard_command_list(struct ndc_command_call *call,
                                    struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_shard_command_move(struct ndc_command_call *call,
                                    struct ndc_fault *fault) NDC_MUST_USE;

#endif

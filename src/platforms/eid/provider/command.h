/* `ndc eid client-…`, `ndc eid key-…`: beside a running daemon or without one. */
#ifndef NDC_EID_PROVIDER_COMMAND_H
#define NDC_EID_PROVIDER_COMMAND_H

#include "core/command.h"

enum ndc_err eid_run_client_add(struct ndc_command_call *call, struct ndc_fault *fault);
enum ndc_err eid_run_client_list(struct ndc_command_call *call, struct ndc_fault *fault);
enum ndc_err eid_run_client_disable(struct ndc_command_call *call,
                                    struct ndc_fault *fault);
enum ndc_err eid_run_key_rotate(struct ndc_command_call *call, struct ndc_fault *fault);

#endif

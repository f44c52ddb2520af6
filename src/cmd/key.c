/* stub */
#include "cmd/cmd.h"
enum ndc_err cmd_key_add_run(struct ndc_command_call *call, struct ndc_fault *fault)
{
    (void)call;
    return ndc_fail(fault, NDC_EUNSUPPORTED, "x", "x");
}
enum ndc_err cmd_key_revoke_run(struct ndc_command_call *call, struct ndc_fault *fault)
{
    (void)call;
    return ndc_fail(fault, NDC_EUNSUPPORTED, "x", "x");
}
enum ndc_err cmd_key_list_run(struct ndc_command_call *call, struct ndc_fault *fault)
{
    (void)call;
    return ndc_fail(fault, NDC_EUNSUPPORTED, "x", "x");
}

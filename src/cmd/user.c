/* stub */
#include "cmd/cmd.h"
enum ndc_err cmd_user_add_run(struct ndc_command_call *call, struct ndc_fault *fault)
{
    (void)call;
    return ndc_fail(fault, NDC_EUNSUPPORTED, "x", "x");
}
enum ndc_err cmd_user_passwd_run(struct ndc_command_call *call, struct ndc_fault *fault)
{
    (void)call;
    return ndc_fail(fault, NDC_EUNSUPPORTED, "x", "x");
}
enum ndc_err cmd_user_list_run(struct ndc_command_call *call, struct ndc_fault *fault)
{
    (void)call;
    return ndc_fail(fault, NDC_EUNSUPPORTED, "x", "x");
}

/* A command's options by name. */
#include "core/command.h"

#include <stdarg.h>
#include <stdio.h>

enum ndc_err ndc_usage(struct ndc_fault *fault, const char *format, ...)
{
    char text[NDC_FAULT_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return ndc_fail(fault, NDC_EINPUT, "usage", "%s", text);
}

int ndc_option_index(const struct ndc_command *command, struct ndc_str name)
{
    for (int i = 0; command->options && command->options[i].name; i++)
        if (ndc_str_eq_c(name, command->options[i].name)) return i;
    return -1;
}

const char *ndc_command_option(const struct ndc_command_call *call, const char *name)
{
    int i = ndc_option_index(call->command, ndc_str(name));
    NDC_ASSERT(i >= 0);
    return call->values[i] ? call->values[i] : call->command->options[i].fallback;
}

bool ndc_command_flag(const struct ndc_command_call *call, const char *name)
{
    return ndc_command_option(call, name) != NULL;
}

enum ndc_err ndc_command_i64(const struct ndc_command_call *call, const char *name,
                             int64_t min, int64_t max, int64_t *out,
                             struct ndc_fault *fault)
{
    const char *text = ndc_command_option(call, name);
    if (text && ndc_str_to_i64(ndc_str(text), out) && *out >= min && *out <= max)
        return NDC_OK;
    return ndc_usage(fault, "--%s: expected a whole number from %lld to %lld, got \"%s\"",
                     name, (long long)min, (long long)max, text ? text : "");
}

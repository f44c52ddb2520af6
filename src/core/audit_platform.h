/* The audit log's routes and commands, as a platform row. */
#ifndef NDC_CORE_AUDIT_PLATFORM_H
#define NDC_CORE_AUDIT_PLATFORM_H

#include "core/platform.h"

extern const struct ndc_platform ndc_audit_platform;

/* audit_cmd.c */
enum { NDC_AUDIT_COMMANDS_N = 3 };
extern const struct ndc_command ndc_audit_commands[NDC_AUDIT_COMMANDS_N];

#endif

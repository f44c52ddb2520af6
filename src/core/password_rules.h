/* Which passwords are refused: too short, too long, or what anyone would try first. */
#ifndef NDC_CORE_PASSWORD_RULES_H
#define NDC_CORE_PASSWORD_RULES_H

#include "base/error.h"

/* Faults: password.short, password.long, password.common. */
enum ndc_err ndc_password_check(struct ndc_str password, struct ndc_str user,
                                struct ndc_fault *fault) NDC_MUST_USE;

#endif

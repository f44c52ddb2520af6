/* Checking of bank accounts against the national store, as a platform. */
#ifndef NDC_VERIFY_VERIFY_PLATFORM_H
#define NDC_VERIFY_VERIFY_PLATFORM_H

#include "core/platform.h"

extern const struct ndc_platform ndc_verify_platform;

#endif

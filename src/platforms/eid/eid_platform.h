/* What the program needs to know of the platform. */
#ifndef NDC_EID_PLATFORM_H
#define NDC_EID_PLATFORM_H

#include "core/platform.h"

extern const struct ndc_platform ndc_eid_platform;

#endif

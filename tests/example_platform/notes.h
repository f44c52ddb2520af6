/* The example platform of docs/adding-a-platform.md: notes about persons. */
#ifndef NDC_TESTS_EXAMPLE_PLATFORM_NOTES_H
#define NDC_TESTS_EXAMPLE_PLATFORM_NOTES_H

#include "core/platform.h"

extern const struct ndc_platform ndc_notes_platform;

#endif

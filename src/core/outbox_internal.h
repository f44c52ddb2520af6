/* Shared by outbox.c and outbox_dispatch.c. */
#ifndef NDC_CORE_OUTBOX_INTERNAL_H
#define NDC_CORE_OUTBOX_INTERNAL_H

#include "core/outbox.h"

enum {
    NDC_OUTBOX_BATCH = 64,
    NDC_OUTBOX_LOOK_MS = 200,
    NDC_OUTBOX_REVIVE_MS = 2000,
    NDC_OUTBOX_DELAY_MAX_MS = 300000,
};

#endif

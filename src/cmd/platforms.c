/* The platforms of this program. A new one is a folder under src/platforms/ and a line
 * here: docs/adding-a-platform.md. */
#include "cmd/cmd.h"

const struct ndc_platform *const cmd_platforms[] = {
    NULL,
};

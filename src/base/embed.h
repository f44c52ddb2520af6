/* Files that the program carries inside it, made by scripts/embed.py at build time. */
#ifndef NDC_BASE_EMBED_H
#define NDC_BASE_EMBED_H

#include <stddef.h>

struct ndc_embed {
    const char *name;  /* without folders; NULL ends the table */
    const char *bytes; /* followed by a 0 that does not count */
    size_t len;
};

#endif

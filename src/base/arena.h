/* Arena: a capped bump allocator. One per request, job or platform lifetime; nothing in
 * it is freed alone. When the cap is passed, allocation returns zeroed scratch memory
 * shared by all failed calls, and a sticky flag is set that the owner checks once at the
 * end. */
#ifndef NDC_BASE_ARENA_H
#define NDC_BASE_ARENA_H

#include "base/str.h"

struct ndc_arena_block;

struct ndc_arena {
    struct ndc_arena_block *head; /* the block being filled */
    size_t used_bytes;            /* of all blocks */
    size_t bytes_max;             /* cap */
    bool overflow;                /* sticky: an allocation was refused */
};

/* An empty arena that may hold bytes_max bytes. Allocates nothing yet. */
void ndc_arena_init(struct ndc_arena *arena, size_t bytes_max);
/* Frees everything. The arena can be used again. */
void ndc_arena_free(struct ndc_arena *arena);
/* Forgets everything but keeps the first block for reuse; clears overflow. */
void ndc_arena_reset(struct ndc_arena *arena);

/* 16-byte aligned memory. Never NULL unless a single request is over 64 KiB while the
 * arena has overflowed: check `overflow`, or the pointer, after large requests. */
void *ndc_arena_alloc(struct ndc_arena *arena, size_t size);
/* The same, zeroed. */
void *ndc_arena_zalloc(struct ndc_arena *arena, size_t size);
/* Copies; the copies are also 0-terminated so that C interfaces can take them. */
struct ndc_str ndc_arena_str(struct ndc_arena *arena, struct ndc_str s);
char *ndc_arena_cstr(struct ndc_arena *arena, struct ndc_str s);
/* printf into the arena. */
struct ndc_str ndc_arena_printf(struct ndc_arena *arena, const char *format, ...)
    NDC_PRINTF(2, 3);

#define NDC_ARENA_NEW(arena, type) ((type *)ndc_arena_zalloc((arena), sizeof(type)))
#define NDC_ARENA_ARRAY(arena, type, n) \
    ((type *)ndc_arena_zalloc((arena), sizeof(type) * (n)))

#endif

/* Arena: blocks double up to 1 MiB; a request larger than that gets a block of its own.
 */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>

enum { BLOCK_MIN = 4096, BLOCK_MAX = 1 << 20, SCRATCH_BYTES = 65536, ALIGN = 16 };

struct ndc_arena_block {
    struct ndc_arena_block *next; /* older block */
    size_t size, used;
    _Alignas(ALIGN) unsigned char data[];
};

/* What refused allocations share: written by callers that have yet to see `overflow`. */
static _Thread_local _Alignas(ALIGN) unsigned char scratch[SCRATCH_BYTES];

void ndc_arena_init(struct ndc_arena *arena, size_t bytes_max)
{
    *arena = (struct ndc_arena){.bytes_max = bytes_max};
}

void ndc_arena_free(struct ndc_arena *arena)
{
    struct ndc_arena_block *block = arena->head;
    while (block) {
        struct ndc_arena_block *next = block->next;
        free(block);
        block = next;
    }
    ndc_arena_init(arena, arena->bytes_max);
}

void ndc_arena_reset(struct ndc_arena *arena)
{
    struct ndc_arena_block *keep = arena->head;
    if (keep) {
        struct ndc_arena_block *block = keep->next;
        while (block) {
            struct ndc_arena_block *next = block->next;
            free(block);
            block = next;
        }
        keep->next = NULL;
        keep->used = 0;
    }
    arena->used_bytes = keep ? keep->size : 0;
    arena->overflow = false;
}

static void *refuse(struct ndc_arena *arena, size_t size)
{
    arena->overflow = true;
    if (size > SCRATCH_BYTES) return NULL;
    memset(scratch, 0, size);
    return scratch;
}

void *ndc_arena_alloc(struct ndc_arena *arena, size_t size)
{
    struct ndc_arena_block *block = arena->head;
    if (size > arena->bytes_max) return refuse(arena, size);
    size = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (!block || block->size - block->used < size) {
        size_t want = block ? NDC_MIN(block->size * 2, (size_t)BLOCK_MAX) : BLOCK_MIN;
        want = NDC_MAX(want, size);
        if (arena->used_bytes + want > arena->bytes_max) want = size;
        if (arena->used_bytes + want > arena->bytes_max) return refuse(arena, size);
        block = ndc_xmalloc(sizeof(*block) + want);
        block->size = want;
        block->used = 0;
        block->next = arena->head;
        arena->head = block;
        arena->used_bytes += want;
    }
    void *ptr = block->data + block->used;
    block->used += size;
    return ptr;
}

void *ndc_arena_zalloc(struct ndc_arena *arena, size_t size)
{
    void *ptr = ndc_arena_alloc(arena, size);
    if (ptr) memset(ptr, 0, size);
    return ptr;
}

char *ndc_arena_cstr(struct ndc_arena *arena, struct ndc_str s)
{
    char *copy = ndc_arena_alloc(arena, s.len + 1);
    if (!copy) return NULL;
    if (s.len) memcpy(copy, s.ptr, s.len);
    copy[s.len] = 0;
    return copy;
}

struct ndc_str ndc_arena_str(struct ndc_arena *arena, struct ndc_str s)
{
    char *copy = ndc_arena_cstr(arena, s);
    return copy ? ndc_str_n(copy, s.len) : NDC_STR_NULL;
}

struct ndc_str ndc_arena_printf(struct ndc_arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    NDC_ASSERT(len >= 0);
    char *text = ndc_arena_alloc(arena, (size_t)len + 1);
    if (text) vsnprintf(text, (size_t)len + 1, format, again);
    va_end(again);
    return text ? ndc_str_n(text, (size_t)len) : NDC_STR_NULL;
}

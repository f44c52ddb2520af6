/* Hash tables in 64 parts, each behind a lock of its own that is held for a probe. */
#include "platforms/registry/live/overlay.h"

#include "base/hash.h"
#include "sys/thread.h"

enum { PARTS = 64, LOOKED_MAX = 32 };

struct slot {
    uint64_t key;   /* 0: free */
    uint32_t first; /* entry + 1 */
};

struct entry {
    uint64_t value;
    uint32_t next; /* entry + 1 */
};

struct part {
    struct ndc_mutex lock;      /* guards what follows; taken alone */
    struct ndc_key64 *entities; /* open addressing; key 0 is free */
    size_t entity_mask, entity_count;
    struct slot *slots;
    size_t slot_mask, slot_count;
    struct entry *entries;
    size_t entry_count, entry_cap;
};

struct ndc_overlay {
    struct part parts[PARTS];
};

struct ndc_overlay *ndc_overlay_new(void)
{
    struct ndc_overlay *o = ndc_xcalloc(1, sizeof(*o));
    for (size_t i = 0; i < PARTS; i++)
        ndc_mutex_init(&o->parts[i].lock);
    return o;
}

static void empty_entries(struct part *p)
{
    free(p->slots);
    free(p->entries);
    p->slots = NULL;
    p->entries = NULL;
    p->slot_mask = p->slot_count = 0;
    p->entry_count = p->entry_cap = 0;
}

static void empty_part(struct part *p)
{
    empty_entries(p);
    free(p->entities);
    p->entities = NULL;
    p->entity_mask = p->entity_count = 0;
}

void ndc_overlay_clear(struct ndc_overlay *o)
{
    for (size_t i = 0; i < PARTS; i++) {
        ndc_mutex_lock(&o->parts[i].lock);
        empty_part(&o->parts[i]);
        ndc_mutex_unlock(&o->parts[i].lock);
    }
}

void ndc_overlay_clear_entries(struct ndc_overlay *o)
{
    for (size_t i = 0; i < PARTS; i++) {
        ndc_mutex_lock(&o->parts[i].lock);
        empty_entries(&o->parts[i]);
        ndc_mutex_unlock(&o->parts[i].lock);
    }
}

void ndc_overlay_free(struct ndc_overlay *o)
{
    if (!o) return;
    for (size_t i = 0; i < PARTS; i++) {
        empty_part(&o->parts[i]);
        ndc_mutex_free(&o->parts[i].lock);
    }
    free(o);
}

/* Constant data may be looked at by readers; the locks inside still move. */
static struct part *part_of(const struct ndc_overlay *o, uint64_t mixed)
{
    return (struct part *)(uintptr_t)&o->parts[mixed >> 58];
}

/* ---- entities ---- */

static struct ndc_key64 *entity_slot(const struct part *p, uint64_t entity,
                                     uint64_t mixed)
{
    size_t at = mixed & p->entity_mask;
    while (p->entities[at].key && p->entities[at].key != entity)
        at = (at + 1) & p->entity_mask;
    return &p->entities[at];
}

static void grow_entities(struct part *p)
{
    struct ndc_key64 *old = p->entities;
    size_t n = old ? p->entity_mask + 1 : 0, cap = n ? n * 2 : 64;
    p->entities = ndc_xcalloc(cap, sizeof(*p->entities));
    p->entity_mask = cap - 1;
    for (size_t i = 0; i < n; i++)
        if (old[i].key) *entity_slot(p, old[i].key, ndc_mix64(old[i].key)) = old[i];
    free(old);
}

void ndc_overlay_set(struct ndc_overlay *o, uint64_t entity, int64_t seq)
{
    uint64_t mixed = ndc_mix64(entity);
    struct part *p = part_of(o, mixed);
    ndc_mutex_lock(&p->lock);
    if (!p->entities || p->entity_count * 2 > p->entity_mask) grow_entities(p);
    struct ndc_key64 *slot = entity_slot(p, entity, mixed);
    bool fresh = slot->key == 0;
    p->entity_count += fresh;
    if (fresh || (int64_t)slot->value < seq)
        *slot = (struct ndc_key64){entity, (uint64_t)seq};
    ndc_mutex_unlock(&p->lock);
}

/* What stands behind a freed slot moves up, if it may stand there. */
static void free_slot(struct part *p, size_t hole)
{
    size_t at = hole;
    for (;;) {
        at = (at + 1) & p->entity_mask;
        if (!p->entities[at].key) break;
        size_t home = ndc_mix64(p->entities[at].key) & p->entity_mask;
        if (((at - home) & p->entity_mask) < ((at - hole) & p->entity_mask)) continue;
        p->entities[hole] = p->entities[at];
        hole = at;
    }
    p->entities[hole] = (struct ndc_key64){0};
}

void ndc_overlay_drop(struct ndc_overlay *o, uint64_t entity, int64_t seq)
{
    uint64_t mixed = ndc_mix64(entity);
    struct part *p = part_of(o, mixed);
    ndc_mutex_lock(&p->lock);
    struct ndc_key64 *slot = p->entities ? entity_slot(p, entity, mixed) : NULL;
    if (slot && slot->key && (int64_t)slot->value == seq) {
        free_slot(p, (size_t)(slot - p->entities));
        p->entity_count--;
    }
    ndc_mutex_unlock(&p->lock);
}

int64_t ndc_overlay_get(const struct ndc_overlay *o, uint64_t entity)
{
    uint64_t mixed = ndc_mix64(entity);
    struct part *p = part_of(o, mixed);
    ndc_mutex_lock(&p->lock);
    int64_t seq = p->entities ? (int64_t)entity_slot(p, entity, mixed)->value : 0;
    ndc_mutex_unlock(&p->lock);
    return seq;
}

size_t ndc_overlay_count(const struct ndc_overlay *o)
{
    size_t n = 0;
    for (size_t i = 0; i < PARTS; i++) {
        struct part *p = part_of(o, (uint64_t)i << 58);
        ndc_mutex_lock(&p->lock);
        n += p->entity_count;
        ndc_mutex_unlock(&p->lock);
    }
    return n;
}

size_t ndc_overlay_list(const struct ndc_overlay *o, struct ndc_key64 **items)
{
    size_t n = 0, cap = 0;
    *items = NULL;
    for (size_t i = 0; i < PARTS; i++) {
        struct part *p = part_of(o, (uint64_t)i << 58);
        ndc_mutex_lock(&p->lock);
        if (n + p->entity_count > cap) {
            cap = (n + p->entity_count) * 2;
            *items = ndc_xrealloc(*items, cap * sizeof(**items));
        }
        for (size_t k = 0; p->entities && k <= p->entity_mask; k++)
            if (p->entities[k].key) (*items)[n++] = p->entities[k];
        ndc_mutex_unlock(&p->lock);
    }
    ndc_sort_key64_own(*items, n);
    return n;
}

/* ---- index entries ---- */

static struct slot *key_slot(const struct part *p, uint64_t key, uint64_t mixed)
{
    size_t at = mixed & p->slot_mask;
    while (p->slots[at].key && p->slots[at].key != key)
        at = (at + 1) & p->slot_mask;
    return &p->slots[at];
}

static void grow_slots(struct part *p)
{
    struct slot *old = p->slots;
    size_t n = old ? p->slot_mask + 1 : 0, cap = n ? n * 2 : 256;
    p->slots = ndc_xcalloc(cap, sizeof(*p->slots));
    p->slot_mask = cap - 1;
    for (size_t i = 0; i < n; i++)
        if (old[i].key) *key_slot(p, old[i].key, ndc_mix64(old[i].key)) = old[i];
    free(old);
}

static uint32_t new_entry(struct part *p, uint64_t value, uint32_t next)
{
    if (p->entry_count == p->entry_cap) {
        p->entry_cap = p->entry_cap ? p->entry_cap * 2 : 256;
        NDC_ASSERT(p->entry_cap < UINT32_MAX);
        p->entries = ndc_xrealloc(p->entries, p->entry_cap * sizeof(*p->entries));
    }
    p->entries[p->entry_count] = (struct entry){value, next};
    return (uint32_t)++p->entry_count;
}

bool ndc_overlay_add(struct ndc_overlay *o, uint64_t key, uint64_t value)
{
    if (key == 0) key = 1;
    uint64_t mixed = ndc_mix64(key);
    struct part *p = part_of(o, mixed);
    ndc_mutex_lock(&p->lock);
    if (!p->slots || p->slot_count * 2 > p->slot_mask) grow_slots(p);
    struct slot *slot = key_slot(p, key, mixed);
    bool found = false;
    unsigned looked = 0; /* under a key of a crowd one that is there twice costs less */
    for (uint32_t e = slot->first; e && !found && looked < LOOKED_MAX;
         e = p->entries[e - 1].next, looked++)
        found = p->entries[e - 1].value == value;
    if (!found) {
        p->slot_count += slot->key == 0;
        slot->key = key;
        slot->first = new_entry(p, value, slot->first);
    }
    ndc_mutex_unlock(&p->lock);
    return !found;
}

size_t ndc_overlay_find(const struct ndc_overlay *o, uint64_t key, uint64_t *values,
                        size_t max)
{
    if (key == 0) key = 1;
    uint64_t mixed = ndc_mix64(key);
    struct part *p = part_of(o, mixed);
    size_t n = 0;
    ndc_mutex_lock(&p->lock);
    if (p->slots)
        for (uint32_t e = key_slot(p, key, mixed)->first; e && n < max;
             e = p->entries[e - 1].next)
            values[n++] = p->entries[e - 1].value;
    ndc_mutex_unlock(&p->lock);
    return n;
}

size_t ndc_overlay_entries(const struct ndc_overlay *o)
{
    size_t n = 0;
    for (size_t i = 0; i < PARTS; i++) {
        struct part *p = part_of(o, (uint64_t)i << 58);
        ndc_mutex_lock(&p->lock);
        n += p->entry_count;
        ndc_mutex_unlock(&p->lock);
    }
    return n;
}

/* Distinct subjects per requester and purpose: a hash set that turns into a HyperLogLog
 * sketch (Flajolet, Fusy, Gandouet and Meunier 2007) when it grows past its cap. Subjects
 * are told apart by 64-bit hashes: at 131,072 of them a false match has odds of 1 in two
 * thousand million. */
#include "platforms/policy/volume.h"

#include "base/hash.h"
#include "sys/thread.h"

#include <math.h>

enum { SHARDS = 16, REGISTERS_LOG = 14, REGISTERS = 1 << REGISTERS_LOG };

struct counter {
    uint64_t key;    /* hash of requester and purpose */
    uint64_t *slots; /* exact: hashes, 0 is free; NULL once estimated */
    uint32_t cap, used;
    uint8_t *registers; /* estimated */
    uint64_t floor;     /* the estimate never falls below what was told */
    struct counter *next;
};

struct shard {
    struct ndc_mutex lock; /* guards the counters of this shard; taken alone */
    struct counter *buckets[1024];
    struct counter *overflow;
    unsigned count;
};

struct policy_volume {
    struct shard shards[SHARDS];
};

struct policy_volume *policy_volume_new(void)
{
    struct policy_volume *v = ndc_xcalloc(1, sizeof(*v));
    for (size_t i = 0; i < SHARDS; i++)
        ndc_mutex_init(&v->shards[i].lock);
    return v;
}

void policy_volume_free(struct policy_volume *v)
{
    if (!v) return;
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *shard = &v->shards[i];
        for (size_t b = 0; b < NDC_ARRAY_LEN(shard->buckets); b++) {
            while (shard->buckets[b]) {
                struct counter *c = shard->buckets[b];
                shard->buckets[b] = c->next;
                free(c->slots);
                free(c->registers);
                free(c);
            }
        }
        ndc_mutex_free(&shard->lock);
    }
    free(v);
}

static struct counter *find(struct shard *shard, uint64_t key, bool make)
{
    struct counter **bucket = &shard->buckets[key >> 32 & 1023];
    for (struct counter *c = *bucket; c; c = c->next)
        if (c->key == key) return c;
    if (shard->count >= POLICY_VOLUME_PAIRS_MAX / SHARDS && shard->overflow)
        return shard->overflow;
    if (!make) return NULL;
    struct counter *c = ndc_xcalloc(1, sizeof(*c));
    c->key = key;
    c->cap = 16;
    c->slots = ndc_xcalloc(c->cap, sizeof(*c->slots));
    c->next = *bucket;
    *bucket = c;
    if (++shard->count == POLICY_VOLUME_PAIRS_MAX / SHARDS) shard->overflow = c;
    return c;
}

static void raise_register(uint8_t *registers, uint64_t hash)
{
    size_t at = hash >> (64 - REGISTERS_LOG);
    uint64_t rest = hash << REGISTERS_LOG | (uint64_t)1 << (REGISTERS_LOG - 1);
    uint8_t rank = (uint8_t)(__builtin_clzll(rest) + 1);
    if (registers[at] < rank) registers[at] = rank;
}

static uint64_t estimate(const uint8_t *registers)
{
    double sum = 0;
    for (size_t i = 0; i < REGISTERS; i++)
        sum += ldexp(1.0, -registers[i]);
    return (uint64_t)(0.7213 / (1 + 1.079 / REGISTERS) * REGISTERS * (double)REGISTERS /
                      sum);
}

/* The slot of the hash, or where it would go. */
static size_t slot_of(const struct counter *c, uint64_t hash)
{
    size_t at = hash & (c->cap - 1);
    while (c->slots[at] && c->slots[at] != hash)
        at = (at + 1) & (c->cap - 1);
    return at;
}

static void grow(struct counter *c)
{
    struct counter old = *c;
    c->cap *= 2;
    c->slots = ndc_xcalloc(c->cap, sizeof(*c->slots));
    for (size_t i = 0; i < old.cap; i++)
        if (old.slots[i]) c->slots[slot_of(c, old.slots[i])] = old.slots[i];
    free(old.slots);
}

static void start_estimating(struct counter *c)
{
    c->registers = ndc_xcalloc(1, REGISTERS);
    for (size_t i = 0; i < c->cap; i++)
        if (c->slots[i]) raise_register(c->registers, c->slots[i]);
    c->floor = c->used;
    free(c->slots);
    c->slots = NULL;
}

static uint64_t count_exact(struct counter *c, uint64_t hash, bool add)
{
    size_t at = slot_of(c, hash);
    if (c->slots[at]) return c->used;
    if (!add) return c->used + 1;
    c->slots[at] = hash;
    c->used++;
    if (c->used > POLICY_VOLUME_EXACT_MAX)
        start_estimating(c);
    else if (4 * c->used > 3 * c->cap)
        grow(c);
    return c->slots ? c->used : c->floor;
}

static uint64_t count_estimated(struct counter *c, uint64_t hash, bool add)
{
    if (add) {
        size_t at = hash >> (64 - REGISTERS_LOG);
        uint8_t before = c->registers[at];
        raise_register(c->registers, hash);
        /* The sum is over all registers: made only when one has changed. */
        if (c->registers[at] != before) {
            uint64_t now = estimate(c->registers);
            if (now > c->floor) c->floor = now;
        }
    }
    return c->floor;
}

uint64_t policy_volume_count(struct policy_volume *v, struct ndc_str requester,
                             struct ndc_str purpose, struct ndc_str subject, bool add)
{
    uint64_t key = ndc_hash_str(purpose, ndc_hash_str(requester, 11));
    uint64_t hash = ndc_hash_str(subject, 13);
    if (!hash) hash = 1;
    struct shard *shard = &v->shards[key & (SHARDS - 1)];
    ndc_mutex_lock(&shard->lock);
    struct counter *c = find(shard, key, add);
    uint64_t count = !c         ? 1
                     : c->slots ? count_exact(c, hash, add)
                                : count_estimated(c, hash, add);
    ndc_mutex_unlock(&shard->lock);
    return count;
}

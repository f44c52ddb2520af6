/* A fixed table, four ways each: a new key takes the place of the one that is longest
 * silent, so that a flood of names costs no memory. */
#include "core/throttle.h"

#include "base/hash.h"
#include "sys/random.h"
#include "sys/thread.h"

#include <arpa/inet.h>

enum {
    SETS = 8192, /* power of two */
    WAYS = 4,
    FORGET_MS = 3600 * 1000
};

struct rule {
    unsigned free; /* failures without a wait */
    int64_t wait_max_ms;
};

enum key_kind { PAIR, ADDRESS, ACCOUNT, NETWORK, KNOWN, KINDS };

static const struct rule rules[KINDS] = {[PAIR] = {5, 15 * 60 * 1000},
                                         [ADDRESS] = {30, 60 * 1000},
                                         [ACCOUNT] = {50, 30 * 1000},
                                         [NETWORK] = {100, 60 * 1000}};

struct slot {
    uint64_t key;
    int64_t last_ms;
    uint32_t failures;
};

struct ndc_throttle {
    struct ndc_mutex lock; /* guards the slots */
    uint64_t seed;
    struct slot slots[SETS][WAYS];
};

struct ndc_throttle *ndc_throttle_new(void)
{
    struct ndc_throttle *throttle = ndc_xcalloc(1, sizeof(*throttle));
    ndc_mutex_init(&throttle->lock);
    throttle->seed = ndc_random_u64();
    return throttle;
}

void ndc_throttle_free(struct ndc_throttle *throttle)
{
    if (!throttle) return;
    ndc_mutex_free(&throttle->lock);
    free(throttle);
}

/* The part of an address that its owner cannot change at will. */
static uint64_t hash_network(struct ndc_str address, uint64_t seed)
{
    char text[INET6_ADDRSTRLEN];
    unsigned char bytes[16];
    if (address.len < sizeof(text)) {
        memcpy(text, address.ptr, address.len);
        text[address.len] = 0;
        if (inet_pton(AF_INET, text, bytes) == 1) return ndc_hash64(bytes, 3, seed);
        if (inet_pton(AF_INET6, text, bytes) == 1) return ndc_hash64(bytes, 8, seed);
    }
    return ndc_hash_str(address, seed);
}

static uint64_t make_key(const struct ndc_throttle *throttle, enum key_kind kind,
                         struct ndc_str account, struct ndc_str address)
{
    uint64_t key = throttle->seed + kind;
    if (kind == NETWORK) return hash_network(address, key) | 1;
    if (kind != ADDRESS) key = ndc_hash_str(account, key);
    if (kind != ACCOUNT) key = ndc_hash_str(address, key);
    return key ? key : 1;
}

static struct slot *find(struct ndc_throttle *throttle, uint64_t key, bool make)
{
    struct slot *set = throttle->slots[ndc_mix64(key) & (SETS - 1)], *oldest = set;
    for (int i = 0; i < WAYS; i++) {
        if (set[i].key == key) return &set[i];
        if (set[i].last_ms < oldest->last_ms) oldest = &set[i];
    }
    if (!make) return NULL;
    *oldest = (struct slot){.key = key};
    return oldest;
}

static int64_t wait_of(struct ndc_throttle *throttle, enum key_kind kind, uint64_t key,
                       int64_t now_ms)
{
    const struct slot *slot = find(throttle, key, false);
    if (!slot || now_ms - slot->last_ms > FORGET_MS) return 0;
    if (slot->failures <= rules[kind].free) return 0;
    unsigned doublings = NDC_MIN(slot->failures - rules[kind].free - 1, 20u);
    int64_t wait = NDC_MIN((int64_t)1000 << doublings, rules[kind].wait_max_ms);
    return NDC_MAX(slot->last_ms + wait - now_ms, 0);
}

int64_t ndc_throttle_wait_ms(struct ndc_throttle *throttle, struct ndc_str account,
                             struct ndc_str address, int64_t now_ms)
{
    int64_t wait = 0;
    ndc_mutex_lock(&throttle->lock);
    bool known = find(throttle, make_key(throttle, KNOWN, account, address), false);
    for (enum key_kind kind = PAIR; kind <= (known ? PAIR : NETWORK); kind++) {
        int64_t one =
            wait_of(throttle, kind, make_key(throttle, kind, account, address), now_ms);
        wait = NDC_MAX(wait, one);
    }
    ndc_mutex_unlock(&throttle->lock);
    return wait;
}

void ndc_throttle_failed(struct ndc_throttle *throttle, struct ndc_str account,
                         struct ndc_str address, int64_t now_ms)
{
    ndc_mutex_lock(&throttle->lock);
    for (enum key_kind kind = PAIR; kind <= NETWORK; kind++) {
        struct slot *slot =
            find(throttle, make_key(throttle, kind, account, address), true);
        if (now_ms - slot->last_ms > FORGET_MS) slot->failures = 0;
        slot->failures++;
        slot->last_ms = now_ms;
    }
    ndc_mutex_unlock(&throttle->lock);
}

void ndc_throttle_succeeded(struct ndc_throttle *throttle, struct ndc_str account,
                            struct ndc_str address, int64_t now_ms)
{
    ndc_mutex_lock(&throttle->lock);
    struct slot *pair = find(throttle, make_key(throttle, PAIR, account, address), false);
    if (pair) pair->failures = 0;
    find(throttle, make_key(throttle, KNOWN, account, address), true)->last_ms = now_ms;
    ndc_mutex_unlock(&throttle->lock);
}

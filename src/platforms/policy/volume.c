/* Distinct people per requester and purpose (volume.h). Sixteen shards, each with a lock;
 * a counter is an open-addressed table of hashes with days. Hashes have 48 bits: two of
 * 262,144 people meet with odds of 1 in 8,000. */
#include "platforms/policy/volume.h"

#include "base/hash.h"
#include "sys/thread.h"

#include <stdatomic.h>

enum {
    SHARDS = 16,
    BUCKETS = 1024,
    PERSON_BITS = 48,
    DAY_BITS = 16,
    DAY_MASK = 0xffff,
    CAP_FIRST = 16,
    THIN_MAX = 32,
    FRESH_ALL_MAX = 1 << 20, /* new entries of all counters */
    NOT_FOLDED = UINT32_MAX
};

#define DAY_MS ((int64_t)24 * 3600 * 1000)

struct counter {
    uint64_t key;
    struct ndc_str requester, purpose; /* owned */
    int64_t since_ms;
    uint64_t *slots; /* entries; 0 is free */
    uint32_t cap, used;
    uint32_t last_day;
    unsigned thin; /* hashes are kept whose top bits, this many, are 0 */
    /* Entries within each period as of a day: kept up while entries come. */
    uint32_t folded; /* the day, or NOT_FOLDED */
    struct policy_periods periods;
    uint64_t within[POLICY_PERIODS_MAX];
    uint64_t floor; /* the count of "ever" never falls below what was told */
    /* What is to be stored. */
    uint64_t *fresh;
    uint32_t fresh_count, fresh_cap;
    bool whole; /* all of it */
    bool dirty; /* in the shard's list */
    struct counter *next, *next_dirty;
};

struct shard {
    struct ndc_mutex lock; /* guards the counters of this shard; taken alone */
    struct counter *buckets[BUCKETS];
    struct counter *overflow, *dirty;
    unsigned count;
};

struct policy_volume {
    struct shard shards[SHARDS];
    uint64_t seed;
    uint32_t sample_max;
    size_t bytes_max;
    _Atomic size_t bytes;       /* of all tables */
    _Atomic size_t fresh_count; /* of all counters */
};

struct policy_volume *policy_volume_new(void)
{
    struct policy_volume *v = ndc_xcalloc(1, sizeof(*v));
    for (size_t i = 0; i < SHARDS; i++)
        ndc_mutex_init(&v->shards[i].lock);
    policy_volume_caps(v, POLICY_VOLUME_SAMPLE_MAX, POLICY_VOLUME_BYTES_MAX);
    return v;
}

void policy_volume_seed(struct policy_volume *v, uint64_t seed)
{
    v->seed = seed;
}

void policy_volume_caps(struct policy_volume *v, uint32_t sample_max, size_t bytes_max)
{
    v->sample_max = sample_max;
    v->bytes_max = bytes_max;
}

size_t policy_volume_bytes(const struct policy_volume *v)
{
    return atomic_load(&v->bytes);
}

static void counter_free(struct counter *c)
{
    free((void *)(uintptr_t)c->requester.ptr);
    free((void *)(uintptr_t)c->purpose.ptr);
    free(c->slots);
    free(c->fresh);
    free(c);
}

void policy_volume_free(struct policy_volume *v)
{
    if (!v) return;
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *shard = &v->shards[i];
        for (size_t b = 0; b < BUCKETS; b++) {
            while (shard->buckets[b]) {
                struct counter *c = shard->buckets[b];
                shard->buckets[b] = c->next;
                counter_free(c);
            }
        }
        ndc_mutex_free(&shard->lock);
    }
    free(v);
}

static struct ndc_str copy(struct ndc_str s)
{
    size_t len = NDC_MIN(s.len, (size_t)POLICY_REQUESTER_MAX);
    char *text = ndc_xmalloc(len + 1);
    if (len) memcpy(text, s.ptr, len);
    text[len] = 0;
    return ndc_str_n(text, len);
}

struct policy_look policy_volume_look(const struct policy_volume *v,
                                      struct ndc_str requester, struct ndc_str purpose,
                                      struct ndc_str subject, int64_t at_ms)
{
    requester.len = NDC_MIN(requester.len, (size_t)POLICY_REQUESTER_MAX);
    struct policy_look look = {
        .requester = requester,
        .purpose = purpose,
        .counter = ndc_hash_str(purpose, ndc_hash_str(requester, 11)),
        .person = ndc_hash_str(subject, v->seed ^ 13) >> (64 - PERSON_BITS),
        .at_ms = at_ms,
        .day = at_ms < 0 ? 0 : (uint32_t)NDC_MIN(at_ms / DAY_MS, (int64_t)DAY_MASK),
    };
    if (!look.person) look.person = 1;
    return look;
}

static struct shard *shard_of(struct policy_volume *v, uint64_t counter)
{
    return &v->shards[counter & (SHARDS - 1)];
}

/* With `names` one that is not there is made. */
static struct counter *find(struct policy_volume *v, struct shard *shard, uint64_t key,
                            const struct ndc_str *names, int64_t since_ms)
{
    struct counter **bucket = &shard->buckets[key >> 32 & (BUCKETS - 1)];
    for (struct counter *c = *bucket; c; c = c->next)
        if (c->key == key) return c;
    if (shard->overflow) return shard->overflow;
    if (!names) return NULL;
    struct counter *c = ndc_xcalloc(1, sizeof(*c));
    c->key = key;
    c->requester = copy(names[0]);
    c->purpose = copy(names[1]);
    c->since_ms = since_ms;
    c->folded = NOT_FOLDED;
    c->cap = CAP_FIRST;
    c->slots = ndc_xcalloc(c->cap, sizeof(*c->slots));
    atomic_fetch_add(&v->bytes, c->cap * sizeof(*c->slots));
    c->next = *bucket;
    *bucket = c;
    if (++shard->count == POLICY_VOLUME_PAIRS_MAX / SHARDS) shard->overflow = c;
    return c;
}

static inline uint64_t person_of(uint64_t entry)
{
    return entry >> DAY_BITS;
}

static inline uint32_t day_of(uint64_t entry)
{
    return (uint32_t)(entry & DAY_MASK);
}

static inline bool is_kept(const struct counter *c, uint64_t person)
{
    return person >> (PERSON_BITS - c->thin) == 0;
}

static inline bool is_within(uint32_t day, uint32_t today, uint16_t days)
{
    return days == 0 || day + days >= today;
}

/* The slot of the person, or where they would go. */
static size_t slot_of(const struct counter *c, uint64_t person)
{
    size_t at = person & (c->cap - 1);
    while (c->slots[at] && person_of(c->slots[at]) != person)
        at = (at + 1) & (c->cap - 1);
    return at;
}

/* Moves the entries that are kept to a table of `cap` slots. */
static void rebuild(struct policy_volume *v, struct counter *c, uint32_t cap)
{
    struct counter old = *c;
    c->cap = cap;
    c->used = 0;
    c->slots = ndc_xcalloc(cap, sizeof(*c->slots));
    for (size_t i = 0; i < old.cap; i++) {
        if (!old.slots[i] || !is_kept(c, person_of(old.slots[i]))) continue;
        c->slots[slot_of(c, person_of(old.slots[i]))] = old.slots[i];
        c->used++;
    }
    free(old.slots);
    atomic_fetch_add(&v->bytes, cap * sizeof(*c->slots));
    atomic_fetch_sub(&v->bytes, old.cap * sizeof(*c->slots));
}

static void thin_to(struct policy_volume *v, struct counter *c, unsigned thin)
{
    c->thin = NDC_MIN(thin, (unsigned)THIN_MAX);
    c->folded = NOT_FOLDED;
    rebuild(v, c, c->cap);
}

/* Room for one more, in a larger table or by keeping only half. */
static void make_room(struct policy_volume *v, struct counter *c)
{
    while (c->used >= v->sample_max && c->thin < THIN_MAX)
        thin_to(v, c, c->thin + 1);
    if (4 * (uint64_t)c->used < 3 * (uint64_t)c->cap) return;
    bool dear = atomic_load(&v->bytes) + c->cap * sizeof(*c->slots) > v->bytes_max;
    if (dear && c->used >= POLICY_VOLUME_SAMPLE_MIN && c->thin < THIN_MAX)
        thin_to(v, c, c->thin + 1);
    else
        rebuild(v, c, 2 * c->cap);
}

/* Brings the counts up to a day and to the periods asked for. */
static void fold(struct counter *c, const struct policy_periods *periods, uint32_t day)
{
    if (c->folded == day && memcmp(&c->periods, periods, sizeof(*periods)) == 0) return;
    c->folded = day;
    c->periods = *periods;
    memset(c->within, 0, sizeof(c->within));
    for (size_t i = 0; i < c->cap; i++) {
        if (!c->slots[i]) continue;
        for (size_t p = 0; p < periods->count; p++)
            c->within[p] += is_within(day_of(c->slots[i]), day, periods->days[p]);
    }
}

static void make_dirty(struct shard *shard, struct counter *c)
{
    if (c->dirty) return;
    c->dirty = true;
    c->next_dirty = shard->dirty;
    shard->dirty = c;
}

static void drop_fresh(struct policy_volume *v, struct counter *c)
{
    atomic_fetch_sub(&v->fresh_count, c->fresh_count);
    free(c->fresh);
    c->fresh = NULL;
    c->fresh_count = c->fresh_cap = 0;
}

/* Marks an entry for storing; where too many wait, all of the counter. */
static void make_fresh(struct policy_volume *v, struct shard *shard, struct counter *c,
                       uint64_t entry)
{
    make_dirty(shard, c);
    if (c->whole) return;
    if (c->fresh_count == POLICY_VOLUME_FRESH_MAX ||
        atomic_load(&v->fresh_count) >= FRESH_ALL_MAX) {
        c->whole = true;
        drop_fresh(v, c);
        return;
    }
    if (c->fresh_count == c->fresh_cap) {
        c->fresh_cap = c->fresh_cap ? 2 * c->fresh_cap : CAP_FIRST;
        c->fresh = ndc_xrealloc(c->fresh, c->fresh_cap * sizeof(*c->fresh));
    }
    c->fresh[c->fresh_count++] = entry;
    atomic_fetch_add(&v->fresh_count, 1);
}

/* Adds a person, or a later day of one who is in; false: nothing changed. */
static bool put(struct policy_volume *v, struct counter *c, uint64_t person, uint32_t day)
{
    if (!is_kept(c, person)) return false;
    c->last_day = NDC_MAX(c->last_day, day);
    size_t at = slot_of(c, person);
    uint64_t before = c->slots[at];
    if (before && day_of(before) >= day) return false;
    if (!before) {
        make_room(v, c);
        if (!is_kept(c, person)) return false;
        at = slot_of(c, person);
        c->used++;
    }
    c->slots[at] = person << DAY_BITS | day;
    if (c->folded == NOT_FOLDED) return true;
    for (size_t p = 0; p < c->periods.count; p++) {
        uint16_t days = c->periods.days[p];
        bool was = before && is_within(day_of(before), c->folded, days);
        c->within[p] += !was && is_within(day, c->folded, days);
    }
    return true;
}

static uint64_t told(struct counter *c, size_t p, uint64_t entries, bool add)
{
    uint64_t count = entries << c->thin;
    if (c->periods.days[p]) return count;
    if (add && count > c->floor) c->floor = count;
    return NDC_MAX(count, c->floor);
}

void policy_volume_count(struct policy_volume *v,
                         uint64_t counts[static POLICY_PERIODS_MAX],
                         const struct policy_periods *periods,
                         const struct policy_look *look, bool add)
{
    struct shard *shard = shard_of(v, look->counter);
    const struct ndc_str names[] = {look->requester, look->purpose};
    ndc_mutex_lock(&shard->lock);
    struct counter *c = find(v, shard, look->counter, add ? names : NULL, look->at_ms);
    for (size_t p = 0; !c && p < POLICY_PERIODS_MAX; p++)
        counts[p] = 1;
    if (c) {
        fold(c, periods, look->day);
        uint64_t more = 0, before = 0;
        if (add) {
            if (put(v, c, look->person, look->day))
                make_fresh(v, shard, c, look->person << DAY_BITS | look->day);
            fold(c, periods, look->day); /* it may have been thinned */
        } else if (is_kept(c, look->person)) {
            before = c->slots[slot_of(c, look->person)];
            more = 1;
        }
        for (size_t p = 0; p < POLICY_PERIODS_MAX; p++) {
            bool in = before && is_within(day_of(before), look->day, periods->days[p]);
            counts[p] =
                p < periods->count ? told(c, p, c->within[p] + (in ? 0 : more), add) : 0;
        }
    }
    ndc_mutex_unlock(&shard->lock);
}

static void copy_all(const struct counter *c, struct policy_delta *out)
{
    out->entries = ndc_xmalloc((c->used + 1) * sizeof(*out->entries));
    for (size_t i = 0; i < c->cap; i++)
        if (c->slots[i]) out->entries[out->count++] = c->slots[i];
}

static struct policy_delta describe(const struct counter *c)
{
    return (struct policy_delta){.requester = c->requester,
                                 .purpose = c->purpose,
                                 .counter = c->key,
                                 .since_ms = c->since_ms,
                                 .thin = c->thin};
}

void policy_volume_collect(struct policy_volume *v, struct policy_delta **out, size_t *n)
{
    size_t cap = 0;
    *out = NULL;
    *n = 0;
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *shard = &v->shards[i];
        ndc_mutex_lock(&shard->lock);
        while (shard->dirty) {
            struct counter *c = shard->dirty;
            shard->dirty = c->next_dirty;
            c->dirty = false;
            if (*n == cap) {
                cap = cap ? 2 * cap : 16;
                *out = ndc_xrealloc(*out, cap * sizeof(**out));
            }
            struct policy_delta d = describe(c);
            d.whole = c->whole;
            if (c->whole) {
                copy_all(c, &d);
            } else {
                d.entries = c->fresh;
                d.count = c->fresh_count;
                atomic_fetch_sub(&v->fresh_count, c->fresh_count);
                c->fresh = NULL;
                c->fresh_count = c->fresh_cap = 0;
            }
            c->whole = false;
            (*out)[(*n)++] = d;
        }
        ndc_mutex_unlock(&shard->lock);
    }
}

bool policy_volume_whole(struct policy_volume *v, uint64_t counter,
                         struct policy_delta *out)
{
    struct shard *shard = shard_of(v, counter);
    ndc_mutex_lock(&shard->lock);
    struct counter *c = find(v, shard, counter, NULL, 0);
    bool found = c && c->key == counter;
    if (found) {
        *out = describe(c);
        out->whole = true;
        copy_all(c, out);
    }
    ndc_mutex_unlock(&shard->lock);
    return found;
}

void policy_deltas_free(struct policy_delta *deltas, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(deltas[i].entries);
    free(deltas);
}

void policy_volume_again(struct policy_volume *v, uint64_t counter)
{
    struct shard *shard = shard_of(v, counter);
    ndc_mutex_lock(&shard->lock);
    struct counter *c = find(v, shard, counter, NULL, 0);
    if (c) {
        make_dirty(shard, c);
        c->whole = true;
        drop_fresh(v, c);
    }
    ndc_mutex_unlock(&shard->lock);
}

void policy_volume_merge(struct policy_volume *v, const struct policy_delta *delta)
{
    struct shard *shard = shard_of(v, delta->counter);
    const struct ndc_str names[] = {delta->requester, delta->purpose};
    ndc_mutex_lock(&shard->lock);
    struct counter *c = find(v, shard, delta->counter, names, delta->since_ms);
    c->since_ms = NDC_MIN(c->since_ms, delta->since_ms);
    if (delta->thin > c->thin) thin_to(v, c, delta->thin);
    for (size_t i = 0; i < delta->count; i++)
        if (person_of(delta->entries[i]))
            (void)put(v, c, person_of(delta->entries[i]), day_of(delta->entries[i]));
    ndc_mutex_unlock(&shard->lock);
}

/* The views of one shard's buckets, taken under its lock. */
static size_t view_shard(struct shard *shard, const struct policy_periods *periods,
                         uint32_t today, struct policy_volume_view **out, size_t *cap)
{
    size_t n = 0;
    ndc_mutex_lock(&shard->lock);
    if (*cap < shard->count) {
        *cap = shard->count;
        *out = ndc_xrealloc(*out, *cap * sizeof(**out));
    }
    for (size_t b = 0; b < BUCKETS; b++) {
        for (struct counter *c = shard->buckets[b]; c; c = c->next) {
            struct policy_volume_view *view = &(*out)[n++];
            fold(c, periods, today);
            *view = (struct policy_volume_view){.requester = c->requester,
                                                .purpose = c->purpose,
                                                .since_ms = c->since_ms,
                                                .last_day = c->last_day,
                                                .estimated = c->thin > 0};
            for (size_t p = 0; p < periods->count; p++)
                view->counts[p] = told(c, p, c->within[p], false);
        }
    }
    ndc_mutex_unlock(&shard->lock);
    return n;
}

void policy_volume_visit(struct policy_volume *v, const struct policy_periods *periods,
                         int64_t now_ms,
                         void (*visit)(void *arg, const struct policy_volume_view *view),
                         void *arg)
{
    struct policy_volume_view *views = NULL;
    size_t cap = 0;
    uint32_t today = (uint32_t)NDC_MIN(now_ms / DAY_MS, (int64_t)DAY_MASK);
    for (size_t i = 0; i < SHARDS; i++) {
        size_t n = view_shard(&v->shards[i], periods, today, &views, &cap);
        for (size_t k = 0; k < n; k++)
            visit(arg, &views[k]);
    }
    free(views);
}

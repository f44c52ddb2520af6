/* Finding what a batch could touch: the entities that hold its records, those that share
 * an identifier or a blocking key with them, and those that stand near these. Lookups go
 * by the thousand, on a few connections at once. */
#include "platforms/registry/entity/index_build.h"
#include "platforms/registry/live/part.h"
#include "platforms/registry/shard/payloads.h"

#include "base/hash.h"

enum { LOOK_CHUNK = 1024, LOAD_CHUNK = 256, HOMES_MAX = 64, ARENA_BYTES = 512 << 20 };

uint64_t ndc_live_block_key(uint64_t rule_key)
{
    return ndc_mix64(rule_key ^ (uint64_t)NDC_INDEX_BLOCK << 56) >>
           (64 - NDC_INDEX_KEY_BITS);
}

/* ---- the entities of a batch ---- */

static struct ndc_key64 *entity_slot(const struct live_batch *b, uint64_t number)
{
    size_t at = ndc_mix64(number) & b->entity_mask;
    while (b->entity_slots[at].key && b->entity_slots[at].key != number)
        at = (at + 1) & b->entity_mask;
    return &b->entity_slots[at];
}

static void grow_entities(struct live_batch *b)
{
    struct ndc_key64 *old = b->entity_slots;
    size_t n = old ? b->entity_mask + 1 : 0, cap = n ? n * 2 : 1024;
    b->entity_slots = ndc_xcalloc(cap, sizeof(*b->entity_slots));
    b->entity_mask = cap - 1;
    for (size_t i = 0; i < n; i++)
        if (old[i].key) *entity_slot(b, old[i].key) = old[i];
    free(old);
}

uint32_t ndc_live_want(struct live_batch *b, uint64_t number)
{
    if (!b->entity_slots || (size_t)b->entity_count * 2 > b->entity_mask)
        grow_entities(b);
    struct ndc_key64 *slot = entity_slot(b, number);
    if (slot->key) return (uint32_t)slot->value - 1;
    if (b->entity_count == LIVE_ENTITIES_MAX) {
        b->crowded = true;
        return LIVE_NONE;
    }
    if (b->entity_count == b->entity_cap) {
        b->entity_cap = b->entity_cap ? b->entity_cap * 2 : 1024;
        b->entities = ndc_xrealloc(b->entities, b->entity_cap * sizeof(*b->entities));
        if (b->nodes) ndc_live_nodes(b);
    }
    b->entities[b->entity_count++] =
        (struct live_entity){.number = number, .part = LIVE_NONE};
    *slot = (struct ndc_key64){number, b->entity_count};
    return b->entity_count - 1;
}

/* ---- lookups ---- */

void ndc_live_lookup_add(struct live_lookups *l, struct live_lookup lookup)
{
    if (l->count == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 1024;
        l->items = ndc_xrealloc(l->items, l->cap * sizeof(*l->items));
    }
    l->items[l->count++] = lookup;
}

/* A key that is looked up, for all that ask for it. */
struct look_key {
    uint64_t key;
    size_t from, count; /* of its askers in looking.order */
    uint32_t max;
    uint8_t table;
};

struct looking {
    struct live_batch *batch;
    struct live_lookup *askers;
    struct ndc_key64 *order; /* askers by key */
    struct look_key *lookups;
    size_t count;
    uint32_t max;
    struct ndc_key64 *found; /* lookup and value */
    size_t found_count, found_cap;
    struct ndc_mutex lock; /* guards found, err and fault */
    enum ndc_err err;
    struct ndc_fault fault;
};

struct look_chunk {
    struct looking *all;
    size_t from;
    struct ndc_key64 *order; /* the chunk's lookups of one table, by key */
    struct ndc_key64 *found;
    size_t found_count, found_cap;
};

static void note_found(struct look_chunk *c, size_t lookup, const uint64_t *values,
                       size_t count)
{
    if (c->found_count + count > c->found_cap) {
        c->found_cap = (c->found_count + count) * 2;
        c->found = ndc_xrealloc(c->found, c->found_cap * sizeof(*c->found));
    }
    for (size_t i = 0; i < count; i++)
        c->found[c->found_count++] = (struct ndc_key64){lookup, values[i]};
}

static void take_values(void *arg, size_t number, const uint64_t *values, size_t count)
{
    struct look_chunk *c = arg;
    note_found(c, c->from + c->order[number].value, values, count);
}

static enum ndc_err look_table(struct look_chunk *c, struct ndc_store_conn *conn,
                               enum ndc_index_table table, size_t n,
                               struct ndc_fault *fault)
{
    const struct looking *all = c->all;
    uint64_t *keys = ndc_xmalloc((n + 1) * sizeof(*keys));
    struct ndc_key64 *scratch = ndc_xmalloc((n + 1) * sizeof(*scratch));
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        if (all->lookups[c->from + i].table == table)
            c->order[count++] = (struct ndc_key64){all->lookups[c->from + i].key, i};
    ndc_sort_key64(c->order, scratch, count);
    for (size_t i = 0; i < count; i++)
        keys[i] = c->order[i].key;
    struct ndc_index_many many = {.table = table,
                                  .generation = all->batch->live->generation,
                                  .keys = keys,
                                  .count = count,
                                  .max = all->max + 1,
                                  .take = take_values,
                                  .arg = c};
    enum ndc_err err = count ? ndc_index_lookup_many(conn, &many, fault) : NDC_OK;
    free(keys);
    free(scratch);
    return err;
}

static void look_overlay(struct look_chunk *c, size_t n)
{
    const struct looking *all = c->all;
    uint64_t *values = ndc_xmalloc((all->max + 2) * sizeof(*values));
    for (size_t i = 0; i < n; i++) {
        const struct look_key *l = &all->lookups[c->from + i];
        size_t got = ndc_overlay_find(all->batch->live->overlay,
                                      l->key << 1 | (l->table == NDC_INDEX_BLOCKS),
                                      values, all->max + 1);
        note_found(c, c->from + i, values, got);
        got = ndc_live_pending_entries(all->batch->live,
                                       l->key << 1 | (l->table == NDC_INDEX_BLOCKS),
                                       values, all->max + 1);
        note_found(c, c->from + i, values, got);
    }
    free(values);
}

static void look_chunk(void *arg, size_t index)
{
    struct looking *all = arg;
    struct look_chunk c = {.all = all, .from = index * LOOK_CHUNK};
    struct ndc_store_conn *conn;
    struct ndc_fault fault = {0};
    size_t n = NDC_MIN(all->count - c.from, (size_t)LOOK_CHUNK);
    c.order = ndc_xmalloc((n + 1) * sizeof(*c.order));
    enum ndc_err err =
        ndc_store_take(all->batch->live->registry->store, NDC_READ, &conn, &fault);
    if (!err) {
        err = ndc_tx_begin(conn, &fault);
        if (!err) err = look_table(&c, conn, NDC_INDEX_SEARCH, n, &fault);
        if (!err) err = look_table(&c, conn, NDC_INDEX_BLOCKS, n, &fault);
        ndc_store_give(conn);
    }
    if (!err) look_overlay(&c, n);
    ndc_mutex_lock(&all->lock);
    if (err && !all->err) {
        all->err = err;
        all->fault = fault;
    }
    if (all->found_count + c.found_count > all->found_cap) {
        all->found_cap = (all->found_count + c.found_count) * 2;
        all->found = ndc_xrealloc(all->found, all->found_cap * sizeof(*all->found));
    }
    if (c.found_count)
        memcpy(all->found + all->found_count, c.found, c.found_count * sizeof(*c.found));
    all->found_count += c.found_count;
    ndc_mutex_unlock(&all->lock);
    free(c.order);
    free(c.found);
}

/* Who asks for all that is under a key, and who for what is open there; the first of each
 * stands for the others, so a crowd costs no more than its size. */
static void join_askers(struct looking *all, const struct look_key *l,
                        const struct ndc_key64 *values, size_t n)
{
    struct live_batch *b = all->batch;
    const struct live_lookup *first[2] = {NULL, NULL}; /* [only_open] */
    for (size_t i = 0; i < l->count; i++) {
        const struct live_lookup *asker = &all->askers[all->order[l->from + i].value];
        const struct live_lookup **head = &first[asker->only_open];
        if (asker->only_count) continue;
        if (*head) ndc_live_unify(b, (*head)->node, asker->node);
        if (!*head) *head = asker;
    }
    for (unsigned k = 0; k < 2; k++)
        for (size_t i = 0; first[k] && i < n; i++) {
            uint64_t value = values[i].value;
            if (l->table == NDC_INDEX_BLOCKS) {
                if (k == 1 && !(value & 1)) continue;
                value >>= 1;
            }
            uint32_t entity = ndc_live_want(b, value);
            if (first[k]->node != LIVE_NONE)
                ndc_live_unify(b, first[k]->node, ndc_live_node_of_entity(b, entity));
        }
}

/* The values of one key: wanted, unless there are more than a block or an identifier may
 * lead to. */
static void take_values_of(struct looking *all, const struct look_key *l,
                           const struct ndc_key64 *values, size_t n)
{
    if (n <= l->max) {
        join_askers(all, l, values, n);
        return;
    }
    for (size_t i = 0; i < l->count; i++)
        all->askers[all->order[l->from + i].value].capped = true;
}

static int compare_values(const void *x, const void *y)
{
    const struct ndc_key64 *a = x, *c = y;
    return a->value < c->value ? -1 : a->value > c->value;
}

/* What is found under a key in several places counts once. */
static size_t each_once(struct ndc_key64 *found, size_t n)
{
    size_t kept = 0;
    if (n > 1) qsort(found, n, sizeof(*found), compare_values);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || found[kept - 1].value != found[i].value)
            found[kept++] = found[i];
    return kept;
}

static enum ndc_err look_all(struct looking *all, struct ndc_fault *fault)
{
    ndc_mutex_init(&all->lock);
    ndc_parallel_for(all->batch->live->registry->threads,
                     (all->count + LOOK_CHUNK - 1) / LOOK_CHUNK, look_chunk, all);
    ndc_mutex_free(&all->lock);
    if (all->err && fault) *fault = all->fault;
    if (all->err) return all->err;
    ndc_sort_key64_own(all->found, all->found_count);
    size_t at = 0;
    for (size_t k = 0; k < all->count; k++) {
        size_t from = at;
        while (at < all->found_count && all->found[at].key == k)
            at++;
        struct ndc_key64 *mine = at > from ? all->found + from : NULL;
        take_values_of(all, &all->lookups[k], mine, each_once(mine, at - from));
    }
    return NDC_OK;
}

enum ndc_err ndc_live_look(struct live_batch *b, struct live_lookups *lookups,
                           struct ndc_fault *fault)
{
    size_t n = lookups->count;
    if (!n) return NDC_OK;
    struct ndc_key64 *order = ndc_xmalloc(n * sizeof(*order));
    struct ndc_key64 *scratch = ndc_xmalloc(n * sizeof(*order));
    struct look_key *keys = ndc_xmalloc(n * sizeof(*keys));
    struct looking all = {
        .batch = b, .askers = lookups->items, .order = order, .lookups = keys};
    for (size_t i = 0; i < n; i++) {
        const struct live_lookup *l = &lookups->items[i];
        order[i] = (struct ndc_key64){l->key << 1 | (l->table == NDC_INDEX_BLOCKS), i};
    }
    ndc_sort_key64(order, scratch, n);
    free(scratch);
    for (size_t i = 0; i < n; i++) {
        const struct live_lookup *l = &lookups->items[order[i].value];
        if (i == 0 || order[i].key != order[i - 1].key)
            keys[all.count++] =
                (struct look_key){.key = l->key, .from = i, .table = l->table};
        struct look_key *k = &keys[all.count - 1];
        k->count++;
        k->max = NDC_MAX(k->max, l->max);
        all.max = NDC_MAX(all.max, l->max);
    }
    enum ndc_err err = look_all(&all, fault);
    free(all.found);
    free(order);
    free(keys);
    return err;
}

/* ---- loading ---- */

struct loading {
    struct live_batch *batch;
    uint32_t from, count;
    size_t first_arena;
    struct ndc_mutex lock; /* guards err and fault */
    enum ndc_err err;
    struct ndc_fault fault;
};

struct load_chunk {
    struct ndc_arena *arena;
    struct live_entity *entities; /* of the chunk */
    uint32_t *of;                 /* argument number to entity of the chunk */
    bool *have;                   /* entities of the chunk that have been found */
    bool damaged;
};

static void take_entity(struct load_chunk *c, uint32_t at, struct ndc_str payload,
                        int64_t change)
{
    struct live_entity *e = &c->entities[at];
    c->have[at] = true;
    e->change = change;
    e->exists = payload.len > 0;
    if (!e->exists) return;
    payload = ndc_arena_str(c->arena, payload);
    if (!ndc_entity_decode(&e->view, c->arena, payload)) c->damaged = true;
}

/* What the batch before is about to commit. */
static void load_pending(struct load_chunk *c, const struct ndc_live *live, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        struct ndc_str payload;
        int64_t change;
        if (ndc_live_pending_payload(live, c->entities[i].number, &payload, &change))
            take_entity(c, i, payload, change);
    }
}

static void take_payload(void *arg, size_t number, int64_t change, struct ndc_str payload)
{
    struct load_chunk *c = arg;
    take_entity(c, c->of[number], payload, change);
}

/* What came since the last build, or since it was brought to its shard. */
static enum ndc_err load_recent(struct load_chunk *c, struct ndc_store_conn *conn,
                                const struct ndc_overlay *overlay, uint32_t n,
                                struct ndc_fault *fault)
{
    int64_t *seqs = ndc_xmalloc((n + 1) * sizeof(*seqs));
    size_t count = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (c->have[i]) continue;
        int64_t seq = ndc_overlay_get(overlay, c->entities[i].number);
        if (!seq) continue;
        c->of[count] = i;
        seqs[count++] = seq;
    }
    enum ndc_err err = ndc_live_recent_each(conn, seqs, count, take_payload, c, fault);
    free(seqs);
    return err;
}

static enum ndc_err load_rest(struct load_chunk *c, struct ndc_registry *reg,
                              struct ndc_store_conn *conn, uint32_t n,
                              struct ndc_fault *fault)
{
    uint64_t *numbers = ndc_xmalloc((n + 1) * sizeof(*numbers));
    size_t count = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (c->have[i]) continue;
        c->of[count] = i;
        numbers[count++] = c->entities[i].number;
    }
    enum ndc_err err =
        ndc_payload_each(reg, conn, numbers, count, take_payload, c, fault);
    free(numbers);
    return err;
}

static void load_chunk(void *arg, size_t index)
{
    struct loading *l = arg;
    struct live_batch *b = l->batch;
    struct ndc_store_conn *conn;
    struct ndc_fault fault = {0};
    uint32_t from = l->from + (uint32_t)index * LOAD_CHUNK;
    uint32_t n = NDC_MIN(l->from + l->count - from, (uint32_t)LOAD_CHUNK);
    struct load_chunk c = {.arena = &b->arenas[l->first_arena + index],
                           .entities = b->entities + from,
                           .of = ndc_xmalloc((LOAD_CHUNK + 1) * sizeof(*c.of)),
                           .have = ndc_xcalloc(LOAD_CHUNK + 1, sizeof(*c.have))};
    enum ndc_err err = ndc_store_take(b->live->registry->store, NDC_READ, &conn, &fault);
    if (!err) {
        load_pending(&c, b->live, n);
        err = ndc_tx_begin(conn, &fault);
        if (!err) err = load_recent(&c, conn, b->live->overlay, n, &fault);
        if (!err) err = load_rest(&c, b->live->registry, conn, n, &fault);
        ndc_store_give(conn);
    }
    if (!err && (c.damaged || c.arena->overflow))
        err =
            ndc_fail(&fault, NDC_EDB, "registry.entity_damaged",
                     "a stored record is damaged; run \"ndc link run\" to build it anew "
                     "from its sources");
    free(c.of);
    free(c.have);
    if (!err) return;
    ndc_mutex_lock(&l->lock);
    if (!l->err) {
        l->err = err;
        l->fault = fault;
    }
    ndc_mutex_unlock(&l->lock);
}

static enum ndc_err load_wanted(struct live_batch *b, struct ndc_fault *fault)
{
    struct loading l = {.batch = b,
                        .from = b->entity_loaded,
                        .count = b->entity_count - b->entity_loaded,
                        .first_arena = b->arena_count};
    size_t chunks = (l.count + LOAD_CHUNK - 1) / LOAD_CHUNK;
    b->arenas =
        ndc_xrealloc(b->arenas, (b->arena_count + chunks + 1) * sizeof(*b->arenas));
    for (size_t i = 0; i < chunks; i++)
        ndc_arena_init(&b->arenas[b->arena_count++], ARENA_BYTES);
    ndc_mutex_init(&l.lock);
    ndc_parallel_for(b->live->registry->threads, chunks, load_chunk, &l);
    ndc_mutex_free(&l.lock);
    b->entity_loaded = b->entity_count;
    if (l.err && fault) *fault = l.fault;
    return l.err;
}

void ndc_live_want_near(struct live_batch *b, uint32_t entity)
{
    enum { NEAR_MAX = 1024 };
    uint64_t near[NEAR_MAX];
    size_t n =
        ndc_overlay_find(b->live->near, b->entities[entity].number, near, NEAR_MAX);
    n += ndc_live_pending_near(b->live, b->entities[entity].number, near + n,
                               NEAR_MAX - n);
    for (size_t k = 0; k < n; k++) {
        uint32_t other = ndc_live_want(b, near[k]);
        if (b->nodes)
            ndc_live_unify(b, ndc_live_node_of_entity(b, entity),
                           ndc_live_node_of_entity(b, other));
    }
}

enum ndc_err ndc_live_load(struct live_batch *b, struct ndc_fault *fault)
{
    enum ndc_err err = NDC_OK;
    while (b->entity_loaded < b->entity_count && !err) {
        uint32_t from = b->entity_loaded;
        err = load_wanted(b, fault);
        for (uint32_t i = from; i < b->entity_loaded && !err; i++)
            ndc_live_want_near(b, i);
    }
    if (!err && b->crowded)
        err = ndc_fail(fault, NDC_ETOOBIG, "live.too_big",
                       "these changes touch too much at once; send fewer rows");
    return err;
}

/* ---- the records of a batch ---- */

static uint32_t find_state(struct live_batch *b, uint32_t source, struct ndc_str key,
                           uint64_t hash)
{
    size_t at = ndc_hash_join(hash, source) & b->state_mask;
    for (; b->state_slots[at]; at = (at + 1) & b->state_mask) {
        const struct live_state *s = &b->states[b->state_slots[at] - 1];
        if (s->hash == hash && s->source == source && ndc_str_eq(s->key, key))
            return b->state_slots[at] - 1;
    }
    b->states[b->state_count++] = (struct live_state){
        .source = source, .key = key, .hash = hash, .home = LIVE_NONE};
    b->state_slots[at] = b->state_count;
    return b->state_count - 1;
}

static void name_states(struct live_batch *b)
{
    size_t cap = 64;
    while (cap < b->row_count * 2)
        cap *= 2;
    b->states = ndc_xcalloc(b->row_count + 1, sizeof(*b->states));
    b->state_slots = ndc_xcalloc(cap, sizeof(*b->state_slots));
    b->state_mask = (uint32_t)cap - 1;
    for (size_t i = 0; i < b->row_count; i++) {
        struct live_named *n = &b->rows[i];
        const struct ndc_record *r = &n->row->record;
        n->state = find_state(b, r->source, r->key, ndc_record_key_hash(r->key));
        struct live_state *s = &b->states[n->state];
        s->type = (uint8_t)n->call->source->source->entity;
        if (s->row_count == s->row_cap) {
            s->row_cap = s->row_cap ? s->row_cap * 2 : 2;
            s->rows = ndc_xrealloc(s->rows, s->row_cap * sizeof(*s->rows));
        }
        s->rows[s->row_count++] = (uint32_t)i;
    }
}

/* Which record of which entity each state is. */
static void find_homes(struct live_batch *b)
{
    for (uint32_t e = 0; e < b->entity_count; e++) {
        const struct live_entity *entity = &b->entities[e];
        for (unsigned i = 0; entity->exists && i < entity->view.record_count; i++) {
            const struct ndc_record *r = &entity->view.records[i];
            uint64_t hash = ndc_record_key_hash(r->key);
            size_t at = ndc_hash_join(hash, r->source) & b->state_mask;
            for (; b->state_slots[at]; at = (at + 1) & b->state_mask) {
                struct live_state *s = &b->states[b->state_slots[at] - 1];
                if (s->hash != hash || s->source != r->source ||
                    !ndc_str_eq(s->key, r->key))
                    continue;
                s->home = e;
                s->at = i;
                break;
            }
        }
    }
}

enum ndc_err ndc_live_find(struct live_batch *b, struct ndc_fault *fault)
{
    struct live_lookups lookups = {0};
    name_states(b);
    for (uint32_t i = 0; i < b->state_count; i++)
        ndc_live_lookup_add(&lookups,
                            (struct live_lookup){.key = ndc_index_key(NDC_INDEX_RECORD,
                                                                      b->states[i].source,
                                                                      b->states[i].key),
                                                 .node = LIVE_NONE,
                                                 .max = HOMES_MAX,
                                                 .table = NDC_INDEX_SEARCH});
    enum ndc_err err = ndc_live_look(b, &lookups, fault);
    free(lookups.items);
    for (struct live_call *c = b->calls; c && !err; c = c->next)
        for (size_t i = 0; i < NDC_ARRAY_LEN(c->touched); i++)
            if (c->touched[i]) ndc_live_want(b, c->touched[i]);
    if (!err) err = ndc_live_load(b, fault);
    if (err) return err;
    find_homes(b);
    for (struct live_call *c = b->calls; c; c = c->next)
        for (size_t i = 0; i < NDC_ARRAY_LEN(c->touched); i++)
            if (c->touched[i])
                b->entities[ndc_live_want(b, c->touched[i])].touched = true;
    return NDC_OK;
}

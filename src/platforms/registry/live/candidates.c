/* Who could belong to the records that changed: who shares an identifier or a blocking
 * key with them. Records that identifiers settle meet only open ones, so whether a record
 * will be settled is guessed first (relink.c looks at it again). */
#include "platforms/registry/entity/index_build.h"
#include "platforms/registry/live/part.h"

#include "base/hash.h"

enum { SHARERS_MAX = 16, KEYS_SLICE = 256 };

struct ndc_str ndc_live_identifier(const struct live_kind *kind, unsigned field,
                                   const struct ndc_record *r)
{
    if (kind->identifier_fields[field] < 0) return NDC_STR_NULL;
    const struct ndc_record_field *f =
        ndc_record_find(r, (unsigned)kind->identifier_fields[field]);
    return f ? f->value : NDC_STR_NULL;
}

/* Whoever asks, as a node. */
static uint32_t node_of_state(const struct live_batch *b, uint32_t state)
{
    uint32_t home = b->states[state].home;
    return home == LIVE_NONE ? state : ndc_live_node_of_entity(b, home);
}

static void note_askers(struct live_batch *b)
{
    for (uint32_t i = 0; i < b->state_count; i++)
        if (b->states[i].asks) ndc_live_relink(b, node_of_state(b, i), b->states[i].type);
    for (uint32_t e = 0; e < b->entity_loaded; e++) {
        struct live_entity *entity = &b->entities[e];
        if (!entity->touched || !entity->exists) continue;
        ndc_live_relink(b, ndc_live_node_of_entity(b, e), entity->view.type);
        size_t n = entity->view.record_count;
        if (!entity->notes) entity->notes = NDC_ARENA_ARRAY(&b->arena, uint8_t, n + 1);
        for (size_t i = 0; entity->notes && i < n; i++)
            entity->notes[i] |= LIVE_STIRRED;
    }
    for (struct live_call *c = b->calls; c; c = c->next)
        if (c->touched[0] && c->touched[1])
            ndc_live_unify(b, ndc_live_node_of_entity(b, ndc_live_want(b, c->touched[0])),
                           ndc_live_node_of_entity(b, ndc_live_want(b, c->touched[1])));
}

/* ---- identifiers ---- */

static enum ndc_err look_identifiers(struct live_batch *b, struct ndc_fault *fault)
{
    struct live_lookups lookups = {0};
    for (uint32_t i = 0; i < b->state_count; i++) {
        const struct live_state *s = &b->states[i];
        const struct live_kind *kind = &b->live->kinds[s->type];
        unsigned fields = s->asks ? ndc_link_spec_field_count(kind->spec) : 0;
        for (unsigned f = 0; f < fields; f++) {
            struct ndc_str value = ndc_live_identifier(kind, f, &s->record);
            if (!value.len) continue;
            unsigned field = (unsigned)kind->identifier_fields[f];
            ndc_live_lookup_add(
                &lookups,
                (struct live_lookup){.key = ndc_index_key(NDC_INDEX_ID, field, value),
                                     .about = (uint64_t)i << 8 | f,
                                     .node = node_of_state(b, i),
                                     .max = kind->entity_max,
                                     .type = s->type,
                                     .table = NDC_INDEX_SEARCH});
        }
    }
    enum ndc_err err = ndc_live_look(b, &lookups, fault);
    for (size_t i = 0; i < lookups.count && !err; i++) {
        const struct live_lookup *l = &lookups.items[i];
        if (!l->capped) continue;
        unsigned f = l->about & 0xff;
        const struct live_kind *kind = &b->live->kinds[l->type];
        const struct ndc_record *r = &b->states[l->about >> 8].record;
        ndc_live_note_filler(b, &(struct live_filler){l->node, l->type, (uint8_t)f,
                                                      ndc_live_identifier(kind, f, r)});
    }
    free(lookups.items);
    return err;
}

/* ---- who will be settled ---- */

/* Records that ask, by the identifiers that they hold. */
struct holders {
    struct ndc_key64 *items; /* hash of kind, field and value; state + 1 */
    size_t mask;
};

static uint64_t value_hash(unsigned type, unsigned field, struct ndc_str value)
{
    return ndc_hash_str(value, (uint64_t)type << 8 | field);
}

static void add_holder(struct holders *h, uint64_t hash, uint32_t state)
{
    size_t at = hash & h->mask;
    while (h->items[at].value)
        at = (at + 1) & h->mask;
    h->items[at] = (struct ndc_key64){hash, (uint64_t)state + 1};
}

static struct holders collect_holders(const struct live_batch *b)
{
    struct holders h = {0};
    size_t cap = 1024, n = 0;
    for (uint32_t i = 0; i < b->state_count; i++)
        n += b->states[i].asks;
    while (cap < n * 2 * NDC_LINK_FIELDS_MAX / 2)
        cap *= 2;
    h.items = ndc_xcalloc(cap, sizeof(*h.items));
    h.mask = cap - 1;
    for (uint32_t i = 0; i < b->state_count; i++) {
        const struct live_state *s = &b->states[i];
        const struct live_kind *kind = &b->live->kinds[s->type];
        unsigned fields = s->asks ? ndc_link_spec_field_count(kind->spec) : 0;
        for (unsigned f = 0; f < fields; f++) {
            struct ndc_str value = ndc_live_identifier(kind, f, &s->record);
            if (value.len) add_holder(&h, value_hash(s->type, f, value), i);
        }
    }
    return h;
}

static bool agree(const struct live_kind *kind, const struct ndc_record *a,
                  const struct ndc_record *c)
{
    for (size_t i = 0; i < NDC_ARRAY_LEN(kind->plain_fields); i++) {
        if (kind->plain_fields[i] < 0) continue;
        const struct ndc_record_field *x =
            ndc_record_find(a, (unsigned)kind->plain_fields[i]);
        const struct ndc_record_field *y =
            ndc_record_find(c, (unsigned)kind->plain_fields[i]);
        if (x && y && x->value.len && ndc_str_eq(x->value, y->value)) return true;
    }
    return false;
}

static bool has_unique(const struct live_kind *kind, const struct ndc_record *r)
{
    return kind->unique_field >= 0 &&
           ndc_live_identifier(kind, (unsigned)kind->unique_field, r).len;
}

/* What is guessed of a record that asks. */
enum guess {
    JOINED = 1, /* by an identifier */
    UNIQUE = 2  /* it, or what it is joined to, has a unique identifier */
};

/* Who shares an identifier with the record and agrees on name or date will be joined to
 * it, as far as can be told. */
static void meet(const struct live_batch *b, const struct holders *h, unsigned type,
                 const struct ndc_record *r, bool unique, uint32_t self, uint8_t *guess)
{
    const struct live_kind *kind = &b->live->kinds[type];
    unsigned fields = ndc_link_spec_field_count(kind->spec);
    for (unsigned f = 0; f < fields; f++) {
        struct ndc_str value = ndc_live_identifier(kind, f, r);
        if (!value.len) continue;
        uint64_t hash = value_hash(type, f, value);
        size_t at = hash & h->mask;
        for (unsigned n = 0; h->items[at].value && n < SHARERS_MAX;
             at = (at + 1) & h->mask) {
            uint32_t state = (uint32_t)h->items[at].value - 1;
            if (h->items[at].key != hash || state == self) continue;
            n++;
            uint8_t found = JOINED | (unique ? UNIQUE : 0);
            if ((guess[state] & found) != found &&
                agree(kind, r, &b->states[state].record))
                guess[state] |= found;
        }
    }
}

static void meet_entity(const struct live_batch *b, const struct holders *h,
                        const struct live_entity *e, uint8_t *guess)
{
    const struct live_kind *kind = &b->live->kinds[e->view.type];
    bool unique = false;
    for (unsigned i = 0; i < e->view.record_count && !unique; i++)
        unique = has_unique(kind, &e->view.records[i]);
    for (unsigned i = 0; i < e->view.record_count; i++)
        if (!e->state_of || !e->state_of[i])
            meet(b, h, e->view.type, &e->view.records[i], unique, LIVE_NONE, guess);
}

static uint8_t *guess_joined(struct live_batch *b)
{
    struct holders h = collect_holders(b);
    uint8_t *guess = ndc_xcalloc((size_t)b->state_count + 1, sizeof(*guess));
    for (uint32_t i = 0; i < b->state_count; i++) {
        const struct live_state *s = &b->states[i];
        if (!s->asks) continue;
        bool unique = has_unique(&b->live->kinds[s->type], &s->record);
        if (unique) guess[i] |= UNIQUE;
        meet(b, &h, s->type, &s->record, unique, i, guess);
    }
    for (uint32_t e = 0; e < b->entity_loaded; e++) {
        const struct live_entity *entity = &b->entities[e];
        if (entity->exists && b->live->kinds[entity->view.type].spec)
            meet_entity(b, &h, entity, guess);
    }
    free(h.items);
    return guess;
}

/* ---- blocking keys ---- */

enum ndc_err ndc_live_table(struct live_batch *b, unsigned type,
                            const struct live_member *members, uint32_t count,
                            struct ndc_link *link, uint32_t **row_member,
                            struct ndc_fault *fault)
{
    struct ndc_link_feed *feed = ndc_link_feed_new(b->live->kinds[type].spec);
    struct ndc_link_batch *rows = ndc_link_batch_new(link);
    struct ndc_key64 *order = ndc_xmalloc(((size_t)count + 1) * sizeof(*order));
    struct ndc_key64 *scratch = ndc_xmalloc(((size_t)count + 1) * sizeof(*order));
    enum ndc_err err = NDC_OK, committed;
    for (uint32_t i = 0; i < count && !err; i++) {
        const struct live_member *m = &members[i];
        unsigned source;
        struct ndc_registered *r =
            ndc_registry_by_number(b->live->registry, m->record->source);
        NDC_ASSERT(r);
        err = ndc_link_source_add(link, r->source->id, &source, fault);
        if (err) break;
        ndc_link_batch_add(rows, source, m->hash, ndc_link_feed_values(feed, m->record));
        order[i] = (struct ndc_key64){m->hash, i};
    }
    committed = ndc_link_batch_commit(rows, err ? NULL : fault);
    if (!err) err = committed;
    ndc_link_feed_free(feed);
    ndc_sort_key64(order, scratch, count);
    for (uint32_t i = 0; i < count; i++)
        order[i].key = b->rank[members[order[i].value].record->source];
    ndc_sort_key64(order, scratch, count);
    *row_member = ndc_xmalloc(((size_t)count + 1) * sizeof(**row_member));
    for (uint32_t i = 0; i < count; i++)
        (*row_member)[i] = (uint32_t)order[i].value;
    free(order);
    free(scratch);
    return err;
}

/* Keys of a slice of the records that ask. */
struct key_slice {
    struct live_batch *batch;
    const uint32_t *states; /* of one kind */
    uint32_t count;
    struct ndc_key64 *keys; /* rule key and state */
    size_t key_count;
    enum ndc_err err;
    struct ndc_fault fault;
};

static void make_keys(void *arg, size_t index)
{
    struct key_slice *s = (struct key_slice *)arg + index;
    struct live_batch *b = s->batch;
    unsigned type = b->states[s->states[0]].type;
    uint32_t *row_member = NULL;
    struct ndc_link *link =
        ndc_link_new(b->live->kinds[type].spec, &(struct ndc_link_options){.threads = 1});
    struct live_member *members = ndc_xcalloc(s->count, sizeof(*members));
    for (uint32_t i = 0; i < s->count; i++) {
        const struct live_state *state = &b->states[s->states[i]];
        members[i] = (struct live_member){.record = &state->record, .hash = state->hash};
    }
    s->err = ndc_live_table(b, type, members, s->count, link, &row_member, &s->fault);
    s->keys = ndc_xmalloc((size_t)s->count * NDC_LINK_KEYS_MAX * sizeof(*s->keys));
    if (!s->err) ndc_link_prepare(link);
    for (uint32_t row = 0; row < s->count && !s->err; row++) {
        uint64_t of_row[NDC_LINK_KEYS_MAX];
        unsigned n = ndc_link_row_keys(link, row, of_row);
        for (unsigned i = 0; i < n; i++)
            s->keys[s->key_count++] =
                (struct ndc_key64){of_row[i], s->states[row_member[row]]};
    }
    ndc_link_free(link);
    free(members);
    free(row_member);
}

/* Slices of at most KEYS_SLICE states of one kind; *states is to be freed. */
static struct key_slice *slice_askers(struct live_batch *b, uint32_t **states, size_t *n)
{
    struct key_slice *slices = ndc_xcalloc(
        (size_t)b->state_count / KEYS_SLICE + NDC_ENTITY_COUNT + 1, sizeof(*slices));
    uint32_t at = 0, *list = ndc_xmalloc(((size_t)b->state_count + 1) * sizeof(*list));
    *n = 0;
    for (int t = 0; t < NDC_ENTITY_COUNT; t++) {
        struct key_slice *s = NULL;
        if (!b->live->kinds[t].model) continue;
        for (uint32_t i = 0; i < b->state_count; i++) {
            if (!b->states[i].asks || b->states[i].type != t) continue;
            if (!s || s->count == KEYS_SLICE) {
                s = &slices[(*n)++];
                *s = (struct key_slice){.batch = b, .states = list + at};
            }
            list[at++] = i;
            s->count++;
        }
    }
    *states = list;
    return slices;
}

/* The keys of all that ask, sorted: b->asked. */
static enum ndc_err collect_keys(struct live_batch *b, struct ndc_fault *fault)
{
    uint32_t *states;
    size_t n, all = 0;
    enum ndc_err err = NDC_OK;
    struct key_slice *slices = slice_askers(b, &states, &n);
    ndc_parallel_for(b->live->registry->threads, n, make_keys, slices);
    for (size_t i = 0; i < n; i++) {
        all += slices[i].key_count;
        if (!err && slices[i].err) {
            err = slices[i].err;
            if (fault) *fault = slices[i].fault;
        }
    }
    b->asked = ndc_xmalloc((all + 1) * sizeof(*b->asked));
    for (size_t i = 0; i < n; i++) {
        if (slices[i].key_count)
            memcpy(b->asked + b->asked_count, slices[i].keys,
                   slices[i].key_count * sizeof(*b->asked));
        b->asked_count += slices[i].key_count;
        free(slices[i].keys);
    }
    ndc_sort_key64_own(b->asked, all);
    free(slices);
    free(states);
    return err;
}

/* States that ask and have one key meet where one of them is not settled. */
static void unify_run(struct live_batch *b, const struct ndc_key64 *run, size_t n)
{
    bool meet = false;
    for (size_t i = 0; i < n; i++)
        meet |= b->states[run[i].value].looked;
    for (size_t i = 1; i < n && meet; i++)
        if (b->states[run[i].value].type == b->states[run[0].value].type)
            ndc_live_unify(b, node_of_state(b, (uint32_t)run[0].value),
                           node_of_state(b, (uint32_t)run[i].value));
}

static void unify_askers(struct live_batch *b, const struct live_lookups *looked)
{
    size_t at = 0; /* lookups are in the order of `asked`, some left out */
    for (size_t i = 0, j; i < b->asked_count; i = j) {
        bool capped = false;
        for (j = i; j < b->asked_count && b->asked[j].key == b->asked[i].key; j++)
            ;
        while (at < looked->count && looked->items[at].about == b->asked[i].key)
            capped |= looked->items[at++].capped;
        if (!capped && j - i > 1) unify_run(b, b->asked + i, j - i);
    }
}

static enum ndc_err look_blocks(struct live_batch *b, const uint8_t *guess,
                                struct ndc_fault *fault)
{
    struct live_lookups lookups = {0};
    enum ndc_err err = collect_keys(b, fault);
    for (uint32_t i = 0; i < b->state_count && !err; i++) {
        struct live_state *s = &b->states[i];
        s->looked = s->asks && guess[i] != (JOINED | UNIQUE);
    }
    for (size_t i = 0; i < b->asked_count && !err; i++) {
        const struct live_state *s = &b->states[b->asked[i].value];
        uint64_t key = ndc_live_block_key(b->asked[i].key);
        if (!s->looked && !ndc_live_maybe_open(b->live, key)) continue;
        ndc_live_lookup_add(
            &lookups,
            (struct live_lookup){.key = key,
                                 .about = b->asked[i].key,
                                 .node = node_of_state(b, (uint32_t)b->asked[i].value),
                                 .max = LIVE_BLOCK_MAX,
                                 .type = s->type,
                                 .table = NDC_INDEX_BLOCKS,
                                 .only_open = !s->looked});
    }
    if (!err) err = ndc_live_look(b, &lookups, fault);
    for (size_t i = 0; i < lookups.count && !err; i++) {
        const struct live_lookup *l = &lookups.items[i];
        if (l->capped) ndc_live_note_capped(b, l->node, l->type, l->about);
    }
    if (!err) unify_askers(b, &lookups);
    free(lookups.items);
    return err;
}

void ndc_live_unify_asked(struct live_batch *b, uint64_t rule_key, uint32_t node)
{
    size_t low = 0, high = b->asked_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (b->asked[middle].key < rule_key)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < b->asked_count && b->asked[low].key == rule_key; low++)
        ndc_live_unify(b, node, node_of_state(b, (uint32_t)b->asked[low].value));
}

enum ndc_err ndc_live_candidates(struct live_batch *b, struct ndc_fault *fault)
{
    ndc_registry_rank_sources(b->live->registry, b->rank);
    ndc_live_nodes(b);
    for (uint32_t e = 0; e < b->entity_loaded; e++)
        ndc_live_want_near(b, e); /* as nodes now */
    note_askers(b);
    enum ndc_err err = look_identifiers(b, fault);
    if (!err) err = ndc_live_load(b, fault);
    if (err) return err;
    uint8_t *guess = guess_joined(b);
    err = look_blocks(b, guess, fault);
    free(guess);
    return err ? err : ndc_live_load(b, fault);
}

/* Linking the few records that a batch could touch, as a build of all records would link
 * them. What a build decides about records depends on these, on what shares an identifier
 * or a strong link with them, and on two facts about the whole: which values far too many
 * records hold, and which blocks are over their cap. Components are linked in small
 * parts, side by side; a record that turns out open though it was not looked up as such
 * is looked up then, and what that leads to is linked again, alone. */
#include "platforms/registry/entity/index_build.h"
#include "platforms/registry/live/part.h"

#include "base/hash.h"

/* ---- before: values that entities share ---- */

/* Who holds a value, by its hash; open addressing. */
struct holders {
    struct ndc_key64 *items; /* hash, entity */
    size_t mask, count;
};

/* Whether the value is one that another entity here holds too. */
static bool held_elsewhere(struct holders *h, uint64_t hash, uint32_t entity)
{
    size_t at = hash & h->mask;
    while (h->items[at].key && h->items[at].key != hash)
        at = (at + 1) & h->mask;
    if (h->items[at].key) return h->items[at].value != entity;
    h->items[at] = (struct ndc_key64){hash, entity};
    return false;
}

/* Values that entities share who came together here by chance: a filler that only two of
 * its many holders brought would join them. */
static void want_shared_values(struct live_batch *b, uint32_t part)
{
    struct live_part *p = &b->parts[part];
    const struct live_kind *kind = &b->live->kinds[p->type];
    unsigned fields = ndc_link_spec_field_count(kind->spec), identifiers = 0;
    struct holders h = {0};
    for (unsigned f = 0; f < fields; f++)
        identifiers += kind->identifier_fields[f] >= 0;
    size_t cap = 64;
    while (cap < (size_t)p->count * identifiers * 2)
        cap *= 2;
    h.items = ndc_xcalloc(cap, sizeof(*h.items));
    h.mask = cap - 1;
    for (uint32_t i = 0; i < p->count; i++) {
        const struct live_member *m = &p->members[i];
        for (unsigned f = 0; f < fields; f++) {
            struct ndc_str value = ndc_live_identifier(kind, f, m->record);
            if (!value.len ||
                !held_elsewhere(&h, ndc_hash_str(value, (uint64_t)f + 1) | 1, m->entity))
                continue;
            unsigned field = (unsigned)kind->identifier_fields[f];
            ndc_live_lookup_add(
                &p->wanted,
                (struct live_lookup){.key = ndc_index_key(NDC_INDEX_ID, field, value),
                                     .about = (uint64_t)i << 8 | f,
                                     .node = LIVE_NONE,
                                     .part = part,
                                     .max = kind->entity_max,
                                     .type = p->type,
                                     .table = NDC_INDEX_SEARCH,
                                     .only_count = true});
        }
    }
    free(h.items);
}

/* ---- linking a part ---- */

static size_t find_decision(const struct ndc_live *live, uint64_t ref)
{
    size_t low = 0, high = live->decision_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (live->decisions[middle].ref_a < ref)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void tell_decisions(const struct ndc_live *live, const struct live_part *p,
                           struct ndc_link *link)
{
    for (uint32_t i = 0; i < p->count && live->decision_count; i++) {
        uint64_t ref = p->members[i].hash;
        for (size_t k = find_decision(live, ref);
             k < live->decision_count && live->decisions[k].ref_a == ref; k++) {
            const struct live_decision *d = &live->decisions[k];
            struct ndc_registered *x =
                ndc_registry_by_number(live->registry, d->source_a);
            struct ndc_registered *y =
                ndc_registry_by_number(live->registry, d->source_b);
            unsigned a, c;
            if (d->type != p->type || !x || !y ||
                d->source_a != p->members[i].record->source)
                continue;
            if (!ndc_link_source_add(link, x->source->id, &a, NULL) &&
                !ndc_link_source_add(link, y->source->id, &c, NULL))
                ndc_link_decide(link, a, d->ref_a, c, d->ref_b, d->same);
        }
    }
}

static enum ndc_err link_part(const struct live_batch *b, struct live_part *p)
{
    const struct live_kind *kind = &b->live->kinds[p->type];
    const struct ndc_link_options options = {.threads = 1, .keep_open = true};
    p->link = ndc_link_new(kind->spec, &options);
    ndc_link_use_model(p->link, kind->model);
    enum ndc_err err = ndc_live_table((struct live_batch *)b, p->type, p->members,
                                      p->count, p->link, &p->row_member, &p->fault);
    if (err) return err;
    for (size_t i = 0; i < p->filler_count; i++)
        ndc_link_filler_add(p->link, p->fillers[i].field, p->fillers[i].value);
    for (size_t i = 0; i < p->capped_count; i++)
        ndc_link_capped_add(p->link, p->capped[i]);
    tell_decisions(b->live, p, p->link);
    return ndc_link_run(p->link, &p->fault);
}

static void group_members(struct live_part *p)
{
    p->group_count = ndc_link_entity_count(p->link);
    p->groups = ndc_xcalloc((size_t)p->group_count + 1, sizeof(*p->groups));
    p->order = ndc_xmalloc(((size_t)p->count + 1) * sizeof(*p->order));
    for (uint32_t row = 0; row < p->count; row++) {
        uint32_t g = ndc_link_entity(p->link, row);
        p->members[p->row_member[row]].group = g;
        p->groups[g].count++;
        p->groups[g].open |= ndc_link_open(p->link, row);
    }
    uint32_t at = 0;
    for (uint32_t g = 0; g < p->group_count; g++) {
        p->groups[g].first = at;
        at += p->groups[g].count;
        p->groups[g].count = 0;
    }
    for (uint32_t row = 0; row < p->count; row++) {
        struct live_group *g = &p->groups[ndc_link_entity(p->link, row)];
        p->order[g->first + g->count++] = row;
    }
}

/* ---- after: what was not looked up ---- */

static uint32_t node_of(const struct live_batch *b, const struct live_member *m)
{
    return m->entity == LIVE_NONE ? m->state : ndc_live_node_of_entity(b, m->entity);
}

/* Where it is kept that all that the record's keys lead to is here; NULL: not at all, for
 * nothing about it has changed. */
static uint8_t *notes_of(const struct live_batch *b, const struct live_member *m)
{
    const struct live_entity *e = m->entity == LIVE_NONE ? NULL : &b->entities[m->entity];
    return e && e->notes ? &e->notes[m->at] : NULL;
}

static bool is_looked(const struct live_batch *b, const struct live_member *m)
{
    const uint8_t *notes = notes_of(b, m);
    return (m->state != LIVE_NONE && b->states[m->state].looked) ||
           (notes && *notes & LIVE_LOOKED);
}

static void want_keys(struct live_batch *b, uint32_t part, uint32_t row,
                      const uint64_t *keys, unsigned count, bool only_count)
{
    struct live_part *p = &b->parts[part];
    for (unsigned i = 0; i < count; i++)
        ndc_live_lookup_add(
            &p->wanted,
            (struct live_lookup){.key = ndc_live_block_key(keys[i]),
                                 .about = keys[i],
                                 .node = node_of(b, &p->members[p->row_member[row]]),
                                 .part = part,
                                 .max = LIVE_BLOCK_MAX,
                                 .type = p->type,
                                 .table = NDC_INDEX_BLOCKS,
                                 .only_open = only_count,
                                 .only_count = only_count});
}

/* Records that turned out open and were not looked up as such: because they changed, or
 * because what joined them did. */
static void want_open(struct live_batch *b, uint32_t part)
{
    struct live_part *p = &b->parts[part];
    for (uint32_t row = 0; row < p->count; row++) {
        uint64_t keys[NDC_LINK_KEYS_MAX];
        const struct live_member *m = &p->members[p->row_member[row]];
        uint8_t *notes = notes_of(b, m);
        bool changed = m->state != LIVE_NONE && b->states[m->state].asks;
        if (!(changed || (notes && *notes & LIVE_STIRRED)) || is_looked(b, m) ||
            !ndc_link_open(p->link, row))
            continue;
        if (notes) *notes |= LIVE_LOOKED;
        if (changed) b->states[m->state].looked = true;
        want_keys(b, part, row, keys, ndc_link_row_keys(p->link, row, keys), false);
    }
}

static bool has_key(const uint64_t *keys, size_t count, uint64_t key)
{
    for (size_t i = 0; i < count; i++)
        if (keys[i] == key) return true;
    return false;
}

/* Pairs that met here only: neither was looked up, so what their common keys lead to in
 * the whole is not known. */
static void want_chance_pairs(struct live_batch *b, uint32_t part)
{
    struct live_part *p = &b->parts[part];
    size_t n;
    const struct ndc_link_edge *edges = ndc_link_edges(p->link, &n);
    for (size_t i = 0; i < n; i++) {
        uint64_t x[NDC_LINK_KEYS_MAX], y[NDC_LINK_KEYS_MAX], both[NDC_LINK_KEYS_MAX];
        const struct live_member *a = &p->members[p->row_member[edges[i].a]];
        const struct live_member *c = &p->members[p->row_member[edges[i].b]];
        unsigned common = 0;
        if (edges[i].kind != NDC_LINK_EDGE_MODEL || is_looked(b, a) || is_looked(b, c) ||
            (a->entity == c->entity && a->entity != LIVE_NONE))
            continue;
        unsigned q = ndc_link_row_keys(p->link, edges[i].a, x);
        unsigned r = ndc_link_row_keys(p->link, edges[i].b, y);
        for (unsigned k = 0; k < q; k++)
            if (has_key(y, r, x[k]) && !has_key(p->capped, p->capped_count, x[k]))
                both[common++] = x[k];
        want_keys(b, part, edges[i].a, both, common, true);
        want_keys(b, part, edges[i].b, both, common, true);
    }
}

/* ---- rounds ---- */

struct round {
    struct live_batch *batch;
    uint32_t first; /* part */
    bool last;
};

static void make_one(void *arg, size_t index)
{
    const struct round *r = arg;
    uint32_t part = r->first + (uint32_t)index;
    ndc_live_part_members(r->batch, part);
    want_shared_values(r->batch, part);
}

static void link_one(void *arg, size_t index)
{
    const struct round *r = arg;
    uint32_t part = r->first + (uint32_t)index;
    struct live_part *p = &r->batch->parts[part];
    p->err = link_part(r->batch, p);
    if (p->err) return;
    group_members(p);
    if (r->last) return;
    want_open(r->batch, part);
    want_chance_pairs(r->batch, part);
}

/* What the round's parts want, in their order. */
static struct live_lookups gather(struct live_batch *b, uint32_t first)
{
    struct live_lookups all = {0};
    for (uint32_t i = first; i < b->part_count; i++) {
        struct live_lookups *wanted = &b->parts[i].wanted;
        for (size_t k = 0; k < wanted->count; k++)
            ndc_live_lookup_add(&all, wanted->items[k]);
        wanted->count = 0;
    }
    return all;
}

static enum ndc_err look_shared_values(struct live_batch *b, uint32_t first,
                                       struct ndc_fault *fault)
{
    struct live_lookups all = gather(b, first);
    enum ndc_err err = ndc_live_look(b, &all, fault);
    for (size_t i = 0; i < all.count && !err; i++) {
        const struct live_lookup *l = &all.items[i];
        struct live_part *p = &b->parts[l->part];
        unsigned f = l->about & 0xff;
        if (!l->capped) continue;
        const struct ndc_record *r = p->members[l->about >> 8].record;
        ndc_live_tell_filler(p, &(struct live_filler){
                                    LIVE_NONE, l->type, (uint8_t)f,
                                    ndc_live_identifier(&b->live->kinds[l->type], f, r)});
    }
    free(all.items);
    return err;
}

/* A block that is over its cap is known of from now on, and what asked for it is linked
 * again. */
static enum ndc_err look_again(struct live_batch *b, uint32_t first,
                               struct ndc_fault *fault)
{
    struct live_lookups all = gather(b, first);
    enum ndc_err err = ndc_live_look(b, &all, fault);
    for (size_t i = 0; i < all.count && !err; i++) {
        const struct live_lookup *l = &all.items[i];
        if (l->capped) {
            ndc_live_note_capped(b, l->node, l->type, l->about);
            ndc_live_relink(b, l->node, l->type);
        } else if (!l->only_count) {
            ndc_live_unify_asked(b, l->about, l->node);
        }
    }
    free(all.items);
    return err;
}

static enum ndc_err link_round(struct live_batch *b, struct round *r,
                               struct ndc_fault *fault)
{
    unsigned threads = b->live->registry->threads;
    uint32_t count = b->part_count - r->first;
    ndc_parallel_for(threads, count, make_one, r);
    enum ndc_err err = look_shared_values(b, r->first, fault);
    if (err) return err;
    ndc_parallel_for(threads, count, link_one, r);
    for (uint32_t i = r->first; i < b->part_count; i++) {
        if (b->parts[i].err) {
            *fault = b->parts[i].fault;
            return b->parts[i].err;
        }
        ndc_live_keep_together(b, i);
    }
    err = look_again(b, r->first, fault);
    return err ? err : ndc_live_load(b, fault);
}

enum ndc_err ndc_live_link(struct live_batch *b, struct ndc_fault *fault)
{
    enum ndc_err err = ndc_live_candidates(b, fault);
    for (int i = 0; i <= LIVE_ROUNDS_MAX && !err; i++) {
        struct round r = {.batch = b, .last = i == LIVE_ROUNDS_MAX};
        r.first = ndc_live_pack(b);
        if (r.first == b->part_count) break;
        err = link_round(b, &r, fault);
    }
    if (err) return err;
    ndc_live_pack_settled(b);
    for (uint32_t i = 0; i < b->part_count; i++)
        for (uint32_t g = 0; g < b->parts[i].group_count; g++)
            b->parts[i].groups[g].stands =
                ndc_live_group_stands(b, i, &b->parts[i].groups[g]);
    return NDC_OK;
}

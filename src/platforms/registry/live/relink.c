/* Linking the few records that a batch could touch, as a build of all records would link
 * them. What a build decides about records depends on these, on what shares an identifier
 * or a strong link with them, and on two facts about the whole: which values far too many
 * records hold, and which blocks are over their cap. Candidates are looked up by the keys
 * of records that changed; whether a record meets only open ones is guessed first and
 * looked at again when the engine has joined what identifiers join. */
#include "platforms/registry/entity/index_build.h"
#include "platforms/registry/link/match.h"
#include "platforms/registry/live/batch.h"

#include "base/hash.h"

#include <math.h>

enum { SHARERS_MAX = 16 };

/* ---- members ---- */

static void add_member(struct live_link *l, struct live_member member)
{
    if (l->count == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 4096;
        l->members = ndc_xrealloc(l->members, l->cap * sizeof(*l->members));
    }
    member.hash = ndc_record_key_hash(member.record->key);
    l->members[l->count++] = member;
}

/* Records of entities that have been loaded since. */
static void add_entities(struct live_batch *b, enum ndc_entity type)
{
    struct live_link *l = &b->links[type];
    for (; l->entities_in < b->entity_loaded; l->entities_in++) {
        struct live_entity *e = &b->entities[l->entities_in];
        if (!e->exists || e->view.type != type) continue;
        e->members = l->count;
        for (unsigned i = 0; i < e->view.record_count; i++) {
            uint32_t state =
                e->state_of && e->state_of[i] ? e->state_of[i] - 1 : LIVE_NONE;
            add_member(l, (struct live_member){
                              .record = state == LIVE_NONE ? &e->view.records[i]
                                                           : &b->states[state].record,
                              .entity = l->entities_in,
                              .state = state,
                              .stirred = e->touched || (e->stirred && e->stirred[i])});
        }
    }
}

static void add_fresh(struct live_batch *b, enum ndc_entity type)
{
    for (uint32_t i = 0; i < b->state_count; i++) {
        const struct live_state *s = &b->states[i];
        if (s->fresh && s->type == type)
            add_member(&b->links[type], (struct live_member){.record = &s->record,
                                                             .entity = LIVE_NONE,
                                                             .state = i});
    }
}

/* ---- identifiers ---- */

static void add_filler(struct live_link *l, unsigned field, struct ndc_str value)
{
    if (l->filler_count == l->filler_cap) {
        l->filler_cap = l->filler_cap ? l->filler_cap * 2 : 16;
        l->fillers = ndc_xrealloc(l->fillers, l->filler_cap * sizeof(*l->fillers));
    }
    l->fillers[l->filler_count++] = (struct live_filler){field, value};
}

static struct ndc_str identifier_of(const struct ndc_record *r, int field)
{
    const struct ndc_record_field *f = ndc_record_find(r, (unsigned)field);
    return f ? f->value : NDC_STR_NULL;
}

/* Who shares an identifier with a record that changed. */
static enum ndc_err look_identifiers(struct live_batch *b, enum ndc_entity type,
                                     struct ndc_fault *fault)
{
    const struct live_kind *kind = &b->live->kinds[type];
    struct live_link *l = &b->links[type];
    unsigned fields = ndc_link_spec_field_count(kind->spec);
    struct live_lookup *lookups = NULL;
    struct ndc_key64 *of = NULL; /* member and field */
    size_t n = 0, cap = 0, found;
    for (uint32_t m = 0; m < l->count; m++) {
        if (l->members[m].state == LIVE_NONE) continue;
        for (unsigned f = 0; f < fields; f++) {
            int field = kind->identifier_fields[f];
            if (field < 0) continue;
            struct ndc_str value = identifier_of(l->members[m].record, field);
            if (!value.len) continue;
            if (n == cap) {
                cap = cap ? cap * 2 : 1024;
                lookups = ndc_xrealloc(lookups, cap * sizeof(*lookups));
                of = ndc_xrealloc(of, cap * sizeof(*of));
            }
            lookups[n] = (struct live_lookup){
                .key = ndc_index_key(NDC_INDEX_ID, (uint64_t)field, value),
                .table = NDC_INDEX_SEARCH};
            of[n++] = (struct ndc_key64){m, f};
        }
    }
    enum ndc_err err = ndc_live_look(b, lookups, n, kind->entity_max, &found, fault);
    for (size_t i = 0; i < n && !err; i++) {
        const struct live_member *m = &l->members[of[i].key];
        unsigned f = (unsigned)of[i].value;
        if (lookups[i].capped)
            add_filler(l, f, identifier_of(m->record, kind->identifier_fields[f]));
    }
    free(lookups);
    free(of);
    return err;
}

static bool agree(const struct live_kind *kind, const struct ndc_record *a,
                  const struct ndc_record *c)
{
    for (size_t i = 0; i < NDC_ARRAY_LEN(kind->plain_fields); i++) {
        if (kind->plain_fields[i] < 0) continue;
        struct ndc_str x = identifier_of(a, kind->plain_fields[i]);
        if (x.len && ndc_str_eq(x, identifier_of(c, kind->plain_fields[i]))) return true;
    }
    return false;
}

/* Records that changed and will be joined by an identifier, as far as can be told: one
 * that shares it agrees on name or date. */
struct joined {
    struct ndc_key64 *items; /* hash of an identifier's value, member */
    size_t count, cap;
};

static bool *guess_joined(const struct live_batch *b, enum ndc_entity type)
{
    const struct live_kind *kind = &b->live->kinds[type];
    const struct live_link *l = &b->links[type];
    unsigned fields = ndc_link_spec_field_count(kind->spec);
    struct joined j = {0};
    bool *joined = ndc_xcalloc((size_t)l->count + 1, sizeof(*joined));
    for (uint32_t m = 0; m < l->count; m++) {
        for (unsigned f = 0; f < fields; f++) {
            if (kind->identifier_fields[f] < 0) continue;
            struct ndc_str value =
                identifier_of(l->members[m].record, kind->identifier_fields[f]);
            if (!value.len) continue;
            if (j.count == j.cap) {
                j.cap = j.cap ? j.cap * 2 : 16384;
                j.items = ndc_xrealloc(j.items, j.cap * sizeof(*j.items));
            }
            j.items[j.count++] = (struct ndc_key64){ndc_hash_str(value, f), m};
        }
    }
    struct ndc_key64 *scratch = ndc_xmalloc((j.count + 1) * sizeof(*scratch));
    ndc_sort_key64(j.items, scratch, j.count);
    free(scratch);
    for (size_t i = 0, from = 0; i < j.count; i++) {
        if (j.items[i].key != j.items[from].key) from = i;
        uint32_t m = (uint32_t)j.items[i].value;
        if (l->members[m].state == LIVE_NONE || joined[m]) continue;
        for (size_t k = from; k < j.count && k < from + SHARERS_MAX && !joined[m] &&
                              j.items[k].key == j.items[from].key;
             k++)
            joined[m] = k != i && agree(kind, l->members[m].record,
                                        l->members[j.items[k].value].record);
    }
    free(j.items);
    return joined;
}

/* ---- blocking keys ---- */

static void add_capped(struct live_link *l, uint64_t key)
{
    if (l->capped_count == l->capped_cap) {
        l->capped_cap = l->capped_cap ? l->capped_cap * 2 : 64;
        l->capped = ndc_xrealloc(l->capped, l->capped_cap * sizeof(*l->capped));
    }
    l->capped[l->capped_count++] = key;
}

/* Every source of the kind by its name, so that rows come in the order of a build's. */
static enum ndc_err declare_sources(struct live_batch *b, enum ndc_entity type,
                                    struct ndc_link *link, struct ndc_fault *fault)
{
    struct ndc_registry *reg = b->live->registry;
    enum ndc_err err = NDC_OK;
    for (uint32_t n = 1; n <= NDC_REGISTRY_SOURCES_MAX && !err; n++) {
        struct ndc_registered *r = ndc_registry_by_number(reg, n);
        unsigned source = 0;
        if (!r || r->source->entity != type) continue;
        err = ndc_link_source_add(link, r->source->id, &source, fault);
        b->links[type].link_source[n] = (uint8_t)source;
    }
    return err;
}

/* A table of these members; NULL members: all. Its rows are the members in the engine's
 * order, which *row_member gets (the caller frees it). */
static enum ndc_err make_table(struct live_batch *b, enum ndc_entity type,
                               const uint32_t *some, uint32_t count,
                               struct ndc_link *link, uint32_t **row_member,
                               struct ndc_fault *fault)
{
    struct live_link *l = &b->links[type];
    enum ndc_err err = declare_sources(b, type, link, fault);
    if (err) return err;
    struct ndc_link_feed *feed = ndc_link_feed_new(b->live->kinds[type].spec);
    struct ndc_link_batch *rows = ndc_link_batch_new(link);
    struct ndc_key64 *order = ndc_xmalloc(((size_t)count + 1) * sizeof(*order));
    struct ndc_key64 *scratch = ndc_xmalloc(((size_t)count + 1) * sizeof(*order));
    uint8_t rank[NDC_REGISTRY_SOURCES_MAX + 1];
    for (uint32_t i = 0; i < count; i++) {
        uint32_t m = some ? some[i] : i;
        const struct ndc_record *r = l->members[m].record;
        ndc_link_batch_add(rows, l->link_source[r->source], l->members[m].hash,
                           ndc_link_feed_values(feed, r));
        order[i] = (struct ndc_key64){l->members[m].hash, m};
    }
    err = ndc_link_batch_commit(rows, fault);
    ndc_link_feed_free(feed);
    ndc_sort_key64(order, scratch, count);
    ndc_registry_rank_sources(b->live->registry, rank);
    for (uint32_t i = 0; i < count; i++)
        order[i].key = rank[l->members[order[i].value].record->source];
    ndc_sort_key64(order, scratch, count);
    *row_member = ndc_xmalloc(((size_t)count + 1) * sizeof(**row_member));
    for (uint32_t i = 0; i < count; i++)
        (*row_member)[i] = (uint32_t)order[i].value;
    free(order);
    free(scratch);
    return err;
}

struct keys {
    struct live_lookup *lookups;
    uint64_t *rule_keys;
    size_t count, cap;
};

static void add_lookup(struct keys *k, uint64_t rule_key, bool only_open, bool only_count)
{
    if (k->count == k->cap) {
        k->cap = k->cap ? k->cap * 2 : 4096;
        k->lookups = ndc_xrealloc(k->lookups, k->cap * sizeof(*k->lookups));
        k->rule_keys = ndc_xrealloc(k->rule_keys, k->cap * sizeof(*k->rule_keys));
    }
    k->rule_keys[k->count] = rule_key;
    k->lookups[k->count++] = (struct live_lookup){.key = ndc_live_block_key(rule_key),
                                                  .table = NDC_INDEX_BLOCKS,
                                                  .only_open = only_open,
                                                  .only_count = only_count};
}

static enum ndc_err look_keys(struct live_batch *b, struct live_link *l, struct keys *k,
                              size_t *found, struct ndc_fault *fault)
{
    enum ndc_err err =
        ndc_live_look(b, k->lookups, k->count, LIVE_BLOCK_MAX, found, fault);
    for (size_t i = 0; i < k->count && !err; i++)
        if (k->lookups[i].capped) add_capped(l, k->rule_keys[i]);
    free(k->lookups);
    free(k->rule_keys);
    return err;
}

/* Candidates of the records that changed. One that shares an identifier and has a unique
 * one will be settled: it meets only open entities. */
static enum ndc_err look_blocks(struct live_batch *b, enum ndc_entity type,
                                const bool *joined, struct ndc_fault *fault)
{
    const struct live_kind *kind = &b->live->kinds[type];
    struct live_link *l = &b->links[type];
    struct ndc_link *link = ndc_link_new(
        kind->spec, &(struct ndc_link_options){.threads = b->live->registry->threads});
    uint32_t *some = ndc_xmalloc(((size_t)l->count + 1) * sizeof(*some));
    uint32_t n = 0, *row_member = NULL;
    struct keys keys = {0};
    size_t found;
    for (uint32_t m = 0; m < l->count; m++)
        if (l->members[m].state != LIVE_NONE) some[n++] = m;
    enum ndc_err err = make_table(b, type, some, n, link, &row_member, fault);
    if (!err) ndc_link_prepare(link);
    for (uint32_t row = 0; row < n && !err; row++) {
        uint64_t of_row[NDC_LINK_KEYS_MAX];
        struct live_member *m = &l->members[row_member[row]];
        int unique = kind->unique_field;
        bool settled = joined[row_member[row]] && unique >= 0 &&
                       identifier_of(m->record, kind->identifier_fields[unique]).len;
        unsigned count = ndc_link_row_keys(link, row, of_row);
        for (unsigned i = 0; i < count; i++)
            if (!settled || ndc_live_maybe_open(b->live, ndc_live_block_key(of_row[i])))
                add_lookup(&keys, of_row[i], settled, false);
        m->looked = !settled;
    }
    if (!err) {
        err = look_keys(b, l, &keys, &found, fault);
    } else {
        free(keys.lookups);
        free(keys.rule_keys);
    }
    ndc_link_free(link);
    free(some);
    free(row_member);
    return err;
}

/* ---- linking ---- */

static void tell_foreknown(struct live_batch *b, enum ndc_entity type,
                           struct ndc_link *link)
{
    struct live_link *l = &b->links[type];
    for (size_t i = 0; i < l->filler_count; i++)
        ndc_link_filler_add(link, l->fillers[i].field, l->fillers[i].value);
    for (size_t i = 0; i < l->capped_count; i++)
        ndc_link_capped_add(link, l->capped[i]);
    for (size_t i = 0; i < b->live->decision_count; i++) {
        const struct live_decision *d = &b->live->decisions[i];
        if (d->type == type)
            ndc_link_decide(link, l->link_source[d->source_a], d->ref_a,
                            l->link_source[d->source_b], d->ref_b, d->same);
    }
}

static enum ndc_err link_all(struct live_batch *b, enum ndc_entity type,
                             struct ndc_fault *fault)
{
    const struct live_kind *kind = &b->live->kinds[type];
    struct live_link *l = &b->links[type];
    const struct ndc_link_options options = {.threads = b->live->registry->threads,
                                             .keep_open = true};
    ndc_link_free(l->link);
    free(l->row_member);
    l->row_member = NULL;
    l->link = ndc_link_new(kind->spec, &options);
    ndc_link_use_model(l->link, kind->model);
    enum ndc_err err =
        make_table(b, type, NULL, l->count, l->link, &l->row_member, fault);
    if (err) return err;
    tell_foreknown(b, type, l->link);
    return ndc_link_run(l->link, fault);
}

/* Records that turned out open and were not looked up as such: because they changed, or
 * because what joined them did. */
static enum ndc_err look_again(struct live_batch *b, enum ndc_entity type, size_t *found,
                               size_t *capped, struct ndc_fault *fault)
{
    struct live_link *l = &b->links[type];
    struct keys keys = {0};
    size_t before = l->capped_count;
    for (uint32_t row = 0; row < l->count; row++) {
        uint64_t of_row[NDC_LINK_KEYS_MAX];
        struct live_member *m = &l->members[l->row_member[row]];
        if (m->looked || !(m->stirred || m->state != LIVE_NONE) ||
            !ndc_link_open(l->link, row))
            continue;
        m->looked = true;
        unsigned count = ndc_link_row_keys(l->link, row, of_row);
        for (unsigned i = 0; i < count; i++)
            add_lookup(&keys, of_row[i], false, false);
    }
    enum ndc_err err = look_keys(b, l, &keys, found, fault);
    *capped = l->capped_count - before;
    return err;
}

static bool has_key(const uint64_t *keys, size_t count, uint64_t key)
{
    for (size_t i = 0; i < count; i++)
        if (keys[i] == key) return true;
    return false;
}

/* Pairs that met here only: neither was looked up, so what their common keys lead to in
 * the whole is not known. */
static enum ndc_err look_chance_pairs(struct live_batch *b, enum ndc_entity type,
                                      size_t *capped, struct ndc_fault *fault)
{
    struct live_link *l = &b->links[type];
    struct keys keys = {0};
    size_t n, found, before = l->capped_count;
    const struct ndc_link_edge *edges = ndc_link_edges(l->link, &n);
    for (size_t i = 0; i < n; i++) {
        uint64_t x[NDC_LINK_KEYS_MAX], y[NDC_LINK_KEYS_MAX];
        const struct live_member *a = &l->members[l->row_member[edges[i].a]];
        const struct live_member *c = &l->members[l->row_member[edges[i].b]];
        if (edges[i].kind != NDC_LINK_EDGE_MODEL || a->looked || c->looked ||
            a->entity == c->entity)
            continue;
        unsigned p = ndc_link_row_keys(l->link, edges[i].a, x);
        unsigned q = ndc_link_row_keys(l->link, edges[i].b, y);
        for (unsigned k = 0; k < p; k++)
            if (has_key(y, q, x[k]) && !has_key(l->capped, l->capped_count, x[k]))
                add_lookup(&keys, x[k], true, true);
    }
    enum ndc_err err = look_keys(b, l, &keys, &found, fault);
    *capped = l->capped_count - before;
    return err;
}

/* Whether the value is one that another entity here holds too. */
static bool held_elsewhere(struct live_link *l, uint64_t hash, uint32_t entity)
{
    if (l->holder_count * 2 >= l->holder_mask) {
        struct ndc_key64 *old = l->holders;
        size_t n = old ? l->holder_mask + 1 : 0, cap = n ? n * 2 : 4096;
        l->holders = ndc_xcalloc(cap, sizeof(*l->holders));
        l->holder_mask = cap - 1;
        for (size_t i = 0; i < n; i++) {
            size_t at = old[i].key & l->holder_mask;
            while (old[i].key && l->holders[at].key)
                at = (at + 1) & l->holder_mask;
            if (old[i].key) l->holders[at] = old[i];
        }
        free(old);
    }
    size_t at = hash & l->holder_mask;
    while (l->holders[at].key && l->holders[at].key != hash)
        at = (at + 1) & l->holder_mask;
    bool elsewhere = l->holders[at].key && l->holders[at].value != entity;
    l->holder_count += !l->holders[at].key;
    if (!l->holders[at].key) l->holders[at] = (struct ndc_key64){hash, entity};
    return elsewhere;
}

/* Values that entities share who came together here by chance: a filler that only two of
 * its many holders brought would join them. */
static enum ndc_err look_shared_values(struct live_batch *b, enum ndc_entity type,
                                       struct ndc_fault *fault)
{
    const struct live_kind *kind = &b->live->kinds[type];
    struct live_link *l = &b->links[type];
    unsigned fields = ndc_link_spec_field_count(kind->spec);
    struct live_lookup *lookups = NULL;
    struct live_filler *of = NULL;
    size_t n = 0, cap = 0, found;
    for (; l->holders_in < l->count; l->holders_in++) {
        const struct live_member *m = &l->members[l->holders_in];
        for (unsigned f = 0; f < fields; f++) {
            int field = kind->identifier_fields[f];
            if (field < 0) continue;
            struct ndc_str value = identifier_of(m->record, field);
            if (!value.len ||
                !held_elsewhere(l, ndc_hash_str(value, (uint64_t)f + 1) | 1, m->entity))
                continue;
            if (n == cap) {
                cap = cap ? cap * 2 : 256;
                lookups = ndc_xrealloc(lookups, cap * sizeof(*lookups));
                of = ndc_xrealloc(of, cap * sizeof(*of));
            }
            of[n] = (struct live_filler){f, value};
            lookups[n++] = (struct live_lookup){
                .key = ndc_index_key(NDC_INDEX_ID, (uint64_t)field, value),
                .table = NDC_INDEX_SEARCH};
        }
    }
    enum ndc_err err = ndc_live_look(b, lookups, n, kind->entity_max, &found, fault);
    for (size_t i = 0; i < n && !err; i++)
        if (lookups[i].capped) add_filler(l, of[i].field, of[i].value);
    free(lookups);
    free(of);
    return err;
}

/* Everything that was wanted becomes members, until nothing more is. */
static enum ndc_err take_in(struct live_batch *b, enum ndc_entity type,
                            struct ndc_fault *fault)
{
    enum ndc_err err;
    do {
        err = ndc_live_load(b, fault);
        add_entities(b, type);
        if (!err) err = look_shared_values(b, type, fault);
    } while (!err && b->entity_loaded < b->entity_count);
    return err;
}

static void group_members(struct live_link *l)
{
    l->group_count = ndc_link_entity_count(l->link);
    l->groups = ndc_xcalloc((size_t)l->group_count + 1, sizeof(*l->groups));
    l->order = ndc_xmalloc(((size_t)l->count + 1) * sizeof(*l->order));
    for (uint32_t row = 0; row < l->count; row++) {
        uint32_t g = ndc_link_entity(l->link, row);
        l->members[l->row_member[row]].group = g;
        l->groups[g].count++;
        l->groups[g].open |= ndc_link_open(l->link, row);
    }
    uint32_t at = 0;
    for (uint32_t g = 0; g < l->group_count; g++) {
        l->groups[g].first = at;
        at += l->groups[g].count;
        l->groups[g].count = 0;
    }
    for (uint32_t row = 0; row < l->count; row++) {
        struct live_group *g = &l->groups[ndc_link_entity(l->link, row)];
        l->order[g->first + g->count++] = row;
    }
}

static enum ndc_err link_kind(struct live_batch *b, enum ndc_entity type,
                              struct ndc_fault *fault)
{
    struct live_link *l = &b->links[type];
    add_entities(b, type);
    add_fresh(b, type);
    if (l->count == 0) return NDC_OK;
    enum ndc_err err = look_identifiers(b, type, fault);
    if (!err) err = take_in(b, type, fault);
    if (err) return err;
    bool *joined = guess_joined(b, type);
    err = look_blocks(b, type, joined, fault);
    free(joined);
    for (int round = 0; round < LIVE_ROUNDS_MAX && !err; round++) {
        size_t found = 0, capped = 0, more_capped = 0;
        err = take_in(b, type, fault);
        if (!err) err = link_all(b, type, fault);
        if (!err) err = look_again(b, type, &found, &capped, fault);
        if (!err) err = look_chance_pairs(b, type, &more_capped, fault);
        if (!found && !capped && !more_capped) break;
    }
    if (!err) group_members(l);
    return err;
}

enum ndc_err ndc_live_link(struct live_batch *b, struct ndc_fault *fault)
{
    enum ndc_err err = NDC_OK;
    for (int t = 0; t < NDC_ENTITY_COUNT && !err; t++)
        if (b->live->kinds[t].model) err = link_kind(b, (enum ndc_entity)t, fault);
    return err;
}

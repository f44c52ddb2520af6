/* What linking a batch comes to: which entity each group is, its payload, what the change
 * feed says of it, and the index entries that are new. Numbers are given as a build gives
 * them: the largest part of an old entity keeps its number. */
#include "platforms/registry/entity/index_build.h"
#include "platforms/registry/link/result.h"
#include "platforms/registry/live/part.h"

#include "base/hash.h"

#include <math.h>

enum { OUTCOME_CHUNK = 64, KNOWN_RECORDS = 2, PAYLOADS_BYTES_MAX = 1 << 30 };

struct live_vote {
    uint32_t entity, part, group, votes;
};

static const struct live_member *member_at(const struct live_part *p,
                                           const struct live_group *g, uint32_t i)
{
    return &p->members[p->row_member[p->order[g->first + i]]];
}

/* ---- numbers ---- */

/* A group is affected when it is not exactly an entity as it was. */
static void judge_groups(struct live_batch *b, struct live_part *p)
{
    for (uint32_t k = 0; k < p->group_count; k++) {
        struct live_group *g = &p->groups[k];
        if (!g->stands) continue;
        uint32_t entity = member_at(p, g, 0)->entity;
        g->from = entity; /* of one that is as it was */
        for (uint32_t i = 0; i < g->count; i++) {
            const struct live_member *m = member_at(p, g, i);
            if (m->entity != entity || m->state != LIVE_NONE || m->entity == LIVE_NONE)
                g->affected = true;
        }
        if (entity != LIVE_NONE && b->entities[entity].view.record_count != g->count)
            g->affected = true;
        if (g->affected) g->from = LIVE_NONE;
    }
}

static int compare_votes(const void *x, const void *y)
{
    const struct live_vote *a = x, *c = y;
    if (a->votes != c->votes) return a->votes > c->votes ? -1 : 1;
    if (a->part != c->part) return a->part < c->part ? -1 : 1;
    if (a->group != c->group) return a->group < c->group ? -1 : 1;
    return a->entity < c->entity ? -1 : a->entity > c->entity;
}

struct votes {
    struct live_vote *items;
    size_t count, cap;
};

static void add_vote(struct votes *v, size_t first, struct live_vote vote)
{
    for (size_t i = first; i < v->count; i++) {
        if (v->items[i].entity != vote.entity) continue;
        v->items[i].votes += vote.votes;
        return;
    }
    if (v->count == v->cap) {
        v->cap = v->cap ? v->cap * 2 : 1024;
        v->items = ndc_xrealloc(v->items, v->cap * sizeof(*v->items));
    }
    v->items[v->count++] = vote;
}

static void collect_votes(struct live_batch *b, uint32_t part, struct votes *v)
{
    struct live_part *p = &b->parts[part];
    judge_groups(b, p);
    for (uint32_t k = 0; k < p->group_count; k++) {
        size_t first = v->count;
        if (!p->groups[k].affected) continue;
        for (uint32_t i = 0; i < p->groups[k].count; i++) {
            const struct live_member *m = member_at(p, &p->groups[k], i);
            /* A record that says something else now speaks for less. */
            uint32_t weight = m->state == LIVE_NONE ? 2 : 1;
            if (m->entity != LIVE_NONE)
                add_vote(v, first, (struct live_vote){m->entity, part, k, weight});
        }
    }
}

/* Marks the entities whose number a group took. */
static void number_groups(struct live_batch *b, const struct votes *v, bool *taken)
{
    for (size_t i = 0; i < v->count; i++) {
        const struct live_vote *vote = &v->items[i];
        struct live_group *g = &b->parts[vote->part].groups[vote->group];
        if (g->number || taken[vote->entity]) continue;
        g->number = b->entities[vote->entity].number;
        g->from = vote->entity;
        taken[vote->entity] = true;
    }
    for (size_t i = 0; i < v->count; i++) {
        const struct live_vote *vote = &v->items[i];
        struct live_group *g = &b->parts[vote->part].groups[vote->group];
        if (!g->number && g->from == LIVE_NONE) g->from = vote->entity;
    }
    for (uint32_t i = 0; i < b->part_count; i++)
        for (uint32_t k = 0; k < b->parts[i].group_count; k++) {
            struct live_group *g = &b->parts[i].groups[k];
            if (!g->affected || g->number) continue;
            g->number = b->live->next_number++;
            g->created = true;
        }
}

/* ---- payloads ---- */

struct outcome {
    struct live_batch *batch;
    struct ndc_survivorship how;
    struct {
        uint32_t part, group;
    } * todo;
    size_t count;
    struct ndc_mutex lock; /* guards what follows and batch->entries */
    bool too_big;
};

static void group_edges(struct live_part *p)
{
    size_t n;
    if (!p->link) return;
    const struct ndc_link_edge *edges = ndc_link_edges(p->link, &n);
    uint32_t *starts = ndc_xcalloc((size_t)p->group_count + 2, sizeof(*starts));
    uint32_t *rows = ndc_xmalloc((n + 1) * sizeof(*rows));
    for (size_t i = 0; i < n; i++)
        if (edges[i].joined) starts[ndc_link_entity(p->link, edges[i].a) + 2]++;
    for (uint32_t g = 1; g <= p->group_count; g++)
        starts[g + 1] += starts[g];
    for (size_t i = 0; i < n; i++)
        if (edges[i].joined)
            rows[starts[ndc_link_entity(p->link, edges[i].a) + 1]++] = (uint32_t)i;
    p->edge_starts = starts;
    p->edge_rows = rows;
}

static uint16_t place_in(const struct live_part *p, const struct live_group *g,
                         uint32_t row)
{
    uint32_t low = 0, high = g->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (p->order[g->first + middle] < row)
            low = middle + 1;
        else
            high = middle;
    }
    return (uint16_t)NDC_MIN(low, (uint32_t)UINT16_MAX);
}

static void take_edges(const struct live_batch *b, const struct live_part *p,
                       uint32_t group, struct ndc_arena *arena, struct ndc_entity_view *v)
{
    const struct live_group *g = &p->groups[group];
    if (p->settled) { /* its records stand in their old order, so edges say the same */
        v->edges = b->entities[g->from].view.edges;
        v->edge_count = b->entities[g->from].view.edge_count;
        return;
    }
    size_t all;
    const struct ndc_link_edge *edges = ndc_link_edges(p->link, &all);
    uint32_t from = p->edge_starts[group], to = p->edge_starts[group + 1];
    uint32_t n = NDC_MIN(to - from, (uint32_t)NDC_ENTITY_EDGES_MAX);
    v->edges = NDC_ARENA_ARRAY(arena, struct ndc_entity_edge, (size_t)n + 1);
    for (uint32_t i = 0; i < n && v->edges; i++) {
        const struct ndc_link_edge *e = &edges[p->edge_rows[from + i]];
        uint16_t x = place_in(p, g, e->a);
        uint16_t y = place_in(p, g, e->b);
        if (x >= v->record_count || y >= v->record_count) continue;
        double odds = 1 / (1 + exp(-(double)e->log_odds));
        v->edges[v->edge_count++] = (struct ndc_entity_edge){
            x, y, e->kind, (uint8_t)(e->kind == NDC_LINK_EDGE_MODEL ? odds * 255 : 255)};
    }
}

/* Fields whose golden value is another now. */
static void compare_golden(const struct ndc_entity_view *before,
                           const struct ndc_entity_view *after, struct ndc_field_set *out)
{
    for (unsigned i = 0; i < after->golden_count; i++) {
        const struct ndc_golden *now = &after->golden[i];
        const struct ndc_golden *was =
            before ? ndc_entity_golden(before, now->field) : NULL;
        if (!was || !ndc_str_eq(was->value->value, now->value->value))
            ndc_field_set_add(out, now->field);
    }
    for (unsigned i = 0; before && i < before->golden_count; i++)
        if (!ndc_entity_golden(after, before->golden[i].field))
            ndc_field_set_add(out, before->golden[i].field);
}

static bool all_ended(const struct ndc_record *records, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (!(records[i].flags & NDC_RECORD_ENDED)) return false;
    return count > 0;
}

/* Records as they were in the entity that keeps this number: those that changed or left,
 * and those that are new here, marked absent. */
static void write_before(const struct live_batch *b, const struct live_part *p,
                         const struct live_group *g, struct ndc_buf *out)
{
    const struct live_entity *old = &b->entities[g->from];
    for (unsigned i = 0; i < old->view.record_count; i++) {
        const struct live_member *m = &p->members[old->members + i];
        if (&p->groups[m->group] != g || m->state != LIVE_NONE)
            ndc_record_encode(out, &old->view.records[i]);
    }
    for (uint32_t i = 0; i < g->count; i++) {
        const struct live_member *m = member_at(p, g, i);
        if (m->entity == g->from) continue;
        const struct ndc_record absent = {.source = m->record->source,
                                          .key = m->record->key,
                                          .flags = NDC_RECORD_ABSENT};
        ndc_record_encode(out, &absent);
    }
}

static void judge_change(const struct live_batch *b, const struct live_part *p,
                         struct live_group *g, const struct ndc_entity_view *v)
{
    bool fresh = true, several = false;
    for (uint32_t i = 0; i < g->count; i++) {
        const struct live_member *m = member_at(p, g, i);
        fresh &= m->entity == LIVE_NONE;
        if (m->state == LIVE_NONE) continue;
        several |= g->source && g->source != m->record->source;
        g->source = m->record->source;
    }
    if (several) g->source = 0;
    const struct live_entity *old = g->created ? NULL : &b->entities[g->from];
    compare_golden(old ? &old->view : NULL, v, &g->fields);
    g->kind =
        g->created ? (fresh ? NDC_CHANGE_CREATED : NDC_CHANGE_SPLIT) : NDC_CHANGE_CHANGED;
    if (old && all_ended(v->records, v->record_count) &&
        !all_ended(old->view.records, old->view.record_count))
        g->kind = NDC_CHANGE_ENDED;
}

struct maker { /* one chunk's tools */
    struct outcome *o;
    struct ndc_arena arena;
    struct ndc_buf *buf;
    struct ndc_index_keys *keys;
    struct ndc_key64 *entries;
    size_t entry_count, entry_cap;
};

static void add_entry(struct maker *k, uint64_t key, uint64_t value)
{
    if (k->entry_count == k->entry_cap) {
        k->entry_cap = k->entry_cap ? k->entry_cap * 2 : 4096;
        k->entries = ndc_xrealloc(k->entries, k->entry_cap * sizeof(*k->entries));
    }
    k->entries[k->entry_count++] = (struct ndc_key64){key, value};
}

/* The records whose keys the entity had already: what a changed one was, or another that
 * stays. */
static void add_known_keys(struct maker *k, const struct live_part *p,
                           const struct live_group *g, const struct live_member *m)
{
    const struct live_batch *b = k->o->batch;
    unsigned known = 0;
    if (g->created) return;
    if (m->state != LIVE_NONE && m->entity == g->from)
        ndc_index_record(k->keys,
                         &b->entities[m->entity].view.records[b->states[m->state].at]);
    for (uint32_t i = 0; i < g->count && known < KNOWN_RECORDS; i++) {
        const struct live_member *other = member_at(p, g, i);
        if (other->entity != g->from || other->state != LIVE_NONE) continue;
        ndc_index_record(k->keys, other->record);
        known++;
    }
}

/* What the group is found by that it was not before: the keys of records that changed or
 * came from elsewhere; while it is open to others, all its blocking keys as such. */
static void write_entries(struct maker *k, const struct live_part *p,
                          const struct live_group *g)
{
    const struct live_batch *b = k->o->batch;
    uint64_t block[NDC_LINK_KEYS_MAX];
    for (uint32_t i = 0; i < g->count; i++) {
        const struct live_member *m = member_at(p, g, i);
        bool here = !g->created && m->entity == g->from;
        bool new = !here || m->state != LIVE_NONE;
        if (new) {
            add_known_keys(k, p, g, m);
            unsigned known = k->keys->count;
            ndc_index_record(k->keys, m->record);
            for (unsigned n = known; n < k->keys->count; n++)
                add_entry(k, k->keys->items[n] << 1, g->number);
            ndc_index_keys_reset(k->keys);
        }
        if (p->settled) continue; /* its blocking keys are what they were */
        if (here && m->state != LIVE_NONE && !g->open) new = b->states[m->state].asks;
        if (!new && !g->open) continue;
        unsigned n = ndc_link_row_keys(p->link, p->order[g->first + i], block);
        for (unsigned j = 0; j < n; j++)
            add_entry(k, ndc_live_block_key(block[j]) << 1 | 1, g->number << 1 | g->open);
    }
}

static bool make_group(struct maker *k, struct live_part *p, uint32_t group)
{
    const struct live_batch *b = k->o->batch;
    struct live_group *g = &p->groups[group];
    struct ndc_golden golden[NDC_FIELDS_MAX];
    struct ndc_entity_view v = {.type = (enum ndc_entity)p->type, .golden = golden};
    if (g->count > NDC_ENTITY_RECORDS_MAX) return false;
    ndc_arena_reset(&k->arena);
    v.records = NDC_ARENA_ARRAY(&k->arena, struct ndc_record, (size_t)g->count + 1);
    if (!v.records) return false;
    for (uint32_t i = 0; i < g->count; i++)
        v.records[v.record_count++] = *member_at(p, g, i)->record;
    take_edges(b, p, group, &k->arena, &v);
    v.golden_count = ndc_golden_choose(golden, v.records, v.record_count, &k->o->how);
    judge_change(b, p, g, &v);
    size_t start = k->buf->len;
    ndc_entity_encode(k->buf, &v);
    g->payload.len = k->buf->len - start;
    if (!g->created) write_before(b, p, g, k->buf);
    g->before.len = k->buf->len - start - g->payload.len;
    write_entries(k, p, g);
    return !k->arena.overflow && !k->buf->failed;
}

static struct live_group *todo_group(const struct outcome *o, size_t i)
{
    return &o->batch->parts[o->todo[i].part].groups[o->todo[i].group];
}

static void make_chunk(void *arg, size_t index)
{
    struct outcome *o = arg;
    struct live_batch *b = o->batch;
    struct maker k = {
        .o = o, .buf = &b->bufs[index], .keys = ndc_xcalloc(1, sizeof(*k.keys))};
    size_t from = index * OUTCOME_CHUNK;
    size_t to = NDC_MIN(from + OUTCOME_CHUNK, o->count), at = 0;
    bool good = true;
    ndc_arena_init(&k.arena, LIVE_ARENA_BYTES);
    for (size_t i = from; i < to && good; i++)
        good = make_group(&k, &b->parts[o->todo[i].part], o->todo[i].group);
    for (size_t i = from; i < to && good; i++) { /* the buffer moves no more */
        struct live_group *g = todo_group(o, i);
        g->payload.ptr = k.buf->ptr + at;
        g->before.ptr = g->payload.ptr + g->payload.len;
        at += g->payload.len + g->before.len;
    }
    ndc_mutex_lock(&o->lock);
    o->too_big |= !good;
    if (b->entry_count + k.entry_count > b->entry_cap) {
        b->entry_cap = (b->entry_count + k.entry_count) * 2;
        b->entries = ndc_xrealloc(b->entries, b->entry_cap * sizeof(*b->entries));
    }
    if (k.entry_count)
        memcpy(b->entries + b->entry_count, k.entries,
               k.entry_count * sizeof(*k.entries));
    b->entry_count += k.entry_count;
    ndc_mutex_unlock(&o->lock);
    ndc_arena_free(&k.arena);
    free(k.entries);
    free(k.keys);
}

static enum ndc_err make_payloads(struct live_batch *b, struct ndc_fault *fault)
{
    struct outcome o = {.batch = b, .how = ndc_registry_survivorship(b->live->registry)};
    size_t groups = 0;
    for (uint32_t i = 0; i < b->part_count; i++)
        groups += b->parts[i].group_count;
    o.todo = ndc_xmalloc((groups + 1) * sizeof(*o.todo));
    for (uint32_t i = 0; i < b->part_count; i++) {
        group_edges(&b->parts[i]);
        for (uint32_t g = 0; g < b->parts[i].group_count; g++) {
            if (!b->parts[i].groups[g].affected) continue;
            o.todo[o.count].part = i;
            o.todo[o.count++].group = g;
        }
    }
    b->buf_count = (o.count + OUTCOME_CHUNK - 1) / OUTCOME_CHUNK;
    b->bufs = ndc_xcalloc(b->buf_count + 1, sizeof(*b->bufs));
    for (size_t i = 0; i < b->buf_count; i++)
        ndc_buf_init(&b->bufs[i], PAYLOADS_BYTES_MAX);
    ndc_mutex_init(&o.lock);
    ndc_parallel_for(b->live->registry->threads, b->buf_count, make_chunk, &o);
    ndc_mutex_free(&o.lock);
    free(o.todo);
    return o.too_big ? ndc_fail(fault, NDC_ETOOBIG, "registry.entity_too_big",
                                "an entity would have more records than one may")
                     : NDC_OK;
}

/* ---- what is written ---- */

static void write_group(struct live_batch *b, uint8_t type, const struct live_group *g)
{
    const struct live_entity *old = g->from == LIVE_NONE ? NULL : &b->entities[g->from];
    b->changes[b->change_count] =
        (struct ndc_change){.at_ms = b->now_ms,
                            .previous = g->created || !old ? 0 : old->change,
                            .entity = g->number,
                            .other = g->kind == NDC_CHANGE_SPLIT && old ? old->number : 0,
                            .source = g->source,
                            .type = type,
                            .kind = g->kind,
                            .fields = g->fields,
                            .before = g->before};
    b->writes[b->change_count++] = (struct live_write){g->number, type, g->payload};
}

/* The entity whose number nobody took: it leads to who has most of its records. */
static void write_gone(struct live_batch *b, const struct live_entity *e,
                       struct ndc_buf *buf)
{
    const struct live_part *p = &b->parts[e->part];
    uint32_t best = 0, most = 0;
    size_t start = buf->len;
    for (unsigned i = 0; i < e->view.record_count; i++) {
        uint32_t group = p->members[e->members + i].group, n = 0;
        for (unsigned k = 0; k < e->view.record_count; k++)
            n += p->members[e->members + k].group == group;
        if (n > most) {
            most = n;
            best = group;
        }
        ndc_record_encode(buf, &e->view.records[i]);
    }
    uint64_t into = p->groups[best].number;
    b->changes[b->change_count] =
        (struct ndc_change){.at_ms = b->now_ms,
                            .previous = e->change,
                            .entity = e->number,
                            .other = into,
                            .type = (uint8_t)e->view.type,
                            .kind = NDC_CHANGE_MERGED,
                            .before = ndc_str_n(NULL, buf->len - start)};
    b->writes[b->change_count++] =
        (struct live_write){e->number, (uint8_t)e->view.type, ndc_str_n("", 0)};
    b->redirects[b->redirect_count++] = (struct ndc_key64){e->number, into};
}

static void add_near(struct live_batch *b, const struct live_part *p, uint32_t row_a,
                     uint32_t row_b)
{
    const struct live_group *x = &p->groups[ndc_link_entity(p->link, row_a)];
    const struct live_group *y = &p->groups[ndc_link_entity(p->link, row_b)];
    if (x == y || !x->stands || !y->stands) return;
    if (b->near_count + 2 > b->near_cap) {
        b->near_cap = b->near_cap ? b->near_cap * 2 : 256;
        b->near = ndc_xrealloc(b->near, b->near_cap * sizeof(*b->near));
    }
    b->near[b->near_count++] = (struct ndc_key64){x->number, y->number};
    b->near[b->near_count++] = (struct ndc_key64){y->number, x->number};
}

static void collect_near(struct live_batch *b, const struct live_part *p)
{
    size_t n;
    if (!p->link) return;
    double join = ndc_link_spec_join(b->live->kinds[p->type].spec);
    double least = log(join / (1 - join));
    const struct ndc_link_edge *edges = ndc_link_edges(p->link, &n);
    for (size_t i = 0; i < n; i++)
        if (!edges[i].joined && (double)edges[i].log_odds >= least)
            add_near(b, p, edges[i].a, edges[i].b);
    const struct ndc_link_review *reviews = ndc_link_reviews(p->link, &n);
    for (size_t i = 0; i < n; i++)
        if (!reviews[i].joined && reviews[i].reason == NDC_LINK_REVIEW_SHARED_ID)
            add_near(b, p, reviews[i].a, reviews[i].b);
}

static void write_changes(struct live_batch *b, const bool *taken)
{
    size_t most = 1;
    for (uint32_t i = 0; i < b->part_count; i++)
        most += b->parts[i].group_count;
    most += b->entity_count;
    b->changes = ndc_xmalloc(most * sizeof(*b->changes));
    b->writes = ndc_xmalloc(most * sizeof(*b->writes));
    b->redirects = ndc_xmalloc(most * sizeof(*b->redirects));
    for (uint32_t i = 0; i < b->part_count; i++)
        for (uint32_t g = 0; g < b->parts[i].group_count; g++)
            if (b->parts[i].groups[g].affected)
                write_group(b, b->parts[i].type, &b->parts[i].groups[g]);
    /* Those that are no more; their records stand in a buffer of their own. */
    size_t first = b->change_count, at = 0;
    b->bufs = ndc_xrealloc(b->bufs, (b->buf_count + 1) * sizeof(*b->bufs));
    struct ndc_buf *buf = &b->bufs[b->buf_count++];
    ndc_buf_init(buf, PAYLOADS_BYTES_MAX);
    for (uint32_t e = 0; e < b->entity_count; e++) {
        const struct live_entity *old = &b->entities[e];
        if (!old->exists || taken[e] || old->part == LIVE_NONE) continue;
        const struct live_part *p = &b->parts[old->part];
        if (old->view.record_count && p->groups[p->members[old->members].group].affected)
            write_gone(b, old, buf);
    }
    for (size_t i = first; i < b->change_count; i++) {
        b->changes[i].before.ptr = buf->ptr + at;
        at += b->changes[i].before.len;
    }
    for (uint32_t i = 0; i < b->part_count; i++)
        collect_near(b, &b->parts[i]);
}

/* Each once. */
static void sort_entries(struct live_batch *b)
{
    size_t kept = 0;
    ndc_sort_key64_own(b->entries, b->entry_count);
    for (size_t i = 0; i < b->entry_count; i++)
        if (kept == 0 || b->entries[i].key != b->entries[kept - 1].key ||
            b->entries[i].value != b->entries[kept - 1].value)
            b->entries[kept++] = b->entries[i];
    b->entry_count = kept;
}

enum ndc_err ndc_live_outcome(struct live_batch *b, struct ndc_fault *fault)
{
    struct votes votes = {0};
    bool *taken = ndc_xcalloc((size_t)b->entity_count + 1, sizeof(*taken));
    for (uint32_t i = 0; i < b->part_count; i++)
        collect_votes(b, i, &votes);
    if (votes.count) qsort(votes.items, votes.count, sizeof(*votes.items), compare_votes);
    number_groups(b, &votes, taken);
    for (uint32_t i = 0; i < b->part_count; i++)
        for (uint32_t g = 0; g < b->parts[i].group_count; g++) {
            struct live_group *group = &b->parts[i].groups[g];
            if (group->affected || !group->stands) continue;
            group->number = b->entities[group->from].number;
            taken[group->from] = true;
        }
    enum ndc_err err = make_payloads(b, fault);
    sort_entries(b);
    if (!err) write_changes(b, taken);
    free(taken);
    free(votes.items);
    return err;
}

/* What linking a batch comes to: which entity each group is, its payload, what the change
 * feed says of it, and the index entries that are new. Numbers are given as a build gives
 * them: the largest part of an old entity keeps its number. */
#include "platforms/registry/entity/index_build.h"
#include "platforms/registry/link/result.h"
#include "platforms/registry/live/batch.h"

#include "base/hash.h"

#include <math.h>

enum { OUTCOME_CHUNK = 64, KNOWN_RECORDS = 2, PAYLOADS_BYTES_MAX = 1 << 30 };

struct live_vote {
    uint32_t entity, group, votes;
    uint8_t type;
};

static const struct live_member *member_at(const struct live_link *l,
                                           const struct live_group *g, uint32_t i)
{
    return &l->members[l->row_member[l->order[g->first + i]]];
}

/* ---- numbers ---- */

/* A group is affected when it is not exactly an entity as it was. */
static void judge_groups(struct live_batch *b, struct live_link *l)
{
    for (uint32_t k = 0; k < l->group_count; k++) {
        struct live_group *g = &l->groups[k];
        uint32_t entity = member_at(l, g, 0)->entity;
        g->from = entity; /* of one that is as it was */
        for (uint32_t i = 0; i < g->count; i++) {
            const struct live_member *m = member_at(l, g, i);
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
    if (a->type != c->type) return a->type < c->type ? -1 : 1;
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

static void collect_votes(struct live_batch *b, int type, struct votes *v)
{
    struct live_link *l = &b->links[type];
    judge_groups(b, l);
    for (uint32_t k = 0; k < l->group_count; k++) {
        size_t first = v->count;
        if (!l->groups[k].affected) continue;
        for (uint32_t i = 0; i < l->groups[k].count; i++) {
            const struct live_member *m = member_at(l, &l->groups[k], i);
            /* A record that says something else now speaks for less. */
            uint32_t weight = m->state == LIVE_NONE ? 2 : 1;
            if (m->entity != LIVE_NONE)
                add_vote(v, first,
                         (struct live_vote){m->entity, k, weight, (uint8_t)type});
        }
    }
    if (v->count) qsort(v->items, v->count, sizeof(*v->items), compare_votes);
}

/* Where the entity's number went: a group + 1 of its kind, or 0: nobody took it. */
static void number_groups(struct live_batch *b, const struct votes *v, uint32_t *taken)
{
    for (size_t i = 0; i < v->count; i++) {
        const struct live_vote *vote = &v->items[i];
        struct live_group *g = &b->links[vote->type].groups[vote->group];
        if (g->number || taken[vote->entity]) continue;
        g->number = b->entities[vote->entity].number;
        g->from = vote->entity;
        taken[vote->entity] = vote->group + 1;
    }
    for (size_t i = 0; i < v->count; i++) {
        const struct live_vote *vote = &v->items[i];
        struct live_group *g = &b->links[vote->type].groups[vote->group];
        if (!g->number && g->from == LIVE_NONE) g->from = vote->entity;
    }
    for (int t = 0; t < NDC_ENTITY_COUNT; t++)
        for (uint32_t k = 0; k < b->links[t].group_count; k++) {
            struct live_group *g = &b->links[t].groups[k];
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
        uint8_t type;
        uint32_t group;
    } * todo;
    size_t count;
    uint32_t *edge_starts[NDC_ENTITY_COUNT], *edge_rows[NDC_ENTITY_COUNT];
    struct ndc_mutex lock; /* guards what follows and batch->entries */
    bool too_big;
};

static void group_edges(struct outcome *o, int type)
{
    struct live_link *l = &o->batch->links[type];
    size_t n;
    if (!l->link) return;
    const struct ndc_link_edge *edges = ndc_link_edges(l->link, &n);
    uint32_t *starts = ndc_xcalloc((size_t)l->group_count + 2, sizeof(*starts));
    uint32_t *rows = ndc_xmalloc((n + 1) * sizeof(*rows));
    for (size_t i = 0; i < n; i++)
        if (edges[i].joined) starts[ndc_link_entity(l->link, edges[i].a) + 2]++;
    for (uint32_t g = 1; g <= l->group_count; g++)
        starts[g + 1] += starts[g];
    for (size_t i = 0; i < n; i++)
        if (edges[i].joined)
            rows[starts[ndc_link_entity(l->link, edges[i].a) + 1]++] = (uint32_t)i;
    o->edge_starts[type] = starts;
    o->edge_rows[type] = rows;
}

static uint16_t place_in(const struct live_link *l, const struct live_group *g,
                         uint32_t row)
{
    uint32_t low = 0, high = g->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (l->order[g->first + middle] < row)
            low = middle + 1;
        else
            high = middle;
    }
    return (uint16_t)NDC_MIN(low, (uint32_t)UINT16_MAX);
}

static void take_edges(struct outcome *o, int type, uint32_t group,
                       struct ndc_arena *arena, struct ndc_entity_view *v)
{
    struct live_link *l = &o->batch->links[type];
    size_t all;
    const struct ndc_link_edge *edges = ndc_link_edges(l->link, &all);
    uint32_t from = o->edge_starts[type][group], to = o->edge_starts[type][group + 1];
    uint32_t n = NDC_MIN(to - from, (uint32_t)NDC_ENTITY_EDGES_MAX);
    v->edges = NDC_ARENA_ARRAY(arena, struct ndc_entity_edge, (size_t)n + 1);
    for (uint32_t i = 0; i < n && v->edges; i++) {
        const struct ndc_link_edge *e = &edges[o->edge_rows[type][from + i]];
        uint16_t x = place_in(l, &l->groups[group], e->a);
        uint16_t y = place_in(l, &l->groups[group], e->b);
        if (x >= v->record_count || y >= v->record_count) continue;
        double p = 1 / (1 + exp(-(double)e->log_odds));
        v->edges[v->edge_count++] = (struct ndc_entity_edge){
            x, y, e->kind, (uint8_t)(e->kind == NDC_LINK_EDGE_MODEL ? p * 255 : 255)};
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
static void write_before(const struct live_batch *b, const struct live_link *l,
                         const struct live_group *g, struct ndc_buf *out)
{
    const struct live_entity *old = &b->entities[g->from];
    for (unsigned i = 0; i < old->view.record_count; i++) {
        const struct live_member *m = &l->members[old->members + i];
        if (&l->groups[m->group] != g || m->state != LIVE_NONE)
            ndc_record_encode(out, &old->view.records[i]);
    }
    for (uint32_t i = 0; i < g->count; i++) {
        const struct live_member *m = member_at(l, g, i);
        if (m->entity == g->from) continue;
        const struct ndc_record absent = {.source = m->record->source,
                                          .key = m->record->key,
                                          .flags = NDC_RECORD_ABSENT};
        ndc_record_encode(out, &absent);
    }
}

static void judge_change(const struct live_batch *b, const struct live_link *l,
                         struct live_group *g, const struct ndc_entity_view *v)
{
    bool fresh = true, several = false;
    for (uint32_t i = 0; i < g->count; i++) {
        const struct live_member *m = member_at(l, g, i);
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
    struct ndc_link_feed *feeds[NDC_ENTITY_COUNT];
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
static void add_known_keys(struct maker *k, const struct live_link *l,
                           const struct live_group *g, const struct live_member *m)
{
    const struct live_batch *b = k->o->batch;
    unsigned known = 0;
    if (g->created) return;
    if (m->state != LIVE_NONE && m->entity == g->from)
        ndc_index_record(k->keys,
                         &b->entities[m->entity].view.records[b->states[m->state].at]);
    for (uint32_t i = 0; i < g->count && known < KNOWN_RECORDS; i++) {
        const struct live_member *other = member_at(l, g, i);
        if (other->entity != g->from || other->state != LIVE_NONE) continue;
        ndc_index_record(k->keys, other->record);
        known++;
    }
}

static bool same_link_values(struct maker *k, int type, const struct ndc_record *a,
                             const struct ndc_record *c)
{
    struct ndc_link_feed *feed = k->feeds[type];
    unsigned n = ndc_link_spec_field_count(k->o->batch->live->kinds[type].spec);
    uint64_t x = 0, y = 0;
    const struct ndc_str *values = ndc_link_feed_values(feed, a);
    for (unsigned i = 0; i < n; i++)
        x = ndc_hash_str(values[i], x);
    values = ndc_link_feed_values(feed, c);
    for (unsigned i = 0; i < n; i++)
        y = ndc_hash_str(values[i], y);
    return x == y;
}

/* What the group is found by that it was not before: the keys of records that changed or
 * came from elsewhere; while it is open to others, all its blocking keys as such. */
static void write_entries(struct maker *k, int type, const struct live_group *g)
{
    struct live_batch *b = k->o->batch;
    const struct live_link *l = &b->links[type];
    uint64_t block[NDC_LINK_KEYS_MAX];
    for (uint32_t i = 0; i < g->count; i++) {
        const struct live_member *m = member_at(l, g, i);
        bool here = !g->created && m->entity == g->from;
        bool new = !here || m->state != LIVE_NONE;
        if (new) {
            add_known_keys(k, l, g, m);
            unsigned known = k->keys->count;
            ndc_index_record(k->keys, m->record);
            for (unsigned n = known; n < k->keys->count; n++)
                add_entry(k, k->keys->items[n] << 1, g->number);
            ndc_index_keys_reset(k->keys);
        }
        if (here && m->state != LIVE_NONE && !g->open)
            new = !same_link_values(
                k, type, m->record,
                &b->entities[m->entity].view.records[b->states[m->state].at]);
        if (!new && !g->open) continue;
        unsigned n = ndc_link_row_keys(l->link, l->order[g->first + i], block);
        for (unsigned j = 0; j < n; j++)
            add_entry(k, ndc_live_block_key(block[j]) << 1 | 1, g->number << 1 | g->open);
    }
}

static bool make_group(struct maker *k, int type, uint32_t group)
{
    struct live_batch *b = k->o->batch;
    struct live_link *l = &b->links[type];
    struct live_group *g = &l->groups[group];
    struct ndc_golden golden[NDC_FIELDS_MAX];
    struct ndc_entity_view v = {.type = (enum ndc_entity)type, .golden = golden};
    if (g->count > NDC_ENTITY_RECORDS_MAX) return false;
    ndc_arena_reset(&k->arena);
    v.records = NDC_ARENA_ARRAY(&k->arena, struct ndc_record, (size_t)g->count + 1);
    if (!v.records) return false;
    for (uint32_t i = 0; i < g->count; i++)
        v.records[v.record_count++] = *member_at(l, g, i)->record;
    take_edges(k->o, type, group, &k->arena, &v);
    v.golden_count = ndc_golden_choose(golden, v.records, v.record_count, &k->o->how);
    judge_change(b, l, g, &v);
    size_t start = k->buf->len;
    ndc_entity_encode(k->buf, &v);
    g->payload.len = k->buf->len - start;
    if (!g->created) write_before(b, l, g, k->buf);
    g->before.len = k->buf->len - start - g->payload.len;
    write_entries(k, type, g);
    return !k->arena.overflow && !k->buf->failed;
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
    for (int t = 0; t < NDC_ENTITY_COUNT; t++)
        if (b->links[t].link) k.feeds[t] = ndc_link_feed_new(b->live->kinds[t].spec);
    for (size_t i = from; i < to && good; i++)
        good = make_group(&k, o->todo[i].type, o->todo[i].group);
    for (size_t i = from; i < to && good; i++) { /* the buffer moves no more */
        struct live_group *g = &b->links[o->todo[i].type].groups[o->todo[i].group];
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
    for (int t = 0; t < NDC_ENTITY_COUNT; t++)
        ndc_link_feed_free(k.feeds[t]);
    ndc_arena_free(&k.arena);
    free(k.entries);
    free(k.keys);
}

static enum ndc_err make_payloads(struct live_batch *b, struct ndc_fault *fault)
{
    struct outcome o = {.batch = b, .how = ndc_registry_survivorship(b->live->registry)};
    size_t groups = 0;
    for (int t = 0; t < NDC_ENTITY_COUNT; t++)
        groups += b->links[t].group_count;
    o.todo = ndc_xmalloc((groups + 1) * sizeof(*o.todo));
    for (int t = 0; t < NDC_ENTITY_COUNT; t++) {
        group_edges(&o, t);
        for (uint32_t g = 0; g < b->links[t].group_count; g++) {
            if (!b->links[t].groups[g].affected) continue;
            o.todo[o.count].type = (uint8_t)t;
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
    for (int t = 0; t < NDC_ENTITY_COUNT; t++) {
        free(o.edge_starts[t]);
        free(o.edge_rows[t]);
    }
    free(o.todo);
    return o.too_big ? ndc_fail(fault, NDC_ETOOBIG, "registry.entity_too_big",
                                "an entity would have more records than one may")
                     : NDC_OK;
}

/* ---- what is written ---- */

static void write_group(struct live_batch *b, int type, const struct live_group *g)
{
    const struct live_entity *old = g->from == LIVE_NONE ? NULL : &b->entities[g->from];
    b->changes[b->change_count] =
        (struct ndc_change){.at_ms = b->now_ms,
                            .previous = g->created || !old ? 0 : old->change,
                            .entity = g->number,
                            .other = g->kind == NDC_CHANGE_SPLIT && old ? old->number : 0,
                            .source = g->source,
                            .type = (uint8_t)type,
                            .kind = g->kind,
                            .fields = g->fields,
                            .before = g->before};
    b->writes[b->change_count++] =
        (struct live_write){g->number, (uint8_t)type, g->payload};
}

/* The entity whose number nobody took: it leads to who has most of its records. */
static void write_gone(struct live_batch *b, const struct live_entity *e,
                       struct ndc_buf *buf)
{
    struct live_link *l = &b->links[e->view.type];
    uint32_t best = 0, most = 0;
    size_t start = buf->len;
    for (unsigned i = 0; i < e->view.record_count; i++) {
        uint32_t group = l->members[e->members + i].group, n = 0;
        for (unsigned k = 0; k < e->view.record_count; k++)
            n += l->members[e->members + k].group == group;
        if (n > most) {
            most = n;
            best = group;
        }
        ndc_record_encode(buf, &e->view.records[i]);
    }
    uint64_t into = l->groups[best].number;
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

static void add_near(struct live_batch *b, const struct live_link *l, uint32_t row_a,
                     uint32_t row_b)
{
    const struct live_group *x = &l->groups[ndc_link_entity(l->link, row_a)];
    const struct live_group *y = &l->groups[ndc_link_entity(l->link, row_b)];
    if (x == y) return;
    if (b->near_count + 2 > b->near_cap) {
        b->near_cap = b->near_cap ? b->near_cap * 2 : 256;
        b->near = ndc_xrealloc(b->near, b->near_cap * sizeof(*b->near));
    }
    b->near[b->near_count++] = (struct ndc_key64){x->number, y->number};
    b->near[b->near_count++] = (struct ndc_key64){y->number, x->number};
}

static void collect_near(struct live_batch *b, int type)
{
    struct live_link *l = &b->links[type];
    size_t n;
    if (!l->link) return;
    double join = ndc_link_spec_join(b->live->kinds[type].spec);
    double least = log(join / (1 - join));
    const struct ndc_link_edge *edges = ndc_link_edges(l->link, &n);
    for (size_t i = 0; i < n; i++)
        if (!edges[i].joined && (double)edges[i].log_odds >= least)
            add_near(b, l, edges[i].a, edges[i].b);
    const struct ndc_link_review *reviews = ndc_link_reviews(l->link, &n);
    for (size_t i = 0; i < n; i++)
        if (!reviews[i].joined && reviews[i].reason == NDC_LINK_REVIEW_SHARED_ID)
            add_near(b, l, reviews[i].a, reviews[i].b);
}

static void write_changes(struct live_batch *b, const uint32_t *taken)
{
    size_t most = 1;
    for (int t = 0; t < NDC_ENTITY_COUNT; t++)
        most += b->links[t].group_count;
    most += b->entity_count;
    b->changes = ndc_xmalloc(most * sizeof(*b->changes));
    b->writes = ndc_xmalloc(most * sizeof(*b->writes));
    b->redirects = ndc_xmalloc(most * sizeof(*b->redirects));
    for (int t = 0; t < NDC_ENTITY_COUNT; t++)
        for (uint32_t g = 0; g < b->links[t].group_count; g++)
            if (b->links[t].groups[g].affected) write_group(b, t, &b->links[t].groups[g]);
    /* Those that are no more; their records stand in a buffer of their own. */
    size_t first = b->change_count, at = 0;
    b->bufs = ndc_xrealloc(b->bufs, (b->buf_count + 1) * sizeof(*b->bufs));
    struct ndc_buf *buf = &b->bufs[b->buf_count++];
    ndc_buf_init(buf, PAYLOADS_BYTES_MAX);
    for (uint32_t e = 0; e < b->entity_count; e++) {
        const struct live_entity *old = &b->entities[e];
        if (!old->exists || taken[e] || !b->links[old->view.type].link) continue;
        const struct live_link *l = &b->links[old->view.type];
        if (old->view.record_count && l->groups[l->members[old->members].group].affected)
            write_gone(b, old, buf);
    }
    for (size_t i = first; i < b->change_count; i++) {
        b->changes[i].before.ptr = buf->ptr + at;
        at += b->changes[i].before.len;
    }
    for (int t = 0; t < NDC_ENTITY_COUNT; t++)
        collect_near(b, t);
}

enum ndc_err ndc_live_outcome(struct live_batch *b, struct ndc_fault *fault)
{
    struct votes votes = {0};
    uint32_t *taken = ndc_xcalloc((size_t)b->entity_count + 1, sizeof(*taken));
    for (int t = 0; t < NDC_ENTITY_COUNT; t++)
        if (b->links[t].link) collect_votes(b, t, &votes);
    number_groups(b, &votes, taken);
    for (int t = 0; t < NDC_ENTITY_COUNT; t++)
        for (uint32_t g = 0; g < b->links[t].group_count; g++) {
            struct live_group *group = &b->links[t].groups[g];
            if (group->affected) continue;
            group->number = b->entities[group->from].number;
            taken[group->from] = g + 1;
        }
    enum ndc_err err = make_payloads(b, fault);
    if (!err) write_changes(b, taken);
    free(taken);
    free(votes.items);
    return err;
}

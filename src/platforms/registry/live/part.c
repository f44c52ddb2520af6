/* Who may be one entity, and the parts that they are linked in. What looking up brings
 * together becomes one component; components share nothing that linking asks for, so each
 * can be linked without the others. A part is a few of them: it stays in the processor's
 * cache and is linked beside other parts, and what a later look joins is linked again
 * alone. */
#include "platforms/registry/live/part.h"

#include "base/sort.h"

enum { PART_RECORDS = 256 };

/* ---- the forest ---- */

uint32_t ndc_live_node_of_entity(const struct live_batch *b, uint32_t entity)
{
    return entity == LIVE_NONE ? LIVE_NONE : b->state_count + entity;
}

static void new_nodes(struct live_batch *b, uint32_t from)
{
    for (uint32_t n = from; n < b->node_cap; n++) {
        b->nodes[n] = (struct live_node){.parent = n};
        for (int t = 0; t < NDC_ENTITY_COUNT; t++)
            b->nodes[n].part[t] = LIVE_NONE;
    }
}

void ndc_live_nodes(struct live_batch *b)
{
    uint32_t need = b->state_count + b->entity_cap, had = b->node_cap;
    if (need <= had) return;
    b->node_cap = need;
    b->nodes = ndc_xrealloc(b->nodes, (size_t)need * sizeof(*b->nodes));
    new_nodes(b, had);
}

uint32_t ndc_live_root(struct live_batch *b, uint32_t node)
{
    while (b->nodes[node].parent != node) {
        b->nodes[node].parent = b->nodes[b->nodes[node].parent].parent;
        node = b->nodes[node].parent;
    }
    return node;
}

static uint32_t merge(struct live_batch *b, uint32_t x, uint32_t y)
{
    uint32_t low = NDC_MIN(x, y), high = NDC_MAX(x, y);
    b->nodes[high].parent = low;
    for (int t = 0; t < NDC_ENTITY_COUNT; t++)
        b->nodes[low].asks[t] |= b->nodes[high].asks[t];
    return low;
}

void ndc_live_unify(struct live_batch *b, uint32_t x, uint32_t y)
{
    if (x == LIVE_NONE || y == LIVE_NONE) return;
    x = ndc_live_root(b, x);
    y = ndc_live_root(b, y);
    if (x == y) return;
    uint32_t root = merge(b, x, y);
    for (int t = 0; t < NDC_ENTITY_COUNT; t++)
        b->nodes[root].part[t] = LIVE_NONE;
}

void ndc_live_relink(struct live_batch *b, uint32_t node, unsigned type)
{
    struct live_node *root = &b->nodes[ndc_live_root(b, node)];
    root->asks[type] = true;
    root->part[type] = LIVE_NONE;
}

/* The member's node. */
static uint32_t node_of(const struct live_batch *b, const struct live_member *m)
{
    return m->entity == LIVE_NONE ? m->state : ndc_live_node_of_entity(b, m->entity);
}

bool ndc_live_group_stands(struct live_batch *b, uint32_t part,
                           const struct live_group *g)
{
    const struct live_part *p = &b->parts[part];
    const struct live_member *m = &p->members[p->row_member[p->order[g->first]]];
    if (p->settled) return true;
    return b->nodes[ndc_live_root(b, node_of(b, m))].part[p->type] == part;
}

void ndc_live_keep_together(struct live_batch *b, uint32_t part)
{
    const struct live_part *p = &b->parts[part];
    for (uint32_t k = 0; k < p->group_count; k++) {
        const struct live_group *g = &p->groups[k];
        uint32_t first = LIVE_NONE;
        for (uint32_t i = 0; i < g->count; i++) {
            const struct live_member *m =
                &p->members[p->row_member[p->order[g->first + i]]];
            uint32_t root = ndc_live_root(b, node_of(b, m));
            if (first == LIVE_NONE) first = root;
            if (root == first) continue;
            for (int t = 0; t < NDC_ENTITY_COUNT; t++)
                if (b->nodes[root].part[t] != b->nodes[first].part[t])
                    b->nodes[root].part[t] = b->nodes[first].part[t] = LIVE_NONE;
            first = merge(b, first, root);
        }
    }
}

/* ---- packing ---- */

/* The kind of the node's records, or -1: it has none. */
static int type_of(const struct live_batch *b, uint32_t node)
{
    if (node < b->state_count) return b->states[node].fresh ? b->states[node].type : -1;
    const struct live_entity *e = &b->entities[node - b->state_count];
    return e->exists ? (int)e->view.type : -1;
}

static uint32_t records_of(const struct live_batch *b, uint32_t node)
{
    return node < b->state_count ? 1
                                 : b->entities[node - b->state_count].view.record_count;
}

static struct live_part *new_part(struct live_batch *b, unsigned type)
{
    if (b->part_count == b->part_cap) {
        b->part_cap = b->part_cap ? b->part_cap * 2 : 64;
        b->parts = ndc_xrealloc(b->parts, b->part_cap * sizeof(*b->parts));
    }
    b->parts[b->part_count] = (struct live_part){.type = (uint8_t)type};
    return &b->parts[b->part_count++];
}

static uint32_t *new_packed(struct live_batch *b, size_t count)
{
    b->packed = ndc_xrealloc(b->packed, (b->packed_count + 1) * sizeof(*b->packed));
    uint32_t *nodes = ndc_xmalloc((count + 1) * sizeof(*nodes));
    b->packed[b->packed_count++] = nodes;
    return nodes;
}

/* Nodes of one kind by component, components in the order of their first nodes. */
static void pack_kind(struct live_batch *b, unsigned type, const struct ndc_key64 *list,
                      size_t n)
{
    uint32_t *packed = new_packed(b, n), records = 0;
    struct live_part *p = NULL;
    for (size_t i = 0; i < n; i++) {
        bool begins = i == 0 || list[i].key != list[i - 1].key;
        if (begins && (!p || records >= PART_RECORDS)) {
            p = new_part(b, type);
            p->nodes = packed + i;
            records = 0;
        }
        if (begins) b->nodes[list[i].key].part[type] = b->part_count - 1;
        packed[i] = (uint32_t)list[i].value;
        p->node_count++;
        records += records_of(b, packed[i]);
    }
}

/* What a part is told of the whole: what was found when its components asked. */
static void tell_parts(struct live_batch *b, uint32_t first)
{
    for (size_t i = 0; i < b->filler_count; i++) {
        const struct live_filler *f = &b->fillers[i];
        uint32_t part = b->nodes[ndc_live_root(b, f->node)].part[f->type];
        if (part != LIVE_NONE && part >= first) ndc_live_tell_filler(&b->parts[part], f);
    }
    for (size_t i = 0; i < b->capped_count; i++) {
        const struct live_capped *c = &b->capped[i];
        uint32_t part = b->nodes[ndc_live_root(b, c->node)].part[c->type];
        if (part != LIVE_NONE && part >= first)
            ndc_live_tell_capped(&b->parts[part], c->key);
    }
}

uint32_t ndc_live_pack(struct live_batch *b)
{
    uint32_t first = b->part_count, nodes = b->state_count + b->entity_loaded;
    struct ndc_key64 *list = ndc_xmalloc(((size_t)nodes + 1) * sizeof(*list));
    struct ndc_key64 *scratch = ndc_xmalloc(((size_t)nodes + 1) * sizeof(*list));
    for (int t = 0; t < NDC_ENTITY_COUNT; t++) {
        size_t n = 0;
        if (!b->live->kinds[t].model) continue;
        for (uint32_t i = 0; i < nodes; i++) {
            if (type_of(b, i) != t) continue;
            uint32_t root = ndc_live_root(b, i);
            if (b->nodes[root].asks[t] && b->nodes[root].part[t] == LIVE_NONE)
                list[n++] = (struct ndc_key64){root, i};
        }
        ndc_sort_key64(list, scratch, n);
        if (n) pack_kind(b, (unsigned)t, list, n);
    }
    free(list);
    free(scratch);
    tell_parts(b, first);
    return first;
}

static void add_member(struct live_part *p, struct live_member member)
{
    p->members[p->count++] = member;
}

/* A fresh record, or all records of an entity as they are now. */
static void add_node(struct live_batch *b, struct live_part *p, uint32_t part,
                     uint32_t node)
{
    if (node < b->state_count) {
        add_member(p, (struct live_member){.record = &b->states[node].record,
                                           .entity = LIVE_NONE,
                                           .state = node,
                                           .hash = b->states[node].hash});
        return;
    }
    uint32_t entity = node - b->state_count;
    struct live_entity *e = &b->entities[entity];
    e->part = part;
    e->members = p->count;
    for (unsigned i = 0; i < e->view.record_count; i++) {
        uint32_t state = e->state_of && e->state_of[i] ? e->state_of[i] - 1 : LIVE_NONE;
        const struct ndc_record *r =
            state == LIVE_NONE ? &e->view.records[i] : &b->states[state].record;
        add_member(p, (struct live_member){.record = r,
                                           .entity = entity,
                                           .state = state,
                                           .hash = ndc_record_key_hash(r->key),
                                           .at = i});
    }
}

void ndc_live_part_members(struct live_batch *b, uint32_t part)
{
    struct live_part *p = &b->parts[part];
    size_t records = 1;
    for (uint32_t i = 0; i < p->node_count; i++)
        records += records_of(b, p->nodes[i]);
    p->members = ndc_xmalloc(records * sizeof(*p->members));
    for (uint32_t i = 0; i < p->node_count; i++)
        add_node(b, p, part, p->nodes[i]);
}

/* Every node is a group, in the order that its records had. */
static void group_nodes(struct live_batch *b, struct live_part *p)
{
    p->groups = ndc_xcalloc((size_t)p->node_count + 1, sizeof(*p->groups));
    p->order = ndc_xmalloc(((size_t)p->count + 1) * sizeof(*p->order));
    p->row_member = ndc_xmalloc(((size_t)p->count + 1) * sizeof(*p->row_member));
    for (uint32_t i = 0; i < p->node_count; i++) {
        struct live_group *g = &p->groups[p->group_count++];
        g->first = b->entities[p->nodes[i] - b->state_count].members;
        g->count = records_of(b, p->nodes[i]);
    }
    for (uint32_t g = 0; g < p->group_count; g++)
        for (uint32_t i = 0; i < p->groups[g].count; i++)
            p->members[p->groups[g].first + i].group = g;
    for (uint32_t i = 0; i < p->count; i++)
        p->order[i] = p->row_member[i] = i;
}

void ndc_live_pack_settled(struct live_batch *b)
{
    for (int t = 0; t < NDC_ENTITY_COUNT; t++) {
        uint32_t n = 0, *packed = new_packed(b, b->entity_loaded);
        for (uint32_t e = 0; e < b->entity_loaded; e++) {
            uint32_t node = ndc_live_node_of_entity(b, e);
            if (b->entities[e].state_of && type_of(b, node) == t &&
                !b->nodes[ndc_live_root(b, node)].asks[t])
                packed[n++] = node;
        }
        if (!n) continue;
        struct live_part *p = new_part(b, (unsigned)t);
        p->settled = true;
        p->nodes = packed;
        p->node_count = n;
        ndc_live_part_members(b, b->part_count - 1);
        group_nodes(b, p);
    }
}

void ndc_live_part_free(struct live_part *p)
{
    ndc_link_free(p->link);
    free(p->members);
    free(p->wanted.items);
    free(p->order);
    free(p->groups);
    free(p->row_member);
    free(p->fillers);
    free(p->capped);
    free(p->edge_starts);
    free(p->edge_rows);
}

/* ---- facts about the whole ---- */

void ndc_live_tell_filler(struct live_part *p, const struct live_filler *f)
{
    if (p->filler_count == p->filler_cap) {
        p->filler_cap = p->filler_cap ? p->filler_cap * 2 : 16;
        p->fillers = ndc_xrealloc(p->fillers, p->filler_cap * sizeof(*p->fillers));
    }
    p->fillers[p->filler_count++] = *f;
}

void ndc_live_tell_capped(struct live_part *p, uint64_t key)
{
    if (p->capped_count == p->capped_cap) {
        p->capped_cap = p->capped_cap ? p->capped_cap * 2 : 64;
        p->capped = ndc_xrealloc(p->capped, p->capped_cap * sizeof(*p->capped));
    }
    p->capped[p->capped_count++] = key;
}

void ndc_live_note_filler(struct live_batch *b, const struct live_filler *f)
{
    if (b->filler_count == b->filler_cap) {
        b->filler_cap = b->filler_cap ? b->filler_cap * 2 : 16;
        b->fillers = ndc_xrealloc(b->fillers, b->filler_cap * sizeof(*b->fillers));
    }
    b->fillers[b->filler_count++] = *f;
}

void ndc_live_note_capped(struct live_batch *b, uint32_t node, uint8_t type, uint64_t key)
{
    if (b->capped_count == b->capped_cap) {
        b->capped_cap = b->capped_cap ? b->capped_cap * 2 : 64;
        b->capped = ndc_xrealloc(b->capped, b->capped_cap * sizeof(*b->capped));
    }
    b->capped[b->capped_count++] = (struct live_capped){node, type, key};
}

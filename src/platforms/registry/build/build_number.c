/* Entity numbers. An entity keeps its number as long as the largest part of it is the
 * same: every new entity votes, record by record, for the numbers its records had; the
 * largest votes are granted first; what gets no old number gets a new one. */
#include "base/hash.h"
#include "platforms/registry/build/build.h"
#include "platforms/registry/meta.h"
#include "platforms/registry/shard/payloads.h"

struct old_map { /* record key hash to entity number, open addressing */
    struct ndc_key64 *slots;
    size_t mask, count;
};

struct vote {
    uint64_t number;
    uint32_t votes, entity;
    uint8_t type;
};

static void map_put(struct old_map *map, uint64_t hash, uint64_t number)
{
    if (hash == 0) hash = 1;
    if (map->count * 2 >= map->mask) {
        size_t cap = map->mask ? (map->mask + 1) * 2 : 1 << 12;
        struct ndc_key64 *slots = ndc_xcalloc(cap, sizeof(*slots));
        for (size_t i = 0; map->mask && i <= map->mask; i++) {
            if (!map->slots[i].key) continue;
            size_t at = map->slots[i].key & (cap - 1);
            while (slots[at].key)
                at = (at + 1) & (cap - 1);
            slots[at] = map->slots[i];
        }
        free(map->slots);
        map->slots = slots;
        map->mask = cap - 1;
    }
    size_t at = hash & map->mask;
    while (map->slots[at].key && map->slots[at].key != hash)
        at = (at + 1) & map->mask;
    map->count += !map->slots[at].key;
    map->slots[at] = (struct ndc_key64){hash, number};
}

static uint64_t map_get(const struct old_map *map, uint64_t hash)
{
    if (hash == 0) hash = 1;
    if (!map->mask) return 0;
    size_t at = hash & map->mask;
    while (map->slots[at].key && map->slots[at].key != hash)
        at = (at + 1) & map->mask;
    return map->slots[at].key ? map->slots[at].value : 0;
}

static uint64_t record_hash(uint32_t source, struct ndc_str key)
{
    return ndc_hash_str(key, ndc_mix64(source));
}

static enum ndc_err read_old(struct build *b, struct old_map *map,
                             struct ndc_fault *fault)
{
    const struct ndc_payload_range all = {0};
    const struct ndc_payload *row;
    struct ndc_store_conn *conn;
    struct ndc_arena arena;
    enum ndc_err err = ndc_store_take(b->registry->store, NDC_READ, &conn, fault);
    if (err) return err;
    ndc_arena_init(&arena, NDC_ENTITY_PAYLOAD_MAX * 4);
    ndc_store_conn_timeout(conn, 0);
    struct ndc_payloads *rows = ndc_payloads_open(b->registry, conn, &all);
    while ((row = ndc_payloads_next(rows))) {
        struct ndc_entity_view v;
        uint64_t number = row->entity;
        b->next_number = NDC_MAX(b->next_number, number + 1);
        ndc_arena_reset(&arena);
        if (!ndc_entity_decode(&v, &arena, row->payload)) continue;
        for (unsigned i = 0; i < v.record_count; i++)
            map_put(map, record_hash(v.records[i].source, v.records[i].key), number);
    }
    err = ndc_payloads_close(rows, fault);
    /* Numbers that were merged away are never given again. */
    int64_t most = 0;
    if (!err)
        err = ndc_sql_i64(conn, &most,
                          "SELECT coalesce(max(entity), 0) FROM registry_redirect",
                          NDC_NO_ARGS, fault);
    int64_t last = 0;
    if (!err) err = ndc_registry_meta_i64(conn, "number_last", &last, fault);
    b->next_number = NDC_MAX(b->next_number, (uint64_t)NDC_MAX(most, last) + 1);
    ndc_store_give(conn);
    ndc_arena_free(&arena);
    return err;
}

static int compare_votes(const void *x, const void *y)
{
    const struct vote *a = x, *b = y;
    if (a->votes != b->votes) return a->votes > b->votes ? -1 : 1;
    if (a->type != b->type) return a->type < b->type ? -1 : 1;
    if (a->entity != b->entity) return a->entity < b->entity ? -1 : 1;
    return a->number < b->number ? -1 : a->number > b->number;
}

struct votes {
    struct vote *items;
    size_t count, cap;
};

static void add_vote(struct votes *v, size_t first, struct vote vote)
{
    for (size_t i = first; i < v->count; i++) {
        if (v->items[i].number != vote.number) continue;
        v->items[i].votes++;
        return;
    }
    if (v->count == v->cap) {
        v->cap = v->cap ? v->cap * 2 : 4096;
        v->items = ndc_xrealloc(v->items, v->cap * sizeof(*v->items));
    }
    v->items[v->count++] = vote;
}

static enum ndc_err collect_votes(struct build_link *l, const struct old_map *map,
                                  struct votes *v, struct ndc_fault *fault)
{
    struct ndc_stage_cursor *stages = ndc_build_cursors(l);
    enum ndc_err err = NDC_OK;
    for (uint32_t e = 0; e < l->entities && !err; e++) {
        size_t first = v->count;
        for (uint32_t m = l->starts[e]; m < l->starts[e + 1] && !err; m++) {
            uint32_t at, source;
            struct ndc_str key;
            struct build_source *s = ndc_build_row(l, l->members[m], &at);
            if (!ndc_record_head(ndc_stage_read(&stages[s - l->sources], at), &source,
                                 &key)) {
                err = ndc_build_damaged(s, fault);
                break;
            }
            uint64_t number = map_get(map, record_hash(source, key));
            if (number) add_vote(v, first, (struct vote){number, 1, e, (uint8_t)l->type});
        }
    }
    ndc_build_cursors_free(l, stages);
    return err;
}

static void grant(struct build *b, struct votes *v)
{
    uint64_t most = b->next_number;
    uint8_t *taken = ndc_xcalloc(most / 8 + 1, 1);
    if (v->count) qsort(v->items, v->count, sizeof(*v->items), compare_votes);
    for (size_t i = 0; i < v->count; i++) {
        const struct vote *vote = &v->items[i];
        uint64_t *number = &b->links[vote->type].numbers[vote->entity];
        if (*number || (taken[vote->number / 8] >> vote->number % 8 & 1)) continue;
        taken[vote->number / 8] |= (uint8_t)(1u << vote->number % 8);
        *number = vote->number;
    }
    /* An old number that nobody keeps leads to whom most of its records went. */
    b->redirects = ndc_xmalloc((v->count + 1) * sizeof(*b->redirects));
    for (size_t i = 0; i < v->count; i++) {
        const struct vote *vote = &v->items[i];
        if (taken[vote->number / 8] >> vote->number % 8 & 1) continue;
        taken[vote->number / 8] |= (uint8_t)(1u << vote->number % 8);
        b->redirects[b->redirect_count++] =
            (struct ndc_key64){vote->number, (uint64_t)vote->type << 32 | vote->entity};
    }
    free(taken);
}

/* In the order of the largest source, which has most entities: payloads are made in the
 * order of numbers, and where sources are in a like order each stage is then read nearly
 * from end to end once. In the order of entities, which is that of the first source, then
 * of what the second has besides, …, each source would begin a pass over all stages. */
static void number_new(struct build *b, struct build_link *l)
{
    const struct build_source *most = NULL;
    for (unsigned i = 0; i < l->source_count; i++)
        if (!most || l->sources[i].stage.count > most->stage.count) most = &l->sources[i];
    for (uint32_t r = 0; most && r < most->stage.count; r++) {
        uint64_t *number = &l->numbers[ndc_link_entity(l->link, most->first_row + r)];
        if (!*number) *number = b->next_number++;
    }
    for (uint32_t e = 0; e < l->entities; e++)
        if (!l->numbers[e]) l->numbers[e] = b->next_number++;
}

enum ndc_err ndc_build_number(struct build *b, struct ndc_fault *fault)
{
    struct old_map map = {0};
    struct votes votes = {0};
    enum ndc_err err = NDC_OK;
    b->next_number = 1;
    for (int t = 0; t < NDC_ENTITY_COUNT; t++)
        b->links[t].numbers =
            ndc_xcalloc((size_t)b->links[t].entities + 1, sizeof(*b->links[t].numbers));
    if (ndc_registry_generation(b->registry) > 0) {
        err = read_old(b, &map, fault);
        for (int t = 0; t < NDC_ENTITY_COUNT && !err; t++)
            err = collect_votes(&b->links[t], &map, &votes, fault);
        if (!err) grant(b, &votes);
    }
    for (int t = 0; t < NDC_ENTITY_COUNT && !err; t++)
        number_new(b, &b->links[t]);
    for (size_t i = 0; i < b->redirect_count; i++) {
        uint64_t where = b->redirects[i].value;
        b->redirects[i].value = b->links[where >> 32].numbers[(uint32_t)where];
    }
    ndc_sort_key64_own(b->redirects, b->redirect_count);
    free(map.slots);
    free(votes.items);
    return err;
}

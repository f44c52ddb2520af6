/* Reviewers' "not the same" decisions, kept through merges: each thing has a list of the
 * things it may not meet, and lists are chained when things merge. */
#include "platforms/registry/link/run.h"

uint32_t ndc_link_find_root(uint32_t *parent, uint32_t x)
{
    while (parent[x] != x) {
        parent[x] = parent[parent[x]];
        x = parent[x];
    }
    return x;
}

static void add_entry(struct barriers *b, uint32_t thing, uint32_t other)
{
    uint32_t entry = ++b->count;
    b->other[entry] = other;
    b->next[entry] = 0;
    if (b->tail[thing])
        b->next[b->tail[thing]] = entry;
    else
        b->head[thing] = entry;
    b->tail[thing] = entry;
}

void ndc_link_barriers_init(struct barriers *b, const struct ndc_link *link,
                            uint32_t things, const uint32_t *thing_of_row)
{
    *b = (struct barriers){0};
    size_t n = 0;
    for (size_t i = 0; i < link->decision_count; i++)
        n += !link->decisions[i].same;
    if (n == 0) return;
    b->head = ndc_xcalloc((size_t)things + 1, sizeof *b->head);
    b->tail = ndc_xcalloc((size_t)things + 1, sizeof *b->tail);
    b->next = ndc_xcalloc(2 * n + 1, sizeof *b->next);
    b->other = ndc_xcalloc(2 * n + 1, sizeof *b->other);
    for (size_t i = 0; i < link->decision_count; i++) {
        const struct decision *d = &link->decisions[i];
        if (d->same || d->a == UINT32_MAX || d->b == UINT32_MAX) continue;
        uint32_t x = thing_of_row ? thing_of_row[d->a] : d->a;
        uint32_t y = thing_of_row ? thing_of_row[d->b] : d->b;
        if (x == y) continue;
        add_entry(b, x, y);
        add_entry(b, y, x);
    }
}

void ndc_link_barriers_free(struct barriers *b)
{
    free(b->head);
    free(b->tail);
    free(b->next);
    free(b->other);
    *b = (struct barriers){0};
}

bool ndc_link_barriers_between(const struct barriers *b, uint32_t *parent, uint32_t x,
                               uint32_t y)
{
    if (!b->head) return false;
    for (uint32_t e = b->head[x]; e; e = b->next[e])
        if (ndc_link_find_root(parent, b->other[e]) == y) return true;
    return false;
}

void ndc_link_barriers_merge(struct barriers *b, uint32_t into, uint32_t from)
{
    if (!b->head || !b->head[from]) return;
    if (b->tail[into])
        b->next[b->tail[into]] = b->head[from];
    else
        b->head[into] = b->head[from];
    b->tail[into] = b->tail[from];
}

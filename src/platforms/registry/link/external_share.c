/* Second step out of memory: rows are dealt into shares that hold whole components of
 * identifiers. In each the engine joins what identifiers join; what later steps need of a
 * node goes to spools: its blocking keys, its unique values, its edges. */
#include "platforms/registry/link/external_internal.h"
#include "platforms/registry/link/external_key.h"

static void deal_rows(void *arg, size_t range)
{
    struct external *x = arg;
    void *bytes;
    size_t len;
    if (!ndc_link_external_take(x, x->copies, range, &bytes, &len)) return;
    struct spool_feed *feed = ndc_link_spool_feed_new(x->texts);
    for (const char *at = bytes, *next; at < (char *)bytes + len; at = next) {
        struct ndc_str values[NDC_LINK_FIELDS_MAX];
        uint32_t row, tag;
        next = ndc_link_external_decode(at, &row, &tag, values);
        ndc_link_spool_add(feed, external_share(x, row), at, (size_t)(next - at));
    }
    ndc_link_spool_feed_end(feed);
    free(bytes);
}

/* ---- in a share ---- */

void ndc_link_external_tell(struct external *x, const struct external_part *part)
{
    const struct ndc_link *whole = x->link;
    for (uint32_t i = 0; i < whole->filler_count; i++)
        ndc_link_filler_add(part->link, whole->fillers[i].field,
                            ndc_str_n(whole->filler_texts.ptr + whole->fillers[i].at,
                                      whole->fillers[i].len));
    for (size_t i = 0; i < whole->decision_count; i++) {
        const struct decision *d = &whole->decisions[i];
        if (d->a == UINT32_MAX) continue;
        uint32_t a = ndc_link_external_find(part, d->a);
        uint32_t b = ndc_link_external_find(part, d->b);
        if (a == UINT32_MAX || b == UINT32_MAX) continue;
        const uint32_t *start = part->link->table.source_start;
        unsigned s = whole->table.sources[d->a], r = whole->table.sources[d->b];
        ndc_link_decide(part->link, s, a - start[s], r, b - start[r], d->same);
    }
}

struct sharing {
    struct external *x;
    const struct external_part *part;
    struct spool_feed *keys;
    uint32_t *signs; /* of nodes */
};

static void take_key(void *arg, uint32_t node, uint32_t row, unsigned rule, uint64_t key,
                     uint64_t home)
{
    struct sharing *s = arg;
    struct ndc_key64 entry = {key, external_key(s->part->rows[row], rule,
                                                s->signs[node] >> 31, s->signs[node])};
    ndc_link_spool_add(s->keys, external_part(home, s->x->homes), &entry, sizeof entry);
}

static struct ndc_str unique_text(const struct external_part *part, uint32_t node,
                                  unsigned k)
{
    const struct nodes *nodes = &part->link->nodes;
    uint32_t v = nodes->unique[(size_t)node * nodes->unique_count + k];
    if (!v) return NDC_STR_NULL;
    return ndc_dict_get(part->link->table.columns[nodes->unique_fields[k]].dict, v);
}

static void keep_keys(struct external *x, const struct external_part *part)
{
    const struct nodes *nodes = &part->link->nodes;
    const struct ndc_link_spec *spec = x->link->spec;
    struct sharing s = {.x = x,
                        .part = part,
                        .keys = ndc_link_spool_feed_new(x->keys),
                        .signs = ndc_xcalloc((size_t)nodes->count + 1, 4)};
    for (uint32_t n = 0; n < nodes->count; n++) {
        if (nodes->unique_count && spec->fields[nodes->unique_fields[0]].comparator)
            s.signs[n] = external_sign(&spec->fields[nodes->unique_fields[0]],
                                       unique_text(part, n, 0));
        s.signs[n] |= (uint32_t)ndc_link_nodes_open(nodes, n) << 31;
    }
    const struct block_visitor visitor = {.arg = &s, .take = take_key};
    ndc_link_blocks_visit(&part->link->table, nodes, &visitor);
    ndc_link_spool_feed_end(s.keys);
    free(s.signs);
}

static void keep_nodes(struct external *x, const struct external_part *part)
{
    const struct nodes *nodes = &part->link->nodes;
    struct spool_feed *feed = ndc_link_spool_feed_new(x->nodes);
    uint32_t *first = ndc_xmalloc(((size_t)nodes->count + 1) * sizeof *first);
    for (uint32_t i = part->count; i-- > 0;)
        first[nodes->of[i]] = part->rows[i];
    for (uint32_t i = 0; i < part->count; i++) {
        x->entity[part->rows[i]] = first[nodes->of[i]];
        if (x->link->open)
            x->link->open[part->rows[i]] = ndc_link_nodes_open(nodes, nodes->of[i]);
    }
    for (uint32_t n = 0; n < nodes->count; n++) {
        char out[sizeof(struct node_record) + NDC_LINK_FIELDS_MAX * (RAW_BYTES_MAX + 2)];
        struct node_record record = {.first = first[n],
                                     .lead = part->rows[nodes->members[nodes->start[n]]],
                                     .rows = nodes->start[n + 1] - nodes->start[n]};
        size_t len = sizeof record;
        memcpy(out, &record, sizeof record);
        for (unsigned k = 0; k < nodes->unique_count; k++) {
            struct ndc_str text = unique_text(part, n, k);
            uint16_t bytes = (uint16_t)NDC_MIN(text.len, (size_t)RAW_BYTES_MAX);
            memcpy(out + len, &bytes, sizeof bytes);
            if (bytes) memcpy(out + len + sizeof bytes, text.ptr, bytes);
            len += sizeof bytes + bytes;
        }
        ndc_link_spool_add(feed, external_range(x, first[n]), out, len);
    }
    free(first);
    ndc_link_spool_feed_end(feed);
}

static void join_share(void *arg, size_t i)
{
    struct external *x = arg;
    struct external_part part = {0};
    struct ndc_fault fault = {0};
    if (ndc_link_external_failed(x)) return;
    if (ndc_link_external_load(&part, x, x->texts, (unsigned)i, &fault)) {
        ndc_link_external_fail(x, &fault);
    } else {
        ndc_link_external_tell(x, &part);
        ndc_link_run_nodes(part.link);
        keep_keys(x, &part);
        keep_nodes(x, &part);
        ndc_link_external_keep_edges(x, &part, x->edges);
        ndc_link_external_reviews(x, &part);
        ndc_mutex_lock(&x->lock);
        x->link->stats.identifier_links += part.link->stats.identifier_links;
        x->link->stats.identifier_conflicts += part.link->stats.identifier_conflicts;
        ndc_mutex_unlock(&x->lock);
    }
    ndc_link_external_part_free(&part);
}

enum ndc_err ndc_link_external_shares(struct external *x, struct ndc_fault *fault)
{
    const char *dir = x->reader->scratch_dir;
    x->texts = ndc_link_spool_new(dir, x->shares, EXTERNAL_TEXT_BYTES);
    enum ndc_err err = ndc_link_external_run(x, x->ranges, deal_rows, fault);
    ndc_link_spool_free(x->copies);
    x->copies = NULL;
    if (err) return err;
    if (!x->link->given_model) err = ndc_link_external_learn(x, fault);
    if (err) return err;
    x->keys = ndc_link_spool_new(dir, x->homes, EXTERNAL_KEY_BYTES);
    x->nodes = ndc_link_spool_new(dir, x->ranges, EXTERNAL_KEY_BYTES);
    x->edges = ndc_link_spool_new(dir, x->ranges, EXTERNAL_KEY_BYTES);
    err = ndc_link_external_run(x, x->shares, join_share, fault);
    ndc_link_spool_free(x->texts);
    x->texts = NULL;
    return err;
}

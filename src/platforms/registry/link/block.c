/* Blocks: rows that share a key of a rule. A block over its rule's cap is split by exact
 * agreement on one more field, the most telling ones first, and again while too large; a
 * part that stays too large gives no pairs and is reported. Entries are sorted, so pairs
 * come out the same whatever the order of rows or the number of threads. */
#include "platforms/registry/link/block.h"
#include "base/hash.h"
#include "platforms/registry/link/keys.h"
#include "sys/thread.h"

enum { SPLIT_FIELDS_MAX = 4, SPLIT_DEPTH_MAX = 3 };
enum { SEEN_BACK_MAX = 12, STRETCHES_MAX = 32, KEY_CHUNK = 8192 };
enum { STRETCH_NODES = 2048 };
enum { WAITING_MAX = 512, ROWS_AHEAD = 12, KEYS_AHEAD = 6 };
enum { FILTER_BITS_MIN = 1 << 10, FILTER_BITS_PER_KEY = 16, FILTER_BITS_MAX = 1 << 30 };
/* A field whose values two random rows share more often than this splits nothing. */
#define SPLIT_CHANCE_MAX 0.05
#define SAMPLE_SEED      0x9d5c17a3

struct block_key_table {
    unsigned dict_field; /* column whose values it covers */
    enum transform_kind kind;
    unsigned length;
    unsigned width; /* keys per value */
    unsigned slot;  /* the first of them among all keys of a value */
};

/* Keys of a stretch of one dictionary's values, under every transform asked of it: they
 * stand together, since rules ask for several of them. */
struct key_task {
    struct blocks *blocks;
    unsigned dict_field;
    uint32_t from, to;
};

static void fill_keys(void *arg, size_t index)
{
    const struct key_task *task = (struct key_task *)arg + index;
    struct blocks *b = task->blocks;
    const struct column *column = &b->table->columns[task->dict_field];
    unsigned all = b->key_width[task->dict_field];
    for (uint32_t v = task->from; v < task->to; v++) {
        struct ndc_str text = ndc_link_value_key_text(column, v);
        uint64_t *out = b->value_keys[task->dict_field] + (size_t)v * all;
        for (unsigned i = 0; i < b->table_count; i++) {
            const struct block_key_table *t = &b->tables[i];
            uint64_t keys[KEYS_PER_VALUE];
            if (t->dict_field != task->dict_field) continue;
            unsigned n = ndc_link_value_keys(text, t->kind, t->length, keys);
            memcpy(out + t->slot, keys, NDC_MIN(n, t->width) * sizeof *keys);
        }
    }
}

static void fill_all_keys(struct blocks *b, unsigned threads)
{
    const struct table *t = b->table;
    size_t most = 0, n = 0;
    for (unsigned f = 0; f < t->spec->field_count; f++)
        most += t->columns[f].dict->count / KEY_CHUNK + 1;
    struct key_task *tasks = ndc_xmalloc(most * sizeof *tasks);
    for (unsigned f = 0; f < t->spec->field_count; f++) {
        uint32_t count = t->columns[f].dict->count;
        if (b->key_width[f] == 0) continue;
        b->value_keys[f] =
            ndc_xcalloc(((size_t)count + 1) * b->key_width[f], sizeof *b->value_keys[f]);
        for (uint32_t v = 1; v <= count; v += KEY_CHUNK)
            tasks[n++] = (struct key_task){b, f, v, NDC_MIN(v + KEY_CHUNK, count + 1)};
    }
    ndc_parallel_for(threads, n, fill_keys, tasks);
    free(tasks);
}

static uint16_t find_key_table(struct blocks *b, unsigned field,
                               const struct rule_part *p)
{
    unsigned dict_field = b->table->spec->fields[field].dict;
    for (unsigned i = 0; i < b->table_count; i++) {
        const struct block_key_table *t = &b->tables[i];
        if (t->dict_field == dict_field && t->kind == p->kind && t->length == p->length)
            return (uint16_t)i;
    }
    struct block_key_table *t = &b->tables[b->table_count];
    *t = (struct block_key_table){.dict_field = dict_field,
                                  .kind = p->kind,
                                  .length = p->length,
                                  .width =
                                      p->kind == TRANSFORM_TOKENS ? KEYS_PER_VALUE : 1,
                                  .slot = b->key_width[dict_field]};
    b->key_width[dict_field] += t->width;
    return (uint16_t)b->table_count++;
}

/* The keys of a value under a part's transform. */
static const uint64_t *part_keys(const struct blocks *b, unsigned rule, unsigned part,
                                 unsigned i, const uint32_t *values, unsigned *width)
{
    const struct block_key_table *t = &b->tables[b->part_table[rule][part][i]];
    uint32_t value = values[b->table->spec->rules[rule].parts[part].fields[i]];
    *width = t->width;
    return b->value_keys[t->dict_field] + (size_t)value * b->key_width[t->dict_field] +
           t->slot;
}

static unsigned row_rule_keys(const struct blocks *b, unsigned rule_index,
                              const uint32_t *values, uint64_t out[static RULE_KEYS_MAX])
{
    const struct rule *rule = &b->table->spec->rules[rule_index];
    struct part_keys parts[PARTS_MAX];
    unsigned width;
    if (b->rule_plain[rule_index]) {
        out[0] = b->rule_seeds[rule_index];
        for (unsigned p = 0; p < rule->part_count; p++) {
            uint64_t key = *part_keys(b, rule_index, p, 0, values, &width);
            if (!key) return 0;
            out[0] = ndc_hash_join(out[0], key);
        }
        return 1;
    }
    for (unsigned p = 0; p < rule->part_count; p++) {
        parts[p].count = 0;
        for (unsigned i = 0; i < rule->parts[p].field_count; i++) {
            const uint64_t *keys = part_keys(b, rule_index, p, i, values, &width);
            for (unsigned k = 0; k < width && keys[k]; k++)
                parts[p].keys[parts[p].count++] = keys[k];
        }
        if (parts[p].count == 0) return 0;
    }
    return ndc_link_rule_combine(rule, b->rule_seeds[rule_index], parts, out);
}

/* Only keys that some open node has can give a pair, and only those are sorted. */
bool ndc_link_nodes_open(const struct nodes *nodes, uint32_t node)
{
    if (nodes->start[node + 1] - nodes->start[node] == 1) return true;
    for (unsigned k = 0; k < nodes->unique_count; k++)
        if (nodes->unique[(size_t)node * nodes->unique_count + k]) return false;
    return true;
}

struct entry_list {
    struct ndc_key32 *items;
    size_t count, cap;
};

static void add_entry(struct entry_list *list, uint64_t key, uint32_t row)
{
    if (list->count == list->cap) {
        list->cap = list->cap + list->cap / 2 + 1024;
        list->items = ndc_xrealloc(list->items, list->cap * sizeof *list->items);
    }
    list->items[list->count++] = (struct ndc_key32){key, row};
}

/* Drops a node's repeats of a key, then keys that only one node holds or no open one. */
static uint32_t compact(const struct nodes *nodes, struct ndc_key32 *e, uint32_t n)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (kept > 0 && e[kept - 1].key == e[i].key &&
            nodes->of[e[kept - 1].value] == nodes->of[e[i].value])
            continue;
        e[kept++] = e[i];
    }
    n = kept;
    kept = 0;
    for (uint32_t i = 0; i < n;) {
        uint32_t j = i + 1;
        bool open = ndc_link_nodes_open(nodes, nodes->of[e[i].value]);
        for (; j < n && e[j].key == e[i].key; j++)
            open |= ndc_link_nodes_open(nodes, nodes->of[e[j].value]);
        if (open && j - i >= 2) {
            memmove(e + kept, e + i, (j - i) * sizeof *e);
            kept += j - i;
        }
        i = j;
    }
    return kept;
}

/* A key that waits for its place in the filter to come from memory. */
struct waiting {
    uint64_t key;
    uint32_t row, node;
    unsigned rule;
};

/* One stretch of nodes: entries of every rule. */
struct stretch {
    struct blocks *blocks;
    const struct block_visitor *visitor; /* takes the keys; NULL: they are filtered */
    uint32_t from, to;                   /* nodes */
    bool open; /* take open nodes and fill the filters, or the settled ones */
    unsigned waiting_count;
    struct waiting *waiting;                    /* WAITING_MAX, while nodes are added */
    uint32_t node[RULES_MAX], first[RULES_MAX]; /* the node in hand, its first entry */
    struct entry_list lists[RULES_MAX];
};

/* Keys of open nodes are noted in the filter; of the others, those pass that it lets
 * through. A node gives a key once. */
static void take_waiting(struct stretch *s)
{
    uint64_t mask = s->blocks->filter_bits - 1;
    for (unsigned i = 0; i < s->waiting_count; i++) {
        const struct waiting *w = &s->waiting[i];
        uint64_t *filter = s->blocks->filters[w->rule];
        struct entry_list *list = &s->lists[w->rule];
        uint64_t at = w->key >> 7 & mask, bit = (uint64_t)1 << (at % 64);
        if (s->open)
            __atomic_fetch_or(&filter[at / 64], bit, __ATOMIC_RELAXED);
        else if (!(filter[at / 64] & bit))
            continue;
        if (s->node[w->rule] != w->node) {
            s->node[w->rule] = w->node;
            s->first[w->rule] = (uint32_t)list->count;
        }
        size_t seen = s->first[w->rule];
        while (seen < list->count && list->items[seen].key != w->key)
            seen++;
        if (seen == list->count) add_entry(list, w->key, w->row);
    }
    s->waiting_count = 0;
}

/* The part by which all of a key's rows can be brought together. */
static uint64_t home_of(const struct blocks *b, unsigned rule, const uint32_t *values,
                        uint64_t key)
{
    unsigned width, part = b->rule_home[rule];
    if (part == PARTS_MAX) return key;
    return ndc_mix64(*part_keys(b, rule, part, 0, values, &width));
}

/* Keys that the node has not given yet go to the visitor. */
static void visit_keys(struct stretch *s, unsigned rule, uint32_t node, uint32_t row,
                       const uint32_t *values)
{
    uint64_t keys[RULE_KEYS_MAX];
    struct entry_list *list = &s->lists[rule];
    unsigned n = row_rule_keys(s->blocks, rule, values, keys);
    if (s->node[rule] != node) list->count = 0;
    s->node[rule] = node;
    for (unsigned k = 0; k < n; k++) {
        size_t seen = 0;
        while (seen < list->count && list->items[seen].key != keys[k])
            seen++;
        if (seen < list->count) continue;
        add_entry(list, keys[k], row);
        s->visitor->take(s->visitor->arg, node, row, rule, keys[k],
                         home_of(s->blocks, rule, values, keys[k]));
    }
}

static void add_keys(struct stretch *s, unsigned rule, uint32_t node, uint32_t row,
                     const uint32_t *values)
{
    if (s->visitor) {
        visit_keys(s, rule, node, row, values);
        return;
    }
    uint64_t keys[RULE_KEYS_MAX], mask = s->blocks->filter_bits - 1;
    const uint64_t *filter = s->blocks->filters[rule];
    unsigned n = row_rule_keys(s->blocks, rule, values, keys);
    if (s->waiting_count + n > WAITING_MAX) take_waiting(s);
    for (unsigned k = 0; k < n; k++) {
        __builtin_prefetch(&filter[(keys[k] >> 7 & mask) / 64]);
        s->waiting[s->waiting_count++] = (struct waiting){keys[k], row, node, rule};
    }
}

/* A row of a node under every rule that it has the fields for and that no earlier row of
 * the node met with the same values. Only a few rows back are looked at: enough, and a
 * bound. `back` holds the earlier ones. */
static void add_row(struct stretch *s, uint32_t node, uint32_t row,
                    const uint32_t *values, const uint32_t *const *back, unsigned held)
{
    static const uint32_t missing[NDC_LINK_FIELDS_MAX];
    const struct blocks *b = s->blocks;
    unsigned stride = b->table->stride;
    uint32_t equal[SEEN_BACK_MAX], absent = table_equal_mask(values, missing, stride);
    for (unsigned j = 0; j < held; j++)
        equal[j] = table_equal_mask(values, back[j], stride);
    for (unsigned r = 0; r < b->table->spec->rule_count; r++) {
        bool seen = false;
        if (b->rule_needs[r] & absent) continue;
        for (unsigned j = 0; j < held && !seen; j++)
            seen = (equal[j] & b->rule_fields[r]) == b->rule_fields[r];
        if (!seen) add_keys(s, r, node, row, values);
    }
}

/* Fetches the keys of a row's values. */
static void look_keys(const struct blocks *b, const uint32_t *values)
{
    for (unsigned f = 0; f < b->table->spec->field_count; f++) {
        unsigned dict = b->table->spec->fields[f].dict, width = b->key_width[dict];
        if (values[f] && width)
            __builtin_prefetch(b->value_keys[dict] + (size_t)values[f] * width);
    }
}

/* A node's rows come one after another, so that its repeats are seen. */
static void add_nodes(void *arg, size_t index)
{
    struct stretch *s = (struct stretch *)arg + index;
    const struct blocks *b = s->blocks;
    const struct nodes *nodes = b->nodes;
    uint32_t last = nodes->start[s->to];
    s->waiting = ndc_xmalloc(WAITING_MAX * sizeof *s->waiting);
    for (unsigned r = 0; r < RULES_MAX; r++)
        s->node[r] = UINT32_MAX;
    for (uint32_t node = s->from; node < s->to; node++) {
        if (!s->visitor && ndc_link_nodes_open(nodes, node) != s->open) continue;
        const uint32_t *back[SEEN_BACK_MAX];
        unsigned held = 0;
        for (uint32_t i = nodes->start[node]; i < nodes->start[node + 1]; i++) {
            const uint32_t *values = table_row(b->table, nodes->members[i]);
            if (i + ROWS_AHEAD < last)
                __builtin_prefetch(table_row(b->table, nodes->members[i + ROWS_AHEAD]));
            if (i + KEYS_AHEAD < last)
                look_keys(b, table_row(b->table, nodes->members[i + KEYS_AHEAD]));
            if (held == SEEN_BACK_MAX) held = 0;
            add_row(s, node, nodes->members[i], values, back, held);
            back[held++] = values;
        }
    }
    take_waiting(s);
    free(s->waiting);
}

static unsigned stretch_count(const struct blocks *b)
{
    return NDC_MIN(1 + b->nodes->count / STRETCH_NODES, (unsigned)STRETCHES_MAX);
}

static void gather(struct blocks *b, struct stretch *stretches, bool open,
                   unsigned threads)
{
    unsigned n = stretch_count(b);
    for (unsigned i = 0; i < n; i++) {
        struct stretch *s = &stretches[i];
        s->blocks = b;
        s->open = open;
        s->from = (uint32_t)((uint64_t)b->nodes->count * i / n);
        s->to = (uint32_t)((uint64_t)b->nodes->count * (i + 1) / n);
    }
    ndc_parallel_for(threads, n, add_nodes, stretches);
}

/* Joins the stretches' entries of a rule in order, open nodes first, and sorts them. */
static void build_rule(void *arg, size_t r)
{
    struct stretch *stretches = arg;
    struct blocks *b = stretches[0].blocks;
    unsigned lists = 2 * stretch_count(b);
    size_t n = 0;
    for (unsigned i = 0; i < lists; i++)
        n += stretches[i].lists[r].count;
    NDC_ASSERT(n <= UINT32_MAX);
    struct ndc_key32 *all = ndc_xmalloc((n + 1) * sizeof *all);
    struct ndc_key32 *scratch = ndc_xmalloc((n + 1) * sizeof *all);
    n = 0;
    for (unsigned i = 0; i < lists; i++) {
        struct entry_list *list = &stretches[i].lists[r];
        if (list->count > 0) memcpy(all + n, list->items, list->count * sizeof *all);
        n += list->count;
        free(list->items);
    }
    ndc_sort_key32(all, scratch, n);
    free(scratch);
    b->entry_count[r] = compact(b->nodes, all, (uint32_t)n);
    b->entries[r] = ndc_xrealloc(all, ((size_t)b->entry_count[r] + 1) * sizeof *all);
}

static void build_entries(struct blocks *b, unsigned threads)
{
    unsigned rules = b->table->spec->rule_count;
    uint32_t open_nodes = 0;
    for (uint32_t node = 0; node < b->nodes->count; node++)
        open_nodes += ndc_link_nodes_open(b->nodes, node);
    b->filter_bits = FILTER_BITS_MIN;
    while (b->filter_bits < (uint64_t)open_nodes * FILTER_BITS_PER_KEY &&
           b->filter_bits < FILTER_BITS_MAX)
        b->filter_bits *= 2;
    for (unsigned r = 0; r < rules; r++)
        b->filters[r] = ndc_xcalloc(b->filter_bits / 64, sizeof *b->filters[r]);
    unsigned n = stretch_count(b);
    struct stretch *stretches = ndc_xcalloc(2 * (size_t)n, sizeof *stretches);
    gather(b, stretches, true, threads);
    gather(b, stretches + n, false, threads);
    for (unsigned r = 0; r < rules; r++)
        free(b->filters[r]);
    ndc_parallel_for(threads, rules, build_rule, stretches);
    free(stretches);
}

/* Fields to split large blocks by, by rising chance that random rows agree. */
static void choose_split_fields(struct blocks *b)
{
    const struct table *t = b->table;
    double chance[NDC_LINK_FIELDS_MAX];
    for (unsigned f = 0; f < t->spec->field_count; f++) {
        const struct column *c = &t->columns[f];
        double sum = 0, all = (double)c->present;
        for (uint32_t v = 1; v <= c->dict->count; v++)
            sum += (double)c->rows_of[v] * c->rows_of[v];
        if (!c->field->comparator || c->present < 2) continue;
        chance[f] = sum / (all * all);
        if (chance[f] > SPLIT_CHANCE_MAX) continue;
        unsigned at = b->split_count++;
        for (; at > 0 && chance[b->split_fields[at - 1]] > chance[f]; at--)
            b->split_fields[at] = b->split_fields[at - 1];
        b->split_fields[at] = f;
    }
}

static void drop_keys(struct blocks *b)
{
    for (unsigned f = 0; f < NDC_LINK_FIELDS_MAX; f++) {
        free(b->value_keys[f]);
        b->value_keys[f] = NULL;
    }
}

static void prepare_rule(struct blocks *b, unsigned r)
{
    const struct rule *rule = &b->table->spec->rules[r];
    b->rule_seeds[r] = ndc_link_rule_seed(rule);
    b->rule_plain[r] = true;
    for (unsigned p = 0; p < rule->part_count; p++) {
        const struct rule_part *part = &rule->parts[p];
        if (part->field_count == 1) b->rule_needs[r] |= 1u << part->fields[0];
        for (unsigned i = 0; i < part->field_count; i++) {
            b->rule_fields[r] |= 1u << part->fields[i];
            b->part_table[r][p][i] = find_key_table(b, part->fields[i], part);
        }
        if (part->field_count > 1 || part->kind == TRANSFORM_TOKENS)
            b->rule_plain[r] = false;
    }
}

/* A part with one key whose values are many: few parts do for most rules. */
static bool may_be_home(const struct ndc_link_spec *spec, const struct rule_part *p)
{
    const struct comparator *how = spec->fields[p->fields[0]].comparator;
    bool many = p->kind == TRANSFORM_EXACT || p->kind == TRANSFORM_PLAIN ||
                p->kind == TRANSFORM_SORTED;
    return p->field_count == 1 && many && how && strcmp(how->name, "exact") != 0;
}

static bool same_part(const struct rule_part *a, const struct rule_part *b)
{
    return a->field_count == 1 && b->field_count == 1 && a->fields[0] == b->fields[0] &&
           a->kind == b->kind;
}

/* The first part of this rule that is `like`; PARTS_MAX: none. */
static unsigned find_part(const struct rule *rule, const struct rule_part *like)
{
    unsigned p = 0;
    while (p < rule->part_count && !same_part(&rule->parts[p], like))
        p++;
    return p < rule->part_count ? p : PARTS_MAX;
}

/* The part that most rules without a home share becomes theirs, again and again. */
static void choose_homes(struct blocks *b)
{
    const struct ndc_link_spec *spec = b->table->spec;
    bool done[RULES_MAX] = {false};
    for (unsigned r = 0; r < spec->rule_count; r++)
        b->rule_home[r] = PARTS_MAX;
    for (unsigned round = 0; round < spec->rule_count; round++) {
        const struct rule_part *best = NULL;
        unsigned most = 0;
        for (unsigned r = 0; r < spec->rule_count; r++) {
            for (unsigned p = 0; p < spec->rules[r].part_count && !done[r]; p++) {
                const struct rule_part *part = &spec->rules[r].parts[p];
                unsigned n = 0;
                for (unsigned q = 0; q < spec->rule_count; q++)
                    n += !done[q] && find_part(&spec->rules[q], part) != PARTS_MAX;
                if (n <= most || !may_be_home(spec, part)) continue;
                best = part;
                most = n;
            }
        }
        if (!best) return;
        for (unsigned r = 0; r < spec->rule_count; r++) {
            unsigned p = find_part(&spec->rules[r], best);
            if (done[r] || p == PARTS_MAX) continue;
            b->rule_home[r] = p;
            done[r] = true;
        }
    }
}

void ndc_link_blocks_visit(const struct table *table, const struct nodes *nodes,
                           const struct block_visitor *visitor)
{
    struct blocks b = {.table = table, .nodes = nodes};
    size_t most = (size_t)RULES_MAX * PARTS_MAX * PART_FIELDS_MAX;
    b.tables = ndc_xcalloc(most, sizeof *b.tables);
    for (unsigned r = 0; r < table->spec->rule_count; r++)
        prepare_rule(&b, r);
    choose_homes(&b);
    fill_all_keys(&b, 1);
    struct stretch *s = ndc_xcalloc(1, sizeof *s);
    s->blocks = &b;
    s->visitor = visitor;
    s->to = nodes->count;
    add_nodes(s, 0);
    for (unsigned r = 0; r < RULES_MAX; r++)
        free(s->lists[r].items);
    free(s);
    drop_keys(&b);
    free(b.tables);
}

void ndc_link_blocks_build(struct blocks *b, const struct table *table,
                           const struct nodes *nodes, unsigned threads)
{
    const struct ndc_link_spec *spec = table->spec;
    *b = (struct blocks){.table = table, .nodes = nodes};
    size_t most = (size_t)RULES_MAX * PARTS_MAX * PART_FIELDS_MAX;
    b->tables = ndc_xcalloc(most, sizeof *b->tables);
    for (unsigned r = 0; r < spec->rule_count; r++)
        prepare_rule(b, r);
    fill_all_keys(b, threads);
    choose_split_fields(b);
    build_entries(b, threads);
    drop_keys(b);
    for (unsigned r = 0; r < spec->rule_count; r++) {
        const struct ndc_key32 *e = b->entries[r];
        for (uint32_t i = 0; i < b->entry_count[r];) {
            uint32_t j = i + 1;
            while (j < b->entry_count[r] && e[j].key == e[i].key)
                j++;
            uint64_t n = NDC_MIN(j - i, spec->rules[r].cap);
            b->pairs_at_most += n * (n - 1) / 2;
            i = j;
        }
    }
}

void ndc_link_blocks_done(struct blocks *b)
{
    for (unsigned r = 0; r < RULES_MAX; r++) {
        free(b->entries[r]);
        b->entries[r] = NULL;
        b->entry_count[r] = 0;
    }
}

void ndc_link_blocks_free(struct blocks *b)
{
    ndc_link_blocks_done(b);
    free(b->tables);
    free(b->caps);
    *b = (struct blocks){0};
}

/* ---- pairs of one rule ---- */

struct emitter {
    struct blocks *blocks;
    unsigned rule;
    uint32_t from, to;
    uint64_t below, seen; /* pairs that hash to no more are kept; how many there were */
    struct pairs pairs;
    struct ndc_link_cap *caps;
    size_t cap_count, cap_room;
    struct ndc_key32 *rows[SPLIT_DEPTH_MAX + 1], *scratch;
    uint32_t rows_room;
};

static void push_pair(struct emitter *e, uint32_t a, uint32_t b)
{
    const struct table *t = e->blocks->table;
    uint32_t low = NDC_MIN(a, b), high = NDC_MAX(a, b);
    if (low < e->from || low >= e->to) return;
    if (t->spec->between_only && t->sources[a] == t->sources[b]) return;
    const struct nodes *nodes = e->blocks->nodes;
    if (!ndc_link_nodes_open(nodes, nodes->of[a]) &&
        !ndc_link_nodes_open(nodes, nodes->of[b]))
        return;
    if (nodes->unique_count &&
        ndc_link_nodes_conflict(t, nodes, nodes->of[a], nodes->of[b]))
        return;
    uint64_t pair = (uint64_t)low << 32 | high;
    e->seen++;
    if (e->below != UINT64_MAX && ndc_mix64(pair ^ SAMPLE_SEED) > e->below) return;
    if (e->pairs.count == e->pairs.cap) {
        e->pairs.cap = e->pairs.cap * 2 + 1024;
        e->pairs.items =
            ndc_xrealloc(e->pairs.items, e->pairs.cap * sizeof *e->pairs.items);
    }
    e->pairs.items[e->pairs.count++] = pair;
}

static uint64_t push_block(struct emitter *e, const struct ndc_key32 *rows, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = i + 1; j < n; j++)
            push_pair(e, rows[i].value, rows[j].value);
    return (uint64_t)n * (n - 1) / 2;
}

/* Pairs of a block that is too large; returns how many it gave. */
static uint64_t push_split(struct emitter *e, const struct ndc_key32 *rows, uint32_t n,
                           unsigned first, unsigned depth)
{
    const struct blocks *b = e->blocks;
    uint32_t cap = b->table->spec->rules[e->rule].cap;
    unsigned last = NDC_MIN(b->split_count, first + SPLIT_FIELDS_MAX);
    uint64_t kept = 0;
    if (depth >= SPLIT_DEPTH_MAX) return 0;
    for (unsigned s = first; s < last; s++) {
        unsigned field = b->split_fields[s];
        struct ndc_key32 *part = e->rows[depth + 1];
        uint32_t m = 0;
        for (uint32_t i = 0; i < n; i++) {
            uint32_t value = table_row(b->table, rows[i].value)[field];
            if (value) part[m++] = (struct ndc_key32){value, rows[i].value};
        }
        ndc_sort_key32(part, e->scratch, m);
        for (uint32_t i = 0; i < m;) {
            uint32_t j = i + 1;
            while (j < m && part[j].key == part[i].key)
                j++;
            if (j - i <= cap)
                kept += push_block(e, part + i, j - i);
            else
                kept += push_split(e, part + i, j - i, s + 1, depth + 1);
            i = j;
        }
    }
    return kept;
}

static void push_capped(struct emitter *e, const struct ndc_key32 *rows, uint32_t n)
{
    if (n > e->rows_room) {
        for (unsigned d = 0; d <= SPLIT_DEPTH_MAX; d++)
            e->rows[d] = ndc_xrealloc(e->rows[d], n * sizeof *rows);
        e->scratch = ndc_xrealloc(e->scratch, n * sizeof *rows);
        e->rows_room = n;
    }
    uint64_t all = (uint64_t)n * (n - 1) / 2;
    uint64_t kept = e->blocks->table->spec->split ? push_split(e, rows, n, 0, 0) : 0;
    if (e->cap_count == e->cap_room) {
        e->cap_room = e->cap_room * 2 + 16;
        e->caps = ndc_xrealloc(e->caps, e->cap_room * sizeof *e->caps);
    }
    e->caps[e->cap_count++] =
        (struct ndc_link_cap){.rule = e->blocks->table->spec->rules[e->rule].text,
                              .example = rows[0].value,
                              .rows = n,
                              .pairs = all,
                              .pairs_kept = NDC_MIN(kept, all)};
}

/* A block that is over its cap among all records, though not in this table. */
static bool is_capped(const struct blocks *b, uint64_t key)
{
    size_t low = 0, high = b->capped_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (b->capped[middle] < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low < b->capped_count && b->capped[low] == key;
}

static void emit_rule(void *arg, size_t index)
{
    struct emitter *e = (struct emitter *)arg + index;
    const struct ndc_key32 *entries = e->blocks->entries[e->rule];
    uint32_t n = e->blocks->entry_count[e->rule];
    uint32_t cap = e->blocks->table->spec->rules[e->rule].cap;
    for (uint32_t i = 0; i < n;) {
        uint32_t j = i + 1;
        while (j < n && entries[j].key == entries[i].key)
            j++;
        if (j - i <= cap && !is_capped(e->blocks, entries[i].key))
            push_block(e, entries + i, j - i);
        else
            push_capped(e, entries + i, j - i);
        i = j;
    }
    uint64_t *scratch = ndc_xmalloc((e->pairs.count + 1) * sizeof *scratch);
    ndc_sort_u64(e->pairs.items, scratch, e->pairs.count);
    free(scratch);
    size_t kept = 0;
    for (size_t i = 0; i < e->pairs.count; i++)
        if (i == 0 || e->pairs.items[i] != e->pairs.items[i - 1])
            e->pairs.items[kept++] = e->pairs.items[i];
    e->pairs.count = kept;
}

static int compare_caps(const void *a, const void *b)
{
    const struct ndc_link_cap *x = a, *y = b;
    if (x->rows != y->rows) return x->rows < y->rows ? 1 : -1;
    if (x->example != y->example) return x->example < y->example ? -1 : 1;
    return strcmp(x->rule, y->rule);
}

void ndc_link_blocks_sort_caps(struct blocks *b)
{
    if (b->cap_count) qsort(b->caps, b->cap_count, sizeof *b->caps, compare_caps);
}

static void keep_caps(struct blocks *b, struct emitter *e, unsigned rules)
{
    size_t n = 0;
    for (unsigned r = 0; r < rules; r++)
        n += e[r].cap_count;
    b->caps = ndc_xmalloc((n + 1) * sizeof *b->caps);
    for (unsigned r = 0; r < rules; r++)
        for (size_t i = 0; i < e[r].cap_count; i++)
            b->caps[b->cap_count++] = e[r].caps[i];
    ndc_link_blocks_sort_caps(b);
}

/* The rules' pairs in one list, sorted, each once. */
static void join_pairs(struct pairs *out, struct emitter *e, unsigned rules)
{
    size_t n = 0;
    for (unsigned r = 0; r < rules; r++)
        n += e[r].pairs.count;
    uint64_t *all = ndc_xmalloc((n + 1) * sizeof *all);
    n = 0;
    for (unsigned r = 0; r < rules; r++) {
        if (e[r].pairs.count > 0)
            memcpy(all + n, e[r].pairs.items, e[r].pairs.count * sizeof *all);
        n += e[r].pairs.count;
        free(e[r].pairs.items);
        e[r].pairs.items = NULL;
    }
    uint64_t *scratch = ndc_xmalloc((n + 1) * sizeof *scratch);
    ndc_sort_u64(all, scratch, n);
    free(scratch);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (i == 0 || all[i] != all[i - 1]) all[kept++] = all[i];
    free(out->items);
    *out = (struct pairs){all, kept, n + 1};
}

static uint64_t take_pairs(struct blocks *b, struct pairs *out,
                           const struct emitter *like, unsigned threads, bool report)
{
    unsigned rules = b->table->spec->rule_count;
    uint64_t seen = 0;
    struct emitter *e = ndc_xcalloc(rules, sizeof *e);
    for (unsigned r = 0; r < rules; r++) {
        e[r] = *like;
        e[r].blocks = b;
        e[r].rule = r;
    }
    ndc_parallel_for(threads, rules, emit_rule, e);
    join_pairs(out, e, rules);
    if (report) keep_caps(b, e, rules);
    for (unsigned r = 0; r < rules; r++) {
        for (unsigned d = 0; d <= SPLIT_DEPTH_MAX; d++)
            free(e[r].rows[d]);
        free(e[r].scratch);
        free(e[r].caps);
        seen += e[r].seen;
    }
    free(e);
    return seen;
}

void ndc_link_blocks_pairs(struct blocks *b, struct pairs *out, uint32_t from,
                           uint32_t to, unsigned threads, bool report)
{
    const struct emitter like = {.from = from, .to = to, .below = UINT64_MAX};
    (void)take_pairs(b, out, &like, threads, report);
}

uint64_t ndc_link_blocks_sample(struct blocks *b, struct pairs *out, uint64_t below,
                                unsigned threads)
{
    const struct emitter like = {.to = b->table->row_count, .below = below};
    return take_pairs(b, out, &like, threads, false);
}

unsigned ndc_link_blocks_row_keys(const struct table *table, uint32_t row,
                                  uint64_t keys[static NDC_LINK_KEYS_MAX])
{
    unsigned n = 0;
    const uint32_t *values = table_row(table, row);
    for (unsigned r = 0; r < table->spec->rule_count; r++) {
        const struct rule *rule = &table->spec->rules[r];
        struct part_keys parts[PARTS_MAX] = {0};
        for (unsigned p = 0; p < rule->part_count; p++) {
            for (unsigned i = 0; i < rule->parts[p].field_count; i++) {
                unsigned f = rule->parts[p].fields[i];
                if (!values[f]) continue;
                parts[p].count += ndc_link_value_keys(
                    ndc_link_value_key_text(&table->columns[f], values[f]),
                    rule->parts[p].kind, rule->parts[p].length,
                    parts[p].keys + parts[p].count);
            }
        }
        uint64_t out[RULE_KEYS_MAX];
        unsigned made = ndc_link_rule_combine(rule, ndc_link_rule_seed(rule), parts, out);
        for (unsigned i = 0; i < made && n < NDC_LINK_KEYS_MAX; i++)
            keys[n++] = out[i];
    }
    return n;
}

/* Candidates of a search (search_internal.h). Keys that few stand under are asked first;
 * what they say is added up by entity, so that who stands under several is known to fit
 * without being read. Only if nobody fits wholly, other spellings are asked: a nation's
 * names are so alike that most other spellings are somebody's name, too.
 *
 * A date: every word with that date, so any word may be wrong, left out or elsewhere. A
 * year or a province: the whole name in likely orders; its telling words with both, or
 * with every value of the one that is not known. A name alone: the whole name, then pairs
 * of neighbouring words. */
#include "platforms/registry/entity/index_build.h"
#include "platforms/registry/live/live.h"
#include "platforms/registry/normalise/units.h"
#include "platforms/registry/serve/search_internal.h"
#include "platforms/registry/serve/spelling.h"

#include "base/hash.h"

#include <stdio.h>

enum {
    WANTED_MAX = 2048,
    VALUES_MAX = 3200,   /* read of one key */
    SPELT_WORDS_MAX = 6, /* longer names are asked by their parts */
    ORDER_WORDS_MAX = 5,
    ENOUGH = 20, /* who fit wholly: no wider keys are asked */
    MONTH_DAYS = 31,
    YEARS_BACK = 115
};

static const float full_worth = 0.9f, some_worth = 0.5f;
/* How well a name fits whose words stand in another order, or one of them otherwise. */
static const float reordered = 0.95f, respelt = 0.85f;

/* ---- the pool ---- */

static struct search_candidate *candidate(struct search *s, uint64_t entity)
{
    const size_t mask = 2 * SEARCH_POOL_MAX - 1;
    size_t at = ndc_mix64(entity) & mask;
    for (; s->slots[at]; at = (at + 1) & mask)
        if (s->pool[s->slots[at] - 1].entity == entity) return &s->pool[s->slots[at] - 1];
    if (s->count == SEARCH_POOL_MAX) return NULL;
    s->pool[s->count] = (struct search_candidate){.entity = entity};
    s->slots[at] = (uint32_t)++s->count;
    return &s->pool[s->count - 1];
}

static void take(void *arg, size_t number, const uint64_t *values, size_t count)
{
    struct search *s = arg;
    const struct search_evidence *e = &s->says[number];
    for (size_t i = 0; i < count; i++) {
        struct search_candidate *c = candidate(s, values[i]);
        if (!c) continue;
        c->is.name = NDC_MAX(c->is.name, e->name);
        c->is.words |= e->words;
        c->is.near |= e->near;
        c->is.seen |= e->seen;
    }
}

static void ask(struct search *s, uint64_t key, struct search_evidence says)
{
    if (s->wanted_count == WANTED_MAX) return;
    s->says[s->wanted_count] = says;
    s->wanted[s->wanted_count++] = key;
}

static float worth(const struct search *s, const struct search_evidence *e)
{
    unsigned exact = (unsigned)__builtin_popcount(e->words);
    unsigned near = (unsigned)__builtin_popcount(e->near & ~(unsigned)e->words);
    float w = ((float)exact + 0.75f * (float)near) / (float)NDC_MAX(s->words.n, 1u);
    w = NDC_MAX(0.97f * NDC_MIN(w, 1.0f), e->name);
    if (s->query->birth_date.len > 4 && !(e->seen & SEARCH_DATE))
        w *= e->seen & SEARCH_YEAR ? 0.6f : 0.4f;
    else if (s->year && !(e->seen & (SEARCH_YEAR | SEARCH_DATE)))
        w *= 0.45f;
    if (s->query->province && !(e->seen & SEARCH_PLACE)) w *= 0.55f;
    return w;
}

/* Looks up what was asked; *full and *some say how many fit wholly, or somewhat. */
static enum ndc_err look(struct search *s, size_t *full, size_t *some,
                         struct ndc_fault *fault)
{
    enum ndc_err err = ndc_live_lookup_many(s->registry->live, s->conn, s->wanted,
                                            s->wanted_count, VALUES_MAX, take, s, fault);
    s->wanted_count = 0;
    *full = *some = 0;
    for (size_t i = 0; i < s->count; i++) {
        s->pool[i].worth = worth(s, &s->pool[i].is);
        *full += s->pool[i].worth >= full_worth;
        *some += s->pool[i].worth >= some_worth;
    }
    return err;
}

/* ---- keys ---- */

/* Of a whole name, with what else is known of it. */
static void ask_whole(struct search *s, struct ndc_str name, float fits)
{
    struct search_evidence says = {.name = fits};
    if (s->year) {
        says.seen = SEARCH_YEAR;
        ask(s, ndc_index_key(NDC_INDEX_NAME_YEAR, s->year, name), says);
    } else if (s->query->province) {
        says.seen = SEARCH_PLACE;
        ask(s, ndc_index_key(NDC_INDEX_NAME_PLACE, s->query->province, name), says);
    } else {
        ask(s, ndc_index_key(NDC_INDEX_NAME, 0, name), says);
    }
}

/* The query's words, from `order` if it is given, one of them as `other`. */
static struct ndc_str joined(char out[static SEARCH_NAME_BYTES + NDC_SPELLING_BYTES],
                             const struct search *s, const unsigned *order, unsigned word,
                             const char *other)
{
    size_t len = 0;
    for (unsigned i = 0; i < s->words.n; i++) {
        unsigned at = order ? order[i] : i;
        struct ndc_str text = other && at == word ? ndc_str(other) : s->words.items[at];
        if (i) out[len++] = ' ';
        memcpy(out + len, text.ptr, text.len);
        len += text.len;
    }
    return ndc_str_n(out, len);
}

/* Two neighbours swapped; the given name first, or the surname last. */
static void ask_orders(struct search *s)
{
    char text[SEARCH_NAME_BYTES + NDC_SPELLING_BYTES];
    unsigned n = s->words.n, order[SEARCH_WORDS_MAX];
    if (n < 2 || n > ORDER_WORDS_MAX) return;
    for (unsigned k = 0; k < n + 1; k++) {
        for (unsigned i = 0; i < n; i++)
            order[i] = k < n - 1 ? i : (i + (k == n ? 1 : n - 1)) % n;
        if (k < n - 1) {
            order[k] = k + 1;
            order[k + 1] = k;
        } else if (n == 2) {
            break;
        }
        ask_whole(s, joined(text, s, order, 0, NULL), reordered);
    }
}

static void ask_date(struct search *s, struct ndc_str word, struct search_evidence says)
{
    struct ndc_str date = s->query->birth_date;
    char day[16];
    says.seen = SEARCH_DATE | SEARCH_YEAR;
    if (date.len == 10) ask(s, ndc_index_birth(date, word), says);
    if (date.len != 7) return;
    for (unsigned d = 1; d <= MONTH_DAYS; d++) {
        snprintf(day, sizeof(day), "%.7s-%02u", date.ptr, d);
        ask(s, ndc_index_birth(ndc_str_n(day, 10), word), says);
    }
}

/* Two words that tell a name, or "" and one; every year or province that is not known. */
static void ask_part(struct search *s, struct ndc_str first, struct ndc_str last,
                     struct search_evidence says)
{
    uint32_t years[YEARS_BACK], provinces[100], province = s->query->province;
    unsigned year_count = 0, province_count = 0, at;
    says.seen = (uint8_t)((s->year ? SEARCH_YEAR : 0) | (province ? SEARCH_PLACE : 0));
    if (s->year) years[year_count++] = s->year;
    if (province) provinces[province_count++] = province;
    if (!s->year) {
        uint32_t now = (uint32_t)ndc_date_from_days(s->today).year;
        for (; year_count < YEARS_BACK; year_count++)
            years[year_count] = now - year_count;
    }
    if (!province) {
        unsigned units = ndc_unit_children(NDC_UNIT_CURRENT, 0, &at);
        provinces[province_count++] = 0;
        for (unsigned i = 0; i < units && province_count < NDC_ARRAY_LEN(provinces); i++)
            provinces[province_count++] = ndc_unit_get(at + i)->code;
    }
    for (unsigned y = 0; y < year_count; y++)
        for (unsigned p = 0; p < province_count; p++)
            ask(s, ndc_index_part(years[y], provinces[p], first, last), says);
}

static struct search_evidence words_seen(unsigned exact, unsigned near)
{
    return (struct search_evidence){.words = (uint16_t)exact, .near = (uint16_t)near};
}

/* Surname and given name, and the last two words; `all`: any two, for they may stand in
 * another order. */
static void ask_parts(struct search *s, bool all)
{
    const struct ndc_str *w = s->words.items;
    unsigned n = s->words.n;
    if (n == 1) ask_part(s, NDC_STR(""), w[0], words_seen(1, 0));
    for (unsigned i = 0; i < n; i++)
        for (unsigned k = 0; k < n; k++) {
            bool usual = k == n - 1 && (i == 0 || i + 2 == n);
            if (i != k && (usual || (all && n <= ORDER_WORDS_MAX)))
                ask_part(s, w[i], w[k], words_seen(1u << i | 1u << k, 0));
        }
}

/* The usual parts with one word spelt otherwise. */
static void ask_part_spellings(struct search *s, unsigned word, struct ndc_str other)
{
    const struct ndc_str *w = s->words.items;
    unsigned last = s->words.n - 1;
    if (s->words.n == 1) ask_part(s, NDC_STR(""), other, words_seen(0, 1));
    if (s->words.n < 2) return;
    const unsigned firsts[] = {0, last - 1};
    for (unsigned i = 0; i < (last > 1 ? 2u : 1u); i++) {
        if (word != firsts[i] && word != last) continue;
        unsigned kept = word == last ? firsts[i] : last;
        ask_part(s, word == last ? w[kept] : other, word == last ? other : w[kept],
                 words_seen(1u << kept, 1u << word));
    }
}

static void ask_spellings(struct search *s)
{
    struct ndc_spellings others;
    char text[SEARCH_NAME_BYTES + NDC_SPELLING_BYTES];
    bool dated = s->query->birth_date.len == 10;
    if (s->words.n > SPELT_WORDS_MAX) return;
    for (unsigned i = 0; i < s->words.n; i++) {
        ndc_spelling_others(&others, s->words.items[i]);
        for (unsigned k = 0; k < others.count; k++) {
            struct ndc_str other = ndc_str(others.items[k]);
            if (dated)
                ask_date(s, other, words_seen(0, 1u << i));
            else
                ask_whole(s, joined(text, s, NULL, i, others.items[k]), respelt);
            if (!dated && s->year && s->query->province) ask_part_spellings(s, i, other);
        }
    }
}

/* Pairs of neighbouring words; a single word by itself, for most names share their words
 * and would only crowd out who has the pair. */
static void ask_neighbours(struct search *s)
{
    const struct ndc_str *w = s->words.items;
    if (s->words.n == 1) ask(s, ndc_index_key(NDC_INDEX_WORD, 0, w[0]), words_seen(1, 0));
    for (unsigned i = 0; i + 1 < s->words.n; i++) {
        struct ndc_str pair =
            ndc_str_n(w[i].ptr, (size_t)(w[i + 1].ptr + w[i + 1].len - w[i].ptr));
        ask(s, ndc_index_key(NDC_INDEX_BIGRAM, 0, pair), words_seen(3u << i, 0));
    }
}

/* ---- in which order ---- */

static void ask_first(struct search *s)
{
    ask_whole(s, s->name, 1);
    for (unsigned i = 0; i < s->words.n; i++)
        ask_date(s, s->words.items[i], words_seen(1u << i, 0));
    if (s->query->birth_date.len == 10) return;
    ask_orders(s);
    if ((s->year && s->query->province) ||
        (s->words.n == 1 && (s->year || s->query->province)))
        ask_parts(s, true);
}

static int compare(const void *a, const void *b)
{
    const struct search_candidate *x = a, *y = b;
    if (x->worth != y->worth) return x->worth > y->worth ? -1 : 1;
    return x->entity < y->entity ? -1 : x->entity > y->entity;
}

enum ndc_err ndc_search_gather(struct search *s, struct ndc_fault *fault)
{
    size_t full, some;
    bool dated = s->query->birth_date.len == 10, one = !s->year != !s->query->province;
    s->pool = ndc_xmalloc(SEARCH_POOL_MAX * sizeof(*s->pool));
    s->slots = ndc_xcalloc(2 * SEARCH_POOL_MAX, sizeof(*s->slots));
    s->wanted = ndc_xmalloc(WANTED_MAX * sizeof(*s->wanted));
    s->says = ndc_xmalloc(WANTED_MAX * sizeof(*s->says));
    ask_first(s);
    enum ndc_err err = look(s, &full, &some, fault);
    if (!err && full < ENOUGH && !dated && one) {
        ask_parts(s, false);
        err = look(s, &full, &some, fault);
    }
    if (!err && full < ENOUGH && !s->year && !s->query->province) {
        ask_neighbours(s);
        err = look(s, &full, &some, fault);
    }
    if (!err && !full) {
        ask_spellings(s);
        err = look(s, &full, &some, fault);
    }
    if (!err && some < ENOUGH && (s->year || s->query->province)) {
        ask(s, ndc_index_key(NDC_INDEX_NAME, 0, s->name),
            (struct search_evidence){.name = 1});
        ask_neighbours(s);
        err = look(s, &full, &some, fault);
    }
    qsort(s->pool, s->count, sizeof(*s->pool), compare);
    return err;
}

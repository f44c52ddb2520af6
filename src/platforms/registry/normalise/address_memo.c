/* Addresses by how they end. A reading takes at most a province, a district and a
 * commune, each within one part between commas, so the last three parts decide the units,
 * and what is before them is street (exceptions are told by addr_read and not kept). Of
 * the third part from the end only communes count that it may name, where the units lie
 * behind it: a street that names none of the place is as good as another. One more fact
 * of the whole text counts: whether it is written with marks at all. */
#include "base/hash.h"
#include "platforms/registry/normalise/address.h"
#include "platforms/registry/normalise/name.h"

enum {
    SLOTS = 8192,
    PARTS = 3,
    RAW_MAX = 200,
    TEXTS_MAX = 216, /* a tail and its units */
};

struct slot {
    uint16_t from; /* where the units begin in the tail */
    uint8_t tail_len, units_len, reason;
    uint8_t parts; /* of the tail: 3, or 2 with what was looked for before it; 0: free */
    bool marked;
    struct addr_watch watch;
    char found[offsetof(struct ndc_norm_address, street_len)];
    char texts[TEXTS_MAX]; /* tail, units */
};

struct addr_memo {
    struct slot slots[SLOTS];
    char units[2 * NDC_UNIT_TITLE_MAX + 4];
};

struct ndc_norm_memo *ndc_norm_memo_new(void)
{
    struct ndc_norm_memo *memo = ndc_xmalloc(sizeof(*memo));
    memo->addresses = ndc_xcalloc(1, sizeof(*memo->addresses));
    memo->names = name_memo_new();
    return memo;
}

void ndc_norm_memo_free(struct ndc_norm_memo *memo)
{
    if (!memo) return;
    free(memo->addresses);
    name_memo_free(memo->names);
    free(memo);
}

/* What an address is looked up by. */
struct ends {
    size_t three, two; /* where its last three and two parts begin; two is 0 without */
    bool marked;
    unsigned words; /* at most so many tokens: within ADDR_TOKENS_MAX none is left out */
};

static bool ends_part(char c)
{
    return c == ',' || c == ';' || c == '\n' || c == '(' || c == ')';
}

/* Parts that have no plain letter or digit are not counted. */
static struct ends ends_of(struct ndc_str raw)
{
    struct ends e = {.words = 1};
    size_t starts[PARTS] = {0}, n = 0, start = 0;
    bool word = false;
    for (size_t i = 0; i < raw.len; i++) {
        unsigned char c = (unsigned char)raw.ptr[i], low = c | 0x20;
        if (low >= 'a' && low <= 'z') {
            word = true;
        } else if (c >= '0' && c <= '9') {
            word = true;
            /* Q1, P12 and F5 are two tokens */
            unsigned char before = i ? (unsigned char)raw.ptr[i - 1] | 0x20 : 0;
            e.words += before == 'q' || before == 'p' || before == 'f';
        } else if (c >= 0x80) {
            e.marked = true;
            e.words += c == 0xc2 || c == 0xe2; /* NBSP, dashes */
        } else {
            e.words++;
            if (!ends_part((char)c)) continue;
            if (word) starts[n++ % PARTS] = start;
            word = false;
            start = i + 1;
        }
    }
    if (word) starts[n++ % PARTS] = start;
    if (n < PARTS) return e;
    e.three = starts[n % PARTS];
    e.two = starts[(n + 1) % PARTS];
    return e;
}

static void write_units_text(struct addr_memo *memo, const struct ndc_norm_address *a,
                             struct ndc_str *units)
{
    struct ndc_norm_address bare = *a;
    bare.street_len = 0;
    *units =
        ndc_str_n(memo->units,
                  ndc_norm_address_text(memo->units, sizeof(memo->units), &bare, false));
}

static struct slot *slot_of(struct addr_memo *memo, struct ndc_str tail, unsigned parts,
                            bool marked)
{
    return &memo->slots[ndc_hash_str(tail, parts << 1 | marked) % SLOTS];
}

/* Whether the slot is of this tail, that many parts long (2, 3). */
static bool holds(const struct slot *s, struct ndc_str tail, unsigned parts, bool marked)
{
    return s->parts == parts && s->marked == marked &&
           ndc_str_eq(ndc_str_n(s->texts, s->tail_len), tail);
}

/* Answers from the slot, whose tail begins at byte `at` of raw. */
static enum ndc_norm_reason take(struct ndc_norm_address *out, const struct slot *s,
                                 struct ndc_str raw, size_t at, struct ndc_str *units)
{
    memcpy(out, s->found, sizeof(s->found));
    addr_street(out, ndc_str_n(raw.ptr, at + s->from));
    *units = ndc_str_n(s->texts + s->tail_len, s->units_len);
    return (enum ndc_norm_reason)s->reason;
}

static void put(struct slot *s, const struct ndc_norm_address *out,
                enum ndc_norm_reason reason, const struct addr_reach *reach,
                struct ndc_str raw, size_t at, unsigned parts, bool marked,
                struct ndc_str units)
{
    struct ndc_str tail = ndc_str_from(raw, at);
    if (tail.len + units.len > TEXTS_MAX) return;
    s->from = (uint16_t)(reach->from - at);
    s->tail_len = (uint8_t)tail.len;
    s->units_len = (uint8_t)units.len;
    s->reason = (uint8_t)reason;
    s->parts = (uint8_t)parts;
    s->marked = marked;
    s->watch = reach->watch;
    memcpy(s->found, out, sizeof(s->found));
    memcpy(s->texts, tail.ptr, tail.len);
    if (units.len) memcpy(s->texts + tail.len, units.ptr, units.len);
}

enum ndc_norm_reason ndc_norm_address_again(struct ndc_norm_address *out,
                                            struct ndc_norm_memo *memos,
                                            struct ndc_str raw, struct ndc_str *units)
{
    struct addr_memo *memo = memos->addresses;
    struct addr_reach reach;
    struct addr_search search;
    struct slot *three = NULL, *two = NULL;
    struct ends e = {0};
    if (raw.len > 0 && raw.len <= RAW_MAX) e = ends_of(raw);
    if (e.words > 0 && e.words <= ADDR_TOKENS_MAX) {
        three = slot_of(memo, ndc_str_from(raw, e.three), 3, e.marked);
        if (holds(three, ndc_str_from(raw, e.three), 3, e.marked))
            return take(out, three, raw, e.three, units);
    }
    addr_clear(out, &reach, raw);
    enum ndc_norm_reason reason = addr_begin(&search, raw, (struct ndc_date){0});
    if (!reason && three && e.two) {
        two = slot_of(memo, ndc_str_from(raw, e.two), 2, e.marked);
        if (holds(two, ndc_str_from(raw, e.two), 2, e.marked) &&
            addr_before_idle(&search, e.two, &two->watch))
            return take(out, two, raw, e.two, units);
        addr_watch(&search, e.two);
    }
    if (!reason) reason = addr_finish(out, &search, &reach);
    write_units_text(memo, out, units);
    if (!three || reach.whole || reach.from >= raw.len) return reason;
    if (two && reach.from >= e.two && !reach.typos && !reach.watch.counted)
        put(two, out, reason, &reach, raw, e.two, 2, e.marked, *units);
    else if (reach.from >= e.three)
        put(three, out, reason, &reach, raw, e.three, 3, e.marked, *units);
    return reason;
}

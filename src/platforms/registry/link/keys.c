/* Blocking keys of values: what a transform makes of a text. Stored keys depend on these
 * rules, so they never change once released; new ideas are new transforms. */
#include "platforms/registry/link/keys.h"
#include "platforms/registry/link/text.h"

static uint64_t hash_part(struct ndc_str s)
{
    uint64_t h = s.len ? ndc_hash_str(s, 7) : 0;
    return h ? h : s.len != 0;
}

/* The first n characters (UTF-8 kept whole), or the last. */
static struct ndc_str cut(struct ndc_str s, unsigned n, bool front)
{
    size_t at = 0;
    if (front) {
        for (unsigned i = 0; i < n && at < s.len; i++)
            for (at++; at < s.len && (s.ptr[at] & 0xc0) == 0x80;)
                at++;
        return ndc_str_n(s.ptr, at);
    }
    at = s.len;
    for (unsigned i = 0; i < n && at > 0; i++)
        for (at--; at > 0 && (s.ptr[at] & 0xc0) == 0x80;)
            at--;
    return ndc_str_n(s.ptr + at, s.len - at);
}

static uint64_t date_part(struct ndc_str s, size_t from, size_t len)
{
    if (s.len < from + len) return 0;
    return hash_part(ndc_str_n(s.ptr + from, len));
}

static uint64_t of_letters(struct ndc_str s, enum transform_kind kind)
{
    char out[128];
    size_t n = 0;
    for (size_t i = 0; i < s.len && n < sizeof out; i++) {
        char c = s.ptr[i];
        bool digit = c >= '0' && c <= '9';
        bool start = c != ' ' && (i == 0 || s.ptr[i - 1] == ' ');
        if (kind == TRANSFORM_DIGITS ? digit : kind == TRANSFORM_PLAIN ? c != ' ' : start)
            out[n++] = c;
    }
    return hash_part(ndc_str_n(out, n));
}

static uint64_t of_sorted(struct ndc_str s)
{
    struct ndc_str words[16];
    unsigned n = ndc_link_text_tokens(s, words, 16);
    uint64_t sum = n;
    for (unsigned i = 0; i < n; i++)
        sum += ndc_mix64(hash_part(words[i]));
    return n ? sum : 0;
}

unsigned ndc_link_value_keys(struct ndc_str s, enum transform_kind kind, unsigned length,
                             uint64_t out[static KEYS_PER_VALUE])
{
    struct ndc_str words[32];
    unsigned n;
    out[0] = 0;
    switch (kind) {
    case TRANSFORM_EXACT:
        out[0] = hash_part(s);
        break;
    case TRANSFORM_PREFIX:
    case TRANSFORM_SUFFIX:
        out[0] = hash_part(cut(s, length, kind == TRANSFORM_PREFIX));
        break;
    case TRANSFORM_SOUNDEX:
        out[0] = ndc_link_text_soundex(s);
        break;
    case TRANSFORM_FIRST:
    case TRANSFORM_LAST:
        n = ndc_link_text_tokens(s, words, 32);
        if (n) out[0] = hash_part(words[kind == TRANSFORM_FIRST ? 0 : n - 1]);
        break;
    case TRANSFORM_TOKENS:
        n = ndc_link_text_tokens(s, words, KEYS_PER_VALUE);
        for (unsigned i = 0; i < n; i++)
            out[i] = hash_part(words[i]);
        return n;
    case TRANSFORM_SORTED:
        out[0] = of_sorted(s);
        break;
    case TRANSFORM_INITIALS:
    case TRANSFORM_DIGITS:
    case TRANSFORM_PLAIN:
        out[0] = of_letters(s, kind);
        break;
    case TRANSFORM_YEAR:
        out[0] = date_part(s, 0, 4);
        break;
    case TRANSFORM_MONTH_DAY:
        out[0] = date_part(s, 4, 4);
        break;
    case TRANSFORM_YEAR_MONTH:
        out[0] = date_part(s, 0, 6);
        break;
    case TRANSFORM_DAY:
        out[0] = date_part(s, 6, 2);
        break;
    case TRANSFORM_COUNT:
        break;
    }
    return out[0] != 0;
}

struct ndc_str ndc_link_value_key_text(const struct column *column, uint32_t value)
{
    if (column->class_of)
        return ndc_dict_get(&column->class_names, column->class_of[value]);
    return ndc_dict_get(column->dict, value);
}

uint64_t ndc_link_rule_seed(const struct rule *rule)
{
    return ndc_hash_str(ndc_str(rule->text), 11);
}

unsigned ndc_link_rule_combine(const struct rule *rule, uint64_t seed,
                               const struct part_keys *parts,
                               uint64_t out[static RULE_KEYS_MAX])
{
    unsigned n = 1;
    out[0] = seed;
    for (unsigned p = 0; p < rule->part_count; p++) {
        uint64_t next[RULE_KEYS_MAX];
        unsigned made = 0;
        for (unsigned i = 0; i < n; i++)
            for (unsigned k = 0; k < parts[p].count && made < RULE_KEYS_MAX; k++)
                next[made++] = ndc_hash_join(out[i], parts[p].keys[k]);
        n = made;
        memcpy(out, next, n * sizeof *out);
    }
    if (n <= 1) return n;
    unsigned distinct = 0;
    for (unsigned i = 0; i < n; i++) {
        unsigned j = 0;
        while (j < distinct && out[j] != out[i])
            j++;
        if (j == distinct) out[distinct++] = out[i];
    }
    return distinct;
}

/* An address as tokens: folded words with what stands between them, and the spans of
 * tokens that name units. */
#include "platforms/registry/normalise/address.h"

static bool word_byte(unsigned char c)
{
    return c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z') || c == '\'' || c == '`';
}

/* Length of a separator that is not ASCII at s (NBSP, dashes, zero width…), or 0. */
static size_t wide_separator(struct ndc_str s, bool *dash)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    if (s.len >= 2 && p[0] == 0xc2 && p[1] == 0xa0) return 2;
    if (s.len >= 3 && p[0] == 0xe2 && p[1] == 0x80 && p[2] != 0x98 && p[2] != 0x99) {
        *dash = *dash || (p[2] >= 0x90 && p[2] <= 0x95);
        return 3;
    }
    return 0;
}

struct pending {
    uint16_t from, to;
    bool comma, dash;
};

static void add_token(struct addr_text *out, struct ndc_str word, struct pending p,
                      size_t *used)
{
    struct addr_token *t = &out->t[out->n++];
    if (word.len > 1 && word.ptr[0] == '0') { /* Phường 01 */
        bool digits = true;
        for (size_t i = 0; i < word.len; i++)
            digits = digits && word.ptr[i] >= '0' && word.ptr[i] <= '9';
        while (digits && word.len > 1 && word.ptr[0] == '0')
            word = ndc_str_from(word, 1);
    }
    memmove(out->bytes + *used, word.ptr, word.len);
    *t = (struct addr_token){p.from,  p.to,  (uint16_t)*used, (uint16_t)word.len,
                             p.comma, p.dash};
    *used += word.len;
}

/* Folds one word; Q1, P12 and F5 are two tokens. */
static void fold_token(struct addr_text *out, struct pending p, size_t *used)
{
    char word[NDC_VN_ROOM(48)];
    size_t len = NDC_MIN((size_t)(p.to - p.from), (size_t)48);
    if (out->n >= ADDR_TOKENS_MAX || *used + 2 * sizeof(word) > sizeof(out->bytes))
        return;
    size_t n = ndc_vn_fold(word, ndc_str_n(out->raw.ptr + p.from, len),
                           NDC_VN_FOLD_FULL | NDC_VN_FOLD_YI, NULL);
    if (n == 0) return;
    size_t digits = 0;
    while (digits + 1 < n && word[n - 1 - digits] >= '0' && word[n - 1 - digits] <= '9')
        digits++;
    bool glued = digits > 0 && digits + 1 == n &&
                 (word[0] == 'q' || word[0] == 'p' || word[0] == 'f');
    if (!glued || out->n + 2 > ADDR_TOKENS_MAX) {
        add_token(out, ndc_str_n(word, n), p, used);
        return;
    }
    struct pending second = {(uint16_t)(p.from + 1), p.to, false, false};
    p.to = second.from;
    add_token(out, ndc_str_n(word, 1), p, used);
    add_token(out, ndc_str_n(word + 1, n - 1), second, used);
}

void addr_tokens(struct addr_text *out, struct ndc_str raw)
{
    struct pending last[ADDR_TOKENS_MAX], p = {0, 0, true, false};
    size_t count = 0, used = 0;
    out->raw = raw;
    out->n = 0;
    out->marked = false;
    for (size_t i = 0; i < raw.len; i++)
        out->marked |= (raw.ptr[i] & 0x80) != 0;
    out->tables = norm_tables();
    for (size_t i = 0; i < raw.len;) {
        unsigned char c = (unsigned char)raw.ptr[i];
        size_t wide = c >= 0x80 ? wide_separator(ndc_str_from(raw, i), &p.dash) : 0;
        if (wide || !word_byte(c)) {
            p.comma |= c == ',' || c == ';' || c == '\n' || c == '(' || c == ')';
            p.dash |= c == '-' || c == '/' || c == '|';
            i += wide ? wide : 1;
            continue;
        }
        p.from = (uint16_t)i;
        while (i < raw.len && word_byte((unsigned char)raw.ptr[i])) {
            bool dash = false;
            if ((unsigned char)raw.ptr[i] >= 0x80 &&
                wide_separator(ndc_str_from(raw, i), &dash))
                break;
            i++;
        }
        p.to = (uint16_t)i;
        last[count++ % ADDR_TOKENS_MAX] = p;
        p = (struct pending){0, 0, false, false};
    }
    size_t from = count > ADDR_TOKENS_MAX ? count - ADDR_TOKENS_MAX : 0;
    for (size_t k = from; k < count; k++)
        fold_token(out, last[k % ADDR_TOKENS_MAX], &used);
    out->t[out->n] = (struct addr_token){
        .raw_from = (uint16_t)raw.len, .at = (uint16_t)used, .comma = true};
}

struct ndc_str addr_span(const struct addr_text *x, unsigned from, unsigned to)
{
    return ndc_str_n(x->bytes + x->t[from].at, (size_t)(x->t[to].at - x->t[from].at));
}

static bool token_is(const struct addr_text *x, unsigned i, const char *word)
{
    return ndc_str_eq(addr_span(x, i, i + 1), ndc_str(word));
}

unsigned addr_end(const struct addr_text *x)
{
    unsigned n = x->n;
    while (n > 1) {
        struct ndc_str last = addr_span(x, n - 1, n);
        bool digits = last.len == 5 || last.len == 6;
        for (size_t i = 0; i < last.len; i++)
            digits = digits && last.ptr[i] >= '0' && last.ptr[i] <= '9';
        if (digits || token_is(x, n - 1, "vietnam") || token_is(x, n - 1, "vn"))
            n--;
        else if (n > 2 && token_is(x, n - 2, "viet") && token_is(x, n - 1, "nam"))
            n -= 2;
        else
            break;
    }
    return n;
}

#define K(kind) (uint16_t)(1u << NDC_UNIT_##kind)

struct kind_word {
    const char *word;
    uint16_t mask;
};

/* Words of one token, as folded (y as i: city is citi); those of two are looked for
 * first. */
static const struct kind_word before_words[] = {
    {"p", K(PHUONG)},
    {"phuong", K(PHUONG)},
    {"xa", K(XA)},
    {"q", K(QUAN)},
    {"quan", K(QUAN)},
    {"h", K(HUYEN)},
    {"huyen", K(HUYEN)},
    {"tp", K(THANH_PHO)},
    {"tinh", K(TINH)},
    {"t", K(TINH)},
    {"tx", K(THI_XA)},
    {"tt", K(THI_TRAN)},
    {"ttr", K(THI_TRAN)},
    {"x", K(XA)},
    {"f", K(PHUONG)},
    {"dk", K(DAC_KHU)},
    {"ward", K(PHUONG)},
    {"commune", K(XA)},
    {"district", K(QUAN) | K(HUYEN)},
    {"dist", K(QUAN) | K(HUYEN)},
    {"citi", K(THANH_PHO)},
    {"province", K(TINH)},
};
static const struct kind_word pairs[] = {
    {"thanhpho", K(THANH_PHO)}, {"thixa", K(THI_XA)}, {"thitran", K(THI_TRAN)},
    {"dackhu", K(DAC_KHU)},     {"tp", K(THANH_PHO)}, {"tx", K(THI_XA)},
    {"tt", K(THI_TRAN)},
};
static const struct kind_word after_words[] = {
    {"citi", K(THANH_PHO)},    {"province", K(TINH)}, {"district", K(QUAN) | K(HUYEN)},
    {"ward", K(PHUONG)},       {"commune", K(XA)},    {"town", K(THI_XA)},
    {"township", K(THI_TRAN)},
};

static uint16_t look(const struct kind_word *words, size_t n, struct ndc_str s)
{
    for (size_t i = 0; i < n; i++)
        if (words[i].word[0] == s.ptr[0] && ndc_str_eq_c(s, words[i].word))
            return words[i].mask;
    return 0;
}

static bool joined(const struct addr_token *t)
{
    return !t->comma && !t->dash;
}

struct addr_kind addr_kind_before(const struct addr_text *x, unsigned at)
{
    uint16_t mask;
    if (at == 0 || !joined(&x->t[at])) return (struct addr_kind){0, 0};
    if (at >= 2 && joined(&x->t[at - 1]) && x->t[at - 1].len <= 4) {
        struct ndc_str two = addr_span(x, at - 2, at);
        if (two.len <= 8 && (mask = look(pairs, NDC_ARRAY_LEN(pairs), two)))
            return (struct addr_kind){mask, 2};
    }
    if (x->t[at - 1].len <= 8 && (mask = look(before_words, NDC_ARRAY_LEN(before_words),
                                              addr_span(x, at - 1, at))))
        return (struct addr_kind){mask, 1};
    return (struct addr_kind){0, 0};
}

struct addr_kind addr_kind_after(const struct addr_text *x, unsigned at)
{
    uint16_t mask;
    if (at >= 2 && !x->t[at - 1].comma &&
        (mask = look(after_words, NDC_ARRAY_LEN(after_words), addr_span(x, at - 1, at))))
        return (struct addr_kind){mask, 1};
    return (struct addr_kind){0, 0};
}

static void finish_hit(struct addr_hit *h, const struct addr_text *x, unsigned name,
                       unsigned end, struct addr_kind after)
{
    struct addr_kind before = addr_kind_before(x, name);
    unsigned start = name - before.tokens;
    h->name = (uint8_t)name;
    h->name_end = (uint8_t)end;
    h->start = (uint8_t)start;
    h->mask = before.mask | after.mask;
    h->bounded = before.mask || x->t[start].comma || x->t[start].dash;
    h->marked = x->marked;
    h->exact = 0;
}

uint32_t addr_exact(struct addr_hit *h, const struct addr_text *x)
{
    if (h->marked && h->exact == 0)
        h->exact = norm_exact_hash(
            ndc_str_n(x->raw.ptr + x->t[h->name].raw_from,
                      (size_t)(x->t[h->name_end - 1].raw_to - x->t[h->name].raw_from)));
    return h->exact;
}

unsigned addr_hits(struct addr_hit *out, const struct addr_text *x, unsigned end)
{
    unsigned n = 0;
    struct addr_kind after = addr_kind_after(x, end);
    end -= after.tokens;
    unsigned low = end > ADDR_NAME_TOKENS ? end - ADDR_NAME_TOKENS : 0;
    unsigned from = end;
    while (from > low && (from == end || !x->t[from].comma))
        from--;
    for (; from < end; from++) {
        struct ndc_str name = addr_span(x, from, end);
        if (name.len == 0 || name.len >= NORM_FOLDED_MAX) continue;
        const struct norm_entry *e = norm_entry_find(x->tables, norm_name_key(name));
        if (!e) continue;
        out[n].entry = e;
        finish_hit(&out[n++], x, from, end, after);
    }
    return n;
}

bool addr_phrase(struct addr_hit *out, const struct addr_text *x, unsigned end)
{
    unsigned from = end;
    struct addr_kind after = addr_kind_after(x, end);
    end = from -= after.tokens;
    while (from > 0 && end - from < ADDR_NAME_TOKENS) {
        from--;
        if (x->t[from].comma || x->t[from].dash || addr_kind_before(x, from).mask) break;
    }
    if (from == end) return false;
    /* A street's words stand before a comma: the phrase must start at a boundary. */
    finish_hit(out, x, from, end, after);
    size_t len = addr_span(x, from, end).len;
    out->entry = NULL;
    return out->bounded && len >= 4 && len < NORM_FOLDED_MAX;
}

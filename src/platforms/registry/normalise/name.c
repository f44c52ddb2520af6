/* Personal names: cleaned, in name case, honorifics off, and where surname and given name
 * lie. A Vietnamese name is surname, middle words, given name; the surname is the first
 * word unless the first words are a compound surname. Ê Đê and kin put the clan last and
 * a particle first (Y, H'): those have no surname here and are one given name. Nothing is
 * reordered: a name without a known surname is flagged, not guessed at. */
#include "platforms/registry/normalise/name.h"

/* Longest first. */
static const char *const compounds[] = {
    "cong tang ton nu", "cong huyen ton nu", "huyen ton nu",
    "cong ton nu",      "ton that",          "ton nu",
    "au duong",         "hoang phu",         "tu ma",
    "gia cat",          "ro cham",           "ro mah",
    "rah lan",          "buon krong",        "buon ya",
    "nie kdam"};

bool name_opens_compound(struct ndc_str folded)
{
    for (size_t c = 0; folded.len && c < NDC_ARRAY_LEN(compounds); c++) {
        const char *first = compounds[c];
        if (strncmp(first, folded.ptr, folded.len) == 0 && first[folded.len] == ' ')
            return true;
    }
    return false;
}

/* Of a name read as a whole: where its words' texts are. */
struct bytes {
    char folded[NDC_VN_ROOM(NDC_VN_ROOM(NDC_NORM_NAME_MAX)) + NAME_WORDS_MAX * 4];
    char cased[NDC_VN_ROOM(NDC_VN_ROOM(NDC_NORM_NAME_MAX)) + NAME_WORDS_MAX * 4];
};

static void split_words(struct name_words *out, struct bytes *bytes, struct ndc_str text)
{
    char *folded = bytes->folded, *cased = bytes->cased;
    struct ndc_str rest = text, part;
    out->n = 0;
    while (ndc_str_split(&rest, ' ', &part) && out->n < NAME_WORDS_MAX) {
        if (part.len == 0) continue;
        struct name_word *w = &out->w[out->n++];
        w->folded = ndc_str_n(folded, ndc_vn_fold(folded, part, NDC_VN_FOLD_FULL, NULL));
        w->facts = name_facts(part, w->folded);
        w->text = part;
        if (!(w->facts & NAME_KEEP_CASE)) {
            w->text = ndc_str_n(cased, ndc_vn_name_case(cased, part));
            cased += w->text.len;
        }
        folded += w->folded.len;
    }
}

/* Academic and other titles are no syllables; the words for sir and madam can be names,
 * so they go only before a known surname. */
static unsigned titles(const struct name_words *s, bool toneless)
{
    unsigned k = 0;
    for (; k + 1 < s->n; k++) {
        unsigned facts = s->w[k].facts;
        if (facts & NAME_TITLE) continue;
        if (!(s->w[k + 1].facts & NAME_SURNAME) || s->n - k < 3) break;
        if (!(facts & NAME_HONORIFIC) && !(toneless && facts & NAME_HONORIFIC_TONELESS))
            break;
    }
    return k;
}

/* ASCII characters that no name has. */
static bool strange(unsigned char c)
{
    static const uint64_t set[2] = {
        1ull << '"' | 1ull << '#' | 1ull << '$' | 1ull << '%' | 1ull << '&' |
            1ull << '*' | 1ull << '+' | 1ull << '/' | 1ull << ':' | 1ull << ';' |
            1ull << '<' | 1ull << '=' | 1ull << '>' | 1ull << '?' | 1ull << '!',
        1ull << ('@' - 64) | 1ull << ('[' - 64) | 1ull << ('\\' - 64) |
            1ull << (']' - 64) | 1ull << ('^' - 64) | 1ull << ('_' - 64) |
            1ull << ('{' - 64) | 1ull << ('|' - 64) | 1ull << ('}' - 64) |
            1ull << ('~' - 64)};
    return c < 128 && (set[c >> 6] >> (c & 63) & 1);
}

/* Letters, and the few marks that names have; anything else is named by the reason. */
static enum ndc_norm_reason check_characters(struct ndc_str s, unsigned flags)
{
    bool letters = (flags & (NDC_VN_UPPER | NDC_VN_LOWER | NDC_VN_FOREIGN)) != 0;
    if (flags & (NDC_VN_INVALID | NDC_VN_CONTROL)) return NDC_NORM_BAD_CHARACTERS;
    if (flags & NDC_VN_DIGITS) return NDC_NORM_NAME_DIGITS;
    for (size_t i = 0; i < s.len; i++)
        if (strange((unsigned char)s.ptr[i])) return NDC_NORM_BAD_CHARACTERS;
    if (memmem(s.ptr, s.len, "\xef\xbf\xbd", 3)) return NDC_NORM_BAD_CHARACTERS;
    return letters ? NDC_NORM_OK : NDC_NORM_NAME_NO_LETTERS;
}

static bool placeholder(const struct name_words *s)
{
    struct ndc_str f = s->w[0].folded;
    if (s->n == 1) {
        bool same = f.len >= 3;
        for (size_t i = 1; i < f.len; i++)
            same = same && f.ptr[i] == f.ptr[0];
        return same || name_one_of(f, " test abc xyz asdf qwerty demo ");
    }
    struct ndc_str second = s->w[1].folded;
    return s->n == 2 &&
           ((ndc_str_eq(f, NDC_STR("khong")) && ndc_str_eq(second, NDC_STR("ten"))) ||
            (ndc_str_eq(f, NDC_STR("vo")) && ndc_str_eq(second, NDC_STR("danh"))));
}

/* How many of the words from k on are the surname. */
static unsigned surname_words(const struct name_words *s, unsigned k)
{
    bool opens = s->w[k].facts & NAME_COMPOUND;
    for (size_t c = 0; opens && c < NDC_ARRAY_LEN(compounds); c++) {
        struct ndc_str rest = ndc_str(compounds[c]), part;
        unsigned at = k;
        bool same = true;
        while (same && ndc_str_split(&rest, ' ', &part))
            same = at < s->n && ndc_str_eq(s->w[at++].folded, part);
        if (same && at < s->n) return at - k;
    }
    return s->w[k].facts & NAME_SURNAME ? 1 : 0;
}

/* "(tức Ba Tý)" and stray marks at the ends go. */
static struct ndc_str trim_name(struct ndc_str s, uint32_t *flags)
{
    size_t open = ndc_str_find(s, '(');
    if (open > 0 && open < s.len && s.ptr[s.len - 1] == ')') {
        s.len = open;
        *flags |= NDC_NORM_REPAIRED;
    }
    while (s.len && strchr(" ,.-;:'\"*", s.ptr[s.len - 1]))
        s.len--;
    while (s.len && strchr(" ,.-;:'\"*", s.ptr[0])) {
        s.ptr++;
        s.len--;
    }
    return s;
}

static void write_parts(struct ndc_norm_name *out, const struct name_words *s, unsigned k)
{
    bool clan_last = s->n - k >= 2 && s->w[k].facts & NAME_CLAN_LAST;
    bool whole = s->n - k == 1 || clan_last;
    unsigned surname = clan_last ? 0 : surname_words(s, k);
    size_t len = 0;
    for (unsigned i = k; i < s->n; i++) {
        struct ndc_str w = s->w[i].text;
        if (s->w[i].folded.len == 1) out->flags |= NDC_NORM_INITIALS;
        if (i + 1 == s->n && !whole) out->given_at = (uint16_t)(len + (len > 0));
        if (len > 0) out->text[len++] = ' ';
        memcpy(out->text + len, w.ptr, w.len);
        len += w.len;
        if (!whole && i + 1 == k + surname) out->surname_len = (uint16_t)len;
    }
    if (s->n - k == 1) out->flags |= NDC_NORM_ONE_WORD;
    if (surname == 0 && !clan_last) out->flags |= NDC_NORM_FOREIGN;
    out->len = (uint16_t)len;
    out->text[len] = 0;
}

/* The name of these words; flags are the whole text's. */
static enum ndc_norm_reason settle(struct ndc_norm_name *out, const struct name_words *s,
                                   unsigned flags)
{
    if (s->n == 0 || s->n == NAME_WORDS_MAX) return NDC_NORM_TOO_LONG;
    if (placeholder(s)) return NDC_NORM_NAME_PLACEHOLDER;
    bool toneless = !(flags & (NDC_VN_TONES | NDC_VN_MARKS));
    unsigned k = titles(s, toneless);
    if (k) out->flags |= NDC_NORM_TITLE;
    if (toneless) out->flags |= NDC_NORM_TONELESS;
    if (!(flags & NDC_VN_UPPER) || !(flags & NDC_VN_LOWER))
        out->flags |= NDC_NORM_RECASED;
    write_parts(out, s, k);
    return NDC_NORM_OK;
}

static void begin(struct ndc_norm_name *out)
{
    out->flags = 0;
    out->len = out->surname_len = out->given_at = 0;
    out->text[0] = 0;
}

enum ndc_norm_reason ndc_norm_name(struct ndc_norm_name *out, struct ndc_str raw)
{
    char clean[NDC_VN_ROOM(NDC_NORM_NAME_MAX)];
    struct bytes bytes;
    struct name_words words;
    unsigned flags = 0;
    begin(out);
    if (ndc_norm_is_missing(raw)) return NDC_NORM_MISSING;
    if (raw.len > 140) return NDC_NORM_TOO_LONG;
    struct ndc_str s = ndc_str_n(clean, ndc_vn_clean(clean, raw, &flags));
    if (flags & (NDC_VN_RETONED | NDC_VN_HIDDEN)) out->flags |= NDC_NORM_REPAIRED;
    s = trim_name(s, &out->flags);
    enum ndc_norm_reason reason = check_characters(s, flags);
    if (reason) return reason;
    split_words(&words, &bytes, s);
    return settle(out, &words, flags);
}

enum ndc_norm_reason ndc_norm_name_again(struct ndc_norm_name *out,
                                         struct ndc_norm_memo *memo, struct ndc_str raw)
{
    struct name_words words;
    unsigned flags = 0;
    if (raw.len > 140 || !name_words_again(&words, &flags, memo->names, raw) ||
        words.w[0].facts & NAME_MAY_BE_NOTHING)
        return ndc_norm_name(out, raw);
    begin(out);
    if (flags & NDC_VN_RETONED) out->flags |= NDC_NORM_REPAIRED;
    return settle(out, &words, flags);
}

struct ndc_str ndc_norm_surname(const struct ndc_norm_name *name)
{
    return ndc_str_n(name->text, name->surname_len);
}

struct ndc_str ndc_norm_given(const struct ndc_norm_name *name)
{
    return ndc_str_n(name->text + name->given_at, (size_t)(name->len - name->given_at));
}

struct ndc_str ndc_norm_middle(const struct ndc_norm_name *name)
{
    size_t from = name->surname_len ? name->surname_len + 1u : 0;
    if (name->given_at <= from) return NDC_STR("");
    return ndc_str_n(name->text + from, name->given_at - 1u - from);
}

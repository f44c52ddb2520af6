/* Spellings (spelling.h). Syllables are an initial and a rime: Đoàn Thiện Thuật, Ngữ âm
 * tiếng Việt (1977), with the letters of today's spelling and without marks. What sounds
 * alike: s/x, tr/ch, d/gi/r/v, l/n, c/k/q, ng/ngh, g/gh, i/y; final n/ng and t/c. */
#include "platforms/registry/serve/spelling.h"

enum { INITIAL_BYTES_MAX = 3, RIME_BYTES_MAX = 5 };

static const char *const initials[] = {
    "",   "b",   "c",  "ch", "d",  "g", "gh", "gi", "h", "k", "kh", "l",  "m", "n",
    "ng", "ngh", "nh", "p",  "ph", "q", "qu", "r",  "s", "t", "th", "tr", "v", "x"};

static const char *const rimes[] = {
    "a",   "ac",  "ach", "ai",   "am",   "an",  "ang",  "anh",  "ao",   "ap",   "at",
    "au",  "ay",  "e",   "ec",   "ech",  "em",  "en",   "eng",  "enh",  "eo",   "ep",
    "et",  "eu",  "i",   "ia",   "ich",  "iec", "iem",  "ien",  "ieng", "iep",  "iet",
    "ieu", "im",  "in",  "inh",  "ip",   "it",  "iu",   "o",    "oa",   "oac",  "oach",
    "oai", "oam", "oan", "oang", "oanh", "oao", "oap",  "oat",  "oay",  "oc",   "oe",
    "oen", "oeo", "oet", "oi",   "om",   "on",  "ong",  "ooc",  "oong", "op",   "ot",
    "u",   "ua",  "uan", "uang", "uat",  "uay", "uc",   "ue",   "uech", "uenh", "ui",
    "um",  "un",  "ung", "uo",   "uoc",  "uoi", "uom",  "uon",  "uong", "uop",  "uot",
    "uou", "up",  "ut",  "uu",   "uy",   "uya", "uych", "uyen", "uyet", "uynh", "uyt",
    "uyu", "y",   "yem", "yen",  "yet",  "yeu", "ynh"};

static bool in(const char *const *list, size_t n, struct ndc_str s)
{
    for (size_t i = 0; i < n; i++)
        if (ndc_str_eq_c(s, list[i])) return true;
    return false;
}

bool ndc_spelling_is_syllable(struct ndc_str word)
{
    for (size_t cut = 0; cut <= INITIAL_BYTES_MAX && cut < word.len; cut++)
        if (word.len - cut <= RIME_BYTES_MAX &&
            in(rimes, NDC_ARRAY_LEN(rimes), ndc_str_from(word, cut)) &&
            in(initials, NDC_ARRAY_LEN(initials), ndc_str_n(word.ptr, cut)))
            return true;
    return false;
}

static void add(struct ndc_spellings *out, struct ndc_str word, struct ndc_str other)
{
    if (out->count == NDC_SPELLING_MAX || !other.len || other.len >= NDC_SPELLING_BYTES ||
        ndc_str_eq(word, other) || !ndc_spelling_is_syllable(other))
        return;
    for (unsigned i = 0; i < out->count; i++)
        if (ndc_str_eq_c(other, out->items[i])) return;
    memcpy(out->items[out->count], other.ptr, other.len);
    out->items[out->count++][other.len] = 0;
}

/* `from` replaced by `to` at the beginning or the end of the word. */
static void add_replaced(struct ndc_spellings *out, struct ndc_str word, const char *from,
                         const char *to, bool at_end)
{
    char made[2 * NDC_SPELLING_BYTES];
    size_t n = strlen(from), m = strlen(to), rest = word.len - n;
    if (word.len < n || memcmp(word.ptr + (at_end ? rest : 0), from, n) != 0) return;
    memcpy(made + (at_end ? rest : 0), to, m);
    memcpy(made + (at_end ? 0 : m), word.ptr + (at_end ? 0 : n), rest);
    add(out, word, ndc_str_n(made, rest + m));
}

static void add_alike(struct ndc_spellings *out, struct ndc_str word)
{
    static const char *const first[][2] = {
        {"tr", "ch"}, {"s", "x"},    {"d", "gi"}, {"d", "r"},  {"d", "v"},
        {"gi", "r"},  {"gi", "v"},   {"l", "n"},  {"c", "k"},  {"c", "q"},
        {"k", "q"},   {"ng", "ngh"}, {"g", "gh"}, {"qu", "w"}, {"gi", "d"},
        {"ph", "f"},  {"d", "z"},    {"gi", "z"}, {"gi", "j"}, {"qu", "v"}};
    static const char *const last[][2] = {{"i", "y"}, {"n", "ng"}, {"t", "c"}};
    for (size_t i = 0; i < NDC_ARRAY_LEN(first); i++) {
        add_replaced(out, word, first[i][0], first[i][1], false);
        add_replaced(out, word, first[i][1], first[i][0], false);
    }
    for (size_t i = 0; i < NDC_ARRAY_LEN(last); i++) {
        add_replaced(out, word, last[i][0], last[i][1], true);
        add_replaced(out, word, last[i][1], last[i][0], true);
    }
}

static void add_edits(struct ndc_spellings *out, struct ndc_str word)
{
    char made[NDC_SPELLING_BYTES + 1];
    size_t n = word.len;
    for (size_t i = 0; i < n; i++) { /* left out */
        memcpy(made, word.ptr, i);
        memcpy(made + i, word.ptr + i + 1, n - i - 1);
        add(out, word, ndc_str_n(made, n - 1));
    }
    for (size_t i = 0; i + 1 < n; i++) { /* swapped */
        memcpy(made, word.ptr, n);
        made[i] = word.ptr[i + 1];
        made[i + 1] = word.ptr[i];
        add(out, word, ndc_str_n(made, n));
    }
    for (size_t i = 0; i <= n; i++) {
        for (int c = 'a'; c <= 'z'; c++) {
            memcpy(made, word.ptr, n);
            if (i < n) {
                made[i] = (char)c;
                add(out, word, ndc_str_n(made, n));
            }
            memcpy(made, word.ptr, i);
            made[i] = (char)c;
            memcpy(made + i + 1, word.ptr + i, n - i);
            add(out, word, ndc_str_n(made, n + 1));
        }
    }
}

void ndc_spelling_others(struct ndc_spellings *out, struct ndc_str word)
{
    out->count = 0;
    if (word.len == 0 || word.len + 2 > NDC_SPELLING_BYTES) return;
    add_alike(out, word);
    add_edits(out, word);
}

bool ndc_spelling_alike(struct ndc_str a, struct ndc_str b)
{
    struct ndc_spellings other = {0};
    if (a.len == 0 || a.len + 2 > NDC_SPELLING_BYTES) return false;
    add_alike(&other, a);
    for (unsigned i = 0; i < other.count; i++)
        if (ndc_str_eq_c(b, other.items[i])) return true;
    return false;
}

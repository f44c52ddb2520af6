/* Vietnamese full names: surname first, given name last, middle names between. Tones are
 * lost or moved, y is written i, surnames have variants (Huỳnh/Hoàng, Võ/Vũ: an alias
 * table), parts are dropped, cut to initials or put in Western order. A value's class is
 * its form without tones, with y as i and variants made one. */
#include "platforms/registry/link/compare.h"
#include "platforms/registry/link/text.h"

const char *const ndc_link_vi_name_levels[VI_NAME_LEVELS] = {
    "exact",    "tones differ", "parts missing",         "order differs", "one letter",
    "initials", "other middle", "given name and a part", "different"};

enum {
    VI_TONES = 2,
    VI_PARTS,
    VI_ORDER,
    VI_LETTER,
    VI_INITIALS,
    VI_MIDDLE,
    VI_GIVEN,
    VI_DIFFERENT
};

enum { VI_TOKENS_MAX = 10 };

static void class_text(struct ndc_buf *out, struct ndc_buf *plain,
                       const struct aliases *aliases, struct ndc_str value)
{
    ndc_link_text_fold_class(plain, value);
    struct ndc_str tokens[VI_TOKENS_MAX];
    unsigned n = ndc_link_text_tokens(ndc_buf_str(plain), tokens, VI_TOKENS_MAX);
    for (unsigned i = 0; i < n; i++) {
        struct ndc_str word = tokens[i];
        if (i == 0) word = ndc_link_aliases_canonical(aliases, word);
        if (i > 0) ndc_buf_add_byte(out, ' ');
        ndc_buf_add_str(out, word);
    }
}

void ndc_link_vi_name_prepare(struct column *column)
{
    uint32_t n = column->dict->count;
    column->class_of = ndc_xcalloc((size_t)n + 1, sizeof(uint32_t));
    struct ndc_buf text, plain;
    ndc_buf_init(&text, 1u << 16);
    ndc_buf_init(&plain, 1u << 16);
    for (uint32_t id = 1; id <= n; id++) {
        ndc_buf_reset(&text);
        ndc_buf_reset(&plain);
        class_text(&text, &plain, column->field->aliases, ndc_dict_get(column->dict, id));
        column->class_of[id] = ndc_dict_add(&column->class_names, ndc_buf_str(&text));
    }
    ndc_buf_free(&text);
    ndc_buf_free(&plain);
}

static bool in_order(const struct word *few, unsigned nf, const struct word *many,
                     unsigned nm)
{
    unsigned i = 0;
    for (unsigned j = 0; j < nm && i < nf; j++)
        if (word_eq(&few[i], &many[j])) i++;
    return i == nf;
}

static bool same_words(const struct word *x, const struct word *y, unsigned n)
{
    uint32_t used = 0;
    for (unsigned i = 0; i < n; i++) {
        unsigned j = 0;
        while (j < n && ((used >> j & 1) || !word_eq(&x[i], &y[j])))
            j++;
        if (j == n) return false;
        used |= 1u << j;
    }
    return true;
}

static bool same_initials(const struct word *x, const struct word *y, unsigned n)
{
    bool cut = false;
    for (unsigned i = 0; i < n; i++) {
        if (word_eq(&x[i], &y[i])) continue;
        if ((x[i].text.len > 1 && y[i].text.len > 1) ||
            x[i].text.ptr[0] != y[i].text.ptr[0])
            return false;
        cut = true;
    }
    return cut;
}

uint8_t ndc_link_vi_name_compare(const struct column *column, uint32_t a, uint32_t b)
{
    uint32_t ca = column->class_of[a], cb = column->class_of[b];
    if (ca == cb) return VI_TONES;
    struct ndc_str s = ndc_dict_get(&column->class_names, ca);
    struct ndc_str t = ndc_dict_get(&column->class_names, cb);
    struct word x[VI_TOKENS_MAX], y[VI_TOKENS_MAX];
    unsigned nx = ndc_link_text_words(s, x, VI_TOKENS_MAX),
             ny = ndc_link_text_words(t, y, VI_TOKENS_MAX);
    if (nx == 0 || ny == 0) return VI_DIFFERENT;
    bool surname = word_eq(&x[0], &y[0]), given = word_eq(&x[nx - 1], &y[ny - 1]);
    if (nx == ny && same_words(x, y, nx)) return VI_ORDER;
    if (surname && given && nx != ny &&
        (nx < ny ? in_order(x, nx, y, ny) : in_order(y, ny, x, nx)))
        return VI_PARTS;
    if (ndc_link_text_distance(s, t, 1) <= 1) return VI_LETTER;
    if (nx == ny && same_initials(x, y, nx)) return VI_INITIALS;
    if (surname && given) return VI_MIDDLE;
    if (!given) return VI_DIFFERENT;
    unsigned shared = 0;
    for (unsigned i = 0; i + 1 < nx; i++)
        for (unsigned j = 0; j + 1 < ny; j++)
            shared += word_eq(&x[i], &y[j]);
    return shared > 0 ? VI_GIVEN : VI_DIFFERENT;
}

/* Words that stand for one another: nicknames, spelling variants of surnames. The table
 * is a CSV file, one group a line, first the usual form. A word may stand in several
 * lines. */
#include "base/csv.h"
#include "platforms/registry/link/spec.h"
#include "platforms/registry/link/text.h"
#include "sys/file.h"

enum { ALIAS_FILE_BYTES_MAX = 16 << 20, ALIAS_GROUPS_PER_WORD = 6 };

struct aliases {
    struct ndc_dict words;
    /* (word id - 1) * ALIAS_GROUPS_PER_WORD: the lines it stands in, 0: none */
    uint32_t *groups;
    uint32_t groups_cap;
    uint32_t *first_of; /* line -> its first word */
    uint32_t line_count, line_cap;
};

static void add_word(struct aliases *t, struct ndc_str word, uint32_t line, bool first)
{
    uint32_t id = ndc_dict_add(&t->words, word);
    if (id == 0) return;
    if (id > t->groups_cap) {
        uint32_t cap = NDC_MAX(id, t->groups_cap * 2 + 64);
        size_t unit = ALIAS_GROUPS_PER_WORD * sizeof *t->groups;
        t->groups = ndc_xrealloc(t->groups, cap * unit);
        memset((char *)t->groups + t->groups_cap * unit, 0, (cap - t->groups_cap) * unit);
        t->groups_cap = cap;
    }
    uint32_t *g = t->groups + (size_t)(id - 1) * ALIAS_GROUPS_PER_WORD;
    for (unsigned i = 0; i < ALIAS_GROUPS_PER_WORD; i++) {
        if (g[i] != 0) continue;
        g[i] = line;
        break;
    }
    if (first) t->first_of[line] = id;
}

struct aliases *ndc_link_aliases_new(void)
{
    struct aliases *t = ndc_xcalloc(1, sizeof *t);
    ndc_dict_init(&t->words);
    return t;
}

void ndc_link_aliases_add(struct aliases *t, const struct ndc_str *words, size_t n)
{
    if (t->line_count + 2 > t->line_cap) {
        t->line_cap = t->line_cap * 2 + 64;
        t->first_of = ndc_xrealloc(t->first_of, t->line_cap * sizeof *t->first_of);
    }
    uint32_t line = ++t->line_count;
    t->first_of[line] = 0;
    struct ndc_buf word;
    ndc_buf_init(&word, 4096);
    for (size_t i = 0; i < n; i++) {
        ndc_buf_reset(&word);
        ndc_link_text_fold_plain(&word, words[i]);
        add_word(t, ndc_buf_str(&word), line, i == 0);
    }
    ndc_buf_free(&word);
}

enum ndc_err ndc_link_aliases_load(struct aliases **out, const char *path,
                                   struct ndc_fault *fault)
{
    struct ndc_buf text;
    struct ndc_csv csv;
    struct aliases *t = ndc_link_aliases_new();
    ndc_buf_init(&text, ALIAS_FILE_BYTES_MAX);
    ndc_csv_init(&csv);
    enum ndc_err err = ndc_file_read(&text, path, fault);
    if (err) goto out;
    ndc_csv_feed(&csv, text.ptr, text.len);
    ndc_csv_end(&csv);
    for (;;) {
        bool have = false;
        err = ndc_csv_next(&csv, &have, fault);
        if (err || !have) break;
        ndc_link_aliases_add(t, csv.fields, csv.field_count);
    }
out:
    ndc_csv_free(&csv);
    ndc_buf_free(&text);
    if (err) {
        ndc_link_aliases_free(t);
        t = NULL;
    }
    *out = t;
    return err;
}

void ndc_link_aliases_free(struct aliases *t)
{
    if (!t) return;
    ndc_dict_free(&t->words);
    free(t->groups);
    free(t->first_of);
    free(t);
}

bool ndc_link_aliases_match(const struct aliases *t, struct ndc_str a, struct ndc_str b)
{
    if (!t) return false;
    uint32_t x = ndc_dict_find(&t->words, a), y = ndc_dict_find(&t->words, b);
    if (x == 0 || y == 0) return false;
    const uint32_t *g = t->groups + (size_t)(x - 1) * ALIAS_GROUPS_PER_WORD;
    const uint32_t *h = t->groups + (size_t)(y - 1) * ALIAS_GROUPS_PER_WORD;
    for (unsigned i = 0; i < ALIAS_GROUPS_PER_WORD && g[i]; i++)
        for (unsigned j = 0; j < ALIAS_GROUPS_PER_WORD && h[j]; j++)
            if (g[i] == h[j]) return true;
    return false;
}

struct ndc_str ndc_link_aliases_canonical(const struct aliases *t, struct ndc_str word)
{
    uint32_t id = t ? ndc_dict_find(&t->words, word) : 0;
    if (id == 0) return word;
    uint32_t first = t->first_of[t->groups[(size_t)(id - 1) * ALIAS_GROUPS_PER_WORD]];
    return first ? ndc_dict_get(&t->words, first) : word;
}

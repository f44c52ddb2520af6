/* How well an entity is what was asked (search_internal.h). */
#include "platforms/registry/entity/index.h"
#include "platforms/registry/serve/search_internal.h"
#include "platforms/registry/serve/spelling.h"

#include "base/vntext.h"

void ndc_search_words(struct search_words *out, struct ndc_str folded)
{
    struct ndc_str word;
    out->n = 0;
    while (out->n < SEARCH_WORDS_MAX && ndc_str_split(&folded, ' ', &word))
        if (word.len) out->items[out->n++] = word;
}

/* ---- names ---- */

struct fit {
    double sum;               /* of the query's words that the name has */
    unsigned used;            /* bits of the name's words */
    int at[SEARCH_WORDS_MAX]; /* where each word of the query was found; -1: nowhere */
};

static double alike(struct ndc_str asked, struct ndc_str has)
{
    size_t d = ndc_str_distance(asked, has, 2);
    if (d == 0) return 1;
    if (d == 1) return NDC_MIN(asked.len, has.len) > 2 ? 0.75 : 0.55;
    if (ndc_spelling_alike(asked, has)) return 0.75;
    return d == 2 && asked.len > 5 ? 0.5 : 0;
}

/* Same words first, at the same place if they can be, so that no likeness takes a word
 * from the one that is the same. */
static void fit_words(struct fit *f, const struct search_words *asked,
                      const struct search_words *has)
{
    *f = (struct fit){0};
    for (unsigned i = 0; i < asked->n; i++)
        f->at[i] = -1;
    for (int pass = 0; pass < 2; pass++) {
        for (unsigned i = 0; i < asked->n; i++) {
            double best = 0;
            if (f->at[i] >= 0) continue;
            for (unsigned k = 0; k < has->n; k++) {
                if (f->used >> k & 1) continue;
                double s = pass ? alike(asked->items[i], has->items[k])
                                : ndc_str_eq(asked->items[i], has->items[k]);
                if (s > best || (s > 0 && s == best && k == i)) {
                    best = s;
                    f->at[i] = (int)k;
                }
            }
            if (f->at[i] < 0) continue;
            f->used |= 1u << f->at[i];
            f->sum += best;
        }
    }
}

/* Words whose tones contradict, where both sides have tones at all. */
static unsigned contradictions(const struct search *s, const struct fit *f,
                               const struct search_words *has,
                               const struct search_words *cased)
{
    unsigned n = 0;
    if (s->cased.n != s->words.n || cased->n != has->n) return 0;
    for (unsigned i = 0; i < s->words.n; i++) {
        if (f->at[i] < 0) continue;
        unsigned k = (unsigned)f->at[i];
        n += ndc_str_eq(s->words.items[i], has->items[k]) &&
             !ndc_str_eq(s->cased.items[i], cased->items[k]);
    }
    return n;
}

static double name_score(const struct search *s, struct ndc_str name)
{
    char folded[NDC_VN_ROOM(SEARCH_NAME_BYTES)], kept[NDC_VN_ROOM(SEARCH_NAME_BYTES)];
    unsigned flags = 0, order = 0;
    struct search_words has, cased;
    struct fit f;
    if (name.len > SEARCH_NAME_BYTES || !s->words.n) return 0;
    ndc_search_words(
        &has, ndc_str_n(folded, ndc_vn_fold(folded, name, NDC_VN_FOLD_FULL, &flags)));
    fit_words(&f, &s->words, &has);
    double score = f.sum / s->words.n;
    unsigned left = has.n - (unsigned)__builtin_popcount(f.used);
    score -= NDC_MIN(0.04 * left, 0.15);
    for (unsigned i = 0, last = 0; i < s->words.n; i++) {
        if (f.at[i] < 0) continue;
        order |= (unsigned)f.at[i] + 1 < last;
        last = (unsigned)f.at[i] + 1;
    }
    score -= order ? 0.03 : 0;
    if (s->toned && flags & (NDC_VN_TONES | NDC_VN_MARKS)) {
        ndc_search_words(
            &cased, ndc_str_n(kept, ndc_vn_fold(kept, name, NDC_VN_FOLD_CASE, &flags)));
        score -= NDC_MIN(0.05 * contradictions(s, &f, &has, &cased), 0.2);
    } else if (s->toned) {
        score -= 0.01;
    }
    return NDC_MAX(score, 0);
}

static double best_name(const struct search *s, const struct ndc_entity_view *v)
{
    static const char *const codes[] = {"full_name", "other_name", "org_name"};
    struct ndc_str last = NDC_STR_NULL;
    double best = 0;
    for (size_t i = 0; i < NDC_ARRAY_LEN(codes); i++) {
        unsigned id = ndc_field_find(ndc_str(codes[i]))->id;
        for (unsigned r = 0; r < v->record_count; r++) {
            const struct ndc_record_field *field = ndc_record_find(&v->records[r], id);
            if (!field || ndc_str_eq(field->value, last)) continue;
            last = field->value;
            best = NDC_MAX(best, name_score(s, last));
        }
    }
    return best;
}

/* ---- dates and places ---- */

static double date_fits(struct ndc_str asked, struct ndc_str has)
{
    size_t known = NDC_MIN(asked.len, has.len);
    if (known < 4) return 0.6;
    if (memcmp(asked.ptr, has.ptr, known) == 0) return has.len < asked.len ? 0.85 : 1;
    if (memcmp(asked.ptr, has.ptr, 4) == 0) {
        bool swapped = asked.len == 10 && has.len == 10 &&
                       memcmp(asked.ptr + 5, has.ptr + 8, 2) == 0 &&
                       memcmp(asked.ptr + 8, has.ptr + 5, 2) == 0;
        return swapped ? 0.85 : ndc_str_distance(asked, has, 1) <= 1 ? 0.7 : 0.6;
    }
    return asked.len == 10 && ndc_str_distance(asked, has, 1) <= 1 ? 0.6 : 0.2;
}

/* Of the golden date; of another that some record has, a little less. */
static double best_date(const struct search *s, const struct ndc_entity_view *v)
{
    unsigned id = ndc_field_find(NDC_STR("birth_date"))->id;
    const struct ndc_golden *g = ndc_entity_golden(v, id);
    struct ndc_str asked = s->query->birth_date;
    if (asked.len == 0) return 1;
    if (!g) return 0.6;
    double best = date_fits(asked, g->value->value);
    for (unsigned r = 0; r < v->record_count && best < 0.95; r++) {
        const struct ndc_record_field *f = ndc_record_find(&v->records[r], id);
        if (f && f->value.len) best = NDC_MAX(best, 0.95 * date_fits(asked, f->value));
    }
    return best;
}

static uint32_t province_of(const struct ndc_entity_view *v)
{
    static const char *const codes[] = {"permanent_address", "current_address",
                                        "head_address"};
    for (size_t i = 0; i < NDC_ARRAY_LEN(codes); i++) {
        const struct ndc_golden *g =
            ndc_entity_golden(v, ndc_field_find(ndc_str(codes[i]))->id);
        if (g && g->value->place) return ndc_index_province(g->value->place);
    }
    return 0;
}

double ndc_search_score(const struct search *s, const struct ndc_entity_view *v,
                        uint32_t *province)
{
    *province = province_of(v);
    if (s->query->province && *province != s->query->province) return 0;
    if (s->query->only_type && v->type != s->query->type) return 0;
    double date = best_date(s, v);
    return s->name.len ? date * best_name(s, v) : date;
}

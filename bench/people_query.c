/* Queries as users type them: drawn from a person's golden name, date and place. */
#include "bench/people_query.h"

#include "base/hash.h"
#include "base/vntext.h"

#include <stdio.h>

enum { WORDS_MAX = 8, TEXT_MAX = 256 };

static const struct {
    const char *name;
    bool date, year, province;
} kinds[PEOPLE_KINDS] = {
    [PEOPLE_NUMBER] = {"number", false, false, false},
    [PEOPLE_NAME] = {"name", false, false, false},
    [PEOPLE_PLAIN_PROVINCE] = {"plain_province", false, false, true},
    [PEOPLE_PLAIN_YEAR] = {"plain_year", false, true, false},
    [PEOPLE_PLAIN_DATE] = {"plain_date", true, false, false},
    [PEOPLE_PLAIN_YEAR_PROVINCE] = {"plain_year_province", false, true, true},
    [PEOPLE_WRONG_DATE] = {"wrong_date", true, false, false},
    [PEOPLE_WRONG_YEAR_PROVINCE] = {"wrong_year_province", false, true, true},
    [PEOPLE_HEARD_DATE] = {"heard_date", true, false, false},
    [PEOPLE_SWAPPED_DATE] = {"swapped_date", true, false, false},
    [PEOPLE_SWAPPED_YEAR_PROVINCE] = {"swapped_year_province", false, true, true},
    [PEOPLE_PART_DATE] = {"part_date", true, false, false},
    [PEOPLE_PART_YEAR_PROVINCE] = {"part_year_province", false, true, true},
    [PEOPLE_GIVEN_DATE] = {"given_date", true, false, false},
    [PEOPLE_WRONG_PART_DATE] = {"wrong_part_date", true, false, false},
};

const char *people_kind_name(enum people_kind kind)
{
    return kinds[kind].name;
}

static const struct ndc_golden *golden(const struct ndc_entity_view *v, const char *code)
{
    return ndc_entity_golden(v, ndc_field_find(ndc_str(code))->id);
}

struct words {
    unsigned n;
    char items[WORDS_MAX][32];
};

static bool split(struct words *w, struct ndc_str folded)
{
    struct ndc_str word;
    w->n = 0;
    while (ndc_str_split(&folded, ' ', &word)) {
        if (!word.len) continue;
        if (w->n == WORDS_MAX || word.len >= sizeof(w->items[0]) - 2) return false;
        memcpy(w->items[w->n], word.ptr, word.len);
        w->items[w->n++][word.len] = 0;
    }
    return w->n >= 2;
}

static void err_once(struct words *w, uint64_t *rng)
{
    char *word = w->items[ndc_rng_below(rng, w->n)];
    size_t len = strlen(word), at = ndc_rng_below(rng, len);
    switch (ndc_rng_below(rng, 3)) {
    case 0: /* wrong */
        word[at] = (char)('a' + (word[at] - 'a' + 1 + (int)ndc_rng_below(rng, 25)) % 26);
        break;
    case 1: /* left out */
        if (len > 1) memmove(word + at, word + at + 1, len - at);
        break;
    default: /* doubled */
        memmove(word + at + 1, word + at, len - at + 1);
    }
}

/* What is said alike in a part of the country is written one for the other. */
static bool hear(struct words *w, uint64_t *rng)
{
    static const char *const alike[][2] = {
        {"tr", "ch"}, {"ch", "tr"}, {"gi", "d"}, {"x", "s"},  {"s", "x"},   {"l", "n"},
        {"n", "l"},   {"d", "gi"},  {"v", "d"},  {"qu", "w"}, {"ng", "ngh"}};
    unsigned first = (unsigned)ndc_rng_below(rng, w->n);
    for (unsigned k = 0; k < w->n; k++) {
        char *word = w->items[(first + k) % w->n], made[40];
        for (size_t i = 0; i < NDC_ARRAY_LEN(alike); i++) {
            size_t n = strlen(alike[i][0]);
            if (strncmp(word, alike[i][0], n) != 0 || !strchr("aeiouy", word[n]) ||
                !word[n])
                continue;
            snprintf(made, sizeof(made), "%s%s", alike[i][1], word + n);
            if (strlen(made) >= sizeof(w->items[0])) continue;
            memcpy(word, made, strlen(made) + 1);
            return true;
        }
        size_t len = strlen(word);
        if (len > 1 && (word[len - 1] == 'i' || word[len - 1] == 'y')) {
            word[len - 1] = word[len - 1] == 'i' ? 'y' : 'i';
            return true;
        }
    }
    return false;
}

static void swap(struct words *w, unsigned a, unsigned b)
{
    char kept[sizeof(w->items[0])];
    memcpy(kept, w->items[a], sizeof(kept));
    memcpy(w->items[a], w->items[b], sizeof(kept));
    memcpy(w->items[b], kept, sizeof(kept));
}

static bool alter(struct words *w, uint64_t *rng, enum people_kind kind)
{
    if (kind == PEOPLE_PART_DATE || kind == PEOPLE_PART_YEAR_PROVINCE ||
        kind == PEOPLE_WRONG_PART_DATE) {
        if (w->n < 3) return false;
        bool middle = ndc_rng_below(rng, 2);
        swap(w, 0, middle ? w->n - 2 : 0);
        swap(w, 1, w->n - 1);
        w->n = 2;
    }
    if (kind == PEOPLE_GIVEN_DATE) {
        swap(w, 0, w->n - 1);
        w->n = 1;
    }
    if (kind == PEOPLE_WRONG_DATE || kind == PEOPLE_WRONG_YEAR_PROVINCE ||
        kind == PEOPLE_WRONG_PART_DATE)
        err_once(w, rng);
    if (kind == PEOPLE_HEARD_DATE) return hear(w, rng);
    if (kind == PEOPLE_SWAPPED_DATE || kind == PEOPLE_SWAPPED_YEAR_PROVINCE) {
        if (ndc_rng_below(rng, 2)) {
            unsigned at = (unsigned)ndc_rng_below(rng, w->n - 1);
            swap(w, at, at + 1);
        } else {
            for (unsigned i = w->n - 1; i > 0; i--)
                swap(w, i, i - 1);
        }
    }
    return true;
}

bool people_query(struct ndc_search *q, struct ndc_arena *arena, uint64_t *rng,
                  enum people_kind kind, const struct ndc_entity_view *v)
{
    const struct ndc_golden *name = golden(v, "full_name"), *id = golden(v, "person_id"),
                            *birth = golden(v, "birth_date"),
                            *home = golden(v, "permanent_address");
    *q = (struct ndc_search){.only_type = true, .type = NDC_ENTITY_PERSON};
    if (kind == PEOPLE_NUMBER) {
        if (id) q->id = ndc_arena_str(arena, id->value->value);
        return id != NULL;
    }
    if (!name || name->value->value.len > TEXT_MAX / 2) return false;
    if (kinds[kind].date || kinds[kind].year) {
        size_t len = kinds[kind].date ? 10 : 4;
        if (!birth || birth->value->value.len < len) return false;
        q->birth_date = ndc_arena_str(arena, ndc_str_n(birth->value->value.ptr, len));
    }
    if (kinds[kind].province) {
        if (!home || home->value->place < 100000) return false;
        q->province = home->value->place / 100000;
    }
    if (kind == PEOPLE_NAME) {
        q->name = ndc_arena_str(arena, name->value->value);
        return true;
    }
    char folded[TEXT_MAX];
    unsigned flags = 0;
    struct words w;
    size_t n = ndc_vn_fold(folded, name->value->value, NDC_VN_FOLD_FULL, &flags);
    if (!split(&w, ndc_str_n(folded, n)) || !alter(&w, rng, kind)) return false;
    char text[TEXT_MAX];
    size_t len = 0;
    for (unsigned i = 0; i < w.n; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", i ? " " : "",
                                w.items[i]);
    q->name = ndc_arena_str(arena, ndc_str_n(text, len));
    return true;
}

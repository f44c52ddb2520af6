/* Reading entities and finding them. */
#include "platforms/registry/serve/search.h"

#include "base/vntext.h"
#include "platforms/registry/entity/index_build.h"
#include "platforms/registry/live/live.h"

#include <math.h>

enum { REDIRECTS_MAX = 16, CANDIDATES_MAX = 4096, NAME_MAX_BYTES = 256 };

static enum ndc_err follow_redirect(struct ndc_store_conn *conn, uint64_t *number,
                                    struct ndc_fault *fault)
{
    int64_t target;
    struct ndc_fault none = {0};
    enum ndc_err err = ndc_sql_i64(
        conn, &target, "SELECT target FROM registry_redirect WHERE entity = $1",
        NDC_ARGS(ndc_int((int64_t)*number)), &none);
    if (err == NDC_ENOTFOUND || (!err && target == 0))
        return ndc_fail(fault, NDC_ENOTFOUND, "registry.no_entity",
                        "there is no such person or organisation");
    if (err && fault) *fault = none;
    *number = (uint64_t)target;
    return err;
}

enum ndc_err ndc_registry_read(struct ndc_registry *reg, struct ndc_store_conn *conn,
                               struct ndc_arena *arena, uint64_t *number,
                               struct ndc_entity_view *view, struct ndc_fault *fault)
{
    for (int i = 0; i < REDIRECTS_MAX; i++) {
        struct ndc_str payload;
        int64_t change;
        enum ndc_err err =
            ndc_live_payload(reg->live, conn, arena, *number, &payload, &change, fault);
        if (err) return err;
        if (payload.ptr) {
            if (ndc_entity_decode(view, arena, payload)) return NDC_OK;
            return ndc_fail(
                fault, NDC_EDB, "registry.entity_damaged",
                "the stored record is damaged; run \"ndc link run\" to build it "
                "anew from its sources");
        }
        if ((err = follow_redirect(conn, number, fault))) return err;
    }
    return ndc_fail(fault, NDC_EINTERNAL, "registry.redirects",
                    "redirects form a circle");
}

enum ndc_err ndc_registry_find_record(struct ndc_registry *reg,
                                      struct ndc_store_conn *conn,
                                      struct ndc_arena *arena, uint32_t source,
                                      struct ndc_str key, uint64_t *number,
                                      struct ndc_entity_view *view,
                                      struct ndc_fault *fault)
{
    enum { HITS_MAX = 16 };
    uint64_t numbers[HITS_MAX];
    size_t n;
    enum ndc_err err =
        ndc_live_lookup(reg->live, conn, ndc_index_key(NDC_INDEX_RECORD, source, key),
                        numbers, HITS_MAX, &n, fault);
    for (size_t k = 0; k < n && !err; k++) {
        struct ndc_fault gone = {0};
        *number = numbers[k];
        err = ndc_registry_read(reg, conn, arena, number, view, &gone);
        if (err == NDC_ENOTFOUND) {
            err = NDC_OK; /* an entry of before */
            continue;
        }
        if (err && fault) *fault = gone;
        for (unsigned i = 0; !err && i < view->record_count; i++)
            if (view->records[i].source == source &&
                ndc_str_eq(view->records[i].key, key))
                return NDC_OK;
    }
    if (err) return err;
    *number = 0;
    return ndc_fail(fault, NDC_ENOTFOUND, "review.gone",
                    "one of the two records is no longer there");
}

/* ---- search ---- */

struct finder {
    struct ndc_registry *registry;
    struct ndc_store_conn *conn;
    struct ndc_arena *arena;
    const struct ndc_search *query;
    uint64_t *candidates;
    size_t count;
    struct ndc_str name; /* folded */
    bool toned;          /* the query has tones: they must not contradict */
};

static enum ndc_err look(struct finder *f, uint64_t key, struct ndc_fault *fault)
{
    size_t found;
    enum ndc_err err =
        ndc_live_lookup(f->registry->live, f->conn, key, f->candidates + f->count,
                        CANDIDATES_MAX - f->count, &found, fault);
    f->count += found;
    return err;
}

static enum ndc_err look_identifier(struct finder *f, struct ndc_fault *fault)
{
    char upper[128];
    struct ndc_str id = ndc_str_trim(f->query->id);
    size_t n = 0;
    for (size_t i = 0; i < id.len && n < sizeof(upper); i++) {
        char c = id.ptr[i];
        if (c == ' ' || c == '-' || c == '.') continue;
        upper[n++] = c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
    }
    for (unsigned field = 0; field < NDC_FIELDS_MAX; field++) {
        if (!ndc_index_is_identifier(field)) continue;
        enum ndc_err err =
            look(f, ndc_index_key(NDC_INDEX_ID, field, ndc_str_n(upper, n)), fault);
        if (err) return err;
        if (n < 2 || upper[0] != '0') continue;
        /* A phone is stored in the international form. */
        struct ndc_str phone =
            ndc_arena_printf(f->arena, "+84%.*s", (int)n - 1, upper + 1);
        err = look(f, ndc_index_key(NDC_INDEX_ID, field, phone), fault);
        if (err) return err;
    }
    return NDC_OK;
}

/* Pairs of neighbouring words; a single word by itself, for most names share their words
 * and would only crowd out who has the pair. */
static enum ndc_err look_words(struct finder *f, struct ndc_fault *fault)
{
    struct ndc_str rest = f->name, word, last = NDC_STR_NULL;
    enum ndc_err err = NDC_OK;
    if (ndc_str_find(f->name, ' ') >= f->name.len)
        return look(f, ndc_index_key(NDC_INDEX_WORD, 0, f->name), fault);
    while (!err && ndc_str_split(&rest, ' ', &word)) {
        if (last.len && word.len) {
            struct ndc_str pair =
                ndc_str_n(last.ptr, (size_t)(word.ptr + word.len - last.ptr));
            err = look(f, ndc_index_key(NDC_INDEX_BIGRAM, 0, pair), fault);
        }
        last = word;
    }
    return err;
}

static enum ndc_err look_name(struct finder *f, struct ndc_fault *fault)
{
    struct ndc_str birth = f->query->birth_date;
    int64_t year = 0;
    enum ndc_err err = NDC_OK;
    if (birth.len >= 4 && ndc_str_to_i64(ndc_str_n(birth.ptr, 4), &year))
        err = look(f, ndc_index_key(NDC_INDEX_NAME_YEAR, (uint64_t)year, f->name), fault);
    if (!err && f->count < 50)
        err = look(f, ndc_index_key(NDC_INDEX_NAME, 0, f->name), fault);
    if (!err && birth.len == 10) {
        struct ndc_str last = f->name;
        for (size_t i = f->name.len; i > 0; i--)
            if (f->name.ptr[i - 1] == ' ') {
                last = ndc_str_from(f->name, i);
                break;
            }
        err = look(f,
                   ndc_index_key(NDC_INDEX_BIRTH, (uint64_t)year * 10000, last) ^
                       ndc_index_key(NDC_INDEX_BIRTH, 1, birth),
                   fault);
    }
    /* Fewer than a screen's worth by the whole name: the parts, for misspelt and partial.
     */
    if (!err && f->count < 20) err = look_words(f, fault);
    return err;
}

static struct ndc_str golden_text(const struct ndc_entity_view *v, const char *code)
{
    const struct ndc_golden *g = ndc_entity_golden(v, ndc_field_find(ndc_str(code))->id);
    return g ? g->value->value : NDC_STR_NULL;
}

/* 0..1: words of the query found among the words of the name, in order or not. */
static double name_score(struct finder *f, struct ndc_str name)
{
    char folded[NAME_MAX_BYTES];
    unsigned flags = 0, words = 0;
    double hits = 0;
    struct ndc_str rest = f->name, word;
    if (name.len > sizeof(folded)) return 0;
    struct ndc_str mine =
        ndc_str_n(folded, ndc_vn_fold(folded, name, NDC_VN_FOLD_FULL, &flags));
    if (ndc_str_eq(mine, f->name)) {
        if (!f->toned) return 1;
        char query[NAME_MAX_BYTES], toned[NAME_MAX_BYTES];
        if (f->query->name.len > sizeof(query)) return 0.9;
        size_t a = ndc_vn_fold(query, f->query->name, NDC_VN_FOLD_CASE, &flags);
        size_t b = ndc_vn_fold(toned, name, NDC_VN_FOLD_CASE, &flags);
        return ndc_str_eq(ndc_str_n(query, a), ndc_str_n(toned, b)) ? 1 : 0.9;
    }
    while (ndc_str_split(&rest, ' ', &word)) {
        struct ndc_str others = mine, other;
        double best = 0;
        if (word.len == 0) continue;
        words++;
        while (ndc_str_split(&others, ' ', &other)) {
            size_t d = ndc_str_distance(word, other, 1);
            double s = d == 0 ? 1 : d == 1 && word.len > 2 ? 0.7 : 0;
            best = NDC_MAX(best, s);
        }
        hits += best;
    }
    return words ? 0.85 * hits / words : 0;
}

static double date_score(struct ndc_str query, struct ndc_str birth)
{
    if (query.len == 0) return 1;
    if (birth.len == 0) return 0.6;
    size_t known = NDC_MIN(query.len, birth.len);
    if (memcmp(query.ptr, birth.ptr, known) == 0) return 1;
    return known >= 4 && memcmp(query.ptr, birth.ptr, 4) == 0 ? 0.6 : 0.2;
}

static uint32_t province_of(const struct ndc_entity_view *v)
{
    static const char *const codes[] = {"permanent_address", "current_address",
                                        "head_address"};
    for (size_t i = 0; i < NDC_ARRAY_LEN(codes); i++) {
        const struct ndc_golden *g =
            ndc_entity_golden(v, ndc_field_find(ndc_str(codes[i]))->id);
        if (g && g->value->place) return g->value->place / 100000;
    }
    return 0;
}

static bool score_one(struct finder *f, uint64_t number, struct ndc_search_hit *hit,
                      struct ndc_fault *fault)
{
    struct ndc_entity_view v;
    uint64_t at = number;
    if (ndc_registry_read(f->registry, f->conn, f->arena, &at, &v, fault)) return false;
    double score = 1;
    if (f->name.len) {
        double best = 0;
        static const char *const codes[] = {"full_name", "other_name", "org_name"};
        for (size_t i = 0; i < NDC_ARRAY_LEN(codes); i++) {
            unsigned id = ndc_field_find(ndc_str(codes[i]))->id;
            for (unsigned r = 0; r < v.record_count; r++) {
                const struct ndc_record_field *field = ndc_record_find(&v.records[r], id);
                if (field) best = NDC_MAX(best, name_score(f, field->value));
            }
        }
        score *= best;
    }
    score *= date_score(f->query->birth_date, golden_text(&v, "birth_date"));
    hit->province = province_of(&v);
    if (f->query->province && hit->province != f->query->province) return false;
    if (f->query->only_type && v.type != f->query->type) return false;
    hit->number = at;
    hit->type = v.type;
    hit->score = score;
    hit->full_name = v.type == NDC_ENTITY_PERSON ? golden_text(&v, "full_name")
                                                 : golden_text(&v, "org_name");
    hit->birth_date = golden_text(&v, "birth_date");
    hit->sex = golden_text(&v, "sex");
    hit->id_number = v.type == NDC_ENTITY_PERSON ? golden_text(&v, "person_id")
                                                 : golden_text(&v, "org_id");
    return score >= 0.35;
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static int compare_hits(const void *a, const void *b)
{
    const struct ndc_search_hit *x = a, *y = b;
    if (x->score != y->score) return x->score > y->score ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

/* Candidates found by several keys first: how often each was found, most often first. */
static size_t rank_candidates(uint64_t *c, size_t n, size_t keep)
{
    struct ndc_key64 *ranked = ndc_xmalloc((n + 1) * sizeof(*ranked)), *scratch;
    size_t unique = 0;
    qsort(c, n, sizeof(*c), compare_u64);
    for (size_t i = 0; i < n; i++) {
        if (unique && ranked[unique - 1].value == c[i])
            ranked[unique - 1].key--;
        else
            ranked[unique++] = (struct ndc_key64){UINT32_MAX, c[i]};
    }
    scratch = ndc_xmalloc((n + 1) * sizeof(*scratch));
    ndc_sort_key64(ranked, scratch, unique);
    unique = NDC_MIN(unique, keep);
    for (size_t i = 0; i < unique; i++)
        c[i] = ranked[i].value;
    free(scratch);
    free(ranked);
    return unique;
}

enum ndc_err ndc_registry_search(struct ndc_registry *reg, struct ndc_store_conn *conn,
                                 struct ndc_arena *arena, const struct ndc_search *query,
                                 struct ndc_search_hit *hits, size_t max, size_t *count,
                                 struct ndc_fault *fault)
{
    struct finder f = {.registry = reg, .conn = conn, .arena = arena, .query = query};
    unsigned flags = 0;
    *count = 0;
    if (query->name.len > NAME_MAX_BYTES)
        return ndc_fail_at(fault, NDC_EINPUT, "search.name", "q", 0,
                           "a name of at most %d bytes", NAME_MAX_BYTES);
    char *folded = ndc_arena_alloc(arena, query->name.len + 1);
    f.name =
        ndc_str_n(folded, ndc_vn_fold(folded, query->name, NDC_VN_FOLD_FULL, &flags));
    f.toned = flags & (NDC_VN_TONES | NDC_VN_MARKS);
    if (f.name.len == 0 && query->id.len == 0)
        return ndc_fail_at(fault, NDC_EINPUT, "search.empty", "q", 0,
                           "give a name (q) or a number (id) to search for");
    f.candidates = ndc_xmalloc(CANDIDATES_MAX * sizeof(*f.candidates));
    enum ndc_err err = query->id.len ? look_identifier(&f, fault) : NDC_OK;
    if (!err && f.name.len && query->id.len == 0) err = look_name(&f, fault);
    if (!err) f.count = rank_candidates(f.candidates, f.count, NDC_SEARCH_MAX);
    struct ndc_search_hit *all = ndc_arena_alloc(arena, sizeof(*all) * NDC_SEARCH_MAX);
    size_t n = 0;
    for (size_t i = 0; i < f.count && !err && !arena->overflow; i++) {
        struct ndc_fault gone = {0};
        all[n] = (struct ndc_search_hit){0};
        if (score_one(&f, f.candidates[i], &all[n], &gone)) n++;
        if (gone.err && gone.err != NDC_ENOTFOUND) {
            err = gone.err;
            if (fault) *fault = gone;
        }
    }
    free(f.candidates);
    qsort(all, n, sizeof(*all), compare_hits);
    *count = NDC_MIN(n, max);
    memcpy(hits, all, *count * sizeof(*hits));
    return err;
}

/* Search: candidates, reading the likeliest, the answer (search_internal.h). */
#include "platforms/registry/entity/index_build.h"
#include "platforms/registry/live/live.h"
#include "platforms/registry/serve/search_ahead.h"
#include "platforms/registry/serve/search_internal.h"

#include "base/vntext.h"
#include "sys/clock.h"
#include "sys/thread.h"

enum {
    ROUND = 64,    /* read at once */
    NEAR_MAX = 64, /* read beside those who fit wholly */
    IDENTIFIER_MAX = 128,
    AHEAD_BYTES = 8 << 12, /* the disk was asked for: the rest is read ahead */
    SEARCH_ARENA_BYTES = 64 << 20
};

static const double hit_score = 0.35, full_score = 0.9;
static const float near_worth = 0.75f, least_worth = 0.3f;

/* ---- by number ---- */

static enum ndc_err look_identifier(struct search *s, struct ndc_fault *fault)
{
    enum { HITS_MAX = 64 };
    char upper[IDENTIFIER_MAX];
    struct ndc_str id = ndc_str_trim(s->query->id);
    uint64_t found[HITS_MAX];
    size_t n = 0, count;
    s->pool = ndc_xcalloc(2 * HITS_MAX * NDC_FIELDS_MAX, sizeof(*s->pool));
    for (size_t i = 0; i < id.len && n < sizeof(upper); i++) {
        char c = id.ptr[i];
        if (c == ' ' || c == '-' || c == '.') continue;
        upper[n++] = c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
    }
    /* A phone is stored in the international form. */
    const struct ndc_str forms[] = {
        ndc_str_n(upper, n),
        n > 1 && upper[0] == '0'
            ? ndc_arena_printf(&s->arena, "+84%.*s", (int)n - 1, upper + 1)
            : NDC_STR_NULL};
    for (unsigned field = 0; field < NDC_FIELDS_MAX; field++) {
        for (size_t k = 0; k < NDC_ARRAY_LEN(forms); k++) {
            if (!ndc_index_is_identifier(field) || !forms[k].len) continue;
            enum ndc_err err = ndc_live_lookup(
                s->registry->live, s->conn, ndc_index_key(NDC_INDEX_ID, field, forms[k]),
                found, HITS_MAX, &count, fault);
            if (err) return err;
            for (size_t i = 0; i < count; i++)
                s->pool[s->count++] =
                    (struct search_candidate){.entity = found[i], .worth = 1};
        }
    }
    return NDC_OK;
}

/* ---- reading ---- */

struct reading {
    struct search *search;
    struct ndc_arena *arena; /* of the answer */
    struct ndc_search_hit *hits;
    size_t count, full, near;
    uint64_t entities[ROUND];
    bool seen[ROUND];
    bool damaged;
};

static struct ndc_str kept(struct reading *r, const struct ndc_entity_view *v,
                           const char *code)
{
    const struct ndc_golden *g = ndc_entity_golden(v, ndc_field_find(ndc_str(code))->id);
    return g ? ndc_arena_str(r->arena, g->value->value) : NDC_STR_NULL;
}

static void add_hit(struct reading *r, uint64_t number, const struct ndc_entity_view *v)
{
    uint32_t province;
    bool person = v->type == NDC_ENTITY_PERSON;
    double score = ndc_search_score(r->search, v, &province);
    if (score < hit_score || r->count == NDC_SEARCH_MAX) return;
    for (size_t i = 0; i < r->count; i++)
        if (r->hits[i].number == number) return;
    r->full += score >= full_score;
    r->hits[r->count++] = (struct ndc_search_hit){
        .number = number,
        .type = v->type,
        .score = score,
        .full_name = kept(r, v, person ? "full_name" : "org_name"),
        .birth_date = kept(r, v, "birth_date"),
        .sex = kept(r, v, "sex"),
        .id_number = kept(r, v, person ? "person_id" : "org_id"),
        .province = province};
}

static void visit(void *arg, size_t i, struct ndc_str payload)
{
    struct reading *r = arg;
    struct ndc_entity_view v;
    r->seen[i] = true;
    ndc_arena_reset(&r->search->arena);
    if (ndc_entity_decode(&v, &r->search->arena, payload))
        add_hit(r, r->entities[i], &v);
    else
        r->damaged = true;
}

/* One that is no longer there was joined to another, or ended. */
static enum ndc_err read_elsewhere(struct reading *r, uint64_t entity,
                                   struct ndc_fault *fault)
{
    struct search *s = r->search;
    struct ndc_entity_view v;
    struct ndc_fault gone = {0};
    ndc_arena_reset(&s->arena);
    enum ndc_err err =
        ndc_registry_read(s->registry, s->conn, &s->arena, &entity, &v, &gone);
    if (!err) add_hit(r, entity, &v);
    if (err && err != NDC_ENOTFOUND) {
        if (fault) *fault = gone;
        return err;
    }
    return NDC_OK;
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static enum ndc_err read_round(struct reading *r, const struct search_candidate *c,
                               size_t n, struct ndc_fault *fault)
{
    struct search *s = r->search;
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        r->entities[i] = c[i].entity;
    qsort(r->entities, n, sizeof(*r->entities), compare_u64);
    for (size_t i = 0; i < n; i++)
        if (!count || r->entities[count - 1] != r->entities[i])
            r->entities[count++] = r->entities[i];
    memset(r->seen, 0, sizeof(r->seen));
    enum ndc_err err = ndc_live_payload_each(s->registry->live, s->conn, r->entities,
                                             count, visit, r, fault);
    for (size_t i = 0; i < count && !err; i++)
        if (!r->seen[i]) err = read_elsewhere(r, r->entities[i], fault);
    if (!err && r->damaged)
        err = ndc_fail(fault, NDC_EDB, "registry.entity_damaged",
                       "a stored record is damaged; run \"ndc link run\" to build it "
                       "anew from its sources");
    return err;
}

static void read_ahead(const struct search *s, size_t at)
{
    uint64_t entities[NDC_SEARCH_MAX];
    size_t n = 0;
    for (; at < s->count && at < NDC_SEARCH_MAX && s->pool[at].worth >= near_worth; at++)
        entities[n++] = s->pool[at].entity;
    if (n) ndc_ahead_read(s->registry->ahead, entities, n);
}

/* The likeliest first; once somebody fits wholly, only a few of who fit less. */
static enum ndc_err read_all(struct reading *r, bool *more, struct ndc_fault *fault)
{
    const struct search *s = r->search;
    enum ndc_err err = NDC_OK;
    size_t at = 0, n;
    bool ahead = false;
    for (; at < s->count && at < NDC_SEARCH_MAX && !err; at += n) {
        const struct search_candidate *c = &s->pool[at];
        bool near = c->worth < near_worth;
        if (c->worth < least_worth || (near && r->full && r->near >= NEAR_MAX)) break;
        for (n = 1; n < ROUND && at + n < NDC_MIN(s->count, (size_t)NDC_SEARCH_MAX); n++)
            if (c[n].worth < least_worth || near != (c[n].worth < near_worth)) break;
        if (!ahead && ndc_thread_disk_bytes() - s->disk_bytes >= AHEAD_BYTES) {
            read_ahead(s, at);
            ahead = true;
        }
        err = read_round(r, c, n, fault);
        if (near) r->near += n;
    }
    *more = at < s->count && s->pool[at].worth >= near_worth;
    return err;
}

/* ---- all ---- */

static int compare_hits(const void *a, const void *b)
{
    const struct ndc_search_hit *x = a, *y = b;
    if (x->score != y->score) return x->score > y->score ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

static enum ndc_err take_query(struct search *s, struct ndc_arena *arena,
                               struct ndc_fault *fault)
{
    const struct ndc_search *q = s->query;
    unsigned flags = 0;
    int64_t year;
    if (q->name.len > SEARCH_NAME_BYTES)
        return ndc_fail_at(fault, NDC_EINPUT, "search.name", "q", 0,
                           "a name of at most %d bytes", SEARCH_NAME_BYTES);
    char *folded = ndc_arena_alloc(arena, NDC_VN_ROOM(q->name.len));
    char *cased = ndc_arena_alloc(arena, NDC_VN_ROOM(q->name.len));
    s->name = ndc_str_n(folded, ndc_vn_fold(folded, q->name, NDC_VN_FOLD_FULL, &flags));
    s->toned = flags & (NDC_VN_TONES | NDC_VN_MARKS);
    ndc_search_words(&s->words, s->name);
    ndc_search_words(&s->cased, ndc_str_n(cased, ndc_vn_fold(cased, q->name,
                                                             NDC_VN_FOLD_CASE, &flags)));
    if (s->name.len == 0 && q->id.len == 0)
        return ndc_fail_at(fault, NDC_EINPUT, "search.empty", "q", 0,
                           "give a name (q) or a number (id) to search for");
    if (q->birth_date.len >= 4 &&
        ndc_str_to_i64(ndc_str_n(q->birth_date.ptr, 4), &year) && year > 0)
        s->year = (uint32_t)year;
    s->today = (int32_t)(ndc_clock_wall_ms() / 86400000);
    return NDC_OK;
}

enum ndc_err ndc_registry_search(struct ndc_registry *reg, struct ndc_store_conn *conn,
                                 struct ndc_arena *arena, const struct ndc_search *query,
                                 struct ndc_search_hit *hits, size_t max, size_t *count,
                                 bool *more, struct ndc_fault *fault)
{
    struct search s = {.registry = reg,
                       .conn = conn,
                       .query = query,
                       .disk_bytes = ndc_thread_disk_bytes()};
    struct reading r = {.search = &s, .arena = arena};
    bool left = false;
    *count = 0;
    ndc_arena_init(&s.arena, SEARCH_ARENA_BYTES);
    enum ndc_err err = take_query(&s, arena, fault);
    if (!err)
        err = query->id.len ? look_identifier(&s, fault) : ndc_search_gather(&s, fault);
    r.hits = ndc_xmalloc(NDC_SEARCH_MAX * sizeof(*r.hits));
    if (!err) err = read_all(&r, &left, fault);
    qsort(r.hits, r.count, sizeof(*r.hits), compare_hits);
    if (!err) *count = NDC_MIN(r.count, max);
    memcpy(hits, r.hits, *count * sizeof(*hits));
    if (more) *more = left || r.count > max;
    free(r.hits);
    free(s.pool);
    free(s.slots);
    free(s.wanted);
    free(s.says);
    ndc_arena_free(&s.arena);
    return err;
}

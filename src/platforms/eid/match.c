/* Matching with the registry: one answer for all that does not fit, so that nobody learns
 * from it whose number a number is. */
#include "platforms/eid/match.h"

#include "base/vntext.h"
#include "sys/clock.h"

enum { NAME_BYTES_MAX = 512, ZONE_MS = 7 * 3600 * 1000 };

int eid_age(struct ndc_date birth, int64_t now_ms)
{
    struct ndc_date now = ndc_date_from_days((int32_t)((now_ms + ZONE_MS) / 86400000));
    int years = now.year - birth.year;
    bool before =
        now.month < birth.month || (now.month == birth.month && now.day < birth.day);
    return before ? years - 1 : years;
}

void eid_entity_copy(struct ndc_arena *arena, const struct ndc_people_facts *f,
                     struct eid_entity *out)
{
    *out = (struct eid_entity){
        .entity = f->entity,
        .type = f->type,
        .flags = f->flags,
        .number = ndc_arena_str(arena, f->current_id),
        .name = ndc_arena_str(arena, f->name_count ? f->names[0] : NDC_STR("")),
        .rep_id = ndc_arena_str(arena, f->rep_id),
        .birth = f->birth};
    for (int i = 0; i < 2; i++)
        out->parent_ids[i] = ndc_arena_str(arena, f->parent_ids[i]);
    if (f->birth.year) ndc_date_format(out->birth_text, f->birth);
}

/* ---- a person's own words ---- */

struct matching {
    struct ndc_arena *arena;
    struct ndc_str folded; /* the name that was given */
    struct ndc_date birth;
    size_t found;
    struct eid_entity *out;
};

/* Of those who have a number the one it belongs to. */
struct owning {
    struct ndc_arena *arena;
    struct ndc_str number;
    uint64_t known;
    int best;   /* 3: known, 2: it is the present number, 1: it was once */
    bool twice; /* two as good as each other */
    struct eid_entity *out;
};

static struct ndc_str fold(struct ndc_arena *arena, struct ndc_str name)
{
    char *out = ndc_arena_alloc(arena, NDC_VN_ROOM(name.len) + 1);
    if (!out || name.len > NAME_BYTES_MAX) return NDC_STR("");
    return ndc_str_n(out,
                     ndc_vn_fold(out, name, NDC_VN_FOLD_FULL | NDC_VN_FOLD_YI, NULL));
}

static bool same_name(const struct matching *m, const struct ndc_people_facts *f)
{
    for (unsigned i = 0; i < f->name_count; i++)
        if (m->folded.len && ndc_str_eq(fold(m->arena, f->names[i]), m->folded))
            return true;
    return false;
}

/* Of the old, many papers have no day or month: then they cannot be compared. */
static bool same_birth(struct ndc_date given, struct ndc_date known)
{
    if (!known.year || given.year != known.year) return false;
    if (known.month && given.month != known.month) return false;
    return !known.day || given.day == known.day;
}

static enum ndc_err look(void *arg, const struct ndc_people_facts *facts, size_t n,
                         struct ndc_fault *fault)
{
    struct matching *m = arg;
    (void)fault;
    for (size_t i = 0; i < n; i++) {
        const struct ndc_people_facts *f = &facts[i];
        if (f->flags & NDC_PEOPLE_GONE) continue;
        if (!same_name(m, f) || !same_birth(m->birth, f->birth)) continue;
        if (m->found++ == 0) eid_entity_copy(m->arena, f, m->out);
    }
    return NDC_OK;
}

static enum ndc_err served(const struct ndc_people_ops **people, void **ctx,
                           struct ndc_fault *fault)
{
    *people = ndc_people(ctx);
    if (*people && (*people)->find) return NDC_OK;
    return ndc_fail(fault, NDC_EBUSY, "eid.no_registry",
                    "the registry cannot be asked now: try again later");
}

static enum ndc_err no_match(struct ndc_fault *fault)
{
    return ndc_fail(fault, NDC_EINPUT, "eid.no_match",
                    "the national database has nobody with this number, name and birth "
                    "date: check all three against your card");
}

/* Titles off, spaces mended: the registry's own rules. */
static struct ndc_str read_name(struct ndc_arena *arena,
                                const struct ndc_people_ops *people, struct ndc_str raw)
{
    char text[NDC_PEOPLE_TEXT_MAX];
    bool toneless;
    if (raw.len > NAME_BYTES_MAX) return NDC_STR("");
    void *reader = people->reader_new();
    size_t len = people->name(reader, text, &toneless, raw);
    people->reader_free(reader);
    return fold(arena, ndc_str_n(text, len));
}

enum ndc_err eid_match_person(struct ndc_arena *arena, struct ndc_str number,
                              struct ndc_str name, struct ndc_str birth_date,
                              struct eid_entity *out, struct ndc_fault *fault)
{
    const struct ndc_people_ops *people;
    void *ctx;
    char id[24];
    struct matching m = {.arena = arena, .out = out};
    NDC_TRY(served(&people, &ctx, fault));
    if (people->id(id, ndc_str_trim(number), false) != NDC_ID_PERSONAL)
        return no_match(fault);
    m.folded = read_name(arena, people, ndc_str_trim(name));
    if (!m.folded.len || !people->date(&m.birth, ndc_str_trim(birth_date)))
        return no_match(fault);
    NDC_TRY(people->find(ctx, NDC_ID_PERSONAL, ndc_str(id), look, &m, fault));
    /* A former number of one and the present one of another is nobody's for sure. */
    if (m.found != 1 || out->type != NDC_ENTITY_PERSON || !ndc_str_eq_c(out->number, id))
        return no_match(fault);
    return NDC_OK;
}

static enum ndc_err weigh(void *arg, const struct ndc_people_facts *facts, size_t n,
                          struct ndc_fault *fault)
{
    struct owning *o = arg;
    (void)fault;
    for (size_t i = 0; i < n; i++) {
        const struct ndc_people_facts *f = &facts[i];
        if (f->flags & NDC_PEOPLE_GONE) continue;
        int worth = f->entity == o->known                  ? 3
                    : ndc_str_eq(f->current_id, o->number) ? 2
                                                           : 1;
        if (worth < o->best) continue;
        o->twice = worth == o->best;
        o->best = worth;
        eid_entity_copy(o->arena, f, o->out);
    }
    return NDC_OK;
}

enum ndc_err eid_entity_of_number(struct ndc_arena *arena, bool organisation,
                                  struct ndc_str number, uint64_t known,
                                  struct eid_entity *out, struct ndc_fault *fault)
{
    const struct ndc_people_ops *people;
    void *ctx;
    struct owning o = {.arena = arena, .number = number, .known = known, .out = out};
    *out = (struct eid_entity){.entity = 0};
    NDC_TRY(served(&people, &ctx, fault));
    NDC_TRY(people->find(ctx, organisation ? NDC_ID_ORGANISATION : NDC_ID_PERSONAL,
                         number, weigh, &o, fault));
    if (o.twice) *out = (struct eid_entity){.entity = 0};
    return NDC_OK;
}

enum ndc_err eid_match_organisation(struct ndc_arena *arena, struct ndc_str code,
                                    struct eid_entity *out, struct ndc_fault *fault)
{
    const struct ndc_people_ops *people;
    void *ctx;
    char id[24];
    NDC_TRY(served(&people, &ctx, fault));
    if (people->id(id, ndc_str_trim(code), true) == NDC_ID_ORGANISATION)
        NDC_TRY(eid_entity_of_number(arena, true, ndc_str(id), 0, out, fault));
    else
        *out = (struct eid_entity){.entity = 0};
    if (out->entity && ndc_str_eq_c(out->number, id)) return NDC_OK;
    return ndc_fail(fault, NDC_EINPUT, "eid.no_match",
                    "the national database has no organisation with this code");
}

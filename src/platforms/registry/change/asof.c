/* As-of: back along the chain of changes, each undone. For the other axis the versions of
 * each record that were passed on the way are kept, and the newest that was true then is
 * taken. */
#include "platforms/registry/change/asof.h"

#include "base/date.h"
#include "platforms/registry/change/diff.h"

enum { TIME_BYTES = 25 };

/* A version of a record, and from when on it was true. */
struct version {
    const struct ndc_record *record;
    struct ndc_str from;
    unsigned age; /* 0: the newest known */
};

struct walk {
    struct ndc_store_conn *conn;
    struct ndc_arena *arena;
    const struct ndc_asof *when;
    struct ndc_record *records;
    unsigned count;
    bool reached; /* what was known then; going on only for the versions before */
    struct ndc_record *known;
    unsigned known_count;
    struct version *versions;
    unsigned version_count, version_cap, steps;
};

static enum ndc_err not_known(struct ndc_fault *fault)
{
    return ndc_fail(fault, NDC_ENOTFOUND, "asof.not_known",
                    "there was no such entity at that time, as far as was known");
}

static struct ndc_str valid_from(const struct walk *w, const struct ndc_record *r)
{
    const struct ndc_record_field *f = ndc_record_find(r, w->when->how.updated_field);
    if (f) return f->value;
    char text[TIME_BYTES];
    ndc_time_format(text, r->seen_s * 1000);
    return ndc_arena_str(w->arena, ndc_str(text));
}

/* A date covers its day: compared as far as both say. */
static int compare_times(struct ndc_str a, struct ndc_str b)
{
    size_t len = NDC_MIN(a.len, b.len);
    return len ? memcmp(a.ptr, b.ptr, len) : 0;
}

static void add_versions(struct walk *w)
{
    for (unsigned i = 0; i < w->count && !w->arena->overflow; i++) {
        if (w->version_count == w->version_cap) {
            unsigned cap = w->version_cap ? w->version_cap * 2 : 64;
            struct version *more = NDC_ARENA_ARRAY(w->arena, struct version, cap);
            if (!more) return;
            if (w->version_count)
                memcpy(more, w->versions, w->version_count * sizeof(*more));
            w->versions = more;
            w->version_cap = cap;
        }
        w->versions[w->version_count++] =
            (struct version){&w->records[i], valid_from(w, &w->records[i]), w->steps};
    }
}

/* What stands now is what was known then. */
static void reach(struct walk *w)
{
    if (w->reached) return;
    w->reached = true;
    w->known = w->records;
    w->known_count = w->count;
}

/* One change back. *next: the number of the one before; 0: the chain's end. */
static enum ndc_err step_back(struct walk *w, int64_t seq, int64_t *next,
                              struct ndc_fault *fault)
{
    struct ndc_change c;
    struct ndc_fault why = {0};
    enum ndc_err err = ndc_change_get(w->conn, w->arena, seq, &c, &why);
    *next = 0;
    if (err == NDC_ENOTFOUND) {
        if (w->reached) return NDC_OK; /* older versions are no longer kept */
        return ndc_fail(fault, NDC_ENOTFOUND, "asof.gone",
                        "what was known then is no longer kept");
    }
    if (err) {
        if (fault) *fault = why;
        return err;
    }
    if (c.at_ms <= w->when->known_ms) reach(w);
    if (w->reached && !w->when->valid.ptr) return NDC_OK;
    if (w->reached) add_versions(w);
    bool born = c.kind == NDC_CHANGE_CREATED || c.kind == NDC_CHANGE_SPLIT;
    if (born) return w->reached ? NDC_OK : not_known(fault);
    if (!ndc_change_undo(&w->records, &w->count, w->arena, w->records, w->count,
                         c.before))
        return ndc_fail(fault, NDC_EIO, "registry.damaged",
                        "change %lld is damaged; restore the database", (long long)seq);
    *next = c.previous;
    return NDC_OK;
}

/* Of each record that was known the version that was true then. */
static unsigned choose_valid(struct walk *w, struct ndc_record *out)
{
    unsigned n = 0;
    for (unsigned i = 0; i < w->known_count; i++) {
        const struct ndc_record *r = &w->known[i];
        const struct version *best = NULL;
        for (unsigned k = 0; k < w->version_count; k++) {
            const struct version *v = &w->versions[k];
            if (v->record->source != r->source || !ndc_str_eq(v->record->key, r->key) ||
                compare_times(v->from, w->when->valid) > 0)
                continue;
            int later = best ? ndc_str_cmp(v->from, best->from) : 1;
            if (later > 0 || (later == 0 && v->age < best->age)) best = v;
        }
        if (best) out[n++] = *best->record;
    }
    return n;
}

/* At the chain's end stands what the first integration made; who was loaded later was not
 * known either. */
static enum ndc_err end_of_chain(struct walk *w, struct ndc_fault *fault)
{
    bool any = false;
    if (w->reached) return NDC_OK;
    for (unsigned i = 0; i < w->count; i++)
        any |= w->records[i].seen_s <= w->when->known_ms / 1000;
    if (!any) return not_known(fault);
    reach(w);
    return NDC_OK;
}

enum ndc_err ndc_asof(struct ndc_store_conn *conn, struct ndc_arena *arena,
                      const struct ndc_asof *when, int64_t change,
                      struct ndc_entity_view *view, struct ndc_fault *fault)
{
    struct walk w = {.conn = conn,
                     .arena = arena,
                     .when = when,
                     .records = view->records,
                     .count = view->record_count};
    enum ndc_err err = NDC_OK;
    for (int64_t seq = change; seq && !err; w.steps++) {
        if (w.steps == NDC_ASOF_CHANGES_MAX)
            return ndc_fail(fault, NDC_ETOOBIG, "asof.changes",
                            "the entity has changed over %d times since then",
                            NDC_ASOF_CHANGES_MAX);
        err = step_back(&w, seq, &seq, fault);
    }
    if (!err) err = end_of_chain(&w, fault);
    if (err) return err;
    view->records = w.known;
    view->record_count = w.known_count;
    if (when->valid.ptr) {
        add_versions(&w);
        view->records = NDC_ARENA_ARRAY(arena, struct ndc_record, w.known_count + 1);
        if (view->records) view->record_count = choose_valid(&w, view->records);
    }
    view->edges = NULL;
    view->edge_count = 0;
    view->golden = NDC_ARENA_ARRAY(arena, struct ndc_golden, NDC_FIELDS_MAX);
    if (arena->overflow || !view->golden || !view->records)
        return ndc_fail(fault, NDC_ETOOBIG, "asof.memory",
                        "the entity's history does not fit");
    view->golden_count =
        ndc_golden_choose(view->golden, view->records, view->record_count, &when->how);
    if (view->record_count == 0) return not_known(fault);
    return NDC_OK;
}

/* A small nation for tests (fake_people.h). */
#include "tests/verify/fake_people.h"

#include "core/policy.h"
#include "platforms/registry/serve/people.h"

enum { CHANGES_MAX = 1000 };

static struct {
    struct fake_person *people;
    size_t n;
    uint64_t changed[CHANGES_MAX];
    int64_t seq, generation;
} nation;

static struct ndc_str text(const char *s)
{
    return s ? ndc_str(s) : NDC_STR("");
}

static void add_id(struct ndc_people_facts *f, enum ndc_people_id_kind kind,
                   enum ndc_people_id_state state, const char *value)
{
    if (value && *value)
        f->ids[f->id_count++] = (struct ndc_people_id){kind, state, ndc_str(value)};
}

static void facts_of(struct ndc_people_facts *f, const struct fake_person *p)
{
    *f = (struct ndc_people_facts){.entity = p->entity, .flags = p->flags};
    f->names[f->name_count++] = text(p->name);
    if (p->other_name) f->names[f->name_count++] = text(p->other_name);
    if (p->org_id) {
        f->type = NDC_ENTITY_ORGANISATION;
        f->current_id = text(p->org_id);
        add_id(f, NDC_ID_ORGANISATION, NDC_ID_CURRENT, p->org_id);
        f->rep_name = text(p->rep_name);
        f->rep_id = text(p->rep_id);
        return;
    }
    f->current_id = text(p->id);
    add_id(f, NDC_ID_PERSONAL, NDC_ID_CURRENT, p->id);
    add_id(f, NDC_ID_OLD, NDC_ID_FORMER, p->old_id);
    add_id(f, NDC_ID_PERSONAL, NDC_ID_DOUBTFUL, p->doubtful_id);
    (void)ndc_date_parse_iso(text(p->birth), &f->birth);
}

static enum ndc_err moment(void *ctx, struct ndc_people_moment *out,
                           struct ndc_fault *fault)
{
    (void)ctx, (void)fault;
    *out = (struct ndc_people_moment){nation.generation, nation.seq};
    return NDC_OK;
}

static enum ndc_err scan(void *ctx, struct ndc_people_moment *out, uint64_t *total,
                         ndc_people_visit *visit, void *arg, struct ndc_fault *fault)
{
    (void)ctx;
    *out = (struct ndc_people_moment){nation.generation, nation.seq};
    *total = nation.n;
    for (size_t i = 0; i < nation.n; i++) {
        struct ndc_people_facts f;
        facts_of(&f, &nation.people[i]);
        enum ndc_err err = visit(arg, &f, 1, fault);
        if (err) return err;
    }
    return NDC_OK;
}

static enum ndc_err changes(void *ctx, int64_t after, size_t max, int64_t *last,
                            bool *anew, ndc_people_visit *visit, void *arg,
                            struct ndc_fault *fault)
{
    (void)ctx;
    *anew = false;
    *last = after;
    for (; *last < nation.seq && max > 0; max--, ++*last) {
        struct ndc_people_facts f = {.entity = nation.changed[*last],
                                     .flags = NDC_PEOPLE_GONE};
        for (size_t i = 0; i < nation.n; i++)
            if (nation.people[i].entity == f.entity) facts_of(&f, &nation.people[i]);
        enum ndc_err err = visit(arg, &f, 1, fault);
        if (err) return err;
    }
    return NDC_OK;
}

void fake_people_serve(struct fake_person *people, size_t n)
{
    static struct ndc_people_ops ops;
    nation.people = people;
    nation.n = n;
    nation.seq = 0;
    nation.generation = 1;
    ops = ndc_registry_people;
    ops.moment = moment;
    ops.scan = scan;
    ops.changes = changes;
    ndc_people_register(&ops, NULL);
}

void fake_people_changed(uint64_t entity)
{
    NDC_ASSERT(nation.seq < CHANGES_MAX);
    nation.changed[nation.seq++] = entity;
}

void fake_people_generation(void)
{
    nation.generation++;
}

/* ---- policy ---- */

static enum ndc_err decide(void *ctx, struct ndc_policy_decision *out,
                           const struct ndc_policy_request *q, struct ndc_fault *fault)
{
    (void)ctx;
    *out = (struct ndc_policy_decision){.outcome = NDC_POLICY_DENY};
    bool read = q->action == NDC_POLICY_READ;
    if (!ndc_str_eq_c(q->purpose, "account-check") || q->subjects >= 10000000 ||
        (read && !ndc_str_eq_c(q->agency, "told")))
        return ndc_fail(fault, NDC_EDENIED, "policy.test", "policy says no");
    out->outcome = NDC_POLICY_PERMIT;
    out->shown = q->fields;
    return NDC_OK;
}

void fake_policy_serve(void)
{
    static const struct ndc_policy_ops ops = {.decide = decide};
    ndc_policy_register(&ops, NULL);
}

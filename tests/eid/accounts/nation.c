/* The nation of nation.h. */
#include "tests/eid/accounts/nation.h"

#include "platforms/registry/serve/people.h"

#include <stdatomic.h>

enum { CHANGES_MAX = 1000 };

static struct citizen *people;
static size_t people_n;
static uint64_t changed[CHANGES_MAX];
static atomic_llong seq, generation;

static struct ndc_str text(const char *s)
{
    return s ? ndc_str(s) : NDC_STR("");
}

static void add_id(struct ndc_people_facts *f, enum ndc_people_id_kind kind,
                   enum ndc_people_id_state state, const char *value)
{
    if (value) f->ids[f->id_count++] = (struct ndc_people_id){kind, state, text(value)};
}

static void facts_of(struct ndc_people_facts *f, const struct citizen *c)
{
    *f = (struct ndc_people_facts){.entity = c->entity, .flags = c->flags};
    f->names[f->name_count++] = text(c->name);
    if (c->org_id) {
        f->type = NDC_ENTITY_ORGANISATION;
        f->current_id = text(c->org_id);
        f->rep_id = text(c->rep_id);
        add_id(f, NDC_ID_ORGANISATION, NDC_ID_CURRENT, c->org_id);
        return;
    }
    f->current_id = text(c->id);
    add_id(f, NDC_ID_PERSONAL, NDC_ID_CURRENT, c->id);
    add_id(f, NDC_ID_PERSONAL, NDC_ID_FORMER, c->former_id);
    f->parent_ids[0] = text(c->father_id);
    f->parent_ids[1] = text(c->mother_id);
    (void)ndc_date_parse_iso(text(c->birth), &f->birth);
}

static enum ndc_err moment(void *ctx, struct ndc_people_moment *out,
                           struct ndc_fault *fault)
{
    (void)ctx, (void)fault;
    *out = (struct ndc_people_moment){atomic_load(&generation), atomic_load(&seq)};
    return NDC_OK;
}

static enum ndc_err scan(void *ctx, struct ndc_people_moment *out, uint64_t *total,
                         ndc_people_visit *visit, void *arg, struct ndc_fault *fault)
{
    (void)moment(ctx, out, fault);
    *total = people_n;
    for (size_t i = 0; i < people_n; i++) {
        struct ndc_people_facts f;
        facts_of(&f, &people[i]);
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
    for (*last = after; *last < atomic_load(&seq) && max > 0; max--, ++*last) {
        struct ndc_people_facts f = {.entity = changed[*last], .flags = NDC_PEOPLE_GONE};
        for (size_t i = 0; i < people_n; i++)
            if (people[i].entity == f.entity) facts_of(&f, &people[i]);
        enum ndc_err err = visit(arg, &f, 1, fault);
        if (err) return err;
    }
    return NDC_OK;
}

static enum ndc_err find(void *ctx, enum ndc_people_id_kind kind, struct ndc_str value,
                         ndc_people_visit *visit, void *arg, struct ndc_fault *fault)
{
    (void)ctx;
    for (size_t i = 0; i < people_n; i++) {
        struct ndc_people_facts f;
        bool has = false;
        facts_of(&f, &people[i]);
        for (unsigned k = 0; k < f.id_count; k++)
            has |= f.ids[k].kind == kind && ndc_str_eq(f.ids[k].value, value);
        enum ndc_err err = has ? visit(arg, &f, 1, fault) : NDC_OK;
        if (err) return err;
    }
    return NDC_OK;
}

void nation_serve(struct citizen *rows, size_t n)
{
    static struct ndc_people_ops ops;
    people = rows;
    people_n = n;
    atomic_store(&seq, 0);
    atomic_store(&generation, 1);
    ops = ndc_registry_people; /* its rules for what people write */
    ops.moment = moment;
    ops.scan = scan;
    ops.changes = changes;
    ops.find = find;
    ops.claims = NULL;
    ndc_people_register(&ops, NULL);
}

void nation_changed(uint64_t entity)
{
    int64_t at = atomic_load(&seq);
    NDC_ASSERT(at < CHANGES_MAX);
    changed[at] = entity;
    atomic_store(&seq, at + 1);
}

void nation_anew(void)
{
    atomic_fetch_add(&generation, 1);
}

void nation_gone(void)
{
    ndc_people_register(NULL, NULL);
}

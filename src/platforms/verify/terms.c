/* What a file's sender may learn: asked of policy once for the whole file, with the
 * number of people in it, so that the thresholds of bulk data hold for files as they do
 * for reads. */
#include "platforms/verify/files.h"

#include "core/policy.h"
#include "store/store.h"

enum { ROLES_MAX = NDC_POLICY_ROLES_MAX };

static unsigned field(const char *code)
{
    const struct ndc_field *f = ndc_field_find(ndc_str(code));
    NDC_ASSERT(f);
    return f->id;
}

static void describe(struct ndc_policy_request *q, struct ndc_str *roles,
                     const struct ndc_verify_file *file, uint64_t subjects)
{
    struct ndc_str rest = file->roles, role;
    *q = (struct ndc_policy_request){.principal = file->principal,
                                     .agency = file->agency,
                                     .roles = roles,
                                     .purpose = file->purpose,
                                     .legal_basis = file->legal_basis,
                                     .action = NDC_POLICY_MATCH,
                                     .subjects = subjects};
    if (!ndc_policy_kind_parse(file->principal_kind, &q->kind))
        q->kind = NDC_POLICY_ANONYMOUS;
    while (rest.len && q->role_count < ROLES_MAX && ndc_str_split(&rest, ' ', &role))
        if (role.len) roles[q->role_count++] = role;
}

static bool may(const struct ndc_policy_decision *d, const char *code)
{
    unsigned id = field(code);
    return ndc_field_set_has(&d->shown, id) || ndc_field_set_has(&d->masked, id);
}

enum ndc_err ndc_verify_terms(const struct ndc_verify_file *file, uint64_t subjects,
                              struct ndc_judge_terms *out, char *rule,
                              struct ndc_fault *fault)
{
    static const char *const compared[] = {"person_id", "full_name", "birth_date",
                                           "status"};
    struct ndc_str roles[ROLES_MAX];
    struct ndc_policy_request q;
    struct ndc_policy_decision d;
    struct ndc_fault ignored = {0};
    *out = (struct ndc_judge_terms){0};
    describe(&q, roles, file, subjects);
    for (size_t i = 0; i < NDC_ARRAY_LEN(compared); i++)
        ndc_field_set_add(&q.fields, field(compared[i]));
    enum ndc_err err = ndc_policy_decide(&d, &q, fault);
    if (rule) memcpy(rule, d.rule, NDC_POLICY_RULE_ID_MAX);
    if (err) return err;
    if (!may(&d, "person_id") || !may(&d, "full_name") || !may(&d, "birth_date"))
        return ndc_fail(fault, NDC_EDENIED, "verify.fields",
                        "policy does not let this purpose compare identifiers, names and "
                        "birth dates; see the policy page for what is needed");
    out->status = may(&d, "status");
    /* A number that was not sent is a datum that is read. */
    q.action = NDC_POLICY_READ;
    q.fields = (struct ndc_field_set){0};
    ndc_field_set_add(&q.fields, field("person_id"));
    out->new_id = ndc_policy_decide(&d, &q, &ignored) == NDC_OK &&
                  ndc_field_set_has(&d.shown, field("person_id"));
    return NDC_OK;
}

/* ---- freezes ---- */

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

enum ndc_err ndc_verify_frozen(struct ndc_verify *v, const struct ndc_projection *p,
                               struct ndc_judge_terms *terms, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    uint64_t *entities = NULL;
    size_t n = 0, cap = 0;
    enum ndc_err err = ndc_store_take(v->store, NDC_READ, &conn, fault);
    if (err) return err;
    struct ndc_rows *rows = ndc_sql_query(
        conn, "SELECT hash FROM verify_freeze WHERE lifted_ms = 0", NDC_NO_ARGS);
    while (ndc_rows_next(rows)) {
        const struct ndc_entry *found[NDC_PROJECTION_SAME_MAX];
        uint64_t key;
        if (!ndc_str_to_u64(ndc_rows_text(rows, 0), &key)) continue;
        size_t count = ndc_projection_find(p, key, found, NDC_ARRAY_LEN(found));
        for (size_t i = 0; i < count; i++) {
            /* Whose number it is not does not answer for it. */
            if (ndc_entry_flags(found[i]) & NDC_ENTRY_DOUBTFUL) continue;
            if (n == cap) {
                cap = cap ? cap * 2 : 64;
                entities = ndc_xrealloc(entities, cap * sizeof(*entities));
            }
            entities[n++] = ndc_entry_entity(found[i]);
        }
    }
    err = ndc_rows_end(rows, fault);
    ndc_store_give(conn);
    if (n) qsort(entities, n, sizeof(*entities), by_number);
    terms->frozen = entities;
    terms->frozen_count = n;
    if (!err) return NDC_OK;
    free(entities);
    terms->frozen = NULL;
    terms->frozen_count = 0;
    return err;
}

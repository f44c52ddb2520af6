/* A file to try with: people of the registry, most as they are, some with a known fault.
 * The column `expected` says which verdict that should give; a check ignores it. */
#include "platforms/verify/files.h"

#include "base/csv.h"
#include "base/hash.h"
#include "base/vntext.h"
#include "core/people.h"

enum { TEXT_MAX = 512 };

struct sample {
    struct ndc_buf *out;
    uint64_t rows, made, seen, total;
    bool full;
};

static void field(struct sample *s, struct ndc_str text)
{
    ndc_csv_write_field(s->out, text, false);
}

static void end_row(struct sample *s, const char *expected)
{
    field(s, ndc_str(expected));
    ndc_csv_write_end(s->out);
    s->made++;
}

static void begin_row(struct sample *s, uint64_t account)
{
    ndc_buf_printf(s->out, "%013llu", 9700000000000ull + account);
}

static void date_text(char out[static 16], struct ndc_date d)
{
    ndc_date_format(out, d);
}

static void person_row(struct sample *s, uint64_t account, struct ndc_str name,
                       struct ndc_str id, struct ndc_date birth, const char *expected)
{
    char date[16];
    begin_row(s, account);
    date_text(date, birth);
    field(s, name);
    field(s, id);
    field(s, birth.year ? ndc_str(date) : NDC_STR(""));
    for (int i = 0; i < 4; i++)
        ndc_buf_add_byte(s->out, ',');
    end_row(s, expected);
}

static const char *truth(const struct ndc_people_facts *f)
{
    return f->flags & NDC_PEOPLE_FROZEN ? "frozen"
           : f->flags & NDC_PEOPLE_DEAD ? "dead"
                                        : "match";
}

static struct ndc_str old_id(const struct ndc_people_facts *f)
{
    for (unsigned i = 0; i < f->id_count; i++)
        if (f->ids[i].kind == NDC_ID_OLD) return f->ids[i].value;
    return NDC_STR("");
}

static void add_person(struct sample *s, const struct ndc_people_facts *f)
{
    char plain[NDC_VN_ROOM(NDC_PEOPLE_TEXT_MAX)], upper[NDC_VN_ROOM(TEXT_MAX)];
    struct ndc_str name = f->names[0], old = old_id(f);
    struct ndc_date birth = f->birth;
    uint64_t n = s->made;
    bool alive = !(f->flags & (NDC_PEOPLE_DEAD | NDC_PEOPLE_FROZEN));
    switch (n % 20) {
    case 3: /* as old systems write it */
        name = ndc_str_n(plain, ndc_vn_fold(plain, name, NDC_VN_FOLD_FULL, NULL));
        name = ndc_str_n(upper, ndc_vn_upper(upper, name));
        person_row(s, n, name, f->current_id, birth, truth(f));
        break;
    case 7:
        person_row(s, n, NDC_STR("Người Nào Khác"), f->current_id, birth, "mismatch");
        break;
    case 11:
        if (birth.year) birth.year++;
        person_row(s, n, name, f->current_id, birth,
                   alive && birth.year ? "mismatch" : truth(f));
        break;
    case 13:
        person_row(s, n, name, NDC_STR("001099999999"), birth, "not_found");
        break;
    case 15:
        person_row(s, n, name, NDC_STR("12"), birth, "invalid");
        break;
    case 17:
        person_row(s, n - 1, name, f->current_id, birth, "duplicate");
        break;
    case 9: /* as the card of then had it */
        if (old.len && alive) {
            person_row(s, n, name, old, birth, "replaced");
            break;
        }
        person_row(s, n, name, f->current_id, birth, truth(f));
        break;
    default:
        person_row(s, n, name, f->current_id, birth, truth(f));
    }
}

static void add_firm(struct sample *s, const struct ndc_people_facts *f)
{
    bool wrong = s->made % 5 == 0;
    begin_row(s, s->made);
    ndc_buf_add_str(s->out, NDC_STR(",,,"));
    field(s, f->current_id);
    field(s, f->names[0]);
    field(s, wrong ? NDC_STR("Người Nào Khác") : f->rep_name);
    field(s, f->rep_id);
    end_row(s, f->flags & NDC_PEOPLE_DEAD ? "dead"
               : wrong && f->rep_name.len ? "mismatch"
                                          : "match");
}

static enum ndc_err visit(void *arg, const struct ndc_people_facts *facts, size_t n,
                          struct ndc_fault *fault)
{
    struct sample *s = arg;
    uint64_t every = NDC_MAX(s->total / s->rows, (uint64_t)1);
    for (size_t i = 0; i < n && s->made < s->rows; i++) {
        const struct ndc_people_facts *f = &facts[i];
        if (f->flags & NDC_PEOPLE_GONE || !f->name_count || !f->current_id.len) continue;
        if (s->seen++ % every != 0) continue;
        if (f->type == NDC_ENTITY_PERSON)
            add_person(s, f);
        else
            add_firm(s, f);
    }
    if (s->made < s->rows) return NDC_OK;
    s->full = true; /* the rest of the nation need not be read */
    return ndc_fail(fault, NDC_ECANCELED, "verify.sample", "enough");
}

enum ndc_err ndc_verify_sample(struct ndc_verify *v, struct ndc_buf *out, uint64_t rows,
                               struct ndc_fault *fault)
{
    void *ctx;
    const struct ndc_people_ops *people = ndc_people(&ctx);
    struct ndc_people_moment moment;
    struct ndc_fault stopped = {0};
    (void)v;
    if (!people)
        return ndc_fail(fault, NDC_EBUSY, "verify.no_people", "there is no registry");
    struct sample s = {.out = out, .rows = rows};
    ndc_buf_add_str(out, NDC_STR("bank_account,full_name,person_id,birth_date,org_id,"
                                 "org_name,legal_rep_name,legal_rep_id,expected\r\n"));
    enum ndc_err err = people->scan(ctx, &moment, &s.total, visit, &s, &stopped);
    if (err && !s.full) {
        if (fault) *fault = stopped;
        return err;
    }
    if (s.made == 0)
        return ndc_fail(fault, NDC_EBUSY, "verify.no_people",
                        "the registry has integrated nobody yet");
    return NDC_OK;
}

/* The registry's facts, as other platforms see them: whose numbers are whose, who is
 * dead, what a scan and what changes tell. */
#include "tests/registry/core/fixture.h"

#include "platforms/registry/serve/people.h"

static struct ndc_fault fault;

struct seen {
    size_t people, firms, gone, old, doubtful, former, dead, named;
    uint64_t an; /* entity of the number below */
    unsigned an_ids;
    struct ndc_date an_birth;
    char an_name[64], an_doubtful[16];
};

static enum ndc_err look(void *arg, const struct ndc_people_facts *facts, size_t n,
                         struct ndc_fault *f)
{
    struct seen *s = arg;
    (void)f;
    for (size_t i = 0; i < n; i++) {
        const struct ndc_people_facts *p = &facts[i];
        if (p->flags & NDC_PEOPLE_GONE) {
            s->gone++;
            continue;
        }
        s->people += p->type == NDC_ENTITY_PERSON;
        s->firms += p->type == NDC_ENTITY_ORGANISATION;
        s->dead += (p->flags & NDC_PEOPLE_DEAD) != 0;
        s->named += p->name_count > 0;
        for (unsigned k = 0; k < p->id_count; k++) {
            s->old += p->ids[k].kind == NDC_ID_OLD;
            s->doubtful += p->ids[k].state == NDC_ID_DOUBTFUL;
            s->former += p->ids[k].state == NDC_ID_FORMER;
            if (p->ids[k].state == NDC_ID_DOUBTFUL &&
                ndc_str_eq_c(p->current_id, "001085000123"))
                snprintf(s->an_doubtful, sizeof(s->an_doubtful), "%.*s",
                         NDC_STR_FMT(p->ids[k].value));
        }
        if (!ndc_str_eq_c(p->current_id, "001085000123")) continue;
        s->an = p->entity;
        s->an_ids = p->id_count;
        s->an_birth = p->birth;
        snprintf(s->an_name, sizeof(s->an_name), "%.*s", NDC_STR_FMT(p->names[0]));
    }
    return NDC_OK;
}

static struct seen scan(struct world *w, struct ndc_people_moment *moment)
{
    struct seen s = {0};
    uint64_t total;
    assert_ok(ndc_registry_people.scan(w->reg, moment, &total, look, &s, &fault), &fault);
    assert_int_equal(total, s.people + s.firms + s.gone);
    return s;
}

#define REST                                                                          \
    "fields:\n  - {column: k, to: ~}\n  - {column: id, to: person_id}\n"              \
    "  - {column: old, to: old_id}\n  - {column: n, to: full_name, required: true}\n" \
    "  - {column: b, to: birth_date, required: true}\n  - {column: d, to: death_date}\n"
#define HEAD "k,id,old,n,b,d\n"

static void test_facts(void **state)
{
    struct world w;
    struct ndc_people_moment moment;
    world_new(&w, state);
    declare(&w, "law", "{mode: snapshot}",
            "authority: {person_id: 1, full_name: 1}\n" REST);
    declare(&w, "bank", "{mode: snapshot}", REST);
    write_csv(&w, "law",
              HEAD "1,001085000123,011234567,Nguyễn Văn An,27/03/1985,\n"
                   "2,001050000789,,Lê Văn Cũ,02/01/1950,03/04/2020\n");
    /* The bank has the old number, and a slip of the pen in the new one. */
    write_csv(&w, "bank", HEAD "7,001085000132,011234567,Nguyễn Văn An,27/03/1985,\n");
    load(&w, "law", NULL);
    load(&w, "bank", NULL);
    build(&w, NULL);
    struct seen s = scan(&w, &moment);
    assert_int_equal(moment.generation, ndc_registry_generation(w.reg));
    assert_int_equal(s.people, 2);
    assert_int_equal(s.dead, 1);
    assert_string_equal(s.an_name, "Nguyễn Văn An");
    assert_int_equal(s.an_birth.year * 10000 + s.an_birth.month * 100 + s.an_birth.day,
                     19850327);
    assert_int_equal(s.an_ids, 3);
    assert_string_equal(s.an_doubtful, "001085000132");
    assert_int_equal(s.former, 1); /* the old card's number */
    world_free(&w);
}

/* ---- one by a number ---- */

struct found {
    size_t n;
    uint64_t entity;
    char name[64], current[16];
    struct ndc_date birth;
    enum ndc_people_id_state state; /* of the number that was asked */
    const char *asked;
};

static enum ndc_err note_found(void *arg, const struct ndc_people_facts *facts, size_t n,
                               struct ndc_fault *f)
{
    struct found *found = arg;
    (void)f;
    for (size_t i = 0; i < n; i++) {
        const struct ndc_people_facts *p = &facts[i];
        found->n++;
        found->entity = p->entity;
        found->birth = p->birth;
        snprintf(found->name, sizeof(found->name), "%.*s", NDC_STR_FMT(p->names[0]));
        snprintf(found->current, sizeof(found->current), "%.*s",
                 NDC_STR_FMT(p->current_id));
        for (unsigned k = 0; k < p->id_count; k++)
            if (ndc_str_eq_c(p->ids[k].value, found->asked))
                found->state = p->ids[k].state;
    }
    return NDC_OK;
}

static struct found find(struct world *w, enum ndc_people_id_kind kind,
                         const char *number)
{
    struct found f = {.asked = number};
    assert_ok(
        ndc_registry_people.find(w->reg, kind, ndc_str(number), note_found, &f, &fault),
        &fault);
    return f;
}

static const struct ndc_people_claim *claim_of(const struct ndc_people_claim *claims,
                                               size_t n, const char *code)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(ndc_field_get(claims[i].field)->code, code) == 0) return &claims[i];
    fail_msg("nothing is claimed of %s", code);
    return NULL;
}

static void test_one(void **state)
{
    struct world w;
    struct ndc_arena arena;
    struct ndc_people_claim *claims;
    size_t n;
    world_new(&w, state);
    declare(&w, "law", "{mode: snapshot}",
            "authority: {person_id: 1, full_name: 1}\n" REST);
    declare(&w, "bank", "{mode: snapshot}", REST);
    write_csv(&w, "law",
              HEAD "1,001085000123,011234567,Nguyễn Văn An,27/03/1985,\n"
                   "2,001050000789,,Lê Văn Cũ,02/01/1950,03/04/2020\n");
    write_csv(&w, "bank", HEAD "7,001085000132,011234567,Nguyễn Văn An,27/03/1985,\n");
    load(&w, "law", NULL);
    load(&w, "bank", NULL);
    build(&w, NULL);
    struct found an = find(&w, NDC_ID_PERSONAL, "001085000123");
    assert_int_equal(an.n, 1);
    assert_string_equal(an.name, "Nguyễn Văn An");
    assert_int_equal(an.state, NDC_ID_CURRENT);
    assert_int_equal(an.birth.year, 1985);
    assert_int_equal(an.entity, entity_of(&w, "law", "1"));
    /* By the card of before, and by a slip of the pen, which is said to be one. */
    struct found by_old = find(&w, NDC_ID_OLD, "011234567");
    assert_int_equal(by_old.entity, an.entity);
    struct found by_slip = find(&w, NDC_ID_PERSONAL, "001085000132");
    assert_int_equal(by_slip.entity, an.entity);
    assert_int_equal(by_slip.state, NDC_ID_DOUBTFUL);
    assert_string_equal(by_slip.current, "001085000123");
    assert_int_equal(find(&w, NDC_ID_PERSONAL, "001085000999").n, 0);
    assert_int_equal(find(&w, NDC_ID_PASSPORT, "001085000123").n, 0);
    /* What is known, and which database says so. */
    ndc_arena_init(&arena, 16 << 20);
    assert_ok(ndc_registry_people.claims(w.reg, &arena, an.entity, &claims, &n, &fault),
              &fault);
    const struct ndc_people_claim *name = claim_of(claims, n, "full_name");
    assert_str_eq(name->value, "Nguyễn Văn An");
    assert_str_eq(name->source, "law");
    assert_true(name->title_vi.len > 0 && name->seen_ms > 0);
    assert_str_eq(claim_of(claims, n, "person_id")->value, "001085000123");
    assert_int_equal(ndc_registry_people.claims(w.reg, &arena, 999999, &claims, &n, NULL),
                     NDC_ENOTFOUND);
    ndc_arena_free(&arena);
    world_free(&w);
}

static void test_changes(void **state)
{
    struct world w;
    struct ndc_people_moment moment, now;
    struct ndc_store_conn *conn;
    struct seen s = {0};
    int64_t last;
    bool anew;
    world_new(&w, state);
    declare(&w, "law", "{mode: snapshot}", REST);
    write_csv(&w, "law", HEAD "1,001085000123,,Nguyễn Văn An,27/03/1985,\n");
    load(&w, "law", NULL);
    build(&w, NULL);
    scan(&w, &moment);
    uint64_t an = entity_of(&w, "law", "1");
    assert_ok(ndc_store_take(w.store, NDC_WRITE, &conn, &fault), &fault);
    assert_ok(ndc_sql_exec(conn,
                           "INSERT INTO registry_change (seq, at_ms, previous, entity, "
                           "other, source, type, kind, fields, before) VALUES ($1, 1, 0, "
                           "$2, 999999, 0, 0, 4, $3, $3)",
                           NDC_ARGS(ndc_int(moment.seq + 1), ndc_int((int64_t)an),
                                    ndc_blob(NDC_STR(""))),
                           NULL, &fault),
              &fault);
    ndc_store_give(conn);
    assert_ok(ndc_registry_people.moment(w.reg, &now, &fault), &fault);
    assert_int_equal(now.seq, moment.seq + 1);
    assert_ok(ndc_registry_people.changes(w.reg, moment.seq, 100, &last, &anew, look, &s,
                                          &fault),
              &fault);
    assert_int_equal(last, moment.seq + 1);
    assert_false(anew);
    assert_int_equal(s.an, an);
    assert_int_equal(s.gone, 1); /* the one that was never there */
    world_free(&w);
}

static void test_demo(void **state)
{
    struct world w;
    struct ndc_build_stats stats;
    struct ndc_people_moment moment;
    world_new(&w, state);
    integrate_demo(&w, &stats);
    struct seen s = scan(&w, &moment);
    assert_int_equal(s.people, stats.people);
    assert_int_equal(s.firms, stats.organisations);
    assert_true(s.old > s.people / 2 && s.dead > 10 && s.named == s.people + s.firms);
    world_free(&w);
}

static void test_reading(void **state)
{
    const struct ndc_people_ops *p = &ndc_registry_people;
    char text[NDC_PEOPLE_TEXT_MAX], id[24];
    struct ndc_date d;
    bool toneless;
    (void)state;
    void *reader = p->reader_new();
    size_t n = p->name(reader, text, &toneless, NDC_STR("  ÔNG  NGUYỄN VĂN AN "));
    assert_int_equal(n, strlen("Nguyễn Văn An"));
    assert_memory_equal(text, "Nguyễn Văn An", n);
    assert_false(toneless);
    assert_true(p->name(reader, text, &toneless, NDC_STR("nguyen van an")) > 0 &&
                toneless);
    assert_int_equal(p->name(reader, text, &toneless, NDC_STR("N/A")), 0);
    p->reader_free(reader);
    assert_int_equal(p->id(id, NDC_STR("1085000123"), false), NDC_ID_PERSONAL);
    assert_string_equal(id, "001085000123");
    assert_int_equal(p->id(id, NDC_STR("011 234 567"), false), NDC_ID_OLD);
    assert_int_equal(p->id(id, NDC_STR("B1234567"), false), NDC_ID_PASSPORT);
    assert_int_equal(p->id(id, NDC_STR("0100109106-001"), true), NDC_ID_ORGANISATION);
    assert_int_equal(p->id(id, NDC_STR("999085000123"), false), NDC_ID_NONE);
    assert_int_equal(p->id(id, NDC_STR(""), false), NDC_ID_NONE);
    assert_true(p->date(&d, NDC_STR("27/03/1985")) && d.month == 3 && d.day == 27);
    assert_true(p->date(&d, NDC_STR("1985")) && d.month == 0);
    assert_false(p->date(&d, NDC_STR("31/02/1985")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_ON_BOTH(test_facts),       TEST_ON_BOTH(test_one),
        TEST_ON_BOTH(test_changes),     TEST_ON_BOTH(test_demo),
        cmocka_unit_test(test_reading),
    };
    return test_db_run(tests);
}

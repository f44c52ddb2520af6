/* Rows of the databases about who people are: population, residence, civil status,
 * immigration, justice. */
#include "platforms/registry/demo/emit.h"

#include <stdio.h>

static const struct demo_person *spouse_of(const struct demo_emit *emit,
                                           const struct demo_person *p)
{
    return p->spouse == DEMO_NONE ? NULL : &emit->village->p[p->spouse];
}

/* "Xã Tân Lập, Tỉnh Hà Giang" of the units of the record's day. */
static void put_place(struct demo_record *r, struct demo_address address)
{
    demo_put_unit_text(r, address, false);
}

static void put_if(struct demo_record *r, double chance, const char *value)
{
    demo_put(r->rows, demo_chance(&r->rng, chance) ? value : "");
}

void demo_emit_population(const struct demo_emit *emit, const struct demo_person *p)
{
    unsigned copies = demo_copies(emit, p, NDC_DEMO_POPULATION, 0.992);
    for (unsigned copy = 0; copy < copies; copy++) {
        struct demo_record r;
        demo_begin(&r, emit, p, NDC_DEMO_POPULATION, copy);
        demo_text(r.key, sizeof(r.key), "DC%011llu",
                  (unsigned long long)demo_serial(r.nation, 3, p->number, copy, 11));
        demo_put(r.rows, r.key);
        demo_put_id(&r);
        put_if(&r, 0.9, p->old_id);
        demo_put_name(&r);
        demo_put(r.rows, "");
        demo_put_birth(&r);
        demo_put_sex(&r, "Nam", "Nữ");
        put_place(&r, p->birth_place);
        put_place(&r, p->origin);
        demo_put(r.rows, demo_people_name(p->people));
        put_if(&r, 0.9, demo_religion(p));
        demo_put(r.rows, "Việt Nam");
        put_if(&r, 0.4, demo_blood(p));
        enum demo_marital marital = demo_marital_known(&r);
        demo_put(r.rows, demo_marital_names[marital]);
        demo_put_address(&r, false);
        demo_put_address(&r, true);
        demo_put_relative(&r, p->father_name);
        put_if(&r, 0.8, p->father_id);
        demo_put_relative(&r, p->mother_name);
        put_if(&r, 0.8, p->mother_id);
        const struct demo_person *spouse = spouse_of(emit, p);
        bool told = spouse && marital == DEMO_MARRIED && demo_chance(&r.rng, 0.85);
        demo_put_relative(&r, told ? spouse->name : "");
        demo_put(r.rows, told ? spouse->id : "");
        bool dead_known =
            p->dead && p->death + 10 < r.nation->day1 && demo_chance(&r.rng, 0.93);
        demo_put(r.rows, dead_known ? "Đã chết" : "Đang sống");
        if (dead_known)
            demo_put_date(&r, p->death);
        else
            demo_put(r.rows, "");
        demo_put_date(&r, dead_known ? NDC_MAX(r.day, p->death + 9) : r.day);
        demo_end(&r, emit);
    }
}

void demo_emit_residence(const struct demo_emit *emit, const struct demo_person *p)
{
    const struct demo_nation *nation = emit->nation;
    unsigned copies = demo_copies(emit, p, NDC_DEMO_RESIDENCE, 0.975);
    int32_t now = emit->phase == NDC_DEMO_DAY2 ? nation->today : nation->day1;
    /* The dead are struck off within weeks, some never. */
    if (p->dead && p->death + (int32_t)(p->key % 60) < now && p->key % 100 >= 3) return;
    if (p->birth > now - 5) return;
    for (unsigned copy = 0; copy < copies; copy++) {
        struct demo_record r;
        demo_begin(&r, emit, p, NDC_DEMO_RESIDENCE, copy);
        const struct demo_household *household = &emit->village->households[p->household];
        demo_text(r.key, sizeof(r.key), "CT%010llu",
                  (unsigned long long)demo_serial(nation, 4, p->number, copy, 10));
        demo_put(r.rows, r.key);
        demo_putf(r.rows, "H%010llu",
                  (unsigned long long)demo_serial(nation, 5, household->number, 0, 10));
        demo_put(r.rows, demo_role_names[p->role]);
        demo_put_name(&r);
        demo_put_birth(&r);
        demo_put_sex(&r, "1", "2");
        demo_put_id(&r);
        struct demo_address home = demo_permanent_at(p, r.day);
        if (r.day < p->permanent_day) r.faults |= 1u << DEMO_ADDRESS_OLD;
        char street[DEMO_STREET_BYTES];
        demo_street(street, &nation->places, home);
        demo_put(r.rows, street);
        const struct demo_new_commune *commune = demo_new_commune(&nation->places, home);
        demo_put(r.rows, commune->full);
        demo_put(r.rows, nation->places.now[commune->province].full);
        bool away = p->current.commune != p->permanent.commune && r.day >= p->current_day;
        if (away && demo_chance(&r.rng, 0.7))
            demo_put_unit_text(&r, p->current, true);
        else
            demo_put(r.rows, "");
        demo_putf(r.rows, "%d", (int)demo_marital_known(&r) + 1);
        put_if(&r, 0.6, demo_occupation(p));
        demo_put_phone(&r);
        demo_put_date(&r, r.day);
        demo_end(&r, emit);
    }
}

struct civil_event {
    const char *kind; /* KS birth, KH marriage, KT death */
    int32_t day;
    unsigned copy;
    double coverage;
};

static void civil_row(const struct demo_emit *emit, const struct demo_person *p,
                      const struct civil_event *event, const char *op, unsigned copy)
{
    struct demo_record r;
    demo_begin(&r, emit, p, NDC_DEMO_CIVIL_STATUS, event->copy);
    r.faults = 0;
    if (copy) r.faults |= 1u << DEMO_DUPLICATE;
    r.day = event->day;
    bool birth = event->kind[1] == 'S', wedding = event->kind[1] == 'H';
    demo_text(
        r.key, sizeof(r.key), "%s%011llu", event->kind,
        (unsigned long long)demo_serial(r.nation, 6, p->number, event->copy + copy, 11));
    if (op[0] == 'U' || copy) r.rng += 99 + copy; /* written anew: other errors */
    demo_put(r.rows, op);
    demo_put(r.rows, r.key);
    demo_put(r.rows, event->kind);
    demo_put_date(&r, event->day);
    put_place(&r, demo_permanent_at(p, event->day));
    demo_put_name(&r);
    demo_put_birth(&r);
    demo_put_sex(&r, "Nam", "Nữ");
    demo_put_id(&r);
    demo_put(r.rows, demo_people_name(p->people));
    demo_put(r.rows, "Việt Nam");
    put_place(&r, p->birth_place);
    double parents = birth ? 1 : 0.25;
    bool has_father = birth || demo_chance(&r.rng, parents);
    demo_put_relative(&r, has_father ? p->father_name : "");
    double numbered = !has_father ? 0 : birth && event->day > 16800 ? 0.75 : 0.1;
    put_if(&r, numbered, p->father_id);
    demo_put_relative(&r, has_father ? p->mother_name : "");
    put_if(&r, numbered, p->mother_id);
    const struct demo_person *spouse = spouse_of(emit, p);
    demo_put_relative(&r, wedding && spouse ? spouse->name : "");
    put_if(&r, wedding && spouse ? 0.8 : 0, spouse ? spouse->id : "");
    demo_put(r.rows, wedding ? demo_marital_names[DEMO_MARRIED] : "");
    if (event->kind[1] == 'T')
        demo_put_date(&r, p->death);
    else
        demo_put(r.rows, "");
    demo_row_end(r.rows);
    bool tell = demo_wanted(emit, NDC_DEMO_TRUTH) &&
                (emit->phase == NDC_DEMO_DAY1 || op[0] == 'I');
    if (tell) demo_emit_truth(emit->part, &r, p->number, 0);
}

/* Day 1 has what was registered before the last month. Day 2 adds the month's events,
 * puts a few earlier entries right, and strikes out some entered twice. */
static void civil_event(const struct demo_emit *emit, const struct demo_person *p,
                        const struct civil_event *event)
{
    uint64_t rng = demo_stream(p->key, DEMO_FOR_RECORD,
                               NDC_DEMO_CIVIL_STATUS * 64 + 32 + event->copy);
    bool held = demo_chance(&rng, event->coverage);
    bool twice =
        ndc_rng_below(&rng, 10000) < demo_habits[NDC_DEMO_CIVIL_STATUS].duplicate;
    uint64_t fate = ndc_rng_below(&rng, 1000);
    if (!held || event->day > emit->nation->today) return;
    bool new_now = event->day > emit->nation->day1;
    if (emit->phase == NDC_DEMO_DAY1) {
        if (new_now) return;
        civil_row(emit, p, event, "I", 0);
        if (twice) civil_row(emit, p, event, "I", 1);
    } else if (new_now) {
        civil_row(emit, p, event, "I", 0);
    } else if (fate < 3) {
        civil_row(emit, p, event, "U", 0);
    } else if (twice && fate < 500) {
        civil_row(emit, p, event, "D", 1);
    }
}

void demo_emit_civil(const struct demo_emit *emit, const struct demo_person *p)
{
    if (!demo_wanted(emit, NDC_DEMO_CIVIL_STATUS)) return;
    /* Registers since 2016 are electronic; older books were typed in in part. */
    enum { ELECTRONIC = 16801 };
    uint64_t rng = demo_stream(p->key, DEMO_FOR_RECORD, NDC_DEMO_CIVIL_STATUS * 64 + 31);
    int32_t birth_day = p->birth + demo_between(&rng, 4, 55);
    if (demo_chance(&rng, 0.03)) birth_day += demo_between(&rng, 300, 2000);
    struct civil_event birth = {"KS", birth_day, 0,
                                p->birth > ELECTRONIC          ? 0.985
                                : p->birth > ELECTRONIC - 9000 ? 0.62
                                                               : 0.16};
    if (!p->dead || birth_day < p->death) civil_event(emit, p, &birth);
    if (p->marital != DEMO_SINGLE) {
        struct civil_event wedding = {"KH", p->marriage, 2,
                                      p->marriage > ELECTRONIC          ? 0.93
                                      : p->marriage > ELECTRONIC - 7000 ? 0.5
                                                                        : 0.1};
        civil_event(emit, p, &wedding);
    }
    if (p->dead) {
        struct civil_event death = {"KT", p->death + demo_between(&rng, 1, 20), 4, 0.9};
        civil_event(emit, p, &death);
    }
}

void demo_emit_immigration(const struct demo_emit *emit, const struct demo_person *p)
{
    int age = demo_age(emit->nation, p);
    bool town = emit->nation->places.communes[p->current.commune].urban;
    double share = age < 1 || age > 85 ? 0.01 : age < 18 ? 0.05 : 0.12;
    if (town) share *= 1.7;
    if (p->people == 5) share *= 0.3;
    unsigned copies = demo_copies(emit, p, NDC_DEMO_IMMIGRATION, share);
    for (unsigned copy = 0; copy < copies; copy++) {
        struct demo_record r;
        demo_begin(&r, emit, p, NDC_DEMO_IMMIGRATION, copy);
        /* A letter and eight digits: 26 times a hundred million, enough for 16 a person.
         */
        uint64_t key = demo_stream(r.nation->config.seed, DEMO_FOR_NUMBERS, 7ull << 32);
        uint64_t serial = demo_permute(p->number * 16 + copy, 2600000000, key);
        demo_text(r.key, sizeof(r.key), "%c%08u", (char)('A' + serial / 100000000),
                  (unsigned)(serial % 100000000));
        demo_put(r.rows, r.key);
        char name[2 * DEMO_NAME_BYTES + 8];
        demo_noisy_name(&r, name, p->surname, p->middle, p->given);
        char *space = strchr(name, ' ');
        demo_put_n(r.rows, name, space ? (size_t)(space - name) : strlen(name));
        demo_put(r.rows, space ? space + 1 : "");
        demo_put_birth(&r);
        demo_put_sex(&r, "M", "F");
        demo_put(r.rows, "VNM");
        demo_put_id(&r);
        char place[DEMO_NAME_BYTES];
        demo_text(place, sizeof(place), "%s",
                  r.nation->places.provinces[emit->village->province].name);
        demo_put_relative(&r, place);
        demo_put_date(&r, r.day);
        demo_put_date(&r, r.day + (age < 14 ? 5 : 10) * 365);
        bool went = demo_chance(&r.rng, 0.8);
        int32_t out = r.day + 20 + (int32_t)ndc_rng_below(&r.rng, 900);
        went = went && out < r.nation->day1;
        int32_t back = out + demo_between(&r.rng, 3, 60);
        if (went)
            demo_put_date(&r, out);
        else
            demo_put(r.rows, "");
        if (went && back < r.nation->day1)
            demo_put_date(&r, back);
        else
            demo_put(r.rows, "");
        demo_end(&r, emit);
    }
}

void demo_emit_justice(const struct demo_emit *emit, const struct demo_person *p)
{
    static const char *const crimes[] = {
        "Trộm cắp tài sản",
        "Cố ý gây thương tích",
        "Đánh bạc",
        "Vi phạm quy định về tham gia giao thông đường bộ",
        "Tàng trữ trái phép chất ma túy",
        "Lừa đảo chiếm đoạt tài sản"};
    int age = demo_age(emit->nation, p);
    double share = age < 18 ? 0 : age < 60 ? (p->sex ? 0.035 : 0.06) : 0.012;
    unsigned copies = demo_copies(emit, p, NDC_DEMO_JUSTICE, share);
    for (unsigned copy = 0; copy < copies; copy++) {
        struct demo_record r;
        demo_begin(&r, emit, p, NDC_DEMO_JUSTICE, copy);
        demo_text(r.key, sizeof(r.key), "LLTP%010llu",
                  (unsigned long long)demo_serial(r.nation, 8, p->number, copy, 10));
        demo_put(r.rows, r.key);
        demo_put_name(&r);
        demo_put_birth(&r);
        demo_put_sex(&r, "Nam", "Nữ");
        put_place(&r, p->birth_place);
        demo_put_id(&r);
        demo_put_address(&r, false);
        demo_put_relative(&r, p->father_name);
        demo_put_relative(&r, p->mother_name);
        const struct demo_person *spouse = spouse_of(emit, p);
        demo_put_relative(&r, spouse && r.day >= p->marriage ? spouse->name : "");
        bool guilty = p->key % 1000 < (p->sex ? 60u : 330u);
        demo_put(r.rows, guilty ? crimes[p->key / 1000 % NDC_ARRAY_LEN(crimes)]
                                : "Không có án tích");
        demo_put_date(&r, r.day);
        demo_end(&r, emit);
    }
}

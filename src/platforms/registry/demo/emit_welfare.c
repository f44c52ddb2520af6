/* Rows of the databases that serve people: social and health insurance, health records,
 * education, labour. */
#include "platforms/registry/demo/emit.h"

#include <stdio.h>

static void put_if(struct demo_record *r, double chance, const char *value)
{
    demo_put(r->rows, demo_chance(&r->rng, chance) ? value : "");
}

/* Province where the person lived on the record's day, index of the 63. */
static unsigned province_then(const struct demo_record *r)
{
    return r->nation->places.communes[demo_current_at(r->p, r->day).commune].province;
}

void demo_emit_social(const struct demo_emit *emit, const struct demo_person *p)
{
    int age = demo_age(emit->nation, p);
    double share = p->formal      ? 0.97
                   : p->pensioner ? 0.92
                   : age < 18     ? 0
                   : age < 62     ? 0.24
                                  : 0.04;
    unsigned copies = demo_copies(emit, p, NDC_DEMO_SOCIAL_INSURANCE, share);
    for (unsigned copy = 0; copy < copies; copy++) {
        struct demo_record r;
        demo_begin(&r, emit, p, NDC_DEMO_SOCIAL_INSURANCE, copy);
        demo_social_no(r.nation, p, copy, r.key);
        demo_put(r.rows, r.key);
        demo_put_name(&r);
        demo_put_birth(&r);
        demo_put_sex(&r, "Nam", "Nữ");
        demo_put_id(&r);
        demo_put_address(&r, true);
        demo_put_phone(&r);
        struct demo_org org;
        bool employed = p->formal && p->employer;
        if (employed) demo_org_make(r.nation, &org, p->employer - 1);
        demo_put(r.rows, employed ? org.tax_code : "");
        demo_put(r.rows, employed ? org.name : "");
        put_if(&r, 0.9, demo_occupation(p));
        if (p->formal)
            demo_put_u(r.rows, (uint64_t)p->salary * 1000);
        else
            demo_put(r.rows, "");
        demo_put(r.rows, p->formal      ? "Đang tham gia"
                         : p->pensioner ? "Hưởng lương hưu"
                                        : "Bảo lưu");
        demo_put_date(&r, r.day);
        demo_end(&r, emit);
    }
}

void demo_emit_health(const struct demo_emit *emit, const struct demo_person *p)
{
    if (p->dead && p->death < emit->nation->day1 - 200) return;
    double share = p->works && !p->formal ? 0.88 : 0.965;
    unsigned copies = demo_copies(emit, p, NDC_DEMO_HEALTH_INSURANCE, share);
    for (unsigned copy = 0; copy < copies; copy++) {
        struct demo_record r;
        demo_begin(&r, emit, p, NDC_DEMO_HEALTH_INSURANCE, copy);
        demo_health_no(r.nation, p, copy, r.key);
        demo_put(r.rows, r.key);
        demo_put(r.rows, r.key + 5);
        demo_put_name(&r);
        demo_put_birth(&r);
        demo_put_sex(&r, "1", "2");
        demo_put_id(&r);
        demo_put_address(&r, true);
        uint64_t clinic = demo_org_clinic(r.nation, &r.rng, province_then(&r));
        struct demo_org org;
        if (clinic) demo_org_make(r.nation, &org, clinic - 1);
        demo_put(r.rows, clinic ? org.name : "");
        demo_put_date(&r, r.nation->day1 - (int32_t)(p->key % 300));
        demo_put_date(&r, r.nation->day1 - (int32_t)(p->key % 300) + 364);
        demo_end(&r, emit);
    }
}

void demo_emit_health_records(const struct demo_emit *emit, const struct demo_person *p)
{
    int age = demo_age(emit->nation, p);
    double share = age < 6 ? 0.7 : age < 18 ? 0.32 : age < 60 ? 0.36 : 0.68;
    /* A hospital knows nothing of another's numbers: patients of two have two records. */
    unsigned copies = demo_copies(emit, p, NDC_DEMO_HEALTH_RECORDS, share);
    for (unsigned copy = 0; copy < copies; copy++) {
        struct demo_record r;
        demo_begin(&r, emit, p, NDC_DEMO_HEALTH_RECORDS, copy);
        demo_text(r.key, sizeof(r.key), "BN%011llu",
                  (unsigned long long)demo_serial(r.nation, 9, p->number, copy, 11));
        demo_put(r.rows, r.key);
        demo_put_name(&r);
        demo_put_birth(&r);
        demo_put_sex(&r, "M", "F");
        demo_put_id(&r);
        char card[16];
        demo_health_no(r.nation, p, 0, card);
        put_if(&r, 0.8, card);
        demo_put_phone(&r);
        demo_put_address(&r, true);
        put_if(&r, 0.55, demo_blood(p));
        put_if(&r, 0.6, demo_people_name(p->people));
        const struct demo_person *kin =
            p->spouse != DEMO_NONE   ? &emit->village->p[p->spouse]
            : p->mother != DEMO_NONE ? &emit->village->p[p->mother]
                                     : NULL;
        bool named = kin && demo_chance(&r.rng, 0.5);
        demo_put_relative(&r, named ? kin->name : "");
        uint64_t clinic = demo_org_clinic(r.nation, &r.rng, province_then(&r));
        struct demo_org org;
        if (clinic) demo_org_make(r.nation, &org, clinic - 1);
        demo_put(r.rows, clinic ? org.name : "");
        demo_put_date(&r, r.day);
        demo_end(&r, emit);
    }
}

void demo_emit_education(const struct demo_emit *emit, const struct demo_person *p)
{
    int age = demo_age(emit->nation, p);
    bool pupil = age >= 6 && age < 18, student = age >= 18 && age < 23;
    bool degree = p->schooling >= DEMO_TRADE && age < 50;
    double share = p->dead    ? 0.02
                   : pupil    ? age < 15 ? 0.97 : 0.84
                   : student  ? 0.4
                   : degree   ? 0.72
                   : age < 32 ? 0.25
                              : 0;
    unsigned copies = demo_copies(emit, p, NDC_DEMO_EDUCATION, share);
    for (unsigned copy = 0; copy < copies; copy++) {
        struct demo_record r;
        demo_begin(&r, emit, p, NDC_DEMO_EDUCATION, copy);
        int32_t left = p->birth + (student || degree ? 22 : 18) * 365;
        if (r.day > left) r.day = NDC_MIN(r.day, left + 400);
        unsigned level = age < 11                           ? 0
                         : age < 15                         ? 1
                         : age < 18 || !(student || degree) ? 2
                                                            : 3;
        demo_text(r.key, sizeof(r.key), "%010llu",
                  (unsigned long long)demo_serial(r.nation, 10, p->number, copy, 10));
        demo_put(r.rows, r.key);
        demo_put_name(&r);
        demo_put_birth(&r);
        demo_put_sex(&r, "Nam", "Nữ");
        demo_put_id(&r);
        put_if(&r, 0.9, demo_people_name(p->people));
        uint64_t school = demo_org_school(r.nation, &r.rng, province_then(&r), level);
        struct demo_org org;
        if (school) demo_org_make(r.nation, &org, school - 1);
        if (school)
            demo_putf(r.rows, "%02u%06llu", org.province + 1u,
                      (unsigned long long)(school % 1000000));
        else
            demo_put(r.rows, "");
        demo_put(r.rows, school ? org.name : "");
        static const char *const levels[] = {"TH", "THCS", "THPT", "ĐH"};
        demo_put(r.rows, levels[level]);
        demo_put_relative(&r, level < 3 ? p->father_name : "");
        demo_put_relative(&r, level < 3 ? p->mother_name : "");
        demo_put_address(&r, true);
        demo_put_phone(&r);
        if (degree && age >= 22) {
            demo_putf(r.rows, "B%010llu",
                      (unsigned long long)demo_serial(r.nation, 11, p->number, copy, 10));
        } else {
            demo_put(r.rows, "");
        }
        demo_put_date(&r, r.day);
        demo_end(&r, emit);
    }
}

void demo_emit_labour(const struct demo_emit *emit, const struct demo_person *p)
{
    int age = demo_age(emit->nation, p);
    double share = p->dead || age < 15 ? 0 : age < 62 ? 0.62 : 0.2;
    unsigned copies = demo_copies(emit, p, NDC_DEMO_LABOUR, share);
    for (unsigned copy = 0; copy < copies; copy++) {
        struct demo_record r;
        demo_begin(&r, emit, p, NDC_DEMO_LABOUR, copy);
        demo_text(r.key, sizeof(r.key), "LD%010llu",
                  (unsigned long long)demo_serial(r.nation, 12, p->number, copy, 10));
        demo_put(r.rows, r.key);
        demo_put_name(&r);
        demo_put_birth(&r);
        demo_put_sex(&r, "1", "0");
        demo_put_id(&r);
        demo_put_address(&r, true);
        demo_put_phone(&r);
        put_if(&r, 0.95, demo_schooling_names[p->schooling]);
        put_if(&r, 0.9, demo_occupation(p));
        struct demo_org org;
        bool employed = p->formal && p->employer && demo_chance(&r.rng, 0.85);
        if (employed) demo_org_make(r.nation, &org, p->employer - 1);
        demo_put(r.rows, employed ? org.short_name : "");
        demo_put(r.rows, employed && demo_chance(&r.rng, 0.6) ? org.tax_code : "");
        demo_put(r.rows, p->works   ? "Có việc làm"
                         : age > 59 ? "Không tham gia hoạt động kinh tế"
                                    : "Thất nghiệp");
        if (p->works)
            demo_put_u(r.rows, p->salary);
        else
            demo_put(r.rows, "");
        demo_put_date(&r, r.day);
        demo_end(&r, emit);
    }
}

/* Records from a village: who is in which database, and what every record shares. */
#include "platforms/registry/demo/emit.h"

#include <stdio.h>

const char *const demo_marital_names[] = {"Chưa kết hôn", "Đã kết hôn", "Góa", "Ly hôn"};
const char *const demo_schooling_names[] = {
    "Chưa qua đào tạo",   "Tiểu học", "Trung học cơ sở", "Trung học phổ thông",
    "Trung cấp/Cao đẳng", "Đại học",  "Thạc sĩ trở lên"};
const char *const demo_role_names[] = {"Chủ hộ",     "Vợ/Chồng", "Con", "Cha/Mẹ",
                                       "Con dâu/rể", "Cháu",     "Khác"};

bool demo_wanted(const struct demo_emit *emit, unsigned table)
{
    uint32_t tables = emit->nation->config.tables;
    return tables == 0 || tables >> table & 1;
}

/* The day of what happened to a person between day 1 and day 2, or 0: only those rows
 * are touched again. */
static int32_t last_news(const struct demo_nation *nation, const struct demo_person *p)
{
    const int32_t days[] = {p->permanent_day, p->current_day, p->phone_day,
                            p->dead ? p->death : 0};
    int32_t last = 0;
    for (size_t i = 0; i < NDC_ARRAY_LEN(days); i++)
        if (days[i] > nation->day1 && days[i] <= nation->today)
            last = NDC_MAX(last, days[i]);
    return last;
}

void demo_begin(struct demo_record *r, const struct demo_emit *emit,
                const struct demo_person *p, unsigned table, unsigned copy)
{
    const struct demo_nation *nation = emit->nation;
    *r = (struct demo_record){.nation = nation,
                              .village = emit->village,
                              .p = p,
                              .habit = &demo_habits[table],
                              .table = table,
                              .rows = &emit->part->rows[table],
                              .phase = emit->phase};
    r->rng = demo_stream(p->key, DEMO_FOR_RECORD, table * 64 + copy);
    int32_t end = p->dead && p->death < nation->day1 ? p->death : nation->day1;
    /* Newer is likelier; a source that keeps up was told of most things lately. */
    double age = ndc_rng_unit(&r->rng);
    r->day = end - (int32_t)(age * age * r->habit->years * 365);
    if (r->day < p->birth + 3) r->day = p->birth + 3;
    if (emit->phase == NDC_DEMO_DAY2) r->day = NDC_MAX(r->day, last_news(nation, p));
    if (copy > 0) r->faults |= 1u << DEMO_DUPLICATE;
}

void demo_emit_truth(struct demo_part *part, const struct demo_record *r, uint64_t person,
                     uint64_t organisation)
{
    struct demo_rows *rows = &part->rows[NDC_DEMO_TRUTH];
    demo_put(rows, ndc_demo_table(r->table)->name);
    demo_put(rows, r->key);
    if (person)
        demo_put_u(rows, person);
    else
        demo_put(rows, "");
    if (organisation)
        demo_put_u(rows, organisation);
    else
        demo_put(rows, "");
    char text[DEMO_FAULTS * 16];
    size_t len = 0;
    for (uint32_t left = r->faults; left; left &= left - 1) {
        struct ndc_str name = ndc_str(demo_fault_names[__builtin_ctz(left)]);
        if (len) text[len++] = '+';
        memcpy(text + len, name.ptr, name.len);
        len += name.len;
    }
    demo_put_n(rows, text, len);
    demo_row_end(rows);
}

static bool truth_wanted(const struct demo_emit *emit)
{
    return demo_wanted(emit, NDC_DEMO_TRUTH) && emit->phase == NDC_DEMO_DAY1;
}

void demo_end(struct demo_record *r, const struct demo_emit *emit)
{
    demo_row_end(r->rows);
    if (truth_wanted(emit)) demo_emit_truth(emit->part, r, r->p->number, 0);
}

void demo_end_org(struct demo_record *r, const struct demo_emit *emit, uint64_t org)
{
    demo_row_end(r->rows);
    if (truth_wanted(emit)) demo_emit_truth(emit->part, r, 0, org);
}

unsigned demo_copies(const struct demo_emit *emit, const struct demo_person *p,
                     unsigned table, double coverage)
{
    uint64_t rng = demo_stream(p->key, DEMO_FOR_RECORD, table * 64 + 63);
    if (!demo_wanted(emit, table)) return 0;
    if (!demo_chance(&rng, coverage)) return 0;
    /* The newborn of the last month are not known yet, save to who registers births. */
    if (p->birth > emit->nation->day1 - 5 && emit->phase == NDC_DEMO_DAY1) return 0;
    return ndc_rng_below(&rng, 10000) < demo_habits[table].duplicate ? 2 : 1;
}

void demo_put_sex(struct demo_record *r, const char *male, const char *female)
{
    demo_put(r->rows, demo_sex_known(r) ? female : male);
}

uint64_t demo_serial(const struct demo_nation *nation, unsigned kind, uint64_t person,
                     unsigned copy, unsigned digits)
{
    uint64_t size = 1;
    while (digits--) {
        size *= 10;
    }
    uint64_t key =
        demo_stream(nation->config.seed, DEMO_FOR_NUMBERS, (uint64_t)kind << 32);
    return demo_permute(person * 16 + copy, size, key);
}

void demo_social_no(const struct demo_nation *nation, const struct demo_person *p,
                    unsigned copy, char out[static 11])
{
    demo_text(out, 11, "%010llu",
              (unsigned long long)demo_serial(nation, 1, p->number, copy, 10) %
                  10000000000ull);
}

void demo_tax_code(const struct demo_nation *nation, const struct demo_person *p,
                   unsigned copy, char out[static 11])
{
    /* Personal codes of before 2025 begin with 8 (and 9, 4, 5 once those are used up);
     * the 10th digit checks the first nine. Where the check would be ten, which cannot be
     * written, the first digit is two lower: another number that nobody else has. */
    static const unsigned weights[9] = {31, 29, 23, 19, 17, 13, 7, 5, 3};
    uint64_t domain = nation->config.people <= 100000000 ? 200000000 : 400000000;
    uint64_t key = demo_stream(nation->config.seed, DEMO_FOR_NUMBERS, 2ull << 32);
    uint64_t n = demo_permute(p->number * 2 + (copy & 1), domain, key);
    unsigned check = 10;
    demo_text(out, 11, "%c%08u", "8945"[n / 100000000], (unsigned)(n % 100000000));
    for (;;) {
        unsigned sum = 0;
        for (unsigned i = 0; i < 9; i++)
            sum += weights[i] * (unsigned)(out[i] - '0');
        check = 10 - sum % 11;
        if (check != 10) break;
        out[0] -= 2;
    }
    out[9] = (char)('0' + check);
    out[10] = 0;
}

void demo_health_no(const struct demo_nation *nation, const struct demo_person *p,
                    unsigned copy, char out[static 16])
{
    int age = demo_age(nation, p);
    const char *group = p->formal                    ? "DN4"
                        : p->pensioner               ? "HT3"
                        : age < 6                    ? "TE1"
                        : age < 23                   ? "HS4"
                        : p->farmer && p->people > 0 ? "DT2"
                                                     : "GD4";
    char social[11];
    demo_social_no(nation, p, copy, social);
    unsigned code =
        nation->places.provinces[nation->places.communes[p->permanent.commune].province]
            .code;
    demo_text(out, 16, "%s%02u%s", group, code % 100, social);
}

const char *demo_occupation(const struct demo_person *p)
{
    static const char *const skilled[] = {
        "Kế toán",    "Giáo viên",     "Nhân viên kinh doanh", "Kỹ sư",
        "Điều dưỡng", "Công chức",     "Nhân viên văn phòng",  "Nhân viên ngân hàng",
        "Bác sĩ",     "Lập trình viên"};
    static const char *const hired[] = {
        "Công nhân", "Công nhân may",      "Lái xe",  "Bảo vệ",
        "Thợ điện",  "Nhân viên bán hàng", "Thợ hàn", "Tạp vụ"};
    static const char *const informal[] = {
        "Buôn bán", "Lao động tự do", "Thợ xây", "Nội trợ", "Thợ may",
        "Tài xế",   "Thợ sửa xe",     "Ngư dân", "Phụ hồ",  "Kinh doanh tự do"};
    if (!p->works) return "";
    if (p->farmer) return "Nông dân";
    if (p->formal && p->schooling >= DEMO_TRADE) {
        return skilled[p->occupation % NDC_ARRAY_LEN(skilled)];
    }
    if (p->formal) return hired[p->occupation % NDC_ARRAY_LEN(hired)];
    return informal[p->occupation % NDC_ARRAY_LEN(informal)];
}

const char *demo_blood(const struct demo_person *p)
{
    return p->blood < 42 ? "O" : p->blood < 72 ? "B" : p->blood < 94 ? "A" : "AB";
}

const char *demo_religion(const struct demo_person *p)
{
    static const char *const names[] = {"Không",     "Công giáo", "Phật giáo",
                                        "Công giáo", "Cao Đài",   "Hòa Hảo"};
    return names[p->religion];
}

void demo_address_text(const struct demo_nation *nation, char out[static 256],
                       struct demo_address address, bool street)
{
    char road[DEMO_STREET_BYTES] = "";
    const struct demo_new_commune *commune = demo_new_commune(&nation->places, address);
    if (street) demo_street(road, &nation->places, address);
    demo_text(out, 256, "%s%s%s, %s", road, road[0] ? ", " : "", commune->full,
              nation->places.now[commune->province].full);
}

static void put_day(struct demo_rows *rows, bool known, int32_t day, bool year_only)
{
    char out[11] = "";
    struct ndc_date date = ndc_date_from_days(day);
    if (year_only) date.month = date.day = 0;
    if (known) ndc_date_format(out, date);
    demo_put(rows, out);
}

static void put_number(struct demo_rows *rows, uint64_t number)
{
    if (number)
        demo_put_u(rows, number);
    else
        demo_put(rows, "");
}

static void put_place(struct demo_rows *rows, const struct demo_nation *nation,
                      struct demo_address address, bool code)
{
    char text[256];
    demo_address_text(nation, text, address, code);
    demo_put(rows, text);
    if (code) demo_put(rows, demo_new_commune(&nation->places, address)->code);
}

static void emit_person_truth(const struct demo_emit *emit, const struct demo_person *p)
{
    static const char *const marital[] = {"single", "married", "widowed", "divorced"};
    static const char *const roles[] = {"head",         "spouse",     "child", "parent",
                                        "child_in_law", "grandchild", "other"};
    const struct demo_nation *nation = emit->nation;
    struct demo_rows *rows = &emit->part->rows[NDC_DEMO_PERSONS];
    const struct demo_person *people = emit->village->p;
    const struct demo_person *spouse = p->spouse == DEMO_NONE ? NULL : &people[p->spouse];
    char number[11];
    demo_put_u(rows, p->number);
    demo_put(rows, p->id);
    demo_put(rows, p->old_id);
    demo_put(rows, p->name);
    demo_put(rows, p->sex ? "female" : "male");
    put_day(rows, true, p->birth, p->year_only);
    put_day(rows, p->dead, p->death, false);
    put_place(rows, nation, p->birth_place, false);
    put_place(rows, nation, p->origin, false);
    demo_put(rows, "Việt Nam");
    demo_put(rows, demo_people_name(p->people));
    demo_put(rows, demo_religion(p));
    demo_put(rows, marital[p->marital]);
    demo_put(rows, p->father_name);
    demo_put(rows, p->father_id);
    put_number(rows, p->father == DEMO_NONE ? 0 : people[p->father].number);
    demo_put(rows, p->mother_name);
    demo_put(rows, p->mother_id);
    put_number(rows, p->mother == DEMO_NONE ? 0 : people[p->mother].number);
    demo_put(rows, spouse ? spouse->name : "");
    demo_put(rows, spouse ? spouse->id : "");
    put_number(rows, spouse ? spouse->number : 0);
    demo_put(rows, p->phone);
    demo_put(rows, p->email);
    put_place(rows, nation, p->permanent, true);
    put_place(rows, nation, p->current, true);
    demo_put_u(rows, emit->village->households[p->household].number);
    demo_put(rows, roles[p->role]);
    demo_put(rows, demo_occupation(p));
    put_number(rows, p->employer);
    demo_put(rows, demo_schooling_names[p->schooling]);
    demo_social_no(nation, p, 0, number);
    demo_put(rows, number);
    demo_tax_code(nation, p, 0, number);
    demo_put(rows, number);
    demo_put(rows, demo_blood(p));
    put_number(rows, (uint64_t)p->salary * 1000);
    demo_row_end(rows);
}

void demo_emit_village(const struct demo_nation *nation, struct demo_part *part,
                       enum ndc_demo_phase phase)
{
    struct demo_emit emit = {nation, part, &part->village, phase};
    unsigned plates = 0;
    for (unsigned i = 0; i < part->village.count; i++) {
        const struct demo_person *p = &part->village.p[i];
        demo_emit_civil(&emit, p);
        demo_emit_residence(&emit, p);
        if (phase == NDC_DEMO_DAY2) continue;
        demo_emit_population(&emit, p);
        demo_emit_social(&emit, p);
        demo_emit_health(&emit, p);
        demo_emit_health_records(&emit, p);
        demo_emit_land(&emit, p);
        demo_emit_tax(&emit, p);
        demo_emit_vehicles(&emit, p, &plates);
        demo_emit_licences(&emit, p);
        demo_emit_education(&emit, p);
        demo_emit_labour(&emit, p);
        demo_emit_immigration(&emit, p);
        demo_emit_justice(&emit, p);
        demo_emit_bank(&emit, p);
        if (demo_wanted(&emit, NDC_DEMO_PERSONS)) emit_person_truth(&emit, p);
    }
    part->people += part->village.count;
    part->households += part->village.household_count;
    if (phase == NDC_DEMO_DAY2) return;
    for (unsigned i = 0; i < DEMO_VILLAGE_ORGS; i++) {
        struct demo_org org;
        demo_org_make(nation, &org, part->village.number * DEMO_VILLAGE_ORGS + i);
        demo_org_represent(nation, &org, &part->village);
        demo_emit_organisation(&emit, &org);
    }
}

/* Organisations: each village seats four, made from their number alone, so that an
 * employee's record can name an employer of another village without making that village.
 * The fourth is an institution: a school, a clinic, an office, by the village's rank in
 * its province. */
#include "platforms/registry/demo/organisation.h"
#include "platforms/registry/demo/letter.h"

#include <stdio.h>

enum {
    INSTITUTION = DEMO_VILLAGE_ORGS - 1,
    RANK_KINDS = 8,
    CLINIC_RANK = 4,
    BIG_EVERY = 12
};

static const char *const words[] = {
    "An Phát",    "Hoàng Gia",       "Đại Thành",  "Minh Quân",  "Thành Công",
    "Phú Thịnh",  "Tân Tiến",        "Việt Hưng",  "Hòa Bình",   "Nam Việt",
    "Đông Á",     "Thái Bình Dương", "Hưng Thịnh", "Phương Nam", "Thiên Phú",
    "Trường An",  "Kim Long",        "Bảo Minh",   "Tâm Đức",    "Quang Minh",
    "Gia Phát",   "Đức Thịnh",       "Ánh Dương",  "Hồng Hà",    "Sông Đà",
    "Bình Minh",  "Vạn Phúc",        "Ngọc Linh",  "Tín Nghĩa",  "Hải Âu",
    "Toàn Cầu",   "Đất Việt",        "Sao Mai",    "Hợp Nhất",   "Lam Sơn",
    "Trường Sơn", "Phúc Khang",      "Khải Hoàn",  "Thuận Phát", "Long Hưng"};
static const struct {
    const char *name;
    const char *code; /* Vietnam's classification of industries, 2018 */
} industries[] = {{"Thương mại và Dịch vụ", "4690"},
                  {"Xây dựng", "4101"},
                  {"Vận tải", "4933"},
                  {"Sản xuất và Thương mại", "4669"},
                  {"May mặc", "1410"},
                  {"Chế biến thực phẩm", "1079"},
                  {"Công nghệ", "6201"},
                  {"Du lịch", "7912"},
                  {"Bất động sản", "6810"},
                  {"Cơ khí", "2592"},
                  {"Nội thất", "3100"},
                  {"Thủy sản", "1020"},
                  {"Tư vấn Đầu tư", "7020"},
                  {"Dược phẩm", "4649"},
                  {"Điện tử", "2610"}};

const char *demo_industry_code(const struct demo_org *org)
{
    switch (org->kind) {
    case DEMO_SCHOOL:
        return org->level == 0 ? "8511" : org->level == 3 ? "8531" : "8521";
    case DEMO_HOSPITAL:
        return "8610";
    case DEMO_BANK:
        return "6419";
    case DEMO_OFFICE:
        return "8411";
    default:
        return industries[org->industry].code;
    }
}

/* The 10th digit of a tax code checks the first nine. Where the check would be ten, which
 * cannot be written, the other half of the prefixes is used. */
static void tax_code(char out[11], unsigned prefix, uint64_t serial)
{
    static const unsigned weights[9] = {31, 29, 23, 19, 17, 13, 7, 5, 3};
    unsigned check = 10;
    for (unsigned half = 0; check == 10; half += 40) {
        demo_text(out, 11, "%02u%07u", (prefix + half) % 100,
                  (unsigned)(serial % 10000000));
        unsigned sum = 0;
        for (unsigned i = 0; i < 9; i++) {
            sum += weights[i] * (unsigned)(out[i] - '0');
        }
        check = 10 - sum % 11;
    }
    out[9] = (char)('0' + check % 10);
    out[10] = 0;
}

static void name_firm(const struct demo_nation *nation, struct demo_org *org,
                      uint64_t *rng)
{
    const char *word = words[ndc_rng_below(rng, NDC_ARRAY_LEN(words))];
    const char *second = words[ndc_rng_below(rng, NDC_ARRAY_LEN(words))];
    const char *industry = industries[org->industry].name;
    const char *place = nation->places.provinces[org->province].name;
    bool two = demo_chance(rng, 0.35), local = demo_chance(rng, 0.3);
    char core[96];
    demo_text(core, sizeof(core), "%s%s%s%s%s", word, two ? " " : "", two ? second : "",
              local ? " " : "", local ? place : "");
    static const char *const forms[] = {[DEMO_COMPANY] = "Công ty TNHH",
                                        [DEMO_JOINT_STOCK] = "Công ty Cổ phần",
                                        [DEMO_PRIVATE] = "Doanh nghiệp tư nhân",
                                        [DEMO_COOPERATIVE] = "Hợp tác xã",
                                        [DEMO_HOUSEHOLD_FIRM] = "Hộ kinh doanh"};
    static const char *const short_forms[] = {[DEMO_COMPANY] = "Cty TNHH",
                                              [DEMO_JOINT_STOCK] = "CTCP",
                                              [DEMO_PRIVATE] = "DNTN",
                                              [DEMO_COOPERATIVE] = "HTX",
                                              [DEMO_HOUSEHOLD_FIRM] = "HKD"};
    if (org->kind == DEMO_HOUSEHOLD_FIRM) industry = "";
    demo_text(org->name, sizeof(org->name), "%s %s%s%s", forms[org->kind], industry,
              *industry ? " " : "", core);
    demo_text(org->short_name, sizeof(org->short_name), "%s %s", short_forms[org->kind],
              core);
}

static void name_institution(const struct demo_nation *nation, struct demo_org *org,
                             uint64_t *rng)
{
    static const char *const heroes[] = {
        "Nguyễn Trãi", "Lê Quý Đôn", "Chu Văn An",  "Trần Phú",   "Phan Bội Châu",
        "Kim Đồng",    "Lê Lợi",     "Quang Trung", "Hùng Vương", "Võ Thị Sáu"};
    static const char *const levels[] = {"Tiểu học", "THCS", "THPT", "Đại học"};
    const char *commune = demo_new_commune(&nation->places, org->address)->full;
    const char *place = strchr(commune, ' ') ? strchr(commune, ' ') + 1 : commune;
    const char *hero = heroes[ndc_rng_below(rng, NDC_ARRAY_LEN(heroes))];
    if (org->kind == DEMO_SCHOOL) {
        const char *name = org->level == 3 ? nation->places.provinces[org->province].name
                           : demo_chance(rng, 0.5) ? hero
                                                   : place;
        demo_text(org->name, sizeof(org->name), "Trường %s %s", levels[org->level], name);
        demo_text(org->short_name, sizeof(org->short_name), "%s %s",
                  org->level == 0 ? "TH" : levels[org->level], name);
    } else if (org->kind == DEMO_HOSPITAL) {
        bool station = demo_chance(rng, 0.6);
        const char *kind = station ? "Trạm Y tế" : "Bệnh viện Đa khoa";
        demo_text(org->name, sizeof(org->name), "%s %s", kind, place);
        demo_text(org->short_name, sizeof(org->short_name), "%s %s",
                  station ? "TYT" : "BVĐK", place);
    } else if (org->kind == DEMO_BANK) {
        demo_text(org->name, sizeof(org->name), "Quỹ tín dụng nhân dân %s", place);
        demo_text(org->short_name, sizeof(org->short_name), "QTD %s", place);
    } else {
        demo_text(org->name, sizeof(org->name), "Ủy ban nhân dân %s", commune);
        demo_text(org->short_name, sizeof(org->short_name), "UBND %s", commune);
    }
}

static void size_org(const struct demo_nation *nation, struct demo_org *org,
                     uint64_t *rng)
{
    double u = ndc_rng_unit(rng);
    bool firm = org->kind <= DEMO_PRIVATE;
    bool big = firm && org->number % DEMO_VILLAGE_ORGS == 0 &&
               org->number / DEMO_VILLAGE_ORGS % BIG_EVERY == 0;
    org->employees = (uint32_t)(big    ? 200 + 4000 * u * u * u
                                : firm ? 3 + 60 * u * u
                                       : 2 + 40 * u);
    if (org->kind == DEMO_HOUSEHOLD_FIRM) org->employees = 1 + (uint32_t)(4 * u);
    org->capital_millions =
        (uint64_t)(org->employees * (50 + 400 * ndc_rng_unit(rng))) / 10 * 10;
    org->founded = nation->today - 30 - (int32_t)(32 * 365 * ndc_rng_unit(rng));
    if (firm && !big && demo_chance(rng, 0.11)) {
        org->closed = true;
        org->closed_day =
            org->founded + demo_day_below(rng, nation->today - org->founded);
    }
}

/* Round and slot back to the province, and the village's rank in it. */
static unsigned province_of(const struct demo_nation *nation, uint64_t village,
                            uint64_t *rank)
{
    unsigned slot = village % DEMO_CYCLE, province = nation->places.cycle[slot];
    *rank = village / DEMO_CYCLE * nation->places.per_cycle[province] +
            nation->places.cycle_rank[slot];
    return province;
}

void demo_org_make(const struct demo_nation *nation, struct demo_org *org,
                   uint64_t number)
{
    memset(org, 0, sizeof(*org));
    uint64_t rng = demo_stream(nation->config.seed, DEMO_FOR_ORGANISATION, number), rank;
    org->number = number;
    org->key = rng;
    org->province = (uint8_t)province_of(nation, number / DEMO_VILLAGE_ORGS, &rank);
    const struct demo_province *province = &nation->places.provinces[org->province];
    uint32_t commune =
        province->first_commune +
        (uint32_t)demo_pick(&rng, province->weights, province->commune_count);
    org->address = (struct demo_address){commune, (uint32_t)ndc_rng_next(&rng)};
    org->industry = (uint8_t)ndc_rng_below(&rng, NDC_ARRAY_LEN(industries));
    if (number % DEMO_VILLAGE_ORGS == INSTITUTION) {
        static const enum demo_org_kind kinds[RANK_KINDS] = {
            DEMO_SCHOOL,   DEMO_SCHOOL, DEMO_SCHOOL, DEMO_SCHOOL,
            DEMO_HOSPITAL, DEMO_OFFICE, DEMO_BANK,   DEMO_HOSPITAL};
        org->kind = kinds[rank % RANK_KINDS];
        org->level = (uint8_t)(rank % RANK_KINDS);
        name_institution(nation, org, &rng);
    } else {
        uint64_t u = ndc_rng_below(&rng, 100);
        org->kind = u < 52   ? DEMO_COMPANY
                    : u < 72 ? DEMO_JOINT_STOCK
                    : u < 80 ? DEMO_PRIVATE
                    : u < 84 ? DEMO_COOPERATIVE
                             : DEMO_HOUSEHOLD_FIRM;
        name_firm(nation, org, &rng);
    }
    size_org(nation, org, &rng);
    uint64_t key = demo_stream(nation->config.seed, DEMO_FOR_NUMBERS, 3u << 24);
    uint64_t code = demo_permute(number, 40000000, key); /* 4 prefixes of tens */
    tax_code(org->tax_code, (unsigned)(code / 10000000) * 10 + province->code % 10, code);
    demo_text(org->phone, sizeof(org->phone), "02%02u%07u", 4 + province->code % 90,
              (unsigned)(org->key % 9000000 + 1000000) % 10000000);
    if (demo_chance(&rng, 0.55)) {
        char plain[192];
        size_t n = demo_plain(plain, ndc_str(org->short_name)), kept = 0;
        for (size_t i = 0; i < n && kept < 24; i++) {
            char c =
                plain[i] >= 'A' && plain[i] <= 'Z' ? (char)(plain[i] + 32) : plain[i];
            if (c >= 'a' && c <= 'z') plain[kept++] = c;
        }
        demo_text(org->email, sizeof(org->email), "lienhe@%.*s%u.vn", (int)kept, plain,
                  (unsigned)(org->key >> 9) % 1000);
    }
}

void demo_org_represent(const struct demo_nation *nation, struct demo_org *org,
                        const struct demo_village *village)
{
    unsigned start = (unsigned)(org->key >> 20) % village->count;
    for (unsigned k = 0; k < village->count; k++) {
        const struct demo_person *p = &village->p[(start + k) % village->count];
        int age = demo_age(nation, p);
        if (p->dead || age < 26 || age > 66) continue;
        demo_text(org->rep_name, sizeof(org->rep_name), "%s", p->name);
        demo_text(org->rep_id, sizeof(org->rep_id), "%s", p->id);
        org->rep_person = p->number;
        return;
    }
}

/* The village of that rank in the province. */
static uint64_t village_at(const struct demo_nation *nation, unsigned province,
                           uint64_t rank)
{
    uint64_t per = nation->places.per_cycle[province];
    return rank / per * DEMO_CYCLE + nation->places.slots[province][rank % per];
}

uint64_t demo_org_employer(const struct demo_nation *nation, uint64_t *rng,
                           unsigned province)
{
    uint64_t n = nation->province_villages[province];
    if (n == 0) return 0;
    uint64_t village = village_at(nation, province, ndc_rng_below(rng, n));
    unsigned seat = (unsigned)ndc_rng_below(rng, DEMO_VILLAGE_ORGS);
    if (demo_chance(rng, 0.4)) {
        /* A large one: the nearest before that village. */
        uint64_t large = village / BIG_EVERY * BIG_EVERY;
        return large * DEMO_VILLAGE_ORGS + 1;
    }
    return village * DEMO_VILLAGE_ORGS + seat + 1;
}

static uint64_t institution(const struct demo_nation *nation, uint64_t *rng,
                            unsigned province, unsigned kind)
{
    uint64_t n = nation->province_villages[province];
    uint64_t having = n / RANK_KINDS + (n % RANK_KINDS > kind);
    if (having == 0) return 0;
    uint64_t rank = ndc_rng_below(rng, having) * RANK_KINDS + kind;
    return village_at(nation, province, rank) * DEMO_VILLAGE_ORGS + INSTITUTION + 1;
}

uint64_t demo_org_school(const struct demo_nation *nation, uint64_t *rng,
                         unsigned province, unsigned level)
{
    return institution(nation, rng, province, level);
}

uint64_t demo_org_clinic(const struct demo_nation *nation, uint64_t *rng,
                         unsigned province)
{
    return institution(nation, rng, province, CLINIC_RANK);
}

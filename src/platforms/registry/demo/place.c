/* Places: the units of before and after July 2025, how many live where, where people move
 * to, and street addresses. A village belongs to a former province by its place in a
 * round of 1,000 villages that repeats, which makes its rank in the province a
 * computation and not a memory: ranks are what unique numbers are made of. */
#include "platforms/registry/demo/place.h"
#include "platforms/registry/normalise/units.h"

/* By code of the former province. Thousands of people: General Statistics Office, average
 * population 2023, rounded. `in`: percent of them who came from elsewhere beyond what the
 * rest of the country has. `old_id`: first two digits of identity numbers of 9 digits,
 * which neighbours share. `plate`: first of its vehicle plate codes. `draw`: share of the
 * country's migrants between provinces, per mille. */
static const struct province_fact {
    uint8_t code;
    uint16_t thousands;
    uint8_t in, old_id, plate, draw;
} province_facts[] = {
    {1, 8587, 18, 1, 29, 190}, {2, 899, 0, 7, 23, 1},       {4, 547, 0, 8, 11, 1},
    {6, 326, 0, 9, 97, 1},     {8, 813, 0, 7, 22, 2},       {10, 781, 0, 6, 24, 4},
    {11, 646, 0, 4, 27, 1},    {12, 489, 0, 4, 25, 1},      {14, 1313, 0, 5, 26, 2},
    {15, 855, 0, 6, 21, 2},    {17, 881, 0, 11, 28, 3},     {19, 1350, 6, 9, 20, 18},
    {20, 807, 0, 8, 12, 2},    {22, 1381, 4, 10, 14, 12},   {24, 1922, 3, 12, 98, 16},
    {25, 1531, 0, 13, 19, 4},  {26, 1211, 3, 13, 88, 10},   {27, 1518, 20, 12, 99, 38},
    {30, 1956, 0, 14, 34, 10}, {31, 2105, 6, 3, 15, 24},    {33, 1302, 2, 14, 89, 10},
    {34, 1883, 0, 15, 17, 3},  {35, 885, 0, 16, 90, 5},     {36, 1887, 0, 16, 18, 3},
    {37, 1017, 0, 16, 35, 4},  {38, 3740, 0, 17, 36, 6},    {40, 3442, 0, 18, 37, 8},
    {42, 1323, 0, 18, 38, 3},  {44, 918, 0, 19, 73, 2},     {45, 654, 0, 19, 74, 2},
    {46, 1166, 0, 19, 75, 6},  {48, 1245, 16, 20, 43, 34},  {49, 1526, 0, 20, 92, 4},
    {51, 1248, 0, 21, 76, 3},  {52, 1506, 0, 21, 77, 4},    {54, 877, 0, 22, 78, 2},
    {56, 1260, 3, 22, 79, 12}, {58, 601, 0, 26, 85, 1},     {60, 1258, 0, 26, 86, 5},
    {62, 592, 2, 23, 82, 4},   {64, 1613, 2, 23, 81, 6},    {66, 1931, 2, 24, 47, 8},
    {67, 681, 4, 24, 48, 6},   {68, 1345, 4, 25, 49, 14},   {70, 1045, 5, 28, 93, 12},
    {72, 1194, 0, 29, 70, 6},  {74, 2823, 52, 28, 61, 150}, {75, 3311, 22, 27, 60, 72},
    {77, 1187, 8, 27, 72, 22}, {79, 9457, 27, 2, 51, 255},  {80, 1743, 10, 30, 62, 40},
    {82, 1791, 0, 31, 63, 6},  {83, 1299, 0, 32, 71, 3},    {84, 1020, 0, 33, 84, 3},
    {86, 1029, 0, 33, 64, 4},  {87, 1601, 0, 34, 66, 4},    {89, 1907, 0, 35, 67, 4},
    {91, 1756, 0, 37, 68, 8},  {92, 1259, 5, 36, 65, 22},   {93, 729, 0, 36, 95, 2},
    {94, 1198, 0, 36, 83, 3},  {95, 925, 0, 38, 94, 2},     {96, 1209, 0, 38, 69, 3},
};

static const struct province_fact *fact_of(unsigned code)
{
    for (size_t i = 0; i < NDC_ARRAY_LEN(province_facts); i++) {
        if (province_facts[i].code == code) return &province_facts[i];
    }
    NDC_ASSERT(!"a former province without its facts");
    return NULL;
}

unsigned demo_old_id_prefix(unsigned province_code)
{
    return fact_of(province_code)->old_id;
}

unsigned demo_plate_code(unsigned province_code, uint32_t pick)
{
    if (province_code == 79) return 50 + pick % 10;
    if (province_code == 1) return 29 + pick % 5;
    return fact_of(province_code)->plate;
}

/* Villages of a round by province: largest remainders of its native population. */
static void quotas(struct demo_places *places)
{
    double native[DEMO_FORMER_PROVINCES], sum = 0, rest[DEMO_FORMER_PROVINCES];
    for (unsigned i = 0; i < DEMO_FORMER_PROVINCES; i++) {
        const struct province_fact *fact = fact_of(places->provinces[i].code);
        native[i] = fact->thousands * (100 - fact->in) / 100.0;
        sum += native[i];
    }
    unsigned given = 0;
    for (unsigned i = 0; i < DEMO_FORMER_PROVINCES; i++) {
        double exact = native[i] / sum * DEMO_CYCLE;
        places->per_cycle[i] = (uint16_t)exact;
        rest[i] = exact - places->per_cycle[i];
        given += places->per_cycle[i];
    }
    for (; given < DEMO_CYCLE; given++) {
        unsigned best = 0;
        for (unsigned i = 1; i < DEMO_FORMER_PROVINCES; i++) {
            if (rest[i] > rest[best]) best = i;
        }
        rest[best] -= 1;
        places->per_cycle[best]++;
    }
}

/* Spreads each province's villages evenly over the round, so that a small nation too has
 * people all over the country. */
static void lay_cycle(struct demo_places *places)
{
    uint16_t done[DEMO_FORMER_PROVINCES] = {0};
    for (unsigned slot = 0; slot < DEMO_CYCLE; slot++) {
        unsigned best = 0;
        double least = 2;
        for (unsigned i = 0; i < DEMO_FORMER_PROVINCES; i++) {
            if (done[i] == places->per_cycle[i]) continue;
            double at = (done[i] + 0.5) / places->per_cycle[i];
            if (at < least) {
                least = at;
                best = i;
            }
        }
        unsigned prefix = demo_old_id_prefix(places->provinces[best].code);
        places->cycle[slot] = (uint8_t)best;
        places->cycle_rank[slot] = done[best];
        places->cycle_old_rank[slot] = places->old_per_cycle[prefix]++;
        NDC_ASSERT(done[best] < NDC_ARRAY_LEN(places->slots[best]));
        places->slots[best][done[best]++] = (uint16_t)slot;
    }
}

static void weigh_communes(struct demo_places *places, struct ndc_arena *arena)
{
    for (unsigned i = 0; i < DEMO_FORMER_PROVINCES; i++) {
        struct demo_province *province = &places->provinces[i];
        province->weights = NDC_ARENA_ARRAY(arena, uint32_t, province->commune_count);
        uint32_t sum = 0;
        for (uint32_t k = 0; k < province->commune_count; k++) {
            const struct demo_commune *commune =
                &places->communes[province->first_commune + k];
            bool ward = strncmp(commune->full, "Phường", strlen("Phường")) == 0;
            sum += ward ? 18 : commune->urban ? 14 : 8;
            province->weights[k] = sum;
        }
    }
}

static const char *title(struct ndc_arena *arena, unsigned unit)
{
    char text[NDC_UNIT_TITLE_MAX];
    size_t len = ndc_unit_title(text, unit, false);
    return ndc_arena_cstr(arena, ndc_str_n(text, len));
}

/* The 34 provinces and their communes. */
static void load_now(struct demo_places *places, struct ndc_arena *arena)
{
    unsigned first, n = ndc_unit_children(NDC_UNIT_CURRENT, 0, &first);
    NDC_ASSERT(n == DEMO_PROVINCES);
    places->first_now = first;
    uint32_t count = 0;
    for (unsigned i = 0; i < n; i++) {
        unsigned commune;
        count += ndc_unit_children(NDC_UNIT_CURRENT, first + i, &commune);
        if (i == 0) places->first_new_commune = commune;
    }
    places->new_communes = NDC_ARENA_ARRAY(arena, struct demo_new_commune, count);
    places->new_commune_count = count;
    for (unsigned i = 0; i < n; i++) {
        places->now[i].full = title(arena, first + i);
        places->now[i].name = ndc_unit_get(first + i)->name;
    }
    for (uint32_t c = 0; c < count; c++) {
        unsigned unit = places->first_new_commune + c;
        char code[8];
        size_t len = ndc_unit_code(code, unit);
        places->new_communes[c] = (struct demo_new_commune){
            .full = title(arena, unit),
            .code = ndc_arena_cstr(arena, ndc_str_n(code, len)),
            .province = (uint8_t)(ndc_unit_province(unit) - first)};
    }
}

/* Where former communes lie in the 63 provinces, and what each became. */
static void load_province(struct demo_places *places, struct ndc_arena *arena, unsigned i,
                          unsigned unit)
{
    struct demo_province *province = &places->provinces[i];
    unsigned first_district, districts;
    province->first_commune = places->commune_count;
    districts = ndc_unit_children(NDC_UNIT_FORMER, unit, &first_district);
    for (unsigned d = first_district; d < first_district + districts; d++) {
        unsigned first, n = ndc_unit_children(NDC_UNIT_FORMER, d, &first);
        const char *district = title(arena, d);
        for (unsigned c = first; c < first + n; c++) {
            const uint16_t *became;
            unsigned became_count = ndc_unit_successors(c, &became);
            enum ndc_unit_kind kind = ndc_unit_get(c)->kind;
            if (became_count == 0) continue;
            NDC_ASSERT(places->commune_count < DEMO_COMMUNES_MAX);
            places->communes[places->commune_count++] = (struct demo_commune){
                .full = title(arena, c),
                .district = district,
                .province = (uint8_t)i,
                .urban = kind == NDC_UNIT_PHUONG || kind == NDC_UNIT_THI_TRAN,
                .became = became,
                .became_count = (uint16_t)became_count};
        }
    }
    province->commune_count = places->commune_count - province->first_commune;
    NDC_ASSERT(province->commune_count > 0);
}

void demo_places_load(struct demo_places *places, struct ndc_arena *arena)
{
    unsigned first, n = ndc_unit_children(NDC_UNIT_FORMER, 0, &first);
    NDC_ASSERT(n == DEMO_FORMER_PROVINCES);
    load_now(places, arena);
    places->communes = NDC_ARENA_ARRAY(arena, struct demo_commune, DEMO_COMMUNES_MAX);
    uint32_t draw = 0;
    for (unsigned i = 0; i < n; i++) {
        struct demo_province *province = &places->provinces[i];
        const struct ndc_unit *unit = ndc_unit_get(first + i);
        province->full = title(arena, first + i);
        province->name = unit->name;
        province->code = (uint8_t)unit->code;
        province->region = province->code <= 42 ? 0 : province->code <= 68 ? 1 : 2;
        draw += fact_of(province->code)->draw;
        places->moves_to[i] = draw;
        load_province(places, arena, i, first + i);
    }
    weigh_communes(places, arena);
    quotas(places);
    lay_cycle(places);
}

const struct demo_new_commune *demo_new_commune(const struct demo_places *places,
                                                struct demo_address address)
{
    const struct demo_commune *commune = &places->communes[address.commune];
    uint64_t pick = ndc_mix64(address.key + 77) % commune->became_count;
    return &places->new_communes[commune->became[pick] - places->first_new_commune];
}

static const char *const streets[] = {
    "Nguyễn Trãi",
    "Lê Lợi",
    "Trần Hưng Đạo",
    "Nguyễn Huệ",
    "Lý Thường Kiệt",
    "Hai Bà Trưng",
    "Quang Trung",
    "Phan Chu Trinh",
    "Lê Hồng Phong",
    "Trần Phú",
    "Nguyễn Văn Cừ",
    "Hùng Vương",
    "Điện Biên Phủ",
    "Cách Mạng Tháng Tám",
    "Nguyễn Thị Minh Khai",
    "Võ Thị Sáu",
    "Lê Duẩn",
    "Phạm Văn Đồng",
    "Nguyễn Đình Chiểu",
    "Phan Đình Phùng",
    "Hoàng Hoa Thám",
    "Ngô Quyền",
    "Bà Triệu",
    "Trường Chinh",
    "Lê Thánh Tông",
    "Nguyễn Du",
    "Hàm Nghi",
    "Trần Quốc Toản",
    "Đinh Tiên Hoàng",
    "Phan Bội Châu",
    "Huỳnh Thúc Kháng",
    "Tôn Đức Thắng",
    "Nguyễn Văn Linh",
    "Lạc Long Quân",
    "Âu Cơ",
    "Lý Thái Tổ",
    "Mạc Đĩnh Chi",
    "Nguyễn Công Trứ",
    "Hồ Xuân Hương",
    "Trần Bình Trọng",
    "Yết Kiêu",
    "Nguyễn Tri Phương",
    "Hoàng Văn Thụ",
    "Nguyễn Thái Học",
    "Xô Viết Nghệ Tĩnh",
    "Kim Đồng",
    "Tô Hiến Thành",
    "Phạm Ngũ Lão",
    "Bùi Thị Xuân",
    "Nguyễn Bỉnh Khiêm",
    "Chu Văn An",
    "Lê Đại Hành",
    "Võ Nguyên Giáp",
    "30 Tháng 4",
    "Nguyễn Chí Thanh",
    "Lương Thế Vinh",
};
static const char *const hamlets[] = {
    "Đông",       "Đoài",     "Thượng",     "Hạ",        "Trung",       "Nội",
    "Ngoại",      "Tân Lập",  "Tân Tiến",   "Hòa Bình",  "Đồng Tâm",    "Đoàn Kết",
    "Phú Hòa",    "Bình An",  "Thống Nhất", "Tân Thành", "An Phú",      "Mỹ Hòa",
    "Long Thạnh", "Xuân Sơn", "Yên Phú",    "Đại Đồng",  "Quyết Thắng",
};

static void street_in_town(char *out, uint64_t *rng, unsigned region)
{
    const char *street = streets[ndc_rng_below(rng, NDC_ARRAY_LEN(streets))];
    int no = demo_between(rng, 1, 480), alley = demo_between(rng, 2, 320);
    const char *letter = demo_chance(rng, 0.12) ? "A" : demo_chance(rng, 0.1) ? "B" : "";
    unsigned kind = (unsigned)ndc_rng_below(rng, 100);
    if (street[0] == '3') kind = 80; /* "38 30 Tháng 4" would read as one number */
    if (region == 2 && kind < 45) {
        demo_text(out, DEMO_STREET_BYTES, "%d%s/%d %s", alley, letter, no % 90 + 1,
                  street);
    } else if (region == 0 && kind < 30) {
        demo_text(out, DEMO_STREET_BYTES, "Số %d ngõ %d %s", no % 120 + 1, alley, street);
    } else if (kind < 70) {
        demo_text(out, DEMO_STREET_BYTES, "%d%s %s", no, letter, street);
    } else if (kind < 85) {
        demo_text(out, DEMO_STREET_BYTES, "%d%s đường %s", no, letter, street);
    } else if (region == 0) {
        demo_text(out, DEMO_STREET_BYTES, "Tổ %d", no % 25 + 1);
    } else {
        demo_text(out, DEMO_STREET_BYTES, "Tổ %d, khu phố %d", no % 40 + 1,
                  alley % 9 + 1);
    }
}

void demo_street(char out[static DEMO_STREET_BYTES], const struct demo_places *places,
                 struct demo_address address)
{
    const struct demo_commune *commune = &places->communes[address.commune];
    unsigned region = places->provinces[commune->province].region;
    uint64_t rng = demo_stream(address.key, DEMO_FOR_ADDRESS, address.commune);
    if (commune->urban) {
        street_in_town(out, &rng, region);
        return;
    }
    static const char *const words[3][2] = {
        {"Thôn", "Xóm"}, {"Thôn", "Xóm"}, {"Ấp", "Tổ"}};
    const char *word = words[region][demo_chance(&rng, 0.35)];
    if (strcmp(word, "Tổ") == 0) {
        demo_text(out, DEMO_STREET_BYTES, "Tổ %d, ấp %s", demo_between(&rng, 1, 20),
                  hamlets[ndc_rng_below(&rng, NDC_ARRAY_LEN(hamlets))]);
    } else if (demo_chance(&rng, 0.55)) {
        demo_text(out, DEMO_STREET_BYTES, "%s %d", word, demo_between(&rng, 1, 14));
    } else {
        demo_text(out, DEMO_STREET_BYTES, "%s %s", word,
                  hamlets[ndc_rng_below(&rng, NDC_ARRAY_LEN(hamlets))]);
    }
}

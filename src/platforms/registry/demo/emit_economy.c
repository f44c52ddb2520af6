/* Rows of the databases about what people own and earn: land, tax, vehicles, driving
 * licences, bank accounts; and of the organisations. */
#include "base/vntext.h"
#include "platforms/registry/demo/emit.h"
#include "platforms/registry/demo/letter.h"

#include <stdio.h>

static void put_parcel(struct demo_record *r, uint64_t *rng, bool firm)
{
    demo_putf(r->rows, "%d", demo_between(rng, 1, 900));
    demo_putf(r->rows, "%d", demo_between(rng, 1, 120));
    demo_putf(r->rows, "%d.%d", demo_between(rng, firm ? 400 : 38, firm ? 30000 : 420),
              demo_between(rng, 0, 9));
}

void demo_emit_land(const struct demo_emit *emit, const struct demo_person *p)
{
    int age = demo_age(emit->nation, p);
    double share = age < 23                 ? 0
                   : p->role == DEMO_HEAD   ? 0.72
                   : p->role == DEMO_SPOUSE ? 0.3
                                            : 0.08;
    unsigned copies = demo_copies(emit, p, NDC_DEMO_LAND, share);
    if (copies == 1 && p->key % 6 == 0)
        copies = 3; /* 1 + a second parcel: no duplicate */
    for (unsigned copy = 0; copy < copies; copy++) {
        if (copies == 3 && copy == 1) continue;
        struct demo_record r;
        demo_begin(&r, emit, p, NDC_DEMO_LAND, copy);
        if (copy == 2) r.faults = 0;
        r.day = NDC_MAX(r.day, p->birth + 21 * 365);
        demo_text(r.key, sizeof(r.key), "CS%010llu",
                  (unsigned long long)demo_serial(r.nation, 13, p->number, copy, 10));
        demo_put(r.rows, r.key);
        put_parcel(&r, &r.rng, false);
        static const char *const kinds[] = {"ODT", "ONT", "CLN", "LUC"};
        bool town = r.nation->places.communes[p->permanent.commune].urban;
        demo_put(r.rows, kinds[copy == 2 ? 2 + p->key % 2 : !town]);
        demo_put_unit_text(&r, demo_permanent_at(p, r.day), true);
        char name[2 * DEMO_NAME_BYTES + 8];
        demo_noisy_name(&r, name, p->surname, p->middle, p->given);
        bool titled = demo_chance(&r.rng, 0.6);
        demo_putf(r.rows, "%s%s", titled ? (p->sex ? "Bà " : "Ông ") : "", name);
        struct ndc_date birth = ndc_date_from_days(p->birth);
        if (demo_errs(&r, r.habit->birth_missing, DEMO_BIRTH_MISSING)) {
            demo_put(r.rows, "");
        } else if (demo_errs(&r, r.habit->birth_digit, DEMO_BIRTH_DIGIT)) {
            demo_putf(r.rows, "%d", birth.year + (demo_chance(&r.rng, 0.5) ? 1 : -1));
        } else {
            demo_putf(r.rows, "%d", birth.year);
        }
        demo_put_id(&r);
        demo_put_address(&r, false);
        const struct demo_person *spouse =
            p->spouse == DEMO_NONE ? NULL : &emit->village->p[p->spouse];
        bool told = spouse && r.day >= p->marriage && demo_chance(&r.rng, 0.75);
        demo_put_relative(&r, told ? spouse->name : "");
        demo_put_date(&r, r.day);
        demo_end(&r, emit);
    }
}

void demo_emit_tax(const struct demo_emit *emit, const struct demo_person *p)
{
    int age = demo_age(emit->nation, p);
    double share = p->dead && p->death < emit->nation->day1 - 900 ? 0.1
                   : p->formal                                    ? 0.985
                   : age < 6                                      ? 0.03
                   : age < 18                                     ? 0.28 /* dependants */
                   : p->works                                     ? 0.72
                                                                  : 0.45;
    unsigned copies = demo_copies(emit, p, NDC_DEMO_TAX, share);
    for (unsigned copy = 0; copy < copies; copy++) {
        struct demo_record r;
        demo_begin(&r, emit, p, NDC_DEMO_TAX, copy);
        demo_tax_code(r.nation, p, copy, r.key);
        demo_put(r.rows, r.key);
        demo_put_name(&r);
        demo_put_birth(&r);
        demo_put_id(&r);
        demo_put_address(&r, demo_chance(&r.rng, 0.35));
        demo_put_phone(&r);
        demo_put(r.rows, p->formal ? p->email : "");
        struct demo_org org;
        bool paid = p->formal && p->employer && demo_chance(&r.rng, 0.9);
        if (paid) demo_org_make(r.nation, &org, p->employer - 1);
        demo_put(r.rows, paid ? org.tax_code : "");
        if (p->works)
            demo_putf(r.rows, "%llu", (unsigned long long)p->salary * 12 / 1000);
        else
            demo_put(r.rows, "");
        demo_put(r.rows, p->dead && demo_chance(&r.rng, 0.5) ? "03" : "00");
        demo_put_date(&r, r.day);
        demo_end(&r, emit);
    }
}

/* Plates: two digits of a province, a series, five digits; by construction unique since
 * each village has its own numbers within the prefix it shares. */
static void plate(const struct demo_emit *emit, bool car, unsigned nth,
                  char out[static 40])
{
    const struct demo_nation *nation = emit->nation;
    unsigned code = nation->places.provinces[emit->village->province].code;
    static const char letters[] = "ABCDEFGHKLMNPSTUVXYZ";
    enum {
        LETTERS = 20,
        DIGITS = 9,
        CAR_SERIES = LETTERS * DIGITS,
        BIKE_SERIES = CAR_SERIES + LETTERS * LETTERS
    };
    uint64_t rank = (uint64_t)emit->village->rank * 256 + nth;
    uint64_t size = (car ? CAR_SERIES : BIKE_SERIES) * 100000ull;
    uint64_t key =
        demo_stream(nation->config.seed, DEMO_FOR_NUMBERS, 9u << 24 | code << 1 | car);
    uint64_t n = demo_permute(rank, size, key);
    unsigned number = n % 100000, series = (unsigned)(n / 100000);
    unsigned prefix = demo_plate_code(code, series) % 100;
    char name[4] = {0};
    if (series < CAR_SERIES) {
        name[0] = letters[series / DIGITS];
        name[1] = (char)('1' + series % DIGITS);
    } else {
        name[0] = letters[(series - CAR_SERIES) / LETTERS];
        name[1] = letters[(series - CAR_SERIES) % LETTERS];
    }
    demo_text(out, 40, car ? "%02u%s-%03u.%02u" : "%02u-%s %03u.%02u", prefix, name,
              number / 100, number % 100);
}

void demo_emit_vehicles(const struct demo_emit *emit, const struct demo_person *p,
                        unsigned *plates)
{
    static const char *const bikes[] = {
        "Honda Wave",    "Honda Vision", "Honda Air Blade",
        "Yamaha Sirius", "Honda Lead",   "Yamaha Exciter",
        "Honda SH",      "VinFast Evo",  "Piaggio Vespa"};
    static const char *const cars[] = {
        "Toyota Vios", "Hyundai Accent", "VinFast VF 5", "Mitsubishi Xpander",
        "Kia Morning", "Ford Ranger",    "Mazda CX-5",   "VinFast VF 3"};
    static const char *const colours[] = {"Đen", "Trắng", "Đỏ", "Xanh", "Bạc", "Xám"};
    int age = demo_age(emit->nation, p);
    double share = age < 18 ? 0 : age < 66 ? (p->sex ? 0.52 : 0.74) : 0.22;
    unsigned copies = demo_copies(emit, p, NDC_DEMO_VEHICLES, share);
    if (copies == 0) return;
    unsigned owned = 1 + (p->key % 100 < 22) + (p->key % 100 < 4);
    for (unsigned k = 0; k < owned && *plates < 256; k++) {
        struct demo_record r;
        demo_begin(&r, emit, p, NDC_DEMO_VEHICLES, k);
        r.faults = 0;
        r.day = NDC_MAX(r.day, p->birth + 18 * 365);
        bool car = p->key / 100 % 100 < (p->salary > 14000 ? 32u : 7u) && k == 0;
        plate(emit, car, (*plates)++, r.key);
        demo_put(r.rows, r.key);
        demo_put_name(&r);
        demo_put_birth(&r);
        demo_put_id(&r);
        demo_put_address(&r, false);
        demo_put_phone(&r);
        demo_put(r.rows, car ? "Ô tô con" : "Xe máy");
        uint64_t pick = ndc_rng_next(&r.rng);
        demo_put(r.rows, car ? cars[pick % NDC_ARRAY_LEN(cars)]
                             : bikes[pick % NDC_ARRAY_LEN(bikes)]);
        demo_put(r.rows, colours[pick / 100 % NDC_ARRAY_LEN(colours)]);
        demo_putf(r.rows, "%d", ndc_date_from_days(r.day).year - (int)(pick / 1000 % 3));
        demo_put_date(&r, r.day);
        demo_end(&r, emit);
    }
}

void demo_emit_licences(const struct demo_emit *emit, const struct demo_person *p)
{
    static const char *const classes[] = {"A1", "A1", "A1", "A1", "A1",
                                          "B2", "B2", "C",  "B1", "D"};
    int age = demo_age(emit->nation, p);
    double share = age < 18 || p->dead ? 0 : age < 60 ? (p->sex ? 0.42 : 0.68) : 0.18;
    unsigned copies = demo_copies(emit, p, NDC_DEMO_DRIVING_LICENCES, share);
    for (unsigned copy = 0; copy < copies; copy++) {
        struct demo_record r;
        demo_begin(&r, emit, p, NDC_DEMO_DRIVING_LICENCES, copy);
        r.day = NDC_MAX(r.day, p->birth + 18 * 365 + 30);
        const char *class = classes[p->key % NDC_ARRAY_LEN(classes)];
        unsigned code = r.nation->places.provinces[emit->village->province].code;
        demo_text(r.key, sizeof(r.key), "%02u%010llu", code % 100,
                  (unsigned long long)demo_serial(r.nation, 14, p->number, copy, 10));
        demo_put(r.rows, r.key);
        char name[2 * DEMO_NAME_BYTES + 8];
        demo_noisy_name(&r, name, p->surname, p->middle, p->given);
        char *space = strrchr(name, ' ');
        demo_put_n(r.rows, name, space ? (size_t)(space - name) : 0);
        demo_put(r.rows, space ? space + 1 : name);
        demo_put_birth(&r);
        demo_put_sex(&r, "Nam", "Nữ");
        demo_put_id(&r);
        demo_put_address(&r, false);
        demo_put(r.rows, class);
        demo_put_date(&r, r.day);
        if (class[0] == 'A')
            demo_put(r.rows, "Không thời hạn");
        else
            demo_put_date(&r, r.day + 3652);
        demo_end(&r, emit);
    }
}

static void bank_account(struct demo_record *r, unsigned account)
{
    static const char *const banks[] = {"VCB", "BIDV", "CTG", "AGRIBANK", "TCB", "MB",
                                        "ACB", "VPB",  "TPB", "STB",      "HDB", "SHB"};
    const struct demo_person *p = r->p;
    /* Larger banks are likelier; an account number begins with its bank's. */
    double u = ndc_rng_unit(&r->rng);
    size_t count = NDC_ARRAY_LEN(banks);
    unsigned bank = (unsigned)(u * u * (double)count);
    demo_text(r->key, sizeof(r->key), "%02u%011llu", bank + 1,
              (unsigned long long)demo_serial(r->nation, 15, p->number, account, 11));
    demo_put(r->rows, r->key);
    demo_put(r->rows, banks[bank]);
    demo_put_name(r);
    demo_put_birth(r);
    demo_put_sex(r, "M", "F");
    demo_put_id(r);
    demo_put_phone(r);
    demo_put(r->rows, demo_chance(&r->rng, 0.7) ? p->email : "");
    demo_put_address(r, true);
    demo_put_date(r, r->day);
    demo_put(r->rows, demo_chance(&r->rng, 0.93) ? "A" : "C");
}

void demo_emit_bank(const struct demo_emit *emit, const struct demo_person *p)
{
    int age = demo_age(emit->nation, p);
    double share = p->dead    ? 0.25
                   : age < 15 ? 0
                   : age < 18 ? 0.35
                   : age < 65 ? 0.93
                              : 0.6;
    if (!demo_copies(emit, p, NDC_DEMO_BANK_ACCOUNTS, share)) return;
    unsigned accounts = 1 + (p->key / 7 % 100 < 30) + (p->key / 7 % 100 < 8);
    for (unsigned k = 0; k < accounts; k++) {
        struct demo_record r;
        demo_begin(&r, emit, p, NDC_DEMO_BANK_ACCOUNTS, k);
        r.faults = 0;
        r.day = NDC_MAX(r.day, p->birth + 15 * 365);
        bank_account(&r, k);
        demo_end(&r, emit);
    }
}

/* ---- organisations ---- */

static const char *const kind_names[] = {
    [DEMO_COMPANY] = "Công ty TNHH",         [DEMO_JOINT_STOCK] = "Công ty cổ phần",
    [DEMO_PRIVATE] = "Doanh nghiệp tư nhân", [DEMO_COOPERATIVE] = "Hợp tác xã",
    [DEMO_SCHOOL] = "Cơ sở giáo dục",        [DEMO_HOSPITAL] = "Cơ sở y tế",
    [DEMO_BANK] = "Tổ chức tín dụng",        [DEMO_OFFICE] = "Cơ quan nhà nước",
    [DEMO_HOUSEHOLD_FIRM] = "Hộ kinh doanh"};

/* A name of an organisation as another agency writes it: short form, capitals, a typo. */
static void put_org_name(struct demo_record *r, const struct demo_org *org, bool loose)
{
    char text[400];
    const char *name = org->name;
    uint64_t pick = ndc_rng_below(&r->rng, 100);
    if (loose && pick < 12) name = org->short_name;
    size_t len = strlen(name);
    if (loose && pick >= 60)
        len = ndc_vn_upper(text, ndc_str(name));
    else if (loose && pick >= 55)
        len = demo_plain(text, ndc_str(name));
    else
        memcpy(text, name, len);
    if (demo_errs(r, r->habit->name_typo, DEMO_NAME_TYPO) && len > 12) {
        size_t at = len - 2 - ndc_rng_below(&r->rng, 5);
        if ((text[at] & 0x80) == 0 && (text[at + 1] & 0x80) == 0) text[at] = text[at + 1];
    }
    demo_put_n(r->rows, text, len);
}

static void begin_org(struct demo_record *r, const struct demo_emit *emit,
                      const struct demo_org *org, unsigned table)
{
    *r = (struct demo_record){.nation = emit->nation,
                              .village = emit->village,
                              .p = &emit->village->p[0],
                              .habit = &demo_habits[table],
                              .rows = &emit->part->rows[table],
                              .table = table,
                              .phase = emit->phase};
    r->rng = demo_stream(org->key, DEMO_FOR_RECORD, table);
    double age = ndc_rng_unit(&r->rng);
    r->day = emit->nation->day1 - (int32_t)(age * age * r->habit->years * 365);
    r->day = NDC_MAX(r->day, org->founded);
}

static void put_rep(struct demo_record *r, const struct demo_org *org)
{
    char name[DEMO_NAME_BYTES];
    demo_text(name, sizeof(name), "%s", org->rep_name);
    demo_put_relative(r, name);
    bool missing = ndc_rng_below(&r->rng, 10000) < r->habit->id_missing;
    demo_put(r->rows, missing ? "" : org->rep_id);
}

static void put_org_address(struct demo_record *r, const struct demo_org *org)
{
    bool missing = ndc_rng_below(&r->rng, 10000) < r->habit->address_missing;
    if (missing)
        demo_put(r->rows, "");
    else
        demo_put_unit_text(r, org->address, true);
}

static void put_org_phone(struct demo_record *r, const struct demo_org *org)
{
    bool missing = ndc_rng_below(&r->rng, 10000) < r->habit->phone_missing;
    demo_put(r->rows, missing ? "" : org->phone);
}

static void emit_registry(const struct demo_emit *emit, const struct demo_org *org)
{
    struct demo_record r;
    begin_org(&r, emit, org, NDC_DEMO_BUSINESS_REGISTRY);
    demo_text(r.key, sizeof(r.key), "%s", org->tax_code);
    demo_put(r.rows, r.key);
    put_org_name(&r, org, false);
    demo_put(r.rows, demo_chance(&r.rng, 0.6) ? org->short_name : "");
    demo_put(r.rows, kind_names[org->kind]);
    demo_put_date(&r, org->founded);
    demo_put(r.rows, org->closed ? "Đã giải thể" : "Đang hoạt động");
    if (org->closed)
        demo_put_date(&r, org->closed_day);
    else
        demo_put(r.rows, "");
    put_org_address(&r, org);
    demo_put(r.rows, demo_industry_code(org));
    demo_put_u(r.rows, org->capital_millions);
    demo_put_u(r.rows, org->employees);
    put_rep(&r, org);
    put_org_phone(&r, org);
    demo_put(r.rows, org->email);
    demo_end_org(&r, emit, org->number + 1);
}

static void emit_org_tax(const struct demo_emit *emit, const struct demo_org *org)
{
    struct demo_record r;
    begin_org(&r, emit, org, NDC_DEMO_TAX_ORGANISATIONS);
    demo_text(r.key, sizeof(r.key), "%s", org->tax_code);
    demo_put(r.rows, r.key);
    put_org_name(&r, org, true);
    put_org_address(&r, org);
    demo_put(r.rows, demo_industry_code(org));
    put_rep(&r, org);
    put_org_phone(&r, org);
    demo_put(r.rows, org->closed && demo_chance(&r.rng, 0.9) ? "03" : "00");
    demo_put_date(&r, org->founded + demo_between(&r.rng, 0, 12));
    demo_end_org(&r, emit, org->number + 1);
}

static void emit_org_land(const struct demo_emit *emit, const struct demo_org *org)
{
    struct demo_record r;
    begin_org(&r, emit, org, NDC_DEMO_LAND_ORGANISATIONS);
    demo_text(r.key, sizeof(r.key), "CT%09llu",
              (unsigned long long)demo_serial(r.nation, 16, org->number, 0, 9));
    demo_put(r.rows, r.key);
    put_parcel(&r, &r.rng, true);
    demo_put_unit_text(&r, org->address, true);
    put_org_name(&r, org, true);
    bool missing = ndc_rng_below(&r.rng, 10000) < r.habit->id_missing;
    demo_put(r.rows, missing ? "" : org->tax_code);
    put_org_address(&r, org);
    demo_put_date(&r, r.day);
    demo_end_org(&r, emit, org->number + 1);
}

static void put_iso(struct demo_rows *rows, bool known, int32_t day)
{
    char out[11] = "";
    if (known) ndc_date_format(out, ndc_date_from_days(day));
    demo_put(rows, out);
}

static void emit_org_truth(const struct demo_emit *emit, const struct demo_org *org)
{
    struct demo_rows *rows = &emit->part->rows[NDC_DEMO_ORGANISATIONS];
    char address[256];
    demo_put_u(rows, org->number + 1);
    demo_put(rows, org->tax_code);
    demo_put(rows, org->name);
    demo_put(rows, org->short_name);
    demo_put(rows, kind_names[org->kind]);
    demo_put(rows, org->closed ? "closed" : "active");
    put_iso(rows, true, org->founded);
    put_iso(rows, org->closed, org->closed_day);
    demo_address_text(emit->nation, address, org->address, true);
    demo_put(rows, address);
    demo_put(rows, org->rep_name);
    demo_put(rows, org->rep_id);
    if (org->rep_person)
        demo_put_u(rows, org->rep_person);
    else
        demo_put(rows, "");
    demo_put(rows, org->phone);
    demo_put(rows, org->email);
    demo_put(rows, demo_industry_code(org));
    demo_put_u(rows, org->capital_millions * 1000000);
    demo_put_u(rows, org->employees);
    demo_row_end(rows);
}

void demo_emit_organisation(const struct demo_emit *emit, const struct demo_org *org)
{
    bool firm = org->kind <= DEMO_COOPERATIVE || org->kind == DEMO_HOUSEHOLD_FIRM;
    if (firm && demo_wanted(emit, NDC_DEMO_BUSINESS_REGISTRY)) emit_registry(emit, org);
    if (org->key % 100 < 97 && demo_wanted(emit, NDC_DEMO_TAX_ORGANISATIONS))
        emit_org_tax(emit, org);
    if (org->key % 100 < 30 && demo_wanted(emit, NDC_DEMO_LAND_ORGANISATIONS))
        emit_org_land(emit, org);
    if (demo_wanted(emit, NDC_DEMO_ORGANISATIONS)) emit_org_truth(emit, org);
}

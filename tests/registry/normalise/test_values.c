/* Names, dates, numbers, telephones and other values: what people write, and what comes
 * of it. */
#include "tests/test.h"

#include "base/hash.h"
#include "platforms/registry/normalise/normalise.h"

#include <stdio.h>

static void test_reasons(void **state)
{
    (void)state;
    for (int i = 0; i < NDC_NORM_REASON_COUNT; i++) {
        enum ndc_norm_reason back;
        const struct ndc_norm_reason_info *r =
            ndc_norm_reason_info((enum ndc_norm_reason)i);
        assert_non_null(r->code);
        assert_true(strlen(r->vi) > 2 && strlen(r->en) > 2);
        assert_true(ndc_norm_reason_find(ndc_str(r->code), &back));
        assert_int_equal(back, i);
    }
}

/* ---- names ---- */

static void name(const char *raw, const char *want, const char *surname,
                 const char *given, uint32_t flags)
{
    struct ndc_norm_name n;
    enum ndc_norm_reason reason = ndc_norm_name(&n, ndc_str(raw));
    if (reason) fail_msg("%s: reason %d", raw, reason);
    assert_string_equal(n.text, want);
    assert_str_eq(ndc_norm_surname(&n), surname);
    assert_str_eq(ndc_norm_given(&n), given);
    if ((n.flags & flags) != flags) fail_msg("%s: flags %x", raw, n.flags);
    if (!(flags & NDC_NORM_FOREIGN) && n.flags & NDC_NORM_FOREIGN)
        fail_msg("%s: foreign", raw);
}

static void test_names(void **state)
{
    struct ndc_norm_name n;
    (void)state;
    name("Nguyễn Thị Minh Khai", "Nguyễn Thị Minh Khai", "Nguyễn", "Khai", 0);
    name("NGUYỄN  VĂN AN ", "Nguyễn Văn An", "Nguyễn", "An", NDC_NORM_RECASED);
    name("nguyen van an", "Nguyen Van An", "Nguyen", "An",
         NDC_NORM_RECASED | NDC_NORM_TONELESS);
    name("Phạm Thị Thuý", "Phạm Thị Thúy", "Phạm", "Thúy", NDC_NORM_REPAIRED);
    name("Ông Nguyễn Văn An", "Nguyễn Văn An", "Nguyễn", "An", NDC_NORM_TITLE);
    name("Bà Trần Thị Bưởi", "Trần Thị Bưởi", "Trần", "Bưởi", NDC_NORM_TITLE);
    name("BS. Lê Văn Cường", "Lê Văn Cường", "Lê", "Cường", NDC_NORM_TITLE);
    name("PGS.TS Đỗ Quang", "Đỗ Quang", "Đỗ", "Quang", NDC_NORM_TITLE);
    name("Ông Ích Khiêm", "Ông Ích Khiêm", "Ông", "Khiêm", 0);
    name("Chu Văn An", "Chu Văn An", "Chu", "An", 0);
    name("Bá Trung Phụ", "Bá Trung Phụ", "Bá", "Phụ", 0);
    name("Tôn Nữ Thị Ninh", "Tôn Nữ Thị Ninh", "Tôn Nữ", "Ninh", 0);
    name("CÔNG TẰNG TÔN NỮ HỶ", "Công Tằng Tôn Nữ Hỷ", "Công Tằng Tôn Nữ", "Hỷ", 0);
    name("H'HEN NIÊ", "H'Hen Niê", "", "H'Hen Niê", 0);
    name("Y Moan Ênuôl", "Y Moan Ênuôl", "", "Y Moan Ênuôl", 0);
    name("Giàng A Páo", "Giàng A Páo", "Giàng", "Páo", NDC_NORM_INITIALS);
    name("Rơ Châm Siu", "Rơ Châm Siu", "Rơ Châm", "Siu", 0);
    name("Nguyễn Văn Tý (tức Ba Tý)", "Nguyễn Văn Tý", "Nguyễn", "Tý", NDC_NORM_REPAIRED);
    name("John McDonald", "John McDonald", "", "McDonald", NDC_NORM_FOREIGN);
    name("JOSÉ GARCÍA", "José García", "", "García", NDC_NORM_FOREIGN);
    name("Hùng", "Hùng", "", "Hùng", NDC_NORM_ONE_WORD);
    assert_int_equal(ndc_norm_name(&n, NDC_STR("Trần Văn Bình")), 0);
    assert_str_eq(ndc_norm_middle(&n), "Văn");
    assert_int_equal(ndc_norm_name(&n, NDC_STR("Trần Bình")), 0);
    assert_str_eq(ndc_norm_middle(&n), "");
    assert_int_equal(ndc_norm_name(&n, NDC_STR("Tran V4n Binh")), NDC_NORM_NAME_DIGITS);
    assert_int_equal(ndc_norm_name(&n, NDC_STR("Trần @ Bình")), NDC_NORM_BAD_CHARACTERS);
    assert_int_equal(ndc_norm_name(&n, NDC_STR("Tr\xe1\xba")), NDC_NORM_BAD_CHARACTERS);
    assert_int_equal(ndc_norm_name(&n, NDC_STR("N/A")), NDC_NORM_MISSING);
    assert_int_equal(ndc_norm_name(&n, NDC_STR("không có")), NDC_NORM_MISSING);
    assert_int_equal(ndc_norm_name(&n, NDC_STR("  ")), NDC_NORM_MISSING);
    assert_int_equal(ndc_norm_name(&n, NDC_STR("aaaa")), NDC_NORM_NAME_PLACEHOLDER);
    assert_int_equal(ndc_norm_name(&n, NDC_STR("Không tên")), NDC_NORM_NAME_PLACEHOLDER);
    char longer[400];
    memset(longer, 'a', sizeof(longer));
    assert_int_equal(ndc_norm_name(&n, ndc_str_n(longer, 400)), NDC_NORM_TOO_LONG);
}

/* ---- dates ---- */

static const struct ndc_norm_date_rule dmy = {.as_of = {2026, 7, 1}};

/* What is remembered of earlier words changes no answer. */
static void test_names_again(void **state)
{
    static const char *const words[] = {
        "Nguyễn",   "NGUYEN", "nguyễn",      "Thị",     "Văn",
        "Ông",      "ong",    "Bà",          "TS",      "TS.",
        "Bs",       "Hoàng",  "Phủ",         "phu",     "Tôn",
        "Nữ",       "nu",     "Rơ",          "Châm",    "Y",
        "H'Hen",    "H’Hen",  "B",           "Khong",   "khong",
        "ten",      "ro",     "Chưa",        "biết",    "NA",
        "n",        "Võ",     "Danh",        "abc",     "aaa",
        "McDonald", "Hoà",    "Thuỷ",        "HOÀ",     "Đức",
        "đức",      "Ðức",    "Hoa\xcc\x80", "x1",      "Anh-Thư",
        "\xc2\xa0", "",       "Müller",      "Nghiêng", "Rah",
        "Lan",      "-",      "(tức",        "Tý)",     "Wolfeschlegelsteinhausen",
        "ẞ",        "\xff",   "Trần",        "Lê",      "Em",
        "Cô"};
    struct ndc_norm_memo *memo = ndc_norm_memo_new();
    uint64_t seed = 1;
    (void)state;
    for (int round = 0; round < 60000; round++) {
        char text[200] = "";
        struct ndc_norm_name a, b;
        for (uint64_t k = ndc_rng_below(&seed, 7); k > 0; k--) {
            const char *word = words[ndc_rng_below(&seed, NDC_ARRAY_LEN(words))];
            size_t n = strlen(text);
            snprintf(text + n, sizeof(text) - n, "%s%s", word,
                     k > 1 || ndc_rng_below(&seed, 9) == 0 ? " " : "");
        }
        assert_int_equal(ndc_norm_name(&a, ndc_str(text)),
                         ndc_norm_name_again(&b, memo, ndc_str(text)));
        if (strcmp(a.text, b.text) != 0) fail_msg("%s: %s, %s", text, a.text, b.text);
        assert_memory_equal(&a, &b, offsetof(struct ndc_norm_name, text));
    }
    ndc_norm_memo_free(memo);
}

static void date(const char *raw, const char *want, uint32_t flags,
                 const struct ndc_norm_date_rule *rule)
{
    struct ndc_norm_date d;
    enum ndc_norm_reason reason = ndc_norm_date(&d, ndc_str(raw), rule);
    if (reason) fail_msg("%s: reason %d", raw, reason);
    if (strcmp(d.text, want) != 0 || (d.flags & flags) != flags)
        fail_msg("%s: %s flags %x", raw, d.text, d.flags);
}

static void bad_date(const char *raw, enum ndc_norm_reason want,
                     const struct ndc_norm_date_rule *rule)
{
    struct ndc_norm_date d;
    enum ndc_norm_reason reason = ndc_norm_date(&d, ndc_str(raw), rule);
    if (reason != want) fail_msg("%s: reason %d, not %d", raw, reason, want);
    assert_string_equal(d.text, "");
}

static void test_dates(void **state)
{
    struct ndc_norm_date_rule mdy = dmy, ymd = dmy, any = dmy, excel = dmy, expiry = dmy;
    mdy.order = NDC_NORM_MDY;
    ymd.order = NDC_NORM_YMD;
    any.order = NDC_NORM_ANY;
    excel.order = NDC_NORM_EXCEL;
    expiry.future_allowed = true;
    (void)state;
    date("02/09/1945", "1945-09-02", NDC_NORM_SWAPPABLE, &dmy);
    date("2-9-1945", "1945-09-02", 0, &dmy);
    date(" 2.9.45 ", "1945-09-02", NDC_NORM_SHORT_YEAR, &dmy);
    date("1945-09-02", "1945-09-02", 0, &dmy);
    date("1945/9/2", "1945-09-02", 0, &dmy);
    date("19450902", "1945-09-02", 0, &dmy);
    date("02091945", "1945-09-02", 0, &dmy);
    date("ngày 2 tháng 9 năm 1945", "1945-09-02", 0, &dmy);
    date("Ngày 02 tháng 9, 1945", "1945-09-02", 0, &dmy);
    date("2 thg 9, 1945", "1945-09-02", 0, &dmy);
    date("Sinh năm 1945", "1945", NDC_NORM_PARTIAL, &dmy);
    date("tháng 9 năm 1945", "1945-09", NDC_NORM_PARTIAL, &dmy);
    date("1945", "1945", NDC_NORM_PARTIAL, &dmy);
    date("09/1945", "1945-09", NDC_NORM_PARTIAL, &dmy);
    date("1945-09", "1945-09", NDC_NORM_PARTIAL, &dmy);
    date("00/00/1945", "1945", NDC_NORM_PARTIAL, &dmy);
    date("00/09/1945", "1945-09", NDC_NORM_PARTIAL, &dmy);
    date("2 Sep 1945", "1945-09-02", 0, &dmy);
    date("September 2, 1945", "1945-09-02", 0, &dmy);
    date("1945-09-02T00:00:00Z", "1945-09-02", 0, &dmy);
    date("02/09/1945 07:30:00", "1945-09-02", 0, &dmy);
    date("09/02/1945", "1945-09-02", 0, &mdy);
    date("45-09-02", "1945-09-02", NDC_NORM_SHORT_YEAR, &ymd);
    date("13/02/1945", "1945-02-13", 0, &any);
    date("02/13/1945", "1945-02-13", NDC_NORM_SWAPPED, &any);
    date("16682", "1945-09-02", 0, &excel);
    date("60", "1900-02-28", 0, &excel); /* the day Excel invented */
    date("1/3/27", "2027-03-01", NDC_NORM_SHORT_YEAR, &expiry);
    date("1/3/27", "1927-03-01", NDC_NORM_SHORT_YEAR, &dmy);
    date("29/02/2000", "2000-02-29", 0, &dmy);
    bad_date("30/02/1945", NDC_NORM_DATE_IMPOSSIBLE, &dmy);
    bad_date("29/02/1945", NDC_NORM_DATE_IMPOSSIBLE, &dmy);
    bad_date("31/04/1945", NDC_NORM_DATE_IMPOSSIBLE, &dmy);
    bad_date("02/13/1945", NDC_NORM_DATE_ORDER, &dmy);
    bad_date("13/25/1945", NDC_NORM_DATE_IMPOSSIBLE, &dmy);
    bad_date("02/09/2045", NDC_NORM_DATE_FUTURE, &dmy);
    bad_date("02/07/2026", NDC_NORM_DATE_FUTURE, &dmy);
    bad_date("02/09/1745", NDC_NORM_DATE_TOO_OLD, &dmy);
    bad_date("02/09/1945", NDC_NORM_DATE_AMBIGUOUS, &any);
    bad_date("16682", NDC_NORM_DATE_FORM, &dmy);
    bad_date("hôm qua", NDC_NORM_DATE_FORM, &dmy);
    bad_date("1/2/3/1945", NDC_NORM_DATE_FORM, &dmy);
    bad_date("", NDC_NORM_MISSING, &dmy);
    bad_date("chưa rõ", NDC_NORM_MISSING, &dmy);
}

/* ---- numbers ---- */

static void test_person_id(void **state)
{
    struct ndc_norm_person_id id;
    (void)state;
    assert_int_equal(ndc_norm_person_id(&id, NDC_STR("001 190 012 345"), 2026), 0);
    assert_string_equal(id.text, "001190012345");
    assert_int_equal(id.province, 1);
    assert_int_equal(id.sex, NDC_SEX_FEMALE);
    assert_int_equal(id.birth_year, 1990);
    assert_int_equal(ndc_norm_person_id_check(&id, NDC_SEX_FEMALE, 1990), 0);
    assert_int_equal(ndc_norm_person_id_check(&id, NDC_SEX_UNKNOWN, 0), 0);
    assert_int_equal(ndc_norm_person_id_check(&id, NDC_SEX_MALE, 1990),
                     NDC_NORM_ID_SEX_MISMATCH);
    assert_int_equal(ndc_norm_person_id_check(&id, NDC_SEX_FEMALE, 1991),
                     NDC_NORM_ID_YEAR_MISMATCH);
    assert_int_equal(ndc_norm_person_id(&id, NDC_STR("79204012345"), 2026), 0);
    assert_string_equal(id.text, "079204012345");
    assert_true(id.flags & NDC_NORM_REPAIRED);
    assert_int_equal(id.birth_year, 2004);
    assert_int_equal(ndc_norm_person_id(&id, NDC_STR("1190012345"), 2026), 0);
    assert_string_equal(id.text, "001190012345");
    assert_int_equal(ndc_norm_person_id(&id, NDC_STR("79204012345.0"), 2026), 0);
    assert_int_equal(ndc_norm_person_id(&id, NDC_STR("O792O4O12345"), 2026), 0);
    assert_string_equal(id.text, "079204012345");
    assert_true(id.flags & NDC_NORM_LOOKALIKE);
    assert_int_equal(ndc_norm_person_id(&id, NDC_STR("003190012345"), 2026),
                     NDC_NORM_ID_PROVINCE);
    assert_int_equal(ndc_norm_person_id(&id, NDC_STR("001299012345"), 2026),
                     NDC_NORM_ID_CENTURY);
    assert_int_equal(ndc_norm_person_id(&id, NDC_STR("0011900123"), 2026),
                     NDC_NORM_ID_LENGTH);
    assert_int_equal(ndc_norm_person_id(&id, NDC_STR("12345"), 2026), NDC_NORM_ID_LENGTH);
    assert_int_equal(ndc_norm_person_id(&id, NDC_STR("00119001234X"), 2026),
                     NDC_NORM_ID_CHARACTERS);
    assert_int_equal(ndc_norm_person_id(&id, NDC_STR("7.92E+10"), 2026),
                     NDC_NORM_ID_CHARACTERS);
    assert_int_equal(ndc_norm_person_id(&id, NDC_STR("000000000000"), 2026),
                     NDC_NORM_ID_REPEATED);
}

typedef enum ndc_norm_reason value_fn(struct ndc_norm_value *out, struct ndc_str raw);

static void value(value_fn *fn, const char *raw, const char *want, uint32_t flags)
{
    struct ndc_norm_value v;
    enum ndc_norm_reason reason = fn(&v, ndc_str(raw));
    if (reason) fail_msg("%s: reason %d", raw, reason);
    assert_string_equal(v.text, want);
    assert_int_equal(v.len, strlen(want));
    if ((v.flags & flags) != flags) fail_msg("%s: flags %x", raw, v.flags);
}

static void refused(value_fn *fn, const char *raw, enum ndc_norm_reason want)
{
    struct ndc_norm_value v;
    enum ndc_norm_reason reason = fn(&v, ndc_str(raw));
    if (reason != want) fail_msg("%s: reason %d, not %d", raw, reason, want);
    assert_string_equal(v.text, "");
}

static void test_other_numbers(void **state)
{
    (void)state;
    value(ndc_norm_old_id, "012 345 670", "012345670", 0);
    value(ndc_norm_old_id, "12345670", "012345670", NDC_NORM_REPAIRED);
    refused(ndc_norm_old_id, "1234", NDC_NORM_ID_LENGTH);
    refused(ndc_norm_old_id, "111111111", NDC_NORM_ID_REPEATED);
    value(ndc_norm_tax_code, "0100109106", "0100109106", 0);
    value(ndc_norm_tax_code, "100109106", "0100109106", NDC_NORM_REPAIRED);
    value(ndc_norm_tax_code, "0100109106-001", "0100109106-001", 0);
    value(ndc_norm_tax_code, "0100109106001", "0100109106-001", 0);
    value(ndc_norm_tax_code, "001190012345", "001190012345", 0);
    refused(ndc_norm_tax_code, "0100109107", NDC_NORM_TAX_CHECK_DIGIT);
    refused(ndc_norm_tax_code, "01001", NDC_NORM_TAX_FORM);
    value(ndc_norm_social_id, "0123456781", "0123456781", 0);
    refused(ndc_norm_social_id, "123", NDC_NORM_INSURANCE_FORM);
    value(ndc_norm_health_id, "DN4 01 0123456781", "DN4010123456781", 0);
    value(ndc_norm_health_id, "dn4o10123456781", "DN4010123456781", NDC_NORM_REPAIRED);
    value(ndc_norm_health_id, "0123456781", "0123456781", NDC_NORM_PARTIAL);
    refused(ndc_norm_health_id, "DN9010123456781", NDC_NORM_INSURANCE_FORM);
    value(ndc_norm_plate, "29A-123.45", "29A12345", 0);
    value(ndc_norm_plate, "51f 1234", "51F1234", 0);
    value(ndc_norm_plate, "29-X1 123.45", "29X112345", 0);
    value(ndc_norm_plate, "29-MĐ1 123.45", "29MD112345", 0);
    value(ndc_norm_plate, "TM-12-34", "TM1234", 0);
    refused(ndc_norm_plate, "ABC", NDC_NORM_PLATE_FORM);
    value(ndc_norm_passport, "b 1234567", "B1234567", 0);
    value(ndc_norm_passport, "P00123456", "P00123456", 0);
    value(ndc_norm_passport, "X12AB3456", "X12AB3456", NDC_NORM_FOREIGN);
    refused(ndc_norm_passport, "1", NDC_NORM_PASSPORT_FORM);
}

static void test_phones(void **state)
{
    (void)state;
    value(ndc_norm_phone, "0912345678", "+84912345678", 0);
    value(ndc_norm_phone, "0912.345.678", "+84912345678", 0);
    value(ndc_norm_phone, "+84 912 345 678", "+84912345678", 0);
    value(ndc_norm_phone, "+84 (0) 912 345 678", "+84912345678", 0);
    value(ndc_norm_phone, "0084912345678", "+84912345678", 0);
    value(ndc_norm_phone, "84912345678", "+84912345678", 0);
    value(ndc_norm_phone, "912345678", "+84912345678", NDC_NORM_REPAIRED);
    value(ndc_norm_phone, "O912345678", "+84912345678", NDC_NORM_LOOKALIKE);
    value(ndc_norm_phone, "01201234567", "+84701234567", NDC_NORM_CONVERTED);
    value(ndc_norm_phone, "01681234567", "+84381234567", NDC_NORM_CONVERTED);
    value(ndc_norm_phone, "1991234567", "+84591234567", NDC_NORM_CONVERTED);
    value(ndc_norm_phone, "(024) 3825 1234", "+842438251234", NDC_NORM_LANDLINE);
    value(ndc_norm_phone, "02363 123 456", "+842363123456", NDC_NORM_LANDLINE);
    value(ndc_norm_phone, "0438251234", "+842438251234", NDC_NORM_CONVERTED);
    value(ndc_norm_phone, "0912345678, 0987654321", "+84912345678", NDC_NORM_AMBIGUOUS);
    value(ndc_norm_phone, "+1 415 555 2671", "+14155552671", NDC_NORM_FOREIGN);
    refused(ndc_norm_phone, "0112345678", NDC_NORM_PHONE_PREFIX);
    refused(ndc_norm_phone, "02171234567", NDC_NORM_PHONE_PREFIX);
    refused(ndc_norm_phone, "12345", NDC_NORM_PHONE_FORM);
    refused(ndc_norm_phone, "gọi sau", NDC_NORM_PHONE_FORM);
}

static enum ndc_norm_reason sex(struct ndc_norm_value *out, struct ndc_str raw)
{
    enum ndc_norm_sex s;
    return ndc_norm_sex(out, &s, raw);
}

static void test_email_and_sex(void **state)
{
    (void)state;
    value(ndc_norm_email, " An.Nguyen@Example.COM ", "an.nguyen@example.com",
          NDC_NORM_RECASED);
    value(ndc_norm_email, "a+b@mail.gov.vn", "a+b@mail.gov.vn", 0);
    refused(ndc_norm_email, "a@b", NDC_NORM_EMAIL_FORM);
    refused(ndc_norm_email, "a..b@c.vn", NDC_NORM_EMAIL_FORM);
    refused(ndc_norm_email, "a@@c.vn", NDC_NORM_EMAIL_FORM);
    refused(ndc_norm_email, "@c.vn", NDC_NORM_EMAIL_FORM);
    refused(ndc_norm_email, "a@c..vn", NDC_NORM_EMAIL_FORM);
    refused(ndc_norm_email, "a@-c.vn", NDC_NORM_EMAIL_FORM);
    refused(ndc_norm_email, "a@c.1", NDC_NORM_EMAIL_FORM);
    refused(ndc_norm_email, "nguyễn@c.vn", NDC_NORM_EMAIL_FORM);
    value(sex, "Nam", "male", 0);
    value(sex, "NỮ", "female", 0);
    value(sex, "1", "male", 0);
    value(sex, "F", "female", 0);
    value(sex, "Khác", "other", 0);
    refused(sex, "5", NDC_NORM_SEX_UNKNOWN);
    refused(sex, "", NDC_NORM_MISSING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reasons),     cmocka_unit_test(test_names),
        cmocka_unit_test(test_names_again), cmocka_unit_test(test_dates),
        cmocka_unit_test(test_person_id),   cmocka_unit_test(test_other_numbers),
        cmocka_unit_test(test_phones),      cmocka_unit_test(test_email_and_sex),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

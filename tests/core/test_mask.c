/* Masks: what each leaves of a value, and that what it cannot read is hidden. */
#include "tests/test.h"

#include "base/utf8.h"
#include "core/mask.h"

#define DOTS "•••"

static void assert_mask(enum ndc_mask mask, const char *value, const char *expected)
{
    struct ndc_buf out;
    ndc_buf_init(&out, 4096);
    ndc_mask_apply(&out, mask, ndc_str(value));
    if (!ndc_str_eq_c(ndc_buf_str(&out), expected))
        fail_msg("%s of \"%s\" is \"%.*s\", not \"%s\"", ndc_mask_name(mask), value,
                 NDC_STR_FMT(ndc_buf_str(&out)), expected);
    ndc_buf_free(&out);
}

static void test_masks(void **state)
{
    (void)state;
    static const struct {
        enum ndc_mask mask;
        const char *value, *expected;
    } cases[] = {
        {NDC_MASK_LAST4, "001085012345", DOTS " 2345"},
        {NDC_MASK_LAST4, "29A-123.45", DOTS " 2345"},
        {NDC_MASK_LAST4, "1234567", DOTS},
        {NDC_MASK_LAST4, "số 12345678", DOTS},
        {NDC_MASK_LAST3, "+84 912 345 678", DOTS " 678"},
        {NDC_MASK_LAST3, "113", DOTS},
        {NDC_MASK_YEAR, "1985-07-01", "1985"},
        {NDC_MASK_YEAR, "1985", "1985"},
        {NDC_MASK_YEAR, "01/07/1985", "1985"},
        {NDC_MASK_YEAR, "2026-07-01T00:00:00.123Z", "2026"},
        {NDC_MASK_YEAR, "19850701", DOTS},
        {NDC_MASK_YEAR, "tháng bảy", DOTS},
        {NDC_MASK_INITIALS, "Nguyễn Văn Ánh", "N. V. Á."},
        {NDC_MASK_INITIALS, "Đặng  Thị-Ế", "Đ. T. Ế."},
        {NDC_MASK_INITIALS, "A\xcc\x81nh E\xcc\x82\xcc\x81",
         "A\xcc\x81. E\xcc\x82\xcc\x81."},
        {NDC_MASK_INITIALS, "x\xff y", DOTS},
        {NDC_MASK_INITIALS, "   ", ""},
        {NDC_MASK_PROVINCE, "Số 5, phường Bến Thành, Thành phố Hồ Chí Minh",
         "Thành phố Hồ Chí Minh"},
        {NDC_MASK_PROVINCE, "12 Lý Thường Kiệt", DOTS},
        {NDC_MASK_PROVINCE, "Hà Nội, số 7", DOTS},
        {NDC_MASK_PROVINCE, "Hà Nội,", DOTS},
        {NDC_MASK_DOMAIN, "lan.nguyen@example.vn", DOTS "@example.vn"},
        {NDC_MASK_DOMAIN, "a@b@c.vn", DOTS},
        {NDC_MASK_DOMAIN, "@c.vn", DOTS},
        {NDC_MASK_BAND, "12500000", "10000000-20000000"},
        {NDC_MASK_BAND, "20000000", "20000000-50000000"},
        {NDC_MASK_BAND, "49999999.5", "20000000-50000000"},
        {NDC_MASK_BAND, "99", "50-100"},
        {NDC_MASK_BAND, "100", "100-200"},
        {NDC_MASK_BAND, "0", "0-1"},
        {NDC_MASK_BAND, "18446744073709551615", DOTS},
        {NDC_MASK_BAND, "12 triệu", DOTS},
        {NDC_MASK_REDACT, "A+", DOTS},
        {NDC_MASK_REDACT, "", ""},
        {NDC_MASK_NONE, "A+", "A+"},
    };
    for (size_t i = 0; i < NDC_ARRAY_LEN(cases); i++)
        assert_mask(cases[i].mask, cases[i].value, cases[i].expected);
}

static void test_pseudonyms(void **state)
{
    (void)state;
    /* Aumasson's reference vectors of SipHash-2-4-128: key 00..0f, inputs "" and 00. */
    static const uint8_t expected[2][16] = {
        {0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6, 0x6d, 0xf6, 0x72, 0x14, 0xc7,
         0x55, 0x02, 0x93},
        {0xda, 0x87, 0xc1, 0xd8, 0x6b, 0x99, 0xaf, 0x44, 0x34, 0x76, 0x59, 0x11, 0x9b,
         0x22, 0xfc, 0x45}};
    uint8_t key[16], out[16];
    for (size_t i = 0; i < 16; i++)
        key[i] = (uint8_t)i;
    for (size_t n = 0; n < 2; n++) {
        ndc_mask_siphash(out, key, ndc_str_n("\0", n));
        assert_memory_equal(out, expected[n], 16);
    }
    ndc_mask_key_set(key);
    struct ndc_buf a, b;
    ndc_buf_init(&a, 64);
    ndc_buf_init(&b, 64);
    ndc_mask_apply(&a, NDC_MASK_HASH, NDC_STR("001085012345"));
    ndc_mask_apply(&b, NDC_MASK_HASH, NDC_STR("001085012345"));
    assert_int_equal(a.len, 32);
    assert_true(ndc_str_eq(ndc_buf_str(&a), ndc_buf_str(&b)));
    key[0]++;
    ndc_mask_key_set(key);
    ndc_buf_reset(&b);
    ndc_mask_apply(&b, NDC_MASK_HASH, NDC_STR("001085012345"));
    assert_false(ndc_str_eq(ndc_buf_str(&a), ndc_buf_str(&b)));
    ndc_buf_free(&a);
    ndc_buf_free(&b);
}

static void test_every_kind_has_a_mask_that_suits(void **state)
{
    (void)state;
    for (int kind = 0; kind < NDC_VALUE_KIND_COUNT; kind++) {
        enum ndc_mask mask = ndc_mask_default((enum ndc_value_kind)kind), back;
        assert_true(ndc_mask_suits(mask, (enum ndc_value_kind)kind));
        assert_true(ndc_mask_parse(ndc_str(ndc_mask_name(mask)), &back));
        assert_int_equal(mask, back);
    }
    assert_false(ndc_mask_suits(NDC_MASK_YEAR, NDC_VALUE_PHONE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_masks), cmocka_unit_test(test_pseudonyms),
        cmocka_unit_test(test_every_kind_has_a_mask_that_suits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

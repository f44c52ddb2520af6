/* One-time passwords: the tables of RFC 4226 (appendix D) and RFC 6238 (appendix B), RFC
 * 4648's base32, the window, codes that are used up, the key URI; and recovery codes. */
#include "tests/hex.h"

#include "crypto/recovery.h"
#include "crypto/totp.h"

#define TEN "1234567890"
static const struct ndc_str key20 = {TEN TEN, 20}, key32 = {TEN TEN TEN "12", 32},
                            key64 = {TEN TEN TEN TEN TEN TEN "1234", 64};

static void test_rfc4226(void **state)
{
    (void)state;
    static const char *const codes[] = {"755224", "287082", "359152", "969429", "338314",
                                        "254676", "287922", "162583", "399871", "520489"};
    char out[NDC_OTP_CODE_BYTES];
    for (size_t i = 0; i < NDC_ARRAY_LEN(codes); i++) {
        ndc_hotp_code(out, NDC_OTP_SHA1, 6, key20, i);
        assert_string_equal(out, codes[i]);
    }
}

static void test_rfc6238(void **state)
{
    (void)state;
    static const struct {
        int64_t time;
        const char *code[3];
    } rows[] = {{59, {"94287082", "46119246", "90693936"}},
                {1111111109, {"07081804", "68084774", "25091201"}},
                {1111111111, {"14050471", "67062674", "99943326"}},
                {1234567890, {"89005924", "91819424", "93441116"}},
                {2000000000, {"69279037", "90698825", "38618901"}},
                {20000000000, {"65353130", "77737706", "47863826"}}};
    const struct ndc_str keys[3] = {key20, key32, key64};
    for (size_t i = 0; i < NDC_ARRAY_LEN(rows); i++)
        for (int h = 0; h < 3; h++) {
            struct ndc_totp totp = {.hash = (enum ndc_otp_hash)h, .digits = 8};
            int64_t step;
            assert_true(ndc_totp_check(&step, &totp, keys[h], rows[i].time, -1,
                                       ndc_str(rows[i].code[h])));
            assert_true(step == rows[i].time / 30);
            assert_false(ndc_totp_check(&step, &totp, keys[(h + 1) % 3], rows[i].time, -1,
                                        ndc_str(rows[i].code[h])));
        }
}

static bool takes(int64_t *step, int64_t now, int64_t last, const char *code)
{
    const struct ndc_totp totp = {0};
    return ndc_totp_check(step, &totp, key20, now, last, ndc_str(code));
}

static void test_window_and_replay(void **state)
{
    (void)state;
    int64_t step;
    /* Step 5's code is RFC 4226's 254676: good in steps 4 to 6, and in no other. */
    for (int64_t now = 0; now < 300; now += 10)
        assert_int_equal(takes(&step, now, -1, "254676"), now / 30 >= 4 && now / 30 <= 6);
    assert_true(takes(&step, 150, -1, "254 676"));
    assert_true(step == 5);
    /* Used once, it and what came before it are used up. */
    assert_false(takes(&step, 150, 5, "254676"));
    assert_true(step == 5);
    assert_false(takes(&step, 150, 5, "338314"));
    assert_true(takes(&step, 150, 5, "287922"));
    assert_true(step == 6);
    assert_false(takes(&step, 179, 6, "287922"));
    /* Not a code at all. */
    static const char *const none[] = {"",
                                       "25467",
                                       "2546760",
                                       "25467a",
                                       "254676 1",
                                       "      ",
                                       "123456789012345678901234567890"};
    for (size_t i = 0; i < NDC_ARRAY_LEN(none); i++)
        assert_false(takes(&step, 150, -1, none[i]));
    assert_false(takes(&step, -150, -1, "254676"));
    assert_true(takes(&step, 0, -1, "755224")); /* the first step has none before it */
}

static void test_base32(void **state)
{
    (void)state;
    /* RFC 4648, section 10. */
    static const struct {
        const char *plain, *padded;
    } rows[] = {{"", ""},
                {"f", "MY======"},
                {"fo", "MZXQ===="},
                {"foo", "MZXW6==="},
                {"foob", "MZXW6YQ="},
                {"fooba", "MZXW6YTB"},
                {"foobar", "MZXW6YTBOI======"}};
    static const char *const bad[] = {
        "M",        "MZX",      "MZXW6Y", "MY=====", "MZ======", "M1",
        "MZXQ=A==", "========", "MZXR",   "MZXQ ",   "M=====",   "MZXW6YTB========"};
    struct ndc_buf text;
    uint8_t out[16];
    size_t n;
    ndc_buf_init(&text, 256);
    for (size_t i = 0; i < NDC_ARRAY_LEN(rows); i++) {
        struct ndc_str plain = ndc_str(rows[i].plain), padded = ndc_str(rows[i].padded);
        ndc_buf_reset(&text);
        ndc_base32_add(&text, plain.ptr, plain.len);
        assert_true(ndc_str_starts(padded, ndc_buf_str(&text)));
        assert_true(ndc_base32_read(out, sizeof(out), &n, padded));
        assert_true(ndc_str_eq(ndc_str_n((char *)out, n), plain));
        assert_true(ndc_base32_read(out, sizeof(out), &n, ndc_buf_str(&text)));
        assert_true(ndc_str_eq(ndc_str_n((char *)out, n), plain));
        if (plain.len) assert_false(ndc_base32_read(out, plain.len - 1, &n, padded));
    }
    assert_true(ndc_base32_read(out, sizeof(out), &n, NDC_STR("mzxw6ytboi")));
    assert_int_equal(n, 6);
    for (size_t i = 0; i < NDC_ARRAY_LEN(bad); i++)
        if (ndc_base32_read(out, sizeof(out), &n, ndc_str(bad[i])))
            fail_msg("%s", bad[i]);
    ndc_buf_free(&text);
}

static void test_uri(void **state)
{
    (void)state;
    struct ndc_buf out;
    struct ndc_fault fault = {0};
    const struct ndc_totp totp = {.hash = NDC_OTP_SHA256, .digits = 8, .period_s = 60};
    ndc_buf_init(&out, 4096);
    assert_int_equal(ndc_totp_uri(&out, &(struct ndc_totp){0}, key20,
                                  NDC_STR("Định danh & Co"), NDC_STR("an@example.vn"),
                                  &fault),
                     NDC_OK);
    assert_str_eq(ndc_buf_str(&out),
                  "otpauth://totp/%C4%90%E1%BB%8Bnh%20danh%20%26%20Co:an%40example.vn"
                  "?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
                  "&issuer=%C4%90%E1%BB%8Bnh%20danh%20%26%20Co"
                  "&algorithm=SHA1&digits=6&period=30");
    ndc_buf_reset(&out);
    assert_int_equal(
        ndc_totp_uri(&out, &totp, key32, NDC_STR("ndc"), NDC_STR("an"), &fault), NDC_OK);
    ndc_buf_add_byte(&out, 0);
    assert_non_null(strstr(out.ptr, "&algorithm=SHA256&digits=8&period=60"));
    assert_int_equal(
        ndc_totp_uri(&out, &totp, key32, NDC_STR("a:b"), NDC_STR("an"), &fault),
        NDC_EINPUT);
    assert_string_equal(fault.code, "totp.label");
    assert_int_equal(ndc_totp_uri(&out, &totp, key32, NDC_STR("a"), NDC_STR(""), NULL),
                     NDC_EINPUT);
    ndc_buf_free(&out);
}

static void test_made_key(void **state)
{
    (void)state;
    uint8_t a[NDC_TOTP_KEY_BYTES], b[NDC_TOTP_KEY_BYTES];
    ndc_totp_key_make(a);
    ndc_totp_key_make(b);
    assert_memory_not_equal(a, b, sizeof(a));
}

static void test_recovery(void **state)
{
    (void)state;
    struct ndc_recovery_codes codes;
    uint8_t hash[NDC_TOKEN_HASH_BYTES];
    ndc_recovery_make(&codes);
    for (int i = 0; i < NDC_RECOVERY_CODES; i++) {
        const char *text = codes.text[i];
        char typed[64];
        size_t n = 0;
        assert_int_equal(strlen(text), 19);
        for (size_t c = 0; text[c]; c++) {
            assert_int_equal(text[c] == '-', c % 5 == 4);
            /* As people write: small letters, other signs between, O and l. */
            char ch = text[c] == '0' ? 'o' : text[c] == '1' ? 'l' : text[c];
            typed[n++] = ch == '-' ? ' ' : (char)(ch >= 'A' && ch <= 'Z' ? ch + 32 : ch);
        }
        assert_true(ndc_recovery_hash(hash, ndc_str(text)));
        assert_memory_equal(hash, codes.hash[i], sizeof(hash));
        assert_true(ndc_recovery_hash(hash, ndc_str_n(typed, n)));
        assert_memory_equal(hash, codes.hash[i], sizeof(hash));
        for (int other = 0; other < i; other++)
            assert_string_not_equal(text, codes.text[other]);
        typed[0] = typed[0] == '7' ? '8' : '7';
        assert_true(ndc_recovery_hash(hash, ndc_str_n(typed, n)));
        assert_memory_not_equal(hash, codes.hash[i], sizeof(hash));
    }
    assert_false(ndc_recovery_hash(hash, NDC_STR("")));
    assert_false(ndc_recovery_hash(hash, NDC_STR("7K2M-9QXD-0FHT-W4R")));
    assert_false(ndc_recovery_hash(hash, NDC_STR("7K2M-9QXD-0FHT-W4RC7")));
    assert_false(ndc_recovery_hash(hash, NDC_STR("7K2M-9QXD-0FHT-W4RU")));
    assert_true(ndc_recovery_hash(hash, NDC_STR("7K2M-9QXD-0FHT-W4RC")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rfc4226),
                                       cmocka_unit_test(test_rfc6238),
                                       cmocka_unit_test(test_window_and_replay),
                                       cmocka_unit_test(test_base32),
                                       cmocka_unit_test(test_uri),
                                       cmocka_unit_test(test_made_key),
                                       cmocka_unit_test(test_recovery)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

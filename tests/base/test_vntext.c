/* Vietnamese text: composition, tone placement, folded keys, case, encodings. */
#include "tests/test.h"

#include <iconv.h>

#include "base/hash.h"
#include "base/utf8.h"
#include "base/vntext.h"

typedef size_t text_fn(char *out, struct ndc_str in, unsigned *flags);

static size_t fold_case(char *o, struct ndc_str s, unsigned *f)
{
    return ndc_vn_fold(o, s, NDC_VN_FOLD_CASE, f);
}
static size_t fold_tone(char *o, struct ndc_str s, unsigned *f)
{
    return ndc_vn_fold(o, s, NDC_VN_FOLD_TONE, f);
}
static size_t fold_full(char *o, struct ndc_str s, unsigned *f)
{
    return ndc_vn_fold(o, s, NDC_VN_FOLD_FULL, f);
}
static size_t fold_yi(char *o, struct ndc_str s, unsigned *f)
{
    return ndc_vn_fold(o, s, NDC_VN_FOLD_FULL | NDC_VN_FOLD_YI, f);
}
static size_t name_case(char *o, struct ndc_str s, unsigned *f)
{
    (void)f;
    return ndc_vn_name_case(o, s);
}
static size_t upper(char *o, struct ndc_str s, unsigned *f)
{
    (void)f;
    return ndc_vn_upper(o, s);
}

static void check(text_fn *fn, const char *in, const char *want)
{
    char out[512];
    struct ndc_str s = ndc_str(in);
    size_t n = fn(out, s, NULL);
    assert_true(n <= NDC_VN_ROOM(s.len));
    assert_str_eq(ndc_str_n(out, n), want);
}

/* Every Vietnamese vowel from its letter and marks in either order. */
static void test_compose_any_order(void **state)
{
    static const uint32_t tones[] = {0x301, 0x300, 0x309, 0x303, 0x323};
    static const struct {
        char base;
        uint32_t mark;
        const char *toned;
    } vowels[] = {{'a', 0x302, "ấầẩẫậ"}, {'a', 0x306, "ắằẳẵặ"}, {'e', 0x302, "ếềểễệ"},
                  {'o', 0x302, "ốồổỗộ"}, {'o', 0x31b, "ớờởỡợ"}, {'u', 0x31b, "ứừửữự"}};
    (void)state;
    for (size_t v = 0; v < NDC_ARRAY_LEN(vowels); v++) {
        struct ndc_str rest = ndc_str(vowels[v].toned);
        for (size_t t = 0; t < 5; t++) {
            uint32_t want, code;
            rest = ndc_str_from(rest, ndc_utf8_decode(rest, &want));
            for (int order = 0; order < 2; order++) {
                char in[16], out[32];
                size_t n = 1;
                unsigned flags = 0;
                in[0] = vowels[v].base;
                n += ndc_utf8_encode(in + n, order ? tones[t] : vowels[v].mark);
                n += ndc_utf8_encode(in + n, order ? vowels[v].mark : tones[t]);
                size_t m = ndc_vn_nfc(out, ndc_str_n(in, n), &flags);
                assert_int_equal(ndc_utf8_decode(ndc_str_n(out, m), &code), m);
                assert_int_equal(code, want);
                assert_true(flags & NDC_VN_COMPOSED);
                assert_true(flags & NDC_VN_TONES);
            }
        }
    }
    check(ndc_vn_nfc, "e\xcc\x80\xc3\xaa\xcc\x81", "èế");
    check(ndc_vn_nfc, "Zoe\xcc\x88 n\xcc\x83", "Zoë ñ");
    check(ndc_vn_nfc, "\xc3\x90\xe1\xbb\x97", "Đỗ"); /* eth */
    check(ndc_vn_nfc, "a\xcd\x81", "á");             /* the old acute */
    check(ndc_vn_nfc, "hoà  東京\t", "hoà  東京\t"); /* nothing else changes */
    check(ndc_vn_nfc, "a\xff\xe1\xbb", "a??");
}

static void test_tone_placement(void **state)
{
    static const char *const pairs[][2] = {
        {"hoà", "hòa"},           {"Hoá", "Hóa"},       {"thuý", "thúy"},
        {"khoẻ", "khỏe"},         {"Loè", "Lòe"},       {"thuỷ", "thủy"},
        {"HOÀ BÌNH", "HÒA BÌNH"}, {"hòan", "hoàn"},     {"hùynh", "huỳnh"},
        {"qúy", "quý"},           {"quý", "quý"},       {"qùa", "quà"},
        {"gìa", "già"},           {"gì", "gì"},         {"gìn", "gìn"},
        {"gíêng", "giếng"},       {"nguỹên", "nguyễn"}, {"ngúôn", "nguốn"},
        {"thủơ", "thuở"},         {"tuơí", "tuới"},     {"ngòai", "ngoài"},
        {"khủyu", "khuỷu"},       {"mía", "mía"},       {"múa", "múa"},
        {"qủôc", "quổc"},         {"yêú", "yếu"},       {"José", "José"},
        {"Müller", "Müller"},     {"Renée", "Renée"}};
    (void)state;
    for (size_t i = 0; i < NDC_ARRAY_LEN(pairs); i++)
        check(ndc_vn_clean, pairs[i][0], pairs[i][1]);
    unsigned flags = 0;
    char out[64];
    ndc_vn_clean(out, NDC_STR("thuý"), &flags);
    assert_true(flags & NDC_VN_RETONED);
    flags = 0;
    ndc_vn_clean(out, NDC_STR("thúy Hoàng quý"), &flags);
    assert_false(flags & NDC_VN_RETONED);
}

static void test_clean_spaces(void **state)
{
    (void)state;
    check(ndc_vn_clean, "  Nguyễn\xc2\xa0 Văn\t\tAn ", "Nguyễn Văn An");
    check(ndc_vn_clean, "Nguyễn\xe2\x80\x8b Văn\xef\xbb\xbf An", "Nguyễn Văn An");
    check(ndc_vn_clean, "Ng\xe2\x80\x8buyễn", "Nguyễn");
    check(ndc_vn_clean,
          "a\x01"
          "b",
          "ab");
    check(ndc_vn_clean, "ＮＧＵＹＥＮ　１２", "NGUYEN 12");
    check(ndc_vn_clean, "", "");
    check(ndc_vn_clean, " \xc2\xa0 ", "");
    check(ndc_vn_clean, "Số 12/3, ngõ 5", "Số 12/3, ngõ 5");
}

static void test_fold_levels(void **state)
{
    (void)state;
    check(fold_case, " NGUYỄN  Thị Thuỷ", "nguyễn thị thủy");
    check(fold_tone, "Nguyễn Thị Thuỷ Đăng", "nguyên thi thuy đăng");
    check(fold_full, "Nguyễn Thị Thuỷ Đăng", "nguyen thi thuy dang");
    check(fold_full, "H'Hen Niê", "hhen nie");
    check(fold_full, "Văn Miếu - Quốc Tử Giám", "van mieu quoc tu giam");
    check(fold_full, "Số 12/3, P.5", "so 12 3 p 5");
    check(fold_full, "Müller Strauß Ærø Łódź", "muller strauss aero lodz");
    check(fold_full, "山田 太郎", "山田 太郎");
    check(fold_yi, "Lý Kỳ Mỹ Vy Quý Quỳnh Thúy Huỳnh Yến Y Mỷ",
          "li ki mi vi qui quinh thuy huynh yen y mi");
    check(fold_yi, "LY KY QUY THUY YEN", "li ki qui thuy yen");
    unsigned flags = 0;
    char out[64];
    ndc_vn_fold(out, NDC_STR("Nguyen Van An 2"), NDC_VN_FOLD_FULL, &flags);
    assert_int_equal(flags, NDC_VN_UPPER | NDC_VN_LOWER | NDC_VN_DIGITS);
    flags = 0;
    ndc_vn_fold(out, NDC_STR("Trần Đăng"), NDC_VN_FOLD_FULL, &flags);
    assert_int_equal(flags, NDC_VN_UPPER | NDC_VN_LOWER | NDC_VN_TONES | NDC_VN_MARKS);
}

/* The short loops and the general one agree: a word of another script forces the latter.
 */
static void test_paths_agree(void **state)
{
    static const char *const letters[] = {
        "a", "e", "i", "o", "u",  "y",        "q",    "g",        "n",        "h",   "t",
        "l", "A", "Y", "Q", " ",  " ",        "'",    "-",        ".",        "1",   "à",
        "á", "ò", "ó", "ụ", "ý",  "Ỷ",        "ơ",    "ướ",       "ễ",        "Ộ",   "đ",
        "Đ", "æ", "ß", "ø", "\t", "\xc2\xa0", "\x01", "\xc3\x90", "\xcc\x81", "\xff"};
    uint64_t seed = 7;
    (void)state;
    for (int round = 0; round < 40000; round++) {
        char in[120], a[200], b[200];
        size_t n = 0, kinds = round & 1 ? 36 : NDC_ARRAY_LEN(letters);
        for (uint64_t k = ndc_rng_below(&seed, 24); k > 0; k--) {
            const char *letter = letters[ndc_rng_below(&seed, kinds)];
            memcpy(in + n, letter, strlen(letter));
            n += strlen(letter);
        }
        for (unsigned level = 0; level < 8; level++) {
            unsigned fa = 0, fb = 0;
            bool clean = (level & 3) == 3;
            struct ndc_str s = ndc_str_n(in, n), t = ndc_str_n(in, n + 4);
            memcpy(in + n, " \xe6\xbc\xa2", 4);
            size_t la = clean ? ndc_vn_clean(a, s, &fa) : ndc_vn_fold(a, s, level, &fa);
            size_t lb = clean ? ndc_vn_clean(b, t, &fb) : ndc_vn_fold(b, t, level, &fb);
            lb -= la > 0 ? 4 : 3; /* the space before it */
            assert_int_equal(la, lb);
            assert_memory_equal(a, b, la);
            assert_int_equal(fa | NDC_VN_FOREIGN, fb);
        }
    }
}

static void test_case(void **state)
{
    (void)state;
    check(name_case, "NGUYỄN THỊ ĐÀO", "Nguyễn Thị Đào");
    check(name_case, "h'hen niê", "H'Hen Niê");
    check(name_case, "văn miếu-quốc tử giám", "Văn Miếu-Quốc Tử Giám");
    check(upper, "nguyễn thị đào ß", "NGUYỄN THỊ ĐÀO ß");
}

/* ---- encodings ---- */

static size_t decode(char *out, size_t cap, enum ndc_vn_encoding e, struct ndc_str in)
{
    struct ndc_buf buf;
    size_t used;
    ndc_buf_init(&buf, cap);
    ndc_vn_decode(&buf, e, in, true, &used);
    assert_int_equal(used, in.len);
    assert_false(buf.failed);
    size_t n = buf.len;
    if (n) memcpy(out, buf.ptr, n);
    ndc_buf_free(&buf);
    return n;
}

static const char sentence[] = "Cộng hòa xã hội chủ nghĩa Việt Nam, Độc lập - Tự do - "
                               "Hạnh phúc; ấn bảy đặng ẵm ẳng ởm ỵ ỷ ỹ ữ Đăng Ước Ăn";

static void test_encodings_against_iconv(void **state)
{
    static const struct {
        const char *theirs;
        enum ndc_vn_encoding ours;
    } tables[] = {{"CP1258", NDC_VN_WINDOWS1258},
                  {"TCVN5712-1", NDC_VN_TCVN3},
                  {"UTF-16LE", NDC_VN_UTF16LE},
                  {"UTF-16BE", NDC_VN_UTF16BE}};
    (void)state;
    for (size_t i = 0; i < NDC_ARRAY_LEN(tables); i++) {
        iconv_t to = iconv_open(tables[i].theirs, "UTF-8");
        char bytes[1024], text[2048], *in = (char *)(uintptr_t)sentence, *out = bytes;
        size_t in_left = sizeof(sentence) - 1, out_left = sizeof(bytes);
        if (to == (iconv_t)-1) continue;
        assert_int_not_equal(iconv(to, &in, &in_left, &out, &out_left), (size_t)-1);
        iconv_close(to);
        struct ndc_str encoded = ndc_str_n(bytes, (size_t)(out - bytes));
        size_t n = decode(text, sizeof(text), tables[i].ours, encoded);
        assert_str_eq(ndc_str_n(text, n), sentence);
        size_t bom;
        assert_int_equal(ndc_vn_detect(encoded, &bom, NULL), tables[i].ours);
        assert_int_equal(bom, 0);
        /* Any split into two chunks gives the same. */
        for (size_t cut = 0; cut <= encoded.len; cut++) {
            struct ndc_buf buf;
            size_t used, rest;
            ndc_buf_init(&buf, 4096);
            ndc_vn_decode(&buf, tables[i].ours, ndc_str_n(bytes, cut), false, &used);
            assert_true(used <= cut && cut - used < 4);
            ndc_vn_decode(&buf, tables[i].ours, ndc_str_from(encoded, used), true, &rest);
            assert_str_eq(ndc_buf_str(&buf), sentence);
            ndc_buf_free(&buf);
        }
    }
}

static void test_vni(void **state)
{
    /* "Cộng hòa xã hội chủ nghĩa Việt Nam - Độc lập - Tự do - Hạnh phúc. ỶỴ" */
    static const char vni[] = "Co\xe4ng ho\xf8"
                              "a xa\xf5 ho\xe4i chu\xfb ngh\xf3"
                              "a Vie\xe4t Nam - \xd1o\xe4"
                              "c la\xe4p - T\xf6\xef do - Ha\xefnh phu\xf9"
                              "c. Y\xdb\xce NGUYE\xc3N \xd1\xd6\xd4\xd8NG a\xea\xe9";
    char text[512];
    size_t n = decode(text, sizeof(text), NDC_VN_VNI, ndc_str_n(vni, sizeof(vni) - 1));
    (void)state;
    assert_str_eq(ndc_str_n(text, n),
                  "Cộng hòa xã hội chủ nghĩa Việt Nam - Độc lập - Tự do - Hạnh phúc. "
                  "ỶỴ NGUYỄN ĐƯỜNG ă\xef\xbf\xbd");
    size_t bom;
    bool certain;
    assert_int_equal(ndc_vn_detect(ndc_str_n(vni, sizeof(vni) - 5), &bom, &certain),
                     NDC_VN_VNI);
    assert_false(certain);
}

static void test_detect(void **state)
{
    size_t bom;
    bool certain;
    (void)state;
    assert_int_equal(ndc_vn_detect(NDC_STR("plain ascii"), &bom, &certain), NDC_VN_UTF8);
    assert_true(certain);
    assert_int_equal(ndc_vn_detect(NDC_STR("\xef\xbb\xbfViệt"), &bom, &certain),
                     NDC_VN_UTF8);
    assert_int_equal(bom, 3);
    assert_int_equal(ndc_vn_detect(NDC_STR("\xff\xfeV\0"), &bom, &certain),
                     NDC_VN_UTF16LE);
    assert_int_equal(bom, 2);
    assert_int_equal(ndc_vn_detect(NDC_STR("Nguyễn\xe1\xbb"), &bom, &certain),
                     NDC_VN_UTF8); /* a letter cut by the sample's end */
    assert_true(certain);
    enum ndc_vn_encoding e;
    assert_true(ndc_vn_encoding_find(NDC_STR("Windows-1258"), &e));
    assert_int_equal(e, NDC_VN_WINDOWS1258);
    assert_false(ndc_vn_encoding_find(NDC_STR("klingon"), &e));
}

static void test_bad_encodings(void **state)
{
    struct ndc_buf buf;
    size_t used;
    (void)state;
    ndc_buf_init(&buf, 256);
    assert_int_equal(
        ndc_vn_decode(&buf, NDC_VN_UTF16LE, ndc_str_n("\x00\xd8x\0y", 5), true, &used),
        2);
    assert_str_eq(ndc_buf_str(&buf), "\xef\xbf\xbdx\xef\xbf\xbd");
    ndc_buf_reset(&buf);
    assert_int_equal(
        ndc_vn_decode(&buf, NDC_VN_UTF8, NDC_STR("a\xc0z\xe1\xbb"), true, &used), 2);
    assert_str_eq(ndc_buf_str(&buf), "a\xef\xbf\xbdz\xef\xbf\xbd");
    ndc_buf_free(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compose_any_order),
        cmocka_unit_test(test_tone_placement),
        cmocka_unit_test(test_clean_spaces),
        cmocka_unit_test(test_fold_levels),
        cmocka_unit_test(test_paths_agree),
        cmocka_unit_test(test_case),
        cmocka_unit_test(test_encodings_against_iconv),
        cmocka_unit_test(test_vni),
        cmocka_unit_test(test_detect),
        cmocka_unit_test(test_bad_encodings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

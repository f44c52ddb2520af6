/* CBOR: every example of RFC 8949's appendix A, read and, where it is the shortest form,
 * written again; what appendix F calls not well formed; CTAP2's canonical form; counts
 * that promise more than there is. */
#include "tests/hex.h"

#include "crypto/cbor.h"

#include <math.h>

/* What an item is in a few letters, so that a table can say what each example means:
 * numbers and floats as printf has them, h'…' bytes, "…" text, [ ] { } ( ) with _ for
 * indefinite, tags N(…). */
static void show(struct ndc_buf *out, struct ndc_str *in);

static void show_children(struct ndc_buf *out, const struct ndc_cbor_item *item,
                          struct ndc_str *in, uint64_t n)
{
    ndc_buf_add_c(out, item->indefinite ? "_ " : "");
    for (uint64_t i = 0; item->indefinite || i < n; i++) {
        struct ndc_str rest = *in;
        struct ndc_cbor_item end;
        if (item->indefinite && ndc_cbor_next(&end, &rest) &&
            end.kind == NDC_CBOR_BREAK) {
            *in = rest;
            return;
        }
        if (i) ndc_buf_add_c(out, item->kind == NDC_CBOR_MAP && i % 2 ? ":" : ",");
        show(out, in);
    }
}

static void show_string(struct ndc_buf *out, const struct ndc_cbor_item *item,
                        struct ndc_str *in)
{
    if (item->indefinite) {
        ndc_buf_add_c(out, "(");
        show_children(out, item, in, 0);
        ndc_buf_add_c(out, ")");
    } else if (item->kind == NDC_CBOR_TEXT) {
        ndc_buf_printf(out, "\"%.*s\"", NDC_STR_FMT(item->bytes));
    } else {
        ndc_buf_add_c(out, "h'");
        for (size_t i = 0; i < item->bytes.len; i++)
            ndc_buf_printf(out, "%02x", (unsigned char)item->bytes.ptr[i]);
        ndc_buf_add_c(out, "'");
    }
}

static void show(struct ndc_buf *out, struct ndc_str *in)
{
    struct ndc_cbor_item item;
    assert_true(ndc_cbor_next(&item, in));
    switch (item.kind) {
    case NDC_CBOR_UINT:
        ndc_buf_add_u64(out, item.value);
        break;
    case NDC_CBOR_NEGATIVE:
        ndc_buf_printf(out, "-1-");
        ndc_buf_add_u64(out, item.value);
        break;
    case NDC_CBOR_BYTES:
    case NDC_CBOR_TEXT:
        show_string(out, &item, in);
        break;
    case NDC_CBOR_ARRAY:
        ndc_buf_add_c(out, "[");
        show_children(out, &item, in, item.value);
        ndc_buf_add_c(out, "]");
        break;
    case NDC_CBOR_MAP:
        ndc_buf_add_c(out, "{");
        show_children(out, &item, in, item.value * 2);
        ndc_buf_add_c(out, "}");
        break;
    case NDC_CBOR_TAG:
        ndc_buf_printf(out, "%llu(", (unsigned long long)item.value);
        show(out, in);
        ndc_buf_add_c(out, ")");
        break;
    case NDC_CBOR_SIMPLE:
        ndc_buf_printf(out, "simple(%u)", (unsigned)item.value);
        break;
    case NDC_CBOR_FLOAT:
        ndc_buf_printf(out, isnan(item.real) ? "nan" : "%.17g", item.real);
        break;
    default:
        fail();
    }
}

/* RFC 8949, appendix A, in its order: the bytes, and what they are. */
static const struct {
    const char *hex, *means;
} examples[] = {
    {"00", "0"},
    {"01", "1"},
    {"0a", "10"},
    {"17", "23"},
    {"1818", "24"},
    {"1819", "25"},
    {"1864", "100"},
    {"1903e8", "1000"},
    {"1a000f4240", "1000000"},
    {"1b000000e8d4a51000", "1000000000000"},
    {"1bffffffffffffffff", "18446744073709551615"},
    {"c249010000000000000000", "2(h'010000000000000000')"},
    {"3bffffffffffffffff", "-1-18446744073709551615"},
    {"c349010000000000000000", "3(h'010000000000000000')"},
    {"20", "-1-0"},
    {"29", "-1-9"},
    {"3863", "-1-99"},
    {"3903e7", "-1-999"},
    {"f90000", "0"},
    {"f98000", "-0"},
    {"f93c00", "1"},
    {"fb3ff199999999999a", "1.1000000000000001"},
    {"f93e00", "1.5"},
    {"f97bff", "65504"},
    {"fa47c35000", "100000"},
    {"fa7f7fffff", "3.4028234663852886e+38"},
    {"fb7e37e43c8800759c", "1.0000000000000001e+300"},
    {"f90001", "5.9604644775390625e-08"},
    {"f90400", "6.103515625e-05"},
    {"f9c400", "-4"},
    {"fbc010666666666666", "-4.0999999999999996"},
    {"f97c00", "inf"},
    {"f97e00", "nan"},
    {"f9fc00", "-inf"},
    {"fa7f800000", "inf"},
    {"fa7fc00000", "nan"},
    {"faff800000", "-inf"},
    {"fb7ff0000000000000", "inf"},
    {"fb7ff8000000000000", "nan"},
    {"fbfff0000000000000", "-inf"},
    {"f4", "simple(20)"},
    {"f5", "simple(21)"},
    {"f6", "simple(22)"},
    {"f7", "simple(23)"},
    {"f0", "simple(16)"},
    {"f8ff", "simple(255)"},
    {"c074323031332d30332d32315432303a30343a30305a", "0(\"2013-03-21T20:04:00Z\")"},
    {"c11a514b67b0", "1(1363896240)"},
    {"c1fb41d452d9ec200000", "1(1363896240.5)"},
    {"d74401020304", "23(h'01020304')"},
    {"d818456449455446", "24(h'6449455446')"},
    {"d82076687474703a2f2f7777772e6578616d706c652e636f6d",
     "32(\"http://www.example.com\")"},
    {"40", "h''"},
    {"4401020304", "h'01020304'"},
    {"60", "\"\""},
    {"6161", "\"a\""},
    {"6449455446", "\"IETF\""},
    {"62225c", "\"\"\\\""},
    {"62c3bc", "\"\u00fc\""},
    {"63e6b0b4", "\"\u6c34\""},
    {"64f0908591", "\"\U00010151\""},
    {"80", "[]"},
    {"83010203", "[1,2,3]"},
    {"8301820203820405", "[1,[2,3],[4,5]]"},
    {"98190102030405060708090a0b0c0d0e0f101112131415161718181819",
     "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25]"},
    {"a0", "{}"},
    {"a201020304", "{1:2,3:4}"},
    {"a26161016162820203", "{\"a\":1,\"b\":[2,3]}"},
    {"826161a161626163", "[\"a\",{\"b\":\"c\"}]"},
    {"a56161614161626142616361436164614461656145",
     "{\"a\":\"A\",\"b\":\"B\",\"c\":\"C\",\"d\":\"D\",\"e\":\"E\"}"},
    {"5f42010243030405ff", "(_ h'0102',h'030405')"},
    {"7f657374726561646d696e67ff", "(_ \"strea\",\"ming\")"},
    {"9fff", "[_ ]"},
    {"9f018202039f0405ffff", "[_ 1,[2,3],[_ 4,5]]"},
    {"9f01820203820405ff", "[_ 1,[2,3],[4,5]]"},
    {"83018202039f0405ff", "[1,[2,3],[_ 4,5]]"},
    {"83019f0203ff820405", "[1,[_ 2,3],[4,5]]"},
    {"9f0102030405060708090a0b0c0d0e0f101112131415161718181819ff",
     "[_ 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25]"},
    {"bf61610161629f0203ffff", "{_ \"a\":1,\"b\":[_ 2,3]}"},
    {"826161bf61626163ff", "[\"a\",{_ \"b\":\"c\"}]"},
    {"bf6346756ef563416d7421ff", "{_ \"Fun\":simple(21),\"Amt\":-1-1}"},
};

static void test_appendix_a(void **state)
{
    (void)state;
    struct ndc_buf text;
    ndc_buf_init(&text, 1 << 16);
    for (size_t i = 0; i < NDC_ARRAY_LEN(examples); i++) {
        struct ndc_str in = unhex(examples[i].hex), rest = in;
        size_t len;
        ndc_buf_reset(&text);
        assert_int_equal(ndc_cbor_check(&len, in, NDC_CBOR_ANY), NDC_CBOR_GOOD);
        assert_int_equal(len, in.len);
        show(&text, &rest);
        assert_int_equal(rest.len, 0);
        assert_str_eq(ndc_buf_str(&text), examples[i].means);
        /* Every beginning of it is cut. */
        for (size_t n = 0; n < in.len; n++) {
            struct ndc_str part = copy_of(ndc_str_n(in.ptr, n));
            assert_int_not_equal(ndc_cbor_check(&len, part, NDC_CBOR_ANY), NDC_CBOR_GOOD);
            drop(part);
        }
        drop(in);
    }
    ndc_buf_free(&text);
}

static void refuse(const char *hex, enum ndc_cbor_form form, enum ndc_cbor_fault fault)
{
    struct ndc_str in = unhex(hex);
    size_t len;
    enum ndc_cbor_fault got = ndc_cbor_check(&len, in, form);
    if (got != fault)
        fail_msg("%s: \"%s\", not \"%s\"", hex, ndc_cbor_fault_text(got),
                 ndc_cbor_fault_text(fault));
    drop(in);
}

/* RFC 8949, appendix F, and counts that nothing stands behind. */
static const char cut[] =
    "18 19 1a 1b 1901 1a0102 1b01020304050607 38 58 78 98 9a01ff00 b8 d8 f8 f900 "
    "fa0000 fb000000 41 61 5affffffff00 5bffffffffffffffff010203 7affffffff00 "
    "7b7fffffffffffffff010203 81 818181818181818181 8200 a1 a20102 a100 a2000000 "
    "c0 9f 9f0102 bf bf01020102 819f 9f8000 9f9f9f9f9fffffffff 5f 7f 5f4100 7f6100 "
    "9bffffffffffffffff bbffffffffffffffff 9b7fffffffffffffff bb7fffffffffffffff00";
static const char malformed[] =
    "1c 1d 1e 3c 3d 3e 5c 5d 5e 7c 7d 7e 9c 9d 9e bc bd be dc dd de fc fd fe f800 "
    "f801 f818 f81f 5f00ff 5f21ff 5f6100ff 5f80ff 5fa0ff 5fc000ff 5fe0ff 7f4100ff "
    "5f5f4100ffff 7f7f6100ffff ff 81ff 8200ff a1ff a1ff00 a100ff a20000ff 9f81ff "
    "9f829f819f9fffffffff bf00ff bf000000ff 1f 3f df";

static void refuse_all(const char *list)
{
    struct ndc_str rest = ndc_str(list), one;
    while (ndc_str_split(&rest, ' ', &one)) {
        char hex[64];
        size_t len;
        snprintf(hex, sizeof(hex), "%.*s", NDC_STR_FMT(one));
        struct ndc_str in = unhex(hex);
        if (!ndc_cbor_check(&len, in, NDC_CBOR_ANY)) fail_msg("%s is taken", hex);
        assert_int_equal(len, 0);
        drop(in);
    }
}

static void test_not_well_formed(void **state)
{
    (void)state;
    refuse_all(cut);
    refuse_all(malformed);
    refuse("9bffffffffffffffff", NDC_CBOR_ANY, NDC_CBOR_CUT);
    refuse("f818", NDC_CBOR_ANY, NDC_CBOR_MALFORMED);
    refuse("61ff", NDC_CBOR_ANY, NDC_CBOR_NOT_UTF8);
    refuse("7f61c361bcff", NDC_CBOR_ANY, NDC_CBOR_NOT_UTF8); /* a letter over two parts */
    refuse("818181818181818100", NDC_CBOR_ANY, NDC_CBOR_GOOD); /* eight levels */
    refuse("81818181818181818100", NDC_CBOR_ANY, NDC_CBOR_DEEP);
    refuse("9f9f9f9f9f9f9f9f9fffffffffffffffffff", NDC_CBOR_ANY, NDC_CBOR_DEEP);
}

static void test_canonical(void **state)
{
    (void)state;
    static const char *const good[] = {
        "00",
        "17",
        "1818",
        "18ff",
        "190100",
        "1a00010000",
        "1b0000000100000000",
        "3818",
        "5818000000000000000000000000000000000000000000000000",
        "f4",
        "f7",
        "fb3ff0000000000000", /* "floats are not changed" */
        "a201002000",         /* positive before negative */
        "a3010020004000",     /* then byte strings */
        "a2616100626100f5",   /* the shorter first */
        "a2616100616200",
        "a0",
        "80",
        "f8ff"};
    static const char *const longer[] = {"1800",
                                         "1817",
                                         "1900ff",
                                         "1a0000ffff",
                                         "1b00000000ffffffff",
                                         "3817",
                                         "580100",
                                         ("790001"
                                          "61"),
                                         "980100",
                                         "b8010000",
                                         "9fff",
                                         "bfff",
                                         "5fff",
                                         "7fff",
                                         "c000",
                                         "d81800"};
    static const char *const order[] = {"a203000100", /* 3 before 1 */
                                        "a201000100", /* 1 twice */
                                        "a220000100", /* negative before positive */
                                        "a26162006161"
                                        "00",
                                        "a262616100616100",
                                        "a261610061610"
                                        "0",
                                        "a10082a2010001000"
                                        "0"};
    for (size_t i = 0; i < NDC_ARRAY_LEN(good); i++) {
        struct ndc_str in = unhex(good[i]);
        size_t len;
        assert_int_equal(ndc_cbor_check(&len, in, NDC_CBOR_CTAP2), NDC_CBOR_GOOD);
        drop(in);
    }
    for (size_t i = 0; i < NDC_ARRAY_LEN(longer); i++) {
        refuse(longer[i], NDC_CBOR_CTAP2, NDC_CBOR_NOT_CANONICAL);
        refuse(longer[i], NDC_CBOR_ANY, NDC_CBOR_GOOD);
    }
    for (size_t i = 0; i < NDC_ARRAY_LEN(order); i++)
        refuse(order[i], NDC_CBOR_CTAP2, NDC_CBOR_KEY_ORDER);
}

static void test_readers(void **state)
{
    (void)state;
    struct ndc_str in = unhex("8501204161"
                              "6162"
                              "a10102"),
                   rest = in, part;
    uint64_t n;
    int64_t v;
    assert_false(ndc_cbor_map(&n, &rest));
    assert_int_equal(rest.len, in.len); /* a reader of another kind takes nothing */
    assert_true(ndc_cbor_array(&n, &rest));
    assert_int_equal(n, 5);
    assert_false(ndc_cbor_text(&part, &rest));
    assert_true(ndc_cbor_int(&v, &rest));
    assert_int_equal(v, 1);
    assert_true(ndc_cbor_int(&v, &rest));
    assert_int_equal(v, -1);
    assert_false(ndc_cbor_int(&v, &rest));
    assert_true(ndc_cbor_bytes(&part, &rest));
    assert_str_eq(part, "a");
    assert_true(ndc_cbor_text(&part, &rest));
    assert_str_eq(part, "b");
    assert_true(ndc_cbor_whole(&part, &rest));
    assert_int_equal(part.len, 3);
    assert_int_equal(rest.len, 0);
    assert_false(ndc_cbor_whole(&part, &rest));
    drop(in);
    /* The least and the greatest number that fit, and the next that do not. */
    static const struct {
        const char *hex;
        bool fits;
        int64_t v;
    } numbers[] = {{"1b7fffffffffffffff", true, INT64_MAX},
                   {"1b8000000000000000", false, 0},
                   {"3b7fffffffffffffff", true, INT64_MIN},
                   {"3b8000000000000000", false, 0}};
    for (size_t i = 0; i < NDC_ARRAY_LEN(numbers); i++) {
        in = rest = unhex(numbers[i].hex);
        assert_int_equal(ndc_cbor_int(&v, &rest), numbers[i].fits);
        assert_int_equal(rest.len, numbers[i].fits ? 0 : in.len);
        if (numbers[i].fits) assert_true(v == numbers[i].v);
        drop(in);
    }
}

static void test_writer(void **state)
{
    (void)state;
    static const int64_t edges[] = {0,     23,    24,         255,        256,
                                    65535, 65536, 4294967295, 4294967296, INT64_MAX};
    struct ndc_buf out;
    size_t len;
    ndc_buf_init(&out, 1 << 16);
    for (size_t i = 0; i < NDC_ARRAY_LEN(edges); i++)
        for (int negative = 0; negative < 2; negative++) {
            int64_t v = negative ? -1 - edges[i] : edges[i], back;
            ndc_buf_reset(&out);
            ndc_cbor_add_int(&out, v);
            struct ndc_str in = ndc_buf_str(&out);
            assert_int_equal(ndc_cbor_check(&len, in, NDC_CBOR_CTAP2), NDC_CBOR_GOOD);
            assert_true(ndc_cbor_int(&back, &in) && back == v && in.len == 0);
        }
    ndc_buf_reset(&out);
    ndc_cbor_add_map(&out, 2);
    ndc_cbor_add_text(&out, NDC_STR("a"));
    ndc_cbor_add_array(&out, 2);
    ndc_cbor_add_bytes(&out, NDC_STR("\1\2"));
    ndc_cbor_add_simple(&out, NDC_CBOR_TRUE);
    ndc_cbor_add_text(&out, NDC_STR("b"));
    ndc_cbor_add_tag(&out, 24);
    ndc_cbor_add_simple(&out, 255);
    struct ndc_str want = unhex("a2616182420102f56162d818f8ff");
    assert_true(ndc_str_eq(ndc_buf_str(&out), want));
    drop(want);
    ndc_buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_appendix_a), cmocka_unit_test(test_not_well_formed),
        cmocka_unit_test(test_canonical), cmocka_unit_test(test_readers),
        cmocka_unit_test(test_writer)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Addresses: every unit, former and current, written in four styles, is found; and the
 * forms that people write. */
#include "tests/test.h"

#include "platforms/registry/normalise/normalise.h"

static const struct ndc_date unknown = {0, 0, 0};

enum style { FULL, SHORT, TONELESS, UPPER, STYLES };
static const char *const style_names[] = {"full", "abbreviated", "toneless",
                                          "upper case"};

static const char *short_kind(const struct ndc_unit *u)
{
    static const char *const kinds[] = {
        [NDC_UNIT_TINH] = "",       [NDC_UNIT_THANH_PHO] = "TP. ",
        [NDC_UNIT_QUAN] = "Q.",     [NDC_UNIT_HUYEN] = "H. ",
        [NDC_UNIT_THI_XA] = "TX. ", [NDC_UNIT_PHUONG] = "P. ",
        [NDC_UNIT_XA] = "X. ",      [NDC_UNIT_THI_TRAN] = "TT. ",
        [NDC_UNIT_DAC_KHU] = "ĐK. "};
    return kinds[u->kind];
}

/* "Số 12 Lê Lợi, Phường …, Quận …, Thành phố …" of a lowest unit. */
static size_t write_address(char *out, size_t cap, unsigned id, enum style style)
{
    char text[512], title[NDC_UNIT_TITLE_MAX];
    size_t n = (size_t)snprintf(text, sizeof(text), "Số 12 đường Lê Lợi");
    for (; id; id = ndc_unit_get(id)->parent) {
        const struct ndc_unit *u = ndc_unit_get(id);
        ndc_unit_title(title, id, false);
        n += (size_t)snprintf(text + n, sizeof(text) - n, ", %s%s",
                              style == SHORT ? short_kind(u) : "",
                              style == SHORT ? u->name : title);
    }
    if (style == UPPER) {
        n = ndc_vn_upper(out, ndc_str_n(text, n));
    } else if (style == TONELESS) {
        size_t len = 0;
        struct ndc_str rest = ndc_str_n(text, n), part;
        while (ndc_str_split(&rest, ',', &part)) {
            if (len) out[len++] = ',';
            len += ndc_vn_fold(out + len, part, NDC_VN_FOLD_FULL, NULL);
        }
        n = len;
    } else {
        NDC_ASSERT(n < cap);
        memcpy(out, text, n);
    }
    return n;
}

struct score {
    unsigned tried, right, among, wrong;
};

static void try_unit(struct score *s, unsigned id, enum style style, bool show)
{
    char text[700];
    struct ndc_norm_address a;
    const uint16_t *want;
    struct ndc_str in = ndc_str_n(text, write_address(text, sizeof(text), id, style));
    unsigned n = ndc_unit_successors(id, &want), found = 0;
    enum ndc_norm_reason reason = ndc_norm_address(&a, in, unknown);
    s->tried++;
    for (unsigned i = 0; i < n; i++)
        for (unsigned k = 0; k < a.unit_count; k++)
            found += a.units[k] == want[i];
    bool former = ndc_unit_get(id)->vintage == NDC_UNIT_FORMER;
    if (!reason && found == n && a.unit_count == n && (!former || a.former == id)) {
        s->right++;
        return;
    }
    if (!reason && found == n)
        s->among++;
    else
        s->wrong++;
    if (show)
        printf("%s: %.*s -> reason %d level %d former %d units %d\n", style_names[style],
               NDC_STR_FMT(in), (int)reason, a.level, a.former, a.unit_count);
}

static bool is_lowest(unsigned id)
{
    const struct ndc_unit *u = ndc_unit_get(id);
    const uint16_t *ids;
    return u->level == NDC_UNIT_COMMUNE ||
           (u->level == NDC_UNIT_DISTRICT && ndc_unit_successors(id, &ids) > 0);
}

/* The rate of units found alone is over 99.5 % in every style; in every case the right
 * one is among the answers. */
static void test_every_unit(void **state)
{
    (void)state;
    for (int vintage = 0; vintage < 2; vintage++) {
        for (int style = 0; style < STYLES; style++) {
            struct score s = {0, 0, 0, 0};
            for (unsigned id = 1; id <= ndc_unit_count(); id++)
                if (ndc_unit_get(id)->vintage == vintage && is_lowest(id))
                    try_unit(&s, id, (enum style)style, getenv("NDC_SHOW") != NULL);
            printf("%s units, %s: %u of %u alone, %u among several, %u not\n",
                   vintage ? "former" : "current", style_names[style], s.right, s.tried,
                   s.among, s.wrong);
            assert_int_equal(s.tried, vintage ? 10040 : 3321);
            assert_true(s.right * 1000 > s.tried * 995);
            assert_true(s.wrong * 1000 < s.tried);
        }
    }
}

struct want {
    const char *text;
    enum ndc_norm_reason reason;
    int level;
    const char *first, *street; /* title of the first unit; NULL: not looked at */
    unsigned count;
};

static void check(const struct want *w, struct ndc_date as_of)
{
    struct ndc_norm_address a;
    char title[NDC_UNIT_TITLE_MAX];
    enum ndc_norm_reason reason = ndc_norm_address(&a, ndc_str(w->text), as_of);
    if (reason != w->reason || a.level != w->level || a.unit_count != w->count)
        fail_msg("%s: reason %d, level %d, %d units", w->text, reason, a.level,
                 a.unit_count);
    unsigned id = a.unit_count ? a.units[0] : a.province;
    size_t n = id ? ndc_unit_title(title, id, false) : 0;
    if (w->first && !ndc_str_eq_c(ndc_str_n(title, n), w->first))
        fail_msg("%s: %.*s", w->text, (int)n, title);
    if (w->street && strcmp(a.street, w->street) != 0)
        fail_msg("%s: street \"%s\"", w->text, a.street);
}

static void test_as_people_write(void **state)
{
    static const struct want wants[] = {
        {"Số 12, ngõ 5, đường Lê Lợi, phường Phúc Xá, quận Ba Đình, Hà Nội", 0, 3,
         "Phường Hồng Hà", "Số 12, ngõ 5, đường Lê Lợi", 1},
        {"P. Phúc Xá, Q.Ba Đình, TP HN", 0, 3, "Phường Hồng Hà", "", 1},
        {"p phuc xa q ba dinh ha noi", 0, 3, "Phường Hồng Hà", "", 1},
        {"12 Le Loi, Phuc Xa, Ba Dinh, Ha Noi", 0, 3, "Phường Hồng Hà", "12 Le Loi", 1},
        {"12 LÊ LỢI - PHÚC XÁ - BA ĐÌNH - HÀ NỘI", 0, 3, "Phường Hồng Hà", "12 LÊ LỢI",
         1},
        {"Phường Phúc Xá, Quận Ba Đình", 0, 3, "Phường Hồng Hà", "", 1},
        {"12 Nguyễn Huệ, P. Bến Nghé, Q1, TP.HCM", 0, 3, "Phường Sài Gòn",
         "12 Nguyễn Huệ", 1},
        {"12 Nguyen Hue, Ben Nghe Ward, District 1, Ho Chi Minh City, Vietnam", 0, 3,
         "Phường Sài Gòn", "12 Nguyen Hue", 1},
        {"Phường Sài Gòn, Tp Hồ Chí Minh", 0, 3, "Phường Sài Gòn", "", 1},
        {"P.12, Q.Tân Bình, SG", 0, 3, NULL, "", 1},
        {"phường 01, quận 3, TPHCM", 0, 3, NULL, "", 1},
        {"P1, TP. Vũng Tàu, BR-VT", 0, 3, "Phường Vũng Tàu", "", 1},
        {"Phường Phú Hội, TP Huế, TT-Huế", 0, 3, "Phường Thuận Hóa", "", 1},
        {"Phường Phú Hội, thành phố Huế, tỉnh Thừa Thiên Huế", 0, 3, "Phường Thuận Hóa",
         "", 1},
        {"Ea Hleo, Đắc Lắc", 0, 3, "Xã Ea H'Leo", "", 1},
        {"xã Ea H'leo, tỉnh Đắk Lắk, Việt Nam", 0, 3, "Xã Ea H'Leo", "", 1},
        {"Phường Văn Miếu - Quốc Tử Giám, Hà Nội 100000", 0, 3,
         "Phường Văn Miếu - Quốc Tử Giám", "", 1},
        {"Phường Phúc Xa, Quận Ba Đinh, Hà Nội", 0, 3, "Phường Hồng Hà", "", 1},
        {"Phường Phúc Xấ, Quận Ba Đìng, Hà Nộii", 0, 3, "Phường Hồng Hà", "", 1},
        {"quận Ba Đình, Hà Nội", 0, 2, "Thành phố Hà Nội", "", 0},
        {"tỉnh Hà Giang", 0, 1, "Tỉnh Tuyên Quang", "", 0},
        {"Thanh Hoá", 0, 1, "Tỉnh Thanh Hóa", "", 0},
        {"khong co gi o day", NDC_NORM_ADDRESS_NO_UNIT, 0, NULL, "khong co gi o day", 0},
        {"không có", NDC_NORM_MISSING, 0, NULL, NULL, 0},
        {"Phường Bến Nghé, quận Ba Đình, Hà Nội", NDC_NORM_ADDRESS_CONFLICT, 2,
         "Thành phố Hà Nội", NULL, 0},
    };
    (void)state;
    for (size_t i = 0; i < NDC_ARRAY_LEN(wants); i++)
        check(&wants[i], unknown);
}

/* A split unit gives all that it became. */
static void test_split(void **state)
{
    struct ndc_norm_address a;
    (void)state;
    assert_int_equal(
        ndc_norm_address(&a, NDC_STR("Phường Cống Vị, Quận Ba Đình, Hà Nội"), unknown),
        0);
    assert_true(a.unit_count > 1);
    assert_true(a.flags & NDC_NORM_SPLIT);
    assert_true(a.flags & NDC_NORM_AMBIGUOUS);
    assert_true(a.former != 0);
    assert_true(a.confidence < 90);
    assert_true(a.province == 1);
    unsigned split = 0, end = ndc_unit_count();
    const uint16_t *ids;
    for (unsigned id = 1; id <= end; id++)
        split += is_lowest(id) && ndc_unit_successors(id, &ids) > 1;
    assert_int_equal(split, 471);
}

/* The same words before and after July 2025. */
static void test_vintage(void **state)
{
    struct ndc_norm_address a;
    struct ndc_str text = NDC_STR("Phường Ba Đình, Hà Nội");
    (void)state;
    assert_int_equal(ndc_norm_address(&a, text, (struct ndc_date){2025, 7, 1}), 0);
    assert_int_equal(a.former, 0);
    assert_int_equal(ndc_unit_get(a.units[0])->code, 4);
    text = NDC_STR("Xã Bình Minh, Hà Nội");
    assert_int_equal(ndc_norm_address(&a, text, (struct ndc_date){2024, 1, 1}), 0);
    assert_true(a.former != 0);
    assert_int_equal(ndc_norm_address(&a, text, (struct ndc_date){2026, 1, 1}), 0);
    assert_int_equal(a.former, 0);
    struct ndc_date from, until;
    ndc_unit_validity(1, &from, &until);
    assert_int_equal(from.year, 2025);
}

static void test_columns(void **state)
{
    struct ndc_norm_address a;
    char text[256];
    (void)state;
    struct ndc_norm_address_parts codes = {.street = NDC_STR("Số 1 "),
                                           .commune = NDC_STR("00001"),
                                           .district = NDC_STR("001"),
                                           .province = NDC_STR("01")};
    assert_int_equal(ndc_norm_address_parts(&a, &codes, unknown), 0);
    ndc_norm_address_text(text, sizeof(text), &a, false);
    assert_string_equal(text, "Số 1, Phường Hồng Hà, Thành phố Hà Nội");
    ndc_norm_address_text(text, sizeof(text), &a, true);
    assert_string_equal(text, "Số 1, Hong Ha Ward, Hanoi City");
    struct ndc_norm_address_parts now = {.commune = NDC_STR("00004"),
                                         .province = NDC_STR("01")};
    assert_int_equal(ndc_norm_address_parts(&a, &now, unknown), 0);
    assert_string_equal(ndc_unit_get(a.units[0])->name, "Ba Đình");
    struct ndc_norm_address_parts names = {.commune = NDC_STR("1"),
                                           .district = NDC_STR("Quận 3"),
                                           .province = NDC_STR("TP.HCM")};
    assert_int_equal(ndc_norm_address_parts(&a, &names, unknown), 0);
    assert_int_equal(a.level, NDC_UNIT_COMMUNE);
    struct ndc_norm_address_parts bad = {.commune = NDC_STR("99999")};
    assert_int_equal(ndc_norm_address_parts(&a, &bad, unknown), NDC_NORM_UNIT_UNKNOWN);
}

static void test_lookups(void **state)
{
    char text[NDC_UNIT_TITLE_MAX];
    unsigned first;
    const uint16_t *ids;
    (void)state;
    assert_int_equal(ndc_unit_count(), 34 + 3321 + 63 + 696 + 10035);
    assert_int_equal(ndc_unit_children(NDC_UNIT_CURRENT, 0, &first), 34);
    assert_int_equal(ndc_unit_children(NDC_UNIT_FORMER, 0, &first), 63);
    assert_int_equal(ndc_unit_children(NDC_UNIT_CURRENT, 1, &first), 126);
    unsigned total = 0;
    for (unsigned p = 1; p <= 34; p++) {
        unsigned n = ndc_unit_children(NDC_UNIT_CURRENT, p, &first);
        for (unsigned id = first; id < first + n; id++)
            assert_int_equal(ndc_unit_province(id), p);
        total += n;
    }
    assert_int_equal(total, 3321);
    for (unsigned id = 1; id <= ndc_unit_count(); id++) {
        const struct ndc_unit *u = ndc_unit_get(id);
        char clean[128], code[8];
        size_t n = ndc_vn_clean(clean, ndc_str(u->name), NULL);
        assert_str_eq(ndc_str_n(clean, n), u->name); /* tables are in canonical form */
        assert_int_equal(ndc_unit_find((enum ndc_unit_vintage)u->vintage,
                                       (enum ndc_unit_level)u->level, u->code),
                         id);
        ndc_unit_code(code, id);
        if (u->vintage == NDC_UNIT_CURRENT)
            assert_int_equal(ndc_unit_from_place(ndc_unit_place(id)), id);
        if (u->vintage == NDC_UNIT_FORMER && u->level == NDC_UNIT_COMMUNE) {
            unsigned k = ndc_unit_successors(id, &ids);
            assert_true(k >= 1 && k <= NDC_NORM_UNITS_MAX);
            const uint16_t *back;
            unsigned m = ndc_unit_predecessors(ids[0], &back), found = 0;
            for (unsigned i = 0; i < m; i++)
                found += back[i] == id;
            assert_int_equal(found, 1);
        }
    }
    ndc_unit_title(text, 1, true);
    assert_string_equal(text, "Hanoi City");
    assert_null(ndc_unit_get(0));
    assert_null(ndc_unit_get(ndc_unit_count() + 1));
    assert_int_equal(ndc_unit_place(ndc_unit_find(NDC_UNIT_CURRENT, NDC_UNIT_COMMUNE, 4)),
                     100004);
}

/* What is remembered of earlier addresses changes no answer. */
static void test_memo(void **state)
{
    static const char *const before[] = {"",
                                         "12 Lê Lợi, ",
                                         "Thôn 3, Tổ 5 - ",
                                         "Khu phố Hà Nội, phường Bến Nghé, ",
                                         "to 7,, (",
                                         "5 Trần Phú, ",
                                         "Số 12 Kim Đồng, "};
    static const char *const after[] = {"",  ", Việt Nam", " 100000", ", Thừa Thiên Huế",
                                        ".", ", Ha Noi"};
    struct ndc_norm_memo *memo = ndc_norm_memo_new();
    char unit[700], text[900], plain[1024];
    (void)state;
    for (unsigned id = 1; id <= ndc_unit_count(); id += 3) {
        size_t n = write_address(unit, sizeof(unit), id, (enum style)(id % STYLES));
        size_t cut = 0;
        while (cut + 1 < n && unit[cut] != ',')
            cut++;
        for (size_t k = 0; k < NDC_ARRAY_LEN(before) * NDC_ARRAY_LEN(after); k++) {
            struct ndc_norm_address a, b;
            struct ndc_str units;
            int len =
                snprintf(text, sizeof(text), "%s%.*s%s",
                         before[k % NDC_ARRAY_LEN(before)], (int)(k & 1 ? n - cut : n),
                         k & 1 ? unit + cut : unit, after[k / NDC_ARRAY_LEN(before)]);
            struct ndc_str raw = ndc_str_n(text, (size_t)len);
            assert_int_equal(ndc_norm_address(&a, raw, unknown),
                             ndc_norm_address_again(&b, memo, raw, &units));
            assert_memory_equal(&a, &b, offsetof(struct ndc_norm_address, street));
            assert_memory_equal(a.street, b.street, a.street_len);
            size_t all = ndc_norm_address_text(plain, sizeof(plain), &a, false);
            assert_true(all >= units.len);
            assert_memory_equal(plain + all - units.len, units.ptr, units.len);
        }
    }
    ndc_norm_memo_free(memo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lookups), cmocka_unit_test(test_as_people_write),
        cmocka_unit_test(test_split),   cmocka_unit_test(test_vintage),
        cmocka_unit_test(test_columns), cmocka_unit_test(test_every_unit),
        cmocka_unit_test(test_memo),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Nanoseconds per value of text folding and the normalisers, one thread. Prints
 * `name value unit`. usage: normalise_bench [ROUNDS] */
#include <inttypes.h>
#include <stdio.h>

#include "base/hash.h"
#include "platforms/registry/normalise/normalise.h"
#include "sys/clock.h"

static uint64_t sink; /* results that the compiler must not drop */

static const char *const names[] = {"Nguyễn Thị Minh Khai", "TRẦN VĂN BÌNH",
                                    "nguyen thi thuy dung", "Lê Hoàng Phương Anh",
                                    "Phạm Thị Thuý Hoà",    "Đặng Quốc Huy",
                                    "Vũ Đức Thắng",         "Huỳnh Ngọc Diễm"};
static const char *const dates[] = {"02/09/1945", "1990-12-31",
                                    "2-9-1980",   "ngày 2 tháng 9 năm 1945",
                                    "1956",       "19990105"};
static const char *const ids[] = {"001190012345", "079 204 012 345", "79204012345"};
static const char *const phones[] = {"0912345678", "+84 912 345 678", "01681234567"};

typedef void run_fn(struct ndc_str s);

static void fold_full(struct ndc_str s)
{
    char out[256];
    sink += ndc_vn_fold(out, s, NDC_VN_FOLD_FULL, NULL) + (unsigned char)out[0];
}
static void fold_case(struct ndc_str s)
{
    char out[256];
    sink += ndc_vn_fold(out, s, NDC_VN_FOLD_CASE, NULL) + (unsigned char)out[0];
}
static void clean(struct ndc_str s)
{
    char out[256];
    sink += ndc_vn_clean(out, s, NULL) + (unsigned char)out[0];
}
static void name(struct ndc_str s)
{
    struct ndc_norm_name out;
    sink += ndc_norm_name(&out, s) + out.len;
}
static void date(struct ndc_str s)
{
    static const struct ndc_norm_date_rule rule = {.as_of = {2026, 7, 1}};
    struct ndc_norm_date out;
    sink += ndc_norm_date(&out, s, &rule) + out.date.day;
}
static void person_id(struct ndc_str s)
{
    struct ndc_norm_person_id out;
    sink += ndc_norm_person_id(&out, s, 2026) + out.sex;
}
static void phone(struct ndc_str s)
{
    struct ndc_norm_value out;
    sink += ndc_norm_phone(&out, s) + out.len;
}
static void address(struct ndc_str s)
{
    struct ndc_norm_address out;
    sink += ndc_norm_address(&out, s, (struct ndc_date){0, 0, 0}) + out.units[0];
}

static void measure(const char *what, run_fn *fn, const struct ndc_str *texts, size_t n,
                    uint64_t rounds)
{
    for (size_t i = 0; i < n; i++)
        fn(texts[i]);
    int64_t best = INT64_MAX;
    for (int pass = 0; pass < 5; pass++) {
        int64_t start = ndc_clock_mono_ns();
        for (uint64_t r = 0; r < rounds; r++)
            fn(texts[r % n]);
        best = NDC_MIN(best, ndc_clock_mono_ns() - start);
    }
    printf("%s %.0f ns\n", what, (double)best / (double)rounds);
}

static void measure_c(const char *what, run_fn *fn, const char *const *texts, size_t n,
                      uint64_t rounds)
{
    struct ndc_str list[16];
    for (size_t i = 0; i < n; i++)
        list[i] = ndc_str(texts[i]);
    measure(what, fn, list, n, rounds);
}

enum { ADDRESSES = 20000 };

/* Former units at random, in full or abbreviated; every tenth with a letter wrong. */
static void measure_addresses(uint64_t rounds)
{
    struct ndc_buf bytes;
    static struct ndc_str list[ADDRESSES];
    static size_t starts[ADDRESSES + 1];
    uint64_t rng = 1;
    ndc_buf_init(&bytes, 1 << 24);
    for (int typos = 0; typos < 2; typos++) {
        ndc_buf_reset(&bytes);
        for (size_t i = 0; i < ADDRESSES; i++) {
            unsigned id = ndc_unit_count() - (unsigned)ndc_rng_below(&rng, 10035);
            size_t from = bytes.len;
            ndc_buf_add_c(&bytes, "Số 12 đường Lê Lợi");
            for (; id; id = ndc_unit_get(id)->parent) {
                char title[NDC_UNIT_TITLE_MAX];
                ndc_unit_title(title, id, false);
                ndc_buf_printf(&bytes, ", %s", i % 2 ? title : ndc_unit_get(id)->name);
            }
            if (typos) bytes.ptr[from + 40 % (bytes.len - from)] = 'x';
            starts[i] = from;
        }
        starts[ADDRESSES] = bytes.len;
        for (size_t i = 0; i < ADDRESSES; i++)
            list[i] = ndc_str_n(bytes.ptr + starts[i], starts[i + 1] - starts[i]);
        measure(typos ? "address_misspelt" : "address", address, list, ADDRESSES, rounds);
    }
    ndc_buf_free(&bytes);
}

int main(int argc, char **argv)
{
    uint64_t rounds = 200000;
    if (argc > 1 && !ndc_str_to_u64(ndc_str(argv[1]), &rounds)) return 2;
    int64_t start = ndc_clock_mono_ns();
    ndc_unit_find(NDC_UNIT_CURRENT, NDC_UNIT_COMMUNE, 4);
    printf("unit_tables_built %.1f ms\n", (double)(ndc_clock_mono_ns() - start) / 1e6);
    measure_c("fold_full", fold_full, names, NDC_ARRAY_LEN(names), rounds);
    measure_c("fold_full_ascii", fold_full, names + 2, 1, rounds);
    measure_c("fold_case", fold_case, names, NDC_ARRAY_LEN(names), rounds);
    measure_c("clean", clean, names, NDC_ARRAY_LEN(names), rounds);
    measure_c("name", name, names, NDC_ARRAY_LEN(names), rounds);
    measure_c("date", date, dates, NDC_ARRAY_LEN(dates), rounds);
    measure_c("person_id", person_id, ids, NDC_ARRAY_LEN(ids), rounds);
    measure_c("phone", phone, phones, NDC_ARRAY_LEN(phones), rounds);
    measure_addresses(rounds);
    return sink == 0;
}

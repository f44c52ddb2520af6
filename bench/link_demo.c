/* The demo nation's people as rows of a link table, for bench/link_bench.c: every value
 * through the normalisers, as ingest does. */
#include "bench/link_demo.h"

#include "base/hash.h"
#include "platforms/registry/demo/demo.h"
#include "platforms/registry/normalise/normalise.h"

#include <stdio.h>

enum { PARTS = 3, FIELDS = 16 };

/* Which column feeds which field of the person spec; several are joined. */
struct feed {
    const char *field;
    const char *columns[PARTS];
};

struct table_map {
    enum ndc_demo_table_id id;
    enum ndc_norm_order order;
    const char *key;
    struct feed feeds[FIELDS];
};

static const struct table_map maps[] = {
    {NDC_DEMO_POPULATION,
     NDC_NORM_DMY,
     "ma_ho_so",
     {{"person_id", {"so_dinh_danh"}},
      {"old_id", {"so_cmnd"}},
      {"full_name", {"ho_chu_dem_ten"}},
      {"birth_date", {"ngay_sinh"}},
      {"sex", {"gioi_tinh"}},
      {"birth_place", {"noi_sinh"}},
      {"father_name", {"ho_ten_cha"}},
      {"mother_name", {"ho_ten_me"}},
      {"spouse_name", {"ho_ten_vo_chong"}},
      {"permanent_address", {"thuong_tru"}},
      {"current_address", {"noi_o_hien_tai"}}}},
    {NDC_DEMO_RESIDENCE,
     NDC_NORM_DMY,
     "so_ho_so",
     {{"person_id", {"so_dinh_danh"}},
      {"full_name", {"ho_va_ten"}},
      {"birth_date", {"ngay_sinh"}},
      {"sex", {"gioi_tinh"}},
      {"phone", {"dien_thoai"}},
      {"permanent_address", {"so_nha_duong", "phuong_xa", "tinh_tp"}},
      {"current_address", {"noi_o_hien_tai"}}}},
    {NDC_DEMO_CIVIL_STATUS,
     NDC_NORM_DMY,
     "so_dang_ky",
     {{"person_id", {"so_dinh_danh"}},
      {"full_name", {"ho_ten"}},
      {"birth_date", {"ngay_sinh"}},
      {"sex", {"gioi_tinh"}},
      {"birth_place", {"noi_sinh"}},
      {"father_name", {"ho_ten_cha"}},
      {"mother_name", {"ho_ten_me"}},
      {"spouse_name", {"ho_ten_vo_chong"}}}},
    {NDC_DEMO_SOCIAL_INSURANCE,
     NDC_NORM_DMY,
     "ma_so_bhxh",
     {{"person_id", {"so_cccd"}},
      {"social_insurance_no", {"ma_so_bhxh"}},
      {"full_name", {"ho_ten"}},
      {"birth_date", {"ngay_sinh"}},
      {"sex", {"gioi_tinh"}},
      {"phone", {"dien_thoai"}},
      {"current_address", {"dia_chi"}}}},
    {NDC_DEMO_HEALTH_INSURANCE,
     NDC_NORM_YMD,
     "so_the",
     {{"person_id", {"so_cccd"}},
      {"social_insurance_no", {"ma_so_bhxh"}},
      {"health_insurance_no", {"so_the"}},
      {"full_name", {"ho_ten"}},
      {"birth_date", {"ngay_sinh"}},
      {"sex", {"gioi_tinh"}},
      {"current_address", {"dia_chi"}}}},
    {NDC_DEMO_HEALTH_RECORDS,
     NDC_NORM_YMD,
     "maBenhNhan",
     {{"person_id", {"cccd"}},
      {"health_insurance_no", {"maTheBHYT"}},
      {"full_name", {"hoTen"}},
      {"birth_date", {"ngaySinh"}},
      {"sex", {"gioiTinh"}},
      {"phone", {"dienThoai"}},
      {"current_address", {"diaChi"}}}},
    {NDC_DEMO_LAND,
     NDC_NORM_DMY,
     "so_vao_so",
     {{"person_id", {"so_giay_to"}},
      {"full_name", {"chu_su_dung"}},
      {"birth_date", {"nam_sinh"}},
      {"spouse_name", {"vo_chong"}},
      {"permanent_address", {"dia_chi_thuong_tru"}}}},
    {NDC_DEMO_TAX,
     NDC_NORM_DMY,
     "ma_so_thue",
     {{"person_id", {"so_giay_to"}},
      {"full_name", {"ten_nguoi_nop_thue"}},
      {"birth_date", {"ngay_sinh"}},
      {"phone", {"dien_thoai"}},
      {"email", {"email"}},
      {"current_address", {"dia_chi"}}}},
    {NDC_DEMO_VEHICLES,
     NDC_NORM_DMY,
     "bien_so",
     {{"person_id", {"so_giay_to"}},
      {"full_name", {"chu_xe"}},
      {"birth_date", {"ngay_sinh"}},
      {"phone", {"dien_thoai"}},
      {"current_address", {"dia_chi"}}}},
    {NDC_DEMO_DRIVING_LICENCES,
     NDC_NORM_DMY,
     "so_gplx",
     {{"person_id", {"so_cccd"}},
      {"full_name", {"ho_dem", "ten"}},
      {"birth_date", {"ngay_sinh"}},
      {"sex", {"gioi_tinh"}},
      {"current_address", {"noi_cu_tru"}}}},
    {NDC_DEMO_EDUCATION,
     NDC_NORM_DMY,
     "ma_dinh_danh_hoc_sinh",
     {{"person_id", {"so_dinh_danh"}},
      {"full_name", {"ho_va_ten"}},
      {"birth_date", {"ngay_sinh"}},
      {"sex", {"gioi_tinh"}},
      {"phone", {"dien_thoai"}},
      {"father_name", {"ho_ten_cha"}},
      {"mother_name", {"ho_ten_me"}},
      {"current_address", {"noi_o"}}}},
    {NDC_DEMO_LABOUR,
     NDC_NORM_DMY,
     "ma_nguoi_lao_dong",
     {{"person_id", {"cccd"}},
      {"full_name", {"ho_ten"}},
      {"birth_date", {"ngay_sinh"}},
      {"sex", {"gioi_tinh"}},
      {"phone", {"dien_thoai"}},
      {"current_address", {"noi_o"}}}},
    {NDC_DEMO_IMMIGRATION,
     NDC_NORM_MDY,
     "so_ho_chieu",
     {{"person_id", {"so_cccd"}},
      {"full_name", {"ho", "chu_dem_va_ten"}},
      {"birth_date", {"ngay_sinh"}},
      {"sex", {"gioi_tinh"}},
      {"birth_place", {"noi_sinh"}}}},
    {NDC_DEMO_JUSTICE,
     NDC_NORM_DMY,
     "so_phieu",
     {{"person_id", {"so_giay_to"}},
      {"full_name", {"ho_ten"}},
      {"birth_date", {"ngay_sinh"}},
      {"sex", {"gioi_tinh"}},
      {"birth_place", {"noi_sinh"}},
      {"father_name", {"ho_ten_cha"}},
      {"mother_name", {"ho_ten_me"}},
      {"spouse_name", {"ho_ten_vo_chong"}},
      {"permanent_address", {"noi_thuong_tru"}}}},
    {NDC_DEMO_BANK_ACCOUNTS,
     NDC_NORM_YMD,
     "so_tai_khoan",
     {{"person_id", {"so_giay_to"}},
      {"full_name", {"ten_khach_hang"}},
      {"birth_date", {"ngay_sinh"}},
      {"sex", {"gioi_tinh"}},
      {"phone", {"dien_thoai"}},
      {"email", {"email"}},
      {"current_address", {"dia_chi"}}}},
};

/* One value in the form that ingest keeps; empty if refused. Sets *commune to the unit of
 * an address. */
static size_t normalise(char *out, size_t cap, const char *field, struct ndc_str raw,
                        enum ndc_norm_order order, unsigned *commune)
{
    union {
        struct ndc_norm_name name;
        struct ndc_norm_date date;
        struct ndc_norm_address address;
        struct ndc_norm_value value;
    } n;
    enum ndc_norm_sex sex;
    struct ndc_norm_date_rule rule = {.order = order};
    if (raw.len == 0 || ndc_norm_is_missing(raw)) return 0;
    const char *text = n.value.text;
    enum ndc_norm_reason refused = NDC_NORM_OK;
    if (strstr(field, "_name")) {
        refused = ndc_norm_name(&n.name, raw);
        text = n.name.text;
    } else if (strcmp(field, "birth_date") == 0) {
        refused = ndc_norm_date(&n.date, raw, &rule);
        text = n.date.text;
    } else if (strstr(field, "_address") || strcmp(field, "birth_place") == 0) {
        refused = ndc_norm_address(&n.address, raw, (struct ndc_date){0});
        if (refused) return 0;
        if (n.address.unit_count > 0) *commune = n.address.units[0];
        return ndc_norm_address_text(out, cap, &n.address, false);
    } else if (strcmp(field, "phone") == 0) {
        refused = ndc_norm_phone(&n.value, raw);
    } else if (strcmp(field, "email") == 0) {
        refused = ndc_norm_email(&n.value, raw);
    } else if (strcmp(field, "sex") == 0) {
        refused = ndc_norm_sex(&n.value, &sex, raw);
    } else {
        size_t len = NDC_MIN(raw.len, cap);
        memcpy(out, raw.ptr, len);
        return len;
    }
    size_t len = refused ? 0 : NDC_MIN(strlen(text), cap);
    memcpy(out, text, len);
    return len;
}

static int column_of(const struct ndc_demo_table *table, const char *name)
{
    for (unsigned i = 0; i < table->column_count; i++)
        if (strcmp(table->columns[i], name) == 0) return (int)i;
    return -1;
}

static struct ndc_str join_columns(const struct ndc_demo_chunk *chunk, size_t row,
                                   const struct feed *feed, bool name, char *out,
                                   size_t cap)
{
    size_t len = 0;
    for (unsigned p = 0; p < PARTS && feed->columns[p]; p++) {
        int c = column_of(chunk->table, feed->columns[p]);
        NDC_ASSERT(c >= 0);
        struct ndc_str v = chunk->fields[row * chunk->table->column_count + (size_t)c];
        if (v.len == 0 || len + v.len + 2 > cap) continue;
        if (len > 0 && !name) out[len++] = ',';
        if (len > 0) out[len++] = ' ';
        memcpy(out + len, v.ptr, v.len);
        len += v.len;
    }
    return ndc_str_n(out, len);
}

/* A 9-digit number in the place of the 12-digit one is the old number. */
static void add_row(struct link_demo *demo, const struct ndc_demo_chunk *chunk,
                    size_t row, const struct table_map *map, struct ndc_link_batch *batch,
                    unsigned source)
{
    char texts[FIELDS][1024], raw[1024];
    struct ndc_str values[NDC_LINK_FIELDS_MAX] = {0};
    unsigned home = 0; /* commune of the permanent address, else of the current one */
    int old = ndc_link_spec_field_find(demo->spec, NDC_STR("old_id"));
    for (unsigned i = 0; i < FIELDS && map->feeds[i].field; i++) {
        const char *field = map->feeds[i].field;
        int f = ndc_link_spec_field_find(demo->spec, ndc_str(field));
        if (f < 0) continue;
        bool name = strstr(field, "_name") != NULL;
        struct ndc_str v =
            join_columns(chunk, row, &map->feeds[i], name, raw, sizeof raw);
        unsigned unit = 0;
        size_t len = normalise(texts[i], sizeof texts[i], field, v, map->order, &unit);
        if (strcmp(field, "person_id") == 0 && len == 9 && old >= 0) f = old;
        if (len > 0) values[f] = ndc_str_n(texts[i], len);
        bool permanent = strcmp(field, "permanent_address") == 0;
        if (unit && (permanent || (strcmp(field, "current_address") == 0 && !home)))
            home = unit;
    }
    char digits[16];
    int commune = ndc_link_spec_field_find(demo->spec, NDC_STR("commune"));
    int len = snprintf(digits, sizeof digits, "%u", home);
    if (home && commune >= 0) values[commune] = ndc_str_n(digits, (size_t)len);
    int key = column_of(chunk->table, map->key);
    struct ndc_str k = chunk->fields[row * chunk->table->column_count + (size_t)key];
    ndc_link_batch_add(batch, source, ndc_hash_str(k, 1), values);
    demo->rows++;
}

static void add_truth(struct link_demo *demo, const struct ndc_demo_chunk *chunk)
{
    for (size_t row = 0; row < chunk->row_count; row++) {
        const struct ndc_str *v = chunk->fields + row * chunk->table->column_count;
        uint64_t person;
        if (!ndc_str_to_u64(v[2], &person)) continue;
        if (demo->truth_count == demo->truth_cap) {
            demo->truth_cap = demo->truth_cap * 2 + 4096;
            demo->truth =
                ndc_xrealloc(demo->truth, demo->truth_cap * sizeof *demo->truth);
        }
        demo->truth[demo->truth_count++] = (struct ndc_key64){
            ndc_hash_join(ndc_hash_str(v[0], 1), ndc_hash_str(v[1], 1)), person};
    }
}

static enum ndc_err take_chunk(void *ctx, const struct ndc_demo_chunk *chunk,
                               struct ndc_fault *fault)
{
    struct link_demo *demo = ctx;
    if (chunk->id == NDC_DEMO_TRUTH) add_truth(demo, chunk);
    for (size_t m = 0; m < NDC_ARRAY_LEN(maps); m++) {
        if (maps[m].id != chunk->id) continue;
        unsigned source;
        enum ndc_err err =
            ndc_link_source_add(demo->link, ndc_str(chunk->table->name), &source, fault);
        if (err) return err;
        struct ndc_link_batch *batch = ndc_link_batch_new(demo->link);
        for (size_t row = 0; row < chunk->row_count; row++)
            add_row(demo, chunk, row, &maps[m], batch, source);
        return ndc_link_batch_commit(batch, fault);
    }
    return NDC_OK;
}

enum ndc_err link_demo_load(struct link_demo *demo, uint64_t people,
                            struct ndc_fault *fault)
{
    struct ndc_demo_config config = {
        .people = people, .seed = demo->seed ? demo->seed : 1, .fields_only = true};
    struct ndc_demo_sink sink = {.chunk = take_chunk, .ctx = demo};
    struct ndc_demo_stats stats;
    return ndc_demo_generate(&stats, &config, &sink, fault);
}

static uint32_t truth_of(const struct link_demo *demo, uint64_t key)
{
    size_t low = 0, high = demo->truth_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (demo->truth[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == demo->truth_count || demo->truth[low].key != key) return 0;
    return (uint32_t)demo->truth[low].value;
}

void link_demo_judge(struct link_demo *demo, struct ndc_link_eval *out)
{
    uint32_t n = ndc_link_row_count(demo->link), known = 0;
    uint32_t *found = ndc_xmalloc(((size_t)n + 1) * sizeof *found);
    uint32_t *truth = ndc_xmalloc(((size_t)n + 1) * sizeof *truth);
    ndc_sort_key64_own(demo->truth, demo->truth_count);
    for (uint32_t i = 0; i < n; i++) {
        unsigned source;
        uint64_t ref;
        ndc_link_row(demo->link, i, &source, &ref);
        uint64_t name = ndc_hash_str(ndc_link_source_name(demo->link, source), 1);
        truth[known] = truth_of(demo, ndc_hash_join(name, ref));
        found[known] = ndc_link_entity(demo->link, i);
        known += truth[known] != 0;
    }
    ndc_link_score_partition(out, found, truth, NULL, known, false);
    free(found);
    free(truth);
    free(demo->truth);
    demo->truth = NULL;
}

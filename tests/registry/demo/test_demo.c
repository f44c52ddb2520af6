/* The demo nation: the same bytes whatever the threads, the shape of a real country,
 * numbers of the right structure, errors at the documented rates, complete truth, and
 * files that parse. */
#include "base/csv.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/utf8.h"
#include "base/vntext.h"
#include "platforms/registry/demo/record.h"
#include "store/store.h"
#include "sys/file.h"
#include "tests/test.h"

#include <unistd.h>

enum { PEOPLE = 40000 };

static struct ndc_str field(const struct ndc_demo_chunk *chunk, size_t row,
                            const char *name)
{
    for (unsigned i = 0; i < chunk->table->column_count; i++) {
        if (strcmp(chunk->table->columns[i], name) == 0) {
            return chunk->fields[row * chunk->table->column_count + i];
        }
    }
    fail_msg("%s has no column %s", chunk->table->name, name);
    return NDC_STR_NULL;
}

static void generate(const struct ndc_demo_config *config,
                     enum ndc_err (*chunk)(void *, const struct ndc_demo_chunk *,
                                           struct ndc_fault *),
                     void *ctx, struct ndc_demo_stats *stats)
{
    struct ndc_fault fault = {0};
    struct ndc_demo_sink sink = {.chunk = chunk, .ctx = ctx};
    assert_int_equal(ndc_demo_generate(stats, config, &sink, &fault), NDC_OK);
}

/* ---- determinism ---- */

static enum ndc_err hash_chunk(void *ctx, const struct ndc_demo_chunk *chunk,
                               struct ndc_fault *fault)
{
    (void)fault;
    uint64_t *hash = ctx;
    *hash = ndc_hash_join(*hash, ndc_hash_str(chunk->bytes, chunk->id));
    for (size_t i = 0; i < chunk->row_count * chunk->table->column_count; i++) {
        *hash = ndc_hash_join(*hash, ndc_hash_str(chunk->fields[i], i));
    }
    return NDC_OK;
}

static uint64_t hash_of(uint64_t people, uint64_t seed, unsigned threads)
{
    struct ndc_demo_stats stats;
    struct ndc_demo_config config = {.people = people, .seed = seed, .threads = threads};
    uint64_t hash = 0;
    generate(&config, hash_chunk, &hash, &stats);
    assert_int_equal(stats.people, people);
    return hash;
}

static void test_same_whatever_threads(void **state)
{
    (void)state;
    uint64_t one = hash_of(50013, 7, 1);
    assert_true(hash_of(50013, 7, 2) == one);
    assert_true(hash_of(50013, 7, 5) == one);
    assert_true(hash_of(50013, 8, 2) != one);
}

static void test_refuses_wrong_size(void **state)
{
    (void)state;
    struct ndc_demo_stats stats;
    struct ndc_fault fault = {0};
    struct ndc_demo_sink sink = {.chunk = hash_chunk};
    struct ndc_demo_config config = {.people = 0};
    assert_int_equal(ndc_demo_generate(&stats, &config, &sink, &fault), NDC_EINPUT);
    assert_string_equal(fault.code, "demo.people");
    config.people = (uint64_t)NDC_DEMO_PEOPLE_MAX + 1;
    assert_int_equal(ndc_demo_generate(&stats, &config, &sink, &fault), NDC_EINPUT);
}

static enum ndc_err refuse_chunk(void *ctx, const struct ndc_demo_chunk *chunk,
                                 struct ndc_fault *fault)
{
    (void)ctx;
    (void)chunk;
    return ndc_fail(fault, NDC_EIO, "test.full", "no more");
}

static void test_sink_error_stops(void **state)
{
    (void)state;
    struct ndc_demo_stats stats;
    struct ndc_fault fault = {0};
    struct ndc_demo_sink sink = {.chunk = refuse_chunk};
    struct ndc_demo_config config = {.people = 20000, .threads = 3};
    assert_int_equal(ndc_demo_generate(&stats, &config, &sink, &fault), NDC_EIO);
    assert_string_equal(fault.code, "test.full");
}

static void test_smallest_nations(void **state)
{
    (void)state;
    for (uint64_t people = 1; people < 12; people++) {
        hash_of(people, people, 1);
    }
}

/* ---- shape ---- */

struct shape {
    uint64_t people, alive, male, surname[4], age[21], married, adults, with_mother,
        minors;
    uint64_t ids_bad, parents_bad, kinh;
    struct ndc_dict ids, old_ids, phones;
};

static unsigned digit(struct ndc_str s, size_t at)
{
    return (unsigned)(s.ptr[at] - '0');
}

static bool id_right(struct ndc_str id, struct ndc_str birth, bool female)
{
    if (id.len != 12) return false;
    for (size_t i = 0; i < 12; i++) {
        if (id.ptr[i] < '0' || id.ptr[i] > '9') return false;
    }
    unsigned province = digit(id, 0) * 100 + digit(id, 1) * 10 + digit(id, 2);
    unsigned century = birth.ptr[0] == '2' ? 2 : 0;
    return province >= 1 && province <= 96 && digit(id, 3) == century + female &&
           id.ptr[4] == birth.ptr[2] && id.ptr[5] == birth.ptr[3];
}

static enum ndc_err measure(void *ctx, const struct ndc_demo_chunk *chunk,
                            struct ndc_fault *fault)
{
    static const char *const names[] = {"Nguyễn ", "Trần ", "Lê ", "Phạm "};
    struct shape *s = ctx;
    (void)fault;
    if (chunk->id != NDC_DEMO_PERSONS) return NDC_OK;
    for (size_t row = 0; row < chunk->row_count; row++) {
        struct ndc_str name = field(chunk, row, "full_name");
        struct ndc_str birth = field(chunk, row, "birth_date");
        struct ndc_str id = field(chunk, row, "person_id");
        bool female = ndc_str_eq_c(field(chunk, row, "sex"), "female");
        s->people++;
        for (unsigned i = 0; i < 4; i++) {
            s->surname[i] += ndc_str_starts(name, ndc_str(names[i]));
        }
        s->ids_bad += !id_right(id, birth, female);
        uint32_t before = s->ids.count;
        ndc_dict_add(&s->ids, id);
        assert_int_equal(s->ids.count, before + 1);
        struct ndc_str old = field(chunk, row, "old_id");
        before = s->old_ids.count;
        assert_true(old.len == 0 || old.len == 9);
        ndc_dict_add(&s->old_ids, old);
        assert_int_equal(s->old_ids.count, before + (old.len > 0));
        struct ndc_str phone = field(chunk, row, "phone");
        before = s->phones.count;
        assert_true(phone.len == 0 || (phone.len == 10 && phone.ptr[0] == '0'));
        ndc_dict_add(&s->phones, phone);
        assert_int_equal(s->phones.count, before + (phone.len > 0));
        s->kinh += ndc_str_eq_c(field(chunk, row, "ethnicity"), "Kinh");
        if (field(chunk, row, "death_date").len > 0) continue;
        int64_t year = 0;
        assert_true(ndc_str_to_i64(ndc_str_n(birth.ptr, 4), &year));
        unsigned age = (unsigned)(2026 - year);
        s->alive++;
        s->male += !female;
        s->age[NDC_MIN(age / 5, 20u)]++;
        if (age < 18) {
            s->minors++;
            s->with_mother += field(chunk, row, "mother").len > 0;
        } else {
            s->adults++;
            s->married += ndc_str_eq_c(field(chunk, row, "marital_status"), "married");
        }
    }
    return NDC_OK;
}

static void near(double value, double wanted, double within, const char *what)
{
    if (value < wanted - within || value > wanted + within) {
        fail_msg("%s is %.4f, not %.4f within %.4f", what, value, wanted, within);
    }
}

static void test_shape_of_a_country(void **state)
{
    (void)state;
    struct shape s = {0};
    ndc_dict_init(&s.ids);
    ndc_dict_init(&s.old_ids);
    ndc_dict_init(&s.phones);
    struct ndc_demo_stats stats;
    struct ndc_demo_config config = {.people = PEOPLE,
                                     .seed = 1,
                                     .fields_only = true,
                                     .tables = 1u << NDC_DEMO_PERSONS};
    generate(&config, measure, &s, &stats);
    double people = (double)s.people, alive = (double)s.alive;
    assert_int_equal(s.people, PEOPLE);
    assert_int_equal(s.ids_bad, 0);
    near(s.surname[0] / people, 0.315, 0.02, "share of Nguyễn");
    near(s.surname[1] / people, 0.105, 0.015, "share of Trần");
    near(s.surname[2] / people, 0.087, 0.015, "share of Lê");
    near(s.surname[3] / people, 0.062, 0.012, "share of Phạm");
    near(s.male / alive, 0.50, 0.01, "share of men");
    near((s.age[0] + s.age[1] + s.age[2]) / alive, 0.23, 0.02, "share below 15");
    uint64_t old = 0;
    for (unsigned i = 13; i <= 20; i++) {
        old += s.age[i];
    }
    near(old / alive, 0.09, 0.012, "share from 65");
    near(s.married / (double)s.adults, 0.72, 0.05, "share of married adults");
    near(s.with_mother / (double)s.minors, 1, 0.01, "children with a mother");
    near(s.kinh / people, 0.88, 0.05, "share of Kinh");
    near(alive / people, 0.97, 0.01, "share alive");
    ndc_dict_free(&s.ids);
    ndc_dict_free(&s.old_ids);
    ndc_dict_free(&s.phones);
}

/* ---- records, truth, errors ---- */

struct records {
    struct ndc_dict keys, truth_keys; /* "source key" */
    uint64_t rows[NDC_DEMO_SOURCES], truth[NDC_DEMO_SOURCES];
    uint64_t faults[NDC_DEMO_SOURCES][DEMO_FAULTS];
};

static const char *key_column(unsigned id)
{
    if (id == NDC_DEMO_CIVIL_STATUS) return "so_dang_ky";
    return ndc_demo_table(id)->columns[0];
}

static uint32_t add_key(struct ndc_dict *dict, struct ndc_str source, struct ndc_str key)
{
    char text[128];
    int n =
        snprintf(text, sizeof(text), "%.*s %.*s", NDC_STR_FMT(source), NDC_STR_FMT(key));
    return ndc_dict_add(dict, ndc_str_n(text, (size_t)n));
}

static void count_faults(struct records *r, unsigned id, struct ndc_str faults)
{
    struct ndc_str part;
    while (faults.len > 0 && ndc_str_split(&faults, '+', &part)) {
        unsigned i = 0;
        while (i < DEMO_FAULTS && !ndc_str_eq_c(part, demo_fault_names[i])) {
            i++;
        }
        assert_true(i < DEMO_FAULTS);
        r->faults[id][i]++;
    }
}

static void check_texts(const struct ndc_demo_chunk *chunk)
{
    size_t n = chunk->row_count * chunk->table->column_count;
    for (size_t i = 0; i < n; i++) {
        struct ndc_str s = chunk->fields[i];
        assert_true(ndc_utf8_valid(s));
        for (size_t k = 0; k < s.len; k++) {
            assert_true((uint8_t)s.ptr[k] >= ' ' && s.ptr[k] != 0x7f);
        }
    }
}

static enum ndc_err collect(void *ctx, const struct ndc_demo_chunk *chunk,
                            struct ndc_fault *fault)
{
    struct records *r = ctx;
    (void)fault;
    check_texts(chunk);
    for (size_t row = 0; row < chunk->row_count; row++) {
        if (chunk->id < NDC_DEMO_SOURCES) {
            uint32_t before = r->keys.count;
            add_key(&r->keys, ndc_str(chunk->table->name),
                    field(chunk, row, key_column(chunk->id)));
            assert_int_equal(r->keys.count, before + 1);
            r->rows[chunk->id]++;
        } else if (chunk->id == NDC_DEMO_TRUTH) {
            struct ndc_str source = field(chunk, row, "source");
            unsigned id = 0;
            while (!ndc_str_eq_c(source, ndc_demo_table(id)->name)) {
                id++;
            }
            add_key(&r->truth_keys, source, field(chunk, row, "key"));
            r->truth[id]++;
            bool person = field(chunk, row, "person").len > 0;
            assert_true(person != (field(chunk, row, "organisation").len > 0));
            count_faults(r, id, field(chunk, row, "faults"));
        }
    }
    return NDC_OK;
}

static void check_rates(const struct records *r)
{
    for (unsigned id = 0; id < NDC_DEMO_SOURCES; id++) {
        const struct demo_habit *habit = &demo_habits[id];
        bool people = id != NDC_DEMO_BUSINESS_REGISTRY && id < NDC_DEMO_TAX_ORGANISATIONS;
        if (!people) continue;
        double rows = (double)r->rows[id];
        double slack = 40 / rows; /* small sources scatter */
        const uint64_t *f = r->faults[id];
        near(f[DEMO_NAME_TYPO] / rows, habit->name_typo / 1e4,
             habit->name_typo / 4e4 + slack, "typing errors");
        near(f[DEMO_NAME_TONE] / rows, habit->name_tone / 1e4,
             habit->name_tone / 4e4 + slack, "lost tones");
        near(f[DEMO_NAME_TONELESS] / rows, habit->name_toneless / 1e4,
             habit->name_toneless / 4e4 + slack, "toneless names");
        near(f[DEMO_ID_MISSING] / rows, habit->id_missing / 1e4 + 0.004,
             habit->id_missing / 4e4 + slack + 0.003, "missing numbers");
        near(f[DEMO_ID_DIGIT] / rows, habit->id_digit / 1e4,
             habit->id_digit / 3e4 + slack, "misread numbers");
        near(f[DEMO_BIRTH_SWAP] / rows, habit->birth_swap / 1e4,
             habit->birth_swap / 3e4 + slack, "swapped day and month");
    }
}

static void check_coverage(const struct records *r)
{
    static const struct {
        unsigned id;
        double per_person, within;
    } wanted[] = {{NDC_DEMO_POPULATION, 0.99, 0.01},
                  {NDC_DEMO_RESIDENCE, 0.95, 0.02},
                  {NDC_DEMO_CIVIL_STATUS, 0.75, 0.06},
                  {NDC_DEMO_SOCIAL_INSURANCE, 0.33, 0.05},
                  {NDC_DEMO_HEALTH_INSURANCE, 0.92, 0.02},
                  {NDC_DEMO_HEALTH_RECORDS, 0.46, 0.03},
                  {NDC_DEMO_LAND, 0.33, 0.04},
                  {NDC_DEMO_TAX, 0.58, 0.04},
                  {NDC_DEMO_VEHICLES, 0.53, 0.05},
                  {NDC_DEMO_DRIVING_LICENCES, 0.34, 0.03},
                  {NDC_DEMO_EDUCATION, 0.34, 0.05},
                  {NDC_DEMO_LABOUR, 0.42, 0.04},
                  {NDC_DEMO_IMMIGRATION, 0.135, 0.03},
                  {NDC_DEMO_JUSTICE, 0.03, 0.008},
                  {NDC_DEMO_BANK_ACCOUNTS, 0.9, 0.05},
                  {NDC_DEMO_BUSINESS_REGISTRY, 0.015, 0.001}};
    for (size_t i = 0; i < NDC_ARRAY_LEN(wanted); i++) {
        near((double)r->rows[wanted[i].id] / PEOPLE, wanted[i].per_person,
             wanted[i].within, ndc_demo_table(wanted[i].id)->name);
    }
}

static void test_truth_and_rates(void **state)
{
    (void)state;
    struct records *r = calloc(1, sizeof(*r));
    ndc_dict_init(&r->keys);
    ndc_dict_init(&r->truth_keys);
    struct ndc_demo_stats stats;
    struct ndc_demo_config config = {.people = PEOPLE, .seed = 3, .fields_only = true};
    generate(&config, collect, r, &stats);
    near((double)stats.records / PEOPLE, 8, 1, "records a person");
    assert_int_equal(r->keys.count, r->truth_keys.count);
    for (uint32_t id = 1; id <= r->keys.count; id++) {
        assert_true(ndc_dict_find(&r->truth_keys, ndc_dict_get(&r->keys, id)) > 0);
    }
    for (unsigned id = 0; id < NDC_DEMO_SOURCES; id++) {
        assert_true(r->rows[id] > 0);
        assert_int_equal(r->rows[id], r->truth[id]);
    }
    check_rates(r);
    check_coverage(r);
    ndc_dict_free(&r->keys);
    ndc_dict_free(&r->truth_keys);
    free(r);
}

/* ---- files ---- */

static enum ndc_vn_encoding encoding_of(const struct ndc_demo_table *table)
{
    switch (table->encoding) {
    case NDC_DEMO_UTF16:
        return NDC_VN_UTF16LE;
    case NDC_DEMO_WINDOWS1258:
        return NDC_VN_WINDOWS1258;
    case NDC_DEMO_TCVN3:
        return NDC_VN_TCVN3;
    default:
        return NDC_VN_UTF8;
    }
}

/* TCVN3 has no capitals with tones: compared without case. */
static void same_value(const struct ndc_demo_table *table, struct ndc_str read,
                       struct ndc_str wanted)
{
    char a[2048], b[2048];
    if (table->encoding == NDC_DEMO_TCVN3) {
        read = ndc_str_n(a, ndc_vn_lower(a, read));
        wanted = ndc_str_n(b, ndc_vn_lower(b, wanted));
    }
    if (ndc_str_eq(read, wanted)) return;
    fail_msg("%s: \"%.*s\" is not \"%.*s\"", table->name, NDC_STR_FMT(read),
             NDC_STR_FMT(wanted));
}

static void check_csv(const struct ndc_demo_chunk *chunk)
{
    struct ndc_buf raw, text;
    ndc_buf_init(&raw, 1 << 28);
    ndc_buf_init(&text, 1 << 28);
    ndc_demo_header(&raw, chunk->id);
    ndc_buf_add_str(&raw, chunk->bytes);
    size_t used, skip = chunk->table->encoding == NDC_DEMO_UTF16 ? 2 : 0;
    assert_int_equal(ndc_vn_decode(&text, encoding_of(chunk->table),
                                   ndc_str_from(ndc_buf_str(&raw), skip), true, &used),
                     0);
    struct ndc_csv csv;
    struct ndc_fault fault = {0};
    bool have;
    ndc_csv_init(&csv);
    csv.separator = chunk->table->separator;
    ndc_csv_feed(&csv, text.ptr, text.len);
    ndc_csv_end(&csv);
    assert_int_equal(ndc_csv_next(&csv, &have, &fault), NDC_OK);
    assert_int_equal(csv.field_count, chunk->table->column_count);
    assert_str_eq(csv.fields[0], chunk->table->columns[0]);
    for (size_t row = 0; row < chunk->row_count; row++) {
        assert_int_equal(ndc_csv_next(&csv, &have, &fault), NDC_OK);
        assert_true(have);
        assert_int_equal(csv.field_count, chunk->table->column_count);
        for (size_t i = 0; i < csv.field_count; i++) {
            same_value(chunk->table, csv.fields[i],
                       chunk->fields[row * csv.field_count + i]);
        }
    }
    assert_int_equal(ndc_csv_next(&csv, &have, &fault), NDC_OK);
    assert_false(have);
    ndc_csv_free(&csv);
    ndc_buf_free(&raw);
    ndc_buf_free(&text);
}

static void check_ndjson(const struct ndc_demo_chunk *chunk)
{
    struct ndc_str rest = chunk->bytes, line;
    for (size_t row = 0; row < chunk->row_count; row++) {
        assert_true(ndc_str_split(&rest, '\n', &line));
        struct json_object *object;
        struct ndc_fault fault = {0};
        assert_int_equal(ndc_json_parse(&object, line, &fault), NDC_OK);
        for (unsigned i = 0; i < chunk->table->column_count; i++) {
            struct ndc_str value = chunk->fields[row * chunk->table->column_count + i];
            struct ndc_str read = ndc_json_get_str(object, chunk->table->columns[i]);
            same_value(chunk->table, read, value);
        }
        json_object_put(object);
    }
}

static enum ndc_err check_file(void *ctx, const struct ndc_demo_chunk *chunk,
                               struct ndc_fault *fault)
{
    (void)ctx;
    (void)fault;
    if (chunk->table->format == NDC_DEMO_CSV) check_csv(chunk);
    if (chunk->table->format == NDC_DEMO_NDJSON) check_ndjson(chunk);
    return NDC_OK;
}

static void test_files_parse(void **state)
{
    (void)state;
    struct ndc_demo_stats stats;
    struct ndc_demo_config config = {.people = 6000, .seed = 5, .threads = 1};
    generate(&config, check_file, NULL, &stats);
}

static void count_sqlite(const char *directory, uint64_t wanted)
{
    char url[512];
    struct ndc_fault fault = {0};
    struct ndc_store *store;
    struct ndc_store_conn *conn;
    int64_t rows;
    struct ndc_store_options options = {.read_only = true};
    snprintf(url, sizeof(url), "sqlite:%s/vehicles.sqlite", directory);
    assert_int_equal(ndc_store_open(&store, url, &options, &fault), NDC_OK);
    assert_int_equal(ndc_store_take(store, NDC_READ, &conn, &fault), NDC_OK);
    assert_int_equal(
        ndc_sql_i64(conn, &rows, "SELECT count(*) FROM dang_ky_xe", NULL, 0, &fault),
        NDC_OK);
    assert_int_equal(rows, wanted);
    ndc_store_give(conn);
    ndc_store_close(store);
}

static void test_writes_a_folder(void **state)
{
    (void)state;
    char directory[] = "/tmp/ndc-demo-XXXXXX", path[512];
    struct ndc_demo_stats stats;
    struct ndc_fault fault = {0};
    assert_non_null(mkdtemp(directory));
    struct ndc_demo_config config = {.people = 3000, .seed = 1, .deltas = true};
    for (unsigned again = 0; again < 2; again++) {
        assert_int_equal(ndc_demo_write(&stats, &config, directory, NULL, NULL, &fault),
                         NDC_OK);
    }
    for (unsigned id = 0; id < NDC_DEMO_TABLES; id++) {
        snprintf(path, sizeof(path), "%s/%s", directory, ndc_demo_table(id)->file);
        assert_true(ndc_file_exists(path));
        if (id >= NDC_DEMO_SOURCES) continue;
        snprintf(path, sizeof(path), "%s/%s.yaml", directory, ndc_demo_table(id)->name);
        assert_true(ndc_file_exists(path));
    }
    snprintf(path, sizeof(path), "%s/day2/civil_status.csv", directory);
    assert_true(ndc_file_exists(path));
    count_sqlite(directory, stats.rows[NDC_DEMO_VEHICLES]);
    assert_int_equal(ndc_file_remove_tree(directory, &fault), NDC_OK);
}

/* ---- day 2 ---- */

struct days {
    struct ndc_dict civil, residence;
    uint64_t inserted, updated, deleted, kept, come;
};

static enum ndc_err day(void *ctx, const struct ndc_demo_chunk *chunk,
                        struct ndc_fault *fault)
{
    struct days *d = ctx;
    (void)fault;
    bool second = d->inserted != UINT64_MAX;
    for (size_t row = 0; row < chunk->row_count; row++) {
        struct ndc_str key = field(chunk, row, key_column(chunk->id));
        if (chunk->id == NDC_DEMO_RESIDENCE) {
            if (!second)
                ndc_dict_add(&d->residence, key);
            else if (ndc_dict_find(&d->residence, key))
                d->kept++;
            else
                d->come++;
        } else if (chunk->id == NDC_DEMO_CIVIL_STATUS && !second) {
            ndc_dict_add(&d->civil, key);
        } else if (chunk->id == NDC_DEMO_CIVIL_STATUS) {
            char op = field(chunk, row, "thao_tac").ptr[0];
            bool known = ndc_dict_find(&d->civil, key) > 0;
            assert_true(known == (op != 'I'));
            d->inserted += op == 'I';
            d->updated += op == 'U';
            d->deleted += op == 'D';
        }
    }
    return NDC_OK;
}

static void test_second_day(void **state)
{
    (void)state;
    struct days d = {.inserted = UINT64_MAX};
    ndc_dict_init(&d.civil);
    ndc_dict_init(&d.residence);
    struct ndc_demo_stats stats;
    struct ndc_demo_config config = {.people = PEOPLE,
                                     .seed = 2,
                                     .fields_only = true,
                                     .tables = 1u << NDC_DEMO_CIVIL_STATUS |
                                               1u << NDC_DEMO_RESIDENCE};
    generate(&config, day, &d, &stats);
    d.inserted = 0;
    config.phase = NDC_DEMO_DAY2;
    generate(&config, day, &d, &stats);
    assert_true(d.inserted > 50 && d.updated > 20 && d.deleted > 5);
    assert_true(d.come > 5 && d.kept < d.residence.count);
    assert_true(d.kept > d.residence.count * 99 / 100);
    ndc_dict_free(&d.civil);
    ndc_dict_free(&d.residence);
}

/* ---- numbers ---- */

static void test_permutations(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {1, 2, 7, 1000, 4096, 10007};
    for (size_t i = 0; i < NDC_ARRAY_LEN(sizes); i++) {
        bool *seen = calloc(sizes[i], sizeof(*seen));
        for (uint64_t x = 0; x < sizes[i]; x++) {
            uint64_t y = demo_permute(x, sizes[i], 99);
            assert_true(y < sizes[i] && !seen[y]);
            seen[y] = true;
        }
        free(seen);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_permutations),
        cmocka_unit_test(test_same_whatever_threads),
        cmocka_unit_test(test_refuses_wrong_size),
        cmocka_unit_test(test_sink_error_stops),
        cmocka_unit_test(test_smallest_nations),
        cmocka_unit_test(test_shape_of_a_country),
        cmocka_unit_test(test_truth_and_rates),
        cmocka_unit_test(test_files_parse),
        cmocka_unit_test(test_writes_a_folder),
        cmocka_unit_test(test_second_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The parts of a check: rows of files, plans, the projection's file, verdicts,
 * signatures. */
#include "tests/test.h"
#include "tests/verify/fake_people.h"

#include "crypto/digest.h"
#include "platforms/verify/httpsig.h"
#include "platforms/verify/judge.h"
#include "platforms/verify/plan.h"
#include "sys/file.h"

#include <unistd.h>

static struct ndc_fault fault;
static char dir[64];

#define assert_ok(err)                                                      \
    do {                                                                    \
        if ((err) != NDC_OK) fail_msg("%s: %s", fault.code, fault.message); \
        fault = (struct ndc_fault){0};                                      \
    } while (0)

#define assert_refused(err, word)              \
    do {                                       \
        fault = (struct ndc_fault){0};         \
        assert_int_not_equal(err, NDC_OK);     \
        assert_string_equal(fault.code, word); \
    } while (0)

/* ---- rows ---- */

/* The rows of a text as "account/name/bad" lines. */
static const char *rows_of(const char *file)
{
    static char out[4096];
    struct ndc_sheet_shape shape;
    struct ndc_row row;
    struct ndc_buf scratch;
    size_t at, len = 0;
    ndc_buf_init(&scratch, 1 << 18);
    assert_ok(ndc_sheet_shape(&shape, ndc_str(file), &fault));
    at = shape.first;
    out[0] = 0;
    while (ndc_sheet_next(&row, &at, &shape, ndc_str(file), &scratch))
        len += (size_t)snprintf(out + len, sizeof(out) - len, "%.*s/%.*s/%s\n",
                                NDC_STR_FMT(row.value[NDC_COLUMN_ACCOUNT]),
                                NDC_STR_FMT(row.value[NDC_COLUMN_FULL_NAME]),
                                ndc_sheet_bad_name(row.bad));
    ndc_buf_free(&scratch);
    return out;
}

static void test_rows_csv(void **state)
{
    (void)state;
    assert_string_equal(
        rows_of("\xef\xbb\xbf"
                "bank_account;person_id;FULL_NAME\r\n"
                "1; 001085000123 ;An\r\n\r\n2;;\"B;\"\"b\"\"\nc\"\r\n3;;C"),
        "1/An/\n2/B;\"b\"\nc/\n3/C/\n");
    /* A bad row is one row, and the next is read as if it were not there. */
    assert_string_equal(rows_of("bank_account,person_id,full_name\n"
                                "1,x\n2,x,\"a\"b\n3,x,C,too,many\n4,x,D\n"),
                        "1//bad_columns\n//bad_syntax\n3/C/bad_columns\n4/D/\n");
    /* A quote that is never closed loses its line, not the file. */
    assert_string_equal(rows_of("bank_account,person_id,full_name\n1,x,\"A\n2,x,B\n"),
                        "//bad_length\n2/B/\n");
}

static void test_rows_ndjson(void **state)
{
    (void)state;
    assert_string_equal(
        rows_of("{\"bank_account\":\"1\",\"full_name\":\"An\",\"person_id\":\"2\"}\n"
                "{\"bank_account\":1}\nnot json\n{\"bank_account\":\"3\"}"),
        "1/An/\n//bad_syntax\n//bad_syntax\n3//\n");
}

static void test_header(void **state)
{
    struct ndc_sheet_shape s;
    (void)state;
    assert_refused(ndc_sheet_shape(&s, NDC_STR(" \r\n"), &fault), "verify.empty");
    assert_refused(ndc_sheet_shape(&s, NDC_STR("a,b\n1,2\n"), &fault),
                   "verify.no_column");
    assert_refused(ndc_sheet_shape(&s, NDC_STR("bank_account,full_name\n"), &fault),
                   "verify.no_column");
    assert_refused(
        ndc_sheet_shape(&s, NDC_STR("bank_account,person_id,full_name,person_id\n"),
                        &fault),
        "verify.column_twice");
    assert_ok(ndc_sheet_shape(&s, NDC_STR("bank_account,org_id,org_name\n"), &fault));
}

/* ---- plans ---- */

static void test_plan(void **state)
{
    struct ndc_plan plan, again;
    struct ndc_buf file;
    char path[128];
    (void)state;
    ndc_buf_init(&file, 64 << 20);
    ndc_buf_add_c(&file, "bank_account,person_id,full_name\n");
    for (int i = 0; i < 150000; i++)
        ndc_buf_printf(&file, "%d,001085000123,An\n", i);
    ndc_buf_add_c(&file, "70-000,001085000123,An\n70000,001085000123,An\n");
    ndc_buf_add_c(&file, "70000,001085000124,Another\n");
    assert_ok(
        ndc_plan_make(&plan, ndc_buf_str(&file), 1 << 20, dir, 2, NULL, NULL, &fault));
    assert_int_equal(plan.rows, 150003);
    assert_int_equal(plan.slices, 3);
    for (uint64_t i = 0; i < 150000; i++)
        assert_int_equal(ndc_plan_repeat(&plan, i), NDC_REPEAT_NONE);
    assert_int_equal(ndc_plan_repeat(&plan, 150000), NDC_REPEAT_ACCOUNT);
    assert_int_equal(ndc_plan_repeat(&plan, 150001), NDC_REPEAT_ROW);
    assert_int_equal(ndc_plan_repeat(&plan, 150002), NDC_REPEAT_ACCOUNT);
    /* Every slice begins where a row does. */
    for (size_t i = 0; i < plan.slices; i++)
        assert_int_equal(file.ptr[plan.begins[i] - 1], '\n');
    snprintf(path, sizeof(path), "%s/plan", dir);
    assert_ok(ndc_plan_save(&plan, path, &fault));
    assert_ok(ndc_plan_load(&again, path, ndc_buf_str(&file), &fault));
    assert_memory_equal(again.begins, plan.begins, 4 * sizeof(*plan.begins));
    assert_memory_equal(again.repeats, plan.repeats, 150003 / 4 + 1);
    ndc_plan_free(&again);
    assert_refused(ndc_plan_load(&again, path, NDC_STR("another file"), &fault),
                   "verify.plan");
    ndc_plan_free(&plan);
    assert_refused(
        ndc_plan_make(&plan, ndc_buf_str(&file), 1000, dir, 2, NULL, NULL, &fault),
        "verify.rows");
    ndc_buf_free(&file);
}

/* ---- the projection ---- */

static struct ndc_projection_key key;

static void add_facts(struct ndc_projection_build *b, uint64_t entity, const char *id,
                      const char *name)
{
    struct ndc_entry entries[NDC_PEOPLE_IDS_MAX];
    struct ndc_people_facts f = {.entity = entity,
                                 .names = {ndc_str(name)},
                                 .name_count = 1,
                                 .birth = {1985, 3, 27},
                                 .current_id = ndc_str(id),
                                 .ids = {{NDC_ID_PERSONAL, NDC_ID_CURRENT, ndc_str(id)}},
                                 .id_count = 1};
    unsigned n = ndc_entries_of(entries, &key, &f);
    assert_ok(ndc_projection_build_add(b, entries, n, &fault));
}

static void make_many(uint64_t n)
{
    char id[16];
    struct ndc_projection_build *b = ndc_projection_build_new(dir);
    for (uint64_t i = 1; i <= n; i++) {
        snprintf(id, sizeof(id), "001085%06llu", (unsigned long long)i);
        add_facts(b, i, id, "Nguyễn Văn An");
    }
    assert_ok(ndc_projection_build_end(b, &key, (struct ndc_people_moment){3, 17}, n, 2,
                                       &fault));
    ndc_projection_build_free(b);
}

static uint64_t find_one(const struct ndc_projection *p, const char *id)
{
    const struct ndc_entry *found[NDC_PROJECTION_SAME_MAX];
    size_t n = ndc_projection_find(p, ndc_hash_id(&key, NDC_ID_PERSONAL, ndc_str(id)),
                                   found, NDC_PROJECTION_SAME_MAX);
    assert_true(n <= 1);
    return n ? ndc_entry_entity(found[0]) : 0;
}

static void test_projection(void **state)
{
    struct ndc_projection *p;
    struct ndc_projection_info info;
    char id[16];
    (void)state;
    make_many(500000); /* more than the buffers hold: by way of the scratch file */
    assert_ok(ndc_projection_open(&p, dir, &key, true, 2, &fault));
    ndc_projection_info(p, &info);
    assert_int_equal(info.entries, 500000);
    assert_int_equal(info.moment.generation, 3);
    assert_int_equal(info.moment.seq, 17);
    for (uint64_t i = 1; i <= 500000; i += 7) {
        snprintf(id, sizeof(id), "001085%06llu", (unsigned long long)i);
        assert_int_equal(find_one(p, id), i);
    }
    assert_int_equal(find_one(p, "001085999999"), 0);
    ndc_projection_unref(p);
}

static void test_projection_delta(void **state)
{
    struct ndc_projection *p, *q, *r;
    struct ndc_entry e[NDC_PEOPLE_IDS_MAX];
    struct ndc_people_facts f = {
        .entity = 2,
        .ids = {{NDC_ID_PERSONAL, NDC_ID_CURRENT, NDC_STR("001085777777")}},
        .id_count = 1};
    const uint64_t two[] = {2}, three[] = {3};
    (void)state;
    make_many(10);
    assert_ok(ndc_projection_open(&p, dir, &key, true, 1, &fault));
    q = ndc_projection_with(p, two, 1, e, ndc_entries_of(e, &key, &f), 18);
    assert_int_equal(find_one(p, "001085000002"), 2); /* who has the old one keeps it */
    assert_int_equal(find_one(q, "001085000002"), 0);
    assert_int_equal(find_one(q, "001085777777"), 2);
    assert_int_equal(find_one(q, "001085000003"), 3);
    r = ndc_projection_with(q, three, 1, NULL, 0, 19); /* the third is gone */
    ndc_projection_unref(p);
    ndc_projection_unref(q);
    assert_int_equal(find_one(r, "001085000003"), 0);
    assert_int_equal(find_one(r, "001085777777"), 2);
    ndc_projection_unref(r);
}

static void test_projection_damaged(void **state)
{
    struct ndc_projection *p;
    struct ndc_projection_key other = key;
    struct ndc_buf bytes;
    char path[128];
    (void)state;
    make_many(50000);
    snprintf(path, sizeof(path), "%s/projection", dir);
    ndc_buf_init(&bytes, 64 << 20);
    assert_ok(ndc_file_read(&bytes, path, &fault));
    other.id[0] ^= 1;
    assert_refused(ndc_projection_open(&p, dir, &other, true, 2, &fault),
                   "projection.damaged");
    const size_t cuts[] = {0, 1, 4095, 4096, bytes.len / 2, bytes.len - 1};
    for (size_t i = 0; i < NDC_ARRAY_LEN(cuts); i++) {
        assert_ok(ndc_file_write(path, ndc_str_n(bytes.ptr, cuts[i]), 0600, &fault));
        assert_refused(ndc_projection_open(&p, dir, &key, true, 2, &fault),
                       "projection.damaged");
    }
    /* One bit anywhere: in entries, buckets, checksums, footer. Past the footer's own
     * fields there is nothing to damage. */
    for (size_t at = 0; at < bytes.len - 4096 + 96; at += 1 + at % 9973) {
        bytes.ptr[at] ^= 4;
        assert_ok(ndc_file_write(path, ndc_buf_str(&bytes), 0600, &fault));
        assert_refused(ndc_projection_open(&p, dir, &key, true, 2, &fault),
                       "projection.damaged");
        bytes.ptr[at] ^= 4;
        if (at > 2000000) at += 9973;
    }
    assert_ok(ndc_file_write(path, ndc_buf_str(&bytes), 0600, &fault));
    assert_ok(ndc_projection_open(&p, dir, &key, true, 2, &fault));
    ndc_projection_unref(p);
    ndc_buf_free(&bytes);
}

/* No number, name or date stands in the file. */
static void test_projection_tells_nothing(void **state)
{
    struct ndc_projection_build *b = ndc_projection_build_new(dir);
    struct ndc_buf bytes;
    char path[128];
    (void)state;
    add_facts(b, 1, "001085000123", "Nguyễn Văn An");
    assert_ok(ndc_projection_build_end(b, &key, (struct ndc_people_moment){1, 0}, 1, 1,
                                       &fault));
    ndc_projection_build_free(b);
    snprintf(path, sizeof(path), "%s/projection", dir);
    ndc_buf_init(&bytes, 1 << 20);
    assert_ok(ndc_file_read(&bytes, path, &fault));
    assert_null(memmem(bytes.ptr, bytes.len, "001085000123", 12));
    assert_null(memmem(bytes.ptr, bytes.len, "Nguy", 4));
    const uint64_t number = 1085000123u;
    for (size_t i = 0; i + 5 <= bytes.len; i++)
        assert_memory_not_equal(bytes.ptr + i, &number, 5);
    ndc_buf_free(&bytes);
}

/* ---- verdicts ---- */

static struct fake_person people[] = {
    {1, "001085000123", "011234567", "Nguyễn Văn An", "Nguyễn Anh", "1985-03-27", NULL,
     NULL, NULL, 0, "001085000999"},
    {2, "001185000456", NULL, "Trần Thị Bình", NULL, "1985", NULL, NULL, NULL, 0, NULL},
    {3, "001050000789", NULL, "Lê Văn Cũ", NULL, "1950-01-02", NULL, NULL, NULL,
     NDC_PEOPLE_DEAD, NULL},
    {4, "001070000111", NULL, "Phạm Thị Dung", NULL, "1970-05-06", NULL, NULL, NULL,
     NDC_PEOPLE_FROZEN, NULL},
    {5, NULL, NULL, "Công ty TNHH Sao Mai", "SAOMAI CO", NULL, "0100109106", "Đỗ Văn Em",
     "001080000222", 0, NULL},
    {6, NULL, NULL, "Công ty Cổ phần Đã Đóng", NULL, NULL, "0300588569", "Ngô Thị Gấm",
     NULL, NDC_PEOPLE_DEAD, NULL},
    {7, "001190000333", NULL, "Vũ Thị Hoa", NULL, "1990-07-08", NULL, NULL, NULL, 0,
     NULL},
};

static struct ndc_projection *nation;

static enum ndc_err add_visit(void *arg, const struct ndc_people_facts *facts, size_t n,
                              struct ndc_fault *f)
{
    struct ndc_entry e[NDC_PEOPLE_IDS_MAX];
    enum ndc_err err = NDC_OK;
    for (size_t i = 0; i < n && !err; i++)
        err = ndc_projection_build_add(arg, e, ndc_entries_of(e, &key, &facts[i]), f);
    return err;
}

static void open_nation(void)
{
    struct ndc_people_moment moment;
    uint64_t total;
    void *ctx;
    fake_people_serve(people, NDC_ARRAY_LEN(people));
    struct ndc_projection_build *b = ndc_projection_build_new(dir);
    assert_ok(ndc_people(&ctx)->scan(ctx, &moment, &total, add_visit, b, &fault));
    assert_ok(ndc_projection_build_end(b, &key, moment, total, 1, &fault));
    ndc_projection_build_free(b);
    assert_ok(ndc_projection_open(&nation, dir, &key, true, 1, &fault));
}

/* What a row comes to: "verdict fields|notes|new number". */
static const char *judged(const char *header, const char *line,
                          const struct ndc_judge_terms *terms)
{
    static char out[512];
    char file[1024];
    struct ndc_sheet_shape shape;
    struct ndc_row row;
    struct ndc_buf scratch, fields, notes;
    struct ndc_probe probe;
    struct ndc_judgement j;
    const struct ndc_people_ops *ops = ndc_people(NULL);
    void *reader = ops->reader_new();
    snprintf(file, sizeof(file), "%s\n%s\n", header, line);
    ndc_buf_init(&scratch, 1 << 18);
    ndc_buf_init(&fields, 512);
    ndc_buf_init(&notes, 512);
    assert_ok(ndc_sheet_shape(&shape, ndc_str(file), &fault));
    size_t at = shape.first;
    assert_true(ndc_sheet_next(&row, &at, &shape, ndc_str(file), &scratch));
    ndc_probe_make(&probe, &row, &key, ops, reader);
    ndc_judge(&j, &probe, nation, &key, terms);
    ndc_fault_fields_write(&fields, j.at, probe.organisation);
    ndc_notes_write(&notes, j.notes);
    snprintf(out, sizeof(out), "%s %.*s|%.*s%s|%s",
             ndc_verdict_name((enum ndc_verdict)j.verdict), (int)fields.len,
             fields.ptr ? fields.ptr : "", (int)notes.len, notes.ptr ? notes.ptr : "",
             ndc_sheet_bad_name((enum ndc_sheet_bad)probe.bad),
             j.has_new_id ? j.new_id : "");
    ops->reader_free(reader);
    ndc_buf_free(&scratch);
    ndc_buf_free(&fields);
    ndc_buf_free(&notes);
    return out;
}

#define PERSON "bank_account,full_name,person_id,birth_date,chip_digest"
#define FIRM   "bank_account,org_id,org_name,legal_rep_name,legal_rep_id"

static void test_verdicts_person(void **state)
{
    const struct ndc_judge_terms all = {.status = true},
                                 told = {.status = true, .new_id = true};
    (void)state;
    static const char *const cases[][2] = {
        {"1,Nguyễn Văn An,001085000123,27/03/1985,", "match ||"},
        {"1,ông NGUYỄN VĂN AN,1085000123,1985-03-27,", "match ||"},
        {"1,NGUYEN VAN AN,001085000123,27031985,", "match |name_toneless|"},
        {"1,An Nguyen Van,001085000123,,", "match |name_order|"},
        {"1,Nguyễn Anh,001085000123,,", "match |other_name|"},
        {"1,Nguyễn Vân Án,001085000123,27/03/1985,", "mismatch full_name||"},
        {"1,Nguyễn Văn An,001085000123,28/03/1985,", "mismatch birth_date||"},
        {"1,Ai Đó,001085000123,28/03/1985,", "mismatch full_name birth_date||"},
        {"1,Nguyễn Văn An,001085000999,27/03/1985,", "mismatch person_id||"},
        {"1,Nguyễn Văn An,011234567,27/03/1985,", "replaced ||"},
        {"1,Ai Đó,011234567,27/03/1985,", "mismatch full_name||"},
        {"1,Trần Thị Bình,001185000456,03/04/1985,", "match |birth_date_partial|"},
        {"1,Trần Thị Bình,001185000456,03/04/1986,",
         "mismatch birth_date|birth_date_partial|"},
        {"1,Lê Văn Cũ,001050000789,02/01/1950,", "dead ||"},
        {"1,Lê Văn Cũ,001050000789,03/01/1950,", "dead birth_date||"},
        {"1,Ai Đó,001050000789,02/01/1950,", "mismatch full_name||"},
        {"1,Phạm Thị Dung,001070000111,06/05/1970,", "frozen ||"},
        {"1,Ai Đó,001070000111,06/05/1970,", "mismatch full_name||"},
        {"1,Nguyễn Văn An,001085555555,27/03/1985,", "not_found ||"},
        {"1,Nguyễn Văn An,12,27/03/1985,", "invalid |bad_id|"},
        {"1,12345,001085000123,27/03/1985,", "invalid |bad_name|"},
        {"1,Nguyễn Văn An,001085000123,31/02/1985,", "invalid |bad_date|"},
        {"1,Nguyễn Văn An,001085000123,27/03/1985,abc", "invalid |bad_chip|"},
        {",Nguyễn Văn An,001085000123,27/03/1985,", "invalid |bad_account|"},
    };
    open_nation();
    for (size_t i = 0; i < NDC_ARRAY_LEN(cases); i++)
        if (strcmp(judged(PERSON, cases[i][0], &all), cases[i][1]) != 0)
            fail_msg("%s: %s", cases[i][0], judged(PERSON, cases[i][0], &all));
    /* The new number only where the law allows; a status only where it may be told. */
    const char *old = "1,Nguyễn Văn An,011234567,27/03/1985,";
    assert_string_equal(judged(PERSON, old, &told), "replaced ||001085000123");
    const struct ndc_judge_terms less = {.status = false};
    assert_string_equal(judged(PERSON, "1,Lê Văn Cũ,001050000789,02/01/1950,", &less),
                        "mismatch status||");
    const uint64_t frozen[] = {1, 7};
    const struct ndc_judge_terms order = {
        .status = true, .frozen = frozen, .frozen_count = 2};
    assert_string_equal(judged(PERSON, "1,Vũ Thị Hoa,001190000333,08/07/1990,", &order),
                        "frozen ||");
    assert_string_equal(judged(PERSON, old, &order), "frozen ||");
    ndc_projection_unref(nation);
}

static void test_verdicts_chip(void **state)
{
    const struct ndc_judge_terms all = {.status = true};
    char line[256], hex[65];
    (void)state;
    open_nation();
    /* As the bank's own reader makes it. */
    ndc_sha256_hex(hex, NDC_STR("001085000123\nNGUYỄN VĂN AN\n19850327\n"));
    snprintf(line, sizeof(line), "1,Nguyễn Văn An,001085000123,27/03/1985,%s", hex);
    assert_string_equal(judged(PERSON, line, &all), "match ||");
    hex[5] = hex[5] == '0' ? '1' : '0';
    snprintf(line, sizeof(line), "1,Nguyễn Văn An,001085000123,27/03/1985,%s", hex);
    assert_string_equal(judged(PERSON, line, &all), "mismatch chip_digest||");
    snprintf(line, sizeof(line), "1,Trần Thị Bình,001185000456,1985,%s", hex);
    assert_string_equal(
        judged(PERSON, line, &all),
        "match |birth_date_partial unchecked|"); /* their birthday is not known */
    ndc_projection_unref(nation);
}

static void test_verdicts_firm(void **state)
{
    const struct ndc_judge_terms all = {.status = true};
    (void)state;
    static const char *const cases[][2] = {
        {"1,0100109106,Công ty TNHH Sao Mai,Đỗ Văn Em,001080000222", "match ||"},
        {"1,0100109106,CONG TY TNHH SAO MAI,DO VAN EM,", "match |name_toneless|"},
        {"1,0100109106,Saomai Co,,", "match |other_name|"},
        {"1,0100109106,Công ty Khác,Đỗ Văn Em,", "mismatch org_name||"},
        {"1,0100109106,Công ty TNHH Sao Mai,Ai Đó,", "mismatch legal_rep_name||"},
        {"1,0100109106,Công ty TNHH Sao Mai,Đỗ Văn Em,001080000223",
         "mismatch legal_rep_id||"},
        {"1,0300588569,Công ty Cổ phần Đã Đóng,,", "dead ||"},
        {"1,0100109107,Công ty TNHH Sao Mai,,", "invalid |bad_id|"},
        {"1,0101248141,Công ty TNHH Sao Mai,,", "not_found ||"},
    };
    open_nation();
    for (size_t i = 0; i < NDC_ARRAY_LEN(cases); i++)
        if (strcmp(judged(FIRM, cases[i][0], &all), cases[i][1]) != 0)
            fail_msg("%s: %s", cases[i][0], judged(FIRM, cases[i][0], &all));
    ndc_projection_unref(nation);
}

/* ---- signatures ---- */

static struct ndc_str rfc_header(void *ctx, struct ndc_str name)
{
    (void)ctx;
    static const char *const headers[][2] = {
        {"date", "Tue, 20 Apr 2021 02:07:55 GMT"},
        {"content-type", "application/json"},
        {"content-length", "18"},
    };
    for (size_t i = 0; i < NDC_ARRAY_LEN(headers); i++)
        if (ndc_str_eq_c(name, headers[i][0])) return ndc_str(headers[i][1]);
    return NDC_STR_NULL;
}

/* RFC 9421, appendix B.2.6, with the key of B.1.4. */
static void test_signature_vector(void **state)
{
    static const char pem[] =
        "-----BEGIN PUBLIC KEY-----\n"
        "MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=\n"
        "-----END PUBLIC KEY-----\n";
    static const char input[] =
        "sig-b26=(\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" "
        "\"content-length\");created=1618884473;keyid=\"test-key-ed25519\"";
    static const char signature[] =
        "sig-b26=:"
        "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQ"
        "v5lIp5WPpBKRCw==:";
    struct ndc_httpsig_message message = {
        NDC_STR("POST"),        NDC_STR("/foo"), NDC_STR("?param=Value&Pet=dog"),
        NDC_STR("example.com"), rfc_header,      NULL};
    struct ndc_httpsig sig;
    struct ndc_sign_key *k;
    (void)state;
    assert_ok(ndc_sign_public_parse(&k, ndc_str(pem), &fault));
    assert_ok(ndc_httpsig_parse(&sig, ndc_str(input), ndc_str(signature), &fault));
    assert_ok(ndc_httpsig_verify(&sig, &message, k, 1618884480, &fault));
    assert_refused(ndc_httpsig_covers(&sig, &fault), "signature.covers");
    assert_refused(ndc_httpsig_verify(&sig, &message, k, 1618884480 + 301, &fault),
                   "signature.old");
    message.path = NDC_STR("/bar");
    assert_refused(ndc_httpsig_verify(&sig, &message, k, 1618884480, &fault),
                   "signature.wrong");
    ndc_sign_key_free(k);
}

static void test_signature_syntax(void **state)
{
    struct ndc_httpsig sig;
    uint8_t digest[32];
    (void)state;
    static const char *const bad[] = {
        "",
        "sig1",
        "sig1=",
        "sig1=()",
        "sig1=(\"@method\"",
        "sig1=(\"@method\";sf)",
        "sig1=(\"a\\\"b\")",
        "sig1=(\"@method\");created",
        "sig1=(\"@method\");created=x",
        "sig1=(\"@method\");keyid=\"",
    };
    for (size_t i = 0; i < NDC_ARRAY_LEN(bad); i++)
        assert_refused(
            ndc_httpsig_parse(&sig, ndc_str(bad[i]), NDC_STR("sig1=:AAAA:"), &fault),
            "signature.syntax");
    assert_refused(ndc_httpsig_parse(&sig, NDC_STR("sig1=(\"@method\")"),
                                     NDC_STR("sig1=:AAAA:"), &fault),
                   "signature.syntax"); /* too short for Ed25519 */
    assert_refused(ndc_httpsig_digest(digest, NDC_STR("md5=:AAAA:"), &fault),
                   "signature.digest");
    assert_ok(ndc_httpsig_digest(
        digest,
        NDC_STR("sha-512=:AA==:, sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"),
        &fault));
    assert_int_equal(digest[0], 0x5f);
}

static int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/ndc-verify-parts-XXXXXX");
    if (!mkdtemp(dir)) return -1;
    return ndc_projection_key_open(&key, dir, &fault) ? -1 : 0;
}

static int remove_dir(void **state)
{
    (void)state;
    return ndc_file_remove_tree(dir, &fault) ? -1 : 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_csv),
        cmocka_unit_test(test_rows_ndjson),
        cmocka_unit_test(test_header),
        cmocka_unit_test(test_plan),
        cmocka_unit_test(test_projection),
        cmocka_unit_test(test_projection_delta),
        cmocka_unit_test(test_projection_damaged),
        cmocka_unit_test(test_projection_tells_nothing),
        cmocka_unit_test(test_verdicts_person),
        cmocka_unit_test(test_verdicts_chip),
        cmocka_unit_test(test_verdicts_firm),
        cmocka_unit_test(test_signature_vector),
        cmocka_unit_test(test_signature_syntax),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}

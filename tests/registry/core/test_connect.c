/* Connectors and the mapper: what a file says, in whatever form, becomes the same rows;
 * a bad row is told and passed over; the whole is streamed. */
#include "tests/test.h"

#include "platforms/registry/load/map.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/file.h"

static char folder[] = "/tmp/ndc-connect-XXXXXX";
static struct ndc_arena arena;
static struct ndc_fault fault;

static const char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static const char *put(const char *name, const char *bytes, size_t len)
{
    const char *path = path_of(name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    if (len) assert_int_equal(fwrite(bytes, 1, len, f), len);
    fclose(f);
    return path;
}

#define PUT(name, literal) put(name, literal, sizeof(literal) - 1)

static struct ndc_source *source(const char *connector, const char *fields)
{
    static char yaml[60000];
    struct ndc_source *s;
    snprintf(yaml, sizeof(yaml),
             "source: s\nagency: a\nlegal_basis: b\nentity: person\nkey: k\n"
             "connector: %s\nfields:\n%s",
             connector, fields);
    ndc_arena_free(&arena);
    ndc_arena_init(&arena, 8 << 20);
    fault = (struct ndc_fault){0};
    if (ndc_source_parse(&s, &arena, ndc_str(yaml), &fault))
        fail_msg("%s\n%s", yaml, fault.message);
    return s;
}

static struct ndc_source *kn(const char *connector)
{
    return source(connector, "  - {column: k, to: ~}\n  - {column: n, to: full_name}\n");
}

/* Rows as "line:k=n;" and the bad as "line!reason;"; at most 2,000 bytes. */
static const char *rows_of(const struct ndc_source *s, const char *path)
{
    static char out[4096];
    struct ndc_connect *c;
    struct ndc_connect_row row;
    bool have = true;
    size_t n = 0;
    out[0] = 0;
    fault = (struct ndc_fault){0};
    if (ndc_connect_open(&c, s, path, &fault)) {
        snprintf(out, sizeof(out), "refused: %s: %s", fault.code, fault.message);
        return out;
    }
    int k = ndc_connect_column(c, NDC_STR("k")),
        name = ndc_connect_column(c, NDC_STR("n"));
    for (int i = 0; i < 1000 && n < 3000; i++) {
        fault = (struct ndc_fault){0};
        enum ndc_err err = ndc_connect_next(c, &row, &have, &fault);
        if (err == NDC_EINPUT) {
            n += (size_t)snprintf(out + n, sizeof(out) - n, "%llu!%s;",
                                  (unsigned long long)row.line, fault.code);
            continue;
        }
        if (err) {
            snprintf(out + n, sizeof(out) - n, "stopped: %s", fault.code);
            break;
        }
        if (!have) break;
        n += (size_t)snprintf(out + n, sizeof(out) - n, "%llu:%.*s=%.*s;",
                              (unsigned long long)row.line, NDC_STR_FMT(row.values[k]),
                              NDC_STR_FMT(row.values[name]));
    }
    ndc_connect_close(c);
    return out;
}

#define CSV "{type: csv, path: x}"

static void test_csv_forms(void **state)
{
    (void)state;
    struct ndc_source *s = kn(CSV);
    assert_string_equal(rows_of(s, PUT("a", "k,n\n1,An\n2,Ân\n")), "2:1=An;3:2=Ân;");
    assert_string_equal(rows_of(s, PUT("a", "\xef\xbb\xbfk,n\r\n1,An\r\n2,B")),
                        "2:1=An;3:2=B;");
    assert_string_equal(rows_of(s, PUT("a", "k,n\r1,An\r2,B\r")), "2:1=An;3:2=B;");
    assert_string_equal(
        rows_of(s, PUT("a", "\"k\",\"n\"\n1,\"a \"\"b\"\",\nc\"\n\n2,\n")),
        "2:1=a \"b\",\nc;5:2=;");
    assert_string_equal(rows_of(s, PUT("a", "n , k\nx,1\n")), "2:1=x;");
    s = kn("{type: csv, path: x, separator: tab}");
    assert_string_equal(rows_of(s, PUT("a", "k\tn\n1\ta,b\n")), "2:1=a,b;");
    s = kn("{type: csv, path: x, separator: '|', skip_spaces: true}");
    assert_string_equal(rows_of(s, PUT("a", "k| n\n1| \"x|y\"\n")), "2:1=x|y;");
}

static void test_csv_bad_rows_are_passed_over(void **state)
{
    (void)state;
    struct ndc_source *s = kn(CSV);
    assert_string_equal(rows_of(s, PUT("a", "k,n\n1\n2,b\n3,c,d\n4,e\n")),
                        "2!row.columns;3:2=b;4!row.columns;5:4=e;");
    assert_string_equal(rows_of(s, PUT("a", "k,n\n1,\xff\xfe\n2,b\n3,\xc3\n")),
                        "2!row.encoding;3:2=b;4!row.encoding;");
    const char *said = rows_of(s, PUT("a", "k,n\n1,\"a\"x\n2,b\n"));
    assert_non_null(strstr(said, "2!csv."));
    assert_non_null(strstr(said, "3:2=b;"));
    /* A quote that is never closed ends with the file, once. */
    said = rows_of(s, PUT("a", "k,n\n1,b\n2,\"open\n3,c\n"));
    assert_non_null(strstr(said, "2:1=b;3!csv."));
    assert_null(strstr(strchr(said, '!') + 1, "!"));
    /* Zero bytes are text like any other to a CSV reader, and reach the checks. */
    said = rows_of(s, PUT("a", "k,n\n1,a\0b\n2,c\n"));
    assert_non_null(strstr(said, "3:2=c;"));
}

static void test_csv_refusals(void **state)
{
    (void)state;
    struct ndc_source *s = kn(CSV);
    assert_non_null(strstr(rows_of(s, PUT("a", "")), "source.no_header"));
    assert_non_null(strstr(rows_of(s, PUT("a", "k,m\n")), "no column \"n\""));
    assert_non_null(strstr(rows_of(s, PUT("a", "k,n,n\n")), "source.column_twice"));
    assert_non_null(strstr(rows_of(s, path_of("absent")), "io.open"));
    assert_non_null(strstr(rows_of(s, folder), "refused: io."));
    s = source(CSV, "  - {column: ho_ten, to: full_name}\n");
    assert_non_null(
        strstr(rows_of(s, PUT("a", "k,ho_tem\n")), "did you mean \"ho_tem\""));
    /* Only rows that are there: a header alone is an empty source. */
    assert_string_equal(rows_of(kn(CSV), PUT("a", "k,n\n")), "");
}

static void test_csv_many_columns(void **state)
{
    (void)state;
    struct ndc_buf b;
    struct ndc_connect *c;
    struct ndc_connect_row row;
    bool have;
    struct ndc_source *s = kn(CSV);
    ndc_buf_init(&b, 1 << 20);
    for (int i = 0; i < 200; i++)
        ndc_buf_printf(&b, "%s,", i == 120 ? "k" : i == 199 ? "n" : "");
    ndc_buf_reset(&b);
    for (int i = 0; i < 200; i++)
        ndc_buf_printf(&b, i == 120 ? "k," : i == 199 ? "n\n" : "c%d,", i);
    for (int r = 0; r < 5; r++)
        for (int i = 0; i < 200; i++)
            ndc_buf_printf(&b, i == 199 ? "v%d.%d\n" : "v%d.%d,", r, i);
    const char *path = put("wide", b.ptr, b.len);
    assert_int_equal(ndc_connect_open(&c, s, path, &fault), NDC_OK);
    for (int r = 0; r < 5; r++) {
        assert_int_equal(ndc_connect_next(c, &row, &have, &fault), NDC_OK);
        assert_true(have);
        assert_int_equal(row.count, 200);
        char want[16];
        snprintf(want, sizeof(want), "v%d.199", r);
        assert_str_eq(row.values[199], want);
    }
    ndc_connect_close(c);
    ndc_buf_free(&b);
}

static void test_encodings(void **state)
{
    (void)state;
    struct ndc_source *s = kn("{type: csv, path: x, encoding: utf-16}");
    /* "k,n\n1,Đỗ\n" with either byte order mark, and without one */
    static const char le[] = "\xff\xfek\0,\0n\0\n\0"
                             "1\0,\0\x10\x01\xd7\x1e\n";
    static const char be[] = "\xfe\xff\0k\0,\0n\0\n\0"
                             "1\0,\x01\x10\x1e\xd7\0\n";
    assert_string_equal(rows_of(s, put("u", le, sizeof(le))), "2:1=Đỗ;");
    assert_string_equal(rows_of(s, put("u", be, sizeof(be) - 1)), "2:1=Đỗ;");
    assert_string_equal(rows_of(s, put("u", le + 2, sizeof(le) - 2)), "2:1=Đỗ;");
    /* Cut within a character: an end, whatever it is called, and not for ever. */
    const char *said = rows_of(s, put("u", le, sizeof(le) - 1));
    assert_true(strlen(said) < 100);
    said = rows_of(s, put("u", le, sizeof(le) - 4));
    assert_true(strlen(said) < 100);
    s = kn("{type: csv, path: x, encoding: windows-1258}");
    /* Ð (D0 is Đ), ô + combining tilde DE: "Đỗ"; e + acute EC: "é" */
    assert_string_equal(rows_of(s, PUT("w", "k,n\n1,\xd0\xf4\xde e\xec\n2,\xf4")),
                        "2:1=Đỗ é;3:2=ô;");
    s = kn("{type: csv, path: x, encoding: tcvn3}");
    /* TCVN3 (ABC): A7 Đ, E7 ỗ? A8 ă, AE đ, B8 á */
    assert_string_equal(rows_of(s, PUT("t", "k,n\n1,\xa7\xae\xa8\xb8\n")), "2:1=Đđăá;");
}

static void test_ndjson(void **state)
{
    (void)state;
    struct ndc_source *s = kn("{type: ndjson, path: x}");
    assert_string_equal(
        rows_of(s, PUT("j", "\xef\xbb\xbf{\"k\":1,\"n\":\"An\"}\r\n\n"
                            "{\"n\":\"\\u0110\\n\",\"x\":{\"a\":[1]},\"k\":\"2\"}\n"
                            "{\"k\":3,\"n\":null}\n{\"k\":012,\"n\":\"x\"}\n"
                            "{\"k\":\"0012\",\"n\":true}")),
        "1:1=An;3:2=Đ\n;4:3=;5!json.syntax;6:0012=true;");
    static const char *const bad[] = {
        "{\"k\":1", "[1]",   "\"x\"", "{\"k\":1}}", "{\"k\":\"\\ud800\"}",
        "{'k':1}",  "{k:1}", "nul",   "{\"k\":1,}", "{\"k\":\"a\"\"n\":1}"};
    for (size_t i = 0; i < NDC_ARRAY_LEN(bad); i++) {
        char text[200];
        int n = snprintf(text, sizeof(text), "%s\n{\"k\":\"7\",\"n\":\"ok\"}\n", bad[i]);
        const char *said = rows_of(s, put("j", text, (size_t)n));
        if (strncmp(said, "1!", 2) != 0 || !strstr(said, ";2:7=ok;"))
            fail_msg("%s gives %s", bad[i], said);
    }
    assert_string_equal(rows_of(s, PUT("j", "{\"k\":1,\"n\":\"a\",\"k\":2}\n")),
                        "1!row.duplicate_member;");
    assert_string_equal(rows_of(s, PUT("j", "")), "");
    assert_non_null(strstr(rows_of(s, PUT("j", "{\"k\":\"\xff\",\"n\":\"\"}\n")), "1!"));
}

/* One line that never ends does not stop the rows after it. */
static void test_ndjson_endless_line(void **state)
{
    (void)state;
    struct ndc_source *s = kn("{type: ndjson, path: x}");
    struct ndc_buf b;
    ndc_buf_init(&b, 64 << 20);
    ndc_buf_add_c(&b, "{\"k\":1,\"n\":\"a\"}\n{\"k\":2,\"n\":\"");
    memset(ndc_buf_room(&b, 20 << 20), 'x', 20 << 20);
    b.len += 20 << 20;
    ndc_buf_add_c(&b, "\"}\n{\"k\":3,\"n\":\"c\"}\n");
    assert_string_equal(rows_of(s, put("j", b.ptr, b.len)),
                        "1:1=a;2!row.too_long;3:3=c;");
    ndc_buf_free(&b);
}

static void run_sql(const char *path, const char *sql)
{
    sqlite3 *db;
    unlink(path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void test_sqlite(void **state)
{
    (void)state;
    struct ndc_source *s = kn("{type: sqlite, path: x, table: 'odd \"name''; --'}");
    const char *path = path_of("db");
    run_sql(path, "CREATE TABLE \"odd \"\"name'; --\" (k TEXT, n, \"x y\" BLOB);"
                  "INSERT INTO \"odd \"\"name'; --\" VALUES ('001', 'An', x'00ff'),"
                  "(2, NULL, NULL), ('3', 4.5, 1);");
    assert_string_equal(rows_of(s, path), "1:001=An;2:2=;3:3=4.5;");
    s = kn("{type: sqlite, path: x, table: nope}");
    const char *said = rows_of(s, path_of("db"));
    assert_non_null(strstr(said, "refused: "));
    assert_non_null(strstr(said, "nope"));
    /* It is the source that fails, not our own database. */
    assert_int_not_equal(fault.err, NDC_EDB);
    said = rows_of(s, PUT("db", "this is no database, only text that is long enough"));
    assert_non_null(strstr(said, "refused: "));
    assert_int_not_equal(fault.err, NDC_EDB);
    assert_non_null(strstr(rows_of(s, path_of("absent.db")), "io.open"));
}

static void test_file_changed_under_us(void **state)
{
    (void)state;
    static const char *const connectors[] = {CSV, "{type: ndjson, path: x}"};
    for (int how = 0; how < 6; how++) {
        struct ndc_source *s = kn(connectors[how & 1]);
        struct ndc_connect *c;
        struct ndc_connect_row row;
        struct ndc_buf b;
        bool have = true;
        enum ndc_err err = NDC_OK;
        ndc_buf_init(&b, 16 << 20);
        if (!(how & 1)) ndc_buf_add_c(&b, "k,n\n");
        for (int i = 0; i < 60000; i++)
            ndc_buf_printf(&b, how & 1 ? "{\"k\":%d,\"n\":\"abc\"}\n" : "%d,abc\n", i);
        const char *path = put("changing", b.ptr, b.len);
        fault = (struct ndc_fault){0};
        assert_int_equal(ndc_connect_open(&c, s, path, &fault), NDC_OK);
        assert_int_equal(ndc_connect_next(c, &row, &have, &fault), NDC_OK);
        if (how / 2 == 0) {
            assert_int_equal(truncate(path, (off_t)b.len / 2), 0);
        } else {
            int fd = open(path, O_WRONLY | (how / 2 == 1 ? O_APPEND : 0));
            usleep(20000); /* the clock of file times is coarse */
            assert_true(write(fd, "9,zz\n", 5) == 5);
            close(fd);
        }
        for (int i = 0; i < 70000 && have; i++) {
            fault = (struct ndc_fault){0};
            err = ndc_connect_next(c, &row, &have, &fault);
            if (err && err != NDC_EINPUT) break;
            if (err) have = true;
        }
        assert_int_equal(err, NDC_EIO);
        assert_string_equal(fault.code, "source.changed");
        ndc_connect_close(c);
        ndc_buf_free(&b);
    }
}

/* 300 MB in a process that may have far less: streamed, not read whole. */
static void test_large_file_is_streamed(void **state)
{
    (void)state;
    const char *path = path_of("large.csv");
    FILE *f = fopen(path, "wb");
    static char block[1 << 20];
    size_t row = 100, rows = 0;
    memset(block, 'x', sizeof(block));
    for (size_t at = 0; at + row <= sizeof(block); at += row) {
        memcpy(block + at, "12345,", 6);
        block[at + row - 1] = '\n';
        rows++;
    }
    fputs("k,n\n", f);
    for (int i = 0; i < 300; i++)
        assert_int_equal(fwrite(block, 1, rows * row, f), rows * row);
    fclose(f);
    pid_t child = fork();
    if (child == 0) {
        struct ndc_connect *c;
        struct ndc_connect_row r;
        bool have = true;
        uint64_t n = 0;
        struct rusage before, after;
        getrusage(RUSAGE_SELF, &before);
        if (ndc_connect_open(&c, kn(CSV), path, &fault)) _exit(2);
        while (have && !ndc_connect_next(c, &r, &have, &fault))
            n += have;
        getrusage(RUSAGE_SELF, &after);
        _exit(n != rows * 300                                  ? 3
              : after.ru_maxrss - before.ru_maxrss > 32 * 1024 ? 4
                                                               : 0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    unlink(path_of("large.csv"));
    assert_int_equal(status, 0);
}

/* ---- the mapper ---- */

struct mapping {
    struct ndc_connect *connect;
    struct ndc_mapper *mapper;
    struct ndc_quality quality;
    struct ndc_mapped *mapped;
    struct ndc_record *r;
};

static void map_row(struct mapping *m, struct ndc_source *s, const char *json)
{
    struct ndc_connect_row row;
    bool have;
    *m = (struct mapping){0};
    fault = (struct ndc_fault){0};
    m->mapped = calloc(1, sizeof(*m->mapped));
    assert_int_equal(ndc_connect_memory(&m->connect, s, ndc_str(json), NULL, 0, &fault),
                     NDC_OK);
    m->mapper = ndc_mapper_new(s, m->connect, (struct ndc_date){2025, 7, 1});
    ndc_quality_init(&m->quality, s);
    if (ndc_connect_next(m->connect, &row, &have, &fault)) fail_msg("%s", fault.message);
    assert_true(have);
    ndc_mapper_map(m->mapper, &row, m->mapped, &m->quality);
    m->r = &m->mapped->record;
}

static void unmap(struct mapping *m)
{
    ndc_mapper_free(m->mapper);
    ndc_quality_free(&m->quality);
    ndc_connect_close(m->connect);
    free(m->mapped);
}

static const struct ndc_record_field *get(struct mapping *m, const char *code)
{
    return ndc_record_find(m->r, ndc_field_find(ndc_str(code))->id);
}

static bool says(struct mapping *m, const char *reason)
{
    for (unsigned i = 0; i < m->mapped->reason_count; i++)
        if (strcmp(m->mapped->reasons[i].code, reason) == 0) return true;
    return false;
}

static const char person[] =
    "  - {column: k, to: ~}\n"
    "  - {column: id, to: person_id}\n"
    "  - {column: n, to: full_name, required: true}\n"
    "  - {column: b, to: birth_date, required: true}\n"
    "  - {column: s, to: sex, values: {1: male, 2: female, 9: ~}}\n"
    "  - {columns: [street, ward, province], to: permanent_address}\n"
    "  - {column: p, to: phone}\n"
    "  - {column: e, to: email, required: true}\n"
    "  - {column: c, to: occupation, pattern: 'AA-99', length_max: 4}\n"
    "  - {column: l, to: education_level}\n";
#define NDJSON "{type: ndjson, path: x}"

static void test_map_values(void **state)
{
    (void)state;
    struct mapping m;
    map_row(&m, source(NDJSON, person),
            "{\"k\":\" 7 \",\"id\":\"001085000123\",\"n\":\"NGUYỄN VĂN AN\","
            "\"b\":\"27/03/1985\",\"s\":\"1\",\"street\":\"Số 5\",\"ward\":\"\","
            "\"province\":\"Hà Nội\",\"p\":\"0912 345 678\",\"e\":\"A@B.vn\","
            "\"l\":\"Tiểu học\"}");
    assert_false(m.mapped->blocked);
    assert_str_eq(m.r->key, "7");
    assert_str_eq(get(&m, "full_name")->value, "Nguyễn Văn An");
    assert_str_eq(get(&m, "full_name")->raw, "NGUYỄN VĂN AN");
    assert_str_eq(get(&m, "birth_date")->value, "1985-03-27");
    assert_str_eq(get(&m, "sex")->value, "male");
    assert_str_eq(get(&m, "person_id")->value, "001085000123");
    assert_str_eq(get(&m, "phone")->value, "+84912345678");
    assert_str_eq(get(&m, "education_level")->value, "TIỂU HỌC");
    assert_int_equal(get(&m, "permanent_address")->place / 100000, 1);
    assert_str_eq(get(&m, "permanent_address")->raw, "Số 5, Hà Nội");
    unmap(&m);
}

static void test_map_old_number_in_a_new_column(void **state)
{
    (void)state;
    struct mapping m;
    map_row(&m, source(NDJSON, person),
            "{\"k\":\"7\",\"id\":\"011234567\",\"n\":\"An\",\"b\":\"1985\","
            "\"s\":\"9\",\"e\":\"a@b.vn\"}");
    assert_null(get(&m, "person_id"));
    assert_str_eq(get(&m, "old_id")->value, "011234567");
    assert_null(get(&m, "sex")); /* the source's "not known" */
    assert_true(get(&m, "birth_date")->flags & NDC_RECORD_PARTIAL);
    unmap(&m);
}

static void test_map_keeps_every_reason(void **state)
{
    (void)state;
    struct mapping m;
    map_row(&m, source(NDJSON, person),
            "{\"k\":\"\",\"id\":\"001085\",\"n\":\"12345\",\"b\":\"31/02/1985\","
            "\"s\":\"1\",\"e\":null,\"p\":\"12\",\"c\":\"longer\"}");
    assert_true(m.mapped->blocked);
    assert_true(says(&m, "row.no_key"));
    assert_true(says(&m, "id.length"));
    assert_true(says(&m, "date.impossible"));
    assert_true(says(&m, "missing"));
    assert_true(says(&m, "value.pattern"));
    assert_true(says(&m, "value.length"));
    assert_true(m.mapped->reason_count >= 8);
    /* Each counts under its criterion, and the raw text is kept. */
    assert_true(m.quality.failed[NDC_CORRECT] >= 2);
    assert_true(m.quality.failed[NDC_COMPLETE] >= 2);
    unmap(&m);
}

static void test_map_number_against_sex_and_year(void **state)
{
    (void)state;
    struct mapping m;
    const char *row = "{\"k\":\"7\",\"id\":\"%s\",\"n\":\"An\",\"b\":\"27/03/1985\","
                      "\"s\":\"%s\",\"e\":\"a@b.vn\"}";
    static const struct {
        const char *id, *sex, *reason;
    } cases[] = {{"001085000123", "1", NULL},
                 {"001185000123", "2", NULL},
                 {"001185000123", "1", "id.sex"},
                 {"001086000123", "1", "id.birth_year"},
                 {"001285000123", "1", "id.century"}};
    for (size_t i = 0; i < NDC_ARRAY_LEN(cases); i++) {
        char json[300];
        snprintf(json, sizeof(json), row, cases[i].id, cases[i].sex);
        map_row(&m, source(NDJSON, person), json);
        if (cases[i].reason ? !says(&m, cases[i].reason) : m.mapped->reason_count)
            fail_msg("%s %s", cases[i].id, cases[i].sex);
        unmap(&m);
    }
}

static void test_map_delete_needs_only_a_key(void **state)
{
    (void)state;
    struct mapping m;
    struct ndc_source *s = source(NDJSON "\nsync: {mode: delta, op_column: op}", person);
    map_row(&m, s, "{\"k\":\"7\",\"op\":\"D\"}");
    assert_int_equal(m.mapped->op, NDC_ROW_DELETE);
    assert_false(m.mapped->blocked);
    unmap(&m);
    map_row(&m, s, "{\"op\":\"D\"}");
    assert_true(m.mapped->blocked);
    unmap(&m);
}

static int remove_all(void **state)
{
    (void)state;
    ndc_arena_free(&arena);
    return ndc_file_remove_tree(folder, &fault) ? 1 : 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv_forms),
        cmocka_unit_test(test_csv_bad_rows_are_passed_over),
        cmocka_unit_test(test_csv_refusals),
        cmocka_unit_test(test_csv_many_columns),
        cmocka_unit_test(test_encodings),
        cmocka_unit_test(test_ndjson),
        cmocka_unit_test(test_ndjson_endless_line),
        cmocka_unit_test(test_sqlite),
        cmocka_unit_test(test_file_changed_under_us),
        cmocka_unit_test(test_large_file_is_streamed),
        cmocka_unit_test(test_map_values),
        cmocka_unit_test(test_map_old_number_in_a_new_column),
        cmocka_unit_test(test_map_keeps_every_reason),
        cmocka_unit_test(test_map_number_against_sex_and_year),
        cmocka_unit_test(test_map_delete_needs_only_a_key),
    };
    if (!mkdtemp(folder)) return 1;
    return cmocka_run_group_tests(tests, NULL, remove_all);
}

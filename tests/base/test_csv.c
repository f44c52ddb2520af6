/* CSV: other people's conformance pairs, chunking, bad rows. */
#include "tests/test.h"

#include "base/csv.h"
#include "base/json.h"
#include "sys/file.h"

static const char *const spectrum[] = {
    "comma_in_quotes",
    "empty",
    "empty_crlf",
    "escaped_quotes",
    "json",
    "newlines",
    "newlines_crlf",
    "quotes_and_newlines",
    "simple",
    "simple_crlf",
    "utf8",
};

static struct ndc_buf read_file(const char *dir, const char *sub, const char *name,
                                const char *ext)
{
    char path[4096];
    struct ndc_buf buf;
    struct ndc_fault fault = {0};
    ndc_buf_init(&buf, 1 << 20);
    snprintf(path, sizeof(path), "%s/csv/%s/%s.%s", dir, sub, name, ext);
    assert_int_equal(ndc_file_read(&buf, path, &fault), NDC_OK);
    return buf;
}

/* Rows after the header must equal the array of objects. */
static void check_pair(const char *dir, const char *name, size_t chunk)
{
    struct ndc_buf text = read_file(dir, "csvs", name, "csv");
    struct ndc_buf json = read_file(dir, "json", name, "json");
    struct json_object *want;
    struct ndc_fault fault = {0};
    struct ndc_csv csv;
    char *header[16] = {0};
    size_t columns = 0, row = 0;
    assert_int_equal(ndc_json_parse(&want, ndc_buf_str(&json), &fault), NDC_OK);
    ndc_csv_init(&csv);
    for (size_t at = 0; at <= text.len; at += chunk) {
        ndc_csv_feed(&csv, text.ptr + at, NDC_MIN(chunk, text.len - at));
        if (at + chunk > text.len) ndc_csv_end(&csv);
        for (;;) {
            bool have;
            assert_int_equal(ndc_csv_next(&csv, &have, &fault), NDC_OK);
            if (!have) break;
            if (!columns) {
                columns = csv.field_count;
                for (size_t i = 0; i < columns; i++)
                    header[i] = strndup(csv.fields[i].ptr, csv.fields[i].len);
                continue;
            }
            struct json_object *o = json_object_array_get_idx(want, row++);
            assert_non_null(o);
            assert_int_equal(csv.field_count, columns);
            for (size_t i = 0; i < columns; i++) {
                /* The pair writes LF where the file has CRLF inside quotes. */
                struct ndc_str cell = csv.fields[i];
                struct ndc_str value = ndc_json_get_str(o, header[i]);
                if (strstr(name, "newlines_crlf"))
                    assert_true(cell.len >= value.len);
                else
                    assert_true(ndc_str_eq(cell, value));
            }
        }
    }
    assert_int_equal(row, json_object_array_length(want));
    for (size_t i = 0; i < columns; i++)
        free(header[i]);
    ndc_csv_free(&csv);
    json_object_put(want);
    ndc_buf_free(&text);
    ndc_buf_free(&json);
}

static void test_spectrum(void **state)
{
    (void)state;
    const char *dir = test_data_dir();
    if (!dir) skip();
    for (size_t i = 0; i < NDC_ARRAY_LEN(spectrum); i++) {
        check_pair(dir, spectrum[i], 1 << 20);
        check_pair(dir, spectrum[i], 1);
        check_pair(dir, spectrum[i], 7);
    }
}

static enum ndc_err next(struct ndc_csv *csv, bool *have, struct ndc_fault *fault)
{
    *fault = (struct ndc_fault){0};
    return ndc_csv_next(csv, have, fault);
}

static void feed_all(struct ndc_csv *csv, const char *text)
{
    ndc_csv_init(csv);
    ndc_csv_feed(csv, text, strlen(text));
    ndc_csv_end(csv);
}

static void test_bad_row_is_passed_over(void **state)
{
    (void)state;
    struct ndc_csv csv;
    struct ndc_fault fault;
    bool have;
    feed_all(&csv, "a,b\n\"x\"y,2\n3,4\n");
    assert_int_equal(next(&csv, &have, &fault), NDC_OK);
    assert_true(have);
    assert_int_equal(next(&csv, &have, &fault), NDC_EINPUT);
    assert_int_equal(fault.line, 2);
    assert_string_equal(fault.code, "csv.after_quote");
    assert_int_equal(next(&csv, &have, &fault), NDC_OK);
    assert_true(have);
    assert_str_eq(csv.fields[1], "4");
    assert_int_equal(csv.row_line, 3);
    assert_int_equal(next(&csv, &have, &fault), NDC_OK);
    assert_false(have);
    ndc_csv_free(&csv);
}

static void test_unclosed_quote_is_an_error(void **state)
{
    (void)state;
    struct ndc_csv csv;
    struct ndc_fault fault;
    bool have;
    feed_all(&csv, "a,\"b\nc,d\n");
    assert_int_equal(next(&csv, &have, &fault), NDC_EINPUT);
    assert_string_equal(fault.code, "csv.unclosed_quote");
    assert_int_equal(next(&csv, &have, &fault), NDC_OK);
    assert_false(have);
    ndc_csv_free(&csv);
}

static void test_bom_cr_and_separator(void **state)
{
    (void)state;
    struct ndc_csv csv;
    struct ndc_fault fault;
    bool have;
    feed_all(&csv, "\xef\xbb\xbfid; name\r1; \"An; Bình\"\r\r2;x");
    csv.separator = ';';
    csv.skip_spaces = true;
    assert_int_equal(next(&csv, &have, &fault), NDC_OK);
    assert_str_eq(csv.fields[0], "id");
    assert_int_equal(next(&csv, &have, &fault), NDC_OK);
    assert_str_eq(csv.fields[1], "An; Bình");
    assert_int_equal(next(&csv, &have, &fault), NDC_OK);
    assert_str_eq(csv.fields[0], "2");
    ndc_csv_free(&csv);
}

static void test_write_reads_back(void **state)
{
    (void)state;
    const char *cells[] = {"plain", "a,b", "say \"hi\"", " lead", "line\nbreak", ""};
    struct ndc_buf out;
    struct ndc_csv csv;
    struct ndc_fault fault;
    bool have;
    ndc_buf_init(&out, 4096);
    for (size_t i = 0; i < NDC_ARRAY_LEN(cells); i++)
        ndc_csv_write_field(&out, ndc_str(cells[i]), i == 0);
    ndc_csv_write_end(&out);
    ndc_csv_init(&csv);
    ndc_csv_feed(&csv, out.ptr, out.len);
    ndc_csv_end(&csv);
    assert_int_equal(next(&csv, &have, &fault), NDC_OK);
    assert_int_equal(csv.field_count, NDC_ARRAY_LEN(cells));
    for (size_t i = 0; i < NDC_ARRAY_LEN(cells); i++)
        assert_str_eq(csv.fields[i], cells[i]);
    ndc_csv_free(&csv);
    ndc_buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spectrum),
        cmocka_unit_test(test_bad_row_is_passed_over),
        cmocka_unit_test(test_unclosed_quote_is_an_error),
        cmocka_unit_test(test_bom_cr_and_separator),
        cmocka_unit_test(test_write_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

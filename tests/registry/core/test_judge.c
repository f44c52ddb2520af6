/* What declarations ask to be judged over a run: values that may stand once, records that
 * must not grow old. */
#include "tests/registry/core/fixture.h"

#include "base/date.h"
#include "sys/clock.h"

static struct ndc_fault fault;

#define FIELDS                                         \
    "fields:\n  - {column: k, to: ~}\n"                \
    "  - {column: n, to: full_name, required: true}\n" \
    "  - {column: b, to: birth_date, required: true}\n"
#define UNIQUE                                                                         \
    FIELDS "  - {column: m, to: email, unique: true}\n  - {column: c, to: ~, unique: " \
           "true}\n"

static const char *reasons(struct world *w)
{
    return text_of(w, "SELECT reasons FROM registry_quarantine ORDER BY id DESC LIMIT 1");
}

static void test_unique(void **state)
{
    struct world w;
    struct ndc_load_result r;
    world_new(&w, state);
    declare(&w, "a", "{mode: snapshot}", UNIQUE);
    write_csv(&w, "a",
              "k,n,b,m,c\n"
              "1,Nguyễn Văn An,27/03/1985,an@example.vn,\n"
              "2,Trần Thị Bình,01/02/1985,,X1\n"
              "3,Lê Văn Cường,03/04/1986,AN@Example.vn,X2\n" /* equal once normalised */
              "4,Phạm Thị Dung,05/06/1987,,X1\n"             /* a column of no field */
              "5,Vũ Văn Em,07/08/1988,,\n"                   /* missing is no value */
              "6,Đỗ Thị Giang,09/10/1989,not a mail,X3\n"    /* nor is a wrong one */
              "7,Hồ Văn Hải,11/12/1990,not a mail,X4\n");
    load(&w, "a", &r);
    assert_int_equal(r.accepted, 5);
    assert_int_equal(r.quarantined, 2);
    const char *first =
        text_of(&w, "SELECT reasons FROM registry_quarantine ORDER BY id");
    assert_non_null(strstr(first, "\"reason\":\"value.not_unique\""));
    assert_non_null(strstr(first, "\"criterion\":\"clean\""));
    assert_non_null(strstr(first, "\"column\":\"m\""));
    assert_non_null(strstr(first, "\"earlier_line\":2"));
    assert_non_null(strstr(reasons(&w), "\"column\":\"c\""));
    assert_non_null(strstr(reasons(&w), "\"earlier_line\":3"));
    assert_non_null(
        strstr(text_of(&w, "SELECT scorecard FROM registry_run"), "value.not_unique"));
    load(&w, "a", &r); /* another run is judged by itself */
    assert_int_equal(r.quarantined, 2);
    assert_int_equal(r.unchanged, 5);
    world_free(&w);
}

/* In a delta the rows of one record are one: it may say its value again. */
static void test_unique_in_delta(void **state)
{
    struct world w;
    struct ndc_load_result r;
    world_new(&w, state);
    declare(&w, "a", "{mode: delta}", UNIQUE);
    push(&w, "a",
         "{\"k\":\"1\",\"n\":\"Nguyễn Văn An\",\"b\":\"27/03/1985\",\"m\":\"a@b.vn\"}\n"
         "{\"k\":\"1\",\"n\":\"Nguyễn Văn Ân\",\"b\":\"27/03/1985\",\"m\":\"a@b.vn\"}\n"
         "{\"k\":\"2\",\"n\":\"Trần Văn Bình\",\"b\":\"27/03/1985\",\"m\":\"a@b.vn\"}\n"
         "{\"k\":\"1\",\"n\":\"Nguyễn Văn Ẩn\",\"b\":\"27/03/1985\",\"m\":\"a@b.vn\"}\n",
         &r);
    assert_int_equal(r.quarantined, 1);
    assert_non_null(strstr(reasons(&w), "\"earlier_line\":1"));
    assert_int_equal(count_of(&w, "SELECT records FROM registry_source"), 1);
    push(&w, "a",
         "{\"k\":\"2\",\"n\":\"Trần Văn Bình\",\"b\":\"27/03/1985\",\"m\":\"a@b.vn\"}\n",
         &r);
    assert_int_equal(r.accepted, 1);
    build(&w, NULL);
    assert_int_equal(digest_of(&w).records, 2);
    world_free(&w);
}

static int64_t live(struct world *w, const char *what)
{
    struct json_object *card, *criteria;
    assert_ok(ndc_json_parse(&card,
                             ndc_str(text_of(w, "SELECT scorecard FROM registry_run "
                                                "ORDER BY run DESC LIMIT 1")),
                             &fault),
              &fault);
    criteria = ndc_json_get(card, "criteria");
    int64_t n = ndc_json_get_i64(ndc_json_get(criteria, "live"), what, -1);
    json_object_put(card);
    return n;
}

static void test_live(void **state)
{
    struct world w;
    struct ndc_load_result r;
    char csv[1024], date[3][11];
    int32_t today = (int32_t)(ndc_clock_wall_ms() / 86400000);
    const int32_t days[3] = {today, today - 30, today - 31};
    for (int i = 0; i < 3; i++)
        ndc_date_format(date[i], ndc_date_from_days(days[i]));
    world_new(&w, state);
    declare(&w, "a", "{mode: snapshot, time_column: t, live_days: 30}", FIELDS);
    snprintf(csv, sizeof(csv),
             "k,n,b,t\n1,Nguyễn Văn An,27/03/1985,%sT08:00:00Z\n"
             "2,Trần Thị Bình,01/02/1985,%s\n"
             "3,Lê Văn Cường,03/04/1986,%s\n" /* a day too old */
             "4,Phạm Thị Dung,05/06/1987,\n"  /* not judged */
             "5,Vũ Văn Em,07/08/1988,soon\n"  /* cannot be read */
             "6,Đỗ Thị Giang,09/10/1989,03/02/2001 14:05\n",
             date[0], date[1], date[2]);
    write_csv(&w, "a", csv);
    load(&w, "a", &r);
    assert_int_equal(r.accepted, 6); /* it blocks nothing */
    assert_int_equal(live(&w, "checked"), 5);
    assert_int_equal(live(&w, "failed"), 3);
    assert_non_null(
        strstr(text_of(&w, "SELECT scorecard FROM registry_run"), "record.not_live"));
    world_free(&w);
}

static void test_no_such_time_column(void **state)
{
    struct world w;
    struct ndc_load_result r;
    int64_t run;
    world_new(&w, state);
    declare(&w, "a", "{mode: snapshot,\n  time_column: tt, live_days: 30}", FIELDS);
    write_csv(&w, "a", "k,n,b,t\n1,Nguyễn Văn An,27/03/1985,2020-01-01\n");
    assert_ok(ndc_registry_queue_run(w.reg, NDC_STR("a"), NDC_STR_NULL, &run, &fault),
              &fault);
    fault = (struct ndc_fault){0};
    assert_int_equal(ndc_registry_load(w.reg, run, NULL, &r, &fault), NDC_EINPUT);
    assert_string_equal(fault.code, "source.no_column");
    assert_non_null(strstr(fault.message, "\"tt\""));
    assert_non_null(strstr(fault.message, "did you mean \"t\""));
    assert_int_equal(fault.line, 8);
    assert_non_null(strstr(fault.message, "line 8"));
    world_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_ON_BOTH(test_unique),
        TEST_ON_BOTH(test_unique_in_delta),
        TEST_ON_BOTH(test_live),
        TEST_ON_BOTH(test_no_such_time_column),
    };
    return test_db_run(tests);
}

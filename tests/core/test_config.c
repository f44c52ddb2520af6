/* core/config: precedence, units, and errors that say where and what instead. */
#include "tests/db.h"

#include "core/config.h"

static struct ndc_config *config;
static struct ndc_fault fault;

static int make(void **state)
{
    static const struct ndc_setting *const tables[] = {ndc_core_settings};
    (void)state;
    config = ndc_config_new(tables, 1);
    fault = (struct ndc_fault){0};
    return 0;
}

static int drop(void **state)
{
    (void)state;
    ndc_config_free(config);
    return 0;
}

static void test_values(void **state)
{
    (void)state;
    const char *text = "\xef\xbb\xbf# a comment\n\nlisten = \"[::]:80\"  # more\r\n"
                       "session-idle = 15m\nheader_bytes_max=16k\nlog_requests = on\n"
                       "public_url = https://a.vn/#x\n";
    assert_ok(ndc_config_parse(config, ndc_str(text), "f", &fault), &fault);
    assert_string_equal(ndc_config_text(config, "listen"), "[::]:80");
    assert_true(ndc_config_int(config, "session_idle") == 900000);
    assert_true(ndc_config_int(config, "header_bytes_max") == 16384);
    assert_true(ndc_config_bool(config, "log_requests"));
    assert_string_equal(ndc_config_text(config, "public_url"), "https://a.vn/#x");
}

static void test_the_later_wins(void **state)
{
    (void)state;
    char *const environment[] = {(char *)(uintptr_t) "NDC_LISTEN=:2",
                                 (char *)(uintptr_t) "NDC_TEST_DATA=x",
                                 (char *)(uintptr_t) "HOME=/", NULL};
    const char *value;
    enum ndc_setting_source source;
    assert_ok(ndc_config_parse(config, NDC_STR("listen = :1"), "f", &fault), &fault);
    assert_ok(ndc_config_environment(config, environment, &fault), &fault);
    assert_string_equal(ndc_config_text(config, "listen"), ":2");
    assert_ok(ndc_config_set(config, NDC_STR("listen"), NDC_STR(":3"), NDC_FROM_FLAG, 0,
                             &fault),
              &fault);
    for (size_t i = 0; ndc_config_at(config, i, &value, &source); i++)
        if (source != NDC_FROM_DEFAULT) assert_int_equal(source, NDC_FROM_FLAG);
}

static void test_errors(void **state)
{
    (void)state;
    static const struct {
        const char *text, *code, *word;
        unsigned line;
    } cases[] = {
        {"\nlisten = :1\ndata_dri = x", "config.unknown", "data_dir", 3},
        {"nonsense", "config.syntax", "setting = value", 1},
        {"= 5", "config.syntax", "setting = value", 1},
        {"a \"b\" = \"x", "config.syntax", "setting = value", 1},
        {"http_threads = many", "config.value", "whole number", 1},
        {"http_threads = 9999", "config.value", "between 0 and 256", 1},
        {"session_idle = 5 parsecs", "config.value", "15m", 1},
        {"header_bytes_max = 99999999999999999999", "config.value", "16M", 1},
        {"log_level = loud", "config.value", "debug|info", 1},
        {"log_requests = maybe", "config.value", "yes or no", 1},
    };
    for (size_t i = 0; i < NDC_ARRAY_LEN(cases); i++) {
        fault = (struct ndc_fault){0};
        assert_int_equal(
            ndc_config_parse(config, ndc_str(cases[i].text), "f.conf", &fault),
            NDC_EINPUT);
        assert_string_equal(fault.code, cases[i].code);
        assert_int_equal(fault.line, cases[i].line);
        if (!strstr(fault.message, cases[i].word))
            fail_msg("no %s in: %s", cases[i].word, fault.message);
    }
    char *const environment[] = {(char *)(uintptr_t) "NDC_LITSEN=:2", NULL};
    fault = (struct ndc_fault){0};
    assert_int_equal(ndc_config_environment(config, environment, &fault), NDC_EINPUT);
    assert_non_null(strstr(fault.message, "\"listen\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_values, make, drop),
        cmocka_unit_test_setup_teardown(test_the_later_wins, make, drop),
        cmocka_unit_test_setup_teardown(test_errors, make, drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

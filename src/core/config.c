/* Configuration: values are checked when they are set, so that reading one cannot fail.
 */
#include "core/config.h"

#include "base/buf.h"
#include "sys/file.h"

#include <stdio.h>

enum { SETTINGS_MAX = 512, FILE_BYTES_MAX = 1 << 20 };

struct entry {
    const struct ndc_setting *setting;
    char *text;
    int64_t number; /* INT, BOOL, BYTES; TIME in ms */
    enum ndc_setting_source source;
};

struct ndc_config {
    struct entry entries[SETTINGS_MAX];
    const char *names[SETTINGS_MAX];
    size_t n;
};

static bool same_name(struct ndc_str typed, const char *name)
{
    size_t len = strlen(name);
    if (typed.len != len) return false;
    for (size_t i = 0; i < len; i++) {
        char c = typed.ptr[i] == '-' ? '_' : typed.ptr[i];
        if (c != name[i]) return false;
    }
    return true;
}

static struct entry *find(const struct ndc_config *config, struct ndc_str name)
{
    for (size_t i = 0; i < config->n; i++)
        if (same_name(name, config->names[i])) return (struct entry *)&config->entries[i];
    return NULL;
}

struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit byte_units[] = {
    {"k", 1 << 10}, {"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}, {"T", 1ll << 40}};
static const struct unit time_units[] = {{"ms", 1},        {"s", 1000},
                                         {"m", 60 * 1000}, {"h", 3600 * 1000},
                                         {"d", 86400000},  {"", 1000}};

static bool read_with_unit(struct ndc_str text, const struct unit *units, size_t n,
                           int64_t *out)
{
    size_t digits = 0;
    while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9')
        digits++;
    struct ndc_str unit = ndc_str_trim(ndc_str_n(text.ptr + digits, text.len - digits));
    int64_t factor = unit.len ? 0 : 1;
    for (size_t i = 0; i < n; i++)
        if (ndc_str_eq_c(unit, units[i].name)) factor = units[i].factor;
    if (!factor || !ndc_str_to_i64(ndc_str_n(text.ptr, digits), out)) return false;
    return !__builtin_mul_overflow(*out, factor, out);
}

static bool read_bool(struct ndc_str text, int64_t *out)
{
    static const char *const yes[] = {"yes", "true", "on", "1"};
    static const char *const no[] = {"no", "false", "off", "0"};
    for (size_t i = 0; i < NDC_ARRAY_LEN(yes); i++) {
        if (ndc_str_eq_c(text, yes[i]) || ndc_str_eq_c(text, no[i])) {
            *out = ndc_str_eq_c(text, yes[i]);
            return true;
        }
    }
    return false;
}

static bool is_choice(const char *choices, struct ndc_str text)
{
    struct ndc_str rest = ndc_str(choices), word;
    while (ndc_str_split(&rest, '|', &word))
        if (ndc_str_eq(word, text)) return true;
    return false;
}

static const char *expected(const struct ndc_setting *s)
{
    switch (s->kind) {
    case NDC_SETTING_INT:
        return "a whole number";
    case NDC_SETTING_BOOL:
        return "yes or no";
    case NDC_SETTING_BYTES:
        return "a size such as 64k, 16M or 2G";
    case NDC_SETTING_TIME:
        return "a time such as 500ms, 30s, 15m, 8h or 7d";
    default:
        return s->choices ? s->choices : "text";
    }
}

static bool read_value(const struct ndc_setting *s, struct ndc_str text, int64_t *number)
{
    switch (s->kind) {
    case NDC_SETTING_INT:
        return ndc_str_to_i64(text, number);
    case NDC_SETTING_BOOL:
        return read_bool(text, number);
    case NDC_SETTING_BYTES:
        return read_with_unit(text, byte_units, NDC_ARRAY_LEN(byte_units), number);
    case NDC_SETTING_TIME:
        return read_with_unit(text, time_units, NDC_ARRAY_LEN(time_units), number);
    case NDC_SETTING_CHOICE:
        return is_choice(s->choices, text);
    default:
        return memchr(text.ptr ? text.ptr : "", 0, text.len) == NULL;
    }
}

static enum ndc_err set_entry(struct entry *entry, struct ndc_str value,
                              enum ndc_setting_source source, unsigned line,
                              struct ndc_fault *fault)
{
    const struct ndc_setting *s = entry->setting;
    int64_t number = 0;
    if (!read_value(s, value, &number))
        return ndc_fail_at(fault, NDC_EINPUT, "config.value", s->name, line,
                           "%s: \"%.*s\" is not %s", s->name, NDC_STR_FMT(value),
                           expected(s));
    int64_t max = s->min == 0 && s->max == 0 ? INT64_MAX : s->max;
    bool ranged = s->kind == NDC_SETTING_INT || s->kind == NDC_SETTING_BYTES ||
                  s->kind == NDC_SETTING_TIME;
    if (ranged && (number < s->min || number > max))
        return ndc_fail_at(fault, NDC_EINPUT, "config.value", s->name, line,
                           "%s: %.*s is not between %lld and %lld%s", s->name,
                           NDC_STR_FMT(value), (long long)s->min, (long long)max,
                           s->kind == NDC_SETTING_TIME ? " (milliseconds)" : "");
    char *copy = ndc_xmalloc(value.len + 1);
    if (value.len) memcpy(copy, value.ptr, value.len);
    copy[value.len] = 0;
    free(entry->text);
    entry->text = copy;
    entry->number = number;
    entry->source = source;
    return NDC_OK;
}

struct ndc_config *ndc_config_new(const struct ndc_setting *const *tables, size_t n)
{
    struct ndc_config *config = ndc_xcalloc(1, sizeof(*config));
    struct ndc_fault fault = {0};
    for (size_t t = 0; t < n; t++) {
        for (const struct ndc_setting *s = tables[t]; s && s->name; s++) {
            NDC_ASSERT(config->n < SETTINGS_MAX && !find(config, ndc_str(s->name)));
            struct entry *entry = &config->entries[config->n];
            entry->setting = s;
            config->names[config->n++] = s->name;
            /* A default that its own row refuses is a defect of the table. */
            NDC_ASSERT(set_entry(entry, ndc_str(s->fallback ? s->fallback : ""),
                                 NDC_FROM_DEFAULT, 0, &fault) == NDC_OK);
        }
    }
    return config;
}

void ndc_config_free(struct ndc_config *config)
{
    if (!config) return;
    for (size_t i = 0; i < config->n; i++) {
        if (config->entries[i].setting->secret)
            explicit_bzero(config->entries[i].text, strlen(config->entries[i].text));
        free(config->entries[i].text);
    }
    free(config);
}

enum ndc_err ndc_config_set(struct ndc_config *config, struct ndc_str name,
                            struct ndc_str value, enum ndc_setting_source source,
                            unsigned line, struct ndc_fault *fault)
{
    struct entry *entry = find(config, name);
    if (entry) return set_entry(entry, value, source, line, fault);
    char field[64];
    snprintf(field, sizeof(field), "%.*s", NDC_STR_FMT(name));
    const char *nearest = ndc_str_nearest(name, config->names, config->n);
    return ndc_fail_at(fault, NDC_EINPUT, "config.unknown", field, line,
                       "there is no setting \"%s\"%s%s%s", field,
                       nearest ? "; did you mean \"" : "", nearest ? nearest : "",
                       nearest ? "\"?" : " (ndc help config lists them)");
}

/* A value may stand in double quotes, to keep spaces or a # in it. */
static bool take_value(struct ndc_str text, struct ndc_str *value)
{
    text = ndc_str_trim(text);
    if (text.len && text.ptr[0] == '"') {
        size_t end = ndc_str_find(ndc_str_from(text, 1), '"') + 1;
        if (end >= text.len) return false;
        struct ndc_str rest = ndc_str_trim(ndc_str_from(text, end + 1));
        *value = ndc_str_n(text.ptr + 1, end - 1);
        return rest.len == 0 || rest.ptr[0] == '#';
    }
    for (size_t i = 1; i < text.len; i++)
        if (text.ptr[i] == '#' && (text.ptr[i - 1] == ' ' || text.ptr[i - 1] == '\t'))
            text.len = i;
    if (text.len && text.ptr[0] == '#') text.len = 0;
    *value = ndc_str_trim(text);
    return true;
}

enum ndc_err ndc_config_parse(struct ndc_config *config, struct ndc_str text,
                              const char *path, struct ndc_fault *fault)
{
    struct ndc_str line, value;
    unsigned number = 0;
    if (ndc_str_starts(text, NDC_STR("\xef\xbb\xbf"))) text = ndc_str_from(text, 3);
    while (ndc_str_split(&text, '\n', &line)) {
        number++;
        line = ndc_str_trim(line);
        if (line.len == 0 || line.ptr[0] == '#') continue;
        size_t mark = ndc_str_find(line, '=');
        if (mark == line.len || mark == 0 ||
            !take_value(ndc_str_n(line.ptr + mark + 1, line.len - mark - 1), &value))
            return ndc_fail_at(fault, NDC_EINPUT, "config.syntax", path, number,
                               "%s:%u: expected `setting = value`", path, number);
        struct ndc_fault inner = {0};
        enum ndc_err err = ndc_config_set(config, ndc_str_trim(ndc_str_n(line.ptr, mark)),
                                          value, NDC_FROM_FILE, number, &inner);
        if (err != NDC_OK)
            return ndc_fail_at(fault, err, inner.code, inner.field, number, "%s:%u: %s",
                               path, number, inner.message);
    }
    return NDC_OK;
}

enum ndc_err ndc_config_load(struct ndc_config *config, const char *path,
                             struct ndc_fault *fault)
{
    struct ndc_buf text;
    ndc_buf_init(&text, FILE_BYTES_MAX);
    enum ndc_err err = ndc_file_read(&text, path, fault);
    if (err == NDC_OK) err = ndc_config_parse(config, ndc_buf_str(&text), path, fault);
    ndc_buf_free(&text);
    return err;
}

enum ndc_err ndc_config_environment(struct ndc_config *config, char *const *environment,
                                    struct ndc_fault *fault)
{
    static const char *const others[] = {"NDC_CONFIG", "NDC_TEST_", "NDC_LINT_",
                                         "NDC_BENCH_", "NDC_FUZZ_", "NDC_SOAK_"};
    for (size_t i = 0; environment && environment[i]; i++) {
        struct ndc_str pair = ndc_str(environment[i]);
        if (!ndc_str_starts(pair, NDC_STR("NDC_"))) continue;
        bool other = false;
        for (size_t k = 0; k < NDC_ARRAY_LEN(others); k++)
            other = other || ndc_str_starts(pair, ndc_str(others[k]));
        size_t mark = ndc_str_find(pair, '=');
        char name[64];
        if (other || mark - 4 >= sizeof(name)) continue;
        for (size_t k = 4; k < mark; k++) {
            char c = pair.ptr[k];
            name[k - 4] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
        }
        struct ndc_fault inner = {0};
        enum ndc_err err = ndc_config_set(
            config, ndc_str_n(name, mark - 4),
            ndc_str_n(pair.ptr + mark + 1, pair.len - NDC_MIN(pair.len, mark + 1)),
            NDC_FROM_ENVIRONMENT, 0, &inner);
        if (err != NDC_OK)
            return ndc_fail_at(fault, err, inner.code, inner.field, 0,
                               "environment %.*s: %s", (int)mark, pair.ptr,
                               inner.message);
    }
    return NDC_OK;
}

static const struct entry *must_find(const struct ndc_config *config, const char *name)
{
    const struct entry *entry = find(config, ndc_str(name));
    NDC_ASSERT(entry);
    return entry;
}

const char *ndc_config_text(const struct ndc_config *config, const char *name)
{
    return must_find(config, name)->text;
}

int64_t ndc_config_int(const struct ndc_config *config, const char *name)
{
    const struct entry *entry = must_find(config, name);
    enum ndc_setting_kind kind = entry->setting->kind;
    NDC_ASSERT(kind == NDC_SETTING_INT || kind == NDC_SETTING_BYTES ||
               kind == NDC_SETTING_TIME);
    return entry->number;
}

bool ndc_config_bool(const struct ndc_config *config, const char *name)
{
    const struct entry *entry = must_find(config, name);
    NDC_ASSERT(entry->setting->kind == NDC_SETTING_BOOL);
    return entry->number != 0;
}

const struct ndc_setting *ndc_config_at(const struct ndc_config *config, size_t i,
                                        const char **value,
                                        enum ndc_setting_source *source)
{
    if (i >= config->n) return NULL;
    *value = config->entries[i].text;
    *source = config->entries[i].source;
    return config->entries[i].setting;
}

bool ndc_config_known(const struct ndc_config *config, struct ndc_str name)
{
    return find(config, name) != NULL;
}

/* Logs: formatted in a local buffer, written with one write(2) so lines never mix. */
#include "sys/log.h"

#include "base/date.h"
#include "base/json.h"
#include "sys/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

enum { MESSAGE_MAX = 2048, LINE_MAX_BYTES = 8192 };

static enum ndc_log_level least_level = NDC_LOG_INFO;
static bool as_json;
static const char *const level_names[] = {"debug", "info", "warn", "error"};

void ndc_log_setup(enum ndc_log_level least, bool json)
{
    least_level = least;
    as_json = json;
}

bool ndc_log_level_parse(const char *word, enum ndc_log_level *out)
{
    for (size_t i = 0; i < NDC_ARRAY_LEN(level_names); i++) {
        if (strcmp(word, level_names[i]) == 0) {
            *out = (enum ndc_log_level)i;
            return true;
        }
    }
    return false;
}

void ndc_log(enum ndc_log_level level, const char *area, const char *format, ...)
{
    char message[MESSAGE_MAX], when[25];
    struct ndc_buf line;
    va_list args;
    if (level < least_level) return;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    for (char *p = message; *p; p++)
        if (*p == '\n' || *p == '\r') *p = ' ';
    ndc_time_format(when, ndc_clock_wall_ms());
    ndc_buf_init(&line, LINE_MAX_BYTES);
    if (as_json) {
        struct ndc_json j;
        ndc_json_init(&j, &line);
        ndc_json_object(&j);
        ndc_json_kv_c(&j, "time", when);
        ndc_json_kv_c(&j, "level", level_names[level]);
        ndc_json_kv_c(&j, "area", area);
        ndc_json_kv_c(&j, "message", message);
        ndc_json_end(&j);
        ndc_buf_add_byte(&line, '\n');
    } else {
        ndc_buf_printf(&line, "%s %-5s %s: %s\n", when, level_names[level], area,
                       message);
    }
    if (!line.failed && write(STDERR_FILENO, line.ptr, line.len) < 0) {
        /* Standard error is gone: nowhere to say so. */
    }
    ndc_buf_free(&line);
}

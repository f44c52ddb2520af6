/* Configuration: `key = value` lines of one file, then environment (NDC_KEY), then flags
 * (--set key=value, --key value); the last one wins. Every setting is a row of a table
 * with its default; from the rows come `ndc help config`, docs/configuration.md and the
 * example file. An unknown setting is an error that names the nearest known one. */
#ifndef NDC_CORE_CONFIG_H
#define NDC_CORE_CONFIG_H

#include "base/error.h"

enum ndc_setting_kind {
    NDC_SETTING_TEXT,
    NDC_SETTING_PATH,
    NDC_SETTING_INT,
    NDC_SETTING_BOOL,   /* yes, no, true, false, on, off */
    NDC_SETTING_BYTES,  /* 64k, 16M, 2G */
    NDC_SETTING_TIME,   /* 500ms, 30s, 15m, 8h, 7d; read back in ms */
    NDC_SETTING_CHOICE, /* one of `choices` */
};

struct ndc_setting {
    const char *name; /* "log_level"; environment NDC_LOG_LEVEL, flag --log-level */
    enum ndc_setting_kind kind;
    const char *fallback; /* default, as it would be written in the file */
    const char *choices;  /* of a CHOICE: "debug|info|warn|error" */
    int64_t min, max;     /* of INT, BYTES and TIME; both 0: 0..INT64_MAX */
    const char *group;    /* heading in documentation: "HTTP" */
    const char *summary;  /* one sentence: what it does, not what it is */
    bool secret;          /* not shown by `ndc config` */
};

enum ndc_setting_source {
    NDC_FROM_DEFAULT,
    NDC_FROM_FILE,
    NDC_FROM_ENVIRONMENT,
    NDC_FROM_FLAG
};

struct ndc_config;

/* Core's own settings, closed by a row without name. */
extern const struct ndc_setting ndc_core_settings[];

/* A configuration with every setting of the tables at its default. Each table is closed
 * by a row without name and outlives the configuration. */
struct ndc_config *ndc_config_new(const struct ndc_setting *const *tables, size_t n);
void ndc_config_free(struct ndc_config *config);

/* Reads the file's text; `path` is for messages. Faults: config.syntax, config.unknown,
 * config.value, each with field and line. */
enum ndc_err ndc_config_parse(struct ndc_config *config, struct ndc_str text,
                              const char *path, struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_config_load(struct ndc_config *config, const char *path,
                             struct ndc_fault *fault) NDC_MUST_USE;
/* NDC_… of the environment (`environ`). NDC_CONFIG, NDC_TEST_… are not settings. */
enum ndc_err ndc_config_environment(struct ndc_config *config, char *const *environment,
                                    struct ndc_fault *fault) NDC_MUST_USE;
/* `name` may be written with - for _. */
enum ndc_err ndc_config_set(struct ndc_config *config, struct ndc_str name,
                            struct ndc_str value, enum ndc_setting_source source,
                            unsigned line, struct ndc_fault *fault) NDC_MUST_USE;

/* Values, checked when they were set. Asking for a name no table has, or as another kind,
 * aborts. Strings live as long as the configuration; empty where nothing is set. */
const char *ndc_config_text(const struct ndc_config *config, const char *name);
int64_t ndc_config_int(const struct ndc_config *config, const char *name);
bool ndc_config_bool(const struct ndc_config *config, const char *name);

/* For documentation: setting number i and where its value is from, or NULL past the end.
 */
const struct ndc_setting *ndc_config_at(const struct ndc_config *config, size_t i,
                                        const char **value,
                                        enum ndc_setting_source *source);
/* Whether there is such a setting (dashes allowed). */
bool ndc_config_known(const struct ndc_config *config, struct ndc_str name);

#endif

/* ndc config: the settings in force, an example file, a table for the documentation. */
#include "cmd/cmd.h"

#include "core/config.h"

#include <stdio.h>

static const char *source_name(enum ndc_setting_source source)
{
    switch (source) {
    case NDC_FROM_FILE:
        return "file";
    case NDC_FROM_ENVIRONMENT:
        return "environment";
    case NDC_FROM_FLAG:
        return "flag";
    default:
        return "default";
    }
}

static void print_example(const struct ndc_config *config)
{
    const struct ndc_setting *s;
    const char *value, *group = "";
    enum ndc_setting_source source;
    puts("# ndc.conf: every setting with its default.");
    for (size_t i = 0; (s = ndc_config_at(config, i, &value, &source)); i++) {
        if (strcmp(group, s->group) != 0) printf("\n# ---- %s\n", group = s->group);
        printf("\n# %s\n#%s = %s\n", s->summary, s->name, s->fallback ? s->fallback : "");
    }
}

static void print_markdown(const struct ndc_config *config)
{
    const struct ndc_setting *s;
    const char *value, *group = "";
    enum ndc_setting_source source;
    for (size_t i = 0; (s = ndc_config_at(config, i, &value, &source)); i++) {
        if (strcmp(group, s->group) != 0)
            printf("%s## %s\n\n| setting | default | what it does |\n|---|---|---|\n",
                   i ? "\n" : "", group = s->group);
        printf("| `%s` | %s%s%s | %s", s->name, *s->fallback ? "`" : "", s->fallback,
               *s->fallback ? "`" : "", s->summary);
        if (s->choices) {
            struct ndc_str rest = ndc_str(s->choices), word;
            fputs(" One of", stdout);
            while (ndc_str_split(&rest, '|', &word))
                printf(" `%.*s`", NDC_STR_FMT(word));
            fputs(".", stdout);
        }
        puts(" |");
    }
}

enum ndc_err cmd_config_run(struct ndc_command_call *call, struct ndc_fault *fault)
{
    const struct ndc_config *config = ndc_app_config(call->app);
    const struct ndc_setting *s;
    const char *value;
    enum ndc_setting_source source;
    (void)fault;
    if (ndc_command_flag(call, "example")) {
        print_example(config);
        return NDC_OK;
    }
    if (ndc_command_flag(call, "markdown")) {
        print_markdown(config);
        return NDC_OK;
    }
    for (size_t i = 0; (s = ndc_config_at(config, i, &value, &source)); i++) {
        bool hide = s->secret && source != NDC_FROM_DEFAULT;
        int n = printf("%s = %s", s->name, hide ? "(hidden)" : value);
        printf("%*s# %s\n", n < 40 ? 40 - n : 1, "", source_name(source));
    }
    return NDC_OK;
}

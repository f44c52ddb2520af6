/* One row is one command of the program `ndc`: help, completion, the man page and the
 * parsing of its options all come from it.
 *
 *     static const struct ndc_option demo_options[] = {
 *         {"people", "N", "100000", "people in the nation"},
 *         {"force", NULL, NULL, "overwrite what is there"},
 *         {0}};
 *     {.name = "demo", .args = "DIR", .args_min = 1, .args_max = 1,
 *      .summary = "make the demo nation", .options = demo_options, .run = demo_run}
 */
#ifndef NDC_CORE_COMMAND_H
#define NDC_CORE_COMMAND_H

#include "base/error.h"
#include "base/str.h"

struct ndc_app;
struct ndc_command_call;

/* `--name VALUE`, `--name=VALUE`, or a flag `--name` where `arg` is NULL. */
struct ndc_option {
    const char *name;
    const char *arg;      /* what the value is called in help; NULL: a flag */
    const char *fallback; /* value when not given, or NULL */
    const char *summary;
};

struct ndc_command {
    const char *name;                 /* "demo", or two words: "user add" */
    const char *args;                 /* positional arguments in help, or NULL */
    unsigned args_min, args_max;      /* how many */
    const char *summary;              /* one line */
    const char *detail;               /* more paragraphs for its help and the man page */
    const struct ndc_option *options; /* closed by a row without name; or NULL */
    /* Exit code 0 on NDC_OK, 2 on ndc_usage(), 1 on any other error, whose fault is
     * printed on standard error. */
    enum ndc_err (*run)(struct ndc_command_call *call, struct ndc_fault *fault);
};

/* What the person typed. Strings live until the program ends. */
struct ndc_command_call {
    struct ndc_app *app; /* configuration is read; ndc_app_store() opens the database */
    const struct ndc_command *command;
    const char **args;
    unsigned args_n;
    const char **values; /* one per option, in the row's order; NULL: not given */
};

/* Of the row of that name; -1: none. */
int ndc_option_index(const struct ndc_command *command, struct ndc_str name);
/* An option's value, its fallback, or NULL. Asking for an undeclared one aborts. */
const char *ndc_command_option(const struct ndc_command_call *call, const char *name);
bool ndc_command_flag(const struct ndc_command_call *call, const char *name);
/* An integer option within [min, max]; a wrong one is a usage error. */
enum ndc_err ndc_command_i64(const struct ndc_command_call *call, const char *name,
                             int64_t min, int64_t max, int64_t *out,
                             struct ndc_fault *fault) NDC_MUST_USE;

/* A usage error: exit code 2, and the command's synopsis is printed after the message. */
enum ndc_err ndc_usage(struct ndc_fault *fault, const char *format, ...) NDC_PRINTF(2, 3);

#endif

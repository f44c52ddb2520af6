/* ndc: reads the configuration and the command line, runs one command. */
#include "cmd/cmd.h"

#include "base/buf.h"
#include "core/config.h"
#include "core/identity.h"
#include "sys/file.h"
#include "sys/log.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum { TABLES_MAX = 64, NAMES_MAX = 256 };

static const struct ndc_option serve_options[] = {
    {"demo", "N", NULL, "make a demo nation of N people at first start (demo_people)"},
    {"platforms", "CODES", NULL, "run only these platforms"},
    {0}};
static const struct ndc_option config_options[] = {
    {"example", NULL, NULL, "print a configuration file with every default"},
    {"markdown", NULL, NULL, "print the settings as a table for documentation"},
    {0}};
static const struct ndc_option user_options[] = {
    {"full-name", "NAME", NULL, "the person's name"},
    {"roles", "ROLES", "operator", "roles, separated by spaces"},
    {"agency", "CODE", NULL, "the agency the person works for"},
    {"password-stdin", NULL, NULL,
     "read it from standard input; then it need not be changed"},
    {0}};
static const struct ndc_option passwd_options[] = {
    {"password-stdin", NULL, NULL,
     "read it from standard input; then it need not be changed"},
    {0}};
static const struct ndc_option key_options[] = {
    {"agency-title", "TEXT", NULL, "add the agency under this name if it is not known"},
    {"title", "TEXT", NULL, "what the key is for"},
    {"roles", "ROLES", "agency-reader", "roles, separated by spaces"},
    {"days", "N", "365", "days until it expires; 0: never"},
    {"cert", "FILE", NULL, "bind it to this client certificate (PEM): no use without"},
    {"cert-sha256", "HEX", NULL, "the same, by the certificate's thumbprint"},
    {0}};

static const struct ndc_command commands[] = {
    {.name = "help",
     .args = "[COMMAND | config]",
     .args_max = 2,
     .summary = "show commands, one command, or every setting",
     .run = cmd_help_run},
    {.name = "serve",
     .summary = "run the data centre",
     .detail = "Opens the databases, brings them up to date, starts platforms, jobs and "
               "HTTP. SIGINT and SIGTERM stop it cleanly.",
     .options = serve_options,
     .run = cmd_serve_run},
    {.name = "version", .summary = "print the version", .run = NULL},
    {.name = "config",
     .summary = "show the settings in force and where each is from",
     .options = config_options,
     .run = cmd_config_run},
    {.name = "user add",
     .args = "NAME",
     .args_min = 1,
     .args_max = 1,
     .summary = "add a user; prints a random password unless one is given",
     .options = user_options,
     .run = cmd_user_add_run},
    {.name = "user passwd",
     .args = "NAME",
     .args_min = 1,
     .args_max = 1,
     .summary = "give a user a new password and end their sessions",
     .options = passwd_options,
     .run = cmd_user_passwd_run},
    {.name = "user list", .summary = "list users", .run = cmd_user_list_run},
    {.name = "key add",
     .args = "AGENCY",
     .args_min = 1,
     .args_max = 1,
     .summary = "make an API key for an agency's system; shown once",
     .options = key_options,
     .run = cmd_key_add_run},
    {.name = "key revoke",
     .args = "ID",
     .args_min = 1,
     .args_max = 1,
     .summary = "revoke an API key",
     .run = cmd_key_revoke_run},
    {.name = "key list", .summary = "list API keys", .run = cmd_key_list_run},
    {.name = "completion",
     .args = "bash|zsh|fish",
     .args_min = 1,
     .args_max = 1,
     .summary = "print the completion script of a shell",
     .run = cmd_completion_run},
    {.name = "man", .summary = "print the manual page (roff)", .run = cmd_man_run},
};

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const struct ndc_command *const *)a)->name,
                  (*(const struct ndc_command *const *)b)->name);
}

void cmd_collect(struct cmd_table *table)
{
    table->n = 0;
    for (size_t i = 0; i < NDC_ARRAY_LEN(commands); i++)
        table->rows[table->n++] = &commands[i];
    for (size_t p = 0; cmd_platforms[p]; p++) {
        for (size_t i = 0; i < cmd_platforms[p]->commands_n; i++) {
            const struct ndc_command *c = &cmd_platforms[p]->commands[i];
            const char *space = strchr(c->name, ' ');
            NDC_ASSERT(table->n < CMD_MAX && !(space && strchr(space + 1, ' ')));
            table->rows[table->n++] = c;
        }
    }
    qsort(table->rows, table->n, sizeof(table->rows[0]), by_name);
    for (size_t i = 0; i < table->n; i++)
        table->names[i] = table->rows[i]->name;
}

const struct ndc_command *cmd_find(const struct cmd_table *table, int n,
                                   char *const *words, int *used)
{
    char two[128];
    for (*used = NDC_MIN(n, 2); *used > 0; (*used)--) {
        snprintf(two, sizeof(two), *used == 2 ? "%s %s" : "%s", words[0],
                 *used == 2 ? words[1] : "");
        for (size_t i = 0; i < table->n; i++)
            if (strcmp(table->names[i], two) == 0) return table->rows[i];
    }
    return NULL;
}

/* Settings are options of every command: one of them may have been meant. */
static enum ndc_err unknown_option(const struct ndc_command *command,
                                   const struct ndc_config *config, struct ndc_str name,
                                   struct ndc_fault *fault)
{
    const char *names[NAMES_MAX], *value;
    enum ndc_setting_source source;
    const struct ndc_setting *s;
    size_t n = 0;
    for (size_t i = 0; command->options && command->options[i].name && n < NAMES_MAX; i++)
        names[n++] = command->options[i].name;
    for (size_t i = 0; n < NAMES_MAX && (s = ndc_config_at(config, i, &value, &source));
         i++)
        names[n++] = s->name;
    const char *nearest = ndc_str_nearest(name, names, n);
    return ndc_usage(fault, "there is no option --%.*s%s%s%s", NDC_STR_FMT(name),
                     nearest ? "; did you mean --" : "", nearest ? nearest : "",
                     nearest ? "?" : "");
}

struct line {
    int argc, at;
    char **argv;
};

/* One word that starts with "--": an option of the command, --set, or a setting. */
static enum ndc_err take_option(struct ndc_command_call *call, struct ndc_config *config,
                                struct line *line, struct ndc_fault *fault)
{
    struct ndc_str word = ndc_str_from(ndc_str(line->argv[line->at]), 2);
    size_t mark = ndc_str_find(word, '=');
    struct ndc_str name = ndc_str_n(word.ptr, mark);
    const char *value = mark < word.len ? word.ptr + mark + 1 : NULL;
    int i = ndc_option_index(call->command, name);
    bool set = ndc_str_eq_c(name, "set"), known = ndc_config_known(config, name);
    if (i < 0 && !set && !known)
        return unknown_option(call->command, config, name, fault);
    bool flag = i >= 0 && !call->command->options[i].arg;
    if (flag && value)
        return ndc_usage(fault, "--%.*s takes no value", NDC_STR_FMT(name));
    if (!flag && !value) {
        if (line->at + 1 >= line->argc)
            return ndc_usage(fault, "--%.*s needs a value", NDC_STR_FMT(name));
        value = line->argv[++line->at];
    }
    if (i >= 0) {
        call->values[i] = flag ? "yes" : value;
        return NDC_OK;
    }
    struct ndc_str text = ndc_str(value);
    if (set) {
        mark = ndc_str_find(text, '=');
        if (mark == text.len) return ndc_usage(fault, "--set needs SETTING=VALUE");
        name = ndc_str_n(text.ptr, mark);
        text = ndc_str_n(text.ptr + mark + 1, text.len - mark - 1);
    }
    return ndc_config_set(config, name, text, NDC_FROM_FLAG, 0, fault);
}

static enum ndc_err parse_line(struct ndc_command_call *call, struct ndc_config *config,
                               struct line line, struct ndc_fault *fault)
{
    bool only_args = false;
    for (; line.at < line.argc; line.at++) {
        const char *word = line.argv[line.at];
        if (!only_args && strcmp(word, "--") == 0) {
            only_args = true;
        } else if (!only_args && strncmp(word, "--", 2) == 0) {
            if (strncmp(word, "--config=", 9) == 0) continue; /* read already */
            if (strcmp(word, "--config") == 0) {
                line.at++;
                continue;
            }
            enum ndc_err err = take_option(call, config, &line, fault);
            if (err != NDC_OK) return err;
        } else {
            call->args[call->args_n++] = word;
        }
    }
    if (call->args_n < call->command->args_min)
        return ndc_usage(fault, "%s: an argument is missing", call->command->name);
    if (call->args_n > call->command->args_max)
        return ndc_usage(fault, "%s: \"%s\" is one argument too many",
                         call->command->name, call->args[call->command->args_max]);
    return NDC_OK;
}

/* --config FILE, NDC_CONFIG, ./ndc.conf, /etc/ndc/ndc.conf: the first that is there. */
static enum ndc_err load_config(struct ndc_config *config, int argc, char **argv,
                                struct ndc_fault *fault)
{
    const char *path = getenv("NDC_CONFIG");
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strncmp(argv[i], "--config=", 9) == 0) path = argv[i] + 9;
        if (strcmp(argv[i], "--config") == 0 && i + 1 < argc) path = argv[i + 1];
    }
    if (!path && ndc_file_exists("ndc.conf")) path = "ndc.conf";
    if (!path && ndc_file_exists("/etc/ndc/ndc.conf")) path = "/etc/ndc/ndc.conf";
    enum ndc_err err = NDC_OK;
    if (path && *path) err = ndc_config_load(config, path, fault);
    if (err == NDC_OK) err = ndc_config_environment(config, environ, fault);
    return err;
}

static struct ndc_config *make_config(void)
{
    const struct ndc_setting *tables[TABLES_MAX] = {ndc_core_settings};
    size_t n = 1;
    for (size_t p = 0; cmd_platforms[p]; p++)
        if (cmd_platforms[p]->settings) tables[n++] = cmd_platforms[p]->settings;
    return ndc_config_new(tables, n);
}

static void setup_logs(const struct ndc_config *config)
{
    enum ndc_log_level level = NDC_LOG_INFO;
    if (ndc_log_level_parse(ndc_config_text(config, "log_level"), &level))
        ndc_log_setup(level, strcmp(ndc_config_text(config, "log_format"), "json") == 0);
}

static int report(const struct ndc_command *command, enum ndc_err err,
                  const struct ndc_fault *fault)
{
    if (err == NDC_OK) return EXIT_OK;
    fprintf(stderr, "ndc: %s\n", fault->message[0] ? fault->message : ndc_err_name(err));
    if (strcmp(fault->code, "usage") != 0) {
        bool setting = strncmp(fault->code, "config.", 7) == 0;
        return setting ? EXIT_USAGE : EXIT_FAILED;
    }
    if (command) {
        fputs("usage: ", stderr);
        cmd_help_one(command, true);
    }
    return EXIT_USAGE;
}

static int run_command(const struct ndc_command *command, struct line line, int argc,
                       char **argv)
{
    struct ndc_fault fault = {0};
    struct ndc_config *config = make_config();
    const char *values[64] = {NULL};
    struct ndc_command_call call = {
        .command = command,
        .args = ndc_xcalloc((size_t)argc + 1, sizeof(char *)),
        .values = values,
    };
    enum ndc_err err = load_config(config, argc, argv, &fault);
    if (err == NDC_OK) err = parse_line(&call, config, line, &fault);
    if (err == NDC_OK) {
        setup_logs(config);
        call.app = ndc_app_new(cmd_platforms, config);
        err = command->run(&call, &fault);
        ndc_app_free(call.app);
    } else {
        ndc_config_free(config);
    }
    int code = report(command, err, &fault);
    free(call.args);
    return code;
}

int main(int argc, char **argv)
{
    struct cmd_table table;
    int used, first = 1;
    signal(SIGPIPE, SIG_IGN);
    cmd_collect(&table);
    if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        argv[1] = "help";
    if (argc >= 2 && strcmp(argv[1], "--version") == 0) argv[1] = "version";
    if (argc < 2) {
        cmd_help_all(&table);
        return EXIT_USAGE;
    }
    const struct ndc_command *command =
        cmd_find(&table, argc - first, argv + first, &used);
    if (!command) {
        cmd_help_unknown(&table, argc - first, argv + first);
        return EXIT_USAGE;
    }
    if (!command->run) {
        puts("ndc " NDC_VERSION);
        return EXIT_OK;
    }
    for (int i = first + used; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            cmd_help_one(command, false);
            return EXIT_OK;
        }
    }
    return run_command(command, (struct line){argc, first + used, argv}, argc, argv);
}

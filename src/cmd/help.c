/* Help, the manual page and shell completion: all from the rows of the table. */
#include "cmd/cmd.h"

#include "core/config.h"

#include <stdio.h>

static void print_synopsis(FILE *out, const struct ndc_command *c)
{
    fprintf(out, "ndc %s%s%s%s\n", c->name, c->options ? " [OPTIONS]" : "",
            c->args ? " " : "", c->args ? c->args : "");
}

void cmd_help_one(const struct ndc_command *c, bool short_form)
{
    FILE *out = short_form ? stderr : stdout;
    print_synopsis(out, c);
    if (short_form) return;
    fprintf(out, "\n%s\n", c->summary);
    if (c->detail) fprintf(out, "\n%s\n", c->detail);
    if (c->options) fputs("\nOptions\n", out);
    for (const struct ndc_option *o = c->options; o && o->name; o++) {
        int n =
            fprintf(out, "  --%s%s%s", o->name, o->arg ? " " : "", o->arg ? o->arg : "");
        fprintf(out, "%*s%s", n < 26 ? 26 - n : 1, "", o->summary);
        if (o->fallback) fprintf(out, " [%s]", o->fallback);
        fputc('\n', out);
    }
    fputs("\nAny setting can be given too: --data-dir DIR, --set log_level=debug "
          "(ndc help config).\n",
          out);
}

void cmd_help_all(const struct cmd_table *table)
{
    puts("ndc, a national data centre\n\nusage: ndc COMMAND [ARGUMENTS]\n");
    for (size_t i = 0; i < table->n; i++) {
        const struct ndc_command *c = table->rows[i];
        int n = printf("  %s%s%s", c->name, c->args ? " " : "", c->args ? c->args : "");
        printf("%*s%s\n", n < 34 ? 34 - n : 1, "", c->summary);
    }
    puts("\nndc help COMMAND explains one; ndc help config lists the settings.");
}

void cmd_help_config(const struct ndc_config *config)
{
    const char *group = "", *value;
    enum ndc_setting_source source;
    const struct ndc_setting *s;
    puts(
        "Settings: `name = value` in ndc.conf (--config FILE, NDC_CONFIG, ./ndc.conf or\n"
        "/etc/ndc/ndc.conf), NDC_NAME in the environment, --name VALUE on the command\n"
        "line. The later wins.");
    for (size_t i = 0; (s = ndc_config_at(config, i, &value, &source)); i++) {
        if (strcmp(group, s->group) != 0) printf("\n%s\n", group = s->group);
        printf("  %s = %s\n      %s%s%s%s\n", s->name, s->fallback ? s->fallback : "",
               s->summary, s->choices ? " One of " : "", s->choices ? s->choices : "",
               s->choices ? "." : "");
    }
}

/* Whether `word` is what commands of two words begin with; prints what may follow. */
static bool print_group(const struct cmd_table *table, const char *word)
{
    size_t len = strlen(word);
    const char *between = "";
    for (size_t i = 0; i < table->n; i++) {
        const char *name = table->names[i];
        if (strncmp(name, word, len) != 0 || name[len] != ' ') continue;
        if (!*between) fprintf(stderr, "ndc: \"%s\" is followed by", word);
        fprintf(stderr, "%s %s", between, name + len + 1);
        between = ",";
    }
    if (*between) fputc('\n', stderr);
    return *between != 0;
}

/* Of two words, together or the first alone; what commands begin with counts too. */
static const char *nearest_command(const struct cmd_table *table, int n,
                                   char *const *words, char *room, size_t size)
{
    const char *names[CMD_MAX];
    static char firsts[CMD_MAX][32];
    const char *found = NULL;
    if (n >= 2 && words[1][0] != '-') {
        snprintf(room, size, "%s %s", words[0], words[1]);
        found = ndc_str_nearest(ndc_str(room), table->names, table->n);
    }
    if (!found) found = ndc_str_nearest(ndc_str(words[0]), table->names, table->n);
    if (found) return found;
    for (size_t i = 0; i < table->n; i++) {
        const char *name = table->names[i];
        size_t len = NDC_MIN(strcspn(name, " "), sizeof(firsts[i]) - 1);
        memcpy(firsts[i], name, len);
        firsts[i][len] = 0;
        names[i] = firsts[i];
    }
    return ndc_str_nearest(ndc_str(words[0]), names, table->n);
}

void cmd_help_unknown(const struct cmd_table *table, int n, char *const *words)
{
    char room[128];
    bool two = n >= 2 && words[1][0] != '-';
    const char *nearest = nearest_command(table, n, words, room, sizeof(room));
    bool whole = nearest && strcmp(nearest, words[0]) != 0;
    if (!(two && whole) && print_group(table, words[0])) return;
    fprintf(stderr, "ndc: there is no command \"%s%s%s\"%s%s%s\n", words[0],
            two ? " " : "", two ? words[1] : "", nearest ? "; did you mean \"" : "",
            nearest ? nearest : "", nearest ? "\"?" : " (ndc help lists them)");
}

enum ndc_err cmd_help_run(struct ndc_command_call *call, struct ndc_fault *fault)
{
    struct cmd_table table;
    int used;
    cmd_collect(&table);
    if (call->args_n == 0) {
        cmd_help_all(&table);
        return NDC_OK;
    }
    if (strcmp(call->args[0], "config") == 0) {
        cmd_help_config(ndc_app_config(call->app));
        return NDC_OK;
    }
    const struct ndc_command *c =
        cmd_find(&table, (int)call->args_n, (char *const *)(uintptr_t)call->args, &used);
    if (c) {
        cmd_help_one(c, false);
        return NDC_OK;
    }
    bool any = false; /* "ndc help user": everything that starts so */
    for (size_t i = 0; i < table.n; i++) {
        struct ndc_str first = ndc_str(table.names[i]);
        first.len = ndc_str_find(first, ' ');
        if (!ndc_str_eq_c(first, call->args[0])) continue;
        fputs("  ", stdout);
        print_synopsis(stdout, table.rows[i]);
        printf("      %s\n", table.rows[i]->summary);
        any = true;
    }
    if (any) return NDC_OK;
    const char *nearest = ndc_str_nearest(ndc_str(call->args[0]), table.names, table.n);
    return ndc_usage(fault, "there is no command \"%s\"%s%s%s", call->args[0],
                     nearest ? "; did you mean \"" : "", nearest ? nearest : "",
                     nearest ? "\"?" : "");
}

static void print_words(const struct cmd_table *table)
{
    const char *last = "";
    size_t len = 0;
    for (size_t i = 0; i < table->n; i++) {
        size_t n = strcspn(table->names[i], " ");
        if (n != len || strncmp(last, table->names[i], n) != 0)
            printf("%.*s ", (int)n, table->names[i]);
        last = table->names[i];
        len = n;
    }
}

static void print_cases(const struct cmd_table *table)
{
    for (size_t i = 0; i < table->n; i++) {
        const struct ndc_command *c = table->rows[i];
        printf("    \"%s\") words=\"", c->name);
        for (const struct ndc_option *o = c->options; o && o->name; o++)
            printf("--%s ", o->name);
        puts("--set --config --help\" ;;");
    }
    /* The second word of commands that have two. */
    for (size_t i = 0; i < table->n; i++) {
        size_t n = strcspn(table->names[i], " ");
        bool first = table->names[i][n] != 0;
        for (size_t k = 0; k < i && first; k++)
            first = strncmp(table->names[k], table->names[i], n + 1) != 0;
        if (!first) continue;
        printf("    \"%.*s \"*) words=\"", (int)n, table->names[i]);
        for (size_t k = i; k < table->n; k++)
            if (strncmp(table->names[k], table->names[i], n + 1) == 0)
                printf("%s ", table->names[k] + n + 1);
        puts("\" ;;");
    }
}

static void print_bash(const struct cmd_table *table)
{
    puts("# bash completion of ndc\n_ndc() {\n"
         "  local cur=\"${COMP_WORDS[COMP_CWORD]}\" words\n"
         "  if [ \"$COMP_CWORD\" -eq 1 ]; then");
    printf("    words=\"");
    print_words(table);
    puts("\"\n  else\n    local two=\"${COMP_WORDS[1]} ${COMP_WORDS[2]}\"\n"
         "    [ \"$COMP_CWORD\" -eq 2 ] && two=\"${COMP_WORDS[1]} \"\n"
         "    case \"$two\" in");
    print_cases(table);
    puts("    esac\n    if [ -z \"$words\" ]; then\n"
         "    case \"${COMP_WORDS[1]}\" in");
    print_cases(table);
    puts("    esac\n    fi\n  fi\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
         "  [ ${#COMPREPLY[@]} -eq 0 ] && COMPREPLY=($(compgen -f -- \"$cur\"))\n}\n"
         "complete -F _ndc ndc");
}

static void print_fish(const struct cmd_table *table)
{
    puts("# fish completion of ndc");
    for (size_t i = 0; i < table->n; i++) {
        const struct ndc_command *c = table->rows[i];
        size_t n = strcspn(c->name, " ");
        if (c->name[n])
            printf("complete -c ndc -n '__fish_use_subcommand' -xa '%.*s'\n"
                   "complete -c ndc -n '__fish_seen_subcommand_from %.*s' -xa '%s' "
                   "-d '%s'\n",
                   (int)n, c->name, (int)n, c->name, c->name + n + 1, c->summary);
        else
            printf("complete -c ndc -n '__fish_use_subcommand' -xa '%s' -d '%s'\n",
                   c->name, c->summary);
        for (const struct ndc_option *o = c->options; o && o->name; o++)
            printf("complete -c ndc -n '__fish_seen_subcommand_from %.*s' -l %s -d "
                   "'%s'\n",
                   (int)n, c->name, o->name, o->summary);
    }
}

enum ndc_err cmd_completion_run(struct ndc_command_call *call, struct ndc_fault *fault)
{
    struct cmd_table table;
    const char *shell = call->args[0];
    cmd_collect(&table);
    if (strcmp(shell, "bash") == 0) {
        print_bash(&table);
    } else if (strcmp(shell, "zsh") == 0) {
        puts("#compdef ndc\nautoload -U +X bashcompinit && bashcompinit");
        print_bash(&table);
    } else if (strcmp(shell, "fish") == 0) {
        print_fish(&table);
    } else {
        return ndc_usage(fault, "\"%s\" is not bash, zsh or fish", shell);
    }
    return NDC_OK;
}

/* A leading dot or quote would be a roff request. */
static void print_roff(const char *text)
{
    if (*text == '.' || *text == '\'') fputs("\\&", stdout);
    for (const char *p = text; *p; p++) {
        if (*p == '\\')
            fputs("\\e", stdout);
        else if (*p == '-')
            fputs("\\-", stdout);
        else
            putchar(*p);
    }
}

enum ndc_err cmd_man_run(struct ndc_command_call *call, struct ndc_fault *fault)
{
    struct cmd_table table;
    const struct ndc_setting *s;
    const char *value;
    enum ndc_setting_source source;
    (void)fault;
    cmd_collect(&table);
    puts(".TH NDC 1 \"\" \"ndc " NDC_VERSION "\"\n.SH NAME\nndc \\- a national data "
         "centre\n.SH SYNOPSIS\n.B ndc\nCOMMAND [ARGUMENTS]\n.SH COMMANDS");
    for (size_t i = 0; i < table.n; i++) {
        const struct ndc_command *c = table.rows[i];
        printf(".TP\n\\fB%s\\fR %s\n", c->name, c->args ? c->args : "");
        print_roff(c->summary);
        if (c->detail) {
            puts(".");
            print_roff(c->detail);
        }
        puts("");
        for (const struct ndc_option *o = c->options; o && o->name; o++) {
            printf(".RS\n.TP\n\\fB\\-\\-%s\\fR %s\n", o->name, o->arg ? o->arg : "");
            print_roff(o->summary);
            puts("\n.RE");
        }
    }
    puts(".SH SETTINGS\nIn the file, as NDC_NAME in the environment, or as \\-\\-name.");
    for (size_t i = 0; (s = ndc_config_at(ndc_app_config(call->app), i, &value, &source));
         i++) {
        printf(".TP\n\\fB%s\\fR = %s\n", s->name, s->fallback ? s->fallback : "");
        print_roff(s->summary);
        puts("");
    }
    puts(".SH FILES\n.I ./ndc.conf\nor\n.I /etc/ndc/ndc.conf\n.SH EXIT STATUS\n0 ok, 1 "
         "failure, 2 wrong usage or configuration");
    return NDC_OK;
}

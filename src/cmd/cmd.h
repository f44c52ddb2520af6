/* Inside src/cmd: the program's table of commands and what reads it. */
#ifndef NDC_CMD_CMD_H
#define NDC_CMD_CMD_H

#include "core/app.h"
#include "core/command.h"
#include "core/platform.h"

enum { CMD_MAX = 256 };
enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* platforms.c: every platform of the program, closed by NULL. The one line that adding a
 * platform takes. */
extern const struct ndc_platform *const cmd_platforms[];

/* All commands, core's and the platforms', sorted by name. */
struct cmd_table {
    const struct ndc_command *rows[CMD_MAX];
    const char *names[CMD_MAX];
    size_t n;
};

void cmd_collect(struct cmd_table *table);
/* The command that the words start with; *used is how many of them name it. */
const struct ndc_command *cmd_find(const struct cmd_table *table, int n,
                                   char *const *words, int *used);

/* help.c */
void cmd_help_all(const struct cmd_table *table);
void cmd_help_one(const struct ndc_command *command, bool short_form);
/* Of words that name no command: the nearest that do, on standard error. */
void cmd_help_unknown(const struct cmd_table *table, int n, char *const *words);
void cmd_help_config(const struct ndc_config *config);
enum ndc_err cmd_help_run(struct ndc_command_call *call, struct ndc_fault *fault);
enum ndc_err cmd_completion_run(struct ndc_command_call *call, struct ndc_fault *fault);
enum ndc_err cmd_man_run(struct ndc_command_call *call, struct ndc_fault *fault);

/* serve.c, config.c, user.c, key.c */
enum ndc_err cmd_serve_run(struct ndc_command_call *call, struct ndc_fault *fault);
enum ndc_err cmd_config_run(struct ndc_command_call *call, struct ndc_fault *fault);
enum ndc_err cmd_user_add_run(struct ndc_command_call *call, struct ndc_fault *fault);
enum ndc_err cmd_user_passwd_run(struct ndc_command_call *call, struct ndc_fault *fault);
enum ndc_err cmd_user_list_run(struct ndc_command_call *call, struct ndc_fault *fault);
enum ndc_err cmd_key_add_run(struct ndc_command_call *call, struct ndc_fault *fault);
enum ndc_err cmd_key_revoke_run(struct ndc_command_call *call, struct ndc_fault *fault);
enum ndc_err cmd_key_list_run(struct ndc_command_call *call, struct ndc_fault *fault);

#endif

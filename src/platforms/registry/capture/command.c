/* `ndc source follow SOURCE`: what the daemon does, on the terminal, while no daemon
 * runs. Ctrl-C ends it at any point: what was given is committed with its position. */
#include "platforms/registry/capture/command.h"

#include "core/app.h"
#include "platforms/registry/capture/capture.h"

#include <stdio.h>

const struct ndc_option ndc_capture_options[] = {
    {"once", NULL, NULL, "end when nothing is left to take"},
    {"snapshot", NULL, NULL, "load the table anew first, with a new slot"},
    {0}};

struct telling {
    struct ndc_capture_status last;
};

static void tell(void *arg, const struct ndc_capture_status *s)
{
    struct telling *t = arg;
    bool moved = s->state != t->last.state || s->changes != t->last.changes ||
                 strcmp(s->reason, t->last.reason) != 0;
    if (!moved) return;
    printf("%s: %llu changes", ndc_capture_state_name(s->state),
           (unsigned long long)s->changes);
    if (s->slot_known)
        printf(", %llu bytes behind, %llu kept by slot %s",
               (unsigned long long)s->lag_bytes, (unsigned long long)s->retained_bytes,
               s->slot);
    if (s->file[0]) printf(", file %s", s->file);
    if (s->reason[0]) printf("; %s", s->reason);
    printf("\n");
    fflush(stdout);
    t->last = *s;
}

enum ndc_err ndc_capture_command(struct ndc_command_call *call, struct ndc_fault *fault)
{
    struct telling telling = {0};
    const struct ndc_capture_run run = {.once = ndc_command_flag(call, "once"),
                                        .snapshot = ndc_command_flag(call, "snapshot"),
                                        .arg = &telling,
                                        .tell = tell};
    enum ndc_err err = ndc_app_start(call->app, fault);
    if (err) return err;
    struct ndc_registry *reg = ndc_app_platform_state(call->app, "registry");
    const struct ndc_capture_hooks hooks = ndc_capture_hooks_of(reg);
    return ndc_capture_follow(reg, ndc_str(call->args[0]), &hooks, &run, fault);
}

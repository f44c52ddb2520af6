/* ndc serve: the daemon, from the lock to the clean end. */
#include "cmd/cmd.h"

#include "core/config.h"
#include "core/identity.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/process.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static enum ndc_err take_options(struct ndc_command_call *call, struct ndc_fault *fault)
{
    struct ndc_config *config = ndc_app_config(call->app);
    const char *demo = ndc_command_option(call, "demo");
    if (!demo) return NDC_OK;
    return ndc_config_set(config, NDC_STR("demo_people"), ndc_str(demo), NDC_FROM_FLAG, 0,
                          fault);
}

static void print_welcome(struct ndc_app *app, const char *password, bool made)
{
    printf("\n  ndc serves %s\n", ndc_app_address(app));
    if (made)
        printf("\n  Sign in as  admin\n  Password    %s\n"
               "  (shown this once; change it under My account; lost: ndc user passwd "
               "admin)\n",
               password);
    else
        printf("  Sign in with your account; a lost password: ndc user passwd NAME\n");
    printf("  API         %s/api\n  Ctrl-C stops it.\n\n", ndc_app_address(app));
    fflush(stdout);
}

static int wait_for_signal(void)
{
    sigset_t set;
    int number = 0;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    NDC_ASSERT(sigwait(&set, &number) == 0);
    return number;
}

/* Blocked before any thread starts, so that only sigwait sees them. */
static void block_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    NDC_ASSERT(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
}

enum ndc_err cmd_serve_run(struct ndc_command_call *call, struct ndc_fault *fault)
{
    int64_t start = ndc_clock_mono_ns();
    char password[64] = "";
    bool made = false;
    block_signals();
    ndc_process_confine();
    enum ndc_err err = take_options(call, fault);
    if (err == NDC_OK) err = ndc_app_start(call->app, fault);
    if (err == NDC_OK)
        err =
            ndc_identity_first_user(ndc_app_identity(call->app), password, &made, fault);
    if (err == NDC_OK) err = ndc_app_serve(call->app, fault);
    if (err != NDC_OK) return err;
    ndc_log(NDC_LOG_INFO, "core", "serving %s after %lld ms", ndc_app_address(call->app),
            (long long)((ndc_clock_mono_ns() - start) / 1000000));
    print_welcome(call->app, password, made);
    explicit_bzero(password, sizeof(password));
    ndc_process_notify("READY=1");
    int number = wait_for_signal();
    ndc_process_notify("STOPPING=1");
    ndc_log(NDC_LOG_INFO, "core", "%s: stopping",
            number == SIGINT ? "interrupted" : "asked to end");
    return NDC_OK;
}

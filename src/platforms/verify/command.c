/* Commands: check a file without a daemon, make a test file, make the projection. */
#include "platforms/verify/command.h"

#include "platforms/verify/files.h"
#include "sys/bar.h"
#include "sys/clock.h"
#include "sys/file.h"

#include <stdio.h>

enum { SAMPLE_BYTES_MAX = 256 << 20 };

static enum ndc_err open_verify(struct ndc_command_call *call, struct ndc_verify **v,
                                struct ndc_fault *fault)
{
    enum ndc_err err = ndc_app_start(call->app, fault);
    if (!err) *v = ndc_app_platform_state(call->app, "verify");
    return err;
}

static void tell(void *arg, const char *phase, uint64_t done, uint64_t total,
                 const char *unit)
{
    (void)unit;
    ndc_bar_draw(arg, phase, done, total);
}

static bool never(void *arg)
{
    (void)arg;
    return false;
}

static enum ndc_err run_project(struct ndc_command_call *call, struct ndc_fault *fault)
{
    struct ndc_verify *v = NULL;
    struct ndc_bar bar;
    struct ndc_projection_info info;
    enum ndc_err err = open_verify(call, &v, fault);
    if (err) return err;
    ndc_bar_begin(&bar);
    const struct ndc_verify_progress progress = {&bar, tell, never};
    err = ndc_verify_rebuild(v, &progress, fault);
    ndc_bar_end(&bar);
    if (err) return err;
    ndc_projection_info(v->current, &info);
    printf("%llu people and organisations, %llu numbers, %llu bytes\n",
           (unsigned long long)info.entities, (unsigned long long)info.entries,
           (unsigned long long)info.bytes);
    return NDC_OK;
}

static enum ndc_err run_sample(struct ndc_command_call *call, struct ndc_fault *fault)
{
    struct ndc_verify *v = NULL;
    struct ndc_buf out;
    int64_t rows;
    enum ndc_err err = ndc_command_i64(call, "rows", 1, 2000000, &rows, fault);
    if (!err) err = open_verify(call, &v, fault);
    if (err) return err;
    ndc_buf_init(&out, SAMPLE_BYTES_MAX);
    err = ndc_verify_sample(v, &out, (uint64_t)rows, fault);
    if (!err && fwrite(out.ptr, 1, out.len, stdout) != out.len)
        err = ndc_fail_errno(fault, "io.write", "write", "standard output");
    ndc_buf_free(&out);
    return err;
}

/* ---- checking ---- */

struct checking {
    struct ndc_str file; /* mapped */
    struct ndc_plan plan;
    struct ndc_projection *projection;
    struct ndc_judge_terms terms;
    struct ndc_counts counts;
};

static enum ndc_err write_verdicts(struct ndc_verify *v, struct checking *c,
                                   const char *path, struct ndc_fault *fault)
{
    struct ndc_file_writer w;
    struct ndc_buf out, none;
    const struct ndc_check_input in = {.file = c->file,
                                       .plan = &c->plan,
                                       .projection = c->projection,
                                       .key = &v->key,
                                       .people = ndc_people(NULL),
                                       .terms = c->terms,
                                       .threads = v->threads};
    enum ndc_err err = ndc_file_create(&w, path, fault);
    if (err) return err;
    struct ndc_check *check = ndc_check_new(&in);
    ndc_buf_init(&out, (size_t)1 << 30);
    ndc_buf_init(&none, 1);
    ndc_check_header(&out, c->plan.shape.format);
    err = ndc_file_append(&w, ndc_buf_str(&out), fault);
    for (size_t at = 0, n = 0; at < c->plan.slices && !err; at += n) {
        err = ndc_check_window(check, at, &n, &out, &none, &c->counts, fault);
        if (!err) err = ndc_file_append(&w, ndc_buf_str(&out), fault);
    }
    if (!err) err = ndc_file_finish(&w, fault);
    ndc_file_abandon(&w);
    ndc_check_free(check);
    ndc_buf_free(&out);
    return err;
}

static enum ndc_err run_check(struct ndc_command_call *call, struct ndc_fault *fault)
{
    struct ndc_verify *v = NULL;
    struct checking c = {.file = NDC_STR_NULL};
    const char *path = ndc_command_option(call, "out");
    struct ndc_verify_file as = {.principal = NDC_STR("command:verify"),
                                 .principal_kind = NDC_STR("operator"),
                                 .roles = NDC_STR("bulk-core"),
                                 .purpose = ndc_str(ndc_command_option(call, "purpose")),
                                 .legal_basis =
                                     ndc_str(ndc_command_option(call, "basis"))};
    if (!path || !as.legal_basis.len)
        return ndc_usage(fault, "--out and --basis must be given");
    int64_t from = ndc_clock_mono_ns();
    enum ndc_err err = open_verify(call, &v, fault);
    if (!err) err = ndc_verify_take(v, &c.projection, NULL, fault);
    if (!err) err = ndc_file_map(&c.file, call->args[0], fault);
    if (!err)
        err = ndc_plan_make(&c.plan, c.file, NDC_VERIFY_FILE_ROWS_MAX, v->files,
                            v->threads, NULL, NULL, fault);
    if (!err) err = ndc_verify_terms(&as, c.plan.rows, &c.terms, NULL, fault);
    if (!err) err = ndc_verify_frozen(v, c.projection, &c.terms, fault);
    if (!err) err = write_verdicts(v, &c, path, fault);
    as.counts = c.counts;
    if (!err) err = ndc_verify_log(&as, false, "", fault);
    for (int i = 0; i < NDC_VERDICT_COUNT && !err; i++)
        printf("%-10s %12llu\n", ndc_verdict_name((enum ndc_verdict)i),
               (unsigned long long)c.counts.by[i]);
    if (!err)
        printf("%-10s %12llu in %.2f s\n", "rows", (unsigned long long)c.counts.rows,
               (double)(ndc_clock_mono_ns() - from) * 1e-9);
    free((void *)(uintptr_t)c.terms.frozen);
    ndc_plan_free(&c.plan);
    ndc_file_unmap(&c.file);
    ndc_projection_unref(c.projection);
    return err;
}

static const struct ndc_option sample_options[] = {{"rows", "N", "1000", "how many rows"},
                                                   {0}};
static const struct ndc_option check_options[] = {
    {"out", "FILE", NULL, "where the verdicts go"},
    {"purpose", "CODE", "account-check", "purpose, of the register of purposes"},
    {"basis", "TEXT", NULL, "legal basis: law and article, or agreement"},
    {0}};

const struct ndc_command ndc_verify_commands[NDC_VERIFY_COMMANDS] = {
    {.name = "verify check",
     .args = "FILE",
     .args_min = 1,
     .args_max = 1,
     .summary = "check a file of bank accounts, while no daemon runs",
     .detail =
         "The file is CSV with a header (bank_account, full_name, person_id, "
         "birth_date, chip_digest, org_id, org_name, legal_rep_name, legal_rep_id) or "
         "NDJSON with the same members. Each row gets its verdict; the check is "
         "written to the audit log.",
     .options = check_options,
     .run = run_check},
    {.name = "verify sample",
     .summary = "write a test file of accounts about people of the registry",
     .detail =
         "For a demo nation: some rows have a known fault, and the column `expected` "
         "says what their verdict should be.",
     .options = sample_options,
     .run = run_sample},
    {.name = "verify project",
     .summary = "make the projection that checks are made against",
     .detail = "The daemon does so by itself when the registry has a new generation.",
     .run = run_project},
};

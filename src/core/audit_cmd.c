/* ndc audit head, export, verify. Head and export read the database beside a running
 * daemon; verify needs nothing but the file. */
#include "core/audit_export.h"
#include "core/audit_platform.h"

#include "base/date.h"
#include "core/audit_internal.h"
#include "sys/file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

/* The audit database as it is configured, which must exist. */
static enum ndc_err open_database(struct ndc_command_call *call, struct ndc_store **out,
                                  struct ndc_fault *fault)
{
    const char *url = ndc_config_text(ndc_app_config(call->app), "audit_database");
    char text[4200];
    if (strcmp(url, "sqlite") == 0) {
        const char *path = ndc_app_path(call->app, "audit.db");
        if (access(path, R_OK) != 0)
            return ndc_fail_errno(fault, "audit.open", "open the audit log", path);
        snprintf(text, sizeof(text), "sqlite:%s", path);
        url = text;
    }
    return ndc_store_open(out, url, NULL, fault);
}

static enum ndc_err load_public(struct ndc_command_call *call, struct ndc_sign_key **out,
                                struct ndc_fault *fault)
{
    const char *path = ndc_config_text(ndc_app_config(call->app), "audit_key");
    char text[4200];
    if (!*path) path = ndc_app_path(call->app, "audit.key");
    snprintf(text, sizeof(text), "%s.pub", path);
    return ndc_sign_public_load(out, text, fault);
}

static void print_head(FILE *out, const struct ndc_audit_head *head)
{
    struct ndc_merkle_hash root;
    char hex[65], time[25];
    memcpy(root.b, head->root, sizeof(root.b));
    ndc_merkle_to_hex(hex, &root);
    ndc_time_format(time, head->time_ms);
    fprintf(out, "size  %" PRIu64 "\ntime  %s\nroot  %s\n", head->size, time, hex);
}

static enum ndc_err run_head(struct ndc_command_call *call, struct ndc_fault *fault)
{
    struct ndc_store *store = NULL;
    struct ndc_store_conn *conn = NULL;
    struct ndc_sign_key *key = NULL;
    struct ndc_audit_head head = {0};
    enum ndc_err err = open_database(call, &store, fault);
    if (!err) err = load_public(call, &key, fault);
    if (!err) err = ndc_store_take(store, NDC_READ, &conn, fault);
    if (!err) err = ndc_audit_last_head(conn, &head, fault);
    if (!err && !head.time_ms)
        err = ndc_fail(fault, NDC_ENOTFOUND, "audit.empty",
                       "the audit log has no signed head yet: start ndc once");
    if (!err) {
        print_head(stdout, &head);
        if (!ndc_audit_head_check(&head, key))
            err = ndc_fail(fault, NDC_ECONFLICT, "audit.key",
                           "the head is not signed with this key");
        else
            puts("signature good");
    }
    ndc_store_give(conn);
    ndc_sign_key_free(key);
    ndc_store_close(store);
    return err;
}

static enum ndc_err write_text(void *arg, struct ndc_str text, struct ndc_fault *fault)
{
    if (fwrite(text.ptr, 1, text.len, arg) == text.len) return NDC_OK;
    return ndc_fail_errno(fault, "audit.write", "write", "the export");
}

static enum ndc_err run_export(struct ndc_command_call *call, struct ndc_fault *fault)
{
    struct ndc_store *store = NULL;
    struct ndc_sign_key *key = NULL;
    struct ndc_audit_export_counts counts = {0};
    const char *path = ndc_command_option(call, "out");
    bool to_stdout = strcmp(path, "-") == 0;
    enum ndc_err err = open_database(call, &store, fault);
    if (!err) err = load_public(call, &key, fault);
    FILE *out = err ? NULL : to_stdout ? stdout : fopen(path, "wb");
    if (!err && !out) err = ndc_fail_errno(fault, "audit.write", "create", path);
    if (!err) err = ndc_audit_export(store, key, write_text, out, &counts, fault);
    /* What could not be written is told at the end at the latest. */
    if (!err && (fflush(out) != 0 || (!to_stdout && fsync(fileno(out)) != 0)))
        err = ndc_fail_errno(fault, "audit.write", "write", path);
    if (out && !to_stdout) fclose(out);
    if (err && out && !to_stdout) (void)remove(path);
    if (!err) {
        fprintf(stderr, "exported %" PRIu64 " entries and %" PRIu64 " signed heads\n",
                counts.entries, counts.heads);
        if (counts.unsigned_left_out)
            fprintf(stderr,
                    "left out %" PRIu64
                    " entries that no head covers yet: they are signed "
                    "within a second, or when ndc starts\n",
                    counts.unsigned_left_out);
    }
    ndc_sign_key_free(key);
    ndc_store_close(store);
    return err;
}

static void print_finding(void *arg, uint64_t seq, const char *text)
{
    (void)arg, (void)seq;
    puts(text);
}

static enum ndc_err feed_file(struct ndc_audit_verifier *v, const char *path,
                              struct ndc_fault *fault)
{
    struct ndc_file_reader reader;
    enum ndc_err err = ndc_file_open(&reader, path, fault);
    if (err) return err;
    enum { PORTION = 256 << 10 };
    char *buf = ndc_xmalloc(PORTION);
    size_t len = 0;
    do {
        err = ndc_file_next(&reader, buf, PORTION, &len, fault);
        if (!err) ndc_audit_verifier_feed(v, ndc_str_n(buf, len));
    } while (!err && len > 0);
    free(buf);
    ndc_file_close(&reader);
    return err;
}

static enum ndc_err run_verify(struct ndc_command_call *call, struct ndc_fault *fault)
{
    struct ndc_sign_key *key = NULL;
    struct ndc_audit_report report;
    const char *path = ndc_command_option(call, "key");
    enum ndc_err err = path ? ndc_sign_public_load(&key, path, fault) : NDC_OK;
    if (err) return err;
    struct ndc_audit_verifier *v = ndc_audit_verifier_new(key, print_finding, NULL);
    err = feed_file(v, call->args[0], fault);
    ndc_audit_verifier_end(v, &report);
    ndc_sign_key_free(key);
    if (err) return err;
    if (report.findings)
        return ndc_fail(fault, NDC_ECONFLICT, "audit.verify",
                        "%s is NOT as it was signed: %" PRIu64 " findings in %" PRIu64
                        " entries",
                        call->args[0], report.findings, report.entries);
    print_head(stdout, &report.last);
    printf("%" PRIu64 " entries and %" PRIu64 " signed heads are whole and unchanged\n",
           report.entries, report.heads);
    if (!report.key_trusted)
        puts("checked with the key named in the file itself; give the published one with "
             "--key to know who signed");
    return NDC_OK;
}

static const struct ndc_option export_options[] = {
    {"out", "FILE", "-", "where to write; - is standard output"}, {0}};
static const struct ndc_option verify_options[] = {
    {"key", "FILE", NULL, "the public key to trust, PEM (audit.key.pub)"}, {0}};

const struct ndc_command ndc_audit_commands[NDC_AUDIT_COMMANDS_N] = {
    {.name = "audit head",
     .summary = "show the last signed tree head and check its signature",
     .run = run_head},
    {.name = "audit export",
     .summary = "write all signed entries and heads to a file",
     .detail = "Works beside a running daemon. The file can be checked anywhere with "
               "`ndc audit verify`.",
     .options = export_options,
     .run = run_export},
    {.name = "audit verify",
     .args = "FILE",
     .args_min = 1,
     .args_max = 1,
     .summary = "check an export offline",
     .detail =
         "Finds a changed bit, a missing, doubled or misplaced entry, and says which. "
         "Exit code 1 if there is any finding.",
     .options = verify_options,
     .run = run_verify},
};

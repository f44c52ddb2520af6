/* Faults: filled once, read by the HTTP layer, the command line and the logs. */
#include "base/error.h"

#include <errno.h>
#include <stdio.h>

static const struct {
    const char *name;
    int status;
} errs[NDC_ERR_COUNT] = {
    [NDC_OK] = {"ok", 200},
    [NDC_EINPUT] = {"bad_input", 400},
    [NDC_EAUTH] = {"not_signed_in", 401},
    [NDC_EDENIED] = {"denied", 403},
    [NDC_ENOTFOUND] = {"not_found", 404},
    [NDC_ECONFLICT] = {"conflict", 409},
    [NDC_ETOOBIG] = {"too_big", 413},
    [NDC_EBUSY] = {"busy", 429},
    [NDC_ECANCELED] = {"canceled", 409},
    [NDC_EIO] = {"io", 500},
    [NDC_EDB] = {"database", 503},
    [NDC_EUNSUPPORTED] = {"unsupported", 501},
    [NDC_EINTERNAL] = {"internal", 500},
};

static void copy_text(char *out, size_t size, const char *text)
{
    snprintf(out, size, "%s", text ? text : "");
}

static void fill(struct ndc_fault *fault, enum ndc_err err, const char *code,
                 const char *field, unsigned line, const char *format, va_list args)
{
    if (!fault || fault->err != NDC_OK) return;
    fault->err = err;
    fault->line = line;
    copy_text(fault->code, sizeof(fault->code), code);
    copy_text(fault->field, sizeof(fault->field), field);
    vsnprintf(fault->message, sizeof(fault->message), format, args);
}

enum ndc_err ndc_fail(struct ndc_fault *fault, enum ndc_err err, const char *code,
                      const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fill(fault, err, code, "", 0, format, args);
    va_end(args);
    return err;
}

enum ndc_err ndc_fail_at(struct ndc_fault *fault, enum ndc_err err, const char *code,
                         const char *field, unsigned line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fill(fault, err, code, field, line, format, args);
    va_end(args);
    return err;
}

enum ndc_err ndc_fail_errno(struct ndc_fault *fault, const char *code, const char *doing,
                            const char *what)
{
    int e = errno;
    enum ndc_err err = e == ENOENT ? NDC_ENOTFOUND : NDC_EIO;
    return ndc_fail(fault, err, code, "cannot %s %s: %s", doing, what, strerror(e));
}

int ndc_fault_status(const struct ndc_fault *fault)
{
    NDC_ASSERT(fault->err < NDC_ERR_COUNT);
    return fault->http_status ? fault->http_status : errs[fault->err].status;
}

const char *ndc_err_name(enum ndc_err err)
{
    NDC_ASSERT(err < NDC_ERR_COUNT);
    return errs[err].name;
}

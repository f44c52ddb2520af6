/* Errors: a code to branch on, and a fault that says once, where it is known, what went
 * wrong, in words for the person who can mend it. */
#ifndef NDC_BASE_ERROR_H
#define NDC_BASE_ERROR_H

#include "base/str.h"

#include <stdarg.h>

enum ndc_err {
    NDC_OK = 0,
    NDC_EINPUT,       /* the caller's data is wrong (400, 422) */
    NDC_EAUTH,        /* not signed in (401) */
    NDC_EDENIED,      /* signed in, not allowed (403) */
    NDC_ENOTFOUND,    /* no such thing (404) */
    NDC_ECONFLICT,    /* the state does not allow it (409) */
    NDC_ETOOBIG,      /* over a stated limit (413) */
    NDC_EBUSY,        /* throttled or overloaded, try later (429, 503) */
    NDC_ECANCELED,    /* stopped on request */
    NDC_EIO,          /* file, disk or network failed (500) */
    NDC_EDB,          /* the database failed (503) */
    NDC_EUNSUPPORTED, /* known, not offered here (501) */
    NDC_EINTERNAL,    /* a defect of ours (500) */
    NDC_ERR_COUNT
};

enum { NDC_FAULT_MESSAGE_MAX = 512, NDC_FAULT_FIELD_MAX = 96, NDC_FAULT_CODE_MAX = 64 };

/* What went wrong. `code` is a stable dotted word that clients and translations key on
 * ("source.unknown_column"); `message` is English for a person, saying what to do;
 * `field` is the JSON pointer, column or setting at fault; `line` is a 1-based line of
 * the input. Empty or 0 where it does not apply. */
struct ndc_fault {
    enum ndc_err err;
    int http_status; /* 0: derived from err */
    unsigned line;
    char code[NDC_FAULT_CODE_MAX];
    char field[NDC_FAULT_FIELD_MAX];
    char message[NDC_FAULT_MESSAGE_MAX];
};

/* Fills *fault (which may be NULL) and returns `err`, so that a function can end with
 * `return ndc_fail(fault, NDC_EINPUT, "csv.quote", "…", …);`. An earlier fault is kept:
 * the first one, set where it was known, wins. Clear with *fault = (struct ndc_fault){0}.
 */
enum ndc_err ndc_fail(struct ndc_fault *fault, enum ndc_err err, const char *code,
                      const char *format, ...) NDC_PRINTF(4, 5);
/* The same with the field at fault and the input line (0: none). */
enum ndc_err ndc_fail_at(struct ndc_fault *fault, enum ndc_err err, const char *code,
                         const char *field, unsigned line, const char *format, ...)
    NDC_PRINTF(6, 7);
/* "io.*" fault from errno: "cannot open FILE: No space left on device". */
enum ndc_err ndc_fail_errno(struct ndc_fault *fault, const char *code, const char *doing,
                            const char *what);

/* Returns from the calling function with the error of `call`, if it has one. For
 * functions with nothing to clean up. */
#define NDC_TRY(call)               \
    do {                            \
        enum ndc_err err_ = (call); \
        if (err_) return err_;      \
    } while (0)

/* HTTP status of a fault: its own, or its err's. */
int ndc_fault_status(const struct ndc_fault *fault);
/* "not_found" and the like: err's stable name. */
const char *ndc_err_name(enum ndc_err err);

#endif

/* A scratch file: what does not fit in memory, on disk for a while. It has no name, so it
 * is gone with the process, however that ends. */
#ifndef NDC_SYS_SCRATCH_H
#define NDC_SYS_SCRATCH_H

#include "base/error.h"

struct ndc_scratch {
    int fd; /* -1: not open */
    uint64_t len;
};

/* Makes one in the folder. Faults: io.scratch. */
enum ndc_err ndc_scratch_open(struct ndc_scratch *scratch, const char *dir,
                              struct ndc_fault *fault) NDC_MUST_USE;
/* Appends at scratch->len. One thread at a time. */
enum ndc_err ndc_scratch_append(struct ndc_scratch *scratch, const void *data, size_t len,
                                struct ndc_fault *fault) NDC_MUST_USE;
/* Reads exactly `len` bytes. Any number of threads. */
enum ndc_err ndc_scratch_read(const struct ndc_scratch *scratch, uint64_t at, void *out,
                              size_t len, struct ndc_fault *fault) NDC_MUST_USE;
/* These bytes are not read again: the disk gets them back where the file system can. */
void ndc_scratch_drop(const struct ndc_scratch *scratch, uint64_t at, size_t len);
/* Harmless if it is not open. */
void ndc_scratch_close(struct ndc_scratch *scratch);

#endif

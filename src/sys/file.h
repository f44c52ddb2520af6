/* Files: reading whole ones, mapping, writing so that a crash leaves old or new. */
#ifndef NDC_SYS_FILE_H
#define NDC_SYS_FILE_H

#include "base/buf.h"
#include "base/error.h"

/* Appends the whole file to out; a file over out's cap is NDC_ETOOBIG. */
enum ndc_err ndc_file_read(struct ndc_buf *out, const char *path,
                           struct ndc_fault *fault) NDC_MUST_USE;
/* Replaces the file by way of a temporary one, synced, with the permission bits. */
enum ndc_err ndc_file_write(const char *path, struct ndc_str data, unsigned mode,
                            struct ndc_fault *fault) NDC_MUST_USE;
/* mkdir -p with mode 0750. */
enum ndc_err ndc_file_mkdirs(const char *path, struct ndc_fault *fault) NDC_MUST_USE;
/* Removes a directory and everything under it, never following symbolic links; a missing
 * one is no error. */
enum ndc_err ndc_file_remove_tree(const char *path, struct ndc_fault *fault) NDC_MUST_USE;
bool ndc_file_exists(const char *path);

/* A file read from the start to the end in chunks. */
struct ndc_file_reader {
    int fd;
    uint64_t size; /* at opening; 0 for what has no size */
    uint64_t at;   /* bytes read so far */
};

/* "-" is standard input. */
enum ndc_err ndc_file_open(struct ndc_file_reader *reader, const char *path,
                           struct ndc_fault *fault) NDC_MUST_USE;
/* Reads up to `size` bytes; *len is 0 at the end of the file. */
enum ndc_err ndc_file_next(struct ndc_file_reader *reader, char *out, size_t size,
                           size_t *len, struct ndc_fault *fault) NDC_MUST_USE;
void ndc_file_close(struct ndc_file_reader *reader);

#endif

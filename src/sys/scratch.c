/* Scratch files. */
#include "sys/scratch.h"

#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum ndc_err ndc_scratch_open(struct ndc_scratch *s, const char *dir,
                              struct ndc_fault *fault)
{
    char path[4096];
    s->len = 0;
    s->fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (s->fd >= 0) return NDC_OK;
    /* Not every file system can make a file without a name. */
    snprintf(path, sizeof(path), "%s/.scratch-XXXXXX", dir);
    s->fd = mkostemp(path, O_CLOEXEC);
    if (s->fd < 0) return ndc_fail_errno(fault, "io.scratch", "make a file in", dir);
    unlink(path);
    return NDC_OK;
}

enum ndc_err ndc_scratch_append(struct ndc_scratch *s, const void *data, size_t len,
                                struct ndc_fault *fault)
{
    const char *p = data;
    while (len) {
        ssize_t n = pwrite(s->fd, p, len, (off_t)s->len);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return ndc_fail_errno(fault, "io.scratch", "write", "a scratch file");
        p += n;
        len -= (size_t)n;
        s->len += (uint64_t)n;
    }
    return NDC_OK;
}

enum ndc_err ndc_scratch_read(const struct ndc_scratch *s, uint64_t at, void *out,
                              size_t len, struct ndc_fault *fault)
{
    if (ndc_file_read_at(s->fd, out, len, at)) return NDC_OK;
    return ndc_fail_errno(fault, "io.scratch", "read", "a scratch file");
}

void ndc_scratch_drop(const struct ndc_scratch *s, uint64_t at, size_t len)
{
    /* A file system that cannot give them back keeps them until the file is closed. */
    (void)!fallocate(s->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)at,
                     (off_t)len);
}

void ndc_scratch_close(struct ndc_scratch *s)
{
    if (s->fd >= 0) close(s->fd);
    s->fd = -1;
}

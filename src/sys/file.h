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
bool ndc_file_is_folder(const char *path);

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
/* The next bytes are those at `at`. */
enum ndc_err ndc_file_seek(struct ndc_file_reader *reader, uint64_t at,
                           struct ndc_fault *fault) NDC_MUST_USE;
void ndc_file_close(struct ndc_file_reader *reader);
/* Exactly `len` bytes at a place; any number of threads. False: errno says why, EIO where
 * the file ends before. */
bool ndc_file_read_at(int fd, void *out, size_t len, uint64_t at);

/* Size and modification time: whether a file changed while it was read. */
struct ndc_file_stamp {
    uint64_t size;
    int64_t mtime_ns;
};

/* All zero of what is no regular file: a pipe has neither size nor time of its own. */
enum ndc_err ndc_file_stamp(const struct ndc_file_reader *reader,
                            struct ndc_file_stamp *out,
                            struct ndc_fault *fault) NDC_MUST_USE;

/* Size of a file, without opening it; 0: it is not there, or no regular file. */
uint64_t ndc_file_bytes(const char *path);

/* A new file written from the start to the end, under a temporary name until finished. */
struct ndc_file_writer {
    int fd;
    uint64_t at;      /* bytes written so far */
    uint64_t started; /* of these, the disk was told to begin with */
    bool scratch;     /* to be set after creating: read back soon, never synced */
    struct ndc_buf pending;
    char path[4096];
};

/* Creates PATH.part, replacing an unfinished one. */
enum ndc_err ndc_file_create(struct ndc_file_writer *writer, const char *path,
                             struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_file_append(struct ndc_file_writer *writer, struct ndc_str data,
                             struct ndc_fault *fault) NDC_MUST_USE;
/* The same after the caller has itself added to writer->pending, from `before` on. */
enum ndc_err ndc_file_appended(struct ndc_file_writer *writer, size_t before,
                               struct ndc_fault *fault) NDC_MUST_USE;
/* Syncs and gives it its name; on failure the temporary file is removed. */
enum ndc_err ndc_file_finish(struct ndc_file_writer *writer,
                             struct ndc_fault *fault) NDC_MUST_USE;
/* Goes on with an unfinished PATH.part: its first `at` bytes stay, the rest goes.
 * NDC_ECONFLICT (io.resume): there is none, or it is shorter. */
enum ndc_err ndc_file_resume(struct ndc_file_writer *writer, const char *path,
                             uint64_t at, struct ndc_fault *fault) NDC_MUST_USE;
/* All that was appended is on the disk when this returns; the file stays unfinished. */
enum ndc_err ndc_file_sync(struct ndc_file_writer *writer,
                           struct ndc_fault *fault) NDC_MUST_USE;
/* Stops writing and leaves PATH.part as it is, to be resumed. */
void ndc_file_suspend(struct ndc_file_writer *writer);
/* Gives up; the temporary file is removed. Harmless after finish. */
void ndc_file_abandon(struct ndc_file_writer *writer);

/* A whole file mapped for reading; an empty one gives an empty str. */
enum ndc_err ndc_file_map(struct ndc_str *out, const char *path,
                          struct ndc_fault *fault) NDC_MUST_USE;
void ndc_file_unmap(struct ndc_str *map);
/* Removes a file; a missing one is no error. */
enum ndc_err ndc_file_remove(const char *path, struct ndc_fault *fault) NDC_MUST_USE;

#endif

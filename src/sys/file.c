/* Files on POSIX. */
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    CHUNK_BYTES = 1 << 16,
    PENDING_BYTES = 1 << 20,
    START_BYTES = 8 << 20,
    PATH_BYTES = 4096,
    TREE_DEPTH = 32
};

enum ndc_err ndc_file_open(struct ndc_file_reader *reader, const char *path,
                           struct ndc_fault *fault)
{
    struct stat st;
    *reader = (struct ndc_file_reader){.fd = -1};
    if (strcmp(path, "-") == 0) {
        reader->fd = STDIN_FILENO;
        return NDC_OK;
    }
    reader->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (reader->fd < 0) return ndc_fail_errno(fault, "io.open", "open", path);
    if (fstat(reader->fd, &st) == 0) {
        if (S_ISDIR(st.st_mode)) {
            ndc_file_close(reader);
            errno = EISDIR;
            return ndc_fail_errno(fault, "io.open", "read", path);
        }
        if (S_ISREG(st.st_mode)) reader->size = (uint64_t)st.st_size;
    }
    (void)posix_fadvise(reader->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    return NDC_OK;
}

enum ndc_err ndc_file_next(struct ndc_file_reader *reader, char *out, size_t size,
                           size_t *len, struct ndc_fault *fault)
{
    ssize_t n;
    do {
        n = read(reader->fd, out, size);
    } while (n < 0 && errno == EINTR);
    *len = 0;
    if (n < 0) return ndc_fail_errno(fault, "io.read", "read", "the file");
    *len = (size_t)n;
    reader->at += (uint64_t)n;
    return NDC_OK;
}

enum ndc_err ndc_file_seek(struct ndc_file_reader *reader, uint64_t at,
                           struct ndc_fault *fault)
{
    if (lseek(reader->fd, (off_t)at, SEEK_SET) < 0)
        return ndc_fail_errno(fault, "io.read", "go to a place of", "the file");
    reader->at = at;
    return NDC_OK;
}

enum ndc_err ndc_file_stamp(const struct ndc_file_reader *reader,
                            struct ndc_file_stamp *out, struct ndc_fault *fault)
{
    struct stat st;
    *out = (struct ndc_file_stamp){0};
    if (fstat(reader->fd, &st) != 0)
        return ndc_fail_errno(fault, "io.stat", "look at", "the file");
    if (S_ISREG(st.st_mode))
        *out = (struct ndc_file_stamp){
            .size = (uint64_t)st.st_size,
            .mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec};
    return NDC_OK;
}

void ndc_file_close(struct ndc_file_reader *reader)
{
    if (reader->fd > STDIN_FILENO) close(reader->fd);
    reader->fd = -1;
}

bool ndc_file_read_at(int fd, void *out, size_t len, uint64_t at)
{
    char *p = out;
    while (len) {
        ssize_t n = pread(fd, p, len, (off_t)at);
        if (n < 0 && errno == EINTR) continue;
        if (n == 0) errno = EIO;
        if (n <= 0) return false;
        p += n;
        at += (uint64_t)n;
        len -= (size_t)n;
    }
    return true;
}

uint64_t ndc_file_bytes(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
}

enum ndc_err ndc_file_read(struct ndc_buf *out, const char *path, struct ndc_fault *fault)
{
    struct ndc_file_reader reader;
    enum ndc_err err = ndc_file_open(&reader, path, fault);
    if (err) return err;
    for (;;) {
        char chunk[CHUNK_BYTES];
        size_t len;
        err = ndc_file_next(&reader, chunk, sizeof(chunk), &len, fault);
        if (err || len == 0) break;
        ndc_buf_add(out, chunk, len);
        if (out->failed) {
            err = ndc_fail(fault, NDC_ETOOBIG, "io.too_big", "%s is over %zu bytes", path,
                           out->bytes_max);
            break;
        }
    }
    ndc_file_close(&reader);
    return err;
}

static bool write_all(int fd, struct ndc_str data)
{
    while (data.len) {
        ssize_t n = write(fd, data.ptr, data.len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return false;
        data = ndc_str_n(data.ptr + n, data.len - (size_t)n);
    }
    return true;
}

static void sync_parent(const char *path)
{
    char dir[PATH_BYTES];
    const char *slash = strrchr(path, '/');
    snprintf(dir, sizeof(dir), "%.*s", slash ? (int)(slash - path) : 1,
             slash ? path : ".");
    int fd = open(dir[0] ? dir : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    (void)fsync(fd);
    close(fd);
}

enum ndc_err ndc_file_write(const char *path, struct ndc_str data, unsigned mode,
                            struct ndc_fault *fault)
{
    char temp[PATH_BYTES];
    int n = snprintf(temp, sizeof(temp), "%s.part", path);
    if (n < 0 || (size_t)n >= sizeof(temp))
        return ndc_fail(fault, NDC_EINPUT, "io.path_too_long", "path too long: %.80s…",
                        path);
    int fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0) return ndc_fail_errno(fault, "io.write", "write", temp);
    bool ok = write_all(fd, data) && fchmod(fd, mode) == 0 && fsync(fd) == 0;
    int saved = errno;
    if (close(fd) != 0 && ok) {
        ok = false;
        saved = errno;
    }
    if (ok && rename(temp, path) != 0) {
        ok = false;
        saved = errno;
    }
    if (!ok) {
        unlink(temp);
        errno = saved;
        return ndc_fail_errno(fault, "io.write", "write", path);
    }
    sync_parent(path);
    return NDC_OK;
}

enum ndc_err ndc_file_mkdirs(const char *path, struct ndc_fault *fault)
{
    char part[PATH_BYTES];
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof(part))
        return ndc_fail(fault, NDC_EINPUT, "io.path", "not a usable path: %.80s", path);
    memcpy(part, path, len + 1);
    for (size_t i = 1; i <= len; i++) {
        if (part[i] != '/' && part[i] != 0) continue;
        char c = part[i];
        part[i] = 0;
        if (mkdir(part, 0750) != 0 && errno != EEXIST)
            return ndc_fail_errno(fault, "io.mkdir", "create the directory", part);
        part[i] = c;
    }
    return NDC_OK;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

enum ndc_err ndc_file_remove_tree(const char *path, struct ndc_fault *fault)
{
    if (!ndc_file_exists(path)) return NDC_OK;
    if (nftw(path, remove_one, TREE_DEPTH, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0)
        return ndc_fail_errno(fault, "io.remove", "remove", path);
    return NDC_OK;
}

bool ndc_file_exists(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

bool ndc_file_is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

enum ndc_err ndc_file_create(struct ndc_file_writer *w, const char *path,
                             struct ndc_fault *fault)
{
    char temp[PATH_BYTES];
    w->fd = -1;
    w->at = w->started = 0;
    w->scratch = false;
    ndc_buf_init(&w->pending, SIZE_MAX / 4);
    int n = snprintf(temp, sizeof(temp), "%s.part", path);
    if (n < 0 || (size_t)n >= sizeof(temp))
        return ndc_fail(fault, NDC_EINPUT, "io.path_too_long", "path too long: %.80s…",
                        path);
    snprintf(w->path, sizeof(w->path), "%s", path);
    w->fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    return w->fd < 0 ? ndc_fail_errno(fault, "io.write", "write", temp) : NDC_OK;
}

static enum ndc_err flush_pending(struct ndc_file_writer *w, struct ndc_fault *fault)
{
    bool ok = write_all(w->fd, ndc_buf_str(&w->pending));
    ndc_buf_reset(&w->pending);
    /* The disk begins while the rest is made, so that the sync at the end is short. */
    if (ok && !w->scratch && w->at - w->started >= START_BYTES) {
        (void)sync_file_range(w->fd, (off_t)w->started, (off_t)(w->at - w->started),
                              SYNC_FILE_RANGE_WRITE);
        w->started = w->at;
    }
    return ok ? NDC_OK : ndc_fail_errno(fault, "io.write", "write", w->path);
}

enum ndc_err ndc_file_append(struct ndc_file_writer *w, struct ndc_str data,
                             struct ndc_fault *fault)
{
    size_t before = w->pending.len;
    ndc_buf_add_str(&w->pending, data);
    return ndc_file_appended(w, before, fault);
}

enum ndc_err ndc_file_appended(struct ndc_file_writer *w, size_t before,
                               struct ndc_fault *fault)
{
    w->at += w->pending.len - before;
    return w->pending.len >= PENDING_BYTES ? flush_pending(w, fault) : NDC_OK;
}

enum ndc_err ndc_file_finish(struct ndc_file_writer *w, struct ndc_fault *fault)
{
    char temp[PATH_BYTES + 8];
    enum ndc_err err = flush_pending(w, fault);
    snprintf(temp, sizeof(temp), "%s.part", w->path);
    if (!err && !w->scratch && fsync(w->fd) != 0)
        err = ndc_fail_errno(fault, "io.write", "write", w->path);
    if (!err && rename(temp, w->path) != 0)
        err = ndc_fail_errno(fault, "io.write", "write", w->path);
    if (err) {
        ndc_file_abandon(w);
        return err;
    }
    if (!w->scratch) sync_parent(w->path);
    close(w->fd);
    w->fd = -1;
    ndc_buf_free(&w->pending);
    return NDC_OK;
}

enum ndc_err ndc_file_resume(struct ndc_file_writer *w, const char *path, uint64_t at,
                             struct ndc_fault *fault)
{
    char temp[PATH_BYTES + 8];
    struct stat st;
    *w = (struct ndc_file_writer){.fd = -1, .at = at, .started = at};
    ndc_buf_init(&w->pending, SIZE_MAX / 4);
    if (strlen(path) >= sizeof(w->path))
        return ndc_fail(fault, NDC_EINPUT, "io.path_too_long", "path too long: %.80s…",
                        path);
    snprintf(w->path, sizeof(w->path), "%s", path);
    snprintf(temp, sizeof(temp), "%s.part", path);
    w->fd = open(temp, O_WRONLY | O_CLOEXEC);
    if (w->fd < 0 || fstat(w->fd, &st) != 0 || (uint64_t)st.st_size < at ||
        ftruncate(w->fd, (off_t)at) != 0 || lseek(w->fd, (off_t)at, SEEK_SET) < 0) {
        ndc_file_suspend(w);
        return ndc_fail(fault, NDC_ECONFLICT, "io.resume",
                        "%s has not the %llu bytes to go on from", temp,
                        (unsigned long long)at);
    }
    return NDC_OK;
}

enum ndc_err ndc_file_sync(struct ndc_file_writer *w, struct ndc_fault *fault)
{
    enum ndc_err err = flush_pending(w, fault);
    if (!err && fdatasync(w->fd) != 0)
        err = ndc_fail_errno(fault, "io.write", "write", w->path);
    return err;
}

void ndc_file_suspend(struct ndc_file_writer *w)
{
    if (w->fd >= 0) close(w->fd);
    w->fd = -1;
    ndc_buf_free(&w->pending);
}

void ndc_file_abandon(struct ndc_file_writer *w)
{
    char temp[PATH_BYTES + 8];
    if (w->fd >= 0) {
        close(w->fd);
        snprintf(temp, sizeof(temp), "%s.part", w->path);
        unlink(temp);
        w->fd = -1;
    }
    ndc_buf_free(&w->pending);
}

enum ndc_err ndc_file_map(struct ndc_str *out, const char *path, struct ndc_fault *fault)
{
    struct stat st;
    *out = NDC_STR_NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return ndc_fail_errno(fault, "io.open", "open", path);
    if (fstat(fd, &st) != 0) {
        close(fd);
        return ndc_fail_errno(fault, "io.open", "look at", path);
    }
    void *at = NULL;
    if (st.st_size > 0) at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (at == MAP_FAILED) return ndc_fail_errno(fault, "io.open", "map", path);
    *out = ndc_str_n(at, (size_t)st.st_size);
    return NDC_OK;
}

void ndc_file_unmap(struct ndc_str *map)
{
    if (map->ptr && map->len) munmap((void *)(uintptr_t)map->ptr, map->len);
    *map = NDC_STR_NULL;
}

enum ndc_err ndc_file_remove(const char *path, struct ndc_fault *fault)
{
    if (unlink(path) != 0 && errno != ENOENT)
        return ndc_fail_errno(fault, "io.remove", "remove", path);
    return NDC_OK;
}

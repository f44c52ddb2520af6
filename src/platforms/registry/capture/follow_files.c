/* Change files: NDJSON, each line a change. A folder's *.ndjson are taken in the order of
 * their names, each once it is complete: it ends in a line end and has not changed for a
 * second. One that is not yet holds those after it up, for the order may matter. A path
 * that is one file is a log that grows: its lines are taken as they come.
 *
 * The position, in the commit of the rows, says how far into which file; a file that is
 * in is remembered with size and hash. So each line is taken exactly once, whatever dies.
 * A file that is not what it was, while or after it was taken, is told and passed by. */
#include "platforms/registry/capture/follow.h"

#include "base/hash.h"
#include "sys/clock.h"
#include "sys/dir.h"
#include "sys/file.h"

#include <stdio.h>

enum {
    FILES_MAX = 100000,
    LOOK_EVERY_MS = 200,
    SETTLED_MS = 1000,
    CHUNK = 1 << 18,
    LINE_BYTES_MAX = 16 << 20,
    PATH_BYTES = 8192 + 512
};

struct files {
    struct ndc_follower *f;
    const struct ndc_source *s;
    char path[8192];
    bool folder;
    struct ndc_arena arena;       /* of one look */
    struct ndc_arena taken_arena; /* of what follows */
    struct ndc_taken_file *taken;
    size_t taken_count;

    char name[256]; /* of the position */
    struct ndc_file_position at;
    struct ndc_buf data; /* read and not given: whole lines, and the beginning of one */
    struct ndc_file_reader reader;
};

static const struct ndc_taken_file *find_taken(const struct files *t, struct ndc_str name)
{
    size_t low = 0, high = t->taken_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = ndc_str_cmp(t->taken[middle].name, name);
        if (order == 0) return &t->taken[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static enum ndc_err read_taken(struct files *t, struct ndc_fault *fault)
{
    ndc_arena_reset(&t->taken_arena);
    enum ndc_err err = ndc_capture_files_read(t->f->registry, &t->taken_arena, t->s->id,
                                              &t->taken, &t->taken_count, fault);
    ndc_mutex_lock(&t->f->lock);
    t->f->status.files_taken = t->taken_count;
    ndc_mutex_unlock(&t->f->lock);
    return err;
}

static void path_of(const struct files *t, char out[static PATH_BYTES],
                    struct ndc_str name)
{
    if (t->folder)
        snprintf(out, PATH_BYTES, "%s/%.*s", t->path, NDC_STR_FMT(name));
    else
        snprintf(out, PATH_BYTES, "%s", t->path);
}

static void tell_file(struct files *t, struct ndc_str name, uint64_t bytes)
{
    ndc_mutex_lock(&t->f->lock);
    struct ndc_capture_status *s = &t->f->status;
    snprintf(s->file, sizeof(s->file), "%.*s", NDC_STR_FMT(name));
    s->file_at = t->at.offset;
    s->file_bytes = bytes;
    ndc_mutex_unlock(&t->f->lock);
}

/* ---- one file ---- */

static enum ndc_err give(struct files *t, struct ndc_str lines, uint64_t count,
                         struct ndc_fault *fault)
{
    struct ndc_buf position;
    struct ndc_file_position next = t->at;
    struct ndc_str rest = lines, line;
    for (uint64_t i = 0; i < count && ndc_str_split(&rest, '\n', &line); i++)
        next.hash = ndc_hash_join(next.hash, ndc_hash_str(line, 1));
    next.offset += lines.len;
    next.lines += count;
    ndc_buf_init(&position, 1024);
    ndc_file_position_write(&position, &next);
    enum ndc_err err = ndc_follower_take(t->f, lines, ndc_buf_str(&position), fault);
    ndc_buf_free(&position);
    if (!err) t->at = next;
    return err;
}

/* The whole lines that are read, at most a batch of them; the length with line ends. */
static size_t whole_lines(const struct ndc_buf *data, uint64_t *count)
{
    size_t len = 0;
    *count = 0;
    while (*count < NDC_BATCH_CHANGES_MAX && len < NDC_BATCH_BYTES_MAX &&
           len < data->len) {
        const char *end = memchr(data->ptr + len, '\n', data->len - len);
        if (!end) break;
        len = (size_t)(end - data->ptr) + 1;
        ++*count;
    }
    return len;
}

static enum ndc_err give_lines(struct files *t, bool all, struct ndc_fault *fault)
{
    enum ndc_err err = NDC_OK;
    for (uint64_t count; !err;) {
        size_t len = whole_lines(&t->data, &count);
        bool full = count == NDC_BATCH_CHANGES_MAX || len >= NDC_BATCH_BYTES_MAX;
        if (len == 0 || (!full && !all)) break;
        err = give(t, ndc_str_n(t->data.ptr, len), count, fault);
        if (err) break;
        memmove(t->data.ptr, t->data.ptr + len, t->data.len - len);
        t->data.len -= len;
    }
    return err;
}

static enum ndc_err changed(const struct files *t, struct ndc_str name,
                            struct ndc_fault *fault)
{
    return ndc_fail(
        fault, NDC_ECONFLICT, "capture.file_changed",
        "paused: %.*s is no longer the file of which the first %llu lines were "
        "taken: put that one back, or remove it and give what is new another "
        "name",
        NDC_STR_FMT(name), (unsigned long long)t->at.lines);
}

/* Reads again what was taken of the file, to know that it is the same one. */
static enum ndc_err pass_taken(struct files *t, struct ndc_str name,
                               struct ndc_fault *fault)
{
    uint64_t offset = 0, hash = 0;
    char *chunk = ndc_xmalloc(CHUNK);
    enum ndc_err err = NDC_OK;
    while (!err && offset < t->at.offset) {
        size_t len, used;
        err = ndc_file_next(&t->reader, chunk,
                            (size_t)NDC_MIN((uint64_t)CHUNK, t->at.offset - t->reader.at),
                            &len, fault);
        if (!err && len == 0) err = changed(t, name, fault);
        if (err) break;
        ndc_buf_add(&t->data, chunk, len);
        for (used = 0; used < t->data.len;) {
            const char *end = memchr(t->data.ptr + used, '\n', t->data.len - used);
            if (!end) break;
            size_t line = (size_t)(end - (t->data.ptr + used));
            hash = ndc_hash_join(hash, ndc_hash64(t->data.ptr + used, line, 1));
            used += line + 1;
        }
        offset += used;
        memmove(t->data.ptr, t->data.ptr + used, t->data.len - used);
        t->data.len -= used;
        if (t->reader.at == t->at.offset && offset < t->at.offset)
            err = changed(t, name, fault);
    }
    free(chunk);
    if (!err && hash != t->at.hash) err = changed(t, name, fault);
    return err;
}

/* Opens the file where its position is. */
static enum ndc_err open_file(struct files *t, struct ndc_str name,
                              struct ndc_fault *fault)
{
    char path[PATH_BYTES];
    path_of(t, path, name);
    if (!ndc_str_eq_c(name, t->name)) {
        snprintf(t->name, sizeof(t->name), "%.*s", NDC_STR_FMT(name));
        t->at = (struct ndc_file_position){.name = ndc_str(t->name)};
    }
    ndc_buf_reset(&t->data);
    enum ndc_err err = ndc_file_open(&t->reader, path, fault);
    return err ? err : pass_taken(t, name, fault);
}

/* Takes lines until the end of what is there. */
static enum ndc_err take_lines(struct files *t, struct ndc_str name,
                               struct ndc_fault *fault)
{
    char *chunk = ndc_xmalloc(CHUNK);
    enum ndc_err err = NDC_OK;
    while (!err && !ndc_follower_ended(t->f)) {
        size_t len;
        err = ndc_file_next(&t->reader, chunk, CHUNK, &len, fault);
        if (err || len == 0) break;
        ndc_buf_add(&t->data, chunk, len);
        if (t->data.failed)
            err = ndc_fail(fault, NDC_ECONFLICT, "capture.line",
                           "paused: line %llu of %.*s is longer than 16 MiB",
                           (unsigned long long)t->at.lines + 1, NDC_STR_FMT(name));
        if (!err) err = give_lines(t, false, fault);
        tell_file(t, name, t->reader.size);
    }
    free(chunk);
    if (!err && !ndc_follower_ended(t->f)) err = give_lines(t, true, fault);
    return err;
}

/* A folder's file that was complete when looked at. *whole: it is in, to its end. */
static enum ndc_err take_file(struct files *t, struct ndc_str name,
                              const struct ndc_file_stamp *stamp, struct ndc_fault *fault)
{
    struct ndc_file_stamp now;
    enum ndc_err err = open_file(t, name, fault);
    if (!err) err = take_lines(t, name, fault);
    if (!err) err = ndc_file_stamp(&t->reader, &now, fault);
    ndc_file_close(&t->reader);
    if (err || ndc_follower_ended(t->f)) return err;
    if (now.size != stamp->size || now.mtime_ns != stamp->mtime_ns ||
        t->at.offset != stamp->size)
        return NDC_OK; /* it changed meanwhile: the next look goes on with it */
    struct ndc_taken_file file = {.name = name,
                                  .size = stamp->size,
                                  .mtime_ns = stamp->mtime_ns,
                                  .hash = t->at.hash,
                                  .lines = t->at.lines};
    err = ndc_capture_file_write(t->f->registry, t->s->id, &file, fault);
    ndc_mutex_lock(&t->f->lock);
    if (t->f->status.files_waiting) t->f->status.files_waiting--;
    ndc_mutex_unlock(&t->f->lock);
    return err ? err : read_taken(t, fault);
}

/* ---- a look ---- */

/* Why a file is not complete yet, or NULL. */
static const char *not_complete(const struct ndc_file_stamp *stamp,
                                struct ndc_file_reader *reader, struct ndc_fault *fault)
{
    char last;
    size_t len;
    if (ndc_clock_wall_ms() - stamp->mtime_ns / 1000000 < SETTLED_MS)
        return "it is being written";
    if (stamp->size == 0) return NULL;
    if (ndc_file_seek(reader, stamp->size - 1, fault) ||
        ndc_file_next(reader, &last, 1, &len, fault) || len != 1)
        return "it cannot be read";
    return last == '\n' ? NULL : "its last line is not complete";
}

static void note_changed(struct files *t, const struct ndc_taken_file *taken,
                         const struct ndc_file_stamp *now)
{
    char note[NDC_FAULT_MESSAGE_MAX];
    if (taken->size == now->size && taken->mtime_ns == now->mtime_ns) return;
    snprintf(
        note, sizeof(note),
        "%.*s is not the file that was taken (%llu bytes then, %llu now): it is passed "
        "by; give what is new another name",
        NDC_STR_FMT(taken->name), (unsigned long long)taken->size,
        (unsigned long long)now->size);
    ndc_follower_note(t->f, note);
}

/* One file of the folder: passed by, taken, or waited for. */
static enum ndc_err look_at(struct files *t, struct ndc_str name, bool *waits,
                            struct ndc_fault *fault)
{
    char path[PATH_BYTES], why[NDC_FAULT_MESSAGE_MAX];
    struct ndc_file_stamp stamp;
    struct ndc_file_reader reader;
    path_of(t, path, name);
    enum ndc_err err = ndc_file_open(&reader, path, fault);
    if (err) return err;
    err = ndc_file_stamp(&reader, &stamp, fault);
    const struct ndc_taken_file *taken = find_taken(t, name);
    const char *reason = err || taken ? NULL : not_complete(&stamp, &reader, fault);
    ndc_file_close(&reader);
    if (err) return err;
    if (taken) {
        note_changed(t, taken, &stamp);
        return NDC_OK;
    }
    tell_file(t, name, stamp.size);
    if (!reason) return take_file(t, name, &stamp, fault);
    *waits = true;
    snprintf(why, sizeof(why), "waits for %.*s: %s", NDC_STR_FMT(name), reason);
    ndc_follower_note(t->f, why);
    return NDC_OK;
}

static enum ndc_err look_folder(struct files *t, bool *waits, struct ndc_fault *fault)
{
    struct ndc_str *names;
    size_t n, left = 0;
    ndc_arena_reset(&t->arena);
    enum ndc_err err =
        ndc_dir_list(&t->arena, &names, &n, t->path, ".ndjson", FILES_MAX, fault);
    ndc_follower_note(t->f, "");
    for (size_t i = 0; i < n && !err; i++)
        left += !find_taken(t, names[i]);
    ndc_mutex_lock(&t->f->lock);
    t->f->status.files_waiting = left;
    ndc_mutex_unlock(&t->f->lock);
    for (size_t i = 0; i < n && !err && !*waits && !ndc_follower_ended(t->f); i++)
        err = look_at(t, names[i], waits, fault);
    return err;
}

/* A single file that grows. It stays open: what was taken is read again only at the start
 * and when another file has its name. */
static enum ndc_err look_log(struct files *t, struct ndc_fault *fault)
{
    struct ndc_file_stamp stamp;
    struct ndc_file_reader reader;
    struct ndc_str name =
        ndc_str(strrchr(t->path, '/') ? strrchr(t->path, '/') + 1 : t->path);
    if (!ndc_file_exists(t->path)) {
        ndc_follower_note(t->f, "the file is not there yet");
        return NDC_OK;
    }
    enum ndc_err err = ndc_file_open(&reader, t->path, fault);
    if (!err) err = ndc_file_stamp(&reader, &stamp, fault);
    ndc_file_close(&reader);
    if (err) return err;
    ndc_follower_note(t->f, "");
    tell_file(t, name, stamp.size);
    if (ndc_str_eq_c(name, t->name) && stamp.size < t->at.offset)
        return changed(t, name, fault);
    if (t->reader.fd < 0) err = open_file(t, name, fault);
    if (!err) err = take_lines(t, name, fault);
    if (!err && t->reader.at < stamp.size && !ndc_follower_ended(t->f))
        ndc_file_close(&t->reader); /* the name is another file's now */
    return err;
}

static enum ndc_err read_position(struct files *t, struct ndc_fault *fault)
{
    struct ndc_str text = NDC_STR_NULL;
    struct ndc_file_position p;
    enum ndc_err err =
        t->f->hooks.position(t->f->hooks.arg, &t->arena, t->s->id, &text, fault);
    if (err || !ndc_file_position_read(&p, text) || p.name.len >= sizeof(t->name))
        return err;
    snprintf(t->name, sizeof(t->name), "%.*s", NDC_STR_FMT(p.name));
    t->at = p;
    t->at.name = ndc_str(t->name);
    return NDC_OK;
}

static enum ndc_err watch(struct files *t, struct ndc_fault *fault)
{
    enum ndc_err err = NDC_OK;
    while (!err && !ndc_follower_ended(t->f)) {
        bool waits = false;
        err = t->folder ? look_folder(t, &waits, fault) : look_log(t, fault);
        if (err || ndc_follower_ended(t->f)) break;
        ndc_follower_caught_up(t->f, !waits);
        if (t->f->run && t->f->run->once && !waits) {
            ndc_mutex_lock(&t->f->lock);
            t->f->done = true;
            ndc_mutex_unlock(&t->f->lock);
            break;
        }
        ndc_follower_wait(t->f, LOOK_EVERY_MS);
    }
    return err;
}

enum ndc_err ndc_follow_files(struct ndc_follower *f, const struct ndc_source *s,
                              const char *folder, struct ndc_fault *fault)
{
    struct files *t = ndc_xcalloc(1, sizeof(*t));
    bool relative = s->path.ptr[0] != '/' && folder[0];
    t->f = f;
    t->s = s;
    t->reader.fd = -1;
    ndc_arena_init(&t->arena, 64 << 20);
    ndc_arena_init(&t->taken_arena, 64 << 20);
    ndc_buf_init(&t->data, LINE_BYTES_MAX + CHUNK);
    snprintf(t->path, sizeof(t->path), "%s%s%.*s", relative ? folder : "",
             relative ? "/" : "", NDC_STR_FMT(s->path));
    /* A name like a file's is a file, also before it is there. */
    t->folder = ndc_file_is_folder(t->path) ||
                (!ndc_file_exists(t->path) && !strstr(t->path, ".ndjson"));
    enum ndc_err err = read_position(t, fault);
    if (!err) err = read_taken(t, fault);
    if (!err) {
        ndc_follower_state(f, NDC_CAPTURE_FOLLOWING, NULL, NULL);
        err = watch(t, fault);
    }
    ndc_file_close(&t->reader);
    ndc_buf_free(&t->data);
    ndc_arena_free(&t->arena);
    ndc_arena_free(&t->taken_arena);
    free(t);
    return err;
}

/* The nation through named pipes: each table is made while it is read, so that a nation
 * larger than the disk can be loaded. */
#include "platforms/registry/demo/demo.h"
#include "sys/file.h"
#include "sys/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, PIPE_BYTES = 1 << 20 };

struct pipe_table {
    const struct ndc_demo_config *config;
    char path[PATH_BYTES];
    unsigned id;
    int fd;
    uint64_t rows;
    struct ndc_fault fault;
};

static bool is_piped(unsigned id)
{
    return ndc_demo_table(id)->format != NDC_DEMO_SQLITE;
}

static enum ndc_err path_of(char path[static PATH_BYTES], const char *directory,
                            unsigned id, struct ndc_fault *fault)
{
    int n = snprintf(path, PATH_BYTES, "%s/%s", directory, ndc_demo_table(id)->file);
    if (n < PATH_BYTES) return NDC_OK;
    return ndc_fail(fault, NDC_EINPUT, "demo.path", "the folder's path is too long");
}

enum ndc_err ndc_demo_pipes_make(const struct ndc_demo_config *config,
                                 const char *directory, struct ndc_fault *fault)
{
    struct ndc_demo_config files = *config;
    struct ndc_demo_stats stats;
    files.tables = 0;
    for (unsigned id = 0; id < NDC_DEMO_SOURCES; id++)
        if (!is_piped(id)) files.tables |= 1u << id;
    enum ndc_err err = ndc_demo_write(&stats, &files, directory, NULL, NULL, fault);
    for (unsigned id = 0; id < NDC_DEMO_SOURCES && !err; id++) {
        char path[PATH_BYTES];
        if (!is_piped(id)) continue;
        err = path_of(path, directory, id, fault);
        if (!err) err = ndc_file_remove(path, fault);
        if (!err && mkfifo(path, 0600) != 0)
            err = ndc_fail_errno(fault, "io.open", "make a pipe of", path);
    }
    return err;
}

static enum ndc_err give(struct pipe_table *t, struct ndc_str bytes,
                         struct ndc_fault *fault)
{
    while (bytes.len) {
        ssize_t n = write(t->fd, bytes.ptr, bytes.len);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return ndc_fail_errno(fault, "io.write", "write", t->path);
        bytes = ndc_str_from(bytes, (size_t)n);
    }
    return NDC_OK;
}

static enum ndc_err give_chunk(void *ctx, const struct ndc_demo_chunk *chunk,
                               struct ndc_fault *fault)
{
    struct pipe_table *t = ctx;
    t->rows += chunk->row_count;
    return give(t, chunk->bytes, fault);
}

/* Waits until somebody opens the pipe to read it. */
static void serve(void *arg)
{
    struct pipe_table *t = arg;
    struct ndc_demo_config config = *t->config;
    struct ndc_demo_stats stats;
    struct ndc_buf header;
    const struct ndc_demo_sink sink = {give_chunk, NULL, t};
    config.tables = 1u << t->id;
    config.threads = 1;
    t->fd = open(t->path, O_WRONLY | O_CLOEXEC);
    if (t->fd < 0) {
        ndc_fail_errno(&t->fault, "io.open", "open", t->path);
        return;
    }
    (void)fcntl(t->fd, F_SETPIPE_SZ, PIPE_BYTES); /* fewer turns between the two */
    ndc_buf_init(&header, 1 << 16);
    ndc_demo_header(&header, t->id);
    enum ndc_err err = give(t, ndc_buf_str(&header), &t->fault);
    if (!err) err = ndc_demo_generate(&stats, &config, &sink, &t->fault);
    NDC_ASSERT(!err == !t->fault.err);
    ndc_buf_free(&header);
    close(t->fd);
}

enum ndc_err ndc_demo_pipes_serve(uint64_t *rows, const struct ndc_demo_config *config,
                                  const char *directory, struct ndc_fault *fault)
{
    struct pipe_table *tables = ndc_xcalloc(NDC_DEMO_SOURCES, sizeof(*tables));
    struct ndc_thread threads[NDC_DEMO_SOURCES];
    enum ndc_err err = NDC_OK;
    *rows = 0;
    for (unsigned id = 0; id < NDC_DEMO_SOURCES && !err; id++) {
        tables[id].config = config;
        tables[id].id = id;
        if (is_piped(id)) err = path_of(tables[id].path, directory, id, fault);
    }
    for (unsigned id = 0; id < NDC_DEMO_SOURCES && !err; id++)
        if (is_piped(id)) ndc_thread_start(&threads[id], "ndc-pipe", serve, &tables[id]);
    for (unsigned id = 0; id < NDC_DEMO_SOURCES && !err; id++) {
        if (!is_piped(id)) continue;
        ndc_thread_join(&threads[id]);
        *rows += tables[id].rows;
    }
    for (unsigned id = 0; id < NDC_DEMO_SOURCES && !err; id++) {
        err = tables[id].fault.err;
        if (err && fault) *fault = tables[id].fault;
    }
    free(tables);
    return err;
}

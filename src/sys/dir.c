/* Names in a folder, sorted so that what is read in order is the same everywhere. */
#include "sys/dir.h"

#include <dirent.h>
#include <errno.h>

static int by_name(const void *a, const void *b)
{
    return ndc_str_cmp(*(const struct ndc_str *)a, *(const struct ndc_str *)b);
}

enum ndc_err ndc_dir_list(struct ndc_arena *arena, struct ndc_str **names, size_t *n,
                          const char *path, const char *suffix, size_t max,
                          struct ndc_fault *fault)
{
    *n = 0;
    *names = NDC_ARENA_ARRAY(arena, struct ndc_str, max);
    DIR *dir = opendir(path);
    if (!dir && errno == ENOENT) return NDC_OK;
    if (!dir) return ndc_fail_errno(fault, "io.dir", "read the folder", path);
    enum ndc_err err = NDC_OK;
    struct ndc_str end = ndc_str(suffix);
    for (struct dirent *e; !err && (e = readdir(dir));) {
        struct ndc_str name = ndc_str(e->d_name);
        if (name.ptr[0] == '.' || name.len <= end.len ||
            !ndc_str_eq(ndc_str_from(name, name.len - end.len), end))
            continue;
        if (*n == max)
            err = ndc_fail(fault, NDC_ETOOBIG, "io.dir", "%s holds more than %zu files",
                           path, max);
        else
            (*names)[(*n)++] = ndc_arena_str(arena, name);
    }
    closedir(dir);
    qsort(*names, *n, sizeof(**names), by_name);
    return err;
}

/* A folder of declarations: every *.yaml in it, in the order of their names. */
#include "platforms/registry/registry_platform.h"
#include "sys/dir.h"
#include "sys/file.h"

#include <stdio.h>

enum { YAML_MAX = 1 << 20, FILES_MAX = NDC_REGISTRY_SOURCES_MAX };

static enum ndc_err declare_one(struct ndc_registry *reg, const char *folder,
                                const char *name, int64_t *run, struct ndc_fault *fault)
{
    char path[4096];
    struct ndc_buf yaml;
    struct ndc_registered *source;
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    ndc_buf_init(&yaml, YAML_MAX);
    enum ndc_err err = ndc_file_read(&yaml, path, fault);
    if (!err)
        err = ndc_registry_declare(reg, ndc_buf_str(&yaml), ndc_str(folder), &source,
                                   fault);
    if (err == NDC_EINPUT && fault) {
        struct ndc_fault named = *fault;
        *fault = (struct ndc_fault){0};
        err = ndc_fail_at(fault, err, named.code, named.field, named.line, "%s: %s", name,
                          named.message);
    }
    ndc_buf_free(&yaml);
    if (!err)
        err = ndc_registry_queue_run(reg, source->source->id, NDC_STR_NULL, run, fault);
    return err;
}

enum ndc_err ndc_registry_declare_folder(struct ndc_registry *reg, const char *folder,
                                         int64_t *runs, size_t max, size_t *count,
                                         struct ndc_fault *fault)
{
    struct ndc_arena arena;
    struct ndc_str *names;
    size_t n = 0;
    *count = 0;
    ndc_arena_init(&arena, 4 << 20);
    enum ndc_err err =
        ndc_dir_list(&arena, &names, &n, folder, ".yaml", FILES_MAX, fault);
    for (size_t i = 0; i < n && !err && *count < max; i++) {
        err = declare_one(reg, folder, names[i].ptr, &runs[*count], fault);
        if (!err) (*count)++;
    }
    ndc_arena_free(&arena);
    if (!err && n == 0)
        err = ndc_fail(fault, NDC_ENOTFOUND, "registry.no_declarations",
                       "no *.yaml declaration in %s", folder);
    return err;
}

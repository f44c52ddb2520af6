/* A store of very many people, without the pipeline that would take days for them here:
 * people of the demo nation, one or two records each, mapped, chosen, encoded and indexed
 * by the registry's own code and written as a first build writes them, but in portions
 * and with the links known beforehand. Every reader works on it unchanged.
 *
 * usage: people_bench make PEOPLE DATA_DIR         DATA_DIR/registry.db, for `ndc serve`
 *        people_bench search DATA_DIR [PER_KIND [SEED]]
 * A store that is there with as many people is used again. */
#include "bench/people_bench.h"

#include "bench/cpu.h"

#include "platforms/registry/meta.h"
#include "sys/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static enum ndc_err people_there(struct ndc_registry *reg, uint64_t *people,
                                 struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    int64_t n;
    enum ndc_err err = ndc_store_take(reg->store, NDC_READ, &conn, fault);
    if (err) return err;
    err = ndc_registry_meta_i64(conn, "people_bench", &n, fault);
    *people = (uint64_t)n;
    ndc_store_give(conn);
    return err;
}

/* Out of the page cache, so that the first pass reads from the disk. */
static void forget(const char *dir)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/registry.db", dir);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    if (fsync(fd) != 0 || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) != 0)
        fprintf(stderr, "people_bench: the file stays in the page cache\n");
    close(fd);
}

static enum ndc_err run(bool make, uint64_t wanted, const char *dir, size_t per_kind,
                        uint64_t seed, struct ndc_fault *fault)
{
    char url[4096], stage[4096];
    struct ndc_store *store;
    struct ndc_registry *reg;
    uint64_t people;
    snprintf(url, sizeof(url), "sqlite:%s/registry.db", dir);
    snprintf(stage, sizeof(stage), "%s/stage", dir);
    if (!make) forget(dir);
    enum ndc_err err = ndc_registry_open_store(&store, url, fault);
    if (err) return err;
    err = ndc_registry_open(&reg, store, stage, 0, fault);
    if (!err) {
        err = people_there(reg, &people, fault);
        if (!err && make && people == wanted)
            fprintf(stderr, "people_bench: the store has them already\n");
        else if (!err && make && ndc_registry_generation(reg) > 0)
            err = ndc_fail(fault, NDC_ECONFLICT, "people_bench.there",
                           "%s is a store of other people; remove it first", url);
        else if (!err && make)
            err = people_make(reg, wanted, fault);
        else if (!err && people == 0)
            err = ndc_fail(fault, NDC_ENOTFOUND, "people_bench.none",
                           "make the people first: people_bench make PEOPLE %s", dir);
        else if (!err)
            err = people_search(reg, people, per_kind, seed, fault);
        ndc_registry_close(reg);
    }
    ndc_store_close(store);
    return err;
}

int main(int argc, char **argv)
{
    struct ndc_fault fault = {0};
    uint64_t people = 0, per_kind = 200, seed = 1;
    bool make = argc == 4 && strcmp(argv[1], "make") == 0;
    bool search = argc >= 3 && argc <= 5 && strcmp(argv[1], "search") == 0;
    if ((!make && !search) || (make && !ndc_str_to_u64(ndc_str(argv[2]), &people)) ||
        (search && argc > 3 && !ndc_str_to_u64(ndc_str(argv[3]), &per_kind)) ||
        (search && argc > 4 && !ndc_str_to_u64(ndc_str(argv[4]), &seed))) {
        fprintf(stderr, "usage: people_bench make PEOPLE DATA_DIR\n"
                        "       people_bench search DATA_DIR [PER_KIND [SEED]]\n");
        return 2;
    }
    const char *dir = argv[make ? 3 : 2];
    if (ndc_file_mkdirs(dir, &fault) ||
        run(make, people, dir, (size_t)per_kind, seed, &fault)) {
        fprintf(stderr, "people_bench: %s: %s\n", fault.code, fault.message);
        return 1;
    }
    return 0;
}

/* `ndc shard add|init|list|move`: beside the daemon, all but init. */
#include "platforms/registry/shard/command.h"

#include "platforms/registry/shard/shard.h"

#include <stdio.h>

enum { LIST_BYTES = 1 << 20 };

const struct ndc_option ndc_shard_init_options[] = {
    {"shards", "N", "64", "logical shards; their number never changes"}, {0}};

static enum ndc_err open_shards(struct ndc_command_call *call, bool alone,
                                struct ndc_shards **shards, struct ndc_fault *fault)
{
    enum ndc_err err =
        alone ? ndc_app_open(call->app, fault) : ndc_app_attach(call->app, fault);
    struct ndc_store *store = err ? NULL : ndc_app_store(call->app);
    if (!err) err = ndc_shards_possible(store, fault);
    if (!err)
        err = ndc_migrate(store, "registry", ndc_registry_migrations,
                          ndc_registry_migrations_n, fault);
    return err ? err : ndc_shards_open(shards, store, fault);
}

enum ndc_err ndc_shard_command_add(struct ndc_command_call *call, struct ndc_fault *fault)
{
    struct ndc_shards *shards = NULL;
    enum ndc_err err = open_shards(call, false, &shards, fault);
    if (!err)
        err =
            ndc_shard_add(shards, ndc_str(call->args[0]), ndc_str(call->args[1]), fault);
    if (!err)
        printf("%s is known; \"ndc shard %s\" puts shards on it\n", call->args[0],
               ndc_shards_count(shards) ? "move" : "init");
    ndc_shards_close(shards);
    return err;
}

enum ndc_err ndc_shard_command_init(struct ndc_command_call *call,
                                    struct ndc_fault *fault)
{
    struct ndc_shards *shards = NULL;
    int64_t count;
    enum ndc_err err = ndc_command_i64(call, "shards", 1, NDC_SHARDS_MAX, &count, fault);
    if (!err) err = open_shards(call, true, &shards, fault);
    if (!err) err = ndc_shard_init(shards, (unsigned)count, fault);
    if (!err) printf("%lld shards\n", (long long)count);
    ndc_shards_close(shards);
    return err;
}

enum ndc_err ndc_shard_command_list(struct ndc_command_call *call,
                                    struct ndc_fault *fault)
{
    struct ndc_shards *shards = NULL;
    struct ndc_shard_state *states;
    struct ndc_arena arena;
    size_t n = 0;
    ndc_arena_init(&arena, LIST_BYTES);
    enum ndc_err err = open_shards(call, false, &shards, fault);
    if (!err) err = ndc_shard_list(shards, &arena, true, &states, &n, fault);
    if (!err)
        printf("%-16s %6s %6s %9s %12s %9s\n", "server", "shards", "moving", "waiting",
               "entities", "MiB");
    for (size_t i = 0; i < n && !err; i++) {
        const struct ndc_shard_state *s = &states[i];
        printf("%-16s %6u %6u %9lld ", s->name, s->shards, s->moving,
               (long long)s->waiting);
        if (s->entities < 0)
            printf("away: %s\n", s->why);
        else
            printf("%12lld %9lld\n", (long long)s->entities, (long long)(s->bytes >> 20));
    }
    ndc_arena_free(&arena);
    ndc_shards_close(shards);
    return err;
}

static void tell(void *arg, const char *what, uint64_t rows)
{
    const unsigned *shard = arg;
    if (rows)
        printf("shard %u: %s %llu\n", *shard, what, (unsigned long long)rows);
    else
        printf("shard %u: %s\n", *shard, what);
    fflush(stdout);
}

enum ndc_err ndc_shard_command_move(struct ndc_command_call *call,
                                    struct ndc_fault *fault)
{
    struct ndc_shards *shards = NULL;
    int64_t shard;
    if (!ndc_str_to_i64(ndc_str(call->args[0]), &shard) || shard < 0 ||
        shard >= NDC_SHARDS_MAX)
        return ndc_usage(fault, "SHARD is a number from 0 on");
    unsigned number = (unsigned)shard;
    enum ndc_err err = open_shards(call, false, &shards, fault);
    if (!err)
        err =
            ndc_shard_move(shards, number, ndc_str(call->args[1]), tell, &number, fault);
    ndc_shards_close(shards);
    return err;
}

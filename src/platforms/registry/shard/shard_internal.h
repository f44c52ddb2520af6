/* The map and the servers. */
#ifndef NDC_REGISTRY_SHARD_INTERNAL_H
#define NDC_REGISTRY_SHARD_INTERNAL_H

#include "platforms/registry/shard/shard.h"

enum { SHARD_SQL_MAX = 320, SHARD_SCHEMA_MAX = 40, SHARD_GONE_TRIES = 20 };

enum shard_state {
    SHARD_STEADY,
    SHARD_COPYING, /* to `other`: what is drained goes to both */
    SHARD_FENCING  /* moved from `other`, where the old schema is not dropped yet: nothing
                      is drained, so a reader with the old map sees the same */
};

struct shard_place {
    unsigned server, other; /* numbers; 0: none */
    int64_t epoch, other_epoch;
    enum shard_state state;
    int64_t copied; /* entities up to it are at `other` */
};

struct shard_server {
    struct ndc_shards *shards;
    unsigned number;
    char name[NDC_SHARD_NAME_MAX];
    char *conninfo;

    struct ndc_mutex lock; /* guards what follows; taken alone */
    struct ndc_store *store;
    int64_t failed_ns; /* when it last did not answer; 0: it does */
    bool probed;       /* by its thread */
    char why[NDC_FAULT_MESSAGE_MAX];

    /* Of the thread that drains to it, and of who drains at once. */
    struct ndc_mutex drain; /* guards what follows; before the map's */
    int64_t cursor;         /* rows up to it are brought */
    bool rewind;            /* by the map's lock: from the beginning again */
    char *active;           /* shards the cursor is of */
    struct ndc_thread thread;
    bool started;
};

struct ndc_shards {
    struct ndc_store *store; /* the coordinator */
    struct ndc_overlay *overlay;
    struct ndc_metrics *metrics;
    struct ndc_mutex lock; /* guards what follows */
    struct ndc_cond wake;
    bool stop;
    unsigned draining; /* threads with a connection of the coordinator */
    unsigned count;
    struct shard_place places[NDC_SHARDS_MAX];
    struct shard_server *servers[NDC_SHARD_SERVERS_MAX + 1]; /* by number */
    unsigned server_count;
};

/* map.c */
/* Reads the map anew; `conn` is of the coordinator, or NULL: one of its own. */
enum ndc_err ndc_shards_refresh(struct ndc_shards *shards, struct ndc_store_conn *conn,
                                struct ndc_fault *fault) NDC_MUST_USE;
struct shard_place ndc_shards_place(struct ndc_shards *shards, unsigned shard);
/* All places at one moment; returns the largest number of a server. */
unsigned ndc_shards_places(struct ndc_shards *shards,
                           struct shard_place out[static NDC_SHARDS_MAX]);
struct shard_server *ndc_shards_server(struct ndc_shards *shards, unsigned number);
void ndc_shard_schema(char out[SHARD_SCHEMA_MAX], unsigned shard, int64_t epoch);
/* The server's lock on the coordinator, to the end of the transaction: who drains to a
 * server, or changes where a shard of it is, holds it. */
enum ndc_err ndc_shard_hold(struct ndc_store_conn *conn, unsigned server,
                            struct ndc_fault *fault) NDC_MUST_USE;

/* move.c: an empty shard on a server; what stood under the name is gone. */
enum ndc_err ndc_shard_make_place(struct shard_server *server, unsigned shard,
                                  int64_t epoch, struct ndc_fault *fault) NDC_MUST_USE;

/* server.c */
/* Writes n rows of (entity, type, updated_ms, payload, change) to a shard, only over
 * older ones; `same`: also over those of the same change. In the connection's
 * transaction. */
enum ndc_err ndc_shard_put(struct ndc_store_conn *conn, const char *schema, bool same,
                           const struct ndc_val *vals, size_t n,
                           struct ndc_fault *fault) NDC_MUST_USE;
/* A connection; a server that has not answered is not asked again until its thread has
 * had an answer (server.c). */
enum ndc_err ndc_shard_take(struct shard_server *server, enum ndc_access access,
                            struct ndc_store_conn **conn,
                            struct ndc_fault *fault) NDC_MUST_USE;
/* Asks a server that has not answered whether it does again; true: it does, or has. Of
 * the server's thread. */
bool ndc_shard_probe(struct shard_server *server);
/* What a statement on the server ended with, as this server's fault. */
enum ndc_err ndc_shard_err(struct shard_server *server, enum ndc_err err,
                           const struct ndc_fault *why, struct ndc_fault *fault);
/* The schema is no longer there: the map is old. */
bool ndc_shard_is_gone(enum ndc_err err, const struct ndc_fault *why);

#endif

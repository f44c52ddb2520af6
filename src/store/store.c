/* A database and its pool of connections. Readers and writers have pools of their own, so
 * that reading can neither starve nor be starved by writing; SQLite has one writer. */
#include "store/store.h"

#include "store/inject.h"
#include "store/internal.h"
#include "sys/clock.h"

#include <stdio.h>

static void default_unsigned(unsigned *v, unsigned value)
{
    if (*v == 0) *v = value;
}

static void set_defaults(struct ndc_store_options *o, enum ndc_store_kind kind)
{
    default_unsigned(&o->readers_max, 16);
    default_unsigned(&o->writers_max, 4);
    default_unsigned(&o->take_timeout_ms, 10000);
    default_unsigned(&o->statement_timeout_ms, 30000);
    default_unsigned(&o->group_max, 256);
    if (o->result_bytes_max == 0) o->result_bytes_max = (size_t)64 << 20;
    if (o->cache_bytes == 0) o->cache_bytes = (size_t)16 << 20;
    if (kind == NDC_SQLITE) o->writers_max = 1;
}

static enum ndc_err parse_url(struct ndc_store *store, const char *url,
                              struct ndc_fault *fault)
{
    struct ndc_str s = ndc_str(url ? url : "");
    if (ndc_str_starts(s, NDC_STR("sqlite:"))) {
        store->driver = &ndc_driver_sqlite;
        s = ndc_str_from(s, 7);
    } else if (ndc_str_starts(s, NDC_STR("postgres:"))) {
        store->driver = &ndc_driver_postgres;
        s = ndc_str_from(s, 9);
        /* postgres://host/db is libpq's own URI: hand it on whole */
        if (ndc_str_starts(s, NDC_STR("//"))) s = ndc_str(url);
    } else if (ndc_str_starts(s, NDC_STR("postgresql:"))) {
        store->driver = &ndc_driver_postgres;
    } else {
        return ndc_fail(fault, NDC_EINPUT, "db.url",
                        "a database is sqlite:PATH or postgres:CONNINFO, not \"%.100s\"",
                        url ? url : "");
    }
    if (s.len == 0 && store->driver == &ndc_driver_sqlite) {
        return ndc_fail(fault, NDC_EINPUT, "db.url", "sqlite: wants the path of a file");
    }
    store->target = ndc_xmalloc(s.len + 1);
    memcpy(store->target, s.ptr ? s.ptr : "", s.len);
    store->target[s.len] = '\0';
    return NDC_OK;
}

static struct ndc_store_conn *new_conn(struct ndc_store *store, enum ndc_access access)
{
    struct ndc_store_conn *conn = ndc_xcalloc(1, store->driver->conn_bytes);
    conn->store = store;
    conn->access = access;
    conn->timeout_ms = store->options.statement_timeout_ms;
    return conn;
}

static void free_conn(struct ndc_store_conn *conn)
{
    if (conn->open) conn->store->driver->shut(conn);
    while (conn->spare_rows) {
        struct ndc_rows *rows = conn->spare_rows;
        conn->spare_rows = rows->spare;
        ndc_arena_free(&rows->scratch);
        free(rows);
    }
    free(conn);
}

enum ndc_err ndc_store_revive(struct ndc_store_conn *conn, struct ndc_fault *fault)
{
    NDC_ASSERT(!conn->tx && conn->rows_open == 0);
    if (conn->open) {
        conn->store->driver->shut(conn);
        conn->open = false;
        ndc_mutex_lock(&conn->store->mutex);
        conn->store->stats.reconnects++;
        ndc_mutex_unlock(&conn->store->mutex);
    }
    enum ndc_err err = conn->store->driver->open(conn, fault);
    conn->open = !err;
    conn->broken = err != NDC_OK;
    return err;
}

/* Under the mutex: an idle connection, or room for a new one (then *conn is NULL). */
static bool find_free(struct ndc_conn_pool *pool, struct ndc_store_conn **conn)
{
    if (pool->idle) {
        *conn = pool->idle;
        pool->idle = (*conn)->next;
        (*conn)->next = NULL;
    } else if (pool->made < pool->max) {
        *conn = NULL;
        pool->made++;
    } else {
        return false;
    }
    pool->taken++;
    return true;
}

/* Waits for its turn: first come, first served, and a connection that comes back is
 * handed to the first in line. A loader that gives the connection and takes it again at
 * once so lets the others in between. */
static bool wait_free(struct ndc_store *store, struct ndc_conn_pool *pool,
                      struct ndc_store_conn **conn)
{
    struct ndc_waiter self = {0}, **at;
    int64_t end = ndc_clock_mono_ns() + (int64_t)store->options.take_timeout_ms * 1000000;
    ndc_mutex_lock(&store->mutex);
    bool found = !pool->first && find_free(pool, conn);
    if (found) goto out;
    store->stats.waits++;
    ndc_cond_init(&self.given);
    for (at = &pool->first; *at; at = &(*at)->next)
        continue;
    *at = &self;
    while (!self.conn) {
        int64_t left = (end - ndc_clock_mono_ns()) / 1000000;
        if (left <= 0) break;
        (void)ndc_cond_wait_ms(&self.given, &store->mutex, left);
    }
    found = self.conn != NULL;
    *conn = self.conn;
    if (!found) {
        for (at = &pool->first; *at != &self; at = &(*at)->next)
            continue;
        *at = self.next;
    }
    ndc_cond_free(&self.given);
out:
    ndc_mutex_unlock(&store->mutex);
    return found;
}

static void put_back(struct ndc_store_conn *conn)
{
    struct ndc_store *store = conn->store;
    struct ndc_conn_pool *pool = &store->pools[conn->access];
    ndc_mutex_lock(&store->mutex);
    if (pool->first) {
        struct ndc_waiter *waiter = pool->first;
        pool->first = waiter->next;
        waiter->conn = conn; /* goes on being counted as taken */
        ndc_cond_signal(&waiter->given);
    } else {
        conn->next = pool->idle;
        pool->idle = conn;
        pool->taken--;
    }
    ndc_mutex_unlock(&store->mutex);
}

/* Makes a taken connection fit for use. */
static enum ndc_err make_ready(struct ndc_store_conn *conn, struct ndc_fault *fault)
{
    if (conn->open && !conn->broken && conn->store->driver->alive(conn)) return NDC_OK;
    return ndc_store_revive(conn, fault);
}

enum ndc_err ndc_store_take(struct ndc_store *store, enum ndc_access access,
                            struct ndc_store_conn **conn, struct ndc_fault *fault)
{
    *conn = NULL;
    if (access == NDC_WRITE && store->options.read_only) {
        return ndc_fail(fault, NDC_EDB, "db.readonly", "%s was opened read-only",
                        store->driver->kind == NDC_SQLITE ? store->target : "database");
    }
    struct ndc_conn_pool *pool = &store->pools[access];
    struct ndc_store_conn *c;
    if (!wait_free(store, pool, &c)) {
        return ndc_fail(fault, NDC_EBUSY, "db.busy",
                        "all %u %s connections of the database are in use: try again",
                        pool->max, access == NDC_READ ? "reading" : "writing");
    }
    if (!c) c = new_conn(store, access);
    enum ndc_err err = make_ready(c, fault);
    if (err) {
        put_back(c);
        return err;
    }
    *conn = c;
    return NDC_OK;
}

enum ndc_err ndc_store_take_extra(struct ndc_store *store, struct ndc_store_conn **conn,
                                  struct ndc_fault *fault)
{
    if (!*conn) {
        *conn = new_conn(store, NDC_WRITE);
        (*conn)->extra = true;
    }
    return make_ready(*conn, fault);
}

void ndc_store_give(struct ndc_store_conn *conn)
{
    if (!conn) return;
    NDC_ASSERT(conn->rows_open == 0 && !conn->bulk);
    if (conn->tx) ndc_tx_rollback(conn);
    if (conn->session) {
        /* the session was left on a failure: settings must not leak to the next user */
        conn->session = false;
        conn->broken = true;
    }
    if (conn->timeout_ms != conn->store->options.statement_timeout_ms) {
        ndc_store_conn_timeout(conn, conn->store->options.statement_timeout_ms);
    }
    if (conn->extra) {
        free_conn(conn);
        return;
    }
    put_back(conn);
}

struct ndc_store *ndc_store_conn_store(const struct ndc_store_conn *conn)
{
    return conn->store;
}

void ndc_store_conn_timeout(struct ndc_store_conn *conn, unsigned statement_timeout_ms)
{
    conn->timeout_ms = statement_timeout_ms;
    if (!conn->open || conn->broken) return;
    struct ndc_fault ignored = {0};
    if (conn->store->driver->set_timeout(conn, &ignored)) conn->broken = true;
}

enum ndc_err ndc_store_open(struct ndc_store **out, const char *url,
                            const struct ndc_store_options *options,
                            struct ndc_fault *fault)
{
    *out = NULL;
    struct ndc_store *store = ndc_xcalloc(1, sizeof(*store));
    if (options) store->options = *options;
    store->fail_after = -1;
    ndc_mutex_init(&store->mutex);
    struct ndc_store_conn *conn = NULL;
    enum ndc_err err = parse_url(store, url, fault);
    if (err) goto out;
    set_defaults(&store->options, store->driver->kind);
    store->pools[NDC_READ].max = store->options.readers_max;
    store->pools[NDC_WRITE].max = store->options.writers_max;
    if (store->driver->prepare_store) {
        err = store->driver->prepare_store(store, fault);
        if (err) goto out;
    }
    /* the writer first: it creates the file that readers then find */
    err = ndc_store_take(store, store->options.read_only ? NDC_READ : NDC_WRITE, &conn,
                         fault);
    if (err) goto out;
    ndc_store_give(conn);
    if (!store->options.read_only) ndc_writer_start(store);
    *out = store;
    return NDC_OK;
out:
    ndc_store_close(store);
    return err;
}

void ndc_store_checkpoint_wait(struct ndc_store *store)
{
    if (store->checkpointing) ndc_thread_join(&store->checkpoint);
    store->checkpointing = false;
}

void ndc_store_close(struct ndc_store *store)
{
    if (!store) return;
    if (store->writer) ndc_writer_stop(store);
    ndc_store_checkpoint_wait(store);
    /* readers first: SQLite's last connection, the writer, checkpoints the log */
    for (unsigned i = 0; i < 2; i++) {
        NDC_ASSERT(store->pools[i].taken == 0);
        while (store->pools[i].idle) {
            struct ndc_store_conn *conn = store->pools[i].idle;
            store->pools[i].idle = conn->next;
            free_conn(conn);
        }
    }
    ndc_mutex_free(&store->mutex);
    free(store->target);
    free(store);
}

enum ndc_store_kind ndc_store_kind(const struct ndc_store *store)
{
    return store->driver->kind;
}

void ndc_store_stats(struct ndc_store *store, struct ndc_store_stats *out)
{
    ndc_mutex_lock(&store->mutex);
    *out = store->stats;
    out->readers_open = store->pools[NDC_READ].made;
    out->readers_taken = store->pools[NDC_READ].taken;
    out->writers_open = store->pools[NDC_WRITE].made;
    out->writers_taken = store->pools[NDC_WRITE].taken;
    ndc_mutex_unlock(&store->mutex);
}

void ndc_store_fail_after(struct ndc_store *store, int64_t writes, const char *code)
{
    ndc_mutex_lock(&store->mutex);
    store->fail_after = writes;
    snprintf(store->fail_code, sizeof(store->fail_code), "%s", code ? code : "db.full");
    ndc_mutex_unlock(&store->mutex);
}

enum ndc_err ndc_store_inject(struct ndc_store_conn *conn, struct ndc_fault *fault)
{
    struct ndc_store *store = conn->store;
    if (conn->access == NDC_READ ||
        NDC_LIKELY(__atomic_load_n(&store->fail_after, __ATOMIC_RELAXED) < 0)) {
        return NDC_OK;
    }
    ndc_mutex_lock(&store->mutex);
    bool now = store->fail_after == 0;
    if (store->fail_after >= 0)
        __atomic_store_n(&store->fail_after, store->fail_after - 1, __ATOMIC_RELAXED);
    ndc_mutex_unlock(&store->mutex);
    if (!now) return NDC_OK;
    return ndc_fail(fault, NDC_EDB, store->fail_code, "injected by a test");
}

/* The keeper (volume_store.h). A row of policy_seen is what one process newly saw of one
 * counter, numbered in commit order, so whoever has read up to a number misses nothing
 * before it. When a counter has many rows it is written whole, and the rows it stands for
 * go in the same transaction. */
#include "platforms/policy/volume_store.h"

#include "base/hash.h"
#include "core/outbox.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/random.h"
#include "sys/thread.h"

#include <endian.h>

enum {
    EVERY_MS = 1000,
    ROWS_MAX = 64,      /* of one counter, before it is written whole */
    TIDY_EVERY = 64,    /* stores between looks for such counters */
    TIDY_MAX = 256,     /* counters that one look finds */
    POSITION_LAG = 4096 /* entries of the log without anything new to store */
};

static const int64_t seen_lock = 0x6e6463736565; /* "ndcsee" */

const struct ndc_migration policy_migrations[POLICY_MIGRATIONS_N] = {
    {1, "counts of people seen, notices",
     "CREATE TABLE policy_volume ("
     "  counter BIGINT PRIMARY KEY," /* hash of requester and purpose */
     "  requester TEXT NOT NULL,"
     "  purpose TEXT NOT NULL,"
     "  since_ms BIGINT NOT NULL);"
     "CREATE TABLE policy_seen ("
     "  seq BIGINT PRIMARY KEY,"
     "  counter BIGINT NOT NULL,"
     "  writer BIGINT NOT NULL," /* of the process */
     "  thin BIGINT NOT NULL,"
     "  at_ms BIGINT NOT NULL,"
     "  seen BYTEA NOT NULL);" /* entries of 8 bytes, little-endian */
     "CREATE INDEX policy_seen_counter ON policy_seen (counter, seq);"
     "CREATE TABLE policy_position (" /* all entries of this log before seq are stored */
     "  log BIGINT PRIMARY KEY,"
     "  seq BIGINT NOT NULL,"
     "  at_ms BIGINT NOT NULL);"
     "CREATE TABLE policy_meta ("
     "  name TEXT PRIMARY KEY,"
     "  value BIGINT NOT NULL);"
     "CREATE TABLE policy_notice ("
     "  id BIGINT PRIMARY KEY,"
     "  day BIGINT NOT NULL,"
     "  requester TEXT NOT NULL,"
     "  purpose TEXT NOT NULL,"
     "  rule TEXT NOT NULL,"
     "  outcome TEXT NOT NULL,"
     "  subjects BIGINT NOT NULL,"
     "  first_ms BIGINT NOT NULL,"
     "  last_ms BIGINT NOT NULL,"
     "  times BIGINT NOT NULL,"
     "  settled_ms BIGINT NOT NULL," /* 0: open */
     "  settled_by TEXT NOT NULL,"
     "  note TEXT NOT NULL);"
     "CREATE UNIQUE INDEX policy_notice_once ON policy_notice"
     "  (day, requester, purpose, rule);"
     "CREATE INDEX policy_notice_open ON policy_notice (settled_ms, id);"},
};

struct policy_keeper {
    struct policy_service *service;
    struct policy_keeper_options options;
    uint64_t writer; /* of this process, random */
    uint64_t log;    /* which audit log; 0: it has no entry yet */
    uint64_t position;
    int64_t last_seq; /* rows of policy_seen up to here are in memory */
    unsigned stores;
    struct ndc_thread thread;

    struct ndc_mutex step; /* one step at a time; before the other lock */
    struct ndc_mutex lock; /* guards what follows */
    struct ndc_cond wake;
    bool stopping, failing;
    int64_t stored_ms;
};

static enum ndc_err read_seed(struct policy_keeper *k, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    int64_t seed = 0;
    enum ndc_err err = ndc_store_take(k->options.store, NDC_WRITE, &conn, fault);
    if (err) return err;
    err = ndc_sql_exec(conn,
                       "INSERT INTO policy_meta (name, value) VALUES ('seed', $1) "
                       "ON CONFLICT (name) DO NOTHING",
                       NDC_ARGS(ndc_int((int64_t)ndc_random_u64())), NULL, fault);
    if (!err)
        err =
            ndc_sql_i64(conn, &seed, "SELECT value FROM policy_meta WHERE name = 'seed'",
                        NDC_NO_ARGS, fault);
    ndc_store_give(conn);
    policy_volume_seed(policy_service_volume(k->service), (uint64_t)seed);
    return err;
}

/* Unites rows that others have stored since, or at the start all of them. */
static enum ndc_err read_seen(struct policy_keeper *k, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    NDC_TRY(ndc_store_take(k->options.store, NDC_READ, &conn, fault));
    struct ndc_rows *rows = ndc_sql_scan(
        conn,
        "SELECT s.seq, s.counter, s.thin, CASE WHEN s.writer = $2 THEN NULL ELSE s.seen "
        "END, v.requester, v.purpose, v.since_ms FROM policy_seen s JOIN policy_volume v "
        "ON v.counter = s.counter WHERE s.seq > $1 ORDER BY s.seq",
        NDC_ARGS(ndc_int(k->last_seq), ndc_int((int64_t)k->writer)));
    int64_t last = k->last_seq;
    while (ndc_rows_next(rows)) {
        struct ndc_str seen = ndc_rows_blob(rows, 3);
        struct policy_delta d = {.counter = (uint64_t)ndc_rows_i64(rows, 1),
                                 .thin = (unsigned)ndc_rows_i64(rows, 2),
                                 .requester = ndc_rows_text(rows, 4),
                                 .purpose = ndc_rows_text(rows, 5),
                                 .since_ms = ndc_rows_i64(rows, 6),
                                 .count = seen.len / sizeof(uint64_t)};
        last = ndc_rows_i64(rows, 0);
        if (!seen.ptr) continue;
        d.entries = ndc_xmalloc(seen.len + sizeof(uint64_t));
        memcpy(d.entries, seen.ptr, d.count * sizeof(uint64_t));
        for (size_t i = 0; i < d.count; i++)
            d.entries[i] = le64toh(d.entries[i]);
        policy_volume_merge(policy_service_volume(k->service), &d);
        free(d.entries);
    }
    enum ndc_err err = ndc_rows_end(rows, fault);
    ndc_store_give(conn);
    if (!err) k->last_seq = last;
    return err;
}

/* What one store writes. */
struct batch {
    struct policy_delta *deltas;
    size_t delta_count;
    struct policy_notice *notices;
    size_t notice_count;
    uint64_t position;
    bool move; /* the position is worth storing */
    bool events;
};

static enum ndc_err write_delta(struct policy_keeper *k, struct ndc_store_conn *conn,
                                const struct policy_delta *d, int64_t seq,
                                struct ndc_fault *fault)
{
    uint64_t *bytes = ndc_xmalloc((d->count + 1) * sizeof(*bytes));
    for (size_t i = 0; i < d->count; i++)
        bytes[i] = htole64(d->entries[i]);
    enum ndc_err err = ndc_sql_exec(
        conn,
        "INSERT INTO policy_volume (counter, requester, purpose, since_ms) VALUES "
        "($1, $2, $3, $4) ON CONFLICT (counter) DO UPDATE SET since_ms = "
        "excluded.since_ms WHERE excluded.since_ms < policy_volume.since_ms",
        NDC_ARGS(ndc_int((int64_t)d->counter), ndc_text(d->requester),
                 ndc_text(d->purpose), ndc_int(d->since_ms)),
        NULL, fault);
    if (!err && d->whole)
        err = ndc_sql_exec(
            conn, "DELETE FROM policy_seen WHERE counter = $1 AND seq <= $2",
            NDC_ARGS(ndc_int((int64_t)d->counter), ndc_int(k->last_seq)), NULL, fault);
    if (!err)
        err = ndc_sql_exec(
            conn,
            "INSERT INTO policy_seen (seq, counter, writer, thin, at_ms, seen) VALUES "
            "($1, $2, $3, $4, $5, $6)",
            NDC_ARGS(ndc_int(seq), ndc_int((int64_t)d->counter),
                     ndc_int((int64_t)k->writer), ndc_int(d->thin),
                     ndc_int(ndc_clock_wall_ms()),
                     ndc_blob(ndc_str_n((char *)bytes, d->count * sizeof(*bytes)))),
            NULL, fault);
    free(bytes);
    return err;
}

static enum ndc_err tell_new(struct ndc_store_conn *conn, const struct policy_notice *n,
                             int64_t id, struct ndc_fault *fault)
{
    struct ndc_buf text;
    struct ndc_json j;
    ndc_buf_init(&text, 4096);
    ndc_json_init(&j, &text);
    ndc_json_object(&j);
    ndc_json_kv_i64(&j, "notice", id);
    ndc_json_kv_c(&j, "requester", n->requester);
    ndc_json_kv_c(&j, "purpose", n->purpose);
    ndc_json_kv_c(&j, "rule", n->rule);
    ndc_json_kv_c(&j, "outcome", ndc_policy_outcome_name(n->outcome));
    ndc_json_kv_u64(&j, "subjects", n->subjects);
    ndc_json_end(&j);
    enum ndc_err err =
        ndc_outbox_append(conn, NDC_STR("policy.escalated"), ndc_str(n->requester),
                          ndc_buf_str(&text), NULL, fault);
    ndc_buf_free(&text);
    return err;
}

/* One row for each requester, purpose, rule and day; the first is an event too. */
static enum ndc_err write_notice(struct ndc_store_conn *conn, struct batch *b,
                                 const struct policy_notice *n, struct ndc_fault *fault)
{
    int64_t day = n->first_ms / ((int64_t)24 * 3600 * 1000), changes = 0, id = 0;
    NDC_TRY(ndc_sql_exec(
        conn,
        "UPDATE policy_notice SET outcome = $5, times = times + $6, subjects = CASE WHEN "
        "subjects < $7 THEN $7 ELSE subjects END, last_ms = CASE WHEN last_ms < $8 THEN "
        "$8 ELSE last_ms END WHERE day = $1 AND requester = $2 AND purpose = $3 AND rule "
        "= $4",
        NDC_ARGS(ndc_int(day), ndc_textz(n->requester), ndc_textz(n->purpose),
                 ndc_textz(n->rule), ndc_textz(ndc_policy_outcome_name(n->outcome)),
                 ndc_int((int64_t)n->times), ndc_int((int64_t)n->subjects),
                 ndc_int(n->last_ms)),
        &changes, fault));
    if (changes) return NDC_OK;
    NDC_TRY(ndc_sql_i64(
        conn, &id,
        "INSERT INTO policy_notice (id, day, requester, purpose, rule, outcome, "
        "subjects, first_ms, last_ms, times, settled_ms, settled_by, note) VALUES "
        "((SELECT coalesce(max(id), 0) + 1 FROM policy_notice), $1, $2, $3, $4, $5, $6, "
        "$7, $8, $9, 0, '', '') RETURNING id",
        NDC_ARGS(ndc_int(day), ndc_textz(n->requester), ndc_textz(n->purpose),
                 ndc_textz(n->rule), ndc_textz(ndc_policy_outcome_name(n->outcome)),
                 ndc_int((int64_t)n->subjects), ndc_int(n->first_ms), ndc_int(n->last_ms),
                 ndc_int((int64_t)NDC_MAX(n->times, (uint64_t)1))),
        fault));
    b->events = true;
    ndc_log(NDC_LOG_WARN, "policy",
            "escalation %lld: %s, purpose %s, rule %s, after %llu persons", (long long)id,
            n->requester, n->purpose, n->rule, (unsigned long long)n->subjects);
    return tell_new(conn, n, id, fault);
}

static enum ndc_err write_batch(struct policy_keeper *k, struct ndc_store_conn *conn,
                                struct batch *b, struct ndc_fault *fault)
{
    int64_t seq = 0;
    b->events = false;
    NDC_TRY(ndc_tx_begin(conn, fault));
    NDC_TRY(ndc_tx_lock(conn, seen_lock, fault));
    NDC_TRY(ndc_sql_i64(conn, &seq, "SELECT coalesce(max(seq), 0) FROM policy_seen",
                        NDC_NO_ARGS, fault));
    for (size_t i = 0; i < b->delta_count; i++)
        NDC_TRY(write_delta(k, conn, &b->deltas[i], ++seq, fault));
    for (size_t i = 0; i < b->notice_count; i++)
        NDC_TRY(write_notice(conn, b, &b->notices[i], fault));
    if (k->log && b->move)
        NDC_TRY(ndc_sql_exec(
            conn,
            "INSERT INTO policy_position (log, seq, at_ms) VALUES ($1, $2, $3) "
            "ON CONFLICT (log) DO UPDATE SET seq = excluded.seq, at_ms = excluded.at_ms",
            NDC_ARGS(ndc_int((int64_t)k->log), ndc_int((int64_t)b->position),
                     ndc_int(ndc_clock_wall_ms())),
            NULL, fault));
    return ndc_tx_commit(conn, fault);
}

static enum ndc_err store_batch(struct policy_keeper *k, struct batch *b,
                                struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    NDC_TRY(ndc_store_take(k->options.store, NDC_WRITE, &conn, fault));
    enum ndc_err err = write_batch(k, conn, b, fault);
    ndc_store_give(conn); /* rolls back what is open */
    return err;
}

/* The identity of a log: its first entry, whose bytes never change. */
static enum ndc_err see_first(void *arg, uint64_t seq, struct ndc_str entry)
{
    if (seq == 0) *(uint64_t *)arg = ndc_hash_str(entry, 17) | 1;
    return NDC_OK;
}

static enum ndc_err find_log(struct policy_keeper *k, struct ndc_fault *fault)
{
    uint64_t next;
    if (!k->options.audit || k->log) return NDC_OK;
    return ndc_audit_find(k->options.audit, &(struct ndc_audit_query){.limit = 1},
                          see_first, &k->log, &next, fault);
}

/* Counters of many rows are written whole with the next store. */
static enum ndc_err tidy(struct policy_keeper *k, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    NDC_TRY(ndc_store_take(k->options.store, NDC_READ, &conn, fault));
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT counter FROM policy_seen GROUP BY counter HAVING count(*) > $1 LIMIT $2",
        NDC_ARGS(ndc_int(ROWS_MAX), ndc_int(TIDY_MAX)));
    while (ndc_rows_next(rows))
        policy_volume_again(policy_service_volume(k->service),
                            (uint64_t)ndc_rows_i64(rows, 0));
    enum ndc_err err = ndc_rows_end(rows, fault);
    ndc_store_give(conn);
    return err;
}

/* Puts back what could not be stored. */
static void keep_for_later(struct policy_keeper *k, const struct batch *b)
{
    for (size_t i = 0; i < b->delta_count; i++)
        policy_volume_again(policy_service_volume(k->service), b->deltas[i].counter);
    for (size_t i = 0; i < b->notice_count; i++)
        policy_notices_add(policy_service_notices(k->service), &b->notices[i]);
}

static enum ndc_err exchange(struct policy_keeper *k, bool last, struct ndc_fault *fault)
{
    struct batch b = {.position = k->position};
    NDC_TRY(read_seen(k, fault));
    NDC_TRY(find_log(k, fault));
    if (k->options.audit) {
        /* Taken first: what these entries tell of was counted before they were written.
         */
        struct ndc_audit_head head;
        struct ndc_fault ignored = {0}; /* then the position stays */
        if (!ndc_audit_head(k->options.audit, last, &head, &ignored))
            b.position = NDC_MAX(head.size, k->position);
    }
    policy_volume_collect(policy_service_volume(k->service), &b.deltas, &b.delta_count);
    b.notice_count = policy_notices_take(policy_service_notices(k->service), &b.notices);
    bool any = b.delta_count || b.notice_count;
    b.move = b.position > k->position &&
             (any || last || b.position - k->position >= POSITION_LAG);
    enum ndc_err err = NDC_OK;
    if (any || b.move) {
        err = store_batch(k, &b, fault);
        if (err) keep_for_later(k, &b);
    }
    if (!err && b.move) k->position = b.position;
    if (!err && any && ++k->stores % TIDY_EVERY == 0) err = tidy(k, fault);
    if (!err && b.events && k->options.escalated) k->options.escalated(k->options.arg);
    policy_deltas_free(b.deltas, b.delta_count);
    free(b.notices);
    return err;
}

static enum ndc_err step(struct policy_keeper *k, bool last, struct ndc_fault *fault)
{
    ndc_mutex_lock(&k->step);
    enum ndc_err err = exchange(k, last, fault);
    ndc_mutex_unlock(&k->step);
    ndc_mutex_lock(&k->lock);
    bool was = k->failing;
    k->failing = err != NDC_OK;
    if (!err) k->stored_ms = ndc_clock_wall_ms();
    ndc_mutex_unlock(&k->lock);
    if (err && !was)
        ndc_log(NDC_LOG_ERROR, "policy",
                "counts of people seen cannot be stored (%s: %s); they are kept in "
                "memory and stored later",
                fault->code, fault->message);
    if (!err && was) ndc_log(NDC_LOG_INFO, "policy", "counts are stored again");
    return err;
}

enum ndc_err policy_keeper_step(struct policy_keeper *k, struct ndc_fault *fault)
{
    struct ndc_fault mine = {0};
    return step(k, false, fault ? fault : &mine);
}

static void run(void *arg)
{
    struct policy_keeper *k = arg;
    ndc_mutex_lock(&k->lock);
    while (!k->stopping) {
        (void)ndc_cond_wait_ms(&k->wake, &k->lock, k->options.every_ms);
        if (k->stopping) break;
        ndc_mutex_unlock(&k->lock);
        struct ndc_fault fault = {0};
        (void)!step(k, false, &fault); /* said in the log */
        ndc_mutex_lock(&k->lock);
    }
    ndc_mutex_unlock(&k->lock);
}

/* Counts what the log has after the last store. */
static enum ndc_err catch_up(struct policy_keeper *k, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    uint64_t entries = 0;
    int64_t position = 0, start = ndc_clock_mono_ns();
    NDC_TRY(find_log(k, fault));
    if (!k->log) return NDC_OK;
    NDC_TRY(ndc_store_take(k->options.store, NDC_READ, &conn, fault));
    struct ndc_rows *rows =
        ndc_sql_query(conn, "SELECT seq FROM policy_position WHERE log = $1",
                      NDC_ARGS(ndc_int((int64_t)k->log)));
    if (ndc_rows_next(rows)) position = ndc_rows_i64(rows, 0);
    enum ndc_err err = ndc_rows_end(rows, fault);
    ndc_store_give(conn);
    if (err) return err;
    k->position = (uint64_t)position;
    err = policy_replay(k->service, k->options.audit, k->position, &entries, fault);
    if (!err && entries)
        ndc_log(NDC_LOG_INFO, "policy",
                "%llu entries of the audit log counted again in %lld ms",
                (unsigned long long)entries,
                (long long)((ndc_clock_mono_ns() - start) / 1000000));
    return err;
}

enum ndc_err policy_keeper_start(struct policy_keeper **out,
                                 struct policy_service *service,
                                 const struct policy_keeper_options *options,
                                 struct ndc_fault *fault)
{
    struct policy_keeper *k = ndc_xcalloc(1, sizeof(*k));
    *out = NULL;
    k->service = service;
    k->options = *options;
    if (!k->options.every_ms) k->options.every_ms = EVERY_MS;
    k->writer = ndc_random_u64();
    ndc_mutex_init(&k->step);
    ndc_mutex_init(&k->lock);
    ndc_cond_init(&k->wake);
    enum ndc_err err = read_seed(k, fault);
    if (!err) err = read_seen(k, fault);
    if (!err) err = catch_up(k, fault);
    if (err) {
        ndc_cond_free(&k->wake);
        ndc_mutex_free(&k->lock);
        ndc_mutex_free(&k->step);
        free(k);
        return err;
    }
    ndc_thread_start(&k->thread, "policy-keeper", run, k);
    *out = k;
    return NDC_OK;
}

void policy_keeper_stop(struct policy_keeper *k)
{
    if (!k) return;
    struct ndc_fault fault = {0};
    ndc_mutex_lock(&k->lock);
    k->stopping = true;
    ndc_cond_signal(&k->wake);
    ndc_mutex_unlock(&k->lock);
    ndc_thread_join(&k->thread);
    (void)!step(k, true, &fault); /* said in the log; the audit log has the rest */
    ndc_cond_free(&k->wake);
    ndc_mutex_free(&k->lock);
    ndc_mutex_free(&k->step);
    free(k);
}

void policy_keeper_state(struct policy_keeper *k, int64_t *stored_ms, bool *failing)
{
    ndc_mutex_lock(&k->lock);
    *stored_ms = k->stored_ms;
    *failing = k->failing;
    ndc_mutex_unlock(&k->lock);
}

/* Outbox: the table of events and its numbering. Numbers are one more than the largest,
 * taken under a lock that is held until the commit: whoever sees N sees all before it, on
 * any number of connections. The last event is never purged, so numbers never restart. */
#include "core/outbox.h"

#include "core/outbox_internal.h"
#include "store/migrate.h"
#include "store/writer.h"
#include "sys/clock.h"

static const int64_t outbox_lock = 0x6e64636f7574626f; /* "ndcoutbo" */

static const struct ndc_migration migrations[] = {
    {1, "outbox",
     "CREATE TABLE ndc_outbox (\n"
     "  seq BIGINT PRIMARY KEY, at_ms BIGINT NOT NULL, topic TEXT NOT NULL,\n"
     "  key TEXT NOT NULL, payload TEXT NOT NULL);\n"
     "CREATE TABLE ndc_outbox_cursor (\n"
     "  consumer TEXT PRIMARY KEY, seq BIGINT NOT NULL, attempts BIGINT NOT NULL,\n"
     "  next_ms BIGINT NOT NULL, error TEXT NOT NULL);\n"
     "CREATE TABLE ndc_outbox_dead (\n"
     "  consumer TEXT NOT NULL, seq BIGINT NOT NULL, attempts BIGINT NOT NULL,\n"
     "  error TEXT NOT NULL, at_ms BIGINT NOT NULL, revive BIGINT NOT NULL,\n"
     "  PRIMARY KEY (consumer, seq));\n"},
};

enum ndc_err ndc_outbox_setup(struct ndc_store *store, struct ndc_fault *fault)
{
    return ndc_migrate(store, "outbox", migrations, NDC_ARRAY_LEN(migrations), fault);
}

enum ndc_err ndc_outbox_append(struct ndc_store_conn *conn, struct ndc_str topic,
                               struct ndc_str key, struct ndc_str payload, int64_t *seq,
                               struct ndc_fault *fault)
{
    int64_t number;
    if (payload.len > NDC_OUTBOX_PAYLOAD_MAX) {
        return ndc_fail(fault, NDC_ETOOBIG, "outbox.payload",
                        "an event's payload is at most %d bytes", NDC_OUTBOX_PAYLOAD_MAX);
    }
    enum ndc_err err = ndc_tx_lock(conn, outbox_lock, fault);
    if (err) return err;
    err = ndc_sql_i64(conn, &number,
                      "INSERT INTO ndc_outbox (seq, at_ms, topic, key, payload) VALUES "
                      "((SELECT coalesce(max(seq), 0) + 1 FROM ndc_outbox), $1, $2, $3, "
                      "$4) RETURNING seq",
                      NDC_ARGS(ndc_int(ndc_clock_wall_ms()), ndc_text(topic),
                               ndc_text(key.ptr ? key : NDC_STR("")),
                               ndc_text(payload.ptr ? payload : NDC_STR("null"))),
                      fault);
    if (!err && seq) *seq = number;
    return err;
}

enum ndc_err ndc_outbox_last(struct ndc_store_conn *conn, int64_t *seq,
                             struct ndc_fault *fault)
{
    return ndc_sql_i64(conn, seq, "SELECT coalesce(max(seq), 0) FROM ndc_outbox",
                       NDC_NO_ARGS, fault);
}

enum ndc_err ndc_outbox_read(struct ndc_store_conn *conn, struct ndc_arena *arena,
                             int64_t after, struct ndc_str topic_prefix, size_t max,
                             struct ndc_event **events, size_t *n, int64_t *last,
                             struct ndc_fault *fault)
{
    static const char all[] = "SELECT seq, at_ms, topic, key, payload FROM ndc_outbox "
                              "WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3";
    static const char some[] = "SELECT seq, at_ms, topic, key, payload FROM ndc_outbox "
                               "WHERE seq > $1 AND seq <= $2 AND topic >= $4 "
                               "AND topic < $5 ORDER BY seq LIMIT $3";
    int64_t end;
    *n = 0;
    *last = after;
    enum ndc_err err = ndc_outbox_last(conn, &end, fault);
    if (err || end <= after) return err;
    *events = NDC_ARENA_ARRAY(arena, struct ndc_event, max);
    /* up to the greatest code point: all that starts with the prefix */
    struct ndc_str prefix = topic_prefix.ptr ? topic_prefix : NDC_STR("");
    struct ndc_str upper =
        ndc_arena_printf(arena, "%.*s\xf4\x8f\xbf\xbf", NDC_STR_FMT(prefix));
    struct ndc_val args[] = {ndc_int(after), ndc_int(end), ndc_int((int64_t)max),
                             ndc_text(prefix), ndc_text(upper)};
    if (!*events || arena->overflow) goto too_big;
    struct ndc_rows *rows =
        ndc_sql_query(conn, prefix.len ? some : all, args, prefix.len ? 5 : 3);
    while (*n < max && ndc_rows_next(rows)) {
        (*events)[*n] = (struct ndc_event){
            .seq = ndc_rows_i64(rows, 0),
            .at_ms = ndc_rows_i64(rows, 1),
            .topic = ndc_arena_str(arena, ndc_rows_text(rows, 2)),
            .key = ndc_arena_str(arena, ndc_rows_text(rows, 3)),
            .payload = ndc_arena_str(arena, ndc_rows_text(rows, 4)),
        };
        if (arena->overflow) break;
        ++*n;
    }
    err = ndc_rows_end(rows, fault);
    if (err) return err;
    if (arena->overflow && *n == 0) goto too_big;
    *last = *n == max || arena->overflow ? (*events)[*n - 1].seq : end;
    return NDC_OK;
too_big:
    return ndc_fail(fault, NDC_ETOOBIG, "outbox.arena", "the events do not fit");
}

struct purge {
    int64_t before_ms, deleted;
};

static enum ndc_err purge(struct ndc_store_conn *conn, void *arg, struct ndc_fault *fault)
{
    struct purge *p = arg;
    return ndc_sql_exec(
        conn,
        "DELETE FROM ndc_outbox WHERE at_ms < $1 "
        "AND seq <= (SELECT coalesce(min(seq), 0) FROM ndc_outbox_cursor) "
        "AND seq < (SELECT max(seq) FROM ndc_outbox) "
        "AND NOT EXISTS (SELECT 1 FROM ndc_outbox_dead d WHERE d.seq = ndc_outbox.seq)",
        NDC_ARGS(ndc_int(p->before_ms)), &p->deleted, fault);
}

enum ndc_err ndc_outbox_purge(struct ndc_store *store, int64_t before_ms,
                              int64_t *deleted, struct ndc_fault *fault)
{
    struct purge p = {.before_ms = before_ms};
    enum ndc_err err = ndc_store_write(store, purge, &p, fault);
    if (deleted) *deleted = p.deleted;
    return err;
}

struct revive {
    struct ndc_str consumer;
    int64_t seq;
};

static enum ndc_err revive(struct ndc_store_conn *conn, void *arg,
                           struct ndc_fault *fault)
{
    struct revive *r = arg;
    int64_t changes;
    enum ndc_err err = ndc_sql_exec(
        conn, "UPDATE ndc_outbox_dead SET revive = 1 WHERE consumer = $1 AND seq = $2",
        NDC_ARGS(ndc_text(r->consumer), ndc_int(r->seq)), &changes, fault);
    if (!err && changes == 0) {
        err = ndc_fail(fault, NDC_ENOTFOUND, "outbox.dead", "no such dead letter");
    }
    return err;
}

enum ndc_err ndc_outbox_revive(struct ndc_store *store, struct ndc_str consumer,
                               int64_t seq, struct ndc_fault *fault)
{
    struct revive r = {consumer, seq};
    return ndc_store_write(store, revive, &r, fault);
}

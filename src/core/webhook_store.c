/* Webhooks: their tables. */
#include "core/webhook_internal.h"
#include "store/writer.h"
#include "sys/clock.h"

enum { LOG_SHOWN = 50, DEAD_SHOWN = 200 };

const struct ndc_migration ndc_webhook_migrations[NDC_WEBHOOK_MIGRATIONS] = {
    {1, "webhooks",
     "CREATE TABLE ndc_webhook (\n"
     "  id TEXT PRIMARY KEY, source TEXT NOT NULL, url TEXT NOT NULL,\n"
     "  title TEXT NOT NULL, filter TEXT NOT NULL, granted TEXT NOT NULL,\n"
     "  state TEXT NOT NULL, reason TEXT NOT NULL,\n" /* active, paused, gone */
     "  secret TEXT NOT NULL, old_secret TEXT NOT NULL, old_until_ms BIGINT NOT NULL,\n"
     "  principal TEXT NOT NULL, agency TEXT NOT NULL, purpose TEXT NOT NULL,\n"
     "  legal_basis TEXT NOT NULL, created_ms BIGINT NOT NULL, seq BIGINT NOT NULL,\n"
     "  pending BIGINT NOT NULL, attempts BIGINT NOT NULL, next_ms BIGINT NOT NULL,\n"
     "  delivered BIGINT NOT NULL, failed BIGINT NOT NULL, last_ms BIGINT NOT NULL,\n"
     "  last_status BIGINT NOT NULL, last_error TEXT NOT NULL);\n"
     "CREATE TABLE ndc_webhook_attempt (\n"
     "  webhook TEXT NOT NULL, n BIGINT NOT NULL, at_ms BIGINT NOT NULL,\n"
     "  took_ms BIGINT NOT NULL, message TEXT NOT NULL, after BIGINT NOT NULL,\n"
     "  last BIGINT NOT NULL, events BIGINT NOT NULL, attempt BIGINT NOT NULL,\n"
     "  status BIGINT NOT NULL, error TEXT NOT NULL, PRIMARY KEY (webhook, n));\n"
     "CREATE TABLE ndc_webhook_dead (\n"
     "  webhook TEXT NOT NULL, message TEXT NOT NULL, after BIGINT NOT NULL,\n"
     "  last BIGINT NOT NULL, events BIGINT NOT NULL, attempts BIGINT NOT NULL,\n"
     "  at_ms BIGINT NOT NULL, error TEXT NOT NULL, revive BIGINT NOT NULL,\n"
     "  PRIMARY KEY (webhook, message));\n"},
};

/* ---- reading ---- */

#define ROW_SQL                                                               \
    "SELECT id, source, url, title, filter, granted, state, reason, secret, " \
    "old_secret, principal, agency, purpose, legal_basis, last_error, "       \
    "old_until_ms, created_ms, seq, pending, attempts, next_ms, delivered, "  \
    "failed, last_ms, last_status, (SELECT count(*) FROM ndc_webhook_dead d " \
    "WHERE d.webhook = ndc_webhook.id) FROM ndc_webhook "

static void take_row(struct ndc_webhook *w, struct ndc_rows *rows,
                     struct ndc_arena *arena)
{
    struct ndc_str *const texts[] = {
        &w->id,        &w->source, &w->url,     &w->title,       &w->filter,
        &w->granted,   &w->state,  &w->reason,  &w->secret,      &w->old_secret,
        &w->principal, &w->agency, &w->purpose, &w->legal_basis, &w->last_error};
    int64_t *const numbers[] = {&w->old_until_ms, &w->created_ms, &w->seq,
                                &w->pending,      &w->attempts,   &w->next_ms,
                                &w->delivered,    &w->failed,     &w->last_ms,
                                &w->last_status,  &w->dead};
    unsigned column = 0;
    for (size_t i = 0; i < NDC_ARRAY_LEN(texts); i++)
        *texts[i] = ndc_arena_str(arena, ndc_rows_text(rows, column++));
    for (size_t i = 0; i < NDC_ARRAY_LEN(numbers); i++)
        *numbers[i] = ndc_rows_i64(rows, column++);
}

enum ndc_err ndc_webhook_read(struct ndc_store_conn *conn, struct ndc_arena *arena,
                              struct ndc_str id, struct ndc_webhook *out,
                              struct ndc_fault *fault)
{
    struct ndc_rows *rows =
        ndc_sql_query(conn, ROW_SQL "WHERE id = $1", NDC_ARGS(ndc_text(id)));
    bool found = ndc_rows_next(rows);
    if (found) take_row(out, rows, arena);
    enum ndc_err err = ndc_rows_end(rows, fault);
    if (err || found) return err;
    return ndc_fail(fault, NDC_ENOTFOUND, "webhook.none", "there is no such webhook");
}

enum ndc_err ndc_webhook_read_all(struct ndc_store_conn *conn, struct ndc_arena *arena,
                                  struct ndc_webhook_list *out, struct ndc_fault *fault)
{
    out->n = 0;
    out->items = NDC_ARENA_ARRAY(arena, struct ndc_webhook, NDC_WEBHOOKS_MAX);
    struct ndc_rows *rows =
        ndc_sql_query(conn, ROW_SQL "ORDER BY created_ms, id LIMIT $1",
                      NDC_ARGS(ndc_int(NDC_WEBHOOKS_MAX)));
    while (out->n < NDC_WEBHOOKS_MAX && ndc_rows_next(rows))
        take_row(&out->items[out->n++], rows, arena);
    enum ndc_err err = ndc_rows_end(rows, fault);
    if (!err && arena->overflow)
        err = ndc_fail(fault, NDC_ETOOBIG, "webhook.many", "the webhooks do not fit");
    return err;
}

enum ndc_err ndc_webhook_revived(struct ndc_store_conn *conn, struct ndc_arena *arena,
                                 struct ndc_str id, struct ndc_webhook_attempt *out,
                                 bool *found, struct ndc_fault *fault)
{
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT message, after, last, attempts FROM ndc_webhook_dead WHERE webhook = $1 "
        "AND revive = 1 ORDER BY after LIMIT 1",
        NDC_ARGS(ndc_text(id)));
    *found = ndc_rows_next(rows);
    if (*found)
        *out = (struct ndc_webhook_attempt){
            .message = ndc_arena_str(arena, ndc_rows_text(rows, 0)),
            .after = ndc_rows_i64(rows, 1),
            .last = ndc_rows_i64(rows, 2),
            .attempt = ndc_rows_i64(rows, 3) + 1};
    return ndc_rows_end(rows, fault);
}

static void write_attempts(struct ndc_json *j, struct ndc_rows *rows)
{
    ndc_json_key(j, "attempts");
    ndc_json_array(j);
    while (ndc_rows_next(rows)) {
        struct ndc_str error = ndc_rows_text(rows, 8);
        ndc_json_object(j);
        ndc_json_kv_time(j, "at", ndc_rows_i64(rows, 0));
        ndc_json_kv_i64(j, "took_ms", ndc_rows_i64(rows, 1));
        ndc_json_kv_str(j, "message", ndc_rows_text(rows, 2));
        ndc_json_kv_i64(j, "after", ndc_rows_i64(rows, 3));
        ndc_json_kv_i64(j, "last", ndc_rows_i64(rows, 4));
        ndc_json_kv_i64(j, "events", ndc_rows_i64(rows, 5));
        ndc_json_kv_i64(j, "attempt", ndc_rows_i64(rows, 6));
        ndc_json_kv_i64(j, "status", ndc_rows_i64(rows, 7));
        ndc_json_kv_str(j, "error", error.len ? error : NDC_STR_NULL);
        ndc_json_end(j);
    }
    ndc_json_end(j);
}

static void write_dead(struct ndc_json *j, struct ndc_rows *rows)
{
    ndc_json_key(j, "dead_letters");
    ndc_json_array(j);
    while (ndc_rows_next(rows)) {
        ndc_json_object(j);
        ndc_json_kv_str(j, "message", ndc_rows_text(rows, 0));
        ndc_json_kv_i64(j, "after", ndc_rows_i64(rows, 1));
        ndc_json_kv_i64(j, "last", ndc_rows_i64(rows, 2));
        ndc_json_kv_i64(j, "events", ndc_rows_i64(rows, 3));
        ndc_json_kv_i64(j, "attempts", ndc_rows_i64(rows, 4));
        ndc_json_kv_time(j, "at", ndc_rows_i64(rows, 5));
        ndc_json_kv_str(j, "error", ndc_rows_text(rows, 6));
        ndc_json_kv_bool(j, "queued", ndc_rows_i64(rows, 7) != 0);
        ndc_json_end(j);
    }
    ndc_json_end(j);
}

enum ndc_err ndc_webhook_write_log(struct ndc_json *j, struct ndc_store_conn *conn,
                                   struct ndc_str id, struct ndc_fault *fault)
{
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT at_ms, took_ms, message, after, last, events, attempt, status, error "
        "FROM ndc_webhook_attempt WHERE webhook = $1 ORDER BY n DESC LIMIT $2",
        NDC_ARGS(ndc_text(id), ndc_int(LOG_SHOWN)));
    write_attempts(j, rows);
    enum ndc_err err = ndc_rows_end(rows, fault);
    if (err) return err;
    rows = ndc_sql_query(
        conn,
        "SELECT message, after, last, events, attempts, at_ms, error, revive FROM "
        "ndc_webhook_dead WHERE webhook = $1 ORDER BY after LIMIT $2",
        NDC_ARGS(ndc_text(id), ndc_int(DEAD_SHOWN)));
    write_dead(j, rows);
    return ndc_rows_end(rows, fault);
}

/* ---- writing ---- */

struct write {
    struct ndc_str id, text;
    const struct ndc_webhook *webhook;
    const struct ndc_webhook_attempt *attempt;
    const char *state;
    int64_t number;
    bool delivered;
};

/* Of a statement that must meet one row. */
static enum ndc_err one(enum ndc_err err, int64_t changes, const char *code,
                        struct ndc_fault *fault)
{
    if (err || changes > 0) return err;
    return ndc_fail(fault, NDC_ENOTFOUND, code, "there is no such webhook or message");
}

static enum ndc_err insert(struct ndc_store_conn *conn, void *arg,
                           struct ndc_fault *fault)
{
    const struct ndc_webhook *w = arg;
    return ndc_sql_exec(
        conn,
        "INSERT INTO ndc_webhook (id, source, url, title, filter, granted, state, "
        "reason, secret, old_secret, old_until_ms, principal, agency, purpose, "
        "legal_basis, created_ms, seq, pending, attempts, next_ms, delivered, failed, "
        "last_ms, last_status, last_error) VALUES ($1, $2, $3, $4, $5, $6, 'active', '', "
        "$7, '', 0, $8, $9, $10, $11, $12, $13, 0, 0, 0, 0, 0, 0, 0, '')",
        NDC_ARGS(ndc_text(w->id), ndc_text(w->source), ndc_text(w->url),
                 ndc_text(w->title), ndc_text(w->filter), ndc_text(w->granted),
                 ndc_text(w->secret), ndc_text(w->principal), ndc_text(w->agency),
                 ndc_text(w->purpose), ndc_text(w->legal_basis), ndc_int(w->created_ms),
                 ndc_int(w->seq)),
        NULL, fault);
}

enum ndc_err ndc_webhook_insert(struct ndc_store *store, const struct ndc_webhook *w,
                                struct ndc_fault *fault)
{
    return ndc_store_write(store, insert, (void *)(uintptr_t)w, fault);
}

static enum ndc_err delete (struct ndc_store_conn *conn, void *arg,
                            struct ndc_fault *fault) {
    struct write *w = arg; int64_t changes = 0;
    enum ndc_err err = ndc_sql_exec(conn,
                                    "DELETE FROM ndc_webhook_attempt WHERE webhook = $1",
                                    NDC_ARGS(ndc_text(w->id)), NULL, fault);
    if (!err) err = ndc_sql_exec(conn, "DELETE FROM ndc_webhook_dead WHERE webhook = $1",
                                 NDC_ARGS(ndc_text(w->id)), NULL, fault);
    if (!err) err = ndc_sql_exec(conn, "DELETE FROM ndc_webhook WHERE id = $1",
                                 NDC_ARGS(ndc_text(w->id)), &changes, fault);
    return one(err, changes, "webhook.none", fault);
}

enum ndc_err ndc_webhook_delete(struct ndc_store *store, struct ndc_str id,
                                struct ndc_fault *fault)
{
    struct write w = {.id = id};
    return ndc_store_write(store, delete, &w, fault);
}

static enum ndc_err set_state(struct ndc_store_conn *conn, void *arg,
                              struct ndc_fault *fault)
{
    struct write *w = arg;
    int64_t changes = 0;
    enum ndc_err err = ndc_sql_exec(
        conn, "UPDATE ndc_webhook SET state = $2, reason = $3, next_ms = 0 WHERE id = $1",
        NDC_ARGS(ndc_text(w->id), ndc_textz(w->state), ndc_text(w->text)), &changes,
        fault);
    return one(err, changes, "webhook.none", fault);
}

enum ndc_err ndc_webhook_set_state(struct ndc_store *store, struct ndc_str id,
                                   const char *state, struct ndc_str reason,
                                   struct ndc_fault *fault)
{
    struct write w = {.id = id, .state = state, .text = reason};
    return ndc_store_write(store, set_state, &w, fault);
}

static enum ndc_err set_secret(struct ndc_store_conn *conn, void *arg,
                               struct ndc_fault *fault)
{
    struct write *w = arg;
    int64_t changes = 0;
    enum ndc_err err = ndc_sql_exec(
        conn,
        "UPDATE ndc_webhook SET old_secret = secret, secret = $2, old_until_ms = $3 "
        "WHERE id = $1",
        NDC_ARGS(ndc_text(w->id), ndc_text(w->text), ndc_int(w->number)), &changes,
        fault);
    return one(err, changes, "webhook.none", fault);
}

enum ndc_err ndc_webhook_set_secret(struct ndc_store *store, struct ndc_str id,
                                    struct ndc_str sealed, int64_t old_until_ms,
                                    struct ndc_fault *fault)
{
    struct write w = {.id = id, .text = sealed, .number = old_until_ms};
    return ndc_store_write(store, set_secret, &w, fault);
}

static enum ndc_err begin(struct ndc_store_conn *conn, void *arg, struct ndc_fault *fault)
{
    struct write *w = arg;
    return ndc_sql_exec(conn, "UPDATE ndc_webhook SET pending = $2 WHERE id = $1",
                        NDC_ARGS(ndc_text(w->id), ndc_int(w->number)), NULL, fault);
}

enum ndc_err ndc_webhook_begin(struct ndc_store *store, struct ndc_str id, int64_t last,
                               struct ndc_fault *fault)
{
    struct write w = {.id = id, .number = last};
    return ndc_store_write(store, begin, &w, fault);
}

static enum ndc_err skip(struct ndc_store_conn *conn, void *arg, struct ndc_fault *fault)
{
    struct write *w = arg;
    return ndc_sql_exec(conn,
                        "UPDATE ndc_webhook SET seq = $2, pending = 0, attempts = 0 "
                        "WHERE id = $1",
                        NDC_ARGS(ndc_text(w->id), ndc_int(w->number)), NULL, fault);
}

enum ndc_err ndc_webhook_skip(struct ndc_store *store, struct ndc_str id, int64_t seq,
                              struct ndc_fault *fault)
{
    struct write w = {.id = id, .number = seq};
    return ndc_store_write(store, skip, &w, fault);
}

/* The attempt's line in the log, which is kept short. */
static enum ndc_err log_attempt(struct ndc_store_conn *conn, struct ndc_str id,
                                const struct ndc_webhook_attempt *a,
                                struct ndc_fault *fault)
{
    enum ndc_err err = ndc_sql_exec(
        conn,
        "INSERT INTO ndc_webhook_attempt (webhook, n, at_ms, took_ms, message, after, "
        "last, events, attempt, status, error) VALUES ($1, (SELECT coalesce(max(n), 0) + "
        "1 FROM ndc_webhook_attempt WHERE webhook = $1), $2, $3, $4, $5, $6, $7, $8, $9, "
        "$10)",
        NDC_ARGS(ndc_text(id), ndc_int(a->at_ms), ndc_int(a->took_ms),
                 ndc_text(a->message), ndc_int(a->after), ndc_int(a->last),
                 ndc_int(a->events), ndc_int(a->attempt), ndc_int(a->status),
                 ndc_text(a->error.ptr ? a->error : NDC_STR(""))),
        NULL, fault);
    return err ? err
               : ndc_sql_exec(conn,
                              "DELETE FROM ndc_webhook_attempt WHERE webhook = $1 AND n "
                              "<= (SELECT max(n) FROM ndc_webhook_attempt WHERE webhook "
                              "= $1) - $2",
                              NDC_ARGS(ndc_text(id), ndc_int(NDC_WEBHOOK_LOG_MAX)), NULL,
                              fault);
}

static enum ndc_err delivered(struct ndc_store_conn *conn, void *arg,
                              struct ndc_fault *fault)
{
    struct write *w = arg;
    const struct ndc_webhook_attempt *a = w->attempt;
    enum ndc_err err = ndc_sql_exec(
        conn,
        "UPDATE ndc_webhook SET seq = $2, pending = 0, attempts = 0, next_ms = 0, "
        "delivered = delivered + $3, last_ms = $4, last_status = $5, last_error = '' "
        "WHERE id = $1",
        NDC_ARGS(ndc_text(w->id), ndc_int(a->last), ndc_int(a->events), ndc_int(a->at_ms),
                 ndc_int(a->status)),
        NULL, fault);
    return err ? err : log_attempt(conn, w->id, a, fault);
}

enum ndc_err ndc_webhook_delivered(struct ndc_store *store, struct ndc_str id,
                                   const struct ndc_webhook_attempt *a,
                                   struct ndc_fault *fault)
{
    struct write w = {.id = id, .attempt = a};
    return ndc_store_write(store, delivered, &w, fault);
}

static enum ndc_err bury(struct ndc_store_conn *conn, const struct write *w,
                         struct ndc_fault *fault)
{
    const struct ndc_webhook_attempt *a = w->attempt;
    enum ndc_err err = ndc_sql_exec(
        conn,
        "INSERT INTO ndc_webhook_dead (webhook, message, after, last, events, attempts, "
        "at_ms, error, revive) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0) ON CONFLICT "
        "(webhook, message) DO UPDATE SET attempts = excluded.attempts, error = "
        "excluded.error, at_ms = excluded.at_ms, revive = 0",
        NDC_ARGS(ndc_text(w->id), ndc_text(a->message), ndc_int(a->after),
                 ndc_int(a->last), ndc_int(a->events), ndc_int(a->attempt),
                 ndc_int(a->at_ms), ndc_text(a->error)),
        NULL, fault);
    return err;
}

static enum ndc_err failed(struct ndc_store_conn *conn, void *arg,
                           struct ndc_fault *fault)
{
    struct write *w = arg;
    const struct ndc_webhook_attempt *a = w->attempt;
    bool given_up = w->number == 0;
    enum ndc_err err = ndc_sql_exec(
        conn,
        "UPDATE ndc_webhook SET seq = CASE WHEN $6 = 1 THEN $7 ELSE seq END, pending = "
        "CASE WHEN $6 = 1 THEN 0 ELSE pending END, attempts = $2, next_ms = $3, failed = "
        "failed + 1, last_ms = $4, last_status = $5, last_error = $8 WHERE id = $1",
        NDC_ARGS(ndc_text(w->id), ndc_int(given_up ? 0 : a->attempt), ndc_int(w->number),
                 ndc_int(a->at_ms), ndc_int(a->status), ndc_int(given_up),
                 ndc_int(a->last), ndc_text(a->error)),
        NULL, fault);
    if (!err && given_up) err = bury(conn, w, fault);
    return err ? err : log_attempt(conn, w->id, a, fault);
}

enum ndc_err ndc_webhook_failed(struct ndc_store *store, struct ndc_str id,
                                const struct ndc_webhook_attempt *a, int64_t next_ms,
                                struct ndc_fault *fault)
{
    struct write w = {.id = id, .attempt = a, .number = next_ms};
    return ndc_store_write(store, failed, &w, fault);
}

static enum ndc_err revive(struct ndc_store_conn *conn, void *arg,
                           struct ndc_fault *fault)
{
    struct write *w = arg;
    int64_t changes = 0;
    enum ndc_err err =
        ndc_sql_exec(conn,
                     "UPDATE ndc_webhook_dead SET revive = 1 WHERE "
                     "webhook = $1 AND message = $2",
                     NDC_ARGS(ndc_text(w->id), ndc_text(w->text)), &changes, fault);
    return one(err, changes, "webhook.no_dead", fault);
}

enum ndc_err ndc_webhook_revive(struct ndc_store *store, struct ndc_str id,
                                struct ndc_str message, struct ndc_fault *fault)
{
    struct write w = {.id = id, .text = message};
    return ndc_store_write(store, revive, &w, fault);
}

static enum ndc_err revive_done(struct ndc_store_conn *conn, void *arg,
                                struct ndc_fault *fault)
{
    struct write *w = arg;
    enum ndc_err err =
        w->delivered
            ? ndc_sql_exec(conn,
                           "DELETE FROM ndc_webhook_dead WHERE webhook = $1 AND message "
                           "= $2",
                           NDC_ARGS(ndc_text(w->id), ndc_text(w->attempt->message)), NULL,
                           fault)
            : bury(conn, w, fault);
    return err ? err : log_attempt(conn, w->id, w->attempt, fault);
}

enum ndc_err ndc_webhook_revive_done(struct ndc_store *store, struct ndc_str id,
                                     const struct ndc_webhook_attempt *a, bool done,
                                     struct ndc_fault *fault)
{
    struct write w = {.id = id, .attempt = a, .delivered = done};
    return ndc_store_write(store, revive_done, &w, fault);
}

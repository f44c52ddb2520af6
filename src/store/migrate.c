/* Migrations. Each is applied and recorded in one transaction, under a lock, so that a
 * crash or a second process leaves it applied once or not at all. */
#include "store/migrate.h"

#include "base/hash.h"
#include "store/internal.h"
#include "sys/clock.h"
#include "sys/log.h"

#include <stdio.h>

static const int64_t migrate_lock = 0x6e64636d69677261; /* "ndcmigra" */

static const char table_sql[] =
    "CREATE TABLE IF NOT EXISTS ndc_migration (\n"
    "  platform TEXT NOT NULL, version BIGINT NOT NULL, name TEXT NOT NULL,\n"
    "  checksum TEXT NOT NULL, applied_ms BIGINT NOT NULL,\n"
    "  PRIMARY KEY (platform, version))\n"
    "--sqlite WITHOUT ROWID\n"
    ";";

/* Of the words of the SQL: blanks and comments may change, what runs may not. */
static void checksum(char out[17], const char *sql)
{
    struct ndc_buf buf;
    ndc_buf_init(&buf, (size_t)16 << 20);
    bool blank = false, quoted = false;
    for (const char *p = sql; *p;) {
        if (*p == '\'') quoted = !quoted;
        if (quoted) {
            ndc_buf_add_byte(&buf, *p++);
            continue;
        }
        bool marked =
            strncmp(p, "--sqlite ", 9) == 0 || strncmp(p, "--postgres ", 11) == 0;
        if (p[0] == '-' && p[1] == '-' && !marked) {
            while (*p && *p != '\n')
                p++;
            blank = true;
        } else if (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r') {
            blank = true;
            p++;
        } else {
            if (blank && buf.len) ndc_buf_add_byte(&buf, ' ');
            blank = false;
            ndc_buf_add_byte(&buf, *p++);
        }
    }
    NDC_ASSERT(!buf.failed);
    snprintf(out, 17, "%016llx", (unsigned long long)ndc_hash_str(ndc_buf_str(&buf), 0));
    ndc_buf_free(&buf);
}

/* What the database has: the last version, checked against the program's list. */
static enum ndc_err check_applied(struct ndc_store_conn *conn, const char *platform,
                                  const struct ndc_migration *migrations, size_t n,
                                  size_t *applied, struct ndc_fault *fault)
{
    enum ndc_err err = NDC_OK;
    char sum[17];
    *applied = 0;
    struct ndc_rows *rows =
        ndc_sql_query(conn,
                      "SELECT version, name, checksum FROM ndc_migration "
                      "WHERE platform = $1 ORDER BY version",
                      NDC_ARGS(ndc_textz(platform)));
    while (!err && ndc_rows_next(rows)) {
        int64_t version = ndc_rows_i64(rows, 0);
        struct ndc_str name = ndc_rows_text(rows, 1);
        if (*applied >= n || version != (int64_t)migrations[*applied].version) {
            err = ndc_fail(fault, NDC_EDB, "migrate.newer",
                           "the database has version %lld (%.*s) of %s, which this "
                           "program does not know: use a newer program",
                           (long long)version, NDC_STR_FMT(name), platform);
            break;
        }
        checksum(sum, migrations[*applied].sql);
        if (!ndc_str_eq_c(ndc_rows_text(rows, 2), sum)) {
            err = ndc_fail(fault, NDC_EDB, "migrate.changed",
                           "migration %lld (%.*s) of %s was applied with another text: "
                           "an applied migration must not be edited, add a new one",
                           (long long)version, NDC_STR_FMT(name), platform);
        }
        ++*applied;
    }
    enum ndc_err err2 = ndc_rows_end(rows, fault);
    return err ? err : err2;
}

static enum ndc_err apply(struct ndc_store_conn *conn, const char *platform,
                          const struct ndc_migration *m, struct ndc_fault *fault)
{
    struct ndc_fault why = {0};
    char sum[17];
    checksum(sum, m->sql);
    enum ndc_err err = ndc_sql_script(conn, m->sql, &why);
    if (!err) {
        err = ndc_sql_exec(
            conn,
            "INSERT INTO ndc_migration (platform, version, name, checksum, "
            "applied_ms) VALUES ($1, $2, $3, $4, $5)",
            NDC_ARGS(ndc_textz(platform), ndc_int(m->version), ndc_textz(m->name),
                     ndc_textz(sum), ndc_int(ndc_clock_wall_ms())),
            NULL, &why);
    }
    if (!err) return NDC_OK;
    return ndc_fail(fault, err, "migrate.failed", "migration %u (%s) of %s: %.300s",
                    m->version, m->name, platform, why.message);
}

/* One transaction: the next migration, if there is one. *more is set when there was. */
static enum ndc_err step(struct ndc_store_conn *conn, const char *platform,
                         const struct ndc_migration *migrations, size_t n, bool *more,
                         struct ndc_fault *fault)
{
    size_t applied = 0;
    *more = false;
    enum ndc_err err = ndc_tx_begin(conn, fault);
    if (err) return err;
    err = ndc_tx_lock(conn, migrate_lock, fault);
    if (!err) err = ndc_sql_script(conn, table_sql, fault);
    if (!err) err = check_applied(conn, platform, migrations, n, &applied, fault);
    if (!err && applied < n) {
        *more = true;
        err = apply(conn, platform, &migrations[applied], fault);
    }
    if (!err)
        err = ndc_tx_commit(conn, fault);
    else
        ndc_tx_rollback(conn);
    if (!err && *more) {
        ndc_log(NDC_LOG_INFO, "store", "%s: applied migration %u (%s)", platform,
                migrations[applied].version, migrations[applied].name);
    }
    return err;
}

enum ndc_err ndc_migrate(struct ndc_store *store, const char *platform,
                         const struct ndc_migration *migrations, size_t n,
                         struct ndc_fault *fault)
{
    for (size_t i = 0; i < n; i++) {
        NDC_ASSERT(migrations[i].version == (i ? migrations[i - 1].version + 1 : 1));
    }
    struct ndc_store_conn *conn;
    enum ndc_err err = ndc_store_take(store, NDC_WRITE, &conn, fault);
    if (err) return err;
    ndc_store_conn_timeout(conn, 0); /* an index on a large table takes its time */
    bool more = true;
    while (!err && more)
        err = step(conn, platform, migrations, n, &more, fault);
    ndc_store_give(conn);
    return err;
}

/* A replication slot, made, dropped and streamed. Source: PostgreSQL 15 manual, chapter
 * 55.4: CREATE_REPLICATION_SLOT, START_REPLICATION, XLogData, primary keepalive and
 * standby status update messages. */
#include "store/replication_internal.h"

#include "sys/clock.h"

#include <poll.h>
#include <stdio.h>

enum {
    SLOT_SQL_MAX = 1 << 16,
    EPOCH_S = 946684800 /* PostgreSQL's, 2000-01-01, in seconds of Unix time */
};

void ndc_lsn_format(char out[static NDC_LSN_TEXT_MAX], uint64_t lsn)
{
    snprintf(out, NDC_LSN_TEXT_MAX, "%X/%X", (unsigned)(lsn >> 32), (unsigned)lsn);
}

static bool take_hex(struct ndc_str s, uint64_t *out)
{
    uint64_t v = 0;
    if (s.len == 0 || s.len > 8) return false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i], low = (char)(c | 32);
        if (c >= '0' && c <= '9')
            v = v << 4 | (uint64_t)(c - '0');
        else if (low >= 'a' && low <= 'f')
            v = v << 4 | (uint64_t)(low - 'a' + 10);
        else
            return false;
    }
    *out = v;
    return true;
}

bool ndc_lsn_parse(struct ndc_str text, uint64_t *lsn)
{
    size_t slash = ndc_str_find(text, '/');
    uint64_t high, low;
    if (slash == text.len || !take_hex(ndc_str_n(text.ptr, slash), &high) ||
        !take_hex(ndc_str_from(text, slash + 1), &low))
        return false;
    *lsn = high << 32 | low;
    return true;
}

/* ---- the slot ---- */

/* A slot's name is of a-z, 0-9 and _, so it stands in SQL as it is. */
static enum ndc_err check_slot(const char *slot, struct ndc_fault *fault)
{
    size_t n = strlen(slot);
    bool good = n > 0 && n <= NDC_REPLICATION_NAME_MAX;
    for (size_t i = 0; i < n && good; i++)
        good = (slot[i] >= 'a' && slot[i] <= 'z') || (slot[i] >= '0' && slot[i] <= '9') ||
               slot[i] == '_';
    if (good) return NDC_OK;
    return ndc_fail(fault, NDC_EINPUT, "replication.slot_name",
                    "a slot's name is 1 to 63 of a-z, 0-9 and _");
}

enum ndc_err ndc_replication_create_slot(struct ndc_replication *link, const char *slot,
                                         const char *plugin, struct ndc_slot_made *out,
                                         struct ndc_fault *fault)
{
    char sql[256];
    PGresult *res = NULL;
    enum ndc_err err = check_slot(slot, fault);
    if (!err) err = check_slot(plugin, fault);
    if (err) return err;
    snprintf(sql, sizeof(sql),
             "CREATE_REPLICATION_SLOT \"%s\" LOGICAL \"%s\" EXPORT_SNAPSHOT", slot,
             plugin);
    err = ndc_replication_simple(link, sql, &res, fault);
    if (err) return err;
    const char *at = PQntuples(res) == 1 ? PQgetvalue(res, 0, 1) : "";
    const char *name = PQntuples(res) == 1 ? PQgetvalue(res, 0, 2) : "";
    if (!ndc_lsn_parse(ndc_str(at), &out->consistent) || !name[0] ||
        strlen(name) >= sizeof(out->snapshot))
        err =
            ndc_fail(fault, NDC_EDB, "db.refused",
                     "the server made slot %s and told neither place nor snapshot", slot);
    else
        snprintf(out->snapshot, sizeof(out->snapshot), "%s", name);
    PQclear(res);
    return err;
}

enum ndc_err ndc_replication_drop_slot(struct ndc_replication *link, const char *slot,
                                       struct ndc_fault *fault)
{
    char sql[160];
    struct ndc_fault why = {0};
    enum ndc_err err = check_slot(slot, fault);
    if (err) return err;
    snprintf(sql, sizeof(sql), "DROP_REPLICATION_SLOT \"%s\"", slot);
    err = ndc_replication_simple(link, sql, NULL, &why);
    if (!err || strcmp(why.code, "replication.slot_missing") == 0) return NDC_OK;
    if (fault) *fault = why;
    return err;
}

/* 'value' with quotes doubled. */
static void add_literal(struct ndc_buf *sql, struct ndc_str value)
{
    ndc_buf_add_byte(sql, '\'');
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] == '\'') ndc_buf_add_byte(sql, '\'');
        ndc_buf_add_byte(sql, value.ptr[i]);
    }
    ndc_buf_add_byte(sql, '\'');
}

enum ndc_err ndc_replication_start(struct ndc_replication *link, const char *slot,
                                   uint64_t from,
                                   const struct ndc_replication_option *options, size_t n,
                                   struct ndc_fault *fault)
{
    struct ndc_buf sql;
    PGresult *res = NULL;
    char at[NDC_LSN_TEXT_MAX];
    enum ndc_err err = check_slot(slot, fault);
    if (err) return err;
    ndc_lsn_format(at, from);
    ndc_buf_init(&sql, SLOT_SQL_MAX);
    ndc_buf_printf(&sql, "START_REPLICATION SLOT \"%s\" LOGICAL %s (", slot, at);
    for (size_t i = 0; i < n; i++) {
        ndc_buf_printf(&sql, "%s\"%s\" ", i ? ", " : "", options[i].name);
        add_literal(&sql, options[i].value);
    }
    ndc_buf_add_byte(&sql, ')');
    ndc_buf_add_byte(&sql, 0);
    err = sql.failed ? ndc_fail(fault, NDC_EINPUT, "db.too_big", "options too long")
                     : ndc_replication_simple(link, sql.ptr, &res, fault);
    ndc_buf_free(&sql);
    if (err) return err;
    link->streaming = PQresultStatus(res) == PGRES_COPY_BOTH;
    PQclear(res);
    if (!link->streaming)
        return ndc_fail(fault, NDC_EDB, "db.refused",
                        "the server does not stream slot %s", slot);
    return NDC_OK;
}

/* ---- the stream ---- */

static uint64_t take_u64(const char *p)
{
    uint64_t v = 0;
    for (int i = 0; i < 8; i++)
        v = v << 8 | (unsigned char)p[i];
    return v;
}

static void put_u64(char *p, uint64_t v)
{
    for (int i = 7; i >= 0; i--, v >>= 8)
        p[i] = (char)v;
}

static enum ndc_err stream_ended(struct ndc_replication *link, struct ndc_fault *fault)
{
    enum ndc_err err = NDC_OK;
    link->streaming = false;
    for (PGresult *res; (res = PQgetResult(link->pg));) {
        ExecStatusType status = PQresultStatus(res);
        if (status != PGRES_COMMAND_OK && status != PGRES_COPY_OUT && !err)
            err = ndc_replication_fail(link, res, fault);
        PQclear(res);
        if (PQstatus(link->pg) == CONNECTION_BAD) break;
    }
    if (err) return err;
    return ndc_fail(fault, NDC_EDB, "db.gone",
                    "the source's PostgreSQL ended the stream");
}

/* Whether bytes are there, or come within the time. */
static enum ndc_err wait_bytes(struct ndc_replication *link, int timeout_ms, bool *came,
                               struct ndc_fault *fault)
{
    struct pollfd p = {.fd = PQsocket(link->pg), .events = POLLIN};
    *came = poll(&p, 1, timeout_ms) > 0;
    if (*came && !PQconsumeInput(link->pg))
        return ndc_replication_fail(link, NULL, fault);
    return NDC_OK;
}

static enum ndc_err understand(struct ndc_replication_message *out, const char *p,
                               size_t n, struct ndc_fault *fault)
{
    if (n >= 25 && p[0] == 'w') { /* start, end, clock, data */
        out->event = NDC_REPLICATION_DATA;
        out->at = take_u64(p + 1);
        out->data = ndc_str_n(p + 25, n - 25);
        return NDC_OK;
    }
    if (n >= 18 && p[0] == 'k') { /* end, clock, whether to reply */
        out->event = NDC_REPLICATION_KEEPALIVE;
        out->at = take_u64(p + 1);
        out->reply = p[17] != 0;
        return NDC_OK;
    }
    return ndc_fail(fault, NDC_EDB, "db.refused",
                    "a replication message of unknown kind");
}

enum ndc_err ndc_replication_next(struct ndc_replication *link, int timeout_ms,
                                  struct ndc_replication_message *out,
                                  struct ndc_fault *fault)
{
    *out = (struct ndc_replication_message){0};
    NDC_ASSERT(link->streaming);
    PQfreemem(link->copied);
    link->copied = NULL;
    int64_t until = ndc_clock_mono_ns() + (int64_t)timeout_ms * 1000000;
    for (;;) {
        int len = PQgetCopyData(link->pg, &link->copied, 1);
        if (len > 0) return understand(out, link->copied, (size_t)len, fault);
        if (len == -1) return stream_ended(link, fault);
        if (len < 0) return ndc_replication_fail(link, NULL, fault);
        bool came;
        int64_t left = (until - ndc_clock_mono_ns()) / 1000000;
        enum ndc_err err = wait_bytes(link, left > 0 ? (int)left : 0, &came, fault);
        if (err || !came) return err;
    }
}

enum ndc_err ndc_replication_confirm(struct ndc_replication *link, uint64_t flushed,
                                     struct ndc_fault *fault)
{
    char m[34] = {'r'}; /* written, flushed, applied, clock, no reply wanted */
    NDC_ASSERT(link->streaming);
    put_u64(m + 1, flushed);
    put_u64(m + 9, flushed);
    put_u64(m + 17, flushed);
    put_u64(m + 25, (uint64_t)(ndc_clock_wall_ms() - (int64_t)EPOCH_S * 1000) * 1000);
    if (PQputCopyData(link->pg, m, sizeof(m)) != 1 || PQflush(link->pg) < 0)
        return ndc_replication_fail(link, NULL, fault);
    return NDC_OK;
}

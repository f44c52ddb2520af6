/* Writing an export: one pass over entries and heads in one snapshot. */
#include "core/audit_export.h"

#include "core/audit_internal.h"

enum { PORTION = 256 << 10 };

struct exporter {
    struct ndc_buf out;
    enum ndc_err (*write)(void *arg, struct ndc_str text, struct ndc_fault *fault);
    void *arg;
};

static enum ndc_err flush(struct exporter *e, struct ndc_fault *fault)
{
    NDC_ASSERT(!e->out.failed);
    enum ndc_err err = e->write(e->arg, ndc_buf_str(&e->out), fault);
    ndc_buf_reset(&e->out);
    return err;
}

static void add_header(struct ndc_buf *out, const struct ndc_sign_key *public,
                       uint64_t entries)
{
    struct ndc_merkle_hash raw;
    char hex[65];
    ndc_sign_key_public(raw.b, public);
    ndc_merkle_to_hex(hex, &raw);
    ndc_buf_printf(out, "{\"format\":\"ndc-audit-1\",\"entries\":%llu,\"key\":\"%s\"}\n",
                   (unsigned long long)entries, hex);
}

static void add_entry(struct ndc_buf *out, struct ndc_merkle_hasher *h,
                      struct ndc_str entry)
{
    struct ndc_merkle_hash leaf = ndc_merkle_leaf(h, entry);
    char hex[65];
    ndc_merkle_to_hex(hex, &leaf);
    ndc_buf_add_c(out, "{\"leaf\":\"");
    ndc_buf_add_c(out, hex);
    ndc_buf_add_c(out, "\",\"entry\":");
    ndc_buf_add_str(out, entry);
    ndc_buf_add_c(out, "}\n");
}

static void add_head(struct ndc_buf *out, const struct ndc_audit_head *head)
{
    struct ndc_json j;
    ndc_buf_add_c(out, "{\"head\":");
    ndc_json_init(&j, out);
    ndc_audit_head_write(&j, head);
    ndc_buf_add_c(out, "}\n");
}

static bool next_head(struct ndc_rows *rows, struct ndc_audit_head *head)
{
    if (!ndc_rows_next(rows)) return false;
    struct ndc_str root = ndc_rows_blob(rows, 2), signature = ndc_rows_blob(rows, 3);
    *head = (struct ndc_audit_head){.size = (uint64_t)ndc_rows_i64(rows, 0),
                                    .time_ms = ndc_rows_i64(rows, 1)};
    if (root.len == sizeof(head->root)) memcpy(head->root, root.ptr, root.len);
    if (signature.len == sizeof(head->signature))
        memcpy(head->signature, signature.ptr, signature.len);
    return true;
}

static enum ndc_err export_rows(struct exporter *e, struct ndc_store_conn *conn,
                                struct ndc_merkle_hasher *h, uint64_t size,
                                struct ndc_audit_export_counts *counts,
                                struct ndc_fault *fault)
{
    enum ndc_err err = NDC_OK;
    struct ndc_audit_head head;
    struct ndc_rows *heads = ndc_sql_scan(
        conn, "SELECT size, time_ms, root, signature FROM audit_head ORDER BY size",
        NDC_NO_ARGS);
    struct ndc_rows *rows = ndc_sql_scan(
        conn, "SELECT seq, entry FROM audit_entry WHERE seq < $1 ORDER BY seq",
        NDC_ARGS(ndc_int((int64_t)size)));
    bool have_head = next_head(heads, &head);
    while (!err && ndc_rows_next(rows)) {
        uint64_t seq = (uint64_t)ndc_rows_i64(rows, 0);
        for (; have_head && head.size <= seq; have_head = next_head(heads, &head)) {
            add_head(&e->out, &head);
            counts->heads++;
        }
        add_entry(&e->out, h, ndc_rows_text(rows, 1));
        counts->entries++;
        if (e->out.len >= PORTION) err = flush(e, fault);
    }
    for (; have_head; have_head = next_head(heads, &head)) {
        add_head(&e->out, &head);
        counts->heads++;
    }
    enum ndc_err end = ndc_rows_end(rows, err ? NULL : fault);
    if (!err) err = end;
    end = ndc_rows_end(heads, err ? NULL : fault);
    if (!err) err = end;
    return err ? err : flush(e, fault);
}

enum ndc_err ndc_audit_export(struct ndc_store *store, const struct ndc_sign_key *public,
                              enum ndc_err (*write)(void *arg, struct ndc_str text,
                                                    struct ndc_fault *fault),
                              void *arg, struct ndc_audit_export_counts *counts,
                              struct ndc_fault *fault)
{
    struct exporter e = {.write = write, .arg = arg};
    struct ndc_store_conn *conn;
    struct ndc_audit_head last;
    uint64_t size = 0;
    *counts = (struct ndc_audit_export_counts){0};
    enum ndc_err err = ndc_store_take(store, NDC_READ, &conn, fault);
    if (err) return err;
    ndc_store_conn_timeout(conn, 0);
    ndc_buf_init(&e.out, PORTION + 2 * NDC_AUDIT_ENTRY_MAX);
    struct ndc_merkle_hasher *h = ndc_merkle_hasher_new();
    err = ndc_tx_begin(conn, fault);
    if (!err) err = ndc_audit_size(conn, &size, fault);
    if (!err) err = ndc_audit_last_head(conn, &last, fault);
    if (!err && !last.time_ms)
        err = ndc_fail(fault, NDC_ENOTFOUND, "audit.empty",
                       "the audit log has no signed head yet: start ndc once");
    if (!err) {
        add_header(&e.out, public, last.size);
        counts->unsigned_left_out = size - NDC_MIN(last.size, size);
        err = export_rows(&e, conn, h, last.size, counts, fault);
    }
    ndc_store_give(conn);
    ndc_merkle_hasher_free(h);
    ndc_buf_free(&e.out);
    return err;
}

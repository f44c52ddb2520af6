/* The SQL that the audit log writes with, but for its index (audit_index.c). Entries by
 * number; full tiles; signed heads. Nothing of these is ever deleted. */
#include "core/audit_internal.h"

#include "store/bulk.h"
#include "store/migrate.h"
#include "sys/clock.h"

static const struct ndc_migration migrations[] = {
    {1, "entries, index, tiles and signed heads",
     "CREATE TABLE audit_entry (\n"
     "    seq BIGINT PRIMARY KEY,\n"
     "    time_ms BIGINT NOT NULL,\n"
     "    entry TEXT NOT NULL\n"
     ");\n"
     "CREATE INDEX audit_entry_time ON audit_entry (time_ms);\n"
     "CREATE TABLE audit_index (\n"
     "    key BIGINT NOT NULL,\n"
     "    seq BIGINT NOT NULL,\n"
     "    PRIMARY KEY (key, seq)\n"
     ")\n"
     "--sqlite WITHOUT ROWID\n"
     ";\n"
     "CREATE TABLE audit_tile (\n"
     "    level BIGINT NOT NULL,\n"
     "    number BIGINT NOT NULL,\n"
     "    hashes BYTEA NOT NULL,\n"
     "    PRIMARY KEY (level, number)\n"
     ");\n"
     "CREATE TABLE audit_head (\n"
     "    size BIGINT PRIMARY KEY,\n"
     "    time_ms BIGINT NOT NULL,\n"
     "    root BYTEA NOT NULL,\n"
     "    signature BYTEA NOT NULL\n"
     ");\n"},
    {2, "the index in sorted runs, made anew at the next start", ndc_audit_index_schema},
};

enum ndc_err ndc_audit_migrate(struct ndc_store *store, struct ndc_fault *fault)
{
    return ndc_migrate(store, "audit", migrations, NDC_ARRAY_LEN(migrations), fault);
}

enum ndc_err ndc_audit_size(struct ndc_store_conn *conn, uint64_t *size,
                            struct ndc_fault *fault)
{
    int64_t n = 0;
    enum ndc_err err =
        ndc_sql_i64(conn, &n, "SELECT max(seq) + 1 FROM audit_entry", NDC_NO_ARGS, fault);
    *size = (uint64_t)n;
    return err;
}

enum ndc_err ndc_audit_last_head(struct ndc_store_conn *conn, struct ndc_audit_head *out,
                                 struct ndc_fault *fault)
{
    *out = (struct ndc_audit_head){0};
    bool good = true;
    struct ndc_rows *rows = ndc_sql_query(conn,
                                          "SELECT size, time_ms, root, signature FROM "
                                          "audit_head ORDER BY size DESC LIMIT 1",
                                          NDC_NO_ARGS);
    if (ndc_rows_next(rows)) {
        struct ndc_str root = ndc_rows_blob(rows, 2), signature = ndc_rows_blob(rows, 3);
        out->size = (uint64_t)ndc_rows_i64(rows, 0);
        out->time_ms = ndc_rows_i64(rows, 1);
        good = root.len == sizeof(out->root) && signature.len == sizeof(out->signature);
        if (good) {
            memcpy(out->root, root.ptr, root.len);
            memcpy(out->signature, signature.ptr, signature.len);
        }
    }
    enum ndc_err err = ndc_rows_end(rows, fault);
    if (!err && !good)
        err = ndc_fail(fault, NDC_ECONFLICT, "audit.head",
                       "the last signed head of the audit log is damaged");
    return err;
}

/* Tiles that became full in a batch. */
struct full_tiles {
    struct ndc_buf hashes; /* 8 KiB each */
    struct {
        unsigned level;
        uint64_t number;
    } * at;
    size_t count, cap;
};

static void keep_tile(void *arg, unsigned level, uint64_t number,
                      const struct ndc_merkle_hash *hashes)
{
    struct full_tiles *full = arg;
    if (full->count == full->cap) {
        full->cap = full->cap ? 2 * full->cap : 16;
        full->at = ndc_xrealloc(full->at, full->cap * sizeof(*full->at));
    }
    full->at[full->count].level = level;
    full->at[full->count++].number = number;
    ndc_buf_add(&full->hashes, hashes, NDC_AUDIT_TILE * sizeof(*hashes));
}

static enum ndc_err write_entries(struct ndc_store_conn *conn,
                                  struct ndc_audit_tree *tree,
                                  struct ndc_merkle_hasher *h, struct full_tiles *full,
                                  struct ndc_audit_item *items, struct ndc_fault *fault)
{
    static const struct ndc_bulk_column columns[] = {
        {"seq", NDC_VAL_I64}, {"time_ms", NDC_VAL_I64}, {"entry", NDC_VAL_TEXT}};
    struct ndc_bulk *bulk;
    enum ndc_err err = ndc_bulk_begin(&bulk, conn, "audit_entry", columns, 3, fault);
    if (err) return err;
    struct ndc_buf text;
    ndc_buf_init(&text, 2 * NDC_AUDIT_ENTRY_MAX);
    for (struct ndc_audit_item *item = items; !err && item; item = item->next) {
        ndc_buf_reset(&text);
        item->seq = tree->frontier.size;
        ndc_audit_entry_write(&text, item->seq, item->time_ms, item->tail);
        struct ndc_merkle_hash leaf = ndc_merkle_leaf(h, ndc_buf_str(&text));
        ndc_audit_tree_add(tree, h, &leaf, keep_tile, full);
        ndc_bulk_i64(bulk, (int64_t)item->seq);
        ndc_bulk_i64(bulk, item->time_ms);
        ndc_bulk_text(bulk, ndc_buf_str(&text));
        err = ndc_bulk_row(bulk, fault);
    }
    ndc_buf_free(&text);
    if (!err) return ndc_bulk_end(bulk, NULL, fault);
    ndc_bulk_abort(bulk);
    return err;
}

static enum ndc_err write_tiles(struct ndc_store_conn *conn,
                                const struct full_tiles *full, struct ndc_fault *fault)
{
    const size_t bytes = NDC_AUDIT_TILE * sizeof(struct ndc_merkle_hash);
    enum ndc_err err = NDC_OK;
    for (size_t i = 0; !err && i < full->count; i++)
        err = ndc_sql_exec(
            conn, "INSERT INTO audit_tile (level, number, hashes) VALUES ($1, $2, $3)",
            NDC_ARGS(ndc_int(full->at[i].level), ndc_int((int64_t)full->at[i].number),
                     ndc_blob(ndc_str_n(full->hashes.ptr + i * bytes, bytes))),
            NULL, fault);
    return err;
}

static enum ndc_err write_head(struct ndc_store_conn *conn,
                               const struct ndc_audit_head *head, struct ndc_fault *fault)
{
    return ndc_sql_exec(
        conn,
        "INSERT INTO audit_head (size, time_ms, root, signature) VALUES ($1, $2, $3, $4) "
        "ON CONFLICT (size) DO UPDATE SET time_ms = excluded.time_ms, "
        "root = excluded.root, signature = excluded.signature",
        NDC_ARGS(
            ndc_int((int64_t)head->size), ndc_int(head->time_ms),
            ndc_blob(ndc_str_n((const char *)head->root, sizeof(head->root))),
            ndc_blob(ndc_str_n((const char *)head->signature, sizeof(head->signature)))),
        NULL, fault);
}

static enum ndc_err write_all(struct ndc_store_conn *conn, struct ndc_audit_tree *tree,
                              struct ndc_audit_index *index, struct ndc_merkle_hasher *h,
                              struct ndc_audit_item *items, struct ndc_audit_head *head,
                              const struct ndc_sign_key *key, struct ndc_fault *fault)
{
    struct full_tiles full = {0};
    size_t keys = 0;
    for (const struct ndc_audit_item *item = items; item; item = item->next)
        keys += item->key_count;
    ndc_buf_init(&full.hashes, (size_t)1 << 30);
    enum ndc_err err = ndc_tx_begin(conn, fault);
    if (!err && items) err = write_entries(conn, tree, h, &full, items, fault);
    if (!err) err = ndc_audit_index_step(index, conn, keys, fault);
    NDC_ASSERT(!full.hashes.failed);
    if (!err) err = write_tiles(conn, &full, fault);
    if (!err && head) {
        struct ndc_merkle_hash root = ndc_merkle_root(&tree->frontier, h);
        head->size = tree->frontier.size;
        head->time_ms = ndc_clock_wall_ms();
        memcpy(head->root, root.b, sizeof(head->root));
        ndc_audit_head_sign(head, key);
        err = write_head(conn, head, fault);
    }
    if (!err) err = ndc_tx_commit(conn, fault);
    ndc_buf_free(&full.hashes);
    free(full.at);
    return err;
}

enum ndc_err ndc_audit_write_batch(
    struct ndc_store *store, struct ndc_audit_tree *tree, struct ndc_audit_index *index,
    struct ndc_merkle_hasher *h, struct ndc_audit_item *items,
    struct ndc_audit_head *head, const struct ndc_sign_key *key, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    enum ndc_err err = ndc_store_take(store, NDC_WRITE, &conn, fault);
    if (err) return err;
    struct ndc_audit_tree *next = ndc_xmalloc(sizeof(*next));
    ndc_audit_tree_copy(next, tree);
    err = write_all(conn, next, index, h, items, head, key, fault);
    ndc_store_give(conn);
    if (!err) {
        ndc_audit_tree_copy(tree, next);
        ndc_audit_index_flushed(index);
        for (const struct ndc_audit_item *item = items; item; item = item->next)
            ndc_audit_index_add(index, item->seq, item->keys, item->key_count);
    }
    free(next);
    return err;
}

/* The SQL that the audit log writes with, but for its index (audit_index.c). Entries by
 * number; full tiles; signed heads. Nothing of these is ever deleted. */
#include "core/audit_internal.h"

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

enum { COLUMNS = 3, PORTION = 16 };

/* PostgreSQL takes a row of a portion for a third of what it takes for one alone. */
static const char insert_portion[] =
    "INSERT INTO audit_entry (seq, time_ms, entry) SELECT a, b, c FROM (VALUES "
    "($1, $2, $3), ($4, $5, $6), ($7, $8, $9), ($10, $11, $12), ($13, "
    "$14, $15), ($16, $17, $18), ($19, $20, $21), ($22, $23, $24), "
    "($25, $26, $27), ($28, $29, $30), ($31, $32, $33), ($34, $35, "
    "$36), ($37, $38, $39), ($40, $41, $42), ($43, $44, $45), ($46, "
    "$47, $48)"
    ") AS v (a, b, c) WHERE a >= 0";

/* Inserts rows, all sent at once; there is room for up to PORTION - 1 more. */
static enum ndc_err insert_entries(struct ndc_store_conn *conn, struct ndc_val *rows,
                                   size_t n, struct ndc_fault *fault)
{
    if (ndc_store_kind(ndc_store_conn_store(conn)) == NDC_SQLITE)
        return ndc_sql_many(
            conn, "INSERT INTO audit_entry (seq, time_ms, entry) VALUES ($1, $2, $3)",
            rows, COLUMNS, n, NULL, fault);
    size_t portions = (n + PORTION - 1) / PORTION;
    for (size_t i = n; i < portions * PORTION; i++) { /* not inserted */
        rows[COLUMNS * i] = ndc_int(-1);
        rows[COLUMNS * i + 1] = ndc_int(0);
        rows[COLUMNS * i + 2] = ndc_textz("");
    }
    return ndc_sql_many(conn, insert_portion, rows, COLUMNS * PORTION, portions, NULL,
                        fault);
}

static enum ndc_err write_entries(struct ndc_store_conn *conn,
                                  struct ndc_audit_tree *tree,
                                  struct ndc_merkle_hasher *h, struct full_tiles *full,
                                  struct ndc_audit_item *items, struct ndc_fault *fault)
{
    enum { BEFORE_TAIL = 80 }; /* bytes at most of a number and a time in an entry */
    size_t n = 0, bytes = 0;
    for (const struct ndc_audit_item *item = items; item; item = item->next, n++)
        bytes += BEFORE_TAIL + item->tail.len;
    struct ndc_buf text;
    ndc_buf_init(&text, bytes);
    bool room = ndc_buf_room(&text, bytes) != NULL; /* all at once: rows point into it */
    NDC_ASSERT(room);
    struct ndc_val *rows = ndc_xmalloc((n + PORTION) * COLUMNS * sizeof(*rows)),
                   *row = rows;
    for (struct ndc_audit_item *item = items; item; item = item->next) {
        size_t start = text.len;
        item->seq = tree->frontier.size;
        ndc_audit_entry_write(&text, item->seq, item->time_ms, item->tail);
        struct ndc_str entry = ndc_str_n(text.ptr + start, text.len - start);
        struct ndc_merkle_hash leaf = ndc_merkle_leaf(h, entry);
        ndc_audit_tree_add(tree, h, &leaf, keep_tile, full);
        *row++ = ndc_int((int64_t)item->seq);
        *row++ = ndc_int(item->time_ms);
        *row++ = ndc_text(entry);
    }
    NDC_ASSERT(!text.failed);
    enum ndc_err err = insert_entries(conn, rows, n, fault);
    ndc_buf_free(&text);
    free(rows);
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

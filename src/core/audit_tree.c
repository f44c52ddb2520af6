/* The audit log's Merkle tree as tiles: rows of 256 hashes of neighbouring complete
 * subtrees. Full tiles are stored once and never change; the ones being filled, one a
 * level, stay in memory and are rebuilt at start. So an append costs two hashes on
 * average and one stored row in 255, and a proof reads a few tiles whatever the size. */
#include "core/audit_internal.h"

/* Folds 2^order neighbouring hashes into their root. */
static struct ndc_merkle_hash fold(struct ndc_merkle_hasher *h,
                                   const struct ndc_merkle_hash *hashes, unsigned order)
{
    struct ndc_merkle_hash work[NDC_AUDIT_TILE];
    size_t n = (size_t)1 << order;
    memcpy(work, hashes, n * sizeof(work[0]));
    for (; n > 1; n /= 2)
        for (size_t i = 0; i < n / 2; i++)
            work[i] = ndc_merkle_node(h, &work[2 * i], &work[2 * i + 1]);
    return work[0];
}

void ndc_audit_tree_copy(struct ndc_audit_tree *to, const struct ndc_audit_tree *from)
{
    to->frontier = from->frontier;
    for (unsigned level = 0; level < NDC_AUDIT_TILE_LEVELS; level++) {
        uint64_t have = from->frontier.size >> 8 * level;
        if (have == 0) break;
        memcpy(to->edge[level], from->edge[level],
               have % NDC_AUDIT_TILE * sizeof(to->edge[level][0]));
    }
}

void ndc_audit_tree_add(struct ndc_audit_tree *tree, struct ndc_merkle_hasher *h,
                        const struct ndc_merkle_hash *leaf,
                        void (*full)(void *arg, unsigned level, uint64_t number,
                                     const struct ndc_merkle_hash *hashes),
                        void *arg)
{
    uint64_t at = tree->frontier.size;
    struct ndc_merkle_hash carry = *leaf;
    ndc_merkle_append(&tree->frontier, h, leaf);
    for (unsigned level = 0; level < NDC_AUDIT_TILE_LEVELS;
         level++, at /= NDC_AUDIT_TILE) {
        struct ndc_merkle_hash *edge = tree->edge[level];
        edge[at % NDC_AUDIT_TILE] = carry;
        if ((at + 1) % NDC_AUDIT_TILE) return;
        full(arg, level, at / NDC_AUDIT_TILE, edge);
        carry = fold(h, edge, 8);
    }
}

static enum ndc_err read_tile(struct ndc_merkle_hash out[static NDC_AUDIT_TILE],
                              struct ndc_store_conn *conn, unsigned level,
                              uint64_t number, struct ndc_fault *fault)
{
    struct ndc_rows *rows = ndc_sql_query(
        conn, "SELECT hashes FROM audit_tile WHERE level = $1 AND number = $2",
        NDC_ARGS(ndc_int(level), ndc_int((int64_t)number)));
    bool good = false;
    if (ndc_rows_next(rows)) {
        struct ndc_str blob = ndc_rows_blob(rows, 0);
        good = blob.len == NDC_AUDIT_TILE * sizeof(*out);
        if (good) memcpy(out, blob.ptr, blob.len);
    }
    enum ndc_err err = ndc_rows_end(rows, fault);
    if (!err && !good)
        err = ndc_fail(fault, NDC_ECONFLICT, "audit.tile",
                       "tile %u/%llu of the audit log is missing or damaged", level,
                       (unsigned long long)number);
    return err;
}

bool ndc_audit_tiles_subtree(void *ctx, unsigned level, uint64_t index,
                             struct ndc_merkle_hash *out)
{
    struct ndc_audit_tiles *tiles = ctx;
    unsigned tile_level = level / 8, order = level % 8;
    uint64_t first = index << order, number = first / NDC_AUDIT_TILE;
    uint64_t have = tiles->tree->frontier.size >> 8 * tile_level;
    if (tile_level >= NDC_AUDIT_TILE_LEVELS || first + ((uint64_t)1 << order) > have)
        return false;
    const struct ndc_merkle_hash *hashes = tiles->tree->edge[tile_level];
    if (number < have / NDC_AUDIT_TILE) {
        hashes = tiles->cache[tile_level].hashes;
        if (!tiles->cache[tile_level].loaded ||
            tiles->cache[tile_level].number != number) {
            tiles->cache[tile_level].loaded = false;
            if (read_tile(tiles->cache[tile_level].hashes, tiles->conn, tile_level,
                          number, tiles->fault))
                return false;
            tiles->cache[tile_level].loaded = true;
            tiles->cache[tile_level].number = number;
        }
    }
    *out = fold(tiles->h, hashes + first % NDC_AUDIT_TILE, order);
    return true;
}

static enum ndc_err load_leaves(struct ndc_audit_tree *tree, struct ndc_store_conn *conn,
                                struct ndc_merkle_hasher *h, uint64_t size,
                                struct ndc_fault *fault)
{
    uint64_t from = size - size % NDC_AUDIT_TILE, next = from;
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT seq, entry FROM audit_entry WHERE seq >= $1 AND seq < $2 ORDER BY seq",
        NDC_ARGS(ndc_int((int64_t)from), ndc_int((int64_t)size)));
    while (ndc_rows_next(rows)) {
        if ((uint64_t)ndc_rows_i64(rows, 0) != next) break;
        tree->edge[0][next++ - from] = ndc_merkle_leaf(h, ndc_rows_text(rows, 1));
    }
    enum ndc_err err = ndc_rows_end(rows, fault);
    if (!err && next != size)
        err =
            ndc_fail(fault, NDC_ECONFLICT, "audit.gap",
                     "entry %llu of the audit log is missing", (unsigned long long)next);
    return err;
}

enum ndc_err ndc_audit_tree_load(struct ndc_audit_tree *tree, struct ndc_store_conn *conn,
                                 struct ndc_merkle_hasher *h, uint64_t size,
                                 struct ndc_fault *fault)
{
    memset(tree, 0, sizeof(*tree));
    enum ndc_err err = load_leaves(tree, conn, h, size, fault);
    for (unsigned level = 1; !err && level < NDC_AUDIT_TILE_LEVELS; level++) {
        uint64_t have = size >> 8 * level, from = have - have % NDC_AUDIT_TILE;
        for (uint64_t number = from; !err && number < have; number++) {
            struct ndc_merkle_hash tile[NDC_AUDIT_TILE];
            err = read_tile(tile, conn, level - 1, number, fault);
            if (!err) tree->edge[level][number - from] = fold(h, tile, 8);
        }
    }
    if (err) return err;
    /* The frontier's peaks are complete subtrees of the edges. */
    tree->frontier.size = size;
    for (unsigned level = 0; level < NDC_MERKLE_LEVELS_MAX; level++) {
        if (!(size >> level & 1)) continue;
        uint64_t first = ((size >> level) - 1) << level % 8;
        tree->frontier.peak[level] =
            fold(h, tree->edge[level / 8] + first % NDC_AUDIT_TILE, level % 8);
    }
    return NDC_OK;
}

/* Parts of the audit log shared by its files (audit*.c) and its tests, nobody else. */
#ifndef NDC_CORE_AUDIT_INTERNAL_H
#define NDC_CORE_AUDIT_INTERNAL_H

#include "base/arena.h"
#include "core/audit.h"
#include "core/audit_index.h"
#include "crypto/merkle.h"
#include "crypto/sign.h"
#include "store/store.h"
#include "sys/thread.h"

/* --- entries: audit_entry.c --- */

enum { NDC_AUDIT_ENTRY_MAX = 1 << 20 }; /* bytes of one entry's canonical text */

/* Appends what follows "seq" and "time" in the canonical text of an event. */
void ndc_audit_entry_tail(struct ndc_buf *out, const struct ndc_audit_event *event);
/* Appends the whole canonical text: the leaf. */
void ndc_audit_entry_write(struct ndc_buf *out, uint64_t seq, int64_t time_ms,
                           struct ndc_str tail);
/* Keys of the index. Not cryptographic: whoever reads by key compares the text too. */
int64_t ndc_audit_subject_key(struct ndc_str subject);
int64_t ndc_audit_principal_key(struct ndc_str principal);
/* Whether the parsed entry names the subject, or (subject empty) is by the principal. */
bool ndc_audit_entry_about(struct json_object *entry, struct ndc_str subject,
                           struct ndc_str principal);
/* Hexadecimal of a set, lowest field first, trailing zeros left out. */
void ndc_audit_fields_write(struct ndc_buf *out, const struct ndc_field_set *set);

/* --- heads: audit_head.c --- */

enum { NDC_AUDIT_HEAD_BYTES = 51 };
/* TreeHeadDataV2 of RFC 9162 section 4.10: what is signed. */
void ndc_audit_head_bytes(uint8_t out[static NDC_AUDIT_HEAD_BYTES],
                          const struct ndc_audit_head *head);
void ndc_audit_head_sign(struct ndc_audit_head *head, const struct ndc_sign_key *key);
bool ndc_audit_head_check(const struct ndc_audit_head *head,
                          const struct ndc_sign_key *key) NDC_MUST_USE;
/* {"size":…,"time_ms":…,"root":"…","signature":"…"} */
void ndc_audit_head_write(struct ndc_json *j, const struct ndc_audit_head *head);
bool ndc_audit_head_parse(struct ndc_audit_head *out, struct json_object *o);

/* --- the tree: audit_tree.c --- */

enum { NDC_AUDIT_TILE = 256, NDC_AUDIT_TILE_LEVELS = 8 };

/* The right edge: per tile level the hashes of the tile not yet full (256 hashes of
 * complete subtrees of 256^level leaves), and the frontier. 66 KB, copied as a value. */
struct ndc_audit_tree {
    struct ndc_merkle_frontier frontier;
    struct ndc_merkle_hash edge[NDC_AUDIT_TILE_LEVELS][NDC_AUDIT_TILE];
};

/* Copies what is in use. */
void ndc_audit_tree_copy(struct ndc_audit_tree *to, const struct ndc_audit_tree *from);
/* Adds a leaf; every tile that becomes full is given to `full`. */
void ndc_audit_tree_add(struct ndc_audit_tree *tree, struct ndc_merkle_hasher *h,
                        const struct ndc_merkle_hash *leaf,
                        void (*full)(void *arg, unsigned level, uint64_t number,
                                     const struct ndc_merkle_hash *hashes),
                        void *arg);
/* Subtree hashes for proofs: from the edge, or from stored tiles through `conn`. */
struct ndc_audit_tiles {
    const struct ndc_audit_tree *tree;
    struct ndc_store_conn *conn;
    struct ndc_merkle_hasher *h;
    struct ndc_fault *fault; /* why the last subtree could not be had */
    struct {
        bool loaded;
        uint64_t number;
        struct ndc_merkle_hash hashes[NDC_AUDIT_TILE];
    } cache[NDC_AUDIT_TILE_LEVELS];
};
bool ndc_audit_tiles_subtree(void *tiles, unsigned level, uint64_t index,
                             struct ndc_merkle_hash *out);
/* Rebuilds the tree of the first `size` stored entries: reads under 256 entries and under
 * 256 tiles a level. */
enum ndc_err ndc_audit_tree_load(struct ndc_audit_tree *tree, struct ndc_store_conn *conn,
                                 struct ndc_merkle_hasher *h, uint64_t size,
                                 struct ndc_fault *fault) NDC_MUST_USE;

/* --- tables: audit_store.c --- */

enum ndc_err ndc_audit_migrate(struct ndc_store *store,
                               struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_audit_size(struct ndc_store_conn *conn, uint64_t *size,
                            struct ndc_fault *fault) NDC_MUST_USE;
/* NDC_OK with out->size 0 when there is none. */
enum ndc_err ndc_audit_last_head(struct ndc_store_conn *conn, struct ndc_audit_head *out,
                                 struct ndc_fault *fault) NDC_MUST_USE;

/* An event waiting to be written. */
struct ndc_audit_item {
    struct ndc_audit_item *next;
    ndc_audit_done *done;
    void *arg;
    int64_t time_ms;
    uint64_t seq;
    size_t bytes; /* of the whole item */
    struct ndc_str tail;
    size_t key_count;
    int64_t keys[]; /* of the index; the tail's text follows */
};

/* Writes a batch in one transaction: entries, some of the index, tiles that became full,
 * and the head (unless NULL, then signed here over the tree with the batch). *tree is
 * changed only by a durable batch; after a failure the index must be loaded again. */
enum ndc_err ndc_audit_write_batch(struct ndc_store *store, struct ndc_audit_tree *tree,
                                   struct ndc_audit_index *index,
                                   struct ndc_merkle_hasher *h,
                                   struct ndc_audit_item *items,
                                   struct ndc_audit_head *head,
                                   const struct ndc_sign_key *key,
                                   struct ndc_fault *fault) NDC_MUST_USE;

/* --- the log: audit.c --- */

struct ndc_audit {
    struct ndc_store *store;
    struct ndc_sign_key *key;
    struct ndc_merkle_hasher *hasher; /* the writer's */
    struct ndc_audit_index index;     /* the writer's, and what it lets readers see */
    size_t queue_max, queue_bytes_max;
    int64_t head_interval_ms;
    struct ndc_thread writer;

    struct ndc_mutex lock; /* guards what follows; taken alone */
    struct ndc_cond work;  /* something for the writer */
    struct ndc_cond heads; /* head or failing changed */
    struct ndc_audit_item *first, **last;
    size_t queued, queued_bytes;
    size_t lately;    /* about how many came together, of the last batches */
    size_t gathering; /* the writer waits until so many are queued; 0: it does not */
    bool stopping, head_wanted;
    bool failing;               /* the last batch failed */
    struct ndc_fault failed;    /* why */
    struct ndc_audit_tree tree; /* of what is durable */
    struct ndc_audit_head head;
};

/* A copy of the tree as of now, for readers. */
void ndc_audit_snapshot(struct ndc_audit *audit, struct ndc_audit_tree *out);

#endif

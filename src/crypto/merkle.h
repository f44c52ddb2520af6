/* Merkle trees as RFC 9162 (Certificate Transparency 2.0) section 2.1 hashes them:
 * SHA-256, 0x00 before a leaf, 0x01 before a node, the tree split at the largest power of
 * two. */
#ifndef NDC_CRYPTO_MERKLE_H
#define NDC_CRYPTO_MERKLE_H

#include "base/str.h"

enum {
    NDC_MERKLE_HASH_BYTES = 32,
    NDC_MERKLE_LEVELS_MAX = 64,
    NDC_MERKLE_PROOF_MAX = 64
};

struct ndc_merkle_hash {
    uint8_t b[NDC_MERKLE_HASH_BYTES];
};

/* Scratch for hashing, used by one thread at a time. */
struct ndc_merkle_hasher;
struct ndc_merkle_hasher *ndc_merkle_hasher_new(void);
void ndc_merkle_hasher_free(struct ndc_merkle_hasher *hasher);

/* Plain SHA-256, HASH(0x00 || leaf), HASH(0x01 || left || right). */
struct ndc_merkle_hash ndc_merkle_sha256(struct ndc_merkle_hasher *h,
                                         struct ndc_str data);
struct ndc_merkle_hash ndc_merkle_leaf(struct ndc_merkle_hasher *h, struct ndc_str leaf);
struct ndc_merkle_hash ndc_merkle_node(struct ndc_merkle_hasher *h,
                                       const struct ndc_merkle_hash *left,
                                       const struct ndc_merkle_hash *right);
static inline bool ndc_merkle_eq(const struct ndc_merkle_hash *a,
                                 const struct ndc_merkle_hash *b)
{
    return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

/* The roots of the complete subtrees of a growing tree: enough to append and to take the
 * root. peak[k] covers 2^k leaves and is in use where bit k of size is set. */
struct ndc_merkle_frontier {
    uint64_t size;
    struct ndc_merkle_hash peak[NDC_MERKLE_LEVELS_MAX];
};

void ndc_merkle_append(struct ndc_merkle_frontier *f, struct ndc_merkle_hasher *h,
                       const struct ndc_merkle_hash *leaf_hash);
/* The root of the empty tree is the hash of nothing. */
struct ndc_merkle_hash ndc_merkle_root(const struct ndc_merkle_frontier *f,
                                       struct ndc_merkle_hasher *h);

/* Where proofs take their hashes: the complete subtree of 2^level leaves that begins at
 * leaf index << level. False: not to be had (the proof then fails). */
struct ndc_merkle_source {
    bool (*subtree)(void *ctx, unsigned level, uint64_t index,
                    struct ndc_merkle_hash *out);
    void *ctx;
};

/* Root of the tree of the first `size` leaves. */
bool ndc_merkle_root_at(struct ndc_merkle_hash *out, const struct ndc_merkle_source *src,
                        struct ndc_merkle_hasher *h, uint64_t size) NDC_MUST_USE;
/* Section 2.1.3.1. False if leaf >= size or a subtree is missing. */
bool ndc_merkle_prove_inclusion(struct ndc_merkle_hash path[static NDC_MERKLE_PROOF_MAX],
                                size_t *count, const struct ndc_merkle_source *src,
                                struct ndc_merkle_hasher *h, uint64_t leaf,
                                uint64_t size) NDC_MUST_USE;
/* Section 2.1.4.1, 0 < first <= second; first == second gives an empty proof. */
bool ndc_merkle_prove_consistency(
    struct ndc_merkle_hash path[static NDC_MERKLE_PROOF_MAX], size_t *count,
    const struct ndc_merkle_source *src, struct ndc_merkle_hasher *h, uint64_t first,
    uint64_t second) NDC_MUST_USE;

/* Sections 2.1.3.2 and 2.1.4.2: what a client checks. */
bool ndc_merkle_verify_inclusion(struct ndc_merkle_hasher *h,
                                 const struct ndc_merkle_hash *leaf_hash, uint64_t leaf,
                                 uint64_t size, const struct ndc_merkle_hash *path,
                                 size_t count,
                                 const struct ndc_merkle_hash *root) NDC_MUST_USE;
bool ndc_merkle_verify_consistency(struct ndc_merkle_hasher *h, uint64_t first,
                                   uint64_t second,
                                   const struct ndc_merkle_hash *first_root,
                                   const struct ndc_merkle_hash *second_root,
                                   const struct ndc_merkle_hash *path,
                                   size_t count) NDC_MUST_USE;

/* 64 lower-case hex digits and a 0, and back. */
void ndc_merkle_to_hex(char out[static 65], const struct ndc_merkle_hash *hash);
bool ndc_merkle_from_hex(struct ndc_merkle_hash *out, struct ndc_str hex);

#endif

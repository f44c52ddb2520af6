/* RFC 9162 Merkle trees: a frontier for appending, proofs over any store of subtree
 * hashes, and their checks. Knows nothing of entries, files or signatures. */
#include "crypto/merkle.h"

#include <openssl/evp.h>

#include <stdatomic.h>

struct ndc_merkle_hasher {
    EVP_MD_CTX *ctx;
};

/* Fetched once: an implicit fetch would take a lock at every hash. */
static const EVP_MD *sha256(void)
{
    static _Atomic(EVP_MD *) fetched;
    EVP_MD *md = atomic_load(&fetched);
    if (md) return md;
    EVP_MD *mine = EVP_MD_fetch(NULL, "SHA256", NULL);
    NDC_ASSERT(mine);
    if (atomic_compare_exchange_strong(&fetched, &md, mine)) return mine;
    EVP_MD_free(mine);
    return md;
}

struct ndc_merkle_hasher *ndc_merkle_hasher_new(void)
{
    struct ndc_merkle_hasher *h = ndc_xmalloc(sizeof(*h));
    h->ctx = EVP_MD_CTX_new();
    NDC_ASSERT(h->ctx && EVP_DigestInit_ex2(h->ctx, sha256(), NULL));
    return h;
}

void ndc_merkle_hasher_free(struct ndc_merkle_hasher *hasher)
{
    if (!hasher) return;
    EVP_MD_CTX_free(hasher->ctx);
    free(hasher);
}

static struct ndc_merkle_hash hash_of(struct ndc_merkle_hasher *h, struct ndc_str prefix,
                                      struct ndc_str data)
{
    struct ndc_merkle_hash out;
    unsigned len = 0;
    NDC_ASSERT(EVP_DigestInit_ex2(h->ctx, NULL, NULL));
    if (prefix.len) NDC_ASSERT(EVP_DigestUpdate(h->ctx, prefix.ptr, prefix.len));
    if (data.len) NDC_ASSERT(EVP_DigestUpdate(h->ctx, data.ptr, data.len));
    NDC_ASSERT(EVP_DigestFinal_ex(h->ctx, out.b, &len) && len == sizeof(out.b));
    return out;
}

struct ndc_merkle_hash ndc_merkle_sha256(struct ndc_merkle_hasher *h, struct ndc_str data)
{
    return hash_of(h, NDC_STR_NULL, data);
}

struct ndc_merkle_hash ndc_merkle_leaf(struct ndc_merkle_hasher *h, struct ndc_str leaf)
{
    return hash_of(h, ndc_str_n("\0", 1), leaf);
}

struct ndc_merkle_hash ndc_merkle_node(struct ndc_merkle_hasher *h,
                                       const struct ndc_merkle_hash *left,
                                       const struct ndc_merkle_hash *right)
{
    char both[1 + 2 * NDC_MERKLE_HASH_BYTES] = {1};
    memcpy(both + 1, left->b, sizeof(left->b));
    memcpy(both + 1 + sizeof(left->b), right->b, sizeof(right->b));
    return hash_of(h, NDC_STR_NULL, ndc_str_n(both, sizeof(both)));
}

void ndc_merkle_append(struct ndc_merkle_frontier *f, struct ndc_merkle_hasher *h,
                       const struct ndc_merkle_hash *leaf_hash)
{
    struct ndc_merkle_hash carry = *leaf_hash;
    unsigned level = 0;
    for (; f->size >> level & 1; level++)
        carry = ndc_merkle_node(h, &f->peak[level], &carry);
    f->peak[level] = carry;
    f->size++;
}

struct ndc_merkle_hash ndc_merkle_root(const struct ndc_merkle_frontier *f,
                                       struct ndc_merkle_hasher *h)
{
    if (f->size == 0) return ndc_merkle_sha256(h, NDC_STR_NULL);
    unsigned level = (unsigned)__builtin_ctzll(f->size);
    struct ndc_merkle_hash root = f->peak[level];
    for (level++; level < NDC_MERKLE_LEVELS_MAX; level++)
        if (f->size >> level & 1) root = ndc_merkle_node(h, &f->peak[level], &root);
    return root;
}

/* Hash of leaves [begin, end), a subtree of the RFC's recursion: `begin` is a multiple of
 * the smallest power of two >= end - begin. Folded from the right over its complete
 * parts. */
static bool range_hash(struct ndc_merkle_hash *out, const struct ndc_merkle_source *src,
                       struct ndc_merkle_hasher *h, uint64_t begin, uint64_t end)
{
    NDC_ASSERT(begin < end);
    uint64_t left = end - begin;
    bool any = false;
    while (left) {
        unsigned level = (unsigned)__builtin_ctzll(left);
        uint64_t from = begin + left - ((uint64_t)1 << level);
        struct ndc_merkle_hash part;
        if (!src->subtree(src->ctx, level, from >> level, &part)) return false;
        *out = any ? ndc_merkle_node(h, &part, out) : part;
        any = true;
        left &= left - 1;
    }
    return true;
}

bool ndc_merkle_root_at(struct ndc_merkle_hash *out, const struct ndc_merkle_source *src,
                        struct ndc_merkle_hasher *h, uint64_t size)
{
    if (size > 0) return range_hash(out, src, h, 0, size);
    *out = ndc_merkle_sha256(h, NDC_STR_NULL);
    return true;
}

/* Largest power of two smaller than n, n >= 2. */
static uint64_t split_of(uint64_t n)
{
    return (uint64_t)1 << (63 - __builtin_clzll(n - 1));
}

static void reverse(struct ndc_merkle_hash *path, size_t n)
{
    for (size_t i = 0; i < n / 2; i++) {
        struct ndc_merkle_hash t = path[i];
        path[i] = path[n - 1 - i];
        path[n - 1 - i] = t;
    }
}

bool ndc_merkle_prove_inclusion(struct ndc_merkle_hash path[static NDC_MERKLE_PROOF_MAX],
                                size_t *count, const struct ndc_merkle_source *src,
                                struct ndc_merkle_hasher *h, uint64_t leaf, uint64_t size)
{
    size_t n = 0;
    *count = 0;
    if (leaf >= size) return false;
    uint64_t begin = 0, end = size;
    while (end - begin > 1) {
        uint64_t middle = begin + split_of(end - begin);
        bool left = leaf < middle;
        NDC_ASSERT(n < NDC_MERKLE_PROOF_MAX);
        if (!range_hash(&path[n++], src, h, left ? middle : begin, left ? end : middle))
            return false;
        if (left)
            end = middle;
        else
            begin = middle;
    }
    reverse(path, n);
    *count = n;
    return true;
}

bool ndc_merkle_prove_consistency(
    struct ndc_merkle_hash path[static NDC_MERKLE_PROOF_MAX], size_t *count,
    const struct ndc_merkle_source *src, struct ndc_merkle_hasher *h, uint64_t first,
    uint64_t second)
{
    size_t n = 0;
    *count = 0;
    if (first == 0 || first > second) return false;
    if (first == second) return true;
    uint64_t begin = 0, end = second;
    while (first < end) {
        uint64_t middle = begin + split_of(end - begin);
        bool left = first <= middle;
        NDC_ASSERT(n < NDC_MERKLE_PROOF_MAX);
        if (!range_hash(&path[n++], src, h, left ? middle : begin, left ? end : middle))
            return false;
        if (left)
            end = middle;
        else
            begin = middle;
    }
    /* [begin, first) is a whole subtree of both trees; the verifier knows it only if it
     * is the whole first tree. */
    if (begin > 0) {
        NDC_ASSERT(n < NDC_MERKLE_PROOF_MAX);
        if (!range_hash(&path[n++], src, h, begin, end)) return false;
    }
    reverse(path, n);
    *count = n;
    return true;
}

bool ndc_merkle_verify_inclusion(struct ndc_merkle_hasher *h,
                                 const struct ndc_merkle_hash *leaf_hash, uint64_t leaf,
                                 uint64_t size, const struct ndc_merkle_hash *path,
                                 size_t count, const struct ndc_merkle_hash *root)
{
    if (leaf >= size) return false;
    uint64_t fn = leaf, sn = size - 1;
    struct ndc_merkle_hash r = *leaf_hash;
    for (size_t i = 0; i < count; i++) {
        if (sn == 0) return false;
        if ((fn & 1) || fn == sn) {
            r = ndc_merkle_node(h, &path[i], &r);
            while (!(fn & 1) && fn) {
                fn >>= 1;
                sn >>= 1;
            }
        } else {
            r = ndc_merkle_node(h, &r, &path[i]);
        }
        fn >>= 1;
        sn >>= 1;
    }
    return sn == 0 && ndc_merkle_eq(&r, root);
}

bool ndc_merkle_verify_consistency(struct ndc_merkle_hasher *h, uint64_t first,
                                   uint64_t second,
                                   const struct ndc_merkle_hash *first_root,
                                   const struct ndc_merkle_hash *second_root,
                                   const struct ndc_merkle_hash *path, size_t count)
{
    if (first == 0 || first > second) return false;
    if (first == second) return count == 0 && ndc_merkle_eq(first_root, second_root);
    uint64_t fn = first - 1, sn = second - 1;
    while (fn & 1) {
        fn >>= 1;
        sn >>= 1;
    }
    size_t at = 0;
    struct ndc_merkle_hash fr, sr;
    if ((first & (first - 1)) == 0) {
        fr = *first_root;
    } else {
        if (count == 0) return false;
        fr = path[at++];
    }
    sr = fr;
    for (; at < count; at++) {
        if (sn == 0) return false;
        if ((fn & 1) || fn == sn) {
            fr = ndc_merkle_node(h, &path[at], &fr);
            sr = ndc_merkle_node(h, &path[at], &sr);
            while (!(fn & 1) && fn) {
                fn >>= 1;
                sn >>= 1;
            }
        } else {
            sr = ndc_merkle_node(h, &sr, &path[at]);
        }
        fn >>= 1;
        sn >>= 1;
    }
    return sn == 0 && ndc_merkle_eq(&fr, first_root) && ndc_merkle_eq(&sr, second_root);
}

void ndc_merkle_to_hex(char out[static 65], const struct ndc_merkle_hash *hash)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < sizeof(hash->b); i++) {
        out[2 * i] = digits[hash->b[i] >> 4];
        out[2 * i + 1] = digits[hash->b[i] & 15];
    }
    out[64] = 0;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

bool ndc_merkle_from_hex(struct ndc_merkle_hash *out, struct ndc_str hex)
{
    if (hex.len != 2 * sizeof(out->b)) return false;
    for (size_t i = 0; i < sizeof(out->b); i++) {
        int high = hex_digit(hex.ptr[2 * i]), low = hex_digit(hex.ptr[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        out->b[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* The projection's file, as its writer and its reader see it: entries, then the table of
 * buckets, then a checksum of each MiB before it, then the footer, which is written last
 * and without which a file is none. */
#ifndef NDC_VERIFY_PROJECTION_FORMAT_H
#define NDC_VERIFY_PROJECTION_FORMAT_H

#include "base/hash.h"
#include "platforms/verify/projection.h"

enum {
    PROJECTION_VERSION = 1,
    PROJECTION_FOOTER_BYTES = 4096,
    PROJECTION_PIECE_BYTES = 1 << 20, /* what one checksum covers */
    PROJECTION_BUCKET_ENTRIES = 32,   /* on average */
    PROJECTION_BUCKET_BITS_MAX = 26
};

#define PROJECTION_MAGIC "ndcverif"

/* The first bytes of the last 4,096. `check` is over the others, with it 0. */
struct projection_footer {
    char magic[8];
    uint32_t version, bucket_bits;
    uint64_t entries, entities;
    int64_t generation, seq, made_ms;
    uint64_t buckets_at, sums_at, bytes; /* offsets, and the file's length */
    uint64_t sums_check;                 /* over the table of checksums */
    uint64_t key_check;                  /* of the key that the hashes are under */
    uint64_t check;
};

/* Against disks, not against people. */
static inline uint64_t projection_sum(const void *data, size_t len)
{
    return ndc_hash64(data, len, 0x76657269667931u);
}

static inline uint64_t projection_key_check(const struct ndc_projection_key *key)
{
    return ndc_keyhash(key->id, NDC_STR("projection"));
}

static inline size_t projection_bucket(uint64_t key, unsigned bits)
{
    return bits ? (size_t)(key >> (64 - bits)) : 0;
}

#endif

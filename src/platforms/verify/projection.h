/* The projection: all people and organisations as fixed-size entries, one for each number
 * that anybody holds, sorted by a keyed hash of the number. A file in data_dir/verify
 * that is mapped, so a check of millions of rows is a walk over sorted memory and no SQL.
 *
 * The file is no list of people: numbers, names and dates stand in it as hashes under a
 * key that lies beside it (mode 0600), and the current number of who has an old one is
 * enciphered with it. The file's layout is in projection_format.h.
 *
 * Changes since the file was made stand in a delta in memory: entries of the entities
 * that changed, and which entities of the file they replace. */
#ifndef NDC_VERIFY_PROJECTION_H
#define NDC_VERIFY_PROJECTION_H

#include "core/people.h"
#include "crypto/keyhash.h"

enum {
    NDC_PROJECTION_ENTRY_BYTES = 48,
    NDC_PROJECTION_DELTA_MAX = 1 << 20, /* entries; more means: make the file anew */
    NDC_PROJECTION_SAME_MAX = 64,       /* entries under one number that are looked at */
    NDC_PROJECTION_ENTITY_BITS = 40
};

enum ndc_entry_flag {
    NDC_ENTRY_DEAD = 1,
    NDC_ENTRY_FROZEN = 2,
    NDC_ENTRY_ORGANISATION = 4,
    NDC_ENTRY_FORMER = 8,    /* the number was replaced */
    NDC_ENTRY_DOUBTFUL = 16, /* the number is most likely a slip of somebody's pen */
    NDC_ENTRY_TONELESS = 32, /* the name is known without tones only */
    NDC_ENTRY_SEALED = 64,   /* the current number is told (enciphered) */
    NDC_ENTRY_CHIP = 128     /* the chip's digest is known */
};

/* Also on disk: fields are never moved. A hash of 0 means that nothing is known. */
struct ndc_entry {
    uint64_t key;    /* keyed hash of kind and number */
    uint64_t sealed; /* 40 bits: the current number, enciphered; 8: top bits of entity;
                        16: flags */
    uint64_t chip;   /* hash of what the chip holds: number, name, birth date */
    uint32_t name;   /* with tones */
    uint32_t plain;  /* without */
    uint32_t order;  /* without, whatever the order of its words */
    uint32_t alias;  /* other name, without tones; an organisation's representative's */
    uint32_t birth;  /* year << 9 | month << 5 | day; an organisation's representative's
                        number, hashed */
    uint32_t entity; /* low bits */
};

_Static_assert(sizeof(struct ndc_entry) == NDC_PROJECTION_ENTRY_BYTES, "stored");

static inline unsigned ndc_entry_flags(const struct ndc_entry *e)
{
    return (unsigned)(e->sealed >> 48);
}

static inline uint64_t ndc_entry_entity(const struct ndc_entry *e)
{
    return e->entity | (e->sealed >> 40 & 0xff) << 32;
}

/* ---- the key ---- */

struct ndc_projection_key {
    uint8_t id[NDC_KEYHASH_KEY_BYTES];   /* numbers */
    uint8_t text[NDC_KEYHASH_KEY_BYTES]; /* names, chips */
    uint8_t seal[NDC_KEYHASH_KEY_BYTES]; /* enciphers current numbers */
};

/* Reads DIR/projection.key, made there if it is missing. */
enum ndc_err ndc_projection_key_open(struct ndc_projection_key *key, const char *dir,
                                     struct ndc_fault *fault) NDC_MUST_USE;

/* Hashes of what people write, as entries hold them. Texts are normalised already. */
uint64_t ndc_hash_id(const struct ndc_projection_key *key, enum ndc_people_id_kind kind,
                     struct ndc_str value);
struct ndc_name_hashes {
    uint32_t name, plain, order;
};
struct ndc_name_hashes ndc_hash_name(const struct ndc_projection_key *key,
                                     struct ndc_str name);
uint32_t ndc_hash_number(const struct ndc_projection_key *key, struct ndc_str value);
/* Of the 64 hexadecimal digits that a reader of chips gives. */
uint64_t ndc_hash_chip(const struct ndc_projection_key *key, struct ndc_str hex);
/* The text whose SHA-256 those digits are: number, name as it is printed (capitals, NFC)
 * and birth date as YYYYMMDD, each ended by a line feed; its length. */
size_t ndc_chip_text(char out[static 512], struct ndc_str id, struct ndc_str name,
                     struct ndc_date birth);
uint32_t ndc_pack_date(struct ndc_date date);

/* The entries of an entity, at most NDC_PEOPLE_IDS_MAX. */
unsigned ndc_entries_of(struct ndc_entry out[static NDC_PEOPLE_IDS_MAX],
                        const struct ndc_projection_key *key,
                        const struct ndc_people_facts *facts);
/* The current number of an entry with NDC_ENTRY_SEALED, 12 digits and a 0. */
void ndc_entry_unseal(char out[static 13], const struct ndc_projection_key *key,
                      const struct ndc_entry *entry);

/* ---- the file ---- */

/* Sorts entries in bounded memory and writes the file (projection_build.c). */
struct ndc_projection_build;
struct ndc_projection_build *ndc_projection_build_new(const char *dir);
/* One thread at a time. */
enum ndc_err ndc_projection_build_add(struct ndc_projection_build *build,
                                      const struct ndc_entry *entries, size_t n,
                                      struct ndc_fault *fault) NDC_MUST_USE;
/* Writes DIR/projection aside, syncs, renames. key: the entries'. */
enum ndc_err ndc_projection_build_end(struct ndc_projection_build *build,
                                      const struct ndc_projection_key *key,
                                      struct ndc_people_moment moment, uint64_t entities,
                                      unsigned threads,
                                      struct ndc_fault *fault) NDC_MUST_USE;
void ndc_projection_build_free(struct ndc_projection_build *build);

/* An open projection: the mapped file and the delta. Shared by readers; freed when the
 * last has given it back. */
struct ndc_projection;

/* Opens DIR/projection. With `check` every byte is read and compared with its checksum;
 * without it the footer and the length are. Faults: projection.none (NDC_ENOTFOUND),
 * projection.damaged (NDC_ECONFLICT; also where it was made with another key). */
enum ndc_err ndc_projection_open(struct ndc_projection **out, const char *dir,
                                 const struct ndc_projection_key *key, bool check,
                                 unsigned threads, struct ndc_fault *fault) NDC_MUST_USE;
struct ndc_projection *ndc_projection_ref(struct ndc_projection *projection);
void ndc_projection_unref(struct ndc_projection *projection); /* NULL is fine */

struct ndc_projection_info {
    struct ndc_people_moment moment; /* the delta's included */
    uint64_t entries, entities, delta;
    int64_t made_ms;
    uint64_t bytes;
};
void ndc_projection_info(const struct ndc_projection *projection,
                         struct ndc_projection_info *out);

/* A new projection of the same file: these entities now have these entries (sorted by
 * key by this function), all changes up to `seq` are in. */
struct ndc_projection *ndc_projection_with(const struct ndc_projection *projection,
                                           const uint64_t *entities, size_t n_entities,
                                           const struct ndc_entry *entries, size_t n,
                                           int64_t seq);

/* The entries under a key, at most `max`; how many. */
size_t ndc_projection_find(const struct ndc_projection *projection, uint64_t key,
                           const struct ndc_entry **out, size_t max);
/* Tells the memory that this key will be asked for soon. */
void ndc_projection_prefetch(const struct ndc_projection *projection, uint64_t key,
                             unsigned step);

#endif

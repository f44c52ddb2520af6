/* The registry's one inverted index: 48-bit keys (hashes of identifiers, names, record
 * keys, blocking keys) to entity numbers, in sorted pages of a few kilobytes. A page is
 * one database row, so a bulk load writes a row for some hundred entries and a lookup
 * reads one; changes since the last bulk load stand in a small table of plain rows beside
 * it. A key can collide: whoever looks up compares the entity itself. */
#ifndef NDC_REGISTRY_INDEX_H
#define NDC_REGISTRY_INDEX_H

#include "base/buf.h"
#include "base/sort.h"

enum { NDC_INDEX_PAGE_ENTRIES = 400, NDC_INDEX_KEY_BITS = 48 };

/* What a key stands for: part of its hash, so equal texts of two kinds never meet. */
enum ndc_index_kind {
    NDC_INDEX_RECORD = 1, /* source number and key */
    NDC_INDEX_ID,         /* an identifier's field id and value */
    NDC_INDEX_NAME,       /* whole folded name */
    NDC_INDEX_NAME_YEAR,  /* whole folded name and birth year */
    NDC_INDEX_BIGRAM,     /* two neighbouring words of a folded name */
    NDC_INDEX_BIRTH,      /* birth date and one word of a folded name */
    NDC_INDEX_BLOCK,      /* a blocking key of the linking engine */
    NDC_INDEX_WORD,       /* one word of a folded name */
    NDC_INDEX_NAME_PLACE, /* whole folded name and province */
    NDC_INDEX_PART        /* words that tell a name, birth year and province */
};

/* Counts what the index has keys of; a store keeps the number its index was made with. An
 * older index is served: what it has no keys of is found less often. 2: NAME_PLACE, PART,
 * BIRTH of every word (1: of the last). */
enum { NDC_INDEX_VERSION = 2 };

/* The key of a text; `part` is the field id, source number, year or province where the
 * kind has one. */
uint64_t ndc_index_key(enum ndc_index_kind kind, uint64_t part, struct ndc_str text);
/* Of NDC_INDEX_PART: a surname or the word before the last (or ""), and the last word; 0:
 * no year, no province. */
uint64_t ndc_index_part(uint32_t year, uint32_t province, struct ndc_str first,
                        struct ndc_str last);
/* Of NDC_INDEX_BIRTH: a whole date (ISO) and a word. */
uint64_t ndc_index_birth(struct ndc_str date, struct ndc_str word);
/* The province of an address' place (a commune's or a province's code); 0: none. */
uint32_t ndc_index_province(uint32_t place);

/* Encodes `count` entries sorted by (key, value), at most NDC_INDEX_PAGE_ENTRIES. */
void ndc_index_page_encode(struct ndc_buf *out, const struct ndc_key64 *entries,
                           size_t count);
/* Finds the entries of `key` in a page: writes up to `max` entity numbers, ascending, and
 * returns how many; *more says whether the page ends within this key's entries. A damaged
 * page gives what was readable and *damaged. */
size_t ndc_index_page_find(struct ndc_str page, uint64_t key, uint64_t *entities,
                           size_t max, bool *more, bool *damaged);

#endif

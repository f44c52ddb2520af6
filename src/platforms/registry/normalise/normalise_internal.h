/* Shared by the normalisers' own files only. */
#ifndef NDC_REGISTRY_NORMALISE_INTERNAL_H
#define NDC_REGISTRY_NORMALISE_INTERNAL_H

#include "base/hash.h"
#include "platforms/registry/normalise/normalise.h"

enum { NORM_FOLDED_MAX = 32 };

struct norm_code {
    uint32_t code;
    uint16_t id;
};

/* Units under one folded name: ids[first .. first + count). */
struct norm_entry {
    uint64_t key; /* of the name without tones and spaces; 0: free slot */
    uint16_t first, count;
};

/* Indexes over the unit tables, made once per process and never changed. */
struct norm_tables {
    struct norm_code *codes[2];
    uint16_t *self;
    struct norm_entry *entries;
    uint64_t entries_mask;
    uint16_t *named;                 /* unit ids by entry */
    uint32_t *exact;                 /* by id: hash of the name with its tones */
    char (*folded)[NORM_FOLDED_MAX]; /* by id: without tones and spaces, 0-terminated */
};

struct ndc_norm_memo {
    struct addr_memo *addresses;
    struct name_memo *names;
};

const struct norm_tables *norm_tables(void);
void norm_codes_build(struct norm_tables *tables);
/* Key of a name already folded, without spaces. */
uint64_t norm_name_key(struct ndc_str folded);
/* Hash of a name with its tones, whatever its case, spaces and y or i. */
uint32_t norm_exact_hash(struct ndc_str name);
const struct norm_entry *norm_entry_find(const struct norm_tables *tables, uint64_t key);

/* Letters without marks, case kept: "Phuc Xa". Returns the length. */
size_t norm_plain(char *out, struct ndc_str in);

/* Copies the digits of raw, without separators (space . - /), into out (at most cap - 1,
 * 0-terminated). Letters taken for digits (O o for 0, l I | for 1) set *confused; any
 * other character sets *other. Returns how many digits there are in all. */
size_t norm_digits(char *out, size_t cap, struct ndc_str raw, bool *confused,
                   bool *other);
/* Letters and digits only, letters as ASCII capitals; the same rules. */
size_t norm_alnum(char *out, size_t cap, struct ndc_str raw, bool *other);
bool norm_repeated(const char *digits, size_t n);

enum ndc_norm_reason norm_value_set(struct ndc_norm_value *out, const char *text,
                                    size_t len);

#endif

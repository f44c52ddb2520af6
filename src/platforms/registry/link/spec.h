/* What the parts of the linking engine share. Nothing here is for callers.
 *
 * Vocabulary: a field is a column of the spec; its distinct values are numbered by a
 * dictionary (0: missing). A level is how well two values agree (0: one is missing, 1:
 * best). A group is one or more fields judged together; its cell is the combination of
 * its fields' levels. A node is the unit of clustering: one row, or rows already joined
 * by an identifier or a decision. */
#ifndef NDC_REGISTRY_LINK_SPEC_H
#define NDC_REGISTRY_LINK_SPEC_H

#include "base/hash.h"
#include "platforms/registry/link/match.h"

enum {
    LEVELS_MAX = 12,      /* of one comparator, without "missing" */
    GROUP_FIELDS_MAX = 4, /* fields judged together */
    CELLS_MAX = 4096,     /* level combinations of one group */
    RULES_MAX = 32,
    PARTS_MAX = 6,       /* parts of one blocking rule */
    PART_FIELDS_MAX = 3, /* fields pooled in one part */
    KEYS_PER_VALUE = 6,  /* keys one value gives in a many-valued part */
    NAME_MAX = 64
};

struct column;

/* One way to compare two values of a dictionary. */
struct comparator {
    const char *name;
    const char *const *level_names; /* of level 1, 2, … */
    unsigned levels;
    bool frequency; /* exact agreement weighs by the value's rarity unless the spec says
                       no */
    /* How text is folded before it enters the dictionary. */
    void (*fold)(struct ndc_buf *out, struct ndc_str raw);
    /* Fills column->class_of; may be NULL. */
    void (*prepare)(struct column *column);
    /* Level of two different values, both present. Pure. */
    uint8_t (*compare)(const struct column *column, uint32_t a, uint32_t b);
    bool symmetric; /* compare(a, b) is compare(b, a) by construction */
};

/* Changes when fields, comparators or groups do: a model fits one shape. */
uint64_t ndc_link_spec_shape(const struct ndc_link_spec *spec);
const struct comparator *ndc_link_comparator_find(const char *name);
/* NULL-terminated, for "did you mean". */
extern const char *const ndc_link_comparator_names[];

enum transform_kind {
    TRANSFORM_EXACT,
    TRANSFORM_PREFIX,
    TRANSFORM_SUFFIX,
    TRANSFORM_SOUNDEX,
    TRANSFORM_FIRST,
    TRANSFORM_LAST,
    TRANSFORM_TOKENS,
    TRANSFORM_SORTED,
    TRANSFORM_INITIALS,
    TRANSFORM_DIGITS,
    TRANSFORM_YEAR,
    TRANSFORM_MONTH_DAY,
    TRANSFORM_YEAR_MONTH,
    TRANSFORM_DAY,
    TRANSFORM_PLAIN, /* toneless, spaces dropped */
    TRANSFORM_COUNT
};

struct rule_part {
    unsigned fields[PART_FIELDS_MAX];
    unsigned field_count; /* more than one: any of them (values pooled) */
    enum transform_kind kind;
    unsigned length; /* of prefix and suffix */
};

struct rule {
    char text[160]; /* as written, for reports */
    struct rule_part parts[PARTS_MAX];
    unsigned part_count;
    uint32_t cap; /* rows */
};

struct aliases; /* words that stand for one another (nicknames, surname variants) */
enum ndc_err ndc_link_aliases_load(struct aliases **out, const char *path,
                                   struct ndc_fault *fault) NDC_MUST_USE;
/* An empty table, and one more line of it: words[0] is the usual form. */
struct aliases *ndc_link_aliases_new(void);
void ndc_link_aliases_add(struct aliases *aliases, const struct ndc_str *words, size_t n);
void ndc_link_aliases_free(struct aliases *aliases);
/* True if both words stand in one line of the table. */
bool ndc_link_aliases_match(const struct aliases *aliases, struct ndc_str a,
                            struct ndc_str b);
/* The first word of the first line that holds `word`, or `word`. */
struct ndc_str ndc_link_aliases_canonical(const struct aliases *aliases,
                                          struct ndc_str word);

struct spec_field {
    char name[NAME_MAX], column[NAME_MAX];
    const struct comparator *comparator; /* NULL: for blocking only */
    struct aliases *aliases;             /* owned; may be NULL */
    unsigned dict;                       /* field whose dictionary it shares (itself) */
    int swap;                            /* field it may be swapped with, or -1 */
    bool frequency;
    bool identifier;  /* equal values join records before anything else */
    bool unique;      /* two different values cannot be in one entity */
    bool shared;      /* people of one household agree on it: parents, address */
    double tolerance; /* of numbers */
};

struct spec_group {
    unsigned fields[GROUP_FIELDS_MAX];
    unsigned field_count;
    unsigned cells; /* product of (levels + 1) */
    bool shared;    /* any of its fields is */
    bool is_swap; /* the pseudo group: cell 1 direct, 2 swapped; its field is the first */
};

struct ndc_link_spec {
    char name[NAME_MAX];
    struct spec_field fields[NDC_LINK_FIELDS_MAX];
    unsigned field_count;
    struct spec_group groups[2 * NDC_LINK_FIELDS_MAX];
    unsigned group_count;
    struct rule rules[RULES_MAX];
    unsigned rule_count;
    bool has_shared;   /* some field is shared: the household class is learned */
    bool between_only; /* compare records of different sources only */
    bool one_to_one;   /* a source holds an entity once: implies between_only */
    bool split;        /* blocks over the cap are split, not only left out */
    double join, review_low, review_high, edge_floor;
    uint32_t entity_max, cap;
    /* Reading labelled CSV files (eval). */
    char separator;
    bool trim;
    char id_column[NAME_MAX], truth_column[NAME_MAX];
    unsigned truth_part; /* 1-based part between truth_split bytes; 0: the whole */
    char truth_split;
};

#endif

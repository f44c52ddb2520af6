/* The facts by which a person or organisation is recognised and judged: the interface.
 * Platform `registry` serves it; `verify` and whoever else keeps a projection of the
 * nation's people reads it. It is for platforms, never for a caller: what leaves the
 * program is decided by policy, by whoever asks here. */
#ifndef NDC_CORE_PEOPLE_H
#define NDC_CORE_PEOPLE_H

#include "base/arena.h"
#include "base/date.h"
#include "base/error.h"
#include "core/dictionary.h"

enum {
    NDC_PEOPLE_IDS_MAX = 16,  /* of one entity; further ones are left out */
    NDC_PEOPLE_NAMES_MAX = 4, /* its name, then other names */
    NDC_PEOPLE_TEXT_MAX = 192 /* bytes of a name as ndc_people_name gives it */
};

/* What a number is, by its form. */
enum ndc_people_id_kind {
    NDC_ID_NONE,
    NDC_ID_PERSONAL, /* 12 digits */
    NDC_ID_OLD,      /* identity card of 9 digits */
    NDC_ID_PASSPORT,
    NDC_ID_ORGANISATION /* 10 digits, or 13 as NNNNNNNNNN-NNN */
};

/* How an identifier belongs to its entity. */
enum ndc_people_id_state {
    NDC_ID_CURRENT,
    NDC_ID_FORMER,  /* an authority for identifiers held it, or its kind was replaced */
    NDC_ID_DOUBTFUL /* only sources that are no authority for identifiers have it: most
                       often a slip of the pen */
};

struct ndc_people_id {
    enum ndc_people_id_kind kind;
    enum ndc_people_id_state state;
    struct ndc_str value; /* normalised */
};

enum ndc_people_flag {
    NDC_PEOPLE_DEAD = 1, /* of an organisation: closed */
    NDC_PEOPLE_FROZEN = 2,
    NDC_PEOPLE_GONE = 4, /* the entity is no more, or no source holds it: only its number
                            is told */
    NDC_PEOPLE_TONELESS = 8 /* the name is known without tones only */
};

/* Texts are normalised and live until the visit returns. */
struct ndc_people_facts {
    uint64_t entity;
    enum ndc_entity type;
    unsigned flags; /* enum ndc_people_flag */
    struct ndc_people_id ids[NDC_PEOPLE_IDS_MAX];
    unsigned id_count;
    struct ndc_str names[NDC_PEOPLE_NAMES_MAX];
    unsigned name_count;
    struct ndc_date birth;           /* year 0: not known */
    struct ndc_str current_id;       /* the person's 12 digits, the organisation's code */
    struct ndc_str rep_name, rep_id; /* of an organisation */
    struct ndc_str parent_ids[2];    /* personal numbers of father and mother */
};

/* One datum as the store has it, and where from. Texts live in the arena. */
struct ndc_people_claim {
    unsigned field; /* of the dictionary */
    struct ndc_str value;
    struct ndc_str source, title_vi, title_en; /* which database says so */
    struct ndc_str agency;                     /* whose it is: a code */
    int64_t seen_ms;                           /* when its record last changed there */
};

enum { NDC_PEOPLE_ENTITY_TEXT = 24 };

/* Where a state of the store stands: equal generations and numbers, equal facts. */
struct ndc_people_moment {
    int64_t generation; /* rises when everything may have changed; 0: nothing yet */
    int64_t seq;        /* last change in the feed that is covered */
};

/* Several entities at a time, in no promised order. An error ends the scan and is
 * returned. */
typedef enum ndc_err ndc_people_visit(void *arg, const struct ndc_people_facts *facts,
                                      size_t n, struct ndc_fault *fault);

struct ndc_people_ops {
    enum ndc_err (*moment)(void *ctx, struct ndc_people_moment *out,
                           struct ndc_fault *fault);
    /* All people and organisations. *moment is such that `changes` after its seq give
     * what the scan has not told: a change may be told twice, never not at all. *total is
     * about how many there are, set before the first visit. */
    enum ndc_err (*scan)(void *ctx, struct ndc_people_moment *moment, uint64_t *total,
                         ndc_people_visit *visit, void *arg, struct ndc_fault *fault);
    /* Entities changed after `after`, at most `max` changes, with their facts as they are
     * now; *last is where to go on. *anew: everything may have changed, scan again. */
    enum ndc_err (*changes)(void *ctx, int64_t after, size_t max, int64_t *last,
                            bool *anew, ndc_people_visit *visit, void *arg,
                            struct ndc_fault *fault);
    /* Whoever holds a number (normalised as `id` gives it), each with its facts as they
     * are now, most often one; a number that is somebody's no longer finds them too. */
    enum ndc_err (*find)(void *ctx, enum ndc_people_id_kind kind, struct ndc_str value,
                         ndc_people_visit *visit, void *arg, struct ndc_fault *fault);
    /* All that is known of an entity, with where it is from. NDC_ENOTFOUND: there is no
     * such entity (any more). */
    enum ndc_err (*claims)(void *ctx, struct ndc_arena *arena, uint64_t entity,
                           struct ndc_people_claim **out, size_t *n,
                           struct ndc_fault *fault);
    /* An entity as people, URLs and the audit log name it, 0-terminated. */
    void (*entity_text)(char out[static NDC_PEOPLE_ENTITY_TEXT], enum ndc_entity type,
                        uint64_t entity);
    /* The store's own rules for what people write. reader: of one thread. */
    void *(*reader_new)(void);
    void (*reader_free)(void *reader);
    /* A personal name, titles off, in `out` (NDC_PEOPLE_TEXT_MAX bytes); its length, 0:
     * none can be read. *toneless: written without Vietnamese tones. */
    size_t (*name)(void *reader, char *out, bool *toneless, struct ndc_str raw);
    /* A number in `out` (24 bytes) and its kind; NDC_ID_NONE: no identifier. */
    enum ndc_people_id_kind (*id)(char *out, struct ndc_str raw, bool organisation);
    /* A date; day first where it is in doubt. False: none. */
    bool (*date)(struct ndc_date *out, struct ndc_str raw);
};

/* Process-wide, before threads start; NULL unregisters. */
void ndc_people_register(const struct ndc_people_ops *ops, void *ctx);
/* NULL where no platform serves it. */
const struct ndc_people_ops *ndc_people(void **ctx);

#endif

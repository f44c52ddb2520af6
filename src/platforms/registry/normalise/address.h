/* Inside address matching: tokens, spans and options. */
#ifndef NDC_REGISTRY_NORMALISE_ADDRESS_H
#define NDC_REGISTRY_NORMALISE_ADDRESS_H

#include "platforms/registry/normalise/normalise_internal.h"

enum {
    ADDR_TOKENS_MAX = 28, /* at the text's end; what is before them is street */
    ADDR_NAME_TOKENS = 7, /* the longest unit name */
    ADDR_OPTIONS_MAX = 24,
    ADDR_BYTES = 512
};

struct addr_token {
    uint16_t raw_from, raw_to; /* in the raw text */
    uint16_t at, len;          /* in bytes: folded, no spaces between tokens */
    bool comma, dash;          /* what stands before it */
};

/* A kind word found beside a name: which kinds it can mean, 0: none. */
struct addr_kind {
    uint16_t mask; /* bits 1 << enum ndc_unit_kind */
    uint8_t tokens;
};

/* Tokens [start, end) name something: [name, name_end) is the name itself. */
struct addr_hit {
    uint8_t start, name, name_end;
    bool bounded; /* a comma, dash, kind word or the text's start is before it */
    uint16_t mask;
    bool marked;    /* in a text with tones or marks: then exact is used */
    uint32_t exact; /* hash with tones, 0 until asked for */
    const struct norm_entry *entry;
};

struct addr_text {
    struct ndc_str raw;
    unsigned n;
    bool marked; /* its writer used tones: a name without any means that */
    struct addr_token t[ADDR_TOKENS_MAX + 1];
    char bytes[ADDR_BYTES];
    const struct norm_tables *tables;
};

/* Where a commune was looked for in the part that is watched. */
struct addr_watch {
    uint8_t count;
    bool counted; /* something was found there, or looked for otherwise: it counts */
    struct {
        bool province; /* within a province: its present and former unit */
        uint16_t now, former, district;
    } at[3];
};

/* ndc_norm_address, and from where on the text was read for it. */
struct addr_reach {
    size_t from; /* the byte where the units begin; the text's length: none was found */
    bool whole;  /* more than the last three parts between commas may have counted */
    bool typos;  /* it was read once more, with a letter wrong */
    struct addr_watch watch;
};
struct addr_found {
    int score;
    uint16_t units[NDC_NORM_UNITS_MAX]; /* the lowest unit read, equals */
    uint8_t count, start;
    bool typo, loose, kind, province, tones_differ, conflict;
    uint16_t district, province_now;
};

struct addr_search {
    struct addr_text text;
    struct ndc_date as_of;
    bool typos, twice; /* twice: a province was read in two parts */
    unsigned watched;  /* the token where what is watched ends; past all: nothing is */
    struct addr_watch watch;
    struct addr_found best;
    /* Hits by where they end, found once. */
    uint8_t hit_count[ADDR_TOKENS_MAX + 1]; /* 255: not yet */
    struct addr_hit hits[ADDR_TOKENS_MAX + 1][ADDR_NAME_TOKENS];
};

/* A clean answer, nothing read yet. */
void addr_clear(struct ndc_norm_address *out, struct addr_reach *reach,
                struct ndc_str raw);
enum ndc_norm_reason addr_read(struct ndc_norm_address *out, struct ndc_str raw,
                               struct ndc_date as_of, struct addr_reach *reach);
/* The same in two steps, for who can stop between them. */
enum ndc_norm_reason addr_begin(struct addr_search *search, struct ndc_str raw,
                                struct ndc_date as_of);
enum ndc_norm_reason addr_finish(struct ndc_norm_address *out, struct addr_search *search,
                                 struct addr_reach *reach);
/* Whether another text before byte `at` would have been read the same: true if none of
 * the units that it may name fits where a commune was looked for in the first reading. */
bool addr_before_idle(struct addr_search *search, size_t at,
                      const struct addr_watch *watch);
/* Watches what is looked for in the text before byte `at`, where a part begins. */
void addr_watch(struct addr_search *search, size_t at);
/* Writes the street: what of raw stands before the units. */
void addr_street(struct ndc_norm_address *out, struct ndc_str raw);

void addr_tokens(struct addr_text *out, struct ndc_str raw);
/* Tokens at the end that say nothing: the country, a postal code. Returns the end. */
unsigned addr_end(const struct addr_text *text);
struct ndc_str addr_span(const struct addr_text *text, unsigned from, unsigned to);
/* The kind word right before token `at`, or right after the span ending at `at`. */
struct addr_kind addr_kind_before(const struct addr_text *text, unsigned at);
struct addr_kind addr_kind_after(const struct addr_text *text, unsigned at);
/* The hash of the hit's name as written, 0 if it has no marks. */
uint32_t addr_exact(struct addr_hit *hit, const struct addr_text *text);
/* Hits whose span ends at `end`, longest name first. */
unsigned addr_hits(struct addr_hit *out, const struct addr_text *text, unsigned end);
/* The phrase that ends at `end` and starts at a boundary or a kind word, for matching
 * with a letter wrong; false if there is none of fair length. */
bool addr_phrase(struct addr_hit *out, const struct addr_text *text, unsigned end);

#endif

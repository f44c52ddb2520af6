/* The audit log: who saw whom, when, for what purpose, on which legal basis. Append-only
 * in a Merkle tree (RFC 9162 hashing) with Ed25519-signed heads; docs/audit.md. One per
 * process, in a database of its own. Entries hold entity ids, never names or values. */
#ifndef NDC_CORE_AUDIT_H
#define NDC_CORE_AUDIT_H

#include "base/error.h"
#include "base/json.h"
#include "core/dictionary.h"
#include "core/policy.h"

enum {
    NDC_AUDIT_TEXT_MAX = 256,      /* bytes of one text of an event; longer is cut */
    NDC_AUDIT_SUBJECTS_MAX = 1000, /* of one event */
    NDC_AUDIT_PAGE_MAX = 1000,     /* entries in one answer */
    NDC_AUDIT_HASH_BYTES = 32,
    NDC_AUDIT_PROOF_MAX = 64,
    NDC_AUDIT_SIGNATURE_BYTES = 64
};

/* Copied by append: every pointer may die after the call. Empty texts are left out. */
struct ndc_audit_event {
    struct ndc_str principal; /* id of who acts; required */
    struct ndc_str agency;
    struct ndc_str action; /* "read", "search", "sign-in", "review.merge", … ; required */
    struct ndc_str purpose, legal_basis;
    struct ndc_str platform, route; /* "registry", "GET /api/registry/persons/{id}" */
    const struct ndc_str *subjects; /* entity ids; each is indexed */
    size_t subject_count;
    struct ndc_field_set fields;       /* shown or masked */
    enum ndc_policy_outcome outcome;   /* deny: what was refused is logged too */
    struct ndc_str rule;               /* rule that decided */
    struct ndc_str request_id, client; /* client: its network address */
    struct ndc_str detail;             /* short, never personal data: "rows=20" */
};

struct ndc_audit;
struct ndc_store;

struct ndc_audit_options {
    /* Ed25519 private key, made with mode 0600 if absent; its public key is written
     * beside it as <key_path>.pub. */
    const char *key_path;
    size_t queue_max;          /* events waiting; more is NDC_EBUSY. 0: 16384 */
    size_t queue_bytes_max;    /* 0: 16 MiB */
    unsigned head_interval_ms; /* a changed tree is signed this often. 0: 1000 */
};

/* Opens (creating tables) on a store of the audit's own; goes on from what is durable,
 * and refuses (NDC_ECONFLICT) a log that is shorter than its last signed head or has
 * another root there: it was cut or changed. Starts the writer thread. */
enum ndc_err ndc_audit_open(struct ndc_audit **out, struct ndc_store *store,
                            const struct ndc_audit_options *options,
                            struct ndc_fault *fault) NDC_MUST_USE;
/* Writes what is queued, signs, stops. */
void ndc_audit_close(struct ndc_audit *audit);

/* Called from the writer thread once durable (err 0, seq the entry's number from 0) or
 * failed; must be quick and may not call append_wait. */
typedef void ndc_audit_done(void *arg, enum ndc_err err, uint64_t seq);

/* Queues one event. Any thread; does not wait for the disk. NDC_EBUSY when the queue is
 * full, NDC_EDB while the database fails: then the act must be refused and `done` is not
 * called. On NDC_OK `done` (may be NULL) is called exactly once, perhaps before the
 * return. */
enum ndc_err ndc_audit_append(struct ndc_audit *audit,
                              const struct ndc_audit_event *event, ndc_audit_done *done,
                              void *arg, struct ndc_fault *fault) NDC_MUST_USE;
/* The same, returning once durable. *seq may be NULL. */
enum ndc_err ndc_audit_append_wait(struct ndc_audit *audit,
                                   const struct ndc_audit_event *event, uint64_t *seq,
                                   struct ndc_fault *fault) NDC_MUST_USE;

struct ndc_audit_head {
    uint64_t size;
    int64_t time_ms;
    uint8_t root[NDC_AUDIT_HASH_BYTES];
    uint8_t signature[NDC_AUDIT_SIGNATURE_BYTES]; /* over RFC 9162 TreeHeadDataV2 */
};

/* The last signed head; with `now` one that covers every entry durable at the call. */
enum ndc_err ndc_audit_head(struct ndc_audit *audit, bool now, struct ndc_audit_head *out,
                            struct ndc_fault *fault) NDC_MUST_USE;
/* Proofs, RFC 9162 sections 2.1.3 and 2.1.4, for trees up to what is durable. */
enum ndc_err ndc_audit_prove_inclusion(
    struct ndc_audit *audit, uint8_t path[NDC_AUDIT_PROOF_MAX][NDC_AUDIT_HASH_BYTES],
    size_t *count, uint64_t seq, uint64_t size, struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_audit_prove_consistency(
    struct ndc_audit *audit, uint8_t path[NDC_AUDIT_PROOF_MAX][NDC_AUDIT_HASH_BYTES],
    size_t *count, uint64_t first, uint64_t second, struct ndc_fault *fault) NDC_MUST_USE;

/* One stored entry: its canonical text (one JSON object, the leaf's very bytes). */
typedef enum ndc_err ndc_audit_visit(void *arg, uint64_t seq, struct ndc_str entry);

struct ndc_audit_query {
    struct ndc_str subject;    /* entries on this entity, or */
    struct ndc_str principal;  /* entries by this principal, or, both empty, all */
    int64_t from_ms, until_ms; /* 0: open; from inclusive, until exclusive */
    uint64_t from_seq;         /* first seq to look at; with `newest_first` the last */
    bool newest_first;
    unsigned limit; /* 0: 50; at most PAGE_MAX */
};

/* Visits entries in order; *next is the from_seq of the next page, or UINT64_MAX. */
enum ndc_err ndc_audit_find(struct ndc_audit *audit, const struct ndc_audit_query *query,
                            ndc_audit_visit *visit, void *arg, uint64_t *next,
                            struct ndc_fault *fault) NDC_MUST_USE;

/* The fields of a stored entry: its member `fields`. False: it is none. */
bool ndc_audit_fields_parse(struct ndc_field_set *out, struct ndc_str hex);

/* Process-wide handle for handlers; set by the daemon, NULL when there is no log. */
void ndc_audit_set(struct ndc_audit *audit);
struct ndc_audit *ndc_audit_get(void);

#endif

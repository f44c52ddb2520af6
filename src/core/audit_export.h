/* Exports of the audit log, and their check without the database (docs/audit.md).
 *
 * An export is lines, each ended by LF:
 *     {"format":"ndc-audit-1","entries":N,"key":"<public key, 64 hex digits>"}
 *     {"leaf":"<64 hex digits>","entry":<the entry's canonical text>}
 *     {"head":{"size":…,"time_ms":…,"root":"…","signature":"…"}}
 * entries in order from 0, each signed head after the last entry it covers, the last line
 * the head of all N. */
#ifndef NDC_CORE_AUDIT_EXPORT_H
#define NDC_CORE_AUDIT_EXPORT_H

#include "core/audit.h"
#include "crypto/sign.h"
#include "store/store.h"

struct ndc_audit_export_counts {
    uint64_t entries, heads;
    uint64_t unsigned_left_out; /* entries after the last signed head */
};

/* Writes what the last signed head covers, from one snapshot; a daemon may go on writing.
 * `write` takes the text in portions. */
enum ndc_err ndc_audit_export(struct ndc_store *store, const struct ndc_sign_key *public,
                              enum ndc_err (*write)(void *arg, struct ndc_str text,
                                                    struct ndc_fault *fault),
                              void *arg, struct ndc_audit_export_counts *counts,
                              struct ndc_fault *fault) NDC_MUST_USE;

struct ndc_audit_report {
    uint64_t entries, heads; /* read */
    uint64_t findings;       /* 0: the export is whole and as signed */
    struct ndc_audit_head last;
    bool has_last;
    bool key_trusted; /* checked with a key from elsewhere, not the file's own */
};

/* Told of each finding, the first 100 of them: `seq` is the entry, UINT64_MAX if none. */
typedef void ndc_audit_finding(void *arg, uint64_t seq, const char *text);

struct ndc_audit_verifier;
/* `key` NULL: the key named in the file, which proves only that the file fits itself. */
struct ndc_audit_verifier *ndc_audit_verifier_new(const struct ndc_sign_key *key,
                                                  ndc_audit_finding *finding, void *arg);
/* Takes the file in portions of any size. */
void ndc_audit_verifier_feed(struct ndc_audit_verifier *v, struct ndc_str text);
/* The file has ended: last findings, the report; frees. */
void ndc_audit_verifier_end(struct ndc_audit_verifier *v,
                            struct ndc_audit_report *report);

#endif

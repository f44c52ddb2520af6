/* Files that banks send, watches of what they sent, test files. */
#ifndef NDC_VERIFY_FILES_H
#define NDC_VERIFY_FILES_H

#include "base/json.h"
#include "platforms/verify/verify.h"

/* ---- files (file_store.c, file_run.c) ---- */

enum ndc_file_state {
    NDC_FILE_QUEUED,
    NDC_FILE_CHECKING,
    NDC_FILE_DONE,
    NDC_FILE_REFUSED, /* by policy or a limit, or it is no file of rows */
    NDC_FILE_FAILED,
    NDC_FILE_WITHDRAWN,
    NDC_FILE_STATE_COUNT
};
const char *ndc_file_state_name(enum ndc_file_state state);

/* A file as stored; strings live in the arena it was read into. */
struct ndc_verify_file {
    struct ndc_str file, bank, kind; /* kind: "file" or "delta" */
    struct ndc_str name, idempotency_key, sha256, watch;
    enum ndc_file_state state;
    struct ndc_str job, principal, principal_kind, agency, roles, purpose, legal_basis;
    bool is_signed;
    int64_t bytes, created_ms, started_ms, finished_ms;
    int64_t rows, done;    /* done: rows judged so far */
    struct ndc_str format; /* "csv", "ndjson" */
    struct ndc_counts counts;
    int64_t cost_dong, result_bytes;
    int64_t generation, seq; /* the moment it was judged by */
    struct ndc_str result_sha256, result_signature;
    struct ndc_str error_code, error;
};

/* NDC_ENOTFOUND: verify.no_file. */
enum ndc_err ndc_verify_file_get(struct ndc_store_conn *conn, struct ndc_arena *arena,
                                 struct ndc_str file, struct ndc_verify_file *out,
                                 struct ndc_fault *fault) NDC_MUST_USE;
/* Newest first, of a bank (empty: all), older than `before_ms`; `file` breaks a tie. */
enum ndc_err ndc_verify_file_list(struct ndc_store_conn *conn, struct ndc_arena *arena,
                                  struct ndc_str bank, int64_t before_ms, size_t max,
                                  struct ndc_verify_file **out, size_t *n,
                                  struct ndc_fault *fault) NDC_MUST_USE;
/* Writes the file's row, state queued. Where the bank has sent a file under this key
 * before, *earlier is its id and nothing is written; NDC_ECONFLICT (verify.key_reused)
 * where that was another file. Faults: verify.unknown_bank, verify.suspended,
 * verify.files_open, verify.rate. */
enum ndc_err ndc_verify_file_add(struct ndc_verify *verify,
                                 const struct ndc_verify_file *file,
                                 char earlier[NDC_VERIFY_ID_LEN + 1],
                                 struct ndc_fault *fault) NDC_MUST_USE;
/* Any further state of the file, in one write: what is set in `file`. */
enum ndc_err ndc_verify_file_put(struct ndc_verify *verify,
                                 const struct ndc_verify_file *file,
                                 struct ndc_fault *fault) NDC_MUST_USE;
/* Rows that a bank has had judged since midnight. */
enum ndc_err ndc_verify_rows_today(struct ndc_store_conn *conn, struct ndc_str bank,
                                   int64_t now_ms, int64_t *rows,
                                   struct ndc_fault *fault) NDC_MUST_USE;
void ndc_counts_write(struct ndc_json *j, const struct ndc_counts *counts);

/* Paths of a file's parts, in the arena; what: "in", "plan", "out", "watch". */
const char *ndc_verify_path(const struct ndc_verify *verify, struct ndc_arena *arena,
                            struct ndc_str file, const char *what);

/* Checks a file from where it stands to its end: what a job does, and a command. `job`
 * may be NULL. A refusal is the file's state, not an error. */
enum ndc_err ndc_verify_run(struct ndc_verify *verify, struct ndc_str file,
                            struct ndc_job *job, struct ndc_fault *fault) NDC_MUST_USE;
/* Fills file->result_sha256 and result_signature: the verdicts are signed as a whole,
 * apart from how they are fetched: Ed25519 over "ndc-verify-result", the file's id and
 * the SHA-256 of its verdicts in hexadecimal, each ended by a line feed. */
enum ndc_err ndc_verify_sign(struct ndc_verify *verify, struct ndc_arena *arena,
                             struct ndc_verify_file *file,
                             struct ndc_fault *fault) NDC_MUST_USE;
/* Writes the file's entry to the audit log, if there is one, and waits until it is
 * durable. */
enum ndc_err ndc_verify_log(const struct ndc_verify_file *file, bool denied,
                            const char *rule, struct ndc_fault *fault) NDC_MUST_USE;
/* Removes what a file left on disk. */
enum ndc_err ndc_verify_remove(struct ndc_verify *verify, struct ndc_str file,
                               struct ndc_fault *fault) NDC_MUST_USE;

/* What policy lets a file's sender learn of `subjects` people. NDC_EDENIED with the
 * reason. *rule (NDC_POLICY_RULE_ID_MAX bytes) may be NULL. */
enum ndc_err ndc_verify_terms(const struct ndc_verify_file *file, uint64_t subjects,
                              struct ndc_judge_terms *out, char *rule,
                              struct ndc_fault *fault) NDC_MUST_USE;
/* Fills terms->frozen (the caller frees it): freezes in force, as entities of now. */
enum ndc_err ndc_verify_frozen(struct ndc_verify *verify,
                               const struct ndc_projection *projection,
                               struct ndc_judge_terms *terms,
                               struct ndc_fault *fault) NDC_MUST_USE;
/* What these verdicts cost a bank, whole đồng. */
enum ndc_err ndc_verify_cost(struct ndc_store_conn *conn, struct ndc_str bank,
                             const struct ndc_counts *counts, int64_t *dong,
                             struct ndc_fault *fault) NDC_MUST_USE;
/* ---- watches (watch.c) ---- */

struct ndc_verify_watch {
    struct ndc_str bank, watch, file; /* file: whose rows it has */
    int64_t rows, checked_ms;
};
enum ndc_err ndc_verify_watch_list(struct ndc_store_conn *conn, struct ndc_arena *arena,
                                   struct ndc_str bank, struct ndc_verify_watch **out,
                                   size_t *n, struct ndc_fault *fault) NDC_MUST_USE;
/* Puts a finished file's rows in place of what the bank's watch of this name had. */
enum ndc_err ndc_verify_watch_set(struct ndc_verify *verify, struct ndc_str bank,
                                  struct ndc_str watch, struct ndc_str file, int64_t rows,
                                  struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_verify_watch_drop(struct ndc_verify *verify, struct ndc_str bank,
                                   struct ndc_str watch,
                                   struct ndc_fault *fault) NDC_MUST_USE;
/* Makes a delta of a watch: a file (kind "delta") of the verdicts that are others now.
 * Its id is in `file`; the job is queued where jobs run, else it is run at once. */
enum ndc_err ndc_verify_delta_start(struct ndc_verify *verify,
                                    const struct ndc_verify_watch *watch,
                                    char file[NDC_VERIFY_ID_LEN + 1],
                                    struct ndc_fault *fault) NDC_MUST_USE;
enum ndc_err ndc_verify_delta_run(struct ndc_verify *verify, struct ndc_str file,
                                  struct ndc_job *job,
                                  struct ndc_fault *fault) NDC_MUST_USE;

/* ---- a test file of the demo nation (sample.c) ---- */

/* Appends a CSV file of about `rows` rows about people of the registry, with known faults
 * told in a column `expected`. */
enum ndc_err ndc_verify_sample(struct ndc_verify *verify, struct ndc_buf *out,
                               uint64_t rows, struct ndc_fault *fault) NDC_MUST_USE;

#endif

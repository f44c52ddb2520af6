/* The platform's own state, and what its parts call of each other. */
#ifndef NDC_VERIFY_VERIFY_H
#define NDC_VERIFY_VERIFY_H

#include "core/app.h"
#include "core/jobs.h"
#include "core/principal.h"
#include "crypto/sign.h"
#include "platforms/verify/check.h"
#include "store/migrate.h"
#include "store/store.h"
#include "sys/thread.h"

enum {
    NDC_VERIFY_ID_LEN = 12, /* of a file: random letters and digits */
    NDC_VERIFY_CODE_MAX = 32, /* of a bank or a watch */
    NDC_VERIFY_FREEZES_MAX = 1 << 20
};

/* 2^28 rows, 64 GiB: more is sent in parts. */
#define NDC_VERIFY_FILE_ROWS_MAX  ((uint64_t)1 << 28)
#define NDC_VERIFY_FILE_BYTES_MAX ((size_t)1 << 36)

struct ndc_verify {
    struct ndc_app *app; /* NULL in tests */
    struct ndc_store *store;
    const char *dir;   /* projection and its key */
    const char *files; /* what banks sent, and verdicts */
    unsigned threads;
    int64_t keep_ms;       /* verdicts are kept this long */
    int64_t checkpoint_ms; /* a check is made durable this often */
    struct ndc_projection_key key;
    struct ndc_sign_key *sign_key;

    struct ndc_mutex lock; /* guards `current` and `why` */
    struct ndc_projection *current;
    char why[NDC_FAULT_MESSAGE_MAX]; /* why there is no projection */
    struct ndc_mutex making; /* one makes or follows at a time; taken before `lock` */

    struct ndc_keeper *keeper; /* in the daemon only */
};

extern const struct ndc_migration ndc_verify_migrations[];
extern const size_t ndc_verify_migrations_n;

/* On a store that was migrated. `dir` is made. */
enum ndc_err ndc_verify_open(struct ndc_verify **out, struct ndc_store *store,
                             const char *dir, unsigned threads,
                             struct ndc_fault *fault) NDC_MUST_USE;
void ndc_verify_close(struct ndc_verify *verify);

/* ---- the projection in service (serve_projection.c) ---- */

/* Told of progress; true: stop. */
struct ndc_verify_progress {
    void *arg;
    void (*tell)(void *arg, const char *phase, uint64_t done, uint64_t total,
                 const char *unit); /* phase, unit: literals */
    bool (*canceled)(void *arg);
};

/* Makes the projection anew from the registry and puts it in service. progress may be
 * NULL. Faults: verify.no_people (no registry, or nothing integrated yet). */
enum ndc_err ndc_verify_rebuild(struct ndc_verify *verify,
                                const struct ndc_verify_progress *progress,
                                struct ndc_fault *fault) NDC_MUST_USE;
/* Opens what is on disk if nothing is in service, and takes in what changed since.
 * *anew: it must be made anew (absent, damaged, of another generation, or too much has
 * changed). */
enum ndc_err ndc_verify_follow(struct ndc_verify *verify, bool *anew,
                               struct ndc_fault *fault) NDC_MUST_USE;
/* The projection as of now: follows, and rebuilds where it must. Give it back with
 * ndc_projection_unref. */
enum ndc_err ndc_verify_take(struct ndc_verify *verify, struct ndc_projection **out,
                             const struct ndc_verify_progress *progress,
                             struct ndc_fault *fault) NDC_MUST_USE;

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
    int64_t rows, done; /* done: rows judged so far */
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
 * apart from how they are fetched: Ed25519 over "ndc-verify-result", the file's id and the
 * SHA-256 of its verdicts in hexadecimal, each ended by a line feed. */
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
/* Queues the job of a file and names it in the file's row. */
enum ndc_err ndc_verify_submit(struct ndc_verify *verify, const char *kind,
                               struct ndc_str file, struct ndc_str principal,
                               struct ndc_fault *fault) NDC_MUST_USE;
/* Queues the remaking of the projection, unless a job does it already. */
enum ndc_err ndc_verify_submit_projection(struct ndc_verify *verify,
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
/* Makes a delta of a watch: a file (kind "delta") of the verdicts that are others now. Its
 * id is in `file`; the job is queued where jobs run, else it is run at once. */
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

/* ---- the keeper (keeper.c) ---- */

/* A thread that keeps the projection up to date, starts deltas when they are due
 * (setting verify_delta_at) and removes what is older than it may be. */
struct ndc_keeper *ndc_keeper_start(struct ndc_verify *verify, const char *delta_at);
void ndc_keeper_stop(struct ndc_keeper *keeper); /* NULL is fine */

#endif

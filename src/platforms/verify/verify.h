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
    NDC_VERIFY_ID_LEN = 12,   /* of a file: random letters and digits */
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

/* ---- jobs (state.c) ---- */

/* Queues the job of a file and names it in the file's row. */
enum ndc_err ndc_verify_submit(struct ndc_verify *verify, const char *kind,
                               struct ndc_str file, struct ndc_str principal,
                               struct ndc_fault *fault) NDC_MUST_USE;
/* Queues the remaking of the projection, unless a job does it already. */
enum ndc_err ndc_verify_submit_projection(struct ndc_verify *verify,
                                          struct ndc_fault *fault) NDC_MUST_USE;

/* ---- the keeper (keeper.c) ---- */

/* A thread that keeps the projection up to date, starts deltas when they are due
 * (setting verify_delta_at) and removes what is older than it may be. */
struct ndc_keeper *ndc_keeper_start(struct ndc_verify *verify, const char *delta_at);
void ndc_keeper_stop(struct ndc_keeper *keeper); /* NULL is fine */

#endif

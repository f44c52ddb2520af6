/* What follows is followed into: a table of rows in the registry's database that keeps,
 * as the live intake does, the newest version of each key, with the position in the same
 * commit. And what is followed: a table in a database of its own. Both are compared as
 * one text. */
#ifndef NDC_TESTS_REGISTRY_CAPTURE_TARGET_H
#define NDC_TESTS_REGISTRY_CAPTURE_TARGET_H

#include "tests/registry/core/fixture.h"

#include "platforms/registry/capture/capture.h"

#include <libpq-fe.h>

struct target {
    struct world w;
    struct ndc_capture_hooks hooks;
    struct ndc_capture *capture;
    int64_t run;      /* of the last snapshot */
    bool away;        /* takes nothing: db.busy */
    unsigned slow_ms; /* before each taking */
};

/* A world with the target's tables; `hooks` lead to it. */
void target_new(struct target *t, void **state);
void target_free(struct target *t);
/* Closes the world and opens it again, around a fork too. */
void target_close(struct target *t);
void target_open(struct target *t);
void target_start(struct target *t); /* following */
void target_stop(struct target *t);

/* Rows that are there, by key, one a line: "id|ten|…"; free it. `columns` 0: all. */
char *target_text(struct target *t);
int64_t target_i64(struct target *t, const char *sql);
struct ndc_capture_status target_status(struct target *t);
/* Waits until the source is in the state; fails after 30 s. */
void target_until(struct target *t, enum ndc_capture_state state);
/* Waits until the target says the same as the table (or NULL: as `text`). */
void target_until_same(struct target *t, const char *text);
/* Declares source `s`: a connector and which fields beside the key. */
void target_declare(struct target *t, const char *connector, const char *fields);
/* Waits while at most `ms` for a condition on the status; whether it came. */
bool target_wait(struct target *t, bool (*is)(const struct ndc_capture_status *s),
                 int ms);

/* ---- the followed database ---- */

/* Makes one on the test's PostgreSQL (wal_level logical; skipped without wal2json). */
void origin_new(void);
void origin_free(void);
const char *origin_url(void); /* for a declaration */
PGconn *origin_connect(void); /* one more connection */
void origin_sql(const char *format, ...) NDC_PRINTF(1, 2);
int64_t origin_i64(const char *sql);
/* The table public.cu_tru in the form of target_text; free it. */
char *origin_text(void);
/* Creates public.cu_tru (id, ten, ngay, so, co, du_lieu, nhan, lon). */
void origin_table(void);

#define ORIGIN_FIELDS                                                            \
    "[{column: id, to: null}, {column: ten, to: full_name}, {column: ngay, to: " \
    "birth_date, format: ymd}, {column: so, to: null}, {column: co, to: null}, " \
    "{column: du_lieu, to: null}, {column: nhan, to: null}, {column: lon, to: null}]"

#endif

/* Looking entries up in the index: a page or two of each run that can hold them, and what
 * is in memory. Runs are in the order of entries, so nothing has to be sorted. */
#include "core/audit_index.h"

struct run_range {
    int64_t run;
    uint64_t from, to;
};

/* A lookup on its way. */
struct finder {
    struct ndc_store_conn *conn;
    struct ndc_audit_lookup *want;
    uint64_t key;
    struct run_range *runs;
    size_t run_count;
    uint64_t *fresh; /* found in memory, in order */
    size_t fresh_count;
    struct ndc_key64 *page; /* decoded */
    size_t page_count, page_cap;
    struct ndc_key64 first; /* of the page */
};

static bool enough(const struct finder *f)
{
    return f->want->count == f->want->limit;
}

static void take(struct finder *f, uint64_t seq)
{
    struct ndc_audit_lookup *w = f->want;
    if (enough(f) || seq < w->first || seq > w->last) return;
    if (w->count && w->seqs[w->count - 1] == seq) return; /* named twice */
    w->seqs[w->count++] = seq;
}

/* What is in memory now; taken before the runs are looked at, so that an entry that moves
 * into a run meanwhile is seen in one place at least. */
static void look_fresh(struct ndc_audit_index *index, struct finder *f)
{
    size_t cap = 0;
    ndc_mutex_lock(&index->lock);
    for (size_t i = 0; i < index->fresh_count; i++) {
        if (NDC_LIKELY(index->fresh[i].key != f->key)) continue;
        if (f->fresh_count == cap) {
            cap = cap ? 2 * cap : 64;
            f->fresh = ndc_xrealloc(f->fresh, cap * sizeof(*f->fresh));
        }
        f->fresh[f->fresh_count++] = index->fresh[i].value;
    }
    ndc_mutex_unlock(&index->lock);
}

static enum ndc_err list_runs(struct finder *f, struct ndc_fault *fault)
{
    struct ndc_rows *rows = ndc_sql_query(f->conn,
                                          "SELECT run, seq_from, seq_to FROM audit_run "
                                          "WHERE live = 1 ORDER BY seq_from",
                                          NDC_NO_ARGS);
    f->runs = ndc_xcalloc(NDC_AUDIT_INDEX_RUNS_MAX, sizeof(*f->runs));
    while (ndc_rows_next(rows) && f->run_count < NDC_AUDIT_INDEX_RUNS_MAX)
        f->runs[f->run_count++] =
            (struct run_range){ndc_rows_i64(rows, 0), (uint64_t)ndc_rows_i64(rows, 1),
                               (uint64_t)ndc_rows_i64(rows, 2)};
    return ndc_rows_end(rows, fault);
}

/* Reads the last page that begins at or before a place, or with `after` the first that
 * begins after it; page_count 0: there is none. */
static enum ndc_err read_page(struct finder *f, int64_t run, struct ndc_key64 place,
                              bool after, struct ndc_fault *fault)
{
    bool good = true;
    struct ndc_rows *rows = ndc_sql_query(
        f->conn,
        after ? "SELECT first_key, first_seq, body FROM audit_page WHERE run = $1 AND "
                "(first_key, first_seq) > ($2, $3) ORDER BY first_key, first_seq LIMIT 1"
              : "SELECT first_key, first_seq, body FROM audit_page WHERE run = $1 AND "
                "(first_key, first_seq) <= ($2, $3) "
                "ORDER BY first_key DESC, first_seq DESC LIMIT 1",
        NDC_ARGS(ndc_int(run), ndc_int(ndc_audit_key_stored(place.key)),
                 ndc_int((int64_t)place.value)));
    f->page_count = 0;
    if (ndc_rows_next(rows)) {
        f->first = (struct ndc_key64){ndc_audit_key_loaded(ndc_rows_i64(rows, 0)),
                                      (uint64_t)ndc_rows_i64(rows, 1)};
        good = ndc_audit_page_decode(&f->page, &f->page_count, &f->page_cap, f->first,
                                     ndc_rows_blob(rows, 2));
    }
    enum ndc_err err = ndc_rows_end(rows, fault);
    if (!err && !good)
        err = ndc_fail(fault, NDC_ECONFLICT, "audit.index",
                       "a page of the audit log's index is damaged");
    return err;
}

static bool is_before(struct ndc_key64 a, struct ndc_key64 b)
{
    return a.key != b.key ? a.key < b.key : a.value < b.value;
}

static enum ndc_err look_forward(struct finder *f, int64_t run, struct ndc_fault *fault)
{
    struct ndc_key64 at = {f->key, f->want->first}, end = {f->key, f->want->last};
    enum ndc_err err = read_page(f, run, at, false, fault);
    if (!err && f->page_count == 0) err = read_page(f, run, at, true, fault);
    while (!err && f->page_count && !is_before(end, f->first)) {
        for (size_t i = 0; i < f->page_count; i++)
            if (f->page[i].key == f->key) take(f, f->page[i].value);
        if (enough(f) || is_before(end, f->page[f->page_count - 1])) break;
        err = read_page(f, run, f->first, true, fault);
    }
    return err;
}

static enum ndc_err look_back(struct finder *f, int64_t run, struct ndc_fault *fault)
{
    struct ndc_key64 start = {f->key, f->want->first}, at = {f->key, f->want->last};
    enum ndc_err err = read_page(f, run, at, false, fault);
    while (!err && f->page_count) {
        for (size_t i = f->page_count; i > 0; i--)
            if (f->page[i - 1].key == f->key) take(f, f->page[i - 1].value);
        if (enough(f) || !is_before(start, f->first) || f->first.key != f->key) break;
        at = (struct ndc_key64){f->first.key, f->first.value - 1};
        err = read_page(f, run, at, false, fault);
    }
    return err;
}

static enum ndc_err look_runs(struct finder *f, struct ndc_fault *fault)
{
    const struct ndc_audit_lookup *w = f->want;
    enum ndc_err err = NDC_OK;
    for (size_t i = 0; !err && i < f->run_count && !enough(f); i++) {
        const struct run_range *r = &f->runs[w->newest_first ? f->run_count - 1 - i : i];
        if (r->from > w->last || r->to <= w->first) continue;
        err = w->newest_first ? look_back(f, r->run, fault)
                              : look_forward(f, r->run, fault);
    }
    return err;
}

static void take_fresh(struct finder *f)
{
    uint64_t from = f->run_count ? f->runs[f->run_count - 1].to : 0;
    for (size_t i = 0; i < f->fresh_count; i++) {
        uint64_t seq = f->fresh[f->want->newest_first ? f->fresh_count - 1 - i : i];
        if (seq >= from) take(f, seq);
    }
}

enum ndc_err ndc_audit_index_find(struct ndc_audit_index *index,
                                  struct ndc_store_conn *conn,
                                  struct ndc_audit_lookup *want, struct ndc_fault *fault)
{
    struct finder f = {.conn = conn, .want = want, .key = (uint64_t)want->key};
    want->count = 0;
    look_fresh(index, &f);
    enum ndc_err err = ndc_tx_begin(conn, fault);
    if (!err) err = list_runs(&f, fault);
    if (!err && want->newest_first) take_fresh(&f);
    if (!err) err = look_runs(&f, fault);
    if (!err && !want->newest_first) take_fresh(&f);
    free(f.fresh);
    free(f.runs);
    free(f.page);
    return err;
}

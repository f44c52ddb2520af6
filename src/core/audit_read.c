/* Reading the audit log: proofs and queries. Readers work on their own connections and a
 * copy of the tree's edge; stored tiles and entries never change, so no lock is held. */
#include "core/audit_internal.h"

/* What a proof needs, in one allocation. */
struct prover {
    struct ndc_audit_tree tree;
    struct ndc_audit_tiles tiles;
    struct ndc_merkle_source source;
    struct ndc_merkle_hasher *h;
};

static enum ndc_err prover_new(struct prover **out, struct ndc_audit *audit,
                               struct ndc_fault *fault)
{
    struct prover *p = ndc_xcalloc(1, sizeof(*p));
    enum ndc_err err = ndc_store_take(audit->store, NDC_READ, &p->tiles.conn, fault);
    if (err) {
        free(p);
        return err;
    }
    ndc_audit_snapshot(audit, &p->tree);
    p->h = ndc_merkle_hasher_new();
    p->tiles.tree = &p->tree;
    p->tiles.h = p->h;
    p->tiles.fault = fault;
    p->source = (struct ndc_merkle_source){ndc_audit_tiles_subtree, &p->tiles};
    *out = p;
    return NDC_OK;
}

static void prover_free(struct prover *p)
{
    ndc_store_give(p->tiles.conn);
    ndc_merkle_hasher_free(p->h);
    free(p);
}

_Static_assert(sizeof(struct ndc_merkle_hash) == NDC_AUDIT_HASH_BYTES &&
                   (int)NDC_MERKLE_PROOF_MAX == (int)NDC_AUDIT_PROOF_MAX,
               "a proof is an array of hashes either way");

enum ndc_err ndc_audit_prove_inclusion(
    struct ndc_audit *audit, uint8_t path[NDC_AUDIT_PROOF_MAX][NDC_AUDIT_HASH_BYTES],
    size_t *count, uint64_t seq, uint64_t size, struct ndc_fault *fault)
{
    struct prover *p;
    *count = 0;
    enum ndc_err err = prover_new(&p, audit, fault);
    if (err) return err;
    if (size > p->tree.frontier.size || seq >= size)
        err =
            ndc_fail_at(fault, NDC_EINPUT, "audit.range", seq >= size ? "seq" : "size", 0,
                        "the log has %llu entries; seq must be below size, and size at "
                        "most that",
                        (unsigned long long)p->tree.frontier.size);
    else if (!ndc_merkle_prove_inclusion((struct ndc_merkle_hash *)path, count,
                                         &p->source, p->h, seq, size))
        err = ndc_fail(fault, NDC_EINTERNAL, "audit.proof", "the proof cannot be made");
    if (err && fault) err = fault->err;
    prover_free(p);
    return err;
}

enum ndc_err ndc_audit_prove_consistency(
    struct ndc_audit *audit, uint8_t path[NDC_AUDIT_PROOF_MAX][NDC_AUDIT_HASH_BYTES],
    size_t *count, uint64_t first, uint64_t second, struct ndc_fault *fault)
{
    struct prover *p;
    *count = 0;
    enum ndc_err err = prover_new(&p, audit, fault);
    if (err) return err;
    if (first == 0 || first > second || second > p->tree.frontier.size)
        err = ndc_fail_at(fault, NDC_EINPUT, "audit.range",
                          second > p->tree.frontier.size ? "second" : "first", 0,
                          "0 < first <= second <= %llu, the log's size",
                          (unsigned long long)p->tree.frontier.size);
    else if (!ndc_merkle_prove_consistency((struct ndc_merkle_hash *)path, count,
                                           &p->source, p->h, first, second))
        err = ndc_fail(fault, NDC_EINTERNAL, "audit.proof", "the proof cannot be made");
    if (err && fault) err = fault->err;
    prover_free(p);
    return err;
}

/* Numbers [first, last] that a query may have. */
struct span {
    uint64_t first, last;
    bool empty;
};

static enum ndc_err time_of(struct ndc_store_conn *conn, uint64_t seq, int64_t *ms,
                            struct ndc_fault *fault)
{
    return ndc_sql_i64(conn, ms, "SELECT time_ms FROM audit_entry WHERE seq = $1",
                       NDC_ARGS(ndc_int((int64_t)seq)), fault);
}

/* The first entry of [0, size) that is not before a time, or size. */
static enum ndc_err first_at(struct ndc_store_conn *conn, uint64_t size, int64_t ms,
                             uint64_t *out, struct ndc_fault *fault)
{
    uint64_t low = 0, high = size;
    enum ndc_err err = NDC_OK;
    while (!err && low < high) {
        uint64_t middle = low + (high - low) / 2;
        int64_t time;
        err = time_of(conn, middle, &time, fault);
        if (!err && time < ms)
            low = middle + 1;
        else
            high = middle;
    }
    *out = low;
    return err;
}

/* Bounds by time: entries are numbered in the order they were taken, so times rise but
 * for clock steps, and halving finds the place; rows are compared with the times again.
 */
static enum ndc_err bound_by_time(struct ndc_store_conn *conn, struct span *span,
                                  const struct ndc_audit_query *q,
                                  struct ndc_fault *fault)
{
    uint64_t size, at;
    if (!q->from_ms && !q->until_ms) return NDC_OK;
    enum ndc_err err = ndc_audit_size(conn, &size, fault);
    if (!err && q->from_ms) {
        err = first_at(conn, size, q->from_ms, &at, fault);
        span->first = NDC_MAX(span->first, at);
        span->empty |= at == size;
    }
    if (!err && q->until_ms) {
        err = first_at(conn, size, q->until_ms, &at, fault);
        span->empty |= at == 0;
        if (at > 0) span->last = NDC_MIN(span->last, at - 1);
    }
    return err;
}

/* Whether a row found by key is really meant. */
static bool row_meant(const struct ndc_audit_query *q, int64_t time_ms,
                      struct ndc_str entry)
{
    if (q->from_ms && time_ms < q->from_ms) return false;
    if (q->until_ms && time_ms >= q->until_ms) return false;
    if (!q->subject.len && !q->principal.len) return true;
    struct json_object *o = NULL;
    if (ndc_json_parse(&o, entry, NULL)) return false;
    bool meant = ndc_audit_entry_about(o, q->subject, q->principal);
    json_object_put(o);
    return meant;
}

/* A query on its way. */
struct search {
    const struct ndc_audit_query *q;
    struct ndc_store_conn *conn;
    struct span span;
    unsigned limit, seen;
    uint64_t last; /* the last number seen */
    ndc_audit_visit *visit;
    void *arg;
};

static enum ndc_err visit_rows(struct search *s, struct ndc_rows *rows,
                               struct ndc_fault *fault)
{
    enum ndc_err err = NDC_OK;
    while (!err && ndc_rows_next(rows)) {
        struct ndc_str entry = ndc_rows_text(rows, 2);
        s->last = (uint64_t)ndc_rows_i64(rows, 0);
        s->seen++;
        if (row_meant(s->q, ndc_rows_i64(rows, 1), entry))
            err = s->visit(s->arg, s->last, entry);
    }
    enum ndc_err end = ndc_rows_end(rows, err ? NULL : fault);
    return err ? err : end;
}

static enum ndc_err visit_all(struct search *s, struct ndc_fault *fault)
{
    static const char *const sql[] = {
        "SELECT seq, time_ms, entry FROM audit_entry "
        "WHERE seq >= $1 AND seq <= $2 ORDER BY seq LIMIT $3",
        "SELECT seq, time_ms, entry FROM audit_entry "
        "WHERE seq >= $1 AND seq <= $2 ORDER BY seq DESC LIMIT $3"};
    const struct ndc_val args[] = {ndc_int((int64_t)s->span.first),
                                   ndc_int((int64_t)s->span.last), ndc_int(s->limit)};
    return visit_rows(s, ndc_sql_query(s->conn, sql[s->q->newest_first], args, 3), fault);
}

/* Entries by number, some at once; the last of a portion is asked for several times. */
static enum ndc_err visit_seqs(struct search *s, const uint64_t *seqs, size_t n,
                               struct ndc_fault *fault)
{
    enum { PORTION = 16 };
#define BY_NUMBER                                                                    \
    "SELECT seq, time_ms, entry FROM audit_entry WHERE seq IN ($1, $2, $3, $4, $5, " \
    "$6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) ORDER BY seq"
    static const char *const sql[] = {BY_NUMBER, BY_NUMBER " DESC"};
    enum ndc_err err = NDC_OK;
    for (size_t at = 0; !err && at < n; at += PORTION) {
        struct ndc_val args[PORTION];
        for (size_t i = 0; i < PORTION; i++)
            args[i] = ndc_int((int64_t)seqs[NDC_MIN(at + i, n - 1)]);
        err = visit_rows(
            s, ndc_sql_query(s->conn, sql[s->q->newest_first], args, PORTION), fault);
    }
    return err;
}

static enum ndc_err visit_keyed(struct search *s, struct ndc_audit_index *index,
                                struct ndc_fault *fault)
{
    const struct ndc_audit_query *q = s->q;
    struct ndc_audit_lookup lookup = {.key = q->subject.len
                                                 ? ndc_audit_subject_key(q->subject)
                                                 : ndc_audit_principal_key(q->principal),
                                      .first = s->span.first,
                                      .last = s->span.last,
                                      .newest_first = q->newest_first,
                                      .limit = s->limit,
                                      .seqs = ndc_xcalloc(s->limit, sizeof(uint64_t))};
    enum ndc_err err = ndc_audit_index_find(index, s->conn, &lookup, fault);
    if (!err && lookup.count) err = visit_seqs(s, lookup.seqs, lookup.count, fault);
    free(lookup.seqs);
    return err;
}

enum ndc_err ndc_audit_find(struct ndc_audit *audit, const struct ndc_audit_query *q,
                            ndc_audit_visit *visit, void *arg, uint64_t *next,
                            struct ndc_fault *fault)
{
    struct search s = {
        .q = q,
        .limit = NDC_MIN(q->limit ? q->limit : 50u, (unsigned)NDC_AUDIT_PAGE_MAX),
        .span = {.first = q->newest_first ? 0 : q->from_seq, .last = INT64_MAX},
        .visit = visit,
        .arg = arg};
    if (q->newest_first && q->from_seq < INT64_MAX) s.span.last = q->from_seq;
    *next = UINT64_MAX;
    if (s.span.first > INT64_MAX) return NDC_OK;
    enum ndc_err err = ndc_store_take(audit->store, NDC_READ, &s.conn, fault);
    if (err) return err;
    err = bound_by_time(s.conn, &s.span, q, fault);
    if (!err && !s.span.empty && s.span.first <= s.span.last)
        err = q->subject.len || q->principal.len ? visit_keyed(&s, &audit->index, fault)
                                                 : visit_all(&s, fault);
    ndc_store_give(s.conn);
    if (err || s.seen < s.limit) return err;
    if (!q->newest_first)
        *next = s.last + 1;
    else if (s.last > 0)
        *next = s.last - 1;
    return NDC_OK;
}

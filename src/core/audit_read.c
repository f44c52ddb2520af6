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

/* Bounds by time: entries are numbered in the order they were taken, so times rise but
 * for clock steps; rows are compared with the times again. */
static enum ndc_err bound_by_time(struct ndc_store_conn *conn, struct span *span,
                                  const struct ndc_audit_query *q,
                                  struct ndc_fault *fault)
{
    int64_t seq = 0;
    enum ndc_err err = NDC_OK;
    if (q->from_ms) {
        err = ndc_sql_i64(
            conn, &seq,
            "SELECT coalesce((SELECT seq FROM audit_entry WHERE time_ms >= $1 "
            "ORDER BY time_ms, seq LIMIT 1), -1)",
            NDC_ARGS(ndc_int(q->from_ms)), fault);
        if (err) return err;
        if (seq < 0) span->empty = true;
        if (seq >= 0 && (uint64_t)seq > span->first) span->first = (uint64_t)seq;
    }
    if (q->until_ms) {
        err =
            ndc_sql_i64(conn, &seq,
                        "SELECT coalesce((SELECT seq FROM audit_entry WHERE time_ms < $1 "
                        "ORDER BY time_ms DESC, seq DESC LIMIT 1), -1)",
                        NDC_ARGS(ndc_int(q->until_ms)), fault);
        if (err) return err;
        if (seq < 0) span->empty = true;
        if (seq >= 0 && (uint64_t)seq < span->last) span->last = (uint64_t)seq;
    }
    return NDC_OK;
}

static struct ndc_rows *select_rows(struct ndc_store_conn *conn,
                                    const struct ndc_audit_query *q,
                                    const struct span *span, unsigned limit)
{
    static const char *const all[] = {
        "SELECT seq, time_ms, entry FROM audit_entry "
        "WHERE seq >= $1 AND seq <= $2 ORDER BY seq LIMIT $3",
        "SELECT seq, time_ms, entry FROM audit_entry "
        "WHERE seq >= $1 AND seq <= $2 ORDER BY seq DESC LIMIT $3"};
    static const char *const by_key[] = {
        "SELECT i.seq, e.time_ms, e.entry FROM audit_index i "
        "JOIN audit_entry e ON e.seq = i.seq "
        "WHERE i.key = $4 AND i.seq >= $1 AND i.seq <= $2 ORDER BY i.seq LIMIT $3",
        "SELECT i.seq, e.time_ms, e.entry FROM audit_index i "
        "JOIN audit_entry e ON e.seq = i.seq "
        "WHERE i.key = $4 AND i.seq >= $1 AND i.seq <= $2 ORDER BY i.seq DESC LIMIT $3"};
    bool keyed = q->subject.len || q->principal.len;
    int64_t key = q->subject.len ? ndc_audit_subject_key(q->subject)
                                 : ndc_audit_principal_key(q->principal);
    struct ndc_val args[4] = {ndc_int((int64_t)span->first), ndc_int((int64_t)span->last),
                              ndc_int(limit), ndc_int(key)};
    return ndc_sql_query(conn, keyed ? by_key[q->newest_first] : all[q->newest_first],
                         args, keyed ? 4 : 3);
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

static enum ndc_err visit_rows(struct ndc_rows *rows, const struct ndc_audit_query *q,
                               ndc_audit_visit *visit, void *arg, unsigned *seen,
                               uint64_t *last, struct ndc_fault *fault)
{
    enum ndc_err err = NDC_OK;
    while (!err && ndc_rows_next(rows)) {
        struct ndc_str entry = ndc_rows_text(rows, 2);
        *last = (uint64_t)ndc_rows_i64(rows, 0);
        (*seen)++;
        if (row_meant(q, ndc_rows_i64(rows, 1), entry)) err = visit(arg, *last, entry);
    }
    enum ndc_err end = ndc_rows_end(rows, err ? NULL : fault);
    return err ? err : end;
}

enum ndc_err ndc_audit_find(struct ndc_audit *audit, const struct ndc_audit_query *q,
                            ndc_audit_visit *visit, void *arg, uint64_t *next,
                            struct ndc_fault *fault)
{
    unsigned limit = NDC_MIN(q->limit ? q->limit : 50u, (unsigned)NDC_AUDIT_PAGE_MAX);
    struct span span = {.first = q->newest_first ? 0 : q->from_seq, .last = INT64_MAX};
    if (q->newest_first && q->from_seq < INT64_MAX) span.last = q->from_seq;
    *next = UINT64_MAX;
    if (span.first > INT64_MAX) return NDC_OK;
    struct ndc_store_conn *conn;
    enum ndc_err err = ndc_store_take(audit->store, NDC_READ, &conn, fault);
    if (err) return err;
    unsigned seen = 0;
    uint64_t last = 0;
    err = bound_by_time(conn, &span, q, fault);
    if (!err && !span.empty && span.first <= span.last)
        err = visit_rows(select_rows(conn, q, &span, limit), q, visit, arg, &seen, &last,
                         fault);
    ndc_store_give(conn);
    if (err || seen < limit) return err;
    if (!q->newest_first)
        *next = last + 1;
    else if (last > 0)
        *next = last - 1;
    return NDC_OK;
}

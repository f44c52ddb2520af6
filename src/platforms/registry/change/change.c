/* The change feed's table. The last number is the largest in the table or, when retention
 * has emptied it, the floor that retention left in registry_meta: an append costs no row
 * more for keeping it, and a reader who is behind the floor is told so. */
#include "platforms/registry/change/change.h"

#include "base/buf.h"
#include "store/bulk.h"
#include "store/writer.h"

#include <stdio.h>

#define FLOOR "registry.change.floor"
/* The largest number given so far. Rows are above the floor whenever there are any. */
#define LAST_SQL                                               \
    "SELECT coalesce((SELECT max(seq) FROM registry_change), " \
    "(SELECT CAST(value AS BIGINT) FROM registry_meta WHERE name = '" FLOOR "'), 0)"

enum {
    COLUMNS = 10,
    SLICE = 1024,              /* rows handed to the database at once */
    READ_BYTES_MAX = 16 << 20, /* of `before` in one page */
    COPY_MIN = 64,
    PURGE_SLICE = 50000,
};

static const int64_t change_lock = 0x6e64636368616e67; /* "ndcchang" */

static const char *const kind_names[NDC_CHANGE_KIND_COUNT] = {
    [NDC_CHANGE_GENERATION] = "generation", [NDC_CHANGE_CREATED] = "created",
    [NDC_CHANGE_CHANGED] = "changed",       [NDC_CHANGE_MERGED] = "merged",
    [NDC_CHANGE_SPLIT] = "split",           [NDC_CHANGE_ENDED] = "ended",
};

const char *ndc_change_kind_name(enum ndc_change_kind kind)
{
    NDC_ASSERT(kind < NDC_CHANGE_KIND_COUNT && kind_names[kind]);
    return kind_names[kind];
}

bool ndc_change_kind_parse(struct ndc_str word, enum ndc_change_kind *out)
{
    for (int k = NDC_CHANGE_GENERATION; k < NDC_CHANGE_KIND_COUNT; k++) {
        if (!ndc_str_eq_c(word, kind_names[k])) continue;
        *out = (enum ndc_change_kind)k;
        return true;
    }
    return false;
}

enum ndc_err ndc_change_last(struct ndc_store_conn *conn, int64_t *seq,
                             struct ndc_fault *fault)
{
    return ndc_sql_i64(conn, seq, LAST_SQL, NDC_NO_ARGS, fault);
}

enum ndc_err ndc_change_floor(struct ndc_store_conn *conn, int64_t *seq,
                              struct ndc_fault *fault)
{
    return ndc_sql_i64(conn, seq,
                       "SELECT coalesce((SELECT CAST(value AS BIGINT) FROM "
                       "registry_meta WHERE name = '" FLOOR "'), 0)",
                       NDC_NO_ARGS, fault);
}

/* ---- appending ---- */

/* A page of rows as the database takes them. */
struct slice {
    struct ndc_val vals[SLICE * COLUMNS];
    struct ndc_buf fields; /* of all its rows, one after another */
};

/* The ids of the fields, a byte each, in `ids`. */
static struct ndc_str field_ids(const struct ndc_change *c, char ids[NDC_FIELDS_MAX])
{
    size_t n = 0;
    for (int id = -1; (id = ndc_field_set_next(&c->fields, id)) >= 0;)
        ids[n++] = (char)id;
    return ndc_str_n(ids, n);
}

static void lay_out(struct slice *s, const struct ndc_change *changes, size_t n,
                    int64_t seq)
{
    /* Before values point into it, it must not move any more. */
    ndc_buf_reset(&s->fields);
    char *at = ndc_buf_room(&s->fields, n * NDC_FIELDS_MAX);
    NDC_ASSERT(at);
    for (size_t i = 0; i < n; i++) {
        const struct ndc_change *c = &changes[i];
        struct ndc_val *v = &s->vals[i * COLUMNS];
        NDC_ASSERT(c->kind >= NDC_CHANGE_GENERATION && c->kind < NDC_CHANGE_KIND_COUNT);
        struct ndc_str ids = field_ids(c, at);
        at += ids.len;
        v[0] = ndc_int(seq + (int64_t)i);
        v[1] = ndc_int(c->at_ms);
        v[2] = ndc_int(c->previous);
        v[3] = ndc_int((int64_t)c->entity);
        v[4] = ndc_int((int64_t)c->other);
        v[5] = ndc_int(c->source);
        v[6] = ndc_int(c->type);
        v[7] = ndc_int(c->kind);
        v[8] = ndc_blob(ids);
        v[9] = ndc_blob(c->before.ptr ? c->before : NDC_STR(""));
    }
}

/* PostgreSQL takes many rows by COPY at a third of what statements cost, few at more. */
static enum ndc_err copy_rows(struct ndc_store_conn *conn,
                              const struct ndc_change *changes, size_t n, int64_t seq,
                              struct ndc_fault *fault)
{
    static const struct ndc_bulk_column columns[] = {
        {"seq", NDC_VAL_I64},    {"at_ms", NDC_VAL_I64}, {"previous", NDC_VAL_I64},
        {"entity", NDC_VAL_I64}, {"other", NDC_VAL_I64}, {"source", NDC_VAL_I64},
        {"type", NDC_VAL_I64},   {"kind", NDC_VAL_I64},  {"fields", NDC_VAL_BLOB},
        {"before", NDC_VAL_BLOB}};
    struct ndc_bulk *bulk;
    enum ndc_err err = ndc_bulk_begin(&bulk, conn, "registry_change", columns,
                                      NDC_ARRAY_LEN(columns), fault);
    for (size_t i = 0; i < n && !err; i++) {
        const struct ndc_change *c = &changes[i];
        char ids[NDC_FIELDS_MAX];
        ndc_bulk_i64(bulk, seq + (int64_t)i);
        ndc_bulk_i64(bulk, c->at_ms);
        ndc_bulk_i64(bulk, c->previous);
        ndc_bulk_i64(bulk, (int64_t)c->entity);
        ndc_bulk_i64(bulk, (int64_t)c->other);
        ndc_bulk_i64(bulk, c->source);
        ndc_bulk_i64(bulk, c->type);
        ndc_bulk_i64(bulk, c->kind);
        ndc_bulk_blob(bulk, field_ids(c, ids));
        ndc_bulk_blob(bulk, c->before.ptr ? c->before : NDC_STR(""));
        err = ndc_bulk_row(bulk, fault);
        if (err) ndc_bulk_abort(bulk);
    }
    return err ? err : ndc_bulk_end(bulk, NULL, fault);
}

enum ndc_err ndc_change_hold(struct ndc_store_conn *conn, int64_t *last,
                             struct ndc_fault *fault)
{
    enum ndc_err err = ndc_tx_lock(conn, change_lock, fault);
    return err ? err : ndc_change_last(conn, last, fault);
}

enum ndc_err ndc_change_append(struct ndc_store_conn *conn,
                               const struct ndc_change *changes, size_t n, int64_t *first,
                               struct ndc_fault *fault)
{
    int64_t last = 0;
    enum ndc_err err = ndc_change_hold(conn, &last, fault);
    if (err) return err;
    *first = last + 1;
    if (n >= COPY_MIN && ndc_store_kind(ndc_store_conn_store(conn)) == NDC_POSTGRES)
        return copy_rows(conn, changes, n, *first, fault);
    struct slice *s = ndc_xcalloc(1, sizeof(*s));
    ndc_buf_init(&s->fields, (size_t)SLICE * NDC_FIELDS_MAX);
    for (size_t at = 0; at < n && !err; at += SLICE) {
        size_t rows = NDC_MIN(n - at, (size_t)SLICE);
        lay_out(s, changes + at, rows, *first + (int64_t)at);
        err = ndc_sql_many(conn,
                           "INSERT INTO registry_change (seq, at_ms, previous, entity, "
                           "other, source, type, kind, fields, before) VALUES "
                           "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                           s->vals, COLUMNS, rows, NULL, fault);
    }
    ndc_buf_free(&s->fields);
    free(s);
    return err;
}

/* ---- reading ---- */

static void take_row(struct ndc_change *c, struct ndc_rows *rows, bool with_before,
                     struct ndc_arena *arena)
{
    struct ndc_str fields = ndc_rows_blob(rows, 8);
    *c = (struct ndc_change){
        .seq = ndc_rows_i64(rows, 0),
        .at_ms = ndc_rows_i64(rows, 1),
        .previous = ndc_rows_i64(rows, 2),
        .entity = (uint64_t)ndc_rows_i64(rows, 3),
        .other = (uint64_t)ndc_rows_i64(rows, 4),
        .source = (uint32_t)ndc_rows_i64(rows, 5),
        .type = (uint8_t)ndc_rows_i64(rows, 6),
        .kind = (uint8_t)ndc_rows_i64(rows, 7),
    };
    for (size_t i = 0; i < fields.len; i++)
        ndc_field_set_add(&c->fields, (unsigned char)fields.ptr[i]);
    if (with_before) c->before = ndc_arena_str(arena, ndc_rows_blob(rows, 9));
}

#define COLUMNS_SQL "seq, at_ms, previous, entity, other, source, type, kind, fields"

enum ndc_err ndc_change_read(struct ndc_store_conn *conn, struct ndc_arena *arena,
                             int64_t after, size_t max, bool with_before,
                             struct ndc_change **out, size_t *n, struct ndc_fault *fault)
{
    static const char thin[] = "SELECT " COLUMNS_SQL " FROM registry_change "
                               "WHERE seq > $1 ORDER BY seq LIMIT $2";
    static const char whole[] = "SELECT " COLUMNS_SQL ", before FROM registry_change "
                                "WHERE seq > $1 ORDER BY seq LIMIT $2";
    size_t bytes = 0;
    *n = 0;
    max = NDC_MIN(max, (size_t)NDC_CHANGE_PAGE_MAX);
    *out = NDC_ARENA_ARRAY(arena, struct ndc_change, max + 1);
    if (arena->overflow) goto too_big;
    const struct ndc_val args[] = {ndc_int(after), ndc_int((int64_t)max)};
    /* What stood before may be long: read in portions and left off where it is enough. */
    struct ndc_rows *rows = with_before ? ndc_sql_scan(conn, whole, args, 2)
                                        : ndc_sql_query(conn, thin, args, 2);
    while (*n < max && bytes < READ_BYTES_MAX && ndc_rows_next(rows)) {
        take_row(&(*out)[*n], rows, with_before, arena);
        if (arena->overflow) break;
        bytes += (*out)[*n].before.len;
        ++*n;
    }
    enum ndc_err err = ndc_rows_end(rows, fault);
    if (err || !arena->overflow || *n > 0) return err;
too_big:
    return ndc_fail(fault, NDC_ETOOBIG, "change.arena",
                    "the changes do not fit: ask for fewer");
}

enum ndc_err ndc_change_get(struct ndc_store_conn *conn, struct ndc_arena *arena,
                            int64_t seq, struct ndc_change *out, struct ndc_fault *fault)
{
    struct ndc_rows *rows = ndc_sql_query(
        conn, "SELECT " COLUMNS_SQL ", before FROM registry_change WHERE seq = $1",
        NDC_ARGS(ndc_int(seq)));
    bool found = ndc_rows_next(rows);
    if (found) take_row(out, rows, true, arena);
    enum ndc_err err = ndc_rows_end(rows, fault);
    if (err) return err;
    if (!found)
        return ndc_fail(fault, NDC_ENOTFOUND, "change.none",
                        "the feed has no change %lld (any more)", (long long)seq);
    if (arena->overflow)
        return ndc_fail(fault, NDC_ETOOBIG, "change.arena", "the change does not fit");
    return NDC_OK;
}

/* ---- retention ---- */

struct purge {
    int64_t before_ms, deleted;
};

/* The floor rises in the commit that deletes, so neither is there without the other. */
static enum ndc_err purge_slice(struct ndc_store_conn *conn, void *arg,
                                struct ndc_fault *fault)
{
    struct purge *p = arg;
    int64_t upto = 0;
    p->deleted = 0;
    enum ndc_err err = ndc_tx_lock(conn, change_lock, fault);
    /* Numbers rise with time but for a clock that was set back: the first row that is
     * young enough ends the slice. */
    if (!err)
        err = ndc_sql_i64(
            conn, &upto,
            "SELECT coalesce(max(seq), 0) FROM (SELECT seq FROM registry_change WHERE "
            "seq < coalesce((SELECT min(seq) FROM registry_change WHERE at_ms >= $1), "
            "9223372036854775807) ORDER BY seq LIMIT $2) AS old",
            NDC_ARGS(ndc_int(p->before_ms), ndc_int(PURGE_SLICE)), fault);
    if (err || upto == 0) return err;
    char text[24];
    int len = snprintf(text, sizeof(text), "%lld", (long long)upto);
    err = ndc_sql_exec(conn,
                       "INSERT INTO registry_meta (name, value) VALUES ('" FLOOR
                       "', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                       NDC_ARGS(ndc_text(ndc_str_n(text, (size_t)len))), NULL, fault);
    return err ? err
               : ndc_sql_exec(conn, "DELETE FROM registry_change WHERE seq <= $1",
                              NDC_ARGS(ndc_int(upto)), &p->deleted, fault);
}

enum ndc_err ndc_change_purge(struct ndc_store *store, int64_t before_ms,
                              int64_t *deleted, struct ndc_fault *fault)
{
    struct purge p = {.before_ms = before_ms};
    *deleted = 0;
    do {
        enum ndc_err err = ndc_store_write(store, purge_slice, &p, fault);
        if (err) return err;
        *deleted += p.deleted;
    } while (p.deleted == PURGE_SLICE);
    return NDC_OK;
}

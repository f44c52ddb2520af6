/* A change becomes a row. Values are passed as wal2json wrote them, not read and written
 * again.
 *
 * An update that leaves a large value (TOAST) as it was does not say it. Where the table
 * has REPLICA IDENTITY FULL the old row has it; else it is asked for in the table. What
 * is found there may be newer than the change; then a change that says so is on its way.
 * If the row is not there any more, its end is on its way: nothing is to be said of it.
 */
#include "platforms/registry/capture/rows.h"

#include "base/json.h"

enum { ROWS_BYTES_MAX = 96 << 20, DECLARED_MAX = 2048, FETCH_BYTES_MAX = 4 << 20 };

struct ndc_capture_rows {
    const struct ndc_source *source;
    struct ndc_replication *link;
    struct ndc_arena arena; /* the declared columns' names */
    struct ndc_arena fetched;
    struct ndc_str *names; /* "name": as it stands in a row, with quotes and colon */
    struct ndc_str *declared;
    struct ndc_str *values; /* of the change at hand; NULL: not said */
    size_t count;
    struct ndc_buf ndjson, values_buf;
    uint64_t changes;
};

static int declared_index(const struct ndc_capture_rows *r, struct ndc_str name,
                          size_t hint)
{
    for (size_t i = 0; i < r->count; i++) {
        size_t at = hint + i < r->count ? hint + i : hint + i - r->count;
        if (ndc_str_eq(r->declared[at], name)) return (int)at;
    }
    return -1;
}

static void declare(struct ndc_capture_rows *r, struct ndc_str name)
{
    struct ndc_buf text;
    struct ndc_json j;
    if (name.len == 0 || declared_index(r, name, 0) >= 0) return;
    NDC_ASSERT(r->count < DECLARED_MAX);
    ndc_buf_init(&text, 1 << 16);
    ndc_json_init(&j, &text);
    ndc_json_str(&j, name);
    ndc_buf_add_byte(&text, ':');
    r->names[r->count] = ndc_arena_str(&r->arena, ndc_buf_str(&text));
    r->declared[r->count++] = name;
    ndc_buf_free(&text);
}

struct ndc_capture_rows *ndc_capture_rows_new(const struct ndc_source *s,
                                              struct ndc_replication *link)
{
    struct ndc_capture_rows *r = ndc_xcalloc(1, sizeof(*r));
    r->source = s;
    r->link = link;
    ndc_arena_init(&r->arena, 8 << 20);
    ndc_arena_init(&r->fetched, FETCH_BYTES_MAX);
    ndc_buf_init(&r->ndjson, ROWS_BYTES_MAX);
    ndc_buf_init(&r->values_buf, FETCH_BYTES_MAX);
    r->names = ndc_xcalloc(DECLARED_MAX, sizeof(*r->names));
    r->declared = ndc_xcalloc(DECLARED_MAX, sizeof(*r->declared));
    r->values = ndc_xcalloc(DECLARED_MAX, sizeof(*r->values));
    for (unsigned i = 0; i < s->key_count; i++)
        declare(r, s->key[i]);
    for (unsigned i = 0; i < s->field_count; i++)
        for (unsigned k = 0; k < s->fields[i].column_count; k++)
            declare(r, s->fields[i].columns[k]);
    declare(r, s->time_column);
    return r;
}

void ndc_capture_rows_free(struct ndc_capture_rows *r)
{
    if (!r) return;
    ndc_arena_free(&r->arena);
    ndc_arena_free(&r->fetched);
    ndc_buf_free(&r->ndjson);
    ndc_buf_free(&r->values_buf);
    free(r->names);
    free(r->declared);
    free(r->values);
    free(r);
}

struct ndc_str ndc_capture_rows_ndjson(const struct ndc_capture_rows *r,
                                       uint64_t *changes)
{
    *changes = r->changes;
    return ndc_buf_str(&r->ndjson);
}

void ndc_capture_rows_clear(struct ndc_capture_rows *r)
{
    ndc_buf_reset(&r->ndjson);
    r->changes = 0;
}

/* ---- what the table must be ---- */

static enum ndc_err no_column(const struct ndc_source *s, struct ndc_str name,
                              struct ndc_fault *fault)
{
    return ndc_fail_at(
        fault, NDC_ECONFLICT, "capture.no_column", "column", 0,
        "paused: column \"%.*s\" is gone from table %.*s (dropped or "
        "renamed): mend the declaration of source %.*s; following then goes "
        "on where it stopped",
        NDC_STR_FMT(name), NDC_STR_FMT(s->table), NDC_STR_FMT(s->id));
}

static enum ndc_err no_identity(const struct ndc_source *s, struct ndc_fault *fault)
{
    return ndc_fail_at(
        fault, NDC_ECONFLICT, "capture.identity", "key", 0,
        "paused: of a row that is deleted or changed, table %.*s does not tell the key "
        "of "
        "source %.*s: make its key columns the table's primary key, or ALTER TABLE … "
        "REPLICA IDENTITY USING INDEX (a unique index of them) or FULL; if rows were "
        "deleted meanwhile, start a new snapshot",
        NDC_STR_FMT(s->table), NDC_STR_FMT(s->id));
}

enum ndc_err ndc_capture_check_table(const struct ndc_source *s,
                                     const struct ndc_table *t, struct ndc_fault *fault)
{
    if (t->partitioned)
        return ndc_fail(fault, NDC_ECONFLICT, "capture.partitioned",
                        "paused: table %.*s is partitioned: declare a source for each "
                        "partition",
                        NDC_STR_FMT(s->table));
    for (unsigned i = 0; i < s->field_count; i++)
        for (unsigned k = 0; k < s->fields[i].column_count; k++)
            if (ndc_table_column(t, s->fields[i].columns[k]) < 0)
                return no_column(s, s->fields[i].columns[k], fault);
    if (s->time_column.len && ndc_table_column(t, s->time_column) < 0)
        return no_column(s, s->time_column, fault);
    for (unsigned i = 0; i < s->key_count; i++) {
        bool known = false;
        if (ndc_table_column(t, s->key[i]) < 0) return no_column(s, s->key[i], fault);
        for (size_t k = 0; k < t->identity_count; k++)
            known |= ndc_str_eq(t->identity_columns[k], s->key[i]);
        if (!known) return no_identity(s, fault);
    }
    return NDC_OK;
}

/* ---- a change ---- */

static bool place(struct ndc_capture_rows *r, const struct ndc_wal2json_row *row)
{
    size_t hint = 0;
    memset(r->values, 0, r->count * sizeof(*r->values));
    for (size_t i = 0; i < row->count; i++) {
        int at = declared_index(r, row->columns[i].name, hint);
        if (at < 0) continue;
        if (r->values[at].ptr) return false; /* a column twice */
        r->values[at] = row->columns[i].value;
        hint = (size_t)at + 1 < r->count ? (size_t)at + 1 : 0;
    }
    return true;
}

static void write_row(struct ndc_capture_rows *r, const char *op, int64_t version,
                      size_t count)
{
    ndc_buf_printf(&r->ndjson, "{\"_op\":\"%s\",\"_version\":%lld", op,
                   (long long)version);
    for (size_t i = 0; i < count; i++) {
        if (!r->values[i].ptr) continue;
        ndc_buf_add_byte(&r->ndjson, ',');
        ndc_buf_add_str(&r->ndjson, r->names[i]);
        ndc_buf_add_str(&r->ndjson, r->values[i]);
    }
    ndc_buf_add_c(&r->ndjson, "}\n");
}

/* A raw JSON scalar as text. */
static struct ndc_str scalar_text(struct ndc_arena *arena, struct ndc_str raw)
{
    struct json_object *o = NULL;
    struct ndc_fault ignored = {0};
    if (raw.len < 2 || raw.ptr[0] != '"') return raw;
    if (!memchr(raw.ptr, '\\', raw.len)) return ndc_str_n(raw.ptr + 1, raw.len - 2);
    if (ndc_json_parse(&o, raw, &ignored)) return NDC_STR_NULL;
    struct ndc_str text =
        ndc_arena_str(arena, ndc_str_n(json_object_get_string(o),
                                       (size_t)json_object_get_string_len(o)));
    json_object_put(o);
    return text;
}

/* Asks the table for the declared values that the change does not say. *there is false if
 * the row is gone. */
static enum ndc_err fetch(struct ndc_capture_rows *r, const struct ndc_table *t,
                          bool *there, struct ndc_fault *fault)
{
    struct ndc_str keys[NDC_SOURCE_KEY_MAX], *got;
    struct ndc_buf sql;
    struct ndc_json j;
    size_t n = 0;
    ndc_buf_init(&sql, 1 << 20);
    got = NDC_ARENA_ARRAY(&r->fetched, struct ndc_str, r->count);
    for (size_t i = 0; i < r->count; i++) {
        if (r->values[i].ptr) continue;
        ndc_buf_add_c(&sql, n++ ? ", " : "SELECT ");
        ndc_table_value_sql(&sql, t, (size_t)ndc_table_column(t, r->declared[i]));
    }
    ndc_buf_add_c(&sql, " FROM ");
    ndc_table_name_sql(&sql, t);
    for (unsigned i = 0; i < r->source->key_count; i++) {
        ndc_buf_add_c(&sql, i ? " AND " : " WHERE ");
        ndc_replication_quote(&sql, r->source->key[i]);
        ndc_buf_printf(&sql, " = $%u", i + 1);
        keys[i] = scalar_text(&r->fetched, r->values[i]);
    }
    ndc_buf_add_byte(&sql, 0);
    enum ndc_err err =
        sql.failed || r->fetched.overflow
            ? ndc_fail(fault, NDC_ETOOBIG, "db.too_big", "a row with too many columns")
            : ndc_replication_row(r->link, &r->fetched, got, n, there, sql.ptr, keys,
                                  r->source->key_count, fault);
    ndc_buf_free(&sql);
    if (err || !*there) return err;
    if (r->fetched.overflow)
        return ndc_fail(fault, NDC_ETOOBIG, "db.too_big", "a row of over 4 MiB");
    ndc_buf_reset(&r->values_buf);
    if (!ndc_buf_room(&r->values_buf, FETCH_BYTES_MAX - 1))
        return ndc_fail(fault, NDC_ETOOBIG, "db.too_big", "a row of over 4 MiB");
    for (size_t i = 0, k = 0; i < r->count; i++) {
        if (r->values[i].ptr) continue;
        size_t from = r->values_buf.len;
        ndc_json_init(&j, &r->values_buf);
        ndc_json_str(&j, got[k++]);
        r->values[i] = ndc_str_n(r->values_buf.ptr + from, r->values_buf.len - from);
    }
    if (r->values_buf.failed)
        return ndc_fail(fault, NDC_ETOOBIG, "db.too_big", "a row of over 4 MiB");
    return NDC_OK;
}

/* Declared columns that the change does not say: an insert of before a column was added
 * has no value of it; an update may have left a large value as it was. */
static enum ndc_err complete(struct ndc_capture_rows *r, const struct ndc_wal2json *m,
                             bool *there, struct ndc_fault *fault)
{
    struct ndc_table t;
    bool missing = false;
    *there = true;
    for (size_t i = 0; i < r->count; i++) {
        const struct ndc_str *old;
        if (r->values[i].ptr) continue;
        /* The key always is in a change; the old row has it under FULL. */
        old = ndc_wal2json_find(&m->identity, r->declared[i]);
        if (old)
            r->values[i] = *old;
        else
            missing = true;
    }
    if (!missing) return NDC_OK;
    ndc_arena_reset(&r->fetched);
    enum ndc_err err = ndc_source_table(&t, r->link, &r->fetched, r->source, fault);
    for (size_t i = 0; i < r->count && !err; i++)
        if (!r->values[i].ptr && ndc_table_column(&t, r->declared[i]) < 0)
            err = no_column(r->source, r->declared[i], fault);
    if (err || m->action == NDC_WAL2JSON_INSERT) return err;
    return fetch(r, &t, there, fault);
}

static bool key_changed(const struct ndc_capture_rows *r, const struct ndc_wal2json *m)
{
    for (unsigned i = 0; i < r->source->key_count; i++) {
        const struct ndc_str *old = ndc_wal2json_find(&m->identity, r->declared[i]);
        const struct ndc_str *new = ndc_wal2json_find(&m->columns, r->declared[i]);
        if (old && new && !ndc_str_eq(*old, *new)) return true;
    }
    return false;
}

static enum ndc_err add_end(struct ndc_capture_rows *r, const struct ndc_wal2json *m,
                            int64_t version, struct ndc_fault *fault)
{
    if (!place(r, &m->identity))
        return ndc_fail(fault, NDC_EINPUT, "capture.message", "a column stands twice");
    for (unsigned i = 0; i < r->source->key_count; i++)
        if (!r->values[i].ptr) return no_identity(r->source, fault);
    write_row(r, "D", version, r->source->key_count);
    return NDC_OK;
}

static enum ndc_err add_row(struct ndc_capture_rows *r, const struct ndc_wal2json *m,
                            int64_t version, struct ndc_fault *fault)
{
    bool there, insert = m->action == NDC_WAL2JSON_INSERT;
    if (!insert && m->identity.count == 0) return no_identity(r->source, fault);
    bool moved = !insert && key_changed(r, m);
    if (moved) {
        enum ndc_err err = add_end(r, m, version, fault);
        if (err) return err;
    }
    if (!place(r, &m->columns))
        return ndc_fail(fault, NDC_EINPUT, "capture.message", "a column stands twice");
    enum ndc_err err = complete(r, m, &there, fault);
    if (!err && there) write_row(r, insert || moved ? "I" : "U", version, r->count);
    return err;
}

enum ndc_err ndc_capture_rows_add(struct ndc_capture_rows *r,
                                  const struct ndc_wal2json *m, int64_t version,
                                  struct ndc_fault *fault)
{
    size_t before = r->ndjson.len;
    enum ndc_err err = m->action == NDC_WAL2JSON_DELETE ? add_end(r, m, version, fault)
                                                        : add_row(r, m, version, fault);
    if (!err && r->ndjson.failed)
        err = ndc_fail(fault, NDC_ETOOBIG, "capture.row", "a row of over 96 MiB");
    if (err)
        r->ndjson.len = before;
    else
        r->changes++;
    return err;
}

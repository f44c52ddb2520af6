/* PostgreSQL tables: read with one COPY in one snapshot, whatever their size. A table
 * that is followed is read in the snapshot that the making of its slot exported, and in
 * no other: a row of another moment could be older than a change that was taken already.
 */
#include "platforms/registry/source/connect_internal.h"

#include "platforms/registry/source/postgres.h"

#include <stdlib.h>

enum { SELECT_BYTES_MAX = 1 << 20 };

struct postgres_state {
    struct ndc_replication *link;
};

enum ndc_err ndc_source_link(struct ndc_replication **out,
                             const struct ndc_source *source,
                             enum ndc_replication_kind kind, struct ndc_fault *fault)
{
    struct ndc_arena arena;
    const char *password = NULL;
    ndc_arena_init(&arena, 1 << 16);
    enum ndc_err err = NDC_OK;
    *out = NULL;
    if (source->password_env.len) {
        password = getenv(ndc_arena_cstr(&arena, source->password_env));
        if (!password)
            err = ndc_fail(fault, NDC_EDB, "source.password",
                           "the environment variable %.*s, where the password of source "
                           "%.*s should be, is not set: set it and start ndc again",
                           NDC_STR_FMT(source->password_env), NDC_STR_FMT(source->id));
    }
    if (!err)
        err = ndc_replication_open(out, ndc_arena_cstr(&arena, source->url), password,
                                   kind, fault);
    ndc_arena_free(&arena);
    return err;
}

/* ---- the table ---- */

static void split_name(struct ndc_table *t, struct ndc_str name)
{
    size_t dot = ndc_str_find(name, '.');
    bool whole = dot < name.len;
    t->schema = whole ? ndc_str_n(name.ptr, dot) : NDC_STR("public");
    t->name = whole ? ndc_str_from(name, dot + 1) : name;
}

static enum ndc_row_identity identity_of(struct ndc_str letter)
{
    switch (letter.len ? letter.ptr[0] : 'd') {
    case 'n':
        return NDC_IDENTITY_NOTHING;
    case 'f':
        return NDC_IDENTITY_FULL;
    case 'i':
        return NDC_IDENTITY_INDEX;
    default:
        return NDC_IDENTITY_DEFAULT;
    }
}

#define TABLE_COLUMNS                                                                \
    "FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n " \
    "ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2 AND "         \
    "a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"

static enum ndc_err read_identity(struct ndc_table *t, struct ndc_replication *link,
                                  struct ndc_arena *arena, const struct ndc_str *at,
                                  struct ndc_fault *fault)
{
    if (t->identity == NDC_IDENTITY_NOTHING) return NDC_OK;
    if (t->identity == NDC_IDENTITY_FULL) {
        t->identity_columns = t->columns;
        t->identity_count = t->count;
        return NDC_OK;
    }
    return ndc_replication_list(
        link, arena, &t->identity_columns, &t->identity_count, NDC_TABLE_COLUMNS_MAX,
        t->identity == NDC_IDENTITY_INDEX
            ? "SELECT a.attname FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid "
              "JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON "
              "a.attrelid = c.oid AND a.attnum = ANY (i.indkey) WHERE n.nspname = $1 AND "
              "c.relname = $2 AND i.indisreplident"
            : "SELECT a.attname FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid "
              "JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON "
              "a.attrelid = c.oid AND a.attnum = ANY (i.indkey) WHERE n.nspname = $1 AND "
              "c.relname = $2 AND i.indisprimary",
        at, 2, fault);
}

enum ndc_err ndc_source_table(struct ndc_table *out, struct ndc_replication *link,
                              struct ndc_arena *arena, const struct ndc_source *source,
                              struct ndc_fault *fault)
{
    struct ndc_table *t = out;
    struct ndc_str what[2];
    bool have;
    size_t types = 0;
    *t = (struct ndc_table){0};
    split_name(t, source->table);
    const struct ndc_str at[] = {t->schema, t->name};
    enum ndc_err err = ndc_replication_row(
        link, arena, what, 2, &have,
        "SELECT c.relkind::text, c.relreplident::text FROM pg_class c JOIN pg_namespace "
        "n "
        "ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2",
        at, 2, fault);
    if (!err && !have)
        err = ndc_fail_at(fault, NDC_EINPUT, "source.no_table", "table", 0,
                          "the source's database has no table \"%.*s\".\"%.*s\", or its "
                          "user may not see it",
                          NDC_STR_FMT(t->schema), NDC_STR_FMT(t->name));
    if (err) return err;
    t->partitioned = ndc_str_eq(what[0], NDC_STR("p"));
    t->identity = identity_of(what[1]);
    err = ndc_replication_list(link, arena, &t->columns, &t->count, NDC_TABLE_COLUMNS_MAX,
                               "SELECT a.attname " TABLE_COLUMNS, at, 2, fault);
    if (!err)
        err =
            ndc_replication_list(link, arena, &t->types, &types, NDC_TABLE_COLUMNS_MAX,
                                 "SELECT a.atttypid::text " TABLE_COLUMNS, at, 2, fault);
    if (!err && types != t->count)
        err = ndc_fail(fault, NDC_EBUSY, "db.busy", "the table is being changed");
    return err ? err : read_identity(t, link, arena, at, fault);
}

int ndc_table_column(const struct ndc_table *t, struct ndc_str name)
{
    for (size_t i = 0; i < t->count; i++)
        if (ndc_str_eq(t->columns[i], name)) return (int)i;
    return -1;
}

void ndc_table_value_sql(struct ndc_buf *sql, const struct ndc_table *t, size_t i)
{
    static const char *const numbers[] = {"700", "701",
                                          "1700"}; /* float4, float8, numeric */
    struct ndc_str type = t->types[i];
    bool number = false;
    for (size_t k = 0; k < NDC_ARRAY_LEN(numbers); k++)
        number |= ndc_str_eq_c(type, numbers[k]);
    if (ndc_str_eq_c(type, "16")) { /* bool */
        ndc_buf_add_c(sql, "(");
        ndc_replication_quote(sql, t->columns[i]);
        ndc_buf_add_c(sql, ")::text");
    } else if (ndc_str_eq_c(type, "17")) { /* bytea */
        ndc_buf_add_c(sql, "encode(");
        ndc_replication_quote(sql, t->columns[i]);
        ndc_buf_add_c(sql, ", 'hex')");
    } else if (number) {
        ndc_buf_add_c(sql, "nullif(nullif(nullif(");
        ndc_replication_quote(sql, t->columns[i]);
        ndc_buf_add_c(sql, "::text, 'NaN'), 'Infinity'), '-Infinity')");
    } else {
        ndc_replication_quote(sql, t->columns[i]);
    }
}

void ndc_table_name_sql(struct ndc_buf *sql, const struct ndc_table *t)
{
    ndc_replication_quote(sql, t->schema);
    ndc_buf_add_byte(sql, '.');
    ndc_replication_quote(sql, t->name);
}

/* ---- the connector ---- */

static enum ndc_err postgres_next(struct ndc_connect *c, struct ndc_connect_row *row,
                                  bool *have, struct ndc_fault *fault)
{
    struct postgres_state *s = c->state;
    enum ndc_err err =
        ndc_replication_copied(s->link, c->values, c->column_count, have, fault);
    if (err || !*have) return err;
    row->line = ++c->done;
    row->values = c->values;
    row->count = c->column_count;
    return NDC_OK;
}

static void postgres_close(struct ndc_connect *c)
{
    struct postgres_state *s = c->state;
    ndc_replication_close(s->link);
    free(s);
}

static const struct ndc_connect_ops postgres_ops = {postgres_next, postgres_close};

/* The declared columns, in the order in which changes have them too: what a column that
 * is mapped to nothing is kept as is its number. */
static void write_select(struct ndc_buf *sql, const struct ndc_connect *c,
                         const struct ndc_table *t)
{
    ndc_buf_add_c(sql, "SELECT ");
    for (size_t i = 0; i < c->column_count; i++) {
        if (i) ndc_buf_add_c(sql, ", ");
        ndc_table_value_sql(sql, t, (size_t)ndc_table_column(t, c->columns[i]));
    }
    ndc_buf_add_c(sql, " FROM ");
    ndc_table_name_sql(sql, t);
}

/* Rows in all, as the planner last counted them: for the bar. */
static enum ndc_err estimate(struct ndc_connect *c, const struct ndc_table *t,
                             struct ndc_fault *fault)
{
    struct postgres_state *s = c->state;
    struct ndc_str text;
    const struct ndc_str at[] = {t->schema, t->name};
    bool have;
    int64_t rows = 0;
    enum ndc_err err = ndc_replication_row(
        s->link, &c->arena, &text, 1, &have,
        "SELECT greatest(c.reltuples, 0)::bigint::text FROM pg_class c JOIN pg_namespace "
        "n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2",
        at, 2, fault);
    if (!err && have && ndc_str_to_i64(text, &rows)) c->total = (uint64_t)rows;
    return err;
}

enum ndc_err ndc_connect_postgres_open(struct ndc_connect *c, struct ndc_fault *fault)
{
    struct postgres_state *s = ndc_xcalloc(1, sizeof(*s));
    struct ndc_table t;
    struct ndc_str snapshot = NDC_STR_NULL, path = ndc_str(c->path);
    struct ndc_buf sql;
    c->state = s;
    c->ops = &postgres_ops;
    if (ndc_str_starts(path, NDC_STR(NDC_CONNECT_SNAPSHOT)))
        snapshot = ndc_str_from(path, strlen(NDC_CONNECT_SNAPSHOT));
    if (!snapshot.len && ndc_source_followed(c->source))
        return ndc_fail(fault, NDC_ECONFLICT, "source.followed",
                        "source %.*s is followed by its slot; for a load of the whole "
                        "table start a new snapshot: ndc source follow %.*s --snapshot, "
                        "or on its page",
                        NDC_STR_FMT(c->source->id), NDC_STR_FMT(c->source->id));
    enum ndc_err err = ndc_source_link(&s->link, c->source, NDC_REPLICATION_PLAIN, fault);
    if (!err) err = ndc_replication_snapshot(s->link, snapshot, fault);
    if (!err) err = ndc_source_table(&t, s->link, &c->arena, c->source, fault);
    if (!err) err = estimate(c, &t, fault);
    if (err) return err;
    c->columns = t.columns; /* first, to say which is nearest to one that is missing */
    c->column_count = t.count;
    err = ndc_connect_check_columns(c, fault);
    if (err) return err;
    c->column_count = 0;
    ndc_connect_declare_columns(c);
    ndc_buf_init(&sql, SELECT_BYTES_MAX);
    write_select(&sql, c, &t);
    err = ndc_replication_copy(s->link, ndc_buf_str(&sql), fault);
    ndc_buf_free(&sql);
    return err;
}

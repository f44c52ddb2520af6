/* Storing things. The stage of a source says what its last run left, so what has changed
 * is what differs between two stages; unchanged records keep their very bytes. */
#include "platforms/registry/thing/thing.h"

#include "base/hash.h"
#include "base/sort.h"
#include "store/bulk.h"

#include <stdio.h>

enum {
    BATCH = 256,
    ARENA_BYTES = 64 << 20,
    TEXTS_BYTES_MAX = 8 << 20,
    PATH_BYTES = 4200
};

uint64_t ndc_thing_ref_identifier(const struct ndc_field *by, struct ndc_str value)
{
    const char *code = by->code;
    if (strcmp(code, "person_id") == 0 && value.len == 9) code = "old_id";
    return ndc_hash_str(value, ndc_hash_str(ndc_str(code), 21));
}

uint64_t ndc_thing_ref_key(struct ndc_str dataset, struct ndc_str key)
{
    return ndc_hash_str(key, ndc_hash_str(dataset, 22));
}

uint64_t ndc_thing_ref(const struct ndc_source_relation *rel, struct ndc_str value)
{
    return rel->to == NDC_TO_THING ? ndc_thing_ref_key(rel->dataset, value)
                                   : ndc_thing_ref_identifier(rel->by, value);
}

struct ndc_str ndc_thing_value(const struct ndc_source *source,
                               const struct ndc_record *thing, unsigned field)
{
    const struct ndc_record_field *f =
        ndc_record_find(thing, source->fields[field].field->id);
    return f && f->value.len ? f->value : NDC_STR_NULL;
}

/* ---- rows on their way ---- */

struct writer {
    struct ndc_store_conn *conn;
    const struct ndc_registered *source;
    struct ndc_val gone[4 * BATCH], things[4 * BATCH], links[4 * BATCH];
    size_t gone_count, thing_count, link_count; /* rows */
    struct ndc_arena texts;                     /* what their values point to */
};

static enum ndc_err flush(struct writer *w, struct ndc_fault *fault)
{
    enum ndc_err err = NDC_OK;
    if (w->gone_count)
        err = ndc_sql_many(w->conn,
                           "DELETE FROM registry_thing_link WHERE ref = $1 AND source = "
                           "$2 AND key = $3 AND relation = $4",
                           w->gone, 4, w->gone_count, NULL, fault);
    if (!err && w->thing_count)
        err =
            ndc_sql_many(w->conn,
                         "INSERT INTO registry_thing (source, key, run, payload) VALUES "
                         "($1, $2, $3, $4) ON CONFLICT (source, key) DO UPDATE SET run "
                         "= excluded.run, payload = excluded.payload",
                         w->things, 4, w->thing_count, NULL, fault);
    if (!err && w->link_count)
        err = ndc_sql_many(w->conn,
                           "INSERT INTO registry_thing_link (ref, source, key, relation) "
                           "VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
                           w->links, 4, w->link_count, NULL, fault);
    w->gone_count = w->thing_count = w->link_count = 0;
    ndc_arena_reset(&w->texts);
    return err;
}

/* Adds the record's references as rows; one that has ended refers to nothing. */
static size_t put_refs(const struct writer *w, struct ndc_val *rows, size_t n,
                       const struct ndc_record *r)
{
    const struct ndc_source *s = w->source->source;
    if (r->flags & NDC_RECORD_ENDED) return n;
    for (unsigned i = 0; i < s->relation_count; i++) {
        struct ndc_str value = ndc_thing_value(s, r, s->relations[i].field);
        if (!value.ptr) continue;
        struct ndc_val *row = &rows[4 * n++];
        row[0] = ndc_int((int64_t)ndc_thing_ref(&s->relations[i], value));
        row[1] = ndc_int(w->source->number);
        row[2] = ndc_text(r->key);
        row[3] = ndc_int(i);
    }
    return n;
}

/* Makes room for one more; what waits stays in w->texts until it is written. */
static enum ndc_err make_room(struct writer *w, struct ndc_fault *fault)
{
    if (w->thing_count < BATCH && w->gone_count + NDC_SOURCE_RELATIONS_MAX <= BATCH &&
        w->link_count + NDC_SOURCE_RELATIONS_MAX <= BATCH &&
        w->texts.used_bytes < TEXTS_BYTES_MAX)
        return NDC_OK;
    return flush(w, fault);
}

static void put(struct writer *w, const struct ndc_record *old,
                const struct ndc_record *now, struct ndc_str bytes)
{
    if (old) w->gone_count = put_refs(w, w->gone, w->gone_count, old);
    w->link_count = put_refs(w, w->links, w->link_count, now);
    struct ndc_val *row = &w->things[4 * w->thing_count++];
    row[0] = ndc_int(w->source->number);
    row[1] = ndc_text(now->key);
    row[2] = ndc_int(now->run);
    row[3] = ndc_blob(bytes);
}

static enum ndc_err damaged(struct ndc_fault *fault)
{
    return ndc_fail(fault, NDC_EIO, "stage.damaged", "the source's stage is damaged");
}

/* ---- changes ---- */

/* One record of the new stage: nothing where the one before has the same bytes. */
static enum ndc_err store_change(struct load *l, struct writer *w,
                                 struct ndc_arena *arena, struct ndc_str bytes,
                                 struct ndc_fault *fault)
{
    struct ndc_record record = {0}, old = {0};
    uint32_t source;
    struct ndc_str key, before = NDC_STR_NULL;
    if (!ndc_record_head(bytes, &source, &key)) return damaged(fault);
    const struct ndc_keyset_slot *slot =
        ndc_keyset_find(&l->previous_keys, ndc_hash_str(key, 0));
    if (slot) before = ndc_stage_read(&l->previous_at, ndc_keyset_value(slot));
    if (slot && ndc_str_eq(before, bytes)) return NDC_OK;
    NDC_TRY(make_room(w, fault));
    struct ndc_str kept = ndc_arena_str(&w->texts, bytes), in = kept;
    before = ndc_arena_str(&w->texts, before);
    if (w->texts.overflow)
        return ndc_fail(fault, NDC_ETOOBIG, "load.row_too_big", "a record is too large");
    ndc_arena_reset(arena);
    if (!ndc_record_decode(&record, arena, &in) ||
        (slot && !ndc_record_decode(&old, arena, &before)))
        return damaged(fault);
    put(w, slot ? &old : NULL, &record, kept);
    return NDC_OK;
}

static enum ndc_err store_changes(struct load *l, struct ndc_store_conn *conn,
                                  const struct ndc_stage *now, struct ndc_fault *fault)
{
    struct writer *w = ndc_xcalloc(1, sizeof(*w));
    struct ndc_arena arena;
    struct ndc_stage_cursor at;
    enum ndc_err err = NDC_OK;
    w->conn = conn;
    w->source = l->source;
    ndc_arena_init(&arena, ARENA_BYTES);
    ndc_arena_init(&w->texts, ARENA_BYTES);
    ndc_stage_cursor_init(&at, now, 1);
    for (uint32_t i = 0; i < now->count && !err; i++)
        err = store_change(l, w, &arena, ndc_stage_read(&at, i), fault);
    if (!err) err = flush(w, fault);
    ndc_stage_cursor_free(&at);
    ndc_arena_free(&w->texts);
    ndc_arena_free(&arena);
    free(w);
    return err;
}

/* ---- the first of a dataset, in order ---- */

struct item {
    struct ndc_str key, bytes;
};

static int by_key(const void *a, const void *b)
{
    return ndc_str_cmp(((const struct item *)a)->key, ((const struct item *)b)->key);
}

static enum ndc_err load_things(struct ndc_store_conn *conn, uint32_t source,
                                const struct item *items, uint32_t n, struct load *l,
                                struct ndc_fault *fault)
{
    static const struct ndc_bulk_column columns[] = {{"source", NDC_VAL_I64},
                                                     {"key", NDC_VAL_TEXT},
                                                     {"run", NDC_VAL_I64},
                                                     {"payload", NDC_VAL_BLOB}};
    struct ndc_bulk *bulk;
    NDC_TRY(ndc_bulk_begin(&bulk, conn, "registry_thing", columns, NDC_ARRAY_LEN(columns),
                           fault));
    for (uint32_t i = 0; i < n; i++) {
        ndc_bulk_i64(bulk, source);
        ndc_bulk_text(bulk, items[i].key);
        ndc_bulk_i64(bulk, l->run);
        ndc_bulk_blob(bulk, items[i].bytes);
        enum ndc_err err = ndc_bulk_row(bulk, fault);
        if (err) {
            ndc_bulk_abort(bulk);
            return err;
        }
    }
    return ndc_bulk_end(bulk, NULL, fault);
}

/* A reference: hash, item and relation. The table is ordered by hash as a signed number;
 * within one hash items are in key order, for the sort is stable. */
static enum ndc_err load_links(struct ndc_store_conn *conn, uint32_t source,
                               const struct item *items, const struct ndc_key64 *refs,
                               size_t n, struct ndc_fault *fault)
{
    static const struct ndc_bulk_column columns[] = {{"ref", NDC_VAL_I64},
                                                     {"source", NDC_VAL_I64},
                                                     {"key", NDC_VAL_TEXT},
                                                     {"relation", NDC_VAL_I64}};
    struct ndc_bulk *bulk;
    NDC_TRY(ndc_bulk_begin(&bulk, conn, "registry_thing_link", columns,
                           NDC_ARRAY_LEN(columns), fault));
    for (size_t i = 0; i < n; i++) {
        ndc_bulk_i64(bulk, (int64_t)(refs[i].key ^ (uint64_t)1 << 63));
        ndc_bulk_i64(bulk, source);
        ndc_bulk_text(bulk, items[refs[i].value / NDC_SOURCE_RELATIONS_MAX].key);
        ndc_bulk_i64(bulk, (int64_t)(refs[i].value % NDC_SOURCE_RELATIONS_MAX));
        enum ndc_err err = ndc_bulk_row(bulk, fault);
        if (err) {
            ndc_bulk_abort(bulk);
            return err;
        }
    }
    return ndc_bulk_end(bulk, NULL, fault);
}

static enum ndc_err find_refs(const struct ndc_source *s, const struct item *items,
                              uint32_t n, struct ndc_key64 *refs, size_t *count,
                              struct ndc_fault *fault)
{
    struct ndc_arena arena;
    bool good = true;
    *count = 0;
    ndc_arena_init(&arena, ARENA_BYTES);
    for (uint32_t i = 0; i < n && good; i++) {
        struct ndc_record r;
        struct ndc_str in = items[i].bytes;
        ndc_arena_reset(&arena);
        good = ndc_record_decode(&r, &arena, &in);
        for (unsigned k = 0; good && k < s->relation_count; k++) {
            struct ndc_str value = ndc_thing_value(s, &r, s->relations[k].field);
            if (!value.ptr || (r.flags & NDC_RECORD_ENDED)) continue;
            refs[(*count)++] = (struct ndc_key64){
                ndc_thing_ref(&s->relations[k], value) ^ (uint64_t)1 << 63,
                (uint64_t)i * NDC_SOURCE_RELATIONS_MAX + k};
        }
    }
    ndc_arena_free(&arena);
    return good ? NDC_OK : damaged(fault);
}

/* All records of a stage, unpacked one after another in a file that is mapped and has no
 * name any more: they are written in the order of their keys. */
static enum ndc_err spread(struct ndc_str *all, const struct ndc_stage *now,
                           const char *stage_path, struct ndc_fault *fault)
{
    char path[PATH_BYTES];
    struct ndc_file_writer out;
    struct ndc_stage_cursor at;
    struct ndc_fault ignored = {0};
    snprintf(path, sizeof(path), "%s.things", stage_path);
    NDC_TRY(ndc_file_create(&out, path, fault));
    out.scratch = true;
    enum ndc_err err = NDC_OK;
    ndc_stage_cursor_init(&at, now, 1);
    for (uint32_t i = 0; i < now->count && !err; i++) {
        struct ndc_str record = ndc_stage_read(&at, i);
        err = record.len ? ndc_file_append(&out, record, fault) : damaged(fault);
    }
    ndc_stage_cursor_free(&at);
    if (!err) err = ndc_file_finish(&out, fault);
    ndc_file_abandon(&out);
    if (!err) err = ndc_file_map(all, path, fault);
    if (ndc_file_remove(path, &ignored)) {
        /* Only space is lost, until the next load replaces it. */
    }
    return err;
}

static enum ndc_err store_items(struct load *l, struct ndc_store_conn *conn,
                                struct item *items, uint32_t n, struct ndc_str all,
                                struct ndc_fault *fault)
{
    const struct ndc_source *s = l->source->source;
    uint32_t number = l->source->number, source;
    size_t count = 0, most = (size_t)n * NDC_MAX(s->relation_count, 1u) + 1;
    for (uint32_t i = 0; i < n; i++)
        if (!ndc_record_skip(&all, &items[i].bytes) ||
            !ndc_record_head(items[i].bytes, &source, &items[i].key))
            return damaged(fault);
    qsort(items, n, sizeof(*items), by_key);
    struct ndc_key64 *refs = ndc_xmalloc(2 * most * sizeof(*refs));
    enum ndc_err err = find_refs(s, items, n, refs, &count, fault);
    if (!err) {
        ndc_sort_key64(refs, refs + most, count);
        err = load_things(conn, number, items, n, l, fault);
    }
    if (!err) err = load_links(conn, number, items, refs, count, fault);
    free(refs);
    return err;
}

static enum ndc_err store_first(struct load *l, struct ndc_store_conn *conn,
                                const struct ndc_stage *now, struct ndc_fault *fault)
{
    struct ndc_str all;
    NDC_TRY(spread(&all, now, l->stage.file.path, fault));
    struct item *items = ndc_xmalloc(((size_t)now->count + 1) * sizeof(*items));
    enum ndc_err err = store_items(l, conn, items, now->count, all, fault);
    free(items);
    ndc_file_unmap(&all);
    return err;
}

/* What an earlier stage left that is lost now: a snapshot does without it. */
static enum ndc_err clear(struct ndc_store_conn *conn, uint32_t source,
                          struct ndc_fault *fault)
{
    int64_t any = 0;
    NDC_TRY(ndc_sql_i64(conn, &any,
                        "SELECT count(*) FROM (SELECT key FROM registry_thing WHERE "
                        "source = $1 LIMIT 1) AS one",
                        NDC_ARGS(ndc_int(source)), fault));
    if (!any) return NDC_OK;
    NDC_TRY(ndc_sql_exec(conn, "DELETE FROM registry_thing_link WHERE source = $1",
                         NDC_ARGS(ndc_int(source)), NULL, fault));
    return ndc_sql_exec(conn, "DELETE FROM registry_thing WHERE source = $1",
                        NDC_ARGS(ndc_int(source)), NULL, fault);
}

enum ndc_err ndc_thing_store(struct load *l, struct ndc_store_conn *conn,
                             struct ndc_fault *fault)
{
    struct ndc_stage now;
    NDC_TRY(ndc_stage_open(&now, l->stage.file.path, fault));
    enum ndc_err err = NDC_OK;
    if (l->previous.count) {
        err = store_changes(l, conn, &now, fault);
    } else {
        err = clear(conn, l->source->number, fault);
        if (!err) err = store_first(l, conn, &now, fault);
    }
    ndc_stage_close(&now);
    return err;
}

enum ndc_err ndc_thing_restore(struct ndc_store_conn *conn,
                               const struct ndc_registered *source,
                               struct ndc_stage_writer *out, uint64_t *count,
                               struct ndc_fault *fault)
{
    enum ndc_err err = NDC_OK;
    struct ndc_rows *rows = ndc_sql_scan(
        conn, "SELECT payload FROM registry_thing WHERE source = $1 ORDER BY key",
        NDC_ARGS(ndc_int(source->number)));
    while (!err && ndc_rows_next(rows)) {
        err = ndc_stage_put_encoded(out, ndc_rows_blob(rows, 0), fault);
        (*count)++;
    }
    enum ndc_err end = ndc_rows_end(rows, fault);
    return err ? err : end;
}

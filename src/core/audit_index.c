/* Making and merging the runs of the index. All of it is done by the audit log's writer,
 * inside the transactions that store entries, so there is nothing to recover but what a
 * rolled back transaction leaves: a run that is not in use is garbage. */
#include "core/audit_index.h"

#include "core/audit_internal.h"
#include "store/bulk.h"

enum {
    PAGE_BYTES = 1800,  /* of a page's body: below what PostgreSQL stores apart */
    PAGES_AT_ONCE = 8,  /* that a merge reads */
    STEP_KEYS = 2048,   /* merges go on when so many have been appended… */
    STEP_SHARE = 2,     /* … by this many times as many, each level */
    GARBAGE_PAGES = 128 /* removed in a step */
};

const char ndc_audit_index_schema[] = "DROP TABLE audit_index;\n"
                                      "DROP INDEX audit_entry_time;\n"
                                      "CREATE TABLE audit_run (\n"
                                      "    run BIGINT PRIMARY KEY,\n"
                                      "    level BIGINT NOT NULL,\n"
                                      "    live BIGINT NOT NULL,\n"
                                      "    seq_from BIGINT NOT NULL,\n"
                                      "    seq_to BIGINT NOT NULL\n"
                                      ");\n"
                                      "CREATE TABLE audit_page (\n"
                                      "    run BIGINT NOT NULL,\n"
                                      "    first_key BIGINT NOT NULL,\n"
                                      "    first_seq BIGINT NOT NULL,\n"
                                      "    body BYTEA NOT NULL,\n"
                                      "    PRIMARY KEY (run, first_key, first_seq)\n"
                                      ");\n";

/* ---- pages ---- */

struct page {
    int64_t run;
    struct ndc_key64 first;
    size_t at, len;
};

/* Pages on their way into the table. */
struct pages {
    struct ndc_buf bodies;
    struct page *list;
    size_t count, cap;
};

/* A page being filled. */
struct builder {
    struct ndc_buf body;
    struct ndc_key64 first, last;
    bool any;
};

static uint64_t zigzag(uint64_t delta)
{
    return delta << 1 ^ (uint64_t)((int64_t)delta >> 63);
}

static void close_page(struct builder *b, int64_t run, struct pages *out)
{
    if (!b->any) return;
    if (out->count == out->cap) {
        out->cap = out->cap ? 2 * out->cap : 64;
        out->list = ndc_xrealloc(out->list, out->cap * sizeof(*out->list));
    }
    out->list[out->count++] = (struct page){run, b->first, out->bodies.len, b->body.len};
    ndc_buf_add_str(&out->bodies, ndc_buf_str(&b->body));
    ndc_buf_reset(&b->body);
    b->any = false;
}

static void add_key(struct builder *b, int64_t run, struct pages *out,
                    struct ndc_key64 key)
{
    if (!b->any) {
        b->first = b->last = key;
        b->any = true;
        return;
    }
    /* An entry that names a subject twice is found once. */
    if (key.key == b->last.key && key.value == b->last.value) return;
    ndc_buf_add_varint(&b->body, key.key - b->last.key);
    ndc_buf_add_varint(&b->body, zigzag(key.value - b->last.value));
    b->last = key;
    if (b->body.len >= PAGE_BYTES) close_page(b, run, out);
}

bool ndc_audit_page_decode(struct ndc_key64 **keys, size_t *count, size_t *cap,
                           struct ndc_key64 first, struct ndc_str body)
{
    size_t most = *count + 1 + body.len / 2;
    if (most > *cap) {
        *cap = most;
        *keys = ndc_xrealloc(*keys, most * sizeof(**keys));
    }
    (*keys)[(*count)++] = first;
    while (body.len) {
        uint64_t key, seq;
        if (!ndc_take_varint(&body, &key) || !ndc_take_varint(&body, &seq)) return false;
        first.key += key;
        first.value += seq >> 1 ^ -(seq & 1);
        (*keys)[(*count)++] = first;
    }
    return true;
}

static enum ndc_err write_pages(struct ndc_store_conn *conn, const struct pages *pages,
                                struct ndc_fault *fault)
{
    static const struct ndc_bulk_column columns[] = {{"run", NDC_VAL_I64},
                                                     {"first_key", NDC_VAL_I64},
                                                     {"first_seq", NDC_VAL_I64},
                                                     {"body", NDC_VAL_BLOB}};
    struct ndc_bulk *bulk;
    NDC_ASSERT(!pages->bodies.failed);
    if (pages->count == 0) return NDC_OK;
    enum ndc_err err = ndc_bulk_begin(&bulk, conn, "audit_page", columns, 4, fault);
    if (err) return err;
    for (size_t i = 0; !err && i < pages->count; i++) {
        const struct page *p = &pages->list[i];
        ndc_bulk_i64(bulk, p->run);
        ndc_bulk_i64(bulk, ndc_audit_key_stored(p->first.key));
        ndc_bulk_i64(bulk, (int64_t)p->first.value);
        ndc_bulk_blob(bulk, ndc_str_n(pages->bodies.ptr + p->at, p->len));
        err = ndc_bulk_row(bulk, fault);
    }
    if (!err) return ndc_bulk_end(bulk, NULL, fault);
    ndc_bulk_abort(bulk);
    return err;
}

static void init_pages(struct pages *pages)
{
    *pages = (struct pages){0};
    ndc_buf_init(&pages->bodies, (size_t)1 << 30);
}

static void free_pages(struct pages *pages)
{
    ndc_buf_free(&pages->bodies);
    free(pages->list);
}

/* ---- runs ---- */

void ndc_audit_index_init(struct ndc_audit_index *index)
{
    *index = (struct ndc_audit_index){.next_run = 1, .fresh_max = NDC_AUDIT_INDEX_FRESH};
    index->runs = ndc_xcalloc(NDC_AUDIT_INDEX_RUNS_MAX, sizeof(*index->runs));
    ndc_mutex_init(&index->lock);
}

static enum ndc_err insert_run(struct ndc_store_conn *conn, const struct ndc_audit_run *r,
                               bool live, struct ndc_fault *fault)
{
    return ndc_sql_exec(conn,
                        "INSERT INTO audit_run (run, level, live, seq_from, seq_to) "
                        "VALUES ($1, $2, $3, $4, $5)",
                        NDC_ARGS(ndc_int(r->run), ndc_int(r->level), ndc_int(live),
                                 ndc_int((int64_t)r->from), ndc_int((int64_t)r->to)),
                        NULL, fault);
}

static uint64_t covered(const struct ndc_audit_index *index)
{
    return index->run_count ? index->runs[index->run_count - 1].to : 0;
}

/* A run of the keys in memory; they stay there until the transaction is durable. */
static enum ndc_err make_run(struct ndc_audit_index *index, struct ndc_store_conn *conn,
                             struct ndc_fault *fault)
{
    size_t n = index->fresh_count;
    if (n == 0 || index->run_count == NDC_AUDIT_INDEX_RUNS_MAX) return NDC_OK;
    struct ndc_audit_run run = {.run = index->next_run++, .from = covered(index)};
    run.to = index->fresh[n - 1].value + 1;
    struct ndc_key64 *keys = ndc_xmalloc(2 * n * sizeof(*keys));
    memcpy(keys, index->fresh, n * sizeof(*keys)); /* only this thread changes them */
    ndc_sort_key64(keys, keys + n, n);
    struct pages pages;
    struct builder b = {0};
    init_pages(&pages);
    ndc_buf_init(&b.body, 2 * PAGE_BYTES);
    for (size_t i = 0; i < n; i++)
        add_key(&b, run.run, &pages, keys[i]);
    close_page(&b, run.run, &pages);
    free(keys);
    ndc_buf_free(&b.body);
    enum ndc_err err = insert_run(conn, &run, true, fault);
    if (!err) err = write_pages(conn, &pages, fault);
    free_pages(&pages);
    if (err) return err;
    index->runs[index->run_count++] = run;
    index->flushed = run.to;
    return NDC_OK;
}

/* ---- merging ---- */

/* One run that is read in order. */
struct cursor {
    int64_t run;
    struct ndc_key64 *keys, page; /* page: the first key of the last page read */
    size_t at, count, cap;
    bool started, end;
};

struct ndc_audit_merge {
    struct ndc_audit_run out;
    struct cursor in[NDC_AUDIT_INDEX_FAN];
    struct builder builder;
    size_t credit; /* keys to be moved */
};

static void free_merge(struct ndc_audit_merge *m)
{
    if (!m) return;
    for (size_t i = 0; i < NDC_AUDIT_INDEX_FAN; i++)
        free(m->in[i].keys);
    ndc_buf_free(&m->builder.body);
    free(m);
}

static void clear(struct ndc_audit_index *index)
{
    for (size_t i = 0; i < NDC_AUDIT_INDEX_LEVELS; i++) {
        free_merge(index->merges[i]);
        index->merges[i] = NULL;
    }
    index->run_count = index->garbage_count = 0;
    index->next_run = 1;
    index->flushed = 0;
}

void ndc_audit_index_free(struct ndc_audit_index *index)
{
    clear(index);
    free(index->runs);
    free(index->garbage);
    free(index->fresh);
    ndc_mutex_free(&index->lock);
}

static void add_garbage(struct ndc_audit_index *index, int64_t run)
{
    if (index->garbage_count == index->garbage_cap) {
        index->garbage_cap = index->garbage_cap ? 2 * index->garbage_cap : 16;
        index->garbage =
            ndc_xrealloc(index->garbage, index->garbage_cap * sizeof(*index->garbage));
    }
    index->garbage[index->garbage_count++] = run;
}

static enum ndc_err fill(struct cursor *c, struct ndc_store_conn *conn,
                         struct ndc_fault *fault)
{
    if (c->at < c->count || c->end) return NDC_OK;
    c->at = c->count = 0;
    bool good = true;
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT first_key, first_seq, body FROM audit_page WHERE run = $1 AND "
        "(first_key, first_seq) > ($2, $3) ORDER BY first_key, first_seq LIMIT $4",
        NDC_ARGS(ndc_int(c->run),
                 ndc_int(c->started ? ndc_audit_key_stored(c->page.key) : INT64_MIN),
                 ndc_int(c->started ? (int64_t)c->page.value : -1),
                 ndc_int(PAGES_AT_ONCE)));
    while (good && ndc_rows_next(rows)) {
        c->page = (struct ndc_key64){ndc_audit_key_loaded(ndc_rows_i64(rows, 0)),
                                     (uint64_t)ndc_rows_i64(rows, 1)};
        c->started = true;
        good = ndc_audit_page_decode(&c->keys, &c->count, &c->cap, c->page,
                                     ndc_rows_blob(rows, 2));
    }
    c->end = c->count == 0;
    enum ndc_err err = ndc_rows_end(rows, fault);
    if (!err && !good)
        err = ndc_fail(fault, NDC_ECONFLICT, "audit.index",
                       "a page of the audit log's index is damaged");
    return err;
}

/* Starts merging the oldest runs of a level, when there are enough. */
static enum ndc_err start_merge(struct ndc_audit_index *index, unsigned level,
                                struct ndc_store_conn *conn, struct ndc_fault *fault)
{
    size_t first = 0, n = 0;
    while (first < index->run_count && index->runs[first].level > level)
        first++;
    while (first + n < index->run_count && index->runs[first + n].level == level)
        n++;
    if (n < NDC_AUDIT_INDEX_FAN || level + 1 == NDC_AUDIT_INDEX_LEVELS) return NDC_OK;
    const struct ndc_audit_run *runs = index->runs + first;
    struct ndc_audit_merge *m = ndc_xcalloc(1, sizeof(*m));
    m->out = (struct ndc_audit_run){.run = index->next_run++,
                                    .level = level + 1,
                                    .from = runs[0].from,
                                    .to = runs[NDC_AUDIT_INDEX_FAN - 1].to};
    for (size_t i = 0; i < NDC_AUDIT_INDEX_FAN; i++)
        m->in[i].run = runs[i].run;
    ndc_buf_init(&m->builder.body, 2 * PAGE_BYTES);
    index->merges[level] = m;
    return insert_run(conn, &m->out, false, fault);
}

/* The merged run takes the place of those it was made of. */
static enum ndc_err end_merge(struct ndc_audit_index *index, unsigned level,
                              struct ndc_store_conn *conn, struct ndc_fault *fault)
{
    struct ndc_audit_merge *m = index->merges[level];
    size_t first = 0;
    while (index->runs[first].run != m->in[0].run)
        first++;
    enum ndc_err err = ndc_sql_exec(conn, "UPDATE audit_run SET live = 1 WHERE run = $1",
                                    NDC_ARGS(ndc_int(m->out.run)), NULL, fault);
    for (size_t i = 0; !err && i < NDC_AUDIT_INDEX_FAN; i++) {
        err = ndc_sql_exec(conn, "UPDATE audit_run SET live = 0 WHERE run = $1",
                           NDC_ARGS(ndc_int(m->in[i].run)), NULL, fault);
        add_garbage(index, m->in[i].run);
    }
    index->runs[first] = m->out;
    size_t gone = NDC_AUDIT_INDEX_FAN - 1;
    memmove(index->runs + first + 1, index->runs + first + 1 + gone,
            (index->run_count - first - 1 - gone) * sizeof(*index->runs));
    index->run_count -= gone;
    free_merge(m);
    index->merges[level] = NULL;
    return err;
}

/* The cursor with the least key, the oldest run first among equals; NULL at the end. */
static enum ndc_err least(struct ndc_audit_merge *m, struct ndc_store_conn *conn,
                          struct cursor **out, struct ndc_fault *fault)
{
    *out = NULL;
    for (size_t i = 0; i < NDC_AUDIT_INDEX_FAN; i++) {
        struct cursor *c = &m->in[i];
        if (c->at == c->count) {
            enum ndc_err err = fill(c, conn, fault);
            if (err) return err;
            if (c->end) continue;
        }
        if (!*out || c->keys[c->at].key < (*out)->keys[(*out)->at].key) *out = c;
    }
    return NDC_OK;
}

static enum ndc_err go_on(struct ndc_audit_index *index, unsigned level,
                          struct ndc_store_conn *conn, size_t keys,
                          struct ndc_fault *fault)
{
    struct ndc_audit_merge *m = index->merges[level];
    struct pages pages;
    struct cursor *c = NULL;
    enum ndc_err err = NDC_OK;
    init_pages(&pages);
    for (size_t n = 0; n < keys; n++) {
        err = least(m, conn, &c, fault);
        if (err || !c) break;
        add_key(&m->builder, m->out.run, &pages, c->keys[c->at++]);
    }
    bool end = !err && !c;
    if (end) close_page(&m->builder, m->out.run, &pages);
    if (!err) err = write_pages(conn, &pages, fault);
    free_pages(&pages);
    if (!err && end) err = end_merge(index, level, conn, fault);
    return err;
}

/* Removes up to *pages pages of a run that is not in use, and the run with the last. */
static enum ndc_err remove_run(struct ndc_audit_index *index, struct ndc_store_conn *conn,
                               unsigned *pages, struct ndc_fault *fault)
{
    int64_t run = index->garbage[index->garbage_count - 1], key = 0, seq = 0;
    unsigned n = 0;
    struct ndc_rows *rows =
        ndc_sql_query(conn,
                      "SELECT first_key, first_seq FROM audit_page WHERE run = $1 "
                      "ORDER BY first_key, first_seq LIMIT $2",
                      NDC_ARGS(ndc_int(run), ndc_int(*pages)));
    for (; ndc_rows_next(rows); n++) {
        key = ndc_rows_i64(rows, 0);
        seq = ndc_rows_i64(rows, 1);
    }
    enum ndc_err err = ndc_rows_end(rows, fault);
    if (!err && n)
        err =
            ndc_sql_exec(conn,
                         "DELETE FROM audit_page WHERE run = $1 AND "
                         "(first_key, first_seq) <= ($2, $3)",
                         NDC_ARGS(ndc_int(run), ndc_int(key), ndc_int(seq)), NULL, fault);
    bool all = n < *pages;
    *pages -= n;
    if (err || !all) return err;
    index->garbage_count--;
    return ndc_sql_exec(conn, "DELETE FROM audit_run WHERE run = $1",
                        NDC_ARGS(ndc_int(run)), NULL, fault);
}

enum ndc_err ndc_audit_index_step(struct ndc_audit_index *index,
                                  struct ndc_store_conn *conn, size_t keys,
                                  struct ndc_fault *fault)
{
    enum ndc_err err = NDC_OK;
    size_t enough = index->closing ? NDC_AUDIT_INDEX_CLOSING : index->fresh_max;
    if (index->fresh_count >= enough) err = make_run(index, conn, fault);
    index->credit += keys;
    if (err || index->credit < STEP_KEYS) return err;
    size_t share = index->credit * STEP_SHARE;
    index->credit = 0;
    for (unsigned level = 0; !err && level < NDC_AUDIT_INDEX_LEVELS; level++) {
        if (!index->merges[level]) err = start_merge(index, level, conn, fault);
        if (!err && index->merges[level]) err = go_on(index, level, conn, share, fault);
    }
    unsigned pages = GARBAGE_PAGES;
    while (!err && pages && index->garbage_count)
        err = remove_run(index, conn, &pages, fault);
    return err;
}

/* ---- what is in memory ---- */

void ndc_audit_index_flushed(struct ndc_audit_index *index)
{
    if (!index->flushed) return;
    ndc_mutex_lock(&index->lock);
    size_t n = 0;
    while (n < index->fresh_count && index->fresh[n].value < index->flushed)
        n++;
    index->fresh_count -= n;
    memmove(index->fresh, index->fresh + n, index->fresh_count * sizeof(*index->fresh));
    ndc_mutex_unlock(&index->lock);
    index->flushed = 0;
}

void ndc_audit_index_add(struct ndc_audit_index *index, uint64_t seq, const int64_t *keys,
                         size_t count)
{
    ndc_mutex_lock(&index->lock);
    if (index->fresh_count + count > index->fresh_cap) {
        index->fresh_cap = 2 * (index->fresh_count + count) + 64;
        index->fresh =
            ndc_xrealloc(index->fresh, index->fresh_cap * sizeof(*index->fresh));
    }
    for (size_t i = 0; i < count; i++)
        index->fresh[index->fresh_count++] = (struct ndc_key64){(uint64_t)keys[i], seq};
    ndc_mutex_unlock(&index->lock);
}

/* ---- start ---- */

static enum ndc_err load_runs(struct ndc_audit_index *index, struct ndc_store_conn *conn,
                              struct ndc_fault *fault)
{
    bool good = true;
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT run, level, live, seq_from, seq_to FROM audit_run ORDER BY seq_from",
        NDC_NO_ARGS);
    while (ndc_rows_next(rows)) {
        struct ndc_audit_run r = {.run = ndc_rows_i64(rows, 0),
                                  .level = (unsigned)ndc_rows_i64(rows, 1),
                                  .from = (uint64_t)ndc_rows_i64(rows, 3),
                                  .to = (uint64_t)ndc_rows_i64(rows, 4)};
        index->next_run = NDC_MAX(index->next_run, r.run + 1);
        if (!ndc_rows_i64(rows, 2)) {
            add_garbage(index, r.run);
            continue;
        }
        good &= r.from == covered(index) && r.level < NDC_AUDIT_INDEX_LEVELS &&
                index->run_count < NDC_AUDIT_INDEX_RUNS_MAX;
        if (good) index->runs[index->run_count++] = r;
    }
    enum ndc_err err = ndc_rows_end(rows, fault);
    if (!err && !good)
        err = ndc_fail(fault, NDC_ECONFLICT, "audit.index",
                       "the runs of the audit log's index do not fit together");
    return err;
}

static void add_entry(struct ndc_audit_index *index, uint64_t seq, struct ndc_str text)
{
    struct json_object *entry = NULL;
    int64_t keys[NDC_AUDIT_SUBJECTS_MAX + 1];
    size_t n = 0;
    if (ndc_json_parse(&entry, text, NULL)) return; /* `ndc audit verify` will tell */
    keys[n++] = ndc_audit_principal_key(ndc_json_get_str(entry, "principal"));
    struct json_object *list = ndc_json_get(entry, "subjects");
    size_t subjects =
        json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
    for (size_t i = 0; i < subjects && n < NDC_ARRAY_LEN(keys); i++) {
        struct json_object *o = json_object_array_get_idx(list, i);
        keys[n++] = ndc_audit_subject_key(
            ndc_str_n(json_object_get_string(o), (size_t)json_object_get_string_len(o)));
    }
    ndc_audit_index_add(index, seq, keys, n);
    json_object_put(entry);
}

/* Reads entries from *from on into memory, until there are enough for a run. */
static enum ndc_err load_fresh(struct ndc_audit_index *index, struct ndc_store_conn *conn,
                               uint64_t *from, uint64_t size, struct ndc_fault *fault)
{
    struct ndc_rows *rows =
        ndc_sql_scan(conn,
                     "SELECT seq, entry FROM audit_entry WHERE "
                     "seq >= $1 AND seq < $2 ORDER BY seq LIMIT $3",
                     NDC_ARGS(ndc_int((int64_t)*from), ndc_int((int64_t)size),
                              ndc_int(NDC_AUDIT_INDEX_FRESH / 4)));
    uint64_t next = size;
    while (ndc_rows_next(rows)) {
        next = (uint64_t)ndc_rows_i64(rows, 0) + 1;
        add_entry(index, next - 1, ndc_rows_text(rows, 1));
    }
    *from = next;
    return ndc_rows_end(rows, fault);
}

static enum ndc_err load_more(struct ndc_audit_index *index, struct ndc_store *store,
                              uint64_t *from, uint64_t size, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    enum ndc_err err = ndc_store_take(store, NDC_READ, &conn, fault);
    if (err) return err;
    if (*from == UINT64_MAX) {
        err = load_runs(index, conn, fault);
        *from = covered(index);
    }
    if (!err && *from < size) err = load_fresh(index, conn, from, size, fault);
    ndc_store_give(conn);
    if (err || index->fresh_count < index->fresh_max) return err;
    err = ndc_store_take(store, NDC_WRITE, &conn, fault);
    if (err) return err;
    err = ndc_tx_begin(conn, fault);
    if (!err) err = ndc_audit_index_step(index, conn, index->fresh_count, fault);
    if (!err) err = ndc_tx_commit(conn, fault);
    ndc_store_give(conn);
    if (!err) ndc_audit_index_flushed(index);
    return err;
}

enum ndc_err ndc_audit_index_load(struct ndc_audit_index *index, struct ndc_store *store,
                                  uint64_t size, struct ndc_fault *fault)
{
    uint64_t from = UINT64_MAX;
    enum ndc_err err = NDC_OK;
    clear(index);
    ndc_mutex_lock(&index->lock);
    index->fresh_count = 0;
    ndc_mutex_unlock(&index->lock);
    while (!err && (from == UINT64_MAX || from < size))
        err = load_more(index, store, &from, size, fault);
    return err;
}

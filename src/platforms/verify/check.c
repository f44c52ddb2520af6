/* Checking a file (check.h). A slice is read, its rows sorted by the hash of their
 * number and walked along the projection in that order, so that memory is met in order;
 * then the verdicts are written in the order of the rows. */
#include "platforms/verify/check.h"

#include "base/csv.h"
#include "base/json.h"
#include "base/sort.h"
#include "sys/thread.h"

enum {
    AHEAD_BUCKET = 24, /* rows between asking for a bucket, its entries, and the look */
    AHEAD_ENTRIES = 8,
    OUT_BYTES_MAX = 512 << 20, /* of one slice: 65,536 rows of at most a few hundred */
};

/* One slice at work; reused from window to window. */
struct worker {
    void *reader;
    struct ndc_buf scratch, out, watch;
    struct ndc_probe *probes;
    struct ndc_judgement *judgements;
    struct ndc_str *accounts;
    struct ndc_key64 *order; /* twice the rows */
    struct ndc_counts counts;
};

struct ndc_check {
    struct ndc_check_input in;
    size_t first;
    unsigned worker_count;
    struct worker *workers;
};

struct ndc_check *ndc_check_new(const struct ndc_check_input *input)
{
    struct ndc_check *c = ndc_xcalloc(1, sizeof(*c));
    c->in = *input;
    c->in.threads = NDC_MAX(c->in.threads, 1u);
    c->worker_count = NDC_MIN(c->in.threads * 2, (unsigned)NDC_CHECK_WINDOW_MAX);
    c->workers = ndc_xcalloc(c->worker_count, sizeof(*c->workers));
    for (unsigned i = 0; i < c->worker_count; i++) {
        struct worker *w = &c->workers[i];
        w->reader = c->in.people->reader_new();
        w->probes = ndc_xmalloc(NDC_SLICE_ROWS * sizeof(*w->probes));
        w->judgements = ndc_xmalloc(NDC_SLICE_ROWS * sizeof(*w->judgements));
        w->accounts = ndc_xmalloc(NDC_SLICE_ROWS * sizeof(*w->accounts));
        w->order = ndc_xmalloc(2 * NDC_SLICE_ROWS * sizeof(*w->order));
        ndc_buf_init(&w->scratch, NDC_SHEET_BYTES_MAX * 2);
        ndc_buf_init(&w->out, OUT_BYTES_MAX);
        ndc_buf_init(&w->watch, OUT_BYTES_MAX);
    }
    return c;
}

void ndc_check_free(struct ndc_check *c)
{
    if (!c) return;
    for (unsigned i = 0; i < c->worker_count; i++) {
        struct worker *w = &c->workers[i];
        c->in.people->reader_free(w->reader);
        free(w->probes);
        free(w->judgements);
        free(w->accounts);
        free(w->order);
        ndc_buf_free(&w->scratch);
        ndc_buf_free(&w->out);
        ndc_buf_free(&w->watch);
    }
    free(c->workers);
    free(c);
}

/* ---- writing ---- */

void ndc_check_header(struct ndc_buf *out, enum ndc_sheet_format format)
{
    if (format == NDC_SHEET_CSV)
        ndc_buf_add_str(
            out, NDC_STR("row,bank_account,verdict,fields,notes,new_person_id\r\n"));
}

/* What the columns "fields" and "notes" say. */
static void write_parts(struct ndc_buf *fields, struct ndc_buf *notes,
                        const struct ndc_judgement *j, const struct ndc_probe *p,
                        enum ndc_repeat repeat)
{
    if (repeat) {
        ndc_buf_add_str(fields, repeat == NDC_REPEAT_ROW ? NDC_STR("row")
                                                         : NDC_STR("bank_account"));
        return;
    }
    ndc_fault_fields_write(fields, j->at, p->organisation);
    if (p->bad)
        ndc_buf_add_str(notes, ndc_str(ndc_sheet_bad_name((enum ndc_sheet_bad)p->bad)));
    else
        ndc_notes_write(notes, j->notes);
}

static void write_csv(struct ndc_buf *out, uint64_t row, struct ndc_str account,
                      const struct ndc_judgement *j, const struct ndc_probe *p,
                      enum ndc_repeat repeat)
{
    enum ndc_verdict v = repeat ? NDC_VERDICT_DUPLICATE : (enum ndc_verdict)j->verdict;
    struct ndc_buf notes;
    char room[160];
    ndc_buf_add_u64(out, row + 1);
    ndc_csv_write_field(out, account, false);
    ndc_buf_add_byte(out, ',');
    ndc_buf_add_str(out, ndc_str(ndc_verdict_name(v)));
    if (v == NDC_VERDICT_MATCH && !j->at && !j->notes) { /* most rows */
        ndc_buf_add_str(out, NDC_STR(",,,\r\n"));
        return;
    }
    notes = (struct ndc_buf){.ptr = room, .cap = sizeof(room), .bytes_max = sizeof(room)};
    ndc_buf_add_byte(out, ',');
    write_parts(out, &notes, j, p, repeat);
    ndc_buf_add_byte(out, ',');
    ndc_buf_add_str(out, ndc_buf_str(&notes));
    ndc_buf_add_byte(out, ',');
    if (!repeat && j->has_new_id) ndc_buf_add_str(out, ndc_str(j->new_id));
    ndc_csv_write_end(out);
}

static void write_words(struct ndc_json *json, const char *key, struct ndc_str words)
{
    struct ndc_str word;
    ndc_json_key(json, key);
    ndc_json_array(json);
    while (words.len && ndc_str_split(&words, ' ', &word))
        ndc_json_str(json, word);
    ndc_json_end(json);
}

static void write_ndjson(struct ndc_buf *out, uint64_t row, struct ndc_str account,
                         const struct ndc_judgement *j, const struct ndc_probe *p,
                         enum ndc_repeat repeat)
{
    char room[160], more[160];
    struct ndc_buf fields = {.ptr = room, .cap = sizeof(room), .bytes_max = sizeof(room)};
    struct ndc_buf notes = {.ptr = more, .cap = sizeof(more), .bytes_max = sizeof(more)};
    struct ndc_json json;
    enum ndc_verdict v = repeat ? NDC_VERDICT_DUPLICATE : (enum ndc_verdict)j->verdict;
    write_parts(&fields, &notes, j, p, repeat);
    ndc_json_init(&json, out);
    ndc_json_object(&json);
    ndc_json_kv_u64(&json, "row", row + 1);
    ndc_json_kv_str(&json, "bank_account", account);
    ndc_json_kv_c(&json, "verdict", ndc_verdict_name(v));
    if (fields.len) write_words(&json, "fields", ndc_buf_str(&fields));
    if (notes.len) write_words(&json, "notes", ndc_buf_str(&notes));
    if (!repeat && j->has_new_id) ndc_json_kv_c(&json, "new_person_id", j->new_id);
    ndc_json_end(&json);
    ndc_buf_add_byte(out, '\n');
}

void ndc_verdict_write(struct ndc_buf *out, enum ndc_sheet_format format, uint64_t row,
                       struct ndc_str account, const struct ndc_judgement *j,
                       const struct ndc_probe *p, enum ndc_repeat repeat)
{
    if (format == NDC_SHEET_CSV)
        write_csv(out, row, account, j, p, repeat);
    else
        write_ndjson(out, row, account, j, p, repeat);
}

/* ---- a slice ---- */

static size_t read_slice(const struct ndc_check *c, struct worker *w, size_t slice)
{
    const struct ndc_plan *plan = c->in.plan;
    struct ndc_str part = ndc_str_n(c->in.file.ptr, (size_t)plan->begins[slice + 1]);
    size_t at = (size_t)plan->begins[slice], n = 0;
    struct ndc_row row;
    while (n < NDC_SLICE_ROWS &&
           ndc_sheet_next(&row, &at, &plan->shape, part, &w->scratch)) {
        ndc_probe_make(&w->probes[n], &row, c->in.key, c->in.people, w->reader);
        /* Unescaped texts live until the next row; an account needs none but by a
         * sender's whim, and is then told as it was sent, in its row's quotes. */
        struct ndc_str account = row.value[NDC_COLUMN_ACCOUNT];
        bool moved = w->scratch.ptr && account.ptr >= w->scratch.ptr &&
                     account.ptr < w->scratch.ptr + w->scratch.cap;
        w->accounts[n] =
            moved || account.len > NDC_SHEET_ACCOUNT_MAX ? NDC_STR("") : account;
        if (moved) w->probes[n].bad = NDC_SHEET_BAD_ACCOUNT;
        w->order[n] = (struct ndc_key64){w->probes[n].key, n};
        n++;
    }
    return n;
}

static void judge_slice(const struct ndc_check *c, struct worker *w, size_t n)
{
    const struct ndc_projection *p = c->in.projection;
    struct ndc_key64 *order = w->order;
    ndc_sort_key64(order, order + NDC_SLICE_ROWS, n);
    for (size_t i = 0; i < n; i++) {
        if (i + AHEAD_BUCKET < n)
            ndc_projection_prefetch(p, order[i + AHEAD_BUCKET].key, 0);
        if (i + AHEAD_ENTRIES < n)
            ndc_projection_prefetch(p, order[i + AHEAD_ENTRIES].key, 1);
        size_t k = (size_t)order[i].value;
        ndc_judge(&w->judgements[k], &w->probes[k], p, c->in.key, &c->in.terms);
    }
}

static void add_watch(struct worker *w, size_t k)
{
    struct ndc_watch_row row = {.probe = w->probes[k],
                                .verdict = w->judgements[k].verdict,
                                .at = w->judgements[k].at,
                                .notes = w->judgements[k].notes};
    memcpy(row.account, w->accounts[k].ptr, w->accounts[k].len);
    ndc_buf_add(&w->watch, &row, sizeof(row));
}

static void check_slice(void *arg, size_t i)
{
    struct ndc_check *c = arg;
    struct worker *w = &c->workers[i];
    size_t slice = c->first + i;
    uint64_t row = (uint64_t)slice * NDC_SLICE_ROWS;
    ndc_buf_reset(&w->out);
    ndc_buf_reset(&w->watch);
    w->counts = (struct ndc_counts){0};
    size_t n = read_slice(c, w, slice);
    judge_slice(c, w, n);
    for (size_t k = 0; k < n; k++) {
        enum ndc_repeat repeat = ndc_plan_repeat(c->in.plan, row + k);
        if (w->probes[k].bad)
            repeat = NDC_REPEAT_NONE; /* it says nothing of an account */
        ndc_verdict_write(&w->out, c->in.plan->shape.format, row + k, w->accounts[k],
                          &w->judgements[k], &w->probes[k], repeat);
        w->counts.rows++;
        w->counts.by[repeat ? NDC_VERDICT_DUPLICATE : w->judgements[k].verdict]++;
        w->counts.organisations += w->probes[k].organisation;
        if (c->in.watch && !repeat && !w->probes[k].bad) add_watch(w, k);
    }
}

static void add_counts(struct ndc_counts *to, const struct ndc_counts *more)
{
    to->rows += more->rows;
    to->organisations += more->organisations;
    for (size_t i = 0; i < NDC_VERDICT_COUNT; i++)
        to->by[i] += more->by[i];
}

enum ndc_err ndc_check_window(struct ndc_check *c, size_t first, size_t *n,
                              struct ndc_buf *out, struct ndc_buf *watch,
                              struct ndc_counts *counts, struct ndc_fault *fault)
{
    bool failed = false;
    *n = NDC_MIN(c->in.plan->slices - first, (size_t)c->worker_count);
    c->first = first;
    ndc_buf_reset(out);
    ndc_buf_reset(watch);
    ndc_parallel_for(c->in.threads, *n, check_slice, c);
    for (size_t i = 0; i < *n; i++) {
        struct worker *w = &c->workers[i];
        ndc_buf_add_str(out, ndc_buf_str(&w->out));
        if (c->in.watch) ndc_buf_add_str(watch, ndc_buf_str(&w->watch));
        add_counts(counts, &w->counts);
        failed |= w->out.failed || w->watch.failed;
    }
    if (failed || out->failed || watch->failed)
        return ndc_fail(fault, NDC_ETOOBIG, "verify.answer",
                        "the verdicts of a slice are larger than memory may be");
    return NDC_OK;
}

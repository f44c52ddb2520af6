/* Rows of stages as linking takes them: all at once into its table, or ranges of them as
 * often as it asks. */
#include "platforms/registry/build/build.h"
#include "platforms/registry/link/external.h"

enum { FEED_ROWS = 16384 };

enum ndc_err ndc_build_declare_rows(struct build_link *l, struct ndc_fault *fault)
{
    uint32_t first = 0;
    enum ndc_err err = NDC_OK;
    for (unsigned s = 0; s < l->source_count && !err; s++) {
        struct build_source *source = &l->sources[s];
        source->first_row = first;
        first += source->stage.count;
        err = ndc_link_source_whole(l->link, source->source->source->id,
                                    source->stage.count, &source->link_source, fault);
    }
    l->rows = first;
    return err;
}

/* Records [from, to) of one stage. */
static enum ndc_err read_stage(const struct build_source *source,
                               struct ndc_link_feed *feed, uint32_t from, uint32_t to,
                               const struct ndc_link_taker *taker,
                               struct ndc_fault *fault)
{
    struct ndc_stage_cursor stage;
    enum ndc_err err = NDC_OK;
    ndc_stage_cursor_init(&stage, &source->stage, 1);
    for (uint32_t r = from; r < to && !err; r++) {
        uint32_t row = source->first_row + r;
        if (taker->wants && !taker->wants(taker->arg, row)) continue;
        struct ndc_str record = ndc_stage_read(&stage, r);
        const struct ndc_str *values = ndc_link_feed_encoded(feed, record);
        if (values)
            taker->take(taker->arg, row, ndc_record_tag(record), values);
        else
            err = ndc_build_damaged(source, fault);
    }
    ndc_stage_cursor_free(&stage);
    return err;
}

enum ndc_err ndc_build_read_rows(void *ctx, uint32_t from, uint32_t to,
                                 const struct ndc_link_taker *taker,
                                 struct ndc_fault *fault)
{
    struct build_link *l = ctx;
    struct ndc_link_feed *feed = ndc_link_feed_new(l->spec);
    enum ndc_err err = NDC_OK;
    for (unsigned s = 0; s < l->source_count && !err; s++) {
        const struct build_source *source = &l->sources[s];
        uint32_t first = source->first_row, end = first + source->stage.count;
        if (to > first && from < end)
            err = read_stage(source, feed, NDC_MAX(from, first) - first,
                             NDC_MIN(to, end) - first, taker, fault);
    }
    ndc_link_feed_free(feed);
    return err;
}

/* ---- all of them into the table ---- */

struct feeding {
    struct build_link *link;
    struct ndc_mutex lock; /* guards err and fault */
    enum ndc_err err;
    struct ndc_fault fault;
};

struct feed_part {
    struct build_link *link;
    struct ndc_link_batch *batch;
};

static void feed_row(void *arg, uint32_t row, uint32_t tag, const struct ndc_str *values)
{
    struct feed_part *p = arg;
    uint32_t record;
    const struct build_source *source = ndc_build_row(p->link, row, &record);
    ndc_link_batch_add_tagged(p->batch, source->link_source, record, tag, values);
}

static void feed_rows(void *arg, size_t i)
{
    struct feeding *f = arg;
    struct ndc_fault fault = {0};
    struct feed_part part = {f->link, ndc_link_batch_new(f->link->link)};
    const struct ndc_link_taker taker = {.arg = &part, .take = feed_row};
    uint32_t from = (uint32_t)i * FEED_ROWS;
    uint32_t to = NDC_MIN(from + FEED_ROWS, f->link->rows);
    enum ndc_err err = ndc_build_read_rows(f->link, from, to, &taker, &fault);
    enum ndc_err committed = ndc_link_batch_commit(part.batch, &fault);
    if (!err) err = committed;
    if (!err) return;
    ndc_mutex_lock(&f->lock);
    if (!f->err) {
        f->err = err;
        f->fault = fault;
    }
    ndc_mutex_unlock(&f->lock);
}

enum ndc_err ndc_build_feed_rows(struct build_link *l, unsigned threads,
                                 struct ndc_fault *fault)
{
    struct feeding f = {.link = l};
    size_t parts = ((size_t)l->rows + FEED_ROWS - 1) / FEED_ROWS;
    ndc_mutex_init(&f.lock);
    ndc_parallel_for(threads, parts, feed_rows, &f);
    ndc_mutex_free(&f.lock);
    if (f.err && fault) *fault = f.fault;
    return f.err;
}

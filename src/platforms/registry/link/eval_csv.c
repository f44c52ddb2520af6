/* Labelled CSV files into a link table, streamed. */
#include "base/arena.h"
#include "base/csv.h"
#include "base/hash.h"
#include "platforms/registry/link/eval.h"
#include "platforms/registry/link/spec.h"
#include "sys/file.h"

#include <stdio.h>

enum { READ_BYTES = 1 << 18, BATCH_ROWS = 200000, NO_COLUMN = -1 };

struct csv_source {
    struct ndc_link *link;
    const struct ndc_link_spec *spec;
    const char *path;
    struct ndc_link_labels *labels;
    struct ndc_link_batch *batch;
    uint32_t in_batch;
    unsigned source;
    int columns[NDC_LINK_FIELDS_MAX], id, truth;
    size_t width;
    struct ndc_fault *fault;
};

static struct ndc_str clean(const struct csv_source *s, struct ndc_str field)
{
    return s->spec->trim ? ndc_str_trim(field) : field;
}

static enum ndc_err find_column(struct csv_source *s, const struct ndc_csv *csv,
                                const char *name, int *out)
{
    enum { NAMES_MAX = 256 };
    const char *names[NAMES_MAX];
    size_t n = 0;
    struct ndc_arena arena;
    for (size_t i = 0; i < csv->field_count; i++) {
        if (!ndc_str_eq_c(ndc_str_trim(csv->fields[i]), name)) continue;
        *out = (int)i;
        return NDC_OK;
    }
    ndc_arena_init(&arena, 1 << 20);
    for (; n < csv->field_count && n < NAMES_MAX; n++)
        names[n] = ndc_arena_cstr(&arena, ndc_str_trim(csv->fields[n]));
    const char *near = ndc_str_nearest(ndc_str(name), names, n);
    enum ndc_err err =
        ndc_fail_at(s->fault, NDC_EINPUT, "link.column", name, 1,
                    "%s: no column \"%s\"%s%s%s", s->path, name,
                    near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    ndc_arena_free(&arena);
    return err;
}

static enum ndc_err read_header(struct csv_source *s, const struct ndc_csv *csv)
{
    enum ndc_err err = NDC_OK;
    s->width = csv->field_count;
    s->id = s->truth = NO_COLUMN;
    for (unsigned f = 0; f < s->spec->field_count && !err; f++)
        err = find_column(s, csv, s->spec->fields[f].column, &s->columns[f]);
    if (!err && s->spec->id_column[0])
        err = find_column(s, csv, s->spec->id_column, &s->id);
    if (!err && s->spec->truth_column[0] && s->labels->want_truth)
        err = find_column(s, csv, s->spec->truth_column, &s->truth);
    if (!err && s->labels->want_truth && s->truth == NO_COLUMN)
        err = ndc_fail(s->fault, NDC_EINPUT, "link.truth",
                       "the spec names no truth column: add `truth: {column: …}`");
    return err;
}

static void add_label(struct csv_source *s, uint64_t ref, struct ndc_str id,
                      struct ndc_str text)
{
    struct ndc_link_labels *l = s->labels;
    if (text.ptr && s->spec->truth_part > 0) {
        struct ndc_str rest = text, part = NDC_STR_NULL;
        for (unsigned i = 0; i < s->spec->truth_part; i++)
            if (!ndc_str_split(&rest, s->spec->truth_split, &part)) part = NDC_STR_NULL;
        if (part.ptr) text = part;
    }
    if (l->count == l->cap) {
        l->cap = l->cap * 2 + 1024;
        l->items = ndc_xrealloc(l->items, l->cap * sizeof *l->items);
    }
    l->items[l->count++] = (struct ndc_link_label){.ref = ref,
                                                   .truth = ndc_dict_add(&l->names, text),
                                                   .id = ndc_dict_add(&l->ids, id),
                                                   .source = (uint8_t)s->source};
}

static enum ndc_err add_row(struct csv_source *s, const struct ndc_csv *csv)
{
    struct ndc_str values[NDC_LINK_FIELDS_MAX];
    if (csv->field_count != s->width)
        return ndc_fail_at(s->fault, NDC_EINPUT, "link.row", "", (unsigned)csv->row_line,
                           "%s line %llu: %zu fields, the header has %zu", s->path,
                           (unsigned long long)csv->row_line, csv->field_count, s->width);
    uint64_t ref = 17;
    if (s->id != NO_COLUMN) {
        ref = ndc_hash_str(clean(s, csv->fields[s->id]), 17);
    } else {
        for (size_t i = 0; i < csv->field_count; i++)
            ref = ndc_hash_join(ref, ndc_hash_str(csv->fields[i], 17));
    }
    for (unsigned f = 0; f < s->spec->field_count; f++)
        values[f] = clean(s, csv->fields[s->columns[f]]);
    ndc_link_batch_add(s->batch, s->source, ref, values);
    struct ndc_str none = NDC_STR_NULL;
    add_label(s, ref, s->id == NO_COLUMN ? none : clean(s, csv->fields[s->id]),
              s->truth == NO_COLUMN ? none : clean(s, csv->fields[s->truth]));
    if (++s->in_batch < BATCH_ROWS) return NDC_OK;
    enum ndc_err err = ndc_link_batch_commit(s->batch, s->fault);
    s->batch = ndc_link_batch_new(s->link);
    s->in_batch = 0;
    return err;
}

static enum ndc_err take_rows(struct csv_source *s, struct ndc_csv *csv, bool *header)
{
    for (;;) {
        bool have = false;
        enum ndc_err err = ndc_csv_next(csv, &have, s->fault);
        if (err || !have) return err;
        err = *header ? add_row(s, csv) : read_header(s, csv);
        *header = true;
        if (err) return err;
    }
}

static enum ndc_err stream(struct csv_source *s, struct ndc_file_reader *reader)
{
    struct ndc_csv csv;
    ndc_csv_init(&csv);
    csv.separator = s->spec->separator;
    csv.skip_spaces = s->spec->trim;
    char *chunk = ndc_xmalloc(READ_BYTES);
    bool header = false;
    enum ndc_err err;
    for (;;) {
        size_t len = 0;
        err = ndc_file_next(reader, chunk, READ_BYTES, &len, s->fault);
        if (err) break;
        if (len > 0)
            ndc_csv_feed(&csv, chunk, len);
        else
            ndc_csv_end(&csv);
        err = take_rows(s, &csv, &header);
        if (err || len == 0) break;
    }
    if (!err && !header)
        err = ndc_fail(s->fault, NDC_EINPUT, "link.empty", "%s is empty", s->path);
    free(chunk);
    ndc_csv_free(&csv);
    return err;
}

void ndc_link_labels_free(struct ndc_link_labels *labels)
{
    free(labels->items);
    ndc_dict_free(&labels->names);
    ndc_dict_free(&labels->ids);
    *labels = (struct ndc_link_labels){0};
}

enum ndc_err ndc_link_read_csv(struct ndc_link *link, const char *path, const char *name,
                               struct ndc_link_labels *labels, struct ndc_fault *fault)
{
    struct ndc_file_reader reader;
    struct csv_source s = {.link = link,
                           .spec = ndc_link_spec_of(link),
                           .path = path,
                           .labels = labels,
                           .fault = fault};
    enum ndc_err err = ndc_link_source_add(link, ndc_str(name), &s.source, fault);
    if (!err) err = ndc_file_open(&reader, path, fault);
    if (err) return err;
    s.batch = ndc_link_batch_new(link);
    err = stream(&s, &reader);
    enum ndc_err committed = ndc_link_batch_commit(s.batch, fault);
    ndc_file_close(&reader);
    return err ? err : committed;
}

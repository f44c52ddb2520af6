/* `ndc link eval` judges a spec on labelled CSV files; `ndc link run` links CSV files and
 * writes which entity each record is. */
#include "platforms/registry/link/command.h"
#include "base/csv.h"
#include "platforms/registry/link/eval.h"
#include "platforms/registry/link/match.h"
#include "sys/clock.h"
#include "sys/file.h"

#include <stdio.h>

enum { THREADS_MAX = 64, OUT_BYTES_MAX = 1 << 30, EVIDENCE_MAX = 24, SHOWN_MAX = 1000 };

static enum ndc_err get_spec(struct ndc_command_call *call, struct ndc_link_spec **spec,
                             unsigned *threads, struct ndc_fault *fault)
{
    int64_t n = 0;
    if (!ndc_command_option(call, "spec")) return ndc_usage(fault, "--spec is missing");
    if (!ndc_command_option(call, "left")) return ndc_usage(fault, "--left is missing");
    enum ndc_err err = ndc_command_i64(call, "threads", 0, THREADS_MAX, &n, fault);
    *threads = (unsigned)n;
    if (!err) err = ndc_link_spec_load(spec, ndc_command_option(call, "spec"), fault);
    return err;
}

static void print_eval(const struct ndc_link_eval *e)
{
    printf("records %llu\n", (unsigned long long)e->rows);
    printf("entities %llu\n", (unsigned long long)e->entities);
    printf("entities_true %llu\n", (unsigned long long)e->truth_entities);
    printf("pairs_true %llu\n", (unsigned long long)e->truth_pairs);
    printf("pairs_found %llu\n", (unsigned long long)e->found_pairs);
    printf("pairs_right %llu\n", (unsigned long long)e->right_pairs);
    printf("precision %.6f\n", e->precision);
    printf("recall %.6f\n", e->recall);
    printf("f1 %.6f\n", e->f1);
    printf("bcubed_precision %.6f\n", e->b3_precision);
    printf("bcubed_recall %.6f\n", e->b3_recall);
    printf("bcubed_f1 %.6f\n", e->b3_f1);
    printf("pairs_compared %llu\n", (unsigned long long)e->pairs_compared);
    printf("blocks_capped %llu\n", (unsigned long long)e->blocks_capped);
    printf("review_pairs %llu\n", (unsigned long long)e->reviews);
    printf("seconds_read %.3f\n", e->seconds_read);
    printf("seconds_link %.3f\n", e->seconds_link);
    printf("seconds %.3f\n", e->seconds_read + e->seconds_link);
}

static void print_caps(const struct ndc_link *link)
{
    size_t n;
    const struct ndc_link_cap *caps = ndc_link_caps(link, &n);
    for (size_t i = 0; i < n && i < SHOWN_MAX; i++)
        printf("capped [%s] rows %u pairs %llu kept %llu\n", caps[i].rule, caps[i].rows,
               (unsigned long long)caps[i].pairs, (unsigned long long)caps[i].pairs_kept);
}

static void print_pair(const struct ndc_link *link, const char *what, uint32_t a,
                       uint32_t b)
{
    struct ndc_link_evidence lines[EVIDENCE_MAX];
    const struct ndc_link_spec *spec = ndc_link_spec_of(link);
    double odds;
    unsigned n = ndc_link_explain(link, a, b, lines, EVIDENCE_MAX, &odds);
    printf("%s log_odds %.2f\n", what, odds);
    for (unsigned i = 0; i < n; i++) {
        struct ndc_str none = NDC_STR("-");
        int f = ndc_link_spec_field_find(spec, ndc_str(lines[i].field));
        struct ndc_str x = ndc_link_value(link, a, (unsigned)f);
        struct ndc_str y = ndc_link_value(link, b, (unsigned)f);
        if (!x.len) x = none;
        if (!y.len) y = none;
        printf("  %-20s %-24s %+7.2f  %.*s | %.*s\n", lines[i].field, lines[i].level,
               lines[i].weight, NDC_STR_FMT(x), NDC_STR_FMT(y));
    }
}

static void print_reviews(const struct ndc_link *link, uint64_t most)
{
    static const char *const reasons[] = {"uncertain", "conflict", "shared identifier"};
    size_t n;
    const struct ndc_link_review *r = ndc_link_reviews(link, &n);
    for (size_t i = 0; i < n && i < most; i++) {
        char what[64];
        snprintf(what, sizeof what, "review %s, %s,", reasons[r[i].reason],
                 r[i].joined ? "joined" : "apart");
        print_pair(link, what, r[i].a, r[i].b);
    }
}

static enum ndc_err write_model(const struct ndc_link *link, const char *path,
                                struct ndc_fault *fault)
{
    struct ndc_buf out;
    ndc_buf_init(&out, OUT_BYTES_MAX);
    enum ndc_err err = ndc_link_model_write(link, &out, fault);
    if (!err) err = ndc_file_write(path, ndc_buf_str(&out), 0644, fault);
    ndc_buf_free(&out);
    return err;
}

enum ndc_err ndc_link_command_eval(struct ndc_command_call *call, struct ndc_fault *fault)
{
    struct ndc_link_spec *spec = NULL;
    struct ndc_link *link = NULL;
    struct ndc_link_eval figures;
    unsigned threads = 0;
    int64_t shown = 0;
    enum ndc_err err = ndc_command_i64(call, "reviews", 0, SHOWN_MAX, &shown, fault);
    if (!err) err = get_spec(call, &spec, &threads, fault);
    if (!err)
        err =
            ndc_link_eval_files(&figures, spec, ndc_command_option(call, "left"),
                                ndc_command_option(call, "right"), threads, &link, fault);
    if (!err) {
        print_eval(&figures);
        if (ndc_command_flag(call, "caps")) print_caps(link);
        print_reviews(link, (uint64_t)shown);
        const char *path = ndc_command_option(call, "model");
        if (path) err = write_model(link, path, fault);
    }
    ndc_link_free(link);
    ndc_link_spec_free(spec);
    return err;
}

/* Rows in the order of the files: source, id, entity. */
static enum ndc_err write_entities(const struct ndc_link *link,
                                   const struct ndc_link_labels *labels, const char *path,
                                   struct ndc_fault *fault)
{
    struct ndc_buf out;
    ndc_buf_init(&out, OUT_BYTES_MAX);
    ndc_csv_write_field(&out, NDC_STR("source"), true);
    ndc_csv_write_field(&out, NDC_STR("id"), false);
    ndc_csv_write_field(&out, NDC_STR("entity"), false);
    ndc_csv_write_end(&out);
    for (size_t i = 0; i < labels->count; i++) {
        const struct ndc_link_label *l = &labels->items[i];
        char number[24];
        uint32_t row = ndc_link_row_find(link, l->source, l->ref);
        NDC_ASSERT(row != UINT32_MAX);
        int len = snprintf(number, sizeof number, "%u", ndc_link_entity(link, row));
        ndc_csv_write_field(&out, ndc_link_source_name(link, l->source), true);
        ndc_csv_write_field(
            &out, l->id ? ndc_dict_get(&labels->ids, l->id) : NDC_STR_NULL, false);
        ndc_csv_write_field(&out, ndc_str_n(number, (size_t)len), false);
        ndc_csv_write_end(&out);
    }
    enum ndc_err err = NDC_OK;
    if (out.failed)
        err = ndc_fail(fault, NDC_ETOOBIG, "link.output", "the result is over 1 GiB");
    if (!err) err = ndc_file_write(path, ndc_buf_str(&out), 0644, fault);
    ndc_buf_free(&out);
    return err;
}

enum ndc_err ndc_link_command_run(struct ndc_command_call *call, struct ndc_fault *fault)
{
    struct ndc_link_spec *spec = NULL;
    struct ndc_link_labels labels = {0};
    struct ndc_link *link = NULL;
    struct ndc_link_options options = {0};
    const char *out = ndc_command_option(call, "out");
    const char *right = ndc_command_option(call, "right");
    if (!out) return ndc_usage(fault, "--out is missing");
    enum ndc_err err = get_spec(call, &spec, &options.threads, fault);
    if (err) return err;
    int64_t start = ndc_clock_mono_ns();
    link = ndc_link_new(spec, &options);
    err =
        ndc_link_read_csv(link, ndc_command_option(call, "left"), "left", &labels, fault);
    if (!err && right) err = ndc_link_read_csv(link, right, "right", &labels, fault);
    if (!err) err = ndc_link_run(link, fault);
    if (!err) err = write_entities(link, &labels, out, fault);
    if (!err)
        printf("records %u\nentities %u\nseconds %.3f\n", ndc_link_row_count(link),
               ndc_link_entity_count(link), (double)(ndc_clock_mono_ns() - start) / 1e9);
    ndc_link_free(link);
    ndc_link_labels_free(&labels);
    ndc_link_spec_free(spec);
    return err;
}

const struct ndc_option ndc_link_eval_options[] = {
    {"spec", "SPEC.yaml", NULL, "fields, comparators, blocking keys, truth"},
    {"left", "A.csv", NULL, "labelled records"},
    {"right", "B.csv", NULL, "labelled records of a second file"},
    {"threads", "N", "0", "threads, 0 for one per core; never changes the result"},
    {"model", "FILE", NULL, "write what was learned, as JSON"},
    {"reviews", "N", "0", "show the N most uncertain pairs, field by field"},
    {"caps", NULL, NULL, "show the blocks that were over the cap"},
    {0}};

const struct ndc_option ndc_link_run_options[] = {
    {"spec", "SPEC.yaml", NULL, "fields, comparators, blocking keys"},
    {"left", "A.csv", NULL, "records"},
    {"right", "B.csv", NULL, "records of a second file"},
    {"out", "OUT.csv", NULL, "where to write source, id, entity"},
    {"threads", "N", "0", "threads, 0 for one per core; never changes the result"},
    {0}};

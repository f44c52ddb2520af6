/* Linkage quality and speed on data that others made and on the demo nation. Prints
 * `name value unit`. Run from the project's root: specs are read from src/.
 * usage: link_bench [DATA_DIR [PEOPLE]]   (../shared/data, 100000; 0 people: no nation)
 */
#include "bench/link_demo.h"
#include "sys/clock.h"

#include <stdio.h>

static int failed;

static void print_figures(const char *name, const struct ndc_link_eval *e)
{
    printf("link_%s_f1 %.5f ratio\n", name, e->f1);
    printf("link_%s_precision %.5f ratio\n", name, e->precision);
    printf("link_%s_recall %.5f ratio\n", name, e->recall);
    printf("link_%s_bcubed_f1 %.5f ratio\n", name, e->b3_f1);
    printf("link_%s_seconds %.3f s\n", name, e->seconds_read + e->seconds_link);
    fflush(stdout);
}

static struct ndc_link_spec *load_spec(const char *name)
{
    char path[512];
    struct ndc_link_spec *spec = NULL;
    struct ndc_fault fault = {0};
    snprintf(path, sizeof path, "src/platforms/registry/specs/%s.yaml", name);
    if (ndc_link_spec_load(&spec, path, &fault)) {
        fprintf(stderr, "link_bench: %s\n", fault.message);
        failed = 1;
    }
    return spec;
}

static void judge_files(const char *dir, const char *name, const char *spec_name,
                        const char *left, const char *right)
{
    char a[4096], b[4096];
    struct ndc_link_eval e;
    struct ndc_fault fault = {0};
    struct ndc_link_spec *spec = load_spec(spec_name);
    if (!spec) return;
    snprintf(a, sizeof a, "%s/linkage/%s.csv", dir, left);
    snprintf(b, sizeof b, "%s/linkage/%s.csv", dir, right ? right : "");
    if (ndc_link_eval_files(&e, spec, a, right ? b : NULL, 0, NULL, &fault))
        printf("# %s skipped: %s\n", name, fault.message);
    else
        print_figures(name, &e);
    ndc_link_spec_free(spec);
}

static void judge_nation(const char *name, const char *spec_name, uint64_t people)
{
    struct ndc_fault fault = {0};
    struct ndc_link_eval e = {0};
    struct link_demo demo = {.spec = load_spec(spec_name)};
    if (!demo.spec) return;
    demo.link = ndc_link_new(demo.spec, NULL);
    enum ndc_err err = link_demo_load(&demo, people, &fault);
    int64_t start = ndc_clock_mono_ns();
    if (!err) err = ndc_link_run(demo.link, &fault);
    if (err) {
        fprintf(stderr, "link_bench: %s\n", fault.message);
        failed = 1;
    } else {
        double seconds = (double)(ndc_clock_mono_ns() - start) / 1e9;
        link_demo_judge(&demo, &e);
        e.seconds_link = seconds;
        print_figures(name, &e);
        printf("link_%s_records %llu records\n", name, (unsigned long long)demo.rows);
        printf("link_%s_rate %.0f records/s\n", name, (double)demo.rows / seconds);
    }
    ndc_link_free(demo.link);
    free(demo.truth);
    ndc_link_spec_free((struct ndc_link_spec *)demo.spec);
}

int main(int argc, char **argv)
{
    const char *dir = argc > 1 ? argv[1] : getenv("NDC_TEST_DATA");
    uint64_t people = 100000;
    if (!dir || !*dir) dir = "../shared/data";
    if (argc > 2 && !ndc_str_to_u64(ndc_str(argv[2]), &people)) return 2;
    judge_files(dir, "febrl4", "febrl4", "febrl_dataset4a", "febrl_dataset4b");
    judge_files(dir, "febrl4_no_ssn", "febrl4_no_ssn", "febrl_dataset4a",
                "febrl_dataset4b");
    judge_files(dir, "febrl3", "febrl3", "febrl_dataset3", NULL);
    judge_files(dir, "fake_1000", "fake_1000", "fake_1000", NULL);
    judge_files(dir, "historical_50k", "historical_50k", "historical_50k", NULL);
    if (people == 0) return failed;
    judge_nation("nation", "person", people);
    judge_nation("nation_no_ids", "person_no_id", people);
    return failed;
}

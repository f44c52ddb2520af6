/* Durable appends a second into the audit log, from several threads, with subjects drawn
 * from a million people (so the index is touched all over), and proofs and queries after.
 * usage: audit_bench URL DIRECTORY [ENTRIES]; URL as in `audit_database`; prints
 * `name value unit`. */
#include "base/hash.h"
#include "core/audit.h"
#include "store/store.h"
#include "sys/clock.h"
#include "sys/thread.h"

#include <stdatomic.h>
#include <stdio.h>

enum { THREADS = 4, PEOPLE = 1000000 };

static struct ndc_audit *audit;
static uint64_t each;
static atomic_uint_fast64_t durable, failed, refused;
static _Atomic int64_t waited_ns, waited_max_ns;

static void done(void *arg, enum ndc_err err, uint64_t seq)
{
    (void)seq;
    int64_t took = ndc_clock_mono_ns() - (int64_t)(intptr_t)arg;
    atomic_fetch_add(&waited_ns, took);
    if (took > atomic_load(&waited_max_ns)) atomic_store(&waited_max_ns, took);
    atomic_fetch_add(err ? &failed : &durable, 1);
}

static void append(void *arg, size_t thread)
{
    (void)arg;
    uint64_t rng = thread + 1;
    for (uint64_t i = 0; i < each; i++) {
        char id[32], who[32];
        snprintf(id, sizeof(id), "p%llu",
                 (unsigned long long)ndc_rng_below(&rng, PEOPLE));
        snprintf(who, sizeof(who), "key:K%llu",
                 (unsigned long long)ndc_rng_below(&rng, 200));
        struct ndc_str subject = ndc_str(id);
        struct ndc_audit_event e = {
            .principal = ndc_str(who),
            .agency = NDC_STR("btc"),
            .action = NDC_STR("read"),
            .purpose = NDC_STR("tax"),
            .legal_basis = NDC_STR("Luật Quản lý thuế 38/2019/QH14"),
            .platform = NDC_STR("registry"),
            .route = NDC_STR("GET /api/registry/persons/{id}"),
            .subjects = &subject,
            .subject_count = 1,
            .fields = {{0x3fffffff, 0, 0, 0}},
            .outcome = NDC_POLICY_PARTIAL,
            .rule = NDC_STR("tax-full"),
            .request_id = NDC_STR("01JABCDEFGHJKMNPQRST"),
            .client = NDC_STR("10.20.30.40"),
        };
        int64_t now = ndc_clock_mono_ns();
        while (ndc_audit_append(audit, &e, done, (void *)(intptr_t)now, NULL)) {
            atomic_fetch_add(&refused, 1);
            ndc_clock_sleep_ms(1);
            now = ndc_clock_mono_ns();
        }
    }
}

static enum ndc_err skip(void *arg, uint64_t seq, struct ndc_str entry)
{
    (void)arg, (void)seq, (void)entry;
    return NDC_OK;
}

static enum ndc_err measure_reads(uint64_t size, struct ndc_fault *fault)
{
    enum { N = 500 };
    uint64_t rng = 9, next;
    int64_t start = ndc_clock_mono_ns();
    for (int i = 0; i < N; i++) {
        uint8_t path[NDC_AUDIT_PROOF_MAX][NDC_AUDIT_HASH_BYTES];
        size_t n;
        enum ndc_err err = ndc_audit_prove_inclusion(
            audit, path, &n, ndc_rng_below(&rng, size), size, fault);
        if (err) return err;
    }
    printf("audit_inclusion_proof_us %.0f us\n",
           (double)(ndc_clock_mono_ns() - start) / N / 1e3);
    start = ndc_clock_mono_ns();
    for (int i = 0; i < N; i++) {
        char id[32];
        snprintf(id, sizeof(id), "p%llu",
                 (unsigned long long)ndc_rng_below(&rng, PEOPLE));
        enum ndc_err err =
            ndc_audit_find(audit, &(struct ndc_audit_query){.subject = ndc_str(id)}, skip,
                           NULL, &next, fault);
        if (err) return err;
    }
    printf("audit_own_log_us %.0f us\n", (double)(ndc_clock_mono_ns() - start) / N / 1e3);
    return NDC_OK;
}

static enum ndc_err run(const char *url, const char *directory, struct ndc_fault *fault)
{
    struct ndc_store *store;
    struct ndc_audit_head head;
    char key[4096];
    snprintf(key, sizeof(key), "%s/audit.key", directory);
    enum ndc_err err = ndc_store_open(&store, url, NULL, fault);
    if (err) return err;
    err = ndc_audit_open(&audit, store, &(struct ndc_audit_options){.key_path = key},
                         fault);
    if (err) return err;
    int64_t start = ndc_clock_mono_ns();
    ndc_parallel_for(THREADS, THREADS, append, NULL);
    err = ndc_audit_head(audit, true, &head, fault);
    if (err) return err;
    double seconds = (double)(ndc_clock_mono_ns() - start) / 1e9;
    uint64_t n = head.size; /* callbacks of the last batch may still be running */
    printf("audit_appends_per_s %.0f entries/s\n", (double)n / seconds);
    printf("audit_entries %llu entries\n", (unsigned long long)n);
    printf("audit_failed %llu entries\n", (unsigned long long)atomic_load(&failed));
    printf("audit_append_mean_ms %.1f ms\n",
           (double)atomic_load(&waited_ns) / (double)(n ? n : 1) / 1e6);
    printf("audit_append_max_ms %.1f ms\n", (double)atomic_load(&waited_max_ns) / 1e6);
    if (!err) err = measure_reads(head.size, fault);
    ndc_audit_close(audit);
    start = ndc_clock_mono_ns();
    if (!err)
        err = ndc_audit_open(&audit, store, &(struct ndc_audit_options){.key_path = key},
                             fault);
    if (!err) {
        printf("audit_reopen_ms %.1f ms\n", (double)(ndc_clock_mono_ns() - start) / 1e6);
        ndc_audit_close(audit);
    }
    ndc_store_close(store);
    return err;
}

int main(int argc, char **argv)
{
    struct ndc_fault fault = {0};
    uint64_t entries = 1000000;
    if (argc < 3 || (argc > 3 && !ndc_str_to_u64(ndc_str(argv[3]), &entries))) {
        fprintf(stderr, "usage: audit_bench URL DIRECTORY [ENTRIES]\n");
        return 2;
    }
    each = entries / THREADS;
    if (run(argv[1], argv[2], &fault) == NDC_OK) return 0;
    fprintf(stderr, "audit_bench: %s\n", fault.message);
    return 1;
}

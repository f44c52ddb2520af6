/* How long one policy decision takes, through the interface every platform calls, over
 * 65,536 different requests: kinds of caller, agencies, roles, purposes, actions, levels
 * of volume, subjects and sets of fields all vary, and no two neighbours are alike.
 * usage: policy_bench [ROUNDS]; prints `name value unit`. */
#include "base/hash.h"
#include "platforms/policy/service.h"
#include "sys/clock.h"
#include "sys/thread.h"

#include <stdio.h>

enum { REQUESTS = 65536 };

static struct ndc_policy_request requests[REQUESTS];
static char subjects[REQUESTS][16];

static const char *const agencies[] = {"bca", "btp", "btc",  "byt",   "bgddt", "bnv",
                                       "bxd", "bng", "nhnn", "bnnmt", "tkqg",  "other"};
static const char *const purposes[] = {
    "public-service", "identity-check",  "residence",
    "civil-status",   "law-enforcement", "tax",
    "health",         "statistics",      "land",
    "linkage-review", "data-quality",    "no-such",
    "labour",         "own-access",      "social-insurance"};
static const struct ndc_str roles[][3] = {
    {{"agency-reader", 13}, {"registry.person.read", 20}, {"registry.search", 15}},
    {{"steward", 7}, {"policy.manage", 13}, {"audit.read", 10}},
    {{"bulk-important", 14}, {"agency-reader", 13}, {"x", 1}}};

static void make_requests(bool counted)
{
    uint64_t rng = 2026;
    for (size_t i = 0; i < REQUESTS; i++) {
        struct ndc_policy_request *q = &requests[i];
        snprintf(subjects[i], sizeof(subjects[i]), "p%llu",
                 (unsigned long long)ndc_rng_below(&rng, 5000));
        *q = (struct ndc_policy_request){
            .kind =
                ndc_rng_below(&rng, 8)
                    ? (enum ndc_policy_kind)(NDC_POLICY_OFFICIAL + ndc_rng_below(&rng, 3))
                    : NDC_POLICY_PERSON,
            .principal = NDC_STR("user:someone"),
            .agency = ndc_str(agencies[ndc_rng_below(&rng, NDC_ARRAY_LEN(agencies))]),
            .roles = roles[ndc_rng_below(&rng, NDC_ARRAY_LEN(roles))],
            .role_count = ndc_rng_below(&rng, 4),
            .purpose = ndc_str(purposes[ndc_rng_below(&rng, NDC_ARRAY_LEN(purposes))]),
            .legal_basis = NDC_STR("Luật Dữ liệu 60/2024/QH15"),
            .action = (enum ndc_policy_action)(ndc_rng_below(&rng, 4)),
            .entity =
                ndc_rng_below(&rng, 6) ? NDC_ENTITY_PERSON : NDC_ENTITY_ORGANISATION,
            .subject = ndc_str(subjects[i]),
            .subjects = counted ? 0 : (uint64_t)1 << ndc_rng_below(&rng, 21),
        };
        q->fields = ndc_field_set_entity(q->entity);
        if (ndc_rng_below(&rng, 2)) {
            uint64_t keep = ndc_rng_next(&rng);
            for (size_t w = 0; w < 4; w++)
                q->fields.w[w] &= keep;
        }
    }
}

/* ns a decision, and the share permitted. */
static double run(size_t rounds, double *permitted)
{
    size_t good = 0;
    int64_t start = ndc_clock_mono_ns();
    for (size_t r = 0; r < rounds; r++) {
        for (size_t i = 0; i < REQUESTS; i++) {
            struct ndc_policy_decision d;
            struct ndc_fault fault;
            fault.err = NDC_OK;
            good += ndc_policy_decide(&d, &requests[i], &fault) == NDC_OK;
        }
    }
    double n = (double)rounds * REQUESTS;
    *permitted = (double)good / n;
    return (double)(ndc_clock_mono_ns() - start) / n;
}

/* Keeps the requests that are permitted, again and again till the array is full. */
static void keep_permitted(void)
{
    size_t kept = 0;
    for (size_t i = 0; i < REQUESTS; i++) {
        struct ndc_policy_decision d;
        if (ndc_policy_decide(&d, &requests[i], NULL) == NDC_OK)
            requests[kept++] = requests[i];
    }
    for (size_t i = kept; i < REQUESTS; i++)
        requests[i] = requests[i % kept];
}

/* The worst of the requests, each measured as the best of 20. */
static double slowest(void)
{
    int64_t worst = 0;
    for (size_t i = 0; i < REQUESTS; i += 16) {
        int64_t best = INT64_MAX;
        for (int k = 0; k < 20; k++) {
            struct ndc_policy_decision d;
            struct ndc_fault fault;
            fault.err = NDC_OK;
            int64_t start = ndc_clock_mono_ns();
            (void)!ndc_policy_decide(&d, &requests[i], &fault);
            best = NDC_MIN(best, ndc_clock_mono_ns() - start);
        }
        worst = NDC_MAX(worst, best);
    }
    return (double)worst;
}

/* Counting people one after another, as bulk reads do: twice the same million. */
static void count_people(const struct policy_service *service)
{
    enum { PEOPLE = 1000000 };
    uint64_t n = 0;
    for (int pass = 0; pass < 2; pass++) {
        int64_t start = ndc_clock_mono_ns();
        for (uint64_t i = 0; i < PEOPLE; i++) {
            char id[24];
            snprintf(id, sizeof(id), "P-%llu", (unsigned long long)i);
            n = ndc_policy_seen_subject(NDC_STR("tkqg"), NDC_STR("statistics"),
                                        ndc_str(id));
        }
        printf("policy_count_%s_ns %.0f ns\n", pass ? "seen" : "new",
               (double)(ndc_clock_mono_ns() - start) / PEOPLE);
    }
    printf("policy_count_error_at_1000000 %.3f percent\n",
           100 * ((double)n / PEOPLE - 1));
    printf("policy_count_bytes %zu bytes\n",
           policy_volume_bytes(policy_service_volume(service)));
}

int main(int argc, char **argv)
{
    uint64_t rounds = 40;
    struct policy_service *service;
    struct ndc_fault fault = {0};
    double permitted;
    if (argc > 1 && !ndc_str_to_u64(ndc_str(argv[1]), &rounds)) return 2;
    if (policy_service_new(&service, NULL, &fault)) {
        fprintf(stderr, "%s\n", fault.message);
        return 1;
    }
    ndc_policy_register(&policy_service_ops, service);
    make_requests(false);
    (void)run(1, &permitted);
    printf("policy_decision_ns %.0f ns\n", run(rounds, &permitted));
    printf("policy_decision_permitted_share %.2f ratio\n", permitted);
    printf("policy_decision_slowest_ns %.0f ns\n", slowest());
    keep_permitted();
    (void)run(1, &permitted);
    printf("policy_decision_permitted_ns %.0f ns\n", run(rounds, &permitted));
    printf("policy_decision_permitted_slowest_ns %.0f ns\n", slowest());
    make_requests(true);
    (void)run(1, &permitted);
    printf("policy_decision_counted_ns %.0f ns\n", run(rounds, &permitted));
    count_people(service);
    ndc_policy_register(NULL, NULL);
    policy_service_free(service);
    return 0;
}

/* Counting distinct people: exact where it says so, close past that, the same as plain
 * sets over any period, united without counting twice, within its memory. */
#include "tests/test.h"

#include "base/hash.h"
#include "platforms/policy/volume.h"

#include <math.h>

#define DAY_MS ((int64_t)24 * 3600 * 1000)

static const struct policy_periods ever = {.days = {0}, .count = 1};

static uint64_t look(struct policy_volume *v, const char *who, uint64_t person,
                     int64_t day, const struct policy_periods *periods, bool add,
                     uint64_t counts[static POLICY_PERIODS_MAX])
{
    char id[32];
    snprintf(id, sizeof(id), "p%llu", (unsigned long long)person);
    struct policy_look l = policy_volume_look(v, ndc_str(who), NDC_STR("statistics"),
                                              ndc_str(id), day * DAY_MS + 5);
    policy_volume_count(v, counts, periods, &l, add);
    return counts[0];
}

static uint64_t see(struct policy_volume *v, const char *who, uint64_t person)
{
    uint64_t counts[POLICY_PERIODS_MAX];
    return look(v, who, person, 20000, &ever, true, counts);
}

static uint64_t ask(struct policy_volume *v, const char *who, uint64_t person)
{
    uint64_t counts[POLICY_PERIODS_MAX];
    return look(v, who, person, 20000, &ever, false, counts);
}

static void test_exact_at_ten_and_a_hundred_thousand(void **state)
{
    (void)state;
    struct policy_volume *v = policy_volume_new();
    for (uint64_t i = 1; i <= 200000; i++) {
        if (i == 10000 || i == 100000) assert_int_equal(ask(v, "tkqg", i), i);
        assert_int_equal(see(v, "tkqg", i), i);
        if (i % 3 == 0) assert_int_equal(see(v, "tkqg", i / 2 + 1), i); /* seen before */
    }
    /* Seen ones do not count again; others' counts are their own. */
    assert_int_equal(ask(v, "tkqg", 5), 200000);
    assert_int_equal(ask(v, "tkqg", 200001), 200001);
    assert_int_equal(ask(v, "bca", 5), 1);
    assert_int_equal(see(v, "bca", 5), 1);
    assert_int_equal(ask(v, "bca", 5), 1);
    assert_int_equal(ask(v, "bca", 6), 2);
    policy_volume_free(v);
}

/* The error at a million over several seeds: under 1 %, and never less by more. */
static void test_close_at_a_million(void **state)
{
    (void)state;
    double worst = 0, sum = 0;
    enum { SEEDS = 6 };
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct policy_volume *v = policy_volume_new();
        policy_volume_seed(v, seed * 0x9e3779b97f4a7c15u);
        uint64_t last = 0, met = 0;
        for (uint64_t i = 1; i <= 1010000; i++) {
            uint64_t n = see(v, "tkqg", i);
            assert_true(n >= last); /* ever never falls */
            last = n;
            if (i == 1000000) {
                double error = (double)n / 1000000 - 1;
                worst = fmax(worst, fabs(error));
                sum += error * error;
            }
            if (!met && n >= 1000000) met = i;
        }
        /* The limit of a million is met at a million, give or take 1 %. */
        assert_true(met > 990000 && met <= 1010000);
        assert_true(policy_volume_bytes(v) <= (size_t)4 << 20);
        policy_volume_free(v);
    }
    print_message("error at 1,000,000: worst %.3f %%, root mean square %.3f %%\n",
                  100 * worst, 100 * sqrt(sum / SEEDS));
    assert_true(worst < 0.01);
}

/* Against plain sets: for each person the last day, counted over each period. */
static void test_periods_are_as_plain_sets(void **state)
{
    (void)state;
    enum { PEOPLE = 3000, STEPS = 60000 };
    static const struct policy_periods periods[] = {
        {.days = {0, 1, 30}, .count = 3},
        {.days = {7, 0, 1, 30}, .count = 4},
    };
    static uint32_t last[PEOPLE];
    uint64_t rng = 7;
    struct policy_volume *v = policy_volume_new();
    memset(last, 0, sizeof(last));
    uint32_t day = 20000;
    for (size_t i = 0; i < STEPS; i++) {
        const struct policy_periods *p = &periods[i / (STEPS / 2)];
        if (ndc_rng_below(&rng, 500) == 0) day += (uint32_t)ndc_rng_below(&rng, 9);
        if (ndc_rng_below(&rng, 4000) == 0) day -= 1; /* a clock may step back */
        uint64_t person = ndc_rng_below(&rng, 1 + i / 20 % PEOPLE);
        bool add = ndc_rng_below(&rng, 3) != 0;
        uint64_t counts[POLICY_PERIODS_MAX];
        (void)look(v, "btc", person, day, p, add, counts);
        if (add) last[person] = NDC_MAX(last[person], day);
        if (i % 16) continue;
        for (size_t k = 0; k < p->count; k++) {
            uint64_t n = 0;
            for (size_t x = 0; x < PEOPLE; x++) {
                bool in = last[x] && (!p->days[k] || last[x] + p->days[k] >= day);
                n += in || (!add && x == person);
            }
            assert_int_equal(counts[k], n);
        }
    }
    policy_volume_free(v);
}

/* Sets that several processes gathered are one set when united, in any order, also when
 * thinned differently. */
static void test_united_sets_count_nobody_twice(void **state)
{
    (void)state;
    struct policy_volume *parts[3], *whole = policy_volume_new(),
                                    *back = policy_volume_new();
    uint64_t rng = 3;
    for (size_t i = 0; i < 3; i++)
        parts[i] = policy_volume_new();
    policy_volume_caps(parts[2], 4096, POLICY_VOLUME_BYTES_MAX); /* thinned to 1 in 8 */
    for (uint64_t i = 0; i < 60000; i++) {
        size_t at = ndc_rng_below(&rng, 3);
        see(parts[at], "btc", i / 2);
        see(parts[(at + 1) % 3], "btc", i / 3);
        see(whole, "btc", i / 2);
        if (i % 5000) continue;
        for (size_t k = 0; k < 3; k++) { /* news now and then, to both */
            struct policy_delta *deltas;
            size_t n;
            policy_volume_collect(parts[k], &deltas, &n);
            for (size_t d = 0; d < n; d++)
                policy_volume_merge(back, &deltas[d]);
            policy_deltas_free(deltas, n);
        }
    }
    struct policy_volume *forth = policy_volume_new();
    for (size_t k = 3; k-- > 0;) {
        struct policy_delta d, *deltas;
        size_t n;
        struct policy_look l = policy_volume_look(
            whole, NDC_STR("btc"), NDC_STR("statistics"), NDC_STR("p1"), 0);
        assert_true(policy_volume_whole(parts[k], l.counter, &d));
        policy_volume_merge(forth, &d);
        free(d.entries);
        policy_volume_collect(parts[k], &deltas, &n);
        for (size_t i = 0; i < n; i++)
            policy_volume_merge(back, &deltas[i]);
        policy_deltas_free(deltas, n);
    }
    uint64_t exact = ask(whole, "btc", 1), a = ask(back, "btc", 1),
             b = ask(forth, "btc", 1);
    assert_int_equal(exact, 30000);
    assert_int_equal(a, b);
    assert_true(fabs((double)a / (double)exact - 1) < 0.08); /* the thinnest decides */
    /* What came from others is not new here. */
    struct policy_delta *deltas;
    size_t n;
    policy_volume_collect(forth, &deltas, &n);
    assert_int_equal(n, 0);
    policy_deltas_free(deltas, n);
    for (size_t i = 0; i < 3; i++)
        policy_volume_free(parts[i]);
    policy_volume_free(whole);
    policy_volume_free(back);
    policy_volume_free(forth);
}

/* Many growing counters are thinned to keep to the memory there is. */
static void test_memory_is_bounded(void **state)
{
    (void)state;
    enum { REQUESTERS = 40, EACH = 20000 };
    struct policy_volume *v = policy_volume_new();
    policy_volume_caps(v, POLICY_VOLUME_SAMPLE_MAX, 2 << 20);
    for (uint64_t i = 0; i < EACH; i++) {
        for (unsigned r = 0; r < REQUESTERS; r++) {
            char who[16];
            snprintf(who, sizeof(who), "key:%u", r);
            see(v, who, i);
        }
    }
    assert_true(policy_volume_bytes(v) <= 2 << 20);
    for (unsigned r = 0; r < REQUESTERS; r++) {
        char who[16];
        snprintf(who, sizeof(who), "key:%u", r);
        double n = (double)ask(v, who, 1);
        assert_true(fabs(n / EACH - 1) < 0.15);
    }
    policy_volume_free(v);
}

/* Further pairs share a count, which only counts too much. */
static void test_pairs_are_bounded(void **state)
{
    (void)state;
    struct policy_volume *v = policy_volume_new();
    uint64_t most = 0;
    for (unsigned r = 0; r < POLICY_VOLUME_PAIRS_MAX + 2000; r++) {
        char who[24];
        snprintf(who, sizeof(who), "key:%u", r);
        most = NDC_MAX(most, see(v, who, r));
    }
    assert_true(most > 1);
    assert_true(policy_volume_bytes(v) < (size_t)64 << 20);
    policy_volume_free(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact_at_ten_and_a_hundred_thousand),
        cmocka_unit_test(test_close_at_a_million),
        cmocka_unit_test(test_periods_are_as_plain_sets),
        cmocka_unit_test(test_united_sets_count_nobody_twice),
        cmocka_unit_test(test_memory_is_bounded),
        cmocka_unit_test(test_pairs_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

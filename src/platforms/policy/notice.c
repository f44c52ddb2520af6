/* Notices that wait to be stored: an array, and a table of its places by hash, since who
 * is at a limit may go on asking thousands of times a second. */
#include "platforms/policy/notice.h"

#include "base/hash.h"
#include "sys/log.h"
#include "sys/thread.h"

enum { SLOTS = 4 * POLICY_NOTICES_MAX };

#define DAY_MS ((int64_t)24 * 3600 * 1000)

struct policy_notices {
    struct ndc_mutex lock; /* guards what follows; taken alone */
    struct policy_notice waiting[POLICY_NOTICES_MAX];
    uint16_t slots[SLOTS]; /* place in `waiting` plus one; 0 is free */
    size_t count;
    uint64_t dropped; /* since the last take */
};

struct policy_notices *policy_notices_new(void)
{
    struct policy_notices *n = ndc_xcalloc(1, sizeof(*n));
    ndc_mutex_init(&n->lock);
    return n;
}

void policy_notices_free(struct policy_notices *n)
{
    if (!n) return;
    ndc_mutex_free(&n->lock);
    free(n);
}

static bool same(const struct policy_notice *a, const struct policy_notice *b)
{
    return a->first_ms / DAY_MS == b->first_ms / DAY_MS &&
           strcmp(a->rule, b->rule) == 0 && strcmp(a->requester, b->requester) == 0 &&
           strcmp(a->purpose, b->purpose) == 0;
}

static uint64_t hash_of(const struct policy_notice *n)
{
    uint64_t h = ndc_hash_str(ndc_str(n->requester), (uint64_t)(n->first_ms / DAY_MS));
    return ndc_hash_str(ndc_str(n->rule), ndc_hash_str(ndc_str(n->purpose), h));
}

void policy_notices_add(struct policy_notices *n, const struct policy_notice *notice)
{
    uint64_t at = hash_of(notice) % SLOTS;
    ndc_mutex_lock(&n->lock);
    while (n->slots[at] && !same(&n->waiting[n->slots[at] - 1], notice))
        at = (at + 1) % SLOTS;
    if (n->slots[at]) {
        struct policy_notice *w = &n->waiting[n->slots[at] - 1];
        w->outcome = notice->outcome;
        w->subjects = NDC_MAX(w->subjects, notice->subjects);
        w->first_ms = NDC_MIN(w->first_ms, notice->first_ms);
        w->last_ms = NDC_MAX(w->last_ms, notice->last_ms);
        w->times += notice->times;
    } else if (n->count < POLICY_NOTICES_MAX) {
        n->waiting[n->count++] = *notice;
        n->slots[at] = (uint16_t)n->count;
    } else {
        n->dropped++;
    }
    ndc_mutex_unlock(&n->lock);
}

size_t policy_notices_take(struct policy_notices *n, struct policy_notice **out)
{
    ndc_mutex_lock(&n->lock);
    size_t count = n->count;
    uint64_t dropped = n->dropped;
    *out = count ? ndc_xmalloc(count * sizeof(**out)) : NULL;
    if (count) memcpy(*out, n->waiting, count * sizeof(**out));
    memset(n->slots, 0, sizeof(n->slots));
    n->count = 0;
    n->dropped = 0;
    ndc_mutex_unlock(&n->lock);
    if (dropped)
        ndc_log(NDC_LOG_WARN, "policy",
                "%llu escalations were not kept one by one: more than %d requesters and "
                "purposes at a limit within a second",
                (unsigned long long)dropped, POLICY_NOTICES_MAX);
    return count;
}

void policy_notice_name(struct policy_notice *out, struct ndc_str requester,
                        struct ndc_str purpose, const char *rule)
{
    size_t n = NDC_MIN(requester.len, sizeof(out->requester) - 1);
    size_t m = NDC_MIN(purpose.len, sizeof(out->purpose) - 1);
    if (n) memcpy(out->requester, requester.ptr, n);
    if (m) memcpy(out->purpose, purpose.ptr, m);
    size_t k = NDC_MIN(strlen(rule), sizeof(out->rule) - 1);
    memcpy(out->rule, rule, k);
    out->requester[n] = out->purpose[m] = out->rule[k] = 0;
}

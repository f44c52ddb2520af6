/* What a data officer must be told: decisions with the obligation to escalate, gathered
 * in memory by (requester, purpose, rule) and stored once a second, a row for each of
 * them and day (volume_store.h). */
#ifndef NDC_POLICY_NOTICE_H
#define NDC_POLICY_NOTICE_H

#include "platforms/policy/model.h"

enum {
    POLICY_NOTICES_MAX = 256, /* that wait to be stored; further ones are counted */
    POLICY_NOTICE_REQUESTER_MAX = 256,
    POLICY_NOTICE_PURPOSE_MAX = 64
};

struct policy_notice {
    char requester[POLICY_NOTICE_REQUESTER_MAX + 1];
    char purpose[POLICY_NOTICE_PURPOSE_MAX + 1];
    char rule[NDC_POLICY_RULE_ID_MAX];
    enum ndc_policy_outcome outcome; /* of the last */
    uint64_t subjects;               /* the most that were counted */
    int64_t first_ms, last_ms;
    uint64_t times;
};

struct policy_notices;

struct policy_notices *policy_notices_new(void);
void policy_notices_free(struct policy_notices *notices);
/* Adds one, or unites it with the one there is of the same requester, purpose, rule and
 * day. Any thread; takes a short lock. */
void policy_notices_add(struct policy_notices *notices,
                        const struct policy_notice *notice);
/* Takes what waits: at most POLICY_NOTICES_MAX into *out (from malloc; free it). */
size_t policy_notices_take(struct policy_notices *notices, struct policy_notice **out);
/* Cuts to the caps. */
void policy_notice_name(struct policy_notice *out, struct ndc_str requester,
                        struct ndc_str purpose, const char *rule);

#endif

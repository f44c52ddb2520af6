/* How many distinct people a requester has seen for a purpose, ever or within the last
 * days. Each person seen is kept as a hash with the day it was last seen on, so counts
 * are exact, for any period at once, up to SAMPLE_MAX people; past that a counter keeps
 * every second, fourth, … hash (those below a bound that halves) and multiplies: the
 * distinct sampling of Gibbons (2001), whose standard error is 1 / sqrt(SAMPLE_MAX / 2),
 * 0.28 %, at most. Sets of several processes and of stored rows unite without counting
 * anybody twice. volume_store.h keeps the counts over restarts. */
#ifndef NDC_POLICY_VOLUME_H
#define NDC_POLICY_VOLUME_H

#include "platforms/policy/model.h"

enum {
    POLICY_VOLUME_SAMPLE_MAX = 262144, /* people of one counter, exact up to here */
    POLICY_VOLUME_SAMPLE_MIN = 1024,   /* a counter is not thinned below half of this */
    POLICY_VOLUME_PAIRS_MAX = 65536,
    POLICY_VOLUME_FRESH_MAX = 65536, /* of one counter, told apart as new for storing */
    POLICY_REQUESTER_MAX = 256       /* bytes of its name; longer is cut */
};

/* What all counters together take, past which they are thinned rather than grown. */
#define POLICY_VOLUME_BYTES_MAX ((size_t)512 << 20)

struct policy_volume;

struct policy_volume *policy_volume_new(void);
void policy_volume_free(struct policy_volume *volume);
/* Secret start of the hashes, the same in every process that shares counts: whoever
 * knows it can choose people that a thinned counter does not see. Before all else. */
void policy_volume_seed(struct policy_volume *volume, uint64_t seed);
/* Other caps, for tests; before all else. */
void policy_volume_caps(struct policy_volume *volume, uint32_t sample_max,
                        size_t bytes_max);

/* One look at one person. */
struct policy_look {
    struct ndc_str requester, purpose;
    uint64_t counter; /* hash of both */
    uint64_t person;  /* 48 bits */
    int64_t at_ms;
    uint32_t day; /* since 1970 */
};
struct policy_look policy_volume_look(const struct policy_volume *volume,
                                      struct ndc_str requester, struct ndc_str purpose,
                                      struct ndc_str subject, int64_t at_ms);
/* The counts of the periods with this look in them; `add`: and keeps it. A period of
 * d days covers today and the d days before, so at least d times 24 hours; 0 days: ever,
 * and that never falls. Any thread. Past PAIRS_MAX counters further ones share a count,
 * which errs to the safe side. */
void policy_volume_count(struct policy_volume *volume,
                         uint64_t counts[static POLICY_PERIODS_MAX],
                         const struct policy_periods *periods,
                         const struct policy_look *look, bool add);

/* What a counter has gathered, for storing and for uniting. An entry is a person's hash
 * shifted left by 16 bits, with the day. */
struct policy_delta {
    struct ndc_str requester, purpose; /* of the volume, or of the caller */
    uint64_t counter;
    int64_t since_ms; /* the first look */
    unsigned thin;    /* the sender keeps one hash in 2^thin */
    bool whole;       /* all of the counter, not only what is new */
    uint64_t *entries;
    size_t count;
};

/* What is new in each counter since the last call; *out from malloc. Free it. */
void policy_volume_collect(struct policy_volume *volume, struct policy_delta **out,
                           size_t *n);
/* The whole of one counter; false: there is none. `out->entries` from malloc. */
bool policy_volume_whole(struct policy_volume *volume, uint64_t counter,
                         struct policy_delta *out);
void policy_deltas_free(struct policy_delta *deltas, size_t n);
/* It could not be stored: all of the counter is to be collected next time. */
void policy_volume_again(struct policy_volume *volume, uint64_t counter);
/* Unites; what comes in this way is not new. */
void policy_volume_merge(struct policy_volume *volume, const struct policy_delta *delta);

struct policy_volume_view {
    struct ndc_str requester, purpose; /* valid as long as the volume */
    uint64_t counts[POLICY_PERIODS_MAX];
    int64_t since_ms;
    uint32_t last_day; /* of the last look */
    bool estimated;
};
/* Visits every counter, in no order; `visit` is called without locks held. */
void policy_volume_visit(struct policy_volume *volume,
                         const struct policy_periods *periods, int64_t now_ms,
                         void (*visit)(void *arg, const struct policy_volume_view *view),
                         void *arg);
size_t policy_volume_bytes(const struct policy_volume *volume);

#endif

/* Rules in force behind one pointer. Readers announce themselves on one of two sides of a
 * striped counter and read; a reload swaps the pointer, turns readers to the other side,
 * waits until the first is empty, does the same once more, and frees the old table: both
 * sides have then been empty after the swap, so nobody can still hold it. */
#include "platforms/policy/service.h"

#include "base/embed.h"
#include "sys/clock.h"
#include "sys/dir.h"
#include "sys/file.h"
#include "sys/log.h"
#include "sys/thread.h"

#include <stdatomic.h>
#include <stdio.h>

extern const struct ndc_embed ndc_policy_rules[];

enum { STRIPES = 16, FILES_MAX = 256 };

struct stripe {
    _Alignas(64) atomic_long readers[2];
};

struct policy_service {
    struct stripe stripes[STRIPES];
    _Alignas(64) _Atomic(struct policy_table *) table;
    atomic_uint side;
    struct ndc_mutex reload; /* one reload at a time */
    char *directory;
    struct policy_volume *volume;
    struct policy_notices *notices;
};

struct policy_lease policy_service_take(struct policy_service *service)
{
    static atomic_uint threads;
    static _Thread_local unsigned mine = UINT32_MAX;
    if (mine == UINT32_MAX) mine = atomic_fetch_add(&threads, 1) % STRIPES;
    struct stripe *stripe = &service->stripes[mine];
    unsigned side = atomic_load(&service->side) & 1;
    atomic_fetch_add(&stripe->readers[side], 1);
    return (struct policy_lease){atomic_load(&service->table), stripe, side};
}

void policy_service_give(struct policy_lease lease)
{
    struct stripe *stripe = lease.stripe;
    atomic_fetch_sub(&stripe->readers[lease.side], 1);
}

static void wait_for_readers(struct policy_service *service)
{
    for (int pass = 0; pass < 2; pass++) {
        unsigned side = atomic_fetch_add(&service->side, 1) & 1;
        for (size_t i = 0; i < STRIPES; i++)
            while (atomic_load(&service->stripes[i].readers[side]) != 0)
                ndc_clock_sleep_ms(1);
    }
}

static enum ndc_err add_file(struct policy_set *set, const char *path, bool first,
                             struct ndc_fault *fault)
{
    struct ndc_buf text;
    ndc_buf_init(&text, 1 << 20);
    enum ndc_err err = ndc_file_read(&text, path, fault);
    if (!err) err = policy_set_add(set, path, ndc_buf_str(&text), first, fault);
    ndc_buf_free(&text);
    return err;
}

static enum ndc_err add_directory(struct policy_set *set, const char *directory,
                                  struct ndc_fault *fault)
{
    struct ndc_str *names;
    size_t n;
    enum ndc_err err =
        ndc_dir_list(&set->arena, &names, &n, directory, ".yaml", FILES_MAX, fault);
    for (size_t i = 0; !err && i < n; i++) {
        char path[4096];
        snprintf(path, sizeof(path), "%s/%.*s", directory, NDC_STR_FMT(names[i]));
        err = add_file(set, path, true, fault);
    }
    return err;
}

/* The embedded rules and the operator's. */
static enum ndc_err read_set(struct policy_set **out, const char *directory,
                             struct ndc_fault *fault)
{
    struct policy_set *set = *out = ndc_xmalloc(sizeof(*set));
    enum ndc_err err = NDC_OK;
    policy_set_init(set);
    for (const struct ndc_embed *file = ndc_policy_rules; !err && file->name; file++)
        err = policy_set_add(set, file->name, ndc_str_n(file->bytes, file->len), false,
                             fault);
    if (!err && directory) err = add_directory(set, directory, fault);
    return err;
}

static enum ndc_err finish_set(struct policy_table **out, struct policy_set *set,
                               uint64_t version, enum ndc_err err,
                               struct ndc_fault *fault)
{
    *out = NULL;
    if (!err) return policy_compile(out, set, version, fault);
    policy_set_free(set);
    free(set);
    return err;
}

enum ndc_err policy_load(struct policy_table **out, const char *directory,
                         const char *extra, uint64_t version, struct ndc_fault *fault)
{
    struct policy_set *set;
    enum ndc_err err = read_set(&set, directory, fault);
    if (!err && extra) err = add_file(set, extra, true, fault);
    return finish_set(out, set, version, err, fault);
}

enum ndc_err policy_load_text(struct policy_table **out, const char *directory,
                              const char *name, struct ndc_str yaml,
                              struct ndc_fault *fault)
{
    struct policy_set *set;
    enum ndc_err err = read_set(&set, directory, fault);
    if (!err) err = policy_set_add(set, name, yaml, true, fault);
    return finish_set(out, set, 1, err, fault);
}

/* The first test that failed, for the fault. */
struct failure {
    char text[NDC_FAULT_MESSAGE_MAX];
};

static void note_failure(void *arg, const struct policy_test *test, bool good,
                         const char *why)
{
    struct failure *f = arg;
    if (!good && !f->text[0])
        snprintf(f->text, sizeof(f->text), "%.*s, line %u: test \"%.*s\" fails: %s",
                 NDC_STR_FMT(test->file), test->line, NDC_STR_FMT(test->name), why);
}

static enum ndc_err load_tested(struct policy_table **out, const char *directory,
                                uint64_t version, struct ndc_fault *fault)
{
    struct failure failure = {{0}};
    enum ndc_err err = policy_load(out, directory, NULL, version, fault);
    if (err) return err;
    if (policy_run_tests(*out, note_failure, &failure) == 0) return NDC_OK;
    policy_table_free(*out);
    *out = NULL;
    return ndc_fail(fault, NDC_EINPUT, "policy.test", "%s", failure.text);
}

enum ndc_err policy_service_new(struct policy_service **out, const char *directory,
                                struct ndc_fault *fault)
{
    struct policy_table *table;
    *out = NULL;
    enum ndc_err err =
        load_tested(&table, directory, (uint64_t)ndc_clock_wall_ms(), fault);
    if (err) return err;
    struct policy_service *s = aligned_alloc(64, sizeof(*s));
    NDC_ASSERT(s);
    memset(s, 0, sizeof(*s));
    atomic_init(&s->table, table);
    ndc_mutex_init(&s->reload);
    s->directory = directory ? strdup(directory) : NULL;
    s->volume = policy_volume_new();
    s->notices = policy_notices_new();
    *out = s;
    return NDC_OK;
}

const char *policy_service_directory(const struct policy_service *s)
{
    return s->directory;
}

struct policy_volume *policy_service_volume(const struct policy_service *s)
{
    return s->volume;
}

struct policy_notices *policy_service_notices(const struct policy_service *s)
{
    return s->notices;
}

void policy_service_free(struct policy_service *s)
{
    if (!s) return;
    policy_table_free(atomic_load(&s->table));
    policy_volume_free(s->volume);
    policy_notices_free(s->notices);
    ndc_mutex_free(&s->reload);
    free(s->directory);
    free(s);
}

enum ndc_err policy_service_reload(struct policy_service *s, struct ndc_fault *fault)
{
    ndc_mutex_lock(&s->reload);
    struct policy_table *old = atomic_load(&s->table), *table;
    uint64_t now = (uint64_t)ndc_clock_wall_ms();
    enum ndc_err err = load_tested(&table, s->directory,
                                   now > old->version ? now : old->version + 1, fault);
    if (!err) {
        atomic_store(&s->table, table);
        wait_for_readers(s);
        ndc_log(NDC_LOG_INFO, "policy", "rules read again: %zu rules, %zu purposes",
                table->set->rule_count, table->set->purpose_count);
        policy_table_free(old);
    }
    ndc_mutex_unlock(&s->reload);
    return err;
}

/* An agency's staff and systems are counted together. */
static struct ndc_str requester_of(const struct ndc_policy_request *q)
{
    return q->agency.len ? q->agency : q->principal;
}

/* Somebody has met a limit whose rule says that a data officer is to be told. */
static void escalate(struct policy_service *s, const struct ndc_policy_request *q,
                     const struct ndc_policy_decision *d, int64_t now_ms)
{
    struct policy_notice n; /* its texts are set by name, not cleared */
    n.outcome = d->outcome;
    n.subjects = q->subjects;
    n.first_ms = n.last_ms = now_ms;
    n.times = 1;
    policy_notice_name(&n, requester_of(q), q->purpose, d->rule);
    policy_notices_add(s->notices, &n);
}

static enum ndc_err decide(void *ctx, struct ndc_policy_decision *out,
                           const struct ndc_policy_request *request,
                           struct ndc_fault *fault)
{
    struct policy_service *s = ctx;
    struct ndc_policy_request q = *request;
    struct policy_look look;
    uint64_t counts[POLICY_PERIODS_MAX];
    int64_t now_ms = ndc_clock_wall_ms();
    /* Seeing oneself gathers nothing, and organisations are no people. */
    bool self = ndc_str_eq(q.entity_id, q.subject);
    bool count = q.subjects == 0 && q.subject.len && !self && requester_of(&q).len &&
                 q.entity == NDC_ENTITY_PERSON;
    struct policy_lease lease = policy_service_take(s);
    for (size_t p = 0; p < POLICY_PERIODS_MAX; p++)
        counts[p] = q.subjects ? q.subjects : 1;
    if (count) {
        look =
            policy_volume_look(s->volume, requester_of(&q), q.purpose, q.subject, now_ms);
        policy_volume_count(s->volume, counts, &lease.table->periods, &look, false);
    }
    q.subjects = counts[0];
    enum policy_why why = policy_table_decide_counted(lease.table, out, &q, counts);
    enum ndc_err err = NDC_OK;
    if (why != POLICY_WHY_NONE)
        err = policy_fault(lease.table, &q, out, counts, why, fault);
    else if (count)
        policy_volume_count(s->volume, counts, &lease.table->periods, &look, true);
    policy_service_give(lease);
    if (out->obligations & NDC_OBLIGE_ESCALATE) escalate(s, &q, out, now_ms);
    return err;
}

static enum ndc_err explain(void *ctx, struct ndc_json *out,
                            const struct ndc_policy_request *request,
                            struct ndc_fault *fault)
{
    (void)fault;
    struct ndc_policy_request q = *request;
    if (q.subjects == 0) q.subjects = 1;
    struct policy_lease lease = policy_service_take(ctx);
    policy_explain(lease.table, out, &q);
    policy_service_give(lease);
    return NDC_OK;
}

static struct ndc_class field_class(void *ctx, unsigned field)
{
    NDC_ASSERT(ndc_field_get(field));
    struct policy_lease lease = policy_service_take(ctx);
    struct ndc_class class = lease.table->classes[0][field];
    policy_service_give(lease);
    return class;
}

static uint64_t seen_subject(void *ctx, struct ndc_str requester, struct ndc_str purpose,
                             struct ndc_str subject)
{
    struct policy_service *s = ctx;
    uint64_t counts[POLICY_PERIODS_MAX];
    struct policy_look look =
        policy_volume_look(s->volume, requester, purpose, subject, ndc_clock_wall_ms());
    struct policy_lease lease = policy_service_take(s);
    policy_volume_count(s->volume, counts, &lease.table->periods, &look, true);
    policy_service_give(lease);
    return counts[0];
}

const struct ndc_policy_ops policy_service_ops = {
    .decide = decide,
    .explain = explain,
    .field_class = field_class,
    .seen_subject = seen_subject,
};

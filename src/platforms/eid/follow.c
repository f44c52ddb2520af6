/* Accounts follow the registry's change feed. How far they have is a row that moves in
 * the write that takes the changes in, so a crash repeats some and misses none: taking
 * one in again changes nothing. */
#include "platforms/eid/follow.h"

#include "core/audit.h"
#include "platforms/eid/match.h"
#include "store/writer.h"
#include "sys/clock.h"
#include "sys/log.h"

#include <stdio.h>

enum { TICK_MS = 1000, CHANGES_MAX = 500, PAGE = 200, ARENA_BYTES = 16 << 20 };

struct eid_follow {
    struct ndc_eid *eid;
    struct ndc_thread thread;
    struct ndc_mutex lock; /* guards stop */
    struct ndc_cond changed;
    bool stop;
    bool quiet; /* the last failure was logged */
};

struct place {
    int64_t generation, seq;
};

static enum ndc_err read_place(struct ndc_eid *eid, struct place *out,
                               struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    NDC_TRY(ndc_store_take(eid->store, NDC_READ, &conn, fault));
    struct ndc_rows *rows = ndc_sql_query(
        conn, "SELECT generation, seq FROM eid_follow WHERE id = 1", NDC_NO_ARGS);
    *out = (struct place){0};
    if (ndc_rows_next(rows))
        *out = (struct place){ndc_rows_i64(rows, 0), ndc_rows_i64(rows, 1)};
    enum ndc_err err = ndc_rows_end(rows, fault);
    ndc_store_give(conn);
    return err;
}

static enum ndc_err write_place(struct ndc_store_conn *conn, void *arg,
                                struct ndc_fault *fault)
{
    const struct place *p = arg;
    return ndc_sql_exec(conn,
                        "UPDATE eid_follow SET generation = $1, seq = $2 WHERE id = 1",
                        NDC_ARGS(ndc_int(p->generation), ndc_int(p->seq)), NULL, fault);
}

/* ---- what becomes of an account ---- */

struct settling {
    struct ndc_eid *eid;
    struct ndc_arena *arena;
    const struct eid_account *account;
    const struct eid_entity *now; /* entity 0: nobody holds the number any more */
    /* what the write found */
    const char *act;
};

static bool is_organisation(const struct eid_account *a)
{
    return ndc_str_eq_c(a->kind, "organisation");
}

/* NULL: nothing is against it. */
static const char *reason_of(const struct settling *s, struct ndc_str guardian_number)
{
    if (!s->now->entity) return "registry:gone";
    if (s->now->flags & NDC_PEOPLE_FROZEN) return "registry:frozen";
    if (is_organisation(s->account) && s->account->guardian.len &&
        !ndc_str_eq(s->now->rep_id, guardian_number))
        return "registry:representative";
    return NULL;
}

static enum ndc_err read_guardian(struct ndc_store_conn *conn, struct settling *s,
                                  struct ndc_str *number, struct ndc_fault *fault)
{
    struct eid_account guardian;
    struct ndc_fault none = {0};
    *number = NDC_STR("");
    if (!is_organisation(s->account) || !s->account->guardian.len) return NDC_OK;
    enum ndc_err err =
        eid_account_row(conn, s->arena, s->account->guardian, &guardian, &none);
    if (err == NDC_ENOTFOUND) return NDC_OK;
    if (err && fault) *fault = none;
    if (!err) *number = guardian.number;
    return err;
}

/* Who had the number signs in with the new one. */
static enum ndc_err renumber(struct ndc_store_conn *conn, struct settling *s,
                             struct ndc_fault *fault)
{
    const struct eid_account *a = s->account;
    const char *kind = is_organisation(a) ? "org" : "id";
    struct ndc_str former =
        ndc_arena_printf(s->arena, "%s:%.*s", kind, NDC_STR_FMT(a->number));
    NDC_TRY(ndc_sql_exec(conn, "DELETE FROM eid_login WHERE account = $1 AND login = $2",
                         NDC_ARGS(ndc_text(a->account), ndc_text(former)), NULL, fault));
    s->act = "account.renumber";
    return eid_login_insert(conn, a->account, kind, s->now->number, fault);
}

/* Number, name and entity as they are now. */
static enum ndc_err rename_one(struct ndc_store_conn *conn, struct settling *s,
                               struct ndc_fault *fault)
{
    const struct eid_account *a = s->account;
    const struct eid_entity *e = s->now;
    int64_t n = 0;
    bool other = e->number.len && !ndc_str_eq(e->number, a->number);
    if (!other && e->entity == a->entity && ndc_str_eq(e->name, a->name)) return NDC_OK;
    NDC_TRY(ndc_sql_exec(
        conn,
        "UPDATE eid_account SET entity = $2, number = $3, name = $4, changed_ms = $5 "
        "WHERE account = $1 AND number = $6",
        NDC_ARGS(ndc_text(a->account), ndc_int((int64_t)e->entity),
                 ndc_text(other ? e->number : a->number), ndc_text(e->name),
                 ndc_int(ndc_clock_wall_ms()), ndc_text(a->number)),
        &n, fault));
    return n && other ? renumber(conn, s, fault) : NDC_OK;
}

static enum ndc_err thaw(struct ndc_store_conn *conn, struct settling *s,
                         struct ndc_fault *fault)
{
    int64_t n = 0;
    NDC_TRY(ndc_sql_exec(
        conn,
        "UPDATE eid_account SET state = 'active', reason = '', "
        "changed_ms = $2 WHERE account = $1 AND state = 'frozen' AND "
        "reason LIKE 'registry:%'",
        NDC_ARGS(ndc_text(s->account->account), ndc_int(ndc_clock_wall_ms())), &n,
        fault));
    if (n) s->act = "account.thaw";
    return NDC_OK;
}

static enum ndc_err settle(struct ndc_store_conn *conn, void *arg,
                           struct ndc_fault *fault)
{
    struct settling *s = arg;
    struct ndc_str guardian;
    bool changed = false;
    s->act = NULL;
    if (s->now->entity) NDC_TRY(rename_one(conn, s, fault));
    if (s->now->entity && s->now->flags & NDC_PEOPLE_DEAD) {
        NDC_TRY(eid_account_set_state(conn, s->account->account, NULL, "ended",
                                      NDC_STR("registry:dead"), &changed, fault));
        if (changed) s->act = "account.end";
        return NDC_OK;
    }
    NDC_TRY(read_guardian(conn, s, &guardian, fault));
    const char *reason = reason_of(s, guardian);
    if (!reason) return thaw(conn, s, fault);
    NDC_TRY(eid_account_set_state(conn, s->account->account, "active", "frozen",
                                  ndc_str(reason), &changed, fault));
    if (changed) s->act = "account.freeze";
    return NDC_OK;
}

static enum ndc_err record(const struct settling *s, struct ndc_fault *fault)
{
    struct ndc_audit *audit = s->eid->app ? ndc_app_audit(s->eid->app) : ndc_audit_get();
    const struct ndc_people_ops *people = ndc_people(NULL);
    char entity[NDC_PEOPLE_ENTITY_TEXT] = "";
    if (!s->act || !audit) return NDC_OK;
    if (s->account->entity && people && people->entity_text)
        people->entity_text(entity,
                            is_organisation(s->account) ? NDC_ENTITY_ORGANISATION
                                                        : NDC_ENTITY_PERSON,
                            s->account->entity);
    const struct ndc_str subjects[] = {
        ndc_arena_printf(s->arena, "eid:%.*s", NDC_STR_FMT(s->account->account)),
        ndc_str(entity)};
    const struct ndc_audit_event event = {.principal = NDC_STR("platform:eid"),
                                          .action = ndc_str(s->act),
                                          .platform = NDC_STR("eid"),
                                          .subjects = subjects,
                                          .subject_count = entity[0] ? 2 : 1,
                                          .outcome = NDC_POLICY_PERMIT,
                                          .detail = NDC_STR("by=registry")};
    return ndc_audit_append(audit, &event, NULL, NULL, fault);
}

static enum ndc_err settle_account(struct ndc_eid *eid, struct ndc_arena *arena,
                                   const struct eid_account *a,
                                   const struct eid_entity *now, struct ndc_fault *fault)
{
    struct settling s = {eid, arena, a, now, NULL};
    if (ndc_str_eq_c(a->state, "ended")) return NDC_OK;
    NDC_TRY(ndc_store_write(eid->store, settle, &s, fault));
    return record(&s, fault);
}

/* ---- changes ---- */

struct following {
    struct ndc_eid *eid;
    struct ndc_arena arena;
};

static enum ndc_err find_account(struct ndc_eid *eid, struct ndc_arena *arena,
                                 uint64_t entity, struct eid_account *out,
                                 struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    NDC_TRY(ndc_store_take(eid->store, NDC_READ, &conn, fault));
    enum ndc_err err = eid_account_of_entity(conn, arena, entity, out, fault);
    ndc_store_give(conn);
    return err;
}

static enum ndc_err visit(void *arg, const struct ndc_people_facts *facts, size_t n,
                          struct ndc_fault *fault)
{
    struct following *f = arg;
    for (size_t i = 0; i < n; i++) {
        struct eid_account a;
        struct eid_entity now;
        ndc_arena_reset(&f->arena);
        NDC_TRY(find_account(f->eid, &f->arena, facts[i].entity, &a, fault));
        if (!a.account.ptr) continue;
        /* One that is no more may have become another: its number tells. */
        if (facts[i].flags & NDC_PEOPLE_GONE)
            NDC_TRY(eid_entity_of_number(&f->arena, is_organisation(&a), a.number,
                                         a.entity, &now, fault));
        else
            eid_entity_copy(&f->arena, &facts[i], &now);
        NDC_TRY(settle_account(f->eid, &f->arena, &a, &now, fault));
    }
    return NDC_OK;
}

/* ---- everything ---- */

static enum ndc_err read_page(struct ndc_eid *eid, struct ndc_arena *arena,
                              struct ndc_str after, struct ndc_str *accounts, size_t *n,
                              struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    *n = 0;
    NDC_TRY(ndc_store_take(eid->store, NDC_READ, &conn, fault));
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT account FROM eid_account WHERE account > $1 ORDER BY account LIMIT $2",
        NDC_ARGS(ndc_text(after), ndc_int(PAGE)));
    while (*n < PAGE && ndc_rows_next(rows))
        accounts[(*n)++] = ndc_arena_str(arena, ndc_rows_text(rows, 0));
    enum ndc_err err = ndc_rows_end(rows, fault);
    ndc_store_give(conn);
    return err;
}

static enum ndc_err check_one(struct ndc_eid *eid, struct ndc_arena *arena,
                              struct ndc_str account, struct ndc_fault *fault)
{
    struct eid_account a;
    struct eid_entity now;
    NDC_TRY(eid_account_read(eid, arena, account, &a, fault));
    if (!a.entity || !a.number.len) return NDC_OK;
    NDC_TRY(eid_entity_of_number(arena, is_organisation(&a), a.number, a.entity, &now,
                                 fault));
    return settle_account(eid, arena, &a, &now, fault);
}

static enum ndc_err check_all(struct ndc_eid *eid, struct ndc_fault *fault)
{
    struct ndc_arena page, one;
    struct ndc_str accounts[PAGE];
    char after[NDC_EID_ID_LEN + 1] = "";
    size_t n = PAGE;
    enum ndc_err err = NDC_OK;
    ndc_arena_init(&page, ARENA_BYTES);
    ndc_arena_init(&one, ARENA_BYTES);
    while (n == PAGE && !err) {
        ndc_arena_reset(&page);
        err = read_page(eid, &page, ndc_str(after), accounts, &n, fault);
        for (size_t i = 0; i < n && !err; i++) {
            ndc_arena_reset(&one);
            err = check_one(eid, &one, accounts[i], fault);
        }
        if (n) snprintf(after, sizeof(after), "%.*s", NDC_STR_FMT(accounts[n - 1]));
    }
    ndc_arena_free(&page);
    ndc_arena_free(&one);
    return err;
}

static enum ndc_err take_changes(struct ndc_eid *eid, const struct ndc_people_ops *people,
                                 void *ctx, struct place *at, bool *anew,
                                 struct ndc_fault *fault)
{
    struct following f = {.eid = eid};
    ndc_arena_init(&f.arena, ARENA_BYTES);
    enum ndc_err err =
        people->changes(ctx, at->seq, CHANGES_MAX, &at->seq, anew, visit, &f, fault);
    ndc_arena_free(&f.arena);
    return err;
}

enum ndc_err eid_follow(struct ndc_eid *eid, bool *more, struct ndc_fault *fault)
{
    void *ctx;
    const struct ndc_people_ops *people = ndc_people(&ctx);
    struct ndc_people_moment now = {0};
    struct place at;
    bool anew;
    *more = false;
    if (!people) return NDC_OK;
    NDC_TRY(people->moment(ctx, &now, fault));
    if (now.generation == 0 && now.seq == 0) return NDC_OK;
    NDC_TRY(read_place(eid, &at, fault));
    if (at.generation == now.generation && at.seq == now.seq) return NDC_OK;
    anew = at.generation != now.generation || at.seq > now.seq;
    if (!anew) NDC_TRY(take_changes(eid, people, ctx, &at, &anew, fault));
    if (anew) {
        NDC_TRY(check_all(eid, fault));
        at = (struct place){now.generation, now.seq};
    }
    *more = at.seq < now.seq;
    return ndc_store_write(eid->store, write_place, &at, fault);
}

/* ---- the thread ---- */

static void step(struct eid_follow *f)
{
    struct ndc_fault fault = {0};
    bool more = true;
    for (int i = 0; i < 100 && more; i++) {
        if (eid_follow(f->eid, &more, &fault) == NDC_OK) {
            f->quiet = false;
            continue;
        }
        if (!f->quiet)
            ndc_log(NDC_LOG_WARN, "eid", "following the registry: %s", fault.message);
        f->quiet = true;
        return;
    }
}

static void run(void *arg)
{
    struct eid_follow *f = arg;
    ndc_mutex_lock(&f->lock);
    while (!f->stop) {
        ndc_mutex_unlock(&f->lock);
        step(f);
        ndc_mutex_lock(&f->lock);
        if (!f->stop) (void)ndc_cond_wait_ms(&f->changed, &f->lock, TICK_MS);
    }
    ndc_mutex_unlock(&f->lock);
}

struct eid_follow *eid_follow_start(struct ndc_eid *eid)
{
    struct eid_follow *f = ndc_xcalloc(1, sizeof(*f));
    f->eid = eid;
    ndc_mutex_init(&f->lock);
    ndc_cond_init(&f->changed);
    ndc_thread_start(&f->thread, "ndc-eid", run, f);
    return f;
}

void eid_follow_stop(struct eid_follow *f)
{
    if (!f) return;
    ndc_mutex_lock(&f->lock);
    f->stop = true;
    ndc_cond_broadcast(&f->changed);
    ndc_mutex_unlock(&f->lock);
    ndc_thread_join(&f->thread);
    ndc_mutex_free(&f->lock);
    ndc_cond_free(&f->changed);
    free(f);
}

/* Counts of what clients do (client_use.h). */
#include "platforms/eid/provider/client_use.h"

#include "base/date.h"
#include "base/hash.h"
#include "store/writer.h"
#include "sys/clock.h"

#include <stdio.h>

enum { BUCKETS = 1024, KEPT_MAX = 8192, AT_ONCE = 64, TOLD_MAX = 200, CLIENT_TEXT = 65 };

static const int64_t day_ms = 86400000, kept_ms = 30 * (int64_t)86400000;

struct use {
    struct use *next;
    char client[CLIENT_TEXT];
    const char *what;
    char outcome[NDC_FAULT_CODE_MAX], detail[NDC_FAULT_MESSAGE_MAX];
    int64_t day, count, last_ms;
};

struct eid_uses {
    struct ndc_mutex lock; /* guards the rest */
    struct use *buckets[BUCKETS];
    size_t n;
};

struct eid_uses *eid_uses_new(void)
{
    struct eid_uses *u = ndc_xcalloc(1, sizeof(*u));
    ndc_mutex_init(&u->lock);
    return u;
}

static void free_list(struct use *list)
{
    while (list) {
        struct use *next = list->next;
        free(list);
        list = next;
    }
}

void eid_uses_free(struct eid_uses *u)
{
    if (!u) return;
    for (size_t i = 0; i < BUCKETS; i++)
        free_list(u->buckets[i]);
    ndc_mutex_free(&u->lock);
    free(u);
}

static struct use **bucket_of(struct eid_uses *u, struct ndc_str client, const char *what,
                              const char *outcome)
{
    uint64_t h = ndc_hash_str(client, ndc_hash_str(ndc_str(what), 1));
    return &u->buckets[ndc_hash_str(ndc_str(outcome), h) % BUCKETS];
}

static struct use *find(struct use *list, struct ndc_str client, const char *what,
                        const char *outcome, int64_t day)
{
    for (; list; list = list->next)
        if (list->day == day && ndc_str_eq_c(client, list->client) &&
            strcmp(list->what, what) == 0 && strcmp(list->outcome, outcome) == 0)
            return list;
    return NULL;
}

static struct use *add(struct eid_uses *u, struct ndc_str client, const char *what,
                       const char *outcome, int64_t day)
{
    struct use **bucket = bucket_of(u, client, what, outcome);
    struct use *use = find(*bucket, client, what, outcome, day);
    if (use) return use;
    use = ndc_xcalloc(1, sizeof(*use));
    memcpy(use->client, client.ptr, client.len);
    use->what = what;
    snprintf(use->outcome, sizeof(use->outcome), "%s", outcome);
    use->day = day;
    use->next = *bucket;
    *bucket = use;
    u->n++;
    return use;
}

void eid_use(struct ndc_eid *eid, struct ndc_str client, const char *what,
             const struct ndc_fault *fault)
{
    struct eid_uses *u = eid->uses;
    int64_t now = ndc_clock_wall_ms();
    if (!u || client.len >= CLIENT_TEXT) return;
    ndc_mutex_lock(&u->lock);
    struct use *use = u->n < KEPT_MAX
                          ? add(u, client, what, fault ? fault->code : "", now / day_ms)
                          : add(u, NDC_STR(""), "dropped", "", now / day_ms);
    use->count++;
    use->last_ms = now;
    if (fault) snprintf(use->detail, sizeof(use->detail), "%s", fault->message);
    ndc_mutex_unlock(&u->lock);
}

/* ---- writing ---- */

static enum ndc_err write_some(struct ndc_store_conn *conn, void *arg,
                               struct ndc_fault *fault)
{
    size_t n = 0;
    NDC_TRY(eid_sweep(conn, "eid_client_use", ndc_clock_wall_ms(), fault));
    for (const struct use *use = arg; use && n < AT_ONCE; use = use->next, n++) {
        char name[CLIENT_TEXT + 2 * NDC_FAULT_CODE_MAX + 32];
        snprintf(name, sizeof(name), "%s %lld %s %s", use->client, (long long)use->day,
                 use->what, use->outcome);
        NDC_TRY(ndc_sql_exec(
            conn,
            "INSERT INTO eid_client_use (name, client, day, what, outcome, detail, "
            "count, last_ms, expires_ms) VALUES ($9, $1, $2, $3, $4, $5, $6, $7, $8) ON "
            "CONFLICT (name) DO UPDATE SET detail = excluded.detail, count = "
            "eid_client_use.count + excluded.count, last_ms = excluded.last_ms",
            NDC_ARGS(ndc_textz(use->client), ndc_int(use->day), ndc_textz(use->what),
                     ndc_textz(use->outcome), ndc_textz(use->detail), ndc_int(use->count),
                     ndc_int(use->last_ms), ndc_int(use->day * day_ms + kept_ms),
                     ndc_textz(name)),
            NULL, fault));
    }
    return NDC_OK;
}

static struct use *take_all(struct eid_uses *u)
{
    struct use *all = NULL;
    ndc_mutex_lock(&u->lock);
    for (size_t i = 0; i < BUCKETS && u->n; i++) {
        while (u->buckets[i]) {
            struct use *use = u->buckets[i];
            u->buckets[i] = use->next;
            use->next = all;
            all = use;
            u->n--;
        }
    }
    ndc_mutex_unlock(&u->lock);
    return all;
}

static void put_back(struct eid_uses *u, struct use *list)
{
    ndc_mutex_lock(&u->lock);
    for (struct use *use = list; use; use = use->next) {
        struct use *now = add(u, ndc_str(use->client), use->what, use->outcome, use->day);
        now->count += use->count;
        if (now->last_ms >= use->last_ms) continue;
        now->last_ms = use->last_ms;
        snprintf(now->detail, sizeof(now->detail), "%s", use->detail);
    }
    ndc_mutex_unlock(&u->lock);
    free_list(list);
}

enum ndc_err eid_uses_write(struct ndc_eid *eid, struct ndc_fault *fault)
{
    struct use *all = take_all(eid->uses);
    enum ndc_err err = NDC_OK;
    while (all && !err) {
        err = ndc_store_write(eid->store, write_some, all, fault);
        for (size_t n = 0; n < AT_ONCE && all && !err; n++) {
            struct use *next = all->next;
            free(all);
            all = next;
        }
    }
    put_back(eid->uses, all);
    return err;
}

/* ---- telling ---- */

enum ndc_err eid_uses_tell(struct ndc_store_conn *conn, struct ndc_json *j,
                           struct ndc_str client, struct ndc_fault *fault)
{
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT day, what, outcome, detail, count, last_ms FROM eid_client_use WHERE "
        "client = $1 ORDER BY day DESC, last_ms DESC, what, outcome LIMIT $2",
        NDC_ARGS(ndc_text(client), ndc_int(TOLD_MAX)));
    ndc_json_object(j);
    ndc_json_key(j, "days");
    ndc_json_array(j);
    while (ndc_rows_next(rows)) {
        char date[11];
        ndc_date_format(date, ndc_date_from_days((int32_t)ndc_rows_i64(rows, 0)));
        ndc_json_object(j);
        ndc_json_kv_c(j, "day", date);
        ndc_json_kv_str(j, "what", ndc_rows_text(rows, 1));
        ndc_json_kv_str(j, "outcome", ndc_rows_text(rows, 2));
        ndc_json_kv_str(j, "detail", ndc_rows_text(rows, 3));
        ndc_json_kv_i64(j, "count", ndc_rows_i64(rows, 4));
        ndc_json_kv_time(j, "last_at", ndc_rows_i64(rows, 5));
        ndc_json_end(j);
    }
    ndc_json_end(j);
    ndc_json_end(j);
    return ndc_rows_end(rows, fault);
}

/* The OpenID provider's part of the platform (provider.h). */
#include "platforms/eid/provider/provider.h"

#include "platforms/eid/provider/client.h"
#include "platforms/eid/provider/client_use.h"
#include "platforms/eid/provider/keys.h"
#include "platforms/eid/provider/logout.h"
#include "platforms/eid/provider/tokens.h"
#include "sys/log.h"

enum { LOOK_MS = 1000, KEYS_EVERY = 60 /* looks */ };

struct eid_watch {
    struct ndc_eid *eid;
    struct ndc_mutex lock; /* guards stop */
    struct ndc_cond wake;
    bool stop;
    int64_t generation;
    struct ndc_thread thread;
};

enum ndc_err eid_provider_open(struct ndc_eid *eid, struct ndc_fault *fault)
{
    eid->clients = eid_clients_new(eid);
    eid->tokens = eid_tokens_new();
    eid->uses = eid_uses_new();
    enum ndc_err err = eid_keys_open(&eid->keys, eid, fault);
    return err ? err : eid_revoked_refresh(eid, fault);
}

void eid_provider_close(struct ndc_eid *eid)
{
    eid_keys_free(eid->keys);
    eid_tokens_free(eid->tokens);
    eid_clients_free(eid->clients);
    eid_uses_free(eid->uses);
}

static enum ndc_err read_generation(struct ndc_eid *eid, int64_t *out,
                                    struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    NDC_TRY(ndc_store_take(eid->store, NDC_READ, &conn, fault));
    enum ndc_err err = ndc_sql_i64(
        conn, out, "SELECT generation FROM eid_state WHERE id = 1", NDC_NO_ARGS, fault);
    ndc_store_give(conn);
    return err;
}

static enum ndc_err look(struct eid_watch *w, unsigned n, struct ndc_fault *fault)
{
    int64_t now = 0;
    NDC_TRY(eid_revoked_refresh(w->eid, fault));
    NDC_TRY(eid_uses_write(w->eid, fault));
    NDC_TRY(read_generation(w->eid, &now, fault));
    if (now != w->generation) eid_clients_forget(w->eid->clients);
    if (now != w->generation || n % KEYS_EVERY == 0)
        NDC_TRY(eid_keys_refresh(w->eid, fault));
    w->generation = now;
    return NDC_OK;
}

static void run(void *arg)
{
    struct eid_watch *w = arg;
    bool failed = false;
    ndc_mutex_lock(&w->lock);
    for (unsigned n = 1; !w->stop; n++) {
        (void)ndc_cond_wait_ms(&w->wake, &w->lock, LOOK_MS);
        if (w->stop) break;
        ndc_mutex_unlock(&w->lock);
        struct ndc_fault fault = {0};
        bool now = look(w, n, &fault) != NDC_OK;
        if (now && !failed)
            ndc_log(NDC_LOG_WARN, "eid",
                    "what clients did is not written, what other processes changed is "
                    "not taken up: %s",
                    fault.message);
        failed = now;
        ndc_mutex_lock(&w->lock);
    }
    ndc_mutex_unlock(&w->lock);
}

void eid_provider_start(struct ndc_eid *eid)
{
    struct eid_watch *w = ndc_xcalloc(1, sizeof(*w));
    w->eid = eid;
    ndc_mutex_init(&w->lock);
    ndc_cond_init(&w->wake);
    eid->logouts = eid_logouts_new(eid);
    eid->watch = w;
    ndc_thread_start(&w->thread, "ndc-eid", run, w);
}

void eid_provider_stop(struct ndc_eid *eid)
{
    struct eid_watch *w = eid->watch;
    if (!w) return;
    ndc_mutex_lock(&w->lock);
    w->stop = true;
    ndc_cond_signal(&w->wake);
    ndc_mutex_unlock(&w->lock);
    ndc_thread_join(&w->thread);
    ndc_cond_free(&w->wake);
    ndc_mutex_free(&w->lock);
    free(w);
    eid->watch = NULL;
    struct ndc_fault fault = {0};
    if (eid_uses_write(eid, &fault))
        ndc_log(NDC_LOG_WARN, "eid", "the last counts of clients are lost: %s",
                fault.message);
    eid_logouts_free(eid->logouts);
    eid->logouts = NULL;
}

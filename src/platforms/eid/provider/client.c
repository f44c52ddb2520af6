/* Clients in memory (client.h). */
#include "platforms/eid/provider/client.h"

#include "base/hash.h"
#include "crypto/token.h"
#include "platforms/eid/provider/oauth.h"
#include "sys/clock.h"

enum { BUCKETS = 4096, CACHED_MAX = 65536 };

struct slot {
    struct eid_client *client;
    struct slot *next;
};

struct eid_clients {
    struct ndc_mutex lock; /* guards the rest */
    struct slot *buckets[BUCKETS];
    size_t n;
    uint64_t epoch; /* rises when all are forgotten: what was read before is stale */
};

struct eid_clients *eid_clients_new(struct ndc_eid *eid)
{
    struct eid_clients *c = ndc_xcalloc(1, sizeof(*c));
    (void)eid;
    ndc_mutex_init(&c->lock);
    return c;
}

void eid_client_unref(struct eid_client *client)
{
    if (!client || atomic_fetch_sub_explicit(&client->refs, 1, memory_order_acq_rel) > 1)
        return;
    ndc_jwks_unref(client->jwks);
    ndc_jwk_unref(client->secret_key);
    ndc_arena_free(&client->arena);
    free(client);
}

static void forget(struct eid_clients *c)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct slot *s = c->buckets[i]; s;) {
            struct slot *next = s->next;
            eid_client_unref(s->client);
            free(s);
            s = next;
        }
        c->buckets[i] = NULL;
    }
    c->n = 0;
    c->epoch++;
}

void eid_clients_forget(struct eid_clients *c)
{
    ndc_mutex_lock(&c->lock);
    forget(c);
    ndc_mutex_unlock(&c->lock);
}

void eid_clients_free(struct eid_clients *c)
{
    if (!c) return;
    forget(c);
    ndc_mutex_free(&c->lock);
    free(c);
}

static struct slot **bucket_of(struct eid_clients *c, struct ndc_str id)
{
    return &c->buckets[ndc_hash64(id.ptr, id.len, 0) % BUCKETS];
}

static struct eid_client *find(struct eid_clients *c, struct ndc_str id)
{
    for (struct slot *s = *bucket_of(c, id); s; s = s->next)
        if (ndc_str_eq(s->client->id, id)) return s->client;
    return NULL;
}

static enum ndc_err load(struct ndc_eid *eid, struct eid_client **out, struct ndc_str id,
                         struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    struct json_object *metadata = NULL;
    struct ndc_buf secret;
    *out = NULL;
    NDC_TRY(ndc_store_take(eid->store, NDC_READ, &conn, fault));
    ndc_buf_init(&secret, 256);
    struct ndc_rows *rows = ndc_sql_query(conn,
                                          "SELECT metadata, secret, sealed, disabled, "
                                          "owner FROM eid_client WHERE client = $1",
                                          NDC_ARGS(ndc_text(id)));
    enum ndc_err err = NDC_OK;
    if (ndc_rows_next(rows)) {
        err = ndc_json_parse(&metadata, ndc_rows_text(rows, 0), fault);
        if (!err) err = eid_client_parse(out, id, metadata, fault);
        struct ndc_str hash = ndc_rows_blob(rows, 1), sealed = ndc_rows_text(rows, 2);
        if (!err && hash.len == NDC_EID_HASH_BYTES) {
            memcpy((*out)->secret, hash.ptr, hash.len);
            (*out)->has_secret = true;
        }
        if (!err && sealed.len)
            err = ndc_seal_open(eid->seal, &secret, id, sealed, fault);
        if (!err && sealed.len)
            err = ndc_jwk_secret(&(*out)->secret_key, "HS256", NDC_STR(""),
                                 ndc_buf_str(&secret), fault);
        if (!err) (*out)->disabled = ndc_rows_i64(rows, 3) != 0;
        if (!err) (*out)->owner = ndc_arena_str(&(*out)->arena, ndc_rows_text(rows, 4));
    }
    enum ndc_err ended = ndc_rows_end(rows, err ? NULL : fault);
    ndc_store_give(conn);
    json_object_put(metadata);
    if (secret.ptr) ndc_secret_wipe(secret.ptr, secret.cap);
    ndc_buf_free(&secret);
    if (!err) err = ended;
    if (err) {
        eid_client_unref(*out);
        *out = NULL;
    }
    return err;
}

/* Whoever read first keeps its copy; two are as good as one. */
static void keep(struct eid_clients *c, struct eid_client *client, uint64_t epoch)
{
    ndc_mutex_lock(&c->lock);
    if (c->n >= CACHED_MAX) forget(c);
    if (c->epoch == epoch && !find(c, client->id)) {
        struct slot **bucket = bucket_of(c, client->id);
        struct slot *s = ndc_xmalloc(sizeof(*s));
        *s = (struct slot){client, *bucket};
        *bucket = s;
        c->n++;
        atomic_fetch_add(&client->refs, 1);
    }
    ndc_mutex_unlock(&c->lock);
}

enum ndc_err eid_client_take(struct ndc_eid *eid, struct eid_client **out,
                             struct ndc_str id, struct ndc_fault *fault)
{
    struct eid_clients *c = eid->clients;
    ndc_mutex_lock(&c->lock);
    uint64_t epoch = c->epoch;
    *out = id.len ? find(c, id) : NULL;
    if (*out) atomic_fetch_add(&(*out)->refs, 1);
    ndc_mutex_unlock(&c->lock);
    if (!*out && id.len && id.len <= 64) {
        NDC_TRY(load(eid, out, id, fault));
        if (*out) keep(c, *out, epoch);
    }
    if (*out && !(*out)->disabled) return NDC_OK;
    bool disabled = *out != NULL;
    eid_client_unref(*out);
    *out = NULL;
    return eid_refuse(fault, "invalid_client",
                      disabled ? "this client was disabled; ask who registered it"
                               : "there is no client with this client_id");
}

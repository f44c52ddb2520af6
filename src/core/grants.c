/* The cache of who is who. A hot request hashes its token, takes one lock of sixteen for
 * a lookup, and asks no database. */
#include "core/identity_private.h"

#include "core/permission.h"

enum { ARENA_BYTES_MAX = 64 << 10 };

const struct ndc_principal ndc_principal_anonymous = {
    .kind = NDC_POLICY_ANONYMOUS, .id = {"anonymous", 9}, .name = {"", 0}};

const char *ndc_session_cookie(bool secure)
{
    return secure ? "__Host-ndc" : "ndc";
}

void grants_init(struct ndc_identity *identity)
{
    for (int i = 0; i < SHARDS; i++)
        ndc_mutex_init(&identity->shards[i].lock);
}

static void drop(struct box *box)
{
    if (atomic_fetch_sub_explicit(&box->refs, 1, memory_order_acq_rel) > 1) return;
    ndc_arena_free(&box->arena);
    free(box);
}

void ndc_grant_drop(const struct ndc_grant *grant)
{
    if (grant) drop((struct box *)(uintptr_t)grant);
}

static void forget_shard(struct shard *shard)
{
    for (size_t i = 0; i < SHARD_SLOTS; i++) {
        for (struct box *box = shard->slots[i]; box;) {
            struct box *next = box->next;
            drop(box);
            box = next;
        }
        shard->slots[i] = NULL;
    }
    shard->n = 0;
}

void grants_forget(struct ndc_identity *identity)
{
    grants_flush(identity);
    atomic_fetch_add(&identity->epoch, 1);
    for (int i = 0; i < SHARDS; i++) {
        ndc_mutex_lock(&identity->shards[i].lock);
        forget_shard(&identity->shards[i]);
        ndc_mutex_unlock(&identity->shards[i].lock);
    }
}

void grants_free(struct ndc_identity *identity)
{
    for (int i = 0; i < SHARDS; i++) {
        forget_shard(&identity->shards[i]);
        ndc_mutex_free(&identity->shards[i].lock);
    }
}

struct flush {
    struct ndc_str id;
    int64_t last_ms;
};

static enum ndc_err flush_one(struct ndc_store_conn *conn, void *arg,
                              struct ndc_fault *fault)
{
    const struct flush *flush = arg;
    return ndc_sql_exec(
        conn, "UPDATE ndc_session SET last_ms = $1 WHERE session = $2 AND last_ms < $1",
        NDC_ARGS(ndc_int(flush->last_ms), ndc_text(flush->id)), NULL, fault);
}

/* A lost flush costs an idle time, no more: its fault is dropped. */
void grants_flush(struct ndc_identity *identity)
{
    for (int s = 0; s < SHARDS; s++) {
        struct shard *shard = &identity->shards[s];
        struct box *todo[64];
        size_t n = 0;
        ndc_mutex_lock(&shard->lock);
        for (size_t i = 0; i < SHARD_SLOTS && n < NDC_ARRAY_LEN(todo); i++) {
            for (struct box *b = shard->slots[i]; b; b = b->next) {
                int64_t last = atomic_load(&b->last_ms);
                if (!b->pub.session.len || last <= b->stored_ms + 1000) continue;
                if (n == NDC_ARRAY_LEN(todo)) break;
                b->stored_ms = last;
                atomic_fetch_add(&b->refs, 1);
                todo[n++] = b;
            }
        }
        ndc_mutex_unlock(&shard->lock);
        for (size_t i = 0; i < n; i++) {
            struct ndc_fault fault = {0};
            struct flush flush = {todo[i]->pub.session, atomic_load(&todo[i]->last_ms)};
            (void)!ndc_store_write(identity->store, flush_one, &flush, &fault);
            drop(todo[i]);
        }
    }
}

static enum ndc_err add_permissions(struct box *box, struct ndc_store_conn *conn,
                                    struct ndc_str role, struct ndc_fault *fault)
{
    struct ndc_rows *rows =
        ndc_sql_query(conn, "SELECT permission FROM ndc_role_permission WHERE role = $1",
                      NDC_ARGS(ndc_text(role)));
    while (ndc_rows_next(rows)) {
        int bit = ndc_permission_bit(ndc_rows_text(rows, 0));
        if (bit >= 0) ndc_permission_add(box->pub.principal.permissions, (unsigned)bit);
    }
    return ndc_rows_end(rows, fault);
}

enum ndc_err grant_roles(struct box *box, struct ndc_store_conn *conn,
                         struct ndc_str roles, struct ndc_fault *fault)
{
    struct ndc_principal *p = &box->pub.principal;
    struct ndc_str *list =
        NDC_ARENA_ARRAY(&box->arena, struct ndc_str, NDC_PRINCIPAL_ROLES_MAX);
    struct ndc_str rest = ndc_arena_str(&box->arena, roles), word;
    p->roles = list;
    while (rest.ptr && ndc_str_split(&rest, ' ', &word)) {
        if (!word.len || p->roles_n == NDC_PRINCIPAL_ROLES_MAX) continue;
        list[p->roles_n++] = word;
        enum ndc_err err = add_permissions(box, conn, word, fault);
        if (err != NDC_OK) return err;
    }
    return NDC_OK;
}

static struct ndc_str keep(struct box *box, struct ndc_rows *rows, unsigned column)
{
    struct ndc_str s = ndc_rows_text(rows, column);
    return s.ptr ? ndc_arena_str(&box->arena, s) : NDC_STR("");
}

static struct ndc_val hash_value(const struct box *box)
{
    return ndc_blob(ndc_str_n((const char *)box->hash, sizeof(box->hash)));
}

static enum ndc_err load_session(struct box *box, struct ndc_store_conn *conn,
                                 struct ndc_fault *fault)
{
    struct ndc_principal *p = &box->pub.principal;
    struct ndc_str roles = NDC_STR("");
    bool found = false;
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT s.session, s.csrf, s.last_ms, s.expires_ms, u.name, u.full_name, "
        "u.agency, u.entity_id, u.roles, u.must_change FROM ndc_session s JOIN ndc_user "
        "u "
        "ON u.name = s.user_name WHERE s.secret = $1 AND u.disabled = 0",
        NDC_ARGS(hash_value(box)));
    if (ndc_rows_next(rows)) {
        found = true;
        box->pub.session = keep(box, rows, 0);
        box->pub.csrf = keep(box, rows, 1);
        box->stored_ms = ndc_rows_i64(rows, 2);
        atomic_store(&box->last_ms, box->stored_ms);
        box->pub.expires_ms = ndc_rows_i64(rows, 3);
        p->id = ndc_arena_printf(&box->arena, "user:%.*s",
                                 NDC_STR_FMT(ndc_rows_text(rows, 4)));
        p->name = keep(box, rows, 5);
        p->agency = keep(box, rows, 6);
        p->entity_id = keep(box, rows, 7);
        roles = keep(box, rows, 8);
        box->pub.must_change = ndc_rows_i64(rows, 9) == PASSWORD_MUST_CHANGE;
        box->pub.should_change = ndc_rows_i64(rows, 9) == PASSWORD_SHOULD_CHANGE;
        p->kind = p->agency.len ? NDC_POLICY_OFFICIAL : NDC_POLICY_OPERATOR;
    }
    enum ndc_err err = ndc_rows_end(rows, fault);
    if (err == NDC_OK && !found)
        err = ndc_fail(fault, NDC_EAUTH, "auth.required",
                       "the session has ended: sign in again");
    return err == NDC_OK ? grant_roles(box, conn, roles, fault) : err;
}

static enum ndc_err load_key(struct box *box, struct ndc_store_conn *conn,
                             struct ndc_fault *fault)
{
    struct ndc_principal *p = &box->pub.principal;
    struct ndc_str roles = NDC_STR("");
    bool found = false;
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT key_id, title, agency, roles, expires_ms, cert_sha256 FROM ndc_key WHERE "
        "secret = $1 AND revoked_ms = 0",
        NDC_ARGS(hash_value(box)));
    if (ndc_rows_next(rows)) {
        found = true;
        p->id = ndc_arena_printf(&box->arena, "key:%.*s",
                                 NDC_STR_FMT(ndc_rows_text(rows, 0)));
        p->name = keep(box, rows, 1);
        p->agency = keep(box, rows, 2);
        roles = keep(box, rows, 3);
        box->pub.expires_ms = ndc_rows_i64(rows, 4);
        struct ndc_str cert = ndc_rows_text(rows, 5);
        box->bound = cert.len > 0; /* one that cannot be read matches nothing */
        if (box->bound && !ndc_thumbprint_bytes(box->cert, cert)) found = false;
        p->entity_id = NDC_STR("");
        p->kind = NDC_POLICY_SYSTEM;
    }
    enum ndc_err err = ndc_rows_end(rows, fault);
    if (err == NDC_OK && !found)
        err = ndc_fail(fault, NDC_EAUTH, "auth.key",
                       "the API key is not known, or was revoked");
    return err == NDC_OK ? grant_roles(box, conn, roles, fault) : err;
}

static struct box **slot_of(struct shard *shard, const uint8_t *hash)
{
    return &shard->slots[(hash[1] | (size_t)hash[2] << 8) & (SHARD_SLOTS - 1)];
}

static struct box *find_cached(struct shard *shard, const uint8_t *hash)
{
    ndc_mutex_lock(&shard->lock);
    struct box *box = *slot_of(shard, hash);
    while (box && memcmp(box->hash, hash, NDC_TOKEN_HASH_BYTES) != 0)
        box = box->next;
    if (box) atomic_fetch_add_explicit(&box->refs, 1, memory_order_relaxed);
    ndc_mutex_unlock(&shard->lock);
    return box;
}

static void put_cached(struct ndc_identity *identity, struct shard *shard,
                       struct box *box, uint64_t epoch)
{
    ndc_mutex_lock(&shard->lock);
    if (shard->n == SHARD_GRANTS_MAX) forget_shard(shard);
    /* A change that came between reading and keeping must not be undone by us. */
    if (atomic_load(&identity->epoch) == epoch) {
        struct box **slot = slot_of(shard, box->hash);
        box->next = *slot;
        *slot = box;
        shard->n++;
        atomic_fetch_add(&box->refs, 1);
    }
    ndc_mutex_unlock(&shard->lock);
}

static enum ndc_err load(struct ndc_identity *identity, struct shard *shard,
                         const uint8_t *hash, bool key, struct box **out,
                         struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    uint64_t epoch = atomic_load(&identity->epoch);
    enum ndc_err err = ndc_store_take(identity->store, NDC_READ, &conn, fault);
    if (err != NDC_OK) return err;
    struct box *box = ndc_xcalloc(1, sizeof(*box));
    ndc_arena_init(&box->arena, ARENA_BYTES_MAX);
    memcpy(box->hash, hash, sizeof(box->hash));
    atomic_store(&box->refs, 1);
    err = key ? load_key(box, conn, fault) : load_session(box, conn, fault);
    ndc_store_give(conn);
    if (err != NDC_OK) {
        drop(box);
        return err;
    }
    put_cached(identity, shard, box, epoch);
    *out = box;
    return NDC_OK;
}

static bool expired(const struct ndc_identity *identity, struct box *box, bool key)
{
    int64_t now = ndc_clock_wall_ms();
    int64_t end = box->pub.expires_ms;
    if (end && now >= end) return true;
    if (key) return false;
    if (now - atomic_load(&box->last_ms) > identity->options.session_idle_ms) return true;
    atomic_store_explicit(&box->last_ms, now, memory_order_relaxed);
    return false;
}

static enum ndc_err find_token(struct ndc_identity *identity, struct ndc_str token,
                               bool key, const struct ndc_grant **out,
                               struct ndc_fault *fault)
{
    uint8_t hash[NDC_TOKEN_HASH_BYTES];
    ndc_token_hash(hash, token);
    struct shard *shard = &identity->shards[hash[0] & (SHARDS - 1)];
    struct box *box = find_cached(shard, hash);
    if (!box) {
        enum ndc_err err = load(identity, shard, hash, key, &box, fault);
        if (err != NDC_OK) return err;
    }
    if (expired(identity, box, key)) {
        drop(box);
        return ndc_fail(fault, NDC_EAUTH, key ? "auth.key" : "auth.required",
                        key ? "the API key has expired"
                            : "the session has ended: sign in again");
    }
    *out = &box->pub;
    return NDC_OK;
}

enum ndc_err ndc_grant_of_cookie(struct ndc_identity *identity, struct ndc_str secret,
                                 const struct ndc_grant **out, struct ndc_fault *fault)
{
    return find_token(identity, secret, false, out, fault);
}

/* RFC 8705, 3: a key that is bound to a certificate is of no use to who has stolen it. */
static enum ndc_err check_certificate(const struct ndc_grant *grant, struct ndc_http *x,
                                      struct ndc_fault *fault)
{
    const struct box *box = (const struct box *)grant;
    uint8_t cert[NDC_THUMBPRINT_BYTES];
    if (!box->bound) return NDC_OK;
    if (!ndc_http_client_cert(x, cert))
        return ndc_fail(fault, NDC_EAUTH, "auth.certificate",
                        "this API key needs its client certificate, and the connection "
                        "has none that client_ca vouches for");
    if (memcmp(cert, box->cert, sizeof(cert)) != 0)
        return ndc_fail(fault, NDC_EAUTH, "auth.certificate",
                        "this API key is bound to another client certificate");
    return NDC_OK;
}

enum ndc_err ndc_grant_find(struct ndc_identity *identity, struct ndc_http *x,
                            const struct ndc_grant **out, struct ndc_fault *fault)
{
    static const struct ndc_str bearer = {"Bearer ", 7};
    *out = NULL;
    struct ndc_str header = ndc_http_header(x, "Authorization");
    if (header.ptr) {
        if (header.len <= bearer.len || header.len > 256 ||
            !ndc_str_ieq(ndc_str_n(header.ptr, bearer.len), bearer))
            return ndc_fail(fault, NDC_EAUTH, "auth.key",
                            "Authorization must be: Bearer ndc_…");
        enum ndc_err err = find_token(
            identity, ndc_str_trim(ndc_str_from(header, bearer.len)), true, out, fault);
        if (err == NDC_OK) err = check_certificate(*out, x, fault);
        if (err != NDC_OK) {
            ndc_grant_drop(*out);
            *out = NULL;
        }
        return err;
    }
    struct ndc_str cookie = ndc_http_cookie(x, ndc_session_cookie(x->secure));
    if (cookie.len && cookie.len < 256)
        return find_token(identity, cookie, false, out, fault);
    return NDC_OK;
}

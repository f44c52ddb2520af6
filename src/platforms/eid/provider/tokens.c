/* What the provider remembers in memory (tokens.h). Three tables of the same kind, in
 * shards with a lock each: a name's hash, an end, and for checked tokens their text.
 * Names are compared by a 128-bit keyed hash: nobody outside can make two meet. */
#include "platforms/eid/provider/tokens.h"

#include "crypto/jws.h"
#include "crypto/keyhash.h"
#include "platforms/eid/provider/keys.h"
#include "platforms/eid/provider/oauth.h"
#include "sys/clock.h"
#include "sys/random.h"

#include <stdatomic.h>

enum {
    SHARDS = 32,
    CHECKED_SLOTS = 2048, /* of a shard */
    ONCE_SLOTS = 32768,
    PROBES = 8,
    REVOKED_FIRST = 256
};

struct name {
    uint64_t a, b; /* 0, 0: empty */
};

struct entry {
    struct name name;
    int64_t expires_ms;
};

/* A token whose signature was good: what its claims said. */
struct checked {
    struct name name;
    char *text; /* all texts, one after another */
    struct eid_access access;
};

struct shard {
    struct ndc_mutex lock; /* guards the rest */
    struct checked checked[CHECKED_SLOTS];
    struct entry once[ONCE_SLOTS];
    struct entry *revoked;
    size_t revoked_n, revoked_cap;
};

struct eid_tokens {
    uint8_t key[2][NDC_KEYHASH_KEY_BYTES];
    struct shard *shards;
    atomic_llong seen_seq; /* of eid_revoked */
    int64_t since_ms;      /* what was seen before it is not remembered */
};

struct eid_tokens *eid_tokens_new(void)
{
    struct eid_tokens *t = ndc_xcalloc(1, sizeof(*t));
    ndc_random_bytes(t->key, sizeof(t->key));
    t->since_ms = ndc_clock_wall_ms();
    t->shards = ndc_xcalloc(SHARDS, sizeof(*t->shards));
    for (int i = 0; i < SHARDS; i++)
        ndc_mutex_init(&t->shards[i].lock);
    return t;
}

void eid_tokens_free(struct eid_tokens *t)
{
    if (!t) return;
    for (int i = 0; i < SHARDS; i++) {
        struct shard *s = &t->shards[i];
        for (size_t k = 0; k < CHECKED_SLOTS; k++)
            free(s->checked[k].text);
        free(s->revoked);
        ndc_mutex_free(&s->lock);
    }
    free(t->shards);
    free(t);
}

static struct name name_of(const struct eid_tokens *t, struct ndc_str text)
{
    return (struct name){ndc_keyhash(t->key[0], text) | 1, ndc_keyhash(t->key[1], text)};
}

static bool same(struct name x, struct name y)
{
    return x.a == y.a && x.b == y.b;
}

static struct shard *shard_of(struct eid_tokens *t, struct name name)
{
    return &t->shards[(name.b >> 59) % SHARDS];
}

/* ---- once ---- */

int64_t eid_once_since_ms(const struct eid_tokens *t)
{
    return t->since_ms;
}

bool eid_once(struct eid_tokens *t, struct ndc_str text, int64_t expires_ms)
{
    struct name name = name_of(t, text);
    struct shard *s = shard_of(t, name);
    int64_t now = ndc_clock_wall_ms();
    struct entry *room = NULL;
    bool seen = false;
    ndc_mutex_lock(&s->lock);
    for (size_t i = 0; i < PROBES && !seen; i++) {
        struct entry *e = &s->once[(name.a + i) % ONCE_SLOTS];
        bool over = e->expires_ms <= now;
        seen = !over && same(e->name, name);
        if (over && !room) room = e;
    }
    if (!seen && room) *room = (struct entry){name, expires_ms};
    ndc_mutex_unlock(&s->lock);
    return !seen && room;
}

/* ---- revoked ---- */

static struct entry *find_revoked(struct shard *s, struct name name)
{
    if (!s->revoked_cap) return NULL;
    for (size_t i = name.a & (s->revoked_cap - 1);; i = (i + 1) & (s->revoked_cap - 1)) {
        if (!s->revoked[i].name.a) return NULL;
        if (same(s->revoked[i].name, name)) return &s->revoked[i];
    }
}

static void put_revoked(struct shard *s, struct entry e)
{
    size_t i = e.name.a & (s->revoked_cap - 1);
    while (s->revoked[i].name.a && !same(s->revoked[i].name, e.name))
        i = (i + 1) & (s->revoked_cap - 1);
    if (!s->revoked[i].name.a) s->revoked_n++;
    s->revoked[i] = e;
}

/* Without what is over, and with room for as many again. */
static void remake_revoked(struct shard *s, int64_t now)
{
    struct entry *old = s->revoked;
    size_t cap = s->revoked_cap, kept = 0;
    for (size_t i = 0; i < cap; i++)
        kept += old[i].name.a && old[i].expires_ms > now;
    s->revoked_cap = REVOKED_FIRST;
    while (s->revoked_cap < 4 * (kept + 1))
        s->revoked_cap *= 2;
    s->revoked = ndc_xcalloc(s->revoked_cap, sizeof(*s->revoked));
    s->revoked_n = 0;
    for (size_t i = 0; i < cap; i++)
        if (old[i].name.a && old[i].expires_ms > now) put_revoked(s, old[i]);
    free(old);
}

void eid_revoked_now(struct eid_tokens *t, struct ndc_str text, int64_t expires_ms)
{
    struct entry e = {name_of(t, text), expires_ms};
    struct shard *s = shard_of(t, e.name);
    ndc_mutex_lock(&s->lock);
    if (2 * (s->revoked_n + 1) > s->revoked_cap) remake_revoked(s, ndc_clock_wall_ms());
    put_revoked(s, e);
    ndc_mutex_unlock(&s->lock);
}

static bool is_revoked(struct eid_tokens *t, struct ndc_str text)
{
    struct name name = name_of(t, text);
    struct shard *s = shard_of(t, name);
    ndc_mutex_lock(&s->lock);
    bool found = find_revoked(s, name) != NULL;
    ndc_mutex_unlock(&s->lock);
    return found;
}

enum ndc_err eid_revoke(struct ndc_store_conn *conn, struct ndc_str name,
                        int64_t expires_ms, struct ndc_fault *fault)
{
    int64_t seq;
    NDC_TRY(eid_sweep(conn, "eid_revoked", ndc_clock_wall_ms(), fault));
    /* The row's lock is held to the commit: numbers are in commit order. */
    NDC_TRY(ndc_sql_i64(conn, &seq,
                        "UPDATE eid_state SET generation = generation + 1 WHERE id = 2 "
                        "RETURNING generation",
                        NDC_NO_ARGS, fault));
    return ndc_sql_exec(conn,
                        "INSERT INTO eid_revoked (seq, token, expires_ms) VALUES ($1, "
                        "$2, $3) ON CONFLICT (token) DO NOTHING",
                        NDC_ARGS(ndc_int(seq), ndc_text(name), ndc_int(expires_ms)), NULL,
                        fault);
}

enum ndc_err eid_revoked_refresh(struct ndc_eid *eid, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    int64_t seq = atomic_load(&eid->tokens->seen_seq);
    NDC_TRY(ndc_store_take(eid->store, NDC_READ, &conn, fault));
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT seq, token, expires_ms FROM eid_revoked WHERE seq > $1 AND expires_ms > "
        "$2 ORDER BY seq",
        NDC_ARGS(ndc_int(seq), ndc_int(ndc_clock_wall_ms())));
    while (ndc_rows_next(rows)) {
        seq = ndc_rows_i64(rows, 0);
        eid_revoked_now(eid->tokens, ndc_rows_text(rows, 1), ndc_rows_i64(rows, 2));
    }
    enum ndc_err err = ndc_rows_end(rows, fault);
    ndc_store_give(conn);
    if (!err) atomic_store(&eid->tokens->seen_seq, seq);
    return err;
}

/* ---- checked ---- */

/* The texts of an access token, in one order. */
enum { TEXTS = 10 };

static void texts_of(struct eid_access *a, struct ndc_str *out[TEXTS])
{
    struct ndc_str *all[TEXTS] = {&a->jti,   &a->grant,    &a->client, &a->sub,
                                  &a->scope, &a->audience, &a->jkt,    &a->x5t,
                                  &a->acr,   &a->details};
    memcpy(out, all, sizeof(all));
}

static bool recall(struct eid_tokens *t, struct name name, struct eid_access *out,
                   struct ndc_arena *arena)
{
    struct shard *s = shard_of(t, name);
    struct ndc_str *texts[TEXTS];
    ndc_mutex_lock(&s->lock);
    struct checked *c = &s->checked[name.a % CHECKED_SLOTS];
    bool found = same(c->name, name);
    if (found) {
        *out = c->access;
        texts_of(out, texts);
        for (int i = 0; i < TEXTS; i++)
            *texts[i] = ndc_arena_str(arena, *texts[i]);
    }
    ndc_mutex_unlock(&s->lock);
    return found;
}

static void remember(struct eid_tokens *t, struct name name, struct eid_access *access)
{
    struct shard *s = shard_of(t, name);
    struct checked made = {.name = name, .access = *access};
    struct ndc_str *texts[TEXTS];
    size_t len = 0;
    texts_of(&made.access, texts);
    for (int i = 0; i < TEXTS; i++)
        len += texts[i]->len;
    char *at = made.text = ndc_xmalloc(len + 1);
    for (int i = 0; i < TEXTS; i++) {
        if (texts[i]->len) memcpy(at, texts[i]->ptr, texts[i]->len);
        *texts[i] = ndc_str_n(at, texts[i]->len);
        at += texts[i]->len;
    }
    ndc_mutex_lock(&s->lock);
    struct checked *c = &s->checked[name.a % CHECKED_SLOTS];
    free(c->text);
    *c = made;
    ndc_mutex_unlock(&s->lock);
}

static struct ndc_str claim(struct ndc_arena *arena, struct json_object *claims,
                            const char *name)
{
    return ndc_arena_str(arena, ndc_json_get_str(claims, name));
}

static enum ndc_err read_claims(struct ndc_eid *eid, struct eid_access *out,
                                struct ndc_arena *arena, struct ndc_str payload,
                                struct ndc_fault *fault)
{
    struct json_object *claims;
    if (ndc_json_parse(&claims, payload, NULL))
        return eid_refuse(fault, "invalid_token", "the token has no claims");
    struct json_object *cnf = ndc_json_get(claims, "cnf");
    *out = (struct eid_access){.jti = claim(arena, claims, "jti"),
                               .client = claim(arena, claims, "client_id"),
                               .sub = claim(arena, claims, "sub"),
                               .scope = claim(arena, claims, "scope"),
                               .acr = claim(arena, claims, "acr"),
                               .audience = claim(arena, claims, "aud"),
                               .iat_s = ndc_json_get_i64(claims, "iat", 0),
                               .exp_s = ndc_json_get_i64(claims, "exp", 0),
                               .auth_s = ndc_json_get_i64(claims, "auth_time", 0)};
    struct json_object *details = ndc_json_get(claims, "authorization_details");
    if (details)
        out->details = ndc_arena_str(arena, ndc_str(json_object_to_json_string_ext(
                                                details, JSON_C_TO_STRING_PLAIN)));
    if (cnf) out->jkt = claim(arena, cnf, "jkt");
    if (cnf) out->x5t = claim(arena, cnf, "x5t#S256");
    size_t dot = ndc_str_find(out->jti, '.');
    if (dot < out->jti.len) out->grant = ndc_str_n(out->jti.ptr, dot);
    bool ours = ndc_str_eq(ndc_json_get_str(claims, "iss"), eid->issuer);
    json_object_put(claims);
    if (!ours) return eid_refuse(fault, "invalid_token", "the token has another issuer");
    return NDC_OK;
}

static enum ndc_err check_new(struct ndc_eid *eid, struct eid_access *out,
                              struct ndc_arena *arena, struct ndc_str token,
                              struct ndc_fault *fault)
{
    struct ndc_jws jws;
    struct ndc_fault why = {0};
    if (ndc_jws_parse(&jws, arena, token, &why))
        return eid_refuse(fault, "invalid_token", "this is no access token: %s",
                          why.message);
    enum ndc_err err = ndc_str_eq_c(jws.typ, "at+jwt")
                           ? eid_signed(eid, &jws, fault)
                           : eid_refuse(fault, "invalid_token",
                                        "this is no access token: its typ is not at+jwt");
    if (!err) err = read_claims(eid, out, arena, jws.payload, fault);
    ndc_jws_free(&jws);
    return err;
}

enum ndc_err eid_access_check(struct ndc_eid *eid, struct eid_access *out,
                              struct ndc_arena *arena, struct ndc_str token,
                              struct ndc_fault *fault)
{
    struct name name = name_of(eid->tokens, token);
    if (!recall(eid->tokens, name, out, arena)) {
        NDC_TRY(check_new(eid, out, arena, token, fault));
        remember(eid->tokens, name, out);
    }
    if (out->exp_s * 1000 <= ndc_clock_wall_ms())
        return eid_refuse(fault, "invalid_token", "the token has expired");
    if ((out->grant.len && is_revoked(eid->tokens, out->grant)) ||
        is_revoked(eid->tokens, out->jti))
        return eid_refuse(fault, "invalid_token", "the token was revoked");
    return NDC_OK;
}

/* The provider's own signing keys (keys.h). Private parts lie sealed in the database, so
 * that all processes sign alike; the seal's key is a file. */
#include "platforms/eid/provider/keys.h"

#include "crypto/token.h"
#include "platforms/eid/provider/oauth.h"
#include "sys/clock.h"

enum { KEYS_MAX = 64, KEY_BYTES_MAX = 16 << 10 };

struct key {
    struct ndc_jwk *jwk;
    int64_t active_ms, retired_ms;
};

/* One reading of the table; counted, so that who signs needs no lock while it does. */
struct set {
    unsigned refs; /* under the lock */
    struct key keys[KEYS_MAX];
    unsigned n;
    struct ndc_buf published; /* JSON */
};

struct eid_keys {
    struct ndc_mutex lock; /* guards `set` and its count */
    struct set *set;
};

static void set_free(struct set *s)
{
    if (!s) return;
    for (unsigned i = 0; i < s->n; i++)
        ndc_jwk_unref(s->keys[i].jwk);
    ndc_buf_free(&s->published);
    free(s);
}

static struct set *take(struct eid_keys *k)
{
    ndc_mutex_lock(&k->lock);
    struct set *s = k->set;
    s->refs++;
    ndc_mutex_unlock(&k->lock);
    return s;
}

static void give(struct eid_keys *k, struct set *s)
{
    ndc_mutex_lock(&k->lock);
    bool last = --s->refs == 0;
    ndc_mutex_unlock(&k->lock);
    if (last) set_free(s);
}

static void publish(struct set *s)
{
    struct ndc_json j;
    ndc_buf_init(&s->published, KEYS_MAX * KEY_BYTES_MAX);
    ndc_json_init(&j, &s->published);
    ndc_json_object(&j);
    ndc_json_key(&j, "keys");
    ndc_json_array(&j);
    for (unsigned i = 0; i < s->n; i++)
        ndc_jwk_public_write(&j, s->keys[i].jwk);
    ndc_json_end(&j);
    ndc_json_end(&j);
}

static enum ndc_err read_key(struct ndc_eid *eid, struct set *s, struct ndc_rows *rows,
                             struct ndc_fault *fault)
{
    struct ndc_buf text;
    struct key *k = &s->keys[s->n];
    ndc_buf_init(&text, KEY_BYTES_MAX);
    enum ndc_err err = ndc_seal_open(eid->seal, &text, ndc_rows_text(rows, 0),
                                     ndc_rows_text(rows, 1), fault);
    if (!err) err = ndc_jwk_parse(&k->jwk, ndc_buf_str(&text), fault);
    if (text.ptr) ndc_secret_wipe(text.ptr, text.cap);
    ndc_buf_free(&text);
    if (err) return err;
    k->active_ms = ndc_rows_i64(rows, 2);
    k->retired_ms = ndc_rows_i64(rows, 3);
    s->n++;
    return NDC_OK;
}

static enum ndc_err read_set(struct ndc_eid *eid, struct set **out,
                             struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    *out = NULL;
    NDC_TRY(ndc_store_take(eid->store, NDC_READ, &conn, fault));
    struct set *s = ndc_xcalloc(1, sizeof(*s));
    enum ndc_err err = NDC_OK;
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT kid, sealed, active_ms, retired_ms FROM eid_key WHERE retired_ms = 0 OR "
        "retired_ms > $1 ORDER BY active_ms, kid LIMIT $2",
        NDC_ARGS(ndc_int(ndc_clock_wall_ms()), ndc_int(KEYS_MAX)));
    while (!err && ndc_rows_next(rows))
        err = read_key(eid, s, rows, fault);
    enum ndc_err ended = ndc_rows_end(rows, err ? NULL : fault);
    ndc_store_give(conn);
    if (!err) err = ended;
    if (err) {
        set_free(s);
        return err;
    }
    publish(s);
    s->refs = 1;
    *out = s;
    return NDC_OK;
}

enum ndc_err eid_keys_refresh(struct ndc_eid *eid, struct ndc_fault *fault)
{
    struct eid_keys *k = eid->keys;
    struct set *now, *before;
    NDC_TRY(read_set(eid, &now, fault));
    ndc_mutex_lock(&k->lock);
    before = k->set;
    k->set = now;
    ndc_mutex_unlock(&k->lock);
    if (before) give(k, before);
    return NDC_OK;
}

/* ---- making ---- */

struct made {
    const char *alg;
    struct ndc_str kid, sealed;
};

struct making {
    struct made items[16];
    unsigned n;
    bool only_missing; /* none is made where one signs already */
    int64_t active_ms, keep_ms;
};

static enum ndc_err insert_keys(struct ndc_store_conn *conn, void *arg,
                                struct ndc_fault *fault)
{
    const struct making *m = arg;
    int64_t now = ndc_clock_wall_ms(), there;
    for (unsigned i = 0; i < m->n; i++) {
        const struct made *k = &m->items[i];
        NDC_TRY(ndc_sql_i64(conn, &there,
                            "SELECT count(*) FROM eid_key WHERE alg = $1 AND "
                            "retired_ms = 0",
                            NDC_ARGS(ndc_textz(k->alg)), fault));
        if (there && m->only_missing) continue;
        NDC_TRY(
            ndc_sql_exec(conn,
                         "UPDATE eid_key SET retired_ms = $2 WHERE alg = $1 AND "
                         "retired_ms = 0",
                         NDC_ARGS(ndc_textz(k->alg), ndc_int(m->active_ms + m->keep_ms)),
                         NULL, fault));
        NDC_TRY(ndc_sql_exec(
            conn,
            "INSERT INTO eid_key (kid, alg, sealed, created_ms, active_ms, retired_ms) "
            "VALUES ($1, $2, $3, $4, $5, 0)",
            NDC_ARGS(ndc_text(k->kid), ndc_textz(k->alg), ndc_text(k->sealed),
                     ndc_int(now), ndc_int(m->active_ms)),
            NULL, fault));
    }
    return eid_changed(conn, fault);
}

static enum ndc_err make_key(struct ndc_eid *eid, struct ndc_arena *arena,
                             struct made *out, const char *alg, struct ndc_fault *fault)
{
    struct ndc_jwk *jwk;
    struct ndc_buf text, sealed;
    NDC_TRY(ndc_jwk_generate(&jwk, alg, fault));
    ndc_buf_init(&text, KEY_BYTES_MAX);
    ndc_buf_init(&sealed, 2 * KEY_BYTES_MAX);
    ndc_jwk_private_add(&text, jwk);
    ndc_seal_add(eid->seal, &sealed, ndc_jwk_kid(jwk), ndc_buf_str(&text));
    *out = (struct made){alg, ndc_arena_str(arena, ndc_jwk_kid(jwk)),
                         ndc_arena_str(arena, ndc_buf_str(&sealed))};
    if (text.ptr) ndc_secret_wipe(text.ptr, text.cap);
    ndc_buf_free(&text);
    ndc_buf_free(&sealed);
    ndc_jwk_unref(jwk);
    return NDC_OK;
}

static enum ndc_err make_all(struct ndc_eid *eid, struct making *m,
                             struct ndc_fault *fault)
{
#define ROW(alg) alg,
    static const char *const algs[] = {EID_ALGS(ROW)};
#undef ROW
    struct ndc_arena arena;
    ndc_arena_init(&arena, (size_t)NDC_ARRAY_LEN(algs) * 4 * KEY_BYTES_MAX);
    enum ndc_err err = NDC_OK;
    for (size_t i = 0; i < NDC_ARRAY_LEN(algs) && !err; i++)
        err = make_key(eid, &arena, &m->items[m->n++], algs[i], fault);
    if (!err) err = ndc_store_write(eid->store, insert_keys, m, fault);
    ndc_arena_free(&arena);
    return err;
}

static bool all_there(const struct set *s)
{
#define ROW(alg) alg,
    static const char *const algs[] = {EID_ALGS(ROW)};
#undef ROW
    for (size_t i = 0; i < NDC_ARRAY_LEN(algs); i++) {
        bool found = false;
        for (unsigned k = 0; k < s->n; k++)
            found |= s->keys[k].retired_ms == 0 &&
                     strcmp(ndc_jwk_alg(s->keys[k].jwk), algs[i]) == 0;
        if (!found) return false;
    }
    return true;
}

enum ndc_err eid_keys_open(struct eid_keys **out, struct ndc_eid *eid,
                           struct ndc_fault *fault)
{
    struct making m = {.only_missing = true};
    struct eid_keys *k = ndc_xcalloc(1, sizeof(*k));
    ndc_mutex_init(&k->lock);
    eid->keys = k;
    enum ndc_err err = eid_keys_refresh(eid, fault);
    if (!err && !all_there(k->set)) {
        err = make_all(eid, &m, fault);
        if (!err) err = eid_keys_refresh(eid, fault);
    }
    if (err) {
        eid_keys_free(k);
        eid->keys = k = NULL;
    }
    *out = k;
    return err;
}

void eid_keys_free(struct eid_keys *k)
{
    if (!k) return;
    set_free(k->set);
    ndc_mutex_free(&k->lock);
    free(k);
}

enum ndc_err eid_keys_rotate(struct ndc_eid *eid, int64_t active_ms, int64_t keep_ms,
                             struct ndc_fault *fault)
{
    struct making m = {.active_ms = active_ms, .keep_ms = keep_ms};
    enum ndc_err err = make_all(eid, &m, fault);
    return err ? err : eid_keys_refresh(eid, fault);
}

/* ---- using ---- */

/* The newest whose time has come; keys are in the order of their times. */
static struct ndc_jwk *signer(const struct set *s, const char *alg)
{
    int64_t now = ndc_clock_wall_ms();
    struct ndc_jwk *found = NULL;
    for (unsigned i = 0; i < s->n; i++)
        if (s->keys[i].active_ms <= now && strcmp(ndc_jwk_alg(s->keys[i].jwk), alg) == 0)
            found = s->keys[i].jwk;
    return found;
}

enum ndc_err eid_sign(struct ndc_eid *eid, struct ndc_buf *out, const char *alg,
                      const char *typ, struct ndc_str payload, struct ndc_fault *fault)
{
    struct set *s = take(eid->keys);
    struct ndc_jwk *key = signer(s, alg);
    enum ndc_err err =
        key ? ndc_jws_sign(out, key, typ, payload, fault)
            : ndc_fail(fault, NDC_EINTERNAL, "eid.key", "there is no key for %s", alg);
    give(eid->keys, s);
    return err;
}

enum ndc_err eid_signed(struct ndc_eid *eid, const struct ndc_jws *jws,
                        struct ndc_fault *fault)
{
    struct ndc_fault why = {0};
    struct set *s = take(eid->keys);
    bool good = false;
    for (unsigned i = 0; i < s->n && !good; i++)
        if (ndc_str_eq(ndc_jwk_kid(s->keys[i].jwk), jws->kid))
            good = ndc_jws_verify(jws, s->keys[i].jwk, &why) == NDC_OK;
    give(eid->keys, s);
    if (good) return NDC_OK;
    return eid_refuse(fault, "invalid_token", "the token was not signed here%s%s",
                      why.message[0] ? ": " : "", why.message);
}

void eid_keys_publish(struct ndc_eid *eid, struct ndc_buf *out)
{
    struct set *s = take(eid->keys);
    ndc_buf_add_str(out, ndc_buf_str(&s->published));
    give(eid->keys, s);
}

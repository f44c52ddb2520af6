/* Opening an account: somebody says who they are, the registry says whether that fits.
 * That makes level 1; level 2 is made at a desk, in person. */
#include "platforms/eid/http.h"
#include "platforms/eid/match.h"

#include "store/writer.h"
#include "sys/clock.h"

enum { CONTACT_BYTES_MAX = 200 };

struct opening {
    struct ndc_request *req;
    struct eid_account account;
    const char *hash; /* of the password */
    struct eid_session_new session;
    bool taken_over;            /* a child's account that its owner is old enough for */
    struct eid_interaction way; /* that led here; without id: none that it moves */
};

/* ---- what was typed ---- */

static enum ndc_err read_phone(struct ndc_request *req, struct ndc_str typed,
                               struct ndc_str *out, struct ndc_fault *fault)
{
    struct ndc_str forms[2];
    *out = NDC_STR("");
    if (!ndc_str_trim(typed).len) return NDC_OK;
    size_t n = eid_login_read(req->arena, typed, forms);
    for (size_t i = 0; i < n; i++)
        if (ndc_str_starts(forms[i], NDC_STR("phone:"))) *out = ndc_str_from(forms[i], 6);
    if (out->len) return NDC_OK;
    return ndc_fail_at(fault, NDC_EINPUT, "eid.phone", "phone", 0,
                       "this is no telephone number; write 0912345678 or +84912345678");
}

static enum ndc_err read_email(struct ndc_request *req, struct ndc_str typed,
                               struct ndc_str *out, struct ndc_fault *fault)
{
    struct ndc_str forms[2], s = ndc_str_trim(typed);
    *out = NDC_STR("");
    if (!s.len) return NDC_OK;
    size_t at = ndc_str_find(s, '@');
    bool good = s.len <= CONTACT_BYTES_MAX && at > 0 && at + 1 < s.len;
    for (size_t i = 0; i < s.len && good; i++)
        good = (unsigned char)s.ptr[i] > ' ' && s.ptr[i] != ':';
    if (good && eid_login_read(req->arena, s, forms) == 1) {
        *out = ndc_str_from(forms[0], sizeof("email:") - 1);
        return NDC_OK;
    }
    return ndc_fail_at(fault, NDC_EINPUT, "eid.email", "email", 0,
                       "this is no e-mail address");
}

/* ---- matching, slowed down ---- */

static enum ndc_err match(struct ndc_request *req, struct json_object *body,
                          struct eid_entity *e, struct ndc_fault *fault)
{
    struct ndc_str number = eid_text(ndc_json_get_str(body, "number"));
    NDC_TRY(eid_throttle(req, "enrol", number, fault));
    enum ndc_err err =
        eid_match_person(req->arena, number, eid_text(ndc_json_get_str(body, "name")),
                         eid_text(ndc_json_get_str(body, "birth_date")), e, fault);
    if (err == NDC_EINPUT) {
        eid_throttle_result(req, "enrol", number, false);
        ndc_request_audit(req, "account.no_match", NDC_STR(""), NULL);
    }
    if (err) return err;
    eid_throttle_result(req, "enrol", number, true);
    if (e->flags & NDC_PEOPLE_DEAD)
        return ndc_fail(fault, NDC_EDENIED, "eid.dead",
                        "the national database says that this person has died; if that "
                        "is wrong, go to an enrolment desk");
    if (e->flags & NDC_PEOPLE_FROZEN)
        return ndc_fail(fault, NDC_EDENIED, "eid.frozen",
                        "the identity is frozen; go to an enrolment desk");
    return NDC_OK;
}

static struct ndc_str proof_text(struct ndc_arena *arena, const char *how)
{
    return ndc_arena_printf(arena, "[{\"level\":1,\"how\":\"%s\",\"at_ms\":%lld}]", how,
                            (long long)ndc_clock_wall_ms());
}

static struct ndc_str new_id(struct ndc_arena *arena)
{
    char id[NDC_EID_ID_LEN + 1];
    ndc_token_id(id, NDC_EID_ID_LEN);
    return ndc_arena_str(arena, ndc_str(id));
}

static void describe(struct ndc_request *req, const struct eid_entity *e,
                     struct eid_account *a)
{
    *a = (struct eid_account){
        .account = new_id(req->arena),
        .kind =
            e->type == NDC_ENTITY_PERSON ? NDC_STR("citizen") : NDC_STR("organisation"),
        .state = NDC_STR("active"),
        .number = e->number,
        .name = e->name,
        .birth_date = ndc_arena_str(req->arena, ndc_str(e->birth_text)),
        .phone = NDC_STR(""),
        .email = NDC_STR(""),
        .guardian = NDC_STR(""),
        .user_name = NDC_STR(""),
        .proof = proof_text(req->arena, "registry"),
        .entity = e->entity,
        .level = 1,
        .created_ms = ndc_clock_wall_ms()};
}

/* ---- a citizen's own ---- */

/* A child's account was opened by a guardian; at fourteen it becomes its owner's. */
static enum ndc_err take_over(struct ndc_store_conn *conn, struct opening *o,
                              struct ndc_fault *fault)
{
    struct eid_account had;
    o->taken_over = false;
    NDC_TRY(eid_account_of_entity(conn, o->req->arena, o->account.entity, &had, fault));
    if (!had.account.ptr || !had.guardian.len) return NDC_OK;
    NDC_TRY(eid_account_check(&had, fault));
    NDC_TRY(
        ndc_sql_exec(conn,
                     "UPDATE eid_account SET guardian = '', phone = $2, email = $3, "
                     "changed_ms = $4 WHERE account = $1",
                     NDC_ARGS(ndc_text(had.account), ndc_text(o->account.phone),
                              ndc_text(o->account.email), ndc_int(ndc_clock_wall_ms())),
                     NULL, fault));
    o->taken_over = true;
    o->account.account = had.account;
    o->account.level = had.level;
    o->session.account = had.account;
    NDC_TRY(eid_login_insert(conn, had.account, "phone", o->account.phone, fault));
    return eid_login_insert(conn, had.account, "email", o->account.email, fault);
}

/* The sign-in on the way of which the account was opened is where a password leads. */
static enum ndc_err go_on(struct ndc_store_conn *conn, struct opening *o,
                          struct ndc_fault *fault)
{
    const struct eid_interaction next = {.amr = NDC_STR("pwd"),
                                         .sid = ndc_str(o->session.sid)};
    bool own = ndc_str_eq_c(o->way.kind, "account");
    return eid_interaction_move(conn, &o->way, own ? NDC_STR("done") : NDC_STR("consent"),
                                o->account.account,
                                eid_interaction_passed(o->req->arena, &next), fault);
}

/* One that asks for more than a password stays where it is; one that is over meanwhile
 * is no reason not to open the account. */
static enum ndc_err read_way(struct ndc_request *req, struct ndc_str id,
                             struct eid_interaction *way, struct ndc_fault *fault)
{
    *way = (struct eid_interaction){.id = NDC_STR_NULL};
    if (!id.len) return NDC_OK;
    enum ndc_err err = eid_interaction_read(req, id, way, fault);
    if (err == NDC_ENOTFOUND) {
        *way = (struct eid_interaction){.id = NDC_STR_NULL};
        *fault = (struct ndc_fault){0};
        return NDC_OK;
    }
    if (err) return err;
    bool fits = ndc_str_eq_c(way->state, "sign-in") && !way->account.len &&
                !way->only_account.len && eid_acr_rank(way->acr) <= 1;
    if (!fits) way->id = NDC_STR_NULL;
    return NDC_OK;
}

static enum ndc_err write_opening(struct ndc_store_conn *conn, void *arg,
                                  struct ndc_fault *fault)
{
    struct opening *o = arg;
    const struct eid_authenticator password = {.kind = NDC_STR("password"),
                                               .secret = ndc_str(o->hash)};
    NDC_TRY(take_over(conn, o, fault));
    if (!o->taken_over) NDC_TRY(eid_account_insert(conn, &o->account, fault));
    NDC_TRY(eid_authenticator_insert(conn, o->account.account, &password, NULL, fault));
    NDC_TRY(eid_session_put(conn, &o->session, fault));
    return o->way.id.len ? go_on(conn, o, fault) : NDC_OK;
}

static void answer(struct ndc_request *req, const struct eid_account *a)
{
    ndc_json_object(&req->json);
    ndc_json_kv_str(&req->json, "account", a->account);
    ndc_json_kv_i64(&req->json, "level", a->level);
    ndc_json_end(&req->json);
}

/* Known before a password is hashed for nothing; the write looks again. */
static enum ndc_err check_new(struct ndc_request *req, uint64_t entity,
                              struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    struct eid_account had;
    NDC_TRY(eid_conn(req, &conn, fault));
    enum ndc_err err = eid_account_of_entity(conn, req->arena, entity, &had, fault);
    ndc_store_give(conn);
    if (!err && had.account.ptr && !had.guardian.len)
        err = ndc_fail(fault, NDC_ECONFLICT, "eid.exists",
                       "there is an account already: sign in, or have it reset at a "
                       "desk");
    return err;
}

enum ndc_err eid_post_account(struct ndc_request *req, struct ndc_fault *fault)
{
    struct json_object *body;
    struct eid_entity e;
    struct opening o = {.req = req};
    char hash[NDC_PASSWORD_HASH_BYTES];
    NDC_TRY(ndc_request_json(req, &body, fault));
    NDC_TRY(match(req, body, &e, fault));
    if (eid_age(e.birth, ndc_clock_wall_ms()) < EID_ADULT_YEARS)
        return ndc_fail(fault, NDC_EDENIED, "eid.under_age",
                        "who is under %d opens an account through a parent's",
                        EID_ADULT_YEARS);
    NDC_TRY(check_new(req, e.entity, fault));
    NDC_TRY(read_way(req, ndc_json_get_str(body, "interaction"), &o.way, fault));
    describe(req, &e, &o.account);
    NDC_TRY(read_phone(req, ndc_json_get_str(body, "phone"), &o.account.phone, fault));
    NDC_TRY(read_email(req, ndc_json_get_str(body, "email"), &o.account.email, fault));
    NDC_TRY(eid_password_hash(ndc_eid_of(req), hash,
                              eid_text(ndc_json_get_str(body, "password")), e.number,
                              fault));
    o.hash = hash;
    eid_session_prepare(req, &o.session, o.account.account, NDC_STR("urn:ndc:eid:1"),
                        NDC_STR("pwd"));
    NDC_TRY(ndc_store_write(ndc_eid_of(req)->store, write_opening, &o, fault));
    eid_session_give(req, &o.session);
    eid_act_as(req, &o.account);
    eid_audit(req, o.taken_over ? "account.take_over" : "account.open", &o.account,
              NDC_STR_NULL);
    answer(req, &o.account);
    return NDC_OK;
}

/* ---- a child's, an organisation's ---- */

static enum ndc_err write_other(struct ndc_store_conn *conn, void *arg,
                                struct ndc_fault *fault)
{
    const struct opening *o = arg;
    const struct eid_authenticator password = {.kind = NDC_STR("password"),
                                               .secret = ndc_str(o->hash)};
    NDC_TRY(eid_account_insert(conn, &o->account, fault));
    if (!o->hash) return NDC_OK;
    return eid_authenticator_insert(conn, o->account.account, &password, NULL, fault);
}

enum ndc_err eid_post_child(struct ndc_request *req, struct ndc_fault *fault)
{
    struct json_object *body;
    struct eid_signed_in by;
    struct eid_account a;
    struct eid_entity e;
    struct opening o = {.req = req};
    NDC_TRY(ndc_request_json(req, &body, fault));
    NDC_TRY(eid_need_fresh(req, &by, &a, fault));
    NDC_TRY(match(req, body, &e, fault));
    int age = eid_age(e.birth, ndc_clock_wall_ms());
    if (age >= EID_ADULT_YEARS || age < EID_CHILD_YEARS)
        return ndc_fail(fault, NDC_EDENIED, "eid.age",
                        "a parent opens an account for a child of %d to %d",
                        EID_CHILD_YEARS, EID_ADULT_YEARS - 1);
    if (!a.number.len || (!ndc_str_eq(e.parent_ids[0], a.number) &&
                          !ndc_str_eq(e.parent_ids[1], a.number)))
        return ndc_fail(fault, NDC_EDENIED, "eid.guardian",
                        "the national database does not have you as this child's parent; "
                        "an enrolment desk can help");
    NDC_TRY(check_new(req, e.entity, fault));
    describe(req, &e, &o.account);
    o.account.guardian = a.account;
    NDC_TRY(ndc_store_write(ndc_eid_of(req)->store, write_other, &o, fault));
    eid_audit(req, "account.open_child", &o.account, NDC_STR_NULL);
    answer(req, &o.account);
    return NDC_OK;
}

enum ndc_err eid_post_organisation(struct ndc_request *req, struct ndc_fault *fault)
{
    struct json_object *body;
    struct eid_signed_in by;
    struct eid_account a;
    struct eid_entity e;
    struct opening o = {.req = req};
    char hash[NDC_PASSWORD_HASH_BYTES];
    NDC_TRY(ndc_request_json(req, &body, fault));
    NDC_TRY(eid_need_fresh(req, &by, &a, fault));
    NDC_TRY(eid_match_organisation(req->arena, eid_text(ndc_json_get_str(body, "number")),
                                   &e, fault));
    if (!a.number.len || !ndc_str_eq(e.rep_id, a.number))
        return ndc_fail(fault, NDC_EDENIED, "eid.representative",
                        "the national database does not have you as the legal "
                        "representative of this organisation");
    if (e.flags & NDC_PEOPLE_DEAD)
        return ndc_fail(fault, NDC_EDENIED, "eid.dead", "the organisation is closed");
    describe(req, &e, &o.account);
    o.account.guardian = a.account;
    o.account.level = a.level; /* whoever answers for it was proofed so */
    NDC_TRY(eid_password_hash(ndc_eid_of(req), hash,
                              eid_text(ndc_json_get_str(body, "password")), e.number,
                              fault));
    o.hash = hash;
    NDC_TRY(ndc_store_write(ndc_eid_of(req)->store, write_other, &o, fault));
    eid_audit(req, "account.open_organisation", &o.account, NDC_STR_NULL);
    answer(req, &o.account);
    return NDC_OK;
}

/* An interaction as its page sees it. */
#include "platforms/eid/web.h"

static void write_client(struct ndc_json *j, const struct eid_interaction *it)
{
    static const char *const members[] = {"name", "uri", "logo_uri", "policy_uri",
                                          "tos_uri"};
    struct json_object *ask = NULL;
    ndc_json_key(j, "client");
    if (!it->client.len || ndc_json_parse(&ask, it->ask, NULL)) {
        ndc_json_null(j);
        return;
    }
    ndc_json_object(j);
    ndc_json_kv_str(j, "id", it->client);
    for (size_t i = 0; i < NDC_ARRAY_LEN(members); i++)
        ndc_json_kv_str(j, members[i], ndc_json_get_str(ask, members[i]));
    ndc_json_end(j);
    json_object_put(ask);
}

static const char *step_of(const struct eid_interaction *it)
{
    if (ndc_str_eq_c(it->state, "consent")) return "consent";
    if (!ndc_str_eq_c(it->state, "sign-in")) return "done";
    return it->account.len ? "second" : "sign-in";
}

/* What may be shown now. Before anybody is known it is what anybody might have. */
static void write_methods(struct ndc_json *j, const struct eid_interaction *it,
                          const struct eid_authenticators *all)
{
    bool first = !it->account.len;
    ndc_json_key(j, "methods");
    ndc_json_array(j);
    if (ndc_str_eq_c(it->state, "sign-in")) {
        if (first || eid_authenticator_of(all, "passkey")) ndc_json_c(j, "passkey");
        if (first) ndc_json_c(j, "password");
        if (!first && eid_authenticator_of(all, "totp")) ndc_json_c(j, "totp");
        if (first || eid_authenticator_of(all, "recovery")) ndc_json_c(j, "recovery");
    }
    ndc_json_end(j);
}

static void write_account(struct ndc_request *req, const struct eid_interaction *it,
                          const struct eid_account *a)
{
    struct ndc_json *j = &req->json;
    ndc_json_key(j, "account");
    if (!a->account.ptr) {
        ndc_json_null(j);
        return;
    }
    bool in = it->sid.len > 0; /* signed in, not halfway */
    ndc_json_object(j);
    ndc_json_kv_str(j, "name", in ? a->name : eid_name_masked(req->arena, a->name));
    ndc_json_kv_str(j, "number_masked", eid_number_masked(req->arena, a->number));
    ndc_json_end(j);
}

static enum ndc_err read_who(struct ndc_request *req, const struct eid_interaction *it,
                             struct eid_account *a, struct eid_authenticators *all,
                             struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    *a = (struct eid_account){.account = NDC_STR_NULL};
    all->n = 0;
    if (!it->account.len) return NDC_OK;
    NDC_TRY(eid_conn(req, &conn, fault));
    enum ndc_err err = eid_account_row(conn, req->arena, it->account, a, fault);
    if (!err) err = eid_authenticators_read(conn, req->arena, it->account, all, fault);
    ndc_store_give(conn);
    return err;
}

enum ndc_err eid_interaction_answer(struct ndc_request *req, struct ndc_str id,
                                    struct ndc_fault *fault)
{
    struct eid_interaction it;
    struct eid_account a;
    struct eid_authenticators all;
    struct ndc_json *j = &req->json;
    NDC_TRY(eid_interaction_read(req, id, &it, fault));
    NDC_TRY(read_who(req, &it, &a, &all, fault));
    bool done = strcmp(step_of(&it), "done") == 0;
    ndc_json_object(j);
    ndc_json_kv_str(j, "id", it.id);
    ndc_json_kv_str(j, "kind", it.kind);
    ndc_json_kv_c(j, "step", step_of(&it));
    write_methods(j, &it, &all);
    ndc_json_key(j, "need");
    ndc_json_object(j);
    ndc_json_kv_str(j, "acr", it.acr.len ? it.acr : NDC_STR_NULL);
    ndc_json_kv_i64(j, "level", eid_acr_rank(it.acr) == 3 ? 2 : 1);
    ndc_json_end(j);
    write_client(j, &it);
    eid_words(j, "scopes", it.scopes);
    eid_words(j, "claims", it.claims);
    ndc_json_key(j, "authorization_details");
    ndc_json_raw(j, it.details.len ? it.details : NDC_STR("[]"));
    ndc_json_kv_str(j, "purpose", it.purpose);
    ndc_json_kv_str(j, "login_hint", it.login_hint);
    write_account(req, &it, &a);
    ndc_json_kv_str(j, "location",
                    done ? eid_interaction_location(req->arena, &it) : NDC_STR_NULL);
    ndc_json_kv_time(j, "expires_at", it.expires_ms);
    ndc_json_end(j);
    return NDC_OK;
}

/* stub */
#include "core/identity.h"
#include "core/grant.h"
struct ndc_identity { int x; };
const struct ndc_principal ndc_principal_anonymous = {.kind = NDC_POLICY_ANONYMOUS, .id = {"anonymous", 9}};
const struct ndc_platform ndc_identity_platform = {.code = "identity", .title_vi = "Định danh", .title_en = "Identity", .summary = "Users, sessions, keys."};
enum ndc_err ndc_identity_open(struct ndc_identity **out, struct ndc_store *store, const struct ndc_platform *const *platforms, const struct ndc_identity_options *options, struct ndc_fault *fault)
{ (void)store; (void)platforms; (void)options; (void)fault; *out = ndc_xcalloc(1, sizeof(**out)); return NDC_OK; }
void ndc_identity_close(struct ndc_identity *identity) { free(identity); }
enum ndc_err ndc_identity_first_user(struct ndc_identity *identity, char password[64], bool *made, struct ndc_fault *fault)
{ (void)identity; (void)password; (void)fault; *made = false; return NDC_OK; }
enum ndc_err ndc_grant_find(struct ndc_identity *identity, struct ndc_http *x, const struct ndc_grant **out, struct ndc_fault *fault)
{ (void)identity; (void)x; (void)fault; *out = NULL; return NDC_OK; }
void ndc_grant_drop(const struct ndc_grant *grant) { (void)grant; }

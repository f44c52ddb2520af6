/* Who asks: a user of the console, an agency's system, a command, or nobody. */
#ifndef NDC_CORE_PRINCIPAL_H
#define NDC_CORE_PRINCIPAL_H

#include "base/str.h"
#include "core/policy.h"

enum { NDC_PERMISSIONS_MAX = 256, NDC_PRINCIPAL_ROLES_MAX = 16 };

/* Immutable; shared by all requests of a session or key. */
struct ndc_principal {
    enum ndc_policy_kind
        kind;                 /* ANONYMOUS, OPERATOR or OFFICIAL (users), SYSTEM (keys) */
    struct ndc_str id;        /* "user:lan", "key:7KX2M9QD", stable, in the audit log */
    struct ndc_str name;      /* for people */
    struct ndc_str agency;    /* code, or empty */
    struct ndc_str entity_id; /* own entity in registry, or empty */
    const struct ndc_str *roles;
    size_t roles_n;
    uint64_t permissions[NDC_PERMISSIONS_MAX / 64]; /* bits: ndc_permission_bit */
};

/* Whether the principal has a permission, by name: for what depends on more than the
 * row's own permission. A name no table has aborts. */
bool ndc_principal_may(const struct ndc_principal *principal, const char *permission);

#endif

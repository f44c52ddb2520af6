/* Permission names to bits. */
#include "core/permission.h"

static const struct ndc_permission *permissions[NDC_PERMISSIONS_MAX];
static size_t permissions_n;

void ndc_permissions_setup(const struct ndc_platform *const *platforms)
{
    permissions_n = 0;
    for (size_t p = 0; platforms[p]; p++) {
        for (size_t i = 0; i < platforms[p]->permissions_n; i++) {
            const struct ndc_permission *permission = &platforms[p]->permissions[i];
            if (ndc_permission_bit(ndc_str(permission->name)) >= 0) continue;
            NDC_ASSERT(permissions_n < NDC_PERMISSIONS_MAX);
            permissions[permissions_n++] = permission;
        }
    }
}

size_t ndc_permissions_count(void)
{
    return permissions_n;
}

const struct ndc_permission *ndc_permission_at(size_t bit)
{
    return permissions[bit];
}

int ndc_permission_bit(struct ndc_str name)
{
    for (size_t i = 0; i < permissions_n; i++)
        if (ndc_str_eq_c(name, permissions[i]->name)) return (int)i;
    return -1;
}

bool ndc_principal_may(const struct ndc_principal *principal, const char *permission)
{
    int bit = ndc_permission_bit(ndc_str(permission));
    NDC_ASSERT(bit >= 0);
    return ndc_permission_has(principal->permissions, (unsigned)bit);
}

/* A store of its own for a test of the audit log, on either database, and small helpers.
 */
#ifndef NDC_TESTS_CORE_AUDIT_FIXTURE_H
#define NDC_TESTS_CORE_AUDIT_FIXTURE_H

#include "tests/db.h"

#include "core/audit.h"
#include "core/audit_export.h"
#include "core/audit_internal.h"
#include "sys/file.h"

#include <unistd.h>

struct log_fixture {
    char key[160];
    const char *url;
    struct ndc_store *store;
    struct ndc_audit *audit;
};

#define must(call)                                                           \
    do {                                                                     \
        fault = (struct ndc_fault){0};                                       \
        enum ndc_err err_ = (call);                                          \
        if (err_) fail_msg("%s: %s (%s)", #call, fault.message, fault.code); \
    } while (0)

static inline void log_open(struct log_fixture *f)
{
    struct ndc_fault fault;
    must(ndc_store_open(&f->store, f->url, NULL, &fault));
    must(ndc_audit_open(&f->audit, f->store,
                        &(struct ndc_audit_options){.key_path = f->key}, &fault));
}

static inline void log_close(struct log_fixture *f)
{
    ndc_audit_close(f->audit);
    ndc_store_close(f->store);
}

/* A fresh database of the test's kind and a key path; opens nothing. */
static inline struct log_fixture log_new(void **state)
{
    static unsigned keys;
    struct log_fixture f = {.url = test_db_url(state)};
    snprintf(f.key, sizeof(f.key), "%s/audit-%u.key", test_db_folder(), keys++);
    return f;
}

static inline struct ndc_audit_event event_of(const char *principal,
                                              const struct ndc_str *subjects, size_t n)
{
    struct ndc_audit_event e = {
        .principal = ndc_str(principal),
        .agency = NDC_STR("tax"),
        .action = NDC_STR("read"),
        .purpose = NDC_STR("tax"),
        .legal_basis = NDC_STR("Luật Quản lý thuế 38/2019/QH14"),
        .platform = NDC_STR("registry"),
        .route = NDC_STR("GET /api/registry/persons/{id}"),
        .subjects = subjects,
        .subject_count = n,
        .outcome = NDC_POLICY_PERMIT,
        .rule = NDC_STR("tax-identity"),
        .request_id = NDC_STR("01JABCDEF"),
        .client = NDC_STR("10.0.0.7"),
    };
    ndc_field_set_add(&e.fields, 0);
    ndc_field_set_add(&e.fields, 31);
    return e;
}

#endif

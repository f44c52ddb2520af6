/* What an X.509 certificate is called: its subject, and its alternative names. Of RFC
 * 8705, 2.1.2: a client is known by one of them. */
#ifndef NDC_CRYPTO_CERT_NAME_H
#define NDC_CRYPTO_CERT_NAME_H

#include "base/error.h"
#include "base/str.h"

enum ndc_cert_name {
    NDC_CERT_SUBJECT, /* RFC 4514: "CN=app.example,O=Một cơ quan,C=VN" */
    NDC_CERT_DNS,
    NDC_CERT_URI,
    NDC_CERT_IP, /* "192.0.2.7", "2001:db8::7" */
    NDC_CERT_EMAIL
};

enum { NDC_CERT_NAME_MAX = 1024 };

/* Whether the text can be such a name at all. Fault: cert_name.syntax. */
enum ndc_err ndc_cert_name_check(enum ndc_cert_name kind, struct ndc_str text,
                                 struct ndc_fault *fault) NDC_MUST_USE;
/* Whether the certificate (DER) is called so. Subjects are compared by value: spelling of
 * types, case and spaces do not matter, the order does. Of alternative names one is
 * enough; DNS names and mail domains in any case. */
bool ndc_cert_name_is(struct ndc_str der, enum ndc_cert_name kind, struct ndc_str text);

#endif

/* The client's certificate, as GnuTLS verified it under libmicrohttpd. */
#include "net/server.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

bool ndc_http_client_cert(struct ndc_http *pub, uint8_t sha256[32])
{
    struct exchange *x = (struct exchange *)pub;
    if (!x->server->client_ca) return false;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(x->mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    unsigned status = 0, n = 0;
    size_t len = 32;
    if (!info) return false;
    gnutls_session_t session = info->tls_session;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &n);
    if (!chain || n == 0) return false;
    if (gnutls_certificate_verify_peers2(session, &status) < 0 || status != 0)
        return false;
    return gnutls_fingerprint(GNUTLS_DIG_SHA256, &chain[0], sha256, &len) == 0 &&
           len == 32;
}

/* The client's certificate, as GnuTLS verified it under libmicrohttpd. */
#include "net/server.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

static gnutls_session_t session_of(const struct exchange *x)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(x->mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    return info ? info->tls_session : NULL;
}

static bool read_cert(const struct exchange *x, uint8_t sha256[32])
{
    gnutls_session_t session = session_of(x);
    unsigned status = 0, n = 0;
    size_t len = 32;
    if (!session) return false;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &n);
    if (!chain || n == 0) return false;
    if (gnutls_certificate_verify_peers2(session, &status) < 0 || status != 0)
        return false;
    return gnutls_fingerprint(GNUTLS_DIG_SHA256, &chain[0], sha256, &len) == 0 &&
           len == 32;
}

/* Checking a chain takes as long as a hundred requests, and a connection's certificate
 * stays what it is: asked for at the first request that needs it. */
bool ndc_http_client_cert(struct ndc_http *pub, uint8_t sha256[32])
{
    struct exchange *x = (struct exchange *)pub;
    struct conn *conn = x->conn;
    if (!x->server->client_ca) return false;
    if (conn->cert == CERT_UNKNOWN)
        conn->cert = read_cert(x, conn->cert_sha256) ? CERT_GOOD : CERT_NONE;
    if (conn->cert == CERT_GOOD) memcpy(sha256, conn->cert_sha256, 32);
    return conn->cert == CERT_GOOD;
}

bool ndc_http_client_cert_shown(struct ndc_http *pub, struct ndc_client_cert *out)
{
    struct exchange *x = (struct exchange *)pub;
    unsigned n = 0;
    size_t len = sizeof(out->sha256);
    if (!x->server->client_ca) return false;
    gnutls_session_t session = session_of(x);
    const gnutls_datum_t *chain =
        session ? gnutls_certificate_get_peers(session, &n) : NULL;
    if (!chain || n == 0 ||
        gnutls_fingerprint(GNUTLS_DIG_SHA256, &chain[0], out->sha256, &len) != 0 ||
        len != sizeof(out->sha256))
        return false;
    out->der = ndc_str_n((const char *)chain[0].data, chain[0].size);
    out->trusted = ndc_http_client_cert(pub, (uint8_t[32]){0});
    return true;
}

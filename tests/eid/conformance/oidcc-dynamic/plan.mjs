// oidcc-dynamic-certification, code flow: registration and what depends on it. Six of its
// modules want addresses of the client's to be fetched (jwks_uri, sector_identifier_uri,
// request_uri); this provider fetches none, so it could not be certified for this plan.
const fetched = 'the provider fetches no addresses that clients name (no way into its network by them)';

export default {
  folders: ['oidcc-dynamic', 'oidcc-basic'],
  modules: [
    'oidcc-idtoken-rs256',
    'oidcc-idtoken-unsigned',
    'oidcc-userinfo-rs256',
    'oidcc-ensure-redirect-uri-in-authorization-request',
    'oidcc-redirect-uri-query-OK',
    'oidcc-redirect-uri-query-mismatch',
    'oidcc-redirect-uri-query-added',
    'oidcc-redirect-uri-regfrag',
    'oidcc-server',
    'oidcc-registration-logo-uri',
    'oidcc-registration-policy-uri',
    'oidcc-registration-tos-uri',
    'oidcc-server-rotate-keys',
    'oidcc-ensure-request-object-with-redirect-uri',
    'oidcc-refresh-token',
    'oidcc-ensure-client-assertion-with-iss-aud-succeeds',
  ],
  notApplicable: {
    'oidcc-discovery-endpoint-verification': 'run in oidcc-config',
    'oidcc-registration-jwks-uri': fetched,
    'oidcc-registration-sector-uri': fetched,
    'oidcc-registration-sector-bad': fetched,
    'oidcc-refresh-token-rp-key-rotation': fetched,
    'oidcc-request-uri-unsigned': fetched,
    'oidcc-request-uri-signed-rs256': fetched,
  },
};

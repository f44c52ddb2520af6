// Reads the discovery document.
// Asserts: all that any document must be (frame/discovery.mjs); response type code; the PAR
// endpoint; iss in authorization responses; private_key_jwt; ES256, PS256 or EdDSA for ID
// tokens, client assertions and, by the plan's variant, DPoP proofs, or certificate-bound access
// tokens; PKCE's S256; scope openid; subject types.
import { document, has, hasOne } from '../frame/discovery.mjs';

export default async function (t) {
  const d = await document(t);
  const good = ['PS256', 'ES256', 'EdDSA'];
  has(t, d, 'response_types_supported', 'code');
  t.check('the PAR endpoint is there', d.pushed_authorization_request_endpoint);
  t.equal('authorization responses have iss', d.authorization_response_iss_parameter_supported, true);
  has(t, d, 'token_endpoint_auth_methods_supported', 'private_key_jwt');
  hasOne(t, d, 'id_token_signing_alg_values_supported', ...good);
  hasOne(t, d, 'token_endpoint_auth_signing_alg_values_supported', ...good);
  if (d.userinfo_signing_alg_values_supported) hasOne(t, d, 'userinfo_signing_alg_values_supported', ...good);
  if (t.options.sender === 'dpop') hasOne(t, d, 'dpop_signing_alg_values_supported', ...good);
  else t.equal('access tokens may be bound to certificates', d.tls_client_certificate_bound_access_tokens, true);
  if (t.options.signed) hasOne(t, d, 'request_object_signing_alg_values_supported', ...good);
  has(t, d, 'code_challenge_methods_supported', 'S256');
  has(t, d, 'scopes_supported', 'openid');
  hasOne(t, d, 'subject_types_supported', 'public', 'pairwise');
  t.check('the keys are at an address', d.jwks_uri);
}

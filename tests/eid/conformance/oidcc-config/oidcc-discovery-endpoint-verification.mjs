// Reads the discovery document and the keys that it names.
// Asserts: 200 and JSON; issuer is where it was found, https; each member has its type; all
// addresses are https; response types, subject types, grant types (code, where the member is
// given), scopes (openid, in allowed characters) and locales are as they must be; RS256 for ID
// tokens; PKCE's methods are a list; the keys are sound. Warnings: no userinfo_endpoint, no
// claims_supported, no RS256 for request objects. (Ours: the same document at the place of
// RFC 8414, and pages of other origins may read it.)
import { readKeys } from '../frame/checks.mjs';
import { document, has, hasOne } from '../frame/discovery.mjs';

export default async function (t) {
  const d = await document(t);
  has(t, d, 'response_types_supported', 'code');
  hasOne(t, d, 'subject_types_supported', 'public', 'pairwise');
  has(t, d, 'id_token_signing_alg_values_supported', 'RS256');
  if (d.grant_types_supported) has(t, d, 'grant_types_supported', 'authorization_code');
  has(t, d, 'scopes_supported', 'openid');
  for (const name of ['authorization_endpoint', 'token_endpoint', 'jwks_uri']) t.check(`${name} is there`, d[name]);
  t.should('userinfo_endpoint is there', d.userinfo_endpoint);
  t.should('claims_supported has sub and others', d.claims_supported?.includes('sub') && d.claims_supported.length > 1, d.claims_supported);
  if (d.request_object_signing_alg_values_supported) t.should('request objects may be RS256', d.request_object_signing_alg_values_supported.includes('RS256'));
  if (d.code_challenge_methods_supported) t.check('PKCE may not be plain alone', d.code_challenge_methods_supported.includes('S256'));
  await readKeys(t);
  const other = await t.request(`${t.target.issuer}/.well-known/oauth-authorization-server`, { headers: { Origin: 'https://elsewhere.example' } });
  t.equal('RFC 8414 has the same issuer', other.json?.issuer, d.issuer);
  t.equal('and the same endpoints', [other.json?.token_endpoint, other.json?.authorization_endpoint], [d.token_endpoint, d.authorization_endpoint]);
  t.equal('pages of other origins may read it', other.headers['access-control-allow-origin'], '*');
}

// Client assertions and DPoP proofs a second time, or at another endpoint, or longer lived than is
// sensible (RFC 7523, 3; RFC 9449, 11.1).
// Asserts: each is refused; a fresh one in between is taken.
import { tokenError } from '../frame/checks.mjs';
import { makeKey, random, sign } from '../frame/jose.mjs';

export default async function (t) {
  const key = makeKey('ES256');
  const client = await t.register({ token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [key.published] }, grant_types: ['client_credentials'], response_types: [], redirect_uris: undefined, scope: 'read', dpop_bound_access_tokens: true });
  const now = Math.floor(Date.now() / 1000);
  const dpopKey = makeKey('ES256');
  const assertion = (claims = {}) => sign({ alg: 'ES256', kid: key.kid }, { iss: client.client_id, sub: client.client_id, aud: t.op.issuer, jti: random(), iat: now, exp: now + 60, ...claims }, key.privateKey);
  const proof = (claims = {}) => sign({ typ: 'dpop+jwt', alg: 'ES256', jwk: dpopKey.jwk }, { jti: random(), htm: 'POST', htu: t.op.token_endpoint, iat: now, ...claims }, dpopKey.privateKey);
  const ask = (a = assertion(), p = proof()) => t.request(t.op.token_endpoint, { method: 'POST', headers: p ? { DPoP: p } : {}, form: { grant_type: 'client_credentials', scope: 'read', client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer', client_assertion: a } });
  const [once, seen] = [assertion(), proof()];
  t.equal('the first time it is taken', (await ask(once, seen)).status, 200);
  tokenError(t, await ask(once), ['invalid_client']);
  tokenError(t, await ask(assertion(), seen), ['invalid_dpop_proof']);
  t.equal('fresh ones are taken', (await ask()).status, 200);
  tokenError(t, await ask(assertion({ jti: undefined })), ['invalid_client']);
  tokenError(t, await ask(assertion({ exp: undefined })), ['invalid_client']);
  tokenError(t, await ask(assertion({ exp: now + 86400 * 30 })), ['invalid_client']);
  tokenError(t, await ask(assertion({ iss: 'other' })), ['invalid_client']);
  tokenError(t, await ask(assertion(), proof({ htu: t.op.pushed_authorization_request_endpoint })), ['invalid_dpop_proof']);
  tokenError(t, await ask(assertion(), proof({ htm: 'GET' })), ['invalid_dpop_proof']);
  tokenError(t, await ask(assertion(), proof({ iat: now - 3600 })), ['invalid_dpop_proof']);
  tokenError(t, await ask(assertion(), proof({ iat: String(now) })), ['invalid_dpop_proof']);
  tokenError(t, await ask(assertion(), 'x'), ['invalid_dpop_proof']);
  tokenError(t, await ask(assertion(), null), ['invalid_dpop_proof', 'invalid_request']);
  const many = await Promise.all(Array.from({ length: 10 }, ((a) => () => ask(a))(assertion())));
  t.equal('of ten at once with one jti one is taken', many.filter((a) => a.status === 200).length, 1);
}

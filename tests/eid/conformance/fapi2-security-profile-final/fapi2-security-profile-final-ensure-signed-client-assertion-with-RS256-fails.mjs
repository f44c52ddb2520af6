// The client assertion at the token endpoint is signed with RS256, by an RSA key of the
// client's that names no algorithm.
// Asserts: invalid_client. A warning (ours) where that key is not good for PS256 either.
import { tokenError } from '../frame/checks.mjs';
import { Fapi } from '../frame/fapi.mjs';
import { makeKey } from '../frame/jose.mjs';

export default async function (t) {
  const rsa = makeKey('PS256');
  const f = await Fapi.register(t, { keys: [{ ...rsa.jwk, kid: rsa.kid, use: 'sig' }] });
  const { params, verifier } = f.parameters();
  const code = f.code(await f.authorize(params), params);
  tokenError(t, await f.exchange(code, params, verifier, { assertion: { key: rsa, header: { alg: 'RS256' } } }), ['invalid_client']);
  const { params: others } = f.parameters();
  const answer = await f.push(others, { assertion: { key: rsa } });
  t.should('the same key with PS256 is taken', answer.status === 201, answer.text);
  f.tokens(await f.exchange(code, params, verifier));
}

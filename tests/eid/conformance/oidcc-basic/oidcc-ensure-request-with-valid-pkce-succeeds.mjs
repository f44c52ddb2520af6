// PKCE (S256) by a client that need not use it.
// Asserts: the sign-in succeeds; (ours) another code is refused with a wrong code_verifier.
import { tokenError } from '../frame/checks.mjs';
import { random, sha256u } from '../frame/jose.mjs';
import { authorizeUrl, exchange, parameters, readCode, signIn } from '../frame/oidc.mjs';

export default async function (t) {
  const client = await t.register();
  const verifier = random();
  const given = { code_challenge: sha256u(verifier), code_challenge_method: 'S256' };
  const signed = await signIn(t, client, { params: given, extra: { code_verifier: verifier } });
  const params = parameters(client, given);
  const code = readCode(t, await signed.agent.go(authorizeUrl(t, params)), params);
  tokenError(t, await exchange(t, client, code, params, { code_verifier: random() }), ['invalid_grant']);
}

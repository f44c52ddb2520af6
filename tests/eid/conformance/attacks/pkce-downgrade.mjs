// Taking PKCE away (RFC 9700, 2.1.1, 4.8.2): a code_verifier where the request had no challenge, a
// challenge without verifier, a public client without PKCE, method plain, an empty challenge.
// Asserts: each is refused.
import { errorResponse, tokenError } from '../frame/checks.mjs';
import { random, sha256u } from '../frame/jose.mjs';
import { authorizeUrl, exchange, parameters, readCode } from '../frame/oidc.mjs';

export default async function (t) {
  const client = await t.register();
  const agent = t.agent();
  const params = parameters(client);
  const code = readCode(t, await agent.go(authorizeUrl(t, params)), params);
  tokenError(t, await exchange(t, client, code, params, { code_verifier: random() }), ['invalid_grant', 'invalid_request']);
  const challenged = parameters(client, { code_challenge: sha256u(random()), code_challenge_method: 'S256' });
  const second = readCode(t, await agent.go(authorizeUrl(t, challenged)), challenged);
  tokenError(t, await exchange(t, client, second, challenged), ['invalid_grant', 'invalid_request']);
  const open = await t.register({ token_endpoint_auth_method: 'none' });
  for (const given of [{}, { code_challenge: '', code_challenge_method: 'S256' }, { code_challenge: random(), code_challenge_method: 'plain' }, { code_challenge: random() }, { code_challenge: 'short', code_challenge_method: 'S256' }]) {
    const p = parameters(open, given);
    errorResponse(t, await agent.go(authorizeUrl(t, p)), { state: p.state, errors: ['invalid_request'] });
  }
}

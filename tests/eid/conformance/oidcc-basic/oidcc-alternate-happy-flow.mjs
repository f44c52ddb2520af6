// The plain sign-in with scopes in the other order and the parameters in another order.
// Asserts: it succeeds, and gives what the usual order gives (RFC 6749, 3.3).
import { idToken } from '../frame/checks.mjs';
import { authorizeUrl, exchange, parameters, person, readCode, readTokens } from '../frame/oidc.mjs';

export default async function (t) {
  const client = await t.register();
  const scope = t.op.scopes_supported?.includes('profile') ? 'profile openid' : 'openid';
  const params = parameters(client, { scope });
  const turned = Object.fromEntries(Object.entries(params).reverse());
  const code = readCode(t, await t.agent().go(authorizeUrl(t, turned)), params);
  const tokens = readTokens(t, await exchange(t, client, code, params));
  const { payload } = await idToken(t, tokens.id_token, { client, nonce: params.nonce, accessToken: tokens.access_token });
  const claims = await person(t, { tokens, id: payload });
  if (scope !== 'openid') t.check('the other scope counts too', claims.name !== undefined);
}

// Refresh tokens, with offline_access and prompt=consent where that scope is offered, for two
// clients; skipped where none is given.
// Asserts: the token has only characters it may have; refreshing gives an access token that is
// another and works; an ID token that comes with it has the same iss, sub, aud and auth_time,
// an iat that is not before, no nonce but the first's; client 1 cannot use client 2's token.
import { idToken, tokenError } from '../frame/checks.mjs';
import { readTokens, signIn, token, userinfo } from '../frame/oidc.mjs';

async function refreshing(t, client, agent) {
  const offline = t.op.scopes_supported?.includes('offline_access');
  const signed = await signIn(t, client, { agent, params: { scope: offline ? 'openid offline_access' : 'openid', prompt: offline ? 'consent' : undefined } });
  const first = signed.tokens.refresh_token;
  if (!first) t.skip('no refresh token is given');
  t.should('discovery lists the grant', t.op.grant_types_supported?.includes('refresh_token'));
  t.check('the token has only visible characters', /^[\x20-\x7e]+$/.test(first));
  await t.sleep(1.1);
  const again = readTokens(t, await token(t, client, { grant_type: 'refresh_token', refresh_token: first }));
  t.check('the access token is another', again.access_token !== signed.tokens.access_token);
  t.equal('it works', (await userinfo(t, again.access_token)).status, 200);
  if (again.id_token) {
    const { payload: id } = await idToken(t, again.id_token, { client, accessToken: again.access_token });
    for (const name of ['iss', 'sub', 'aud', 'azp', 'auth_time']) t.equal(`${name} is as it was`, id[name], signed.id[name]);
    t.check('iat is not before the first', id.iat >= signed.id.iat);
    t.check('there is no nonce but the first', id.nonce === undefined || id.nonce === signed.params.nonce, id.nonce);
  }
  return again.refresh_token ?? first;
}

export default async function (t) {
  const make = () => t.register({ grant_types: ['authorization_code', 'refresh_token'] });
  const [one, two] = [await make(), await make()];
  const agent = t.agent();
  await refreshing(t, one, agent);
  const token2 = await refreshing(t, two, agent);
  tokenError(t, await token(t, one, { grant_type: 'refresh_token', refresh_token: token2 }), ['invalid_grant']);
}

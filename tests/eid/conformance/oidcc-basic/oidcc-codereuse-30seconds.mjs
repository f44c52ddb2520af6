// Uses a code a second time, thirty seconds after the first.
// Asserts: invalid_grant; a warning where the access token that the first use gave still
// reads UserInfo afterwards.
import { tokenError } from '../frame/checks.mjs';
import { exchange, signIn, userinfo } from '../frame/oidc.mjs';

export const slow = 30;

export default async function (t) {
  const client = await t.register();
  const signed = await signIn(t, client);
  t.equal('the access token works before', (await userinfo(t, signed.tokens.access_token)).status, 200);
  await t.sleep(30);
  tokenError(t, await exchange(t, client, signed.code, signed.params), ['invalid_grant']);
  t.should('the access token is over', (await userinfo(t, signed.tokens.access_token)).status === 401);
}

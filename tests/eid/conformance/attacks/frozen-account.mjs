// An account is frozen while it is signed in and services hold tokens of it ("ndc eid freeze").
// Asserts: within seconds its access tokens are refused, refresh tokens give nothing, the session is
// over, a waiting code gives nothing and it cannot sign in; thawed, it signs in as the same person.
import { errorResponse, tokenError } from '../frame/checks.mjs';
import { authorizeUrl, exchange, parameters, readCode, signIn, token, userinfo } from '../frame/oidc.mjs';

export default async function (t) {
  if (!t.target.run) t.skip('nobody here can freeze an account of this provider');
  const account = t.target.third;
  const client = await t.register({ grant_types: ['authorization_code', 'refresh_token'] });
  const agent = t.agent(account);
  const signed = await signIn(t, client, { agent, params: { scope: 'openid offline_access', prompt: 'consent' } });
  const waiting = parameters(client);
  const code = readCode(t, await agent.go(authorizeUrl(t, waiting)), waiting);
  t.equal('the access token works before', (await userinfo(t, signed.tokens.access_token)).status, 200);
  await t.target.run('eid', 'freeze', account.number, '--reason', 'a test');
  let status = 200;
  for (let i = 0; i < 50 && status === 200; i++) {
    await t.sleep(0.1);
    status = (await userinfo(t, signed.tokens.access_token)).status;
  }
  t.equal('its access token is refused within five seconds', status, 401);
  tokenError(t, await token(t, client, { grant_type: 'refresh_token', refresh_token: signed.tokens.refresh_token }), ['invalid_grant']);
  tokenError(t, await exchange(t, client, code, waiting), ['invalid_grant']);
  const silent = parameters(client, { prompt: 'none' });
  errorResponse(t, await agent.go(authorizeUrl(t, silent)), { state: silent.state, errors: ['login_required'] });
  let refusal = '';
  await t.agent(account).go(authorizeUrl(t, parameters(client))).catch((error) => { refusal = error.message; });
  t.check('it cannot sign in', /: 403 .*eid\.frozen/.test(refusal), refusal);
  await t.target.run('eid', 'thaw', account.number, '--reason', 'a test');
  const again = await signIn(t, client, { agent: t.agent(account), params: { scope: 'openid offline_access' } });
  t.equal('thawed, it is the same person', again.id.sub, signed.id.sub);
  t.equal('what was given before stays over', (await userinfo(t, signed.tokens.access_token)).status, 401);
}

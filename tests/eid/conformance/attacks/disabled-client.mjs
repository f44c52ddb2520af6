// A client is disabled while it holds tokens ("ndc eid client-disable"), and one deletes itself (RFC
// 7592, 2.3).
// Asserts: within seconds it neither authenticates nor gets codes, and its access tokens are refused;
// the browser is not sent to it. The registration can be read and deleted with its own token alone.
import { tokenError } from '../frame/checks.mjs';
import { authorizeUrl, parameters, signIn, token, userinfo } from '../frame/oidc.mjs';

export default async function (t) {
  if (!t.target.run) t.skip('nobody here can disable a client of this provider');
  const make = () => t.register({ grant_types: ['authorization_code', 'refresh_token'] });
  const [disabled, deleted, other] = [await make(), await make(), await make()];
  const agent = t.agent();
  const give = (client) => signIn(t, client, { agent, params: { scope: 'openid offline_access', prompt: 'consent' } });
  const [one, two] = [await give(disabled), await give(deleted)];
  const manage = (client, access, method = 'GET') => t.request(client.registration_client_uri, { method, headers: { Authorization: `Bearer ${access}` } });
  const read = await manage(deleted, deleted.registration_access_token);
  t.equal('its registration can be read', [read.status, read.json?.client_id], [200, deleted.client_id]);
  t.check('the secret is not in it again', read.json?.client_secret === undefined);
  t.equal("not with another's token", (await manage(deleted, other.registration_access_token)).status, 401);
  t.equal("nor deleted with it", (await manage(deleted, other.registration_access_token, 'DELETE')).status, 401);
  t.equal('nor with an access token', (await manage(deleted, two.tokens.access_token, 'DELETE')).status, 401);
  t.equal('it deletes itself', (await manage(deleted, deleted.registration_access_token, 'DELETE')).status, 204);
  await t.target.run('eid', 'client-disable', disabled.client_id);
  for (const [client, signed, what] of [[deleted, two, 'deleted'], [disabled, one, 'disabled']]) {
    let status = 200;
    for (let i = 0; i < 50 && status === 200; i++) {
      await t.sleep(0.1);
      status = (await userinfo(t, signed.tokens.access_token)).status;
    }
    t.check(`${what}: its access token is refused within five seconds`, status >= 400 && status < 500, status);
    tokenError(t, await token(t, client, { grant_type: 'refresh_token', refresh_token: signed.tokens.refresh_token }), ['invalid_client', 'unauthorized_client']);
    const outcome = await agent.go(authorizeUrl(t, parameters(client)));
    t.check(`${what}: no code is given`, !outcome.params?.has('code'), outcome.callback?.search);
    t.equal(`${what}: nobody is asked`, outcome.seen, []);
  }
}

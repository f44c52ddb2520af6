// Introspection and revocation of tokens that are another client's (RFC 7662, 4; RFC 7009, 2.1), and
// without authentication.
// Asserts: to a stranger such a token is not active and nothing of it is told; revoking it does
// nothing; without authentication neither is answered.
import { tokenError } from '../frame/checks.mjs';
import { basic, signIn } from '../frame/oidc.mjs';

export default async function (t) {
  const [mine, theirs] = [await t.register({ grant_types: ['authorization_code', 'refresh_token'] }), await t.register()];
  const signed = await signIn(t, mine, { params: { scope: 'openid offline_access', prompt: 'consent' } });
  const ask = (client, endpoint, value, headers = { Authorization: basic(client) }) => t.request(endpoint, { method: 'POST', headers, form: { token: value } });
  for (const value of [signed.tokens.access_token, signed.tokens.refresh_token]) {
    const told = await ask(theirs, t.op.introspection_endpoint, value);
    t.equal('a stranger learns nothing', told.json, { active: false });
    const own = await ask(mine, t.op.introspection_endpoint, value);
    t.equal('its own client learns that it is active', own.json?.active, true);
    t.equal('and who it is', own.json?.sub, signed.id.sub);
    const revoked = await ask(theirs, t.op.revocation_endpoint, value);
    t.check('a stranger revokes nothing', [200, 400].includes(revoked.status), revoked.status);
    t.equal('it is active still', (await ask(mine, t.op.introspection_endpoint, value)).json?.active, true);
    tokenError(t, await ask(mine, t.op.introspection_endpoint, value, {}), ['invalid_client', 'invalid_request'], 'introspection');
    tokenError(t, await ask(mine, t.op.revocation_endpoint, value, {}), ['invalid_client', 'invalid_request'], 'revocation');
  }
  const open = await t.register({ token_endpoint_auth_method: 'none' });
  const named = await t.request(t.op.introspection_endpoint, { method: 'POST', form: { token: signed.tokens.access_token, client_id: open.client_id } });
  t.check('a public client introspects no other token', named.json?.active !== true, named.text.slice(0, 200));
}

// Credentials where they do not belong (RFC 6749, 2.3.1; RFC 6750, 2.3; RFC 9700, 4.3.2): secrets and
// tokens in queries, two ways to authenticate at once, the token in header and body, GET at endpoints
// of POST, a secret of another client.
// Asserts: each is refused; nothing is given.
import { tokenError } from '../frame/checks.mjs';
import { basic, signIn } from '../frame/oidc.mjs';

export default async function (t) {
  const [client, other] = [await t.register({ grant_types: ['authorization_code', 'client_credentials'], scope: 'openid read' }), await t.register()];
  const ask = (options, query = '') => t.request(`${t.op.token_endpoint}${query}`, { method: 'POST', ...options });
  const form = { grant_type: 'client_credentials', scope: 'read' };
  t.equal('in its place it is taken', (await ask({ form, headers: { Authorization: basic(client) } })).status, 200);
  const both = new URLSearchParams({ client_id: client.client_id, client_secret: client.client_secret });
  tokenError(t, await ask({ form }, `?${both}`), ['invalid_client', 'invalid_request']);
  tokenError(t, await ask({ form: {}, headers: { Authorization: basic(client) } }, `?${new URLSearchParams(form)}`), ['invalid_request', 'unsupported_grant_type']);
  tokenError(t, await ask({ form: { ...form, ...Object.fromEntries(both) }, headers: { Authorization: basic(client) } }), ['invalid_request', 'invalid_client']);
  tokenError(t, await ask({ form: { ...form, client_id: other.client_id }, headers: { Authorization: basic(client) } }), ['invalid_request', 'invalid_client']);
  tokenError(t, await ask({ form, headers: { Authorization: basic({ client_id: client.client_id, client_secret: other.client_secret }) } }), ['invalid_client']);
  tokenError(t, await ask({ form, headers: { Authorization: basic({ client_id: client.client_id, client_secret: '' }) } }), ['invalid_client', 'invalid_request']);
  for (const name of ['token_endpoint', 'pushed_authorization_request_endpoint', 'introspection_endpoint', 'revocation_endpoint', 'device_authorization_endpoint']) {
    const get = await t.request(`${t.op[name]}?${new URLSearchParams(form)}`, { headers: { Authorization: basic(client) } });
    t.equal(`${name} is not asked by GET`, get.status, 405);
  }
  const json = await ask({ json: form, headers: { Authorization: basic(client) } });
  t.check('JSON is no form', json.status >= 400 && !json.json?.access_token, json.status);
  const signed = await signIn(t, client);
  const at = signed.tokens.access_token;
  const query = await t.request(`${t.op.userinfo_endpoint}?access_token=${at}`);
  t.check('UserInfo takes no token in the query', query.status === 401 || query.status === 400, query.status);
  const double = await t.request(t.op.userinfo_endpoint, { method: 'POST', headers: { Authorization: `Bearer ${at}` }, form: { access_token: at } });
  t.equal('the token in header and body is one too many', double.status, 400);
}

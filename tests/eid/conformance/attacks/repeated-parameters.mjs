// Parameters that come twice (RFC 6749, 3.1 and 3.2) at the authorization, PAR and token endpoints.
// Asserts: each is refused with invalid_request; nothing is chosen among the two, and no redirect
// goes to an address that came twice.
import { tokenError } from '../frame/checks.mjs';
import { authorizeUrl, basic, parameters } from '../frame/oidc.mjs';

export default async function (t) {
  const client = await t.register();
  const params = parameters(client);
  for (const [name, value] of [['client_id', client.client_id], ['redirect_uri', client.redirect_uris[0]], ['scope', 'openid email'], ['state', 'other'], ['nonce', 'other'], ['response_type', 'code']]) {
    const url = authorizeUrl(t, params);
    url.searchParams.append(name, value);
    const outcome = await t.agent().go(url);
    t.check(`${name} twice gives no code`, !outcome.params?.has('code'));
    t.check(`${name} twice is refused`, outcome.params?.get('error') === 'invalid_request' || /error/.test(String(outcome.page)), outcome.callback?.search ?? String(outcome.page));
    t.equal(`${name} twice: nobody is asked`, outcome.seen, []);
  }
  const form = new URLSearchParams({ grant_type: 'authorization_code', code: 'x', redirect_uri: params.redirect_uri });
  form.append('code', 'y');
  tokenError(t, await t.request(t.op.token_endpoint, { method: 'POST', form, headers: { Authorization: basic(client) } }), ['invalid_request']);
  const pushed = new URLSearchParams(params);
  pushed.append('scope', 'openid email');
  tokenError(t, await t.request(t.op.pushed_authorization_request_endpoint, { method: 'POST', form: pushed, headers: { Authorization: basic(client) } }), ['invalid_request'], 'the PAR endpoint');
}

// The plain sign-in with the client's secret in the form (client_secret_post).
// Asserts: discovery offers it and the sign-in succeeds; (ours) a wrong secret, the secret in
// the header instead, and no secret are refused.
import { tokenError } from '../frame/checks.mjs';
import { authorizeUrl, basic, exchange, parameters, person, readCode, signIn, token } from '../frame/oidc.mjs';

export default async function (t) {
  t.check('discovery offers client_secret_post', t.op.token_endpoint_auth_methods_supported?.includes('client_secret_post'));
  const client = await t.register({ token_endpoint_auth_method: 'client_secret_post' });
  const signed = await signIn(t, client);
  await person(t, signed);
  const params = parameters(client);
  const code = readCode(t, await signed.agent.go(authorizeUrl(t, params)), params);
  tokenError(t, await exchange(t, { ...client, client_secret: `${client.client_secret}x` }, code, params), ['invalid_client']);
  const form = { grant_type: 'authorization_code', code, redirect_uri: params.redirect_uri };
  tokenError(t, await t.request(t.op.token_endpoint, { method: 'POST', form: { ...form, client_id: client.client_id } }), ['invalid_client', 'invalid_request']);
  tokenError(t, await t.request(t.op.token_endpoint, { method: 'POST', form, headers: { Authorization: basic(client) } }), ['invalid_client']);
  const answer = await token(t, client, form);
  t.equal('the code is not used up by that', answer.status, 200);
}

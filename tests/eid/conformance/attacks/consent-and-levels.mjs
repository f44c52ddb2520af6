// More than was agreed to, and less assurance than was asked for (OpenID Core, 3.1.2.4 and 5.5.1.1).
// Asserts: prompt=none with a scope or claim that nobody agreed to is consent_required; with an acr
// that the session has not reached it is refused, whether asked by acr_values or as essential claim;
// id_token_hint of another person is login_required; a refresh cannot widen the scope; nonsense in
// max_age, prompt and claims is invalid_request.
import { errorResponse, tokenError } from '../frame/checks.mjs';
import { authorizeUrl, parameters, signIn, token } from '../frame/oidc.mjs';

export default async function (t) {
  const client = await t.register({ grant_types: ['authorization_code', 'refresh_token'] });
  const signed = await signIn(t, client, { params: { scope: 'openid offline_access', prompt: 'consent' } });
  const ask = async (given, errors) => {
    const params = parameters(client, { prompt: 'none', ...given });
    errorResponse(t, await signed.agent.go(authorizeUrl(t, params)), { state: params.state, errors });
  };
  await ask({ scope: 'openid email' }, ['consent_required', 'interaction_required']);
  await ask({ claims: JSON.stringify({ userinfo: { email: null } }) }, ['consent_required', 'interaction_required']);
  await ask({ claims: JSON.stringify({ id_token: { name: { essential: true } } }) }, ['consent_required', 'interaction_required']);
  const levels = ['login_required', 'interaction_required', 'unmet_authentication_requirements'];
  await ask({ acr_values: 'urn:ndc:eid:2' }, levels);
  await ask({ claims: JSON.stringify({ id_token: { acr: { essential: true, values: ['urn:ndc:eid:3'] } } }) }, levels);
  await ask({ max_age: '0' }, ['login_required', 'interaction_required']);
  if (t.target.other) {
    const other = await signIn(t, client, { agent: t.agent(t.target.other) });
    t.check('two people are two subjects', other.id.sub !== signed.id.sub);
    await ask({ id_token_hint: other.tokens.id_token }, ['login_required', 'interaction_required', 'account_selection_required']);
  }
  for (const given of [{ max_age: '-1' }, { max_age: 'soon' }, { max_age: '99999999999999999999' }, { prompt: 'none login' }, { prompt: 'nonsense' }, { claims: '{' }, { claims: '[]' }, { id_token_hint: 'x' }]) await ask(given, ['invalid_request']);
  tokenError(t, await token(t, client, { grant_type: 'refresh_token', refresh_token: signed.tokens.refresh_token, scope: 'openid email' }), ['invalid_scope']);
}

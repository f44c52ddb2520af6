// prompt=none from a browser that nobody is signed in at, with a long state.
// Asserts: at the redirect_uri login_required or another error that says that the person would
// have to be asked; the state unharmed; no page is shown.
import { errorResponse } from '../frame/checks.mjs';
import { random } from '../frame/jose.mjs';
import { authorizeUrl, parameters } from '../frame/oidc.mjs';

export default async function (t) {
  const client = await t.register();
  const params = parameters(client, { prompt: 'none', state: random(96) });
  const outcome = await t.agent().go(authorizeUrl(t, params));
  errorResponse(t, outcome, { state: params.state, errors: ['login_required', 'interaction_required', 'consent_required', 'account_selection_required'] });
  t.equal('no page was shown', outcome.seen, []);
}

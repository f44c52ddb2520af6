// What the modules on RP-initiated logout share.
import { errorResponse } from './checks.mjs';
import { random } from './jose.mjs';
import { authorizeUrl, parameters, signIn } from './oidc.mjs';

/** Signs in with a long state, as the original does: what ends a session and what is asked. */
export async function begin(t) {
  const client = await t.register({ post_logout_redirect_uris: [t.redirectUri('post_logout_redirect')] });
  const signed = await signIn(t, client, { params: { state: random(96) } });
  return { client, signed, agent: signed.agent, params: { id_token_hint: signed.tokens.id_token, post_logout_redirect_uri: client.post_logout_redirect_uris[0], state: random(16) } };
}

/** Sends the browser to the end_session_endpoint; what is undefined is left out. */
export function leave(t, agent, params, { method = 'GET' } = {}) {
  if (method === 'POST') return agent.go(t.op.end_session_endpoint, { method, form: params });
  const url = new URL(t.op.end_session_endpoint);
  for (const [name, value] of Object.entries(params)) if (value !== undefined) url.searchParams.set(name, value);
  return agent.go(url);
}

/** With prompt=none the provider says whether somebody is signed in. */
export async function signedOut(t, { client, agent }) {
  const params = parameters(client, { prompt: 'none' });
  const outcome = await agent.go(authorizeUrl(t, params));
  errorResponse(t, outcome, { state: params.state, errors: ['login_required', 'interaction_required', 'account_selection_required'] });
}

export async function stillSignedIn(t, { client, agent }) {
  const params = parameters(client, { prompt: 'none' });
  const outcome = await agent.go(authorizeUrl(t, params));
  t.check('the session goes on', outcome.params?.has('code'), outcome.callback?.search ?? String(outcome.page));
}

/** At the registered address with the state and nothing else. */
export function backAtClient(t, outcome, params) {
  t.need('the browser comes to the post_logout_redirect_uri', outcome.callback, `${outcome.page} ${outcome.status}`);
  t.equal('to that very address', `${outcome.callback.origin}${outcome.callback.pathname}`, params.post_logout_redirect_uri);
  t.equal('with the state as it was sent', outcome.params.get('state') ?? undefined, params.state);
  t.should('and nothing else', [...outcome.params.keys()].every((k) => k === 'state'), outcome.callback.search);
}

/** An error page, or a page that asks the person; never the relying party. */
export function notBack(t, outcome) {
  t.check('the browser is not sent to the relying party', !outcome.callback, outcome.callback?.href);
  const asks = outcome.seen.includes('sign-out');
  t.check('an error is shown, or the person is asked', asks || outcome.status >= 400 || /error/i.test(`${outcome.page} ${outcome.text}`), `${outcome.page} ${outcome.status}`);
}

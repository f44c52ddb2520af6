// The browser goes to a request_uri, the person does nothing, and it goes there once more (a page
// loaded again, a link scanned by a mail program); the second time they sign in.
// Asserts: it succeeds; a refusal with invalid_request_uri is a warning: the profile recommends
// that a request_uri is used up when the person has signed in (5.3.2.2, note 3).
import { refused } from '../frame/checks.mjs';
import { Fapi } from '../frame/fapi.mjs';

export default async function (t) {
  const f = await Fapi.register(t);
  const { params, verifier } = f.parameters();
  const uri = await f.pushed(params);
  const agent = t.agent();
  agent.stopAt = 'sign-in';
  const first = await agent.go(f.authorizeUrl(uri));
  t.need('the first visit ends at the sign-in page', first.seen.includes('sign-in'), first.seen);
  agent.stopAt = null;
  const outcome = await agent.go(f.authorizeUrl(uri));
  if (!t.should('the second visit is taken too', outcome.params?.has('code'), outcome.callback?.search ?? String(outcome.page))) return void refused(t, outcome, { errors: ['invalid_request_uri', 'invalid_request'] });
  f.tokens(await f.exchange(f.code(outcome, params), params, verifier));
}

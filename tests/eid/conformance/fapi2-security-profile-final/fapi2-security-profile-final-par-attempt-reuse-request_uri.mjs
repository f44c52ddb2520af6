// A whole sign-in, then the browser goes to the same request_uri again.
// Asserts: an error page, or invalid_request_uri (or invalid_request) at the redirect_uri; a
// second success is a warning (RFC 9126, 7.3).
import { refused } from '../frame/checks.mjs';
import { Fapi } from '../frame/fapi.mjs';

export default async function (t) {
  const f = await Fapi.register(t);
  const { params, verifier } = f.parameters();
  const uri = await f.pushed(params);
  const agent = t.agent();
  f.tokens(await f.exchange(f.code(await agent.go(f.authorizeUrl(uri)), params), params, verifier));
  const outcome = await agent.go(f.authorizeUrl(uri));
  if (t.should('the request_uri is used up', !outcome.params?.has('code'))) refused(t, outcome, { errors: ['invalid_request_uri', 'invalid_request', 'invalid_request_object'] });
}

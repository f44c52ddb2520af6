// A pushed request with a redirect_uri that is not registered, which RFC 9126, 2.4, lets a
// provider take from a client that has authenticated.
// Asserts: the sign-in succeeds at that very address, or the PAR endpoint refuses with
// invalid_request (or invalid_request_object), or an error page; never the registered address.
import { refused } from '../frame/checks.mjs';
import { Fapi, parError } from '../frame/fapi.mjs';
import { random } from '../frame/jose.mjs';

export default async function (t) {
  const f = await Fapi.register(t);
  const { params } = f.parameters({ redirect_uri: `${f.redirectUri}/${random(6)}` });
  const answer = await f.push(params);
  if (answer.status !== 201) return void parError(t, answer, ['invalid_request', 'invalid_request_object', 'invalid_redirect_uri']);
  const outcome = await t.agent().go(f.authorizeUrl(answer.json.request_uri));
  if (outcome.callback) t.equal('the browser goes to the address of the request', outcome.callback.pathname, new URL(params.redirect_uri).pathname);
  else refused(t, outcome);
}

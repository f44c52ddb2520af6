// All parameters in the address, nothing pushed.
// Asserts: an error page, or invalid_request at the redirect_uri; never a code.
import { refused } from '../frame/checks.mjs';
import { Fapi } from '../frame/fapi.mjs';

export default async function (t) {
  const f = await Fapi.register(t);
  const { params } = f.parameters();
  const outcome = await t.agent().go(f.authorizeUrl(undefined, params));
  refused(t, outcome, { state: params.state, errors: ['invalid_request', 'invalid_request_object'] });
}

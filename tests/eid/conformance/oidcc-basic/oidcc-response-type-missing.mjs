// An authorization request without response_type.
// Asserts: an error page, or at the redirect_uri invalid_request or unsupported_response_type
// with the state; never a code.
import { refused } from '../frame/checks.mjs';
import { authorizeUrl, parameters } from '../frame/oidc.mjs';

export default async function (t) {
  const client = await t.register();
  const params = parameters(client, { response_type: undefined });
  const outcome = await t.agent().go(authorizeUrl(t, params));
  refused(t, outcome, { state: params.state, errors: ['invalid_request', 'unsupported_response_type'] });
}

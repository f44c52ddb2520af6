// request_uri with the address of an unsigned request object, where discovery lists "none"
// among the algorithms of request objects.
// Asserts there: the sign-in succeeds, or request_uri_not_supported. Where "none" is not
// listed the original does not run; here it is asserted that such a request gives no code and
// that the address is not fetched, and then skipped likewise.
import { refused } from '../frame/checks.mjs';
import { sign } from '../frame/jose.mjs';
import { authorizeUrl, parameters, readCode } from '../frame/oidc.mjs';

export default async function (t) {
  const unsigned = t.op.request_object_signing_alg_values_supported?.includes('none');
  const client = await t.register({ request_uris: [t.redirectUri('object')] });
  const params = { ...parameters(client), request_uri: t.redirectUri('object') };
  t.target.callback.answers.set(new URL(params.request_uri).pathname, sign({ alg: 'none' }, { ...params, request_uri: undefined, iss: client.client_id, aud: t.op.issuer }, null));
  const before = t.target.callback.requests.length;
  const outcome = await t.agent().go(authorizeUrl(t, params));
  const fetched = t.target.callback.requests.slice(before).filter((r) => r.url.pathname.endsWith('/object'));
  if (unsigned && outcome.params?.has('code')) return void readCode(t, outcome, params);
  refused(t, outcome, { state: params.state, errors: ['request_uri_not_supported', ...(unsigned ? [] : ['invalid_request_uri', 'invalid_request'])] });
  if (unsigned) return;
  t.equal('the address is not fetched', fetched.length, 0);
  t.skip('"none" is not in request_object_signing_alg_values_supported');
}

// A request object by value with alg none, where discovery lists "none" for request objects.
// Asserts there: the sign-in succeeds with what the object says, or request_not_supported.
// Where "none" is not listed the original does not run; here it is asserted that the object
// is refused, neither believed nor ignored, and then skipped likewise.
import { refused } from '../frame/checks.mjs';
import { sign } from '../frame/jose.mjs';
import { authorizeUrl, parameters, readCode } from '../frame/oidc.mjs';

export default async function (t) {
  const unsigned = t.op.request_object_signing_alg_values_supported?.includes('none');
  const client = await t.register();
  const inside = parameters(client);
  const request = sign({ alg: 'none' }, { ...inside, iss: client.client_id, aud: t.op.issuer }, null);
  const params = { ...parameters(client, { state: inside.state, nonce: undefined }), request };
  const outcome = await t.agent().go(authorizeUrl(t, params));
  if (unsigned && outcome.params?.has('code')) return void readCode(t, outcome, inside);
  refused(t, outcome, { state: inside.state, errors: ['request_not_supported', ...(unsigned ? [] : ['invalid_request_object', 'invalid_request'])] });
  if (!unsigned) t.skip('"none" is not in request_object_signing_alg_values_supported');
}

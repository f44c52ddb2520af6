// An unsigned request object with the right redirect_uri, and a wrong one beside it as a plain
// parameter; where discovery lists "none" for request objects.
// Asserts there: the one in the object counts, or an error page about the redirect_uri. Where
// "none" is not listed the original does not run; here it is asserted that the browser is
// sent to neither address with a code, and then skipped likewise.
import { sign } from '../frame/jose.mjs';
import { authorizeUrl, parameters, readCode } from '../frame/oidc.mjs';

export default async function (t) {
  const unsigned = t.op.request_object_signing_alg_values_supported?.includes('none');
  const client = await t.register();
  const inside = parameters(client);
  const request = sign({ alg: 'none' }, { ...inside, iss: client.client_id, aud: t.op.issuer }, null);
  const outcome = await t.agent().go(authorizeUrl(t, { ...inside, redirect_uri: t.redirectUri('wrong'), request }));
  if (unsigned && outcome.params?.has('code')) return void readCode(t, outcome, inside);
  t.check('the wrong address is not gone to', outcome.callback?.pathname !== new URL(t.redirectUri('wrong')).pathname);
  t.check('no code is given', !outcome.params?.has('code'));
  if (!unsigned) t.skip('"none" is not in request_object_signing_alg_values_supported');
}

// The browser is sent with a state in the address that is not the pushed one's.
// Asserts: invalid_request at the redirect_uri, or an error page, or a sign-in with the pushed
// state; never with the other.
import { refused } from '../frame/checks.mjs';
import { Fapi } from '../frame/fapi.mjs';
import { decode, random } from '../frame/jose.mjs';

export default async function (t) {
  const f = await Fapi.register(t);
  const { params, verifier } = f.parameters();
  const outcome = await f.authorize(params, { extra: { state: random(16) } });
  if (!outcome.params?.has('code')) return void refused(t, outcome, { errors: ['invalid_request', 'invalid_request_object'] });
  const tokens = f.tokens(await f.exchange(f.code(outcome, params), params, verifier));
  t.equal('the nonce is the pushed one', decode(tokens.id_token).payload.nonce, params.nonce);
}

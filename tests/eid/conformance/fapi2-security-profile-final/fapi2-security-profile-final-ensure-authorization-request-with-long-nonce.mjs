// A nonce of 384 characters.
// Asserts: it comes back whole, or the request is refused with invalid_request; never shortened.
import { refused } from '../frame/checks.mjs';
import { Fapi, parError } from '../frame/fapi.mjs';
import { decode, random } from '../frame/jose.mjs';

export default async function (t) {
  const f = await Fapi.register(t);
  const { params, verifier } = f.parameters({ nonce: random(288) });
  const answer = await f.push(params);
  if (answer.status !== 201) return void parError(t, answer, ['invalid_request', 'invalid_request_object']);
  const outcome = await t.agent().go(f.authorizeUrl(answer.json.request_uri));
  if (!outcome.params?.has('code')) return void refused(t, outcome, { errors: ['invalid_request'] });
  const tokens = f.tokens(await f.exchange(f.code(outcome, params), params, verifier));
  t.equal('the nonce is whole', decode(tokens.id_token).payload.nonce, params.nonce);
}

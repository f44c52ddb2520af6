// No state in the pushed request, but one in the address that the browser is sent to.
// Asserts: a sign-in without state and s_hash, or an error; the state outside never counts.
import { refused } from '../frame/checks.mjs';
import { Fapi } from '../frame/fapi.mjs';
import { decode, random } from '../frame/jose.mjs';

export default async function (t) {
  const f = await Fapi.register(t);
  const { params, verifier } = f.parameters({ state: undefined });
  const outcome = await f.authorize(params, { extra: { state: random(16) } });
  t.check('the state outside does not come back', !outcome.params?.has('state'), outcome.callback?.search);
  if (!outcome.params?.has('code')) return void refused(t, outcome, { state: null, errors: ['invalid_request', 'invalid_request_object', 'access_denied'] });
  const tokens = f.tokens(await f.exchange(f.code(outcome, params), params, verifier));
  t.check('there is no s_hash', decode(tokens.id_token).payload.s_hash === undefined);
}

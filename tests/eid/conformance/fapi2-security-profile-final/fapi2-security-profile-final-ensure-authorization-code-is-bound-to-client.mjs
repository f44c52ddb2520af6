// A code of the first client, used by the second with its own good authentication.
// Asserts: invalid_grant.
import { tokenError } from '../frame/checks.mjs';
import { Fapi } from '../frame/fapi.mjs';

export default async function (t) {
  const [one, two] = [await Fapi.register(t), await Fapi.register(t, { n: 1 })];
  const { params, verifier } = one.parameters();
  const code = one.code(await one.authorize(params), params);
  tokenError(t, await two.exchange(code, params, verifier), ['invalid_grant']);
}

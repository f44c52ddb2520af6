// The token endpoint without code_verifier.
// Asserts: invalid_grant.
import { tokenError } from '../frame/checks.mjs';
import { Fapi } from '../frame/fapi.mjs';

export default async function (t) {
  const f = await Fapi.register(t);
  const { params } = f.parameters();
  const code = f.code(await f.authorize(params), params);
  tokenError(t, await f.exchange(code, params, undefined), ['invalid_grant']);
}

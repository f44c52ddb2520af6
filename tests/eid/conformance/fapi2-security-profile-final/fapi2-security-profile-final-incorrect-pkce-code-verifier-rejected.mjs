// The token endpoint with a code_verifier of another request.
// Asserts: invalid_grant.
import { tokenError } from '../frame/checks.mjs';
import { Fapi } from '../frame/fapi.mjs';
import { random } from '../frame/jose.mjs';

export default async function (t) {
  const f = await Fapi.register(t);
  const { params } = f.parameters();
  const code = f.code(await f.authorize(params), params);
  tokenError(t, await f.exchange(code, params, random()), ['invalid_grant']);
}

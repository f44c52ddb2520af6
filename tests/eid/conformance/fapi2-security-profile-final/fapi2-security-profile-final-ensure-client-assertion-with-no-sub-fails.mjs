// A client assertion at the token endpoint without sub: what a signed request object is.
// Asserts: invalid_client.
import { tokenError } from '../frame/checks.mjs';
import { Fapi } from '../frame/fapi.mjs';

export default async function (t) {
  const f = await Fapi.register(t);
  const { params, verifier } = f.parameters();
  const code = f.code(await f.authorize(params), params);
  tokenError(t, await f.exchange(code, params, verifier, { assertion: { claims: { sub: undefined } } }), ['invalid_client']);
}

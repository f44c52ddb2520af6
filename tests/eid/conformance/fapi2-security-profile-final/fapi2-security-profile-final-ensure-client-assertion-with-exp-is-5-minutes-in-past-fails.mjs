// A client assertion at the token endpoint whose exp is five minutes ago.
// Asserts: invalid_client.
import { tokenError } from '../frame/checks.mjs';
import { Fapi } from '../frame/fapi.mjs';

export default async function (t) {
  const f = await Fapi.register(t);
  const { params, verifier } = f.parameters();
  const code = f.code(await f.authorize(params), params);
  const exp = Math.floor(Date.now() / 1000) - 300;
  tokenError(t, await f.exchange(code, params, verifier, { assertion: { claims: { exp, iat: exp - 60 } } }), ['invalid_client']);
}

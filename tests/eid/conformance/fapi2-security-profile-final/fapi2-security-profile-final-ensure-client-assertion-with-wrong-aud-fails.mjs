// A client assertion at the token endpoint that is for another server.
// Asserts: invalid_client.
import { tokenError } from '../frame/checks.mjs';
import { Fapi } from '../frame/fapi.mjs';

export default async function (t) {
  const f = await Fapi.register(t);
  const { params, verifier } = f.parameters();
  const code = f.code(await f.authorize(params), params);
  tokenError(t, await f.exchange(code, params, verifier, { assertion: { claims: { aud: 'https://other.example/' } } }), ['invalid_client']);
}

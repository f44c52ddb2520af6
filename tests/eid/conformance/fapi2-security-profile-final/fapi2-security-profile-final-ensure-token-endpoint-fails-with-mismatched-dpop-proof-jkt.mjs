// A DPoP proof by one key at the PAR endpoint, by another at the token endpoint.
// Asserts: the token endpoint refuses with invalid_grant, invalid_request or invalid_dpop_proof.
import { tokenError } from '../frame/checks.mjs';
import { Fapi } from '../frame/fapi.mjs';
import { makeKey } from '../frame/jose.mjs';

export default async function (t) {
  const f = await Fapi.register(t);
  const { params, verifier } = f.parameters();
  const code = f.code(await f.authorize(params, { dpop: true }), params);
  tokenError(t, await f.exchange(code, params, verifier, { proof: { key: makeKey('ES256') } }), ['invalid_grant', 'invalid_request', 'invalid_dpop_proof']);
}

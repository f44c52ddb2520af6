// A pushed request with a DPoP proof by one key and dpop_jkt of another.
// Asserts: the PAR endpoint refuses it with invalid_request or invalid_dpop_proof.
import { Fapi, parError } from '../frame/fapi.mjs';
import { makeKey, thumbprint } from '../frame/jose.mjs';

export default async function (t) {
  const f = await Fapi.register(t);
  const { params } = f.parameters({ dpop_jkt: thumbprint(makeKey('ES256').jwk) });
  parError(t, await f.push(params, { dpop: true }), ['invalid_request', 'invalid_dpop_proof']);
}

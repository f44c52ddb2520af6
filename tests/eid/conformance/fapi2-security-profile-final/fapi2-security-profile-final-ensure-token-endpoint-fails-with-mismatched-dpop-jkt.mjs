// dpop_jkt of one key in the request, a DPoP proof by another at the token endpoint.
// Asserts: the token endpoint refuses with invalid_grant, invalid_request or invalid_dpop_proof.
import { tokenError } from '../frame/checks.mjs';
import { Fapi } from '../frame/fapi.mjs';
import { makeKey, thumbprint } from '../frame/jose.mjs';

export default async function (t) {
  const f = await Fapi.register(t);
  const { params, verifier } = f.parameters({ dpop_jkt: thumbprint(makeKey('ES256').jwk) });
  const code = f.code(await f.authorize(params), params);
  tokenError(t, await f.exchange(code, params, verifier), ['invalid_grant', 'invalid_request', 'invalid_dpop_proof']);
}

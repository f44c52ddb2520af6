// dpop_jkt in the request, and proofs by that key at the PAR endpoint and the token endpoint.
// Asserts: the sign-in succeeds, and the access token works with that key.
import { Fapi } from '../frame/fapi.mjs';
import { thumbprint } from '../frame/jose.mjs';

export default async function (t) {
  const f = await Fapi.register(t);
  const { tokens } = await f.signIn({ params: { dpop_jkt: thumbprint(f.dpopKey.jwk) }, dpop: true });
  await f.reads(tokens.access_token);
}

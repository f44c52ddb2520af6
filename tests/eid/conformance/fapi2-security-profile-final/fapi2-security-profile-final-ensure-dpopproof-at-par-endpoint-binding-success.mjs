// DPoP proofs by one key at the PAR endpoint and at the token endpoint.
// Asserts: the sign-in succeeds, and the access token works with that key.
import { Fapi } from '../frame/fapi.mjs';

export default async function (t) {
  const f = await Fapi.register(t);
  const { tokens } = await f.signIn({ dpop: true });
  await f.reads(tokens.access_token);
}

// DPoP proofs that also have nbf (now) and exp (in five minutes), at the token endpoint and at
// the resource.
// Asserts: they are taken.
import { Fapi } from '../frame/fapi.mjs';

export default async function (t) {
  const f = await Fapi.register(t);
  const claims = () => ({ nbf: Math.floor(Date.now() / 1000), exp: Math.floor(Date.now() / 1000) + 300 });
  const { tokens } = await f.signIn({ exchange: { proof: { claims: claims() } } });
  await f.reads(tokens.access_token, 'the resource is given', { proof: { claims: claims() } });
}

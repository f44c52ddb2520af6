// DPoP proofs whose iat is ten seconds in the future, at the PAR endpoint, the token endpoint and
// the resource.
// Asserts: they are taken: clocks differ.
import { Fapi } from '../frame/fapi.mjs';

export default async function (t) {
  const f = await Fapi.register(t);
  const claims = () => ({ iat: Math.floor(Date.now() / 1000) + 10 });
  const { tokens } = await f.signIn({ dpop: { claims: claims() }, exchange: { proof: { claims: claims() } } });
  await f.reads(tokens.access_token, 'the resource is given', { proof: { claims: claims() } });
}

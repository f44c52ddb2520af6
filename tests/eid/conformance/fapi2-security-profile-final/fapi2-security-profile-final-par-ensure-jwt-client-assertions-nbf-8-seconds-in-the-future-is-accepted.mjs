// A client assertion at the PAR endpoint whose iat and nbf are eight seconds in the future.
// Asserts: it is taken: clocks differ.
import { Fapi } from '../frame/fapi.mjs';

export default async function (t) {
  const f = await Fapi.register(t);
  const { params } = f.parameters();
  const soon = Math.floor(Date.now() / 1000) + 8;
  await f.pushed(params, { assertion: { claims: { iat: soon, nbf: soon, exp: soon + 60 } } });
}

// iat and nbf of the request object are eight seconds in the future.
// Asserts: the sign-in succeeds: clocks differ.
import { Fapi } from '../frame/fapi.mjs';

export default async function (t) {
  const f = await Fapi.register(t);
  const soon = Math.floor(Date.now() / 1000) + 8;
  await f.signIn({ object: { claims: { iat: soon, nbf: soon } } });
}

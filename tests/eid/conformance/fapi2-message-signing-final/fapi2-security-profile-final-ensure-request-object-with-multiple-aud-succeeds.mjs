// aud of the request object is a list of the issuer and another.
// Asserts: the sign-in succeeds.
import { Fapi } from '../frame/fapi.mjs';

export default async function (t) {
  const f = await Fapi.register(t);
  await f.signIn({ object: { claims: { aud: [t.op.issuer, 'https://other.example/'] } } });
}

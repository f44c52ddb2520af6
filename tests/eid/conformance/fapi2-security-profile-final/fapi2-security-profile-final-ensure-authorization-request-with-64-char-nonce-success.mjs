// A nonce of 64 characters, which the profile says must be taken (5.3.2.2).
// Asserts: the sign-in succeeds; the nonce comes back whole.
import { Fapi } from '../frame/fapi.mjs';
import { random } from '../frame/jose.mjs';

export default async function (t) {
  const f = await Fapi.register(t);
  const signed = await f.signIn({ params: { nonce: random(48) } });
  t.equal('it has 64 characters', signed.id.nonce.length, 64);
  await f.reads(signed.tokens.access_token);
}

// A request without nonce.
// Asserts: the sign-in succeeds; the ID token has no nonce.
import { Fapi } from '../frame/fapi.mjs';

export default async function (t) {
  const f = await Fapi.register(t);
  const signed = await f.signIn({ params: { nonce: undefined } });
  await f.reads(signed.tokens.access_token);
}

// A request without state.
// Asserts: the sign-in succeeds; neither state nor s_hash comes back.
import { Fapi } from '../frame/fapi.mjs';

export default async function (t) {
  const f = await Fapi.register(t);
  const signed = await f.signIn({ params: { state: undefined } });
  await f.reads(signed.tokens.access_token);
}

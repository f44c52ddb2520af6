// An authorization request without nonce, which the code flow allows.
// Asserts: the sign-in succeeds and the ID token has no nonce.
import { signIn } from '../frame/oidc.mjs';

export default async function (t) {
  await signIn(t, await t.register(), { params: { nonce: undefined } });
}

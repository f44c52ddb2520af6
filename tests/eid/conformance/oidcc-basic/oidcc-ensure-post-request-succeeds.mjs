// The authorization request as a form by POST.
// Asserts: the sign-in succeeds as by GET (OpenID Core, 3.1.2.1).
import { signIn } from '../frame/oidc.mjs';

export default async function (t) {
  await signIn(t, await t.register(), { method: 'POST' });
}

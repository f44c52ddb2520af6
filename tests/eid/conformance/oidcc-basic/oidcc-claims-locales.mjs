// claims_locales=se.
// Asserts: it is no error; the sign-in succeeds (OpenID Core, 15.1).
import { signIn } from '../frame/oidc.mjs';

export default async function (t) {
  await signIn(t, await t.register(), { params: { claims_locales: 'se' } });
}

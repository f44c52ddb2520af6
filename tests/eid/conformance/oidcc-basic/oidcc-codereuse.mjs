// Uses a code a second time, at once.
// Asserts: invalid_grant; success would be a warning in the original, and is a failure here:
// RFC 6749, 4.1.2 has MUST.
import { tokenError } from '../frame/checks.mjs';
import { exchange, signIn } from '../frame/oidc.mjs';

export default async function (t) {
  const client = await t.register();
  const signed = await signIn(t, client);
  tokenError(t, await exchange(t, client, signed.code, signed.params), ['invalid_grant']);
}

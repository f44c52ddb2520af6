// An authorization request with a parameter that no specification has: extra=foobar.
// Asserts: it is ignored and the sign-in succeeds (RFC 6749, 3.1).
import { signIn } from '../frame/oidc.mjs';

export default async function (t) {
  const signed = await signIn(t, await t.register(), { params: { extra: 'foobar' } });
  t.check('it does not come back', !signed.outcome.params.has('extra'));
}

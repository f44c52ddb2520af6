// display=popup, from a browser without cookies.
// Asserts: a sign-in page is shown, no error, and the sign-in succeeds.
import { signIn } from '../frame/oidc.mjs';

export default async function (t) {
  const signed = await signIn(t, await t.register(), { params: { display: 'popup' } });
  t.check('a sign-in page was shown', signed.outcome.seen.includes('sign-in'), signed.outcome.seen);
}

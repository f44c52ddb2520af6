// The end_session_endpoint with no parameters at all: nothing says that the person wants it.
// Asserts: the person is asked or signed out at once, and once they agree nobody is signed in;
// a page of the provider says so; the browser is not sent to the relying party.
import { begin, leave, signedOut } from '../frame/logout.mjs';

export default async function (t) {
  const b = await begin(t);
  const outcome = await leave(t, b.agent, {});
  t.check('the browser is not sent to the relying party', !outcome.callback, outcome.callback?.href);
  await signedOut(t, b);
}

// id_token_hint and state, but no post_logout_redirect_uri.
// Asserts: nobody is signed in afterwards; a page of the provider says so; the browser is not
// sent to the relying party.
import { begin, leave, signedOut } from '../frame/logout.mjs';

export default async function (t) {
  const b = await begin(t);
  const outcome = await leave(t, b.agent, { ...b.params, post_logout_redirect_uri: undefined });
  t.check('the browser is not sent to the relying party', !outcome.callback, outcome.callback?.href);
  await signedOut(t, b);
}

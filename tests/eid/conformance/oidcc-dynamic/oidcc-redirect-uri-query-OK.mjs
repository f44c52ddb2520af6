// A redirect_uri that was registered with a query, and is asked for with it.
// Asserts: the sign-in succeeds; the query is kept.
import { signIn } from '../frame/oidc.mjs';

export default async function (t) {
  const client = await t.register({ redirect_uris: [`${t.redirectUri()}?foo=bar`] });
  const signed = await signIn(t, client);
  t.equal('the query is kept', signed.outcome.params.get('foo'), 'bar');
}

// A redirect_uri with a query, registered without.
// Asserts: an error page of the provider's own; the browser is not sent there.
import { refused } from '../frame/checks.mjs';
import { authorizeUrl, parameters } from '../frame/oidc.mjs';

export default async function (t) {
  const { registered, asked } = { registered: '', asked: '?foo=bar' };
  const client = await t.register({ redirect_uris: [`${t.redirectUri()}${registered}`] });
  const outcome = await t.agent().go(authorizeUrl(t, parameters(client, { redirect_uri: `${t.redirectUri()}${asked}` })));
  t.check('the browser stays at the provider', !outcome.callback, outcome.callback?.href);
  refused(t, outcome);
}

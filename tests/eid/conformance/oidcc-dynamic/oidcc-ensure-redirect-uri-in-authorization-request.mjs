// A client with two redirect_uris, and a request without any.
// Asserts: an error page of the provider's own; the browser is sent to neither.
import { refused } from '../frame/checks.mjs';
import { authorizeUrl, parameters } from '../frame/oidc.mjs';

export default async function (t) {
  const client = await t.register({ redirect_uris: [t.redirectUri('one'), t.redirectUri('two')] });
  const outcome = await t.agent().go(authorizeUrl(t, parameters(client, { redirect_uri: undefined })));
  t.check('the browser stays at the provider', !outcome.callback, outcome.callback?.href);
  refused(t, outcome);
}

// A redirect_uri that the client has not registered.
// Asserts: an error page of the provider's own; the browser is never sent to that address nor
// to the registered one. (Ours: the same with a registered one that has got a path, a query, a
// fragment or another host.)
import { authorizeUrl, parameters } from '../frame/oidc.mjs';

export default async function (t) {
  const client = await t.register();
  const own = client.redirect_uris[0];
  for (const uri of [`${t.redirectUri('other')}`, `${own}/more`, `${own}?a=b`, `${own}#part`, own.replace('127.0.0.1', 'localhost'), `${own}%2f..`, own.toUpperCase()]) {
    const outcome = await t.agent().go(authorizeUrl(t, parameters(client, { redirect_uri: uri })));
    t.check(`the browser stays at the provider (${uri})`, !outcome.callback, outcome.callback?.href);
    t.check('the page says that something is wrong', outcome.status >= 400 || /error/i.test(`${outcome.page} ${outcome.text}`), `${outcome.page} ${outcome.status}`);
    t.equal('nobody is asked to sign in for it', outcome.seen, []);
  }
}

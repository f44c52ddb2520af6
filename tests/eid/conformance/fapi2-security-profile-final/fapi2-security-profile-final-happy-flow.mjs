// A whole sign-in for each of two clients. The first reads the resource also with headers that
// a client may send (the person's address, other Accept values) and must not read it with the
// token in the query; the second has a nonce of 43 characters, a redirect_uri with a query, and
// names its DPoP key by dpop_jkt alone.
// Asserts: all answers on the way, ID tokens, the binding of access tokens, TLS of the resource;
// that the ID token holds nothing that was not asked for; that a client's access token is no use
// with the other's key or certificate.
import { Fapi } from '../frame/fapi.mjs';
import { random, thumbprint } from '../frame/jose.mjs';
import { checkTls } from '../frame/tls.mjs';

export default async function (t) {
  const one = await Fapi.register(t);
  const first = await one.signIn();
  const url = one.endpoint('userinfo_endpoint');
  await checkTls(t, url);
  await one.reads(first.tokens.access_token);
  for (const headers of [{ 'x-fapi-customer-ip-address': '2001:db8::1893:25c8:1946' }, { Accept: 'application/json; charset=utf-8' }, { Accept: '*/*' }]) {
    await one.reads(first.tokens.access_token, `the resource is given with ${JSON.stringify(headers)}`, { headers });
  }
  const inQuery = await t.request(`${url}?access_token=${first.tokens.access_token}`, { tls: one.tls, headers: one.dpopKey ? { DPoP: one.proof('GET', url, { accessToken: first.tokens.access_token }) } : {} });
  t.check('a token in the query is not taken', inQuery.status >= 400, inQuery.status);
  t.should('the ID token has no name: nobody asked for it', first.id.name === undefined);
  const two = await Fapi.register(t, { n: 1 });
  const second = await two.signIn({ params: { nonce: random(32).padEnd(43, 'a').slice(0, 43), ...(two.dpopKey ? { dpop_jkt: thumbprint(two.dpopKey.jwk) } : {}) } });
  t.equal('the query of the redirect_uri is kept', [second.outcome.params.get('dummy1'), second.outcome.params.get('dummy2')], ['lorem', 'ipsum']);
  await two.reads(second.tokens.access_token);
  const wrong = await two.resource(first.tokens.access_token);
  t.check("the first client's token is no use to the second", [400, 401].includes(wrong.status), wrong.status);
}

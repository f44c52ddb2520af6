// Using the provider to send a browser elsewhere (RFC 9700, 4.11): unknown clients, addresses that
// are nearly registered, errors before the address is known good, the sign-in's own `next`, logout.
// Asserts: the browser is never sent to an address that was not registered.
import { authorizeUrl, parameters } from '../frame/oidc.mjs';

export default async function (t) {
  const client = await t.register({ post_logout_redirect_uris: [t.redirectUri('out')] });
  const evil = 'https://evil.example/';
  const stays = async (what, url) => {
    const answer = await t.request(url, { headers: { Accept: 'text/html' } });
    const to = answer.headers.location ? new URL(answer.headers.location, t.target.issuer) : null;
    t.check(`the browser stays here: ${what}`, !to || to.origin === t.target.issuer, answer.headers.location);
  };
  await stays('an unknown client', authorizeUrl(t, { ...parameters(client), client_id: 'unknown', redirect_uri: evil }));
  await stays('no client', authorizeUrl(t, { ...parameters(client), client_id: '', redirect_uri: evil }));
  for (const uri of [evil, '//evil.example/', `${client.redirect_uris[0]}@evil.example`, `${t.target.callback.origin}.evil.example/`, `${t.target.callback.origin}@evil.example/`, `${t.target.callback.origin}\\@evil.example/`, 'javascript:alert(1)', 'data:text/html,x', `${client.redirect_uris[0]}/../../x`, `${client.redirect_uris[0]}%0d%0aX: y`]) {
    await stays(uri, authorizeUrl(t, parameters(client, { redirect_uri: uri })));
    await stays(`${uri}, prompt=none`, authorizeUrl(t, parameters(client, { redirect_uri: uri, prompt: 'none' })));
    await stays(`${uri}, no response_type`, authorizeUrl(t, parameters(client, { redirect_uri: uri, response_type: undefined })));
    const out = new URL(t.op.end_session_endpoint);
    out.searchParams.set('client_id', client.client_id);
    out.searchParams.set('post_logout_redirect_uri', uri);
    await stays(`${uri}, logout`, out);
  }
  const agent = t.agent();
  for (const next of [evil, '//evil.example', '/\\evil.example', '/\t/evil.example', 'javascript:alert(1)', '/%09/evil.example\n', 'eid/account']) {
    const answer = await agent.load(new URL('/api/eid/interactions', t.target.issuer), { method: 'POST', json: { next } });
    t.check(`next is a path of ours: ${JSON.stringify(next)}`, answer.status >= 400 && answer.status < 500, answer.status);
  }
}

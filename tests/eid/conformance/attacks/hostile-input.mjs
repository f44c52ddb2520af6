// Input that nobody sends by mistake: control characters, broken UTF-8, NUL, very long values, very
// many parameters, JSON that nests deep, numbers that overflow.
// Asserts: none makes a server error, a header of its own or a code; a state with odd characters comes
// back as it was sent; the provider answers as before afterwards.
import { errorResponse } from '../frame/checks.mjs';
import { authorizeUrl, parameters, signIn, userinfo } from '../frame/oidc.mjs';

export default async function (t) {
  const client = await t.register();
  const url = (query) => `${t.op.authorization_endpoint}?${query}`;
  const base = new URLSearchParams(parameters(client, { prompt: 'none', state: undefined })).toString();
  for (const [what, query] of [
    ['CR LF in state', `${base}&state=a%0d%0aSet-Cookie:%20x=y`], ['NUL in state', `${base}&state=a%00b`], ['broken UTF-8', `${base}&state=%ff%fe`],
    ['a percent sign alone', `${base}&state=%`], ['half an escape', `${base}&state=%4`], ['no names', '=&=&&=='], ['a long state', `${base}&state=${'a'.repeat(6000)}`],
    ['many parameters', `${base}&${Array.from({ length: 200 }, (_, i) => `p${i}=1`).join('&')}`], ['a long scope', `${base}&scope2=${'a '.repeat(2000)}`],
    ['deep claims', `${base}&claims=${encodeURIComponent('['.repeat(3000))}`], ['a number too large', `${base}&max_age=1e400`],
  ]) {
    const answer = await t.request(url(query));
    t.check(`${what}: no server error`, answer.status < 500, `${answer.status} ${answer.text.slice(0, 200)}`);
    t.check(`${what}: no header of its own`, !/x=y/.test(String(answer.headers['set-cookie'] ?? '')));
    t.check(`${what}: no code`, !/[?&]code=/.test(answer.headers.location ?? ''), answer.headers.location);
  }
  const odd = 'ạ & = ? # % + "<script>" \\ \' ; ☃';
  const params = parameters(client, { prompt: 'none', state: odd });
  errorResponse(t, await t.agent().go(authorizeUrl(t, params)), { state: odd, errors: ['login_required'] });
  for (const body of ['', '{', '[]', 'null', '"x"', '{"redirect_uris":"x"}', '{"redirect_uris":[1]}', '{"redirect_uris":[null]}', `{"redirect_uris":["${'a'.repeat(3000)}"]}`, `${'['.repeat(5000)}`, '{"redirect_uris":[],"default_max_age":1e99}', '{"redirect_uris":["http://127.0.0.1/x"],"jwks":{"keys":[{"kty":"oct","k":"AAAA"}]}}', '{"redirect_uris":["http://127.0.0.1/x"],"jwks":{"keys":[{"kty":"RSA","n":"AQ","e":"AQ"}]}}', '{"redirect_uris":["http://127.0.0.1/x"],"jwks":{"keys":[{"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA"}]}}']) {
    const answer = await t.request(t.op.registration_endpoint, { method: 'POST', body, headers: { 'Content-Type': 'application/json' } });
    t.check(`registration refuses ${body.slice(0, 60)}`, answer.status >= 400 && answer.status < 500, `${answer.status} ${answer.text.slice(0, 200)}`);
  }
  for (const [name, value] of Object.entries({ redirect_uris: ['javascript:alert(1)'], logo_uri: 'javascript:alert(1)', client_uri: 'data:text/html,x', policy_uri: 'http://plain.example/', tos_uri: 'https://a b/', backchannel_logout_uri: 'file:///etc/passwd', post_logout_redirect_uris: ['javascript:alert(1)'] })) {
    const answer = await t.request(t.op.registration_endpoint, { method: 'POST', json: { redirect_uris: [t.redirectUri()], [name]: value } });
    t.equal(`${name} ${value} is refused`, answer.status, 400);
  }
  for (const header of ['Basic', 'Basic !!!', `Basic ${Buffer.from('nocolon').toString('base64')}`, `Basic ${Buffer.from('%zz:%').toString('base64')}`, `Basic ${'A'.repeat(4000)}`, 'Bearer x', 'DPoP']) {
    const answer = await t.request(t.op.token_endpoint, { method: 'POST', form: { grant_type: 'client_credentials' }, headers: { Authorization: header } });
    t.check(`${header.slice(0, 20)} at the token endpoint is refused`, answer.status === 400 || answer.status === 401, answer.status);
  }
  for (const bearer of ['', '.', '..', 'a.b.c', `${'a'.repeat(9000)}.b.c`, 'eyJhbGciOiJub25lIn0.e30.', '\u00e9'.repeat(3)]) {
    const answer = await userinfo(t, bearer);
    t.check(`UserInfo refuses ${bearer.slice(0, 20)}`, [400, 401, 431].includes(answer.status), answer.status);
  }
  await signIn(t, client);
}

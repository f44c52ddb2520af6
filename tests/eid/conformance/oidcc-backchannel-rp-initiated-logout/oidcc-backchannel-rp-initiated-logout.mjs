// Signs in, sends the browser to the end_session_endpoint, and waits for the provider to call
// backchannel_logout_uri.
// Asserts: the call is a POST of a form with logout_token and nothing else; the token is signed by
// a published key with the client's algorithm, has iss, aud, iat, exp in the future, jti, the
// event, no nonce, sub or sid, those of the ID token; the browser comes to the
// post_logout_redirect_uri with the state; afterwards nobody is signed in. A warning
// (ours) where an access token of the session still works.
import { readKeys } from '../frame/checks.mjs';
import { random, verify } from '../frame/jose.mjs';
import { backAtClient, leave, signedOut } from '../frame/logout.mjs';
import { signIn, userinfo } from '../frame/oidc.mjs';

export default async function (t) {
  const uri = t.redirectUri('backchannel_logout');
  const client = await t.register({
    post_logout_redirect_uris: [t.redirectUri('post_logout_redirect')], backchannel_logout_uri: uri, backchannel_logout_session_required: true,
    grant_types: ['authorization_code', 'refresh_token'],
  });
  const signed = await signIn(t, client, { params: { state: random(96) } });
  t.check('the ID token has sid', typeof signed.id.sid === 'string', signed.id);
  const params = { id_token_hint: signed.tokens.id_token, post_logout_redirect_uri: client.post_logout_redirect_uris[0], state: random(16) };
  backAtClient(t, await leave(t, signed.agent, params), params);
  let told;
  for (let i = 0; i < 100 && !told; i++) {
    told = t.target.callback.requests.find((r) => r.url.href === uri);
    if (!told) await t.sleep(0.1);
  }
  t.need('the provider calls within ten seconds', told);
  t.equal('by POST', told.method, 'POST');
  t.check('with a form', /^application\/x-www-form-urlencoded\b/.test(told.headers['content-type']), told.headers['content-type']);
  const form = new URLSearchParams(told.body);
  t.should('of logout_token alone', [...form.keys()].join() === 'logout_token', [...form.keys()]);
  let parts;
  try {
    parts = verify(form.get('logout_token'), await readKeys(t), [client.id_token_signed_response_alg ?? 'RS256']);
  } catch (error) {
    t.need('the logout token is signed by a published key', false, error.message);
  }
  const c = parts.payload;
  const now = Math.floor(Date.now() / 1000);
  t.equal('iss is the issuer', c.iss, t.op.issuer);
  t.check('aud is this client', [c.aud].flat().includes(client.client_id), c.aud);
  t.check('iat is now', Math.abs(c.iat - now) < 300, c.iat);
  t.check('exp is in the future', c.exp > now, c.exp);
  t.should('exp is within two minutes of iat', c.exp - c.iat <= 120, c.exp - c.iat);
  t.check('there is a jti', typeof c.jti === 'string' && c.jti.length > 0);
  t.equal('the event is an empty object', c.events?.['http://schemas.openid.net/event/backchannel-logout'], {});
  t.check('there is no nonce', c.nonce === undefined);
  t.check('there is sub or sid', c.sub !== undefined || c.sid !== undefined);
  if (c.sub !== undefined) t.equal('sub is that of the ID token', c.sub, signed.id.sub);
  if (c.sid !== undefined) t.equal('sid is that of the ID token', c.sid, signed.id.sid);
  t.should('typ is logout+jwt', parts.header.typ === 'logout+jwt', parts.header.typ);
  await signedOut(t, { client, agent: signed.agent });
  t.should('the access token is over', (await userinfo(t, signed.tokens.access_token)).status === 401);
}

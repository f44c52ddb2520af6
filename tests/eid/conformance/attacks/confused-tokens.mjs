// Tokens of one kind used as another (RFC 8725, 3.11; RFC 9068, 5): the ID token, the refresh token
// and a logout hint at UserInfo, the access token as id_token_hint, an ID token of another client, a
// client assertion as request object and the reverse, tokens whose signature, alg or kid was changed.
// Asserts: each is refused.
import { tokenError } from '../frame/checks.mjs';
import { decode, makeKey, random, sign, spoil } from '../frame/jose.mjs';
import { authorizeUrl, parameters, signIn, userinfo } from '../frame/oidc.mjs';

export default async function (t) {
  const key = makeKey('ES256');
  const client = await t.register({ grant_types: ['authorization_code', 'refresh_token'] });
  const signed = await signIn(t, client, { params: { scope: 'openid offline_access', prompt: 'consent' } });
  const at = signed.tokens.access_token;
  const deny = async (what, bearer) => t.equal(`UserInfo refuses ${what}`, (await userinfo(t, bearer)).status, 401);
  await deny('an ID token', signed.tokens.id_token);
  await deny('a refresh token', signed.tokens.refresh_token);
  await deny('a spoilt access token', spoil(at));
  const { header, payload } = decode(at);
  await deny('alg none', sign({ ...header, alg: 'none' }, payload, null));
  await deny('a stranger with the same kid', sign({ ...header, alg: 'ES256' }, payload, key.privateKey));
  await deny('a key in the header', sign({ typ: header.typ, alg: 'ES256', jwk: key.jwk }, payload, key.privateKey));
  await deny('the claims of another person', [at.split('.')[0], Buffer.from(JSON.stringify({ ...payload, sub: 'other' })).toString('base64url'), at.split('.')[2]].join('.'));
  const hinted = parameters(client, { prompt: 'none', id_token_hint: at });
  const outcome = await signed.agent.go(authorizeUrl(t, hinted));
  t.check('an access token is no id_token_hint', !outcome.params?.has('code'), outcome.callback?.search);
  const out = new URL(t.op.end_session_endpoint);
  out.searchParams.set('id_token_hint', at);
  signed.agent.stopAt = 'sign-out';
  await signed.agent.go(out);
  const still = await signed.agent.go(authorizeUrl(t, parameters(client, { prompt: 'none' })));
  t.check('and signs nobody out', still.params?.has('code'), still.callback?.search);
  const other = await t.register();
  const foreign = parameters(other, { prompt: 'none', id_token_hint: signed.tokens.id_token });
  t.check("another client's ID token is no hint", !(await signed.agent.go(authorizeUrl(t, foreign))).params?.has('code'));
  const keyed = await t.register({ token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [key.published] } });
  const now = Math.floor(Date.now() / 1000);
  const assertion = (claims, head = {}) => sign({ alg: 'ES256', kid: key.kid, ...head }, { iss: keyed.client_id, sub: keyed.client_id, aud: t.op.issuer, jti: random(), iat: now, exp: now + 60, ...claims }, key.privateKey);
  const asks = (text) => t.request(t.op.token_endpoint, { method: 'POST', form: { grant_type: 'client_credentials', client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer', client_assertion: text } });
  tokenError(t, await asks(assertion({ sub: undefined, client_id: keyed.client_id, response_type: 'code' })), ['invalid_client']);
  tokenError(t, await asks(assertion({}, { crit: ['x'], x: 1 })), ['invalid_client']);
  tokenError(t, await asks(assertion({}, { kid: '../../etc/passwd' })), ['invalid_client']);
  tokenError(t, await asks(assertion({}, { alg: 'none' })), ['invalid_client']);
  const inner = parameters(keyed, { request: assertion({}) });
  const object = await t.agent().go(authorizeUrl(t, inner));
  t.check('a client assertion is no request object', !object.params?.has('code') && object.seen.length === 0, object.callback?.search ?? object.seen);
}

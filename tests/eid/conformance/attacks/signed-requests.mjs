// Signed requests attacked (RFC 9101, 4, 6 and 10): another client's object, client_id within and
// without that differ, parameters outside that are not within, a request in a request, redirect_uri
// swapped, a stranger's key, expired, for another server, required but missing.
// Asserts: each is refused or the signed values alone count.
import { decode, makeKey, sign } from '../frame/jose.mjs';
import { authorizeUrl, exchange, parameters, readCode, readTokens } from '../frame/oidc.mjs';

export default async function (t) {
  const key = makeKey('ES256');
  const make = (more) => t.register({ jwks: { keys: [key.published] }, request_object_signing_alg: 'ES256', ...more });
  const [client, other] = [await make(), await make({ redirect_uris: [t.redirectUri('other')] })];
  const now = Math.floor(Date.now() / 1000);
  const object = (c, claims = {}, k = key) => sign({ alg: 'ES256', kid: key.kid, typ: 'oauth-authz-req+jwt' }, { iss: c.client_id, aud: t.op.issuer, iat: now, exp: now + 60, ...parameters(c), ...claims }, k.privateKey);
  const go = (c, request, extra = {}) => t.agent().go(authorizeUrl(t, { client_id: c.client_id, response_type: 'code', scope: 'openid', request, ...extra }));
  const good = parameters(client);
  const outcome = await go(client, object(client, good), { state: 'outside', nonce: 'outside' });
  const code = readCode(t, outcome, good);
  const tokens = readTokens(t, await exchange(t, client, code, good));
  t.equal('the signed nonce counts', decode(tokens.id_token).payload.nonce, good.nonce);
  const loose = await go(client, object(client, { state: undefined }), { state: 'outside' });
  t.check('a state outside alone does not count', loose.params?.get('state') !== 'outside', loose.callback?.search);
  const wide = await go(client, object(client, { prompt: 'none' }), { prompt: 'login', scope: 'openid email' });
  t.equal('prompt outside does not count', wide.params?.get('error'), 'login_required');
  const denied = async (what, o) => t.check(`refused: ${what}`, !o.params?.has('code') && o.seen.length === 0, o.callback?.search ?? o.seen);
  await denied("another client's object", await go(client, object(other)));
  await denied('another client_id within', await go(client, object(client, { client_id: other.client_id })));
  await denied('another iss', await go(client, object(client, { iss: other.client_id })));
  await denied('another redirect_uri within', await go(client, object(client, { redirect_uri: 'https://evil.example/' })));
  await denied("a stranger's key", await go(client, object(client, {}, makeKey('ES256'))));
  await denied('expired', await go(client, object(client, { exp: now - 3600 })));
  await denied('for another server', await go(client, object(client, { aud: 'https://other.example' })));
  await denied('a request within', await go(client, object(client, { request: object(client) })));
  await denied('what is no JWS', await go(client, 'x.y.z'));
  await denied('five parts', await go(client, 'a.b.c.d.e'));
  const must = await make({ require_signed_request_object: true });
  await denied('no object where one is required', await t.agent().go(authorizeUrl(t, parameters(must))));
}

// The daemon is killed (SIGKILL) in the middle of everything and started again.
// Asserts: what was answered before holds after: the session, a sign-in that waits, a code, a pushed
// request, refresh and access tokens, keys, clients, consent; what was ended or used stays so. A client
// assertion or DPoP proof that was used before is not taken again (a warning: proofs are remembered in
// memory alone).
import { idToken, readKeys, tokenError } from '../frame/checks.mjs';
import { makeKey, random, sign } from '../frame/jose.mjs';
import { authorizeUrl, basic, exchange, parameters, readCode, readTokens, signIn, token, userinfo } from '../frame/oidc.mjs';

export default async function (t) {
  if (!t.target.kill) t.skip('nobody here can kill this provider');
  const client = await t.register({ grant_types: ['authorization_code', 'refresh_token'] });
  const agent = t.agent();
  const signed = await signIn(t, client, { agent, params: { scope: 'openid offline_access', prompt: 'consent' } });
  const spent = await signIn(t, client, { agent });
  const offline = await signIn(t, client, { agent, params: { scope: 'openid offline_access', prompt: 'consent' } });
  const rotated = readTokens(t, await token(t, client, { grant_type: 'refresh_token', refresh_token: offline.tokens.refresh_token }));
  await t.request(t.op.revocation_endpoint, { method: 'POST', form: { token: spent.tokens.access_token }, headers: { Authorization: basic(client) } });
  const waiting = parameters(client);
  const code = readCode(t, await agent.go(authorizeUrl(t, waiting)), waiting);
  const params = parameters(client);
  const pushed = await t.request(t.op.pushed_authorization_request_endpoint, { method: 'POST', form: params, headers: { Authorization: basic(client) } });
  t.need('a request is pushed', pushed.status === 201, pushed.text);
  const late = t.agent(t.target.other);
  late.stopAt = 'consent';
  const asked = parameters(client);
  const stopped = await late.go(authorizeUrl(t, asked));
  const key = makeKey('ES256');
  const robot = await t.register({ token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [key.published] }, grant_types: ['client_credentials'], response_types: [], redirect_uris: undefined, scope: 'read' });
  const now = Math.floor(Date.now() / 1000);
  const assertion = sign({ alg: 'ES256', kid: key.kid }, { iss: robot.client_id, sub: robot.client_id, aud: t.op.issuer, jti: random(), iat: now, exp: now + 60 }, key.privateKey);
  const robots = () => t.request(t.op.token_endpoint, { method: 'POST', form: { grant_type: 'client_credentials', scope: 'read', client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer', client_assertion: assertion } });
  t.equal('an assertion is taken', (await robots()).status, 200);
  const before = (await readKeys(t)).map((k) => k.kid).sort();

  await t.target.kill();

  t.equal('the keys are the same', (await readKeys(t)).map((k) => k.kid).sort(), before);
  t.equal('an access token works', (await userinfo(t, signed.tokens.access_token)).status, 200);
  t.equal('what was revoked stays so', (await userinfo(t, spent.tokens.access_token)).status, 401);
  const tokens = readTokens(t, await exchange(t, client, code, waiting));
  await idToken(t, tokens.id_token, { client, nonce: waiting.nonce, accessToken: tokens.access_token });
  const url = authorizeUrl(t, { client_id: client.client_id, request_uri: pushed.json.request_uri });
  readCode(t, await agent.go(url), params);
  readTokens(t, await token(t, client, { grant_type: 'refresh_token', refresh_token: rotated.refresh_token }));
  tokenError(t, await exchange(t, client, spent.code, spent.params), ['invalid_grant']);
  tokenError(t, await exchange(t, client, code, waiting), ['invalid_grant']);
  late.stopAt = null;
  readCode(t, await late.go(stopped.page), asked);
  const silent = parameters(client, { prompt: 'none' });
  readCode(t, await agent.go(authorizeUrl(t, silent)), silent);
  t.should('the assertion is not taken again', (await robots()).status === 401);
}

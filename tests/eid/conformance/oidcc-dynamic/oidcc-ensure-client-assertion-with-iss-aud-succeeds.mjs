// private_key_jwt, with aud of the client assertion the issuer, not the token endpoint.
// Asserts: the code is exchanged; a refusal would be a warning (RFC 7523, 3 only recommends a
// value).
import { idToken, tokenError } from '../frame/checks.mjs';
import { makeKey, random, sign } from '../frame/jose.mjs';
import { authorizeUrl, parameters, readCode, readTokens } from '../frame/oidc.mjs';

export default async function (t) {
  const key = makeKey('RS256');
  const client = await t.register({ token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [key.published] } });
  const params = parameters(client);
  const code = readCode(t, await t.agent().go(authorizeUrl(t, params)), params);
  const now = Math.floor(Date.now() / 1000);
  const assertion = sign({ alg: 'RS256', kid: key.kid }, { iss: client.client_id, sub: client.client_id, aud: t.op.issuer, jti: random(), iat: now, exp: now + 60 }, key.privateKey);
  const answer = await t.request(t.op.token_endpoint, { method: 'POST', form: { grant_type: 'authorization_code', code, redirect_uri: params.redirect_uri, client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer', client_assertion: assertion } });
  if (!t.should('the issuer is taken as audience', answer.status === 200, answer.text.slice(0, 200))) return void tokenError(t, answer, ['invalid_client']);
  const tokens = readTokens(t, answer);
  await idToken(t, tokens.id_token, { client, nonce: params.nonce, accessToken: tokens.access_token });
}

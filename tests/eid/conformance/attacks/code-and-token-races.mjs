// The same code, refresh token and request_uri, ten times at once (RFC 6749, 4.1.2; RFC 9700,
// 4.14.2).
// Asserts: one of ten succeeds at most; of codes exactly one does, or what it gave is over; no
// answer is a server error.
import { random, sha256u } from '../frame/jose.mjs';
import { authorizeUrl, exchange, parameters, readCode, signIn, token, userinfo } from '../frame/oidc.mjs';

export default async function (t) {
  const client = await t.register({ token_endpoint_auth_method: 'none', grant_types: ['authorization_code', 'refresh_token'] });
  const pkce = () => {
    const verifier = random();
    return { verifier, given: { code_challenge: sha256u(verifier), code_challenge_method: 'S256', scope: 'openid offline_access', prompt: 'consent' } };
  };
  const agent = t.agent();
  const ten = (act) => Promise.all(Array.from({ length: 10 }, act));
  const { verifier, given } = pkce();
  const params = parameters(client, given);
  const code = readCode(t, await agent.go(authorizeUrl(t, params)), params);
  const codes = await ten(() => exchange(t, client, code, params, { code_verifier: verifier }));
  t.check('a code gives tokens once at most', codes.filter((a) => a.status === 200).length <= 1, codes.map((a) => a.status));
  t.check('somebody gets them', codes.some((a) => a.status === 200), codes.map((a) => a.status));
  t.check('no answer is a server error', codes.every((a) => a.status < 500), codes.map((a) => a.status));
  const winner = codes.find((a) => a.status === 200);
  const late = await userinfo(t, winner.json.access_token);
  t.check('what a code gave that came ten times is over', late.status === 401, late.status);
  const again = pkce();
  const signed = await signIn(t, client, { agent, params: again.given, extra: { code_verifier: again.verifier } });
  const refreshed = await ten(() => token(t, client, { grant_type: 'refresh_token', refresh_token: signed.tokens.refresh_token }));
  t.check('a refresh token works once at most', refreshed.filter((a) => a.status === 200).length <= 1, refreshed.map((a) => a.status));
  t.check('no answer is a server error', refreshed.every((a) => a.status < 500), refreshed.map((a) => a.status));
  for (const a of refreshed.filter((r) => r.status === 200)) t.check('and then the grant is over', (await userinfo(t, a.json.access_token)).status === 401);
}

// UserInfo by GET with the access token in the header.
// Asserts: 200, JSON, sub of the ID token, standard claims in their form; and (ours) that a
// token that was never given is refused with 401 and a challenge.
import { person, signIn, userinfo } from '../frame/oidc.mjs';

export default async function (t) {
  const signed = await signIn(t, await t.register());
  await person(t, signed);
  const answer = await userinfo(t, `${signed.tokens.access_token.slice(0, -3)}AAA`);
  t.equal('a token that was never given is refused', answer.status, 401);
  t.check('the challenge says invalid_token', /^Bearer\b.*invalid_token/.test(answer.headers['www-authenticate'] ?? ''), answer.headers['www-authenticate']);
}

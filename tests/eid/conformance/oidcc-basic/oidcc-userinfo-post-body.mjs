// UserInfo by POST with the access token in the form body (RFC 6750, 2.2).
// Asserts: as with the header; a refusal is allowed by the specification and a warning.
import { person, signIn, userinfo } from '../frame/oidc.mjs';

export default async function (t) {
  const signed = await signIn(t, await t.register());
  const answer = await userinfo(t, signed.tokens.access_token, { inBody: true });
  if (!t.should('the token is taken in the body', answer.status === 200, answer.status)) return;
  await person(t, signed, { inBody: true });
}

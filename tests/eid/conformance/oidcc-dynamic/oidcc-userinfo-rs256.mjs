// A client that registers RS256 for UserInfo.
// Asserts: UserInfo is a JWT (application/jwt) that a published key has signed with RS256, with
// iss, aud and the sub of the ID token.
import { readKeys, standardClaims } from '../frame/checks.mjs';
import { verify } from '../frame/jose.mjs';
import { signIn, userinfo } from '../frame/oidc.mjs';

export default async function (t) {
  const client = await t.register({ userinfo_signed_response_alg: 'RS256' });
  const signed = await signIn(t, client, { params: { scope: 'openid profile' } });
  const answer = await userinfo(t, signed.tokens.access_token);
  t.equal('UserInfo answers 200', answer.status, 200);
  t.equal('it is a JWT', answer.type, 'application/jwt');
  const keys = await readKeys(t);
  let claims;
  try {
    claims = verify(answer.text.trim(), keys, ['RS256']).payload;
  } catch (error) {
    t.need('it is signed by a published key with RS256', false, error.message);
  }
  t.equal('iss is the issuer', claims.iss, t.op.issuer);
  t.check('aud is this client', [claims.aud].flat().includes(client.client_id), claims.aud);
  t.equal('sub is that of the ID token', claims.sub, signed.id.sub);
  standardClaims(t, claims);
  t.should('it has the claims that were asked for', claims.name !== undefined);
}

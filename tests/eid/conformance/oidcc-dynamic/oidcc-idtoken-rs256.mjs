// A client that registers RS256 for its ID tokens.
// Asserts: the ID token is signed with RS256 by a published key.
import { signIn } from '../frame/oidc.mjs';

export default async function (t) {
  const client = await t.register({ id_token_signed_response_alg: 'RS256' });
  const signed = await signIn(t, client, { algs: ['RS256'] });
  t.equal('the algorithm is the registered one', signed.header.alg, 'RS256');
}

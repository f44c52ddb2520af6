// A client that registers no algorithm for its ID tokens.
// Asserts: the ID token is signed with RS256 by a key of the published set, named by kid.
import { readKeys } from '../frame/checks.mjs';
import { signIn } from '../frame/oidc.mjs';

export default async function (t) {
  const client = await t.register({ id_token_signed_response_alg: undefined });
  const signed = await signIn(t, client, { algs: ['RS256'] });
  t.equal('the algorithm is the default', signed.header.alg, 'RS256');
  const keys = await readKeys(t);
  t.check('kid is of one published key', keys.filter((k) => k.kid === signed.header.kid).length === 1 || keys.length === 1, signed.header.kid);
}

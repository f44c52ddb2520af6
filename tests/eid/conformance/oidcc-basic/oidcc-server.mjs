// The plain sign-in: code flow, client_secret_basic, scope openid alone, then UserInfo.
// Asserts: the answer at the redirect_uri (state, iss, one code); that the code cannot be
// guessed (length, variety); the token answer; the whole ID token (signature, iss, aud, azp,
// exp, iat, nonce, at_hash where it is given, no c_hash that is wrong); that the ID token
// holds no claims of the person that nobody asked for; that the access token reads UserInfo.
import { halfHash } from '../frame/jose.mjs';
import { person, signIn } from '../frame/oidc.mjs';

const PROTOCOL = ['iss', 'sub', 'aud', 'exp', 'iat', 'nbf', 'jti', 'auth_time', 'nonce', 'acr', 'amr', 'azp', 'at_hash', 'c_hash', 's_hash', 'sid'];

export default async function (t) {
  const client = await t.register({ token_endpoint_auth_method: 'client_secret_basic' });
  const signed = await signIn(t, client);
  t.check('the code has 128 bits at the least, as far as one can see', signed.code.length >= 22 && new Set(signed.code).size >= 10, signed.code.length);
  t.should('expires_in is told', signed.tokens.expires_in !== undefined);
  if (signed.id.c_hash !== undefined) t.equal('c_hash is of the code', signed.id.c_hash, halfHash(signed.header.alg, signed.code));
  t.should('the ID token has no name: nobody asked for it', signed.id.name === undefined);
  t.should('the ID token has nothing of the person beyond sub', Object.keys(signed.id).every((k) => PROTOCOL.includes(k)), Object.keys(signed.id));
  await person(t, signed);
}

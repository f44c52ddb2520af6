// The request object is signed with RS256, by an RSA key of the client's that names no algorithm.
// Asserts: refused by the PAR endpoint, on a page, or at the redirect_uri with invalid_request or
// invalid_request_object.
import { Fapi, refusedSomewhere } from '../frame/fapi.mjs';
import { makeKey } from '../frame/jose.mjs';

export default async function (t) {
  const rsa = makeKey('PS256');
  const f = await Fapi.register(t, { keys: [{ ...rsa.jwk, kid: rsa.kid, use: 'sig' }] });
  const { params } = f.parameters();
  await refusedSomewhere(f, params, { errors: ['invalid_request', 'invalid_request_object'], how: { object: { key: rsa, header: { alg: 'RS256' } } } });
}

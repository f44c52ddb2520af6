// A client assertion at the PAR endpoint whose iat and nbf are more than a minute in the future.
// Asserts: invalid_client or invalid_request, 400 or 401; (ours) also with nbf alone.
import { Fapi, parError } from '../frame/fapi.mjs';

export default async function (t) {
  const f = await Fapi.register(t);
  const { params } = f.parameters();
  const later = Math.floor(Date.now() / 1000) + 70;
  parError(t, await f.push(params, { assertion: { claims: { iat: later, nbf: later, exp: later + 60 } } }), ['invalid_client', 'invalid_request']);
  parError(t, await f.push(params, { assertion: { claims: { nbf: later, exp: later + 60 } } }), ['invalid_client', 'invalid_request']);
}

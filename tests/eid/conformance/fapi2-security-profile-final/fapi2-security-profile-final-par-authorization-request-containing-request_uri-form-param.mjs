// A pushed request that has a request_uri itself, as a parameter.
// Asserts: the PAR endpoint refuses with invalid_request (or invalid_request_object).
import { Fapi, parError } from '../frame/fapi.mjs';
import { random } from '../frame/jose.mjs';

export default async function (t) {
  const f = await Fapi.register(t);
  const { params } = f.parameters();
  parError(t, await f.push(params, { extra: { request_uri: `urn:ietf:params:oauth:request_uri:${random()}` } }), ['invalid_request', 'invalid_request_object']);
}

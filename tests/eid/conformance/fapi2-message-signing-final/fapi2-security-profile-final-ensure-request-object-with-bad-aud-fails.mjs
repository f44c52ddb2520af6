// The request object is for another server.
// Asserts: refused by the PAR endpoint, on a page, or at the redirect_uri with invalid_request or
// invalid_request_object.
import { Fapi, refusedSomewhere } from '../frame/fapi.mjs';

export default async function (t) {
  const f = await Fapi.register(t);
  const { params } = f.parameters();
  await refusedSomewhere(f, params, { errors: ['invalid_request', 'invalid_request_object'], how: { object: { claims: { aud: 'https://other.example/' } } } });
}

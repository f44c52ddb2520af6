// exp of the request object is seventy minutes after nbf; sixty are the most (Message Signing,
// 5.3.1).
// Asserts: refused by the PAR endpoint, on a page, or at the redirect_uri with invalid_request or
// invalid_request_object.
import { Fapi, refusedSomewhere } from '../frame/fapi.mjs';

export default async function (t) {
  const f = await Fapi.register(t);
  const { params } = f.parameters();
  const now = Math.floor(Date.now() / 1000);
  await refusedSomewhere(f, params, { errors: ['invalid_request', 'invalid_request_object'], how: { object: { claims: { exp: now + 70 * 60 } } } });
}

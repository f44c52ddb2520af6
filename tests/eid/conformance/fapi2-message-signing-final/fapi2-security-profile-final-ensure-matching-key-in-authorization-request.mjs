// A request object of the first client that the second client's key has signed.
// Asserts: refused by the PAR endpoint, on a page, or at the redirect_uri with invalid_request or
// invalid_request_object.
import { Fapi, refusedSomewhere } from '../frame/fapi.mjs';

export default async function (t) {
  const [one, two] = [await Fapi.register(t), await Fapi.register(t, { n: 1 })];
  const { params } = one.parameters();
  await refusedSomewhere(one, params, { errors: ['invalid_request', 'invalid_request_object'], how: { object: { key: two.key } } });
}

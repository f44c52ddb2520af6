// A request_uri of the first client in an address with client_id of the second.
// Asserts: an error page, or invalid_request, invalid_request_uri or invalid_request_object;
// never a code, at neither client.
import { refused } from '../frame/checks.mjs';
import { Fapi } from '../frame/fapi.mjs';

export default async function (t) {
  const [one, two] = [await Fapi.register(t), await Fapi.register(t, { n: 1 })];
  const { params } = one.parameters();
  const uri = await one.pushed(params);
  refused(t, await t.agent().go(two.authorizeUrl(uri)), { errors: ['invalid_request', 'invalid_request_uri', 'invalid_request_object'] });
}

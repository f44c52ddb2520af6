// response_type "code id_token", by which an ID token would come through the browser.
// Asserts: refused by the PAR endpoint, on a page, or at the redirect_uri with invalid_request or
// unsupported_response_type; nothing is given.
import { Fapi, refusedSomewhere } from '../frame/fapi.mjs';

export default async function (t) {
  const f = await Fapi.register(t);
  const { params } = f.parameters({ response_type: 'code id_token' });
  await refusedSomewhere(f, params, { errors: ['invalid_request', 'unsupported_response_type', 'unauthorized_client', 'invalid_request_object'] });
}

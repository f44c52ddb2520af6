// A pushed request without PKCE.
// Asserts: refused by the PAR endpoint, on a page, or at the redirect_uri with invalid_request.
import { Fapi, refusedSomewhere } from '../frame/fapi.mjs';

export default async function (t) {
  const f = await Fapi.register(t);
  const { params } = f.parameters({ code_challenge: undefined, code_challenge_method: undefined });
  await refusedSomewhere(f, params, { errors: ['invalid_request', 'invalid_request_object'] });
}

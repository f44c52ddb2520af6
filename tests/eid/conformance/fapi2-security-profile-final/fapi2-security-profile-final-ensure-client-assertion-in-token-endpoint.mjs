// The token endpoint without any client authentication.
// Asserts: invalid_client or invalid_request, also where client_id alone is given.
import { tokenError } from '../frame/checks.mjs';
import { Fapi } from '../frame/fapi.mjs';

export default async function (t) {
  const f = await Fapi.register(t);
  const { params, verifier } = f.parameters();
  const code = f.code(await f.authorize(params), params);
  tokenError(t, await f.exchange(code, params, verifier, { assertion: null }), ['invalid_client', 'invalid_request']);
  tokenError(t, await f.exchange(code, params, verifier, { assertion: null, form: { client_id: f.client.client_id } }), ['invalid_client', 'invalid_request']);
}

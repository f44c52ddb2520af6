// A request without any redirect_uri, though the client has registered one alone.
// Asserts: the PAR endpoint refuses with invalid_request or invalid_request_object, or the
// authorization endpoint does, on a page of its own or at the registered redirect_uri.
import { Fapi, refusedSomewhere } from '../frame/fapi.mjs';

export default async function (t) {
  const f = await Fapi.register(t);
  const { params } = f.parameters({ redirect_uri: undefined });
  await refusedSomewhere(f, params, { errors: ['invalid_request', 'invalid_request_object'] });
}

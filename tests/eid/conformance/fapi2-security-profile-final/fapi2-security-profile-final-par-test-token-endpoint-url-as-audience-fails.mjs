// A client assertion at the PAR endpoint whose aud is the token endpoint; it must be the issuer, as one text
// (5.3.2.1).
// Asserts: invalid_client or invalid_request, 400 or 401.
import { Fapi, parError } from '../frame/fapi.mjs';

export default async function (t) {
  const f = await Fapi.register(t);
  const { params } = f.parameters();
  parError(t, await f.push(params, { assertion: { claims: { aud: t.op.token_endpoint } } }), ['invalid_client', 'invalid_request']);
}

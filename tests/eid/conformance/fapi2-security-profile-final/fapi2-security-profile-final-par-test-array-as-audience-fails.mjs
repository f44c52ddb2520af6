// A client assertion at the PAR endpoint whose aud is a list: of the issuer and another, (ours)
// of the issuer alone. It must be the issuer, as one text (5.3.2.1).
// Asserts: invalid_client or invalid_request, 400 or 401.
import { Fapi, parError } from '../frame/fapi.mjs';

export default async function (t) {
  const f = await Fapi.register(t);
  const { params } = f.parameters();
  for (const aud of [[t.op.issuer, 'https://other.example/'], [t.op.issuer]]) {
    parError(t, await f.push(params, { assertion: { claims: { aud } } }), ['invalid_client', 'invalid_request']);
  }
}

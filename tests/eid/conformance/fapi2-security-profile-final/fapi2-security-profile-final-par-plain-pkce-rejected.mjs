// A pushed request with PKCE's method plain; (ours) and with a challenge without a method, which
// means plain.
// Asserts: refused by the PAR endpoint, on a page, or at the redirect_uri with invalid_request.
import { Fapi, refusedSomewhere } from '../frame/fapi.mjs';
import { random } from '../frame/jose.mjs';

export default async function (t) {
  const f = await Fapi.register(t);
  for (const method of ['plain', undefined]) {
    const { params } = f.parameters({ code_challenge: random(), code_challenge_method: method });
    await refusedSomewhere(f, params, { errors: ['invalid_request', 'invalid_request_object'] });
  }
}

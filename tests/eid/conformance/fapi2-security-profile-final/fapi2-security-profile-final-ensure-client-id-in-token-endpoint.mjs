// A code of the first client at the token endpoint, with client_id and assertion that name the
// second, but signed by the first's key.
// Asserts: invalid_client or invalid_grant, 400 (401 for invalid_client).
import { tokenError } from '../frame/checks.mjs';
import { Fapi } from '../frame/fapi.mjs';

export default async function (t) {
  const [one, two] = [await Fapi.register(t), await Fapi.register(t, { n: 1 })];
  const { params, verifier } = one.parameters();
  const code = one.code(await one.authorize(params), params);
  const form = { grant_type: 'authorization_code', code, redirect_uri: params.redirect_uri, code_verifier: verifier, client_id: two.client.client_id };
  const assertion = two.assertion({ key: one.key });
  const url = one.endpoint('token_endpoint');
  const answer = await t.request(url, { method: 'POST', tls: one.tls, headers: one.dpopKey ? { DPoP: one.proof('POST', url) } : {}, form: { ...form, client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer', client_assertion: assertion } });
  tokenError(t, answer, ['invalid_client', 'invalid_grant']);
}

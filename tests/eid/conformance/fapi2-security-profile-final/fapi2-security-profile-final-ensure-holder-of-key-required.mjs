// TLS of all endpoints; then the token endpoint without a DPoP proof, or without the certificate.
// Asserts: TLS as in frame/tls.mjs; the token endpoint refuses with 400 or 401 and
// invalid_request, invalid_grant, invalid_client or (DPoP) invalid_dpop_proof. A connection that
// is dropped is a refusal too.
import { tokenError } from '../frame/checks.mjs';
import { Fapi } from '../frame/fapi.mjs';
import { checkTls } from '../frame/tls.mjs';

export default async function (t) {
  for (const name of ['token_endpoint', 'authorization_endpoint', 'userinfo_endpoint', 'registration_endpoint', 'pushed_authorization_request_endpoint']) await checkTls(t, t.op[name]);
  const f = await Fapi.register(t);
  const { params, verifier } = f.parameters();
  const code = f.code(await f.authorize(params), params);
  const answer = await f.exchange(code, params, verifier, { proof: null }).catch((error) => { if (error.tls) return null; throw error; });
  if (!answer) return void t.check('the connection is dropped', true);
  tokenError(t, answer, ['invalid_request', 'invalid_grant', ...(f.dpopKey ? ['invalid_dpop_proof'] : ['invalid_client'])]);
}

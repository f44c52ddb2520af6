// A client that registers "none" for its ID tokens, where the provider offers that.
// Asserts: the ID token has alg none and an empty signature. Where discovery does not list
// none the original does not run; here it is asserted that such a client cannot be registered
// with none in force, and then skipped likewise.
import { decode } from '../frame/jose.mjs';
import { exchange, parameters, authorizeUrl, readCode, readTokens } from '../frame/oidc.mjs';

export default async function (t) {
  if (!t.op.id_token_signing_alg_values_supported.includes('none')) {
    const answer = await t.request(t.op.registration_endpoint, { method: 'POST', json: { redirect_uris: [t.redirectUri()], id_token_signed_response_alg: 'none' } });
    t.check('a client for unsigned ID tokens is not registered', answer.status === 400 || answer.json?.id_token_signed_response_alg !== 'none', answer.text.slice(0, 200));
    t.skip('"none" is not in id_token_signing_alg_values_supported');
  }
  const client = await t.register({ id_token_signed_response_alg: 'none' });
  const params = parameters(client);
  const code = readCode(t, await t.agent().go(authorizeUrl(t, params)), params);
  const tokens = readTokens(t, await exchange(t, client, code, params));
  const { header, signature } = decode(tokens.id_token);
  t.equal('alg is none', header.alg, 'none');
  t.equal('the signature is empty', signature, '');
}

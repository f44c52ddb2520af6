// Refresh tokens of two clients, with offline_access and prompt=consent where that scope is
// offered; skipped where none is given. Where the token is rotated, the one before is used again
// after thirty seconds, as of a client to which the answer was lost (5.3.2.1).
// Asserts: only characters that a token may have; refreshing works and gives an access token that
// works; the ID token, where there is one, is of the same person and sign-in; refused are a
// refresh without client authentication, one without proof of the key, with another key, and by
// the other client.
import { tokenError } from '../frame/checks.mjs';
import { Fapi } from '../frame/fapi.mjs';
import { decode } from '../frame/jose.mjs';

export const slow = 40;

export default async function (t) {
  const offline = t.op.scopes_supported?.includes('offline_access');
  const use = async (f, signed, refresh, how = {}) => f.token({ grant_type: 'refresh_token', refresh_token: refresh, scope: signed.params.scope }, how);
  const kept = [];
  for (const n of [0, 1]) {
    const f = await Fapi.register(t, { n, metadata: { grant_types: ['authorization_code', 'refresh_token'] } });
    const signed = await f.signIn({ params: offline ? { scope: 'openid offline_access', prompt: 'consent' } : {} });
    const first = signed.tokens.refresh_token;
    if (!first) t.skip('no refresh token is given');
    t.should('discovery lists the grant', t.op.grant_types_supported?.includes('refresh_token'));
    t.check('the token has only visible characters', /^[\x20-\x7e]+$/.test(first));
    const again = f.tokens(await use(f, signed, first));
    t.check('the access token is another', again.access_token !== signed.tokens.access_token);
    await f.reads(again.access_token, 'the refreshed access token works');
    if (again.id_token) {
      const id = decode(again.id_token).payload;
      for (const name of ['iss', 'sub', 'aud', 'auth_time']) t.equal(`${name} is as it was`, id[name], signed.id[name]);
    }
    let refresh = again.refresh_token ?? first;
    if (refresh !== first) {
      await t.sleep(30);
      const late = f.tokens(await use(f, signed, first));
      refresh = late.refresh_token ?? refresh;
    }
    kept.push({ f, signed, refresh });
    if (n === 1) break;
    tokenError(t, await use(f, signed, refresh, { assertion: null }), ['invalid_client', 'invalid_request', 'invalid_grant']);
    const bare = await use(f, signed, refresh, { proof: null }).catch((error) => { if (error.tls) return null; throw error; });
    if (bare) tokenError(t, bare, ['invalid_request', 'invalid_grant', ...(f.dpopKey ? ['invalid_dpop_proof'] : ['invalid_client'])]);
  }
  const [one, two] = kept;
  tokenError(t, await use(one.f, one.signed, two.refresh), ['invalid_grant', 'invalid_client']);
  one.f.tokens(await use(one.f, one.signed, one.refresh));
}

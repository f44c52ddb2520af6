// Uses a code a second time, one second after the first.
// Asserts: invalid_grant; a warning where the access token of the first use still reads the
// resource afterwards.
import { tokenError } from '../frame/checks.mjs';
import { Fapi } from '../frame/fapi.mjs';

export default async function (t) {
  const f = await Fapi.register(t);
  const signed = await f.signIn();
  await f.reads(signed.tokens.access_token, 'the access token works before');
  await t.sleep(1);
  tokenError(t, await f.exchange(signed.code, signed.params, signed.verifier), ['invalid_grant']);
  const after = await f.resource(signed.tokens.access_token);
  t.should('the access token is over', after.status === 401, after.status);
}

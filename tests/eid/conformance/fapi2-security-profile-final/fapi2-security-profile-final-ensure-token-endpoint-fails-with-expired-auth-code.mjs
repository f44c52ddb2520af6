// Uses a code for the first time when its lifetime, at most sixty seconds, is over.
// Asserts: invalid_grant.
import { tokenError } from '../frame/checks.mjs';
import { Fapi } from '../frame/fapi.mjs';

export const slow = 63;

export default async function (t) {
  const f = await Fapi.register(t);
  const { params, verifier } = f.parameters();
  const code = f.code(await f.authorize(params), params);
  await t.sleep(62);
  tokenError(t, await f.exchange(code, params, verifier), ['invalid_grant']);
}

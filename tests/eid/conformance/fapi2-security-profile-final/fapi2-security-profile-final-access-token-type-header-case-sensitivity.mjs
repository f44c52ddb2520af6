// The resource, with the name of the authentication scheme in the other case (dPOP, bEARER).
// Asserts: it is taken as in the usual case (RFC 9110, 11.1).
import { Fapi } from '../frame/fapi.mjs';

export default async function (t) {
  const f = await Fapi.register(t);
  const { tokens } = await f.signIn();
  await f.reads(tokens.access_token, 'the other case is taken', { scheme: f.dpopKey ? 'dPOP' : 'bEARER' });
}

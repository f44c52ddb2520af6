// The browser is sent with client_id and request_uri alone.
// Asserts: the sign-in succeeds (RFC 9101, 5).
import { Fapi } from '../frame/fapi.mjs';

export default async function (t) {
  const f = await Fapi.register(t);
  const { params, verifier } = f.parameters();
  const url = f.authorizeUrl(await f.pushed(params));
  t.equal('nothing else is in the address', [...url.searchParams.keys()].sort(), ['client_id', 'request_uri']);
  const tokens = f.tokens(await f.exchange(f.code(await t.agent().go(url), params), params, verifier));
  await f.reads(tokens.access_token);
}

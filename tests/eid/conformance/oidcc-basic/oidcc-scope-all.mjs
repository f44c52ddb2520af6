// Scopes profile, email, address and phone at once; skipped where scopes_supported is without
// one of them, as the original is. Then the standard scopes that are offered are asked for
// together all the same, and asserted as in their own modules.
import { scopes } from './claims.mjs';

export default async function (t) {
  const all = ['profile', 'email', 'address', 'phone'];
  const offered = all.filter((s) => !t.op.scopes_supported || t.op.scopes_supported.includes(s));
  await scopes(t, offered);
  if (offered.length < all.length) t.skip(`scopes_supported is without ${all.filter((s) => !offered.includes(s))}; the others were asked for together`);
}

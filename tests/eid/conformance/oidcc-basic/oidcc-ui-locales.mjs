// ui_locales with a language that the pages may not have ("se"), then one that they have.
// Asserts: neither is an error; the sign-in succeeds.
import { signIn } from '../frame/oidc.mjs';

export default async function (t) {
  const client = await t.register();
  await signIn(t, client, { params: { ui_locales: 'se' } });
  await signIn(t, client, { params: { ui_locales: t.op.ui_locales_supported?.[0] ?? 'en' } });
}

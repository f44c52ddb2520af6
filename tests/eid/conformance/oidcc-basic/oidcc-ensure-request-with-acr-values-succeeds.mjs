// acr_values with all that discovery lists ("1 2" where it lists none).
// Asserts: the sign-in succeeds; a warning where acr of the ID token is none of them.
import { signIn } from '../frame/oidc.mjs';

export default async function (t) {
  const values = t.op.acr_values_supported ?? ['1', '2'];
  const signed = await signIn(t, await t.register(), { params: { acr_values: values.join(' ') } });
  t.should('acr is one of those asked for', values.includes(signed.id.acr), signed.id.acr);
}

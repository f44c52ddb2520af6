// UserInfo by POST, the access token in the header, no body.
// Asserts: 200, JSON, sub of the ID token, standard claims in their form.
import { person, signIn } from '../frame/oidc.mjs';

export default async function (t) {
  await person(t, await signIn(t, await t.register()), { method: 'POST' });
}

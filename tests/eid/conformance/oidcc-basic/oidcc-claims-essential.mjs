// The claims parameter, with name essential in UserInfo.
// Asserts: the sign-in succeeds; a warning where UserInfo has no name.
import { person, signIn } from '../frame/oidc.mjs';

export default async function (t) {
  const claims = JSON.stringify({ userinfo: { name: { essential: true } } });
  const signed = await signIn(t, await t.register(), { params: { claims } });
  const has = await person(t, signed);
  t.should('UserInfo has the name', has.name !== undefined, has);
  t.check('UserInfo has nothing that was not asked for', has.email === undefined && has.phone_number === undefined, has);
}

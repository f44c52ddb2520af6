// The claims parameter with all standard claims that discovery lists, in the ID token and in
// UserInfo, in the forms that there are (null, essential, value), and some that nobody has.
// Skipped where claims_parameter_supported is not true or no standard claim is listed.
// Asserts: the sign-in succeeds; UserInfo is sound; warnings for claims asked for that are in
// neither, and for claims that are no known ones.
import { standardClaims } from '../frame/checks.mjs';
import { Fapi } from '../frame/fapi.mjs';
import { random } from '../frame/jose.mjs';

const STANDARD = ['name', 'given_name', 'family_name', 'middle_name', 'nickname', 'preferred_username', 'profile', 'picture', 'website', 'email', 'email_verified', 'gender', 'birthdate', 'zoneinfo', 'locale', 'phone_number', 'phone_number_verified', 'address', 'updated_at'];

export default async function (t) {
  if (t.op.claims_parameter_supported !== true) t.skip('the claims parameter is not offered');
  const listed = STANDARD.filter((c) => t.op.claims_supported?.includes(c));
  if (!listed.length) t.skip('claims_supported lists no standard claim');
  const forms = [null, { essential: true }, { essential: false }];
  const part = (shift) => ({ ...Object.fromEntries(listed.map((c, i) => [c, forms[(i + shift) % 3]])), [`x_${random(6)}`]: { essential: true }, [`y_${random(6)}`]: null });
  const f = await Fapi.register(t);
  const signed = await f.signIn({ params: { claims: JSON.stringify({ userinfo: part(0), id_token: part(1), [`z_${random(6)}`]: part(2) }) } });
  const answer = await f.reads(signed.tokens.access_token);
  t.need('UserInfo is JSON', answer.json, answer.type);
  t.equal('sub is that of the ID token', answer.json.sub, signed.id.sub);
  standardClaims(t, answer.json);
  standardClaims(t, signed.id);
  for (const c of listed) t.should(`${c} is in the ID token or in UserInfo`, c in signed.id || c in answer.json);
  t.should('UserInfo has none but known claims', Object.keys(answer.json).every((c) => c === 'sub' || listed.includes(c)), Object.keys(answer.json));
}

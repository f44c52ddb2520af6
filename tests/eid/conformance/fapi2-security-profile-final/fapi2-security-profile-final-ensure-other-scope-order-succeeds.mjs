// Scopes in the other order ("profile openid").
// Asserts: the sign-in succeeds, and the other scope counts too.
import { Fapi } from '../frame/fapi.mjs';

export default async function (t) {
  const f = await Fapi.register(t);
  const other = (t.op.scopes_supported ?? []).find((s) => s === 'profile') ?? 'email';
  const signed = await f.signIn({ params: { scope: `${other} openid` } });
  const answer = await f.reads(signed.tokens.access_token);
  t.check('UserInfo has more than sub', Object.keys(answer.json ?? {}).length > 1, answer.json);
}

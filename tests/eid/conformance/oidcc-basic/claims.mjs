// What the modules on scopes share; not a module itself.
import { BY_SCOPE } from '../frame/checks.mjs';
import { person, signIn } from '../frame/oidc.mjs';

export async function scopes(t, names) {
  const missing = names.filter((n) => t.op.scopes_supported && !t.op.scopes_supported.includes(n));
  if (missing.length) t.skip(`scopes_supported is without ${missing.join(', ')}`);
  const client = await t.register();
  const agent = t.agent();
  const signed = await signIn(t, client, { agent, params: { scope: ['openid', ...names].join(' ') } });
  const claims = await person(t, signed);
  for (const name of names) {
    for (const claim of BY_SCOPE[name]) t.should(`UserInfo has ${claim} for scope ${name}`, claims[claim] !== undefined);
  }
  for (const [name, list] of Object.entries(BY_SCOPE)) {
    if (!names.includes(name)) t.check(`UserInfo has nothing of scope ${name}`, list.every((c) => claims[c] === undefined), claims);
  }
  for (const [claim, value] of [['name', t.target.account.name], ['email', t.target.account.email]]) {
    if (claims[claim] !== undefined && value) t.equal(`${claim} is this person's`, claims[claim], value);
  }
  return claims;
}

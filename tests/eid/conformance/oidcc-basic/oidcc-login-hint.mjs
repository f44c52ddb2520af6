// login_hint with somebody's e-mail address, from a browser without cookies.
// Asserts: no error, the sign-in succeeds; (ours) the sign-in page is told the hint.
import { signIn } from '../frame/oidc.mjs';

export default async function (t) {
  const hint = `buffy@${new URL(t.op.issuer).hostname}`;
  const signed = await signIn(t, await t.register(), { params: { login_hint: hint } });
  t.check('a sign-in page was shown', signed.outcome.seen.includes('sign-in'));
  if (signed.agent.interaction) t.equal('the page knows the hint', signed.agent.interaction.login_hint, hint);
}

// A client that registers the address of its policy.
// Asserts: the sign-in succeeds; the page that signs people in is given that very address (the
// original has somebody look at the page).
import { signIn } from '../frame/oidc.mjs';

export default async function (t) {
  const client = await t.register({ policy_uri: `${t.redirectUri('policy')}` });
  t.equal('the registration has it', client.policy_uri, t.redirectUri('policy'));
  const signed = await signIn(t, client);
  t.check('a sign-in page was shown', signed.outcome.seen.includes('sign-in'));
  if (signed.agent.interaction) t.equal('the page is given it', signed.agent.interaction.client.policy_uri, client.policy_uri);
}

// A client that registers the address of a logo.
// Asserts: the sign-in succeeds; the page that signs people in is given that very address (the
// original has somebody look at the page).
import { signIn } from '../frame/oidc.mjs';

export default async function (t) {
  const client = await t.register({ logo_uri: `${t.redirectUri('logo')}` });
  t.equal('the registration has it', client.logo_uri, t.redirectUri('logo'));
  const signed = await signIn(t, client);
  t.check('a sign-in page was shown', signed.outcome.seen.includes('sign-in'));
  if (signed.agent.interaction) t.equal('the page is given it', signed.agent.interaction.client.logo_uri, client.logo_uri);
}

// Reads the published keys, has the provider rotate them, reads them again.
// Asserts: there is a signing key that was not there before; a warning where an old one is
// gone at once. (Ours: ID tokens are signed by a new key, and those from before still verify.)
// The original asks an operator to rotate; here "ndc eid key-rotate --now" does, so it is
// skipped where the provider is not one that this run has started.
import { idToken, readKeys } from '../frame/checks.mjs';
import { signIn } from '../frame/oidc.mjs';

export default async function (t) {
  if (!t.target.run) t.skip('nobody here can rotate the keys of this provider');
  const client = await t.register();
  const first = await signIn(t, client);
  const before = (await readKeys(t)).map((k) => k.kid);
  await t.target.run('eid', 'key-rotate', '--now');
  let after = before;
  for (let i = 0; i < 100 && after.every((k) => before.includes(k)); i++) {
    await t.sleep(0.2);
    after = (await t.request(t.op.jwks_uri)).json.keys.map((k) => k.kid);
  }
  await readKeys(t);
  t.check('there is a new key', after.some((k) => !before.includes(k)), after);
  t.should('the old keys are still there', before.every((k) => after.includes(k)), after);
  const second = await signIn(t, client, { agent: first.agent });
  t.check('ID tokens are signed by a new key', !before.includes(second.header.kid), second.header.kid);
  await idToken(t, first.tokens.id_token, { client, nonce: first.params.nonce });
}

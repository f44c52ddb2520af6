// Signs in, then again from the same browser with prompt=none and the first ID token as
// id_token_hint.
// Asserts: nobody is asked; sub and auth_time are those of the first.
import { signIn } from '../frame/oidc.mjs';
import { twice } from './again.mjs';

export default async function (t) {
  const client = await t.register();
  const first = await signIn(t, client);
  twice(t, first, await signIn(t, client, { agent: first.agent, params: { prompt: 'none', id_token_hint: first.tokens.id_token } }));
}

// id_token_hint is the ID token made into one with alg none, without signature.
// Asserts: an error page, or the person is asked; the browser does not go to the relying
// party; (ours) the session goes on.
import { decode, sign } from '../frame/jose.mjs';
import { begin, leave, notBack, stillSignedIn } from '../frame/logout.mjs';

export default async function (t) {
  const b = await begin(t);
  b.agent.stopAt = 'sign-out';
  const { header, payload } = decode(b.params.id_token_hint);
  notBack(t, await leave(t, b.agent, { ...b.params, id_token_hint: sign({ ...header, alg: 'none' }, payload, null) }));
  await stillSignedIn(t, b);
}

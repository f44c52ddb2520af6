// id_token_hint says what the ID token says, signed by a key of somebody else.
// Asserts: an error page, or the person is asked; the browser does not go to the relying
// party; (ours) the session goes on, also where the signature alone is spoilt.
import { decode, makeKey, sign, spoil } from '../frame/jose.mjs';
import { begin, leave, notBack, stillSignedIn } from '../frame/logout.mjs';

export default async function (t) {
  const b = await begin(t);
  b.agent.stopAt = 'sign-out';
  const { header, payload } = decode(b.params.id_token_hint);
  const stranger = makeKey(header.alg);
  notBack(t, await leave(t, b.agent, { ...b.params, id_token_hint: sign(header, payload, stranger.privateKey) }));
  notBack(t, await leave(t, b.agent, { ...b.params, id_token_hint: spoil(b.params.id_token_hint) }));
  await stillSignedIn(t, b);
}

// Signs in and sends the browser to the end_session_endpoint with id_token_hint, a registered
// post_logout_redirect_uri and state.
// Asserts: the browser comes to that address with the state and nothing else; afterwards
// prompt=none is refused with login_required or its like. (Ours: the same by POST.)
import { backAtClient, begin, leave, signedOut } from '../frame/logout.mjs';

export default async function (t) {
  for (const method of ['GET', 'POST']) {
    const b = await begin(t);
    backAtClient(t, await leave(t, b.agent, b.params, { method }), b.params);
    await signedOut(t, b);
  }
}

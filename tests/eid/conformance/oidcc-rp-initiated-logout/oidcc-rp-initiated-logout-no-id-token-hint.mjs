// post_logout_redirect_uri without id_token_hint (and without client_id).
// Asserts: an error page, or the person is asked; the browser does not go there by itself.
import { begin, leave, notBack } from '../frame/logout.mjs';

export default async function (t) {
  const b = await begin(t);
  b.agent.stopAt = 'sign-out';
  notBack(t, await leave(t, b.agent, { ...b.params, id_token_hint: undefined }));
}

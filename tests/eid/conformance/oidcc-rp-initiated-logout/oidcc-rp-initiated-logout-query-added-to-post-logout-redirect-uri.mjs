// post_logout_redirect_uri is the registered one with "?foo=bar" added.
// Asserts: an error page, or the person is asked; the browser does not go there.
import { begin, leave, notBack } from '../frame/logout.mjs';

export default async function (t) {
  const b = await begin(t);
  b.agent.stopAt = 'sign-out';
  notBack(t, await leave(t, b.agent, { ...b.params, post_logout_redirect_uri: `${b.params.post_logout_redirect_uri}?foo=bar` }));
}

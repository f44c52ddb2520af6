// post_logout_redirect_uri is one that the client has not registered.
// Asserts: an error page, or the person is asked; the browser goes neither there nor to the
// registered address.
import { begin, leave, notBack } from '../frame/logout.mjs';

export default async function (t) {
  const b = await begin(t);
  b.agent.stopAt = 'sign-out';
  for (const uri of [t.redirectUri('another'), 'https://elsewhere.example/', `${b.params.post_logout_redirect_uri}/more`]) {
    notBack(t, await leave(t, b.agent, { ...b.params, post_logout_redirect_uri: uri }));
  }
}

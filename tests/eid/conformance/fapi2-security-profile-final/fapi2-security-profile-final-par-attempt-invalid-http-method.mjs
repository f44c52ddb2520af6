// PUT to the PAR endpoint.
// Asserts: an HTTP error; a warning where it is not 405 (RFC 9126, 2.3).
import { Fapi } from '../frame/fapi.mjs';

export default async function (t) {
  const f = await Fapi.register(t);
  const { params } = f.parameters();
  const answer = await f.push(params, { method: 'PUT' });
  t.check('it is refused', answer.status >= 400 && !answer.json?.request_uri, answer.status);
  t.should('with 405', answer.status === 405, answer.status);
}

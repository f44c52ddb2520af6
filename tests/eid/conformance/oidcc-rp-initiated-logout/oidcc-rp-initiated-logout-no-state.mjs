// As the plain logout, without state.
// Asserts: the browser comes to the address without state; afterwards nobody is signed in.
import { backAtClient, begin, leave, signedOut } from '../frame/logout.mjs';

export default async function (t) {
  const b = await begin(t);
  b.params.state = undefined;
  const outcome = await leave(t, b.agent, b.params);
  backAtClient(t, outcome, b.params);
  t.check('no state comes back', !outcome.params.has('state'));
  await signedOut(t, b);
}

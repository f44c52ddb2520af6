// Signs in, waits two seconds, then again from the same browser with max_age=1.
// Asserts: the person has to sign in again; the second ID token has auth_time, later than the
// first's (where that has one) and recent.
import { signIn } from '../frame/oidc.mjs';

export default async function (t) {
  const client = await t.register();
  const first = await signIn(t, client);
  await t.sleep(2);
  const second = await signIn(t, client, { agent: first.agent, params: { max_age: '1' } });
  t.check('the person had to sign in again', second.outcome.seen.includes('sign-in'), second.outcome.seen);
  t.equal('it is the same person', second.id.sub, first.id.sub);
  t.need('auth_time is there, as max_age asks', Number.isInteger(second.id.auth_time), second.id);
  t.check('auth_time is later', first.id.auth_time === undefined || second.id.auth_time > first.id.auth_time, [first.id.auth_time, second.id.auth_time]);
  t.check('auth_time is recent', Date.now() / 1000 - second.id.auth_time < 30, second.id.auth_time);
}

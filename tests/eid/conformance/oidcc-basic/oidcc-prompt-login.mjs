// Signs in, then again from the same browser with prompt=login.
// Asserts: the second time the person is asked to sign in; sub is the same; auth_time, where
// it is given, is later than before and recent.
import { signIn } from '../frame/oidc.mjs';

export default async function (t) {
  const client = await t.register();
  const first = await signIn(t, client);
  await t.sleep(1.1);
  const second = await signIn(t, client, { agent: first.agent, params: { prompt: 'login' } });
  t.check('the person had to sign in again', second.outcome.seen.includes('sign-in'), second.outcome.seen);
  t.equal('it is the same person', second.id.sub, first.id.sub);
  if (first.id.auth_time !== undefined) t.check('auth_time is later', second.id.auth_time > first.id.auth_time, [first.id.auth_time, second.id.auth_time]);
  t.check('auth_time is recent', second.id.auth_time === undefined || Date.now() / 1000 - second.id.auth_time < 30, second.id.auth_time);
}

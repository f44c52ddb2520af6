// Signs in with max_age=15000, then again from the same browser with max_age=10000.
// Asserts: auth_time is in both ID tokens and the same; nobody is asked the second time.
import { signIn } from '../frame/oidc.mjs';
import { twice } from './again.mjs';

export default async function (t) {
  const client = await t.register();
  const first = await signIn(t, client, { params: { max_age: '15000' } });
  t.need('auth_time is there, as max_age asks', Number.isInteger(first.id.auth_time), first.id);
  await t.sleep(1.1);
  twice(t, first, await signIn(t, client, { agent: first.agent, params: { max_age: '10000' } }));
}

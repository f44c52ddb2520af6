// A sign-in that one browser began, in another (login CSRF, session fixation; RFC 9700, 4.7).
// Asserts: the other browser neither sees nor answers nor finishes it; it is finished once; a
// session's cookie from before a sign-in is worth nothing after it.
import { authorizeUrl, parameters } from '../frame/oidc.mjs';

export default async function (t) {
  const client = await t.register();
  const [mine, theirs] = [t.agent(), t.agent()];
  mine.stopAt = 'sign-in';
  const stopped = await mine.go(authorizeUrl(t, parameters(client)));
  const id = stopped.page.searchParams.get('interaction');
  t.need('the sign-in waits', id, String(stopped.page));
  const base = t.target.issuer;
  const path = `/api/eid/interactions/${id}`;
  const ask = (agent, method, p, json) => agent.load(new URL(p, base), { method, json, headers: { Accept: 'application/json' } });
  t.equal('another browser does not see it', (await ask(theirs, 'GET', path)).status, 404);
  t.equal('another browser does not answer it', (await ask(theirs, 'POST', `${path}/password`, { login: t.target.account.login, password: t.target.account.password })).status, 404);
  const early = await mine.go(`${base}/eid/authorize/resume?interaction=${id}`);
  t.check('it is not finished before its end', !early.params?.has('code'), early.callback?.search);
  mine.stopAt = 'consent';
  await mine.go(new URL(`/eid/sign-in?interaction=${id}`, base));
  const stolen = await theirs.go(`${base}/eid/authorize/resume?interaction=${id}`);
  t.check('another browser does not finish it', !stolen.params?.has('code'), stolen.callback?.search);
  const skipped = await mine.go(`${base}/eid/authorize/resume?interaction=${id}`);
  t.check('it is not finished without consent', !skipped.params?.has('code'), skipped.callback?.search);
  mine.stopAt = null;
  const done = await mine.go(new URL(`/eid/sign-in?interaction=${id}`, base));
  t.check('the browser that began it finishes it', done.params?.has('code'), done.callback?.search ?? String(done.page));
  const twice = await mine.go(`${base}/eid/authorize/resume?interaction=${id}`);
  t.check('it is not finished twice', !twice.params?.has('code'), twice.callback?.search);
  const before = mine.jar.header(new URL(base));
  const old = t.agent();
  old.jar = { take() {}, header: () => before };
  await mine.go(authorizeUrl(t, parameters(client, { prompt: 'login' })));
  t.check('the session has another cookie after a sign-in', mine.jar.header(new URL(base)) !== before);
  const stale = await old.go(authorizeUrl(t, parameters(client, { prompt: 'none' })));
  t.equal('the cookie from before is worth nothing', stale.params?.get('error'), 'login_required');
}

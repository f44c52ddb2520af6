// Guessing at the sign-in page (NIST SP 800-63B-4, 3.2.2; RFC 9700): wrong passwords, unknown logins.
// Asserts: both get the same answer, in like time; many are slowed down with Retry-After; neither the
// interaction nor the answer to a wrong password names anybody.
import { authorizeUrl, parameters } from '../frame/oidc.mjs';

export default async function (t) {
  if (t.target.peer) t.skip("this is about ndc's own sign-in");
  const client = await t.register();
  const agent = t.agent();
  agent.stopAt = 'sign-in';
  const stopped = await agent.go(authorizeUrl(t, parameters(client)));
  const path = `/api/eid/interactions/${stopped.page.searchParams.get('interaction')}/password`;
  const guess = async (login) => {
    const began = process.hrtime.bigint();
    const answer = await agent.load(new URL(path, t.target.issuer), { method: 'POST', json: { login, password: 'not the password of anybody' } });
    return { answer, ms: Number(process.hrtime.bigint() - began) / 1e6 };
  };
  const known = await guess(t.target.other.login);
  const unknown = await guess('001099000000');
  t.equal('both get the same status', [known.answer.status, unknown.answer.status], [401, 401]);
  const plain = (a) => JSON.stringify({ ...a.json, instance: undefined, request: undefined, request_id: undefined });
  t.equal('and the same words', plain(known.answer), plain(unknown.answer));
  t.check('nobody is named', !known.answer.text.includes(t.target.other.name));
  t.check('in like time', Math.abs(known.ms - unknown.ms) < Math.max(60, known.ms), [known.ms, unknown.ms]);
  const stays = await agent.api('GET', t.target.issuer, path.replace('/password', ''));
  t.equal('the sign-in names nobody', stays.account, null);
  let slowed;
  for (let i = 0; i < 40 && !slowed; i++) {
    const { answer } = await guess(`00109900${1000 + i}`);
    if (answer.status === 429) slowed = answer;
  }
  t.need('guessing is slowed down', slowed);
  t.check('it says for how long', Number(slowed.headers['retry-after']) > 0, slowed.headers['retry-after']);
}

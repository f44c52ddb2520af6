// The device grant attacked (RFC 8628, 3.5 and 5): guessing user codes, another client with the device
// code, asking too often, asking after it was used, the code of a device in another case.
// Asserts: guessing is slowed down; the device code is its client's alone; slow_down comes; it gives
// tokens once.
import { tokenError } from '../frame/checks.mjs';
import { basic, token } from '../frame/oidc.mjs';

export default async function (t) {
  const grant = 'urn:ietf:params:oauth:grant-type:device_code';
  const make = () => t.register({ grant_types: [grant], response_types: [], redirect_uris: undefined });
  const [client, other] = [await make(), await make()];
  const start = await t.request(t.op.device_authorization_endpoint, { method: 'POST', form: { scope: 'openid' }, headers: { Authorization: basic(client) } });
  t.need('a device is given codes', start.status === 200 && start.json?.device_code, start.text);
  const d = start.json;
  t.check('the user code can be read aloud', /^[A-Z0-9]{4}-?[A-Z0-9]{4}$/.test(d.user_code), d.user_code);
  t.check('the whole address has it', d.verification_uri_complete === undefined || d.verification_uri_complete.includes(d.user_code), d.verification_uri_complete);
  const poll = (as) => token(t, as, { grant_type: grant, device_code: d.device_code });
  tokenError(t, await poll(client), ['authorization_pending']);
  tokenError(t, await poll(client), ['slow_down']);
  tokenError(t, await poll(other), ['invalid_grant', 'expired_token']);
  const agent = t.agent();
  const { location } = await agent.api('POST', t.target.issuer, '/api/eid/device', { user_code: d.user_code.toLowerCase().replace('-', ' ') });
  await agent.go(new URL(location, t.target.issuer));
  t.equal('the person signs in and agrees', agent.seen, ['sign-in', 'consent']);
  const given = await poll(client);
  t.equal('then it gives tokens', given.status, 200);
  tokenError(t, await poll(client), ['invalid_grant', 'expired_token']);
  const used = await agent.load(new URL('/api/eid/device', t.target.issuer), { method: 'POST', json: { user_code: d.user_code } });
  t.equal('the user code is over', used.status, 404);
  let slowed = false;
  for (let i = 0; i < 30 && !slowed; i++) {
    const guess = await agent.load(new URL('/api/eid/device', t.target.issuer), { method: 'POST', json: { user_code: `AAAA-${1000 + i}` } });
    slowed = guess.status === 429;
  }
  t.check('guessing is slowed down', slowed);
}

// Webhooks of the change feed: the real daemon, a receiver that verifies with the standard's own
// library, hangs, fails, is gone, comes back. usage: webhooks_test.mjs NDC [DATABASE-URL]
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assert, done, equal, purpose, sleep, start, test, until } from './daemon.mjs';

const standard = await import('../../../web/node_modules/standardwebhooks/dist/index.js').then((m) => m.default, () => null);
if (!standard) {
  console.log('1..0 # SKIP no web/node_modules/standardwebhooks: make web installs it');
  process.exit(0);
}
const [, , ndc, database] = process.argv;
const append = process.env.NDC_TEST_APPEND;
const dir = mkdtempSync(join(tmpdir(), 'ndc-webhooks-'));
const review = purpose('linkage-review');
const W = '/api/webhooks';
const registry = database || `sqlite:${join(dir, 'registry.db')}`;
const appendRows = (rows, batch, pause) => new Promise((resolve, reject) => {
  const child = spawn(append, [registry, String(rows), String(batch), String(pause)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (text) => { said += text; });
  child.on('close', (code) => (code === 0 ? resolve(Number(said)) : reject(new Error(`append: ${code}`))));
});

/** What each path got, and how it answers. */
const got = {}, answers = {};
const receiver = createServer((req, res) => {
  let body = '';
  req.on('data', (piece) => { body += piece; });
  req.on('end', () => {
    const path = req.url;
    const message = { id: req.headers['webhook-id'], headers: req.headers, body, at: Date.now() };
    const answer = answers[path]?.(message) ?? 204;
    (got[path] ??= []).push({ ...message, answer });
    if (answer === 'hang') return;
    res.writeHead(answer).end();
  });
});
await new Promise((resolve) => { receiver.listen(0, '127.0.0.1', resolve); });
const at = (path) => `http://127.0.0.1:${receiver.address().port}${path}`;
const good = (path) => (got[path] ?? []).filter((m) => m.answer === 204 && JSON.parse(m.body).data.changes);
const seqs = (path) => good(path).flatMap((m) => JSON.parse(m.body).data.changes.map((c) => c.seq));
const verify = (secret, m) => new standard.Webhook(secret).verify(m.body, m.headers);
const contiguous = (list, from) => list.forEach((seq, i) => equal(seq, from + i, 'a gap or a repeat'));

let d = await start(ndc, database, { dir });
let steward = await d.user('stew', ['steward']);
const { password } = steward, { password: anna } = await d.user('anna', ['auditor']);
const create = (url, more = {}) => steward('POST', W, { json: { source: 'registry.changes', url, ...more }, headers: review });

await test('by default no endpoint is on this machine or network, nor without TLS', async () => {
  for (const url of ['http://example.org/x', 'ftp://example.org', 'https://user:pass@example.org/', 'unix:/tmp/x:/y', 'https://'])
    equal([(await create(url)).status, url], [400, url]);
  for (const host of ['127.0.0.1', '10.0.0.1', '192.168.1.1', '172.16.0.1', '169.254.169.254', '100.64.0.1', '0.0.0.0', '[::1]', '[::ffff:127.0.0.1]', '[fd00::1]', '[fe80::1]', '2130706433', '0x7f.1', 'localhost']) {
    const r = await create(`https://${host}/hook`);
    equal([r.status, r.code, host], [400, 'client.address', host], r.text);
  }
});

await d.stop();
const settings = ['webhook_private=yes', 'webhook_retry=100ms', 'webhook_attempts=4', 'webhook_timeout=1s'];
const again = async (port) => {
  d = await start(ndc, database, { dir, settings, port });
  steward = await d.signIn('stew', password);
};
await again();

const hooks = {};
await test('a subscription is made with a purpose and shows its secret once', async () => {
  equal((await steward('POST', W, { json: { source: 'registry.changes', url: at('/a') } })).code, 'purpose.missing');
  equal((await create(at('/a'), { source: 'nothing' })).code, 'webhook.source');
  equal((await create(at('/a'), { filter: { type: 'dog' } })).code, 'webhook.filter');
  const made = await create(at('/good'), { title: 'Sở Tư pháp' });
  equal(made.status, 201, made.text);
  assert(/^whsec_[A-Za-z0-9+/]{43}=$/.test(made.body.secret), made.text);
  hooks.good = made.body;
  const { text, body } = await steward('GET', `${W}/${made.body.id}`);
  assert(!text.includes('whsec_') && body.state === 'active' && body.title === 'Sở Tư pháp', text);
  if (!database) {
    const bytes = ['ndc.db', 'ndc.db-wal'].map((f) => readFileSync(join(dir, f), 'latin1')).join('');
    assert(bytes.includes(made.body.id) && !bytes.includes(made.body.secret) && !bytes.includes(made.body.secret.slice(6)), 'the secret lies in the database');
  }
  const auditor = await d.signIn('anna', anna);
  equal((await auditor('GET', W)).status, 403);
});

await test('changes arrive in order, signed as the standard says', async () => {
  const last = await appendRows(2500, 100, 1);
  await until('all', () => seqs('/good').at(-1) === last, 20);
  contiguous(seqs('/good'), 1);
  for (const m of good('/good')) {
    const payload = verify(hooks.good.secret, m);
    equal(payload.type, 'registry.changes');
    equal(m.headers['content-type'], 'application/json');
    assert(Date.parse(payload.timestamp) > 0 && payload.data.changes[0].entity.startsWith('P-'), m.body.slice(0, 300));
  }
  let refused = 0;
  try {
    verify('whsec_' + Buffer.alloc(32).toString('base64'), good('/good')[0]);
  } catch {
    refused = 1;
  }
  equal(refused, 1);
});

await test('a test call says how it went', async () => {
  const r = await steward('POST', `${W}/${hooks.good.id}/test`);
  equal([r.status, r.body.good, r.body.status], [200, true, 204], r.text);
  equal(verify(hooks.good.secret, got['/good'].at(-1)).data, { test: true });
  answers['/good'] = () => 500;
  equal((await steward('POST', `${W}/${hooks.good.id}/test`)).body.good, false);
  delete answers['/good'];
});

await test('one that hangs, one that fails and one that is gone hold nobody up', async () => {
  answers['/hang'] = () => 'hang';
  answers['/fail'] = () => 500;
  answers['/gone'] = () => 410;
  for (const name of ['hang', 'fail', 'gone']) hooks[name] = (await create(at(`/${name}`))).body;
  for (let i = 0; i < 6; i++) hooks[`hang${i}`] = (await create(at('/hang'))).body;
  const before = seqs('/good').length, from = Date.now();
  await appendRows(200, 100, 0);
  await until('the good one', () => seqs('/good').length === before + 200, 5);
  console.log(`# the good one had all after ${Date.now() - from} ms`);
  for (let i = 0; i < 5; i++) {
    const n = seqs('/good').length, t = Date.now();
    await appendRows(10, 10, 0);
    await until('the good one again', () => seqs('/good').length === n + 10, 5);
    assert(Date.now() - t < 3000, 'held up');
  }
  await until('the end of the one that is gone', async () => (await steward('GET', `${W}/${hooks.gone.id}`)).body.state === 'gone', 10);
  equal(got['/gone'].length, 1);
});

await test('what failed too often is a dead letter; the rest goes on; it can be sent again', async () => {
  const dead = await until('a dead letter', async () => (await steward('GET', `${W}/${hooks.fail.id}`)).body.dead_letters[0], 20);
  equal([dead.attempts, dead.error, dead.queued], [4, 'answered 500', false]);
  const tries = got['/fail'].filter((m) => m.id === dead.message);
  equal(tries.length, 4);
  equal(new Set(tries.map((m) => m.body)).size, 1, 'the same message, the same bytes');
  const waits = tries.slice(1).map((m, i) => m.at - tries[i].at);
  assert(waits[0] >= 70 && waits[1] >= 150 && waits[2] >= 310, `growing delays: ${waits}`);
  delete answers['/fail'];
  const retry = await steward('POST', `${W}/${hooks.fail.id}/dead/${dead.message}/retry`);
  equal(retry.status, 200, retry.text);
  const all = seqs('/good');
  await until('all of it', () => new Set(seqs('/fail')).size === all.filter((s) => s > hooks.fail.seq).length, 20);
  await until('no dead letters', async () => {
    const { body } = await steward('GET', `${W}/${hooks.fail.id}`);
    for (const other of body.dead_letters) await steward('POST', `${W}/${hooks.fail.id}/dead/${other.message}/retry`);
    return body.dead_letters.length === 0;
  }, 20);
  equal((await steward('POST', `${W}/${hooks.fail.id}/dead/msg_none/retry`)).code, 'webhook.no_dead');
});

await test('one that fails for a while gets everything in order', async () => {
  let n = 0;
  answers['/flaky'] = () => (n++ % 3 < 2 ? 503 : 204);
  hooks.flaky = (await create(at('/flaky'))).body;
  const last = await appendRows(300, 20, 20);
  await until('all', () => seqs('/flaky').at(-1) === last, 30);
  contiguous(seqs('/flaky'), hooks.flaky.seq + 1);
});

await test('while one secret replaces the other both verify', async () => {
  const r = await steward('POST', `${W}/${hooks.good.id}/secret`);
  assert(r.status === 200 && r.body.secret !== hooks.good.secret, r.text);
  const n = good('/good').length;
  await appendRows(5, 5, 0);
  await until('the message', () => good('/good').length > n, 10);
  const m = good('/good').at(-1);
  equal(m.headers['webhook-signature'].split(' ').length, 2);
  verify(hooks.good.secret, m);
  verify(r.body.secret, m);
});

await test('a type that was not asked for is not sent; paused, nothing is; then it goes on', async () => {
  hooks.organisations = (await create(at('/organisations'), { filter: { type: 'organisation' } })).body;
  equal((await steward('POST', `${W}/${hooks.good.id}/state`, { json: { state: 'paused' } })).status, 200);
  const n = seqs('/good').length;
  const last = await appendRows(50, 50, 0);
  await sleep(600);
  equal(seqs('/good').length, n);
  equal((await steward('POST', `${W}/${hooks.good.id}/state`, { json: { state: 'active' } })).status, 200);
  await until('the rest', () => seqs('/good').at(-1) === last, 10);
  contiguous(seqs('/good'), 1);
  equal(got['/organisations'] ?? [], []);
});

await test('killed while delivering: nothing is lost, a message that comes again is the same', async () => {
  for (const name of Object.keys(hooks)) if (/^hang/.test(name)) equal((await steward('DELETE', `${W}/${hooks[name].id}`)).status, 204);
  const port = new URL(d.url).port, writing = appendRows(4000, 10, 5);
  for (let i = 0; i < 4; i++) {
    await sleep(500);
    d.child.kill('SIGKILL');
    await d.ended;
    await again(port);
  }
  const last = await writing;
  await until('all', () => seqs('/good').at(-1) === last, 30);
  const byId = new Map();
  for (const m of good('/good')) {
    if (byId.has(m.id)) equal(m.body, byId.get(m.id), 'another body under one id');
    byId.set(m.id, m.body);
  }
  const once = [...byId.values()].flatMap((b) => JSON.parse(b).data.changes.map((c) => c.seq));
  contiguous(once, 1);
  console.log(`# ${good('/good').length - byId.size} messages came twice over 4 kills`);
});

await test('deliveries are in the audit log; the list tells how each goes', async () => {
  const { body } = await d.nobody('GET', W);
  equal(body.code, 'auth.required');
  const list = (await steward('GET', W)).body.webhooks;
  const mine = list.find((w) => w.id === hooks.good.id);
  assert(mine.delivered > 6000 && mine.last_status === 204 && mine.dead === 0, JSON.stringify(mine));
  const auditor = await d.signIn('anna', anna);
  const entries = await auditor('GET', `/api/audit/entries?principal=webhook:${hooks.good.id}`);
  assert(entries.text.includes('webhook.deliver') && entries.text.includes('linkage-review'), entries.text.slice(0, 500));
});

await test('a hanging endpoint does not keep the daemon from stopping', async () => {
  hooks.hang = (await create(at('/hang'))).body;
  const n = got['/hang'].length;
  await appendRows(5, 5, 0);
  await until('the call', () => got['/hang'].length > n, 10);
  const from = Date.now();
  equal(await d.stop(), 0, d.said());
  assert(Date.now() - from < 3000, `${Date.now() - from} ms`);
});

receiver.closeAllConnections();
receiver.close();
rmSync(dir, { recursive: true, force: true });
done();

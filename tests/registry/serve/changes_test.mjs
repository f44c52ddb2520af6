// The change feed over HTTP: pages, the live stream, the command; subscribers that hang, come
// back, and a daemon that is killed. usage: changes_test.mjs NDC [DATABASE-URL] APPEND
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Subscriber } from '../change/stream.mjs';
import { assert, declaration, done, equal, purpose, sleep, start, test, until } from './daemon.mjs';

const [, , ndc, database] = process.argv;
const append = process.env.NDC_TEST_APPEND;
const dir = mkdtempSync(join(tmpdir(), 'ndc-changes-'));
const settings = ['idle_timeout=3s'];
let d = await start(ndc, database, { dir, settings });
const review = purpose('linkage-review');
const stewardName = 'stew';
let steward = await d.user(stewardName, ['steward']);
const password = steward.password;
const auditor = await d.user('anna', ['auditor']);
const { body: key } = await d.admin('POST', '/api/keys', { json: { agency: 'btc', roles: ['agency-reader'] } });
const headers = { Authorization: `Bearer ${key.secret}`, ...purpose('tax') };
const registry = database || `sqlite:${join(dir, 'registry.db')}`;
const fields = ['{column: k, to: null}', '{column: name, to: full_name, required: true}', '{column: born, to: birth_date, required: true}', '{column: cccd, to: person_id}'];
const appendRows = (rows, batch, pause) => new Promise((resolve, reject) => {
  const child = spawn(append, [registry, String(rows), String(batch), String(pause)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (text) => { said += text; });
  child.on('close', (code) => (code === 0 ? resolve(Number(said)) : reject(new Error(`append: ${code}`))));
});
const page = async (after, more = '') => (await steward('GET', `/api/registry/changes?after=${after}${more}`, { headers: review })).body;
const contiguous = (events, from) => events.forEach((e, i) => equal(e.seq, from + i, 'a gap or a repeat'));
let pushes = 0;
const push = async (rows) => {
  const r = await d.push(steward, 'pushed', `p${++pushes}`, rows);
  assert(r.status < 300, r.text);
  await steward('POST', '/api/registry/sources/pushed/runs', { json: {} });
  await d.settled();
};

await test('the first generation is one row; what changes later, one row an entity', async () => {
  equal((await page(0)).changes, []);
  equal((await steward('POST', '/api/registry/sources', { type: 'application/yaml', body: declaration('pushed', fields) })).status, 201);
  await push([{ k: '1', name: 'Nguyễn Văn An', born: '27/03/1985', cccd: '001085000123' }, { k: '2', name: 'Trần Thị Bình', born: '01/02/1985', cccd: '001185000456' }]);
  const first = await page(0);
  equal(first.changes.map((c) => [c.seq, c.kind, c.entity, c.fields]), [[1, 'generation', null, []]], JSON.stringify(first));
  equal([first.next, first.last], [1, 1]);
  await push([{ k: '1', name: 'Nguyễn Văn Ân', born: '27/03/1985', cccd: '001085000123' }, { k: '3', name: 'Phạm Văn Cường', born: '03/05/1985', cccd: '001085000999' }]);
  const { changes, next } = await page(1);
  equal(changes.map((c) => c.kind).sort(), ['changed', 'created']);
  const changed = changes.find((c) => c.kind === 'changed');
  equal(changed.fields, ['full_name']);
  equal(changed.type, 'person');
  assert(/^P-[0-9A-Z]{8}-[0-9A-Z]$/.test(changed.entity), changed.entity);
  assert(!JSON.stringify(changes).includes('Ân'), 'a value left');
  equal((await steward('GET', `/api/registry/persons/${changed.entity}`, { headers: review })).status, 200);
  equal((await page(next)).changes, []);
  equal((await page(1, '&limit=1')).changes.length, 1);
  equal((await page(0, '&newest=true&limit=2')).changes.map((c) => c.seq), [next - 1, next]);
  equal((await page(1, '&type=organisation')).changes, []);
  equal((await page(1, '&type=organisation')).next, next);
});

await test('a person as known before the change, and as true on a day', async () => {
  const { changes } = await page(1);
  const { entity, at } = changes.find((c) => c.kind === 'changed');
  const born = changes.find((c) => c.kind === 'created').entity;
  const name = async (more) => (await steward('GET', `/api/registry/persons/${entity}${more}`, { headers: review })).body;
  const before = new Date(Date.parse(at) - 1).toISOString();
  const value = (body) => body.fields.find((f) => f.field === 'full_name').value;
  equal(value(await name('')), value(await name(`?known_at=${new Date().toISOString()}`)));
  const was = await name(`?known_at=${before}`);
  assert(value(was) !== value(await name('')), JSON.stringify(was).slice(0, 300));
  equal((await steward('GET', `/api/registry/persons/${born}?known_at=${before}`, { headers: review })).code, 'asof.not_known');
  equal((await name('?valid_at=1990-01-01')).code, 'asof.not_known');
  equal((await name('?valid_at=soon')).code, 'asof.time');
  equal((await name('?known_at=2026')).status, 400);
});

await test('refusals: without permission, without purpose, a place that is not there', async () => {
  for (const path of ['/api/registry/changes', '/api/registry/changes/stream']) {
    equal((await auditor('GET', path, { headers: review })).status, 403);
    equal((await steward('GET', path)).code, 'purpose.missing');
    const ahead = await steward('GET', `${path}?after=99999`, { headers: review });
    equal([ahead.status, ahead.code], [410, 'change.gone'], ahead.text);
  }
  const bad = await steward('GET', '/api/registry/changes/stream', { headers: { ...review, 'Last-Event-ID': 'x' } });
  equal([bad.status, bad.code], [400, 'change.place']);
});

await test('the audit log says who took which part of the feed', async () => {
  const { body } = await d.admin('GET', `/api/audit/entries?principal=user:${stewardName}`);
  const entries = JSON.stringify(body);
  assert(entries.includes('"action":"changes"') && entries.includes('after=1 upto=3 rows=2'), entries.slice(0, 2000));
});

await test('a change appears in the stream, with its id, and none of what was before', async () => {
  const s = new Subscriber(d.url, headers);
  await until('the stream', () => s.connections === 1 && s.lastId !== undefined, 10);
  const from = s.lastId;
  await push([{ k: '2', name: 'Trần Thị Bình', born: '02/02/1985', cccd: '001185000456' }]);
  await until('the event', () => s.events.length === 1, 10);
  equal([s.events[0].seq, s.events[0].kind, s.events[0].fields], [from + 1, 'changed', ['birth_date']]);
  s.close();
});

await test('commits to subscriber: each build of this process wakes it', async () => {
  const s = new Subscriber(d.url, headers);
  await until('the stream', () => s.lastId !== undefined, 10);
  const times = [];
  for (let i = 0; i < 12; i++) {
    await push([{ k: '2', name: 'Trần Thị Bình', born: `${10 + i}/02/1985`, cccd: '001185000456' }]);
    const e = await until('the event', () => s.events[i], 10);
    times.push(e.got_ms - Date.parse(e.at));
  }
  times.sort((a, b) => a - b);
  console.log(`# from the beginning of a build's write to the subscriber: ${times.join(' ')} ms`);
  s.close();
});

await test('changes of another process arrive too, of the types asked for, without gap', async () => {
  const all = new Subscriber(d.url, headers), organisations = new Subscriber(d.url, headers, { path: '/api/registry/changes/stream?type=organisation' });
  await until('the streams', () => all.lastId !== undefined && organisations.lastId !== undefined, 10);
  const from = all.lastId;
  const last = await appendRows(20000, 200, 1);
  await until('all', () => all.lastId === last, 20);
  contiguous(all.events, from + 1);
  equal(all.events.length, 20000);
  await until('the place of who wants none of them', () => organisations.lastId === last, 20);
  equal(organisations.events, []);
  const delays = all.events.map((e) => e.got_ms - Date.parse(e.at)).sort((a, b) => a - b);
  console.log(`# another process's commits: p50 ${delays[10000]} ms, p99 ${delays[19800]} ms`);
  all.close();
  organisations.close();
});

await test('who is far behind reads the table, then the ring, without gap', async () => {
  const behind = new Subscriber(d.url, headers, { after: 0 });
  const writing = appendRows(5000, 50, 2);
  const last = await writing;
  await until('all', () => behind.lastId === last, 30);
  contiguous(behind.events, 1);
  equal(behind.events.length, last);
  behind.close();
});

await test('a subscriber that hangs costs the others nothing, is cut, and goes on without gap', async () => {
  const good = new Subscriber(d.url, headers);
  await until('the stream', () => good.lastId !== undefined, 10);
  const from = good.lastId, { hostname, port } = new URL(d.url);
  const socket = connect(Number(port), hostname);
  let got = '', ended = false;
  socket.write(`GET /api/registry/changes/stream?after=${from} HTTP/1.1\r\nHost: x\r\n${Object.entries(headers).map(([k, v]) => `${k}: ${v}\r\n`).join('')}\r\n`);
  socket.on('data', (piece) => { got += piece; });
  socket.on('close', () => { ended = true; });
  socket.on('error', () => {});
  await until('its first words', () => got.includes('retry:'), 10);
  socket.pause();
  const last = await appendRows(60000, 1000, 1);
  await until('all', () => good.lastId === last, 30);
  contiguous(good.events, from + 1);
  await sleep(6000); // idle_timeout is 3 s
  socket.resume();
  await until('its end', () => ended, 15);
  const ids = [...got.matchAll(/^id: (\d+)\ndata: .*\}\n/gm)].map((m) => Number(m[1]));
  assert(ids.length > 0 && ids.at(-1) < last, `${ids.length} of 60000 were taken`);
  const again = new Subscriber(d.url, headers, { after: ids.at(-1) });
  await until('the rest', () => again.lastId === last, 30);
  contiguous([...ids.map((seq) => ({ seq })), ...again.events], ids[0]);
  good.close();
  again.close();
});

await test('the daemon is killed under a subscriber; after the restart it goes on: no gap, no repeat', async () => {
  const port = new URL(d.url).port;
  const s = new Subscriber(d.url, headers);
  await until('the stream', () => s.lastId !== undefined, 10);
  const from = s.lastId;
  const writing = appendRows(6000, 20, 5);
  for (let i = 0; i < 3; i++) {
    await sleep(400);
    d.child.kill('SIGKILL');
    await d.ended;
    await sleep(200);
    d = await start(ndc, database, { dir, settings, port });
  }
  const last = await writing;
  await until('all', () => s.lastId === last, 30);
  contiguous(s.events, from + 1);
  equal(s.events.length, 6000);
  assert(s.connections >= 3, `${s.connections} connections`);
  s.close();
});

await test('ndc changes prints the same, beside the daemon, and follows', async () => {
  const args = ['changes', '--data-dir', dir, ...(database ? ['--set', `database=${database}`] : [])];
  const lines = execFileSync(ndc, [...args, '--after', '1'], { encoding: 'utf8', maxBuffer: 64 << 20 }).trim().split('\n').map((l) => JSON.parse(l));
  contiguous(lines, 2);
  equal(lines[0].source, 'pushed');
  const child = spawn(ndc, [...args, '--after', String(lines.at(-1).seq), '--follow'], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    let said = '';
    child.stdout.on('data', (text) => { said += text; });
    const last = await appendRows(3, 1, 0);
    await until('the lines', () => said.trim().split('\n').length === 3, 30);
    equal(JSON.parse(said.trim().split('\n')[2]).seq, last);
  } finally {
    child.kill();
  }
});

equal(await d.stop(), 0, d.said());
rmSync(dir, { recursive: true, force: true });
done();

// A table is followed by the real daemon: what is typed into it can be found, linked, within a
// second; it is stopped, started, loaded anew, killed; change files are taken.
// usage: capture_test.mjs NDC DATABASE-URL ORIGIN-URL
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assert, declaration, done, equal, purpose, start, test, until } from '../serve/daemon.mjs';

const [, , ndc, database, origin] = process.argv;
const sql = (text) => execFileSync('psql', ['-qAt', '-v', 'ON_ERROR_STOP=1', '-d', origin.slice('postgres:'.length), '-c', text], { encoding: 'utf8' }).trim();
const dir = mkdtempSync(join(tmpdir(), 'ndc-capture-'));
const service = { headers: purpose('data-quality') };

sql(`CREATE TABLE cu_tru (k text PRIMARY KEY, ten text, ngay date, so text);
  INSERT INTO cu_tru SELECT 'k' || g, 'Trần Thị Bình', date '1980-01-01' + g, NULL FROM generate_series(1, 300) g`);
const fields = ['{column: k, to: null}', '{column: ten, to: full_name, required: true}', '{column: ngay, to: birth_date, format: ymd}', '{column: so, to: person_id}'];
const connector = `{type: postgres, url: "${origin}", table: public.cu_tru, slot: ndc_http}`;

let d = await start(ndc, database, { dir });
let steward = await d.user('stew', ['steward']);
const { password } = steward;
const { password: reviewerPassword } = await d.user('rev', ['reviewer']);
const declare = (id, c) => steward('POST', '/api/registry/sources', { type: 'application/yaml', body: declaration(id, fields, { connector: c, sync: '{mode: snapshot}' }) });
const capture = (id = 'cu_tru') => steward('GET', `/api/registry/sources/${id}/capture`);
const act = (action, id = 'cu_tru') => steward('POST', `/api/registry/sources/${id}/capture`, { json: { action } });
const state = (want, id) => until(`state ${want}`, async () => {
  const { body } = await capture(id);
  return body?.state === want && body;
}, 60).catch(async (error) => { throw new Error(`${error.message}: ${(await capture(id)).text}`); });
const find = async (query) => {
  const r = await steward('GET', `/api/registry/search?${new URLSearchParams(query)}`, service);
  if (r.status !== 200) throw new Error(r.text);
  return r.body.items;
};

/** How many records that say so stand in their source: one that has ended is still found. */
const standing = async (q) => {
  let n = 0;
  for (const { entity } of await find({ q })) {
    const r = await steward('GET', `/api/registry/persons/${entity}/records`, service);
    if (r.status !== 200) throw new Error(r.text);
    n += r.body.records.filter((x) => !x.ended).length;
  }
  return n;
};

await test('a table is loaded and followed once it is declared', async () => {
  const made = await declare('cu_tru', connector);
  equal(made.status, 201, made.text);
  const body = await state('following');
  equal([body.snapshots, body.losses, body.slot.name], [1, 0, 'ndc_http']);
  equal((await steward('GET', '/api/registry/overview')).body.people, 300);
  const source = (await steward('GET', '/api/registry/sources/cu_tru')).body;
  equal([source.followed, source.connector], [true, 'postgres']);
});

await test('a birth typed into the database is found within a second', async () => {
  const at = Date.now();
  sql("INSERT INTO cu_tru VALUES ('moi', 'Lò Thị Sinh', '2026-07-01', NULL)");
  await until('the child', async () => (await standing('lo thi sinh')) === 1, 10);
  const took = Date.now() - at;
  console.log(`# found after ${took} ms, psql's start included`);
  assert(took < 3000, `${took} ms`);
});

await test('an update and an end are followed', async () => {
  sql("UPDATE cu_tru SET ten = 'Lò Văn Sinh' WHERE k = 'moi'");
  await until('the new name', async () => (await standing('lo van sinh')) === 1, 10);
  sql("UPDATE cu_tru SET k = 'moi2' WHERE k = 'moi'");
  sql("BEGIN; DELETE FROM cu_tru WHERE k = 'k1'; INSERT INTO cu_tru VALUES ('k1', 'Quàng Văn Một', '1950-02-03', NULL); COMMIT");
  await until('who has come in the place of another', async () => (await standing('quang van mot')) === 1, 10);
  equal((await standing('lo van sinh')), 1);
  sql("DELETE FROM cu_tru WHERE k = 'moi2'");
  await until('the end', async () => (await standing('lo van sinh')) === 0, 10);
});

await test('stopped it takes nothing, started it goes on', async () => {
  equal((await act('stop')).status, 202);
  await state('stopped');
  sql("INSERT INTO cu_tru VALUES ('dung', 'Vàng A Dừng', '1990-05-06', NULL)");
  equal((await standing('vang a dung')), 0);
  equal((await act('start')).status, 202);
  await until('the row of meanwhile', async () => (await standing('vang a dung')) === 1, 20);
});

await test('a daemon that is killed loses nothing and begins no snapshot', async () => {
  d.child.kill('SIGKILL');
  await d.ended;
  sql("INSERT INTO cu_tru VALUES ('chet', 'Hờ A Chết', '1991-05-06', NULL)");
  sql("DELETE FROM cu_tru WHERE k = 'dung'");
  d = await start(ndc, database, { dir });
  steward = await d.signIn('stew', password);
  await until('what came meanwhile', async () => (await standing('ho a chet')) === 1 && (await standing('vang a dung')) === 0, 30);
  equal((await state('following')).snapshots, 0);
});

await test('a new snapshot compares with what is there', async () => {
  equal((await act('snapshot')).status, 202);
  await until('the snapshot', async () => (await capture()).body.snapshots === 1, 60);
  await state('following');
  sql("INSERT INTO cu_tru VALUES ('sau', 'Giàng A Sau', '1992-05-06', NULL)");
  await until('a change after it', async () => (await standing('giang a sau')) === 1, 10);
  equal((await standing('ho a chet')), 1);
});

await test('what cannot be done is refused with the reason', async () => {
  const load = await steward('POST', '/api/registry/sources/cu_tru/runs', { json: {} });
  equal([load.status, load.code], [409, 'source.followed']);
  equal((await capture('khong')).status, 404);
  const secret = await declare('mat', '{type: postgres, url: "postgres:host=x password=abc", table: t, slot: s}');
  equal(secret.status, 400, secret.text);
  assert(!secret.text.includes('abc'), secret.text);
  const reviewer = await d.signIn('rev', reviewerPassword);
  equal((await reviewer('POST', '/api/registry/sources/cu_tru/capture', { json: { action: 'stop' } })).status, 403);
  equal((await steward('POST', '/api/registry/sources/cu_tru/capture', { json: { action: 'explode' } })).status, 400);
});

await test('change files are taken in order', async () => {
  const folder = join(dir, 'import', 'doi');
  mkdirSync(folder, { recursive: true });
  const row = (o) => `${JSON.stringify(o)}\n`;
  writeFileSync(join(folder, '1.ndjson'), row({ _op: 'I', _version: 1, k: 'f1', ten: 'Sùng Thị Tệp', ngay: '1999-01-02' }) + row({ _op: 'I', _version: 1, k: 'f2', ten: 'Sùng Văn Bỏ', ngay: '1999-01-03' }));
  writeFileSync(join(folder, '2.ndjson'), row({ _op: 'D', _version: 2, k: 'f2' }));
  equal((await declare('doi', '{type: changes, path: doi}')).status, 201);
  await until('both files', async () => (await capture('doi')).body?.files?.taken === 2, 20);
  equal((await standing('sung thi tep')), 1);
  equal((await standing('sung van bo')), 0);
});

await test('what is followed is in the metrics', async () => {
  const text = (await d.admin?.('GET', '/metrics') ?? await steward('GET', '/metrics')).text;
  assert(/ndc_capture_changes_total\{source="cu_tru"\} \d+/.test(text), text.slice(0, 300));
  assert(/ndc_capture_retained_bytes\{source="cu_tru"\} \d+/.test(text));
});

await test('the command follows to the end and says so', async () => {
  await d.stop();
  sql("INSERT INTO cu_tru VALUES ('lenh', 'Mùa A Lệnh', '1993-05-06', NULL)");
  const settings = database ? ['--set', `database=${database}`] : [];
  const child = spawn(ndc, ['source', 'follow', 'cu_tru', '--once', '--data-dir', dir, ...settings]);
  let said = '';
  child.stdout.on('data', (x) => { said += x; });
  child.stderr.on('data', (x) => { said += x; });
  equal(await new Promise((resolve) => child.on('exit', resolve)), 0, said);
  assert(said.includes('following'), said);
  d = await start(ndc, database, { dir });
  steward = await d.signIn('stew', password);
  equal((await standing('mua a lenh')), 1);
});

await d.stop();
rmSync(dir, { recursive: true, force: true });
done();

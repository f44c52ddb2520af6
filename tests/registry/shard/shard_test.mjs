// Shards with the real daemon on real servers: set up by commands, read and written while shards
// move, one server stopped and started again.
// usage: with_shards.sh node shard_test.mjs NDC
import { execFile, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { assert, declaration, done, equal, purpose, sleep, start, test, until } from '../serve/daemon.mjs';

const [, , ndc] = process.argv;
const database = process.env.NDC_TEST_POSTGRES_URL;
const shards = [0, 1, 2].map((i) => process.env[`NDC_TEST_SHARD_${i}_URL`]);
const scripts = fileURLToPath(new URL('../../../deploy/shards', import.meta.url));
const psql = (url, ...args) => execFileSync('psql', ['-qAt', '-v', 'ON_ERROR_STOP=1', '-c', 'SET client_min_messages = warning', '-d', url.slice('postgres:'.length), ...args], { encoding: 'utf8' }).trim();
/** The database and the role that deploy/shards/server.sql makes. */
const asShard = (url, user = 'ndc_shard') => `postgres:host=${dirOf(url)} dbname=ndc_shard user=${user}`;
const folder = mkdtempSync(join(tmpdir(), 'ndc-shard-'));
const common = ['--data-dir', folder, '--set', `database=${database}`];
const shard = (...args) => execFileSync(ndc, ['shard', ...args, ...common], { encoding: 'utf8' });
const review = purpose('data-quality');
const R = '/api/registry';

/** What `ndc shard list` says: server to its columns. */
const list = () => Object.fromEntries(shard('list').trim().split('\n').slice(1).map((line) => {
  const [server, held, moving, waiting, ...rest] = line.trim().split(/\s+/);
  return [server, { held: +held, moving: +moving, waiting: +waiting, away: rest[0] === 'away:', entities: +rest[0] }];
}));

/** Stops a server, or starts it again as it was. */
const dirOf = (url) => /host=(\S+)/.exec(url)[1];
const opts = new Map();
function stop(url) {
  const dir = dirOf(url);
  opts.set(url, readFileSync(join(dir, 'data/postmaster.opts'), 'utf8').trim());
  const pid = +readFileSync(join(dir, 'data/postmaster.pid'), 'utf8').split('\n')[0];
  process.kill(pid, 'SIGINT');
  return until('its end', () => { try { process.kill(pid, 0); return /State:\s+Z/.test(readFileSync(`/proc/${pid}/status`, 'utf8')); } catch { return true; } }, 30);
}
let again;
async function startAgain(url) {
  const as = process.getuid() === 0 ? 'setpriv --reuid=postgres --regid=postgres --clear-groups ' : '';
  again = spawn('bash', ['-c', `cd /; exec ${as}${opts.get(url)}`], { stdio: 'ignore' });
  await until('the server', () => { try { execFileSync('psql', ['-qAt', '-d', url.slice(9), '-c', 'SELECT 1'], { stdio: 'ignore' }); return true; } catch { return false; } }, 30);
}

let d, steward, ids;
const read = (id) => d.admin('GET', `${R}/persons/${id}`, { headers: review });

await test('servers are made known and the registry is sharded', async () => {
  for (const [i, url] of shards.entries()) {
    psql(url, '-f', join(scripts, 'server.sql'));
    psql(`${url} dbname=ndc_shard`, '-f', join(scripts, 'report_server.sql'));
    assert(shard('add', `s${i}`, asShard(url)).includes('shard init'));
  }
  equal(shard('init', '--shards', '16'), '16 shards\n');
  equal(Object.values(list()).map((s) => s.held), [6, 5, 5]);
});

await test('a nation is integrated and spread over all', async () => {
  d = await start(ndc, database, { dir: folder, people: 300 });
  const first = await until('the first password', () => /^\s*Password\s+(\S+)/m.exec(d.said())?.[1], 30);
  d.admin = await d.signIn('admin', first);
  await d.settled();
  steward = await d.user('stew', ['steward']);
  const all = Object.values(list());
  assert(all.every((s) => s.entities > 50 && s.waiting === 0), JSON.stringify(all));
  const found = await Promise.all(['nguyen', 'tran', 'le', 'pham'].map((q) => d.admin('GET', `${R}/search?q=${q}&limit=50`, { headers: review })));
  ids = [...new Set(found.flatMap((r) => r.body.items.map((x) => x.entity)))];
  assert(ids.length > 20, `${ids.length} found`);
  for (const id of ids) equal((await read(id)).status, 200);
});

await test('reports see counts of all servers and no payload', async () => {
  psql(database, '-c', 'CREATE DATABASE reports');
  const reports = `${database} dbname=reports`;
  for (const [i, url] of shards.entries()) psql(reports, '-v', `server=s${i}`, '-v', `host=${dirOf(url)}`, '-v', 'port=5432', '-f', join(scripts, 'report.sql'));
  const all = Object.values(list()).reduce((n, s) => n + s.entities, 0);
  equal(+psql(reports, '-c', 'SELECT sum(entities) FROM ndc_report.shard'), all);
  equal(psql(reports, '-c', 'SELECT count(DISTINCT server) FROM ndc_report.shard'), '3');
  let refused = '';
  try { psql(asShard(shards[0], 'ndc_report'), '-c', 'SELECT * FROM ndc_shard_00_1.entity'); } catch (e) { refused = String(e.stderr); }
  assert(/permission denied/.test(refused), refused);
});

const fields = ['{column: k, to: null}', '{column: ten, to: full_name, required: true}', '{column: ngay, to: birth_date, format: ymd}'];
const row = (i) => ({ k: `r${i}`, ten: `Lò Văn ${String.fromCharCode(65 + i % 26)}inh`, ngay: `19${50 + i % 50}-0${1 + i % 9}-1${i % 10}` });

await test('shards move while rows come', async () => {
  equal((await steward('POST', `${R}/sources`, { type: 'application/yaml', body: declaration('live', fields) })).status, 201);
  let moving = true;
  const moves = (async () => {
    for (const [n, to] of [[0, 's1'], [1, 's2'], [2, 's0'], [0, 's0']]) await promisify(execFile)(ndc, ['shard', 'move', String(n), to, ...common]);
  })().finally(() => { moving = false; });
  let n = 0;
  while (moving || n < 20) {
    const r = await d.push(steward, 'live', `k${n}`, [row(n)]);
    equal(r.status, 200, r.text);
    equal((await read(ids[n % ids.length])).status, 200);
    n++;
  }
  await moves;
  equal((await steward('GET', `${R}/sources/live`)).body.records, n);
  for (const id of ids) equal((await read(id)).status, 200);
  const where = list();
  equal([where.s0.held, where.s1.held, where.s2.held], [7, 4, 5]);
  await until('what waits', () => Object.values(list()).every((s) => s.waiting === 0 && s.moving === 0), 20);
});

await test('a server that hangs is given up, and holds up nobody else', async () => {
  const held = await Promise.all(ids.map(async (id) => [id, (await read(id)).status]));
  assert(held.every(([, status]) => status === 200));
  const pid = readFileSync(join(dirOf(shards[1]), 'data/postmaster.pid'), 'utf8').split('\n')[0];
  const all = [pid, ...execFileSync('pgrep', ['-P', pid], { encoding: 'utf8' }).trim().split('\n')];
  for (const p of all) process.kill(+p, 'SIGSTOP');
  try {
    const first = await Promise.all(ids.map(async (id) => [id, await read(id)]));
    const away = first.filter(([, r]) => r.status === 503).map(([id]) => id);
    const there = first.filter(([, r]) => r.status === 200).map(([id]) => id);
    assert(away.length > 2 && there.length > 5 && away.length + there.length === ids.length, `${away.length} ${there.length}`);
    // While it is asked without end, the others answer at once.
    let asking = true;
    const asked = (async () => { while (asking) await Promise.race([read(away[0]), sleep(200)]); })();
    let worst = 0;
    for (const id of there.slice(0, 20)) {
      const at = Date.now();
      equal((await read(id)).status, 200);
      worst = Math.max(worst, Date.now() - at);
      await sleep(100);
    }
    asking = false;
    await asked;
    console.log(`# slowest read beside it: ${worst} ms`);
    assert(worst < 2500, `${worst} ms`);
  } finally {
    for (const p of all) process.kill(+p, 'SIGCONT');
  }
  await until('it answers', async () => (await Promise.all(ids.map(read))).every((r) => r.status === 200), 60);
});

await test('a server that is stopped: what it holds 503, the rest 200', async () => {
  await stop(shards[1]);
  const seen = {};
  for (const id of ids) {
    const r = await read(id);
    seen[r.status] = (seen[r.status] ?? 0) + 1;
    if (r.status === 200) continue;
    equal([r.status, r.code, r.headers.get('retry-after')], [503, 'registry.shard_away', '5'], r.text);
    assert(r.body.detail.includes('"s1"'), r.text);
  }
  assert(seen[200] > 5 && seen[503] > 2, JSON.stringify(seen));
  assert(list().s1.away, 'list says so');
  const metrics = await (await fetch(`${d.url}/metrics`)).text();
  assert(/^ndc_shard_up\{server="s1"\} 0$/m.test(metrics) && /^ndc_shard_up\{server="s0"\} 1$/m.test(metrics), metrics.match(/ndc_shard.*/g)?.join('\n') ?? 'none');
});

await test('started again it serves, and takes what waited', async () => {
  await startAgain(shards[1]);
  await until('all of them', async () => (await Promise.all(ids.map(read))).every((r) => r.status === 200), 30);
  await until('what waits', () => Object.values(list()).every((s) => s.waiting === 0 && !s.away), 30);
  await until('the metric', async () => /^ndc_shard_up\{server="s1"\} 1$/m.test(await (await fetch(`${d.url}/metrics`)).text()), 10);
});

await d?.stop();
again?.kill('SIGINT');
await sleep(300);
rmSync(folder, { recursive: true, force: true });
done();

// A data folder that is full, and one that cannot be written: a clear error, nothing lost, and
// work goes on when there is room again. Needs to mount a tmpfs. usage: disk_test.mjs NDC [DATABASE-URL]
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assert, declaration, done, equal, purpose, start, test } from './daemon.mjs';

const [, , ndc, database] = process.argv;
const dir = mkdtempSync(join(tmpdir(), 'ndc-disk-'));
try {
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', dir], { stdio: 'pipe' });
} catch (error) {
  console.log('ok 1 - a full and a read-only data folder # SKIP no tmpfs can be mounted here\n1..1');
  rmSync(dir, { recursive: true, force: true });
  process.exit(0);
}
const settings = database ? ['--set', `database=${database}`] : [];
let d;
try {
  mkdirSync(join(dir, 'import'));
  d = await start(ndc, database, { dir });
  const steward = await d.user('stew', ['steward']);
  const fields = ['{column: k, to: null}', '{column: name, to: full_name, required: true}', '{column: born, to: birth_date, required: true}'];
  equal((await steward('POST', '/api/registry/sources', { type: 'application/yaml', body: declaration('a', fields) })).status, 201);
  const row = (k) => ({ k: String(k), name: 'Nguyễn Văn An', born: '27/03/1985' });
  equal((await d.push(steward, 'a', 'first', [row(1)])).status, 200);
  await d.settled();

  // On PostgreSQL rows that come live need nothing of the data folder: then all are taken.
  let taken = 0;
  const batch = (n) => Array.from({ length: 5000 }, (_, i) => row(n * 5000 + i + 10));
  await test('a push into a full data folder is refused with the reason, and nothing of it is kept', async () => {
    writeFileSync(join(dir, 'ballast'), '');
    spawnSync('dd', ['if=/dev/zero', `of=${join(dir, 'ballast')}`, 'bs=64k'], { stdio: 'ignore' });
    let r;
    do r = await d.push(steward, 'a', `full-${taken}`, batch(taken)); while (r.status === 200 && ++taken < 12);
    if (!database) {
      assert(r.status >= 500 && r.code, `${taken}: ${r.status} ${r.text}`);
      assert(/full|space|room/i.test(d.said()), 'the log does not say why');
    }
    equal((await fetch(`${d.url}/health/live`)).status, 200, 'it lives');
    equal((await steward('GET', '/api/registry/overview')).body.records, 5000 * taken + 1);
  });

  await test('with room again the same batch is taken, and what was there still is', async () => {
    rmSync(join(dir, 'ballast'));
    const r = await d.push(steward, 'a', `full-${taken}`, batch(taken));
    equal([r.status, r.body.added], [200, 5000], r.text);
    await d.settled();
    const found = await d.admin('GET', '/api/registry/search?q=nguyen+van+an', { headers: purpose('linkage-review') });
    equal(found.status, 200, found.text);
    equal((await steward('GET', '/api/registry/overview')).body.records, 5000 * (taken + 1) + 1);
  });
  equal(await d.stop(), 0);

  await test('a data folder that cannot be written: the daemon says so and does not start', async () => {
    execFileSync('mount', ['-o', 'remount,ro', dir]);
    const r = spawnSync(ndc, ['serve', '--data-dir', dir, '--listen', '127.0.0.1:0', ...settings], { encoding: 'utf8', timeout: 20000 });
    assert(r.status !== 0 && r.status !== null, `status ${r.status}`);
    const said = r.stdout + r.stderr;
    assert(said.includes(dir) && /read-only/i.test(said), said);
    assert(said.split('\n').length < 6, said);
  });
} finally {
  if (d) d.child.kill();
  execFileSync('umount', ['-l', dir]);
  rmSync(dir, { recursive: true, force: true });
}
done();

// Runs over HTTP: a load from the command line that is killed comes to an end; a source with a
// schedule is loaded without hands. usage: runs_test.mjs NDC [DATABASE-URL]
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assert, declaration, done, equal, start, test, until } from './daemon.mjs';

const [, , ndc, database] = process.argv;
const dir = mkdtempSync(join(tmpdir(), 'ndc-runs-'));
const fields = ['{column: k, to: null}', '{column: name, to: full_name, required: true}', '{column: born, to: birth_date, required: true}'];
const file = (name, rows) => writeFileSync(join(dir, 'import', name), `k,name,born\n${rows.join('\n')}\n`);
mkdirSync(join(dir, 'import'), { recursive: true });
file('clock.csv', ['1,Nguyễn Văn An,27/03/1985']);
file('big.csv', Array.from({ length: 800000 }, (_, i) => `${i},Nguyễn Văn An,27/03/1985`));

let d = await start(ndc, database, { dir });
const steward = await d.user('stew', ['steward']);
const declare = (id, sync) => steward('POST', '/api/registry/sources', { type: 'application/yaml', body: declaration(id, fields, { connector: `{type: csv, path: ${id}.csv}`, sync }) });
const declared = await declare('big', '{mode: snapshot}');
equal(declared.status, 201, declared.text);

await test('a source that is due is loaded by the daemon without hands', async () => {
  equal((await declare('clock', "{mode: snapshot, schedule: '* * * * *'}")).status, 201);
  const run = await until('the scheduled run', async () => {
    const { body } = await steward('GET', '/api/registry/runs?source=clock');
    return body.runs.find((r) => r.state === 'succeeded');
  }, 75);
  equal([run.accepted, run.mode], [1, 'snapshot']);
  equal((await steward('GET', '/api/registry/overview')).body.people, 1);
});

await test('the daemon stops cleanly while a schedule is due', async () => {
  equal(await d.stop(), 0, d.said());
});

const settings = database ? ['--set', `database=${database}`] : [];
await test('a load from the command line, killed, is failed at the next start, with the reason', async () => {
  const load = spawn(ndc, ['source', 'load', 'big', '--data-dir', dir, ...settings], { stdio: 'ignore' });
  const over = new Promise((resolve) => load.on('exit', (code, signal) => resolve(signal ?? code)));
  await until('the load to be under way', () => readdirSync(join(dir, 'stage')).some((f) => f.startsWith('big.')), 20);
  load.kill('SIGKILL');
  equal(await over, 'SIGKILL');
  d = await start(ndc, database, { dir });
  const again = await d.signIn('stew', steward.password);
  const { body } = await again('GET', '/api/registry/runs?source=big');
  equal(body.runs.length, 1, JSON.stringify(body));
  equal(body.runs[0].state, 'failed');
  assert(body.runs[0].error.startsWith('interrupted'), body.runs[0].error);
  const run = await again('POST', '/api/registry/sources/big/runs', { json: {} });
  equal(run.status, 202, run.text);
  await until('the run', async () => (await again('GET', `/api/registry/runs/${run.body.run}`)).body.state === 'succeeded', 100);
});

await d.stop();
rmSync(dir, { recursive: true, force: true });
done();

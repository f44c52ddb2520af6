// How many people were seen, over HTTP: reads, searches and batches count; kill -9 loses
// nothing; a limit that is met denies, is told to a data officer and is settled by one.
// usage: volume_test.mjs NDC [DATABASE-URL]
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assert, done, equal, purpose, start, test, until } from './daemon.mjs';

const [, , ndc, database] = process.argv;
const dir = mkdtempSync(join(tmpdir(), 'ndc-volume-'));
mkdirSync(join(dir, 'policy'));
writeFileSync(join(dir, 'policy', 'limit.yaml'), `rules:
  - id: tax-few
    title: {vi: Không quá 60 người một ngày, en: No more than 60 people a day}
    when: {purpose: tax, subjects_over: 60, within_days: 1, not_role: bulk-important}
    fields: {personal: [basic, sensitive]}
    effect: deny
    obligations: [log, escalate]
`);

let d = await start(ndc, database, { dir, people: 2000 });
await d.settled();
const made = await d.admin('POST', '/api/keys', { json: { agency: 'btc', roles: ['agency-reader'] } });
const steward = await d.user('stew', ['steward']);
const bearer = { Authorization: `Bearer ${made.body.secret}` };
const tax = { ...purpose('tax'), ...bearer };
const R = '/api/registry';
const mine = (r) => r.body.items.find((v) => v.requester === 'btc' && v.purpose === 'tax');
const list = async (as) => mine(await as('GET', '/api/policy/volumes?limit=500'));

// People by a purpose of others, so that none is counted for tax.
const found = [];
for (const q of ['nguyen', 'tran', 'le', 'pham']) {
  for (let after = 0; after < 80; after += 40) {
    const { body } = await d.admin('GET', `${R}/search?q=${q}&type=person&after=${after}&limit=40`, { headers: purpose('linkage-review') });
    found.push(...body.items.map((i) => i.entity));
  }
}
const people = [...new Set(found)];
assert(people.length > 90, `${people.length} people`);

await test('reads, batches and pages of searches count each person once', async () => {
  for (const p of people.slice(0, 10)) equal((await d.nobody('GET', `${R}/persons/${p}`, { headers: tax })).status, 200);
  for (const p of people.slice(0, 10)) equal((await d.nobody('GET', `${R}/persons/${p}/records`, { headers: tax })).status, 200);
  equal((await list(d.admin)).subjects, 10);
  const batch = await d.nobody('POST', `${R}/persons/batch`, { headers: tax, json: { entities: people.slice(5, 20) } });
  equal(batch.status, 200);
  equal((await list(d.admin)).subjects, 20);
  const s = await d.nobody('GET', `${R}/search?q=nguyen&type=person&limit=15`, { headers: tax });
  equal(s.status, 200, s.text);
  const seen = new Set([...people.slice(0, 20), ...s.body.items.map((i) => i.entity)]);
  const row = await list(d.admin);
  equal(row.subjects, seen.size);
  equal([row.estimated, row.title.en, row.purpose_title.en], [false, 'Ministry of Finance', 'Tax administration']);
  equal(row.limits.find((l) => l.within_days === 1), { within_days: 1, subjects: seen.size, limit: 61, share: Math.floor(seen.size / 61 * 10000) / 10000 });
  equal(row.limits.find((l) => l.within_days === null).limit, 10000);
});

await test('a search names whom it showed in their own access log', async () => {
  const s = await d.nobody('GET', `${R}/search?q=nguyen&type=person&limit=3`, { headers: tax });
  const log = await d.admin('GET', `/api/audit/subjects/${s.body.items[0].entity}?newest=true`);
  assert(log.body.entries.some((e) => e.entry.action === 'search' && e.entry.agency === 'btc'), log.text.slice(0, 400));
});

await test('who may not see counts is refused', async () => {
  equal((await d.nobody('GET', '/api/policy/volumes', { headers: bearer })).code, 'auth.permission');
  equal((await d.nobody('GET', '/api/policy/notices', { headers: bearer })).code, 'auth.permission');
  equal((await d.nobody('GET', '/api/policy/notices')).code, 'auth.required');
});

let counted = 0;
await test('kill -9: every answered read is counted after it', async () => {
  const before = (await list(d.admin)).subjects;
  let next = 20;
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 4; i++, next++) equal((await d.nobody('GET', `${R}/persons/${people[next]}`, { headers: tax })).status, 200);
    counted = (await list(steward.again ?? d.admin)).subjects;
    d.child.kill('SIGKILL');
    await d.ended;
    d = await start(ndc, database, { dir });
    steward.again = await d.signIn('stew', steward.password);
    equal((await list(steward.again)).subjects, counted);
  }
  assert(counted > before && counted < 60, `${before} then ${counted}`);
});

await test('at the limit: denied with words that say what to do; those seen before may be read', async () => {
  let denied;
  for (const p of people.slice(32)) {
    const r = await d.nobody('GET', `${R}/persons/${p}`, { headers: tax });
    if (r.status === 200) continue;
    denied = r;
    break;
  }
  equal([denied.status, denied.code], [403, 'policy.volume']);
  assert(/61 persons counted for this purpose in the last 1 days/.test(denied.body.detail) && /role bulk-important/.test(denied.body.detail), denied.body.detail);
  equal((await d.nobody('GET', `${R}/persons/${people[0]}`, { headers: tax })).status, 200);
  equal((await list(steward.again)).subjects, 60);
  const s = await d.nobody('GET', `${R}/search?q=hoang&type=person&limit=50`, { headers: tax });
  equal([s.status, s.code], [403, 'policy.volume']);
});

await test('a notice: once, with what happened; settled with a note; logged', async () => {
  const open = await until('the notice', async () => {
    const { body } = await steward.again('GET', '/api/policy/notices');
    return body.items.find((n) => n.rule === 'tax-few');
  }, 10);
  equal([open.requester, open.purpose, open.outcome, open.subjects, open.rule_title.en], ['btc', 'tax', 'deny', 61, 'No more than 60 people a day']);
  const done_ = await steward.again('POST', `/api/policy/notices/${open.id}/settle`, { json: { note: 'asked the ministry' } });
  equal(done_.body, { id: open.id, settled: true });
  equal((await steward.again('POST', `/api/policy/notices/${open.id}/settle`, { json: {} })).code, 'policy.no_notice');
  equal((await steward.again('POST', '/api/policy/notices/x/settle', { json: {} })).status, 404);
  const { body } = await steward.again('GET', '/api/policy/notices?state=settled');
  equal([body.items[0].note, body.items[0].settled_by, body.open], ['asked the ministry', 'user:stew', 0]);
  const log = await steward.again('GET', '/api/audit/entries?newest=true&n=20');
  assert(log.body.entries.some((e) => e.entry.action === 'policy.settle' && e.entry.detail === `notice=${open.id}`), 'not logged');
});

await d.stop();
rmSync(dir, { recursive: true, force: true });
done();

// Every registry route: what it answers, to whom, and how it refuses.
// usage: routes_test.mjs NDC [DATABASE-URL]
import { assert, declaration, done, equal, purpose, start, test } from './daemon.mjs';

const [, , ndc, database] = process.argv;
const d = await start(ndc, database, { people: 2000 });
const admin = d.admin;
const review = purpose('linkage-review');
const quality = purpose('data-quality');
const steward = await d.user('stew', ['steward']);
const reviewer = await d.user('rita', ['reviewer']);
const auditor = await d.user('anna', ['auditor']);
const reader = await d.key('btc', ['agency-reader']);
await d.settled();
const fields = ['{column: k, to: null}', '{column: name, to: full_name, required: true}', '{column: born, to: birth_date, required: true}', '{column: cccd, to: person_id}'];
equal((await steward('POST', '/api/registry/sources', { type: 'application/yaml', body: declaration('pushed', fields) })).status, 201);
const people = (await admin('GET', '/api/registry/search?q=nguyen+thi&limit=5', { headers: review })).body.items;
const entity = people[0].entity;

const R = '/api/registry';
const parcel = (await admin('GET', `${R}/datasets/parcel?limit=1`)).body.items[0].key;
// method, path, permission missing for whom, personal, body
const routes = [
  ['GET', `${R}/overview`, reader], ['GET', `${R}/sources`, reader], ['POST', `${R}/sources`, reviewer, false, { type: 'application/yaml', body: 'x: 1' }],
  ['GET', `${R}/sources/tax`, reader], ['POST', `${R}/sources/tax/runs`, reviewer, false, { json: {} }], ['GET', `${R}/sources/tax/capture`, reader], ['POST', `${R}/sources/tax/capture`, reviewer, false, { json: { action: 'stop' } }], ['POST', `${R}/sources/tax/records`, reviewer, false, { type: 'application/x-ndjson', body: '{}' }],
  ['GET', `${R}/runs`, reader], ['GET', `${R}/runs/1`, reader], ['GET', `${R}/map`, reader], ['GET', `${R}/units`, reader],
  ['GET', `${R}/quarantine`, reviewer, true], ['GET', `${R}/quarantine.csv?source=tax`, reviewer, true], ['GET', `${R}/quarantine/1`, reviewer, true], ['POST', `${R}/quarantine/1/correct`, reviewer, true, { json: { row: {} } }], ['POST', `${R}/quarantine/1/dismiss`, reviewer, true, { json: {} }],
  ['GET', `${R}/search?q=an`, auditor, true], ['GET', `${R}/persons/${entity}`, auditor, true], ['GET', `${R}/organisations/${entity}`, auditor, true], ['GET', `${R}/persons/${entity}/records`, auditor, true], ['GET', `${R}/persons/${entity}/history`, auditor, true],
  ['GET', `${R}/persons/${entity}/relations`, auditor, true], ['GET', `${R}/organisations/${entity}/relations`, auditor, true], ['GET', `${R}/datasets`, auditor], ['GET', `${R}/datasets/school`, auditor], ['GET', `${R}/datasets/parcel/${parcel}`, auditor, true],
  ['POST', `${R}/persons/batch`, auditor, true, { json: { entities: [entity] } }], ['POST', `${R}/match`, auditor, true, { json: { record: { full_name: 'Nguyễn Văn An' } } }],
  ['GET', `${R}/changes`, auditor, true], ['GET', `${R}/changes/stream`, auditor, true],
  ['GET', `${R}/reviews`, reader], ['GET', `${R}/reviews/1`, reader, true], ['POST', `${R}/reviews/1/decision`, reader, true, { json: { decision: 'same' } }],
];

await test('the list of routes is whole, by the API\'s own description', async () => {
  const { paths } = (await d.nobody('GET', '/api/openapi.json')).body;
  const told = Object.entries(paths).filter(([p]) => p.startsWith(R)).flatMap(([p, ops]) => Object.keys(ops).map((m) => `${m.toUpperCase()} ${p}`));
  equal(told.length, routes.length, told.join('\n'));
});

await test('nobody: 401; without the permission: 403; each with a code and words', async () => {
  for (const [method, path, who, personal, more] of routes) {
    const headers = personal ? review : {};
    let r = await d.nobody(method, path, { ...more, headers });
    equal([r.status, r.code], [401, 'auth.required'], `${method} ${path}`);
    assert(r.body.title && r.body.detail && r.body.request_id, r.text);
    equal(r.headers.get('content-type'), 'application/problem+json');
    equal(r.headers.get('www-authenticate'), 'Bearer realm="ndc"');
    r = await who(method, path, { ...more, headers });
    equal([r.status, r.code], [403, 'auth.permission'], `${method} ${path}`);
  }
});

await test('personal data: no purpose, no basis, a purpose that is none or not theirs', async () => {
  for (const [method, path, , personal, more] of routes.filter((r) => r[3])) {
    let r = await admin(method, path, more);
    equal([r.status, r.code], [400, 'purpose.missing'], `${method} ${path}`);
    r = await admin(method, path, { ...more, headers: { 'NDC-Purpose': 'linkage-review' } });
    equal([r.status, r.code], [400, 'purpose.basis'], `${method} ${path}`);
    if (/reviews\/1|quarantine\/1|organisations/.test(path)) continue;
    r = await admin(method, path, { ...more, headers: purpose('no-such-purpose') });
    if (path.endsWith('/batch')) equal([r.status, r.body.items[0].error.split('.')[0]], [200, 'policy'], r.text);
    else equal([r.status, r.code.split('.')[0]], [403, 'policy'], `${method} ${path} ${r.text}`);
  }
});

await test('without the header that repeats csrf a cookie changes nothing', async () => {
  for (const [method, path, , personal, more] of routes.filter((r) => r[0] === 'POST')) {
    const r = await steward(method, path, { ...more, headers: { ...(personal ? review : {}), 'NDC-CSRF': 'wrong' } });
    equal([r.status, r.code], [403, 'auth.csrf'], path);
  }
});

await test('what is not there: 404 with its code', async () => {
  const gone = [['GET', `${R}/sources/nope`, 'registry.no_source'], ['POST', `${R}/sources/nope/runs`, 'registry.no_source', { json: {} }], ['POST', `${R}/sources/nope/records`, 'registry.no_source', { type: 'application/x-ndjson', body: '{}', headers: { 'Idempotency-Key': 'x' } }],
    ['GET', `${R}/runs/999999`, 'registry.no_run'], ['GET', `${R}/runs/x`, 'registry.no_run'], ['GET', `${R}/quarantine?source=nope`, 'registry.no_source'], ['GET', `${R}/quarantine.csv?source=nope`, 'registry.no_source'],
    ['GET', `${R}/quarantine/999999`, 'quarantine.no_item'], ['GET', `${R}/quarantine/x`, 'quarantine.no_item'], ['POST', `${R}/quarantine/999999/correct`, 'quarantine.no_item', { json: { row: {} } }], ['POST', `${R}/quarantine/-1/dismiss`, 'quarantine.no_item', { json: {} }],
    ['GET', `${R}/persons/P-0000-0`, 'registry.no_entity'], ['GET', `${R}/persons/x/records`, 'registry.no_entity'], ['GET', `${R}/persons/x/history`, 'registry.no_entity'], ['GET', `${R}/reviews/999999`, 'review.none'], ['POST', `${R}/reviews/x/decision`, 'review.none', { json: { decision: 'same' } }], ['GET', `${R}/nothing`, 'http.not_found']];
  for (const [method, path, code, more] of gone) {
    const r = await admin(method, path, { ...more, headers: { ...review, ...more?.headers } });
    equal([r.status, r.code], [404, code], `${method} ${path}: ${r.text}`);
  }
});

await test('wrong input: 400, naming what and the nearest right word', async () => {
  const wrong = [['GET', `${R}/runs?limit=0`, 'request.range', 'limit'], ['GET', `${R}/runs?limit=501`, 'request.range', 'limit'], ['GET', `${R}/runs?limit=x`, 'request.type', 'limit'], ['GET', `${R}/runs?limt=1`, 'request.query'], ['GET', `${R}/runs?limit=1&limit=2`, 'request.query', 'limit'],
    ['GET', `${R}/quarantine?state=shut`, 'request.choice', 'state'], ['GET', `${R}/quarantine.csv`, 'request.query', 'source'], ['GET', `${R}/units?province=77x`, 'units.province', 'province'], ['GET', `${R}/units?province=99`, 'units.province', 'province'],
    ['GET', `${R}/search`, 'search.empty', 'q'], ['GET', `${R}/search?q=an&birth_date=soon`, 'search.date', 'birth_date'], ['GET', `${R}/search?q=an&after=401`, 'request.range', 'after'], ['GET', `${R}/search?q=an&after=-1`, 'request.range', 'after'], ['GET', `${R}/search?q=${'a'.repeat(201)}`, 'request.range', 'q'], ['GET', `${R}/search?q=%ff`, 'request.query'],
    ['GET', `${R}/persons/${entity}?fields=full_nam`, 'registry.no_field', 'fields'], ['POST', `${R}/match`, 'request.missing', '/record', { json: {} }], ['POST', `${R}/match`, 'request.type', '/record/full_name', { json: { record: { full_name: 5 } } }], ['POST', `${R}/persons/batch`, 'request.range', '/entities', { json: { entities: [] } }], ['POST', `${R}/persons/batch`, 'request.range', '/entities', { json: { entities: Array(1001).fill(entity) } }],
    ['POST', `${R}/persons/batch`, 'json.syntax', undefined, { type: 'application/json', body: '{"entities":[' }], ['POST', `${R}/reviews/1/decision`, 'request.choice', '/decision', { json: { decision: 'maybe' } }], ['POST', `${R}/sources`, 'source.declaration', undefined, { type: 'application/yaml', body: declaration('bad', fields).replace('entity: person', 'entity: persn') }],
    ['POST', `${R}/sources/pushed/records`, 'push.no_key', 'Idempotency-Key', { type: 'application/x-ndjson', body: '{}' }], ['POST', `${R}/sources/pushed/records`, 'push.no_key', 'Idempotency-Key', { type: 'application/x-ndjson', body: '{}', headers: { 'Idempotency-Key': 'x'.repeat(201) } }], ['POST', `${R}/sources/tax/runs`, 'request.unknown', undefined, { json: { now: true } }]];
  const failed = [];
  for (const [method, path, code, field, more] of wrong) {
    const r = await admin(method, path, { ...more, headers: { ...review, ...more?.headers } });
    if (r.status !== 400 || (code !== 'source.declaration' && r.code !== code) || (field && r.body.field !== field)) failed.push(`${method} ${path.slice(0, 60)}: ${r.status} ${r.text.slice(0, 200)}`);
  }
  equal(failed, []);
});

await test('types, methods and sizes: 415, 405, 413', async () => {
  let r = await steward('POST', `${R}/sources`, { json: {} });
  equal([r.status, r.code], [415, 'http.type']);
  r = await admin('POST', `${R}/match`, { type: 'text/plain', body: '{}', headers: review });
  equal([r.status, r.code], [415, 'http.type']);
  r = await admin('DELETE', `${R}/overview`);
  equal([r.status, r.code, r.headers.get('allow')], [405, 'http.method', 'GET, HEAD']);
  r = await admin('POST', `${R}/match`, { type: 'application/json', body: `{"record":{"full_name":"${'a'.repeat(2 << 20)}"}}`, headers: review }).catch((e) => ({ status: 413, code: 'http.body_too_big', cut: e }));
  equal([r.status, r.code], [413, 'http.body_too_big']);
});

await test('conflicts: 409', async () => {
  const bad = { k: 'c1', name: '', born: '01/01/1990' };
  equal((await d.push(steward, 'pushed', 'one', [bad])).status, 200);
  let r = await d.push(steward, 'pushed', 'one', [{ ...bad, k: 'c2' }]);
  equal([r.status, r.code, r.body.field], [409, 'push.key_reused', 'Idempotency-Key']);
  const again = await d.push(steward, 'pushed', 'one', [bad]);
  equal([again.status, again.headers.get('idempotency-replayed')], [200, 'true']);
  const { items } = (await steward('GET', `${R}/quarantine?source=pushed`, { headers: quality })).body;
  const at = `${R}/quarantine/${items[0].id}`;
  equal((await steward('POST', `${at}/dismiss`, { json: { note: 'no one' }, headers: quality })).body.state, 'dismissed');
  for (const [path, json] of [[`${at}/dismiss`, {}], [`${at}/correct`, { row: { name: 'Nguyễn Văn An' } }]]) {
    r = await steward('POST', path, { json, headers: quality });
    equal([r.status, r.code], [409, 'quarantine.settled'], path);
  }
  r = await steward('POST', `${R}/sources`, { type: 'application/yaml', body: declaration('pushed', ['{column: k, to: org_id}'], { entity: 'organisation' }) });
  equal([r.status, r.code], [409, 'registry.entity_change']);
});

await test('a row that still fails: 422 with every reason; what is no row: 400', async () => {
  await d.push(steward, 'pushed', 'two', [{ k: 'd1', name: '', born: '31/02/1990' }]);
  const { items } = (await steward('GET', `${R}/quarantine?source=pushed`, { headers: quality })).body;
  const at = `${R}/quarantine/${items[0].id}/correct`;
  let r = await steward('POST', at, { json: { row: { born: '32/01/1990' } }, headers: quality });
  equal([r.status, r.body.state], [422, 'open']);
  equal(r.body.reasons.map((x) => x.column).sort(), ['born', 'name']);
  for (const row of [5, 'x', [], null]) {
    r = await steward('POST', at, { json: { row }, headers: quality });
    equal([r.status, r.code], [400, 'request.type'], JSON.stringify(row));
  }
  equal((await steward('POST', at, { json: { row: { k: 'other', name: 'Đặng Thị Hương', born: '01/02/1990' } }, headers: quality })).status, 200);
});

await test('a person: golden record, chosen fields, lineage, history; the key of an agency sees what its purpose shows', async () => {
  const one = (await admin('GET', `${R}/persons/${entity}`, { headers: review })).body;
  equal([one.entity, one.type], [entity, 'person']);
  assert(one.fields.every((f) => f.withheld ? f.value === null : typeof f.value === 'string'), 'values');
  assert(one.fields.some((f) => f.source.source && f.source.rule && f.source.run), 'lineage');
  const some = (await admin('GET', `${R}/persons/${entity}?fields=full_name,birth_date`, { headers: review })).body;
  assert(some.fields.every((f) => ['full_name', 'birth_date'].includes(f.field)), 'only those');
  const records = (await admin('GET', `${R}/persons/${entity}/records`, { headers: review })).body;
  assert(records.records.length === one.records && records.edges.length >= one.records - 1, 'records and what links them');
  equal((await admin('GET', `${R}/persons/${entity}/history`, { headers: review })).status, 200);
  const tax = (await reader('GET', `${R}/persons/${entity}`, { headers: purpose('tax') })).body;
  const how = (o, f) => { const x = o.fields.find((y) => y.field === f); return !x ? 'none' : x.withheld ? 'withheld' : x.masked ? 'masked' : 'shown'; };
  equal(how(tax, 'full_name'), 'shown');
  const pages = [one, tax, (await reader('GET', `${R}/persons/${entity}`, { headers: purpose('identity-check') })).body];
  assert(new Set(pages.map((p) => p.fields.map((f) => how(p, f.field)).join())).size > 1, 'every role sees the same');
  const lines = JSON.stringify(records);
  for (const f of records.records.flatMap((r) => r.fields).filter((x) => x.withheld)) assert(f.value === null && f.raw === undefined, lines);
});

await test('batch: at most 1,000, a missing one does not take the others with it', async () => {
  const ids = [entity, 'P-NONE', people[1].entity];
  const r = await reader('POST', `${R}/persons/batch`, { json: { entities: ids, fields: ['full_name'] }, headers: purpose('tax') });
  equal(r.status, 200, r.text);
  equal(r.body.items.map((i) => i.error ?? i.fields.length), [1, 'registry.no_entity', 1]);
});

await test('search goes on page by page, without a gap or a repeat', async () => {
  const seen = [];
  let after = 0;
  let total;
  for (let i = 0; after !== null && i < 50; i++) {
    const { body } = await admin('GET', `${R}/search?q=nguyen+van&limit=7&after=${after}`, { headers: review });
    total = body.total;
    seen.push(...body.items.map((x) => x.entity));
    after = body.next;
  }
  equal([seen.length, new Set(seen).size], [total, total]);
  assert(total > 7, `${total}`);
  const whole = (await admin('GET', `${R}/search?q=nguyen+van&limit=100`, { headers: review })).body.items.map((x) => x.entity);
  equal(seen.slice(0, 100), whole);
  equal((await admin('GET', `${R}/search?q=nguyen+van&after=400`, { headers: review })).body.items, []);
});

await test('match: who is this record', async () => {
  const one = (await admin('GET', `${R}/persons/${entity}?fields=full_name,birth_date,person_id`, { headers: review })).body;
  const record = Object.fromEntries(one.fields.map((f) => [f.field, f.value]));
  const r = await admin('POST', `${R}/match`, { json: { record }, headers: review });
  equal([r.status, r.body.candidates[0]?.entity], [200, entity], r.text);
});

await test('overview, sources, runs, map and units answer, and say the same of the same', async () => {
  const overview = (await steward('GET', `${R}/overview`)).body;
  assert(overview.people > 1800 && overview.records > 12000, JSON.stringify(overview));
  const sources = (await steward('GET', `${R}/sources`)).body.sources;
  equal(sources.length, overview.sources);
  const run = (await steward('GET', `${R}/runs?source=tax`)).body.runs[0];
  const card = (await steward('GET', `${R}/runs/${run.run}`)).body;
  equal(card.rows_read, card.accepted + card.quarantined);
  equal(Object.keys(card.scorecard.criteria), ['correct', 'complete', 'clean', 'live']);
  const units = (await steward('GET', `${R}/units`)).body.units;
  const map = (await steward('GET', `${R}/map`)).body.provinces;
  equal(units.length, 34);
  assert(map.length > 0, 'a map');
  assert(map.every((p) => p.code === '00' || units.some((u) => u.code === p.code)), 'codes'); /* 00: whose place is not known */
  const communes = (await steward('GET', `${R}/units?province=${units[0].code}`)).body.units;
  assert(communes.length > 10, 'communes');
  let pages = 0;
  for (let after = 0, next; after !== null && pages < 60; after = next, pages++) next = (await steward('GET', `${R}/runs?limit=5${after ? `&after=${after}` : ''}`)).body.next;
  assert(pages > 2 && pages < 60, `${pages}`);
});

await test('a job tells its progress as server-sent events until it ends', async () => {
  const made = await steward('POST', `${R}/sources/vehicles/runs`, { json: {} });
  equal(made.status, 202, made.text);
  const text = (await steward('GET', `/api/jobs/${made.body.job}/events`));
  equal(text.headers.get('content-type').split(';')[0], 'text/event-stream');
  const events = text.text.split('\n').filter((l) => l.startsWith('data:')).map((l) => JSON.parse(l.slice(5)));
  equal(events.at(-1).state, 'succeeded', text.text);
  equal((await steward('GET', `${R}/runs/${made.body.run}`)).body.state, 'succeeded');
  const r = await steward('GET', '/api/jobs/00000000000000000000000000');
  equal(r.status, 404);
});

await test('a decision merges two people: the old number leads to the new one', async () => {
  const { items } = (await admin('GET', `${R}/reviews?limit=500`, { headers: review })).body;
  const pair = items.find((p) => p.type === 'person' && p.left.entity !== p.right.entity);
  assert(pair, 'no pair is up for review');
  const ends = [pair.left.entity, pair.right.entity];
  const read = async (e) => (await admin('GET', `${R}/persons/${e}`, { headers: review })).body;
  const before = await Promise.all(ends.map(read));
  equal((await admin('POST', `${R}/reviews/${pair.id}/decision`, { json: { decision: 'same' }, headers: review })).status, 200);
  await d.settled();
  const after = await Promise.all(ends.map(read));
  equal(after[0].entity, after[1].entity, 'both numbers lead to one');
  assert(ends.includes(after[0].entity), 'the number is one of the two');
  equal(after[0].records, before[0].records + before[1].records);
  for (const tail of ['records', 'history']) equal((await admin('GET', `${R}/persons/${ends[0]}/${tail}`, { headers: review })).body, (await admin('GET', `${R}/persons/${ends[1]}/${tail}`, { headers: review })).body, tail);
});

await test('SQL, HTML, headers, paths: taken as text, refused, never run', async () => {
  const evil = ["' OR '1'='1", "'; DROP TABLE registry_entity; --", '<script>alert(1)</script>', '" onload="x', '../../etc/passwd', '%00', '${7*7}', 'a\r\nSet-Cookie: x=1', '\\', '%', '_'];
  const before = (await steward('GET', `${R}/overview`)).body;
  for (const text of evil) {
    const e = encodeURIComponent(text);
    for (const path of [`${R}/search?q=${e}`, `${R}/search?id=${e}`, `${R}/quarantine?reason=${e}`, `${R}/quarantine?source=${e}`, `${R}/sources/${e}`, `${R}/runs/${e}`, `${R}/runs?source=${e}`, `${R}/persons/${e}`, `${R}/quarantine.csv?source=${e}`, `${R}/units?province=${e}`]) {
      const r = await admin('GET', path, { headers: quality });
      assert(r.status < 500, `${path}: ${r.status} ${r.text}`);
      assert(!r.text.includes('<script>'), `${path}: ${r.text}`);
      equal(r.headers.get('set-cookie'), null);
      equal(r.headers.get('x-content-type-options'), 'nosniff');
    }
    const r = await d.push(steward, 'pushed', `evil ${e}`, [{ k: text, name: text, born: text, cccd: text }]);
    equal([r.status, r.body.rows_read], [200, 1], r.text);
    assert(!r.text.includes('<script>'), r.text);
  }
  await d.settled();
  const after = (await steward('GET', `${R}/overview`)).body;
  equal([after.people >= before.people, after.sources], [true, before.sources]);
  const kept = (await steward('GET', `${R}/quarantine?source=pushed&limit=500`, { headers: quality })).body.items.map((i) => i.key);
  for (const text of evil) assert(kept.includes(text.trim()), `lost: ${text}`);
  for (const name of ['nguyen\u0000van', 'x'.repeat(500)]) assert((await admin('POST', `${R}/match`, { json: { record: { full_name: name } }, headers: review })).status < 500, name);
});

await d.stop();
done();

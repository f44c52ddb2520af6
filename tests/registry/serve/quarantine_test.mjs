// The quarantine over HTTP: for a purpose only, masked by policy, corrected without loss.
// usage: quarantine_test.mjs NDC [DATABASE-URL]
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert, declaration, done, equal, purpose, start, test } from './daemon.mjs';

const [, , ndc, database] = process.argv;
const d = await start(ndc, database);
const quality = purpose('data-quality');
const review = purpose('linkage-review');
const list = '/api/registry/quarantine';

const fields = ['{column: k, to: null}', '{column: name, to: full_name, required: true}', '{column: born, to: birth_date, required: true}', '{column: cccd, to: person_id}', '{column: note, to: null}'];
const steward = await d.user('stew', ['steward']);
const reviewer = await d.user('rita', ['reviewer']);
const tax = await d.user('tam', ['steward'], 'btc');
for (const yaml of [declaration('people', fields), declaration('wages', [...fields, '{column: pay, to: salary}']), declaration('vault', ['{column: k, to: bank_account}', '{column: name, to: full_name, required: true}'])]) {
  const r = await steward('POST', '/api/registry/sources', { type: 'application/yaml', body: yaml });
  if (r.status !== 201) throw new Error(r.text);
}
const bad = { k: 'a1', name: 'Nguyễn Văn An', born: '31/02/1985', cccd: '001085000123', note: 'neighbour of Bình' };
await d.push(steward, 'people', 'p1', [bad, { ...bad, k: 'a2', born: '32/01/1990' }]);
await d.push(steward, 'wages', 'w1', [{ ...bad, k: 'w1', pay: '12000000' }]);
await d.push(steward, 'vault', 'v1', [{ k: '1903123456789', name: '' }]);

const item = async (source, as = steward, headers = quality) => (await as('GET', `${list}?source=${source}`, { headers })).body.items[0];

await test('no purpose, no basis, no permission, no sign-in: refused, on every route', async () => {
  const { id } = await item('people');
  const routes = [['GET', list], ['GET', `${list}.csv?source=people`], ['GET', `${list}/${id}`], ['POST', `${list}/${id}/correct`, { row: {} }], ['POST', `${list}/${id}/dismiss`, {}]];
  for (const [method, path, json] of routes) {
    let r = await steward(method, path, { json });
    equal([r.status, r.code], [400, 'purpose.missing'], `${method} ${path}`);
    r = await steward(method, path, { json, headers: { 'NDC-Purpose': 'data-quality' } });
    equal([r.status, r.code], [400, 'purpose.basis'], `${method} ${path}`);
    r = await reviewer(method, path, { json, headers: quality });
    equal([r.status, r.code], [403, 'auth.permission'], `${method} ${path}`);
    r = await d.nobody(method, path, { json, headers: quality });
    equal(r.status, 401, `${method} ${path}`);
    r = await steward(method, path, { json, headers: purpose('tax') });
    equal(r.status, 403, `${method} ${path}: ${r.text}`);
    assert(r.code.startsWith('policy.'), r.code);
  }
});

await test('a list is masked by the class of the fields, also in keys and reasons', async () => {
  const one = await item('people');
  equal(one.row.name, 'N. V. A.');
  equal(one.row.born, '1985');
  equal(one.row.k, 'a1', 'the key is of no field');
  equal(one.row.note, '•••', 'an unmapped column is as the strictest');
  equal(one.masks.name, 'initials');
  assert(!JSON.stringify(one).includes('31/02/1985'), JSON.stringify(one.reasons));
  const vault = await item('vault');
  assert(!JSON.stringify(vault).includes('1903123456789'), JSON.stringify(vault));
  equal(vault.key, '••• 6789');
});

await test('one row, opened by one who may correct it, is whole but for sensitive data', async () => {
  const { id } = await item('people');
  const one = (await steward('GET', `${list}/${id}`, { headers: quality })).body;
  equal(one.row, bad);
  equal(one.masks, {});
  const wage = await item('wages');
  const open = (await steward('GET', `${list}/${wage.id}`, { headers: quality })).body;
  equal(open.row.name, bad.name);
  equal(open.row.pay, '10000000-20000000');
  equal(open.row.note, '•••', 'it may hold a salary too');
});

await test('another purpose shows what it covers', async () => {
  const one = await item('people', steward, review);
  equal(one.row.name, bad.name);
  const wage = await item('wages', steward, review);
  equal([wage.row.pay, wage.row.note, wage.masks.pay], [null, null, 'withheld']);
  const r = await steward('GET', `${list}.csv?source=people`, { headers: review });
  equal([r.status, r.code], [403, 'policy.action'], 'an export is not for reviews');
});

await test('an official of an agency sees what its purpose gives it', async () => {
  const r = await tax('GET', `${list}?source=wages`, { headers: purpose('tax') });
  equal(r.status, 200, r.text);
  equal([r.body.items[0].row.pay, r.body.items[0].row.name], ['12000000', bad.name]);
  const vault = await tax('GET', `${list}?source=vault`, { headers: purpose('tax') });
  equal(vault.body.items[0].row.k, '••• 6789');
});

await test('the download is masked as the list, and has every column', async () => {
  const r = await steward('GET', `${list}.csv?source=people`, { headers: quality });
  equal(r.status, 200, r.text);
  const [head, first] = r.text.split('\r\n');
  equal(head, 'k,name,born,cccd,note,_reasons');
  assert(first.startsWith('a1,N. V. A.,1985,'), first);
  assert(!r.text.includes('31/02/1985'), r.text);
  assert(r.headers.get('content-disposition').includes('people-quarantine.csv'));
});

await test('every read is in the audit log with its purpose, refusals too', async () => {
  const entries = (await d.admin('GET', '/api/audit/entries?from=0&n=200')).body.entries.map((e) => e.entry ?? e);
  const text = entries.map((e) => (typeof e === 'string' ? e : JSON.stringify(e)));
  assert(text.some((e) => e.includes('quarantine.read') && e.includes('data-quality')), text.at(-1));
  assert(text.some((e) => e.includes('quarantine.export') && e.includes('data-quality')), 'no export');
  assert(text.some((e) => e.includes('quarantine.export') && e.includes('deny')), 'no refusal');
});

await test('a masked value sent back is no correction; what is not sent stays', async () => {
  const wage = await item('wages');
  let r = await steward('POST', `${list}/${wage.id}/correct`, { headers: quality, json: { row: wage.row } });
  equal(r.status, 422, r.text);
  r = await steward('POST', `${list}/${wage.id}/correct`, { headers: quality, json: { row: { ...wage.row, born: '28/02/1985' } } });
  equal([r.status, r.body.state], [200, 'corrected'], r.text);
  await d.settled();
  const found = await d.admin('GET', '/api/registry/search?q=nguyen+van+an', { headers: review });
  const entity = found.body.items[0].entity;
  const person = await tax('GET', `/api/registry/persons/${entity}`, { headers: purpose('tax') });
  const of = (f) => person.body.fields.find((x) => x.field === f)?.value;
  equal([of('full_name'), of('birth_date'), of('salary')], [bad.name, '1985-02-28', '12000000']);
});

await test('a key that tells a withheld field is withheld in lineage and records', async () => {
  await d.push(steward, 'vault', 'v2', [{ k: '1903555566667', name: 'Lê Thị Hoa' }]);
  await d.settled();
  const found = await d.admin('GET', '/api/registry/search?q=le+thi+hoa', { headers: review });
  const at = `/api/registry/persons/${found.body.items[0].entity}`;
  for (const path of [at, `${at}/records`, `${at}/history`]) {
    const r = await d.admin('GET', path, { headers: review });
    equal(r.status, 200, r.text);
    assert(!r.text.includes('1903555566667'), `${path}: ${r.text}`);
  }
});

// A file with columns that the declaration does not name.
mkdirSync(join(d.dir, 'import'), { recursive: true });
writeFileSync(join(d.dir, 'import', 'wide.csv'), 'extra,k,name,born,more\nx,1,Phạm Thị Lan,31/02/1990,"kept, whole"\ny,2,Vũ Văn Hải,05/06/1988,z\nbroken,3\n');
const wide = declaration('wide', ['{column: k, to: null}', '{column: name, to: full_name, required: true}', '{column: born, to: birth_date, required: true}'], { connector: '{type: csv, path: wide.csv}', sync: '{mode: snapshot}', rest: 'rules:\n  - {name: \'a%b_"c"\', check: "birth_date > \'2000\'", vi: x, en: y, blocks: false}\n' });
await test('a row keeps the columns that nobody declared: in the list, the download, and corrected', async () => {
  equal((await steward('POST', '/api/registry/sources', { type: 'application/yaml', body: wide })).status, 201);
  const run = (await steward('POST', '/api/registry/sources/wide/runs', { json: {} })).body.run;
  await d.settled();
  const csv = (await steward('GET', `${list}.csv?source=wide`, { headers: purpose('data-quality') })).text.split('\r\n');
  equal(csv[0], 'extra,k,name,born,more,_reasons');
  const open = (await steward('GET', `${list}?source=wide`, { headers: quality })).body.items;
  const bad = open.find((i) => i.key === '1');
  const whole = (await steward('GET', `${list}/${bad.id}`, { headers: quality })).body;
  equal(whole.row, { extra: 'x', k: '1', name: 'Phạm Thị Lan', born: '31/02/1990', more: 'kept, whole' });
  const r = await steward('POST', `${list}/${bad.id}/correct`, { headers: quality, json: { row: { born: '28/02/1990' } } });
  equal(r.status, 200, r.text);
  // Read again with the same mend, the file says nothing new: every column was kept, in its place.
  writeFileSync(join(d.dir, 'import', 'wide.csv'), 'extra,k,name,born,more\nx,1,Phạm Thị Lan,28/02/1990,"kept, whole"\ny,2,Vũ Văn Hải,05/06/1988,z\n');
  await d.settled();
  const again = (await steward('POST', '/api/registry/sources/wide/runs', { json: {} })).body.run;
  await d.settled();
  const told = (await steward('GET', `/api/registry/runs/${again}`)).body;
  equal([told.unchanged, told.changed, told.new ?? told.added], [2, 0, 0], JSON.stringify(told));
  assert(run < again);
});

await test('an unreadable row stands there with its reason and what could be read', async () => {
  const broken = (await steward('GET', `${list}?source=wide&state=replaced`, { headers: quality })).body.items.find((i) => !i.key);
  assert(broken, 'the broken line is not there');
  equal((await steward('GET', `${list}?source=wide&reason=row.unreadable&state=replaced`, { headers: quality })).body.total, 1);
});

await test('the reason filter takes its text as it stands', async () => {
  await d.push(steward, 'wide', 'odd', [{ k: '9', name: '', born: '01/01/1990' }]);
  const total = async (reason) => (await steward('GET', `${list}?source=wide&reason=${encodeURIComponent(reason)}`, { headers: quality })).body.total;
  equal(await total('a%b_"c"'), 1);
  for (const none of ['%', 'a_b_"c"', 'a%c"', '"', "' OR 1=1 --", 'a%b', '\\']) equal(await total(none), 0, none);
});

await d.stop();
done();

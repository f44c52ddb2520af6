// The general store over HTTP: the demo's parcels, schools and enrolments; a dataset of one's
// own, declared and pushed; walked from a person and back; by purpose, audited.
// usage: things_test.mjs NDC [DATABASE-URL]
import { assert, done, equal, purpose, start, test } from '../serve/daemon.mjs';

const [, , ndc, database] = process.argv;
const d = await start(ndc, database, { people: 2000 });
await d.settled();
const steward = await d.user('stew', ['steward']);
const reader = await d.key('bnnmt', ['agency-reader']);
const R = '/api/registry';
const land = { headers: purpose('land') };
const education = { headers: purpose('education') };

await test('datasets: fields, relations and counts', async () => {
  const { body } = await reader('GET', `${R}/datasets`);
  equal(body.datasets.map((x) => x.dataset).sort(), ['enrolment', 'parcel', 'school']);
  const parcel = body.datasets.find((x) => x.dataset === 'parcel');
  assert(parcel.things > 500, `${parcel.things} parcels`);
  equal(parcel.title, { vi: 'Thửa đất', en: 'Land parcel' });
  equal(parcel.relations.map((x) => [x.relation, x.to, x.by]), [['owner', 'person', 'person_id'], ['owner_org', 'organisation', 'org_id']]);
  equal(parcel.fields.find((f) => f.field === 'shape').kind, 'geometry');
});

await test('things by the beginning of their key, in pages', async () => {
  const first = (await reader('GET', `${R}/datasets/parcel?limit=20`)).body;
  equal(first.items.length, 20);
  const next = (await reader('GET', `${R}/datasets/parcel?limit=20&after=${encodeURIComponent(first.next)}`)).body;
  assert(next.items[0].key > first.items[19].key, 'in key order');
  const { key } = next.items[7];
  const found = (await reader('GET', `${R}/datasets/parcel?key=${key.slice(0, 11)}`)).body.items;
  assert(found.length >= 1 && found.every((x) => x.key.startsWith(key.slice(0, 11))) && found.some((x) => x.key === key), JSON.stringify(found));
  assert(found[0].fields.every((f) => f.field !== 'owner'), 'no reference in a list');
  equal((await reader('GET', `${R}/datasets/nope`)).code, 'registry.no_dataset');
  equal((await reader('GET', `${R}/datasets/nope/x`, land)).code, 'registry.no_dataset');
  equal((await reader('GET', `${R}/datasets/parcel/nope`, land)).code, 'registry.no_thing');
});

// A parcel with an owner that is somebody.
let owned;
await test('a thing: its values, the owner it leads to, counted and in the owner\'s access log', async () => {
  const { items } = (await reader('GET', `${R}/datasets/parcel?limit=100`)).body;
  for (const { key } of items) {
    const r = await reader('GET', `${R}/datasets/parcel/${key}`, land);
    equal(r.status, 200, r.text);
    const owner = r.body.relations.find((x) => x.relation === 'owner');
    if (owner?.entity) { owned = { key, owner, body: r.body }; break; }
  }
  assert(owned, 'no parcel with an owner');
  assert(owned.body.fields.some((f) => f.field === 'shape' && f.value.startsWith('POLYGON')), 'no shape');
  assert(owned.owner.name.value, JSON.stringify(owned.owner));
  const log = await d.admin('GET', `/api/audit/subjects/${owned.owner.entity}?newest=true`);
  assert(log.body.entries.some((e) => e.entry.route.includes('/datasets/') && e.entry.agency === 'bnnmt'), log.text.slice(0, 300));
  const seen = (await d.admin('GET', '/api/policy/volumes?requester=bnnmt&purpose=land')).body.items[0];
  assert(seen.subjects >= 1, JSON.stringify(seen));
});

await test('from the person back to the parcel; refused without a purpose that fits', async () => {
  const r = await reader('GET', `${R}/persons/${owned.owner.entity}/relations`, land);
  equal(r.status, 200, r.text);
  const item = r.body.items.find((x) => x.dataset === 'parcel' && x.key === owned.key);
  equal([item.relation, item.ended, item.relation_title.en], ['owner', false, 'Land user']);
  equal((await reader('GET', `${R}/persons/${owned.owner.entity}/relations`)).code, 'purpose.missing');
  equal((await reader('GET', `${R}/persons/${owned.owner.entity}/relations`, { headers: purpose('statistics') })).status, 403);
  equal((await reader('GET', `${R}/datasets/parcel/${owned.key}`, { headers: purpose('no-such') })).status, 403);
  equal((await reader('GET', `${R}/persons/x/relations`, land)).code, 'registry.no_entity');
});

await test('a purpose that masks the number shows the thing, not whose it is', async () => {
  const r = await steward('GET', `${R}/datasets/parcel/${owned.key}`, { headers: purpose('linkage-review') });
  equal(r.status, 200, r.text);
  const owner = r.body.relations.find((x) => x.relation === 'owner');
  if (owner.masked || owner.withheld) equal([owner.entity, owner.name], [undefined, undefined]);
  else assert(owner.entity, r.text);
});

await test('pupil to enrolment to school to other pupils', async () => {
  const school = (await reader('GET', `${R}/datasets/school?limit=1`)).body.items[0];
  const r = await d.admin('GET', `${R}/datasets/school/${school.key}`, education);
  equal(r.status, 200, r.text);
  assert(r.body.referring.length > 1, r.text.slice(0, 300));
  assert(r.body.referring.every((x) => x.dataset === 'enrolment' && x.relation === 'school'), 'enrolments');
  const teacher = await d.key('bgddt', ['agency-reader']);
  let pupil, walked;
  for (const x of r.body.referring) {
    walked = (await teacher('GET', `${R}/datasets/enrolment/${x.key}`, education)).body;
    pupil = walked.relations.find((y) => y.relation === 'pupil');
    if (pupil?.entity) break;
  }
  equal(walked.relations.find((y) => y.relation === 'school').key, school.key);
  assert(pupil?.entity, JSON.stringify(walked));
  const back = await teacher('GET', `${R}/persons/${pupil.entity}/relations`, education);
  assert(back.body.items.some((x) => x.dataset === 'enrolment' && x.key === walked.key), back.text.slice(0, 300));
});

const vehicle = `source: my_vehicles
agency: {code: bca, vi: Bộ Công an, en: Ministry of Public Security}
legal_basis: Luật Dữ liệu 60/2024/QH15
entity: thing
dataset: {code: vehicle, vi: Phương tiện, en: Vehicle}
key: plate
connector: {type: push}
sync: {mode: delta, op_column: op}
fields:
  - {column: plate, name: plate, vi: Biển số, en: Plate, kind: id, required: true}
  - {column: made, name: made, vi: Năm sản xuất, en: Year made, kind: number}
  - {column: where, name: where, vi: Vị trí, en: Where, kind: geometry}
relations:
  - {name: owner, vi: Chủ xe, en: Owner, to: person, by: person_id, column: cccd}
  - {name: parked, vi: Đỗ tại, en: Parked at, to: parcel, by: key, column: parcel}
rules:
  - {name: recent, check: made >= 1950, vi: Không trước 1950, en: Not before 1950}
`;

await test('a dataset of one\'s own: declared, pushed, changed, ended; wrong rows to the quarantine', async () => {
  const made = await steward('POST', `${R}/sources`, { type: 'application/yaml', body: vehicle });
  equal(made.status, 201, made.text);
  const person = await reader('GET', `${R}/persons/${owned.owner.entity}?fields=person_id`, land);
  const number = person.body.fields.find((f) => f.field === 'person_id').value;
  const rows = [
    { op: 'I', plate: '29A-1', made: '2020', where: 'POINT(105.8 21.03)', cccd: number, parcel: owned.key },
    { op: 'I', plate: '29A-2', made: '1930', where: '', cccd: number, parcel: '' },
    { op: 'I', plate: '29A-3', made: '2021', where: 'POINT(105.8', cccd: number, parcel: 'T-nowhere' },
  ];
  const pushed = await d.push(steward, 'my_vehicles', 'v1', rows);
  equal([pushed.status, pushed.body.accepted, pushed.body.quarantined], [200, 2, 1], pushed.text);
  let items = (await reader('GET', `${R}/persons/${owned.owner.entity}/relations`, land)).body.items.filter((x) => x.dataset === 'vehicle');
  equal(items.map((x) => x.key), ['29A-1', '29A-3']);
  const parcel = (await reader('GET', `${R}/datasets/parcel/${owned.key}`, land)).body;
  equal(parcel.referring.map((x) => [x.dataset, x.key, x.relation]), [['vehicle', '29A-1', 'parked']]);
  const quarantined = await steward('GET', `${R}/quarantine?source=my_vehicles`, { headers: purpose('data-quality') });
  equal(quarantined.body.items[0].reasons[0].reason, 'recent', quarantined.text);
  equal(quarantined.body.items[0].row.made, '1930');
  // Sold, and scrapped.
  const later = await d.push(steward, 'my_vehicles', 'v2', [{ op: 'U', plate: '29A-1', made: '2020', where: '', cccd: '', parcel: '' }, { op: 'D', plate: '29A-3' }]);
  equal(later.status, 200, later.text);
  items = (await reader('GET', `${R}/persons/${owned.owner.entity}/relations`, land)).body.items.filter((x) => x.dataset === 'vehicle');
  equal(items, []);
  const gone = (await reader('GET', `${R}/datasets/vehicle/29A-3`, land)).body;
  equal([gone.ended, gone.relations[1]?.found], [true, false], JSON.stringify(gone));
  const wrongShape = (await steward('GET', `${R}/runs?source=my_vehicles&limit=1`)).body.runs[0];
  equal([wrongShape.state, wrongShape.ended], ['succeeded', 1]);
});

await test('what cannot be declared is refused with its reason', async () => {
  const cases = [
    [vehicle.replace('source: my_vehicles', 'source: others'), 409, 'registry.dataset_taken'],
    [vehicle.replace('code: vehicle', 'code: lorry'), 409, 'registry.dataset_change'],
    [vehicle.replace('by: person_id', 'by: full_name'), 400, 'source.declaration'],
    [vehicle.replace('by: key', 'by: plate'), 400, 'source.declaration'],
    [vehicle.replace('kind: number}', 'kind: number, class: {personal: basic}}'), 400, 'source.declaration'],
    [vehicle.replace('key: plate', 'key: cccd'), 400, 'source.declaration'],
    [vehicle.replace('made >= 1950', 'mad >= 1950'), 400, 'source.rule'],
    [vehicle.replace('name: where', 'name: made'), 400, 'source.twice'],
    [vehicle.replace(/dataset: .*\n/, ''), 400, 'source.declaration'],
    [vehicle.replace('kind: geometry', 'kind: geometri'), 400, undefined],
    [vehicle.replace('{type: push}', '{type: changes, path: changes}').replace(', op_column: op', ''), 400, 'source.declaration'],
  ];
  for (const [body, status, code] of cases) {
    const r = await steward('POST', `${R}/sources`, { type: 'application/yaml', body });
    equal([r.status, code && r.code], [status, code], r.text);
  }
});

await test('things survive a new build; people stay as they were', async () => {
  const before = (await reader('GET', `${R}/persons/${owned.owner.entity}/relations`, land)).body;
  const overview = (await steward('GET', `${R}/overview`)).body;
  equal((await steward('POST', `${R}/sources/land/runs`, { json: {} })).status, 202);
  await d.settled();
  equal((await reader('GET', `${R}/persons/${owned.owner.entity}/relations`, land)).body, before);
  equal((await steward('GET', `${R}/overview`)).body.people, overview.people);
});

await d.stop();
done();

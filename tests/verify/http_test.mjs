// A bank's system over HTTP, with Node's own cryptography: it signs files (RFC 9421), sends
// them, is answered, checks the signature of the verdicts, is refused where it must be.
// usage: http_test.mjs NDC [DATABASE-URL]
import { createHash, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import { writeFileSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { assert, done, equal, purpose, start, test, until } from '../registry/serve/daemon.mjs';

const [, , ndc, database] = process.argv;
let d = await start(ndc, database, { people: 2000 });
const V = '/api/verify';
const check = purpose('account-check', 'TT 17/2024/TT-NHNN');
const steward = await d.user('stew', ['steward']);
await d.settled();

const pair = generateKeyPairSync('ed25519');
const other = generateKeyPairSync('ed25519');
const pem = (key) => key.export({ type: 'spki', format: 'pem' });
const sha256 = (data) => createHash('sha256').update(data).digest();

/** The headers of a signed file. */
function signed(body, { key = pair.privateKey, keyid, created = Math.floor(Date.now() / 1000), path = `${V}/files`, query = '?', covers = ['@method', '@path', '@query', 'content-digest', 'content-type'], type = 'text/csv', digest } = {}) {
  const content = digest ?? `sha-256=:${sha256(body).toString('base64')}:`;
  const values = { '@method': 'POST', '@path': path, '@query': query, 'content-digest': content, 'content-type': type };
  const params = `(${covers.map((c) => `"${c}"`).join(' ')});created=${created}${keyid ? `;keyid="${keyid}"` : ''};alg="ed25519"`;
  const base = [...covers.map((c) => `"${c}": ${values[c]}`), `"@signature-params": ${params}`].join('\n');
  return { 'Content-Digest': content, 'Signature-Input': `bank=${params}`, Signature: `bank=:${sign(null, Buffer.from(base), key).toString('base64')}:` };
}

const send = (as, body, { headers = {}, query = '', type = 'text/csv' } = {}) => as('POST', `${V}/files${query}`, { type, body, headers: { ...check, ...headers } });
const finished = (as, file) => until(`file ${file}`, async () => {
  const { body } = await as('GET', `${V}/files/${file}`);
  return ['queued', 'checking'].includes(body.state) ? null : body;
});
const rows = (text) => text.trim().split(/\r?\n/).map((l) => l.split(','));

await until('the projection', async () => (await d.admin('GET', `${V}/status`)).body.ready);
const sample = (await d.admin('GET', `${V}/sample?rows=1500`, { headers: check })).text;
const expected = rows(sample).slice(1).map((r) => r.at(-1));
equal(expected.length, 1500);

await test('a bank is registered, with its key, by who may', async () => {
  const bank = { title: { vi: 'Ngân hàng Mẫu', en: 'Sample Bank' }, rows_per_day: 1000000 };
  equal((await steward('PUT', `${V}/banks/mau`, { json: bank })).status, 403);
  equal((await d.admin('PUT', `${V}/banks/mau`, { json: bank })).status, 200);
  equal((await d.admin('PUT', `${V}/banks/khac`, { json: { ...bank, rows_per_day: 10 } })).status, 200);
  equal((await d.admin('PUT', `${V}/banks/M%20u`, { json: bank })).code, 'verify.bank');
  equal((await d.admin('PUT', `${V}/banks/mau/key`, { type: 'application/x-pem-file', body: 'rubbish' })).status, 400);
  const r = await d.admin('PUT', `${V}/banks/mau/key`, { type: 'application/x-pem-file', body: pem(pair.publicKey) });
  equal(r.body.key_id, createHash('sha256').update(pair.publicKey.export({ type: 'spki', format: 'der' })).digest('hex'));
});

// Data of 100,000 people and more are important, of a million core: that takes an approval.
const bank = await d.key('mau', ['bank', 'bulk-important']);
const rival = await d.key('khac', ['bank']);
let file;

await test('a signed file is checked: every row has the verdict it must have', async () => {
  const r = await send(bank, sample, { headers: signed(sample) });
  equal(r.status, 202, r.text);
  equal([r.body.state === 'queued' || r.body.state === 'checking', r.body.signed, r.body.bank], [true, true, 'mau']);
  file = await finished(bank, r.body.file);
  equal(file.state, 'done', JSON.stringify(file));
  const result = await bank('GET', `${V}/files/${file.file}/result`, { headers: check });
  equal(result.status, 200, result.text.slice(0, 200));
  const got = rows(result.text).slice(1);
  equal(got.length, 1500);
  const wrong = got.filter((g, i) => g[2] !== expected[i]).length;
  assert(wrong <= 3, `${wrong} of 1,500 rows have another verdict than expected`);
  for (const v of ['match', 'mismatch', 'not_found', 'dead', 'replaced', 'duplicate', 'invalid']) assert(file.counts[v] > 0, `no ${v}`);
  equal(got.every((g) => g[5] === ''), true, 'no new number is told');
  equal(file.cost_dong, 100 * (file.counts.match + file.counts.mismatch + file.counts.dead + file.counts.replaced + file.counts.frozen) + 50 * file.counts.not_found);
});

await test('the verdicts come signed, and anybody can check it', async () => {
  const key = createPublicKey((await d.nobody('GET', `${V}/key`)).text);
  const r = await bank('GET', `${V}/files/${file.file}/result`, { headers: check });
  const content = r.headers.get('content-digest');
  equal(content, `sha-256=:${sha256(r.text).toString('base64')}:`);
  const params = /^sig1=(.*)$/.exec(r.headers.get('signature-input'))[1];
  const bytes = Buffer.from(/^sig1=:(.*):$/.exec(r.headers.get('signature'))[1], 'base64');
  const base = `"@status": 200\n"content-digest": ${content}\n"@signature-params": ${params}`;
  assert(verify(null, Buffer.from(base), key, bytes), 'the message signature is wrong');
  const whole = `ndc-verify-result\n${file.file}\n${sha256(r.text).toString('hex')}\n`;
  assert(verify(null, Buffer.from(whole), key, Buffer.from(file.result_signature, 'base64')), 'the result signature is wrong');
});

await test('the same file again is the same check; the same key with another file is refused', async () => {
  let r = await send(bank, sample, { headers: signed(sample) });
  equal([r.status, r.body.file], [200, file.file]);
  const small = 'bank_account,full_name,person_id\n1,An,001085000123\n';
  r = await send(bank, small, { headers: { ...signed(small), 'Idempotency-Key': 'k' } });
  equal(r.status, 202, r.text);
  const more = `${small}2,An,001085000123\n`;
  r = await send(bank, more, { headers: { ...signed(more), 'Idempotency-Key': 'k' } });
  equal([r.status, r.code], [409, 'verify.key_reused']);
  await d.settled();
});

await test('signatures that are none are refused, and say why', async () => {
  const body = 'bank_account,full_name,person_id\n7,An,001085000123\n';
  const refused = async (headers, code, more = {}) => {
    const r = await send(bank, body, { headers, ...more });
    equal([r.status, r.code], [401, code], r.text);
    assert(r.body.detail.length > 20);
  };
  await refused({}, 'signature.none');
  await refused(signed(body, { key: other.privateKey }), 'signature.wrong');
  await refused(signed(body, { keyid: 'nobody' }), 'signature.keyid');
  await refused(signed(body, { created: Math.floor(Date.now() / 1000) - 900 }), 'signature.old');
  await refused(signed(body, { covers: ['@method', '@path'] }), 'signature.covers');
  await refused(signed(body), 'signature.wrong', { query: '?watch=w' });
  await refused(signed(`${body}8,x,y\n`), 'signature.content');
  await refused({ ...signed(body), Signature: 'bank=:AAAA:' }, 'signature.syntax');
  await refused({ ...signed(body), 'Content-Digest': 'md5=:AAAA:' }, 'signature.digest');
  const { body: list } = await bank('GET', `${V}/files`);
  assert(list.files.every((f) => f.sha256 !== sha256(body).toString('hex')), 'nothing was taken');
  equal(readdirSync(join(d.dir, 'verify/files')).filter((f) => f.endsWith('.in')).length, 0);
});

await test('a bank sees its own files only, and has no other permission', async () => {
  equal((await rival('GET', `${V}/files/${file.file}`)).status, 404);
  equal((await rival('GET', `${V}/files/${file.file}/result`, { headers: check })).status, 404);
  equal((await rival('DELETE', `${V}/files/${file.file}`, { headers: check })).status, 404);
  equal((await rival('GET', `${V}/files`)).body.files.length, 0);
  equal((await bank('GET', `${V}/files?bank=khac`)).body.files.every((f) => f.bank === 'mau'), true);
  for (const path of ['/freezes', '/sample']) equal((await bank('GET', V + path, { headers: check })).status, 403, path);
  equal((await bank('GET', '/api/registry/search?q=an', { headers: check })).status, 403);
  equal((await bank('POST', `${V}/files`, { type: 'text/csv', body: sample })).code, 'purpose.missing');
  const r = await send(bank, sample, { headers: { ...signed(sample), ...purpose('tax') } });
  equal([r.status, r.code.split('.')[0]], [403, 'policy'], r.text);
});

await test('limits: a bank with ten rows a day', async () => {
  await d.admin('PUT', `${V}/banks/khac/key`, { type: 'application/x-pem-file', body: pem(other.publicKey) });
  const body = rows(sample).slice(0, 12).map((r) => r.join(',')).join('\n');
  const r = await send(rival, body, { headers: signed(body, { key: other.privateKey }) });
  equal(r.status, 202, r.text);
  const f = await finished(rival, r.body.file);
  equal([f.state, f.error_code], ['refused', 'verify.rate']);
  equal((await rival('GET', `${V}/files/${f.file}/result`, { headers: check })).code, 'verify.not_done');
});

await test('a freeze is answered to who knows the name, and ends when it is lifted', async () => {
  const [, name, id, born] = rows(sample).slice(1).find((r) => r.at(-1) === 'match' && r[2].length === 12);
  const r = await steward('POST', `${V}/freezes`, { headers: check, json: { person_id: id, reason: 'QĐ 5/2026' } });
  equal(r.status, 201, r.text);
  const ask = async (row) => {
    const body = `bank_account,full_name,person_id,birth_date\n${row}\n`;
    const sent = await send(bank, body, { headers: { ...signed(body), 'Idempotency-Key': `f${Math.random()}` } });
    const f = await finished(bank, sent.body.file);
    return rows((await bank('GET', `${V}/files/${f.file}/result`, { headers: check })).text)[1][2];
  };
  equal(await ask(`1,${name},${id},${born}`), 'frozen');
  equal(await ask(`1,Người Nào Khác,${id},${born}`), 'mismatch');
  const { body } = await steward('GET', `${V}/freezes`, { headers: check });
  equal([body.freezes[0].ends_in, JSON.stringify(body).includes(id)], [id.slice(-4), false]);
  equal((await steward('DELETE', `${V}/freezes/${r.body.freeze}`, { headers: check })).status, 200);
  equal((await steward('DELETE', `${V}/freezes/${r.body.freeze}`, { headers: check })).status, 404);
  equal(await ask(`1,${name},${id},${born}`), 'match');
});

await test('the number that replaced an old one, where a rule lets the bank have it', async () => {
  const old = rows(sample).slice(1).find((r) => r.at(-1) === 'replaced');
  const body = `bank_account,full_name,person_id,birth_date\n${old.slice(0, 4).join(',')}\n`;
  mkdirSync(join(d.dir, 'policy'), { recursive: true });
  writeFileSync(join(d.dir, 'policy/50-bank.yaml'), `agencies:
  - {code: mau, title: {vi: Ngân hàng Mẫu, en: Sample Bank}}
rules:
  - id: new-number
    title: {vi: Số mới, en: New number}
    when: {agency: mau, purpose: account-check, action: [read]}
    fields: [person_id]
    effect: show
    obligations: [log]
`);
  const reload = await d.admin('POST', '/api/policy/reload', { json: {} });
  equal(reload.status, 200, reload.text);
  const sent = await send(bank, body, { headers: { ...signed(body), 'Idempotency-Key': 'new' } });
  const f = await finished(bank, sent.body.file);
  const row = rows((await bank('GET', `${V}/files/${f.file}/result`, { headers: check })).text)[1];
  equal(row[2], 'replaced');
  assert(/^\d{12}$/.test(row[5]), `no new number: ${row}`);
});

await test('a watch: a delta tells what changed, once', async () => {
  const body = rows(sample).slice(0, 200).map((r) => r.join(',')).join('\n');
  const sent = await send(bank, body, { query: '?watch=all', headers: signed(body, { query: '?watch=all' }) });
  equal(sent.status, 202, sent.text);
  await finished(bank, sent.body.file);
  const { body: list } = await bank('GET', `${V}/watches`);
  equal([list.watches.length, list.watches[0].watch], [1, 'all']);
  const id = rows(body).slice(1).find((r) => r.at(-1) === 'match' && r[2].length === 12)[2];
  const frozen = await steward('POST', `${V}/freezes`, { headers: check, json: { person_id: id, reason: 'QĐ 6/2026' } });
  for (const want of [1, 0]) {
    const delta = await bank('POST', `${V}/watches/all/delta`, { headers: check });
    equal(delta.status, 202, delta.text);
    const f = await finished(bank, delta.body.file);
    equal([f.state, f.kind, f.counts.frozen], ['done', 'delta', want], JSON.stringify(f));
  }
  await steward('DELETE', `${V}/freezes/${frozen.body.freeze}`, { headers: check });
  equal((await bank('DELETE', `${V}/watches/all`)).status, 200);
  equal((await bank('GET', `${V}/watches`)).body.watches.length, 0);
});

await test('a withdrawn file is gone, and may come again', async () => {
  const r = await bank('DELETE', `${V}/files/${file.file}`, { headers: check });
  equal([r.status, r.body.state], [200, 'withdrawn']);
  equal((await bank('GET', `${V}/files/${file.file}/result`, { headers: check })).code, 'verify.not_done');
  equal(readdirSync(join(d.dir, 'verify/files')).filter((f) => f.startsWith(file.file)), []);
  const again = await send(bank, sample, { headers: signed(sample) });
  equal(again.status, 202, again.text);
  await finished(bank, again.body.file);
});

await test('the audit log has an entry a file, with counts and no names', async () => {
  const r = await d.admin('GET', '/api/audit/entries?n=300&newest=true');
  const text = r.text;
  assert(r.status === 200, text.slice(0, 300));
  const entries = r.body.entries.map((e) => e.entry).filter((e) => e.action === 'verify');
  assert(entries.length > 0 && entries.some((e) => /rows=1500 match=\d+/.test(e.detail)), JSON.stringify(entries.slice(0, 2)));
});

await test('killed while it checks, the daemon goes on and answers the same', async () => {
  if (database) return; // the same code; the unit test kills on both
  const [head, ...lines] = sample.trim().split(/\r?\n/);
  const big = [head];
  for (let i = 0; i < 600; i++) for (const l of lines) big.push(l.replace(/^\d+/, String(1000000000000 + big.length)));
  const body = big.join('\n');
  const sent = await send(bank, body, { headers: signed(body) });
  equal(sent.status, 202, sent.text);
  await until('the check has begun', async () => (await bank('GET', `${V}/files/${sent.body.file}`)).body.state !== 'queued');
  d.child.kill('SIGKILL');
  await d.ended;
  const old = d;
  d = await start(ndc, database, { people: 2000, dir: old.dir });
  const who = await d.signIn('stew', steward.password);
  const f = await until('the file', async () => {
    const r = await who('GET', `${V}/files/${sent.body.file}`);
    return r.status === 200 && !['queued', 'checking'].includes(r.body.state) ? r.body : null;
  }, 120);
  equal([f.state, f.rows, f.done], ['done', 900000, 900000]);
  const { text } = await who('GET', `${V}/files/${sent.body.file}/result`, { headers: check });
  equal(rows(text).length, 900001);
  equal(sha256(text).toString('hex'), f.result_sha256);
});

await d.stop();
done();

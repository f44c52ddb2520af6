// A stand-in for the daemon: serves web/dist with the daemon's headers and answers the
// console's API with small, made-up data of the real shapes, so that every state of a page
// (empty, failing, expired, slow) can be shown at will. The real daemon has its own test.
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import http from 'node:http';
import { dirname, extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eidApi, freshEid } from './mock_eid.mjs';

const dist = join(dirname(fileURLToPath(import.meta.url)), '../../web/dist');
const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml', '.woff2': 'font/woff2', '.json': 'application/json' };
const CSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const sha = (...parts) => {
  const h = createHash('sha256');
  for (const part of parts) h.update(part);
  return h.digest();
};

// RFC 9162 trees, for the audit page.
const leafHash = (text) => sha(Buffer.from([0]), text);
const nodeHash = (a, b) => sha(Buffer.from([1]), a, b);
const split = (n) => { let k = 1; while (k * 2 < n) k *= 2; return k; };
export const root = (leaves) => (leaves.length === 0 ? sha('') : leaves.length === 1 ? leaves[0] : nodeHash(root(leaves.slice(0, split(leaves.length))), root(leaves.slice(split(leaves.length)))));
export const inclusion = (m, leaves) => {
  if (leaves.length === 1) return [];
  const k = split(leaves.length);
  return m < k ? [...inclusion(m, leaves.slice(0, k)), root(leaves.slice(k))] : [...inclusion(m - k, leaves.slice(k)), root(leaves.slice(0, k))];
};
export const consistency = (m, leaves, whole = true) => {
  const n = leaves.length;
  if (m === n) return whole ? [] : [root(leaves)];
  const k = split(n);
  return m <= k ? [...consistency(m, leaves.slice(0, k), whole), root(leaves.slice(k))] : [...consistency(m - k, leaves.slice(k), false), root(leaves.slice(0, k))];
};

const sourceNames = [
  ['population', 'Cơ sở dữ liệu quốc gia về dân cư', 'National population database', 'BCA', 'Bộ Công an', 'Ministry of Public Security', 'person', 'csv'],
  ['residence', 'Đăng ký cư trú', 'Residence register', 'BCA', 'Bộ Công an', 'Ministry of Public Security', 'person', 'csv'],
  ['civil_status', 'Hộ tịch điện tử', 'Civil status', 'BTP', 'Bộ Tư pháp', 'Ministry of Justice', 'person', 'csv'],
  ['social_insurance', 'Bảo hiểm xã hội', 'Social insurance', 'BHXH', 'Bảo hiểm xã hội Việt Nam', 'Viet Nam Social Security', 'person', 'ndjson'],
  ['health_insurance', 'Bảo hiểm y tế', 'Health insurance', 'BHXH', 'Bảo hiểm xã hội Việt Nam', 'Viet Nam Social Security', 'person', 'sqlite'],
  ['health_records', 'Hồ sơ sức khoẻ', 'Health records', 'BYT', 'Bộ Y tế', 'Ministry of Health', 'person', 'ndjson'],
  ['land', 'Đất đai', 'Land register', 'BNNMT', 'Bộ Nông nghiệp và Môi trường', 'Ministry of Agriculture and Environment', 'person', 'csv'],
  ['business', 'Đăng ký doanh nghiệp', 'Business register', 'BTC', 'Bộ Tài chính', 'Ministry of Finance', 'organisation', 'csv'],
  ['tax', 'Người nộp thuế', 'Taxpayers', 'BTC', 'Bộ Tài chính', 'Ministry of Finance', 'person', 'csv'],
  ['vehicles', 'Phương tiện', 'Vehicles', 'BCA', 'Bộ Công an', 'Ministry of Public Security', 'person', 'postgres'],
  ['driving', 'Giấy phép lái xe', 'Driving licences', 'BCA', 'Bộ Công an', 'Ministry of Public Security', 'person', 'csv'],
  ['education', 'Giáo dục', 'Education', 'BGDDT', 'Bộ Giáo dục và Đào tạo', 'Ministry of Education and Training', 'person', 'ndjson'],
  ['labour', 'Lao động, việc làm', 'Labour', 'BNV', 'Bộ Nội vụ', 'Ministry of Home Affairs', 'person', 'csv'],
  ['immigration', 'Xuất nhập cảnh', 'Immigration', 'BCA', 'Bộ Công an', 'Ministry of Public Security', 'person', 'csv'],
  ['justice', 'Lý lịch tư pháp', 'Judicial records', 'BCA', 'Bộ Công an', 'Ministry of Public Security', 'person', 'csv'],
  ['bank', 'Tài khoản ngân hàng', 'Bank accounts', 'NHNN', 'Ngân hàng Nhà nước', 'State Bank of Viet Nam', 'person', 'push'],
];
/** Minutes before now: for what runs out, and for what is told as today. */
const now = (minutes) => new Date(Date.now() - minutes * 60000).toISOString();
const at = (minutes) => new Date(Date.UTC(2026, 10, 22, 3, 0) - minutes * 60000).toISOString();
const score = (i) => ({ correct: 0.9994 - i * 0.0017, complete: 0.981 - i * 0.011, clean: 0.996 - i * 0.002, live: 0.93 - i * 0.021 });
const sources = sourceNames.map(([source, vi, en, code, avi, aen, entity, connector], i) => ({
  source, title: { vi, en }, agency: { code, vi: avi, en: aen }, legal_basis: 'Luật Dữ liệu 60/2024/QH15, Điều 32', entity, connector,
  followed: connector === 'postgres',
  mode: i % 3 ? 'snapshot' : 'delta', schedule: i % 2 ? '0 2 * * *' : null, records: 98000 - i * 5307,
  last_run: i === 15 ? null : { run: `R${100 + i}`, state: i === 3 ? 'running' : i === 12 ? 'failed' : 'succeeded', started_at: at(60 + i), finished_at: i === 3 ? null : at(58 + i), rows_read: 98400 - i * 5300, accepted: 98000 - i * 5307, quarantined: 400 + 7 * i },
  score: i === 15 ? null : score(i),
}));
const declaration = `source: population
title: {vi: "Cơ sở dữ liệu quốc gia về dân cư", en: "National population database"}
agency: BCA
legal_basis: "Luật Dữ liệu 60/2024/QH15, Điều 32"
entity: person
key: [ma_so]
connector: {type: csv, path: population.csv}
mode: snapshot
fields:
  - {column: ma_so, to: person_id, required: true}
  - {column: ho_ten, to: full_name, required: true}
  - {column: ngay_sinh, to: birth_date}
`;
const fieldTitles = {
  person_id: ['Số định danh cá nhân', 'Personal identification number'], full_name: ['Họ, chữ đệm và tên khai sinh', 'Full name at birth'], birth_date: ['Ngày, tháng, năm sinh', 'Date of birth'], sex: ['Giới tính', 'Sex'],
  phone: ['Số điện thoại', 'Telephone number'], permanent_address: ['Nơi thường trú', 'Permanent address'], blood_type: ['Nhóm máu', 'Blood type'], ethnicity: ['Dân tộc', 'Ethnicity'], bank_account: ['Số tài khoản ngân hàng', 'Bank account number'], marital_status: ['Tình trạng hôn nhân', 'Marital status'],
};
const titleOf = (f) => ({ vi: fieldTitles[f]?.[0] ?? f, en: fieldTitles[f]?.[1] ?? f });
const cls = (f) => (['blood_type', 'ethnicity', 'bank_account'].includes(f) ? { sharing: 'private', importance: 'important', personal: 'sensitive' } : { sharing: 'shared', importance: 'other', personal: 'basic' });
const reason = (column, field, code, vi, en, criterion, value) => ({ column, field, reason: code, title: { vi, en }, criterion, value });
const dateReason = reason('ngay_sinh', 'birth_date', 'date.not_in_calendar', 'Ngày không có trong lịch', 'No such day in the calendar', 'correct', '31/02/1985');
const idReason = reason('ma_so', 'person_id', 'id.structure', 'Số định danh không đúng cấu trúc', 'The identifier has the wrong structure', 'correct', '00108501234');
const nameReason = reason('ho_ten', 'full_name', 'missing', 'Thiếu giá trị bắt buộc', 'A required value is missing', 'complete', '');

const changes = [
  { seq: 1, at: at(30), kind: 'generation', type: null, entity: null, other: null, source: null, fields: [] },
  { seq: 2, at: at(9), kind: 'created', type: 'person', entity: 'P-7KX2M9QD-3', other: null, source: 'civil_status', fields: ['full_name', 'birth_date'] },
  { seq: 3, at: at(8), kind: 'changed', type: 'person', entity: 'P-2AB4C6DE-1', other: null, source: 'residence', fields: ['permanent_address', 'phone'] },
  { seq: 4, at: at(7), kind: 'merged', type: 'person', entity: 'P-2AB4C6DE-1', other: 'P-7KX2M9QD-3', source: 'tax', fields: [] },
  { seq: 5, at: at(6), kind: 'split', type: 'person', entity: 'P-9ZZ4C6DE-5', other: 'P-7KX2M9QD-3', source: 'tax', fields: ['full_name'] },
  { seq: 6, at: at(5), kind: 'ended', type: 'organisation', entity: 'O-5QW8E2RT-7', other: null, source: 'business', fields: [] },
];
const webhook = { source: 'registry.changes', reason: null, filter: null, principal: 'user:admin', purpose: 'population-management', created_at: at(900), seq: 6, pending_attempts: 0, next_at: null, delivered: 1204, failed: 3, dead: 0, last_at: at(1), last_status: 204, last_error: null, old_secret_until: null };
/** Subscriptions and what could not be sent to them. */
const freshWebhooks = () => ({
  webhooks: [{ ...webhook, id: 'W1', url: 'https://hooks.example.vn/ndc', title: 'Sở Tư pháp Hà Nội' }, { ...webhook, id: 'W2', url: 'https://he-thong-mot-cua.example.vn/api/v2/nhan-thay-doi-du-lieu-dan-cu', title: '', pending_attempts: 2, dead: 1, last_status: 0, last_error: 'no answer in time' }, { ...webhook, id: 'W3', url: 'https://old.example.vn/', title: 'Cũ', state: 'gone', reason: 'it answered 410 Gone', last_status: 410, last_error: 'answered 410' }].map((w) => ({ state: 'active', ...w })),
  deadLetters: [{ message: 'msg_W2_3_4', after: 3, last: 4, events: 1, attempts: 12, at: at(20), error: 'answered 500', queued: false }],
});

function fresh() {
  const quarantine = Array.from({ length: 7 }, (_, i) => ({
    id: `Q${i + 1}`, run: 'R100', source: i % 2 ? 'residence' : 'population', key: `00108500${1000 + i}`, line: 40 + i * 3, state: 'open',
    row: { ma_so: i % 3 ? `00108500${1000 + i}` : '00108501234', ho_ten: i % 4 === 1 ? '' : 'NGUYEN VAN BINH', ngay_sinh: '31/02/1985', gioi_tinh: 'Nam', dia_chi: 'Phường Ba Đình, Hà Nội' },
    reasons: [dateReason, ...(i % 3 ? [] : [idReason]), ...(i % 4 === 1 ? [nameReason] : [])], created_at: at(58),
  }));
  const reviews = Array.from({ length: 6 }, (_, i) => ({
    id: `V${i + 1}`, probability: 0.62 + i * 0.05, reason: 'uncertain', state: 'open', decided_by: null, decided_at: null,
    left: { entity: 'P-7KX2M9QD-3', source: 'population', key: `00108500${1000 + i}`, title: { vi: 'Dân cư', en: 'Population' } },
    right: { entity: 'P-2AB4C6DE-1', source: 'tax', key: `81${23456780 + i}`, title: { vi: 'Thuế', en: 'Tax' } },
  }));
  const entries = Array.from({ length: 37 }, (_, i) => JSON.stringify({
    seq: i, time: at(90 - i * 2), principal: i % 3 ? 'user:lan' : 'key:7KX2M9QD', agency: i % 3 ? 'BCA' : 'BHXH', action: i % 4 ? 'read' : 'search', purpose: 'population-management', legal_basis: 'Luật Căn cước, Điều 16',
    platform: 'registry', route: 'GET /api/registry/persons/{entity}', subjects: i % 4 ? ['P-7KX2M9QD-3'] : undefined, outcome: i % 5 ? 'partial' : 'permit', rule: 'shared-for-duty', request: `req-${i}`, client: '127.0.0.1',
  }));
  const notices = [{ id: 4, requester: 'byt', title: { vi: 'Bộ Y tế', en: 'Ministry of Health' }, purpose: 'health', purpose_title: { vi: 'Khám bệnh, chữa bệnh', en: 'Medical care' }, rule: 'bulk-important-sensitive', rule_title: { vi: 'Dữ liệu nhạy cảm của từ 10.000 chủ thể', en: 'Sensitive data of 10,000 subjects or more' }, outcome: 'deny', subjects: 10000, times: 12, first: at(120), last: at(3), settled: null }];
  return { ...freshWebhooks(), eid: freshEid(now), quarantine, reviews, entries, notices, session: null, mustChange: false, shouldChange: false, roles: [{ role: 'admin', title: { vi: 'Quản trị', en: 'Administrator' }, builtin: true, permissions: ['identity.users', 'identity.keys'] }, { role: 'agency-reader', title: { vi: 'Cơ quan đọc', en: 'Agency reader' }, builtin: true, permissions: ['registry.person.read'] }, { role: 'desk', title: { vi: 'Quầy', en: 'Desk' }, builtin: false, permissions: [] }], keys: [{ id: 'K7KX2M9Q', title: 'Cổng thanh toán', agency: 'BHXH', roles: ['agency-reader'], created_at: at(9000), expires_at: null, revoked_at: null, last_used_at: at(30) }], users: [{ name: 'admin', full_name: 'Quản trị viên', agency: 'NDC', roles: ['admin'], disabled: false, created_at: at(20000) }, { name: 'lan', full_name: 'Trần Thị Lan', agency: 'BCA', roles: ['steward'], disabled: false, created_at: at(10000) }] };
}

const evidence = [
  { field: 'full_name', left: 'Nguyễn Văn Bình', right: 'NGUYEN VAN BINH', level: 'tones differ', weight: 3.2, frequency: 0.0004 },
  { field: 'birth_date', left: '1985-03-02', right: '1985-02-03', level: 'day and month swapped', weight: 2.1, frequency: null },
  { field: 'sex', left: 'male', right: 'male', level: 'exact', weight: 0.9, frequency: 0.5 },
  { field: 'permanent_address', left: 'Phường Ba Đình, Hà Nội', right: 'Phường Cầu Giấy, Hà Nội', level: 'same area', weight: -0.8, frequency: 0.08 },
  { field: 'phone', left: '0912345678', right: null, level: 'missing', weight: 0, frequency: null },
];

const golden = [
  ['full_name', { value: 'Nguyễn Văn Bình', masked: false }, 'authority', 2], ['person_id', { value: '•••• 5678', masked: true, mask: 'last4' }, 'authority', 0], ['birth_date', { value: '1985-03-02', masked: false }, 'agreement', 1], ['sex', { value: 'male', masked: false }, 'only', 0],
  ['marital_status', { value: 'married', masked: false }, 'recency', 1], ['permanent_address', { value: 'Phường Ba Đình, Thành phố Hà Nội', masked: false }, 'recency', 3], ['phone', { value: '••• 678', masked: true, mask: 'last3' }, 'recency', 1], ['blood_type', { value: null, withheld: true }, 'only', 0],
];
const recordSources = ['population', 'residence', 'tax', 'social_insurance', 'health_insurance', 'vehicles', 'driving', 'bank'];

const auditKey = generateKeyPairSync('ed25519');
const auditPublic = auditKey.publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);

/** A signed head of the first `size` entries. */
function headOf(entries, size) {
  const rootHash = root(entries.slice(0, size).map(leafHash));
  const time_ms = Date.UTC(2026, 10, 22, 3, 0);
  const data = Buffer.alloc(51);
  data.writeBigUInt64BE(BigInt(time_ms), 0);
  data.writeBigUInt64BE(BigInt(size), 8);
  data[16] = 32;
  rootHash.copy(data, 17);
  return { size, time_ms, time: new Date(time_ms).toISOString(), root: rootHash.toString('hex'), signature: sign(null, data, auditKey.privateKey).toString('hex'), algorithm: 'Ed25519', key: auditPublic.toString('hex'), key_id: sha(auditPublic).toString('hex') };
}

const purposes = [
  { code: 'population-management', title: { vi: 'Quản lý dân cư', en: 'Population management' }, laws: [{ vi: 'Luật Căn cước 26/2023/QH15, Điều 16', en: 'Law on Identification 26/2023/QH15, Article 16' }], needs_legal_basis: true, needs_consent: false, kinds: ['operator', 'official'], actions: ['read', 'search'], entities: ['person'], fields: ['full_name', 'birth_date'] },
  { code: 'social-security', title: { vi: 'Chi trả an sinh xã hội', en: 'Social security payments' }, laws: [{ vi: 'Luật Bảo hiểm xã hội 41/2024/QH15', en: 'Law on Social Insurance 41/2024/QH15' }], needs_legal_basis: true, needs_consent: false, kinds: ['official', 'system'], actions: ['read'], entities: ['person'], fields: ['full_name'] },
];

/** Starts it; `state` may be changed by tests, `fail` maps "METHOD /path" to a problem. */
export function start(port = 0) {
  const world = { streams: [], state: fresh(), fail: new Map(), held: null, requests: [] };
  let lang = 'vi';
  const problem = (status, code, title, detail, more = {}) => ({ status, body: { type: 'about:blank', status, code, title, detail, request_id: 'req-0001', ...more } });
  const eid = (world.eid = eidApi(world, { problem, at: now }));
  const running = () => ({ id: 'J1', platform: 'registry', kind: 'integrate', state: 'running', phase: 'compare', done: 3120000, total: 8450000, unit: 'pairs', rate: 410000, remaining_s: 13, created_at: at(1), started_at: at(1), error: null });

  function answer(method, path, params, headers, body) {
    const s = world.state;
    const m = (pattern) => { const r = new RegExp(`^${pattern.replace(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`).exec(path); return r && (r.groups ? Object.fromEntries(Object.entries(r.groups).map(([k, v]) => [k, decodeURIComponent(v)])) : {}); };
    let p = eid.answer(method, path, params, headers, body);
    if (p) return p;
    if (path === '/api/session') {
      if (method === 'POST') {
        if (body.user !== 'admin' || body.password !== 'right password') return problem(401, 'auth.failed', lang === 'vi' ? 'Tên đăng nhập hoặc mật khẩu không đúng' : 'The user name or password is not right', '');
        s.session = true;
        return { status: 200, cookie: 'ndc_session=mock; Path=/; HttpOnly; SameSite=Strict', body: { user: 'admin', id: 'user:admin', full_name: 'Quản trị viên', agency: '', roles: ['admin'], permissions: [], csrf: 'token', must_change: s.mustChange, should_change: s.shouldChange } };
      }
      if (method === 'DELETE') { s.session = false; return { status: 204 }; }
    }
    if (!s.session) return problem(401, 'auth.required', lang === 'vi' ? 'Cần đăng nhập' : 'Sign in first', '');
    if (method !== 'GET' && headers['ndc-csrf'] !== 'token') return problem(403, 'auth.csrf', 'csrf', '');
    if (path === '/api/session') return { status: 200, body: { user: 'admin', id: 'user:admin', full_name: 'Quản trị viên', agency: '', roles: ['admin'], permissions: [], csrf: 'token', must_change: s.mustChange, should_change: s.shouldChange } };
    if (path === '/api/session/password') {
      if (body.current !== 'right password') return problem(403, 'password.wrong', 'Mật khẩu hiện tại không đúng', '');
      s.mustChange = s.shouldChange = false;
      return { status: 200, body: { user: 'admin', id: 'user:admin', full_name: 'Quản trị viên', agency: '', roles: ['admin'], permissions: [], csrf: 'token', must_change: false, should_change: false } };
    }
    if (s.mustChange) return problem(403, 'auth.must_change', 'Hãy đổi mật khẩu được cấp trước khi làm việc khác', '');
    if ((p = eid.desk(method, path, params, headers, body))) return p;
    if (path === '/api/registry/overview') return { status: 200, body: { people: 100000, organisations: 12000, records: 905113, sources: 16, quarantined_open: s.quarantine.filter((q) => q.state === 'open').length, reviews_open: s.reviews.filter((r) => r.state === 'open').length, link: { f1: null, pairs: 8450000, entities: 112000, largest_entity: 31, model_at: at(50) }, last_run_at: at(58), integrate: { job: world.idle ? null : 'J1', state: 'running', phase: 'compare', done: 3120000, total: 8450000 } } };
    if (path === '/api/registry/sources') {
      if (method === 'POST') return /^\s*source:/m.test(body) && !/conector/.test(body) ? { status: 201, body: { source: 'moi' } } : problem(400, 'source.unknown_key', lang === 'vi' ? 'Bản khai báo sai' : 'The declaration is wrong', lang === 'vi' ? '"conector" không phải khoá: có phải "connector"?' : '"conector" is no key: "connector"?', { line: 7 });
      return { status: 200, body: { sources: world.empty ? [] : sources } };
    }
    if ((p = m('/api/registry/sources/{source}'))) {
      const source = sources.find((x) => x.source === p.source);
      if (!source) return problem(404, 'source.unknown', lang === 'vi' ? 'Không có nguồn này' : 'There is no such source', '');
      return { status: 200, body: { ...source, declaration, fields: ['ma_so:person_id', 'ho_ten:full_name', 'ngay_sinh:birth_date', 'nhom_mau:blood_type', 'ghi_chu:'].map((x) => { const [column, to] = x.split(':'); return { column, to: to || null, title: titleOf(to), required: to === 'person_id', class: to ? cls(to) : null, rules: to === 'birth_date' ? [{ vi: 'không sau hôm nay', en: 'not in the future' }] : [] }; }), trend: source.score ? Array.from({ length: 9 }, (_, k) => ({ run: `R${90 + k}`, finished_at: at(58 + (8 - k) * 1440), score: Object.fromEntries(Object.entries(source.score).map(([c, v]) => [c, Math.max(0, v - (8 - k) * 0.006 * ((k + c.length) % 3))])), rows_read: 1000, quarantined: 12 })) : [] } };
    }
    if (m('/api/registry/sources/{source}/capture')) return method === 'POST' ? { status: 202, body: { source: 'residence' } } : { status: 200, body: { source: 'residence', state: 'paused', since: at(2), code: 'capture.no_column', reason: 'paused: column "so" is gone from table public.cu_tru', note: 'max_slot_wal_keep_size is -1', caught_up: false, caught_up_at: at(3), changed_at: at(3), changes: 18230, late: 2, quarantined: 5, snapshots: 1, losses: 0, slot: { name: 'ndc_residence', wal_status: 'reserved', lag_bytes: 812345, retained_bytes: 30812345, safe_bytes: null }, files: null } };
    if (m('/api/registry/sources/{source}/runs')) return { status: 202, body: { run: 'R103', job: 'J1' } };
    const run = (source, i) => ({ ...(source.last_run ?? {}), run: `R${100 + i}`, source: source.source, mode: source.mode, new: 120, changed: 40, unchanged: 97000, ended: 3, bytes: 9876543, job: source.last_run?.state === 'running' ? 'J1' : 'J0', error: source.last_run?.state === 'failed' ? 'source.truncated: the file ends in the middle of row 5,120' : null });
    if (path === '/api/registry/runs') return { status: 200, body: { runs: sources.filter((x) => x.last_run && (!params.get('source') || params.get('source') === x.source)).map((x) => run(x, sources.indexOf(x))), next: null } };
    if ((p = m('/api/registry/runs/{run}'))) {
      const i = Number(p.run.slice(1)) - 100;
      if (!sources[i]?.last_run) return problem(404, 'run.unknown', 'Không có lần chạy này', '');
      const criteria = Object.fromEntries(Object.entries(sources[i].score).map(([c, v]) => [c, { checked: 98000, failed: Math.round((1 - v) * 98000), score: v }]));
      return { status: 200, body: { ...run(sources[i], i), scorecard: { criteria, fields: ['person_id', 'full_name', 'birth_date', 'phone'].map((f, k) => ({ field: f, title: titleOf(f), present: 98000 - k * 311, missing: k * 311, failed: 120 * k, repaired: 40 * k, score: 1 - 0.01 * k, reasons: k ? [{ reason: 'date.not_in_calendar', title: dateReason.title, criterion: 'correct', count: 120 * k }] : [] })), rules: [{ rule: 'death_after_birth', title: { vi: 'Ngày chết không trước ngày sinh', en: 'Death is not before birth' }, criterion: 'correct', checked: 98000, failed: 7 }] } } };
    }
    const personal = /^\/api\/registry\/(quarantine|search|persons|organisations)/.test(path);
    if (personal && !headers['ndc-purpose']) return problem(400, 'purpose.missing', 'Thiếu mục đích truy cập dữ liệu cá nhân', '');
    if (path === '/api/registry/quarantine') {
      const items = s.quarantine.filter((q) => (!params.get('source') || q.source === params.get('source')) && (!params.get('run') || q.run === params.get('run')) && (!params.get('state') || q.state === params.get('state')) && (!params.get('reason') || q.reasons.some((r) => r.reason === params.get('reason'))));
      return { status: 200, body: { items, next: null, total: items.length } };
    }
    if ((p = m('/api/registry/quarantine/{id}'))) { const q = s.quarantine.find((x) => x.id === p.id); return q ? { status: 200, body: q } : problem(404, 'quarantine.unknown', 'Không có dòng này', ''); }
    if ((p = m('/api/registry/quarantine/{id}/correct'))) {
      const q = s.quarantine.find((x) => x.id === p.id);
      body.row = { ...q.row, ...body.row };
      const still = [...(/^31\/02/.test(body.row.ngay_sinh) ? [dateReason] : []), ...(body.row.ma_so.length !== 12 ? [idReason] : []), ...(body.row.ho_ten ? [] : [nameReason])];
      if (still.length) return { status: 422, body: { type: 'about:blank', status: 422, code: 'quarantine.still_failing', title: lang === 'vi' ? 'Dòng vẫn chưa đạt' : 'The row still fails', detail: '', reasons: still } };
      q.state = 'corrected'; q.row = body.row;
      return { status: 200, body: { state: 'corrected', run: 'R120' } };
    }
    if ((p = m('/api/registry/quarantine/{id}/dismiss'))) { s.quarantine.find((x) => x.id === p.id).state = 'dismissed'; return { status: 200, body: { state: 'dismissed' } }; }
    if (path === '/api/registry/reviews') { const items = s.reviews.filter((r) => r.state === (params.get('state') || 'open')); return { status: 200, body: { items, next: null, total: items.length } }; }
    if ((p = m('/api/registry/reviews/{id}/decision'))) { const r = s.reviews.find((x) => x.id === p.id); r.state = body.decision === 'undo' ? 'open' : body.decision; r.decided_by = body.decision === 'undo' ? null : 'user:admin'; r.decided_at = at(0); return { status: 200, body: r }; }
    if ((p = m('/api/registry/reviews/{id}'))) { const r = s.reviews.find((x) => x.id === p.id); return r ? { status: 200, body: { ...r, fields: evidence.map(({ field, left, right }) => ({ field, left, right, title: titleOf(field) })), evidence: evidence.map(({ field, level, weight, frequency }) => ({ field, level, weight, frequency, title: titleOf(field) })), log_odds: evidence.reduce((n, e) => n + e.weight, -4), left_record: null, right_record: null } } : problem(404, 'review.unknown', 'Không có cặp này', ''); }
    if (path === '/api/registry/search') {
      const q = (params.get('q') ?? '').normalize('NFD').replace(/[\u0300-\u036f]/g, '').toLowerCase();
      const all = !q || 'nguyen van binh'.includes(q) ? Array.from({ length: world.many ?? 4 }, (_, i) => ({ entity: i === 3 ? 'O-5QW8E2RT-7' : i ? `P-2AB4C6D${i}-1` : 'P-7KX2M9QD-3', type: i === 3 ? 'organisation' : 'person', score: 1 - i / 10, full_name: i === 3 ? 'Công ty TNHH Bình Minh' : 'Nguyễn Văn Bình', birth_date: i === 3 ? null : `1985-0${i + 1}-02`, sex: i === 3 ? null : 'male', province: '01', person_id: i === 3 ? null : { value: '•••• 5678', masked: true, mask: 'last4' } })) : [];
      const from = Number(params.get('after') ?? 0);
      const to = Math.min(from + Number(params.get('limit') ?? 20), all.length);
      return { status: 200, body: { items: all.slice(from, to), next: to < all.length ? to : null, total: all.length, more: !!world.crowd, took_us: 812 } };
    }
    if (m('/api/registry/(?:persons|organisations)/{entity}/records')) return { status: 200, body: { records: recordSources.map((source, i) => ({ source, title: sources.find((x) => x.source === source).title, key: `K${1000 + i}`, run: `R${100 + i}`, first_run: 'R90', seen_at: at(58 + i), ended: i === 6 ? at(9000) : null, fields: [{ field: 'full_name', column: 'ho_ten', title: titleOf('full_name'), value: 'Nguyễn Văn Bình', masked: false, raw: i % 2 ? 'NGUYEN VAN BINH' : 'Nguyễn Văn Bình' }, { field: 'birth_date', column: 'ngay_sinh', title: titleOf('birth_date'), value: i === 2 ? '1985-02-03' : '1985-03-02', masked: false, raw: '02/03/1985' }] })), edges: [...recordSources.slice(1).map((_, i) => ({ a: 0, b: i + 1, kind: i % 3 === 2 ? 'model' : 'identifier', probability: i % 3 === 2 ? 0.93 : 1 })), { a: 2, b: 7, kind: 'decision', probability: 1 }, { a: 3, b: 5, kind: 'model', probability: 0.88 }] } };
    if (m('/api/registry/(?:persons|organisations)/{entity}/history')) return { status: 200, body: { events: [{ at: at(60), kind: 'changed', fields: [{ field: 'permanent_address', title: titleOf('permanent_address'), before: 'Phường Trúc Bạch, Hà Nội', after: 'Phường Ba Đình, Hà Nội' }] }, { at: at(9000), kind: 'created', fields: [] }] } };
    if ((p = m('/api/registry/(?:persons|organisations)/{entity}'))) return p.entity.includes('NONE') ? problem(404, 'entity.unknown', lang === 'vi' ? 'Không có thực thể này' : 'There is no such entity', '') : { status: 200, body: { entity: p.entity, type: p.entity.startsWith('O') ? 'organisation' : 'person', status: 'active', fields: golden.map(([field, v, rule, alternatives], i) => ({ field, title: titleOf(field), ...v, class: cls(field), source: { source: recordSources[i % 8], title: sources.find((x) => x.source === recordSources[i % 8]).title, key: `K${1000 + i}`, run: `R${100 + i}`, rule, seen_at: at(58 + i) }, alternatives })), records: 8, updated_at: at(58) } };
    const parcel = { dataset: 'parcel', title: { vi: 'Thửa đất', en: 'Land parcel' }, source: 'land_parcels' };
    const parcelFields = [{ field: 'area_m2', title: { vi: 'Diện tích (m²)', en: 'Area (m²)' }, kind: 'number', value: '156.4' }, { field: 'shape', title: { vi: 'Hình thể', en: 'Shape' }, kind: 'geometry', value: 'POLYGON((0 0, 8.8 0, 8.8 17.7, 0 17.7, 0 0))' }];
    const parcelHead = { key: 'TCS2828804884', run: 103, first_run: 100, seen_at: at(60), ended: false };
    const parcelSchema = { ...parcel, things: 614, fields: [...parcelFields.map(({ field, title, kind }) => ({ field, title, kind })), { field: 'owner', title: { vi: 'Người sử dụng đất', en: 'Land user' }, kind: 'id', as: 'person_id' }], relations: [{ relation: 'owner', relation_title: { vi: 'Người sử dụng đất', en: 'Land user' }, to: 'person', dataset: null, by: 'person_id' }] };
    if (path === '/api/registry/datasets') return { status: 200, body: { datasets: world.empty ? [] : [parcelSchema] } };
    if (path === '/api/registry/datasets/parcel') return { status: 200, body: { ...parcelSchema, items: [{ ...parcelHead, fields: parcelFields }], next: null } };
    if (path === '/api/registry/datasets/parcel/TCS2828804884') return { status: 200, body: { ...parcel, ...parcelHead, fields: parcelFields, relations: [{ relation: 'owner', relation_title: { vi: 'Người sử dụng đất', en: 'Land user' }, to: 'person', value: '001085012345', masked: false, entity: 'P-7KX2M9QD-3', name: { value: 'Nguyễn Văn Bình', masked: false } }, { relation: 'co_owner', relation_title: { vi: 'Đồng sở hữu', en: 'Co-owner' }, to: 'person', value: '•••• 5678', masked: true, mask: 'last4' }, { relation: 'within', relation_title: { vi: 'Thuộc', en: 'Within' }, to: 'thing', dataset: 'parcel', title: parcel.title, key: 'T9', found: false }], referring: [{ ...parcel, relation: 'within', relation_title: { vi: 'Thuộc', en: 'Within' }, ...parcelHead, key: 'T7', fields: parcelFields.slice(0, 1) }], more: false } };
    if (m('/api/registry/(?:persons|organisations)/{entity}/relations')) return { status: 200, body: { entity: 'P-7KX2M9QD-3', type: 'person', items: [{ ...parcel, relation: 'owner', relation_title: { vi: 'Người sử dụng đất', en: 'Land user' }, ...parcelHead, fields: parcelFields }], more: false } };
    if (path === '/api/registry/map') return { status: 200, body: { provinces: ['01', '04', '08', '11', '12', '14', '15', '19', '20', '22', '24', '25', '31', '33', '37', '38', '40', '42', '44', '46', '48', '51', '52', '56', '66', '68', '75', '79', '80', '82', '86', '91', '92', '96'].map((code, i) => ({ code, name: `Tỉnh ${code}`, people: 1000 + ((i * 7919) % 9000), records: 9000 + i * 100, coverage: Object.fromEntries(sources.map((x, k) => [x.source, Math.min(1, 0.35 + ((i * 13 + k * 7) % 60) / 100)])), score: score((i * 5) % 14) })) } };
    if (path === '/api/jobs') return { status: 200, body: { jobs: [running(), { ...running(), id: 'J0', kind: 'ingest', state: 'succeeded', phase: 'store', done: 98000, total: 98000, unit: 'rows', started_at: at(60), finished_at: at(58), remaining_s: 0 }, { ...running(), id: 'J9', kind: 'ingest', state: 'failed', started_at: at(80), finished_at: at(79), error: 'source.truncated: the file ends in the middle of row 5,120' }] } };
    if ((p = m('/api/jobs/{id}'))) return { status: 200, body: running() };
    if ((p = m('/api/jobs/{id}/cancel'))) return { status: 202, body: { ...running(), cancel_requested: true } };
    if (path === '/api/policy/purposes') return { status: 200, body: { purposes } };
    if (path === '/api/policy/agencies' || path === '/api/agencies') return { status: 200, body: { agencies: [{ code: 'bca', title: { vi: 'Bộ Công an', en: 'Ministry of Public Security' } }, { code: 'btc', title: { vi: 'Bộ Tài chính', en: 'Ministry of Finance' } }] } };
    if (path === '/api/policy/fields') return { status: 200, body: { fields: Object.keys(fieldTitles).map((code, id) => ({ id, code, title: titleOf(code), entity: 'person', kind: 'text', ...cls(code), mask: 'initials' })) } };
    if (path === '/api/policy/rules') return { status: 200, body: { version: 3, rules: [{ id: 'bulk-core', title: { vi: 'Dữ liệu cốt lõi theo số lượng', en: 'Core data by number' }, effect: 'deny', when: { kind: ['official', 'system'], not_role: ['bulk-core'] }, fields: Object.keys(fieldTitles), log: true, notify: false, escalate: true, file: 'rules/20-rules.yaml', line: 6 }, { id: 'phone-last3', title: { vi: 'Số điện thoại', en: 'Telephone' }, effect: 'mask', mask: 'last3', when: { purpose: ['population-management'], action: ['read'] }, fields: ['phone'], log: true, notify: false, escalate: false, file: 'rules/20-rules.yaml', line: 40 }] } };
    if (path === '/api/policy/volumes') return { status: 200, body: { within_days: null, stored_at: at(0), failing: false, total: 2, next: null, items: [{ requester: 'btc', title: { vi: 'Bộ Tài chính', en: 'Ministry of Finance' }, purpose: 'population-management', purpose_title: { vi: 'Quản lý dân cư', en: 'Population management' }, subjects: 96210, estimated: false, since: at(90000), last: '2026-11-30', limits: [{ within_days: null, subjects: 96210, limit: 100000, share: 0.9621 }, { within_days: 30, subjects: 1200, limit: 5000, share: 0.24 }] }, { requester: 'key:7KX2M9QD', title: null, purpose: 'statistics', purpose_title: null, subjects: 1048576, estimated: true, since: at(500), last: '2026-11-29', limits: [] }].filter((v) => !params.get('requester') || v.requester === params.get('requester')) } };
    if (path === '/api/policy/notices') {
      const list = s.notices.filter((n) => (params.get('state') === 'settled') === (n.settled !== null));
      return { status: 200, body: { open: s.notices.filter((n) => !n.settled).length, next: null, items: list } };
    }
    if ((p = m('/api/policy/notices/{id}/settle'))) {
      const n = s.notices.find((x) => String(x.id) === p.id);
      Object.assign(n, { settled: at(0), settled_by: 'user:admin', note: body.note });
      return { status: 200, body: { id: n.id, settled: true } };
    }
    if (path === '/api/policy/explain') return { status: 200, body: { outcome: 'partial', code: 'ok', reason_vi: 'Theo mục đích đã nêu', reason_en: 'By the purpose stated', rule: 'phone-last3', obligations: ['log'], version: 3, fields: [{ code: 'full_name', title: titleOf('full_name'), ...cls('full_name'), decision: 'show', rule: 'shared-for-duty', reason: { vi: 'Cần cho nhiệm vụ', en: 'Needed for the task' } }, { code: 'phone', title: titleOf('phone'), ...cls('phone'), decision: 'mask', mask: 'last3', rule: 'phone-last3', reason: { vi: 'Chỉ cần 3 số cuối', en: 'The last three digits do' }, needed: { vi: 'mục đích khác', en: 'another purpose' } }, { code: 'blood_type', title: titleOf('blood_type'), ...cls('blood_type'), decision: 'withhold', reason: { vi: 'Không quy tắc nào cho phép', en: 'No rule allows it' }, needed: { vi: 'sự đồng ý', en: 'consent' } }] } };
    if (path === '/api/registry/changes') return { status: 200, body: world.empty ? { changes: [], next: 0, last: 0 } : { changes: changes.filter((c) => !params.get('type') || !c.type || c.type === params.get('type')), next: 6, last: 6 } };
    if (path === '/api/webhooks/sources') return { status: 200, body: { sources: [{ name: 'registry.changes', title: { vi: 'Thay đổi của người và tổ chức', en: 'Changes of people and organisations' } }] } };
    if (path === '/api/webhooks') {
      if (method !== 'POST') return { status: 200, body: { webhooks: world.empty ? [] : s.webhooks } };
      if (/localhost|127\./.test(body.url)) return problem(400, 'client.address', lang === 'vi' ? 'Không phải địa chỉ công khai' : 'Not a public address', '', { field: '/url' });
      s.webhooks.push({ ...s.webhooks[0], id: 'WNEW', url: body.url, title: body.title, filter: body.filter ?? null, delivered: 0, failed: 0, dead: 0, pending_attempts: 0, last_error: null });
      return { status: 201, body: { id: 'WNEW', secret: 'whsec_c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IQ==', seq: 6 } };
    }
    if ((p = m('/api/webhooks/{id}/dead/{message}/retry'))) { s.deadLetters.find((x) => x.message === p.message).queued = true; return { status: 200, body: { queued: true } }; }
    if ((p = m('/api/webhooks/{id}/test'))) return { status: 200, body: { good: true, status: 204, took_ms: 12, error: null, message: 'msg_test_1' } };
    if ((p = m('/api/webhooks/{id}/secret'))) return { status: 200, body: { secret: 'whsec_bmV3IG5ldyBuZXcgbmV3IG5ldyBuZXcgbmV3IQ==', old_secret_until: at(-1440) } };
    if ((p = m('/api/webhooks/{id}/state'))) { s.webhooks.find((w) => w.id === p.id).state = body.state; return { status: 200, body: { state: body.state } }; }
    if ((p = m('/api/webhooks/{id}'))) {
      const hook = s.webhooks.find((w) => w.id === p.id);
      if (!hook) return problem(404, 'webhook.none', lang === 'vi' ? 'Không có webhook này' : 'There is no such webhook', '');
      if (method === 'DELETE') { s.webhooks = s.webhooks.filter((w) => w !== hook); return { status: 204 }; }
      return { status: 200, body: { ...hook, attempts: [{ at: at(1), took_ms: 31, message: `msg_${p.id}_0_3`, after: 0, last: 3, events: 3, attempt: 1, status: 204, error: null }, { at: at(2), took_ms: 10000, message: `msg_${p.id}_3_4`, after: 3, last: 4, events: 1, attempt: 2, status: 0, error: 'no answer in time' }], dead_letters: s.deadLetters } };
    }
    if (path === '/api/roles') return { status: 200, body: { roles: s.roles } };
    if (path === '/api/permissions') return { status: 200, body: { permissions: [{ permission: 'identity.users', title: { vi: 'Quản lý người dùng', en: 'Manage users and agencies' } }, { permission: 'registry.person.read', title: { vi: 'Đọc hồ sơ', en: 'Read persons' } }] } };
    if ((p = m('/api/roles/{role}'))) {
      if (method === 'DELETE' && p.role === 'desk') return problem(409, 'role.in_use', lang === 'vi' ? 'Vai trò đang được dùng' : 'The role is in use', '');
      s.roles = s.roles.filter((r) => r.role !== p.role);
      if (method === 'PUT') s.roles.push({ role: p.role, title: { vi: body.vi, en: body.en }, builtin: false, permissions: body.permissions });
      return { status: 204 };
    }
    if (path === '/api/session/list') return { status: 200, body: { sessions: [{ id: 'S1', created_at: at(90), last_at: at(0), expires_at: at(-600), client: '127.0.0.1', agent: 'Chromium', current: true }, { id: 'S2', created_at: at(900), last_at: at(700), expires_at: at(-600), client: '10.0.0.7', agent: 'Firefox', current: false }] } };
    if (m('/api/session/list/{id}')) return { status: 204 };
    if (path === '/api/users') {
      if (method !== 'POST') return { status: 200, body: { users: s.users, next: null } };
      if (s.users.some((u) => u.name === body.name)) return problem(409, 'user.exists', lang === 'vi' ? 'Tên đăng nhập đã có' : 'There is such a user already', '', { field: '/name' });
      s.users.push({ full_name: '', agency: '', roles: [], disabled: false, created_at: at(0), signed_in_at: null, ...body });
      return { status: 201, body: { name: body.name, password: 'first-password-7KX2M9QD' } };
    }
    if ((p = m('/api/users/{name}/password'))) return { status: 200, body: { name: p.name, password: 'new-password-7KX2M9QD' } };
    if ((p = m('/api/users/{name}'))) { Object.assign(s.users.find((u) => u.name === p.name), body); return { status: 204 }; }
    if (path === '/api/keys') {
      if (method !== 'POST') return { status: 200, body: { keys: s.keys } };
      s.keys.push({ id: 'KNEW2345', agency: body.agency, title: body.title, roles: body.roles, created_at: at(0), expires_at: null, revoked_at: null });
      return { status: 201, body: { id: 'KNEW2345', secret: 'ndc_KNEW2345_secret' } };
    }
    if ((p = m('/api/keys/{id}'))) { s.keys.find((k) => k.id === p.id).revoked_at = at(0); return { status: 204 }; }
    if (path === '/api/audit/tree-head') return { status: 200, body: headOf(s.entries, s.entries.length) };
    if (path === '/api/audit/entries' || m('/api/audit/subjects/{id}')) {
      const newest = params.get('newest') === 'true';
      const n = Number(params.get('n') ?? 50);
      let seqs = s.entries.map((_, i) => i).filter((i) => !params.get('principal') || JSON.parse(s.entries[i]).principal === params.get('principal'));
      if (newest) seqs = seqs.reverse().filter((i) => !params.get('from') || i <= Number(params.get('from')));
      else seqs = seqs.filter((i) => i >= Number(params.get('from') ?? 0));
      const items = seqs.slice(0, n);
      // By hand: the entry's text must arrive byte for byte.
      return { status: 200, text: `{"entries":[${items.map((i) => `{"seq":${i},"leaf":"${leafHash(s.shown?.[i] ?? s.entries[i]).toString('hex')}","fields":["full_name","birth_date"],"entry":${s.shown?.[i] ?? s.entries[i]}}`).join(',')}],"next":${seqs[n] ?? null}}` };
    }
    if (path === '/api/audit/proof/inclusion') return { status: 200, body: { seq: Number(params.get('seq')), size: Number(params.get('size')), path: inclusion(Number(params.get('seq')), s.entries.slice(0, Number(params.get('size'))).map(leafHash)).map((h) => h.toString('hex')) } };
    if (path === '/api/audit/proof/consistency') return { status: 200, body: { first: Number(params.get('first')), second: Number(params.get('second')), path: consistency(Number(params.get('first')), s.entries.slice(0, Number(params.get('second'))).map(leafHash)).map((h) => h.toString('hex')) } };
    return world.more?.(method, path, params, headers, body, { problem, at }) ?? problem(404, 'http.not_found', lang === 'vi' ? 'Không có địa chỉ này' : 'There is no such address', path);
  }

  const server = http.createServer((req, res) => {
    const url = new URL(req.url, 'http://localhost');
    const chunks = [];
    req.on('data', (c) => chunks.push(c));
    req.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      if (!url.pathname.startsWith('/api')) return file(url.pathname, req, res);
      lang = /^en/.test(req.headers['accept-language'] ?? '') ? 'en' : 'vi';
      world.requests.push({ method: req.method, path: url.pathname + url.search, headers: req.headers, body: text });
      if (/^\/api\/jobs\/[^/]+\/events$/.test(url.pathname)) {
        res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
        res.write(`data: ${JSON.stringify(running())}\n\n`);
        return;
      }
      if (url.pathname === '/api/registry/changes/stream' && !world.fail.has('GET /api/registry/changes/stream')) {
        res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
        res.write(`retry: 2000\nid: ${req.headers['last-event-id'] ?? 6}\n\n`);
        world.streams.push(res);
        return;
      }
      if (url.pathname.endsWith('quarantine.csv')) {
        res.writeHead(200, { 'Content-Type': 'text/csv; charset=utf-8', 'Content-Disposition': 'attachment; filename="quarantine.csv"' });
        return res.end('ma_so,ho_ten\n');
      }
      const failing = world.fail.get(`${req.method} ${url.pathname}`);
      const body = /json/.test(req.headers['content-type'] ?? '') && text ? JSON.parse(text) : text;
      const out = failing ?? answer(req.method, url.pathname, url.searchParams, req.headers, body);
      const send = () => {
        res.writeHead(out.status, { 'Content-Type': out.status >= 400 ? 'application/problem+json' : 'application/json', 'Cache-Control': 'no-store', ...(out.cookie ? { 'Set-Cookie': out.cookie } : {}), ...out.headers });
        res.end(out.text ?? (out.body === undefined ? '' : JSON.stringify(out.body)));
      };
      if (world.held) world.held.push(send);
      else send();
    });
  });

  function file(path, req, res) {
    let name = join(dist, normalize(path));
    // The nearest document at or above the path, as the daemon has it.
    if (!extname(name)) {
      let at = name;
      while (at.length > dist.length && !existsSync(`${at}.html`)) at = dirname(at);
      name = at.length > dist.length ? `${at}.html` : join(dist, 'index.html');
    }
    if (!name.startsWith(dist) || !existsSync(name)) {
      res.writeHead(404);
      return res.end();
    }
    const headers = { 'Content-Type': types[extname(name)] ?? 'application/octet-stream', 'Content-Security-Policy': CSP, 'X-Content-Type-Options': 'nosniff', 'Cache-Control': 'no-cache' };
    if (/\bbr\b/.test(req.headers['accept-encoding'] ?? '') && existsSync(`${name}.br`)) {
      name += '.br';
      headers['Content-Encoding'] = 'br';
    }
    res.writeHead(200, headers);
    res.end(readFileSync(name));
    return undefined;
  }

  world.reset = () => {
    world.state = fresh();
    world.fail.clear();
    world.held = null;
    world.empty = false;
    world.idle = false;
    world.requests.length = 0;
    world.streams.length = 0;
  };
  // Answers wait until the function that this returns is called.
  world.hold = () => {
    world.held = [];
    return () => {
      const waiting = world.held;
      world.held = null;
      for (const send of waiting ?? []) send();
    };
  };
  return new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve({ url: `http://localhost:${server.address().port}`, world, leafHash, stop: () => { server.closeAllConnections?.(); server.close(); } })));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url } = await start(Number(process.argv[2] ?? 8099));
  console.log(`${url} (sign in: admin / right password)`);
}

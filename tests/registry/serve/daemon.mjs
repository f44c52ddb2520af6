// A daemon of its own for tests over HTTP, people and systems to ask it as, and TAP.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

let count = 0;
let failures = 0;

export async function test(name, body) {
  count++;
  try {
    await body();
    console.log(`ok ${count} - ${name}`);
  } catch (error) {
    failures++;
    console.log(`not ok ${count} - ${name}`);
    for (const line of String(error?.stack ?? error).split('\n').slice(0, 8)) console.log(`  # ${line}`);
  }
}

export function done() {
  console.log(`1..${count}`);
  process.exitCode = failures ? 1 : 0;
}

export function assert(truth, message = 'not so') {
  if (!truth) throw new Error(message);
}

export function equal(have, want, message = 'not equal') {
  if (JSON.stringify(have) !== JSON.stringify(want)) throw new Error(`${message}: have ${JSON.stringify(have)}, want ${JSON.stringify(want)}`);
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export async function until(what, check, seconds = 60) {
  for (let i = 0; i < seconds * 20; i++) {
    const found = await check();
    if (found) return found;
    await sleep(50);
  }
  throw new Error(`${what}: not within ${seconds} s`);
}

const freePort = () => new Promise((resolve) => {
  const server = createServer();
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});

/** The headers of a purpose; `basis` in ASCII, as headers are. */
export const purpose = (code, basis = 'Law 60/2024/QH15') => ({ 'NDC-Purpose': code, 'NDC-Legal-Basis': basis });

/** Someone who asks: `call(method, path, {headers, json, body, type})` answers
 * {status, code, body, text, headers}. */
function caller(url, fixed) {
  return async (method, path, { headers = {}, json, body, type } = {}) => {
    const all = { 'Accept-Language': 'en', ...fixed, ...headers };
    if (json !== undefined) all['Content-Type'] = 'application/json';
    if (type) all['Content-Type'] = type;
    const r = await fetch(url + path, { method, headers: all, body: json === undefined ? body : JSON.stringify(json) });
    const text = await r.text();
    let read;
    try {
      read = JSON.parse(text);
    } catch {
      read = undefined;
    }
    return { status: r.status, code: read?.code, body: read, text, headers: r.headers };
  };
}

/** Starts `ndc serve` on a database (empty: SQLite in its folder). */
export async function start(ndc, database, { people = 0, settings = [], dir, env, port: asked } = {}) {
  const folder = dir ?? mkdtempSync(join(tmpdir(), 'ndc-http-'));
  const port = asked ?? await freePort();
  const url = `http://127.0.0.1:${port}`;
  const args = ['serve', '--data-dir', folder, '--listen', `127.0.0.1:${port}`, '--demo', String(people), '--set', 'weak_passwords=yes'];
  for (const s of [...(database ? [`database=${database}`] : []), ...settings]) args.push('--set', s);
  let said = '';
  const child = spawn(ndc, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  child.stdout.on('data', (text) => { said += text; });
  child.stderr.on('data', (text) => { said += text; });
  const ended = new Promise((resolve) => child.on('exit', (code, signal) => resolve(signal ?? code)));
  let over = false;
  void ended.then(() => { over = true; });
  await until('the server', () => over || fetch(`${url}/health/ready`).then((r) => r.ok, () => false), 60);
  if (over) throw new Error(`the daemon ended:\n${said}`);
  const daemon = {
    url, dir: folder, child, ended,
    said: () => said,
    /** Nobody in particular. */
    nobody: caller(url, {}),
    async signIn(user, password) {
      const r = await fetch(`${url}/api/session`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ user, password }) });
      const { csrf } = await r.json();
      if (r.status !== 200) throw new Error(`sign-in of ${user}: ${r.status}`);
      return caller(url, { Cookie: r.headers.get('set-cookie').split(';')[0], 'NDC-CSRF': csrf });
    },
    /** A new user of these roles, signed in. */
    async user(name, roles, agency) {
      const made = await daemon.admin('POST', '/api/users', { json: { name, roles, ...(agency ? { agency } : {}) } });
      if (made.status !== 201) throw new Error(`user ${name}: ${made.text}`);
      const password = `${name} keeps this one to 9 people`;
      const first = await daemon.signIn(name, made.body.password);
      const changed = await first('POST', '/api/session/password', { json: { current: made.body.password, password } });
      if (changed.status !== 200) throw new Error(`password of ${name}: ${changed.text}`);
      return Object.assign(await daemon.signIn(name, password), { password });
    },
    /** A key of an agency's system. */
    async key(agency, roles) {
      const made = await daemon.admin('POST', '/api/keys', { json: { agency, roles } });
      if (made.status !== 201) throw new Error(`key of ${agency}: ${made.text}`);
      return caller(url, { Authorization: `Bearer ${made.body.secret}` });
    },
    async push(as, source, key, rows, headers = {}) {
      return as('POST', `/api/registry/sources/${source}/records`, { type: 'application/x-ndjson', body: rows.map((r) => JSON.stringify(r)).join('\n'), headers: { 'Idempotency-Key': key, ...headers } });
    },
    /** Waits until no integration is under way. */
    async settled() {
      await until('the end of the jobs', async () => {
        const { body } = await daemon.admin('GET', '/api/jobs?limit=20');
        return body.jobs.every((j) => !['queued', 'running'].includes(j.state));
      }, 120);
    },
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      const how = await ended;
      if (!dir) rmSync(folder, { recursive: true, force: true });
      return how;
    },
  };
  const first = await until('the first password', () => /^\s*Password\s+(\S+)/m.exec(said)?.[1], dir ? 1 : 30).catch((error) => {
    if (dir) return null;
    throw error;
  });
  if (first) daemon.admin = await daemon.signIn('admin', first);
  return daemon;
}

/** A declaration of a pushed source; `fields` and the rest are lines of YAML. */
export const declaration = (id, fields, { entity = 'person', rest = '', connector = '{type: push}', sync = '{mode: delta}', key = '[k]' } = {}) => `source: ${id}
agency: {code: bca, vi: Bộ Công an, en: Ministry of Public Security}
legal_basis: Luật Dữ liệu 60/2024/QH15
entity: ${entity}
key: ${key}
connector: ${connector}
sync: ${sync}
${rest}fields:
${fields.map((f) => `  - ${f}`).join('\n')}
`;

// An ndc of its own to judge: started on a small demo nation, with people who have accounts.
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Agent, ndcPages } from './agent.mjs';
import { makeCert } from './certs.mjs';
import { request } from './http.mjs';

const pages = fileURLToPath(new URL('../../../../web/dist', import.meta.url));
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export const freePort = () => new Promise((resolve) => {
  const server = createServer();
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});

async function until(what, check, seconds = 120) {
  for (let i = 0; i < seconds * 10; i++) {
    const found = await check().catch(() => null);
    if (found) return found;
    await sleep(100);
  }
  throw new Error(`${what}: not within ${seconds} s`);
}

/** `host`: localhost where passkeys are wanted; `tls`: with https, and client certificates of
 * `clientCerts` (PEM texts) trusted. Answers a target as the frame takes it, with `run` for
 * commands beside the daemon, `kill` and `stop`. */
export async function startNdc(binary, { tls = false, host = '127.0.0.1', clientCerts = [], people = 300, settings = [], database, port } = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'ndc-conform-'));
  port ??= await freePort();
  const issuer = `${tls ? 'https' : 'http'}://${host}:${port}`;
  const args = ['--data-dir', join(dir, 'data'), '--set', `listen=127.0.0.1:${port}`, '--set', `eid_issuer=${issuer}`,
    '--set', 'weak_passwords=yes', '--set', `demo_people=${people}`];
  if (existsSync(pages)) args.push('--set', `web_dir=${pages}`);
  if (database) args.push('--set', `database=${database}`);
  for (const s of settings) args.push('--set', s);
  let trust;
  if (tls) {
    // RSA, as most are: with it the old suites without forward secrecy could be spoken.
    const own = makeCert('localhost', { hosts: true, type: 'rsa' });
    for (const [name, text] of [['server.pem', own.cert], ['server.key', own.key], ['clients.pem', clientCerts.join('')]]) writeFileSync(join(dir, name), text, { mode: 0o600 });
    args.push('--set', `tls_cert=${join(dir, 'server.pem')}`, '--set', `tls_key=${join(dir, 'server.key')}`);
    if (clientCerts.length) args.push('--set', `client_ca=${join(dir, 'clients.pem')}`);
    trust = { ca: own.cert };
  }
  let said = '';
  let child;
  let over;
  let ended;
  const ready = async () => over || (await request(`${issuer}/health/ready`, { tls: trust })).status === 200;
  const launch = async () => {
    over = false;
    child = spawn(binary, ['serve', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => { said += text; });
    ended = new Promise((resolve) => child.on('exit', (code, signal) => { over = true; resolve(signal ?? code); }));
    await until('the daemon', ready);
    if (over) throw new Error(`the daemon ended:\n${said}`);
  };
  const target = {
    issuer, tls: trust, pages: ndcPages, said: () => said, dir,
    /** `ndc WORDS…` on the daemon's data. */
    run: (...words) => new Promise((resolve, reject) => execFile(binary, [...words, ...args], (error, stdout, stderr) => (error ? reject(new Error(`ndc ${words.join(' ')}: ${stderr || error.message}`)) : resolve(stdout)))),
    /** Killed without a chance to tidy up, and started again on what it left. */
    async kill() {
      child.kill('SIGKILL');
      await ended;
      await launch();
    },
    async stop() {
      child.kill('SIGTERM');
      await ended;
      rmSync(dir, { recursive: true, force: true });
    },
  };
  try {
    await launch();
    await until('the demo nation', async () => (await request(`${issuer}/api/eid/demo-person`, { tls: trust })).status === 200);
  } catch (error) {
    await target.stop();
    throw new Error(`${error.message}\n${said.slice(-2000)}`);
  }
  return target;
}

let made = 0;

/** An account of somebody of the demo nation who has none yet: {login, password, name,
 * birth_date, number, email, phone}. The one place that knows how accounts are opened. */
export async function makeAccount(target) {
  const person = (await request(`${target.issuer}/api/eid/demo-person`, { tls: target.tls })).json;
  made++;
  const account = {
    kind: 'citizen', number: person.number, name: person.name, birth_date: person.birth_date,
    email: `person${made}.${person.number}@conform.example`, phone: `09${String(10000000 + made * 7919 + (process.pid % 1000)).slice(0, 8)}`,
    password: `a password of person ${made}, 9 words long`,
  };
  const agent = new Agent({ pages: ndcPages, tls: target.tls });
  await agent.api('POST', target.issuer, '/api/eid/accounts', account);
  return { ...account, login: account.number };
}

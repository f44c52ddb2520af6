// Whether the modules can fail: a proxy before an ndc tells one lie at a time, in what the
// provider is asked or in what it answers, and the plans are run through it.
// usage: lies.mjs NDC [LIE]     exit code 1: a lie that no module finds
import { spawn } from 'node:child_process';
import http from 'node:http';
import { fileURLToPath } from 'node:url';
import { freePort, makeAccount, startNdc } from './daemon.mjs';
import { hangUp } from './http.mjs';

const PLANS = ['oidcc-basic', 'oidcc-rp-initiated-logout', 'oidcc-dynamic', 'oidcc-backchannel-rp-initiated-logout', 'attacks'];

/** The answer that comes to the relying party. */
const back = (change) => ({ location: (u) => { if (u.searchParams.has('code') || u.searchParams.has('error')) change(u.searchParams); } });
/** Parameters that the provider does not get to see. */
const without = (...names) => ({ asked: (u, form) => { for (const n of names) { u.searchParams.delete(n); form?.delete(n); } } });
const json = (path, change) => ({ json: (p, o) => { if (p === path) change(o); } });
const headers = (change) => ({ headers: change });

let before;
const seen = new Map();

const LIES = {
  'no state comes back': back((q) => q.delete('state')),
  'state comes back twice': back((q) => q.append('state', 'x')),
  'no iss': back((q) => q.delete('iss')),
  'another iss': back((q) => q.set('iss', 'https://other.example')),
  'errors are server_error': back((q) => { if (q.has('error')) q.set('error', 'server_error'); }),
  'ID tokens are spoilt': json('/eid/token', (o) => { if (o.id_token) o.id_token = o.id_token.replace(/.{8}$/, 'AAAAAAAA'); }),
  'ID tokens of the sign-in before': json('/eid/token', (o) => { if (o.id_token) [o.id_token, before] = [before ?? o.id_token, o.id_token]; }),
  'no ID token': json('/eid/token', (o) => { delete o.id_token; }),
  'token_type mac': json('/eid/token', (o) => { if (o.token_type) o.token_type = 'mac'; }),
  'errors of the token endpoint are server_error': json('/eid/token', (o) => { if (o.error) o.error = 'server_error'; }),
  'UserInfo of somebody else': json('/eid/userinfo', (o) => { if (o.sub) o.sub = 'x'; }),
  'UserInfo tells more than was asked': json('/eid/userinfo', (o) => { if (o.sub) Object.assign(o, { email: 'a@b', phone_number: '1' }); }),
  'email_verified is a text': json('/eid/userinfo', (o) => { if ('email_verified' in o) o.email_verified = 'false'; }),
  'UserInfo tells nothing': json('/eid/userinfo', (o) => { for (const k of Object.keys(o)) if (!['sub', 'error'].includes(k)) delete o[k]; }),
  'private keys are published': json('/eid/jwks', (o) => o.keys.forEach((k) => { k.d = 'x'; })),
  'keys have no kid': json('/eid/jwks', (o) => o.keys.forEach((k) => { delete k.kid; })),
  'answers may be kept': headers((h) => { delete h['cache-control']; }),
  'cookies are for scripts': headers((h) => { if (h['set-cookie']) h['set-cookie'] = h['set-cookie'].map((c) => c.replace(/; HttpOnly/i, '')); }),
  'pages may be framed': headers((h) => { delete h['content-security-policy']; delete h['x-frame-options']; }),
  'prompt is ignored': without('prompt'),
  'max_age is ignored': without('max_age'),
  'nonce is ignored': without('nonce'),
  'state is ignored': without('state'),
  'PKCE is ignored': without('code_challenge', 'code_challenge_method', 'code_verifier'),
  'claims is ignored': without('claims'),
  'acr_values is ignored': without('acr_values'),
  'id_token_hint is ignored': without('id_token_hint'),
  'login_hint is ignored': without('login_hint'),
  'request objects are ignored': without('request'),
  'scopes are ignored': { asked: (u, form) => { for (const q of [u.searchParams, form]) if (q?.has('scope')) q.set('scope', 'openid'); } },
  'response_type is assumed': { asked: (u) => { if (u.pathname === '/eid/authorize' && !u.searchParams.has('response_type')) u.searchParams.set('response_type', 'code'); } },
  'a query of redirect_uri is forgotten': { asked: (u) => { const r = u.searchParams.get('redirect_uri'); if (u.pathname === '/eid/authorize' && r) u.searchParams.set('redirect_uri', r.split('?')[0]); } },
  'signing out does not': { asked: (u) => { if (u.pathname === '/eid/logout') u.pathname = '/eid/signed-out'; } },
  'signing out leads anywhere': { instead: (u) => (u.pathname === '/eid/logout' ? u.searchParams.get('post_logout_redirect_uri') : null) },
  'codes work twice': { answer: (path, form, answer) => {
    const code = path === '/eid/token' && form?.get('code');
    if (code && answer.status === 200) seen.set(code, answer.body);
    else if (code && seen.has(code)) Object.assign(answer, { status: 200, body: seen.get(code) });
  } },
};

let lie = {};

function forward(req, body, res, issuer, port) {
  const url = new URL(req.url, issuer);
  const form = /x-www-form-urlencoded/.test(req.headers['content-type'] ?? '') ? new URLSearchParams(body.toString()) : undefined;
  const elsewhere = lie.instead?.(url);
  if (elsewhere) return void res.writeHead(303, { Location: elsewhere }).end();
  lie.asked?.(url, form);
  // What no lie has touched goes on byte by byte.
  const sent = lie.asked && form ? Buffer.from(form.toString()) : body;
  const path = lie.asked ? url.pathname + url.search : req.url;
  const all = { ...req.headers };
  delete all['content-length'];
  if (sent.length) all['content-length'] = sent.length;
  const out = http.request({ host: '127.0.0.1', port, method: req.method, path, headers: all }, (from) => {
    const parts = [];
    from.on('data', (part) => parts.push(part));
    from.on('end', () => {
      const answer = { status: from.statusCode, headers: { ...from.headers }, body: Buffer.concat(parts) };
      if (lie.location && answer.headers.location) {
        const to = new URL(answer.headers.location, issuer);
        lie.location(to);
        answer.headers.location = to.href;
      }
      if (lie.json && /json/.test(answer.headers['content-type'] ?? '')) {
        const read = JSON.parse(answer.body);
        lie.json(url.pathname, read);
        answer.body = Buffer.from(JSON.stringify(read));
      }
      lie.headers?.(answer.headers);
      lie.answer?.(url.pathname, form, answer);
      delete answer.headers['transfer-encoding'];
      res.writeHead(answer.status, { ...answer.headers, 'content-length': answer.body.length });
      res.end(answer.body);
    });
  });
  out.on('error', () => res.writeHead(502).end());
  out.end(sent);
}

/** What fails, and what is warned of. */
function run(issuer, account) {
  return new Promise((resolve) => {
    const script = fileURLToPath(new URL('run.mjs', import.meta.url));
    const child = spawn(process.execPath, [script, ...PLANS, '--fast', '--jobs', '6', '--issuer', issuer, '--login', account.login, '--password', account.password]);
    let said = '';
    child.stdout.on('data', (text) => { said += text; });
    child.stderr.on('data', (text) => { said += text; });
    child.on('exit', () => {
      const found = new Set();
      let module = '';
      for (const line of said.split('\n')) {
        module = /^(?:not )?ok \d+ - (\S+)/.exec(line)?.[1] ?? module;
        if (/^not ok/.test(line)) found.add(module);
        else if (/^ {2}# warning/.test(line)) found.add(`${module} (warning)`);
      }
      resolve(found);
    });
  });
}

const port = await freePort();
const issuer = `http://127.0.0.1:${port}`;
const ndc = await startNdc(process.argv[2], { settings: [`eid_issuer=${issuer}`] });
const account = await makeAccount(ndc);
const server = http.createServer((req, res) => {
  const parts = [];
  req.on('data', (part) => parts.push(part));
  req.on('end', () => forward(req, Buffer.concat(parts), res, issuer, new URL(ndc.issuer).port));
});
await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
const truth = await run(issuer, account);
console.log(`the truth: ${[...truth].join(', ') || 'nothing fails'}`);
for (const [name, told] of Object.entries(LIES).filter(([n]) => !process.argv[3] || n.includes(process.argv[3]))) {
  lie = told;
  const found = [...await run(issuer, account)].filter((f) => !truth.has(f) && !truth.has(f.replace(' (warning)', '')));
  // Who guesses user codes is slowed down for a while, whatever is true.
  const count = found.filter((f) => f !== 'attacks/device-codes').length;
  if (!count) process.exitCode = 1;
  console.log(`${count ? 'found' : 'NOT FOUND'}: ${name}: ${found.slice(0, 4).join(', ')}${found.length > 4 ? ` and ${found.length - 4} more` : ''}`);
}
server.close();
server.closeAllConnections();
await ndc.stop();
hangUp();

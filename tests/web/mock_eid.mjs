// The stand-in's electronic identification: /api/eid with made-up people, in the shapes that
// the pages expect. Passkeys are real: what Chromium's virtual authenticator makes and signs is
// verified here, so that a page that garbles a byte of it fails.
import { createHash, createPublicKey, randomBytes, verify } from 'node:crypto';

export const NUMBER = '001088012345';
export const PASSWORD = 'đường về quê mẹ dài lắm';
export const TOTP = '123456';
export const USED = '111111';
export const RECOVERY = '7KX2-M9QD-4RTB-6WHC';
export const DESK = 'DESK-7KX2-M9QD-4RTB';
export const USER_CODE = 'WDJB-MJHT';

const client = { id: 'thue-dien-tu', name: 'Thuế điện tử', uri: 'https://thuedientu.example.vn', logo_uri: 'https://thuedientu.example.vn/logo.png', policy_uri: 'https://thuedientu.example.vn/rieng-tu', tos_uri: null };
const androidChrome = 'Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36';
const macSafari = 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15';

export function freshEid(at) {
  return {
    signedIn: false, stale: false, state: 'active', level: 1, kind: 'citizen', user: null, registered: true, deskUsed: false,
    interactions: new Map(), passkeys: [], creation: null, codes: null, totp: null, accounts: 1,
    authenticators: [{ number: 1, kind: 'password', title: '', created_at: at(90000), used_at: at(30) }],
    wards: [],
    sessions: [
      { sid: 'S-here', current: true, created_at: at(30), used_at: at(0), address: '203.0.113.7', agent: androidChrome },
      { sid: 'S-there', current: false, created_at: at(4000), used_at: at(1500), address: '198.51.100.20', agent: macSafari },
    ],
    signIns: [
      { entry: 41, at: at(30), what: 'sign-in', allowed: true, where: '203.0.113.7', how: 'pwd otp mfa client=thue-dien-tu' },
      { entry: 40, at: at(1600), what: 'sign-in.failed', allowed: true, where: '192.0.2.99', how: 'pwd' },
      { entry: 12, at: at(9000), what: 'sign-in', allowed: true, where: '203.0.113.7', how: 'hwk user mfa' },
    ],
    services: [{ client_id: 'SVC0000000000001', created_at: at(4000), metadata: { client_name: 'Phòng khám An', purpose: 'Đặt lịch khám', redirect_uris: ['https://an.example/back'], grant_types: ['authorization_code', 'refresh_token'], token_endpoint_auth_method: 'client_secret_basic' } }],
    uses: [
      { day: '2026-12-01', what: 'token', outcome: 'invalid_grant', detail: 'the code was used before; what it gave is over now', count: 3, last_at: at(5) },
      { day: '2026-12-01', what: 'authorize', outcome: '', detail: '', count: 128, last_at: at(6) },
    ],
    grants: [
      { client, scopes: ['openid', 'profile', 'offline_access'], claims: ['personal_number'], purpose: 'Khai thuế thu nhập cá nhân', given_at: at(3000), last_used_at: at(30), record: { schema_version: 'ISO/IEC TS 27560:2023', record_id: 'R-1', pii_information: ['name', 'personal_number'] } },
      { client: { id: 'cong-dich-vu-cong', name: null, uri: null, logo_uri: null }, scopes: ['openid'], claims: [], purpose: '', given_at: at(80000), last_used_at: null, record: { record_id: 'R-2' } },
    ],
    readers: [
      { entry: 33, at: at(500), who: 'user:lan', agency: 'bca', what: 'read', purpose: 'residence', legal_basis: 'Luật Cư trú 68/2020/QH14', platform: 'registry', allowed: true, fields: ['full_name', 'permanent_address'] },
      { entry: 21, at: at(2500), who: 'key:7KX2M9QD', agency: 'bhxh', what: 'match', purpose: 'not-in-the-words', legal_basis: '', platform: 'verify', allowed: false, fields: [] },
    ],
    desk: [{ account: 'A7KX2M9QD4RTB6WH', kind: 'citizen', name_masked: 'N••••• V•• B•••', number_masked: '•••• 2345', birth_year: '1988', level: 1, state: 'active', child: false, created_at: at(9000), authenticators: ['password', 'passkey', 'passkey'] }],
  };
}

const base64url = (bytes) => Buffer.from(bytes).toString('base64url');
const same = (a, b) => a.replace(/[\s-]/g, '').toUpperCase() === b.replace(/[\s-]/g, '').toUpperCase();

export function eidApi(world, { problem, at }) {
  const s = () => world.state.eid;
  const no = (status, code, more) => problem(status, code, '', '', more);

  /** A sign-in that a client, a device or the account's page has begun. */
  const begin = (more = {}) => {
    const id = randomBytes(12).toString('base64url');
    s().interactions.set(id, { id, kind: 'account', step: 'sign-in', need: { acr: null, level: 1 }, client: null, scopes: [], claims: [], purpose: null, login_hint: null, account: null, next: '/eid/account', expires_at: at(-10), wrong: 0, ...more });
    return id;
  };
  const forClient = (more = {}) => begin({ kind: 'authorize', client, scopes: ['openid', 'profile', 'identity', 'thuoc'], claims: ['email', 'quoc_an'], purpose: 'Khai thuế thu nhập cá nhân', next: '/eid/back', ...more });

  const has = (kind) => s().authenticators.some((a) => a.kind === kind);
  const shown = (it) => {
    const methods = it.step === 'sign-in' ? ['passkey', 'password', 'recovery'] : it.step === 'second' ? ['passkey', 'totp', 'recovery'].filter((m) => has(m)) : [];
    const { next, wrong, challenge, ...rest } = it;
    return { status: 200, body: { ...rest, methods, account: it.step === 'sign-in' ? null : { name: it.step === 'second' ? 'N••••• V•• B•••' : 'Nguyễn Văn Bình', number_masked: '•••• 2345' }, location: it.step === 'done' ? `${next}${it.kind === 'account' ? '' : `?interaction=${it.id}`}` : null } };
  };
  const enter = (it) => {
    if (s().state === 'frozen') return no(403, 'eid.frozen');
    if (it.need.level > s().level) return no(403, 'eid.level');
    s().signedIn = true;
    s().stale = false;
    it.step = it.client ? 'consent' : 'done';
    return shown(it);
  };
  const login = (text) => [NUMBER, '0912345678', 'binh@example.vn'].includes(text?.trim());

  function password(it, body) {
    if (body.login === '000000000000') return { ...no(429, 'auth.throttled'), headers: { 'Retry-After': '130' } };
    if (!login(body.login) || body.password !== PASSWORD) return no(401, 'auth.failed');
    if (!['passkey', 'totp'].some(has)) return enter(it);
    it.step = 'second';
    return shown(it);
  }

  function code(it, kind, body) {
    if (it.step === 'sign-in') {
      if (!login(body.login) || !same(body.code, DESK) || s().deskUsed) return no(401, 'auth.failed');
      s().deskUsed = true;
      return enter(it);
    }
    if (kind === 'totp' && body.code.replace(/\s/g, '') === USED) return no(403, 'eid.totp_used');
    if (kind === 'totp' ? body.code.replace(/\s/g, '') === TOTP : same(body.code, RECOVERY)) return enter(it);
    if (++it.wrong === 5) Object.assign(it, { step: 'sign-in', wrong: 0 });
    return no(401, 'auth.failed');
  }

  /** What section 7.2 of Web Authentication asks of an assertion, as far as a page can err. */
  function assertion(it, { credential: c }) {
    const key = s().passkeys.find((k) => k.id === c?.id && c.rawId === c.id && c.type === 'public-key');
    if (!key) return no(401, 'webauthn.credential');
    const clientData = Buffer.from(c.response.clientDataJSON, 'base64url');
    const authData = Buffer.from(c.response.authenticatorData, 'base64url');
    const { type, challenge } = JSON.parse(clientData);
    if (type !== 'webauthn.get' || challenge !== it.challenge) return no(400, 'webauthn.challenge');
    it.challenge = null;
    const signed = Buffer.concat([authData, createHash('sha256').update(clientData).digest()]);
    if (!verify('sha256', signed, createPublicKey({ key: Buffer.from(key.publicKey, 'base64url'), format: 'der', type: 'spki' }), Buffer.from(c.response.signature, 'base64url'))) return no(401, 'webauthn.signature');
    if (c.response.userHandle !== base64url('account-of-binh')) return no(401, 'webauthn.user_handle');
    return enter(it);
  }

  function interaction(method, [id, action], body) {
    const it = s().interactions.get(id);
    if (!it) return no(404, 'eid.interaction');
    if (!action) return shown(it);
    if (action === 'passkey/options') {
      it.challenge = base64url(randomBytes(32));
      return { status: 200, body: { publicKey: { challenge: it.challenge, rpId: 'localhost', timeout: 300000, userVerification: 'required', allowCredentials: it.step === 'second' || login(body.login) ? s().passkeys.map((k) => ({ id: k.id, type: 'public-key' })) : [] } } };
    }
    if (action === 'other') return shown(Object.assign(it, { step: 'sign-in', account: null }));
    if (action === 'consent') {
      if (it.step !== 'consent') return no(409, 'eid.interaction_changed');
      return shown(Object.assign(it, { step: 'done', allowed: body.allow }));
    }
    if (action === 'passkey') return assertion(it, body);
    if ((action === 'password') !== (it.step === 'sign-in') && !(action === 'recovery' && body.login)) return no(409, 'eid.interaction_changed');
    return action === 'password' ? password(it, body) : code(it, action, body);
  }

  function open(body) {
    if (body.kind !== 'citizen' || !/^\d{4}-\d\d-\d\d$/.test(body.birth_date)) return no(400, 'request.body');
    if (body.number !== NUMBER || !/^nguy[eễ]n v[aă]n b[iì]nh$/i.test(body.name) || body.birth_date !== '1988-03-27') return no(400, 'eid.no_match');
    if (s().registered) return no(409, 'eid.exists');
    if (/^(.)\1+$/.test(body.password)) return no(400, 'password.common', { field: 'password' });
    s().signedIn = s().registered = true;
    return { status: 201, body: { account: 'A7KX2M9QD4RTB6WH', level: 1 } };
  }

  const me = () => ({ account: 'A7KX2M9QD4RTB6WH', kind: s().kind, name: 'Nguyễn Văn Bình', number_masked: '•••• 2345', level: s().level, acr: has('passkey') ? 'urn:ndc:eid:2' : 'urn:ndc:eid:1', state: s().state, birth_date: '1988-03-27', phone: '+84912345678', email: '', user: s().user, signed_in_at: at(5), authenticators: s().authenticators, guardian_of: s().wards });
  const add = (kind, more) => s().authenticators.push({ number: Math.max(0, ...s().authenticators.map((a) => a.number)) + 1, kind, title: '', created_at: at(0), used_at: null, ...more });

  function register(body) {
    const { credential: c, title } = body;
    const data = JSON.parse(Buffer.from(c.response.clientDataJSON, 'base64url'));
    if (data.type !== 'webauthn.create' || data.challenge !== s().creation) return no(400, 'webauthn.challenge');
    s().creation = null;
    // The attestation object holds the credential's id; its form is the server's matter.
    if (!Buffer.from(c.response.attestationObject, 'base64url').includes(Buffer.from(c.id, 'base64url'))) return no(400, 'webauthn.attestation');
    s().passkeys.push({ id: c.id, publicKey: c.response.publicKey });
    add('passkey', { title, synced: false });
    return { status: 200, body: { number: 2, title } };
  }

  function own(method, path, body) {
    if (!s().signedIn) return no(401, 'eid.signed_out');
    if (path === '') return { status: 200, body: me() };
    if (path === '/sessions') return { status: 200, body: s().sessions };
    if (path === '/sign-ins') return { status: 200, body: s().signIns };
    if (path === '/grants') return { status: 200, body: s().grants };
    if (path === '/readers') return { status: 200, body: s().readers };
    if (path === '/freeze') { Object.assign(s(), { state: 'frozen', signedIn: false }); return { status: 204 }; }
    const [, kind, id] = path.split('/').map(decodeURIComponent);
    if (kind === 'sessions') {
      if (s().sessions.find((x) => x.sid === id)?.current) s().signedIn = false;
      s().sessions = s().sessions.filter((x) => x.sid !== id);
      return { status: 204 };
    }
    if (kind === 'grants') { s().grants = s().grants.filter((g) => g.client.id !== id); return { status: 204 }; }
    if (kind === 'clients' && method === 'GET') {
      const found = s().services.find((c) => c.client_id === id);
      if (!id) return { status: 200, body: { clients: s().services.map((c) => ({ client_id: c.client_id, client_name: c.metadata.client_name, profile: '', disabled: false, created_at: c.created_at, changed_at: c.created_at })) } };
      if (!found) return no(404, 'eid.client');
      return { status: 200, body: path.endsWith('/use') ? { days: s().uses } : { client_id: id, metadata: found.metadata } };
    }
    if (s().stale) return no(403, 'eid.fresh');
    if (kind === 'clients') {
      const found = s().services.find((c) => c.client_id === id);
      if (method === 'POST' && !id) {
        if (body.redirect_uris?.some((u) => u.startsWith('https://wrong'))) return { ...no(400, 'invalid_redirect_uri'), body: { ...no(400, 'invalid_redirect_uri').body, detail: 'redirect_uris: https://wrong/ is not taken' } };
        s().services.unshift({ client_id: 'NEW0000000000001', created_at: null, metadata: body });
        return { status: 201, body: { client_id: 'NEW0000000000001', client_secret: body.token_endpoint_auth_method === 'none' ? undefined : 'ecs_secret', metadata: body } };
      }
      if (method === 'DELETE') { s().services = s().services.filter((c) => c !== found); return { status: 204 }; }
      if (method === 'PUT') found.metadata = body;
      return { status: 200, body: { client_id: id, client_secret: path.endsWith('/secret') ? 'ecs_another' : undefined, metadata: found.metadata } };
    }
    if (path === '/password') {
      if (has('password') && body.current !== PASSWORD) return no(403, 'password.wrong', { field: 'current' });
      return { status: 204 };
    }
    if (path === '/passkeys/options') {
      s().creation = base64url(randomBytes(32));
      return { status: 200, body: { publicKey: { challenge: s().creation, rp: { id: 'localhost', name: 'ndc' }, user: { id: base64url('account-of-binh'), name: '•••• 2345', displayName: 'Nguyễn Văn Bình' }, pubKeyCredParams: [{ type: 'public-key', alg: -7 }], timeout: 300000, attestation: 'none', authenticatorSelection: { residentKey: 'preferred', userVerification: 'required' }, excludeCredentials: s().passkeys.map((k) => ({ id: k.id, type: 'public-key' })) } } };
    }
    if (path === '/passkeys') return register(body);
    if (path === '/totp') return { status: 200, body: { number: 7, secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP', uri: 'otpauth://totp/ndc:%E2%80%A2%E2%80%A2%E2%80%A2%E2%80%A2%202345?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=ndc' } };
    if (kind === 'totp') {
      if (body.code === USED) return no(403, 'eid.totp_used');
      if (body.code !== TOTP) return no(400, 'eid.code', { field: 'code' });
      add('totp');
      return { status: 204 };
    }
    if (path === '/recovery') {
      s().authenticators = s().authenticators.filter((a) => a.kind !== 'recovery');
      add('recovery', { codes_left: 10 });
      return { status: 200, body: { codes: Array.from({ length: 10 }, (_, i) => `${RECOVERY.slice(0, -1)}${i}`) } };
    }
    if (path === '/children') {
      if (body.number !== '001216054321') return no(403, 'eid.guardian');
      s().wards.push({ account: 'CHILD', kind: 'citizen', number_masked: '•••• 4321', name: body.name, level: 1, state: 'active' });
      return { status: 201, body: { account: 'CHILD', level: 1 } };
    }
    if (kind === 'authenticators') {
      const rest = s().authenticators.filter((a) => String(a.number) !== id);
      if (!rest.some((a) => a.kind === 'password' || a.kind === 'passkey')) return no(409, 'eid.last_authenticator');
      s().authenticators = rest;
      return { status: 204 };
    }
    return no(404, 'http.not_found');
  }

  /** What needs no console session; null: not ours. */
  function answer(method, path, params, headers, body) {
    if (!path.startsWith('/api/eid/') || path.startsWith('/api/eid/desk/')) return null;
    if (method !== 'GET' && method !== 'DELETE' && headers['content-type'] !== 'application/json') return no(415, 'http.content_type');
    if (path === '/api/eid/interactions') return shown(s().interactions.get(begin({ next: body.next })));
    if (path.startsWith('/api/eid/interactions/')) {
      const [, id, action] = /^\/api\/eid\/interactions\/([^/]+)(?:\/(.*))?$/.exec(path);
      return interaction(method, [id, action], body);
    }
    if (path === '/api/eid/accounts') return open(body);
    if (path === '/api/eid/device') return same(body.user_code, USER_CODE) ? { status: 200, body: { location: `/eid/sign-in?interaction=${begin({ kind: 'device', client, scopes: ['openid'], next: '/eid/device' })}` } } : no(404, 'eid.user_code');
    if (path === '/api/eid/console') {
      if (!s().signedIn) return no(401, 'eid.signed_out');
      if (!s().user) return no(403, 'eid.no_user');
      world.state.session = true;
      return { status: 200, cookie: 'ndc_session=mock; Path=/; HttpOnly; SameSite=Strict', body: {} };
    }
    if (path.startsWith('/api/eid/me')) return own(method, path.slice('/api/eid/me'.length), body);
    return no(404, 'http.not_found');
  }

  /** The desk's routes, behind the console's session. */
  function desk(method, path, params, headers, body) {
    if (!path.startsWith('/api/eid/desk/')) return null;
    if (!headers['ndc-purpose']) return no(400, 'purpose.missing');
    if (path === '/api/eid/desk/accounts') return { status: 200, body: { accounts: params.get('number') === NUMBER ? s().desk : [] } };
    const [, id, act] = /^\/api\/eid\/desk\/accounts\/([^/]+)\/(\w+)$/.exec(path) ?? [];
    const account = s().desk.find((a) => a.account === id);
    if (!account) return no(404, 'eid.account');
    if (act === 'proof') account.level = 2;
    if (act === 'freeze') account.state = 'frozen';
    if (act === 'thaw') account.state = 'active';
    if (act === 'reset') return { status: 200, body: { codes: [DESK] } };
    return { status: 200, body: { account: id, level: account.level, state: account.state } };
  }

  return { answer, desk, begin, forClient };
}

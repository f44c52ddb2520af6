// A sample relying party: a service that signs people in with openid-client, is told of
// sign-outs, and has a page without a server part that does it with oidc-client-ts.
// usage: node sample_rp.mjs ISSUER [PORT]      then open http://127.0.0.1:PORT (3000)
import './node18.mjs';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';

const modules = new URL('../../../web/node_modules/', import.meta.url);
const oidc = await import(new URL('openid-client/build/index.js', modules));
const jose = await import(new URL('jose/dist/webapi/index.js', modules));

const escape = (text) => String(text).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
const html = (body) => `<!doctype html><html lang="vi"><meta charset="utf-8"><title>Dịch vụ mẫu</title>${body}</html>`;

/** {origin, stop()}; registers its two clients at the issuer by itself. */
export async function startSample(issuer, { port = 0 } = {}) {
  const server = createServer((req, res) => {
    answer(req, res).catch((error) => {
      res.writeHead(500, { 'Content-Type': 'text/html; charset=utf-8' });
      res.end(html(`<h1>Không đăng nhập được</h1><pre id="error">${escape(`${error.error ?? error.name}: ${error.error_description ?? error.message}`)}</pre><a href="/">Về đầu trang</a>`));
    });
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${server.address().port}`;
  const insecure = { execute: issuer.startsWith('http:') ? [oidc.allowInsecureRequests] : [] };
  const register = (metadata, authentication) => oidc.dynamicClientRegistration(new URL(issuer), { response_types: ['code'], grant_types: ['authorization_code', 'refresh_token'], ...metadata }, authentication, insecure);
  const config = await register({
    client_name: 'Dịch vụ mẫu', purpose: 'Đặt lịch khám', redirect_uris: [`${origin}/back`], post_logout_redirect_uris: [`${origin}/`],
    backchannel_logout_uri: `${origin}/told`, backchannel_logout_session_required: true, token_endpoint_auth_method: 'client_secret_basic',
  }, oidc.ClientSecretBasic());
  const page = await register({
    client_name: 'Trang mẫu', redirect_uris: [`${origin}/page/`, `${origin}/page/silent.html`], post_logout_redirect_uris: [`${origin}/page/`], token_endpoint_auth_method: 'none',
  }, oidc.None());
  const keys = jose.createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri));
  const sessions = new Map(); // cookie -> {checks} on the way, {person, idToken, sid} after

  const files = {
    '/page/': ['text/html; charset=utf-8', () => readFileSync(new URL('sample_page.html', import.meta.url))],
    '/page/silent.html': ['text/html; charset=utf-8', () => '<!doctype html><script src="oidc-client-ts.js"></script><script>new oidc.UserManager({}).signinSilentCallback()</script>'],
    '/page/oidc-client-ts.js': ['text/javascript', () => readFileSync(new URL('oidc-client-ts/dist/browser/oidc-client-ts.min.js', modules))],
    '/page/settings.json': ['application/json', () => JSON.stringify({ authority: issuer, client_id: page.clientMetadata().client_id })],
  };

  const routes = {
    async 'GET /'(session) {
      const p = session?.person;
      return { body: html(p ? `<h1>Xin chào <span id="name">${escape(p.name)}</span></h1><p id="acr">${escape(session.acr)}</p><a id="out" href="/sign-out">Đăng xuất</a>` : '<h1>Dịch vụ mẫu</h1><a id="in" href="/sign-in">Đăng nhập</a>') };
    },
    /** `?acr=` asks for a level of assurance. */
    async 'GET /sign-in'(_, url) {
      const checks = { pkceCodeVerifier: oidc.randomPKCECodeVerifier(), expectedState: oidc.randomState(), expectedNonce: oidc.randomNonce() };
      const cookie = randomBytes(24).toString('base64url');
      sessions.set(cookie, { checks });
      const acr = url.searchParams.get('acr');
      const to = oidc.buildAuthorizationUrl(config, {
        ...(acr ? { acr_values: acr } : {}), redirect_uri: `${origin}/back`, scope: 'openid profile', state: checks.expectedState, nonce: checks.expectedNonce,
        code_challenge: await oidc.calculatePKCECodeChallenge(checks.pkceCodeVerifier), code_challenge_method: 'S256',
      });
      return { to, cookie };
    },
    async 'GET /back'(session, url) {
      if (!session?.checks) return { to: '/' };
      const { checks } = session;
      delete session.checks;
      const tokens = await oidc.authorizationCodeGrant(config, url, checks);
      const claims = tokens.claims();
      session.person = await oidc.fetchUserInfo(config, tokens.access_token, claims.sub);
      Object.assign(session, { idToken: tokens.id_token, sid: claims.sid, acr: claims.acr });
      return { to: '/' };
    },
    async 'GET /sign-out'(session) {
      if (!session?.idToken) return { to: '/' };
      const to = oidc.buildEndSessionUrl(config, { id_token_hint: session.idToken, post_logout_redirect_uri: `${origin}/` });
      for (const name of ['person', 'idToken', 'sid']) delete session[name];
      return { to };
    },
    /** OpenID Connect Back-Channel Logout 1.0, 2.6. */
    async 'POST /told'(_, __, form) {
      const { payload } = await jose.jwtVerify(form.get('logout_token'), keys, { issuer, audience: config.clientMetadata().client_id, typ: 'logout+jwt', requiredClaims: ['jti', 'events'] });
      if (!payload.events['http://schemas.openid.net/event/backchannel-logout'] || payload.nonce !== undefined) return { status: 400 };
      for (const [cookie, session] of sessions) if (session.sid === payload.sid) sessions.delete(cookie);
      return { body: '' };
    },
  };

  async function answer(req, res) {
    const url = new URL(req.url, origin);
    const file = files[url.pathname];
    if (file) {
      res.writeHead(200, { 'Content-Type': file[0], 'Cache-Control': 'no-store' });
      return void res.end(file[1]());
    }
    const route = routes[`${req.method} ${url.pathname}`];
    if (!route) {
      res.writeHead(404);
      return void res.end();
    }
    let body = '';
    for await (const part of req) body += part;
    const session = sessions.get(/(?:^|; )sample-rp=([\w-]+)/.exec(req.headers.cookie ?? '')?.[1]);
    const given = await route(session, url, new URLSearchParams(body));
    const headers = { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store' };
    if (given.cookie) headers['Set-Cookie'] = `sample-rp=${given.cookie}; HttpOnly; SameSite=Lax; Path=/`;
    if (given.to) headers.Location = String(given.to);
    res.writeHead(given.status ?? (given.to ? 303 : 200), headers);
    res.end(given.body);
  }

  return { origin, stop: () => new Promise((resolve) => { server.close(resolve); server.closeAllConnections(); }) };
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [issuer, port = '3000'] = process.argv.slice(2);
  if (!issuer) {
    console.error('usage: node sample_rp.mjs ISSUER [PORT]');
    process.exit(2);
  }
  const sample = await startSample(issuer, { port: Number(port) });
  console.log(`${sample.origin}/ (its server signs in), ${sample.origin}/page/ (its page does)`);
}

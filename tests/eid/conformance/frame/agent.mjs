// A scripted browser: cookies, redirects, and somebody who answers the pages it comes to.
import { request } from './http.mjs';

/** Cookies of one browser, by origin's host; enough of RFC 6265 for loopback. */
class Jar {
  #all = [];

  take(url, headers) {
    for (const line of [headers['set-cookie'] ?? []].flat()) {
      const [pair, ...rest] = line.split(';').map((s) => s.trim());
      const at = pair.indexOf('=');
      const attributes = Object.fromEntries(rest.map((r) => [r.split('=')[0].toLowerCase(), r.split('=').slice(1).join('=')]));
      const name = pair.slice(0, at);
      const cookie = { host: url.hostname, path: attributes.path || '/', name, value: pair.slice(at + 1), secure: 'secure' in attributes };
      this.#all = this.#all.filter((c) => c.host !== cookie.host || c.path !== cookie.path || c.name !== name);
      const over = attributes['max-age'] !== undefined ? Number(attributes['max-age']) <= 0
        : attributes.expires !== undefined && Date.parse(attributes.expires) <= Date.now();
      if (!over) this.#all.push(cookie);
    }
  }

  header(url) {
    const fits = this.#all.filter((c) => c.host === url.hostname && (!c.secure || url.protocol === 'https:')
      && (url.pathname === c.path || url.pathname.startsWith(c.path.endsWith('/') ? c.path : `${c.path}/`)));
    return fits.map((c) => `${c.name}=${c.value}`).join('; ');
  }

  clear() {
    this.#all = [];
  }
}

/** Answers ndc's pages through the JSON interface that they use themselves. */
export const ndcPages = {
  isPage: (url) => url.pathname === '/eid/sign-in' || url.pathname === '/eid/sign-out',
  async answer(agent, url, { account, allow }) {
    if (url.pathname === '/eid/sign-out') return signOut(agent, url, allow);
    const id = url.searchParams.get('interaction');
    const path = `/api/eid/interactions/${id}`;
    let at = await agent.api('GET', url, path);
    for (let i = 0; i < 6 && at.step !== 'done'; i++) {
      agent.seen.push(at.step);
      agent.interaction = at;
      if (agent.stopAt === at.step) return null;
      if (at.step === 'sign-in') at = await agent.api('POST', url, `${path}/password`, { login: account.login, password: account.password });
      else if (at.step === 'consent') at = await agent.api('POST', url, `${path}/consent`, { allow });
      else throw new Error(`the sign-in is at "${at.step}", which this browser cannot answer`);
    }
    if (!at.location) throw new Error(`the sign-in does not come to an end: ${JSON.stringify(at)}`);
    return new URL(at.location, url);
  },
};

/** The page that asks whether to sign out: ends the session as it does, and goes on. */
async function signOut(agent, url, allow) {
  agent.seen.push('sign-out');
  if (agent.stopAt === 'sign-out' || !allow) return null;
  const sessions = await agent.api('GET', url, '/api/eid/me/sessions');
  const list = Array.isArray(sessions) ? sessions : sessions.sessions ?? sessions.items;
  const current = list.find((s) => s.current);
  await agent.api('DELETE', url, `/api/eid/me/sessions/${current.sid}`);
  const next = url.searchParams.get('post_logout_redirect_uri');
  if (!next) return null;
  const end = new URL('/eid/logout', url);
  for (const name of ['client_id', 'post_logout_redirect_uri', 'state']) {
    if (url.searchParams.get(name) !== null) end.searchParams.set(name, url.searchParams.get(name));
  }
  return end;
}

/** Answers a provider whose pages are plain forms, as npm's oidc-provider shows in development. */
export const formPages = {
  isPage: (url) => /^\/interaction\//.test(url.pathname) || /^\/session\/end$/.test(url.pathname),
  async answer(agent, url, { account, allow }, answer) {
    const action = /<form[^>]*action="([^"]+)"/.exec(answer.text)?.[1];
    if (!action) return null;
    const form = {};
    for (const [input] of answer.text.matchAll(/<(?:input|button)[^>]*>/g)) {
      const name = /name="([^"]+)"/.exec(input)?.[1];
      if (name) form[name] = /value="([^"]*)"/.exec(input)?.[1] ?? '';
    }
    const step = 'login' in form ? 'sign-in' : 'xsrf' in form ? 'sign-out' : 'consent';
    agent.seen.push(step);
    if (agent.stopAt === step) return null;
    if (step === 'consent' && !allow) return new URL(`${url.pathname.replace(/\/$/, '')}/abort`, url);
    if (step === 'sign-out' && !allow) return null;
    if (step === 'sign-in') Object.assign(form, { login: account.login, password: account.password });
    return { url: new URL(action.replaceAll('&amp;', '&'), url), method: 'POST', form };
  },
};

export class Agent {
  /** `pages` answers pages; `callback` is the origin of the relying party, where it stops. */
  constructor({ pages, callback, account, tls }) {
    Object.assign(this, { pages, callback, account, tls, jar: new Jar(), allow: true, stopAt: null, seen: [], interaction: null });
  }

  forget() {
    this.jar.clear();
  }

  async load(url, options = {}) {
    const headers = { Accept: 'text/html', ...options.headers };
    const cookie = this.jar.header(url);
    if (cookie) headers.Cookie = cookie;
    const answer = await request(url, { ...options, headers, tls: this.tls });
    this.jar.take(url, answer.headers);
    return answer;
  }

  async api(method, base, path, json) {
    const answer = await this.load(new URL(path, base), { method, json, headers: { Accept: 'application/json', 'Sec-Fetch-Site': 'same-origin' } });
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text.slice(0, 300)}`);
    return answer.json;
  }

  /** Goes to an address and on from there. Ends at the relying party: {callback: URL, params},
   * or at a page that it stops at or cannot answer: {page: URL, status, text}. */
  async go(url, { method = 'GET', form } = {}) {
    let at = new URL(url);
    let how = { method, form };
    this.seen = [];
    for (let hops = 0; hops < 25; hops++) {
      const answer = await this.load(at, how);
      const came = at;
      if (answer.status >= 300 && answer.status < 400 && answer.headers.location) {
        at = new URL(answer.headers.location, at);
        how = { method: 'GET' };
        continue;
      }
      if (at.origin === this.callback) return { callback: at, params: at.searchParams, seen: this.seen };
      const next = this.pages.isPage(at) ? await this.pages.answer(this, at, this, answer) : null;
      if (!next) return { page: came, status: answer.status, text: answer.text, seen: this.seen };
      at = next.url ?? next;
      how = { method: next.method ?? 'GET', form: next.form };
    }
    throw new Error(`too many redirects, last to ${at}`);
  }
}

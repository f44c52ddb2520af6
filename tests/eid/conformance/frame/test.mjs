// What a module is given: named checks, the provider's metadata, clients, browsers.
import { Agent } from './agent.mjs';
import { request } from './http.mjs';

export class Stop extends Error {}
export class Skip extends Error {}

export class Test {
  checks = [];
  clients = [];

  constructor(target, options = {}) {
    this.target = target;
    this.options = options;
  }

  get op() {
    return this.target.metadata;
  }

  #note(kind, name, detail) {
    this.checks.push({ kind, name, detail: detail === undefined ? '' : typeof detail === 'string' ? detail : JSON.stringify(detail) });
  }

  /** A check of this module; it goes on after a failure. */
  check(name, truth, detail) {
    this.#note(truth ? 'ok' : 'failed', name, truth ? undefined : detail);
    return Boolean(truth);
  }

  /** A check without which nothing more makes sense. */
  need(name, truth, detail) {
    if (!this.check(name, truth, detail)) throw new Stop(name);
    return truth;
  }

  equal(name, have, want) {
    return this.check(name, JSON.stringify(have) === JSON.stringify(want), `have ${JSON.stringify(have)}, want ${JSON.stringify(want)}`);
  }

  /** What a specification recommends: a warning where it is not so. */
  should(name, truth, detail) {
    this.#note(truth ? 'ok' : 'warning', name, truth ? undefined : detail);
    return Boolean(truth);
  }

  skip(reason) {
    throw new Skip(reason);
  }

  sleep(seconds) {
    return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  }

  request(url, options = {}) {
    return request(url, { ...options, tls: { ...this.target.tls, ...options.tls } });
  }

  /** A browser of somebody with an account. */
  agent(account = this.target.account) {
    return new Agent({ pages: this.target.pages, callback: this.target.callback.origin, account, tls: this.target.tls });
  }

  /** An address at the relying party, of this module alone. */
  redirectUri(path = 'callback') {
    return `${this.target.callback.origin}/${this.name}/${path}`;
  }

  /** Registers a client (RFC 7591). */
  async register(metadata = {}) {
    const all = {
      client_name: `conformance ${this.name}`,
      redirect_uris: [this.redirectUri()],
      grant_types: ['authorization_code'],
      response_types: ['code'],
      ...metadata,
    };
    for (const [name, value] of Object.entries(all)) if (value === undefined) delete all[name];
    const answer = await this.request(this.op.registration_endpoint, { method: 'POST', json: all });
    this.need('a client can be registered', answer.status === 201 && answer.json?.client_id, `${answer.status} ${answer.text.slice(0, 500)}`);
    this.clients.push(answer.json);
    return answer.json;
  }

  async clean() {
    for (const c of this.clients) {
      if (!c.registration_client_uri) continue;
      await this.request(c.registration_client_uri, { method: 'DELETE', headers: { Authorization: `Bearer ${c.registration_access_token}` } }).catch(() => null);
    }
  }
}

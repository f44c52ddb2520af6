// FAPI 2.0 as a relying party does it: pushed requests, client assertions, DPoP proofs or
// client certificates; with a handle on each part, to make it wrong.
import { makeCert } from './certs.mjs';
import * as checks from './checks.mjs';
import { makeKey, random, sha256u, sign } from './jose.mjs';

export const makeClientCert = () => makeCert('a relying party');
const now = () => Math.floor(Date.now() / 1000);
const present = (o) => Object.fromEntries(Object.entries(o).filter(([, v]) => v !== undefined));

export class Fapi {
  /** A client registered for the profile, as the plan's variant has it; `n` of two, `keys` (JWKs)
   * beside its own. */
  static async register(t, { n = 0, alg = 'ES256', keys = [], metadata = {} } = {}) {
    const f = new Fapi();
    f.t = t;
    f.key = makeKey(alg);
    f.dpopKey = t.options.sender === 'dpop' ? makeKey('ES256') : null;
    f.cert = t.options.sender === 'mtls' ? t.target.clientCerts[n] : null;
    f.client = await t.register({
      redirect_uris: [t.redirectUri(n ? 'callback1?dummy1=lorem&dummy2=ipsum' : 'callback0')],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [f.key.published, ...keys] },
      id_token_signed_response_alg: t.op.id_token_signing_alg_values_supported.includes('PS256') ? 'PS256' : 'ES256',
      ...(t.target.peer ? {} : { profile: 'fapi2' }),
      ...(t.options.signed ? { require_signed_request_object: true } : {}),
      ...(f.dpopKey ? { dpop_bound_access_tokens: true } : { tls_client_certificate_bound_access_tokens: true }),
      ...metadata,
    });
    return f;
  }

  get redirectUri() {
    return this.client.redirect_uris[0];
  }

  /** `claims` replace those that are right (undefined: left out); `key`, `header` likewise. */
  assertion({ claims = {}, key = this.key, header = {} } = {}) {
    const payload = { iss: this.client.client_id, sub: this.client.client_id, aud: this.t.op.issuer, jti: random(), iat: now(), exp: now() + 60, ...claims };
    return sign({ alg: key.alg, kid: key.kid, typ: 'JWT', ...header }, present(payload), key.privateKey);
  }

  authentication(assertion = {}) {
    if (assertion === null) return {};
    return { client_id: this.client.client_id, client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer', client_assertion: typeof assertion === 'string' ? assertion : this.assertion(assertion) };
  }

  /** A DPoP proof; `claims` and `header` replace members, `accessToken` gives ath. */
  proof(method, url, { claims = {}, header = {}, key = this.dpopKey, accessToken } = {}) {
    const all = { jti: random(), htm: method, htu: String(url), iat: now(), ...(accessToken ? { ath: sha256u(accessToken) } : {}), ...claims };
    return sign(present({ typ: 'dpop+jwt', alg: key.alg, jwk: key.jwk, ...header }), present(all), key.privateKey);
  }

  get tls() {
    return this.cert ? { cert: this.cert.cert, key: this.cert.key } : {};
  }

  /** The address for a client with a certificate (RFC 8705, 5). */
  endpoint(name) {
    return (this.cert && this.t.op.mtls_endpoint_aliases?.[name]) || this.t.op[name];
  }

  /** Parameters of a request; the verifier is kept for `token`. */
  parameters(given = {}) {
    const verifier = random();
    const params = {
      response_type: 'code', client_id: this.client.client_id, redirect_uri: this.redirectUri, scope: 'openid',
      state: random(16), nonce: random(16), code_challenge: sha256u(verifier), code_challenge_method: 'S256', ...given,
    };
    return { params: present(params), verifier };
  }

  /** A request object of RFC 9101, as FAPI 2.0 Message Signing wants it. */
  object(params, { claims = {}, key = this.key, header = {} } = {}) {
    const payload = { iss: this.client.client_id, aud: this.t.op.issuer, iat: now(), nbf: now(), exp: now() + 300, ...params, ...claims };
    return sign({ alg: key.alg, kid: key.kid, typ: 'oauth-authz-req+jwt', ...header }, present(payload), key.privateKey);
  }

  /** POST to the PAR endpoint; in plans with signed requests as a request object (`object`:
   * what is to be different in it, or its text; null: plain parameters). */
  push(params, { assertion, dpop = false, method = 'POST', extra = {}, object = this.t.options.signed ? {} : null } = {}) {
    const url = this.endpoint('pushed_authorization_request_endpoint');
    const headers = dpop ? { DPoP: this.proof('POST', url, dpop === true ? {} : dpop) } : {};
    const body = object === null ? params : { request: typeof object === 'string' ? object : this.object(params, object) };
    return this.t.request(url, { method, headers, form: { ...body, ...this.authentication(assertion), ...extra }, tls: this.tls });
  }

  /** A pushed request that is to be taken: its request_uri. */
  async pushed(params, how) {
    const answer = await this.push(params, how);
    this.t.need('the PAR endpoint takes the request', answer.status === 201 && answer.json?.request_uri, `${answer.status} ${answer.text.slice(0, 300)}`);
    this.t.check('expires_in of the request_uri is a number of seconds', Number.isInteger(answer.json.expires_in) && answer.json.expires_in > 0, answer.json.expires_in);
    this.t.check('the request_uri has 128 bits that nobody guesses', answer.json.request_uri.split(':').at(-1).length >= 22, answer.json.request_uri);
    this.expiresIn = answer.json.expires_in;
    return answer.json.request_uri;
  }

  authorizeUrl(requestUri, extra = {}) {
    const url = new URL(this.t.op.authorization_endpoint);
    for (const [name, value] of Object.entries(present({ client_id: this.client.client_id, request_uri: requestUri, ...extra }))) url.searchParams.set(name, value);
    return url;
  }

  /** Pushes and sends the browser. */
  async authorize(params, { agent = this.t.agent(), extra, ...how } = {}) {
    const uri = await this.pushed(params, how);
    this.agent = agent;
    return agent.go(this.authorizeUrl(uri, extra));
  }

  code(outcome, params) {
    const { t } = this;
    t.need('the browser comes back to the relying party with a code', outcome.callback && outcome.params.get('code'), outcome.callback?.search ?? `${outcome.page} ${outcome.status}`);
    if (params.state !== undefined) t.equal('the state comes back as it was sent', outcome.params.get('state'), params.state);
    else t.check('no state comes back where none was sent', !outcome.params.has('state'));
    t.equal('iss is the issuer', outcome.params.get('iss'), t.op.issuer);
    return outcome.params.get('code');
  }

  /** POST to the token endpoint; `proof` null: without proof of the key. */
  token(form, { assertion, proof = {}, headers = {}, tls = this.tls } = {}) {
    const url = this.endpoint('token_endpoint');
    if (this.dpopKey && proof !== null) headers = { DPoP: typeof proof === 'string' ? proof : this.proof('POST', url, proof), ...headers };
    return this.t.request(url, { method: 'POST', headers, form: { ...form, ...this.authentication(assertion) }, tls: proof === null ? {} : tls });
  }

  exchange(code, params, verifier, how = {}) {
    return this.token(present({ grant_type: 'authorization_code', code, redirect_uri: params.redirect_uri, code_verifier: verifier, ...how.form }), how);
  }

  tokens(answer) {
    const { t } = this;
    const r = answer.json ?? {};
    t.need('the token endpoint gives an access token', answer.status === 200 && r.access_token, `${answer.status} ${answer.text.slice(0, 300)}`);
    t.check('the answer may not be kept by caches', /no-store/.test(answer.headers['cache-control'] ?? ''));
    t.check(`token_type is ${this.dpopKey ? 'DPoP' : 'Bearer'}`, new RegExp(`^${this.dpopKey ? 'dpop' : 'bearer'}$`, 'i').test(r.token_type), r.token_type);
    t.check('expires_in is a number of seconds', Number.isInteger(r.expires_in) && r.expires_in > 0, r.expires_in);
    return r;
  }

  /** UserInfo is the resource. `proof`: of the DPoP proof, or the header's value(s), or null. */
  resource(accessToken, { proof = {}, scheme, method = 'GET', headers = {}, tls = this.tls, url = this.endpoint('userinfo_endpoint') } = {}) {
    const all = { Authorization: `${scheme ?? (this.dpopKey ? 'DPoP' : 'Bearer')} ${accessToken}`, ...headers };
    if (this.dpopKey && proof !== null) all.DPoP = typeof proof === 'string' || Array.isArray(proof) ? proof : this.proof(method, url, { accessToken, ...proof });
    return this.t.request(url, { method, headers: all, tls });
  }

  /** A whole sign-in that is to succeed. */
  async signIn({ params: given, verifier: v, exchange: how, ...rest } = {}) {
    const { params, verifier } = this.parameters(given);
    const outcome = await this.authorize(params, rest);
    const code = this.code(outcome, params);
    const tokens = this.tokens(await this.exchange(code, params, verifier, how));
    let id = null;
    if (params.scope.split(' ').includes('openid')) {
      const parts = await checks.idToken(this.t, tokens.id_token, { client: this.client, nonce: params.nonce ?? null, accessToken: tokens.access_token, algs: ['PS256', 'ES256', 'EdDSA'] });
      id = parts.payload;
      this.t.check('no s_hash comes where no state was sent', params.state !== undefined || id.s_hash === undefined);
    }
    return { params, verifier, outcome, code, tokens, id };
  }

  async reads(accessToken, what = 'the resource is given', how = {}) {
    const answer = await this.resource(accessToken, how);
    this.t.check(what, answer.status === 200, `${answer.status} ${answer.text.slice(0, 200)} ${answer.headers['www-authenticate'] ?? ''}`);
    return answer;
  }

}

/** An error of the PAR endpoint. */
export function parError(t, answer, errors) {
  t.check(`the PAR endpoint refuses with ${errors.join(' or ')}`, errors.includes(answer.json?.error), `${answer.status} ${answer.text.slice(0, 300)}`);
  t.check('it answers 400 or 401', [400, 401].includes(answer.status), answer.status);
  t.check('it gives no request_uri', answer.json?.request_uri === undefined);
}

/** A request that is wrong in itself is refused when it is pushed, or later in the browser. */
export async function refusedSomewhere(f, params, { errors, parErrors = errors, how = {}, extra } = {}) {
  const { t } = f;
  const answer = await f.push(params, how);
  if (answer.status !== 201) return parError(t, answer, parErrors);
  const outcome = await t.agent().go(f.authorizeUrl(answer.json.request_uri, extra));
  return checks.refused(t, outcome, { state: params.state, errors });
}

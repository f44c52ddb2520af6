// OpenID Connect as a relying party does it: authorize, exchange, look at what came.
import * as checks from './checks.mjs';
import { random } from './jose.mjs';

/** RFC 6749, 2.3.1: both parts form-encoded before they are joined. */
export function basic(client) {
  const encode = (s) => encodeURIComponent(s).replace(/%20/g, '+').replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  return `Basic ${Buffer.from(`${encode(client.client_id)}:${encode(client.client_secret)}`).toString('base64')}`;
}

/** The parameters of an authorization request; what is undefined is left out. */
export function parameters(client, given = {}) {
  const all = {
    response_type: 'code', client_id: client.client_id, redirect_uri: client.redirect_uris[0],
    scope: 'openid', state: random(16), nonce: random(16), ...given,
  };
  return Object.fromEntries(Object.entries(all).filter(([, v]) => v !== undefined));
}

export function authorizeUrl(t, params) {
  const url = new URL(t.op.authorization_endpoint);
  for (const [name, value] of Object.entries(params)) url.searchParams.append(name, value);
  return url;
}

/** The answer to an authorization that is to succeed: {code, params}. */
export function readCode(t, outcome, params) {
  t.need('the browser comes back to the relying party', outcome.callback, outcome.page ? `${outcome.page} ${outcome.status} ${outcome.text?.slice(0, 200)}` : '');
  t.need('there is a code, and no error', outcome.params.get('code') && !outcome.params.has('error'), outcome.callback.search);
  const asked = new URL(params.redirect_uri);
  t.check('it comes to the redirect_uri that was asked for', outcome.callback.pathname === asked.pathname && [...asked.searchParams].every(([k, v]) => outcome.params.get(k) === v), outcome.callback.href);
  if (params.state !== undefined) t.equal('the state comes back as it was sent', outcome.params.get('state'), params.state);
  else t.check('no state comes back where none was sent', !outcome.params.has('state'));
  if (t.op.authorization_response_iss_parameter_supported) t.equal('iss is the issuer', outcome.params.get('iss'), t.op.issuer);
  t.check('no parameter comes twice', new Set(outcome.params.keys()).size === [...outcome.params.keys()].length);
  return outcome.params.get('code');
}

/** A request to the token endpoint with the client's own way to authenticate. */
export function token(t, client, form, { headers = {} } = {}) {
  const method = client.token_endpoint_auth_method ?? 'client_secret_basic';
  const all = { ...form };
  if (method === 'client_secret_basic') headers = { Authorization: basic(client), ...headers };
  else if (method === 'client_secret_post') Object.assign(all, { client_id: client.client_id, client_secret: client.client_secret });
  else all.client_id = client.client_id;
  return t.request(t.op.token_endpoint, { method: 'POST', headers: { Accept: 'application/json', ...headers }, form: all });
}

export const exchange = (t, client, code, params, extra = {}) => token(t, client, { grant_type: 'authorization_code', code, redirect_uri: params.redirect_uri, ...extra });

/** RFC 6749, 5.1. */
export function readTokens(t, answer) {
  const r = answer.json ?? {};
  t.need('the token endpoint gives an access token', answer.status === 200 && typeof r.access_token === 'string' && r.access_token, `${answer.status} ${answer.text.slice(0, 300)}`);
  t.check('the answer is JSON', answer.type === 'application/json', answer.type);
  t.check('it may not be kept by caches', /no-store/.test(answer.headers['cache-control'] ?? ''), answer.headers['cache-control']);
  t.check('token_type is Bearer', /^bearer$/i.test(r.token_type), r.token_type);
  t.check('expires_in, where it is given, is a number of seconds', r.expires_in === undefined || (Number.isInteger(r.expires_in) && r.expires_in > 0), r.expires_in);
  return r;
}

export async function userinfo(t, accessToken, { method = 'GET', inBody = false } = {}) {
  const answer = await t.request(t.op.userinfo_endpoint, inBody
    ? { method: 'POST', form: { access_token: accessToken } }
    : { method, headers: { Authorization: `Bearer ${accessToken}` }, ...(method === 'POST' ? { body: '' } : {}) });
  return answer;
}

/** A whole sign-in that is to succeed: {agent, params, outcome, code, tokens, header, id, nonce}. */
export async function signIn(t, client, { params: given, agent = t.agent(), method, extra, algs } = {}) {
  const params = parameters(client, given);
  const outcome = method === 'POST'
    ? await agent.go(t.op.authorization_endpoint, { method: 'POST', form: params })
    : await agent.go(authorizeUrl(t, params));
  const code = readCode(t, outcome, params);
  const tokens = readTokens(t, await exchange(t, client, code, params, extra));
  const { header, payload } = await checks.idToken(t, tokens.id_token, { client, nonce: params.nonce ?? null, accessToken: tokens.access_token, algs });
  return { agent, params, outcome, code, tokens, header, id: payload };
}

/** UserInfo after a sign-in: the claims, once they are known to be this person's. */
export async function person(t, signed, how) {
  const answer = await userinfo(t, signed.tokens.access_token, how);
  t.need('UserInfo answers 200 and JSON', answer.status === 200 && answer.type === 'application/json' && answer.json, `${answer.status} ${answer.type} ${answer.text.slice(0, 200)}`);
  t.equal('sub of UserInfo is that of the ID token', answer.json.sub, signed.id.sub);
  checks.standardClaims(t, answer.json);
  return answer.json;
}

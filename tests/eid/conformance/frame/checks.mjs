// What every answer of a provider must be, whichever module asked for it.
import { halfHash, verify } from './jose.mjs';

const now = () => Math.floor(Date.now() / 1000);
const isText = (v) => typeof v === 'string' && v.length > 0;
const isNumber = (v) => Number.isInteger(v) && v > 0;
const isBool = (v) => typeof v === 'boolean';

/** Characters that RFC 6749, 4.1.2.1 and 5.2, allow in error and error_description. */
const plain = (text) => /^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/.test(text);

/** The published signing keys: each with kid, none twice, nothing private. */
export async function readKeys(t) {
  const answer = await t.request(t.op.jwks_uri);
  const keys = answer.json?.keys;
  t.need('jwks_uri answers a set of keys', answer.status === 200 && Array.isArray(keys) && keys.length > 0, answer.text.slice(0, 200));
  t.check('no published key has a private part', keys.every((k) => !('d' in k || 'p' in k || 'q' in k || 'k' in k)));
  t.check('each published key has a kid of its own', new Set(keys.map((k) => k.kid)).size === keys.length && keys.every((k) => isText(k.kid)), keys.map((k) => k.kid));
  t.check('each published key is complete', keys.every((k) => ({ RSA: () => isText(k.n) && isText(k.e), EC: () => isText(k.crv) && isText(k.x) && isText(k.y), OKP: () => isText(k.crv) && isText(k.x) }[k.kty] ?? (() => false))()));
  return keys;
}

/** OpenID Core, 2 and 3.1.3.7. Answers header and claims. `nonce` null: none may be there. */
export async function idToken(t, text, { client, nonce, accessToken, algs }) {
  const keys = await readKeys(t);
  t.need('there is an ID token', isText(text));
  let parts;
  try {
    parts = verify(text, keys, algs ?? [client.id_token_signed_response_alg ?? 'RS256']);
  } catch (error) {
    t.need('the ID token is signed by a published key, with the right alg', false, error.message);
  }
  const { header, payload: c } = parts;
  t.check('the ID token is signed by a published key, with the right alg', true);
  t.check('its header names the key where several are published', keys.length === 1 || isText(header.kid));
  t.equal('iss is the issuer', c.iss, t.op.issuer);
  const aud = [c.aud].flat();
  t.check('aud names this client', aud.includes(client.client_id), c.aud);
  t.check('aud names nobody else, or azp says for whom it is', aud.length === 1 || c.azp === client.client_id, c);
  t.check('azp, where it is given, is this client', c.azp === undefined || c.azp === client.client_id, c.azp);
  t.check('sub is an ASCII text of at most 255', isText(c.sub) && c.sub.length <= 255 && /^[\x20-\x7e]+$/.test(c.sub), c.sub);
  t.check('exp is in the future', isNumber(c.exp) && c.exp > now(), c.exp);
  t.check('iat is now, but for five minutes', isNumber(c.iat) && Math.abs(now() - c.iat) <= 300, c.iat);
  t.check('nbf, where it is given, has come', c.nbf === undefined || (isNumber(c.nbf) && c.nbf <= now() + 300), c.nbf);
  t.check('auth_time, where it is given, is a time that was', c.auth_time === undefined || (isNumber(c.auth_time) && c.auth_time <= now() + 1), c.auth_time);
  t.check('acr, where it is given, is a text', c.acr === undefined || isText(c.acr), c.acr);
  t.check('amr, where it is given, is a list of texts', c.amr === undefined || (Array.isArray(c.amr) && c.amr.every(isText)), c.amr);
  if (nonce === null) t.check('no nonce comes back where none was sent', c.nonce === undefined, c.nonce);
  else if (nonce !== undefined) t.equal('the nonce comes back as it was sent', c.nonce, nonce);
  if (c.at_hash !== undefined && accessToken) t.equal('at_hash is of the access token', c.at_hash, halfHash(header.alg, accessToken));
  return parts;
}

/** RFC 6749, 4.1.2.1, RFC 9207: an error that came back to the relying party. */
export function errorResponse(t, outcome, { state, errors }) {
  t.need('the browser is sent back to the relying party', outcome.callback, outcome.page ? `${outcome.page} ${outcome.status}` : outcome);
  const p = outcome.params;
  t.check(`error is one of ${errors.join(', ')}`, errors.includes(p.get('error')), `${p.get('error')}: ${p.get('error_description')}`);
  t.check('there is no code', !p.has('code'));
  if (state === null) t.check('no state comes back where none was sent', !p.has('state'));
  else if (state !== undefined) t.equal('the state comes back as it was sent', p.get('state'), state);
  t.check('iss, where it is given, is the issuer', !p.has('iss') || p.get('iss') === t.op.issuer, p.get('iss'));
  if (t.op.authorization_response_iss_parameter_supported) t.check('iss is there, as discovery promises', p.has('iss'));
  t.check('error_description has only the characters it may have', plain(p.get('error_description') ?? ''), p.get('error_description'));
  const known = ['error', 'error_description', 'error_uri', 'state', 'iss'];
  t.should('nothing else is in the answer', [...p.keys()].every((k) => known.includes(k)), [...p.keys()]);
}

/** RFC 6749, 5.2. */
export function tokenError(t, answer, errors, what = 'the token endpoint') {
  const e = answer.json ?? {};
  t.check(`${what} refuses with ${errors.join(' or ')}`, errors.includes(e.error), `${answer.status} ${answer.text.slice(0, 300)}`);
  t.check(`${what} answers 400${e.error === 'invalid_client' ? ' or 401' : ''}`, answer.status === 400 || (answer.status === 401 && e.error === 'invalid_client'), answer.status);
  t.check(`${what} answers JSON`, answer.type === 'application/json', answer.type);
  t.check(`${what} gives no token with it`, e.access_token === undefined && e.id_token === undefined);
  t.check('error_description has only the characters it may have', e.error_description === undefined || plain(e.error_description), e.error_description);
}

/** An error page of the provider's own, or an error at the relying party: never a code. */
export function refused(t, outcome, { state, errors = [], page = true } = {}) {
  t.check('no code is given', !outcome.params?.has('code'));
  if (outcome.callback) return errorResponse(t, outcome, { state, errors });
  t.check('the provider may answer with a page of its own here', page);
  const text = `${outcome.page} ${outcome.text}`;
  return t.check('its page says that something is wrong', outcome.status >= 400 || /error/i.test(text), `${outcome.page} ${outcome.status}`);
}

const CLAIMS = {
  sub: isText, name: isText, given_name: isText, family_name: isText, middle_name: isText, nickname: isText, preferred_username: isText,
  profile: isText, picture: isText, website: isText, gender: isText, zoneinfo: isText, locale: isText, phone_number: isText,
  email: (v) => isText(v) && /^[^@\s]+@[^@\s]+$/.test(v), email_verified: isBool, phone_number_verified: isBool,
  birthdate: (v) => /^(\d{4}|0000)(-\d\d-\d\d)?$|^\d{4}$/.test(v), updated_at: isNumber,
  address: (v) => typeof v === 'object' && v !== null && !Array.isArray(v) && Object.values(v).every((x) => typeof x === 'string'),
};

/** OpenID Core, 5.1: standard claims have their types, and are left out rather than empty. */
export function standardClaims(t, claims) {
  for (const [name, value] of Object.entries(claims)) {
    if (CLAIMS[name]) t.check(`${name} has the form of OpenID Core, 5.1`, CLAIMS[name](value), value);
  }
}

export const BY_SCOPE = {
  profile: ['name', 'family_name', 'given_name', 'birthdate', 'updated_at'],
  email: ['email', 'email_verified'],
  phone: ['phone_number', 'phone_number_verified'],
  address: ['address'],
};

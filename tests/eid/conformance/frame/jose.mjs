// Keys, JWS, thumbprints and hashes on Node's own crypto: small enough to make every mistake
// on purpose, and no library between the tests and what is on the wire.
import crypto from 'node:crypto';

export const b64u = (bytes) => Buffer.from(bytes).toString('base64url');
export const sha256u = (text) => crypto.createHash('sha256').update(text).digest('base64url');
export const random = (bytes = 32) => crypto.randomBytes(bytes).toString('base64url');

const DIGEST = { 256: 'sha256', 384: 'sha384', 512: 'sha512' };
const CURVE = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' };

/** A key pair by way of its encodings: Node 20 stands still now and then where a KeyObject of
 * generateKeyPairSync is exported as a JWK (a lock that the garbage collector wants too). */
export function makePair(type, options) {
  const encoded = crypto.generateKeyPairSync(type, { ...options, publicKeyEncoding: { format: 'pem', type: 'spki' }, privateKeyEncoding: { format: 'pem', type: 'pkcs8' } });
  const privateKey = crypto.createPrivateKey(encoded.privateKey);
  const privateJwk = privateKey.export({ format: 'jwk' });
  const { d, p, q, dp, dq, qi, ...jwk } = privateJwk;
  return { privateKey, privateJwk, jwk, privatePem: encoded.privateKey, publicPem: encoded.publicKey };
}

/** A new key for an algorithm: {alg, kid, privateKey, jwk (public), privateJwk, published}. */
export function makeKey(alg, { kid = random(8) } = {}) {
  const type = alg === 'EdDSA' ? 'ed25519' : alg.startsWith('ES') ? 'ec' : 'rsa';
  const { privateKey, privateJwk, jwk } = makePair(type, type === 'ec' ? { namedCurve: CURVE[alg] } : { modulusLength: 2048 });
  return { alg, kid, privateKey, jwk, privateJwk, published: { ...jwk, kid, alg, use: 'sig' } };
}

/** RFC 7638. */
export function thumbprint(jwk) {
  const names = { EC: ['crv', 'kty', 'x', 'y'], RSA: ['e', 'kty', 'n'], OKP: ['crv', 'kty', 'x'] }[jwk.kty];
  return sha256u(JSON.stringify(Object.fromEntries(names.map((n) => [n, jwk[n]]))));
}

function options(alg, key) {
  if (alg.startsWith('ES')) return { key, dsaEncoding: 'ieee-p1363' };
  if (alg.startsWith('PS')) return { key, padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: Number(alg.slice(2)) / 8 };
  return { key };
}

/** header.payload.signature, whatever they say; alg "none" signs nothing. */
export function sign(header, payload, privateKey) {
  const text = `${b64u(JSON.stringify(header))}.${b64u(typeof payload === 'string' ? payload : JSON.stringify(payload))}`;
  if (!header.alg || header.alg === 'none') return `${text}.`;
  const digest = header.alg === 'EdDSA' ? null : DIGEST[header.alg.slice(2)];
  return `${text}.${b64u(crypto.sign(digest, Buffer.from(text), options(header.alg, privateKey)))}`;
}

/** The parts of a compact JWS; throws on what is none. */
export function decode(jws) {
  const parts = String(jws).split('.');
  if (parts.length !== 3) throw new Error('not a compact JWS');
  return { header: JSON.parse(Buffer.from(parts[0], 'base64url')), payload: JSON.parse(Buffer.from(parts[1], 'base64url')), signature: parts[2] };
}

/** Checks with the key of a set that the header names; answers the parts and the key. */
export function verify(jws, keys, algs) {
  const { header, payload, signature } = decode(jws);
  if (!algs.includes(header.alg)) throw new Error(`alg is ${header.alg}, not one of ${algs}`);
  const kty = header.alg === 'EdDSA' ? 'OKP' : header.alg.startsWith('ES') ? 'EC' : 'RSA';
  const fits = keys.filter((k) => k.kty === kty && (k.use ?? 'sig') === 'sig' && (header.kid === undefined || k.kid === header.kid));
  if (fits.length !== 1) throw new Error(`${fits.length} published keys fit kid ${header.kid}`);
  const digest = header.alg === 'EdDSA' ? null : DIGEST[header.alg.slice(2)];
  const text = jws.slice(0, jws.lastIndexOf('.'));
  const good = crypto.verify(digest, Buffer.from(text), options(header.alg, crypto.createPublicKey({ key: fits[0], format: 'jwk' })), Buffer.from(signature, 'base64url'));
  if (!good) throw new Error('the signature does not verify');
  return { header, payload, key: fits[0] };
}

/** at_hash, c_hash: the left half of the digest of the signature's algorithm. */
export function halfHash(alg, text) {
  const digest = crypto.createHash(alg === 'EdDSA' ? 'sha512' : DIGEST[alg.slice(2)]).update(text).digest();
  return b64u(digest.subarray(0, digest.length / 2));
}

/** The same JWS with one bit of its signature changed. */
export function spoil(jws) {
  const at = jws.lastIndexOf('.') + 1;
  const bytes = Buffer.from(jws.slice(at), 'base64url');
  bytes[bytes.length >> 1] ^= 1;
  return jws.slice(0, at) + b64u(bytes);
}

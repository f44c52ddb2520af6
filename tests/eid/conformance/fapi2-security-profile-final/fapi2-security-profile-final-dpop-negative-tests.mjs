// The resource with DPoP proofs that are wrong in one way each (RFC 9449, 4.2, 4.3, 7.1): two
// headers, no JWT, no typ, alg, jwk, jti, htm, htu, iat or ath, another typ, alg none or RS256, a
// spoilt signature, a private key in the header, another method, another address, an hour early
// or late, another ath, another key, no proof, the token as Bearer.
// Asserts: each is refused with 400 or 401. Taken must be: htu with query and fragment, members
// that nobody knows, a proof that is right in between and at the end. Warnings: the header's name
// in capitals, a jti used twice, htu's scheme and host in capitals, the default port in htu.
import { Fapi } from '../frame/fapi.mjs';
import { makeKey, random, sha256u, spoil } from '../frame/jose.mjs';

export default async function (t) {
  const f = await Fapi.register(t);
  const at = (await f.signIn()).tokens.access_token;
  const url = f.endpoint('userinfo_endpoint');
  const proof = (how = {}) => f.proof('GET', url, { accessToken: at, ...how });
  const status = async (how) => (await f.resource(at, how)).status;
  const taken = async (what, how, should) => t[should ? 'should' : 'check'](`taken: ${what}`, (await status(how)) === 200);
  const wrong = async (what, how, should) => {
    const answer = await f.resource(at, how);
    t[should ? 'should' : 'check'](`refused: ${what}`, [400, 401].includes(answer.status), answer.status);
    if (!should) t.check(`refused with a challenge: ${what}`, answer.status === 400 || answer.headers['www-authenticate'], answer.headers);
  };
  const now = Math.floor(Date.now() / 1000);
  await taken('a proof that is right', {});
  await taken('the name of the header in capitals', { proof: null, headers: { DPOP: proof() } }, true);
  await wrong('two proofs', { proof: [proof(), proof()] });
  await wrong('two proofs, one of them twice', { proof: [proof(), proof()].map((p, i, all) => all[0]) });
  await wrong('what is no JWT', { proof: proof().replaceAll('.', '') });
  for (const name of ['typ', 'jwk']) await wrong(`no ${name}`, { proof: { header: { [name]: undefined } } });
  const key = f.dpopKey;
  const bare = proof().split('.');
  const noAlg = Buffer.from(JSON.stringify({ typ: 'dpop+jwt', jwk: key.jwk })).toString('base64url');
  await wrong('no alg', { proof: [noAlg, bare[1], bare[2]].join('.') });
  for (const name of ['jti', 'htm', 'htu', 'iat', 'ath']) await wrong(`no ${name}`, { proof: { claims: { [name]: undefined } } });
  await wrong('another typ', { proof: { header: { typ: 'JWT' } } });
  await wrong('alg none', { proof: { header: { alg: 'none' } } });
  const rsa = makeKey('RS256');
  await wrong('RS256 (and another key)', { proof: { key: rsa } });
  await wrong('a signature that is spoilt', { proof: spoil(proof()) });
  await wrong('a private key in the header', { proof: { header: { jwk: key.privateJwk } } });
  await wrong('another method', { proof: { claims: { htm: 'PUT' } } });
  await taken('htu with query and fragment', { proof: { claims: { htu: `${url}?a=b#c` } } });
  await taken('an address with a query, htu without', { url: `${url}?a=b`, proof: { claims: { htu: url } } });
  await wrong('another address', { proof: { claims: { htu: `${url}/other` } } });
  await wrong('another host', { proof: { claims: { htu: url.replace('127.0.0.1', 'rs.example') } } });
  await wrong('an hour early', { proof: { claims: { iat: now + 3600 } } });
  await wrong('an hour late', { proof: { claims: { iat: now - 3600 } } });
  const jti = random();
  await taken('a jti for the first time', { proof: { claims: { jti } } });
  await wrong('the same jti again', { proof: { claims: { jti } } }, true);
  await wrong('another ath', { proof: { claims: { ath: sha256u('another token') } } });
  await wrong('another key', { proof: { key: makeKey('ES256') } });
  await taken('members that nobody knows', { proof: { claims: { x_claim: 'a' }, header: { x_header: 'b' } } });
  const big = url.replace(/^(\w+):\/\/([^/]+)/, (all) => all.toUpperCase());
  await taken('scheme and host of htu in capitals', { proof: { claims: { htu: big } } }, true);
  await wrong('no proof', { proof: null });
  await wrong('no proof, the token as Bearer', { proof: null, scheme: 'Bearer' });
  await taken('a proof that is right, at the end', {});
}

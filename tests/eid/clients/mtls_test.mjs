// Clients that authenticate by their certificate (RFC 8705), over TLS at a real daemon: one that an
// authority vouches for, by its name; one of the client's own; tokens bound to it.
// usage: mtls_test.mjs NDC
import crypto from 'node:crypto';
import { startNdc } from '../conformance/frame/daemon.mjs';
import { makeCert } from '../conformance/frame/certs.mjs';
import { request } from '../conformance/frame/http.mjs';
import { assert, done, equal, test } from '../../registry/serve/daemon.mjs';

const known = makeCert('app.example'); // its own authority: client_ca has it
const other = makeCert('other.example');
const own = makeCert('app.example'); // nobody vouches for it, though it is called the same
const world = await startNdc(process.argv[2], { tls: true, clientCerts: [known.cert, other.cert] });

const by = (cert) => ({ ...world.tls, ...(cert ? { cert: cert.cert, key: cert.key } : {}) });
const post = (path, form, cert) => request(`${world.issuer}${path}`, { method: 'POST', form, tls: by(cert) });
const register = (metadata) => request(`${world.issuer}/eid/register`, { method: 'POST', json: { grant_types: ['client_credentials'], response_types: [], scope: 'read', ...metadata }, tls: by() });
const token = (id, cert) => post('/eid/token', { grant_type: 'client_credentials', client_id: id, scope: 'read' }, cert);
const claims = (jwt) => JSON.parse(Buffer.from(jwt.split('.')[1], 'base64url'));
const x5c = (cert) => [cert.cert.replace(/-----[^-]+-----|\s/g, '')];
const jwkOf = (cert) => ({ ...crypto.createPublicKey(cert.cert).export({ format: 'jwk' }), kid: 'a', x5c: x5c(cert) });

await test('discovery offers both ways over TLS', async () => {
  const { json } = await request(`${world.issuer}/.well-known/openid-configuration`, { tls: by() });
  for (const method of ['tls_client_auth', 'self_signed_tls_client_auth']) assert(json.token_endpoint_auth_methods_supported.includes(method), method);
});

await test('a certificate that an authority vouches for, by its subject', async () => {
  const made = (await register({ token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_subject_dn: 'cn=App.Example', tls_client_certificate_bound_access_tokens: true })).json;
  equal(made.tls_client_auth_subject_dn, 'cn=App.Example');
  assert(!made.client_secret, 'it has a secret');
  const answer = await token(made.client_id, known);
  equal(answer.status, 200, JSON.stringify(answer.json));
  equal(claims(answer.json.access_token).cnf['x5t#S256'], known.x5t);
  for (const [what, cert, words] of [['none', undefined, /the connection has none/], ['another of the authority', other, /not called as registered/], ['one of the same name that nobody vouches for', own, /vouches/]]) {
    const refused = await token(made.client_id, cert);
    equal([refused.status, refused.json.error], [401, 'invalid_client'], what);
    assert(words.test(refused.json.error_description), `${what}: ${refused.json.error_description}`);
  }
  const two = await post('/eid/token', { grant_type: 'client_credentials', client_id: made.client_id, client_secret: 'guessed' }, known);
  equal(two.json.error, 'invalid_client', 'a secret of a client that has none');
});

await test('a certificate of the client\'s own, in its jwks', async () => {
  const made = (await register({ token_endpoint_auth_method: 'self_signed_tls_client_auth', jwks: { keys: [jwkOf(own)] } })).json;
  const answer = await token(made.client_id, own);
  equal(answer.status, 200, JSON.stringify(answer.json));
  const refused = await token(made.client_id, known);
  assert(refused.status === 401 && /none of those/.test(refused.json.error_description), JSON.stringify(refused.json));
  equal((await token(made.client_id)).status, 401);
});

await test('introspection by certificate', async () => {
  const made = (await register({ token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_subject_dn: 'CN=app.example' })).json;
  const { access_token } = (await token(made.client_id, known)).json;
  equal((await post('/eid/introspect', { token: access_token, client_id: made.client_id }, known)).json.active, true);
  equal((await post('/eid/introspect', { token: access_token, client_id: made.client_id })).status, 401);
});

await test('what cannot be is refused at registration, by name', async () => {
  const tls = { token_endpoint_auth_method: 'tls_client_auth' };
  for (const [metadata, words] of [
    [tls, /tls_client_auth_subject_dn/],
    [{ ...tls, tls_client_auth_subject_dn: 'app.example' }, /RFC 4514/],
    [{ ...tls, tls_client_auth_subject_dn: 'CN=a', tls_client_auth_san_dns: 'a.example' }, /one is taken/],
    [{ ...tls, tls_client_auth_san_ip: '1.2.3' }, /IP address/],
    [{ tls_client_auth_san_dns: 'a.example' }, /tls_client_auth only/],
    [{ token_endpoint_auth_method: 'self_signed_tls_client_auth' }, /x5c/],
  ]) {
    const { status, json } = await register(metadata);
    equal([status, json.error], [400, 'invalid_client_metadata'], JSON.stringify(metadata));
    assert(words.test(json.error_description), json.error_description);
  }
});

await test('the FAPI 2.0 profile takes certificates for keys', async () => {
  const made = await register({ profile: 'fapi2', token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_subject_dn: 'CN=app.example', tls_client_certificate_bound_access_tokens: true });
  equal(made.status, 201, JSON.stringify(made.json));
  equal((await token(made.json.client_id, known)).status, 200);
});

await world.stop();
done();

// npm's oidc-provider 9 as a second provider: what it passes and fails shows that the modules
// can do both. It is installed by hand in a folder of its own, never with this repository.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { formPages } from './agent.mjs';
import { freePort } from './daemon.mjs';
import { makeKey } from './jose.mjs';

const PERSON = { name: 'Nguyễn Văn Mẫu', given_name: 'Mẫu', family_name: 'Nguyễn', birthdate: '1990-01-02', updated_at: 1700000000, email: 'mau@conform.example', email_verified: false, phone_number: '+84912345678', phone_number_verified: false, address: { locality: 'Hà Nội' } };

export async function startPeer(folder, { fapi } = {}) {
  const resolved = createRequire(join(folder, 'x.js')).resolve('oidc-provider');
  const { Provider } = await import(pathToFileURL(resolved));
  const port = await freePort();
  const issuer = `http://127.0.0.1:${port}`;
  const keys = ['RS256', 'PS256', 'ES256'].map((alg) => makeKey(alg));
  const provider = new Provider(issuer, {
    scopes: ['openid', 'offline_access'],
    claims: { openid: ['sub'], profile: ['name', 'given_name', 'family_name', 'birthdate', 'updated_at'], email: ['email', 'email_verified'], phone: ['phone_number', 'phone_number_verified'], address: ['address'] },
    jwks: { keys: keys.map((k) => ({ ...k.privateJwk, kid: k.kid, alg: k.alg, use: 'sig' })) },
    findAccount: (ctx, sub) => ({ accountId: sub, claims: async () => ({ sub, ...PERSON }) }),
    acrValues: ['urn:ndc:eid:1', 'urn:ndc:eid:2'],
    pkce: { required: () => Boolean(fapi) },
    clientDefaults: { grant_types: ['authorization_code'], response_types: ['code'] },
    enabledJWA: { idTokenSigningAlgValues: ['RS256', 'PS256', 'ES256'], requestObjectSigningAlgValues: ['RS256', 'PS256', 'ES256'] },
    features: {
      registration: { enabled: true }, registrationManagement: { enabled: true }, claimsParameter: { enabled: true },
      rpInitiatedLogout: { enabled: true }, introspection: { enabled: true }, revocation: { enabled: true },
      dPoP: { enabled: true }, pushedAuthorizationRequests: { enabled: true }, requestObjects: { enabled: true },
    },
  });
  const server = await new Promise((resolve) => { const s = provider.listen(port, '127.0.0.1', () => resolve(s)); });
  return {
    issuer, peer: true, pages: formPages, account: { login: 'mau', password: 'any', name: PERSON.name, email: PERSON.email, phone: PERSON.phone_number }, clientCerts: [],
    stop: () => new Promise((resolve) => { server.close(resolve); server.closeAllConnections(); }),
  };
}

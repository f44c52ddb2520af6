// npm's oidc-provider 9 as it ships, in memory, for scripts/bench_eid.sh: one client, whose
// tokens are opaque (the only ones that it introspects), and for resource urn:bench ES256
// JWTs. Prints an access token and a refresh token of a person, for userinfo and refreshing;
// /bench-tokens makes others, for what it keeps in memory is soon forgotten.
import { generateKeyPairSync } from 'node:crypto'
import { Provider } from 'oidc-provider'

const port = Number(process.env.PORT)
const jwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id: 'bench', client_secret: 'bench-secret-of-the-peer',
    grant_types: ['client_credentials', 'authorization_code', 'refresh_token'],
    redirect_uris: ['http://127.0.0.1:3000/back'], response_types: ['code'],
    scope: 'read openid offline_access',
    id_token_signed_response_alg: 'ES256' }],
  scopes: ['read', 'openid', 'offline_access'],
  jwks: { keys: [{ ...jwk, use: 'sig', alg: 'ES256', kid: 'bench' }] },
  features: {
    clientCredentials: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => undefined,
      getResourceServerInfo: () => ({
        scope: 'read', accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } },
      }),
    },
    devInteractions: { enabled: false },
  },
})
const client = await provider.Client.find('bench')
const grant = new provider.Grant({ accountId: 'someone', clientId: 'bench' })
grant.addOIDCScope('openid offline_access')
const grantId = await grant.save()
const of = { accountId: 'someone', client, grantId, scope: 'openid offline_access', gty: 'authorization_code', claims: {} }
const tokens = async () => ({ access: await new provider.AccessToken(of).save(), refresh: await new provider.RefreshToken(of).save() })
provider.use(async (ctx, next) => {
  if (ctx.path !== '/bench-tokens') return next()
  await grant.save()
  ctx.body = await tokens()
})
const first = await tokens()
provider.listen(port, '127.0.0.1', () => console.log(JSON.stringify(first)))

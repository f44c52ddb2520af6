// Rich authorization requests (RFC 9396): registered types alone, shown and agreed to each time, in
// the token's answer, the token and introspection, narrowed where a token request asks for less.
// usage: details_test.mjs NDC
import { request } from '../conformance/frame/http.mjs';
import { assert, begin, done, equal, test } from './support.mjs';

const oidc = await import('../../../web/node_modules/openid-client/build/index.js');
const world = await begin(process.argv[2]);
const back = `${world.callback.origin}/back`;
const insecure = { execute: [oidc.allowInsecureRequests] };
const pay = { type: 'payment', amount: '120000', to: 'Kho bạc' };
const read = { type: 'account_information', actions: ['read'] };
const config = await oidc.dynamicClientRegistration(new URL(world.issuer), {
  client_name: 'Thuế điện tử', redirect_uris: [back], grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
  authorization_details_types: ['payment', 'account_information'],
}, oidc.ClientSecretBasic(), insecure);
const claims = (jwt) => JSON.parse(Buffer.from(jwt.split('.')[1], 'base64url'));

/** A sign-in that asks for these: {tokens}, or {error, description}. */
async function ask(details, { browser = world.browser(), at = {}, more = {} } = {}) {
  const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
  const expectedState = oidc.randomState();
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri: back, scope: 'openid offline_access', state: expectedState, authorization_details: typeof details === 'string' ? details : JSON.stringify(details),
    code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier), code_challenge_method: 'S256', ...more,
  });
  const came = await browser.go(url);
  if (!came.callback) throw new Error(`the browser stays at ${came.page} (${came.status})`);
  const error = came.callback.searchParams.get('error');
  if (error) return { error, description: came.callback.searchParams.get('error_description') };
  return { tokens: await oidc.authorizationCodeGrant(config, came.callback, { pkceCodeVerifier, expectedState }, at), browser };
}

const fails = (body) => body().then(() => { throw new Error('it was taken'); }, (error) => error.error);

await test('what was agreed to is in the answer, the token and introspection', async () => {
  const { tokens } = await ask([pay, read]);
  equal(tokens.authorization_details, [pay, read]);
  equal(claims(tokens.access_token).authorization_details, [pay, read]);
  equal((await oidc.tokenIntrospection(config, tokens.access_token)).authorization_details, [pay, read]);
  equal(await fails(() => oidc.refreshTokenGrant(config, tokens.refresh_token, { authorization_details: JSON.stringify([{ ...read, actions: ['write'] }]) })), 'invalid_authorization_details');
  equal(await fails(() => oidc.refreshTokenGrant(config, tokens.refresh_token, { scope: 'openid phone' })), 'invalid_scope');
  const renewed = await oidc.refreshTokenGrant(config, tokens.refresh_token, { authorization_details: JSON.stringify([read]) });
  equal(renewed.authorization_details, [read]);
  equal((await oidc.refreshTokenGrant(config, renewed.refresh_token)).authorization_details, [pay, read]);
});

await test('the page is told, and asks again although it was agreed to', async () => {
  const browser = world.browser();
  await ask([pay], { browser });
  const came = await request(oidc.buildAuthorizationUrl(config, { redirect_uri: back, scope: 'openid', response_type: 'code', authorization_details: JSON.stringify([pay]), code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256' }).href);
  const id = new URL(came.headers.location, world.issuer).searchParams.get('interaction');
  const told = await request(`${world.issuer}/api/eid/interactions/${id}`, { headers: { Cookie: [came.headers['set-cookie']].flat()[0].split(';')[0] } });
  equal(told.json.authorization_details, [pay]);
  equal((await ask([pay], { browser, more: { prompt: 'none' } })).error, 'consent_required');
});

await test('a token request may ask for less, not for more or other', async () => {
  equal((await ask([pay, read], { at: { authorization_details: JSON.stringify([read]) } })).tokens.authorization_details, [read]);
  for (const more of [[{ ...pay, amount: '120001' }], [read, { ...read, actions: ['read', 'write'] }]])
    equal(await fails(() => ask([pay, read], { at: { authorization_details: JSON.stringify(more) } })), 'invalid_authorization_details');
});

await test('a service of its own', async () => {
  const tokens = await oidc.clientCredentialsGrant(config, { authorization_details: JSON.stringify([read]) });
  equal(claims(tokens.access_token).authorization_details, [read]);
  equal(await fails(() => oidc.clientCredentialsGrant(config, { authorization_details: JSON.stringify([{ type: 'other' }]) })), 'invalid_authorization_details');
});

await test('what is no list of registered types is refused by name', async () => {
  for (const [details, words] of [['{', /not JSON/], ['{"type":"payment"}', /a list/], ['[]', /a list/], ['[{"amount":1}]', /a type each/], ['[1]', /a type each/],
    [[{ type: 'other' }], /has not registered the type other/], [Array(17).fill(read), /1 to 16/], [[{ ...pay, to: 'x'.repeat(9000) }], /8 KiB/]]) {
    const { error, description } = await ask(details);
    equal(error, 'invalid_authorization_details', JSON.stringify(details).slice(0, 80));
    assert(words.test(description), description);
  }
});

await world.stop();
done();

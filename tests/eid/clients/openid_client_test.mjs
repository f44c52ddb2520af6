// npm's openid-client 6 unchanged, as its documentation uses it, and jose for what it verifies:
// every grant, PAR, signed requests, DPoP, client assertions, devices, logout.
// usage: openid_client_test.mjs NDC
import { assert, begin, done, equal, refused, test } from './support.mjs';

const oidc = await import('../../../web/node_modules/openid-client/build/index.js');
const jose = await import('../../../web/node_modules/jose/dist/webapi/index.js');

const world = await begin(process.argv[2]);
const server = new URL(world.issuer);
const back = `${world.callback.origin}/back`;
const known = await (await fetch(`${world.issuer}/.well-known/openid-configuration`)).json();
const insecure = { execute: [oidc.allowInsecureRequests] };

const register = (metadata = {}, authentication = oidc.ClientSecretBasic()) => oidc.dynamicClientRegistration(server, {
  client_name: 'openid-client', redirect_uris: [back], grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'], ...metadata,
}, authentication, insecure);

/** Registers, then discovers anew with another way to authenticate, as a relying party does
 * that keeps its registration in a file. */
async function registered(metadata, authentication) {
  const client = (await register(metadata)).clientMetadata();
  return oidc.discovery(server, client.client_id, client, authentication ?? oidc.ClientSecretBasic(client.client_secret), insecure);
}

const comes = (outcome) => {
  if (!outcome.callback) throw new Error(`the browser stays at ${outcome.page} (${outcome.status})`);
  return outcome.callback;
};

/** The whole code flow; `via` makes the address of the request. */
async function signIn(config, parameters = {}, { via = async (c, p) => oidc.buildAuthorizationUrl(c, p), browser = world.browser(), dpop, nonce = true } = {}) {
  const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
  const expectedState = oidc.randomState();
  const expectedNonce = nonce ? oidc.randomNonce() : undefined;
  const url = await via(config, {
    redirect_uri: back, scope: 'openid profile', state: expectedState, ...(nonce ? { nonce: expectedNonce } : {}),
    code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier), code_challenge_method: 'S256', ...parameters,
  });
  const came = comes(await browser.go(url));
  const checks = { pkceCodeVerifier, expectedState, expectedNonce };
  const tokens = await oidc.authorizationCodeGrant(config, came, checks, undefined, dpop ? { DPoP: dpop } : undefined);
  return { tokens, came, checks, browser };
}

await test('discovery, by OpenID and by RFC 8414', async () => {
  for (const algorithm of ['oidc', 'oauth2']) {
    const config = await oidc.discovery(server, 'nobody', undefined, undefined, { algorithm, ...insecure });
    equal(config.serverMetadata().issuer, world.issuer);
    assert(config.serverMetadata().supportsPKCE(), 'PKCE is not offered');
  }
});

await test('as docs/eid.md has it: registered by hand, id and secret given to discovery', async () => {
  const answer = await fetch(`${world.issuer}/eid/register`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ client_name: 'Dịch vụ mẫu', redirect_uris: [back], grant_types: ['authorization_code', 'refresh_token'], purpose: 'Đặt lịch khám' }) });
  const { client_id: id, client_secret: secret } = await answer.json();
  const { tokens } = await signIn(await oidc.discovery(server, id, secret, undefined, insecure), {}, { nonce: false });
  const person = await oidc.fetchUserInfo(await oidc.discovery(server, id, secret, undefined, insecure), tokens.access_token, tokens.claims().sub);
  equal(person.name, world.account.name);
});

await test('registration, code with PKCE, state and nonce, UserInfo', async () => {
  const config = await register();
  const { tokens } = await signIn(config);
  const claims = tokens.claims();
  equal(claims.aud, config.clientMetadata().client_id);
  const person = await oidc.fetchUserInfo(config, tokens.access_token, claims.sub);
  equal(person.name, world.account.name);
  equal(person.birthdate, world.account.birth_date);
  assert(tokens.expiresIn() > 0, 'expires_in');
});

await test('jose verifies ID token and access token (RFC 9068) with the published keys', async () => {
  const config = await register();
  const { tokens } = await signIn(config);
  const keys = jose.createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri));
  const id = await jose.jwtVerify(tokens.id_token, keys, { issuer: world.issuer, audience: config.clientMetadata().client_id, algorithms: ['RS256'] });
  const access = await jose.jwtVerify(tokens.access_token, keys, { issuer: world.issuer, typ: 'at+jwt', requiredClaims: ['sub', 'aud', 'exp', 'iat', 'jti', 'client_id'] });
  equal(access.payload.sub, id.payload.sub);
  equal(access.payload.client_id, config.clientMetadata().client_id);
  await refused(() => jose.jwtVerify(tokens.id_token, keys, { issuer: world.issuer, audience: 'another' }), (e) => e.code === 'ERR_JWT_CLAIM_VALIDATION_FAILED', 'another audience');
});

for (const alg of ['RS256', 'PS256', 'ES256', 'EdDSA']) {
  await test(`ID tokens and UserInfo signed with ${alg}`, async () => {
    const config = await registered({ id_token_signed_response_alg: alg, userinfo_signed_response_alg: alg });
    oidc.enableNonRepudiationChecks(config);
    const { tokens } = await signIn(config);
    const person = await oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
    equal(person.name, world.account.name);
  });
}

await test('client_secret_post and client_secret_jwt', async () => {
  await signIn(await registered({ token_endpoint_auth_method: 'client_secret_post' }, oidc.ClientSecretPost()));
  const metadata = (await register({ token_endpoint_auth_method: 'client_secret_jwt' })).clientMetadata();
  await signIn(await oidc.discovery(server, metadata.client_id, metadata, oidc.ClientSecretJwt(metadata.client_secret), insecure));
});

/** Ed25519 by its name of RFC 9864, which is the only one that jose 6 writes, where it is offered. */
const offered = (member, algs) => algs.filter((a) => a !== 'Ed25519' || known[member].includes(a));

for (const alg of offered('token_endpoint_auth_signing_alg_values_supported', ['ES256', 'PS256', 'RS256', 'Ed25519'])) {
  await test(`private_key_jwt with ${alg}`, async () => {
    const pair = await jose.generateKeyPair(alg, { extractable: true });
    const jwk = { ...await jose.exportJWK(pair.publicKey), kid: alg, use: 'sig', alg };
    await signIn(await registered({ token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [jwk] } }, oidc.PrivateKeyJwt({ key: pair.privateKey, kid: alg })));
  });
}

await test('a public client: PKCE, and a refresh token that is used twice ends the grant', async () => {
  const config = await registered({ token_endpoint_auth_method: 'none' }, oidc.None());
  const { tokens } = await signIn(config, { scope: 'openid offline_access', prompt: 'consent' });
  const second = await oidc.refreshTokenGrant(config, tokens.refresh_token);
  assert(second.refresh_token && second.refresh_token !== tokens.refresh_token, 'it is not rotated');
  await refused(() => oidc.refreshTokenGrant(config, tokens.refresh_token), (e) => e.error === 'invalid_grant', 'the first once more');
  await refused(() => oidc.refreshTokenGrant(config, second.refresh_token), (e) => e.error === 'invalid_grant', 'the second after that');
  await refused(() => oidc.fetchUserInfo(config, second.access_token, oidc.skipSubjectCheck), (e) => e.code === 'OAUTH_WWW_AUTHENTICATE_CHALLENGE', 'the access token after that');
});

await test('refreshing, introspection, revocation', async () => {
  const config = await register();
  const { tokens } = await signIn(config, { scope: 'openid offline_access', prompt: 'consent' });
  const again = await oidc.refreshTokenGrant(config, tokens.refresh_token);
  equal(again.claims().sub, tokens.claims().sub);
  equal(again.claims().auth_time, tokens.claims().auth_time);
  const about = await oidc.tokenIntrospection(config, again.access_token);
  equal([about.active, about.client_id, about.sub], [true, config.clientMetadata().client_id, tokens.claims().sub]);
  equal((await oidc.tokenIntrospection(config, 'nonsense')).active, false);
  await oidc.tokenRevocation(config, again.access_token);
  equal((await oidc.tokenIntrospection(config, again.access_token)).active, false, 'revoked');
  const refresh = again.refresh_token ?? tokens.refresh_token;
  await oidc.tokenRevocation(config, refresh);
  await refused(() => oidc.refreshTokenGrant(config, refresh), (e) => e.error === 'invalid_grant', 'after revocation');
  await oidc.tokenRevocation(config, 'nonsense');
});

await test('pushed requests (PAR)', async () => {
  await signIn(await register(), {}, { via: (c, p) => oidc.buildAuthorizationUrlWithPAR(c, p) });
  const only = await register({ require_pushed_authorization_requests: true });
  await signIn(only, {}, { via: (c, p) => oidc.buildAuthorizationUrlWithPAR(c, p) });
  const outcome = await world.browser().go(oidc.buildAuthorizationUrl(only, { redirect_uri: back, scope: 'openid', state: 's' }));
  await refused(() => oidc.authorizationCodeGrant(only, comes(outcome), { expectedState: 's' }), (e) => e.error === 'invalid_request', 'a request that is not pushed');
});

await test('signed requests (JAR), by the address and pushed', async () => {
  const pair = await jose.generateKeyPair('ES256', { extractable: true });
  const jwk = { ...await jose.exportJWK(pair.publicKey), kid: 'one', use: 'sig', alg: 'ES256' };
  const config = await registered({ jwks: { keys: [jwk] }, request_object_signing_alg: 'ES256', require_signed_request_object: true });
  const key = { key: pair.privateKey, kid: 'one' };
  await signIn(config, {}, { via: (c, p) => oidc.buildAuthorizationUrlWithJAR(c, p, key) });
  await signIn(config, {}, { via: async (c, p) => {
    const { searchParams } = await oidc.buildAuthorizationUrlWithJAR(c, p, key);
    return oidc.buildAuthorizationUrlWithPAR(c, { request: searchParams.get('request') });
  } });
  const stranger = await jose.generateKeyPair('ES256');
  await refused(() => signIn(config, {}, { via: (c, p) => oidc.buildAuthorizationUrlWithJAR(c, p, { key: stranger.privateKey, kid: 'one' }) }), (e) => e.error === 'invalid_request_object' || /stays at/.test(e.message), "a stranger's signature");
});

for (const alg of offered('dpop_signing_alg_values_supported', ['ES256', 'PS256', 'Ed25519'])) {
  await test(`DPoP with ${alg}: tokens are bound to a key`, async () => {
    const config = await register({ dpop_bound_access_tokens: true });
    const dpop = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair(alg));
    const { tokens } = await signIn(config, { scope: 'openid profile offline_access', prompt: 'consent' }, { dpop });
    equal(tokens.token_type, 'dpop');
    const person = await oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub, { DPoP: dpop });
    equal(person.name, world.account.name);
    const other = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256'));
    await refused(() => oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub, { DPoP: other }), (e) => e.code === 'OAUTH_WWW_AUTHENTICATE_CHALLENGE', 'another key');
    await refused(() => oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub), (e) => e.code === 'OAUTH_WWW_AUTHENTICATE_CHALLENGE', 'no key');
    await oidc.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP: dpop });
  });
}

await test('FAPI 2.0: private_key_jwt, PAR, DPoP', async () => {
  const pair = await jose.generateKeyPair('ES256', { extractable: true });
  const jwk = { ...await jose.exportJWK(pair.publicKey), kid: 'one', use: 'sig', alg: 'ES256' };
  const config = await registered({ profile: 'fapi2', token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [jwk] }, dpop_bound_access_tokens: true }, oidc.PrivateKeyJwt({ key: pair.privateKey, kid: 'one' }));
  const dpop = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256'));
  const { tokens } = await signIn(config, {}, { dpop, via: (c, p) => oidc.buildAuthorizationUrlWithPAR(c, p, { DPoP: dpop }) });
  equal(jose.decodeProtectedHeader(tokens.id_token).alg, 'PS256');
  await oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub, { DPoP: dpop });
});

await test('a device without a keyboard', async () => {
  const config = await register({ grant_types: ['urn:ietf:params:oauth:grant-type:device_code'], redirect_uris: undefined, response_types: [] });
  const started = await oidc.initiateDeviceAuthorization(config, { scope: 'openid profile' });
  const waiting = oidc.pollDeviceAuthorizationGrant(config, started);
  const browser = world.browser();
  const { location } = await browser.api('POST', world.issuer, '/api/eid/device', { user_code: started.user_code });
  await browser.go(new URL(location, world.issuer));
  equal(browser.seen, ['sign-in', 'consent']);
  const tokens = await waiting;
  const person = await oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
  equal(person.name, world.account.name);
});

await test('a device that the person refuses', async () => {
  const config = await register({ grant_types: ['urn:ietf:params:oauth:grant-type:device_code'], redirect_uris: undefined, response_types: [] });
  const started = await oidc.initiateDeviceAuthorization(config, { scope: 'openid' });
  const browser = world.browser();
  browser.allow = false;
  const { location } = await browser.api('POST', world.issuer, '/api/eid/device', { user_code: started.user_code });
  await browser.go(new URL(location, world.issuer));
  await refused(() => oidc.pollDeviceAuthorizationGrant(config, started), (e) => e.error === 'access_denied', 'polling');
});

await test('client_credentials', async () => {
  const config = await register({ grant_types: ['client_credentials'], redirect_uris: undefined, response_types: [], scope: 'read write' });
  const tokens = await oidc.clientCredentialsGrant(config, { scope: 'read' });
  equal([tokens.scope, tokens.id_token, tokens.refresh_token], ['read', undefined, undefined]);
  await refused(() => oidc.clientCredentialsGrant(config, { scope: 'admin' }), (e) => e.error === 'invalid_scope', 'a scope that is not registered');
});

await test('errors are those that the library knows', async () => {
  const config = await register();
  const { came, checks, browser } = await signIn(config);
  await refused(() => oidc.authorizationCodeGrant(config, came, checks), (e) => e.error === 'invalid_grant' && e.status === 400, 'a code twice');
  const none = await world.browser().go(oidc.buildAuthorizationUrl(config, { redirect_uri: back, scope: 'openid', prompt: 'none', state: 's' }));
  await refused(() => oidc.authorizationCodeGrant(config, comes(none), { expectedState: 's' }), (e) => e.code === 'OAUTH_AUTHORIZATION_RESPONSE_ERROR' && e.error === 'login_required', 'prompt=none');
  browser.allow = false;
  const denied = await browser.go(oidc.buildAuthorizationUrl(config, { redirect_uri: back, scope: 'openid', prompt: 'consent', state: 's' }));
  await refused(() => oidc.authorizationCodeGrant(config, comes(denied), { expectedState: 's' }), (e) => e.error === 'access_denied', 'refused by the person');
  const wrong = await oidc.discovery(server, config.clientMetadata().client_id, undefined, oidc.ClientSecretBasic('wrong'), insecure);
  await refused(() => oidc.tokenIntrospection(wrong, 'x'), (e) => e.status === 401 && /invalid_client|CHALLENGE/.test(`${e.error} ${e.code}`), 'a wrong secret');
  await refused(() => oidc.fetchUserInfo(config, 'nonsense', oidc.skipSubjectCheck), (e) => e.code === 'OAUTH_WWW_AUTHENTICATE_CHALLENGE' && e.cause[0].scheme === 'bearer' && e.cause[0].parameters.error === 'invalid_token', 'a token that is none');
});

await test('pairwise subjects: two services of different hosts do not know each other by them', async () => {
  const one = await signIn(await registered({ subject_type: 'pairwise' }));
  const two = await signIn(await registered({ subject_type: 'pairwise' }));
  const open = await signIn(await register());
  equal(one.tokens.claims().sub, two.tokens.claims().sub, 'of one host it is the same');
  assert(one.tokens.claims().sub !== open.tokens.claims().sub, 'it is the public one');
});

await test('signing out by the relying party', async () => {
  const home = `${world.callback.origin}/home`;
  const config = await register({ post_logout_redirect_uris: [home] });
  const { tokens, browser } = await signIn(config);
  const came = comes(await browser.go(oidc.buildEndSessionUrl(config, { id_token_hint: tokens.id_token, post_logout_redirect_uri: home, state: 'end' })));
  equal([came.pathname, came.searchParams.get('state')], ['/home', 'end']);
  const none = await browser.go(oidc.buildAuthorizationUrl(config, { redirect_uri: back, scope: 'openid', prompt: 'none', state: 's' }));
  equal(comes(none).searchParams.get('error'), 'login_required');
});

await test('the relying party is told of a sign-out (back channel), and jose verifies it', async () => {
  const uri = `${world.callback.origin}/told`;
  const config = await register({ backchannel_logout_uri: uri, backchannel_logout_session_required: true });
  const { tokens, browser } = await signIn(config);
  await browser.go(oidc.buildEndSessionUrl(config, { id_token_hint: tokens.id_token }));
  let told;
  for (let i = 0; i < 100 && !told; i++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    told = world.callback.requests.find((r) => r.url.pathname === '/told');
  }
  assert(told, 'nobody was told within 5 s');
  const token = new URLSearchParams(told.body).get('logout_token');
  const keys = jose.createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri));
  const { payload } = await jose.jwtVerify(token, keys, { issuer: world.issuer, audience: config.clientMetadata().client_id, typ: 'logout+jwt', requiredClaims: ['iat', 'exp', 'jti', 'events'] });
  equal([payload.sub, payload.sid, payload.nonce], [tokens.claims().sub, tokens.claims().sid, undefined]);
  assert('http://schemas.openid.net/event/backchannel-logout' in payload.events, 'the event');
});

await test('what is not offered is not registered', async () => {
  const all = ['implicit', 'password', 'urn:openid:params:grant-type:ciba', 'urn:ietf:params:oauth:grant-type:token-exchange'];
  for (const grant of all.filter((g) => !known.grant_types_supported.includes(g))) {
    await refused(() => register({ grant_types: ['authorization_code', grant] }), (e) => e.error === 'invalid_client_metadata', grant);
  }
  await refused(() => register({ response_types: ['code id_token'] }), (e) => e.error === 'invalid_client_metadata', 'response type');
  await refused(() => register({ redirect_uris: ['http://shop.example/back'] }), (e) => e.error === 'invalid_redirect_uri', 'http elsewhere');
});

await world.stop();
done();

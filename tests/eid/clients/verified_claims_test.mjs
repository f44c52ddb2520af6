// Verified claims (OpenID Identity Assurance 1.0): asked for by the claims parameter, agreed to,
// given at UserInfo through policy, each with the database that says so, seen in the list of who
// has read one's data.
// usage: verified_claims_test.mjs NDC
import { assert, begin, done, equal, test } from './support.mjs';

const oidc = await import('../../../web/node_modules/openid-client/build/index.js');
const world = await begin(process.argv[2]);
const back = `${world.callback.origin}/back`;
const insecure = { execute: [oidc.allowInsecureRequests] };
const config = await oidc.dynamicClientRegistration(new URL(world.issuer), { client_name: 'Phòng khám', redirect_uris: [back], purpose: 'Đặt lịch khám' }, oidc.ClientSecretBasic(), insecure);

/** UserInfo of a sign-in that asks for these, with the browser it was done in. */
async function ask(userinfo, browser = world.browser()) {
  const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
  const expectedState = oidc.randomState();
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri: back, scope: 'openid', state: expectedState, claims: JSON.stringify({ userinfo }),
    code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier), code_challenge_method: 'S256',
  });
  const came = await browser.go(url);
  if (!came.callback) throw new Error(`the browser stays at ${came.page} (${came.status})`);
  const error = came.callback.searchParams.get('error');
  if (error) return { error, description: came.callback.searchParams.get('error_description') };
  const tokens = await oidc.authorizationCodeGrant(config, came.callback, { pkceCodeVerifier, expectedState });
  return { person: await oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub), browser };
}

const verification = { trust_framework: null, time: null, evidence: null };
const all = (verified) => Object.assign({}, ...verified.map((v) => v.claims));

await test('discovery says what can be verified', async () => {
  const known = await (await fetch(`${world.issuer}/.well-known/openid-configuration`)).json();
  assert(known.verified_claims_supported && known.trust_frameworks_supported.includes('vn_ndc'), 'trust framework');
  assert(known.claims_in_verified_claims_supported.includes('birthdate') && known.evidence_supported.includes('electronic_record'), 'claims and evidence');
});

await test('claims of the golden record, with the databases that they are from; the person sees who read them', async () => {
  const { person, browser } = await ask({ verified_claims: { verification, claims: { name: null, birthdate: null, gender: null, address: null, given_name: null } } });
  const claims = all(person.verified_claims);
  equal(claims.birthdate, world.account.birth_date);
  equal(claims.name, world.account.name);
  equal(claims.given_name, world.account.name.split(' ').at(-1));
  assert(['male', 'female', 'other'].includes(claims.gender), `gender: ${claims.gender}`);
  assert(claims.address.formatted.length > 5, 'address');
  for (const v of person.verified_claims) {
    equal(v.verification.trust_framework, 'vn_ndc');
    equal(v.verification.evidence[0].type, 'electronic_record');
    assert(v.verification.evidence[0].record.source.name.length > 5, 'a source has a name');
    assert(Date.parse(v.verification.time) > 0 && Object.keys(v.claims).length > 0, 'time and claims');
  }
  assert(!('name' in person), 'what was asked for as verified is not given as plain');
  const readers = await browser.api('GET', new URL(world.issuer), '/api/eid/me/readers');
  assert(JSON.stringify(readers).includes('eid-client:'), `the client is not among who read: ${JSON.stringify(readers)}`);
});

await test('only what was asked for: no time, no evidence, no other claim', async () => {
  const { person } = await ask({ verified_claims: { verification: { trust_framework: null }, claims: { birthdate: null } } });
  equal(person.verified_claims, [{ verification: { trust_framework: 'vn_ndc' }, claims: { birthdate: world.account.birth_date } }]);
});

await test('another trust framework, another value, what is not known: left out', async () => {
  const of = async (v) => (await ask({ verified_claims: v })).person.verified_claims;
  equal(await of({ verification: { trust_framework: { value: 'de_aml' } }, claims: { birthdate: null } }), undefined);
  equal(await of({ verification, claims: { birthdate: { value: '1800-01-01' } } }), undefined);
  equal(await of({ verification, claims: { no_such_claim: null } }), undefined);
  const two = await of([{ verification: { trust_framework: { values: ['de_aml', 'vn_ndc'] } }, claims: { birthdate: null } }, { verification: { trust_framework: { value: 'de_aml' } }, claims: { gender: null } }]);
  equal(all(two), { birthdate: world.account.birth_date });
});

await test('sensitive data are not given, whoever agrees: policy covers none for this purpose', async () => {
  const { person } = await ask({ verified_claims: { verification, claims: { birthdate: null, ethnicity: null, religion: null, blood_type: null } } });
  equal(Object.keys(all(person.verified_claims)), ['birthdate']);
});

await test('what is no request is refused by name', async () => {
  for (const verified_claims of [{ claims: { birthdate: null } }, { verification, claims: {} }, 'all', Array(17).fill({ verification, claims: { birthdate: null } })]) {
    const { error, description } = await ask({ verified_claims });
    equal(error, 'invalid_request');
    assert(description.startsWith('verified_claims:'), description);
  }
});

await world.stop();
done();

// A citizen in Chromium: from the sample relying party to the provider's own pages and back, at
// a real daemon. What the pages say is asked of them only where a service's person would miss it.
// usage: citizen_test.mjs NDC     77: no Chromium, or the pages are not built
import { createHmac } from 'node:crypto';
import dns from 'node:dns';
import { existsSync } from 'node:fs';
import { chromium } from '../../../web/node_modules/playwright-core/index.mjs';
import { makeAccount } from '../conformance/frame/daemon.mjs';
import { request } from '../conformance/frame/http.mjs';
import { startSample } from './sample_rp.mjs';
import { assert, begin, done, equal, test } from './support.mjs';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const skip = !existsSync(executablePath) ? 'no chromium' : !existsSync(new URL('../../../web/dist/index.html', import.meta.url)) ? 'the pages are not built' : '';
if (skip) {
  console.log(`1..0 # SKIP ${skip}`);
  process.exit(77);
}
dns.setDefaultResultOrder('ipv4first');
// Passkeys know a server by its name, and an address is no name.
const world = await begin(process.argv[2], { host: 'localhost' });
const sample = await startSample(world.issuer);
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-component-update'] });
const context = await browser.newContext({ locale: 'vi' });
const page = await context.newPage();
page.setDefaultTimeout(15000);
const complaints = [];
page.on('pageerror', (error) => complaints.push(String(error)));

const words = () => page.locator('main').innerText();
const at = (path) => page.waitForURL((url) => `${url.origin}${url.pathname}`.endsWith(path));
const home = async () => { await page.waitForURL(`${sample.origin}/`); };
const name = () => page.locator('#name').innerText();
const first = () => page.locator('main .choice button').nth(0);

async function password(account = world.account) {
  await at('/eid/sign-in');
  await page.locator('#login').fill(account.login);
  await page.locator('#password').fill(account.password);
  await page.locator('form button[type=submit]').click();
}

async function says(pattern, seconds = 10) {
  let last = '';
  for (let i = 0; i < seconds * 10; i++) {
    last = await words().catch(() => '');
    if (pattern.test(last)) return last;
    await page.waitForTimeout(100);
  }
  throw new Error(`no words like ${pattern} at ${page.url()}: ${last.slice(0, 600)}`);
}

await test('a service sends somebody to sign in: who asks is shown', async () => {
  await page.goto(`${sample.origin}/sign-in`);
  await at('/eid/sign-in');
  await says(/Dịch vụ mẫu/);
});

await test('a wrong password is told, and the right one goes on to consent', async () => {
  await password({ ...world.account, password: 'not the right one at all' });
  await page.locator('main [role=alert]').first().waitFor();
  await password();
  await first().waitFor();
  const shown = await words();
  assert(/Dịch vụ mẫu/.test(shown) && /Đặt lịch khám/.test(shown), `who asks and why is not shown: ${shown}`);
  equal(await page.locator('main .choice button').count(), 2, 'to refuse is not as easy as to allow');
});

await test('agreed, the service knows the name', async () => {
  await first().click();
  await home();
  equal(await name(), world.account.name);
});

await test('the account shows what was given, and takes it back', async () => {
  await page.goto(`${world.issuer}/eid/account/sharing`);
  await says(/Đặt lịch khám/);
  await page.locator('main article button').first().click();
  await page.locator('dialog[open] .choice button').first().click();
  await page.waitForFunction(() => !document.querySelector('main article'));
  await page.goto(`${sample.origin}/sign-in`);
  await says(/Đặt lịch khám/);
});

await test('refused, the service is told, and nothing is given', async () => {
  await page.locator('main .choice button').nth(1).click();
  await page.waitForURL((url) => url.origin === sample.origin);
  assert(/access_denied/.test(await page.locator('#error').innerText()), await page.locator('#error').innerText());
});

// The device answers whoever asks: the page's quiet offer would sign in before a word is typed.
await context.addInitScript(() => { PublicKeyCredential.isConditionalMediationAvailable = async () => false; });
const client = await context.newCDPSession(page);
await client.send('WebAuthn.enable');
await client.send('WebAuthn.addVirtualAuthenticator', { options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true } });

await test('a service that asks for more than a password gets an advice, not a code', async () => {
  await context.clearCookies();
  await page.goto(`${sample.origin}/sign-in?acr=urn:ndc:eid:2`);
  await password();
  await says(/khoá truy cập|xác thực/i);
  assert(page.url().startsWith(world.issuer), page.url());
});

await test('a passkey is added at the account', async () => {
  await page.goto(`${world.issuer}/eid/account`);
  await page.locator('main .govuk-button').first().click();
  await password();
  await at('/eid/account');
  await page.goto(`${world.issuer}/eid/account/passkey`);
  await page.locator('#title').fill('Điện thoại của tôi');
  await page.locator('form button[type=submit]').click();
  await says(/Điện thoại của tôi/);
});

await test('with it the level is reached', async () => {
  await context.clearCookies();
  await page.goto(`${sample.origin}/sign-in?acr=urn:ndc:eid:2`);
  await at('/eid/sign-in');
  await page.locator('main .first-way button').click();
  await first().click();
  await home();
  equal([await name(), await page.locator('#acr').innerText()], [world.account.name, 'urn:ndc:eid:2']);
});

/** RFC 6238: six digits of SHA-1 in steps of thirty seconds; the secret is Base32. */
function totp(secret, step = Math.floor(Date.now() / 30000)) {
  const bits = [...secret.replace(/[\s=]/g, '')].map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const hash = createHmac('sha1', key).update(counter).digest();
  return String((hash.readUInt32BE(hash[19] & 15) & 0x7fffffff) % 1e6).padStart(6, '0');
}

const careful = await makeAccount(world);
let secret;
let codes;

await test('an authenticator app and recovery codes are added at the account', async () => {
  await context.clearCookies();
  await page.goto(`${world.issuer}/eid/account`);
  await page.locator('main .govuk-button').first().click();
  await password(careful);
  await at('/eid/account');
  await page.goto(`${world.issuer}/eid/account/recovery`);
  await page.locator('main .govuk-button').first().click();
  await page.locator('.codes code').first().waitFor();
  codes = await page.locator('.codes code').allInnerTexts();
  equal(codes.length, 10);
  await page.goto(`${world.issuer}/eid/account/totp`);
  await page.locator('main .govuk-button').first().click();
  secret = await page.locator('.secret code').innerText();
  await page.locator('#code').fill(totp(secret, Math.floor(Date.now() / 30000) - 1));
  await page.locator('form button[type=submit]').click();
  await at('/eid/account');
});

await test('then a service gets the level by password and code, and a code works once', async () => {
  await context.clearCookies();
  await page.goto(`${sample.origin}/sign-in?acr=urn:ndc:eid:2`);
  await password(careful);
  await page.locator('#code').fill('000000');
  await page.locator('form button[type=submit]').click();
  await page.locator('main [role=alert]').first().waitFor();
  const code = totp(secret);
  await page.locator('#code').fill(code);
  await page.locator('form button[type=submit]').click();
  await first().click();
  await home();
  equal(await page.locator('#acr').innerText(), 'urn:ndc:eid:2');
  await context.clearCookies();
  await page.goto(`${sample.origin}/sign-in`);
  await password(careful);
  await page.locator('#code').fill(code);
  await page.locator('form button[type=submit]').click();
  await page.locator('main [role=alert]').first().waitFor();
});

await test('without the phone a recovery code stands for it, once', async () => {
  await page.locator('.ways button').last().click();
  await page.locator('#code').fill(codes[0]);
  await page.locator('form button[type=submit]').click();
  await home();
  equal(await name(), careful.name);
  await context.clearCookies();
  await page.goto(`${sample.origin}/sign-in`);
  await password(careful);
  await page.locator('.ways button').last().click();
  await page.locator('#code').fill(codes[0]);
  await page.locator('form button[type=submit]').click();
  await page.locator('main [role=alert]').first().waitFor();
  await page.locator('#code').fill(codes[1]);
  await page.locator('form button[type=submit]').click();
  await home();
});

await test('every page of the account shows what it has', async () => {
  for (const path of ['', '/activity', '/sharing', '/readers', '/freeze', '/password', '/passkey', '/totp', '/recovery', '/child']) {
    await page.goto(`${world.issuer}/eid/account${path}`);
    await page.locator('main h1').waitFor();
    await page.waitForLoadState('networkidle');
    equal(await page.locator('main [role=alert]').count(), 0, `${path}: ${await words()}`);
  }
  await page.goto(`${world.issuer}/eid/account/activity`);
  await says(/Dịch vụ mẫu/);
});

await test('frozen by its owner, the account is signed out everywhere', async () => {
  await page.goto(`${world.issuer}/eid/account/freeze`);
  await page.locator('#sure').check();
  await page.locator('main .govuk-button').last().click();
  const confirm = page.locator('dialog[open] .govuk-button').first();
  if (await confirm.waitFor({ timeout: 2000 }).then(() => true, () => false)) await confirm.click();
  await page.waitForTimeout(500);
  await page.goto(`${sample.origin}/sign-in`);
  await password(careful);
  await page.locator('main [role=alert]').first().waitFor();
  assert(page.url().startsWith(world.issuer), page.url());
});

const plain = await makeAccount(world);

await test('a device: the code of its screen is typed, and the person agrees', async () => {
  await context.clearCookies();
  const meta = (await request(`${world.issuer}/.well-known/openid-configuration`)).json;
  const registered = (await request(meta.registration_endpoint, { method: 'POST', json: { client_name: 'Máy ở quầy', grant_types: ['urn:ietf:params:oauth:grant-type:device_code'], response_types: [] } })).json;
  const auth = { Authorization: `Basic ${Buffer.from(`${registered.client_id}:${registered.client_secret}`).toString('base64')}` };
  const codes = (await request(meta.device_authorization_endpoint, { method: 'POST', headers: auth, form: { scope: 'openid profile' } })).json;
  await page.goto(codes.verification_uri);
  await page.locator('#code').fill(codes.user_code);
  await page.locator('form button[type=submit]').click();
  await at('/eid/sign-in');
  await says(/Máy ở quầy/);
  await password(plain);
  await first().click();
  await at('/eid/device');
  equal(await page.locator('form').count(), 0, 'the page asks for a code again');
  const tokens = (await request(meta.token_endpoint, { method: 'POST', headers: auth, form: { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code: codes.device_code } })).json;
  assert(tokens.id_token, JSON.stringify(tokens));
});

await test('signed out by nobody in particular, the person is asked first', async () => {
  await context.clearCookies();
  await page.goto(`${world.issuer}/eid/account`);
  await page.locator('main .govuk-button').first().click();
  await password(plain);
  await at('/eid/account');
  await page.goto(`${world.issuer}/eid/logout`);
  await at('/eid/sign-out');
  await page.locator('main button').first().click();
  await page.waitForURL(/\/eid\/signed-out/);
  await page.goto(`${sample.origin}/sign-in`);
  await page.locator('#login').waitFor();
});

await test('a request that cannot be trusted ends at a page that says so', async () => {
  await page.goto(`${world.issuer}/eid/authorize?client_id=nobody&redirect_uri=https://evil.example/&response_type=code&scope=openid`);
  await at('/eid/error');
  await says(/invalid_client|invalid_request/);
});

await test('somebody without an account opens one on the way', async () => {
  await context.clearCookies();
  const someone = (await request(`${world.issuer}/api/eid/demo-person`)).json;
  await page.goto(`${sample.origin}/sign-in`);
  await at('/eid/sign-in');
  await page.locator('main a[href^="/eid/open"]').click();
  await page.locator('main .govuk-button').first().click();
  await page.locator('#number').fill(someone.number);
  const next = () => page.locator('main form button[type=submit]').click();
  await next();
  await page.locator('#name').fill(someone.name);
  await next();
  const [year, month, day] = someone.birth_date.split('-');
  const fields = page.locator('main form input');
  for (const [i, text] of [day, month, year].entries()) await fields.nth(i).fill(String(Number(text)));
  await next();
  await page.locator('#phone').waitFor();
  await next();
  await page.locator('#password').fill('mật khẩu của một người thử');
  await next();
  await page.locator('main .govuk-button').last().click();
  await page.locator('main a[href^="/eid/sign-in"]').click();
  await first().click();
  await home();
  equal(await name(), someone.name);
});

await test('the service to try: told by the registry, in the page alone; taken back; signed out at it', async () => {
  await context.clearCookies();
  await page.goto(`${world.issuer}/eid/sample`);
  await page.locator('#verified').check();
  await page.locator('main .govuk-button').click();
  await at('/eid/sign-in');
  await page.locator('main .first-way button').click();
  await first().waitFor();
  await first().click();
  await at('/eid/sample');
  const shown = await says(/Đã kiểm tra ID token/);
  assert(shown.includes(world.account.name) && /Được xác minh bởi: .{5}/.test(shown) && /Giới tính/.test(shown), shown);
  assert(!page.url().includes('code='), `the code stands in the address: ${page.url()}`);
  assert(!(await page.evaluate(() => JSON.stringify([{ ...sessionStorage }, { ...localStorage }]))).includes(world.account.name), 'the page keeps who came');
  await page.locator('main button.plain').last().click();
  await at('/eid/sample');
  await says(/Một dịch vụ để dùng thử/);
  await page.goto(`${world.issuer}/eid/account`);
  await says(/Đăng nhập/);
});

await test('the service to try, refused, says so', async () => {
  await page.goto(`${world.issuer}/eid/sample`);
  await page.evaluate(() => sessionStorage.clear()); // another client, which nothing was given to
  await page.locator('main .govuk-button').click();
  await at('/eid/sign-in');
  await page.locator('main .first-way button').click();
  await page.locator('main .choice button').nth(1).click();
  await at('/eid/sample');
  await says(/Bạn đã từ chối/);
  await page.goto(`${world.issuer}/eid/sample?code=stolen&state=x`);
  await says(/không phải câu trả lời/);
});

await test('a service of one\'s own: registered, tried, and what went wrong is seen', async () => {
  await context.clearCookies();
  await page.goto(`${world.issuer}/eid/account/services/new`);
  await page.locator('main .govuk-button').first().click();
  await at('/eid/sign-in');
  await page.locator('main .first-way button').click();
  await at('/eid/account/services/new');
  await page.locator('#kind-page').check();
  await page.locator('#name').fill('Cửa hàng sách');
  await page.locator('#purpose').fill('Giao sách');
  await page.locator('#addresses').fill(`${world.issuer}/eid/sample`);
  await page.locator('form button[type=submit]').click();
  await page.locator('main a.govuk-button').click();
  await says(/Cửa hàng sách/);
  const id = new URL(page.url()).pathname.split('/').at(-1);
  const refused = await request(`${world.issuer}/eid/token`, { method: 'POST', form: { grant_type: 'authorization_code', client_id: id, code: 'guessed', code_verifier: 'x' } });
  equal(refused.json.error, 'invalid_grant');
  await page.locator('a[href^="/eid/sample"]').click();
  await says(/Bạn đang thử dịch vụ/);
  await page.locator('main .govuk-button').click();
  await first().click();
  await says(/Đã kiểm tra ID token/);
  await page.goto(`${world.issuer}/eid/account/services/${id}`);
  const told = await says(/Hỏi thông tin người dùng: 1 lần/);
  assert(/Lấy token: 1 lần\s+invalid_grant/.test(told) && /Đăng nhập: 1 lần\s+tốt/.test(told), told);
});

equal(complaints, [], 'errors of the pages');
await browser.close();
await sample.stop();
await world.stop();
done();

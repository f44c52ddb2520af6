// The sample relying party in Chromium: its server part (openid-client), its page
// (npm's oidc-client-ts 3 unchanged), signing in at both, renewing, signing out of both.
// usage: oidc_client_ts_test.mjs NDC     77: there is no Chromium
import { existsSync } from 'node:fs';
import { chromium } from '../../../web/node_modules/playwright-core/index.mjs';
import { startSample } from './sample_rp.mjs';
import { assert, begin, done, equal, test } from './support.mjs';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
if (!existsSync(executablePath)) {
  console.log('1..0 # SKIP no chromium');
  process.exit(77);
}
const world = await begin(process.argv[2]);
const sample = await startSample(world.issuer);
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-component-update'] });
const context = await browser.newContext();
const page = await context.newPage();
page.setDefaultTimeout(15000);

/** Answers for the person at the provider's page by its JSON interface, with Chromium's own
 * cookies; what the page looks like is for the pages' own tests. */
async function answer(allow = true) {
  await page.waitForURL(/\/eid\/sign-in\?/);
  const path = `${world.issuer}/api/eid/interactions/${new URL(page.url()).searchParams.get('interaction')}`;
  await page.goto('about:blank'); // or the page would go on by itself, too
  const seen = [];
  const read = async (r) => {
    if (!r.ok()) throw new Error(`${r.url()}: ${r.status()} ${await r.text()}`);
    return r.json();
  };
  const step = async (name, data) => read(await context.request.post(`${path}/${name}`, { data }));
  let at = await read(await context.request.get(path));
  if (at.step === 'sign-in') {
    seen.push(at.step);
    at = await step('password', { login: world.account.login, password: world.account.password });
  }
  if (at.step === 'consent') {
    seen.push(at.step);
    at = await step('consent', { allow });
  }
  equal(at.step, 'done');
  await page.goto(new URL(at.location, world.issuer).href);
  return seen;
}

const text = (selector) => page.locator(selector).textContent();
const state = (wanted) => page.waitForFunction((w) => [w, 'error'].includes(document.getElementById('state')?.textContent), wanted)
  .then(async () => { if (await text('#state') !== wanted) throw new Error(await text('#error')); });

await test('the sample service signs somebody in', async () => {
  await page.goto(`${sample.origin}/`);
  await page.click('#in');
  equal(await answer(), ['sign-in', 'consent']);
  await page.waitForURL(`${sample.origin}/`);
  equal(await text('#name'), world.account.name);
  equal(await text('#acr'), 'urn:ndc:eid:1');
});

await test('its page signs in: the session is there, consent alone is asked', async () => {
  await page.goto(`${sample.origin}/page/`);
  await state('signed out');
  await page.click('#in');
  equal(await answer(), ['consent']);
  await state('signed in');
  equal(await text('#name'), world.account.name);
  const user = await page.evaluate(() => ({ scope: window.user.scope, birthdate: window.user.profile.birthdate, refresh: Boolean(window.user.refresh_token) }));
  equal(user, { scope: 'openid profile offline_access', birthdate: world.account.birth_date, refresh: true });
});

await test('oidc-client-ts renews by the refresh token', async () => {
  const before = await page.evaluate(() => [window.user.access_token, window.user.refresh_token]);
  await page.click('#renew');
  await state('renewed');
  const after = await page.evaluate(() => [window.user.access_token, window.user.refresh_token]);
  assert(after[0] !== before[0] && after[1] !== before[1], 'the tokens are the same');
});

await test('oidc-client-ts asks in the background (prompt=none in a frame)', async () => {
  await page.click('#silent');
  await state('asked in the background');
  equal(await text('#name'), world.account.name);
});

await test('the person refuses, and the page is told', async () => {
  await page.click('#in');
  await answer(false);
  await page.waitForFunction(() => document.getElementById('state')?.textContent === 'error');
  assert(/refused/.test(await text('#error')), await text('#error'));
});

await test('signing out at the page signs out of the service too', async () => {
  await page.goto(`${sample.origin}/page/`);
  await state('signed in');
  await page.click('#out');
  await page.waitForURL(`${sample.origin}/page/**`);
  await state('signed out');
  for (let i = 0; i < 50; i++) {
    await page.goto(`${sample.origin}/`);
    if (await page.locator('#in').count()) return;
    await page.waitForTimeout(100);
  }
  throw new Error('the service was not told');
});

await test('and the next sign-in asks for the password', async () => {
  await page.goto(`${sample.origin}/`);
  await page.click('#in');
  equal(await answer(), ['sign-in']);
  await page.waitForURL(`${sample.origin}/`);
  equal(await text('#name'), world.account.name);
  await page.click('#out');
  await page.waitForSelector('#in');
});

await browser.close();
await sample.stop();
await world.stop();
done();

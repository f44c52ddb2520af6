// The console's pages of account checks against the real daemon: an operator downloads a
// test file of the demo nation, sends it, watches it being checked, reads the report, fetches
// the verdicts. usage: console_test.mjs NDC  (NDC_TEST_SHOTS: a folder for pictures)
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { start } from '../registry/serve/daemon.mjs';
import { assert, axeFaults, browser, done, equal, noOverflow, resize, settled, signIn, test } from '../web/harness.mjs';

const [, , ndc] = process.argv;
const web = join(dirname(fileURLToPath(import.meta.url)), '../../web/dist');
const d = await start(ndc, '', { people: 2000, settings: [`web_dir=${web}`] });
const password = /^\s*Password\s+(\S+)/m.exec(d.said())[1];
const { page, context, faults, close } = await browser();
const shot = async (name) => {
  if (process.env.NDC_TEST_SHOTS) await page.screenshot({ path: join(process.env.NDC_TEST_SHOTS, `${name}.png`), fullPage: true });
};
const stated = JSON.stringify({ purpose: 'account-check', basis: 'TT 17/2024/TT-NHNN', titleVi: 'Xác thực tài khoản', titleEn: 'Account check' });
let file;

await page.goto(d.url);
await page.locator('input[name=username]').waitFor();
await signIn(page, 'admin', password);

await test('before a purpose is stated, the files are there and nothing can be sent', async () => {
  await page.goto(`${d.url}/verify`);
  await settled(page);
  await page.locator('#purpose-title').waitFor();
  equal(await page.locator('input[type=file]').count(), 0);
  equal(await axeFaults(page), []);
});

await test('a test file is downloaded and sent, and its rows are checked', async () => {
  await page.evaluate((text) => sessionStorage.setItem('ndc_purpose', text), stated);
  await page.goto(`${d.url}/verify`);
  await settled(page);
  await page.locator('.figures dd').first().waitFor(); // the projection is ready
  const [sample] = await Promise.all([page.waitForEvent('download'), page.locator('form .govuk-button--secondary').click()]);
  const path = join(d.dir, 'sample.csv');
  writeFileSync(path, readFileSync(await sample.path()));
  // Nothing chosen: said at the field, nothing sent.
  await page.locator('form button[type=submit]').click();
  await page.locator('.govuk-error-message').first().waitFor();
  equal(await axeFaults(page), []);
  await page.locator('input[type=file]').setInputFiles(path);
  await shot('verify-list');
  await page.locator('form button[type=submit]').focus();
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/verify\/[0-9A-Z]{12}$/);
  file = new URL(page.url()).pathname;
  await page.locator('main .govuk-tag--green').waitFor();
  const text = await page.locator('main').innerText();
  assert(/1[.,]000/.test(text), text);
});

await test('the verdicts are fetched, as many as there were rows', async () => {
  const [result] = await Promise.all([page.waitForEvent('download'), page.locator('.actions .govuk-button').first().click()]);
  const lines = readFileSync(await result.path(), 'utf8').trim().split(/\r?\n/);
  equal(lines.length, 1001);
  equal(lines[0], 'row,bank_account,verdict,fields,notes,new_person_id');
});

for (const lang of ['vi', 'en']) {
  await test(`list and report in ${lang}: axe finds nothing, fits 1280 and 320 px`, async () => {
    await context.addCookies([{ name: 'ndc_lang', value: lang, url: d.url }]);
    for (const path of ['/verify', file]) {
      await page.setViewportSize({ width: 1280, height: 900 });
      await page.goto(d.url + path);
      await settled(page);
      await page.locator('table tbody tr').first().waitFor();
      equal(await page.evaluate(() => document.documentElement.lang), lang);
      equal(await axeFaults(page), [], path);
      await noOverflow(page, 1280);
      await shot(`verify-${path === '/verify' ? 'files' : 'report'}-${lang}`);
      await resize(page, 320, 700);
      await noOverflow(page, 320);
      equal(await axeFaults(page), [], `${path} at 320 px`);
    }
    equal(faults.splice(0), [], 'logged');
  });
}

await test('a withdrawn file says so', async () => {
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.goto(d.url + file);
  await settled(page);
  await page.locator('.actions .govuk-button--secondary').click();
  await page.locator('.notice').waitFor();
});

await close();
await d.stop();
done();

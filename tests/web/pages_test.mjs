// Every page in both languages, wide and narrow, with and without data: axe finds nothing,
// nothing overflows, nothing is logged.
import { assert, axeFaults, browser, done, equal, noOverflow, resize, settled, signIn, test } from './harness.mjs';
import { start } from './mock_api.mjs';

const pages = [
  '/', '/map', '/map?measure=coverage&source=tax', '/sources', '/sources/new', '/sources/population', '/sources/vehicles', '/runs', '/runs/R100', '/runs/R103', '/quarantine', '/quarantine/Q1', '/changes', '/changes?kind=merged&type=person&paused=yes', '/reviews', '/search?q=binh',
  '/persons/P-7KX2M9QD-3', '/persons/P-7KX2M9QD-3?known=2026-11-20T10:00&valid=2025-01-01', '/persons/P-7KX2M9QD-3?tab=records', '/persons/P-7KX2M9QD-3?tab=relations', '/datasets', '/datasets/parcel', '/datasets/parcel/TCS2828804884', '/persons/P-7KX2M9QD-3?tab=history', '/persons/P-7KX2M9QD-3?tab=access', '/organisations/O-5QW8E2RT-7',
  '/policy', '/policy?tab=purposes', '/policy?tab=fields', '/policy?tab=rules', '/policy?tab=volumes', '/audit', '/jobs', '/webhooks', '/webhooks/W2', '/webhooks/W3', '/access', '/access?tab=keys', '/access?tab=roles', '/account', '/eid/desk', '/no-such-page',
];

const { url, world, stop } = await start();
const { page, context, faults, close } = await browser();

const purpose = JSON.stringify({ purpose: 'population-management', basis: 'Luật Căn cước 26/2023/QH15, Điều 16', titleVi: 'Quản lý dân cư', titleEn: 'Population management' });

for (const lang of ['vi', 'en']) {
  await context.clearCookies();
  await page.goto(`${url}/?lang=${lang}`);
  world.reset();
  await page.goto(`${url}/?lang=${lang}`);
  await test(`sign-in in ${lang}: axe finds nothing`, async () => {
    await page.locator('input[name=username]').waitFor();
    equal(await axeFaults(page), []);
  });
  await signIn(page, 'admin', 'right password');
  await context.addCookies([{ name: 'ndc_lang', value: lang, url }]);
  await page.evaluate(() => sessionStorage.removeItem('ndc_purpose'));
  await test(`purpose form in ${lang}: axe finds nothing`, async () => {
    await page.goto(`${url}/search`);
    await page.locator('#purpose-title').waitFor();
    await page.locator('form select').waitFor();
    equal(await axeFaults(page), []);
  });
  await page.evaluate((text) => sessionStorage.setItem('ndc_purpose', text), purpose);
  for (const path of pages) {
    await test(`${path} in ${lang}: axe finds nothing, fits 1280 and 320 px`, async () => {
      await page.setViewportSize({ width: 1280, height: 900 });
      await page.goto(url + path);
      await settled(page);
      equal(await page.evaluate(() => document.documentElement.lang), lang);
      assert((await page.title()).endsWith('ndc'), 'no title');
      equal(await page.locator('main h1').count(), 1, 'headings of the first level');
      equal(await axeFaults(page), []);
      await noOverflow(page, 1280);
      await resize(page, 320, 700);
      await noOverflow(page, 320);
      equal(await axeFaults(page), [], 'at 320 px');
      equal(faults.splice(0), [], 'logged');
    });
  }
}
await close();
stop();
done();

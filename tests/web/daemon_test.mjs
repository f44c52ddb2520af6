// The console against the real daemon: a demo nation is made and integrated, then every page
// is opened in Chromium as an operator would. usage: daemon_test.mjs NDC
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { assert, axeFaults, browser, counts, done, equal, failed, noOverflow, resize, settled, signIn, test, until } from './harness.mjs';

const PEOPLE = 2000;
const web = join(dirname(fileURLToPath(import.meta.url)), '../../web/dist');
const [, , ndc] = process.argv;

const dir = mkdtempSync(join(tmpdir(), 'ndc-console-'));
let said = '';
const daemon = spawn(ndc, ['serve', '--data-dir', dir, '--listen', '127.0.0.1:0', '--web-dir', web, '--demo', String(PEOPLE), '--set', 'weak_passwords=yes'], { stdio: ['ignore', 'pipe', 'pipe'] });
daemon.stdout.on('data', (text) => { said += text; });
daemon.stderr.on('data', (text) => { said += text; });
const ended = new Promise((resolve) => daemon.on('exit', resolve));

/** What the daemon writes at its start; a daemon that ended says why. */
const says = (what, pattern) => until(what, () => {
  if (daemon.exitCode !== null) throw new Error(`the daemon ended with ${daemon.exitCode}\n${said}`);
  return pattern.exec(said)?.[1];
});
const url = await says('the address', /(http:\/\/127\.0\.0\.1:\d+)\s/);
const password = await says('the first password', /^\s*Password\s+(\S+)\s/m);

const { page, context, faults, close } = await browser();
const open = async (path) => {
  await page.goto(url + path);
  await settled(page);
};
/** The API as the signed-in page sees it. */
const api = (path, headers = {}) => page.evaluate(([p, h]) => fetch(p, { headers: h }).then((r) => r.json()), [path, headers]);
const stated = { 'NDC-Purpose': 'linkage-review', 'NDC-Legal-Basis': 'Luat Du lieu 60/2024/QH15' };

await test('sign-in with the password of the first start', async () => {
  await page.goto(url);
  await page.locator('input[name=username]').waitFor();
  await page.locator('input[name=username]').fill('admin');
  await page.locator('input[name=password]').fill('not the password');
  await page.locator('form button[type=submit]').click();
  await page.locator('[role=alert]').waitFor();
  await signIn(page, 'admin', password);
});

await test('the country integrates itself before one\'s eyes', async () => {
  await open('/');
  const people = await until('people in the overview', async () => {
    const text = await page.locator('.figures dd').first().innerText();
    const n = Number(text.replace(/\D/g, '')) || 0;
    return n > PEOPLE * 0.9 && n; // it may be seen growing
  }, 300);
  assert(people < PEOPLE * 1.2, `${people} people`);
  await page.locator('table tbody tr').nth(15).waitFor();
  await until('the integration\'s end', async () => (await api('/api/jobs?state=running')).jobs.length === 0 && (await api('/api/jobs?state=queued')).jobs.length === 0, 300);
});

await test('a purpose is stated once, from the purposes open to an operator', async () => {
  await page.goto(`${url}/search`);
  await page.locator('#purpose-title').waitFor();
  await page.locator('form select').first().selectOption('linkage-review');
  await page.locator('.card button[type=submit]').click();
  await page.locator('form[role=search]').waitFor();
});

let person = '';
await test('search finds people without their tones, and a person has a golden record with sources', async () => {
  await page.getByLabel('Họ tên hoặc tên tổ chức').fill('nguyen van');
  await page.keyboard.press('Enter');
  await page.locator('tbody tr').first().waitFor();
  assert(/Nguyễn/.test(await page.locator('tbody').innerText()), 'names with tones');
  await page.locator('tbody th a').first().click();
  await page.waitForURL('**/persons/P-*');
  await page.locator('main tbody tr').nth(3).waitFor();
  person = decodeURIComponent(new URL(page.url()).pathname.split('/')[2]);
  assert((await page.locator('tbody a[href^="/sources/"]').count()) > 3, 'sources of values');
  assert(/không hiển thị|đã che/.test(await page.locator('tbody').innerText()), 'nothing is masked for a reviewer');
});

await test('the records of a person as a graph, and who has read it', async () => {
  await open(`/persons/${person}?tab=records`);
  await page.locator('.graph-svg circle').nth(1).waitFor();
  const rows = await page.locator('table').first().locator('tbody tr').count();
  await counts(page.locator('.graph-svg circle'), rows + 1, 'a dot for every record and one for the person');
  await open(`/persons/${person}?tab=access`);
  await page.locator('tbody tr').first().waitFor();
  assert((await page.locator('tbody').innerText()).includes('user:admin'), 'our own reading is not there');
});

await test('a decision of the review queue is stored and undone', async () => {
  await open('/reviews');
  await page.locator('.evidence tbody tr').first().waitFor();
  const before = (await api('/api/registry/reviews?limit=1')).total;
  await page.keyboard.press('d');
  await until('the decision', async () => (await api('/api/registry/reviews?state=different&limit=1')).total === 1);
  await page.keyboard.press('u');
  await until('the undoing', async () => (await api('/api/registry/reviews?state=different&limit=1')).total === 0);
  assert(before > 0, 'no pairs');
});

await test('a source is run again: the run\'s page follows it to its scorecard', async () => {
  await open('/sources/population');
  await page.getByRole('button', { name: 'Chạy ngay' }).click();
  await page.waitForURL('**/runs/*');
  await until('the run\'s end', async () => /Xong/.test(await page.locator('.lead').innerText()), 300);
  await page.locator('.criteria').waitFor();
});

await test('a wrong declaration is refused at its line', async () => {
  await open('/sources/new');
  const text = await page.locator('textarea').inputValue();
  await page.locator('textarea').fill(text.replace('to: birth_date', 'to: birth_dat'));
  await page.getByRole('button', { name: 'Khai báo', exact: true }).click();
  await page.locator('.govuk-error-message').waitFor();
  const line = text.split('\n').findIndex((l) => l.includes('birth_date')) + 1;
  assert((await page.locator('.govuk-error-message').innerText()).includes(`Dòng ${line}`), await page.locator('.govuk-error-message').innerText());
});

await test('a row that fails goes to quarantine, is corrected in place, and is accepted', async () => {
  const yaml = readFileSync(new URL('./push_source.yaml', import.meta.url), 'utf8');
  await open('/sources/new');
  await page.locator('textarea').fill(yaml);
  await page.getByRole('button', { name: 'Khai báo', exact: true }).click();
  await page.waitForURL('**/sources/console_push');
  const pushed = await page.evaluate(async () => {
    const { csrf } = await (await fetch('/api/session')).json();
    const body = [{ ma: 'A1', ho_ten: 'Nguyễn Thị Mai', ngay_sinh: '31/02/1990' }, { ma: 'A2', ho_ten: 'Trần Văn Nam', ngay_sinh: '05/06/1988' }].map((r) => JSON.stringify(r)).join('\n');
    const r = await fetch('/api/registry/sources/console_push/records', { method: 'POST', headers: { 'Content-Type': 'application/x-ndjson', 'NDC-CSRF': csrf, 'Idempotency-Key': 'console-test-1' }, body });
    return { status: r.status, text: await r.text() };
  });
  assert(pushed.status === 200, pushed.text);
  await open('/quarantine?source=console_push');
  await page.locator('.q-row').first().waitFor();
  await counts(page.locator('.q-row'), 1);
  await page.locator('.q-row').getByRole('button', { name: /Sửa/ }).click();
  await page.locator('.row-editor').getByLabel('ngay_sinh').fill('30/02/1990');
  await page.getByRole('button', { name: 'Gửi lại' }).click();
  await page.locator('.govuk-inset-text.bad').waitFor();
  await page.locator('.row-editor').getByLabel('ngay_sinh').fill('28/02/1990');
  await page.getByRole('button', { name: 'Gửi lại' }).click();
  await page.locator('.notice').waitFor();
  await page.locator('.empty').waitFor();
});

await test('audit: the browser checks the head\'s signature and proves an entry of the real log', async () => {
  await open('/audit');
  await page.locator('.facts .good').waitFor();
  await page.locator('tbody button').nth(1).click();
  await page.locator('.proof > li').nth(3).waitFor();
  equal(await page.locator('.proof > li.bad').count(), 0);
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Ghi nhớ đầu cây này' }).click();
  await open(`/persons/${person}`);
  await open('/audit');
  await page.getByRole('button', { name: 'Kiểm chứng từ lần trước' }).click();
  await page.locator('.proof > li').nth(5).waitFor();
  equal(await page.locator('.proof > li.bad').count(), 0);
});

await test('audit: the console\'s export passes `ndc audit verify`', async () => {
  await open('/audit');
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Tải toàn bộ nhật ký' }).click()]);
  const verify = spawn(ndc, ['audit', 'verify', await download.path(), '--data-dir', dir]);
  let text = '';
  verify.stdout.on('data', (d) => { text += d; });
  verify.stderr.on('data', (d) => { text += d; });
  equal(await new Promise((resolve) => verify.on('exit', resolve)), 0, text);
});

await test('a key is made, shown once, and revoked', async () => {
  await open('/access?tab=keys');
  await page.getByRole('button', { name: 'Tạo khoá API' }).click();
  const dialog = page.locator('dialog[open]');
  await dialog.locator('select option[value]:not([value=""])').first().waitFor({ state: 'attached' });
  const codes = await dialog.locator('select option').evaluateAll((all) => all.map((o) => o.value).filter(Boolean));
  await dialog.locator('select').selectOption(codes[0]);
  await dialog.getByLabel('Dùng cho').fill('Thử');
  await dialog.getByRole('button', { name: 'Tạo khoá API' }).click();
  await page.locator('.secret').waitFor();
  await page.getByRole('button', { name: 'Tôi đã cất' }).click();
  await page.getByRole('button', { name: /^Thu hồi: / }).first().click();
  await page.locator('dialog[open]').getByRole('button', { name: 'Thu hồi' }).click();
  await page.getByText('Đã thu hồi').waitFor();
});

await test('policy: a real request is explained', async () => {
  await open('/policy');
  await page.getByLabel('Mục đích', { exact: true }).selectOption('residence');
  await page.getByRole('button', { name: 'Giải thích' }).click();
  await page.locator('tbody tr').nth(10).waitFor();
});

const pages = ['/', '/map', '/map?measure=coverage', '/sources', '/sources/population', '/sources/new', '/runs', '/runs/1', '/quarantine', '/changes', '/webhooks', '/reviews', '/search?q=nguyen', `/persons/${person}`, `/persons/${person}?tab=records`, `/persons/${person}?tab=history`, `/persons/${person}?tab=relations`, '/datasets', '/datasets/parcel', '/policy', '/policy?tab=rules', '/policy?tab=fields', '/policy?tab=purposes', '/policy?tab=volumes', '/audit', '/jobs', '/access', '/access?tab=roles', '/account'];
for (const lang of ['vi', 'en']) {
  await context.addCookies([{ name: 'ndc_lang', value: lang, url }]);
  for (const path of pages) {
    await test(`${path.replace(person, 'P')} of the daemon in ${lang}: axe finds nothing, fits 1280 and 320 px`, async () => {
      await page.setViewportSize({ width: 1280, height: 900 });
      await open(path);
      equal(await page.locator('[role=alert]').count(), 0, 'a problem is shown');
      equal(await axeFaults(page), []);
      await noOverflow(page, 1280);
      await resize(page, 320, 700);
      await noOverflow(page, 320);
    });
  }
}

await test('nothing was logged, nothing refused by the page\'s policy', async () => equal(faults, []));

await test('sign-out ends the session', async () => {
  await page.setViewportSize({ width: 1280, height: 900 });
  await open('/');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.locator('input[name=username]').waitFor();
  equal(await page.evaluate(() => fetch('/api/session').then((r) => r.status)), 401);
});

await close();
daemon.kill('SIGTERM');
await ended;
if (failed()) console.log(said.replace(/^/gm, '# '));
rmSync(dir, { recursive: true, force: true });
done();

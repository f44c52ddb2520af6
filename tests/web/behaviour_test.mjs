// What an operator does, against the stand-in, where every state can be had at will: sessions
// that end, rows that still fail, keys alone, proofs that do not hold.
import { assert, axeFaults, browser, counts, done, equal, focused, noOverflow, resize, settled, signIn, test, until } from './harness.mjs';
import { consistency, inclusion, root, start } from './mock_api.mjs';

const { url, world, stop } = await start();
const { page, context, faults, close } = await browser();
const purpose = JSON.stringify({ purpose: 'population-management', basis: 'Luật Căn cước', titleVi: 'Quản lý dân cư', titleEn: 'Population management' });

async function open(path) {
  await page.goto(url + path);
  await settled(page);
}

/** Signed in, with or without a purpose, the mock as new. */
async function fresh(path, stated = true) {
  await context.clearCookies();
  world.reset();
  await page.goto(url);
  await page.locator('input[name=username]').waitFor();
  await page.evaluate(() => { sessionStorage.clear(); localStorage.clear(); });
  await signIn(page, 'admin', 'right password');
  if (stated) await page.evaluate((text) => sessionStorage.setItem('ndc_purpose', text), purpose);
  await open(path);
}

await test('sign-in: empty fields and a wrong password are told in words', async () => {
  world.reset();
  await page.goto(url);
  await page.locator('form button[type=submit]').click();
  await counts(page.locator('.govuk-error-message'), 2);
  await page.locator('input[name=username]').fill('admin');
  await page.locator('input[name=password]').fill('wrong');
  await page.locator('form button[type=submit]').click();
  await page.locator('[role=alert]').waitFor();
  assert((await page.locator('[role=alert]').innerText()).includes('không đúng'), 'no word of the reason');
  await focused(page, '[role=alert]');
  equal(await axeFaults(page), []);
});

await test('a password that someone else gave: nothing but changing it, in both languages, by keyboard', async () => {
  world.reset();
  world.state.mustChange = true;
  await page.goto(url);
  await page.locator('input[name=username]').fill('admin');
  await page.locator('input[name=password]').fill('right password');
  await page.keyboard.press('Enter');
  for (const [lang, heading] of [['vi', 'Đặt mật khẩu mới'], ['en', 'Set a new password']]) {
    await page.goto(`${url}/search?q=binh&lang=${lang}`);
    await page.locator('main h1').getByText(heading, { exact: true }).waitFor();
    await counts(page.locator('.side, .purpose, form[role=search]'), 0, 'ways to anything else');
    equal(await axeFaults(page), []);
    await resize(page, 320, 700);
    await noOverflow(page, 320);
    equal(await axeFaults(page), [], 'at 320 px');
    await resize(page, 1280, 900);
  }
  await page.locator('main input').first().focus();
  for (const [text, key] of [['wrong password', 'Tab'], ['lá lành đùm lá rách', 'Tab'], ['lá lành đùm lá rách', 'Enter']]) {
    await page.keyboard.type(text);
    await page.keyboard.press(key);
  }
  await focused(page, '[role=alert]');
  await page.locator('main input').first().fill('right password');
  await page.keyboard.press('Enter');
  await page.locator('.side').waitFor();
  await page.waitForURL('**/search**');
});

await test('the password of the first start: a reminder, put off or followed', async () => {
  await fresh('/sources');
  world.state.shouldChange = true;
  for (const lang of ['vi', 'en']) {
    await open(`/sources?lang=${lang}`);
    await page.getByRole('region', { name: lang === 'vi' ? 'Mật khẩu đầu tiên' : 'First password' }).waitFor();
    equal(await axeFaults(page), []);
    await resize(page, 320, 700);
    await noOverflow(page, 320);
    await resize(page, 1280, 900);
  }
  const reminder = /^(Mật khẩu đầu tiên|First password)$/;
  await page.getByRole('button', { name: 'Later' }).click();
  await counts(page.getByRole('region', { name: reminder }), 0);
  await open('/runs');
  await counts(page.getByRole('region', { name: reminder }), 0);
  await page.evaluate(() => sessionStorage.removeItem('ndc_first_password'));
  await open('/account');
  await page.getByRole('region', { name: reminder }).waitFor();
  const fields = page.locator('main input');
  await fields.nth(0).fill('right password');
  await fields.nth(1).fill('lá lành đùm lá rách');
  await fields.nth(2).fill('lá lành đùm lá rách');
  await page.keyboard.press('Enter');
  await page.locator('.notice').waitFor();
  await counts(page.getByRole('region', { name: reminder }), 0);
  await context.clearCookies();
});

await test('the language switch is at once, remembered, and sent to the server', async () => {
  await fresh('/sources');
  await page.getByRole('button', { name: 'English' }).click();
  await page.locator('main h1').getByText('Sources', { exact: true }).waitFor();
  await page.reload();
  await settled(page);
  equal(await page.locator('main h1').innerText(), 'Sources');
  equal(world.requests.at(-1).headers['accept-language'], 'en');
});

await test('personal data are not asked for before a purpose is stated; then every call carries it', async () => {
  await fresh('/search?q=binh', false);
  await page.locator('#purpose-title').waitFor();
  assert(!world.requests.some((r) => r.path.startsWith('/api/registry/search')), 'searched without purpose');
  await counts(page.locator('form select option'), 2, 'purposes not open to this account are offered');
  await page.locator('form select').first().selectOption('population-management');
  await page.locator('.card button[type=submit]').click();
  await page.locator('table tbody tr').first().waitFor();
  const sent = world.requests.find((r) => r.path.startsWith('/api/registry/search'));
  equal(sent.headers['ndc-purpose'], 'population-management');
  equal(Buffer.from(sent.headers['ndc-legal-basis'], 'latin1').toString('utf8'), 'Luật Căn cước 26/2023/QH15, Điều 16');
  assert((await page.locator('.purpose').innerText()).includes('Quản lý dân cư'), 'not in the bar');
});

await test('search: by name, arrow keys through results, enter opens the person', async () => {
  await fresh('/search');
  await page.getByLabel('Họ tên hoặc tên tổ chức').fill('binh');
  await page.keyboard.press('Enter');
  await page.locator('tbody tr').first().waitFor();
  await page.locator('tbody th a').first().focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/persons/P-7KX2M9QD-3');
  await settled(page);
  await page.waitForFunction(() => document.querySelector('main h1')?.textContent === 'Nguyễn Văn Bình');
  await focused(page, 'h1');
});

await test('person: masked and withheld values say so and how', async () => {
  await fresh('/persons/P-7KX2M9QD-3');
  const text = await page.locator('table').first().innerText();
  assert(/•••• 5678\s+đã che\s+chỉ còn 4 ký tự cuối/.test(text), text);
  assert(text.includes('không hiển thị'), 'withheld value is not told');
});

await test('an ended session is told, and signing in goes on with the same page', async () => {
  await fresh('/sources/tax');
  world.state.session = false;
  await page.locator('a[href="/runs"]').first().click();
  await page.locator('input[name=username]').waitFor();
  assert((await page.locator('main').innerText()).includes('Phiên làm việc đã hết hạn'), 'no message');
  equal(await axeFaults(page), []);
  await signIn(page, 'admin', 'right password');
  await page.waitForURL('**/runs');
  await settled(page);
});

await test('failures: told in words with what to do, and tried again', async () => {
  await fresh('/');
  world.fail.set('GET /api/registry/sources', { status: 503, body: { status: 503, title: 'Đang bận, hãy thử lại sau', code: 'server.busy', request_id: 'req-77' } });
  await open('/sources');
  const text = await page.locator('[role=alert]').innerText();
  assert(text.includes('Đang bận') && text.includes('thử lại sau ít giây') && text.includes('req-77'), text);
  equal(await axeFaults(page), []);
  world.fail.clear();
  await page.getByRole('button', { name: 'Thử lại' }).click();
  await page.locator('tbody tr').first().waitFor();
});

await test('empty: says what to do', async () => {
  await fresh('/');
  world.empty = true;
  await open('/sources');
  assert((await page.locator('.empty').innerText()).includes('Chưa có nguồn nào'), 'no empty state');
  equal(await axeFaults(page), []);
});

await test('loading: the page has its shape before the answer', async () => {
  await fresh('/');
  const release = world.hold();
  await page.locator('a[href="/sources"]').first().click();
  await page.locator('.ghost').first().waitFor();
  equal(await axeFaults(page), []);
  release();
  await page.locator('tbody tr').first().waitFor();
});

await test('a wrong declaration is shown at its line', async () => {
  await fresh('/sources/new');
  await page.locator('textarea').fill('source: x\nconector: {type: csv}\n');
  await page.getByRole('button', { name: 'Khai báo', exact: true }).click();
  await page.locator('.govuk-error-message').waitFor();
  assert((await page.locator('.govuk-error-message').innerText()).includes('Dòng 7'), 'no line');
  equal(await page.locator('textarea').getAttribute('aria-invalid'), 'true');
  equal(await axeFaults(page), []);
});

await test('search: more results come below, and the focus goes to the first of them', async () => {
  await fresh('/search');
  world.many = 120;
  await open('/search?q=binh');
  await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 50);
  await page.getByRole('button', { name: 'Xem thêm' }).click();
  await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 100);
  await page.waitForFunction(() => document.querySelectorAll('tbody th a')[50] === document.activeElement);
  await page.getByRole('button', { name: 'Xem thêm' }).click();
  await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 120);
  equal(await page.getByRole('button', { name: 'Xem thêm' }).count(), 0);
  delete world.many;
});

await test('search: who asks for a name that many share is told how to narrow it', async () => {
  const crowd = 'Còn nhiều người khác cũng khớp';
  await fresh('/search');
  await open('/search?q=binh');
  await counts(page.locator('tbody tr'), 4, 'results');
  equal(await page.getByText(crowd).count(), 0);
  world.crowd = true;
  await open('/search?q=nguyen');
  await page.getByText(crowd).waitFor();
  equal(await axeFaults(page), []);
  delete world.crowd;
});

await test('quarantined rows are personal data: no purpose, no row', async () => {
  await fresh('/quarantine', false);
  await page.locator('#purpose-title').waitFor();
  assert(!world.requests.some((r) => r.path.startsWith('/api/registry/quarantine')), 'read without purpose');
});

await test('quarantine: filters live in the address; a row is corrected in place', async () => {
  await fresh('/quarantine');
  await page.getByLabel('Nguồn').selectOption('population');
  await page.waitForURL('**source=population**');
  const rows = 4;
  await counts(page.locator('.q-row'), rows, 'rows of the source');
  await page.locator('.q-row').first().getByRole('button', { name: /Sửa/ }).click();
  const date = page.locator('.row-editor input[aria-invalid=true]').first();
  await date.waitFor();
  await focused(page, '[aria-invalid=true]');
  equal(await axeFaults(page), []);
  await page.locator('.row-editor').getByLabel('ngay_sinh').fill('28/02/1985');
  await page.getByRole('button', { name: 'Gửi lại' }).click();
  await page.locator('.govuk-inset-text.bad').waitFor();
  await counts(page.locator('.row-editor input[aria-invalid=true]'), 1, 'only what still fails is marked');
  await page.locator('.row-editor').getByLabel('ma_so').fill('001085001234');
  await page.getByRole('button', { name: 'Gửi lại' }).click();
  await page.locator('.notice').waitFor();
  await page.waitForFunction((n) => document.querySelectorAll('.q-row').length === n - 1, rows);
  equal(world.state.quarantine[0].state, 'corrected');
});

await test('review: worked by the keyboard alone, undone, told to screen readers', async () => {
  await fresh('/reviews');
  await page.locator('.evidence tbody tr').first().waitFor();
  await page.keyboard.press('j');
  await page.keyboard.press('k');
  await page.keyboard.press('s');
  await page.waitForFunction(() => /Đã ghi: là một/.test(document.getElementById('live').textContent));
  await until('the decision sent', () => world.state.reviews[0].state === 'same');
  await counts(page.locator('.queue button.here'), 1);
  await page.keyboard.press('d');
  await page.waitForFunction(() => /khác nhau/.test(document.getElementById('live').textContent));
  await until('the second sent', () => world.state.reviews[1].state === 'different');
  await page.keyboard.press('u');
  await page.waitForFunction(() => /rút lại/.test(document.getElementById('live').textContent));
  await until('the undoing sent', () => world.state.reviews[1].state === 'open');
  await page.keyboard.press('?');
  await page.locator('dialog[open]').waitFor();
  equal(await axeFaults(page), []);
  await page.keyboard.press('Escape');
  await page.locator('dialog[open]').waitFor({ state: 'hidden' });
  assert((await page.locator('mark').count()) > 0, 'differences are not marked');
});

await test('review: single keys can be turned off', async () => {
  await fresh('/reviews');
  await page.locator('.evidence tbody tr').first().waitFor();
  await page.keyboard.press('?');
  await page.locator('#keys-on').uncheck();
  await page.keyboard.press('Escape');
  await page.locator('dialog[open]').waitFor({ state: 'hidden' });
  await page.keyboard.press('s');
  // Decisions go out in order: by the time this one has come, that of the key would have.
  await page.locator('.decide button').nth(1).click();
  await until('the decision by button', () => world.requests.some((r) => r.path.endsWith('/decision')));
  equal(JSON.parse(world.requests.find((r) => r.path.endsWith('/decision')).body).decision, 'different');
});

await test('audit: this browser proves that an entry is in the signed log', async () => {
  await fresh('/audit');
  await page.locator('.good').first().waitFor();
  await page.getByRole('button', { name: 'Kiểm chứng mục 7', exact: true }).click();
  await page.locator('.proof > li').nth(3).waitFor();
  equal(await page.locator('.proof > li.bad').count(), 0);
  equal(await page.locator('.proof > li.good').count(), 4);
  equal(await axeFaults(page), []);
});

await test('audit: a changed entry cannot be proven', async () => {
  await fresh('/audit');
  world.state.shown = { 7: world.state.entries[7].replace('user:lan', 'user:nam') };
  await page.getByRole('button', { name: 'Kiểm chứng mục 7', exact: true }).click();
  await page.locator('.proof > li').nth(3).waitFor();
  assert((await page.locator('.proof > li.bad').count()) >= 2, 'a forged entry passed');
});

await test('audit: every leaf of trees of 1 to 40 entries is proven, and growth from each size', async () => {
  const crypto = await import('node:crypto');
  const leaves = Array.from({ length: 40 }, (_, i) => crypto.createHash('sha256').update(Buffer.from([0])).update(`entry ${i}`).digest());
  const esbuild = await import('../../web/node_modules/esbuild/lib/main.js');
  const { outputFiles } = await (esbuild.default ?? esbuild).build({ entryPoints: [new URL('../../web/src/policy/merkle.ts', import.meta.url).pathname], bundle: true, format: 'esm', write: false });
  const merkle = await import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);
  for (let size = 1; size <= 40; size++) {
    const whole = root(leaves.slice(0, size));
    for (let seq = 0; seq < size; seq++) {
      const { root: found } = await merkle.inclusionRoot(leaves[seq], seq, size, inclusion(seq, leaves.slice(0, size)));
      assert(found && merkle.equal(found, whole), `inclusion ${seq} of ${size}`);
    }
    for (let first = 1; first <= size; first++) {
      const old = root(leaves.slice(0, first));
      const found = await merkle.consistencyRoots(first, size, old, consistency(first, leaves.slice(0, size)));
      assert(found.first && merkle.equal(found.first, old) && merkle.equal(found.second, whole), `growth ${first} to ${size}`);
      const forged = Buffer.from(old);
      forged[0] ^= 1;
      const wrong = await merkle.consistencyRoots(first, size, forged, consistency(first, leaves.slice(0, size)));
      assert(!(wrong.first && wrong.second && merkle.equal(wrong.first, forged) && merkle.equal(wrong.second, whole)), `a forged head passed, ${first} to ${size}`);
    }
  }
});

await test('audit: remembered head, then growth since is proven; a cut log is caught', async () => {
  await fresh('/audit');
  await page.getByRole('button', { name: 'Ghi nhớ đầu cây này' }).click();
  world.state.entries.push(JSON.stringify({ seq: 37, time: '2026-11-22T03:30:00.000Z', principal: 'user:lan', action: 'read' }));
  await page.getByRole('button', { name: 'Kiểm chứng từ lần trước' }).click();
  await page.locator('.proof > li').nth(5).waitFor();
  equal(await page.locator('.proof > li.bad').count(), 0);
  await page.keyboard.press('Escape');
  await page.locator('dialog[open]').waitFor({ state: 'hidden' });
  world.state.entries[3] = world.state.entries[3].replace('read', 'Read').replace('search', 'Search');
  await page.getByRole('button', { name: 'Kiểm chứng từ lần trước' }).click();
  await page.locator('.proof > li').nth(5).waitFor();
  assert((await page.locator('.proof > li.bad').count()) >= 1, 'a rewritten log passed');
});

await test('audit: the export holds every entry byte for byte', async () => {
  await fresh('/audit');
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Tải toàn bộ nhật ký' }).click()]);
  const { readFileSync } = await import('node:fs');
  const lines = readFileSync(await download.path(), 'utf8').trim().split('\n');
  equal(lines.length, world.state.entries.length + 2);
  assert(lines[5].endsWith(`"entry":${world.state.entries[4]}}`), lines[5]);
});

await test('keys: the secret is shown once; revoking asks first', async () => {
  await fresh('/access?tab=keys');
  await page.getByRole('button', { name: 'Tạo khoá API' }).click();
  const dialog = page.locator('dialog[open]');
  await dialog.getByLabel('Cơ quan').first().selectOption('bca');
  await dialog.getByLabel('Dùng cho').fill('Cổng thử');
  equal(await axeFaults(page), []);
  await dialog.getByRole('button', { name: 'Tạo khoá API' }).click();
  await page.locator('.secret').waitFor();
  equal(await page.locator('.secret').innerText(), 'ndc_KNEW2345_secret');
  await page.getByRole('button', { name: 'Tôi đã cất' }).click();
  await page.locator('tbody tr').nth(1).waitFor();
  assert(!(await page.content()).includes('ndc_KNEW2345_secret'), 'the secret is still there');
  await page.getByRole('button', { name: /Thu hồi: KNEW2345/ }).click();
  await page.locator('dialog[open]').getByRole('button', { name: 'Thu hồi' }).click();
  await page.waitForFunction(() => document.querySelectorAll('.govuk-tag--green').length === 1);
});

await test('roles: made, changed and deleted by keyboard; one in use stays', async () => {
  await fresh('/access?tab=roles');
  await page.getByRole('button', { name: 'Tạo vai trò' }).click();
  const dialog = page.locator('dialog[open]');
  await dialog.getByLabel('Mã').waitFor();
  await dialog.locator('input[type=checkbox]').nth(1).waitFor({ state: 'attached' });
  equal(await axeFaults(page), []);
  await page.keyboard.press('Enter');
  await dialog.getByRole('button', { name: 'Lưu' }).focus();
  await page.keyboard.press('Enter');
  await counts(dialog.locator('.govuk-error-message'), 3);
  await dialog.getByLabel('Mã').fill('front-desk');
  await dialog.getByLabel('Tên tiếng Việt').fill('Tiếp dân');
  await dialog.getByLabel('Tên tiếng Anh').fill('Front desk');
  await dialog.getByLabel('Đọc hồ sơ').focus();
  await page.keyboard.press('Space');
  await dialog.getByLabel('Tên tiếng Anh').focus();
  await page.keyboard.press('Enter');
  await page.getByText('Tiếp dân').waitFor();
  equal(world.state.roles.at(-1).permissions, ['registry.person.read']);
  await page.getByRole('button', { name: 'Sửa: front-desk' }).click();
  await dialog.getByLabel('Tên tiếng Việt').fill('Một cửa');
  await dialog.getByRole('button', { name: 'Lưu' }).click();
  await page.getByText('Một cửa').waitFor();
  await page.getByRole('button', { name: 'Xoá: desk' }).click();
  await dialog.getByRole('button', { name: 'Xoá' }).click();
  await dialog.locator('[role=alert]').waitFor();
  equal(await axeFaults(page), []);
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Xoá: front-desk' }).click();
  await dialog.getByRole('button', { name: 'Xoá' }).click();
  await page.getByText('Một cửa').waitFor({ state: 'hidden' });
});

await test('changes: what happens appears without a reload, is held while paused, and comes back after the connection', async () => {
  await fresh('/changes');
  await counts(page.locator('tbody tr'), 6);
  await until('the stream', () => world.streams.length === 1);
  const said = world.requests.find((r) => r.path.startsWith('/api/registry/changes/stream')).headers;
  equal([said['last-event-id'], said['ndc-purpose']], ['6', 'population-management']);
  const send = (seq, more = {}) => world.streams.at(-1).write(`id: ${seq}\ndata: ${JSON.stringify({ seq, at: new Date().toISOString(), kind: 'changed', type: 'person', entity: 'P-7KX2M9QD-3', other: null, source: 'civil_status', fields: ['permanent_address'], ...more })}\n\n`);
  send(7);
  await counts(page.locator('tbody tr'), 7);
  const first = page.locator('tbody tr').first();
  assert((await first.innerText()).includes('Hộ tịch điện tử'), await first.innerText());
  equal(await first.locator('th, td').nth(3).locator('a').getAttribute('href'), '/persons/P-7KX2M9QD-3');
  await page.getByRole('button', { name: 'Tạm dừng' }).focus();
  await page.keyboard.press('Enter');
  await page.waitForURL('**/changes?paused=yes');
  send(8);
  send(9, { kind: 'merged', other: 'P-2AB4C6DE-1', fields: [] });
  await page.getByText('2 thay đổi đang chờ').waitFor();
  equal(await page.locator('tbody tr').count(), 7);
  await page.keyboard.press('Enter');
  await counts(page.locator('tbody tr'), 9);
  world.streams.at(-1).end();
  await until('the connection again', () => world.streams.length === 2);
  equal(world.requests.filter((r) => r.path.startsWith('/api/registry/changes/stream')).at(-1).headers['last-event-id'], '9');
  await page.getByLabel('Thay đổi', { exact: true }).selectOption('merged');
  await page.waitForURL('**kind=merged**');
  await counts(page.locator('tbody tr'), 2);
  equal(await axeFaults(page), []);
});

await test('webhooks: subscribed with a purpose, the secret once; tested, paused, a dead letter sent again, ended', async () => {
  await fresh('/webhooks');
  await counts(page.locator('tbody tr'), 3);
  await page.getByRole('button', { name: 'Đăng ký webhook' }).click();
  await page.locator('dialog').getByLabel('Địa chỉ nhận').fill('nowhere');
  await page.keyboard.press('Enter');
  await page.locator('dialog .govuk-error-message').waitFor();
  await page.locator('dialog').getByLabel('Địa chỉ nhận').fill('https://localhost/x');
  await page.keyboard.press('Enter');
  await page.locator('dialog [role=alert]').waitFor();
  await page.locator('dialog').getByLabel('Địa chỉ nhận').fill('https://hooks.example.org/x');
  await page.keyboard.press('Enter');
  await page.locator('dialog .secret').waitFor();
  assert((await page.locator('dialog .secret').innerText()).startsWith('whsec_'), 'the secret');
  equal(await axeFaults(page), []);
  await page.keyboard.press('Escape');
  await counts(page.locator('tbody tr'), 4);
  assert(!(await page.content()).includes('whsec_'), 'the secret is still there');
  await open('/webhooks/W2');
  await page.getByRole('button', { name: 'Gửi thử' }).click();
  await page.locator('.notice', { hasText: '204 sau 12 ms' }).waitFor();
  await page.getByRole('button', { name: 'Gửi lại: msg_W2_3_4' }).click();
  await page.getByText('chờ gửi lại').waitFor();
  await page.getByRole('button', { name: 'Tạm dừng' }).click();
  await page.getByRole('button', { name: 'Gửi tiếp' }).waitFor();
  await page.getByRole('button', { name: 'Huỷ đăng ký' }).click();
  await page.locator('dialog').getByRole('button', { name: 'Huỷ đăng ký' }).click();
  await page.waitForURL('**/webhooks');
  await counts(page.locator('tbody tr'), 3);
});

await test('map: every province can be reached and read by keyboard', async () => {
  await fresh('/map');
  await counts(page.locator('.province'), 34);
  await page.mouse.move(2, 2);
  await page.locator('select').last().focus();
  await page.keyboard.press('Tab');
  await focused(page, '.province');
  await page.waitForFunction(() => document.querySelector('.map-now').textContent.includes('Hà Nội'));
});

await test('policy: a request is explained field by field', async () => {
  await fresh('/policy');
  await page.getByLabel('Mục đích', { exact: true }).selectOption('population-management');
  await page.getByRole('button', { name: 'Giải thích' }).click();
  await page.locator('tbody tr').nth(2).waitFor();
  equal(await axeFaults(page), []);
});

await test('relations: from a person to a parcel and on to its owner', async () => {
  await fresh('/persons/P-7KX2M9QD-3');
  await page.getByRole('link', { name: 'Quan hệ' }).click();
  await page.getByRole('link', { name: /Thửa đất TCS2828804884/ }).click();
  await page.getByRole('heading', { name: 'Thửa đất TCS2828804884' }).waitFor();
  await page.getByText('POLYGON').first().click();
  await page.getByText('8.8 17.7').waitFor();
  equal(await axeFaults(page), []);
  await page.getByRole('link', { name: /Nguyễn Văn Bình/ }).click();
  await page.getByRole('heading', { name: 'Nguyễn Văn Bình' }).waitFor();
});

await test('policy: counts of people seen; a notice of a limit is settled', async () => {
  await fresh('/policy?tab=volumes');
  await page.getByText('96,2').first().waitFor();
  await page.getByRole('button', { name: 'Xử lý cảnh báo 4' }).click();
  const dialog = page.locator('dialog[open]');
  await dialog.getByLabel('Ghi chú').fill('Đã hỏi Bộ Y tế');
  equal(await axeFaults(page), []);
  await dialog.getByRole('button', { name: 'Xử lý', exact: true }).click();
  await page.getByText('Không có cảnh báo nào').waitFor();
  await page.getByLabel('Tình trạng').selectOption('settled');
  await page.getByText('Đã hỏi Bộ Y tế').waitFor();
  await page.getByLabel('Bên tra cứu').fill('key:7KX2M9QD');
  await page.getByText('96,2').first().waitFor({ state: 'hidden' });
  equal(await axeFaults(page), []);
});

await test('the whole console is reached by Tab with a visible focus', async () => {
  await fresh('/sources');
  await page.evaluate(() => document.body.focus());
  const seen = new Set();
  for (let i = 0; i < 40; i++) {
    await page.keyboard.press('Tab');
    const one = await page.evaluate(() => {
      const e = document.activeElement;
      const s = getComputedStyle(e);
      return { name: e.textContent?.trim() ?? '', shown: s.outlineStyle !== 'none' || s.boxShadow !== 'none' };
    });
    assert(one.shown, `no visible focus on "${one.name}"`);
    seen.add(one.name);
  }
  assert(seen.has('Đến nội dung chính') && seen.has('Tra cứu') && seen.has('Khai báo nguồn mới'), [...seen].join(' | '));
});

await test('first load stays under 150 KB compressed, fonts included', async () => {
  const client = await context.newCDPSession(page);
  await client.send('Network.enable');
  await client.send('Network.setCacheDisabled', { cacheDisabled: true });
  let bytes = 0;
  let last = Date.now();
  client.on('Network.loadingFinished', (e) => { bytes += e.encodedDataLength; last = Date.now(); });
  await page.goto(url);
  await settled(page);
  await page.evaluate(() => document.fonts.ready);
  await until('the last answer', () => bytes > 10000 && Date.now() - last > 1000);
  await client.detach();
  assert(bytes > 10000 && bytes < 150 * 1024, `${bytes} bytes`);
});

await test('nothing was logged', async () => equal(faults, []));

await close();
stop();
done();

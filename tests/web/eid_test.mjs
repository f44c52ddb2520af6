// The citizens' pages of electronic identification against the stand-in: signing in by every
// way, consent, opening an account, one's own account; passkeys with Chromium's virtual
// authenticator, whose signatures the stand-in verifies.
import { assert, axeFaults, browser, counts, done, equal, focused, noOverflow, resize, settled, signIn, test, until } from './harness.mjs';
import { start } from './mock_api.mjs';
import { DESK, NUMBER, PASSWORD, RECOVERY, TOTP, USED, USER_CODE } from './mock_eid.mjs';

const { url, world, stop } = await start();
const { page, context, faults, close } = await browser();
const eid = () => world.state.eid;
const signInAt = (id) => `/eid/sign-in?interaction=${id}`;
const sent = (method, path) => world.requests.filter((r) => r.method === method && r.path === path);
const bodyOf = (method, path) => JSON.parse(sent(method, path).at(-1).body);
const heading = (text) => page.locator('main h1').getByText(text, { exact: true }).waitFor();
const button = (name) => page.getByRole('button', { name, exact: true });
const alert = () => page.locator('[role=alert]').last();

async function open(path) {
  await page.goto(url + path);
  await settled(page);
}

/** A browser without cookies, a person without a session, the stand-in as new. */
async function fresh(path, change = {}) {
  await context.clearCookies();
  world.reset();
  Object.assign(eid(), change);
  if (path) await open(path);
}

async function password(login = NUMBER, secret = PASSWORD) {
  await page.locator('#login').fill(login);
  await page.locator('#password').fill(secret);
  await page.locator('form button[type=submit]').click();
}

async function says(pattern) {
  await until(`words like ${pattern}`, async () => pattern.test(await page.locator('main').innerText()));
}

/** Signed in, at a page of the account. */
const at = (path, change = {}) => fresh(path, { signedIn: true, ...change });
const withTotp = () => [{ number: 1, kind: 'password', title: '', created_at: null, used_at: null }, { number: 2, kind: 'totp', title: 'TOTP', created_at: null, used_at: null }, { number: 3, kind: 'recovery', title: '', created_at: null, used_at: null, codes_left: 10 }];

// The virtual authenticator would answer the field's own list by itself, with nobody choosing
// from it: no list, but where a test has its own.
await context.addInitScript(() => {
  if (globalThis.PublicKeyCredential) PublicKeyCredential.isConditionalMediationAvailable = () => Promise.resolve(false);
});

/** A device that holds passkeys; `remove` takes it away. */
async function device(options = {}) {
  const client = await context.newCDPSession(page);
  await client.send('WebAuthn.enable');
  const { authenticatorId } = await client.send('WebAuthn.addVirtualAuthenticator', { options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true, ...options } });
  return {
    client, authenticatorId,
    credentials: async () => (await client.send('WebAuthn.getCredentials', { authenticatorId })).credentials,
    async remove() {
      await client.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId });
      await client.send('WebAuthn.disable');
      await client.detach();
    },
  };
}

// ---- every page, in both languages, wide and narrow ----

const asked = {
  'sign-in for the account': () => signInAt(world.eid.begin()),
  'sign-in for a client': () => signInAt(world.eid.forClient({ need: { acr: 'urn:ndc:eid:3', level: 2 }, login_hint: '0912345678' })),
  'sign-in for a device': () => signInAt(world.eid.forClient({ kind: 'device' })),
  'second step': () => { eid().authenticators = withTotp(); return signInAt(world.eid.forClient({ step: 'second' })); },
  consent: () => signInAt(world.eid.forClient({ step: 'consent' })),
  'sign-in that is over': () => signInAt('gone'),
  account: () => { eid().authenticators = [...withTotp(), { number: 4, kind: 'passkey', title: 'Điện thoại của tôi với một cái tên dài', created_at: null, used_at: null, synced: true }, { number: 5, kind: 'passkey', title: 'Khoá cũ', created_at: null, used_at: null, warning: 'cloned' }]; eid().wards = [{ account: 'CHILD', kind: 'citizen', number_masked: '•••• 4321', name: 'Nguyễn Thị An', level: 1, state: 'active' }]; return '/eid/account'; },
  'account of level 2': () => { eid().level = 2; eid().user = 'binh'; return '/eid/account?done=passkey'; },
};
const plain = ['/eid/open', '/eid/open?step=number', '/eid/account/passkey', '/eid/account/totp', '/eid/account/recovery', '/eid/account/password', '/eid/account/child', '/eid/account/activity', '/eid/account/sharing', '/eid/account/readers', '/eid/account/services', '/eid/account/services/new', '/eid/account/services/SVC0000000000001', '/eid/account/freeze', '/eid/device', `/eid/device?user_code=${USER_CODE}`, '/eid/device?state=allowed', '/eid/device?state=refused', '/eid/device?state=expired', '/eid/sign-out', '/eid/signed-out', '/eid/sample', '/eid/sample?code=x&state=y', '/eid/error?code=redirect_uri&request=req-1', '/eid/none'];

async function looks(lang) {
  equal(await page.evaluate(() => document.documentElement.lang), lang);
  assert((await page.title()).endsWith('ndc'), 'no title');
  equal(await page.locator('main h1').count(), 1, 'headings of the first level');
  equal(await axeFaults(page), []);
  await noOverflow(page, 1280);
  await resize(page, 320, 700);
  await noOverflow(page, 320);
  equal(await axeFaults(page), [], 'at 320 px');
  await resize(page, 1280, 900);
  equal(faults.splice(0), [], 'logged');
}

for (const lang of ['vi', 'en']) {
  const as = async (make, path) => {
    await fresh(null, { signedIn: true });
    await context.addCookies([{ name: 'ndc_lang', value: lang, url }]);
    await open(make ? make() : path);
  };
  for (const [name, make] of Object.entries(asked)) await test(`${name} in ${lang}: axe finds nothing, fits 1280 and 320 px`, async () => { await as(make); await looks(lang); });
  for (const path of plain) await test(`${path} in ${lang}: axe finds nothing, fits 1280 and 320 px`, async () => { await as(null, path); await looks(lang); });
  await test(`signed out, a QR code, recovery codes, a desk's code, a dialog in ${lang}: axe finds nothing, fit`, async () => {
    await as(null, '/eid/account/totp');
    await page.locator('main .govuk-button').click();
    await page.locator('svg.qr').waitFor();
    await looks(lang);
    await as(null, '/eid/account/recovery');
    await page.locator('main .govuk-button').click();
    await counts(page.locator('.codes li'), 10);
    await looks(lang);
    await as(() => signInAt(world.eid.begin()));
    await page.locator('.ways button').click();
    await page.locator('#code').waitFor();
    await looks(lang);
    await as(null, '/eid/account/sharing');
    await page.locator('article .govuk-button').first().click();
    await page.locator('dialog[open]').waitFor();
    await looks(lang);
    eid().signedIn = false;
    await open('/eid/account');
    await looks(lang);
  });
}

// ---- signing in ----

await test('without an interaction one is begun, and its id is all that the address holds', async () => {
  await fresh('/eid/sign-in');
  await page.waitForURL(/\/eid\/sign-in\?interaction=[\w-]+$/);
  equal(bodyOf('POST', '/api/eid/interactions'), { next: '/eid/account' });
  await heading('Đăng nhập');
});

await test('empty fields are told in a list that leads to them; a wrong password in words, at the focus', async () => {
  await fresh();
  await open(signInAt(world.eid.begin()));
  await page.locator('form button[type=submit]').click();
  await focused(page, '[role=alert]');
  await counts(page.locator('[role=alert] a'), 2);
  await page.locator('[role=alert] a').last().click();
  await focused(page, '#password');
  await password(NUMBER, 'wrong');
  await says(/Thông tin đăng nhập không đúng/);
  await focused(page, '[role=alert]');
  equal(await page.locator('#password').inputValue(), '', 'the wrong password is still there');
  equal(await page.locator('#login').inputValue(), NUMBER, 'what was typed is lost');
  await password();
  await page.waitForURL(`${url}/eid/account`);
  await heading('Nguyễn Văn Bình');
});

await test('a pause for safety says how long, and that nobody is locked out', async () => {
  await fresh();
  await open(signInAt(world.eid.begin()));
  await password('000000000000', 'anything');
  await says(/Tài khoản của bạn không bị khoá\. Đợi khoảng 3 phút\./);
});

await test('a second step: wrong code, used code, right code; another way', async () => {
  await fresh(null, { authenticators: withTotp() });
  await open(signInAt(world.eid.begin()));
  await password();
  await heading('Thêm một bước để chắc là bạn');
  await focused(page, 'h1');
  assert(!(await page.locator('main').innerText()).includes('Nguyễn Văn Bình'), 'the name is told before the second step');
  await page.locator('#code').fill('12');
  await page.locator('form button[type=submit]').click();
  await counts(page.locator('.govuk-error-message'), 1);
  for (const [code, words] of [['999999', /không đúng/], [USED, /đã dùng rồi/]]) {
    await page.locator('#code').fill(code);
    await page.locator('form button[type=submit]').click();
    await says(words);
  }
  await button('Dùng một mã dự phòng').click();
  await page.locator('#code').fill(RECOVERY.toLowerCase());
  await page.locator('form button[type=submit]').click();
  await page.waitForURL(`${url}/eid/account`);
  await fresh(null, { authenticators: withTotp() });
  await open(signInAt(world.eid.begin()));
  await password();
  await page.locator('#code').fill(`${TOTP.slice(0, 3)} ${TOTP.slice(3)}`);
  await page.keyboard.press('Enter');
  await page.waitForURL(`${url}/eid/account`);
});

await test('after five wrong codes the sign-in begins anew, and another account can be used at any time', async () => {
  await fresh(null, { authenticators: withTotp() });
  await open(signInAt(world.eid.begin()));
  await password();
  for (let i = 0; i < 5; i++) {
    await page.locator('#code').fill('999999');
    await page.locator('form button[type=submit][aria-disabled=false]').click();
    await until('the refusal', async () => world.requests.filter((r) => r.path.endsWith('/totp')).length === i + 1);
    if (i < 4) await page.locator('form button[type=submit][aria-disabled=false]').waitFor();
  }
  await page.locator('#password').waitFor();
  await says(/không đúng/);
  await password();
  await page.locator('#code').waitFor();
  await button('Dùng tài khoản khác').click();
  await page.locator('#login').waitFor();
});

await test('a code from the desk signs in once', async () => {
  await fresh();
  await open(signInAt(world.eid.begin()));
  await button('Không đăng nhập được?').click();
  await focused(page, 'h2');
  await page.locator('#login').fill(NUMBER);
  await page.locator('#code').fill(DESK);
  await page.keyboard.press('Enter');
  await page.waitForURL(`${url}/eid/account`);
});

await test('consent: each datum in words, refusal as near as assent, either is sent and followed', async () => {
  for (const [name, allow] of [['Đồng ý', true], ['Từ chối', false]]) {
    await fresh();
    const id = world.eid.forClient();
    await open(signInAt(id));
    await says(/Thuế điện tử muốn biết bạn là ai\./);
    equal(await page.locator('img').count(), 0, 'a picture of the client is fetched');
    await password();
    await heading('Thuế điện tử xin dữ liệu của bạn');
    const given = await page.locator('.data > li > strong').allInnerTexts();
    equal(given, ['Bạn đã đăng nhập', 'Họ và tên', 'Ngày, tháng, năm sinh', 'Số định danh cá nhân', 'Mức độ của tài khoản', 'Loại tài khoản', 'Quyền “thuoc”', 'Thư điện tử', 'Dữ liệu “quoc_an”']);
    await says(/Khai thuế thu nhập cá nhân/);
    await says(/Nguyễn Văn Bình/);
    equal(await page.locator('a[target=_blank]').evaluateAll((all) => all.map((a) => [a.href, a.rel])), [['https://thuedientu.example.vn/rieng-tu', 'noopener noreferrer']]);
    await button(name).click();
    await page.waitForURL(`${url}/eid/back?interaction=${id}`);
    equal(bodyOf('POST', `/api/eid/interactions/${id}/consent`), { allow });
  }
});

await test('an address of a client that is no web address makes no link', async () => {
  await fresh();
  await open(signInAt(world.eid.forClient({ step: 'consent', client: { id: 'c', name: 'C', uri: 'javascript:alert(1)', policy_uri: 'javascript:alert(1)', tos_uri: 'nonsense' } })));
  equal(await page.locator('main a[target=_blank]').count(), 0);
});

await test('a sign-in never leads to another server', async () => {
  await fresh();
  const id = world.eid.begin({ next: '//evil.example/x' });
  await open(signInAt(id));
  await password();
  await page.waitForURL(`${url}/eid/error?code=eid.next`);
});

await test('what an account cannot reach is said with what to do; a frozen one too', async () => {
  await fresh();
  await open(signInAt(world.eid.forClient({ need: { acr: 'urn:ndc:eid:3', level: 2 } })));
  await says(/Việc này cần tài khoản mức độ 2\./);
  await password();
  await says(/mang giấy tờ đến quầy đăng ký định danh/);
  await button('Dùng tài khoản khác').click();
  await page.locator('#login').waitFor();
  eid().state = 'frozen';
  await password();
  await says(/đang bị khoá/);
});

await test('a sign-in that is over, in another browser\'s hands, or runs out while it waits, says so', async () => {
  await fresh();
  await open(signInAt('gone'));
  await heading('Lần đăng nhập này đã kết thúc');
  await open(signInAt(world.eid.begin({ expires_at: new Date(Date.now() + 2500).toISOString() })));
  await page.locator('#login').waitFor();
  await heading('Lần đăng nhập này đã kết thúc');
});

await test('a server that cannot be reached: told, and tried again', async () => {
  await fresh();
  const id = world.eid.begin();
  world.fail.set(`GET /api/eid/interactions/${id}`, { status: 503, body: { status: 503, code: 'server.busy' } });
  await open(signInAt(id));
  await says(/Hệ thống/);
  world.fail.clear();
  await button('Thử lại').click();
  await page.locator('#login').waitFor();
});

await test('the language changes in the middle of a sign-in, and nothing typed is lost', async () => {
  await fresh();
  await open(signInAt(world.eid.begin()));
  await page.locator('#login').fill(NUMBER);
  await button('English').click();
  await heading('Sign in');
  equal(await page.locator('#login').inputValue(), NUMBER);
  await password(NUMBER, 'wrong');
  await says(/The sign-in details are not right/);
});

// ---- passkeys ----

await test('passkey: added, named by its owner, then enough to sign in; offered again after a refusal', async () => {
  const phone = await device();
  try {
    await at('/eid/account/passkey');
    await page.locator('#title').fill('Điện thoại của tôi');
    await button('Tạo khoá truy cập').click();
    await page.waitForURL(`${url}/eid/account?done=passkey`);
    await says(/Đã thêm khoá truy cập/);
    await says(/Điện thoại của tôi/);
    equal(bodyOf('POST', '/api/eid/me/passkeys').credential.response.transports, ['internal']);
    equal((await phone.credentials()).length, 1, 'credentials in the device');

    eid().signedIn = false;
    const id = world.eid.begin();
    await open(signInAt(id));
    await button('Đăng nhập bằng khoá truy cập').click();
    await page.waitForURL(`${url}/eid/account`);
    await heading('Nguyễn Văn Bình');
    assert(bodyOf('POST', `/api/eid/interactions/${id}/passkey`).credential.response.signature.length > 80, 'no signature');

    // A key that the server does not know (any more).
    eid().signedIn = false;
    eid().passkeys = [];
    await open(signInAt(world.eid.begin()));
    await button('Đăng nhập bằng khoá truy cập').click();
    await says(/không dùng được ở đây/);
  } finally {
    await phone.remove();
  }
});

await test('passkey as the second step; a device that has one already says so', async () => {
  const phone = await device();
  try {
    await at('/eid/account/passkey');
    await button('Tạo khoá truy cập').click();
    await page.waitForURL(`${url}/eid/account?done=passkey`);
    await open('/eid/account/passkey');
    await button('Tạo khoá truy cập').click();
    await says(/đã có khoá truy cập của bạn/);
    eid().signedIn = false;
    await open(signInAt(world.eid.begin()));
    await password();
    await heading('Thêm một bước để chắc là bạn');
    await button('Đăng nhập bằng khoá truy cập').click();
    await page.waitForURL(`${url}/eid/account`);
  } finally {
    await phone.remove();
  }
});

await test('passkey: an owner who is not verified, and a window that is closed, are told kindly', async () => {
  const phone = await device({ isUserVerified: false });
  try {
    await at('/eid/account/passkey');
    await button('Tạo khoá truy cập').click();
    await says(/Chưa dùng được khoá truy cập/);
    assert((await button('Tạo khoá truy cập').count()) === 1, 'no second try');
  } finally {
    await phone.remove();
  }
});

await test('passkeys are offered in the first field where the browser can, and its own button ends that', async () => {
  const phone = await device();
  try {
    await at('/eid/account/passkey');
    await button('Tạo khoá truy cập').click();
    await page.waitForURL(`${url}/eid/account?done=passkey`);
    eid().signedIn = false;
    await context.addInitScript(() => {
      if (!globalThis.PublicKeyCredential || globalThis.asks) return;
      globalThis.asks = { push: (what) => sessionStorage.setItem('asks', `${sessionStorage.getItem('asks') ?? ''}${what} `) };
      const get = navigator.credentials.get.bind(navigator.credentials);
      navigator.credentials.get = (options) => {
        globalThis.asks.push(options.mediation ?? 'modal');
        // The field's list waits for its owner, as with a person before it.
        if (options.mediation === 'conditional') return new Promise((_, reject) => options.signal.addEventListener('abort', () => { globalThis.asks.push('ended'); reject(options.signal.reason); }));
        return get(options);
      };
      PublicKeyCredential.isConditionalMediationAvailable = () => Promise.resolve(true);
    });
    await open(signInAt(world.eid.begin()));
    const asked = () => page.evaluate(() => sessionStorage.getItem('asks'));
    await until('the list in the field', async () => (await asked()) === 'conditional ');
    equal(await page.locator('#login').getAttribute('autocomplete'), 'username webauthn');
    await button('Đăng nhập bằng khoá truy cập').click();
    await page.waitForURL(`${url}/eid/account`);
    equal(await asked(), 'conditional ended modal ');
  } finally {
    await phone.remove();
  }
});

// ---- opening an account ----

/** Answers one question and goes on, by keyboard. */
async function answer(id, text) {
  await page.locator(id).waitFor();
  await page.locator(id).fill(text);
  await page.keyboard.press('Enter');
}

async function answerAll() {
  await button('Bắt đầu').click();
  await answer('#number', '001 088 012 345');
  await answer('#name', 'Nguyen Van Binh');
  await page.locator('#birth').fill('27');
  await page.locator('#birth-month').fill('3');
  await page.locator('#birth-year').fill('1988');
  await page.keyboard.press('Enter');
  await answer('#phone', '0912 345 678');
  await answer('#password', PASSWORD);
  await heading('Kiểm tra câu trả lời');
}

await test('opening: one question a page, answers checked, sent as they are, then a passkey is offered', async () => {
  await fresh('/eid/open', { registered: false });
  await answerAll();
  const shown = await page.locator('.summary').innerText();
  for (const text of [NUMBER, 'Nguyen Van Binh', '27/03/1988', '0912 345 678', 'đã đặt, 23 ký tự']) assert(shown.includes(text), `${text} in ${shown}`);
  assert(!shown.includes(PASSWORD), 'the password is shown');
  await button('Đúng rồi, mở tài khoản').click();
  await heading('Tài khoản đã mở');
  await focused(page, 'h1');
  equal(bodyOf('POST', '/api/eid/accounts'), { kind: 'citizen', number: NUMBER, name: 'Nguyen Van Binh', birth_date: '1988-03-27', phone: '0912345678', password: PASSWORD });
  await page.getByRole('link', { name: 'Thêm khoá truy cập' }).click();
  await page.locator('#title').waitFor();
});

await test('opening: nothing personal in addresses or stores; a reload forgets and begins anew', async () => {
  await fresh('/eid/open', { registered: false });
  const seen = [];
  const note = (frame) => seen.push(frame.url());
  page.on('framenavigated', note);
  await answerAll();
  page.off('framenavigated', note);
  assert(seen.length >= 6, 'no steps in the history');
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, history.state]));
  for (const text of [NUMBER, '088 012', 'Binh', '1988', '0912', 'quê']) assert(!seen.join().includes(text) && !kept.includes(text), `${text} is kept: ${kept} ${seen}`);
  await page.reload();
  await settled(page);
  await heading('Mở tài khoản định danh điện tử');
  equal(sent('POST', '/api/eid/accounts').length, 0);
});

await test('opening: what cannot be is told at its question; change comes back to the check; back goes back', async () => {
  await fresh('/eid/open', { registered: false });
  await button('Bắt đầu').click();
  await answer('#number', '12345');
  await says(/gồm đúng 12 chữ số/);
  await focused(page, '[role=alert]');
  await answer('#number', NUMBER);
  await answer('#name', 'Bình');
  await says(/đủ cả họ và tên/);
  await answer('#name', 'Nguyễn Văn Bình');
  for (const [d, m, y] of [['31', '2', '1988'], ['1', '1', '2999'], ['', '', '']]) {
    await page.locator('#birth').fill(d);
    await page.locator('#birth-month').fill(m);
    await page.locator('#birth-year').fill(y);
    await page.keyboard.press('Enter');
    await page.locator('.govuk-error-message').waitFor();
  }
  await page.locator('#birth').fill('27');
  await page.locator('#birth-month').fill('3');
  await page.locator('#birth-year').fill('1988');
  await page.keyboard.press('Enter');
  await page.locator('#phone').waitFor();
  await page.goBack();
  await page.locator('#birth').waitFor();
  equal(await page.locator('#birth-year').inputValue(), '1988', 'the answer is lost on the way back');
  await page.goForward();
  await answer('#phone', '12');
  await says(/10 chữ số/);
  await answer('#phone', '');
  await answer('#password', 'ngắn');
  await says(/ít nhất 12 ký tự/);
  await answer('#password', PASSWORD);
  await heading('Kiểm tra câu trả lời');
  await button('Sửa: Họ, chữ đệm và tên').click();
  await answer('#name', 'Nguyễn Văn An');
  await heading('Kiểm tra câu trả lời');
  await button('Đúng rồi, mở tài khoản').click();
  await says(/Không khớp với cơ sở dữ liệu quốc gia/);
  await focused(page, '[role=alert]');
  equal(await axeFaults(page), []);
});

await test('opening: a password that the server refuses leads back to its question; who has an account is led to it', async () => {
  await fresh('/eid/open', { registered: false });
  await answerAll();
  await button('Sửa: Mật khẩu').click();
  await answer('#password', 'aaaaaaaaaaaaaaa');
  await button('Đúng rồi, mở tài khoản').click();
  await says(/dễ đoán/);
  await button('Sửa: Mật khẩu').click();
  await says(/dễ đoán/);
  await answer('#password', PASSWORD);
  eid().registered = true;
  await button('Đúng rồi, mở tài khoản').click();
  await says(/đã có tài khoản/);
  await counts(page.locator('[role=alert] a[href="/eid/sign-in"]'), 1);
});

await test('opening on the way to a client: the way back to that sign-in is kept', async () => {
  await fresh(null, { registered: false });
  const id = world.eid.forClient();
  await open(signInAt(id));
  await page.getByRole('link', { name: 'Chưa có tài khoản? Mở tài khoản' }).click();
  await answerAll();
  await button('Đúng rồi, mở tài khoản').click();
  await page.getByRole('link', { name: 'Tiếp tục đến nơi bạn đang đăng nhập' }).click();
  await page.waitForURL(url + signInAt(id));
});

await test('opening with the keyboard alone', async () => {
  await fresh('/eid/open', { registered: false });
  const tabTo = async (selector) => {
    for (let i = 0; i < 25; i++) {
      if (await page.evaluate((s) => document.activeElement?.matches(s), selector)) return;
      await page.keyboard.press('Tab');
      const shown = await page.evaluate(() => {
        const e = document.activeElement;
        const s = getComputedStyle(e);
        return e === document.body || s.outlineStyle !== 'none' || s.boxShadow !== 'none';
      });
      assert(shown, 'no visible focus');
    }
    throw new Error(`${selector} is not reached by Tab`);
  };
  await tabTo('main .govuk-button');
  await page.keyboard.press('Enter');
  for (const [first, ...texts] of [['#number', NUMBER], ['#name', 'Nguyễn Văn Bình'], ['#birth', '27', '3', '1988'], ['#phone', ''], ['#password', PASSWORD]]) {
    await page.locator(first).waitFor();
    await focused(page, 'h1');
    await tabTo(first);
    for (const [i, text] of texts.entries()) {
      if (i) await page.keyboard.press('Tab');
      await page.keyboard.type(text);
    }
    await page.keyboard.press('Enter');
  }
  await heading('Kiểm tra câu trả lời');
  await tabTo('main .govuk-button:not(.govuk-button--secondary)');
  await page.keyboard.press('Enter');
  await heading('Tài khoản đã mở');
});

// ---- one's own account ----

await test('account, signed out: the way in comes back to the very page', async () => {
  await fresh('/eid/account/readers');
  await button('Đăng nhập').click();
  await page.waitForURL(/sign-in\?interaction=/);
  await password();
  await page.waitForURL(`${url}/eid/account/readers`);
  await heading('Ai đã xem dữ liệu của tôi');
  await says(/Cán bộ lan, cơ quan BCA/);
  await says(/Đã xem: họ tên, nơi thường trú/);
  await says(/quản lý cư trú/);
});

await test('a session that ends while the account is open: said, with the way in', async () => {
  await at('/eid/account');
  eid().signedIn = false;
  await page.getByRole('link', { name: 'Đã chia sẻ với ai' }).click();
  await button('Đăng nhập').waitFor();
});

await test('sessions and sign-ins in words; another session is ended, one\'s own by signing out', async () => {
  await at('/eid/account/activity');
  await says(/Chrome, Android\s+thiết bị này/);
  await says(/Đăng nhập\s+hôm (nay|qua) \d\d:\d\d · mật khẩu, mã một lần · vào Thuế điện tử · từ địa chỉ mạng 203\.0\.113\.7/);
  await says(/Thử đăng nhập\s+không được/);
  await button('Kết thúc: Safari, macOS').click();
  await counts(page.locator('section[aria-labelledby=sessions] li'), 1);
  await button('Đăng xuất').click();
  await button('Đăng nhập').waitFor();
  equal(sent('DELETE', '/api/eid/me/sessions/S-here').length, 1);
});

await test('who was given what: in words, with the record; withdrawn after a question', async () => {
  await at('/eid/account/sharing');
  await counts(page.locator('article'), 2);
  const first = page.locator('article').first();
  equal(await first.locator('.data strong').allInnerTexts(), ['Bạn đã đăng nhập', 'Họ và tên', 'Ngày, tháng, năm sinh', 'Dùng tiếp khi bạn không có mặt', 'Số định danh cá nhân']);
  await first.locator('summary').click();
  assert((await first.locator('pre').innerText()).includes('ISO/IEC TS 27560:2023'), 'no record');
  await button('Rút lại: Thuế điện tử').click();
  await page.locator('dialog[open]').getByRole('button', { name: 'Thôi' }).click();
  equal(eid().grants.length, 2, 'withdrawn without assent');
  await button('Rút lại: Thuế điện tử').click();
  await page.locator('dialog[open]').getByRole('button', { name: 'Rút lại' }).click();
  await counts(page.locator('article'), 1);
  equal(eid().grants.map((g) => g.client.id), ['cong-dich-vu-cong']);
});

await test('authenticator app: a QR code drawn here, its secret as text, confirmed by a code', async () => {
  await at('/eid/account/totp');
  await button('Hiện mã hình').click();
  await page.locator('svg.qr').waitFor();
  equal(await page.locator('.secret').innerText(), 'JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP');
  // The three corners by which readers find it, seen in the picture itself.
  const corners = await page.locator('svg.qr').evaluate((svg) => {
    const n = svg.viewBox.baseVal.width;
    const [, dark] = svg.querySelectorAll('path');
    const is = (x, y) => { const p = svg.createSVGPoint(); p.x = x + 0.5; p.y = y + 0.5; return dark.isPointInFill(p); };
    return [[4, 4], [n - 11, 4], [4, n - 11], [n - 11, n - 11]].map(([x, y]) => is(x, y) && is(x + 6, y + 6) && !is(x + 1, y + 1) && is(x + 3, y + 3) && !is(x - 1, y));
  });
  equal(corners, [true, true, true, false]);
  for (const [code, words] of [['000000', /Mã không đúng/], [USED, /đã dùng rồi/]]) {
    await page.locator('#code').fill(code);
    await page.keyboard.press('Enter');
    await says(words);
  }
  await page.locator('#code').fill(TOTP);
  await page.keyboard.press('Enter');
  await page.waitForURL(`${url}/eid/account?done=totp`);
  await says(/Đã thêm ứng dụng xác thực/);
  assert(!world.requests.some((r) => r.path.includes('JBSW')), 'the secret is in an address');
});

await test('recovery codes: shown once, copied, and not left before they are put away', async () => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: url });
  await at('/eid/account/recovery');
  await button('Tạo mã').click();
  await counts(page.locator('.codes li'), 10);
  await button('Chép').click();
  await button('Đã chép').waitFor();
  equal((await page.evaluate(() => navigator.clipboard.readText())).split('\n').length, 10);
  await button('Xong').click();
  await says(/đánh dấu là đã cất/);
  await page.emulateMedia({ media: 'print' });
  assert(await page.locator('.codes').isVisible() && !(await page.locator('header').isVisible()) && !(await button('Xong').isVisible()), 'what is printed is not the codes alone');
  await page.emulateMedia({ media: null });
  await page.locator('#kept').check();
  await button('Xong').click();
  await page.waitForURL(`${url}/eid/account?done=recovery`);
  await until('the codes are gone', async () => !(await page.locator('body').innerText()).includes(RECOVERY.slice(0, 14)));
  await open('/eid/account/recovery');
  await says(/bộ cũ không dùng được nữa/);
});

await test('what needs a fresh sign-in says so, leads to it, and comes back', async () => {
  await at('/eid/account/recovery', { stale: true });
  await button('Tạo mã').click();
  await says(/trong 10 phút vừa qua/);
  await button('Đăng nhập lại').click();
  await page.waitForURL(/sign-in\?interaction=/);
  await password();
  await page.waitForURL(`${url}/eid/account/recovery`);
  await button('Tạo mã').click();
  await counts(page.locator('.codes li'), 10);
});

await test('a way to sign in is removed after a question; the last one is not', async () => {
  await at('/eid/account', { authenticators: [{ number: 4, kind: 'passkey', title: 'Điện thoại', created_at: null, used_at: null, synced: true }, { number: 5, kind: 'totp', title: '', created_at: null, used_at: null }] });
  await button('Gỡ bỏ: Ứng dụng xác thực').click();
  await page.locator('dialog[open]').getByRole('button', { name: 'Gỡ bỏ' }).click();
  await counts(page.locator('section[aria-labelledby=ways] .list li'), 1);
  await button('Gỡ bỏ: Điện thoại').click();
  await page.locator('dialog[open]').getByRole('button', { name: 'Gỡ bỏ' }).click();
  await says(/cách đăng nhập cuối cùng/);
  await focused(page, '[role=alert]');
});

await test('password: the current one is asked for, a wrong one told; shown on demand', async () => {
  await at('/eid/account/password');
  await page.locator('#current').fill('wrong');
  await page.locator('#next').fill('lá lành đùm lá rách nhiều');
  await button('Hiện mật khẩu').last().click();
  equal(await page.locator('#next').getAttribute('type'), 'text');
  await page.keyboard.press('Tab');
  await button('Lưu mật khẩu mới').click();
  await says(/Mật khẩu hiện tại không đúng/);
  await page.locator('#current').fill(PASSWORD);
  await button('Lưu mật khẩu mới').click();
  await page.waitForURL(`${url}/eid/account?done=password`);
});

await test('a child\'s account under a parent: checked, refused in words, opened', async () => {
  await at('/eid/account/child');
  for (const number of ['001216000000', '001216054321']) {
    await page.locator('#number').fill(number);
    await page.locator('#name').fill('Nguyễn Thị An');
    await page.locator('#birth').fill('2');
    await page.locator('#birth-month').fill('9');
    await page.locator('#birth-year').fill('2016');
    await button('Tiếp tục').click();
    await focused(page, 'h2');
    await button('Đúng rồi, mở tài khoản').click();
    if (number.endsWith('321')) break;
    await says(/không ghi bạn là cha hoặc mẹ/);
    await button('Sửa').click();
  }
  await page.waitForURL(`${url}/eid/account?done=child`);
  await says(/Nguyễn Thị An/);
  equal(bodyOf('POST', '/api/eid/me/children'), { number: '001216054321', name: 'Nguyễn Thị An', birth_date: '2016-09-02' });
});

await test('freezing: only after it is understood; then nobody is signed in', async () => {
  await at('/eid/account/freeze');
  await button('Khoá tài khoản').click();
  await says(/Đánh dấu rằng bạn hiểu/);
  equal(sent('POST', '/api/eid/me/freeze').length, 0);
  await page.locator('#sure').check();
  await button('Khoá tài khoản').click();
  await heading('Tài khoản đã khoá');
  equal(eid().state, 'frozen');
});

// ---- services of one's own ----

await test('a service: what is missing is told, registered, the secret shown once', async () => {
  await at('/eid/account/services');
  await page.getByRole('link', { name: 'Đăng ký dịch vụ' }).click();
  await page.locator('form button[type=submit]').click();
  await focused(page, '[role=alert]');
  await counts(page.locator('[role=alert] a'), 3);
  await page.locator('#name').fill('Cửa hàng');
  await page.locator('#purpose').fill('Giao hàng');
  await page.locator('#addresses').fill('https://wrong/');
  await page.locator('form button[type=submit]').click();
  await says(/redirect_uris: https:\/\/wrong/);
  await page.locator('#addresses').fill('https://shop.example/back\nhttp://127.0.0.1:3000/back');
  await page.locator('form button[type=submit]').click();
  await says(/ecs_secret/);
  equal(bodyOf('POST', '/api/eid/me/clients').redirect_uris, ['https://shop.example/back', 'http://127.0.0.1:3000/back']);
  await page.getByRole('link', { name: 'Đến trang của dịch vụ' }).click();
  await says(/Giao hàng/);
  assert(!(await page.locator('body').innerText()).includes('ecs_secret'), 'the secret is still shown');
});

await test('a service is watched, changed, tried, given another secret, removed after a question', async () => {
  await at('/eid/account/services/SVC0000000000001');
  await says(/128 lần/);
  await says(/the code was used before/);
  await button('Thêm địa chỉ này').click();
  await page.locator('a[href^="/eid/sample?client=SVC0000000000001"]').waitFor();
  assert(bodyOf('PUT', '/api/eid/me/clients/SVC0000000000001').redirect_uris.includes(`${url}/eid/sample`), 'not added');
  await button('Sửa').click();
  await page.locator('#name').fill('Phòng khám Bình');
  await page.locator('form button[type=submit]').click();
  await says(/Phòng khám Bình/);
  equal(bodyOf('PUT', '/api/eid/me/clients/SVC0000000000001').token_endpoint_auth_method, 'client_secret_basic');
  await button('Đổi mã bí mật').click();
  await page.locator('dialog[open] .govuk-button').click();
  await says(/ecs_another/);
  await button('Xoá dịch vụ').click();
  await page.locator('dialog[open] .govuk-button').click();
  await page.waitForURL(`${url}/eid/account/services`);
  await says(/Chưa có dịch vụ nào/);
});

// ---- devices, errors ----

await test('a device\'s code: wrong, then right, into the sign-in; one from a link is to be compared', async () => {
  await fresh('/eid/device');
  await button('Tiếp tục').click();
  await page.locator('.govuk-error-message').waitFor();
  await page.locator('#code').fill('AAAA-AAAA');
  await page.keyboard.press('Enter');
  await says(/Mã không đúng hoặc đã hết hạn/);
  await page.locator('#code').fill(USER_CODE.toLowerCase());
  await page.keyboard.press('Enter');
  await page.waitForURL(/sign-in\?interaction=/);
  await says(/cho phép một thiết bị khác/);
  await open(`/eid/device?user_code=${USER_CODE}`);
  equal(await page.locator('#code').inputValue(), USER_CODE);
  await says(/dấu hiệu lừa đảo/);
});

await test('signing out at a service\'s wish: asked first, then on to where the server leads', async () => {
  await at('/eid/sign-out?client_id=c-1&post_logout_redirect_uri=https%3A%2F%2Ftax.example%2Fbye&state=s1');
  await says(/đang đăng nhập với tên/);
  equal(sent('DELETE', '/api/eid/me/sessions/S-here').length, 0, 'signed out unasked');
  await button('Đăng xuất').click();
  await page.waitForURL(`${url}/eid/logout?client_id=c-1&post_logout_redirect_uri=https%3A%2F%2Ftax.example%2Fbye&state=s1`);
  equal(sent('DELETE', '/api/eid/me/sessions/S-here').length, 1);
  await at('/eid/sign-out');
  await button('Đăng xuất').click();
  await page.waitForURL(`${url}/eid/signed-out`);
  await says(/Bạn đã đăng xuất/);
});

await test('the page of errors tells codes in words, and never what an address wants it to say', async () => {
  await fresh('/eid/error?code=redirect_uri&request=req-77');
  await says(/Địa chỉ quay về chưa được đăng ký/);
  await says(/req-77/);
  await open(`/eid/error?code=${encodeURIComponent('Gọi ngay 1900 để nhận tiền')}&error_description=${encodeURIComponent('hãy gọi 1900')}&request=${encodeURIComponent('<b>1900</b>')}`);
  assert(!(await page.locator('body').innerText()).includes('1900'), 'text of the address is shown');
});

// ---- the console ----

await test('console: with an e-ID away, back and in; nobody comes in who did not ask to', async () => {
  await fresh(null, { user: 'admin' });
  await page.goto(url);
  await button('Đăng nhập bằng định danh điện tử').click();
  await page.waitForURL(/\/eid\/sign-in\?interaction=/);
  equal(bodyOf('POST', '/api/eid/interactions'), { next: '/' });
  await password();
  await page.waitForURL(`${url}/`);
  await page.locator('.side').waitFor();
  equal(sent('POST', '/api/eid/console').length, 1);
  world.state.session = false;
  await page.goto(url);
  await page.locator('input[name=username]').waitFor();
  equal(sent('POST', '/api/eid/console').length, 1, 'entered again without being asked');
});

await test('console: an account without a user is told so', async () => {
  await fresh();
  await page.goto(url);
  await button('Đăng nhập bằng định danh điện tử').click();
  await page.locator('#login').waitFor();
  await password();
  await page.waitForURL(`${url}/`);
  await says(/Nhờ quản trị viên gắn tài khoản/);
  equal(await axeFaults(page), []);
});

const stated = JSON.stringify({ purpose: 'population-management', basis: 'Luật Căn cước', titleVi: 'Quản lý dân cư', titleEn: 'Population management' });

await test('desk: found, proved, reset with a code shown once, frozen, thawed; the number is in no address of a page', async () => {
  await fresh();
  await page.goto(url);
  await signIn(page, 'admin', 'right password');
  await page.evaluate((text) => sessionStorage.setItem('ndc_purpose', text), stated);
  await page.locator('.side a[href="/eid/desk"]').click();
  await heading('Quầy đăng ký định danh');
  await page.reload();
  await settled(page);
  await page.locator('.side').waitFor();
  for (const width of [1280, 320]) {
    await resize(page, width, 900);
    equal(await axeFaults(page), [], `at ${width} px`);
    await noOverflow(page, width);
  }
  await resize(page, 1280, 900);
  const find = async (number) => {
    await page.locator('form[role=search] input').fill(number);
    await page.keyboard.press('Enter');
  };
  await find('999999999999');
  await says(/Không có tài khoản nào/);
  await find(NUMBER);
  await says(/mật khẩu, khoá truy cập/);
  const dialog = page.locator('dialog[open]');
  await button('Xác minh lên mức độ 2').click();
  await dialog.locator('button[type=submit]').click();
  await counts(dialog.locator('.govuk-error-message'), 3);
  equal(await axeFaults(page), []);
  await dialog.locator('select').selectOption('identity_card');
  await dialog.getByLabel('Số giấy tờ').fill(NUMBER);
  await dialog.locator('#desk-seen').check();
  await dialog.locator('button[type=submit]').click();
  await says(/2, đã xác minh trực tiếp/);
  equal(bodyOf('POST', '/api/eid/desk/accounts/A7KX2M9QD4RTB6WH/proof'), { document: 'identity_card', document_number: NUMBER, note: '' });
  equal(sent('POST', '/api/eid/desk/accounts/A7KX2M9QD4RTB6WH/proof')[0].headers['ndc-purpose'], 'population-management');
  await button('Cấp lại cách đăng nhập').click();
  await dialog.locator('select').selectOption('passport');
  await dialog.getByLabel('Số giấy tờ').fill('C1234567');
  await dialog.locator('#desk-seen').check();
  await dialog.locator('button[type=submit]').click();
  await page.locator('.secret').waitFor();
  equal(await page.locator('.secret').innerText(), DESK);
  await button('Tôi đã cất').click();
  await counts(page.locator('.secret'), 0);
  await button('Khoá tài khoản').click();
  await dialog.getByLabel('Lý do').fill('Mất điện thoại');
  await dialog.locator('button[type=submit]').click();
  await button('Mở khoá').waitFor();
  equal(new URL(page.url()).search, '');
  equal(await page.evaluate((n) => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]).includes(n), NUMBER), false);
});

// ---- weight ----

await test('citizens\' pages do not load the console, and stay under 150 KB compressed, fonts included', async () => {
  const consoleScript = /src="(\/assets\/app-[^"]+)"/.exec(await (await fetch(`${url}/`)).text())[1];
  for (const path of ['/eid/sign-in', '/eid/open', '/eid/account', '/eid/account/totp']) {
    await fresh(null, { signedIn: path.startsWith('/eid/account') });
    const client = await context.newCDPSession(page);
    await client.send('Network.enable');
    await client.send('Network.setCacheDisabled', { cacheDisabled: true });
    let bytes = 0;
    let last = Date.now();
    const files = [];
    client.on('Network.responseReceived', (e) => files.push(new URL(e.response.url).pathname));
    client.on('Network.loadingFinished', (e) => { bytes += e.encodedDataLength; last = Date.now(); });
    await open(path);
    await page.evaluate(() => document.fonts.ready);
    await until('the last answer', () => bytes > 10000 && Date.now() - last > 1000);
    await client.detach();
    console.log(`# ${path}: ${bytes} bytes`);
    assert(bytes < 150 * 1024, `${path}: ${bytes} bytes`);
    assert(!files.includes(consoleScript), `${path} loads the console`);
  }
});

await test('nothing was logged, nothing refused by the page\'s policy', async () => equal(faults, []));

await close();
stop();
done();

// A browser, axe and TAP for the console's tests.
import axe from '../../web/node_modules/axe-core/axe.js';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from '../../web/node_modules/playwright-core/index.mjs';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

/** How long a step may take: long, since a machine may be slow and busy; nothing waits this
 * long unless it has failed. */
const PATIENCE_MS = 90000;

/** The last answers of the API, and what is on the page: told when a test fails. */
const recent = [];
let shown = null;

let count = 0;
let failures = 0;

/** Runs one test and prints its TAP line. */
export async function test(name, body) {
  count++;
  try {
    await body();
    console.log(`ok ${count} - ${name}`);
  } catch (error) {
    failures++;
    console.log(`not ok ${count} - ${name}`);
    for (const line of String(error?.stack ?? error).split('\n').slice(0, 12)) console.log(`  # ${line}`);
    for (const line of recent) console.log(`  # ${line}`);
    const text = await shown?.evaluate(() => [...document.querySelectorAll('[role=alert], dialog[open], main')].map((e) => e.innerText).join('\n')).catch(() => '');
    for (const line of (text ?? '').split('\n').slice(0, 60)) console.log(`  # | ${line}`);
  }
}

export function done() {
  console.log(`1..${count}`);
  process.exitCode = failures ? 1 : 0;
}

/** Whether a test has failed so far. */
export const failed = () => failures > 0;

export function assert(truth, message) {
  if (!truth) throw new Error(message);
}

export function equal(have, want, message = 'not equal') {
  if (JSON.stringify(have) !== JSON.stringify(want)) throw new Error(`${message}: have ${JSON.stringify(have)}, want ${JSON.stringify(want)}`);
}

/** A browser with an empty profile; `faults` gathers what the console and the policy complain of. */
export async function browser() {
  if (!existsSync(executablePath)) {
    console.log('1..0 # SKIP no chromium');
    process.exit(77);
  }
  const profile = mkdtempSync(join(tmpdir(), 'ndc-web-'));
  const context = await chromium.launchPersistentContext(profile, { executablePath, args: flags, headless: true, chromiumSandbox: false, viewport: { width: 1280, height: 900 } });
  const faults = [];
  const watch = (page) => {
    page.on('pageerror', (error) => faults.push(String(error)));
    page.on('response', (answer) => {
      const url = new URL(answer.url());
      if (!url.pathname.startsWith('/api')) return;
      recent.push(`${new Date().toISOString().slice(17)} ${answer.request().method()} ${url.pathname}${url.search} ${answer.status()}`);
      if (recent.length > 16) recent.shift();
    });
    page.on('console', (message) => {
      // The browser reports every 4xx itself; those are answers that a test asks for.
      if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) faults.push(message.text());
    });
  };
  context.pages().forEach(watch);
  context.on('page', watch);
  const page = context.pages()[0] ?? (await context.newPage());
  page.setDefaultTimeout(PATIENCE_MS);
  shown = page;
  return {
    page, context, faults,
    async close() {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

/** Asks until the answer is true (and gives it): for what follows an action by and by. */
export async function until(what, check, seconds = PATIENCE_MS / 1000) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const found = await check();
    if (found) return found;
    if (Date.now() > end) throw new Error(`${what}: not within ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** That so many elements are there, by and by. */
export async function counts(locator, n, message = 'elements') {
  let have = -1;
  try {
    await until(message, async () => (have = await locator.count()) === n);
  } catch {
    equal(have, n, message);
  }
}

/** That what has the focus is so, by and by: pages move it after they were drawn. */
export async function focused(page, selector) {
  await page.waitForFunction((s) => document.activeElement?.matches(s), selector);
}

/** Another size of the window, and the page drawn at it. */
export async function resize(page, width, height) {
  await page.setViewportSize({ width, height });
  await page.waitForFunction((w) => innerWidth === w, width);
  await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
}

/** What axe finds on the page now, as readable lines. */
export async function axeFaults(page) {
  // By evaluate, not by a script element, which the page's policy would refuse.
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  return violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.target.join(' ')} ${n.failureSummary?.replace(/\s+/g, ' ') ?? ''}`));
}

/** The page has settled: heading there, nothing loading. */
export async function settled(page) {
  await page.locator('main h1').first().waitFor();
  await page.waitForFunction(() => !document.querySelector('[aria-busy="true"], .loading-line'));
}

export async function signIn(page, user, password) {
  await page.locator('input[name=username]').fill(user);
  await page.locator('input[name=password]').fill(password);
  await page.locator('form button[type=submit]').click();
  await page.locator('.side').waitFor();
}

export async function noOverflow(page, width) {
  const wide = await page.evaluate(() => {
    const limit = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= limit) return [];
    return [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > limit + 1).slice(0, 4).map((e) => `${e.tagName}.${e.className}`);
  });
  equal(wide, [], `wider than ${width} px`);
}

// Runs plans against a provider and prints what each module found.
//   node run.mjs [PLAN…] --ndc PROGRAM          an ndc of its own, started for it
//   node run.mjs [PLAN…] --peer FOLDER          npm's oidc-provider, installed in FOLDER
//   node run.mjs [PLAN…] --issuer URL --login L --password P   an ndc that is running
// --fast leaves out modules that wait; --only TEXT those whose name has not TEXT; --jobs N;
// --table prints all outcomes again at the end, and what is not applicable and why.
// --database URL: its data there; then plans that want a daemon of their own are left out.
// A plan is a folder beside this one with plan.mjs; none named: all. Exit code 1: one failed.
import { readdirSync, existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ndcPages } from './agent.mjs';
import { startCallback } from './callback.mjs';
import { makeAccount, startNdc } from './daemon.mjs';
import { makeClientCert } from './fapi.mjs';
import { hangUp, request } from './http.mjs';
import { startPeer } from './peer.mjs';
import { Skip, Stop, Test } from './test.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

function readArguments(words) {
  const o = { plans: [], jobs: 3 };
  for (let i = 0; i < words.length; i++) {
    const w = words[i];
    if (['--fast', '--verbose', '--table'].includes(w)) o[w.slice(2)] = true;
    else if (w.startsWith('--')) o[w.slice(2)] = words[++i];
    else o.plans.push(w);
  }
  if (!o.plans.length) o.plans = readdirSync(root).filter((d) => existsSync(join(root, d, 'plan.mjs'))).sort();
  return o;
}

async function readPlan(name) {
  const plan = (await import(pathToFileURL(join(root, name, 'plan.mjs')))).default;
  const modules = [];
  for (const module of plan.modules) {
    const file = [plan.folders ?? name].flat().map((f) => join(root, f, `${module}.mjs`)).find((f) => existsSync(f));
    if (!file) throw new Error(`${name}: there is no module ${module}`);
    const code = await import(pathToFileURL(file));
    modules.push({ name: module, run: code.default, slow: code.slow ?? 0 });
  }
  return { ...plan, name, modules };
}

async function runModule(target, plan, module, options) {
  const t = new Test(target, plan.options);
  t.name = module.name;
  const result = { plan: plan.name, module: module.name, checks: t.checks };
  const began = Date.now();
  try {
    await module.run(t);
    result.outcome = t.checks.some((c) => c.kind === 'failed') ? 'failed' : t.checks.some((c) => c.kind === 'warning') ? 'warning' : 'passed';
    if (!t.checks.length) throw new Error('nothing was checked');
  } catch (error) {
    if (error instanceof Skip) {
      result.outcome = t.checks.some((c) => c.kind === 'failed') ? 'failed' : 'skipped';
      result.reason = error.message;
    } else {
      result.outcome = 'failed';
      if (!(error instanceof Stop)) t.checks.push({ kind: 'failed', name: 'the module runs to its end', detail: String(error.stack ?? error).split('\n').slice(0, 4).join(' | ') });
    }
  }
  await t.clean();
  result.seconds = (Date.now() - began) / 1000;
  if (options.verbose) for (const c of t.checks) console.log(`#   ${c.kind} ${plan.name}/${module.name}: ${c.name} ${c.detail}`);
  return result;
}

let count = 0;

/** One line of TAP a module, with what failed under it. */
function tell(r) {
  count++;
  const directive = r.outcome === 'skipped' ? ` # SKIP ${r.reason}` : '';
  console.log(`${r.outcome === 'failed' ? 'not ok' : 'ok'} ${count} - ${r.plan}/${r.module}${directive}`);
  for (const c of r.checks) if (c.kind === 'failed' || c.kind === 'warning') console.log(`  # ${c.kind}: ${c.name}${c.detail ? `: ${c.detail}` : ''}`);
}

/** Modules that wait run beside all others, of whatever plan; `options.jobs` others at a time. */
async function runAll(work, options) {
  const results = [];
  const run = async ({ target, plan, module }) => {
    const r = await runModule(target, plan, module, options);
    results.push(r);
    tell(r);
  };
  const waiting = work.filter((w) => w.module.slow).map(run);
  const rest = work.filter((w) => !w.module.slow);
  const worker = async () => {
    while (rest.length) await run(rest.shift());
  };
  await Promise.all([...waiting, ...Array.from({ length: Number(options.jobs) }, worker)]);
  const order = new Map(work.map((w, i) => [`${w.plan.name}/${w.module.name}`, i]));
  return results.sort((x, y) => order.get(`${x.plan}/${x.module}`) - order.get(`${y.plan}/${y.module}`));
}

/** A provider as a plan wants it: over TLS, with the certificates of its clients trusted. */
async function startTarget(plan, options) {
  if (options.peer) return startPeer(options.peer, plan.options ?? {});
  if (options.issuer) return { issuer: options.issuer, pages: ndcPages, account: { login: options.login, password: options.password }, stop: async () => {} };
  const clientCerts = plan.options?.tls ? [0, 1].map(() => makeClientCert()) : [];
  const target = await startNdc(options.ndc, { tls: plan.options?.tls, clientCerts: clientCerts.map((c) => c.cert), database: options.database });
  target.clientCerts = clientCerts;
  target.account = await makeAccount(target);
  target.other = await makeAccount(target);
  target.third = await makeAccount(target); // for modules that do something to it
  return target;
}

function table(all, plans) {
  const rows = all.map((r) => [r.plan, r.module, r.outcome]);
  const width = [0, 1].map((i) => Math.max(...rows.map((r) => r[i].length), 6));
  console.log(`# ${'plan'.padEnd(width[0])}  ${'module'.padEnd(width[1])}  outcome`);
  for (const r of rows) console.log(`# ${r[0].padEnd(width[0])}  ${r[1].padEnd(width[1])}  ${r[2]}`);
  for (const plan of plans) {
    for (const [module, why] of Object.entries(plan.notApplicable ?? {})) console.log(`# ${plan.name.padEnd(width[0])}  ${module.padEnd(width[1])}  not applicable: ${why}`);
  }
  for (const plan of plans) {
    const own = all.filter((r) => r.plan === plan.name);
    const n = (outcome) => own.filter((r) => r.outcome === outcome).length;
    console.log(`# ${plan.name}: ${n('passed')} passed, ${n('warning')} with warnings, ${n('failed')} failed, ${n('skipped')} skipped, ${Object.keys(plan.notApplicable ?? {}).length} not applicable`);
  }
}

async function main() {
  const options = readArguments(process.argv.slice(2));
  const plans = [];
  for (const name of options.plans) {
    const plan = await readPlan(name);
    if (!options.database || !(plan.options?.tls || plan.options?.alone)) plans.push(plan);
  }
  const callback = await startCallback();
  const targets = new Map();
  const work = [];
  let all = [];
  try {
    for (const plan of plans) {
      const key = JSON.stringify([plan.options?.tls ?? false, plan.options?.alone ? plan.name : '']);
      if (!targets.has(key)) targets.set(key, await startTarget(plan, options));
      const target = targets.get(key);
      target.callback = callback;
      const answer = await request(`${target.issuer}/.well-known/openid-configuration`, { tls: target.tls });
      if (!answer.json) throw new Error(`no discovery document at ${target.issuer}: ${answer.status}`);
      target.metadata = answer.json;
      for (const module of plan.modules) {
        if ((!options.only || module.name.includes(options.only)) && !(options.fast && module.slow)) work.push({ target, plan, module });
      }
    }
    all = await runAll(work, options);
  } finally {
    for (const target of targets.values()) await target.stop();
    await callback.stop();
    hangUp();
  }
  console.log(`1..${count}`);
  if (options.table) table(all, plans);
  process.exitCode = all.some((r) => r.outcome === 'failed') || !all.length ? 1 : 0;
}

await main();

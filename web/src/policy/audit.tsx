// The audit log: entries, the signed head, and proofs that this very browser computes.
import { useEffect, useState } from 'preact/hooks';
import { ApiProblem, call, query } from '../core/api';
import { num, time } from '../core/format';
import { useAction, useApi } from '../core/hooks';
import { t } from '../core/i18n';
import { useQuery } from '../core/router';
import { announce, Dialog, Empty, Loaded, Page, Pager, Problem, TextField } from '../core/ui';
import { AuditTable, readEntry, type AuditEntry, type AuditPage as Entries } from './entries';
import { consistencyRoots, equal, fromHex, headSigned, inclusionRoot, leafHash, rawEntries, toHex, type Head, type Step } from './merkle';

const PINNED = 'ndc_audit_head';
type Pinned = Pick<Head, 'size' | 'root' | 'time' | 'key'>;

function pinned(): Pinned | null {
  try {
    return JSON.parse(localStorage.getItem(PINNED) ?? 'null') as Pinned | null;
  } catch {
    return null;
  }
}

interface Line { good: boolean | null; text: string; hash?: string; steps?: Step[] }

function Lines({ lines }: { lines: Line[] }) {
  return (
    <ol class="proof">
      {lines.map((l, i) => (
        <li key={i} class={l.good === null ? '' : l.good ? 'good' : 'bad'}>
          {l.good !== null && <strong>{l.good ? `✓ ${t('proof.good')}` : `✗ ${t('proof.bad')}`} · </strong>}{l.text}
          {l.hash && <div><code>{l.hash}</code></div>}
          {l.steps && l.steps.length > 0 && (
            <details class="govuk-details">
              <summary class="govuk-details__summary"><span class="govuk-details__summary-text">{t('proof.steps', { n: l.steps.length })}</span></summary>
              <ol class="govuk-details__text">
                {l.steps.map((s, k) => <li key={k}>SHA-256(01 ‖ {s.side === 'left' || s.side === 'both' ? <><code>{s.other && toHex(s.other)}</code> ‖ {t('proof.so_far')}</> : <>{t('proof.so_far')} ‖ <code>{s.other && toHex(s.other)}</code></>}) = <code>{toHex(s.result)}</code></li>)}
              </ol>
            </details>
          )}
        </li>
      ))}
    </ol>
  );
}

async function rawEntry(seq: number): Promise<{ raw: string; claimed: string }> {
  const text = await call<string>(`/api/audit/entries${query({ from: seq, n: 1 })}`, { asText: true });
  const item = (JSON.parse(text) as Entries).entries[0];
  const raw = rawEntries(text)[0];
  if (!item || !raw || item.seq !== seq) throw new ApiProblem({ status: 404, code: 'audit.no_entry' });
  return { raw, claimed: item.leaf };
}

async function proveEntry(seq: number, tell: (lines: Line[]) => void): Promise<boolean> {
  const lines: Line[] = [];
  const add = (line: Line) => {
    lines.push(line);
    tell([...lines]);
  };
  const head = await call<Head>('/api/audit/tree-head?now=true');
  const signed = await headSigned(head);
  add({ good: signed ?? null, text: t(signed === undefined ? 'proof.head_unsupported' : 'proof.head', { size: num(head.size), time: time(head.time) }), hash: head.root });
  const { raw, claimed } = await rawEntry(seq);
  const leaf = await leafHash(raw);
  add({ good: toHex(leaf) === claimed, text: t('proof.leaf', { bytes: num(new TextEncoder().encode(raw).length) }), hash: toHex(leaf) });
  const { path } = await call<{ path: string[] }>(`/api/audit/proof/inclusion${query({ seq, size: head.size })}`);
  const { root, steps } = await inclusionRoot(leaf, seq, head.size, path.map(fromHex));
  const good = root !== null && equal(root, fromHex(head.root));
  add({ good, text: t('proof.path', { n: path.length }), hash: root ? toHex(root) : undefined, steps });
  add({ good: good && signed !== false, text: t(good && signed !== false ? 'proof.entry_is_in' : 'proof.entry_is_not', { seq: num(seq) }) });
  return good && signed !== false;
}

async function proveGrowth(from: Pinned, tell: (lines: Line[]) => void): Promise<Head | null> {
  const lines: Line[] = [];
  const add = (line: Line) => {
    lines.push(line);
    tell([...lines]);
  };
  const head = await call<Head>('/api/audit/tree-head?now=true');
  const signed = await headSigned(head);
  add({ good: null, text: t('proof.kept_head', { size: num(from.size), time: time(from.time) }), hash: from.root });
  add({ good: signed ?? null, text: t(signed === undefined ? 'proof.head_unsupported' : 'proof.head', { size: num(head.size), time: time(head.time) }), hash: head.root });
  add({ good: from.key === head.key, text: t('proof.same_key'), hash: head.key });
  const { path } = await call<{ path: string[] }>(`/api/audit/proof/consistency${query({ first: from.size, second: head.size })}`);
  const roots = await consistencyRoots(from.size, head.size, fromHex(from.root), path.map(fromHex));
  const first = roots.first !== null && equal(roots.first, fromHex(from.root));
  const second = roots.second !== null && equal(roots.second, fromHex(head.root));
  add({ good: first, text: t('proof.first_root'), hash: roots.first ? toHex(roots.first) : undefined });
  add({ good: second, text: t('proof.second_root', { n: path.length }), hash: roots.second ? toHex(roots.second) : undefined, steps: roots.steps });
  const good = first && second && signed !== false && from.key === head.key;
  add({ good, text: t(good ? 'proof.only_grew' : 'proof.did_not_grow', { first: num(from.size), second: num(head.size) }) });
  return good ? head : null;
}

/** All entries with the head that covers them, as `ndc audit verify` reads it. */
async function exportLog(tell: (done: number, of: number) => void): Promise<Blob> {
  const head = await call<Head>('/api/audit/tree-head?now=true');
  const parts: string[] = [`${JSON.stringify({ format: 'ndc-audit-1', entries: head.size, key: head.key })}\n`];
  for (let from = 0; from < head.size; ) {
    const text = await call<string>(`/api/audit/entries${query({ from, n: Math.min(1000, head.size - from) })}`, { asText: true });
    const items = (JSON.parse(text) as Entries).entries;
    const raw = rawEntries(text);
    if (!items.length || raw.length !== items.length) throw new ApiProblem({ status: 500, code: 'audit.export' });
    items.forEach((item, i) => parts.push(`{"leaf":"${item.leaf}","entry":${raw[i]!}}\n`));
    from = items[items.length - 1]!.seq + 1;
    tell(from, head.size);
  }
  parts.push(`{"head":{"size":${head.size},"time_ms":${head.time_ms},"root":"${head.root}","signature":"${head.signature}"}}\n`);
  return new Blob(parts, { type: 'application/x-ndjson' });
}

export default function AuditPage() {
  const [param, setParam] = useQuery();
  const filter = { principal: param('principal'), since: param('since'), until: param('until') };
  const from = param('from');
  const moment = (text: string, end: boolean) => (/^\d{4}-\d\d-\d\d$/.test(text) ? new Date(Date.parse(`${text}T00:00:00+07:00`) + (end ? 86400000 : 0)).toISOString().replace('.000Z', 'Z') : '');
  const entries = useApi<Entries>(`/api/audit/entries${query({ principal: filter.principal, since: moment(filter.since, false), until: moment(filter.until, true), from, n: 50, newest: true })}`);
  const head = useApi<Head>('/api/audit/tree-head', 15000);
  const [signed, setSigned] = useState<boolean | undefined>();
  const [proving, setProving] = useState<{ title: string; lines: Line[] } | null>(null);
  const [at, setAt] = useState<number>();
  const [kept, setKept] = useState<Pinned | null>(pinned);
  const [progress, setProgress] = useState('');
  const secure = !!crypto.subtle;

  useEffect(() => {
    if (head.data && secure) void headSigned(head.data).then(setSigned);
  }, [head.data?.signature]);

  const prove = useAction(async (entry: AuditEntry) => {
    setAt(entry.seq);
    setProving({ title: t('proof.entry', { seq: num(entry.seq) }), lines: [] });
    const good = await proveEntry(entry.seq, (lines) => setProving((p) => p && { ...p, lines }));
    announce(t(good ? 'proof.entry_is_in' : 'proof.entry_is_not', { seq: num(entry.seq) }));
  });
  const keep = (h: Head) => {
    const next: Pinned = { size: h.size, root: h.root, time: h.time, key: h.key };
    localStorage.setItem(PINNED, JSON.stringify(next));
    setKept(next);
  };
  const grow = useAction(async () => {
    if (!kept) return;
    setProving({ title: t('proof.growth'), lines: [] });
    const now = await proveGrowth(kept, (lines) => setProving((p) => p && { ...p, lines }));
    if (now) keep(now);
  });
  const download = useAction(async () => {
    const blob = await exportLog((done, of) => setProgress(t('job.of', { done: num(done), total: num(of) })));
    setProgress('');
    const link = document.createElement('a');
    link.href = URL.createObjectURL(blob);
    link.download = 'audit.ndjson';
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  });
  const failed = prove.problem ?? grow.problem ?? download.problem;

  return (
    <Page title={t('audit.title')} lead={t('audit.lead')}
      actions={<button type="button" class="govuk-button govuk-button--secondary" aria-disabled={download.busy} onClick={() => void download.run()}>{download.busy ? `${t('audit.exporting')} ${progress}` : t('audit.export')}</button>}>
      {failed && <Problem problem={failed} focus />}
      {!secure && <div class="govuk-inset-text">{t('proof.insecure')}</div>}
      <Loaded of={head} lines={3}>
        {(h) => (
          <section class="card" aria-labelledby="head">
            <h2 id="head">{t('audit.head')}</h2>
            <dl class="facts">
              <dt>{t('audit.size')}</dt><dd>{num(h.size)}</dd>
              <dt>{t('audit.signed_at')}</dt><dd>{time(h.time)}</dd>
              <dt>{t('audit.root')}</dt><dd><code>{h.root}</code></dd>
              <dt>{t('audit.key')}</dt><dd><code>{h.key}</code></dd>
              <dt>{t('audit.signature')}</dt><dd>{signed === undefined ? <span class="muted">{t('audit.signature_unknown')}</span> : signed ? <strong class="good">✓ {t('audit.signature_good')}</strong> : <strong class="bad">✗ {t('audit.signature_bad')}</strong>}</dd>
            </dl>
            <div class="actions">
              {kept && kept.size > 0
                ? <><button type="button" class="govuk-button" disabled={!secure} onClick={() => void grow.run()}>{t('audit.check_growth')}</button><span class="muted small">{t('audit.kept', { size: num(kept.size), time: time(kept.time) })}</span></>
                : h.size > 0 && <><button type="button" class="govuk-button" disabled={!secure || signed === false} onClick={() => keep(h)}>{t('audit.keep')}</button><span class="muted small">{t('audit.keep_why')}</span></>}
            </div>
          </section>
        )}
      </Loaded>
      <form class="filters" onSubmit={(e) => e.preventDefault()}>
        <TextField label={t('audit.who')} hint={t('audit.who_hint')} value={filter.principal} autoComplete="off" spellcheck={false} onValue={() => {}} onChange={(e) => setParam({ principal: e.currentTarget.value.trim(), from: null })} />
        <TextField label={t('audit.since')} type="date" value={filter.since} onValue={(since) => setParam({ since, from: null }, true)} />
        <TextField label={t('audit.until')} type="date" value={filter.until} onValue={(until) => setParam({ until, from: null }, true)} />
      </form>
      <Loaded of={entries} lines={10}>
        {(data) => (
          <section class={`card tight ${entries.loading ? 'stale' : ''}`} aria-label={t('audit.entries')}>
            <AuditTable caption={t('audit.entries')} entries={data.entries.map(readEntry)} subjects onProve={secure ? (e) => void prove.run(e) : undefined} proving={at} empty={<Empty title={t('audit.none')}><p>{t('audit.none_detail')}</p></Empty>} />
            <Pager shown={data.entries.length} next={data.next !== null} first={!from} onNext={() => setParam({ from: String(data.next) })} onFirst={() => setParam({ from: null })} />
          </section>
        )}
      </Loaded>
      <Dialog open={!!proving} onClose={() => setProving(null)} title={proving?.title ?? ''}>
        <p class="muted small">{t('proof.here')}</p>
        {proving && <Lines lines={proving.lines} />}
        {failed && <Problem problem={failed} />}
        <div class="actions gap"><button type="button" class="govuk-button" onClick={() => setProving(null)}>{t('action.close')}</button></div>
      </Dialog>
    </Page>
  );
}

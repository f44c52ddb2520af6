// Rows that failed: every reason of each, edited in place and submitted again.
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiProblem, call, query } from '../core/api';
import { num } from '../core/format';
import { useAction, useApi } from '../core/hooks';
import { t, title, word, type Title } from '../core/i18n';
import { PurposeGate, usePurpose } from '../core/purpose';
import { useQuery } from '../core/router';
import type { Criterion, Source } from '../core/types';
import { announce, Banner, Empty, Field, Loaded, Page, Pager, Problem, SelectField, Tag, TextField, Time } from '../core/ui';

export interface Reason { column: string | null; field: string | null; reason: string; title: Title; criterion: Criterion; value?: string | null; earlier_line?: number }
export interface Item { id: number | string; run: number | string; source: string; key: string; line: number; state: string; row: Record<string, string | null>; masks?: Record<string, string>; reasons: Reason[]; note?: string; decided_by?: string; created_at: string; decided_at?: string | null }

function ReasonList({ reasons, onReason }: { reasons: Reason[]; onReason?: (code: string) => void }) {
  return (
    <ul class="reasons">
      {reasons.map((r, i) => (
        <li key={i}>
          <span class={`dot c-${r.criterion}`} aria-hidden="true" /> {r.column ? <code>{r.column}</code> : <span class="muted">{t('quarantine.whole_row')}</span>}: {title(r.title) || r.reason}
          {r.value ? <> – <q class="bad-value">{r.value}</q></> : ''}{r.earlier_line ? <>, {t('quarantine.earlier_line', { line: num(r.earlier_line) })}</> : ''} <span class="muted small">({t('quarantine.criterion', { criterion: word('criterion', r.criterion) })})</span>
          {onReason && <> <button type="button" class="plain small" onClick={() => onReason(r.reason)} aria-label={`${t('quarantine.only_these')}: ${title(r.title) || r.reason}`}>{t('quarantine.only_these')}</button></>}
        </li>
      ))}
    </ul>
  );
}

/** Opened for itself, and so logged: a row to correct is shown as far as its correction needs it. */
function OpenRow(props: { item: Item; onDone: (state: string) => void; onCancel: () => void }) {
  const whole = useApi<Item>(`/api/registry/quarantine/${encodeURIComponent(props.item.id)}`);
  return <Loaded of={whole} lines={5}>{(item) => <RowEditor {...props} item={item} />}</Loaded>;
}

/** The row's columns as inputs, those with a reason first. Only what is changed is sent. */
function RowEditor({ item, onDone, onCancel }: { item: Item; onDone: (state: string) => void; onCancel: () => void }) {
  const masks = item.masks ?? {};
  const [before] = useState<Record<string, string>>(() => Object.fromEntries(Object.entries(item.row).map(([k, v]) => [k, k in masks ? '' : v ?? ''])));
  const [row, setRow] = useState(before);
  const [reasons, setReasons] = useState(item.reasons);
  const [still, setStill] = useState(0);
  const form = useRef<HTMLFormElement>(null);
  const at = `/api/registry/quarantine/${encodeURIComponent(item.id)}`;
  const submit = useAction(async () => {
    try {
      const changed = Object.fromEntries(Object.entries(row).filter(([column, text]) => text !== before[column]));
      await call(`${at}/correct`, { body: { row: changed } });
      onDone('corrected');
    } catch (error) {
      if (!(error instanceof ApiProblem) || error.status !== 422 || !Array.isArray(error.body.reasons)) throw error;
      const left = error.body.reasons as Reason[];
      setReasons(left);
      setStill((n) => n + 1);
      announce(t('quarantine.still', { n: left.length }));
    }
  });
  const dismiss = useAction(async () => {
    await call(`${at}/dismiss`, { body: { note: '' } });
    onDone('dismissed');
  });
  useEffect(() => {
    const bad = form.current?.querySelector<HTMLInputElement>('[aria-invalid="true"]');
    (bad ?? form.current?.querySelector('input'))?.focus();
  }, [still]);
  const failing = (column: string) => reasons.filter((r) => r.column === column);
  const columns = Object.keys(item.row).sort((a, b) => Number(failing(b).length > 0) - Number(failing(a).length > 0));
  const whole = reasons.filter((r) => !r.column || !(r.column in item.row));
  return (
    <form ref={form} class="row-editor" noValidate onSubmit={(e) => { e.preventDefault(); void submit.run(); }}
      onKeyDown={(e) => { if (e.key === 'Escape') { e.stopPropagation(); onCancel(); } }}>
      {(submit.problem ?? dismiss.problem) && <Problem problem={(submit.problem ?? dismiss.problem)!} focus />}
      {still > 0 && <div class="govuk-inset-text bad" role="status">{t('quarantine.still', { n: reasons.length })}</div>}
      {whole.length > 0 && <ReasonList reasons={whole} />}
      <div class="editor-fields">
        {columns.map((column) => (
          <Field key={column} label={column} hint={column in masks ? t('quarantine.masked_hint', { mask: item.row[column] || t('value.withheld') }) : undefined} error={failing(column).map((r) => title(r.title) || r.reason).join('; ') || undefined}>
            {({ id, describedBy }) => (
              <input id={id} class={`govuk-input ${failing(column).length ? 'govuk-input--error' : ''}`} aria-describedby={describedBy} aria-invalid={failing(column).length ? true : undefined}
                value={row[column]} autoComplete="off" spellcheck={false} onInput={(e) => setRow({ ...row, [column]: e.currentTarget.value })} />
            )}
          </Field>
        ))}
      </div>
      <div class="actions">
        <button type="submit" class="govuk-button" aria-disabled={submit.busy}>{t('quarantine.resubmit')}</button>
        <button type="button" class="govuk-button govuk-button--secondary" onClick={() => void dismiss.run()}>{t('quarantine.dismiss')}</button>
        <button type="button" class="plain" onClick={onCancel}>{t('action.cancel')}</button>
      </div>
    </form>
  );
}

export function Row({ item, open, source, onOpen, onReason, onDone }: { item: Item; open: boolean; source: string; onOpen: (open: boolean) => void; onReason: (code: string) => void; onDone: (state: string) => void }) {
  const button = useRef<HTMLButtonElement>(null);
  const close = () => {
    onOpen(false);
    setTimeout(() => button.current?.focus(), 0);
  };
  return (
    <li class="q-row">
      <div class="q-head">
        <h2><a href={`/sources/${encodeURIComponent(item.source)}`}>{source}</a> <code>{item.key || t('quarantine.no_key')}</code></h2>
        <span class="muted small">{t('quarantine.line', { line: num(item.line) })} · <a href={`/runs/${item.run}`}>{t('run.title', { run: item.run })}</a> · <Time at={item.created_at} /></span>
        {item.state !== 'open' && <span><Tag group="quarantine_state" code={item.state} /> <span class="muted small">{item.decided_by}</span></span>}
        {item.state === 'open' && !open && <button ref={button} type="button" class="govuk-button govuk-button--secondary" aria-expanded={false} aria-label={`${t('quarantine.edit')}: ${item.key}`} onClick={() => onOpen(true)}>{t('quarantine.edit')}</button>}
      </div>
      {open ? <OpenRow item={item} onDone={onDone} onCancel={close} /> : <ReasonList reasons={item.reasons} onReason={onReason} />}
    </li>
  );
}

/** As a file; the browser cannot send a purpose with a plain link. */
function useDownload(filter: { source: string; run: string }) {
  return useAction(async () => {
    const text = await call<string>(`/api/registry/quarantine.csv${query({ source: filter.source, run: filter.run })}`, { asText: true });
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([text], { type: 'text/csv;charset=utf-8' }));
    link.download = `${filter.source}-quarantine.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  });
}

function Rows() {
  const [param, setParam] = useQuery();
  const sources = useApi<{ sources: Source[] }>('/api/registry/sources');
  const filter = { source: param('source'), run: param('run'), state: param('state') || 'open', reason: param('reason') };
  const after = param('after');
  const list = useApi<{ items: Item[]; next: number | string | null; total: number }>(`/api/registry/quarantine${query({ ...filter, after, limit: 50 })}`);
  const [open, setOpen] = useState<Item['id'] | null>(null);
  const [notice, setNotice] = useState('');
  const name = (id: string) => title(sources.data?.sources.find((s) => s.source === id)?.title) || id;
  const seen = new Map((list.data?.items ?? []).flatMap((i) => i.reasons).map((r) => [r.reason, title(r.title) || r.reason]));
  if (filter.reason && !seen.has(filter.reason)) seen.set(filter.reason, filter.reason);
  const set = (changes: Record<string, string | null>) => setParam({ ...changes, after: null });
  const done = (item: Item, state: string) => {
    const said = t(state === 'corrected' ? 'quarantine.corrected' : 'quarantine.dismissed', { key: item.key });
    setNotice(said);
    announce(said);
    setOpen(null);
    list.reload();
  };
  return (
    <>
      <div class="filters">
        <SelectField label={t('source.source')} value={filter.source} onValue={(source) => set({ source })} options={[{ value: '', text: t('form.all') }, ...(sources.data?.sources ?? []).map((s) => ({ value: s.source, text: title(s.title) }))]} />
        <SelectField label={t('quarantine.state')} value={filter.state} onValue={(state) => set({ state })} options={['open', 'corrected', 'dismissed'].map((s) => ({ value: s, text: word('quarantine_state', s) }))} />
        <SelectField label={t('quarantine.reason')} value={filter.reason} onValue={(reason) => set({ reason })} options={[{ value: '', text: t('form.all') }, ...[...seen].map(([value, text]) => ({ value, text }))]} />
        <TextField label={t('run.run')} value={filter.run} inputMode="numeric" onValue={() => {}} onChange={(e) => set({ run: e.currentTarget.value.trim() })} />
      </div>
      {notice && <Banner>{notice}</Banner>}
      <Loaded of={list} lines={10}>
        {(data) => (
          <section class={`card tight ${list.loading ? 'stale' : ''}`} aria-label={t('quarantine.title')}>
            {data.items.length === 0
              ? <Empty title={t('quarantine.none')}><p>{t('quarantine.none_detail')}</p></Empty>
              : (
                <ol class="q-list">
                  {data.items.map((item) => (
                    <Row key={item.id} item={item} source={name(item.source)} open={open === item.id} onOpen={(yes) => setOpen(yes ? item.id : null)} onReason={(reason) => set({ reason })} onDone={(state) => done(item, state)} />
                  ))}
                </ol>
              )}
            <Pager shown={data.items.length} total={data.total} next={data.next !== null} first={!after} onNext={() => setParam({ after: String(data.next) })} onFirst={() => setParam({ after: null })} />
          </section>
        )}
      </Loaded>
    </>
  );
}

export default function QuarantinePage() {
  const [param] = useQuery();
  const source = param('source');
  const stated = usePurpose();
  const download = useDownload({ source, run: param('run') });
  return (
    <Page title={t('quarantine.title')} lead={t('quarantine.lead')}
      actions={stated && (source
        ? <button type="button" class="govuk-button govuk-button--secondary" aria-disabled={download.busy} onClick={() => void download.run()}>{t('quarantine.download')}</button>
        : <span class="muted small">{t('quarantine.download_hint')}</span>)}>
      {download.problem && <Problem problem={download.problem} focus />}
      <PurposeGate><Rows key={stated ? `${stated.purpose} ${stated.basis}` : ''} /></PurposeGate>
    </Page>
  );
}

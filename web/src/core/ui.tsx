// Parts that every page is made of.
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import type { ApiProblem } from './api';
import { ago, dec, duration, num, percent, time, value as formatValue } from './format';
import type { Job } from './hooks';
import { has, t, word, type Key } from './i18n';
import { CRITERIA, type Score, type Shown } from './types';

export { announce, Dialog, Field, SelectField, TextField } from './parts';

export interface Crumb { href: string; text: string }

/** The page's frame: title of document and page, way back, actions. */
export function Page(props: { title: string; lead?: ComponentChildren; crumbs?: Crumb[]; actions?: ComponentChildren; children: ComponentChildren }) {
  useEffect(() => {
    document.title = `${props.title} – ndc`;
  }, [props.title]);
  return (
    <>
      {props.crumbs && (
        <nav aria-label={t('nav.crumbs')}>
          <ol class="crumbs">{props.crumbs.map((c) => <li key={c.href}><a href={c.href}>{c.text}</a></li>)}</ol>
        </nav>
      )}
      <div class="head">
        <div>
          <h1 tabIndex={-1}>{props.title}</h1>
          {props.lead && <p class="lead">{props.lead}</p>}
        </div>
        {props.actions && <div class="actions">{props.actions}</div>}
      </div>
      {props.children}
    </>
  );
}

export function Loading({ lines = 6 }: { lines?: number }) {
  return (
    <div class="card" aria-busy="true">
      <span class="visually-hidden">{t('state.loading')}</span>
      {Array.from({ length: lines }, (_, i) => <p key={i}><span class={`ghost w${(i * 3) % 5}`} /></p>)}
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return <div class="empty"><strong>{title}</strong>{children}</div>;
}

/** What went wrong, in words, and what to do. */
export function Problem({ problem, retry, focus }: { problem: ApiProblem; retry?: () => void; focus?: boolean }) {
  const box = useRef<HTMLDivElement>(null);
  // With the paint that shows it, not after: who has begun to type again keeps the focus.
  useLayoutEffect(() => {
    if (focus) box.current?.focus();
  }, [problem, focus]);
  const { status, title, detail, request_id: request, line, field } = problem.body;
  const advice = adviceFor(problem);
  return (
    <div class="govuk-error-summary" role="alert" tabIndex={-1} ref={box}>
      <h2 class="govuk-error-summary__title">{status === 0 ? t('problem.network') : title || t('problem.title')}</h2>
      <div class="govuk-error-summary__body">
        {detail && <p>{line ? `${t('problem.line', { line })}: ` : ''}{detail}</p>}
        {field && <p>{t('problem.field')}: <code>{field}</code></p>}
        <p>{t(advice)}</p>
        {request && <p class="muted small">{t('problem.request')}: <code>{request}</code></p>}
        {retry && <button type="button" class="govuk-button govuk-button--secondary" onClick={retry}>{t('action.retry')}</button>}
      </div>
    </div>
  );
}

function adviceFor(problem: ApiProblem): Key {
  const exact = `advice.${problem.code}`;
  if (has(exact)) return exact;
  const { status } = problem;
  if (status === 0) return 'advice.network';
  if (status === 401) return 'advice.401';
  if (status === 403) return 'advice.403';
  if (status === 404) return 'advice.404';
  if (status === 409) return 'advice.409';
  if (status === 413) return 'advice.413';
  if (status === 429) return 'advice.429';
  if (status === 503) return 'advice.503';
  return status >= 500 ? 'advice.5xx' : 'advice.4xx';
}

/** Shows the data, or its absence in the right state. */
export function Loaded<T>(props: { of: { data: T | undefined; problem: ApiProblem | undefined; reload: () => void }; lines?: number; children: (data: T) => ComponentChildren }) {
  const { data, problem, reload } = props.of;
  return (
    <>
      {problem && <Problem problem={problem} retry={reload} />}
      {data !== undefined ? props.children(data) : !problem && <Loading lines={props.lines} />}
    </>
  );
}

export interface Column<R> {
  key: string;
  label: string;
  num?: boolean;
  cell: (row: R, index: number) => ComponentChildren;
}

/** A dense table; the first column heads its row. Small screens show rows as cards. */
export function Grid<R>(props: {
  caption: string;
  showCaption?: boolean;
  columns: Column<R>[];
  rows: R[];
  id: (row: R, index: number) => string;
  empty?: ComponentChildren;
  marked?: (row: R, index: number) => boolean;
  rowProps?: (row: R, index: number) => JSX.HTMLAttributes<HTMLTableRowElement>;
}) {
  if (!props.rows.length && props.empty) return <>{props.empty}</>;
  return (
    <table class="grid stack" role="table">
      <caption class={props.showCaption ? '' : 'visually-hidden'}>{props.caption}</caption>
      <thead role="rowgroup">
        <tr role="row">{props.columns.map((c) => <th key={c.key} scope="col" role="columnheader" class={c.num ? 'num' : ''}>{c.label}</th>)}</tr>
      </thead>
      <tbody role="rowgroup">
        {props.rows.map((row, i) => (
          <tr key={props.id(row, i)} role="row" class={props.marked?.(row, i) ? 'marked' : ''} {...props.rowProps?.(row, i)}>
            {props.columns.map((c, at) =>
              at === 0
                ? <th key={c.key} scope="row" role="rowheader">{c.cell(row, i)}</th>
                : <td key={c.key} role="cell" class={c.num ? 'num' : ''} data-label={c.label}>{c.cell(row, i)}</td>)}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function Pager({ shown, total, next, first, onNext, onFirst }: { shown: number; total?: number | null; next: boolean; first: boolean; onNext: () => void; onFirst: () => void }) {
  if (first && !next) return total !== undefined && total !== null && shown > 0 ? <div class="pager"><span>{t('pager.shown', { shown: num(shown), total: num(total) })}</span></div> : null;
  return (
    <nav class="pager" aria-label={t('pager.label')}>
      <span>{total !== undefined && total !== null ? t('pager.shown', { shown: num(shown), total: num(total) }) : t('pager.rows', { shown: num(shown) })}</span>
      {!first && <button type="button" class="plain" onClick={onFirst}>{t('pager.first')}</button>}
      {next && <button type="button" class="plain" onClick={onNext}>{t('pager.next')}</button>}
    </nav>
  );
}

const tagColours: Record<string, string> = {
  loading: 'blue', loaded: 'blue',
  running: 'blue', queued: 'grey', succeeded: 'green', done: 'green', complete: 'green', failed: 'red', canceled: 'grey', cancelled: 'grey',
  open: 'yellow', corrected: 'green', dismissed: 'grey', same: 'green', different: 'red',
  shared: 'blue', private: 'purple', core: 'red', important: 'orange', other: 'grey', sensitive: 'red', basic: 'grey',
  created: 'green', changed: 'blue', merged: 'purple', split: 'orange', generation: 'grey', paused: 'yellow', gone: 'red', retrying: 'yellow',
  permit: 'green', partial: 'yellow', deny: 'red', show: 'green', shown: 'green', mask: 'yellow', masked: 'yellow', withhold: 'red', withheld: 'red', active: 'green', revoked: 'grey', expired: 'grey', following: 'green', snapshot: 'blue', starting: 'grey', waiting: 'yellow', lost: 'red', stopped: 'grey', frozen: 'red', disabled: 'grey', ended: 'grey',
};

export function Tag({ group, code }: { group: string; code: string | null | undefined }) {
  if (!code) return null;
  return <strong class={`govuk-tag govuk-tag--${tagColours[code] ?? 'grey'}`}>{word(group, code)}</strong>;
}

export function Time({ at }: { at: string | null | undefined }) {
  return at ? <time dateTime={at} title={time(at)}>{ago(at)}</time> : <span class="muted">–</span>;
}

export function Bar({ share, tone }: { share: number; tone?: string }) {
  return <span class={`bar ${tone ? `c-${tone}` : ''}`} aria-hidden="true"><i style={{ transform: `scaleX(${Math.max(0, Math.min(1, share))})` }} /></span>;
}

export function ScoreCell({ score, of }: { score: Score | null | undefined; of: keyof Score }) {
  if (!score) return <span class="muted">–</span>;
  return <span class="score"><Bar share={score[of]} tone={of} /><span class="v">{percent(score[of])}</span></span>;
}

export function Criteria({ score, note }: { score: Score; note?: (c: keyof Score) => ComponentChildren }) {
  return (
    <ul class="criteria">
      {CRITERIA.map((c) => (
        <li key={c} class={`c-${c}`}>
          <span>{word('criterion', c)}</span>
          <b>{percent(score[c], 2)}</b>
          <small>{note ? note(c) : word('criterion_about', c)}</small>
        </li>
      ))}
    </ul>
  );
}

export function JobProgress({ job }: { job: Job }) {
  const share = job.total ? Math.min(1, (job.done ?? 0) / job.total) : null;
  const label = job.phase ? word('phase', job.phase) : word('job_state', job.state);
  return (
    <div>
      <div class={`progress ${share === null && job.state === 'running' ? 'unknown' : ''}`} role="progressbar" aria-label={label}
        aria-valuemin={0} aria-valuemax={100} {...(share === null ? {} : { 'aria-valuenow': Math.round(share * 100) })}>
        <i style={share === null ? {} : { transform: `scaleX(${share})` }} />
      </div>
      <p class="job-line">
        <strong>{label}</strong>
        {share !== null && <span>{percent(share, 0)}</span>}
        {!!job.done && job.unit !== '‰' && <span>{job.total ? t('job.of', { done: num(job.done), total: num(job.total) }) : num(job.done)} {word('unit', job.unit)}</span>}
        {!!job.rate && job.unit !== '‰' && <span>{t('job.rate', { rate: dec(job.rate, job.rate < 10 ? 1 : 0), unit: word('unit', job.unit) })}</span>}
        {job.remaining_s !== null && job.remaining_s !== undefined && job.state === 'running' && <span>{t('job.left', { t: duration(job.remaining_s) })}</span>}
      </p>
    </div>
  );
}

export function jobError(job: Job): string {
  if (!job.error) return '';
  return typeof job.error === 'string' ? job.error : (job.error.message ?? job.error.code ?? '');
}

/** A value as policy let it out; what was hidden says so, and why. */
export function Value({ of, field }: { of: Shown; field: string }) {
  if (of.withheld) return <span class="withheld"><span class="govuk-tag govuk-tag--red">{t('value.withheld')}</span> {of.rule && <span class="muted small">{ruleWord(of.rule)}</span>}</span>;
  const text = of.value ?? '';
  const how = of.mask ?? of.rule;
  if (of.masked) return <span class="masked"><span class="mono">{text}</span> <span class="govuk-tag govuk-tag--yellow">{t('value.masked')}</span> {how && <span class="muted small">{ruleWord(how)}</span>}</span>;
  return <>{text ? formatValue(field, text) : <span class="muted">{t('value.none')}</span>}</>;
}

export function ruleWord(rule: string): string {
  const name = rule.replace(/^mask_/, '').replace('-', '');
  return has(`mask.${name}`) ? word('mask', name) : t('value.rule', { rule });
}

export function Banner({ children }: { children: ComponentChildren }) {
  return <div class="govuk-inset-text notice" role="status">{children}</div>;
}


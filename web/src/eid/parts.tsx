// Parts of the citizens' pages: one thing at a time, in a single column.
import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { ApiProblem } from '../core/api';
import { parse } from '../core/dates';
import { Field, TextField } from '../core/parts';
import { has, t, type Key } from './words';

export function Page(props: { title: string; lead?: ComponentChildren; back?: { href: string; text?: string } | (() => void); children: ComponentChildren }) {
  useEffect(() => {
    document.title = `${props.title} – ${t('brand.name')} – ndc`;
  }, [props.title]);
  const { back } = props;
  return (
    <>
      {typeof back === 'function' && <button type="button" class="plain back" onClick={back}>{t('action.back')}</button>}
      {typeof back === 'object' && <a class="back" href={back.href}>{back.text ?? t('action.back')}</a>}
      <h1 tabIndex={-1}>{props.title}</h1>
      {props.lead && <p class="lead">{props.lead}</p>}
      {props.children}
    </>
  );
}

export function Loading() {
  return (
    <div aria-busy="true">
      <span class="visually-hidden">{t('state.loading')}</span>
      <p><span class="ghost" /></p><p><span class="ghost" /></p><p><span class="ghost" /></p>
    </div>
  );
}

/** Minutes or seconds to wait, in words. */
function wait(seconds: number): string {
  return seconds > 90 ? t('wait.minutes', { n: Math.ceil(seconds / 60) }) : t('wait.seconds', { n: Math.ceil(seconds) });
}

/** What a problem is, in the reader's words: by its code, else by its kind. */
export function wordsOf(problem: ApiProblem): { title: string; advice: string } {
  const { status, title, detail, retry_after: after } = problem.body;
  const name = `problem.${problem.code}`;
  const advice = `advice.${problem.code}`;
  const kind: Key = status === 0 ? 'problem.network' : status === 401 ? 'problem.eid.signed_out' : status === 404 ? 'problem.not_found' : status === 429 ? 'problem.auth.throttled' : status === 503 ? 'problem.busy' : status >= 500 ? 'problem.server' : 'problem.request';
  const said = has(advice) ? t(advice) : status === 0 ? t('advice.network') : status === 429 ? t('advice.auth.throttled') : status >= 500 ? t('advice.server') : has(name) ? '' : (detail ?? '');
  return { title: has(name) ? t(name) : status && status < 500 && title && !has(kind) ? title : t(kind), advice: after ? `${said} ${wait(after)}`.trim() : said };
}

/** What went wrong and what to do; takes the focus, so that it is heard. */
export function Problem({ problem, retry, children }: { problem: ApiProblem; retry?: () => void; children?: ComponentChildren }) {
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => box.current?.focus(), [problem]);
  const { title, advice } = wordsOf(problem);
  const { code, request_id: request } = problem.body;
  return (
    <div class="govuk-error-summary" role="alert" tabIndex={-1} ref={box}>
      <h2 class="govuk-error-summary__title">{title}</h2>
      <div class="govuk-error-summary__body">
        {advice && <p>{advice}</p>}
        {children}
        {(code || request) && problem.status !== 401 && (
          <p class="small muted">{code && <>{t('problem.code')}: <code>{code}</code></>}{code && request && ' · '}{request && <>{t('problem.request_id')}: <code>{request}</code></>}</p>
        )}
        {retry && <button type="button" class="govuk-button govuk-button--secondary" onClick={retry}>{t('action.retry')}</button>}
      </div>
    </div>
  );
}

export interface Fault { id: string; text: string }

/** Faults are told from the first attempt to send on. */
export function useAttempts() {
  const [attempt, set] = useState(0);
  return { attempt, next: () => set((n) => n + 1), reset: () => set(0) };
}

/** Answers that cannot be taken yet, each leading to its field; heard at each attempt. */
export function Faults({ list, attempt }: { list: Fault[]; attempt: number }) {
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => box.current?.focus(), [attempt]);
  if (!list.length || !attempt) return null;
  return (
    <div class="govuk-error-summary" role="alert" tabIndex={-1} ref={box}>
      <h2 class="govuk-error-summary__title">{t('form.check')}</h2>
      <div class="govuk-error-summary__body">
        <ul class="govuk-list">
          {list.map((f) => <li key={f.id}><a href={`#${f.id}`} onClick={(e) => { e.preventDefault(); document.getElementById(f.id)?.focus(); }}>{f.text}</a></li>)}
        </ul>
      </div>
    </div>
  );
}

/** Shows the data, or its absence in the right state. */
export function Loaded<T>(props: { of: { data: T | undefined; problem: ApiProblem | undefined; reload: () => void }; children: (data: T) => ComponentChildren }) {
  const { data, problem, reload } = props.of;
  return (
    <>
      {problem && <Problem problem={problem} retry={reload} />}
      {data !== undefined ? props.children(data) : !problem && <Loading />}
    </>
  );
}

export interface Row { key: string; label: string; value: ComponentChildren; action?: ComponentChildren }

/** Names and values, each perhaps with what can be done about it. */
export function Summary({ rows }: { rows: Row[] }) {
  return (
    <dl class="summary">
      {rows.map((r) => (
        <div key={r.key}>
          <dt>{r.label}</dt>
          <dd>{r.value}</dd>
          {r.action && <dd class="do">{r.action}</dd>}
        </div>
      ))}
    </dl>
  );
}

export function Notice({ children, tone }: { children: ComponentChildren; tone?: 'warn' }) {
  return <div class={`govuk-inset-text ${tone ?? 'notice'}`} role="status">{children}</div>;
}

export function Submit({ busy, warn, children }: { busy?: boolean; warn?: boolean; children: ComponentChildren }) {
  return <button type="submit" class={`govuk-button ${warn ? 'govuk-button--warning' : ''}`} aria-disabled={busy}>{children}</button>;
}

export function Action({ busy, second, warn, onClick, children, label }: { busy?: boolean; second?: boolean; warn?: boolean; onClick: () => void; children: ComponentChildren; label?: string }) {
  return <button type="button" class={`govuk-button ${second ? 'govuk-button--secondary' : ''} ${warn ? 'govuk-button--warning' : ''}`} aria-label={label} aria-disabled={busy} onClick={onClick}>{children}</button>;
}

/** A password that can be looked at while it is typed. */
export function PasswordField(props: { id: string; label: string; hint?: string; error?: string; value: string; onValue: (value: string) => void; autoComplete: string; name?: string }) {
  const [shown, setShown] = useState(false);
  return (
    <div class="with-toggle">
      <TextField id={props.id} label={props.label} hint={props.hint} error={props.error} value={props.value} onValue={props.onValue} name={props.name ?? 'password'}
        type={shown ? 'text' : 'password'} autoComplete={props.autoComplete} autoCapitalize="none" spellcheck={false} />
      <button type="button" class="plain" aria-pressed={shown} aria-controls={props.id} onClick={() => setShown(!shown)}>{t(shown ? 'password.hide' : 'password.show')}</button>
    </div>
  );
}

/** A code of digits or letters from an app or a sheet of paper. */
export function CodeField(props: { id: string; label: string; hint?: string; error?: string; value: string; onValue: (value: string) => void; digits?: boolean; oneTime?: boolean }) {
  return (
    <TextField id={props.id} label={props.label} hint={props.hint} error={props.error} value={props.value} onValue={props.onValue} name="code" class="code"
      inputMode={props.digits ? 'numeric' : 'text'} autoComplete={props.oneTime ? 'one-time-code' : 'off'} autoCapitalize="characters" spellcheck={false} maxLength={40} />
  );
}

export interface DateParts { day: string; month: string; year: string }
export const noDate: DateParts = { day: '', month: '', year: '' };

/** ISO text of a day that is in the calendar and not to come, else null. */
export function isoOf({ day, month, year }: DateParts): string | null {
  if (![day, month].every((s) => /^\d{1,2}$/.test(s.trim())) || !/^\d{4}$/.test(year.trim())) return null;
  const iso = `${year.trim()}-${month.trim().padStart(2, '0')}-${day.trim().padStart(2, '0')}`;
  const date = parse(`${iso}T00:00:00Z`);
  if (!date || date.toISOString().slice(0, 10) !== iso || date.getTime() > Date.now()) return null;
  return iso;
}

/** A day of memory: three short fields are surer than a calendar. */
export function DateField(props: { id: string; label: string; hint: string; error?: string; value: DateParts; onValue: (value: DateParts) => void }) {
  const part = (name: keyof DateParts, size: number, autoComplete: string) => (
    <div class="govuk-date-input__item">
      <Field id={name === 'day' ? props.id : `${props.id}-${name}`} label={t(`date.${name}`)}>
        {({ id }) => (
          <input id={id} class={`govuk-input w${size} ${props.error ? 'govuk-input--error' : ''}`} inputMode="numeric" maxLength={size} autoComplete={autoComplete} aria-invalid={props.error ? true : undefined}
            value={props.value[name]} onInput={(e) => props.onValue({ ...props.value, [name]: e.currentTarget.value })} />
        )}
      </Field>
    </div>
  );
  return (
    <div class={`govuk-form-group ${props.error ? 'govuk-form-group--error' : ''}`}>
      <fieldset class="govuk-fieldset" role="group" aria-describedby={`${props.id}-hint${props.error ? ` ${props.id}-error` : ''}`}>
        <legend class="govuk-fieldset__legend strong">{props.label}</legend>
        <div class="govuk-hint" id={`${props.id}-hint`}>{props.hint}</div>
        {props.error && <p class="govuk-error-message" id={`${props.id}-error`}>{props.error}</p>}
        <div class="govuk-date-input">{part('day', 2, 'bday-day')}{part('month', 2, 'bday-month')}{part('year', 4, 'bday-year')}</div>
      </fieldset>
    </div>
  );
}

/** An ISO day as it is read: 05/06/1988. */
export const readDay = (iso: string) => iso.split('-').reverse().join('/');

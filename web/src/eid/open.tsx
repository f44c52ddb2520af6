// Opening an account: one question a page, then "check your answers". The answers are in this
// page's memory only: not in the address, not in the browser's stores.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { call, type ApiProblem } from '../core/api';
import { useAction } from '../core/hooks';
import { TextField } from '../core/parts';
import { useQuery } from '../core/router';
import { signInPage } from './api';
import { Action, DateField, Faults, isoOf, noDate, Page, PasswordField, Problem, readDay, Submit, Summary, useAttempts, type DateParts, type Fault } from './parts';
import { t, type Key } from './words';

const QUESTIONS = ['number', 'name', 'birth', 'contact', 'password'] as const;
type Question = (typeof QUESTIONS)[number];

interface Answers { number: string; name: string; birth: DateParts; phone: string; email: string; password: string }
const nothing: Answers = { number: '', name: '', birth: noDate, phone: '', email: '', password: '' };

const digits = (text: string) => text.replace(/[\s.]/g, '');

/** What keeps an answer from being taken, before the server is asked. */
function faultsOf(q: Question, a: Answers): Fault[] {
  const faults: Fault[] = [];
  const add = (id: string, key: Key) => faults.push({ id, text: t(key) });
  if (q === 'number' && !/^\d{12}$/.test(digits(a.number))) add('number', a.number.trim() ? 'open.number_wrong' : 'open.number_missing');
  if (q === 'name' && a.name.trim().split(/\s+/).length < 2) add('name', a.name.trim() ? 'open.name_short' : 'open.name_missing');
  if (q === 'birth' && !isoOf(a.birth)) add('birth', Object.values(a.birth).some((s) => s.trim()) ? 'open.birth_wrong' : 'open.birth_missing');
  if (q === 'contact') {
    const phone = digits(a.phone).replace(/-/g, '');
    if (phone && !/^(\+84|0)\d{9}$/.test(phone)) add('phone', 'open.phone_wrong');
    if (a.email.trim() && !/^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(a.email.trim())) add('email', 'open.email_wrong');
  }
  if (q === 'password' && [...a.password].length < 12) add('password', a.password ? 'open.password_short' : 'open.password_missing');
  return faults;
}

/** Which question a refusal is about. */
function questionOf(problem: ApiProblem | undefined): Question | null {
  if (!problem) return null;
  if (/^password\./.test(problem.code)) return 'password';
  if (problem.code === 'eid.phone' || problem.code === 'eid.email') return 'contact';
  return null;
}

function Fields({ q, a, set, told }: { q: Question; a: Answers; set: (change: Partial<Answers>) => void; told: (id: string) => string | undefined }) {
  switch (q) {
    case 'number':
      return <TextField id="number" class="w14" label={t('open.number')} hint={t('open.number_hint')} error={told('number')} value={a.number} onValue={(number) => set({ number })} inputMode="numeric" autoComplete="off" maxLength={16} />;
    case 'name':
      return <TextField id="name" label={t('open.name')} hint={t('open.name_hint')} error={told('name')} value={a.name} onValue={(name) => set({ name })} autoComplete="name" spellcheck={false} maxLength={120} />;
    case 'birth':
      return <DateField id="birth" label={t('open.birth')} hint={t('open.birth_hint')} error={told('birth')} value={a.birth} onValue={(birth) => set({ birth })} />;
    case 'contact':
      return (
        <>
          <p>{t('open.contact_why')}</p>
          <TextField id="phone" class="w14" label={t('open.phone')} hint={t('open.phone_hint')} error={told('phone')} value={a.phone} onValue={(phone) => set({ phone })} type="tel" autoComplete="tel" maxLength={20} />
          <TextField id="email" label={t('open.email')} error={told('email')} value={a.email} onValue={(email) => set({ email })} type="email" autoComplete="email" spellcheck={false} maxLength={200} />
        </>
      );
    case 'password':
      return (
        <>
          <input class="hidden" type="text" name="username" autoComplete="username" value={digits(a.number)} readOnly tabIndex={-1} aria-hidden="true" />
          <PasswordField id="password" label={t('open.password')} hint={t('open.password_hint')} error={told('password')} value={a.password} onValue={(password) => set({ password })} autoComplete="new-password" />
        </>
      );
  }
}

function Ask(props: { q: Question; a: Answers; set: (change: Partial<Answers>) => void; refused?: ApiProblem; onDone: () => void; back: () => void }) {
  const { q, a, set, refused, onDone, back } = props;
  const tries = useAttempts();
  const faults = faultsOf(q, a);
  const told = (id: string) => (tries.attempt ? faults.find((f) => f.id === id)?.text : undefined);
  return (
    <Page title={t(`open.${q}_title`)} back={back}>
      <p class="small muted">{t('open.step', { n: QUESTIONS.indexOf(q) + 1, of: QUESTIONS.length })}</p>
      {refused && <Problem problem={refused} />}
      <form noValidate onSubmit={(e) => { e.preventDefault(); tries.next(); if (!faults.length) onDone(); }}>
        <Faults list={faults} attempt={tries.attempt} />
        <Fields q={q} a={a} set={set} told={told} />
        <Submit>{t('action.continue')}</Submit>
      </form>
    </Page>
  );
}

function Check({ a, change, send, busy, problem, back }: { a: Answers; change: (q: Question) => void; send: () => void; busy: boolean; problem?: ApiProblem; back: () => void }) {
  const row = (q: Question, key: string, label: string, value: string) => ({
    key, label, value: value || <span class="muted">{t('open.not_given')}</span>,
    action: <button type="button" class="plain" aria-label={`${t('action.change')}: ${label}`} onClick={() => change(q)}>{t('action.change')}</button>,
  });
  return (
    <Page title={t('open.check')} back={back}>
      {problem && (
        <Problem problem={problem}>
          {problem.code === 'eid.exists' && <p><a href="/eid/sign-in">{t('open.to_sign_in')}</a></p>}
        </Problem>
      )}
      <Summary rows={[
        row('number', 'number', t('open.number'), digits(a.number)),
        row('name', 'name', t('open.name'), a.name.trim()),
        row('birth', 'birth', t('open.birth'), readDay(isoOf(a.birth) ?? '')),
        row('contact', 'phone', t('open.phone'), a.phone.trim()),
        row('contact', 'email', t('open.email'), a.email.trim()),
        row('password', 'password', t('open.password'), t('open.password_set', { n: [...a.password].length })),
      ]} />
      <p>{t('open.check_about')}</p>
      <Action busy={busy} onClick={send}>{t(busy ? 'open.sending' : 'open.send')}</Action>
    </Page>
  );
}

function Start({ onStart }: { onStart: () => void }) {
  return (
    <Page title={t('open.title')} lead={t('open.lead')}>
      <h2>{t('open.need')}</h2>
      <ul class="govuk-list govuk-list--bullet"><li>{t('open.need_card')}</li><li>{t('open.need_age')}</li><li>{t('open.need_phone')}</li></ul>
      <p>{t('open.level_about')}</p>
      <Action onClick={onStart}>{t('open.start')}</Action>
      <ul class="ways"><li><a href="/eid/sign-in">{t('open.to_sign_in')}</a></li></ul>
    </Page>
  );
}

function Done({ interaction }: { interaction: string }) {
  return (
    <Page title={t('open.done')}>
      <div class="panel"><p>{t('open.done_level')}</p></div>
      <h2>{t('open.done_next')}</h2>
      {interaction && <p><a class="govuk-button" href={signInPage(interaction)}>{t('open.done_continue')}</a></p>}
      <p>{t('open.done_passkey')}</p>
      <p><a class={`govuk-button ${interaction ? 'govuk-button--secondary' : ''}`} href="/eid/account/passkey">{t('passkey.add')}</a></p>
      <ul class="ways">
        <li><a href="/eid/account">{t('nav.account')}</a></li>
      </ul>
    </Page>
  );
}

export default function OpenPage() {
  const [param, setParam] = useQuery();
  const [answers, setAnswers] = useState<Answers>(nothing);
  const [opened, setOpened] = useState(false);
  const [checking, setChecking] = useState(false); // a change comes back to the check
  const at = param('step');
  const interaction = param('interaction');
  const set = (change: Partial<Answers>) => setAnswers((a) => ({ ...a, ...change }));
  const send = useAction(async () => {
    await call('/api/eid/accounts', {
      body: {
        kind: 'citizen', number: digits(answers.number), name: answers.name.trim(), birth_date: isoOf(answers.birth),
        ...(answers.phone.trim() ? { phone: digits(answers.phone) } : {}), ...(answers.email.trim() ? { email: answers.email.trim() } : {}), password: answers.password,
        ...(interaction ? { interaction } : {}),
      },
      quiet401: true,
    });
    setAnswers(nothing);
    setOpened(true);
    setParam({ step: 'done' }, true);
  });
  // A page that was loaded anew has forgotten the answers: it begins at the first one missing.
  const missing = QUESTIONS.find((q) => faultsOf(q, answers).length > 0);
  const asked = QUESTIONS.find((q) => q === at);
  const known = at === 'check' || asked ? at : '';
  const first = missing ? QUESTIONS.indexOf(missing) : QUESTIONS.length;
  const reached = (known === 'check' ? QUESTIONS.length : asked ? QUESTIONS.indexOf(asked) : -1) <= first;
  const shown = opened ? 'done' : !known ? 'start' : reached ? known : (missing ?? 'check');
  useEffect(() => {
    if (!opened && !reached) setParam({ step: answers.number ? (missing ?? null) : null }, true);
  });
  const before = useRef(shown);
  useLayoutEffect(() => {
    if (before.current !== shown) {
      window.scrollTo(0, 0);
      document.querySelector<HTMLElement>('main h1')?.focus();
    }
    before.current = shown;
  }, [shown]);

  if (shown === 'done') return <Done interaction={interaction} />;
  if (shown === 'start') return <Start onStart={() => setParam({ step: 'number' })} />;
  const refused = questionOf(send.problem);
  const back = () => history.back();
  if (shown === 'check')
    return <Check a={answers} busy={send.busy} problem={send.problem} back={back}
      change={(q) => { setChecking(true); setParam({ step: q }); }}
      send={() => void send.run()} />;
  const q = shown as Question;
  const next = QUESTIONS[QUESTIONS.indexOf(q) + 1] ?? 'check';
  return <Ask key={q} q={q} a={answers} set={set} refused={refused === q ? send.problem : undefined} back={back}
    onDone={() => { if (refused === q) send.clear(); setParam({ step: checking ? 'check' : next }); }} />;
}

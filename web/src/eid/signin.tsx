// Signing in: who asks, then a passkey, a password or a code, then consent where a client
// asks for data. The server says at each step what may be shown; this page only shows it.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { ApiProblem } from '../core/api';
import { useAction } from '../core/hooks';
import { go, useQuery } from '../core/router';
import { begin, leave, read, signInPage, step, type Interaction, type Method } from './api';
import { Consent } from './consent';
import { Action, CodeField, Faults, Loading, Notice, Page, PasswordField, Problem, Submit, useAttempts, type Fault } from './parts';
import { TextField } from '../core/parts';
import { assert, canFill, supported } from './webauthn';
import { webOf, Who, type StepProps } from './who';
import { t, word } from './words';

/** Faults after which this sign-in cannot go on as it is. */
const OVER = ['eid.interaction'];
const BLOCKED = ['eid.level', 'eid.frozen', 'eid.ended', 'eid.other_account'];

/** A passkey: asked for by a button, or offered quietly in the first field's own list. The
 * two cannot wait at once: the button ends the other. */
function usePasskey({ it, take, fail }: StepProps, fills: boolean) {
  const waiting = useRef<AbortController>();
  const [busy, setBusy] = useState(false);
  const ask = async (fill: boolean, login: string) => {
    waiting.current?.abort();
    const mine = new AbortController();
    waiting.current = mine;
    if (!fill) setBusy(true);
    let shown = false;
    try {
      const credential = await assert(`/api/eid/interactions/${encodeURIComponent(it.id)}/passkey/options`, login ? { login } : {}, mine.signal, fill);
      shown = true;
      take(await step(it.id, 'passkey', { credential }));
    } catch (error) {
      if (mine.signal.aborted) return;
      if (!(error instanceof ApiProblem)) throw error;
      // What the person has not begun is not complained of.
      if (!fill || shown) fail(error);
      if (fills && (!fill || shown)) void offer();
    } finally {
      if (!fill) setBusy(false);
    }
  };
  const offer = async () => {
    if (await canFill()) await ask(true, '');
  };
  useEffect(() => {
    if (fills) void offer();
    return () => waiting.current?.abort();
  }, [it.id, fills]);
  return { busy, ask: (login: string) => void ask(false, login) };
}

/** Who asks. Logos are not fetched: another server would learn who is about to sign in. */
function Asking({ it }: { it: Interaction }) {
  const { client } = it;
  if (!client) return <p class="lead">{t(it.kind === 'account' ? 'signin.for_account' : 'signin.for_device')}</p>;
  return (
    <div class="asking">
      <p><strong>{client.name || client.id}</strong> {t('signin.asks')}</p>
      {webOf(client.uri) && <p class="small muted">{webOf(client.uri)!.host}</p>}
      {it.purpose && <p>{t('signin.purpose')}: {it.purpose}</p>}
      {it.kind === 'device' && <p>{t('signin.for_device')}</p>}
    </div>
  );
}

function First({ it, take, fail }: StepProps) {
  const [login, setLogin] = useState(it.login_hint ?? '');
  const [password, setPassword] = useState('');
  const [lost, setLost] = useState(false);
  const tries = useAttempts();
  const passkey = usePasskey({ it, take, fail }, !lost && it.methods.includes('passkey'));
  const send = useAction(async () => {
    try {
      take(await step(it.id, 'password', { login: login.trim(), password }));
    } catch (error) {
      setPassword('');
      if (error instanceof ApiProblem) fail(error);
      else throw error;
    }
  });
  const faults: Fault[] = [];
  if (!login.trim()) faults.push({ id: 'login', text: t('signin.login_missing') });
  if (!password) faults.push({ id: 'password', text: t('signin.password_missing') });
  const told = (id: string) => (tries.attempt ? faults.find((f) => f.id === id)?.text : undefined);
  if (lost) return <DeskCode it={it} take={take} fail={fail} back={() => setLost(false)} />;
  return (
    <>
      <Faults list={faults} attempt={tries.attempt} />
      {it.methods.includes('passkey') && supported() && (
        <div class="first-way">
          <Action busy={passkey.busy} onClick={() => passkey.ask(login.trim())}>{t(passkey.busy ? 'passkey.waiting' : 'passkey.use')}</Action>
          <p class="small muted">{t('passkey.about')}</p>
        </div>
      )}
      {it.methods.includes('password') && (
        <form noValidate onSubmit={(e) => { e.preventDefault(); tries.next(); if (!faults.length) void send.run(); }}>
          {it.methods.includes('passkey') && supported() && <h2>{t('signin.or_password')}</h2>}
          <TextField id="login" label={t('signin.login')} hint={t('signin.login_hint')} error={told('login')} value={login} onValue={setLogin} name="username" autoComplete="username webauthn" autoCapitalize="none" spellcheck={false} maxLength={254} />
          <PasswordField id="password" label={t('signin.password')} error={told('password')} value={password} onValue={setPassword} autoComplete="current-password" />
          <Submit busy={send.busy}>{t(send.busy ? 'signin.checking' : 'signin.submit')}</Submit>
        </form>
      )}
      <ul class="ways">
        <li><a href={`/eid/open?interaction=${encodeURIComponent(it.id)}`}>{t('signin.open')}</a></li>
        <li><button type="button" class="plain" onClick={() => setLost(true)}>{t('signin.lost')}</button></li>
      </ul>
    </>
  );
}

/** Every way in is lost: what can be done, and the code that a desk has given. */
function DeskCode({ it, take, fail, back }: StepProps & { back: () => void }) {
  const [login, setLogin] = useState(it.login_hint ?? '');
  const [code, setCode] = useState('');
  const tries = useAttempts();
  const heading = useRef<HTMLHeadingElement>(null);
  useLayoutEffect(() => heading.current?.focus(), []);
  const send = useAction(async () => {
    try {
      take(await step(it.id, 'recovery', { login: login.trim(), code: code.trim() }));
    } catch (error) {
      if (error instanceof ApiProblem) fail(error);
      else throw error;
    }
  });
  const faults: Fault[] = [];
  if (!login.trim()) faults.push({ id: 'login', text: t('signin.login_missing') });
  if (!code.trim()) faults.push({ id: 'code', text: t('code.missing') });
  const told = (id: string) => (tries.attempt ? faults.find((f) => f.id === id)?.text : undefined);
  return (
    <>
      <Faults list={faults} attempt={tries.attempt} />
      <h2 tabIndex={-1} ref={heading}>{t('lost.title')}</h2>
      <ul class="govuk-list govuk-list--bullet">
        <li>{t('lost.password')}</li>
        <li>{t('lost.second')}</li>
        <li>{t('lost.all')}</li>
      </ul>
      <form noValidate onSubmit={(e) => { e.preventDefault(); tries.next(); if (!faults.length) void send.run(); }}>
        <h3>{t('lost.have_code')}</h3>
        <TextField id="login" label={t('signin.login')} hint={t('signin.login_hint')} error={told('login')} value={login} onValue={setLogin} name="username" autoComplete="username" autoCapitalize="none" spellcheck={false} maxLength={254} />
        <CodeField id="code" label={t('lost.code')} hint={t('lost.code_hint')} error={told('code')} value={code} onValue={setCode} />
        <Submit busy={send.busy}>{t('signin.submit')}</Submit>
      </form>
      <ul class="ways"><li><button type="button" class="plain" onClick={back}>{t('lost.back')}</button></li></ul>
    </>
  );
}

const SECOND: Method[] = ['passkey', 'totp', 'recovery'];

function Second({ it, take, fail }: StepProps) {
  const open = SECOND.filter((m) => it.methods.includes(m) && (m !== 'passkey' || supported()));
  const [chosen, setChosen] = useState<Method | undefined>(open[0]);
  const [code, setCode] = useState('');
  const tries = useAttempts();
  const way = chosen && open.includes(chosen) ? chosen : open[0];
  const passkey = usePasskey({ it, take, fail }, false);
  const send = useAction(async () => {
    try {
      take(await step(it.id, way!, { code: code.trim() }));
    } catch (error) {
      setCode('');
      if (error instanceof ApiProblem) fail(error);
      else throw error;
    }
  });
  const missing = way === 'totp' ? !/^\d{6,8}$/.test(code.replace(/\s/g, '')) : !code.trim();
  const faults: Fault[] = missing ? [{ id: 'code', text: t(way === 'totp' ? 'totp.missing' : 'code.missing') }] : [];
  const choose = (m: Method) => {
    setChosen(m);
    setCode('');
    tries.reset();
  };
  return (
    <>
      {way === 'passkey' && (
        <>
          <p>{t('second.passkey')}</p>
          <Action busy={passkey.busy} onClick={() => passkey.ask('')}>{t(passkey.busy ? 'passkey.waiting' : 'passkey.use')}</Action>
        </>
      )}
      {(way === 'totp' || way === 'recovery') && (
        <form key={way} noValidate onSubmit={(e) => { e.preventDefault(); tries.next(); if (!missing) void send.run(); }}>
          <Faults list={faults} attempt={tries.attempt} />
          <CodeField id="code" label={t(way === 'totp' ? 'totp.label' : 'recovery.label')} hint={t(way === 'totp' ? 'totp.hint' : 'recovery.hint')} error={tries.attempt && missing ? faults[0]!.text : undefined}
            value={code} onValue={setCode} digits={way === 'totp'} oneTime={way === 'totp'} />
          <Submit busy={send.busy}>{t(send.busy ? 'signin.checking' : 'action.continue')}</Submit>
        </form>
      )}
      {!way && <Notice tone="warn">{t('second.none')}</Notice>}
      {open.length > 1 && (
        <>
          <h2>{t('second.other_ways')}</h2>
          <ul class="ways">{open.filter((m) => m !== way).map((m) => <li key={m}><button type="button" class="plain" onClick={() => choose(m)}>{word('use', m)}</button></li>)}</ul>
        </>
      )}
    </>
  );
}

/** A sign-in that cannot go on: why, and where to turn. */
function Blocked({ problem, again }: { problem: ApiProblem; again: () => void }) {
  return (
    <Page title={t('signin.blocked')}>
      <Problem problem={problem}>
        {problem.code === 'eid.level' && <p><a href="/eid/account">{t('signin.to_account')}</a></p>}
      </Problem>
      <Action second onClick={again}>{t('signin.other')}</Action>
    </Page>
  );
}

export function Over({ problem }: { problem?: ApiProblem }) {
  return (
    <Page title={t('over.title')}>
      {problem && !OVER.includes(problem.code) ? <Problem problem={problem} /> : <p class="lead">{t('over.why')}</p>}
      <p>{t('over.do')}</p>
      <p><a class="govuk-button" href="/eid/account">{t('over.account')}</a></p>
    </Page>
  );
}

/** What a step's page is called. */
function titleOf(it: Interaction): string {
  if (it.step === 'second') return t('second.title');
  if (it.step === 'consent') return t('consent.title', { client: it.client?.name || it.client?.id || '' });
  return t('signin.title');
}

function Steps({ it, take, fail, problem }: StepProps & { problem?: ApiProblem }) {
  const props = { it, take, fail };
  const moved = useRef(it.step);
  useLayoutEffect(() => {
    if (moved.current !== it.step) document.querySelector<HTMLElement>('main h1')?.focus();
    moved.current = it.step;
  }, [it.step]);
  if (it.step === 'done') return <Page title={t('done.title')}><p aria-busy="true">{t('done.going')}</p>{it.location && <p><a href={it.location}>{t('done.link')}</a></p>}</Page>;
  return (
    <Page title={titleOf(it)}>
      {problem && <Problem problem={problem} />}
      {it.step !== 'consent' && <Asking it={it} />}
      {it.step === 'sign-in' && it.need.level >= 2 && <p class="small">{t('signin.needs_level', { level: it.need.level })}</p>}
      {it.step === 'sign-in' && <First {...props} />}
      {it.step === 'second' && <><Second {...props} /><Who {...props} /></>}
      {it.step === 'consent' && <Consent {...props} />}
    </Page>
  );
}

export default function SignInPage() {
  const [param] = useQuery();
  const id = param('interaction');
  const [it, setIt] = useState<Interaction>();
  const [problem, setProblem] = useState<ApiProblem>();
  const take = (next: Interaction) => {
    setProblem(undefined);
    setIt(next);
    if (next.step === 'done' && next.location) leave(next.location);
  };
  const failed = (error: unknown) => {
    if (!(error instanceof ApiProblem)) throw error;
    setProblem(error);
  };
  const load = () => {
    if (id) read(id).then(take, failed);
    else begin('/eid/account').then((next) => go(signInPage(next.id), { replace: true }), failed);
  };
  /** After a refusal the server may stand at another step than this page. */
  const fail = (error: ApiProblem) => {
    setProblem(error);
    if (!it || OVER.includes(error.code) || error.status === 0 || error.status === 429) return;
    if (it.step !== 'sign-in' || error.code === 'eid.interaction_changed')
      read(it.id).then((next) => {
        setIt(next);
        if (next.step === 'done' && next.location) leave(next.location);
      }, failed);
  };
  useEffect(() => {
    setIt(undefined);
    setProblem(undefined);
    load();
  }, [id]);
  useEffect(() => {
    if (!it || it.step === 'done') return;
    const left = Date.parse(it.expires_at) - Date.now();
    if (!(left > 0 && left < 86400000)) return;
    const timer = setTimeout(() => setProblem(new ApiProblem({ status: 404, code: 'eid.interaction' })), left);
    return () => clearTimeout(timer);
  }, [it?.expires_at, it?.step]);

  if (problem && OVER.includes(problem.code)) return <Over />;
  if (it && problem && BLOCKED.includes(problem.code))
    return <Blocked problem={problem} again={() => { step(it.id, 'other', {}).then(take, failed); }} />;
  if (!it) return <Page title={t('signin.title')}>{problem ? <Problem problem={problem} retry={() => { setProblem(undefined); load(); }} /> : <Loading />}</Page>;
  return <Steps it={it} take={take} fail={fail} problem={problem} />;
}

import { useEffect, useRef, useState } from 'preact/hooks';
import { call } from '../core/api';
import { useAction } from '../core/hooks';
import { t } from '../core/i18n';
import { load, signIn, type Session } from '../core/session';
import { Banner, Problem, TextField } from '../core/ui';

/** Set while the browser is away to sign in with an e-ID, so that only who asked for it here
 * comes back into the console by it. */
const AWAY = 'ndc_eid_away';

/** Into the console by an account of electronic identification: away to its pages, then back. */
function WithEid({ onSignedIn }: { onSignedIn: (session: Session) => void }) {
  const leave = useAction(async () => {
    const { id } = await call<{ id: string }>('/api/eid/interactions', { body: { next: '/' }, quiet401: true });
    sessionStorage.setItem(AWAY, 'yes');
    location.assign(`/eid/sign-in?interaction=${encodeURIComponent(id)}`);
  });
  const enter = useAction(async () => {
    await call('/api/eid/console', { body: {}, quiet401: true });
    onSignedIn((await load())!);
  });
  useEffect(() => {
    const back = sessionStorage.getItem(AWAY);
    sessionStorage.removeItem(AWAY);
    if (back) void enter.run();
  }, []);
  const problem = leave.problem ?? enter.problem;
  return (
    <div class="with-eid">
      {problem && <Problem problem={problem} focus />}
      <button type="button" class="govuk-button govuk-button--secondary" aria-disabled={leave.busy || enter.busy} onClick={() => void leave.run()}>{t(enter.busy ? 'signin.busy' : 'signin.eid')}</button>
    </div>
  );
}

export function SignIn({ expired, onSignedIn }: { expired: boolean; onSignedIn: (session: Session) => void }) {
  const [user, setUser] = useState('');
  const [password, setPassword] = useState('');
  const [touched, setTouched] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const action = useAction(async () => onSignedIn(await signIn(user.trim(), password)));
  useEffect(() => {
    document.title = `${t('signin.title')} – ndc`;
  });
  return (
    <div class="signin">
      <section class="card" aria-labelledby="signin-title">
        <h1 id="signin-title" tabIndex={-1}>{t('signin.title')}</h1>
        <p class="muted">{t('signin.lead')}</p>
        {expired && <Banner>{t('session.expired')}</Banner>}
        {action.problem && <Problem problem={action.problem} focus />}
        <form
          ref={form}
          noValidate
          onSubmit={(e) => {
            e.preventDefault();
            setTouched(true);
            if (user.trim() && password) void action.run();
          }}
        >
          <TextField label={t('signin.user')} name="username" autoComplete="username" autoCapitalize="none" spellcheck={false} value={user} onValue={setUser}
            error={touched && !user.trim() ? t('signin.user_missing') : undefined} />
          <TextField label={t('signin.password')} name="password" type="password" autoComplete="current-password" value={password} onValue={setPassword}
            error={touched && !password ? t('signin.password_missing') : undefined} />
          <button type="submit" class="govuk-button" aria-disabled={action.busy}>{action.busy ? t('signin.busy') : t('signin.submit')}</button>
        </form>
        <WithEid onSignedIn={onSignedIn} />
        <p class="muted small">{t('signin.help')}</p>
      </section>
    </div>
  );
}

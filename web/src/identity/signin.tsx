import { useEffect, useRef, useState } from 'preact/hooks';
import { useAction } from '../core/hooks';
import { t } from '../core/i18n';
import { signIn, type Session } from '../core/session';
import { Banner, Problem, TextField } from '../core/ui';

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
        <p class="muted small">{t('signin.help')}</p>
      </section>
    </div>
  );
}

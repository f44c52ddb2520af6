import { useState } from 'preact/hooks';
import { useAction } from '../core/hooks';
import { t } from '../core/i18n';
import { changePassword } from '../core/session';
import { Banner, Problem, TextField } from '../core/ui';

export function PasswordForm({ onDone }: { onDone?: () => void }) {
  const [old, setOld] = useState('');
  const [next, setNext] = useState('');
  const [again, setAgain] = useState('');
  const [touched, setTouched] = useState(false);
  const [done, setDone] = useState(false);
  const save = useAction(async () => {
    await changePassword(old, next);
    setOld('');
    setNext('');
    setAgain('');
    setTouched(false);
    setDone(true);
    onDone?.();
  });
  const short = next.length < 12;
  return (
    <form noValidate class="narrow" onSubmit={(e) => {
      e.preventDefault();
      setTouched(true);
      setDone(false);
      if (old && !short && next === again) void save.run();
    }}>
      {done && <Banner>{t('account.password_changed')}</Banner>}
      {save.problem && <Problem problem={save.problem} focus />}
      <TextField label={t('account.old')} type="password" autoComplete="current-password" value={old} onValue={setOld} error={touched && !old ? t('account.old_missing') : undefined} />
      <TextField label={t('account.new')} hint={t('account.new_hint')} type="password" autoComplete="new-password" value={next} onValue={setNext} error={touched && short ? t('account.short') : undefined} />
      <TextField label={t('account.again')} type="password" autoComplete="new-password" value={again} onValue={setAgain} error={touched && next !== again ? t('account.differs') : undefined} />
      <button type="submit" class="govuk-button" aria-disabled={save.busy}>{t('account.save')}</button>
    </form>
  );
}

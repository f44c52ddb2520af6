// A new password of one's own account.
import { useState } from 'preact/hooks';
import { call } from '../core/api';
import { useAction } from '../core/hooks';
import { Account, Refused, toAccount } from './account';
import type { Me } from './api';
import { Faults, PasswordField, Submit, useAttempts, type Fault } from './parts';
import { t } from './words';

function Form({ me }: { me: Me }) {
  const [current, setCurrent] = useState('');
  const [next, setNext] = useState('');
  const tries = useAttempts();
  const had = me.authenticators.some((a) => a.kind === 'password');
  const save = useAction(async () => {
    await call('/api/eid/me/password', { method: 'PUT', body: { current: had ? current : '', password: next }, quiet401: true });
    toAccount('password');
  });
  const faults: Fault[] = [];
  if (had && !current) faults.push({ id: 'current', text: t('password.current_missing') });
  if ([...next].length < 12) faults.push({ id: 'next', text: t(next ? 'open.password_short' : 'open.password_missing') });
  const told = (id: string) => (tries.attempt ? faults.find((f) => f.id === id)?.text : undefined);
  return (
    <>
      <Refused problem={save.problem} />
      <form noValidate onSubmit={(e) => { e.preventDefault(); tries.next(); if (!faults.length) void save.run(); }}>
        <Faults list={faults} attempt={tries.attempt} />
        {had && <PasswordField id="current" name="current" label={t('password.current')} error={told('current')} value={current} onValue={setCurrent} autoComplete="current-password" />}
        <PasswordField id="next" name="next" label={t('password.next')} hint={t('open.password_hint')} error={told('next')} value={next} onValue={setNext} autoComplete="new-password" />
        <Submit busy={save.busy}>{t('password.save')}</Submit>
      </form>
    </>
  );
}

export default function PasswordPage() {
  return <Account below title={t('password.title')} lead={t('password.about')}>{(me) => <Form me={me} />}</Account>;
}

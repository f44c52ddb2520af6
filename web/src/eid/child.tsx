// An account for a child of 6 to 13, under the parent who is signed in: two questions, then
// "check your answers".
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { call } from '../core/api';
import { useAction } from '../core/hooks';
import { TextField } from '../core/parts';
import { Account, Refused, toAccount } from './account';
import { Action, DateField, Faults, isoOf, noDate, readDay, Submit, Summary, useAttempts, type Fault } from './parts';
import { t } from './words';

const digits = (text: string) => text.replace(/[\s.]/g, '');

function Questions() {
  const [number, setNumber] = useState('');
  const [name, setName] = useState('');
  const [birth, setBirth] = useState(noDate);
  const [checking, setChecking] = useState(false);
  const tries = useAttempts();
  const heading = useRef<HTMLHeadingElement>(null);
  useLayoutEffect(() => { if (checking) heading.current?.focus(); }, [checking]);
  const send = useAction(async () => {
    await call('/api/eid/me/children', { body: { number: digits(number), name: name.trim(), birth_date: isoOf(birth) }, quiet401: true });
    toAccount('child');
  });
  const faults: Fault[] = [];
  if (!/^\d{12}$/.test(digits(number))) faults.push({ id: 'number', text: t(number.trim() ? 'open.number_wrong' : 'open.number_missing') });
  if (name.trim().split(/\s+/).length < 2) faults.push({ id: 'name', text: t(name.trim() ? 'open.name_short' : 'open.name_missing') });
  if (!isoOf(birth)) faults.push({ id: 'birth', text: t('open.birth_wrong') });
  const told = (id: string) => (tries.attempt ? faults.find((f) => f.id === id)?.text : undefined);
  if (checking)
    return (
      <>
        <h2 tabIndex={-1} ref={heading}>{t('open.check')}</h2>
        <Refused problem={send.problem} />
        <Summary rows={[{ key: 'number', label: t('open.number'), value: digits(number) }, { key: 'name', label: t('open.name'), value: name.trim() }, { key: 'birth', label: t('open.birth'), value: readDay(isoOf(birth) ?? '') }]} />
        <div class="choice">
          <Action busy={send.busy} onClick={() => void send.run()}>{t('open.send')}</Action>
          <button type="button" class="plain" onClick={() => setChecking(false)}>{t('action.change')}</button>
        </div>
      </>
    );
  return (
    <form noValidate onSubmit={(e) => { e.preventDefault(); tries.next(); if (!faults.length) setChecking(true); }}>
      <Faults list={faults} attempt={tries.attempt} />
      <TextField id="number" class="w14" label={t('child.number')} hint={t('open.number_hint')} error={told('number')} value={number} onValue={setNumber} inputMode="numeric" autoComplete="off" maxLength={16} />
      <TextField id="name" label={t('child.name')} hint={t('open.name_hint')} error={told('name')} value={name} onValue={setName} autoComplete="off" spellcheck={false} maxLength={120} />
      <DateField id="birth" label={t('child.birth')} hint={t('open.birth_hint')} error={told('birth')} value={birth} onValue={setBirth} />
      <Submit>{t('action.continue')}</Submit>
    </form>
  );
}

export default function ChildPage() {
  return <Account below title={t('child.add')} lead={t('child.lead')}>{() => <Questions />}</Account>;
}

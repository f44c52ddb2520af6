// Recovery codes: shown once, to be printed or copied and kept away from the phone.
import { useState } from 'preact/hooks';
import { call } from '../core/api';
import { day } from '../core/dates';
import { useAction } from '../core/hooks';
import { announce } from '../core/parts';
import { Account, Refused, toAccount } from './account';
import type { Me } from './api';
import { Action, Faults, Notice, Submit, useAttempts } from './parts';
import { t } from './words';

function Codes({ codes, me }: { codes: string[]; me: Me }) {
  const [kept, setKept] = useState(false);
  const [copied, setCopied] = useState(false);
  const tries = useAttempts();
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(codes.join('\n'));
      setCopied(true);
      announce(t('recovery.copied'));
    } catch {
      setCopied(false); // the codes can be marked by hand
    }
  };
  return (
    <>
      <Notice tone="warn">{t('recovery.once')}</Notice>
      <div class="sheet">
        <p class="print-only">{t('brand.name')} · {me.name} · {me.number_masked} · {day(new Date().toISOString())}</p>
        <ol class="codes">{codes.map((c) => <li key={c}><code>{c}</code></li>)}</ol>
      </div>
      <div class="choice">
        <Action second onClick={() => window.print()}>{t('recovery.print')}</Action>
        <Action second onClick={() => void copy()}>{t(copied ? 'recovery.copied' : 'recovery.copy')}</Action>
      </div>
      <form noValidate onSubmit={(e) => { e.preventDefault(); tries.next(); if (kept) toAccount('recovery'); }}>
        <Faults list={kept ? [] : [{ id: 'kept', text: t('recovery.keep_first') }]} attempt={tries.attempt} />
        <div class="govuk-checkboxes govuk-form-group">
          <div class="govuk-checkboxes__item">
            <input class="govuk-checkboxes__input" type="checkbox" id="kept" checked={kept} onChange={(e) => setKept(e.currentTarget.checked)} />
            <label class="govuk-label govuk-checkboxes__label" for="kept">{t('recovery.kept')}</label>
          </div>
        </div>
        <Submit>{t('recovery.finish')}</Submit>
      </form>
    </>
  );
}

function Make({ me }: { me: Me }) {
  const [codes, setCodes] = useState<string[]>();
  const make = useAction(async () => setCodes((await call<{ codes: string[] }>('/api/eid/me/recovery', { body: {}, quiet401: true })).codes));
  if (codes) return <Codes codes={codes} me={me} />;
  const had = me.authenticators.some((a) => a.kind === 'recovery');
  return (
    <>
      {had && <Notice tone="warn">{t('recovery.replaces')}</Notice>}
      <Refused problem={make.problem} />
      <Action busy={make.busy} onClick={() => void make.run()}>{t(had ? 'recovery.renew' : 'recovery.make')}</Action>
    </>
  );
}

export default function RecoveryPage() {
  return <Account below title={t('recovery.title')} lead={t('recovery.lead')}>{(me) => <Make me={me} />}</Account>;
}

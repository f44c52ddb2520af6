// A device without a keyboard shows a code (RFC 8628); here it is entered, and the person
// signs in and allows, or not. A code that came in the address is shown to be compared.
import { useState } from 'preact/hooks';
import { call } from '../core/api';
import { useAction } from '../core/hooks';
import { useQuery } from '../core/router';
import { leave } from './api';
import { CodeField, Faults, Notice, Page, Problem, Submit, useAttempts } from './parts';
import { t } from './words';

export default function DevicePage() {
  const [param] = useQuery();
  const given = param('user_code').slice(0, 40);
  const [code, setCode] = useState(given);
  const tries = useAttempts();
  const send = useAction(async () => {
    const { location } = await call<{ location: string }>('/api/eid/device', { body: { user_code: code.trim() }, quiet401: true });
    leave(location);
  });
  const outcome = param('state');
  if (outcome === 'allowed' || outcome === 'refused' || outcome === 'expired')
    return <Page title={t(`device.${outcome}`)} lead={t(`device.${outcome}_about`)}><p>{outcome === 'expired' ? <a href="/eid/device">{t('device.title')}</a> : <a href="/eid/account/sharing">{t('nav.sharing')}</a>}</p></Page>;
  const missing = !code.trim();
  return (
    <Page title={t('device.title')} lead={t('device.lead')}>
      {send.problem && <Problem problem={send.problem} />}
      {given && <Notice tone="warn">{t('device.compare')}</Notice>}
      <form noValidate onSubmit={(e) => { e.preventDefault(); tries.next(); if (!missing) void send.run(); }}>
        <Faults list={missing ? [{ id: 'code', text: t('device.missing') }] : []} attempt={tries.attempt} />
        <CodeField id="code" label={t('device.code')} hint={t('device.hint')} error={tries.attempt && missing ? t('device.missing') : undefined} value={code} onValue={setCode} />
        <Submit busy={send.busy}>{t('action.continue')}</Submit>
      </form>
    </Page>
  );
}

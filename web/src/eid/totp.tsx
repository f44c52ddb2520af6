// Adding an authenticator app: its secret as a picture and as text, then a code that shows
// that the app has it. The picture is drawn here: the secret goes to nobody else.
import { useState } from 'preact/hooks';
import qrcode from 'qrcode-generator';
import { call } from '../core/api';
import { useAction } from '../core/hooks';
import { Account, Refused, toAccount } from './account';
import { Action, CodeField, Faults, Submit, useAttempts } from './parts';
import { t } from './words';

interface Made { number: number; secret: string; uri: string }

/** A QR code (ISO/IEC 18004) as one path; the margin of four modules is the standard's. */
export function Qr({ text, label }: { text: string; label: string }) {
  const code = qrcode(0, 'M');
  code.addData(text);
  code.make();
  const n = code.getModuleCount();
  let path = '';
  for (let row = 0; row < n; row++)
    for (let from = 0; from < n; from++) {
      if (!code.isDark(row, from)) continue;
      let to = from;
      while (to < n && code.isDark(row, to)) to++;
      path += `M${from + 4} ${row + 4}h${to - from}v1h${from - to}z`;
      from = to;
    }
  return (
    <svg class="qr" viewBox={`0 0 ${n + 8} ${n + 8}`} role="img" aria-label={label} shape-rendering="crispEdges">
      <path fill="#fff" d={`M0 0h${n + 8}v${n + 8}H0z`} />
      <path fill="#000" d={path} />
    </svg>
  );
}

function Confirm({ made, again }: { made: Made; again: () => void }) {
  const [code, setCode] = useState('');
  const tries = useAttempts();
  const confirm = useAction(async () => {
    await call(`/api/eid/me/totp/${made.number}`, { body: { code: code.replace(/\s/g, '') }, quiet401: true });
    toAccount('totp');
  });
  const missing = !/^\d{6,8}$/.test(code.replace(/\s/g, ''));
  return (
    <>
      <h2>{t('totp.scan')}</h2>
      <Qr text={made.uri} label={t('totp.picture')} />
      <p><a href={made.uri}>{t('totp.open_app')}</a></p>
      <p>{t('totp.or_type')}</p>
      <p class="secret"><code>{made.secret.replace(/(.{4})(?=.)/g, '$1 ')}</code></p>
      <h2>{t('totp.confirm')}</h2>
      <Refused problem={confirm.problem} />
      {confirm.problem?.code === 'eid.authenticator' && <Action second onClick={again}>{t('totp.begin')}</Action>}
      <form noValidate onSubmit={(e) => { e.preventDefault(); tries.next(); if (!missing) void confirm.run(); }}>
        <Faults list={missing ? [{ id: 'code', text: t('totp.missing') }] : []} attempt={tries.attempt} />
        <CodeField id="code" label={t('totp.label')} hint={t('totp.hint')} error={tries.attempt && missing ? t('totp.missing') : undefined} value={code} onValue={setCode} digits oneTime />
        <Submit busy={confirm.busy}>{t('totp.finish')}</Submit>
      </form>
    </>
  );
}

function Begin() {
  const [made, setMade] = useState<Made>();
  const begin = useAction(async () => setMade(await call<Made>('/api/eid/me/totp', { body: {}, quiet401: true })));
  if (made) return <Confirm made={made} again={() => setMade(undefined)} />;
  return (
    <>
      <ol class="govuk-list govuk-list--number"><li>{t('totp.step_app')}</li><li>{t('totp.step_scan')}</li><li>{t('totp.step_code')}</li></ol>
      <Refused problem={begin.problem} />
      <Action busy={begin.busy} onClick={() => void begin.run()}>{t('totp.begin')}</Action>
    </>
  );
}

export default function TotpPage() {
  return <Account below title={t('totp.add')} lead={t('totp.lead')}>{() => <Begin />}</Account>;
}

// Adding a passkey: named by its owner, made by the device.
import { useState } from 'preact/hooks';
import { call } from '../core/api';
import { useAction } from '../core/hooks';
import { TextField } from '../core/parts';
import { Account, Refused, toAccount } from './account';
import { Notice, Submit } from './parts';
import { device } from './times';
import { create, supported } from './webauthn';
import { t } from './words';

function Form() {
  const [title, setTitle] = useState(device(navigator.userAgent));
  const add = useAction(async () => {
    const credential = await create();
    await call('/api/eid/me/passkeys', { body: { title: title.trim(), credential }, quiet401: true });
    toAccount('passkey');
  });
  if (!supported()) return <Notice tone="warn">{t('passkey.unsupported')}</Notice>;
  return (
    <>
      <ol class="govuk-list govuk-list--number"><li>{t('passkey.step_name')}</li><li>{t('passkey.step_device')}</li><li>{t('passkey.step_done')}</li></ol>
      <Refused problem={add.problem} />
      <form noValidate onSubmit={(e) => { e.preventDefault(); void add.run(); }}>
        <TextField id="title" label={t('passkey.title_label')} hint={t('passkey.title_hint')} value={title} onValue={setTitle} autoComplete="off" maxLength={60} />
        <Submit busy={add.busy}>{t(add.busy ? 'passkey.waiting' : 'passkey.make')}</Submit>
      </form>
    </>
  );
}

export default function PasskeyPage() {
  return <Account below title={t('passkey.add')} lead={t('passkey.lead')}>{() => <Form />}</Account>;
}

// Freezing one's account: at once, and for good until a desk thaws it.
import { useState } from 'preact/hooks';
import { call } from '../core/api';
import { useAction } from '../core/hooks';
import { Account, Refused } from './account';
import { Faults, Page, Submit, useAttempts } from './parts';
import { t } from './words';

function Ask({ onDone }: { onDone: () => void }) {
  const [sure, setSure] = useState(false);
  const tries = useAttempts();
  const freeze = useAction(async () => {
    await call('/api/eid/me/freeze', { body: {}, quiet401: true });
    onDone();
  });
  return (
    <>
      <ul class="govuk-list govuk-list--bullet"><li>{t('freeze.does_sessions')}</li><li>{t('freeze.does_grants')}</li><li>{t('freeze.does_thaw')}</li></ul>
      <Refused problem={freeze.problem} />
      <form noValidate onSubmit={(e) => { e.preventDefault(); tries.next(); if (sure) void freeze.run(); }}>
        <Faults list={sure ? [] : [{ id: 'sure', text: t('freeze.unsure') }]} attempt={tries.attempt} />
        <div class="govuk-checkboxes govuk-form-group">
          <div class="govuk-checkboxes__item">
            <input class="govuk-checkboxes__input" type="checkbox" id="sure" checked={sure} onChange={(e) => setSure(e.currentTarget.checked)} />
            <label class="govuk-label govuk-checkboxes__label" for="sure">{t('freeze.sure')}</label>
          </div>
        </div>
        <Submit warn busy={freeze.busy}>{t('freeze.submit')}</Submit>
      </form>
    </>
  );
}

export default function FreezePage() {
  const [done, setDone] = useState(false);
  if (done) return <Page title={t('freeze.done')} lead={t('freeze.done_about')}><p><a href="/eid/account">{t('nav.account')}</a></p></Page>;
  return <Account title={t('nav.freeze')} lead={t('freeze.about')}>{() => <Ask onDone={() => setDone(true)} />}</Account>;
}

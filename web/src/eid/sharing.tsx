// To whom data were given and what for, and taking that back.
import { useState } from 'preact/hooks';
import { call } from '../core/api';
import { useAction, useApi } from '../core/hooks';
import { announce, Dialog } from '../core/parts';
import { Account, Refused } from './account';
import type { Grant } from './api';
import { Data } from './consent';
import { Action, Loaded } from './parts';
import { since } from './times';
import { t } from './words';
import { webOf } from './who';

const nameOf = (g: Grant) => g.client.name || g.client.id;

function One({ g, onWithdraw }: { g: Grant; onWithdraw: () => void }) {
  return (
    <article class="card">
      <h2>{nameOf(g)}</h2>
      {webOf(g.client.uri) && <p class="small muted">{webOf(g.client.uri)!.host}</p>}
      <p class="small">{t('sharing.given', { at: since(g.given_at) })} · {g.last_used_at ? t('sharing.used', { at: since(g.last_used_at) }) : t('sharing.unused')}</p>
      {g.purpose && <p>{t('signin.purpose')}: {g.purpose}</p>}
      <Data scopes={g.scopes} claims={g.claims} />
      <details class="govuk-details">
        <summary class="govuk-details__summary"><span class="govuk-details__summary-text">{t('sharing.record')}</span></summary>
        <div class="govuk-details__text"><pre class="record" tabIndex={0}>{JSON.stringify(g.record, null, 2)}</pre></div>
      </details>
      <Action second label={`${t('sharing.withdraw')}: ${nameOf(g)}`} onClick={onWithdraw}>{t('sharing.withdraw')}</Action>
    </article>
  );
}

function List() {
  const grants = useApi<Grant[]>('/api/eid/me/grants');
  const [leaving, setLeaving] = useState<Grant>();
  const withdraw = useAction(async (g: Grant) => {
    setLeaving(undefined);
    await call(`/api/eid/me/grants/${encodeURIComponent(g.client.id)}`, { method: 'DELETE', quiet401: true });
    announce(t('sharing.withdrawn', { client: nameOf(g) }));
    grants.reload();
  });
  return (
    <>
      <Refused problem={withdraw.problem} />
      <Loaded of={grants}>
        {(list) => (list.length ? <>{list.map((g) => <One key={g.client.id} g={g} onWithdraw={() => setLeaving(g)} />)}</> : <p class="muted">{t('sharing.none')}</p>)}
      </Loaded>
      <Dialog open={!!leaving} onClose={() => setLeaving(undefined)} title={t('sharing.withdraw_title', { client: leaving ? nameOf(leaving) : '' })}>
        <p>{t('sharing.withdraw_about')}</p>
        <div class="choice">
          <Action warn onClick={() => leaving && void withdraw.run(leaving)}>{t('sharing.withdraw')}</Action>
          <button type="button" class="plain" onClick={() => setLeaving(undefined)}>{t('action.cancel')}</button>
        </div>
      </Dialog>
    </>
  );
}

export default function SharingPage() {
  return <Account title={t('nav.sharing')} lead={t('sharing.about')}>{() => <List />}</Account>;
}

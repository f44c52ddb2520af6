// Signing out at a service's wish, asked first: a link must not sign people out. Afterwards the
// server, which knows whether the address is that service's own, leads back to it.
import { call } from '../core/api';
import { useAction, useApi } from '../core/hooks';
import { useQuery } from '../core/router';
import { leave, type Me, type OwnSession } from './api';
import { Action, Loading, Page, Problem } from './parts';
import { t } from './words';

export default function SignOutPage() {
  const [param] = useQuery();
  const me = useApi<Me>('/api/eid/me');
  const back = param('post_logout_redirect_uri');
  const query = new URLSearchParams();
  for (const name of ['client_id', 'post_logout_redirect_uri', 'state']) if (param(name)) query.set(name, param(name));
  const onward = back ? `/eid/logout?${query}` : '/eid/signed-out';
  const out = useAction(async () => {
    const here = (await call<OwnSession[]>('/api/eid/me/sessions', { quiet401: true })).find((s) => s.current);
    if (here) await call(`/api/eid/me/sessions/${encodeURIComponent(here.sid)}`, { method: 'DELETE', quiet401: true });
    leave(onward);
  });
  if (me.problem?.status === 401)
    return <Page title={t('signed_out.title')} lead={t('signed_out.lead')}><p>{back ? <a class="govuk-button" href={onward}>{t('sign_out.back')}</a> : <a href="/eid/account">{t('over.account')}</a>}</p></Page>;
  return (
    <Page title={t('sign_out.title')} lead={me.data ? t('sign_out.lead', { name: me.data.name }) : undefined}>
      {(me.problem ?? out.problem) && <Problem problem={(me.problem ?? out.problem)!} retry={me.problem ? me.reload : undefined} />}
      {!me.data && !me.problem && <Loading />}
      {me.data && (
        <>
          <p>{t('sign_out.does')}</p>
          <div class="actions">
            <Action busy={out.busy} onClick={() => void out.run()}>{t('action.sign_out')}</Action>
            <a href="/eid/account">{t('sign_out.stay')}</a>
          </div>
        </>
      )}
    </Page>
  );
}

// One's own account: password and sessions.
import { call } from '../core/api';
import { useAction, useApi } from '../core/hooks';
import { t } from '../core/i18n';
import { changed as sessionChanged, current } from '../core/session';
import { Grid, Loaded, Page, Problem, Time } from '../core/ui';
import { PasswordForm } from './password';

interface OwnSession { id: string; created_at: string; last_at: string; expires_at: string; client: string; agent: string; current: boolean }

export default function AccountPage() {
  const me = current();
  const sessions = useApi<{ sessions: OwnSession[] }>('/api/session/list');
  const end = useAction(async (id: string) => {
    await call(`/api/session/list/${encodeURIComponent(id)}`, { method: 'DELETE' });
    sessions.reload();
  });
  return (
    <Page title={t('account.title')} lead={me && <>{me.name} · <span class="mono">{me.user}</span>{me.agency && ` · ${me.agency}`} · {me.roles.join(', ')}</>}>
      <section class="card" aria-labelledby="password"><h2 id="password">{t('account.password')}</h2><PasswordForm onDone={() => { sessions.reload(); sessionChanged(); }} /></section>
      {end.problem && <Problem problem={end.problem} focus />}
      <Loaded of={sessions} lines={3}>
        {(data) => (
          <section class="card tight" aria-label={t('account.sessions')}>
            <Grid caption={t('account.sessions')} showCaption rows={data.sessions} id={(s) => s.id}
              columns={[
                { key: 'client', label: t('account.where'), cell: (s) => <>{s.client}<br /><span class="muted small thin">{s.agent}</span></> },
                { key: 'from', label: t('account.since'), cell: (s) => <Time at={s.created_at} /> },
                { key: 'last', label: t('account.last'), cell: (s) => <Time at={s.last_at} /> },
                { key: 'end', label: t('account.end'), cell: (s) => (s.current ? <span class="muted">{t('account.this')}</span> : <button type="button" class="plain" onClick={() => void end.run(s.id)}>{t('account.end_it')}</button>) },
              ]} />
          </section>
        )}
      </Loaded>
    </Page>
  );
}

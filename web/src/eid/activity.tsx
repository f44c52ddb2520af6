// Where I am signed in, and my last sign-ins, in words.
import { call } from '../core/api';
import { useAction, useApi } from '../core/hooks';
import { announce } from '../core/parts';
import { Account, Refused } from './account';
import type { Grant, OwnSession, SignIn } from './api';
import { Loaded, Notice } from './parts';
import { device, since } from './times';
import { has, t, word } from './words';

function Sessions() {
  const sessions = useApi<OwnSession[]>('/api/eid/me/sessions');
  const end = useAction(async (s: OwnSession) => {
    await call(`/api/eid/me/sessions/${encodeURIComponent(s.sid)}`, { method: 'DELETE', quiet401: true });
    announce(t('sessions.ended'));
    sessions.reload();
  });
  return (
    <section aria-labelledby="sessions">
      <h2 id="sessions">{t('sessions.title')}</h2>
      <Refused problem={end.problem} />
      <Loaded of={sessions}>
        {(list) => (
          <ul class="list">
            {list.map((s) => (
              <li key={s.sid}>
                <div><strong>{device(s.agent)}</strong>{s.current && <> <span class="govuk-tag govuk-tag--green">{t('sessions.this')}</span></>}<br /><span class="small muted">{t('sessions.about', { from: since(s.created_at), used: since(s.used_at), address: s.address })}</span></div>
                {!s.current && <button type="button" class="plain" aria-label={`${t('sessions.end')}: ${device(s.agent)}`} aria-disabled={end.busy} onClick={() => void end.run(s)}>{t('sessions.end')}</button>}
              </li>
            ))}
          </ul>
        )}
      </Loaded>
    </section>
  );
}

/** "pwd otp mfa client=abc" (RFC 8176) as people say it: a password and a code. */
function howOf(how: string): { ways: string; client: string | null } {
  const parts = how.split(' ').filter(Boolean);
  const client = parts.find((p) => p.startsWith('client='))?.slice(7) ?? null;
  const ways = parts.filter((p) => !p.startsWith('client=') && has(`amr.${p}`)).map((p) => word('amr', p));
  return { ways: [...new Set(ways)].join(', '), client };
}

function Event({ e, names }: { e: SignIn; names: Map<string, string> }) {
  const { ways, client } = howOf(e.how ?? '');
  const failed = !e.allowed || e.what === 'sign-in.failed' || e.what === 'passkey.cloned';
  return (
    <li>
      <div>
        <strong>{has(`event.${e.what}`) ? word('event', e.what) : e.what}</strong>{failed && <> <span class="govuk-tag govuk-tag--red">{t('signins.refused')}</span></>}<br />
        <span class="small muted">{since(e.at)}{ways && ` · ${ways}`}{client && ` · ${t('signins.to', { client: names.get(client) ?? client })}`}{e.where && ` · ${t('signins.from', { address: e.where })}`}</span>
      </div>
    </li>
  );
}

function SignIns() {
  const list = useApi<SignIn[]>('/api/eid/me/sign-ins');
  const grants = useApi<Grant[]>('/api/eid/me/grants');
  const names = new Map((grants.data ?? []).map((g) => [g.client.id, g.client.name || g.client.id]));
  return (
    <section aria-labelledby="sign-ins">
      <h2 id="sign-ins">{t('signins.title')}</h2>
      <p>{t('signins.about')}</p>
      <Loaded of={list}>
        {(events) => (events.length ? <ul class="list">{events.map((e) => <Event key={e.entry} e={e} names={names} />)}</ul> : <p class="muted">{t('signins.none')}</p>)}
      </Loaded>
      <Notice tone="warn">{t('signins.unknown')} <a href="/eid/account/freeze">{t('nav.freeze')}</a></Notice>
    </section>
  );
}

export default function ActivityPage() {
  return <Account title={t('nav.activity')}>{() => <><Sessions /><SignIns /></>}</Account>;
}

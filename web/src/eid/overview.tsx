// My account: what level it has and what that means, the ways to sign in, whom I answer for.
import { useState } from 'preact/hooks';
import { call } from '../core/api';
import { useAction } from '../core/hooks';
import { Dialog } from '../core/parts';
import { useQuery } from '../core/router';
import { Account, Refused } from './account';
import type { Authenticator, Me } from './api';
import { Action, Notice, readDay, Summary, type Row } from './parts';
import { since } from './times';
import { has, t, word } from './words';

function titleOf(a: Authenticator): string {
  return a.kind === 'passkey' && a.title ? a.title : word('method', a.kind);
}

function About({ a }: { a: Authenticator }) {
  return (
    <>
      <strong>{titleOf(a)}</strong>
      {a.kind === 'passkey' && <> <span class="small muted">{t(a.synced ? 'way.synced' : 'way.device')}</span></>}
      {a.kind === 'recovery' && a.codes_left !== undefined && <> <span class="small muted">{t('way.codes_left', { n: a.codes_left })}</span></>}
      {a.warning === 'cloned' && <Notice tone="warn">{t('way.cloned')}</Notice>}
      <br />
      <span class="small muted">{t('way.since', { at: since(a.created_at) })}{a.used_at && ` · ${t('way.used', { at: since(a.used_at) })}`}</span>
    </>
  );
}

/** Ways to sign in; what may be removed is asked for twice. */
function Ways({ me, reload }: { me: Me; reload: () => void }) {
  const [removing, setRemoving] = useState<Authenticator>();
  const remove = useAction(async (a: Authenticator) => {
    setRemoving(undefined);
    await call(`/api/eid/me/authenticators/${a.number}`, { method: 'DELETE', quiet401: true });
    reload();
  });
  const kinds = me.authenticators.map((a) => a.kind);
  const strong = kinds.includes('passkey') || kinds.includes('totp');
  return (
    <section aria-labelledby="ways">
      <h2 id="ways">{t('ways.title')}</h2>
      <Refused problem={remove.problem} />
      {!strong && <Notice tone="warn">{t('ways.weak')}</Notice>}
      <ul class="list">
        {me.authenticators.map((a) => (
          <li key={a.number}>
            <div><About a={a} /></div>
            {a.kind === 'password'
              ? <a href="/eid/account/password">{t('ways.change_password')}</a>
              : <button type="button" class="plain" aria-label={`${t('action.remove')}: ${titleOf(a)}`} onClick={() => setRemoving(a)}>{t('action.remove')}</button>}
          </li>
        ))}
      </ul>
      <ul class="ways">
        <li><a href="/eid/account/passkey">{t('passkey.add')}</a></li>
        <li><a href="/eid/account/totp">{t('totp.add')}</a></li>
        <li><a href="/eid/account/recovery">{t(kinds.includes('recovery') ? 'recovery.renew' : 'recovery.add')}</a></li>
        {!kinds.includes('password') && <li><a href="/eid/account/password">{t('ways.set_password')}</a></li>}
      </ul>
      <Dialog open={!!removing} onClose={() => setRemoving(undefined)} title={t('ways.remove_title', { what: removing ? titleOf(removing) : '' })}>
        <p>{t('ways.remove_about')}</p>
        <div class="choice">
          <Action warn onClick={() => removing && void remove.run(removing)}>{t('action.remove')}</Action>
          <button type="button" class="plain" onClick={() => setRemoving(undefined)}>{t('action.cancel')}</button>
        </div>
      </Dialog>
    </section>
  );
}

function Wards({ me }: { me: Me }) {
  return (
    <section aria-labelledby="wards">
      <h2 id="wards">{t('wards.title')}</h2>
      {me.guardian_of.length > 0 && (
        <ul class="list">
          {me.guardian_of.map((w) => (
            <li key={w.account}><div><strong>{w.name}</strong> <span class="mono">{w.number_masked}</span><br /><span class="small muted">{word('kind', w.kind)} · {t('level.n', { n: w.level })} · {word('state', w.state)}</span></div></li>
          ))}
        </ul>
      )}
      <p><a href="/eid/account/child">{t('child.add')}</a></p>
    </section>
  );
}

export default function OverviewPage() {
  const [param] = useQuery();
  const done = `account.done_${param('done')}`;
  return (
    <Account title={(me) => me.name}>
      {(me, reload) => {
        const rows: Row[] = [
          { key: 'kind', label: t('account.kind'), value: word('kind', me.kind) },
          { key: 'number', label: t(me.kind === 'organisation' ? 'account.code' : 'account.number'), value: <span class="mono">{me.number_masked}</span> },
          ...(me.birth_date ? [{ key: 'birth', label: t('open.birth'), value: readDay(me.birth_date) }] : []),
          { key: 'phone', label: t('open.phone'), value: me.phone || <span class="muted">{t('open.not_given')}</span> },
          { key: 'email', label: t('open.email'), value: me.email || <span class="muted">{t('open.not_given')}</span> },
        ];
        return (
          <>
            {has(done) && <Notice>{t(done)}</Notice>}
            {me.state !== 'active' && <Notice tone="warn">{word('state_about', me.state)}</Notice>}
            <section class="panel" aria-labelledby="level">
              <h2 id="level">{t('level.n', { n: me.level })}</h2>
              <p>{t(me.level >= 2 ? 'level.about_2' : 'level.about_1')}</p>
              {me.level < 2 && <p>{t('level.raise')}</p>}
              <p class="small">{t('acr.now')}: {has(`acr.${me.acr}`) ? word('acr', me.acr) : me.acr}</p>
            </section>
            <Summary rows={rows} />
            <Ways me={me} reload={reload} />
            {me.kind === 'citizen' && <Wards me={me} />}
            {me.user && <p><a href="/">{t('account.console')}</a></p>}
          </>
        );
      }}
    </Account>
  );
}

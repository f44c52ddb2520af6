// The frame of one's own account: who is signed in, its pages, the way out.
import type { ComponentChildren } from 'preact';
import { call, type ApiProblem } from '../core/api';
import { useAction, useApi } from '../core/hooks';
import { go, usePlace } from '../core/router';
import { signInAndReturn, type Me, type OwnSession } from './api';
import { Action, Loading, Page, Problem } from './parts';
import { t, type Key } from './words';

const PAGES: { href: string; key: Key }[] = [
  { href: '/eid/account', key: 'nav.account' },
  { href: '/eid/account/activity', key: 'nav.activity' },
  { href: '/eid/account/sharing', key: 'nav.sharing' },
  { href: '/eid/account/readers', key: 'nav.readers' },
  { href: '/eid/account/services', key: 'nav.services' },
  { href: '/eid/account/freeze', key: 'nav.freeze' },
];

/** Nobody is signed in: the way in, and back to this page. */
function SignedOut() {
  const enter = useAction(signInAndReturn);
  return (
    <Page title={t('account.title')} lead={t('account.about')}>
      {enter.problem && <Problem problem={enter.problem} />}
      <Action busy={enter.busy} onClick={() => void enter.run()}>{t('signin.submit')}</Action>
      <ul class="ways"><li><a href="/eid/open">{t('signin.open')}</a></li><li><a href="/eid/device">{t('device.title')}</a></li></ul>
    </Page>
  );
}

function Pages() {
  const { path } = usePlace();
  const out = useAction(async () => {
    const sessions = await call<OwnSession[]>('/api/eid/me/sessions');
    const here = sessions.find((s) => s.current);
    if (here) await call(`/api/eid/me/sessions/${encodeURIComponent(here.sid)}`, { method: 'DELETE' });
    location.assign('/eid/account');
  });
  return (
    <nav class="pages" aria-label={t('nav.label')}>
      <ul>
        {PAGES.map((p) => <li key={p.href}><a href={p.href} aria-current={path === p.href ? 'page' : undefined}>{t(p.key)}</a></li>)}
        <li><button type="button" class="plain" aria-disabled={out.busy} onClick={() => void out.run()}>{t('action.sign_out')}</button></li>
      </ul>
      {out.problem && <Problem problem={out.problem} />}
    </nav>
  );
}

/** A page of the account; one below another has a way back instead of the list of pages. */
export function Account(props: { title: string | ((me: Me) => string); lead?: ComponentChildren; below?: boolean; children: (me: Me, reload: () => void) => ComponentChildren }) {
  const me = useApi<Me>('/api/eid/me');
  if (me.problem?.status === 401) return <SignedOut />;
  const title = typeof props.title === 'string' ? props.title : me.data ? props.title(me.data) : t('account.title');
  return (
    <>
      {me.data && !props.below && <Pages />}
      <Page title={title} lead={props.lead} back={props.below ? { href: '/eid/account', text: t('nav.account') } : undefined}>
        {me.problem && <Problem problem={me.problem} retry={me.reload} />}
        {me.data ? props.children(me.data, me.reload) : !me.problem && <Loading />}
      </Page>
    </>
  );
}

/** A refusal; one for want of a fresh sign-in leads to it and back. */
export function Refused({ problem }: { problem: ApiProblem | undefined }) {
  const enter = useAction(signInAndReturn);
  if (!problem) return null;
  const again = problem.code === 'eid.fresh' || problem.status === 401;
  return (
    <>
      <Problem problem={problem}>
        {again && <Action busy={enter.busy} onClick={() => void enter.run()}>{t('signin.again')}</Action>}
      </Problem>
      {enter.problem && <Problem problem={enter.problem} />}
    </>
  );
}

export const toAccount = (done: string) => go(`/eid/account?done=${done}`);

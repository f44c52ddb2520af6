// Frame around every page: header, navigation, language, session, routing.
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiProblem, onExpired } from './api';
import { onLang, t } from './i18n';
import { Guard, LanguageSwitch, Mark } from './parts';
import { PurposeBar, PurposeForm } from './purpose';
import { purpose } from './purpose_store';
import { go, usePage, usePlace, type Route } from './router';
import { current, forget, load, may, onChanged, signOut, type Session } from './session';
import { PasswordForm } from '../identity/password';
import { SignIn } from '../identity/signin';
import { Dialog, Empty, Page, Problem } from './ui';
import type { Key } from './i18n';

interface NavItem { href: string; key: Key; under?: string[]; permission?: string }
const navigation: { key?: Key; items: NavItem[] }[] = [
  { items: [{ href: '/', key: 'nav.overview' }, { href: '/map', key: 'nav.map' }] },
  { key: 'nav.people', items: [{ href: '/search', key: 'nav.search', under: ['/persons', '/organisations'] }, { href: '/reviews', key: 'nav.reviews' }] },
  { key: 'nav.data', items: [{ href: '/sources', key: 'nav.sources' }, { href: '/runs', key: 'nav.runs' }, { href: '/quarantine', key: 'nav.quarantine' }, { href: '/changes', key: 'nav.changes' }, { href: '/datasets', key: 'nav.datasets', permission: 'registry.thing.read' }] },
  { key: 'nav.services', items: [{ href: '/verify', key: 'nav.verify', permission: 'verify.check' }, { href: '/eid/desk', key: 'nav.desk', permission: 'eid.desk' }] },
  { key: 'nav.trust', items: [{ href: '/policy', key: 'nav.policy' }, { href: '/audit', key: 'nav.audit' }] },
  { key: 'nav.operation', items: [{ href: '/jobs', key: 'nav.jobs' }, { href: '/webhooks', key: 'nav.webhooks' }, { href: '/access', key: 'nav.access' }] },
];

const failed = (error: Error) => <Page title={t('problem.page')}><Problem problem={new ApiProblem({ status: 500, detail: error.message })} retry={() => location.reload()} /></Page>;

function Main({ routes }: { routes: Route[] }) {
  const { shown, missing, failed: unread, busy } = usePage(routes);
  const first = useRef(true);
  useEffect(() => {
    if (!shown && !missing) return;
    if (first.current) first.current = false;
    else document.querySelector<HTMLElement>('main h1')?.focus();
  }, [shown?.key, missing]);
  return (
    <>
      {busy && shown && <div class="loading-line" />}
      <main id="main" tabIndex={-1}>
        {unread && <Problem problem={new ApiProblem({ status: 0, code: 'network' })} retry={() => location.reload()} />}
        {missing && <Page title={t('problem.no_page')}><div class="card"><Empty title={t('problem.no_page_detail')}><p><a href="/">{t('nav.overview')}</a></p></Empty></div></Page>}
        {shown && <Guard at={shown.key} failed={failed}><shown.page key={shown.key} {...shown.params} /></Guard>}
      </main>
    </>
  );
}

function Side({ open, onClose, routes }: { open: boolean; onClose: () => void; routes: Route[] }) {
  const { path } = usePlace();
  useEffect(onClose, [path]);
  return (
    <div class={`side ${open ? '' : 'closed'}`}>
      <nav aria-label={t('nav.label')} id="nav">
        {navigation.map((group) => {
          const items = group.items.filter((item) => routes.some((r) => r.path === item.href) && (!item.permission || may(item.permission)));
          return items.length > 0 && (
            <div key={group.items[0]!.href}>
              {group.key && <h2>{t(group.key)}</h2>}
              <ul>
                {items.map((item) => {
                  const here = item.href === '/' ? path === '/' : [item.href, ...(item.under ?? [])].some((p) => path === p || path.startsWith(`${p}/`));
                  return <li key={item.href}><a href={item.href} aria-current={here ? 'page' : undefined}>{t(item.key)}</a></li>;
                })}
              </ul>
            </div>
          );
        })}
      </nav>
    </div>
  );
}

/** A reminder, until done or put off for this browser session. */
function FirstPassword() {
  const [off, setOff] = useState(sessionStorage.getItem('ndc_first_password') === 'later');
  if (off) return null;
  return (
    <div class="purpose" role="region" aria-label={t('account.first_password')}>
      <span>{t('account.should_change')}</span>
      <a href="/account">{t('account.password')}</a>
      <button type="button" class="plain" onClick={() => { sessionStorage.setItem('ndc_first_password', 'later'); setOff(true); }}>{t('account.later')}</button>
    </div>
  );
}

export function App({ routes }: { routes: Route[] }) {
  const [, redraw] = useState(0);
  const [session, setSession] = useState<Session | null | undefined>(undefined);
  const [problem, setProblem] = useState<ApiProblem>();
  const [expired, setExpired] = useState(false);
  const [menu, setMenu] = useState(false);
  const [stating, setStating] = useState(false);

  const begin = () => {
    setProblem(undefined);
    load().then(setSession, (error: unknown) => {
      if (!(error instanceof ApiProblem)) throw error;
      if (error.status === 401) setSession(null);
      else setProblem(error);
    });
  };
  useEffect(() => {
    onLang(() => redraw((n) => n + 1));
    onChanged((s) => setSession(s));
    onExpired(() => {
      if (!current()) return;
      forget();
      setExpired(true);
      setSession(null);
    });
    begin();
  }, []);

  // Until a password that someone else gave is changed, there is nothing but changing it.
  const settled = session && !session.mustChange;
  const header = (
    <header class="top">
      <a class="brand" href="/"><Mark /><span><strong>{t('brand.name')}</strong><small>{t('brand.line')}</small></span></a>
      <div class="top-end">
        {settled && (
          <button type="button" class="plain menu-button" aria-expanded={menu} aria-controls="nav" onClick={() => setMenu(!menu)}>{t('nav.menu')}</button>
        )}
        <LanguageSwitch />
        {session && (settled ? <a href="/account">{session.name}</a> : <span>{session.name}</span>)}
        {session && (
          <button type="button" class="plain" onClick={() => void signOut().finally(() => { setExpired(false); setSession(null); go('/'); })}>{t('session.out')}</button>
        )}
      </div>
    </header>
  );
  const foot = <footer class="foot"><span>{t('foot.about')}</span><a href="/api">{t('foot.api')}</a></footer>;

  return (
    <>
      <a class="skip" href="#main" onClick={(e) => { e.preventDefault(); document.getElementById('main')?.focus(); }}>{t('nav.skip')}</a>
      <div class={`frame ${settled ? '' : 'bare'}`}>
        {header}
        {settled && <Side open={menu} onClose={() => setMenu(false)} routes={routes} />}
        <div>
          {settled && <PurposeBar onChange={() => setStating(true)} />}
          {settled && session.shouldChange && <FirstPassword />}
          {session?.mustChange
            ? <main id="main" tabIndex={-1}><Page title={t('account.must_change')} lead={t('account.must_change_why')}><div class="card"><PasswordForm onDone={() => setSession({ ...current()! })} /></div></Page></main>
            : session
            ? <Main routes={routes} />
            : (
              <main id="main" tabIndex={-1}>
                {problem && <Page title={t('problem.title')}><Problem problem={problem} retry={begin} /></Page>}
                {session === null && <SignIn expired={expired} onSignedIn={(s) => { setExpired(false); setSession(s); }} />}
              </main>
            )}
        </div>
        {foot}
      </div>
      <Dialog open={stating} onClose={() => setStating(false)} title={t('purpose.change')}>
        <PurposeForm onDone={() => setStating(false)} />
        <div class="actions">
          <button type="button" class="plain" onClick={() => setStating(false)}>{t('action.close')}</button>
          <button type="button" class="plain" onClick={() => { purpose.set(null); setStating(false); }}>{t('purpose.forget')}</button>
        </div>
      </Dialog>
      <div id="live" class="visually-hidden" role="status" aria-live="polite" />
    </>
  );
}

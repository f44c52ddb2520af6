// The frame around citizens' pages: header, language, one column, foot.
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiProblem } from '../core/api';
import { onLang } from '../core/lang';
import { Guard, LanguageSwitch, Mark } from '../core/parts';
import { usePage, type Route } from '../core/router';
import { Page, Problem } from './parts';
import { t } from './words';

const failed = (error: Error) => <Page title={t('problem.page')}><Problem problem={new ApiProblem({ status: 500, detail: error.message })} retry={() => location.reload()} /></Page>;

export function App({ routes }: { routes: Route[] }) {
  const [, redraw] = useState(0);
  useEffect(() => onLang(() => redraw((n) => n + 1)), []);
  const { shown, missing, failed: unread, busy } = usePage(routes);
  const first = useRef(true);
  useEffect(() => {
    if (!shown && !missing) return;
    if (first.current) first.current = false;
    else document.querySelector<HTMLElement>('main h1')?.focus();
  }, [shown?.key, missing]);
  return (
    <>
      <a class="skip" href="#main" onClick={(e) => { e.preventDefault(); document.getElementById('main')?.focus(); }}>{t('nav.skip')}</a>
      <header class="top">
        <a class="brand" href="/eid/account"><Mark /><span><strong>{t('brand.name')}</strong><small>{t('brand.line')}</small></span></a>
        <div class="top-end"><LanguageSwitch /></div>
      </header>
      {busy && shown && <div class="loading-line" />}
      <main id="main" tabIndex={-1}>
        {unread && <Page title={t('problem.network')}><Problem problem={new ApiProblem({ status: 0 })} retry={() => location.reload()} /></Page>}
        {missing && <Page title={t('problem.no_page')} lead={t('advice.no_page')}><p><a href="/eid/account">{t('over.account')}</a></p></Page>}
        {shown && <Guard at={shown.key} failed={failed}><shown.page key={shown.key} {...shown.params} /></Guard>}
      </main>
      <footer class="foot"><span>{t('foot.about')}</span><span>{t('foot.desk')}</span></footer>
      <div id="live" class="visually-hidden" role="status" aria-live="polite" />
    </>
  );
}

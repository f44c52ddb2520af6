// Where the provider sends a browser that it may not send back to the client. Only codes are
// taken from the address, never text: a link must not make this page say what its maker wants.
import { useQuery } from '../core/router';
import { Page } from './parts';
import { has, t } from './words';

export default function ErrorPage() {
  const [param] = useQuery();
  const shape = (text: string) => (/^[A-Za-z0-9_.-]{1,60}$/.test(text) ? text : '');
  const code = shape(param('code') || param('error'));
  const request = shape(param('request'));
  const name = `problem.${code}`;
  const advice = `advice.${code}`;
  return (
    <Page title={t('error.title')} lead={has(name) ? t(name) : t('error.general')}>
      {has(advice) && <p>{t(advice)}</p>}
      <h2>{t('error.what_to_do')}</h2>
      <ul class="govuk-list govuk-list--bullet"><li>{t('error.back')}</li><li>{t('error.tell')}</li></ul>
      {(code || request) && <p class="small muted">{code && <>{t('problem.code')}: <code>{code}</code></>}{code && request && ' · '}{request && <>{t('problem.request_id')}: <code>{request}</code></>}</p>}
      <p><a href="/eid/account">{t('over.account')}</a></p>
    </Page>
  );
}

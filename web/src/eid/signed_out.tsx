// After signing out, where no service asked to have the browser back.
import { Page } from './parts';
import { t } from './words';

export default function SignedOutPage() {
  return <Page title={t('signed_out.title')} lead={t('signed_out.lead')}><p><a href="/eid/account">{t('over.account')}</a></p></Page>;
}

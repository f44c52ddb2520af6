// A password or a key's secret is shown once and never again.
import { useState } from 'preact/hooks';
import { t } from '../core/i18n';
import { Dialog } from '../core/ui';

export interface Secret { what: string; name: string; value: string }

/** The one sight of a secret. */
export function Once({ secret, onClose }: { secret: Secret | null; onClose: () => void }) {
  const [copied, setCopied] = useState(false);
  return (
    <Dialog open={!!secret} onClose={() => { setCopied(false); onClose(); }} title={secret?.what ?? ''}>
      {secret && (
        <>
          <p>{t('access.once')}</p>
          <p><span class="muted">{secret.name}</span></p>
          <p class="secret"><code>{secret.value}</code></p>
          <div class="actions">
            <button type="button" class="govuk-button govuk-button--secondary" onClick={() => void navigator.clipboard?.writeText(secret.value).then(() => setCopied(true), () => {})}>{copied ? t('access.copied') : t('access.copy')}</button>
            <button type="button" class="govuk-button" onClick={() => { setCopied(false); onClose(); }}>{t('access.kept')}</button>
          </div>
        </>
      )}
    </Dialog>
  );
}

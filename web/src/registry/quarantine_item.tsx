import { useState } from 'preact/hooks';
import { useApi } from '../core/hooks';
import { t } from '../core/i18n';
import { PurposeGate, usePurpose } from '../core/purpose';
import { go } from '../core/router';
import { Loaded, Page } from '../core/ui';
import { Row, type Item } from './quarantine';

function OneRow({ id }: { id: string }) {
  const item = useApi<Item>(`/api/registry/quarantine/${encodeURIComponent(id)}`);
  const [open, setOpen] = useState(true);
  return (
    <Loaded of={item} lines={6}>
      {(data) => (
        <section class="card tight" aria-label={t('quarantine.title')}>
          <ol class="q-list">
            <Row item={data} source={data.source} open={open && data.state === 'open'} onOpen={setOpen} onReason={(reason) => go(`/quarantine?reason=${encodeURIComponent(reason)}`)} onDone={() => item.reload()} />
          </ol>
        </section>
      )}
    </Loaded>
  );
}

export default function QuarantineItemPage({ id }: { id: string }) {
  const stated = usePurpose();
  return (
    <Page title={t('quarantine.row', { id })} crumbs={[{ href: '/quarantine', text: t('quarantine.title') }]}>
      <PurposeGate><OneRow key={`${id} ${stated?.purpose}`} id={id} /></PurposeGate>
    </Page>
  );
}

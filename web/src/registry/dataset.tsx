// One dataset: its things by the beginning of their keys.
import { query } from '../core/api';
import { num } from '../core/format';
import { useApi } from '../core/hooks';
import { t, title } from '../core/i18n';
import { useQuery } from '../core/router';
import { Empty, Grid, Loaded, Page, Pager, Tag, TextField, Time } from '../core/ui';
import type { Dataset } from './datasets';
import { FieldList, thingHref, type ThingField } from './relations';

interface Thing { key: string; run: number; seen_at: string; ended: boolean; fields: ThingField[] }
const LIMIT = 50;

export default function DatasetPage({ dataset }: { dataset: string }) {
  const [param, setParam] = useQuery();
  const key = param('key');
  const after = param('after');
  const page = useApi<Dataset & { items: Thing[]; next: string | null }>(`/api/registry/datasets/${encodeURIComponent(dataset)}${query({ key, after, limit: LIMIT })}`);
  return (
    <Page title={page.data ? title(page.data.title) : dataset} crumbs={[{ href: '/datasets', text: t('datasets.title') }]} lead={page.data && t('datasets.n_things', { n: num(page.data.things) })}>
      <div class="filters"><TextField label={t('datasets.key')} hint={t('datasets.key_hint')} value={key} autoComplete="off" onValue={(v) => setParam({ key: v, after: null }, true)} /></div>
      <Loaded of={page}>
        {(data) => (
          <section class="card tight" aria-label={title(data.title)}>
            <Grid caption={title(data.title)} rows={data.items} id={(x) => x.key} empty={<Empty title={t('datasets.no_things')} />}
              columns={[
                { key: 'key', label: t('datasets.key_col'), cell: (x) => <><a class="mono" href={thingHref(dataset, x.key)}>{x.key}</a>{x.ended && <> <Tag group="record_state" code="ended" /></>}</> },
                { key: 'fields', label: t('relations.about'), cell: (x) => <FieldList fields={x.fields} /> },
                { key: 'run', label: t('run.run'), cell: (x) => <a href={`/runs/${x.run}`}><code>{x.run}</code></a> },
                { key: 'seen', label: t('person.seen'), cell: (x) => <Time at={x.seen_at} /> },
              ]} />
            <Pager shown={data.items.length} next={data.next !== null} first={!after} onNext={() => setParam({ after: data.next })} onFirst={() => setParam({ after: null })} />
          </section>
        )}
      </Loaded>
    </Page>
  );
}

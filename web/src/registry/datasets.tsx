// The datasets of the general store: what is neither person nor organisation.
import { num } from '../core/format';
import { useApi } from '../core/hooks';
import { t, title, word, type Title } from '../core/i18n';
import { Empty, Grid, Loaded, Page } from '../core/ui';

export interface DatasetField { field: string; title: Title; kind: string; as?: string }
export interface DatasetRelation { relation: string; relation_title: Title; to: string; dataset: string | null; by: string }
export interface Dataset { dataset: string; title: Title; source: string; things: number; fields: DatasetField[]; relations: DatasetRelation[] }

export default function DatasetsPage() {
  const datasets = useApi<{ datasets: Dataset[] }>('/api/registry/datasets');
  return (
    <Page title={t('datasets.title')} lead={t('datasets.lead')}>
      <Loaded of={datasets}>
        {(data) => (
          <section class="card tight" aria-label={t('datasets.title')}>
            <Grid caption={t('datasets.title')} rows={data.datasets} id={(d) => d.dataset} empty={<Empty title={t('datasets.none')}><p>{t('datasets.none_detail')}</p></Empty>}
              columns={[
                { key: 'title', label: t('datasets.dataset'), cell: (d) => <><a href={`/datasets/${encodeURIComponent(d.dataset)}`}>{title(d.title)}</a><br /><code class="muted thin">{d.dataset}</code></> },
                { key: 'things', label: t('datasets.things'), num: true, cell: (d) => num(d.things) },
                { key: 'fields', label: t('source.fields'), cell: (d) => d.fields.filter((f) => !d.relations.some((r) => r.relation === f.field)).map((f) => title(f.title)).join(', ') },
                { key: 'relations', label: t('relations.title'), cell: (d) => (d.relations.length ? <ul class="plain-list">{d.relations.map((r) => <li key={r.relation}>{title(r.relation_title)} → {r.dataset ? title(data.datasets.find((x) => x.dataset === r.dataset)?.title) || r.dataset : word('entity', r.to)}</li>)}</ul> : <span class="muted">–</span>) },
                { key: 'source', label: t('person.source'), cell: (d) => <a href={`/sources/${encodeURIComponent(d.source)}`}>{d.source}</a> },
              ]} />
          </section>
        )}
      </Loaded>
    </Page>
  );
}

// One thing: its values, whom and what it leads to, and what leads to it.
import { useApi } from '../core/hooks';
import { t, title, word, type Title } from '../core/i18n';
import { PurposeGate } from '../core/purpose';
import type { Shown } from '../core/types';
import { Empty, Grid, Loaded, Page, Tag, Time, Value } from '../core/ui';
import { LinkTable, thingHref, ThingValue, type ThingField, type ThingLink } from './relations';

interface Reference extends Shown { relation: string; relation_title: Title; to: string; dataset?: string; title?: Title; key?: string; found?: boolean; entity?: string; name?: Shown }
interface ThingPage { dataset: string; title: Title; source: string; key: string; run: number; first_run: number; seen_at: string; ended: boolean; fields: ThingField[]; relations: Reference[]; referring: ThingLink[]; more: boolean }

function Target({ of }: { of: Reference }) {
  if (of.to === 'thing') return of.found ? <a href={thingHref(of.dataset!, of.key!)}>{title(of.title) || of.dataset} <span class="mono">{of.key}</span></a> : <><span class="mono">{of.key}</span> <span class="muted">({t('relations.not_found')})</span></>;
  if (of.entity) return <a href={`/${of.to === 'person' ? 'persons' : 'organisations'}/${encodeURIComponent(of.entity)}`}>{of.name?.value ?? of.entity} <code class="muted small">{of.entity}</code></a>;
  return <><Value of={of} field="person_id" />{!of.masked && !of.withheld && <span class="muted"> ({t('relations.not_found')})</span>}</>;
}

function Inside({ dataset, of }: { dataset: string; of: string }) {
  const thing = useApi<ThingPage>(`/api/registry/datasets/${encodeURIComponent(dataset)}/${encodeURIComponent(of)}`);
  const d = thing.data;
  return (
    <Page title={d ? `${title(d.title)} ${d.key}` : of} crumbs={[{ href: '/datasets', text: t('datasets.title') }, { href: `/datasets/${encodeURIComponent(dataset)}`, text: d ? title(d.title) : dataset }]}
      lead={d && <>{d.ended && <><Tag group="record_state" code="ended" /> · </>}{t('person.seen')} <Time at={d.seen_at} /> · <a href={`/runs/${d.run}`}>{t('run.run')} {d.run}</a> · <a href={`/sources/${encodeURIComponent(d.source)}`}>{d.source}</a></>}>
      <Loaded of={thing} lines={10}>
        {(data) => (
          <>
            <section class="card tight" aria-label={t('relations.about')}>
              <Grid caption={t('relations.about')} showCaption rows={data.fields} id={(f) => f.field} empty={<Empty title={t('person.empty')} />}
                columns={[
                  { key: 'field', label: t('person.field'), cell: (f) => title(f.title) },
                  { key: 'value', label: t('person.value'), cell: (f) => <ThingValue of={f} /> },
                ]} />
            </section>
            <section class="card tight" aria-label={t('relations.leads_to')}>
              <Grid caption={t('relations.leads_to')} showCaption rows={data.relations} id={(r) => r.relation} empty={<Empty title={t('relations.leads_nowhere')} />}
                columns={[
                  { key: 'relation', label: t('relations.relation'), cell: (r) => title(r.relation_title) },
                  { key: 'to', label: t('relations.to'), cell: (r) => word('entity', r.to) },
                  { key: 'target', label: t('relations.target'), cell: (r) => <Target of={r} /> },
                ]} />
            </section>
            <LinkTable items={data.referring} more={data.more} caption={t('relations.referring')} />
          </>
        )}
      </Loaded>
    </Page>
  );
}

export default function ThingView({ dataset, thing }: { dataset: string; thing: string }) {
  return <PurposeGate fallback={(form) => <Page title={thing} crumbs={[{ href: '/datasets', text: t('datasets.title') }]}>{form}</Page>}><Inside key={`${dataset} ${thing}`} dataset={dataset} of={thing} /></PurposeGate>;
}

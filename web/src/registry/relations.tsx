// What leads to a person, an organisation or a thing: things of any dataset that refer to it.
import { query } from '../core/api';
import { useApi } from '../core/hooks';
import { t, title, word, type Title } from '../core/i18n';
import type { Shown } from '../core/types';
import { Empty, Grid, Loaded, Tag, Time, Value } from '../core/ui';

export interface ThingField extends Shown { field: string; title: Title; kind: string }
export interface ThingLink { dataset: string; title: Title; source: string; relation: string; relation_title: Title; key: string; run: number; seen_at: string; ended: boolean; fields: ThingField[] }

export const thingHref = (dataset: string, key: string) => `/datasets/${encodeURIComponent(dataset)}/${encodeURIComponent(key)}`;

/** A value as people read it: dates and numbers by their kind, a long geometry folded away. */
export function ThingValue({ of }: { of: ThingField }) {
  if (of.kind === 'geometry' && !of.masked && !of.withheld) {
    const text = of.value ?? '';
    const type = /^\s*\{/.test(text) ? (/"type"\s*:\s*"(\w+)"/.exec(text)?.[1] ?? 'GeoJSON') : (/[A-Za-z]+(?=\s*[(ZMzm]|\s+EMPTY)/.exec(text)?.[0] ?? 'WKT');
    return <details><summary>{type}</summary><code class="break">{text}</code></details>;
  }
  return <Value of={of} field={of.kind === 'date' ? 'birth_date' : of.field} />;
}

export function FieldList({ fields }: { fields: ThingField[] }) {
  if (!fields.length) return <span class="muted">–</span>;
  return <ul class="plain-list">{fields.map((f) => <li key={f.field}><span class="muted">{title(f.title)}:</span> <ThingValue of={f} /></li>)}</ul>;
}

export function LinkTable({ items, more, caption }: { items: ThingLink[]; more: boolean; caption: string }) {
  return (
    <section class="card tight" aria-label={caption}>
      <Grid caption={caption} showCaption rows={items} id={(x) => `${x.dataset} ${x.key} ${x.relation}`} empty={<Empty title={t('relations.none')}><p>{t('relations.none_detail')}</p></Empty>}
        columns={[
          { key: 'thing', label: t('relations.thing'), cell: (x) => <><a href={thingHref(x.dataset, x.key)}>{title(x.title)} <span class="mono">{x.key}</span></a>{x.ended && <> <Tag group="record_state" code="ended" /></>}</> },
          { key: 'relation', label: t('relations.relation'), cell: (x) => title(x.relation_title) },
          { key: 'fields', label: t('relations.about'), cell: (x) => <FieldList fields={x.fields} /> },
          { key: 'source', label: t('person.source'), cell: (x) => <a href={`/sources/${encodeURIComponent(x.source)}`}>{x.source}</a> },
          { key: 'seen', label: t('person.seen'), cell: (x) => <Time at={x.seen_at} /> },
        ]} />
      {more && <p class="pad muted">{t('relations.more')}</p>}
    </section>
  );
}

export function Relations({ entity, kind }: { entity: string; kind: 'persons' | 'organisations' }) {
  const relations = useApi<{ items: ThingLink[]; more: boolean; type: string }>(`/api/registry/${kind}/${encodeURIComponent(entity)}/relations${query({})}`);
  return (
    <>
      <p class="muted">{t('relations.lead', { what: word('entity', kind === 'persons' ? 'person' : 'organisation').toLowerCase() })}</p>
      <Loaded of={relations} lines={6}>{(data) => <LinkTable items={data.items} more={data.more} caption={t('relations.title')} />}</Loaded>
    </>
  );
}

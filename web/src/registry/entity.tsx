// One person or organisation: the golden record with where each value comes from, the records
// behind it, its history, and who has read it.
import { useState } from 'preact/hooks';
import { query } from '../core/api';
import { num, percent } from '../core/format';
import { useApi } from '../core/hooks';
import { shortTitle, t, title, word, type Key } from '../core/i18n';
import { PurposeGate } from '../core/purpose';
import { useQuery } from '../core/router';
import type { Edge, EntityPage, GoldenField, SourceRecord } from '../core/types';
import { Banner, Empty, Grid, Loaded, Page, Pager, Tag, TextField, Time, Value } from '../core/ui';
import { AuditTable, readEntry, type AuditPage } from '../policy/entries';
import { ClassTags } from './classes';
import { RecordGraph } from './graph';
import { Relations } from './relations';

type Kind = 'persons' | 'organisations';
const tabs = ['golden', 'relations', 'records', 'history', 'access'] as const;

export default function EntityView({ entity, kind }: { entity: string; kind: Kind }) {
  const crumbs = [{ href: '/search', text: t('search.title') }];
  return (
    <PurposeGateWith title={entity} crumbs={crumbs}>
      <Inside entity={entity} kind={kind} />
    </PurposeGateWith>
  );
}

function PurposeGateWith({ title: heading, crumbs, children }: { title: string; crumbs: { href: string; text: string }[]; children: preact.ComponentChildren }) {
  // The heading must be there before the purpose is, the person's name only after.
  return <PurposeGate fallback={(form) => <Page title={heading} crumbs={crumbs}>{form}</Page>}>{children}</PurposeGate>;
}

const plain = (fields: GoldenField[], code: string) => {
  const field = fields.find((f) => f.field === code);
  return field && !field.withheld ? field.value : undefined;
};

function Inside({ entity, kind }: { entity: string; kind: Kind }) {
  const base = `/api/registry/${kind}/${encodeURIComponent(entity)}`;
  const more = `/api/registry/persons/${encodeURIComponent(entity)}`;
  const [param, setParam] = useQuery();
  const tab = tabs.find((name) => name === param('tab')) ?? 'golden';
  const known = param('known'), valid = param('valid');
  const moment = known ? new Date(known) : null;
  const then = tab === 'golden' && (known || valid);
  const page = useApi<EntityPage>(base + (then ? query({ known_at: moment && !Number.isNaN(moment.getTime()) ? moment.toISOString() : '', valid_at: valid }) : ''));
  const name = page.data && (plain(page.data.fields, kind === 'persons' ? 'full_name' : 'org_name') || entity);
  return (
    <Page
      title={name ?? entity}
      crumbs={[{ href: '/search', text: t('search.title') }]}
      lead={<><code>{entity}</code>{page.data && <> · {word('entity', page.data.type)} · {t('person.records_n', { n: num(page.data.records) })} · {t('person.updated')} <Time at={page.data.updated_at} /></>}</>}
    >
      <nav aria-label={t('person.tabs')}>
        <ul class="tabs">
          {tabs.map((name) => (
            <li key={name}>
              <a href={`/${kind}/${encodeURIComponent(entity)}${query({ tab: name === 'golden' ? '' : name })}`} aria-current={tab === name ? 'page' : undefined}>{t(`person.tab_${name}` as Key)}</a>
            </li>
          ))}
        </ul>
      </nav>
      {tab === 'golden' && (
        <>
          <AsOf known={known} valid={valid} onChange={setParam} />
          {/* What was asked for before must not stand under another time. */}
          <Loaded of={page.problem ? { ...page, data: undefined } : page} lines={14}>{(data) => <Golden data={data} />}</Loaded>
        </>
      )}
      {tab === 'relations' && <Relations entity={entity} kind={kind} />}
      {tab === 'records' && <Records base={more} label={name ?? entity} marked={param('field')} onMark={(field) => setParam({ field }, true)} />}
      {tab === 'history' && <History base={more} />}
      {tab === 'access' && <Access entity={entity} />}
    </Page>
  );
}

/** Both time axes: what we knew at a time, of what was true on a day. */
function AsOf({ known, valid, onChange }: { known: string; valid: string; onChange: (next: Record<string, string | null>) => void }) {
  return (
    <details class="govuk-details asof" open={!!known || !!valid}>
      <summary class="govuk-details__summary"><span class="govuk-details__summary-text">{t('asof.title')}</span></summary>
      <div class="filters">
        <TextField label={t('asof.known')} type="datetime-local" value={known} onValue={(v) => onChange({ known: v || null })} />
        <TextField label={t('asof.valid')} type="date" value={valid} onValue={(v) => onChange({ valid: v || null })} />
        {(known || valid) && <button type="button" class="govuk-button govuk-button--secondary" onClick={() => onChange({ known: null, valid: null })}>{t('asof.now')}</button>}
      </div>
      {(known || valid) && <Banner>{t('asof.then')}</Banner>}
    </details>
  );
}

function Golden({ data }: { data: EntityPage }) {
  const hidden = data.fields.filter((f) => f.masked || f.withheld).length;
  return (
    <>
      {data.status && data.status !== 'active' && <p><Tag group="entity_status" code={data.status} /></p>}
      {hidden > 0 && <div class="govuk-inset-text">{t('person.hidden', { n: num(hidden) })} <a href="/policy">{t('person.hidden_more')}</a></div>}
      <section class="card tight" aria-label={t('person.golden')}>
        <Grid
          caption={t('person.golden')}
          showCaption
          rows={data.fields}
          id={(f) => f.field}
          empty={<Empty title={t('person.empty')} />}
          columns={[
            { key: 'field', label: t('person.field'), cell: (f) => title(f.title) || f.field },
            { key: 'value', label: t('person.value'), cell: (f) => <strong class="value"><Value of={f} field={f.field} /></strong> },
            { key: 'source', label: t('person.source'), cell: (f) => (f.source ? <><a href={`/sources/${encodeURIComponent(f.source.source)}`}>{shortTitle(f.source.title) || f.source.source}</a>{f.source.key && <><br /><code class="muted small nowrap">{f.source.key}</code></>}</> : '') },
            { key: 'rule', label: t('person.rule'), cell: (f) => (f.source?.rule ? <>{word('golden', f.source.rule)}</> : '') },
            { key: 'alternatives', label: t('person.alternatives'), num: true, cell: (f) => (f.alternatives ? <a href={`?tab=records&field=${encodeURIComponent(f.field)}`}>{num(f.alternatives)}</a> : '') },
            { key: 'class', label: t('field.class'), cell: (f) => <ClassTags of={f.class} /> },
            { key: 'seen', label: t('person.seen'), cell: (f) => (f.source?.seen_at ? <Time at={f.source.seen_at} /> : '') },
          ]}
        />
      </section>
    </>
  );
}

function Records({ base, label, marked, onMark }: { base: string; label: string; marked: string; onMark: (field: string) => void }) {
  const records = useApi<{ records: SourceRecord[]; edges: Edge[] }>(`${base}/records`);
  const [at, setAt] = useState(-1);
  return (
    <Loaded of={records} lines={10}>
      {(data) => {
        const fields = [...new Map(data.records.flatMap((r) => r.fields).map((f) => [f.field, f.title])).entries()].filter(([code]) => code);
        const compared = marked || fields.find(([code]) => code === 'full_name' || code === 'org_name')?.[0] || fields[0]?.[0];
        return (
          <>
            <section class="card" aria-labelledby="graph">
              <h2 id="graph">{t('person.graph')}</h2>
              <RecordGraph label={label} records={data.records} edges={data.edges} at={at} onAt={setAt} />
            </section>
            <section class="card tight" aria-label={t('person.records')}>
              <Grid
                caption={t('person.records')}
                showCaption
                rows={data.records}
                id={(r, i) => `${r.source}${r.key}${i}`}
                marked={(_, i) => i === at}
                rowProps={(_, i) => ({ onMouseEnter: () => setAt(i), onMouseLeave: () => setAt(-1), onFocusCapture: () => setAt(i) })}
                columns={[
                  { key: 'n', label: t('person.record'), cell: (r) => <><a href={`/sources/${encodeURIComponent(r.source)}`}>{data.records.indexOf(r) + 1}. {shortTitle(r.title) || r.source}</a></> },
                  { key: 'key', label: t('person.key_col'), cell: (r) => <code>{r.key}</code> },
                  { key: 'links', label: t('person.links'), cell: (r) => <Links at={data.records.indexOf(r)} records={data.records} edges={data.edges} /> },
                  { key: 'seen', label: t('person.seen'), cell: (r) => <Time at={r.seen_at} /> },
                  { key: 'run', label: t('run.run'), cell: (r) => (r.run ? <a href={`/runs/${r.run}`}><code>{r.run}</code></a> : '') },
                  { key: 'state', label: t('run.state'), cell: (r) => (r.ended ? <Tag group="record_state" code="ended" /> : <Tag group="record_state" code="active" />) },
                ]}
              />
            </section>
            <section class="card tight" aria-label={t('person.compare')}>
              <div class="pad filters">
                <label class="govuk-label" for="compare-field">{t('person.compare_field')}</label>
                <select id="compare-field" class="govuk-select auto" value={compared} onChange={(e) => onMark(e.currentTarget.value)}>
                  {fields.map(([code, name]) => <option key={code} value={code} selected={code === compared}>{title(name) || code}</option>)}
                </select>
              </div>
              <Grid
                caption={t('person.compare')}
                rows={data.records.flatMap((r) => r.fields.filter((f) => f.field === compared).map((f) => ({ r, f })))}
                id={(x, i) => `${x.r.source}${x.r.key}${i}`}
                empty={<Empty title={t('person.empty')} />}
                columns={[
                  { key: 'source', label: t('person.source'), cell: (x) => shortTitle(x.r.title) || x.r.source },
                  { key: 'value', label: t('person.value'), cell: (x) => <Value of={x.f} field={x.f.field} /> },
                  { key: 'raw', label: t('person.raw'), cell: (x) => (x.f.raw ? <code>{x.f.raw}</code> : '') },
                  { key: 'seen', label: t('person.seen'), cell: (x) => <Time at={x.r.seen_at} /> },
                ]}
              />
            </section>
          </>
        );
      }}
    </Loaded>
  );
}

function Links({ at, records, edges }: { at: number; records: SourceRecord[]; edges: Edge[] }) {
  const mine = edges.filter((e) => e.a === at || e.b === at);
  if (!mine.length) return <span class="muted">{records.length > 1 ? '–' : t('person.alone')}</span>;
  const kinds = [...new Set(mine.map((e) => e.kind))];
  return (
    <ul class="plain-list">
      {kinds.map((kind) => (
        <li key={kind}>
          {word('edge', kind)}: {mine.filter((e) => e.kind === kind).map((e, i) => <span key={i}>{i > 0 && ', '}{(e.a === at ? e.b : e.a) + 1}{e.probability < 0.999 && <span class="muted"> ({percent(e.probability, 1)})</span>}</span>)}
        </li>
      ))}
    </ul>
  );
}

interface Change { at: string; kind: string; fields?: { field: string; title: { vi: string; en: string }; before: string | null; after: string | null }[] }

function History({ base }: { base: string }) {
  const history = useApi<{ events: Change[] }>(`${base}/history`);
  return (
    <Loaded of={history} lines={8}>
      {(data) => (
        <section class="card tight" aria-label={t('person.history')}>
          <Grid
            caption={t('person.history')}
            showCaption
            rows={data.events}
            id={(_, i) => String(i)}
            empty={<Empty title={t('person.no_history')}><p>{t('person.no_history_detail')}</p></Empty>}
            columns={[
              { key: 'at', label: t('person.at'), cell: (e) => <Time at={e.at} /> },
              { key: 'kind', label: t('person.event'), cell: (e) => word('event', e.kind) },
              {
                key: 'fields', label: t('person.changes'),
                cell: (e) => (e.fields?.length
                  ? <ul class="plain-list">{e.fields.map((f) => <li key={f.field}>{title(f.title)}: {f.before ? <del><Value of={{ value: f.before }} field={f.field} /></del> : <span class="muted">{t('value.none')}</span>} → {f.after ? <ins><Value of={{ value: f.after }} field={f.field} /></ins> : <span class="muted">{t('value.none')}</span>}</li>)}</ul>
                  : <span class="muted">{t('person.records_changed')}</span>),
              },
            ]}
          />
        </section>
      )}
    </Loaded>
  );
}

function Access({ entity }: { entity: string }) {
  const [param, setParam] = useQuery();
  const after = param('from');
  const log = useApi<AuditPage>(`/api/audit/subjects/${encodeURIComponent(entity)}${query({ from: after, n: 50, newest: true })}`);
  return (
    <>
      <p>{t('person.access_lead')}</p>
      <Loaded of={log} lines={8}>
        {(data) => (
          <section class="card tight" aria-label={t('person.tab_access')}>
            <AuditTable entries={data.entries.map(readEntry)} caption={t('person.tab_access')} empty={<Empty title={t('person.no_access')} />} />
            <Pager shown={data.entries.length} next={data.next !== null} first={!after} onNext={() => setParam({ from: String(data.next) })} onFirst={() => setParam({ from: null })} />
          </section>
        )}
      </Loaded>
    </>
  );
}

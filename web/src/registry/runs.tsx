import type { ComponentChildren } from 'preact';
import { between, bytes, num } from '../core/format';
import { useApi } from '../core/hooks';
import { t, title, word } from '../core/i18n';
import { useQuery } from '../core/router';
import type { Run, Source } from '../core/types';
import { Empty, Grid, Loaded, Page, Pager, SelectField, Tag, Time } from '../core/ui';
import { query } from '../core/api';

export function RunsTable({ runs, caption, empty, sources }: { runs: Run[]; caption: string; empty: ComponentChildren; sources?: Source[] }) {
  const name = (id: string) => title(sources?.find((s) => s.source === id)?.title) || id;
  return (
    <Grid
      caption={caption}
      showCaption={!sources}
      rows={runs}
      id={(r) => String(r.run)}
      empty={empty}
      columns={[
        { key: 'run', label: t('run.started'), cell: (r) => <a href={`/runs/${r.run}`}><Time at={r.started_at} /></a> },
        ...(sources ? [{ key: 'source', label: t('source.source'), cell: (r: Run) => <a href={`/sources/${encodeURIComponent(r.source)}`}>{name(r.source)}</a> }] : []),
        { key: 'state', label: t('run.state'), cell: (r) => <Tag group="run_state" code={r.state} /> },
        { key: 'mode', label: t('run.mode'), cell: (r) => word('mode', r.mode) },
        { key: 'read', label: t('run.rows_read'), num: true, cell: (r) => num(r.rows_read) },
        { key: 'accepted', label: t('run.accepted'), num: true, cell: (r) => num(r.accepted) },
        { key: 'quarantined', label: t('run.quarantined'), num: true, cell: (r) => num(r.quarantined) },
        { key: 'new', label: t('run.new'), num: true, cell: (r) => num(r.new) },
        { key: 'changed', label: t('run.changed'), num: true, cell: (r) => num(r.changed) },
        { key: 'ended', label: t('run.ended'), num: true, cell: (r) => num(r.ended) },
        { key: 'bytes', label: t('run.bytes'), num: true, cell: (r) => bytes(r.bytes) },
        { key: 'took', label: t('run.took'), num: true, cell: (r) => between(r.started_at, r.finished_at) },
      ]}
    />
  );
}

export default function RunsPage() {
  const [param, setParam] = useQuery();
  const sources = useApi<{ sources: Source[] }>('/api/registry/sources');
  const after = param('after');
  const runs = useApi<{ runs: Run[]; next: number | string | null }>(`/api/registry/runs${query({ source: param('source'), after, limit: 50 })}`, after ? 0 : 5000);
  return (
    <Page title={t('runs.title')} lead={t('runs.lead')}>
      <div class="filters">
        <SelectField label={t('source.source')} value={param('source')} onValue={(source) => setParam({ source, after: null })}
          options={[{ value: '', text: t('form.all') }, ...(sources.data?.sources ?? []).map((s) => ({ value: s.source, text: title(s.title) }))]} />
      </div>
      <Loaded of={runs} lines={12}>
        {(data) => (
          <div class="card tight">
            <RunsTable runs={data.runs} caption={t('runs.title')} sources={sources.data?.sources ?? []} empty={<Empty title={t('runs.none')}><p>{t('runs.none_detail')}</p></Empty>} />
            <Pager shown={data.runs.length} next={!!data.next} first={!after} onNext={() => setParam({ after: String(data.next) })} onFirst={() => setParam({ after: null })} />
          </div>
        )}
      </Loaded>
    </Page>
  );
}

import { num, percent } from '../core/format';
import { useApi } from '../core/hooks';
import { shortTitle, t, title, word } from '../core/i18n';
import { CRITERIA, type Source } from '../core/types';
import { Empty, Grid, Loaded, Page, ScoreCell, Tag, Time } from '../core/ui';

export default function SourcesPage() {
  const sources = useApi<{ sources: Source[] }>('/api/registry/sources', 5000);
  return (
    <Page title={t('sources.title')} lead={t('sources.lead')} actions={<a class="govuk-button" role="button" href="/sources/new">{t('sources.new')}</a>}>
      <Loaded of={sources} lines={16}>
        {(data) => (
          <div class="card tight">
            <Grid
              caption={t('sources.title')}
              rows={data.sources}
              id={(s) => s.source}
              empty={<Empty title={t('sources.none')}><p>{t('sources.none_detail')}</p></Empty>}
              columns={[
                { key: 'title', label: t('source.source'), cell: (s) => <><a href={`/sources/${encodeURIComponent(s.source)}`}>{shortTitle(s.title)}</a><br /><span class="muted small thin">{title(s.agency)} · <code>{s.source}</code></span></> },
                { key: 'entity', label: t('source.entity'), cell: (s) => word('entity', s.entity) },
                { key: 'connector', label: t('source.connector'), cell: (s) => <>{word('connector', s.connector)}<br /><span class="muted small">{word('mode', s.mode)}</span></> },
                { key: 'records', label: t('source.records'), num: true, cell: (s) => num(s.records) },
                { key: 'run', label: t('source.last_run'), cell: (s) => (s.last_run ? <span><Tag group="run_state" code={s.last_run.state} /> <a href={`/runs/${s.last_run.run}`}><Time at={s.last_run.finished_at ?? s.last_run.started_at} /></a></span> : <span class="muted">{t('source.never')}</span>) },
                { key: 'q', label: t('run.quarantined'), num: true, cell: (s) => (s.last_run ? <>{num(s.last_run.quarantined)}{s.last_run.rows_read > 0 && <><br /><span class="muted small">{percent(s.last_run.quarantined / s.last_run.rows_read, 2)}</span></>}</> : '–') },
                ...CRITERIA.map((c) => ({ key: c, label: word('criterion', c), cell: (s: Source) => <ScoreCell score={s.score} of={c} /> })),
              ]}
            />
          </div>
        )}
      </Loaded>
    </Page>
  );
}

// The country integrates itself: what there is, what is running, what waits for people.
import { num, percent } from '../core/format';
import { useApi, useJob, jobEnded } from '../core/hooks';
import { shortTitle, t, title, word } from '../core/i18n';
import { CRITERIA, type Score, type Source } from '../core/types';
import { Bar, Criteria, Grid, JobProgress, Loaded, Page, Problem, ScoreCell, Tag, Time } from '../core/ui';
import { ScoreTrend } from './trend';

interface Overview {
  people: number;
  organisations: number;
  records: number;
  sources: number;
  quarantined_open: number;
  reviews_open: number;
  link: { f1?: number | null; pairs: number; entities?: number; largest_entity: number; model_at?: string | null } | null;
  last_run_at: string | null;
  integrate: { job: string | null; state: string; phase: string | null; done: number; total: number } | null;
}

/** The sources' scores as one, each weighing as many records as it has. */
export function meanScore(sources: Source[]): Score | null {
  const scored = sources.filter((s) => s.score && s.records > 0);
  const records = scored.reduce((sum, s) => sum + s.records, 0);
  if (!records) return null;
  const score = { correct: 0, complete: 0, clean: 0, live: 0 };
  for (const s of scored) for (const c of CRITERIA) score[c] += (s.score![c] * s.records) / records;
  return score;
}

export default function OverviewPage() {
  const overview = useApi<Overview>('/api/registry/overview', 5000);
  const sources = useApi<{ sources: Source[] }>('/api/registry/sources', 10000);
  const id = overview.data?.integrate?.job;
  const job = useJob(id, () => { overview.reload(); sources.reload(); });
  const score = sources.data && meanScore(sources.data.sources);
  return (
    <Page title={t('overview.title')} lead={t('overview.lead')}>
      {overview.problem && <Problem problem={overview.problem} retry={overview.reload} />}
      <dl class="figures" aria-busy={!overview.data}>
        {([
          ['people', overview.data?.people, '/search'],
          ['organisations', overview.data?.organisations, '/search?type=organisation'],
          ['records', overview.data?.records, ''],
          ['sources', overview.data?.sources, '/sources'],
          ['quarantined_open', overview.data?.quarantined_open, '/quarantine?state=open'],
          ['reviews_open', overview.data?.reviews_open, '/reviews'],
        ] as const).map(([key, n, href]) => (
          <div key={key}>
            <dt>{word('overview', key)}</dt>
            <dd>{n === undefined ? <span class="ghost w2" /> : href ? <a href={href}>{num(n)}</a> : num(n)}</dd>
          </div>
        ))}
      </dl>

      <section class="card live" aria-labelledby="integrate">
        <h2 id="integrate">{t('overview.integrate')}</h2>
        {job && !jobEnded(job)
          ? <JobProgress job={job} />
          : overview.data
            ? (
              <p>
                {job?.state === 'failed' ? <><Tag group="job_state" code="failed" /> {t('overview.failed')} </> : t('overview.idle')}{' '}
                {overview.data.last_run_at && <>{t('overview.last_run')} <Time at={overview.data.last_run_at} />. </>}
                <a href="/jobs">{t('nav.jobs')}</a>
              </p>
            )
            : <p><span class="ghost w3" /></p>}
        {overview.data?.link && (
          <dl class="inline-facts">
            <div><dt>{t('overview.pairs')}</dt><dd>{num(overview.data.link.pairs)}</dd></div>
            {overview.data.link.entities !== undefined && <div><dt>{t('overview.entities')}</dt><dd>{num(overview.data.link.entities)}</dd></div>}
            <div><dt>{t('overview.largest')}</dt><dd>{num(overview.data.link.largest_entity)}</dd></div>
            {overview.data.link.f1 !== null && overview.data.link.f1 !== undefined && <div><dt>{t('overview.f1')}</dt><dd>{percent(overview.data.link.f1, 2)}</dd></div>}
          </dl>
        )}
      </section>

      <section class="card" aria-labelledby="quality">
        <h2 id="quality">{t('overview.quality')}</h2>
        {score ? <Criteria score={score} /> : sources.data ? <p class="muted">{t('overview.no_score')}</p> : <div class="criteria-ghost"><span class="ghost" /></div>}
        {sources.data && <ScoreTrend sources={sources.data.sources} />}
      </section>

      <section class="card tight" aria-label={t('overview.sources_table')}>
        <Loaded of={sources} lines={16}>
          {(data) => (
            <Grid
              caption={t('overview.sources_table')}
              showCaption
              rows={data.sources}
              id={(s) => s.source}
              columns={[
                { key: 'title', label: t('source.source'), cell: (s) => <><a href={`/sources/${encodeURIComponent(s.source)}`}>{shortTitle(s.title)}</a><br /><span class="muted small thin">{title(s.agency)}</span></> },
                { key: 'records', label: t('source.records'), num: true, cell: (s) => num(s.records) },
                { key: 'share', label: t('overview.share'), cell: (s) => <Share s={s} all={overview.data?.records ?? 0} /> },
                { key: 'run', label: t('source.last_run'), cell: (s) => (s.last_run ? <span><Tag group="run_state" code={s.last_run.state} /> <Time at={s.last_run.finished_at ?? s.last_run.started_at} /></span> : <span class="muted">{t('source.never')}</span>) },
                ...CRITERIA.map((c) => ({ key: c, label: word('criterion', c), cell: (s: Source) => <ScoreCell score={s.score} of={c} /> })),
              ]}
            />
          )}
        </Loaded>
      </section>
    </Page>
  );
}

function Share({ s, all }: { s: Source; all: number }) {
  const share = all ? s.records / all : 0;
  return <span class="score"><Bar share={share} /><span class="v">{percent(share)}</span></span>;
}

import { call } from '../core/api';
import { num, percent } from '../core/format';
import { useAction, useApi, useJob, jobEnded } from '../core/hooks';
import { t, title, word } from '../core/i18n';
import { go } from '../core/router';
import type { Run, SourcePage } from '../core/types';
import { Criteria, Empty, Grid, JobProgress, Loaded, Page, Problem, Time } from '../core/ui';
import { useState } from 'preact/hooks';
import { CapturePanel } from './capture';
import { ClassTags } from './classes';
import { RunsTable } from './runs';
import { ScoreChart } from './trend';
import { YamlView } from './yaml';

export default function SourceView({ source: id }: { source: string }) {
  const at = `/api/registry/sources/${encodeURIComponent(id)}`;
  const source = useApi<SourcePage>(at, 5000);
  const runs = useApi<{ runs: Run[]; next: number | string | null }>(`/api/registry/runs?source=${encodeURIComponent(id)}&limit=10`, 5000);
  const [jobId, setJobId] = useState<string | null>(null);
  const job = useJob(jobId, () => { source.reload(); runs.reload(); });
  const start = useAction(async () => {
    const { run, job: started } = await call<{ run: number | string | null; job: string | null }>(`${at}/runs`, { body: {} });
    if (run) go(`/runs/${run}`);
    else setJobId(started);
    runs.reload();
  });
  const s = source.data;
  return (
    <Page
      title={s ? title(s.title) : id}
      crumbs={[{ href: '/sources', text: t('sources.title') }]}
      lead={s && title(s.agency)}
      actions={s && s.connector !== 'push' && !s.followed && <button type="button" class="govuk-button" aria-disabled={start.busy} onClick={() => void start.run()}>{t('source.start')}</button>}
    >
      {start.problem && <Problem problem={start.problem} focus />}
      {job && !jobEnded(job) && <div class="card"><JobProgress job={job} /></div>}
      <Loaded of={source} lines={12}>
        {(s) => (
          <>
            <div class="cols">
              <section class="card" aria-labelledby="about">
                <h2 id="about">{t('source.about')}</h2>
                <dl class="facts">
                  <dt>{t('source.code')}</dt><dd><code>{s.source}</code></dd>
                  <dt>{t('source.agency')}</dt><dd>{title(s.agency)} <span class="muted">({s.agency.code})</span></dd>
                  <dt>{t('source.legal_basis')}</dt><dd>{s.legal_basis}</dd>
                  <dt>{t('source.entity')}</dt><dd>{word('entity', s.entity)}</dd>
                  <dt>{t('source.connector')}</dt><dd>{word('connector', s.connector)}, {word('mode', s.mode)}</dd>
                  <dt>{t('source.schedule')}</dt><dd>{s.schedule ? <code>{s.schedule}</code> : <span class="muted">{t('source.by_hand')}</span>}</dd>
                  <dt>{t('source.records')}</dt><dd>{num(s.records)}</dd>
                  <dt>{t('source.last_run')}</dt><dd>{s.last_run ? <a href={`/runs/${s.last_run.run}`}><Time at={s.last_run.finished_at ?? s.last_run.started_at} /></a> : t('source.never')}</dd>
                </dl>
              </section>
              <section class="card" aria-labelledby="score">
                <h2 id="score">{t('source.score')}</h2>
                {s.score ? <Criteria score={s.score} /> : <p class="muted">{t('source.no_score')}</p>}
                {s.last_run && s.last_run.rows_read > 0 && (
                  <p>{t('source.quarantine_share', { n: num(s.last_run.quarantined), share: percent(s.last_run.quarantined / s.last_run.rows_read, 2) })} <a href={`/quarantine?source=${encodeURIComponent(s.source)}&state=open`}>{t('source.to_quarantine')}</a></p>
                )}
              </section>
            </div>
            {s.followed && <CapturePanel at={at} table={s.connector === 'postgres'} />}
            <section class="card" aria-labelledby="trend">
              <h2 id="trend">{t('source.trend')}</h2>
              {s.trend.length > 1
                ? <ScoreChart label={t('source.trend')} points={s.trend.map((p) => ({ at: p.finished_at, score: p.score })).sort((a, b) => (a.at < b.at ? -1 : 1))} />
                : <p class="muted">{t('source.trend_later')}</p>}
            </section>
            <section class="card tight" aria-label={t('source.fields')}>
              <Grid
                caption={`${t('source.fields')} (${num(s.fields.length)})`}
                showCaption
                rows={s.fields}
                id={(f, i) => `${f.column}${i}`}
                columns={[
                  { key: 'column', label: t('field.column'), cell: (f) => <code>{f.column}</code> },
                  { key: 'to', label: t('field.to'), cell: (f) => (f.to ? <>{title(f.title)}<br /><code class="muted">{f.to}</code></> : <span class="muted">{t('field.unmapped')}</span>) },
                  { key: 'required', label: t('field.required'), cell: (f) => (f.required ? t('yes') : t('no')) },
                  { key: 'class', label: t('field.class'), cell: (f) => <ClassTags of={f.class} /> },
                  { key: 'rules', label: t('field.rules'), cell: (f) => (f.rules?.length ? f.rules.map((r) => title(r)).join('; ') : <span class="muted">–</span>) },
                ]}
              />
            </section>
            <section class="card tight" aria-label={t('runs.title')}>
              <Loaded of={runs} lines={4}>
                {(data) => <RunsTable runs={data.runs} caption={t('runs.title')} empty={<Empty title={t('runs.none')} />} />}
              </Loaded>
              <p class="pad"><a href={`/runs?source=${encodeURIComponent(s.source)}`}>{t('source.all_runs')}</a></p>
            </section>
            <section class="card" aria-labelledby="declaration">
              <h2 id="declaration">{t('source.declaration')}</h2>
              <YamlView text={s.declaration} label={t('source.declaration_text')} />
            </section>
          </>
        )}
      </Loaded>
    </Page>
  );
}

import { call, query } from '../core/api';
import { between } from '../core/format';
import { jobEnded, useAction, useApi, useJob, type Job } from '../core/hooks';
import { t, word } from '../core/i18n';
import { useQuery } from '../core/router';
import { Empty, Grid, JobProgress, Loaded, Page, Pager, Problem, SelectField, Tag, Time, jobError } from '../core/ui';

const LIMIT = 50;
export const jobName = (job: Job) => word('job_kind', job.kind);

function Running({ job: first, onEnd }: { job: Job; onEnd: () => void }) {
  const job = useJob(first.id, onEnd) ?? first;
  const cancel = useAction(async () => {
    await call(`/api/jobs/${encodeURIComponent(job.id)}/cancel`, { body: {} });
    onEnd();
  });
  return (
    <section class="card" aria-label={jobName(job)}>
      <div class="head slim">
        <div><h2>{jobName(job)} <code class="muted thin">{job.id}</code></h2><p class="muted small">{job.principal} · <Time at={job.started_at ?? job.created_at} /></p></div>
        <div class="actions">
          {job.cancel_requested
            ? <span class="muted">{t('jobs.canceling')}</span>
            : <button type="button" class="govuk-button govuk-button--warning" aria-label={`${t('jobs.cancel')}: ${jobName(job)}`} aria-disabled={cancel.busy} onClick={() => void cancel.run()}>{t('jobs.cancel')}</button>}
        </div>
      </div>
      {cancel.problem && <Problem problem={cancel.problem} focus />}
      <JobProgress job={job} />
    </section>
  );
}

export default function JobsPage() {
  const [param, setParam] = useQuery();
  const state = param('state');
  const before = param('before');
  const jobs = useApi<{ jobs: Job[] }>(`/api/jobs${query({ state, before, limit: LIMIT })}`, before ? 0 : 4000);
  return (
    <Page title={t('jobs.title')} lead={t('jobs.lead')}>
      <div class="filters">
        <SelectField label={t('run.state')} value={state} onValue={(s) => setParam({ state: s, before: null })} options={[{ value: '', text: t('form.all') }, ...['queued', 'running', 'succeeded', 'failed', 'canceled'].map((s) => ({ value: s, text: word('job_state', s) }))]} />
      </div>
      <Loaded of={jobs} lines={8}>
        {(data) => {
          const live = data.jobs.filter((j) => !jobEnded(j));
          const ended = data.jobs.filter(jobEnded);
          return (
            <>
              {live.map((j) => <Running key={j.id} job={j} onEnd={jobs.reload} />)}
              <section class="card tight" aria-label={t('jobs.ended')}>
                <Grid caption={t('jobs.ended')} showCaption rows={ended} id={(j) => j.id} empty={<Empty title={t('jobs.none')} />}
                  columns={[
                    { key: 'kind', label: t('jobs.kind'), cell: (j) => <>{jobName(j)}<br /><code class="muted thin">{j.id}</code></> },
                    { key: 'state', label: t('run.state'), cell: (j) => <><Tag group="job_state" code={j.state} />{jobError(j) && <><br /><span class="small">{jobError(j)}</span></>}</> },
                    { key: 'who', label: t('audit.who'), cell: (j) => <span class="mono">{j.principal}</span> },
                    { key: 'start', label: t('run.started'), cell: (j) => <Time at={j.started_at ?? j.created_at} /> },
                    { key: 'took', label: t('run.took'), num: true, cell: (j) => between(j.started_at, j.finished_at) },
                  ]} />
                <Pager shown={data.jobs.length} next={data.jobs.length === LIMIT} first={!before} onNext={() => setParam({ before: data.jobs[data.jobs.length - 1]!.id })} onFirst={() => setParam({ before: null })} />
              </section>
            </>
          );
        }}
      </Loaded>
    </Page>
  );
}

import { between, bytes, num, percent } from '../core/format';
import { useApi, useJob, jobEnded } from '../core/hooks';
import { t, title, word } from '../core/i18n';
import { CRITERIA, type Criterion, type ReasonCount, type RunPage as RunData, type Score } from '../core/types';
import { Bar, Criteria, Grid, JobProgress, Loaded, Page, Tag, Time } from '../core/ui';

const waiting = (state: string) => state === 'queued' || state === 'running' || state === 'loading' || state === 'loaded';

/** The same reason of several fields is one line, the commonest first. */
function reasons(run: RunData): (ReasonCount & { where: string[] })[] {
  const all = new Map<string, ReasonCount & { where: string[] }>();
  const card = run.scorecard;
  if (!card) return [];
  const add = (list: ReasonCount[], where: string) => {
    for (const r of list) {
      const one = all.get(r.reason);
      if (one) {
        one.count += r.count;
        if (where) one.where.push(where);
      } else all.set(r.reason, { ...r, where: where ? [where] : [] });
    }
  };
  for (const f of card.fields) add(f.reasons ?? [], title(f.title) || f.column || f.field);
  add(card.row?.reasons ?? [], '');
  return [...all.values()].sort((a, b) => b.count - a.count);
}

export default function RunPage({ run: id }: { run: string }) {
  const run = useApi<RunData>(`/api/registry/runs/${encodeURIComponent(id)}`, 3000);
  const job = useJob(run.data && waiting(run.data.state) ? run.data.job : null, run.reload);
  return (
    <Page title={t('run.title', { run: id })} crumbs={[{ href: '/runs', text: t('runs.title') }, ...(run.data ? [{ href: `/sources/${encodeURIComponent(run.data.source)}`, text: run.data.source }] : [])]}
      lead={run.data && <><Tag group="run_state" code={run.data.state} /> {word('mode', run.data.mode)} · <Time at={run.data.started_at} /></>}>
      <Loaded of={run} lines={12}>
        {(r) => {
          const found = reasons(r);
          const card = r.scorecard;
          const score = card && (Object.fromEntries(CRITERIA.map((c) => [c, card.criteria[c].score])) as unknown as Score);
          const most = found[0]?.count ?? 1;
          return (
            <>
              {r.error && <div class="govuk-error-summary"><h2 class="govuk-error-summary__title">{t('run.failed')}</h2><div class="govuk-error-summary__body"><p>{r.error}</p><p>{t('run.failed_advice')}</p></div></div>}
              {job && !jobEnded(job) && <section class="card" aria-label={t('run.progress')}><h2>{t('run.progress')}</h2><JobProgress job={job} /></section>}
              <dl class="figures">
                {([['rows_read', r.rows_read], ['accepted', r.accepted], ['quarantined', r.quarantined], ['new', r.new], ['changed', r.changed], ['unchanged', r.unchanged], ['ended', r.ended]] as const).map(([key, n]) => (
                  <div key={key}>
                    <dt>{t(`run.${key}`)}</dt>
                    <dd>{key === 'quarantined' && n > 0 ? <a href={`/quarantine?run=${r.run}&state=open`}>{num(n)}</a> : num(n)}</dd>
                  </div>
                ))}
                <div><dt>{t('run.bytes')}</dt><dd>{bytes(r.bytes)}</dd></div>
                <div><dt>{t('run.took')}</dt><dd>{between(r.started_at, r.finished_at)}</dd></div>
              </dl>
              {score && card && (
                <section class="card" aria-labelledby="score">
                  <h2 id="score">{t('source.score')}</h2>
                  <Criteria score={score} note={(c: Criterion) => t('run.failed_of', { failed: num(card.criteria[c].failed), checked: num(card.criteria[c].checked) })} />
                </section>
              )}
              {found.length > 0 && (
                <section class="card tight" aria-label={t('run.reasons')}>
                  <Grid caption={t('run.reasons')} showCaption rows={found} id={(x) => x.reason}
                    columns={[
                      { key: 'reason', label: t('quarantine.reason'), cell: (x) => <>{title(x.title) || x.reason}<br /><code class="muted thin">{x.reason}</code></> },
                      { key: 'where', label: t('person.field'), cell: (x) => x.where.join(', ') },
                      { key: 'criterion', label: t('run.criterion'), cell: (x) => word('criterion', x.criterion) },
                      { key: 'count', label: t('run.count'), cell: (x) => <span class="score"><Bar share={x.count / most} tone={x.criterion} /><span class="v">{num(x.count)}</span></span> },
                      ...(r.quarantined ? [{ key: 'see', label: t('nav.quarantine'), cell: (x: ReasonCount) => <a href={`/quarantine?run=${r.run}&reason=${encodeURIComponent(x.reason)}`} aria-label={`${t('run.see_rows')}: ${title(x.title) || x.reason}`}>{t('run.see_rows')}</a> }] : []),
                    ]} />
                </section>
              )}
              {card && (
                <section class="card tight" aria-label={t('run.by_field')}>
                  <Grid caption={t('run.by_field')} showCaption rows={card.fields} id={(f, i) => `${f.field}${i}`}
                    columns={[
                      { key: 'field', label: t('person.field'), cell: (f) => <>{title(f.title) || f.field || f.column}{f.column && <><br /><code class="muted thin">{f.column}</code></>}</> },
                      { key: 'present', label: t('run.present'), num: true, cell: (f) => num(f.present) },
                      { key: 'missing', label: t('run.missing'), num: true, cell: (f) => num(f.missing) },
                      { key: 'failed', label: t('run.field_failed'), num: true, cell: (f) => num(f.failed) },
                      { key: 'repaired', label: t('run.repaired'), num: true, cell: (f) => num(f.repaired ?? 0) },
                      { key: 'score', label: t('run.filled'), cell: (f) => { const all = f.present + f.missing + f.failed; return all ? <span class="score"><Bar share={f.present / all} tone="complete" /><span class="v">{percent(f.present / all, 2)}</span></span> : '–'; } },
                    ]} />
                </section>
              )}
              {card && card.rules.length > 0 && (
                <section class="card tight" aria-label={t('run.rules')}>
                  <Grid caption={t('run.rules')} showCaption rows={card.rules} id={(x) => x.rule}
                    columns={[
                      { key: 'rule', label: t('field.rules'), cell: (x) => <>{title(x.title) || x.rule}<br /><code class="muted thin">{x.rule}</code></> },
                      { key: 'criterion', label: t('run.criterion'), cell: (x) => word('criterion', x.criterion) },
                      { key: 'checked', label: t('run.checked'), num: true, cell: (x) => num(x.checked) },
                      { key: 'failed', label: t('run.rule_failed'), num: true, cell: (x) => num(x.failed) },
                    ]} />
                </section>
              )}
              {!card && !job && <p class="muted">{t('run.no_card')}</p>}
            </>
          );
        }}
      </Loaded>
    </Page>
  );
}

// A file of accounts: how far its check is, what came of it, what it costs.
import { call } from '../core/api';
import { between, bytes, dec, num, percent } from '../core/format';
import { jobEnded, useAction, useApi, useJob } from '../core/hooks';
import { t, word } from '../core/i18n';
import { PurposeGate } from '../core/purpose';
import { announce, Banner, Bar, Grid, JobProgress, Loaded, Page, Problem, Tag, Time } from '../core/ui';
import { download } from './download';
import { VERDICTS, waiting, type CheckFile } from './types';

function rate(f: CheckFile): string {
  const seconds = f.started_at && f.finished_at ? (Date.parse(f.finished_at) - Date.parse(f.started_at)) / 1000 : 0;
  return seconds > 0 ? t('verify.rate', { rate: dec(f.rows / seconds, 0) }) : '';
}

function Actions({ f, onChange }: { f: CheckFile; onChange: () => void }) {
  const fetchResult = useAction(() => download(`/api/verify/files/${f.file}/result`, `verdicts-${f.file}.${f.format ?? 'csv'}`, f.format === 'ndjson' ? 'application/x-ndjson' : 'text/csv'));
  const withdraw = useAction(async () => {
    await call(`/api/verify/files/${f.file}`, { method: 'DELETE' });
    announce(t('verify.withdrawn'));
    onChange();
  });
  return (
    <>
      {(fetchResult.problem ?? withdraw.problem) && <Problem problem={(fetchResult.problem ?? withdraw.problem)!} focus />}
      <div class="actions gap verdict-actions">
        {f.state === 'done' && f.result_bytes > 0 && <button type="button" class="govuk-button" aria-disabled={fetchResult.busy} onClick={() => void fetchResult.run()}>{t('verify.download')}</button>}
        {f.state !== 'withdrawn' && <button type="button" class="govuk-button govuk-button--secondary" aria-disabled={withdraw.busy} onClick={() => void withdraw.run()}>{t('verify.withdraw')}</button>}
      </div>
    </>
  );
}

function Verdicts({ f }: { f: CheckFile }) {
  const all = f.counts.rows || 1;
  return (
    <section class="card tight" aria-label={t('verify.verdicts')}>
      <Grid caption={t('verify.verdicts')} showCaption rows={[...VERDICTS]} id={(v) => v}
        columns={[
          { key: 'verdict', label: t('verify.verdict'), cell: (v) => <>{word('verdict', v)} <code class="muted thin">{v}</code></> },
          { key: 'rows', label: t('verify.rows'), num: true, cell: (v) => num(f.counts[v]) },
          { key: 'share', label: t('verify.share'), cell: (v) => <span class="score"><Bar share={f.counts[v] / all} /><span class="v">{percent(f.counts[v] / all, 2)}</span></span> },
        ]} />
    </section>
  );
}

function About({ f }: { f: CheckFile }) {
  return (
    <section class="card" aria-labelledby="about">
      <h2 id="about">{t('verify.about')}</h2>
      <dl class="facts">
        <dt>{t('verify.bank')}</dt><dd>{f.bank}</dd>
        <dt>{t('verify.who')}</dt><dd><span class="mono">{f.principal}</span> · {f.signed ? t('verify.signed') : t('verify.unsigned')}</dd>
        <dt>{t('verify.purpose')}</dt><dd>{f.purpose}</dd>
        <dt>{t('verify.basis')}</dt><dd>{f.legal_basis}</dd>
        <dt>{t('verify.size')}</dt><dd>{bytes(f.bytes)}</dd>
        {f.sha256 && <><dt>{t('verify.sha')}</dt><dd class="mono small">{f.sha256}</dd></>}
        {f.result_sha256 && <><dt>{t('verify.result_sha')}</dt><dd class="mono small">{f.result_sha256}</dd></>}
        {f.result_signature && <><dt>{t('verify.signature')}</dt><dd class="mono small">{f.result_signature}</dd></>}
      </dl>
    </section>
  );
}

export default function FilePage({ file: id }: { file: string }) {
  const file = useApi<CheckFile>(`/api/verify/files/${encodeURIComponent(id)}`, 3000);
  const job = useJob(file.data && waiting(file.data) ? file.data.job : null, file.reload);
  return (
    <Page title={t('verify.report', { file: id })} crumbs={[{ href: '/verify', text: t('verify.title') }]}
      lead={file.data && <><Tag group="file_state" code={file.data.state} /> {file.data.kind === 'delta' ? t('verify.kind_delta', { watch: file.data.watch ?? '' }) : file.data.name} · <Time at={file.data.created_at} /></>}>
      <Loaded of={file} lines={10}>
        {(f) => (
          <>
            {f.state === 'withdrawn' && <Banner>{t('verify.withdrawn')}</Banner>}
            {f.error && <div class="govuk-error-summary"><h2 class="govuk-error-summary__title">{t('verify.why')}</h2><div class="govuk-error-summary__body"><p>{f.error}</p><p><code>{f.error_code}</code></p></div></div>}
            {job && !jobEnded(job) && <section class="card" aria-label={t('verify.progress')}><h2>{t('verify.progress')}</h2><JobProgress job={job} /></section>}
            <dl class="figures">
              <div><dt>{t('verify.rows')}</dt><dd>{num(f.rows)}</dd></div>
              <div><dt>{t('verdict.match')}</dt><dd>{num(f.counts.match)}</dd></div>
              <div><dt>{t('verdict.mismatch')}</dt><dd>{num(f.counts.mismatch)}</dd></div>
              <div><dt>{t('verify.cost')}</dt><dd>{num(f.cost_dong)} ₫</dd></div>
              <div><dt>{t('verify.took')}</dt><dd>{between(f.started_at, f.finished_at)}</dd></div>
            </dl>
            {f.state === 'done' && <p class="muted small">{rate(f)}{f.counts.organisations > 0 && ` · ${t('verify.organisations', { n: num(f.counts.organisations) })}`}</p>}
            <PurposeGate><Actions f={f} onChange={file.reload} /></PurposeGate>
            <Verdicts f={f} />
            <About f={f} />
          </>
        )}
      </Loaded>
    </Page>
  );
}

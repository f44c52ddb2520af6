// Account checks: what is checked against, sending a file, the files.
import { useState } from 'preact/hooks';
import { call, query } from '../core/api';
import { between, num } from '../core/format';
import { useAction, useApi } from '../core/hooks';
import { t, title } from '../core/i18n';
import { PurposeGate } from '../core/purpose';
import { go, useQuery } from '../core/router';
import { Empty, Field, Grid, Loaded, Page, Pager, Problem, SelectField, Tag, Time } from '../core/ui';
import { download } from './download';
import { waiting, type Bank, type CheckFile, type Status } from './types';

function Against({ status }: { status: Status }) {
  if (!status.ready) return <div class="card"><Empty title={t('verify.not_ready')}><p>{t('verify.not_ready_detail')}</p>{status.reason && <p class="muted small">{status.reason}</p>}</Empty></div>;
  return (
    <dl class="figures" aria-label={t('verify.against')}>
      <div><dt>{t('verify.entities')}</dt><dd>{num(status.entities)}</dd></div>
      <div><dt>{t('verify.numbers')}</dt><dd>{num(status.numbers)}</dd></div>
      <div><dt>{t('verify.delta')}</dt><dd>{num(status.delta)}</dd></div>
      <div><dt>{t('verify.made')}</dt><dd><Time at={status.made_at} /></dd></div>
    </dl>
  );
}

function Send({ status, banks }: { status: Status; banks: Bank[] }) {
  const [bank, setBank] = useState(status.bank ?? (banks.length === 1 ? banks[0]!.bank : ''));
  const [file, setFile] = useState<File | null>(null);
  const [touched, setTouched] = useState(false);
  const send = useAction(async () => {
    const ndjson = /\.(ndjson|jsonl)$/i.test(file!.name);
    const sent = await call<CheckFile>(`/api/verify/files${query({ bank: status.bank ? '' : bank, name: file!.name.slice(0, 100) })}`, { text: { type: ndjson ? 'application/x-ndjson' : 'text/csv', body: file! } });
    go(`/verify/${sent.file}`);
  });
  const sample = useAction(() => download('/api/verify/sample?rows=1000', 'accounts-sample.csv', 'text/csv'));
  return (
    <section class="card" aria-labelledby="send">
      <h2 id="send">{t('verify.send')}</h2>
      {(send.problem ?? sample.problem) && <Problem problem={(send.problem ?? sample.problem)!} focus />}
      <form noValidate onSubmit={(e) => { e.preventDefault(); setTouched(true); if (bank && file) void send.run(); }}>
        <div class="filters">
          {!status.bank && <SelectField label={t('verify.bank')} value={bank} onValue={setBank} error={touched && !bank ? t('verify.bank_missing') : undefined}
            options={[{ value: '', text: t('form.choose') }, ...banks.map((b) => ({ value: b.bank, text: title(b.title) }))]} />}
          <Field label={t('verify.file')} error={touched && !file ? t('verify.file_missing') : undefined}>
            {({ id, describedBy }) => <input id={id} type="file" class="govuk-file-upload" accept=".csv,.ndjson,.jsonl,text/csv" aria-describedby={describedBy} onChange={(e) => setFile(e.currentTarget.files?.[0] ?? null)} />}
          </Field>
        </div>
        <p class="muted small">{t('verify.send_hint')}</p>
        <div class="actions">
          <button type="submit" class="govuk-button" aria-disabled={send.busy}>{t('verify.submit')}</button>
          {status.sample && status.operate && <button type="button" class="govuk-button govuk-button--secondary" aria-disabled={sample.busy} onClick={() => void sample.run()} title={t('verify.sample_hint')}>{t('verify.sample')}</button>}
        </div>
      </form>
    </section>
  );
}

function Files({ banks }: { banks: Bank[] }) {
  const [param, setParam] = useQuery();
  const before = param('before');
  const bank = param('bank');
  const list = useApi<{ files: CheckFile[]; next: number | null }>(`/api/verify/files${query({ bank, before, limit: 50 })}`, before ? 0 : 3000);
  const name = (code: string) => title(banks.find((b) => b.bank === code)?.title) || code;
  return (
    <>
      {banks.length > 1 && (
        <div class="filters">
          <SelectField label={t('verify.bank')} value={bank} onValue={(next) => setParam({ bank: next, before: null })} options={[{ value: '', text: t('form.all') }, ...banks.map((b) => ({ value: b.bank, text: title(b.title) }))]} />
        </div>
      )}
      <Loaded of={list} lines={6}>
        {(data) => (
          <section class="card tight" aria-label={t('verify.files')}>
            <Grid caption={t('verify.files')} showCaption rows={data.files} id={(f) => f.file} empty={<Empty title={t('verify.none')}><p>{t('verify.none_detail')}</p></Empty>}
              columns={[
                { key: 'file', label: t('verify.file'), cell: (f) => <><a href={`/verify/${f.file}`}>{f.kind === 'delta' ? t('verify.kind_delta', { watch: f.watch ?? '' }) : f.name || f.file}</a><br /><code class="muted thin">{f.file}</code></> },
                { key: 'bank', label: t('verify.bank'), cell: (f) => name(f.bank) },
                { key: 'sent', label: t('verify.sent'), cell: (f) => <Time at={f.created_at} /> },
                { key: 'state', label: t('verify.state'), cell: (f) => <Tag group="file_state" code={f.state} /> },
                { key: 'rows', label: t('verify.rows'), num: true, cell: (f) => (waiting(f) && f.rows ? `${num(f.done)} / ${num(f.rows)}` : num(f.rows)) },
                { key: 'match', label: t('verdict.match'), num: true, cell: (f) => num(f.counts.match) },
                { key: 'mismatch', label: t('verdict.mismatch'), num: true, cell: (f) => num(f.counts.mismatch) },
                { key: 'not_found', label: t('verdict.not_found'), num: true, cell: (f) => num(f.counts.not_found) },
                { key: 'cost', label: t('verify.cost'), num: true, cell: (f) => `${num(f.cost_dong)} ₫` },
                { key: 'took', label: t('verify.took'), num: true, cell: (f) => between(f.started_at, f.finished_at) },
              ]} />
            <Pager shown={data.files.length} next={data.next !== null} first={!before} onNext={() => setParam({ before: String(data.next) })} onFirst={() => setParam({ before: null })} />
          </section>
        )}
      </Loaded>
    </>
  );
}

export default function VerifyPage() {
  const status = useApi<Status>('/api/verify/status', 5000);
  const banks = useApi<{ banks: Bank[] }>('/api/verify/banks');
  return (
    <Page title={t('verify.title')} lead={t('verify.lead')}>
      <Loaded of={status} lines={2}>
        {(s) => (
          <>
            <Against status={s} />
            <Loaded of={banks} lines={3}>
              {(b) => (
                <>
                  <PurposeGate><Send status={s} banks={b.banks} /></PurposeGate>
                  <Files banks={b.banks} />
                </>
              )}
            </Loaded>
          </>
        )}
      </Loaded>
    </Page>
  );
}

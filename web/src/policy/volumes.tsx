// How many people each requester has seen for each purpose, the limits they come to, and the
// notices of limits that were met, which a data officer settles.
import { useState } from 'preact/hooks';
import { call, query } from '../core/api';
import { day, num, percent, time } from '../core/format';
import { useAction, useApi } from '../core/hooks';
import { t, title, type Title } from '../core/i18n';
import { useQuery } from '../core/router';
import { may } from '../core/session';
import { announce, Bar, Dialog, Empty, Grid, Loaded, Pager, Problem, SelectField, Tag, TextField, Time } from '../core/ui';

interface Who { requester: string; title: Title | null; purpose: string; purpose_title: Title | null }
interface Limit { within_days: number | null; subjects: number; limit: number; share: number }
interface Volume extends Who { subjects: number; estimated: boolean; since: string | null; last: string; limits: Limit[] }
interface Page { within_days: number | null; stored_at: string | null; failing: boolean; total: number; next: number | null; items: Volume[] }
interface Notice extends Who { id: number; rule: string; rule_title: Title | null; outcome: string; subjects: number; times: number; first: string; last: string; settled: string | null; settled_by?: string; note?: string }
interface Notices { open: number; next: number | null; items: Notice[] }

const LIMIT = 100;
const period = (days: number | null) => (days ? t('volume.within', { n: num(days) }) : t('volume.ever'));

function Requester({ of }: { of: Who }) {
  return <>{of.title ? title(of.title) : <span class="mono">{of.requester}</span>}{of.title && <><br /><code class="muted thin">{of.requester}</code></>}</>;
}

function Purpose({ of }: { of: Who }) {
  return <>{of.purpose_title ? title(of.purpose_title) : of.purpose}<br /><code class="muted thin">{of.purpose}</code></>;
}

function Limits({ of }: { of: Volume }) {
  if (!of.limits.length) return <span class="muted">{t('volume.no_limit')}</span>;
  return (
    <ul class="plain-list">
      {of.limits.map((l) => (
        <li key={l.within_days ?? 0}>
          <span class="score"><Bar share={l.share} /><span class="v">{percent(l.share)}</span></span>
          <span class="small muted"> {t('volume.of', { n: num(l.subjects), limit: num(l.limit) })}, {period(l.within_days)}</span>
        </li>
      ))}
    </ul>
  );
}

function Settle({ of, onDone }: { of: Notice; onDone: () => void }) {
  const [note, setNote] = useState('');
  const settle = useAction(async () => {
    await call(`/api/policy/notices/${of.id}/settle`, { body: { note } });
    announce(t('volume.settled'));
    onDone();
  });
  return (
    <form noValidate onSubmit={(e) => { e.preventDefault(); void settle.run(); }}>
      <p>{of.title ? title(of.title) : of.requester} · {of.purpose_title ? title(of.purpose_title) : of.purpose} · {t('volume.n_people', { n: num(of.subjects) })}</p>
      <TextField label={t('volume.note')} hint={t('volume.note_hint')} value={note} maxLength={500} onValue={setNote} autoComplete="off" />
      {settle.problem && <Problem problem={settle.problem} focus />}
      <div class="actions">
        <button type="submit" class="govuk-button" aria-disabled={settle.busy}>{t('volume.settle')}</button>
        <button type="button" class="plain" onClick={onDone}>{t('action.close')}</button>
      </div>
    </form>
  );
}

function NoticeList() {
  const [param, setParam] = useQuery();
  const state = param('state') === 'settled' ? 'settled' : 'open';
  const before = param('before');
  const notices = useApi<Notices>(`/api/policy/notices${query({ state, before, limit: LIMIT })}`, before ? 0 : 5000);
  const [settling, setSettling] = useState<Notice>();
  return (
    <section class="card tight" aria-label={t('volume.notices')}>
      <div class="pad">
        <h2>{t('volume.notices')}{notices.data ? ` (${num(notices.data.open)})` : ''}</h2>
        <p class="muted small">{t('volume.notices_lead')}</p>
        <SelectField label={t('volume.state')} value={state} onValue={(s) => setParam({ state: s === 'open' ? null : s, before: null })} options={['open', 'settled'].map((s) => ({ value: s, text: t(s === 'open' ? 'volume.open' : 'volume.closed') }))} />
      </div>
      <Loaded of={notices} lines={3}>
        {(data) => (
          <>
            <Grid caption={t('volume.notices')} rows={data.items} id={(n) => String(n.id)} empty={<Empty title={t('volume.no_notices')} />}
              columns={[
                { key: 'who', label: t('volume.requester'), cell: (n) => <Requester of={n} /> },
                { key: 'purpose', label: t('purpose.purpose'), cell: (n) => <Purpose of={n} /> },
                { key: 'rule', label: t('policy.rule'), cell: (n) => <><Tag group="outcome" code={n.outcome} /> {title(n.rule_title ?? undefined)}<br /><code class="muted thin">{n.rule}</code></> },
                { key: 'people', label: t('volume.people'), num: true, cell: (n) => num(n.subjects) },
                { key: 'times', label: t('volume.times'), num: true, cell: (n) => num(n.times) },
                { key: 'when', label: t('audit.time'), cell: (n) => <>{time(n.first)}<br /><span class="small muted">{t('volume.last')} <Time at={n.last} /></span></> },
                {
                  key: 'settle', label: t('volume.settle'),
                  cell: (n) => (n.settled
                    ? <><Time at={n.settled} /><br /><span class="mono small">{n.settled_by}</span>{n.note && <p class="small">{n.note}</p>}</>
                    : <button type="button" class="govuk-button govuk-button--secondary" aria-label={t('volume.settle_n', { n: n.id })} onClick={() => setSettling(n)}>{t('volume.settle')}</button>),
                },
              ]} />
            <Pager shown={data.items.length} next={data.next !== null} first={!before} onNext={() => setParam({ before: String(data.next) })} onFirst={() => setParam({ before: null })} />
          </>
        )}
      </Loaded>
      <Dialog open={settling !== undefined} onClose={() => setSettling(undefined)} title={t('volume.settle_title')}>
        {settling && <Settle of={settling} onDone={() => { setSettling(undefined); notices.reload(); }} />}
      </Dialog>
    </section>
  );
}

export function Volumes() {
  const [param, setParam] = useQuery();
  const requester = param('requester');
  const purpose = param('for');
  const after = param('after');
  const allowed = may('policy.volume');
  const volumes = useApi<Page>(allowed ? `/api/policy/volumes${query({ requester, purpose, after, limit: LIMIT })}` : null, 5000);
  const purposes = useApi<{ purposes: { code: string; title: Title }[] }>('/api/policy/purposes');
  if (!allowed) return <div class="card"><Empty title={t('volume.not_allowed')} /></div>;
  return (
    <>
      <p class="muted">{t('volume.lead')}</p>
      <NoticeList />
      <div class="filters">
        <TextField label={t('volume.requester')} value={requester} hint={t('volume.requester_hint')} autoComplete="off" onValue={(v) => setParam({ requester: v, after: null }, true)} />
        <SelectField label={t('purpose.purpose')} value={purpose} onValue={(v) => setParam({ for: v, after: null }, true)} options={[{ value: '', text: t('form.all') }, ...(purposes.data?.purposes ?? []).map((p) => ({ value: p.code, text: title(p.title) }))]} />
      </div>
      <Loaded of={volumes}>
        {(data) => (
          <section class="card tight" aria-label={t('policy.tab_volumes')}>
            <p class="pad muted small">
              {t('volume.counted', { period: period(data.within_days) })} {data.failing ? <strong>{t('volume.failing')}</strong> : data.stored_at && t('volume.stored', { time: time(data.stored_at) })}
            </p>
            <Grid caption={t('policy.tab_volumes')} rows={data.items} id={(v) => `${v.requester} ${v.purpose}`} empty={<Empty title={t('volume.none')} />}
              columns={[
                { key: 'who', label: t('volume.requester'), cell: (v) => <Requester of={v} /> },
                { key: 'purpose', label: t('purpose.purpose'), cell: (v) => <Purpose of={v} /> },
                { key: 'people', label: t('volume.people'), num: true, cell: (v) => <>{v.estimated && <span title={t('volume.estimated')}>≈ </span>}{num(v.subjects)}</> },
                { key: 'limits', label: t('volume.limit'), cell: (v) => <Limits of={v} /> },
                { key: 'since', label: t('volume.since'), cell: (v) => (v.since ? time(v.since) : '–') },
                { key: 'last', label: t('volume.last'), cell: (v) => day(v.last) },
              ]} />
            <Pager shown={data.items.length} total={data.total} next={data.next !== null} first={!after} onNext={() => setParam({ after: String(data.next) })} onFirst={() => setParam({ after: null })} />
          </section>
        )}
      </Loaded>
    </>
  );
}

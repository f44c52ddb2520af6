// The change feed, live: which source's row came, what about whom is another now. Values are not
// here; a row leads to the entity, where policy and the log look on.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { ApiProblem, call, query } from '../core/api';
import { num, time } from '../core/format';
import { useApi } from '../core/hooks';
import { getLang, t, title, word, type Title } from '../core/i18n';
import { PurposeGate } from '../core/purpose';
import { useQuery } from '../core/router';
import { follow } from '../core/stream';
import type { Source } from '../core/types';
import { announce, Empty, Grid, Loading, Page, Problem, SelectField, Tag } from '../core/ui';

export interface Change { seq: number; at: string; kind: string; type: string | null; entity: string | null; other: string | null; source: string | null; fields: string[] }

const KINDS = ['created', 'changed', 'merged', 'split', 'ended', 'generation'];
const SHOWN = 200;
/** Rows are drawn at most so often: a hundred changes a second are readable paused only. */
const DRAW_MS = 250;

type State = 'connecting' | 'live' | 'lost';

/** The newest changes, newest first, and what came while paused. */
function useChanges(type: string, paused: boolean) {
  const [rows, setRows] = useState<Change[] | null>(null);
  const [state, setState] = useState<State>('connecting');
  const [problem, setProblem] = useState<ApiProblem>();
  const [waiting, setWaiting] = useState(0);
  const [turn, setTurn] = useState(0);
  const fresh = useRef<Change[]>([]);
  const isPaused = useRef(paused);
  isPaused.current = paused;
  const lang = getLang();
  useEffect(() => {
    let over = false;
    let stop = () => {};
    fresh.current = [];
    setWaiting(0);
    setProblem(undefined);
    setState('connecting');
    call<{ changes: Change[]; next: number }>(`/api/registry/changes${query({ newest: true, limit: SHOWN, type })}`).then(
      (page) => {
        if (over) return;
        setRows(page.changes.reverse());
        stop = follow(`/api/registry/changes/stream${query({ type })}`, String(page.next), {
          onData: (data) => {
            fresh.current.unshift(JSON.parse(data) as Change);
            fresh.current.length = Math.min(fresh.current.length, SHOWN);
          },
          onOpen: () => setState('live'),
          onLost: (why) => {
            setState('lost');
            if (why) setProblem(why);
          },
        });
      },
      (error: unknown) => {
        if (!over && error instanceof ApiProblem) setProblem(error);
      },
    );
    const timer = setInterval(() => {
      const n = fresh.current.length;
      setWaiting(n);
      if (!n || isPaused.current) return;
      const more = fresh.current;
      fresh.current = [];
      setWaiting(0);
      setRows((before) => [...more, ...(before ?? [])].slice(0, SHOWN));
    }, DRAW_MS);
    return () => {
      over = true;
      stop();
      clearInterval(timer);
    };
  }, [type, lang, turn]);
  return { rows, state, problem, waiting, again: () => setTurn((n) => n + 1) };
}

const href = (id: string) => `/${id.startsWith('O') ? 'organisations' : 'persons'}/${encodeURIComponent(id)}`;

/** What happened, in a sentence. */
function Story({ of, sources, fields }: { of: Change; sources: Source[]; fields: Map<string, Title> }) {
  const source = sources.find((s) => s.source === of.source);
  const by = of.source ? <a href={`/sources/${encodeURIComponent(of.source)}`}>{title(source?.title) || of.source}</a> : null;
  const names = of.fields.map((code) => title(fields.get(code)) || code).join(', ');
  return (
    <>
      {t(`change.story_${of.kind}` as Parameters<typeof t>[0])}
      {of.other && <> <a href={href(of.other)} class="mono">{of.other}</a></>}
      {by && <>. {t('change.by')} {by}</>}
      {names && <><br /><span class="muted">{t('change.fields')}: {names}</span></>}
    </>
  );
}

function Live() {
  const [param, setParam] = useQuery();
  const type = param('type'), kind = param('kind'), source = param('source'), paused = param('paused') === 'yes';
  const { rows, state, problem, waiting, again } = useChanges(type, paused);
  const sources = useApi<{ sources: Source[] }>('/api/registry/sources');
  const policy = useApi<{ fields: { code: string; title: Title }[] }>('/api/policy/fields');
  const fields = useMemo(() => new Map((policy.data?.fields ?? []).map((f) => [f.code, f.title])), [policy.data]);
  const all = sources.data?.sources ?? [];
  const shown = (rows ?? []).filter((c) => (!kind || c.kind === kind) && (!source || c.source === source));
  useEffect(() => {
    if (state !== 'connecting') announce(t(`change.state_${state}`));
  }, [state]);
  return (
    <>
      <div class="filters">
        <SelectField label={t('change.type')} value={type} onValue={(v) => setParam({ type: v })} options={[{ value: '', text: t('form.all') }, { value: 'person', text: word('entity', 'person') }, { value: 'organisation', text: word('entity', 'organisation') }]} />
        <SelectField label={t('change.kind')} value={kind} onValue={(v) => setParam({ kind: v })} options={[{ value: '', text: t('form.all') }, ...KINDS.map((k) => ({ value: k, text: word('change_kind', k) }))]} />
        <SelectField label={t('source.source')} value={source} onValue={(v) => setParam({ source: v })} options={[{ value: '', text: t('form.all') }, ...all.map((s) => ({ value: s.source, text: title(s.title) || s.source }))]} />
        <button type="button" class="govuk-button govuk-button--secondary" aria-pressed={paused} onClick={() => setParam({ paused: paused ? null : 'yes' })}>{t(paused ? 'change.resume' : 'change.pause')}</button>
      </div>
      <p class="live-line">
        <strong class={`govuk-tag govuk-tag--${paused ? 'yellow' : state === 'live' ? 'green' : 'grey'}`}>{paused ? t('change.paused') : t(`change.state_${state}`)}</strong>{' '}
        <span class="muted">{paused && waiting > 0 ? t('change.waiting', { n: waiting >= SHOWN ? `${num(SHOWN)}+` : num(waiting) }) : t('change.no_values')}</span>
      </p>
      {problem && <Problem problem={problem} retry={again} />}
      {rows === null ? !problem && <Loading lines={10} /> : (
        <div class="card tight">
          <Grid caption={t('change.title')} rows={shown} id={(c) => String(c.seq)} empty={<Empty title={t('change.none')}><p>{t('change.none_detail')}</p></Empty>}
            columns={[
              { key: 'seq', label: t('change.seq'), cell: (c) => <span class="mono">{num(c.seq)}</span> },
              { key: 'at', label: t('change.at'), cell: (c) => <time dateTime={c.at}>{time(c.at)}</time> },
              { key: 'kind', label: t('change.kind'), cell: (c) => <Tag group="change_kind" code={c.kind} /> },
              { key: 'entity', label: t('change.entity'), cell: (c) => (c.entity ? <a href={href(c.entity)} class="mono nowrap">{c.entity}</a> : <span class="muted">{t('change.everyone')}</span>) },
              { key: 'story', label: t('change.story'), cell: (c) => <Story of={c} sources={all} fields={fields} /> },
            ]} />
        </div>
      )}
    </>
  );
}

export default function ChangesPage() {
  return (
    <Page title={t('change.title')} lead={t('change.lead')}>
      <PurposeGate><Live /></PurposeGate>
    </Page>
  );
}

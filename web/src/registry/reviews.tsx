// The clerical review queue. Everything can be done with the keyboard alone; what a key did is
// said to screen readers; a decision can be taken back.
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiProblem, call, query } from '../core/api';
import { dec, num, percent, value } from '../core/format';
import { useApi } from '../core/hooks';
import { getLang, shortTitle, t, title, word, type Key, type Title } from '../core/i18n';
import { PurposeGate } from '../core/purpose';
import { useQuery } from '../core/router';
import { announce, Dialog, Empty, Loaded, Loading, Page, Problem, SelectField, Tag, Time } from '../core/ui';
import { charDiff } from './diff';

interface Side { entity: string; source: string | null; key: string; title?: Title }
interface Pair { id: number | string; probability: number; log_odds?: number; reason: string; state: string; left: Side; right: Side; decided_by: string | null; decided_at: string | null; type?: string }
interface PairField { field: string; title: Title; titled?: boolean; left: string | null; right: string | null; level?: string; level_title?: Title; weight?: number; frequency?: number | null }
interface Evidence { field: string; title?: Title; level: string; weight: number; frequency: number | null }
interface PairDetail extends Pair { fields: PairField[]; evidence?: Evidence[] }

/** Fields with what the model made of them, the heaviest evidence first, then the rest. */
function lines(detail: PairDetail): PairField[] {
  const byField = new Map((detail.evidence ?? []).map((e) => [e.field, e]));
  const rows: PairField[] = detail.fields.map((f) => {
    const e = byField.get(f.field);
    byField.delete(f.field);
    return e ? { ...f, level: e.level, weight: e.weight, frequency: e.frequency } : f;
  });
  for (const e of byField.values()) rows.push({ field: e.field, title: e.title ?? { vi: '', en: '' }, titled: !!e.title, left: null, right: null, level: e.level, weight: e.weight, frequency: e.frequency });
  // What neither side has says nothing.
  const told = rows.filter((f) => f.left || f.right || f.weight);
  const heft = (f: PairField) => (f.weight === undefined ? -1 : Math.abs(f.weight));
  return told.sort((a, b) => heft(b) - heft(a));
}

export function inWords(p: number): Key {
  return p >= 0.99 ? 'odds.certain' : p >= 0.9 ? 'odds.very_likely' : p >= 0.7 ? 'odds.likely' : p > 0.3 ? 'odds.open' : p > 0.1 ? 'odds.unlikely' : 'odds.very_unlikely';
}

const levelWord = (f: PairField) => (f.level_title ? title(f.level_title) : f.level ? word('level', f.level.replace(/[^a-z]+/g, '_')) : '');

function Diff({ mine, other, field }: { mine: string | null; other: string | null; field: string }) {
  if (!mine) return <span class="muted">{t('value.none')}</span>;
  const shown = value(field, mine);
  if (!other || mine === other) return <>{shown}</>;
  if (field === 'sex' || /_(status|code|type)$/.test(field)) return <mark>{shown}</mark>;
  return <>{charDiff(shown, value(field, other)).map((part, i) => (part.same ? <span key={i}>{part.text}</span> : <mark key={i}>{part.text}</mark>))}</>;
}

function Weight({ weight, most }: { weight: number; most: number }) {
  const share = most ? Math.min(1, Math.abs(weight) / most) : 0;
  return (
    <span class={`weight ${weight < 0 ? 'against' : 'for'}`}>
      <span class="track" aria-hidden="true"><i style={{ transform: `scaleX(${share})` }} /></span>
      <span class="n">{weight > 0 ? '+' : ''}{dec(weight, 1)}</span>
      <span class="visually-hidden">{t(weight > 0 ? 'review.for' : weight < 0 ? 'review.against' : 'review.nothing')}</span>
    </span>
  );
}

function Evidence({ detail }: { detail: PairDetail }) {
  const rows = lines(detail);
  const most = Math.max(...rows.map((r) => Math.abs(r.weight ?? 0)), 1);
  return (
    <table class="grid stack evidence" role="table">
      <caption class="visually-hidden">{t('review.evidence')}</caption>
      <thead role="rowgroup">
        <tr role="row">
          <th scope="col" role="columnheader">{t('person.field')}</th>
          <th scope="col" role="columnheader">{shortTitle(detail.left.title) || detail.left.source}<br /><code class="thin">{detail.left.key}</code></th>
          <th scope="col" role="columnheader">{shortTitle(detail.right.title) || detail.right.source}<br /><code class="thin">{detail.right.key}</code></th>
          <th scope="col" role="columnheader">{t('review.weight')}</th>
          <th scope="col" role="columnheader">{t('review.level')}</th>
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map((f) => (
          <tr key={f.field} role="row" class={f.weight === undefined ? 'silent' : ''}>
            <th scope="row" role="rowheader">{f.titled === false ? word('link_field', f.field) : title(f.title) || f.field}</th>
            <td role="cell" data-label={shortTitle(detail.left.title) || detail.left.source || ''}><span class="val"><Diff mine={f.left} other={f.right} field={f.field} /></span></td>
            <td role="cell" data-label={shortTitle(detail.right.title) || detail.right.source || ''}><span class="val"><Diff mine={f.right} other={f.left} field={f.field} /></span></td>
            <td role="cell" data-label={t('review.weight')}>{f.weight === undefined ? <span class="muted small">{t('review.not_used')}</span> : <Weight weight={f.weight} most={most} />}</td>
            <td role="cell" data-label={t('review.level')}>{f.level ? <span>{levelWord(f)}{f.frequency ? <span class="muted small"> · {t('review.frequency', { share: percent(f.frequency, 2) })}</span> : ''}</span> : ''}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const detailPath = (id: Pair['id']) => `/api/registry/reviews/${encodeURIComponent(id)}`;

function Queue() {
  const [param, setParam] = useQuery();
  const state = param('state') || 'open';
  const after = param('after');
  const list = useApi<{ items: Pair[]; next: number | string | null; total: number }>(`/api/registry/reviews${query({ state, after, limit: 50 })}`);
  const [at, setAt] = useState(0);
  const [done, setDone] = useState<Record<string, string>>({});
  const [detail, setDetail] = useState<{ id: Pair['id']; data?: PairDetail; problem?: ApiProblem }>();
  const [problem, setProblem] = useState<ApiProblem>();
  const [help, setHelp] = useState(false);
  const [keys, setKeys] = useState(localStorage.getItem('ndc_review_keys') !== 'off');
  const last = useRef<Pair['id'][]>([]);
  const sending = useRef<Promise<void>>(Promise.resolve());
  const read = useRef(new Map<string, Promise<PairDetail>>());
  const pair = useRef<HTMLElement>(null);
  const items = list.data?.items ?? [];
  const here = items[at];
  const stateOf = (p: Pair) => done[String(p.id)] ?? p.state;
  const lang = getLang();

  // Fetched once each, and never ahead: what is read is logged as read.
  const fetchDetail = (id: Pair['id']) => {
    const key = `${lang} ${id}`;
    let found = read.current.get(key);
    if (!found) {
      found = call<PairDetail>(detailPath(id));
      found.catch(() => read.current.delete(key));
      read.current.set(key, found);
    }
    return found;
  };

  useEffect(() => setAt(0), [state, after]);
  useEffect(() => {
    if (!here) {
      setDetail(undefined);
      return;
    }
    let gone = false;
    setDetail((d) => (d?.id === here.id ? d : { id: here.id }));
    fetchDetail(here.id).then(
      (data) => !gone && setDetail({ id: here.id, data }),
      (error: unknown) => !gone && error instanceof ApiProblem && setDetail({ id: here.id, problem: error }),
    );
    return () => {
      gone = true;
    };
  }, [here?.id, lang]);

  const move = (step: number) => {
    const next = Math.max(0, Math.min(items.length - 1, at + step));
    setAt(next);
    if (items[next]) announce(t('review.at', { n: next + 1, of: items.length, words: items[next]!.reason === 'uncertain' ? t(inWords(items[next]!.probability)) : word('review_reason', items[next]!.reason) }));
  };

  // Shown at once and sent in order behind: a reviewer's hands are quicker than the network.
  const send = (id: Pair['id'], decision: 'same' | 'different' | 'undo', before: string) => {
    sending.current = sending.current.then(async () => {
      try {
        await call(`${detailPath(id)}/decision`, { body: { decision, note: '' } });
      } catch (error) {
        if (!(error instanceof ApiProblem)) throw error;
        setDone((d) => ({ ...d, [String(id)]: before }));
        setProblem(error);
      }
    });
  };

  const decide = (p: Pair, decision: 'same' | 'different') => {
    setProblem(undefined);
    send(p.id, decision, stateOf(p));
    setDone((d) => ({ ...d, [String(p.id)]: decision }));
    last.current.push(p.id);
    announce(t(decision === 'same' ? 'review.said_same' : 'review.said_different'));
    const next = items.findIndex((x, i) => i > at && stateOf(x) === 'open');
    if (next >= 0) setAt(next);
  };

  const undo = () => {
    const id = last.current.pop() ?? (here && stateOf(here) !== 'open' ? here.id : undefined);
    if (id === undefined) {
      announce(t('review.nothing_to_undo'));
      return;
    }
    const back = items.findIndex((p) => p.id === id);
    setProblem(undefined);
    send(id, 'undo', items[back] ? stateOf(items[back]!) : 'open');
    setDone((d) => ({ ...d, [String(id)]: 'open' }));
    if (back >= 0) setAt(back);
    announce(t('review.undone'));
  };

  const press = useRef<(event: KeyboardEvent) => void>(() => {});
  press.current = (event) => {
    if (!keys || event.ctrlKey || event.metaKey || event.altKey || help) return;
    const target = event.target as HTMLElement;
    if (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || document.querySelector('dialog[open]')) return;
    const act: Record<string, () => void> = {
      j: () => move(1), ArrowDown: () => move(1), k: () => move(-1), ArrowUp: () => move(-1),
      s: () => here && decide(here, 'same'), d: () => here && decide(here, 'different'), u: undo, '?': () => setHelp(true),
    };
    const found = act[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!found) return;
    event.preventDefault();
    found();
  };
  useEffect(() => {
    const listener = (event: KeyboardEvent) => press.current(event);
    document.addEventListener('keydown', listener);
    return () => document.removeEventListener('keydown', listener);
  }, []);

  const open = items.filter((p) => stateOf(p) === 'open').length;
  return (
    <>
      <div class="filters">
        <SelectField label={t('quarantine.state')} value={state} onValue={(s) => { setDone({}); setParam({ state: s === 'open' ? null : s, after: null }); }} options={['open', 'same', 'different'].map((s) => ({ value: s, text: word('review_state', s) }))} />
        <div class="actions">
          <button type="button" class="govuk-button govuk-button--secondary" onClick={() => setHelp(true)}><span class="kbd" aria-hidden="true">?</span> {t('review.help')}</button>
        </div>
      </div>
      {problem && <Problem problem={problem} focus />}
      <Loaded of={list} lines={10}>
        {(data) => (data.items.length === 0
          ? <div class="card"><Empty title={t(state === 'open' ? 'review.none' : 'review.none_decided')}><p>{t('review.none_detail')}</p></Empty></div>
          : (
            <div class="review">
              <section class="card tight queue" aria-label={t('review.queue')}>
                <p class="pad muted small">{t('review.left', { open: num(open), total: num(data.total) })}</p>
                <ol>
                  {items.map((p, i) => (
                    <li key={p.id}>
                      <button type="button" class={i === at ? 'here' : ''} aria-current={i === at ? 'true' : undefined} onClick={() => setAt(i)}>
                        <span class="pc">{p.reason === 'uncertain' ? percent(p.probability, 0) : word('review_short', p.reason)}</span>
                        <span class="two"><span>{shortTitle(p.left.title) || p.left.source}</span><span>{shortTitle(p.right.title) || p.right.source}</span></span>
                        {stateOf(p) !== 'open' && <Tag group="review_state" code={stateOf(p)} />}
                      </button>
                    </li>
                  ))}
                </ol>
                {(data.next !== null || after) && (
                  <div class="pager">
                    {after && <button type="button" class="plain" onClick={() => setParam({ after: null })}>{t('pager.first')}</button>}
                    {data.next !== null && <button type="button" class="plain" onClick={() => { setDone({}); setParam({ after: String(data.next) }); }}>{t('pager.next')}</button>}
                  </div>
                )}
              </section>
              {here && (
                <section class="card tight pair" ref={pair} aria-label={t('review.pair')}>
                  <div class="pad">
                    <h2>{here.reason === 'uncertain' ? <>{t(inWords(here.probability))} <span class="muted thin">({percent(here.probability, 1)})</span></> : word('review_reason', here.reason)}</h2>
                    <p class="muted small">
                      {t('review.n_of', { n: num(at + 1), of: num(items.length) })} · {here.reason === 'uncertain' && <>{word('review_reason', here.reason)} · </>}<a href={entityPath(here.left.entity)}><code>{here.left.entity}</code></a> ↔ <a href={entityPath(here.right.entity)}><code>{here.right.entity}</code></a>
                    </p>
                    {stateOf(here) !== 'open' && <p><Tag group="review_state" code={stateOf(here)} /> {here.decided_by && <span class="muted small">{here.decided_by} <Time at={here.decided_at} /></span>}</p>}
                    <div class="actions decide">
                      <button type="button" class="govuk-button" onClick={() => decide(here, 'same')}><span class="kbd" aria-hidden="true">S</span> {t('review.same')}</button>
                      <button type="button" class="govuk-button govuk-button--warning" onClick={() => decide(here, 'different')}><span class="kbd" aria-hidden="true">D</span> {t('review.different')}</button>
                      <button type="button" class="govuk-button govuk-button--secondary" onClick={undo}><span class="kbd" aria-hidden="true">U</span> {t('review.undo')}</button>
                    </div>
                  </div>
                  {detail?.id !== here.id || (!detail.data && !detail.problem) ? <Loading lines={6} /> : detail.problem ? <div class="pad"><Problem problem={detail.problem} /></div> : <Evidence detail={detail.data!} />}
                </section>
              )}
            </div>
          ))}
      </Loaded>
      <Dialog open={help} onClose={() => setHelp(false)} title={t('review.help')}>
        <dl class="facts keys">
          {([['J', 'review.key_next'], ['↓', 'review.key_next'], ['K', 'review.key_previous'], ['↑', 'review.key_previous'], ['S', 'review.same'], ['D', 'review.different'], ['U', 'review.undo'], ['?', 'review.help']] as const).map(([k, what]) => (
            <div key={k}><dt><span class="kbd">{k}</span></dt><dd>{t(what)}</dd></div>
          ))}
        </dl>
        <div class="govuk-checkboxes govuk-checkboxes--small" data-module="">
          <div class="govuk-checkboxes__item">
            <input class="govuk-checkboxes__input" id="keys-on" type="checkbox" checked={keys} onChange={(e) => { const on = e.currentTarget.checked; setKeys(on); localStorage.setItem('ndc_review_keys', on ? 'on' : 'off'); }} />
            <label class="govuk-label govuk-checkboxes__label" for="keys-on">{t('review.keys_on')}</label>
          </div>
        </div>
        <div class="actions gap"><button type="button" class="govuk-button" onClick={() => setHelp(false)}>{t('action.close')}</button></div>
      </Dialog>
    </>
  );
}

const entityPath = (id: string) => `/${id.startsWith('O') ? 'organisations' : 'persons'}/${encodeURIComponent(id)}`;

export default function ReviewsPage() {
  return <Page title={t('review.title')} lead={t('review.lead')}><PurposeGate><Queue /></PurposeGate></Page>;
}

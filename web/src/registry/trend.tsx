// Scores over time. The figures are the sources' own; the chart's code comes when needed.
import { useEffect, useRef, useState } from 'preact/hooks';
import { call } from '../core/api';
import { day, num, percent, time } from '../core/format';
import { getLang, t, word } from '../core/i18n';
import { CRITERIA, type Score, type Source, type SourcePage } from '../core/types';
import { Grid } from '../core/ui';

export interface Point { at: string; score: Score; label?: string }

const colours = { correct: '#0a5c55', complete: '#a35f00', clean: '#2a5fa8', live: '#a32755' };
const dashes: Record<string, number[]> = { correct: [], complete: [8, 4], clean: [2, 3], live: [10, 3, 2, 3] };

export function ScoreChart({ points, label }: { points: Point[]; label: string }) {
  const box = useRef<HTMLDivElement>(null);
  const lang = getLang();
  const key = JSON.stringify(points);
  useEffect(() => {
    let chart: { destroy(): void; setSize(size: { width: number; height: number }): void } | null = null;
    let gone = false;
    const host = box.current!;
    const width = () => Math.max(200, host.clientWidth);
    void import('./uplot').then(({ draw }) => {
      if (gone) return;
      chart = draw(host, {
        width: width(), height: 220,
        times: points.map((p) => Date.parse(p.at) / 1000),
        series: CRITERIA.map((c) => ({ label: word('criterion', c), colour: colours[c], dash: dashes[c]!, values: points.map((p) => p.score[c] * 100) })),
        percent: (v) => percent(v / 100, 2),
        date: (s) => day(new Date(s * 1000).toISOString()),
        moment: (s) => time(new Date(s * 1000).toISOString()),
      });
    });
    const watch = new ResizeObserver(() => chart?.setSize({ width: width(), height: 220 }));
    watch.observe(host);
    return () => {
      gone = true;
      watch.disconnect();
      chart?.destroy();
      host.replaceChildren();
    };
  }, [key, lang]);
  return (
    <figure class="chart">
      <ul class="legend">{CRITERIA.map((c) => <li key={c} class={`c-${c}`}><svg width="28" height="8" aria-hidden="true"><line x1="0" x2="28" y1="4" y2="4" stroke={colours[c]} stroke-width="3" stroke-dasharray={dashes[c]!.join(' ')} /></svg><span class="ink">{word('criterion', c)}</span></li>)}</ul>
      <div ref={box} class="chart-box" role="img" aria-label={label} />
      <details class="govuk-details">
        <summary class="govuk-details__summary"><span class="govuk-details__summary-text">{t('chart.as_table')}</span></summary>
        <div class="govuk-details__text scroll">
          <Grid caption={label} rows={points} id={(p, i) => `${p.at}${i}`}
            columns={[
              { key: 'at', label: t('run.finished'), cell: (p) => time(p.at) },
              ...CRITERIA.map((c) => ({ key: c, label: word('criterion', c), num: true, cell: (p: Point) => percent(p.score[c], 2) })),
            ]} />
        </div>
      </details>
    </figure>
  );
}

/** The country's scores after each run: every source counts with its latest score so far. */
export function combine(pages: SourcePage[]): Point[] {
  const steps = pages.flatMap((p) => p.trend.map((x) => ({ source: p.source, at: x.finished_at, score: x.score, rows: x.rows_read }))).filter((s) => s.at && s.score);
  steps.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  const latest = new Map<string, { score: Score; rows: number }>();
  return steps.map((step) => {
    latest.set(step.source, { score: step.score, rows: Math.max(1, step.rows) });
    let rows = 0;
    const score = { correct: 0, complete: 0, clean: 0, live: 0 };
    for (const one of latest.values()) rows += one.rows;
    for (const one of latest.values()) for (const c of CRITERIA) score[c] += (one.score[c] * one.rows) / rows;
    return { at: step.at, score };
  });
}

/** Closed until asked for: it takes every source's page, and the chart's code. */
export function ScoreTrend({ sources }: { sources: Source[] }) {
  const [open, setOpen] = useState(localStorage.getItem('ndc_trend') === 'open');
  return (
    <details class="govuk-details" open={open} onToggle={(e) => { setOpen(e.currentTarget.open); localStorage.setItem('ndc_trend', e.currentTarget.open ? 'open' : 'closed'); }}>
      <summary class="govuk-details__summary"><span class="govuk-details__summary-text">{t('overview.trend')}</span></summary>
      {open && <div class="govuk-details__text"><CountryTrend sources={sources} /></div>}
    </details>
  );
}

function CountryTrend({ sources }: { sources: Source[] }) {
  const [points, setPoints] = useState<Point[]>();
  const key = sources.map((s) => `${s.source}:${s.last_run?.run ?? ''}`).join(' ');
  useEffect(() => {
    const abort = new AbortController();
    Promise.all(sources.filter((s) => s.last_run).map((s) => call<SourcePage>(`/api/registry/sources/${encodeURIComponent(s.source)}`, { signal: abort.signal })))
      .then((pages) => setPoints(combine(pages)), () => {});
    return () => abort.abort();
  }, [key]);
  if (!points) return <div class="chart-space" />;
  if (points.length < 2) return <p class="muted">{t('overview.trend_later', { n: num(points.length) })}</p>;
  return <ScoreChart points={points} label={t('overview.trend')} />;
}

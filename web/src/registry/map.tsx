// The country by coverage and quality: one measure, one colour scale, and the same as a table.
import { useState } from 'preact/hooks';
import { num, percent } from '../core/format';
import { useApi } from '../core/hooks';
import { getLang, shortTitle, t, title, word } from '../core/i18n';
import { useQuery } from '../core/router';
import { CRITERIA, type Score, type Source } from '../core/types';
import { Bar, Empty, Grid, Loaded, Page, SelectField } from '../core/ui';
import outlines from '../map/outlines.json';

interface Province { code: string; name?: string | { vi: string; en: string }; people: number; records: number; coverage: Record<string, number>; score: Score | null }

// Light to dark, apart in lightness alone, so that it is read without colour too.
const SCALE = ['#e4efe9', '#b9dccb', '#86c3ae', '#4fa392', '#217f74', '#0a5c55', '#053c38'];
const NONE = '#f6f6f4';

/** Limits of the classes: equal shares of the provinces, so that small differences show. */
function limits(values: number[]): number[] {
  const sorted = [...values].sort((a, b) => a - b);
  if (!sorted.length) return [];
  const at: number[] = [];
  for (let i = 1; i < SCALE.length; i++) {
    const v = sorted[Math.floor((i * sorted.length) / SCALE.length)]!;
    if (v > sorted[0]! && v !== at[at.length - 1]) at.push(v);
  }
  return at;
}

export default function MapPage() {
  const [param, setParam] = useQuery();
  const map = useApi<{ provinces: Province[] }>('/api/registry/map');
  const sources = useApi<{ sources: Source[] }>('/api/registry/sources');
  const [over, setOver] = useState('');
  const measure = param('measure') || 'people';
  const source = param('source');
  const isCoverage = measure === 'coverage';
  const share = measure !== 'people' && measure !== 'records';
  const names = new Map(outlines.provinces.map((p) => [p.code, getLang() === 'vi' ? p.vi : p.en]));
  const read = (p: Province): number | null => {
    if (measure === 'people') return p.people;
    if (measure === 'records') return p.records;
    if (isCoverage) {
      if (source) return p.coverage[source] ?? null;
      const all = Object.values(p.coverage);
      return all.length ? all.reduce((a, b) => a + b, 0) / all.length : null;
    }
    return p.score ? p.score[measure as keyof Score] : null;
  };
  const show = (v: number | null) => (v === null ? '–' : share ? percent(v, 1) : num(v));
  const measures = [
    { value: 'people', text: t('map.people') }, { value: 'records', text: t('map.records') }, { value: 'coverage', text: t('map.coverage') },
    ...CRITERIA.map((c) => ({ value: c, text: t('map.score', { criterion: word('criterion', c) }) })),
  ];
  return (
    <Page title={t('map.title')} lead={t('map.lead')}>
      <div class="filters">
        <SelectField label={t('map.measure')} value={measure} onValue={(m) => setParam({ measure: m }, true)} options={measures} />
        {isCoverage && <SelectField label={t('source.source')} value={source} onValue={(s) => setParam({ source: s }, true)} options={[{ value: '', text: t('map.all_sources') }, ...(sources.data?.sources ?? []).map((s) => ({ value: s.source, text: shortTitle(s.title) }))]} />}
      </div>
      <Loaded of={map} lines={14}>
        {(data) => {
          if (!data.provinces.length) return <div class="card"><Empty title={t('map.none')}><p>{t('map.none_detail')}</p></Empty></div>;
          const byCode = new Map(data.provinces.map((p) => [p.code, p]));
          // A record without a known province has no place on the map, only in the table.
          const values = data.provinces.filter((p) => names.has(p.code)).map(read).filter((v): v is number => v !== null);
          const at = limits(values);
          const least = Math.min(...values);
          const step = (v: number) => at.filter((limit) => v >= limit).length;
          const colour = (v: number | null) => (v === null ? NONE : SCALE[Math.round((step(v) * (SCALE.length - 1)) / Math.max(1, at.length))]!);
          const rows = [...data.provinces].sort((a, b) => (read(b) ?? -1) - (read(a) ?? -1));
          const most = Math.max(...values, 0);
          const label = measures.find((m) => m.value === measure)!.text;
          const hovered = byCode.get(over);
          return (
            <div class="map-page">
              <section class="card" aria-labelledby="map-heading">
                <h2 id="map-heading">{label}{isCoverage && source && sources.data ? `: ${title(sources.data.sources.find((s) => s.source === source)?.title)}` : ''}</h2>
                <p class="map-now" aria-hidden="true">{hovered ? <><strong>{names.get(over)}</strong> {show(read(hovered))}</> : <span class="muted">{t('map.point')}</span>}</p>
                <svg viewBox={`0 0 ${outlines.width} ${outlines.height}`} class="map" role="group" aria-label={t('map.label')} onMouseLeave={() => setOver('')}>
                  {outlines.provinces.map((o) => {
                    const p = byCode.get(o.code);
                    const v = p ? read(p) : null;
                    return (
                      <g key={o.code} class={over === o.code ? 'province over' : 'province'} role="img" tabindex={0} aria-label={`${names.get(o.code)}: ${show(v)}`} fill={colour(v)} onMouseEnter={() => setOver(o.code)} onFocus={() => setOver(o.code)} onBlur={() => setOver('')}>
                        <path d={o.d} />
                        {o.dots.map(([x, y]) => <circle key={`${x} ${y}`} cx={x} cy={y} r={o.code === '48' || o.code === '56' ? 5 : 3} />)}
                      </g>
                    );
                  })}
                  <text x="790" y="668" text-anchor="middle" class="sea long">{t('map.hoang_sa')}</text>
                  <text x="790" y="690" text-anchor="middle" class="sea short" aria-hidden="true">Hoàng Sa</text>
                  <text x="962" y="950" text-anchor="middle" class="sea long">{t('map.truong_sa')}</text>
                  <text x="985" y="940" text-anchor="middle" class="sea short" aria-hidden="true">Trường Sa</text>
                </svg>
                <ul class="legend scale" aria-label={t('map.legend')}>
                  {[least, ...at].map((from, i) => <li key={i}><svg width="22" height="14" aria-hidden="true"><rect width="22" height="14" fill={colour(from)} stroke="#8b9a97" /></svg>{i < at.length ? t('map.from_to', { from: show(from), to: show(at[i]!) }) : t('map.from', { from: show(from) })}</li>)}
                  {values.length < outlines.provinces.length && <li><svg width="22" height="14" aria-hidden="true"><rect width="22" height="14" fill={NONE} stroke="#8b9a97" /></svg>{t('map.no_value')}</li>}
                </ul>
              </section>
              <section class="card tight" aria-label={t('map.table')}>
                <Grid caption={t('map.table')} showCaption rows={rows} id={(p) => p.code} marked={(p) => p.code === over}
                  rowProps={(p) => ({ onMouseEnter: () => setOver(p.code), onMouseLeave: () => setOver('') })}
                  columns={[
                    { key: 'name', label: t('search.province'), cell: (p) => names.get(p.code) ?? (title(p.name) || (p.code === '00' ? t('map.unknown') : p.code)) },
                    { key: 'value', label, cell: (p) => { const v = read(p); return <span class="score"><Bar share={v === null || !most ? 0 : share ? v : v / most} /><span class="v">{show(v)}</span></span>; } },
                    ...(measure === 'people' ? [] : [{ key: 'people', label: t('overview.people'), num: true, cell: (p: Province) => num(p.people) }]),
                  ]} />
              </section>
            </div>
          );
        }}
      </Loaded>
    </Page>
  );
}
